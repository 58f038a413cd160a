/* Linux boot protocol 2.00 to 2.15 and before: parsing and placing, without side effects.
 *
 * Offsets are those of Documentation/arch/x86/boot.rst, from the start of the file. */
#include "bios/linux.h"
#include "ringer/error.h"

#include <stdlib.h>
#include <string.h>

enum {
    SETUP_SECTS = 0x1F1, SYSSIZE = 0x1F4, VID_MODE = 0x1FA, BOOT_FLAG = 0x1FE, HEADER = 0x202,
    VERSION = 0x206, TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211, SETUP_MOVE_SIZE = 0x212,
    RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21C, HEAP_END_PTR = 0x224, CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22C, CMDLINE_SIZE = 0x238, PREF_ADDRESS = 0x258, INIT_SIZE = 0x260,
};

enum { LOADED_HIGH = 1, CAN_USE_HEAP = 0x80 };

/* The real-mode segment ends with the stack at E000h and the command line above it. */
enum { STACK = 0xE000, LOW_SEGMENT = 0x9000, HIGH_SEGMENT = 0x1000, COMMAND_ROOM = 0x1C00 };

static uint16_t get16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = v;
    p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

/* The fields that came with later protocols. */
static void later_fields(struct linux_header *h, const uint8_t *data)
{
    h->high = h->version >= 0x200 && data[LOADFLAGS] & LOADED_HIGH;
    h->initrd_max = 0x37FFFFFF;
    if (h->version >= 0x203)
        h->initrd_max = get32(data + INITRD_ADDR_MAX);
    h->command_max = 255;
    if (h->version >= 0x206 && get32(data + CMDLINE_SIZE) > 255)
        h->command_max = get32(data + CMDLINE_SIZE);
    if (h->command_max > COMMAND_ROOM - 1)
        h->command_max = COMMAND_ROOM - 1;
    if (h->version >= 0x20A) {
        uint64_t start = get32(data + PREF_ADDRESS) | (uint64_t)get32(data + PREF_ADDRESS + 4)
                                                          << 32;

        if (start < 0x100000000ull)
            h->needs_until = start + get32(data + INIT_SIZE);
    }
}

bool linux_parse(struct linux_header *h, const uint8_t *data, size_t len, uint64_t size,
                 const char *name, struct error *err)
{
    uint64_t declared;
    unsigned sectors;
    bool header;

    memset(h, 0, sizeof *h);
    if (len < LINUX_HEADER_BYTES || size < LINUX_HEADER_BYTES)
        return error_set(err, "'%s' is too short for a Linux kernel (%llu bytes)", name,
                         (unsigned long long)size);
    if (get16(data + BOOT_FLAG) != 0xAA55)
        return error_set(err, "'%s' is no Linux kernel image: the boot flag AA55h is missing "
                              "(give a bzImage, not vmlinux)", name);
    header = memcmp(data + HEADER, "HdrS", 4) == 0;
    if (header)
        h->version = get16(data + VERSION);
    if (header && h->version >> 8 != 2)
        return error_set(err, "'%s' has a corrupt header: boot protocol %u.%02u is not known", name,
                         h->version >> 8, h->version & 0xFF);
    sectors = data[SETUP_SECTS] ? data[SETUP_SECTS] : 4;
    h->setup_bytes = (sectors + 1) * 512;
    if (sectors > 64)
        return error_set(err, "'%s' has a corrupt header: %u setup sectors", name, sectors);
    if (h->setup_bytes >= size)
        return error_set(err, "'%s' is truncated: its setup code alone takes %u bytes, the file "
                              "has %llu", name, h->setup_bytes, (unsigned long long)size);
    h->kernel_bytes = size - h->setup_bytes;
    later_fields(h, data);
    declared = (uint64_t)get32(data + SYSSIZE) * 16;
    if (h->version < 0x204)
        declared = get16(data + SYSSIZE) * 16; /* the upper half was something else */
    if (h->version < 0x204 && h->high)
        declared = 0; /* and the lower did not suffice */
    if (!header && (declared == 0 || declared > h->kernel_bytes + 15))
        return error_set(err, "'%s' is no Linux kernel image: the signature HdrS is missing", name);
    if (declared > h->kernel_bytes + 15)
        return error_set(err, "'%s' is truncated: its header says %llu bytes, the file has %llu",
                         name, (unsigned long long)(declared + h->setup_bytes),
                         (unsigned long long)size);
    if (!h->high && h->kernel_bytes > 0x80000)
        h->kernel_bytes = declared ? declared : h->kernel_bytes;
    if (!h->high && h->kernel_bytes > 0x80000)
        return error_set(err, "'%s' has a corrupt header: %llu bytes cannot be loaded low", name,
                         (unsigned long long)h->kernel_bytes);
    return true;
}

