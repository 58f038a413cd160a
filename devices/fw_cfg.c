/* fw_cfg (devices/fw_cfg.h).  Port 510h selects an item, port 511h reads it byte by byte; at 514h
 * and 518h, big-endian, the address of a descriptor is written whose transfer is carried out at
 * once.  Directory and descriptors are big-endian, numbers in items little-endian. */
#include "devices/fw_cfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "ringer/log.h"

enum {
    KEY_MASK = 0x3FFF,
    ID_TRADITIONAL = 1,
    ID_DMA = 2,
    DIR_HEADER = 4,
    DIR_ENTRY = 64,

    DMA_OFFSET = 4,
    DMA_ERROR = 1,
    DMA_READ = 2,
    DMA_SKIP = 4,
    DMA_SELECT = 8,
    DMA_WRITE = 16,
    DESCRIPTOR = 16,
};

struct item {
    uint8_t *data;
    uint32_t len;
};

struct file {
    char name[FW_CFG_NAME];
    struct item item;
};

struct fw_cfg {
    struct phys *phys;
    struct log *log;
    struct item item[2][FW_CFG_FILE_FIRST]; /* the common ones, the PC's */
    struct file file[FW_CFG_FILES];         /* by name */
    unsigned files;

    uint16_t key;
    uint32_t at; /* offset of the next byte */
    uint32_t dma_high;
};

/* ---- items ---- */

static void put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

static void store(struct item *i, const void *data, uint32_t len)
{
    free(i->data);
    i->data = device_alloc(len ? len : 1);
    i->len = len;
    if (len)
        memcpy(i->data, data, len);
}

/* NULL: nothing has this number. */
static const struct item *find(const struct fw_cfg *f, uint16_t key)
{
    unsigned n = key & KEY_MASK;

    if (n < FW_CFG_FILE_FIRST)
        return &f->item[key >> 15][n];
    n -= FW_CFG_FILE_FIRST;
    return !(key & FW_CFG_ARCH) && n < f->files ? &f->file[n].item : NULL;
}

void fw_cfg_set(struct fw_cfg *f, uint16_t key, const void *data, uint32_t len)
{
    if ((key & KEY_MASK) < FW_CFG_FILE_FIRST)
        store(&f->item[key >> 15][key & KEY_MASK], data, len);
}

void fw_cfg_set_number(struct fw_cfg *f, uint16_t key, uint64_t value, unsigned bytes)
{
    uint8_t data[8];

    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(value >> 8 * i);
    fw_cfg_set(f, key, data, bytes < sizeof data ? bytes : sizeof data);
}

static void make_directory(struct fw_cfg *f)
{
    uint8_t dir[DIR_HEADER + FW_CFG_FILES * DIR_ENTRY] = {0};

    put_be(dir, f->files, 4);
    for (unsigned i = 0; i < f->files; i++) {
        uint8_t *e = dir + DIR_HEADER + i * DIR_ENTRY;

        put_be(e, f->file[i].item.len, 4);
        put_be(e + 4, FW_CFG_FILE_FIRST + i, 2);
        memcpy(e + 8, f->file[i].name, FW_CFG_NAME);
    }
    fw_cfg_set(f, FW_CFG_FILE_DIR, dir, DIR_HEADER + f->files * DIR_ENTRY);
}

/* Where NAME stands or belongs. */
static unsigned place(const struct fw_cfg *f, const char *name, bool *there)
{
    unsigned n = 0;

    while (n < f->files && strcmp(f->file[n].name, name) < 0)
        n++;
    *there = n < f->files && !strcmp(f->file[n].name, name);
    return n;
}

bool fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, uint32_t len)
{
    bool there;
    unsigned n;

    if (!*name || strlen(name) >= FW_CFG_NAME)
        return false;
    n = place(f, name, &there);
    if (!there) {
        if (f->files == FW_CFG_FILES)
            return false;
        memmove(&f->file[n + 1], &f->file[n], (f->files - n) * sizeof f->file[0]);
        memset(&f->file[n], 0, sizeof f->file[n]);
        strcpy(f->file[n].name, name);
        f->files++;
    }
    store(&f->file[n].item, data, len);
    make_directory(f);
    return true;
}

bool fw_cfg_has_file(const struct fw_cfg *f, const char *name)
{
    bool there;

    place(f, name, &there);
    return there;
}

/* ---- reading ---- */

static void select_item(struct fw_cfg *f, uint16_t key)
{
    f->key = key;
    f->at = 0;
}

/* The bytes of the selected item that are left. */
static const uint8_t *rest(const struct fw_cfg *f, uint32_t *len)
{
    const struct item *i = find(f, f->key);

    *len = i && i->data && f->at < i->len ? i->len - f->at : 0;
    return *len ? i->data + f->at : NULL;
}

