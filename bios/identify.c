/* What kind of image is a file?  By its content and size, never by its name. */
#include "bios/bios.h"
#include "bios/linux.h"
#include "bios/multiboot.h"
#include "devices/image.h"
#include "ringer/error.h"

#include <elf.h>
#include <string.h>

enum { ISO_DESCRIPTOR = 32768 };

static bool is_linux(const uint8_t *head, size_t len)
{
    return len >= LINUX_HEADER_BYTES && head[510] == 0x55 && head[511] == 0xAA &&
           memcmp(head + 0x202, "HdrS", 4) == 0;
}

static bool is_cd(const struct image_peek *p)
{
    return p->bytes >= ISO_DESCRIPTOR + 2048 && p->len >= ISO_DESCRIPTOR + 6 &&
           memcmp(p->data + ISO_DESCRIPTOR + 1, "CD001", 5) == 0;
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

static enum image_kind unknown(const char *path, const struct image_peek *p, struct error *err)
{
    if (p->len >= SELFMAG && memcmp(p->data, ELFMAG, SELFMAG) == 0)
        error_set(err,
                  "'%s' is an ELF file without a Multiboot header; for Linux give the "
                  "bzImage, not vmlinux",
                  path);
    else
        error_set(err,
                  "'%s' (%llu bytes) is no floppy, disk, CD or kernel image that ringer "
                  "knows; say what it is with -fda, -hda or -kernel",
                  path, (unsigned long long)p->bytes);
    return IMAGE_UNKNOWN;
}

enum image_kind image_identify(const char *path, struct error *err)
{
    struct image_peek p = {.len = 0};
    struct geometry g;
    uint32_t offset, head;

    /* Not to be looked into: a server may serve one client and be gone. */
    if (image_is_nbd(path) || image_is_null(path))
        return IMAGE_DISK;
    if (!image_peek(path, &p, err))
        return IMAGE_UNKNOWN;
    head = p.len < MULTIBOOT_SEARCH ? p.len : MULTIBOOT_SEARCH;
    if (is_cd(&p))
        return IMAGE_CD;
    if (p.bytes % SECTOR_SIZE == 0 && floppy_geometry(p.bytes / SECTOR_SIZE, &g))
        return IMAGE_FLOPPY;
    if (p.raw && is_linux(p.data, head))
        return IMAGE_LINUX;
    /* Even if GRUB's Multiboot header follows the boot sector. */
    if (head >= 512 && p.data[510] == 0x55 && p.data[511] == 0xAA)
        return is_short_floppy(p.data, p.bytes) ? IMAGE_FLOPPY : IMAGE_DISK;
    if (p.raw && multiboot_find(p.data, head, &offset))
        return IMAGE_MULTIBOOT;
    if (p.disk) /* a blank one, most likely */
        return IMAGE_DISK;
    return unknown(path, &p, err);
}
