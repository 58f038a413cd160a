/* The Bochs display interface: packed-pixel modes of any size behind an index and a data port,
 * 1CEh and 1CFh, with a banked window at A0000h and a linear frame buffer.  Interface version
 * B0C5h ("VBE DISPI" of the Bochs documentation, iodev/vbe). */
#include "devices/vga.h"

#include <string.h>

#include "ringer/log.h"

enum {
    ID_FIRST = 0xB0C0,
    ID_LAST = 0xB0C5,
    MAX_XRES = DISPI_MAX_XRES,
    MAX_YRES = 1600,
    MAX_BPP = 32,
    ENABLE_BITS = DISPI_ENABLED | DISPI_GETCAPS | DISPI_8BIT_DAC | DISPI_LFB | DISPI_NOCLEAR,
};

void vga_dispi_reset(struct vga *v)
{
    v->dispi_index = 0;
    memset(v->dispi, 0, sizeof(v->dispi));
    v->dispi[DISPI_ID] = ID_LAST;
    v->dispi[DISPI_BPP] = 8;
    v->dispi[DISPI_MEMORY_64K] = v->vram_bytes >> 16;
}

/* Bytes of WIDTH pixels; in 4-bit mode, of one plane. */
static uint32_t line_bytes(const struct vga *v, uint32_t width)
{
    unsigned bpp = v->dispi[DISPI_BPP];

    return bpp == 4 ? width / 8 : width * ((bpp + 7) / 8);
}

uint32_t vga_dispi_pitch(const struct vga *v)
{
    return line_bytes(v, v->dispi[DISPI_VIRT_WIDTH]);
}

/* Memory that lines are counted in: all of it, or one plane. */
static uint32_t line_memory(const struct vga *v)
{
    return v->dispi[DISPI_BPP] == 4 ? v->vram_bytes / 4 : v->vram_bytes;
}

/* A virtual width gives the height that memory has room for. */
static void set_virtual_width(struct vga *v, uint32_t width)
{
    uint32_t height;

    if (width > 0xFFF8)
        width = 0xFFF8;
    if (width < v->dispi[DISPI_XRES])
        width = v->dispi[DISPI_XRES];
    width = (width + 7) & ~7u;
    if (line_bytes(v, width) * v->dispi[DISPI_YRES] > line_memory(v))
        width = v->dispi[DISPI_XRES]; /* as the real one: what does not fit is not taken */
    v->dispi[DISPI_VIRT_WIDTH] = width;
    height = line_memory(v) / vga_dispi_pitch(v);
    v->dispi[DISPI_VIRT_HEIGHT] = height > 0xFFFF ? 0xFFFF : height;
}

/* Switch a mode on: sizes first get what they must have. */
static void enable(struct vga *v, bool clear)
{
    uint16_t *r = v->dispi;

    r[DISPI_XRES] = (r[DISPI_XRES] + 7) & ~7u;
    if (r[DISPI_XRES] < 8)
        r[DISPI_XRES] = 8;
    if (r[DISPI_YRES] < 1)
        r[DISPI_YRES] = 1;
    if (line_bytes(v, r[DISPI_XRES]) * r[DISPI_YRES] > line_memory(v))
        r[DISPI_YRES] = line_memory(v) / line_bytes(v, r[DISPI_XRES]);
    r[DISPI_X_OFFSET] = r[DISPI_Y_OFFSET] = r[DISPI_BANK] = 0;
    set_virtual_width(v, r[DISPI_XRES]);
    if (clear) {
        memset(v->vram, 0, v->vram_bytes);
        vga_mem_wrote(v, 0, v->vram_bytes);
    }
}

/* The DAC's registers keep their colours when their width changes. */
static void convert_dac(struct vga *v, bool to_8_bits)
{
    for (unsigned i = 0; i < sizeof(v->dac); i++)
        v->dac[i] = to_8_bits ? v->dac[i] << 2 : v->dac[i] >> 2;
}

static void write_enable(struct vga *v, uint16_t value)
{
    uint16_t old = v->dispi[DISPI_ENABLE];

    value &= ENABLE_BITS;
    if ((value ^ old) & DISPI_8BIT_DAC)
        convert_dac(v, value & DISPI_8BIT_DAC);
    v->dispi[DISPI_ENABLE] = value;
    vga_beam_forget(v);
    if ((value & DISPI_ENABLED) && !(old & DISPI_ENABLED))
        enable(v, !(value & DISPI_NOCLEAR));
    vga_mem_update(v);
}

