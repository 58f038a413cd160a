/* The picture as the monitor gets it: the frame's scan lines, top to bottom, each made of dots by
 * vga_text.c or vga_graphics.c (IBM PS/2 Video Subsystem, "CRT Controller"). */
#include "devices/vga.h"

#include <string.h>

enum {
    ATTR_INDEX_PALETTE_ON = 0x20,
    ATTR_PAN_TOP_ONLY = 0x20,
    ATTR_8_BIT = 0x40,
    GFX_MISC_GRAPHICS = 0x01,
    CLOCKING_SCREEN_OFF = 0x20,
    MAX_SCAN_DOUBLE = 0x80,
    CURSOR_OFF = 0x20,
    CURSOR_PERIOD = 8, /* frames visible, frames not */
    BLINK_PERIOD = 16,
};

static void scan_size(const struct vga_scan *s, unsigned *width, unsigned *height)
{
    if (s->valid) {
        *width = s->chars * s->char_dots * s->dot_repeat;
        *height = s->lines;
    } else {
        *width = 720;
        *height = 400;
    }
}

void vga_size(struct vga *v, unsigned *width, unsigned *height)
{
    struct vga_scan s;

    if (vga_dispi_on(v)) {
        *width = v->dispi[DISPI_XRES];
        *height = v->dispi[DISPI_YRES];
        return;
    }
    vga_scan_get(v, &s);
    scan_size(&s, width, height);
}

static void frame_colors(const struct vga *v, struct vga_frame *f)
{
    for (unsigned i = 0; i < 256; i++)
        f->color[i] = vga_dac_color(v, i);
    for (unsigned i = 0; i < 16; i++)
        f->palette[i] = vga_palette_color(v, i);
    for (unsigned i = 0; i < 16; i++)
        f->color16[i] = f->palette[i & v->attr[ATTR_PLANE_ENABLE]];
}

void vga_frame_get(struct vga *v, struct vga_frame *f)
{
    const uint8_t *crtc = v->crtc;
    uint64_t frame = vga_frame(v);

    vga_scan_get(v, &f->scan);
    frame_colors(v, f);
    f->blink_off = frame / BLINK_PERIOD % 2;
    f->cursor_on = !(crtc[CRTC_CURSOR_START] & CURSOR_OFF) && frame / CURSOR_PERIOD % 2 == 0;
    f->cursor = crtc[CRTC_CURSOR_HIGH] << 8 | crtc[CRTC_CURSOR_LOW];
    f->cursor += crtc[CRTC_CURSOR_END] >> 5 & 3; /* skew */
}

/* Dots to the left, from "horizontal pixel panning": in 9-dot modes 8 means none. */
static unsigned panning(const struct vga *v, const struct vga_scan *s)
{
    unsigned pan = v->attr[ATTR_PANNING];

    if (s->char_dots == 9)
        return pan >= 8 ? 0 : pan + 1;
    if (v->attr[ATTR_MODE] & ATTR_8_BIT)
        pan &= 6; /* in steps of a pixel, which is two dots */
    return pan & 7;
}

static void emit(const uint32_t *dots, unsigned count, unsigned repeat, uint32_t *out)
{
    if (repeat == 1) {
        memcpy(out, dots, count * sizeof(*out));
        return;
    }
    for (unsigned i = 0; i < count; i++)
        out[2 * i] = out[2 * i + 1] = dots[i];
}

/* The vertical state of the scan. */
struct scan_state {
    uint16_t row_start; /* counter at the row's first character */
    unsigned row;       /* row scan */
    unsigned pan, byte_pan;
    bool second; /* of a doubled scan line */
};

/* After scan line Y: the split to address 0 at line compare, else the next row scan. */
static void next_line(const struct vga *v, const struct vga_scan *s, unsigned y,
                      struct scan_state *state)
{
    uint8_t max_scan = v->crtc[CRTC_MAX_SCAN];
    bool compared = y / s->line_step == s->line_compare && (y + 1) % s->line_step == 0;

    if (compared) {
        state->row_start = 0;
        state->row = 0;
        state->second = false;
        if (v->attr[ATTR_MODE] & ATTR_PAN_TOP_ONLY)
            state->pan = state->byte_pan = 0;
        return;
    }
    if ((max_scan & MAX_SCAN_DOUBLE) && !state->second) {
        state->second = true;
        return;
    }
    state->second = false;
    if (state->row == (max_scan & 31u)) {
        state->row = 0;
        state->row_start += v->crtc[CRTC_OFFSET] * 2;
    } else {
        state->row = (state->row + 1) & 31;
    }
}

