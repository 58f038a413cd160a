/* What the CRTC scans, and when: everything derives from its registers, the dot clock and virtual
 * time (IBM PS/2 Video Subsystem, "CRT Controller"). */
#include "devices/vga.h"

enum {
    CLOCKING_8_DOTS = 0x01,
    CLOCKING_HALF = 0x08,
    MODE_ROW_SCAN_13 = 0x01, /* clear: row scan bit 0 replaces address bit 13 */
    MODE_ROW_SCAN_14 = 0x02, /* clear: row scan bit 1 replaces address bit 14 */
    MODE_HALF_LINES = 0x04,
    MODE_COUNT_BY_2 = 0x08,
    MODE_WRAP_15 = 0x20,
    MODE_BYTE = 0x40,
    MODE_RUN = 0x80,
    UNDERLINE_COUNT_BY_4 = 0x20,
    UNDERLINE_DWORD = 0x40,
};

/* A vertical value: its low byte, bit 8 and bit 9 from the overflow register. */
static unsigned vertical(const struct vga *v, unsigned reg, unsigned bit8, unsigned bit9)
{
    uint8_t overflow = v->crtc[CRTC_OVERFLOW];

    return v->crtc[reg] | (overflow >> bit8 & 1) << 8 | (overflow >> bit9 & 1) << 9;
}

void vga_scan_get(const struct vga *v, struct vga_scan *s)
{
    uint8_t overflow = v->crtc[CRTC_OVERFLOW], max_scan = v->crtc[CRTC_MAX_SCAN];

    s->chars = v->crtc[CRTC_H_DISPLAY_END] + 1;
    s->char_dots = v->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9;
    s->dot_repeat = v->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1;
    s->counter_shift = 0;
    if (v->crtc[CRTC_UNDERLINE] & UNDERLINE_COUNT_BY_4)
        s->counter_shift = 2;
    else if (v->crtc[CRTC_MODE] & MODE_COUNT_BY_2)
        s->counter_shift = 1;
    s->line_step = v->crtc[CRTC_MODE] & MODE_HALF_LINES ? 2 : 1;
    s->lines = (vertical(v, CRTC_V_DISPLAY_END, 1, 6) + 1) * s->line_step;
    s->line_compare =
        v->crtc[CRTC_LINE_COMPARE] | (overflow >> 4 & 1) << 8 | (max_scan >> 6 & 1) << 9;
    s->valid = (v->crtc[CRTC_MODE] & MODE_RUN) && s->chars >= 2 && s->lines >= 8;
}

/* What the display interface shows has no timing of its own: 60 frames a second, a twentieth of them
 * blanking. */
enum { DISPI_HZ = 60, DISPI_LINE_DOTS = 1000, DISPI_LINE_SHOWN = 800 };

static unsigned dispi_total(const struct vga *v)
{
    return v->dispi[DISPI_YRES] + v->dispi[DISPI_YRES] / 20u + 4;
}

/* "Start vertical blanking" to "end vertical blanking", of which the low eight bits are given. */
static void raster_get(const struct vga *v, const struct vga_scan *s, struct vga_raster *r)
{
    unsigned start = vertical(v, CRTC_V_BLANK_START, 3, 9), end;

    start = (start & 0x1FF) | (v->crtc[CRTC_MAX_SCAN] >> 5 & 1) << 9;
    end = start + (((v->crtc[CRTC_V_BLANK_END] - start - 1) & 0xFF) + 1);
    r->total = (vertical(v, CRTC_V_TOTAL, 0, 5) + 2) * s->line_step;
    r->lines = s->lines < r->total ? s->lines : r->total;
    start *= s->line_step;
    end *= s->line_step;
    start = start < r->lines ? r->lines : start > r->total ? r->total : start;
    end = end < start ? start : end > r->total ? r->total : end;
    r->below = start - r->lines;
    r->above = r->total - end;
}

/* Dots since power-on at the present dot clock, and the frame's shape in dots and lines. */
struct beam {
    uint64_t dots;
    uint32_t line_dots, lines;
};