static bool bpp_known(uint16_t bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Is what is shown within memory and within what a picture may be? */
static bool mode_fits(const struct vga *v)
{
    const uint16_t *r = v->dispi;
    uint32_t width = r[DISPI_VIRT_WIDTH];

    return r[DISPI_XRES] >= 8 && r[DISPI_XRES] % 8 == 0 && r[DISPI_YRES] && width % 8 == 0 &&
           width >= r[DISPI_XRES] && line_bytes(v, width) * r[DISPI_YRES] <= line_memory(v);
}

void vga_dispi_restored(struct vga *v)
{
    uint16_t *r = v->dispi;

    r[DISPI_MEMORY_64K] = v->vram_bytes >> 16;
    r[DISPI_ENABLE] &= ENABLE_BITS;
    if (r[DISPI_ID] < ID_FIRST || r[DISPI_ID] > ID_LAST || r[DISPI_XRES] > MAX_XRES ||
        r[DISPI_YRES] > MAX_YRES || !bpp_known(r[DISPI_BPP]) ||
        (uint32_t)r[DISPI_BANK] << 16 >= line_memory(v) || (vga_dispi_on(v) && !mode_fits(v)))
        vga_dispi_reset(v);
}

static void write_register(struct vga *v, uint16_t value)
{
    uint16_t *r = &v->dispi[v->dispi_index];
    bool on = vga_dispi_on(v);

    switch (v->dispi_index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            *r = value;
        break;
    case DISPI_XRES:
        if (!on && value <= MAX_XRES)
            *r = value;
        break;
    case DISPI_YRES:
        if (!on && value <= MAX_YRES)
            *r = value;
        break;
    case DISPI_BPP:
        if (value == 0)
            value = 8;
        if (!on && bpp_known(value))
            *r = value;
        break;
    case DISPI_ENABLE:
        write_enable(v, value);
        break;
    case DISPI_BANK:
        if ((uint32_t)value << 16 < line_memory(v) && *r != value) {
            *r = value;
            vga_mem_replaced(v);
            vga_direct_update(v);
        }
        break;
    case DISPI_VIRT_WIDTH:
        if (on)
            set_virtual_width(v, value);
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        *r = value;
        break;
    }
}

static uint16_t read_register(const struct vga *v)
{
    if (v->dispi_index >= DISPI_COUNT)
        return 0;
    if (v->dispi[DISPI_ENABLE] & DISPI_GETCAPS) {
        if (v->dispi_index == DISPI_XRES)
            return MAX_XRES;
        if (v->dispi_index == DISPI_YRES)
            return MAX_YRES;
        if (v->dispi_index == DISPI_BPP)
            return MAX_BPP;
    }
    return v->dispi[v->dispi_index];
}

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    const struct vga *v = dev;

    (void)size;
    return offset ? read_register(v) : v->dispi_index;
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct vga *v = dev;

    (void)size;
    if (!offset)
        v->dispi_index = value;
    else if (v->dispi_index < DISPI_COUNT)
        write_register(v, value);
    else
        log_guest_error(v->log, "vga: no DISPI register %u", v->dispi_index);
}

void vga_dispi_map(struct vga *v, struct bus *bus)
{
    static const struct io_ops ops = {port_read, port_write, 2};

    /* 1D0h is the data port too, for those who want it aligned. */
    bus_map(bus, "vga-dispi", DISPI_INDEX_PORT, 3, &ops, v);
}

/* ---- drawing ---- */

static uint32_t expand(uint32_t value, unsigned bits)
{
    value &= (1u << bits) - 1;
    return (value << (8 - bits)) | (value >> (2 * bits - 8));
}

/* One line of packed pixels: a loop for each depth, since this is most of a frame's work. */
static void packed_line(const uint32_t *color, const uint8_t *from, unsigned bpp, unsigned width,
                        uint32_t *out)
{
    uint32_t p;

    switch (bpp) {
    case 8:
        for (unsigned x = 0; x < width; x++)
            out[x] = color[from[x]];
        break;
    case 15:
        for (unsigned x = 0; x < width; x++, from += 2) {
            p = from[0] | from[1] << 8;
            out[x] = expand(p >> 10, 5) << 16 | expand(p >> 5, 5) << 8 | expand(p, 5);
        }
        break;
    case 16:
        for (unsigned x = 0; x < width; x++, from += 2) {
            p = from[0] | from[1] << 8;
            out[x] = expand(p >> 11, 5) << 16 | expand(p >> 5, 6) << 8 | expand(p, 5);
        }
        break;
    case 24:
        for (unsigned x = 0; x < width; x++, from += 3)
            out[x] = from[0] | from[1] << 8 | (uint32_t)from[2] << 16;
        break;
    default:
        for (unsigned x = 0; x < width; x++, from += 4)
            out[x] = from[0] | from[1] << 8 | (uint32_t)from[2] << 16;
        break;
    }
}

static void planar_line(const struct vga *v, const struct vga_frame *f, unsigned y, uint32_t *out)
{
    const uint16_t *r = v->dispi;
    const uint32_t *planes = (const uint32_t *)v->vram;
    uint32_t mask = v->vram_bytes / 4 - 1;
    uint32_t line = (r[DISPI_Y_OFFSET] + y) * vga_dispi_pitch(v);

    for (unsigned x = 0; x < r[DISPI_XRES]; x++) {
        uint32_t dot = r[DISPI_X_OFFSET] + x;
        uint32_t bits = planes[(line + dot / 8) & mask] >> (7 - dot % 8) & 0x01010101u;

        out[x] = f->palette[(bits | bits >> 7 | bits >> 14 | bits >> 21) & 15];
    }
}

bool vga_dispi_span(const struct vga *v, unsigned y, uint32_t *at, uint32_t *len)
{
    const uint16_t *r = v->dispi;
    unsigned bytes = (r[DISPI_BPP] + 7) / 8;
    uint64_t start = (uint64_t)(r[DISPI_Y_OFFSET] + y) * vga_dispi_pitch(v);

    if (r[DISPI_BPP] == 4) {
        start = (start + r[DISPI_X_OFFSET] / 8) * 4;
        *len = (r[DISPI_XRES] / 8 + 1) * 4;
    } else {
        start += (uint64_t)r[DISPI_X_OFFSET] * bytes;
        *len = r[DISPI_XRES] * bytes;
    }
    *at = start;
    return start + *len <= v->vram_bytes;
}

void vga_dispi_line(const struct vga *v, const struct vga_frame *f, unsigned y, uint32_t *out)
{
    unsigned bpp = v->dispi[DISPI_BPP], width = v->dispi[DISPI_XRES];
    uint32_t at, len;
    bool inside = vga_dispi_span(v, y, &at, &len);

    if (bpp == 4)
        planar_line(v, f, y, out); /* goes round at the end of a plane */
    else if (inside)
        packed_line(f->color, v->vram + at, bpp, width, out);
    else /* scrolled beyond the end of memory */
        memset(out, 0, width * sizeof(*out));
}