/* The registers have changed in the middle of the picture: what a frame derives from them. */
static void follow(const struct vga *v, struct vga_frame *f, struct scan_state *state)
{
    struct vga_scan now;

    frame_colors(v, f);
    vga_scan_get(v, &now);
    f->scan.line_compare = now.line_compare;
    f->scan.counter_shift = now.counter_shift;
    state->pan = panning(v, &f->scan);
}

/* The VGA's own modes. */
static void scan_out(struct vga *v, struct vga_frame *f, const struct vga_record *record,
                     const struct vga_sink *sink)
{
    const struct vga_scan *s = &f->scan;
    bool graphics = v->gfx[GFX_MISC] & GFX_MISC_GRAPHICS, fresh = false;
    unsigned count = s->chars * s->char_dots, next = 0;
    struct vga_line line;
    uint32_t pixels[2 * VGA_LINE_DOTS];
    struct scan_state state = {
        .row_start = v->crtc[CRTC_START_HIGH] << 8 | v->crtc[CRTC_START_LOW],
        .row = v->crtc[CRTC_PRESET_ROW] & 31,
        .pan = panning(v, s),
        .byte_pan = v->crtc[CRTC_PRESET_ROW] >> 5 & 3,
    };

    for (unsigned y = 0; y < s->lines; y++) {
        if (record && vga_beam_line(record, &next, y + record->raster.above, v)) {
            follow(v, f, &state);
            graphics = v->gfx[GFX_MISC] & GFX_MISC_GRAPHICS;
            fresh = false;
        }
        line.counter = state.row_start + state.byte_pan;
        line.row = state.row;
        if (!sink->wanted || sink->wanted(sink->opaque, y, &line)) {
            /* The second of two equal lines is there already. */
            if (!state.second || !fresh) {
                if (graphics)
                    vga_graphics_line(v, f, &line);
                else
                    vga_text_line(v, f, &line);
                emit(line.dots + state.pan, count, s->dot_repeat, pixels);
            }
            fresh = true;
            sink->line(sink->opaque, y, pixels);
        } else {
            fresh = false;
        }
        next_line(v, s, y, &state);
    }
}

static void scan_out_packed(struct vga *v, struct vga_frame *f, const struct vga_record *record,
                            const struct vga_sink *sink)
{
    struct vga_line line = {0};
    uint32_t pixels[DISPI_MAX_XRES];
    unsigned next = 0;

    for (unsigned y = 0; y < v->dispi[DISPI_YRES]; y++) {
        if (record && vga_beam_line(record, &next, y, v))
            frame_colors(v, f);
        if (sink->wanted && !sink->wanted(sink->opaque, y, &line))
            continue;
        vga_dispi_line(v, f, y, pixels);
        sink->line(sink->opaque, y, pixels);
    }
}

bool vga_blank(const struct vga *v)
{
    struct vga_scan s;

    if (!(v->attr_index & ATTR_INDEX_PALETTE_ON))
        return true;
    if (vga_dispi_on(v))
        return false;
    vga_scan_get(v, &s);
    return !s.valid || (v->seq[SEQ_CLOCKING] & CLOCKING_SCREEN_OFF);
}

void vga_scan_out(struct vga *v, const struct vga_frame *f, const struct vga_record *record,
                  const struct vga_sink *sink)
{
    struct vga_frame frame = *f;
    struct vga changing;

    if (record) {
        changing = *v;
        vga_beam_top(record, &changing);
        v = &changing;
        frame_colors(v, &frame);
    }
    if (vga_dispi_on(v))
        scan_out_packed(v, &frame, record, sink);
    else
        scan_out(v, &frame, record, sink);
}

/* ---- a whole picture at once ---- */

struct canvas {
    uint32_t *pixels;
    unsigned stride, width;
};

static void put_line(void *opaque, unsigned y, const uint32_t *pixels)
{
    const struct canvas *c = opaque;

    memcpy(c->pixels + (size_t)y * c->stride, pixels, c->width * sizeof(*pixels));
}

static void draw(struct vga *v, uint32_t *pixels, unsigned stride, bool steady)
{
    struct canvas canvas = {pixels, stride, 0};
    const struct vga_sink sink = {&canvas, NULL, put_line};
    struct vga_frame f;
    unsigned height;

    vga_size(v, &canvas.width, &height);
    if (vga_blank(v)) {
        for (unsigned y = 0; y < height; y++)
            memset(pixels + (size_t)y * stride, 0, canvas.width * sizeof(*pixels));
        return;
    }
    vga_frame_get(v, &f);
    if (steady) {
        f.blink_off = false;
        f.cursor_on = false;
    }
    vga_scan_out(v, &f, vga_beam_record(v), &sink);
}

void vga_draw(struct vga *v, uint32_t *pixels, unsigned stride)
{
    draw(v, pixels, stride, false);
}

void vga_draw_steady(struct vga *v, uint32_t *pixels, unsigned stride)
{
    draw(v, pixels, stride, true);
}
