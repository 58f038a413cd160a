/* Direct boot of Multiboot 1 kernels: modules, the information structure, machine state.
 *
 * Multiboot Specification 0.6.96, sections 3.2 and 3.3. */
#include "bios/multiboot.h"
#include "bios/file.h"
#include "bios/private.h"
#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

enum { MODULES = 64, BOOT_MAGIC = 0x2BADB002, HEAD_BYTES = 1 << 16 };

enum {
    INFO_MEMORY = 1, INFO_BOOT_DEVICE = 2, INFO_COMMAND = 4, INFO_MODULES = 8, INFO_MAP = 64,
    INFO_LOADER_NAME = 512, INFO_FRAMEBUFFER = 4096,
};

struct module {
    struct file file;
    char *string; /* file name and arguments */
};

struct multiboot_image {
    struct file kernel;
    char *command;
    struct multiboot_plan plan;
    unsigned modules;
    struct module module[MODULES];
};

void multiboot_free(struct multiboot_image *image)
{
    if (!image)
        return;
    file_close(&image->kernel);
    for (unsigned i = 0; i < image->modules; i++) {
        file_close(&image->module[i].file);
        free(image->module[i].string);
    }
    free(image->command);
    free(image);
}

/* ---- opening ---- */

/* One of LIST's elements: up to a comma, two commas standing for one. */
static char *next_element(const char **list)
{
    char *text = malloc(strlen(*list) + 1), *out = text;
    const char *p = *list;

    if (!text)
        return NULL;
    while (*p && (*p != ',' || p[1] == ',')) {
        p += *p == ',';
        *out++ = *p++;
    }
    *out = 0;
    *list = *p ? p + 1 : NULL;
    return text;
}

static bool open_modules(struct multiboot_image *image, const char *list, struct error *err)
{
    while (list) {
        struct module *m = &image->module[image->modules];
        char *space;
        bool ok;

        if (image->modules == MODULES)
            return error_set(err, "-initrd names more than %d modules", MODULES);
        m->file.fd = -1;
        m->string = next_element(&list);
        if (!m->string)
            return error_set(err, "out of memory for the modules");
        image->modules++;
        space = strchr(m->string, ' ');
        if (space)
            *space = 0;
        ok = file_open(&m->file, m->string, "module", err);
        if (space)
            *space = ' ';
        if (!ok)
            return false;
    }
    return true;
}

static uint32_t page_up(uint64_t v)
{
    return (v + 0xFFF) & ~0xFFFull;
}

/* Modules stand above the kernel, on pages of their own; then comes the information. */
static uint64_t modules_end(const struct multiboot_image *image)
{
    uint64_t at = image->plan.end < 0x100000 ? 0x100000 : page_up(image->plan.end);

    for (unsigned i = 0; i < image->modules; i++)
        at = (at + image->module[i].file.size + 0xFFF) & ~0xFFFull;
    return at;
}

static bool open_all(struct bios *b, struct multiboot_image *image, const struct boot_kernel *k,
                     struct error *err)
{
    uint8_t *head;
    uint64_t bytes;
    bool ok;

    if (!file_open(&image->kernel, k->kernel, "kernel", err))
        return false;
    bytes = image->kernel.size < HEAD_BYTES ? image->kernel.size : HEAD_BYTES;
    head = malloc(bytes);
    if (!head)
        return error_set(err, "out of memory for the kernel");
    ok = file_read(&image->kernel, 0, head, bytes) ||
         error_set(err, "cannot read the kernel '%s'", k->kernel);
    ok = ok && multiboot_parse(&image->plan, head, bytes, image->kernel.size, bios_kernel_top(b),
                               k->kernel, err);
    free(head);
    if (!ok || !open_modules(image, k->initrd && *k->initrd ? k->initrd : NULL, err))
        return false;
    if (modules_end(image) + 0x100000 > bios_kernel_top(b))
        return error_set(err, "the kernel '%s' and its modules do not fit into the memory; give "
                              "more with -m", k->kernel);
    return true;
}