static uint8_t next_byte(struct fw_cfg *f)
{
    uint32_t left;
    const uint8_t *p = rest(f, &left);

    if (!left)
        return 0;
    f->at++;
    return *p;
}

/* ---- DMA ---- */

static bool is_ram(struct fw_cfg *f, uint64_t pa)
{
    return pa >> 32 == 0 && phys_frame(f->phys, (uint32_t)(pa >> PAGE_SHIFT), NULL) == PHYS_RAM;
}

/* LEN bytes of the item to PA, zeros behind its end; false where there is no RAM. */
static bool dma_read(struct fw_cfg *f, uint64_t pa, uint32_t len)
{
    static const uint8_t zeros[PAGE_SIZE];

    while (len) {
        uint32_t room = PAGE_SIZE - (uint32_t)(pa & (PAGE_SIZE - 1)), left;
        const uint8_t *from = rest(f, &left);
        uint32_t n = len < room ? len : room;

        if (!is_ram(f, pa))
            return false;
        if (left && n > left)
            n = left;
        phys_write(f->phys, pa, left ? from : zeros, n);
        f->at += left ? n : 0;
        pa += n;
        len -= n;
    }
    return true;
}

static void skip(struct fw_cfg *f, uint32_t len)
{
    uint32_t left;

    rest(f, &left);
    f->at += len < left ? len : left;
}

/* A descriptor: control, length, address.  Control becomes 0, or the error bit alone. */
static void dma_start(struct fw_cfg *f, uint64_t at)
{
    uint8_t d[DESCRIPTOR], result[4] = {0};
    uint32_t control, len;
    bool ok = true;

    if (!is_ram(f, at) || !is_ram(f, at + DESCRIPTOR - 1)) {
        log_guest_error(f->log, "fw_cfg: DMA descriptor at %llx, where there is no RAM",
                        (unsigned long long)at);
        return;
    }
    phys_read(f->phys, at, d, sizeof d);
    control = (uint32_t)get_be(d, 4);
    len = (uint32_t)get_be(d + 4, 4);
    if (control & DMA_SELECT)
        select_item(f, (uint16_t)(control >> 16));
    if (control & DMA_READ)
        ok = dma_read(f, get_be(d + 8, 8), len);
    else if (control & DMA_WRITE)
        ok = false; /* no item can be written */
    else if (control & DMA_SKIP)
        skip(f, len);
    put_be(result, ok ? 0 : DMA_ERROR, 4);
    phys_write(f->phys, at, result, sizeof result);
}

static uint32_t swap32(uint32_t v)
{
    return __builtin_bswap32(v);
}

/* ---- ports ---- */

static uint32_t fw_read(void *dev, uint16_t offset, unsigned size)
{
    static const char signature[8] = "QEMU CFG";
    struct fw_cfg *f = dev;
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        unsigned at = offset + i - DMA_OFFSET;
        uint8_t byte = offset < DMA_OFFSET ? next_byte(f) : at < 8 ? (uint8_t)signature[at] : 0;

        value |= (uint32_t)byte << 8 * i;
    }
    return value;
}

static void fw_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct fw_cfg *f = dev;

    if (offset == 0 && size == 2)
        select_item(f, (uint16_t)value);
    else if (offset == DMA_OFFSET && size == 4)
        f->dma_high = swap32(value);
    else if (offset == DMA_OFFSET + 4 && size == 4) {
        uint64_t at = (uint64_t)f->dma_high << 32 | swap32(value);

        f->dma_high = 0;
        dma_start(f, at);
    }
}

static const struct io_ops ops = {fw_read, fw_write, 4};

/* ---- life ---- */

static void fw_reset(void *dev)
{
    struct fw_cfg *f = dev;

    select_item(f, FW_CFG_SIGNATURE);
    f->dma_high = 0;
}

static void fw_free(void *dev)
{
    struct fw_cfg *f = dev;

    for (unsigned n = 0; n < FW_CFG_FILE_FIRST; n++) {
        free(f->item[0][n].data);
        free(f->item[1][n].data);
    }
    for (unsigned n = 0; n < f->files; n++)
        free(f->file[n].item.data);
    free(f);
}

static const struct field fields[] = {
    FIELD(struct fw_cfg, key),
    FIELD(struct fw_cfg, at),
    FIELD(struct fw_cfg, dma_high),
    FIELD_END,
};

static const struct device_class class = {
    .name = "fw_cfg",
    .fields = fields,
    .reset = fw_reset,
    .free = fw_free,
};

struct fw_cfg *fw_cfg_init(struct board *board)
{
    struct fw_cfg *f = device_alloc(sizeof *f);

    f->phys = board->phys;
    f->log = board->log;
    fw_cfg_set(f, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_set_number(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4);
    make_directory(f);
    bus_map(board->bus, "fw_cfg", FW_CFG_PORT, FW_CFG_PORTS, &ops, f);
    device_add(board->devices, &class, f);
    return f;
}