bool linux_place(struct linux_layout *l, const struct linux_header *h, uint64_t initrd,
                 uint64_t ram_top, const char *name, struct error *err)
{
    uint64_t end, top;

    memset(l, 0, sizeof *l);
    l->kernel = h->high ? 0x100000 : 0x10000;
    l->segment = h->high && h->version >= 0x202 ? HIGH_SEGMENT : LOW_SEGMENT;
    l->stack = STACK;
    l->command = l->segment * 16u + STACK;
    end = h->high ? 0x100000 + h->kernel_bytes : 0x100000;
    if (h->needs_until > end)
        end = h->needs_until;
    if (end > ram_top)
        return error_set(err, "the kernel '%s' needs %llu MiB of memory; give more with -m", name,
                         (unsigned long long)((end >> 20) + 1));
    if (!initrd)
        return true;
    if (h->version < 0x200)
        return error_set(err, "the kernel '%s' is too old for an initrd", name);
    top = (uint64_t)h->initrd_max + 1 < ram_top ? (uint64_t)h->initrd_max + 1 : ram_top;
    if (initrd > top || ((top - initrd) & ~0xFFFull) < end)
        return error_set(err, "the initrd (%llu MiB) does not fit beside the kernel '%s' into the "
                              "memory; give more with -m",
                         (unsigned long long)((initrd + 0xFFFFF) >> 20), name);
    l->initrd = (top - initrd) & ~0xFFFull;
    return true;
}

int linux_vga_mode(const char *command)
{
    for (const char *at = command; (at = strstr(at, "vga=")); at += 4) {
        if (at != command && at[-1] != ' ')
            continue;
        at += 4;
        if (strncmp(at, "normal", 6) == 0)
            return 0xFFFF;
        if (strncmp(at, "ext", 3) == 0)
            return 0xFFFE;
        if (strncmp(at, "ask", 3) == 0)
            return 0xFFFD;
        return strtoul(at, NULL, 0) & 0xFFFF;
    }
    return -1;
}

void linux_patch(uint8_t *data, const struct linux_header *h, const struct linux_layout *l,
                 const char *command, uint64_t initrd)
{
    int vga = linux_vga_mode(command);

    if (vga >= 0)
        put16(data + VID_MODE, vga);
    if (h->version >= 0x200) {
        data[TYPE_OF_LOADER] = 0xFF; /* none with a number of its own */
        put32(data + RAMDISK_IMAGE, l->initrd);
        put32(data + RAMDISK_SIZE, initrd);
    }
    if (h->version >= 0x201) {
        put16(data + HEAP_END_PTR, l->stack - 0x200);
        data[LOADFLAGS] |= CAN_USE_HEAP;
    }
    if (h->version >= 0x202) {
        put32(data + CMD_LINE_PTR, l->command);
        return;
    }
    put16(data + 0x20, 0xA33F); /* the old way: magic, and offset in the segment 9000h */
    put16(data + 0x22, l->command - l->segment * 16u);
    if (h->version >= 0x200)
        put16(data + SETUP_MOVE_SIZE, l->command - l->segment * 16u + strlen(command) + 1);
}