bool bios_boot_multiboot(struct bios *b, const struct boot_kernel *k, struct error *err)
{
    struct multiboot_image *image = calloc(1, sizeof *image);
    const char *append = k->append ? k->append : "";
    size_t room = strlen(k->kernel) + strlen(append) + 2;

    if (!image)
        return error_set(err, "out of memory for the kernel");
    image->kernel.fd = -1;
    image->command = malloc(room);
    if (!image->command || !open_all(b, image, k, err)) {
        multiboot_free(image);
        return false;
    }
    strcpy(image->command, k->kernel);
    if (*append)
        strcat(strcat(image->command, " "), append);
    multiboot_free(b->multiboot);
    b->multiboot = image;
    return !b->config.rom || bios_fw_kernel(b, err);
}

/* ---- loading ---- */

static bool load_parts(struct bios *b, const struct multiboot_image *image)
{
    for (unsigned i = 0; i < image->plan.parts; i++) {
        const struct multiboot_part *p = &image->plan.part[i];
        static const uint8_t zeros[4096];

        if (!file_load(&image->kernel, p->offset, p->file_bytes, b->phys, p->pa))
            return false;
        for (uint32_t at = p->file_bytes; at < p->mem;) {
            uint32_t n = p->mem - at < sizeof zeros ? p->mem - at : sizeof zeros;

            phys_write(b->phys, (uint64_t)p->pa + at, zeros, n);
            at += n;
        }
    }
    return true;
}

/* Data of the information structure, allocated upwards. */
struct info {
    struct phys *phys;
    uint32_t at;
};

static uint32_t add_data(struct info *i, const void *data, uint32_t len)
{
    uint32_t pa = i->at;

    phys_write(i->phys, pa, data, len);
    i->at = (pa + len + 3) & ~3u;
    return pa;
}

static uint32_t add_string(struct info *i, const char *text)
{
    return add_data(i, text, strlen(text) + 1);
}

static bool load_modules(struct bios *b, const struct multiboot_image *image, struct info *info,
                         uint32_t fields[29])
{
    uint32_t table[MODULES][4];
    uint64_t at = image->plan.end < 0x100000 ? 0x100000 : page_up(image->plan.end);

    for (unsigned i = 0; i < image->modules; i++) {
        const struct module *m = &image->module[i];

        if (!file_load(&m->file, 0, m->file.size, b->phys, at))
            return false;
        table[i][0] = at;
        table[i][1] = at + m->file.size;
        table[i][2] = add_string(info, m->string);
        table[i][3] = 0;
        at = page_up(at + m->file.size);
    }
    if (image->modules) {
        fields[0] |= INFO_MODULES;
        fields[5] = image->modules;
        fields[6] = add_data(info, table, image->modules * sizeof table[0]);
    }
    return true;
}

static void add_map(struct bios *b, struct info *info, uint32_t fields[29])
{
    struct map_entry map[MAP_ENTRIES];
    unsigned n = bios_memory_map(b, map);
    uint32_t raw[MAP_ENTRIES][6];

    for (unsigned i = 0; i < n; i++) {
        raw[i][0] = 20;
        raw[i][1] = map[i].base;
        raw[i][2] = map[i].base >> 32;
        raw[i][3] = map[i].length;
        raw[i][4] = map[i].length >> 32;
        raw[i][5] = map[i].type;
    }
    fields[0] |= INFO_MEMORY | INFO_MAP;
    fields[1] = 639;
    fields[2] = (bios_kernel_top(b) - 0x100000) / 1024;
    fields[11] = n * sizeof raw[0];
    fields[12] = add_data(info, raw, fields[11]);
}

/* The screen is in text mode: said in the fields of the frame buffer (offset 88). */
static void add_framebuffer(uint32_t fields[29])
{
    fields[0] |= INFO_FRAMEBUFFER;
    fields[22] = 0xB8000;
    fields[24] = 160;
    fields[25] = 80;
    fields[26] = 25;
    fields[27] = 16 | 2 << 8; /* bits a cell, EGA text */
}

/* Where the information goes: low memory, unless the kernel is there. */
static uint32_t info_place(const struct multiboot_image *image)
{
    enum { LOW = 0x90000 };
    uint64_t strings = strlen(image->command) + 4096;

    for (unsigned i = 0; i < image->plan.parts; i++) {
        const struct multiboot_part *p = &image->plan.part[i];

        if (p->pa < 0xA0000 && (uint64_t)p->pa + p->mem > LOW)
            return modules_end(image);
    }
    for (unsigned i = 0; i < image->modules; i++)
        strings += strlen(image->module[i].string) + 32;
    return strings > EBDA_BASE - LOW ? modules_end(image) : LOW;
}