static void beam_get(struct vga *v, struct beam *b)
{
    /* The third is the adapter's maker's choice: 132 columns of 8 dots want 40 MHz. */
    static const uint32_t clocks[4] = {25175000, 28322000, 40000000, 25175000};
    uint64_t now = v->clock ? vclock_now(v->clock) : v->still_ns, hz = clocks[v->misc >> 2 & 3];
    struct vga_scan s;

    if (vga_dispi_on(v))
        hz = (uint64_t)DISPI_HZ * DISPI_LINE_DOTS * dispi_total(v);
    b->dots = now / 1000000000 * hz + now % 1000000000 * hz / 1000000000;
    if (vga_dispi_on(v)) {
        b->line_dots = DISPI_LINE_DOTS;
        b->lines = dispi_total(v);
        return;
    }
    vga_scan_get(v, &s);
    if (!s.valid) { /* scans nothing: keep the pace of the text modes */
        b->line_dots = 900;
        b->lines = 449;
        return;
    }
    b->line_dots = (v->crtc[CRTC_H_TOTAL] + 5) * s.char_dots * s.dot_repeat;
    b->lines = (vertical(v, CRTC_V_TOTAL, 0, 5) + 2) * s.line_step;
}

uint64_t vga_frame(struct vga *v)
{
    struct beam b;

    beam_get(v, &b);
    return b.dots / ((uint64_t)b.line_dots * b.lines);
}

bool vga_position_get(struct vga *v, struct vga_position *at)
{
    struct vga_scan s;
    struct beam b;

    vga_scan_get(v, &s);
    if (vga_dispi_on(v))
        at->raster = (struct vga_raster){.lines = v->dispi[DISPI_YRES], .total = dispi_total(v)};
    else if (s.valid)
        raster_get(v, &s, &at->raster);
    else
        return false;
    beam_get(v, &b);
    uint64_t lines = b.dots / b.line_dots + at->raster.above;
    at->frame = lines / b.lines;
    at->line = (unsigned)(lines % b.lines);
    return true;
}

uint8_t vga_retrace_bits(struct vga *v)
{
    struct beam b;
    struct vga_scan s;
    uint32_t at, line, dot, start, end;

    beam_get(v, &b);
    vga_scan_get(v, &s);
    at = b.dots % ((uint64_t)b.line_dots * b.lines);
    line = at / b.line_dots;
    dot = at % b.line_dots;
    if (vga_dispi_on(v)) {
        start = v->dispi[DISPI_YRES];
        end = start + (b.lines - start) / 2;
        return (line > start && line <= end ? 8 : 0) |
               (line >= start || dot >= DISPI_LINE_SHOWN ? 1 : 0);
    }
    if (!s.valid)
        return line < 2 ? 9 : 0;
    line /= s.line_step;
    start = vertical(v, CRTC_V_RETRACE_START, 2, 7);
    /* The end is given by its low four bits. */
    end = start + (((v->crtc[CRTC_V_RETRACE_END] - start - 1) & 15) + 1);
    if (start * s.line_step >= b.lines) { /* never reached; let no guest wait for ever */
        end = b.lines / s.line_step;
        start = end - 1;
    }
    return (line >= start && line < end ? 8 : 0) |
           (line * s.line_step >= s.lines || dot >= s.chars * s.char_dots * s.dot_repeat ? 1 : 0);
}

/* "CRT controller addressing": byte, word and doubleword mode, and the row scan bits of the CGA
 * and Hercules layouts. */
uint32_t vga_crtc_address(const struct vga *v, uint32_t counter, unsigned row)
{
    uint8_t mode = v->crtc[CRTC_MODE];
    uint32_t address = counter & 0xFFFF;

    if (v->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD)
        address = address << 2 | address >> 14;
    else if (!(mode & MODE_BYTE))
        address = address << 1 | (address >> (mode & MODE_WRAP_15 ? 15 : 13) & 1);
    if (!(mode & MODE_ROW_SCAN_13))
        address = (address & ~0x2000u) | (row & 1) << 13;
    if (!(mode & MODE_ROW_SCAN_14))
        address = (address & ~0x4000u) | (row >> 1 & 1) << 14;
    return address & 0xFFFF;
}
