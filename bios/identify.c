/* What kind of image is a file?  By its content and size, never by its name. */
#include "bios/bios.h"
#include "bios/file.h"
#include "bios/linux.h"
#include "bios/multiboot.h"
#include "ringer/error.h"

#include <elf.h>
#include <string.h>

enum { ISO_DESCRIPTOR = 32768 };

static bool is_linux(const uint8_t *head, size_t len)
{
    return len >= LINUX_HEADER_BYTES && head[510] == 0x55 && head[511] == 0xAA &&
           memcmp(head + 0x202, "HdrS", 4) == 0;
}

static bool is_cd(const struct file *f)
{
    uint8_t id[6];

    return f->size >= ISO_DESCRIPTOR + 2048 && file_read(f, ISO_DESCRIPTOR, id, sizeof id) &&
           memcmp(id + 1, "CD001", 5) == 0;
}

/* Could the four entries at TABLE be partitions of a disk of SECTORS?  Boot code that has other
 * things there looks different. */
static bool is_partition_table(const uint8_t *table, uint64_t sectors)
{
    unsigned used = 0;

    for (const uint8_t *e = table; e < table + 64; e += 16) {
        uint32_t start, count;

        memcpy(&start, e + 8, 4);
        memcpy(&count, e + 12, 4);
        if (e[0] & 0x7F)
            return false;
        if (!e[4])
            continue;
        if (!start || !count || start >= sectors)
            return false;
        used++;
    }
    return used;
}

/* A boot sector without partitions on as much as a floppy holds. */
static bool is_short_floppy(const uint8_t *head, uint64_t bytes)
{
    enum { SECTORS_288 = 5760 };
    uint64_t sectors = (bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;

    return sectors <= SECTORS_288 && !is_partition_table(head + 446, sectors);
}

enum image_kind image_identify(const char *path, struct error *err)
{
    uint8_t head[MULTIBOOT_SEARCH] = {0};
    enum image_kind kind = IMAGE_UNKNOWN;
    struct geometry g;
    struct file f;
    uint32_t offset;
    size_t len;

    if (!file_open(&f, path, "image", err))
        return IMAGE_UNKNOWN;
    len = f.size < sizeof head ? f.size : sizeof head;
    if (!file_read(&f, 0, head, len))
        error_set(err, "cannot read the image '%s'", path);
    else if (is_cd(&f))
        kind = IMAGE_CD;
    else if (f.size % SECTOR_SIZE == 0 && floppy_geometry(f.size / SECTOR_SIZE, &g))
        kind = IMAGE_FLOPPY;
    else if (is_linux(head, len))
        kind = IMAGE_LINUX;
    else if (len >= 512 && head[510] == 0x55 && head[511] == 0xAA)
        kind = is_short_floppy(head, f.size) ? IMAGE_FLOPPY
                                             : IMAGE_DISK; /* even if GRUB's Multiboot header follows the boot sector */
    else if (multiboot_find(head, len, &offset))
        kind = IMAGE_MULTIBOOT;
    else if (len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        error_set(err, "'%s' is an ELF file without a Multiboot header; for Linux give the "
                       "bzImage, not vmlinux", path);
    else
        error_set(err, "'%s' (%llu bytes) is no floppy, disk, CD or kernel image that ringer "
                       "knows; say what it is with -fda, -hda or -kernel", path,
                  (unsigned long long)f.size);
    file_close(&f);
    return kind;
}