/* Everything into memory, the information to PLACE; where that ends, or 0. */
static uint32_t load_all(struct bios *b, const struct multiboot_image *image, uint32_t place)
{
    uint32_t fields[29] = {0};
    struct info info = {b->phys, place + sizeof fields};

    if (!load_parts(b, image) || !load_modules(b, image, &info, fields))
        return 0;
    fields[0] |= INFO_COMMAND | INFO_LOADER_NAME;
    fields[4] = add_string(&info, image->command);
    fields[16] = add_string(&info, "ringer");
    add_map(b, &info, fields);
    add_framebuffer(fields);
    phys_write(b->phys, place, fields, sizeof fields);
    return info.at;
}

/* EAX, EBX and the entry in EDX; the ROM enters protected mode. */
bool multiboot_load(struct bios *b)
{
    const struct multiboot_image *image = b->multiboot;
    uint32_t place = info_place(image);

    if (!load_all(b, image, place)) {
        bios_print(b, "Boot failed: the kernel or its modules can no longer be read\n\n");
        return false;
    }
    b->cpu->gpr[EAX] = BOOT_MAGIC;
    b->cpu->gpr[EBX] = place;
    b->cpu->gpr[EDX] = image->plan.entry;
    return true;
}

/* ---- for foreign firmware ---- */

/* What SCRATCH has from FIRST to END, as items of fw_cfg. */
static bool offer_range(struct bios *b, struct phys *scratch, uint64_t first, uint64_t end,
                        uint16_t data, uint16_t address, uint16_t size)
{
    uint64_t len = end > first ? end - first : 0;
    uint8_t *bytes = malloc(len ? len : 1);

    if (!bytes)
        return false;
    phys_read(scratch, first, bytes, (uint32_t)len);
    fw_cfg_set(b->config.fw_cfg, data, bytes, (uint32_t)len);
    fw_cfg_set_number(b->config.fw_cfg, address, first, 4);
    fw_cfg_set_number(b->config.fw_cfg, size, len, 4);
    free(bytes);
    return true;
}

/* The image is laid out in a memory of its own, and then given away in three parts: what is below
 * 640 KiB, the rest with the modules, and the information, which the ROM finds by its item's
 * address. */
bool multiboot_offer(struct bios *b)
{
    enum { LOW_END = 0xA0000, HIGH = 0x100000 };
    const struct multiboot_image *image = b->multiboot;
    uint64_t low = LOW_END, low_end = 0, high = image->plan.end, modules = modules_end(image);
    struct bios copy = *b;
    uint32_t end;
    bool ok;

    for (unsigned i = 0; i < image->plan.parts; i++) {
        const struct multiboot_part *p = &image->plan.part[i];
        uint64_t part_end = (uint64_t)p->pa + p->mem;

        if (p->pa >= HIGH) {
            high = p->pa < high ? p->pa : high;
        } else if (p->mem) {
            low = p->pa < low ? p->pa : low;
            low_end = part_end > low_end ? part_end : low_end;
            high = part_end > HIGH ? HIGH : high;
        }
    }
    low_end = low_end > LOW_END ? LOW_END : low_end;
    copy.phys = phys_new(phys_ram_size(b->phys), b->log, NULL);
    if (!copy.phys)
        return false;
    end = load_all(&copy, image, (uint32_t)modules);
    ok = end &&
         offer_range(b, copy.phys, low, low_end, FW_CFG_SETUP_DATA, FW_CFG_SETUP_ADDR,
                     FW_CFG_SETUP_SIZE) &&
         offer_range(b, copy.phys, high, modules, FW_CFG_KERNEL_DATA, FW_CFG_KERNEL_ADDR,
                     FW_CFG_KERNEL_SIZE) &&
         offer_range(b, copy.phys, modules, end, FW_CFG_INITRD_DATA, FW_CFG_INITRD_ADDR,
                     FW_CFG_INITRD_SIZE);
    phys_free(copy.phys);
    fw_cfg_set_number(b->config.fw_cfg, FW_CFG_KERNEL_ENTRY, image->plan.entry, 4);
    return ok;
}
