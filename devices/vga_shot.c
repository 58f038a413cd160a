/* A shot: the VGA's registers and the visible part of its memory.
 *
 * What was written is known by page: the window at A0000h marks v->dirty, the linear frame buffer
 * (and the window, where it is plain memory) has phys's log: FRAME_LOGGED, a fault at the first
 * write since.
 * Dirty pages are compared and copied in blocks of 64 bytes, so that what is drawn again are the
 * scan lines whose bytes differ, and what is reported are the pixels that differ. */
#include "devices/vga_shot.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vga.h"

enum {
    BLOCK_SHIFT = 6,
    BLOCK = 1 << BLOCK_SHIFT,
    PAGE_BLOCKS = PAGE_SIZE / BLOCK,
    /* A page of the frame buffer that changed so often in a row is copied without log: the fault
     * costs more than the copy.  It goes back when it was seen unchanged so often. */
    HEAT_HOT = 6,
    HEAT_COLD = HEAT_HOT + 4,
    FONT_BYTES = 256 * 32,
    RECT_GAP = 8, /* unchanged lines that start another rectangle */
    ATTR_BLINK = 0x08,
    GFX_MISC_GRAPHICS = 0x01,
    CURSOR_OFF = 0x20,
};

/* The registers that the picture depends on, the cursor's place excepted. */
struct look {
    uint8_t misc, seq[3], gfx[2], attr[ATTR_COUNT], palette_on, crtc[CRTC_COUNT];
    uint8_t dac[768], dac_mask, rotated, awake;
    uint16_t dispi[DISPI_COUNT];
};

struct cursor {
    uint16_t at;
    uint8_t first, last;
    bool on;
};

struct vga_shot {
    struct vga *vga;
    struct vga view;  /* the copy; its memory is ours */
    struct look look; /* of VIEW */
    struct vga_record record; /* of the frame that is shown; count 0: nothing changed within it */
    uint32_t vram_bytes;
    uint32_t first, end;   /* visible pages */
    uint32_t lfb_base;     /* where the log was started, 0: nowhere */
    uint8_t *valid, *heat; /* by page */
    uint8_t *changed;      /* by block: not drawn yet */
    bool memory_changed;   /* some block is */
    uint8_t font[2 * FONT_BYTES];

    /* As drawn last. */
    struct look drawn;
    struct cursor cursor;
    bool drawn_before, blink_off;
    bool changes; /* it had some */
    unsigned width, height;
};

_Static_assert((int)VGA_BORDER_LINES == (int)VGA_RASTER_LINES, "a line for each there may be");

struct vga_shot *vga_shot_new(struct vga *v)
{
    struct vga_shot *s = calloc(1, sizeof(*s));
    uint32_t pages = v->vram_bytes >> PAGE_SHIFT;

    if (!s)
        return NULL;
    s->vga = v;
    s->vram_bytes = v->vram_bytes;
    s->view.vram = calloc(1, v->vram_bytes); /* untouched pages cost nothing */
    s->valid = calloc(pages, 1);
    s->heat = calloc(pages, 1);
    s->changed = calloc(pages, PAGE_BLOCKS);
    if (!s->view.vram || !s->valid || !s->heat || !s->changed) {
        vga_shot_free(s);
        return NULL;
    }
    return s;
}

void vga_shot_free(struct vga_shot *s)
{
    if (!s)
        return;
    free(s->view.vram);
    free(s->valid);
    free(s->heat);
    free(s->changed);
    free(s);
}

/* ---- taking ---- */

static void look_at(const struct vga *v, struct look *l)
{
    memset(l, 0, sizeof(*l)); /* padding is compared too */
    l->misc = v->misc;
    l->seq[0] = v->seq[SEQ_CLOCKING];
    l->seq[1] = v->seq[SEQ_CHAR_MAP];
    l->seq[2] = v->seq[SEQ_MEMORY_MODE];
    l->gfx[0] = v->gfx[GFX_MODE];
    l->gfx[1] = v->gfx[GFX_MISC];
    memcpy(l->attr, v->attr, sizeof(l->attr));
    l->palette_on = v->attr_index & 0x20;
    memcpy(l->crtc, v->crtc, sizeof(l->crtc));
    l->crtc[CRTC_CURSOR_START] = l->crtc[CRTC_CURSOR_END] = 0;
    l->crtc[CRTC_CURSOR_HIGH] = l->crtc[CRTC_CURSOR_LOW] = 0;
    memcpy(l->dac, v->dac, sizeof(l->dac));
    l->dac_mask = v->dac_mask;
    l->rotated = v->rotated;
    l->awake = vga_awake(v);
    memcpy(l->dispi, v->dispi, sizeof(l->dispi));
    l->dispi[DISPI_BANK] = 0;
}

/* What moves without a register being written. */
static struct cursor cursor_at(const struct vga *v, const struct vga_frame *f)
{
    return (struct cursor){f->cursor, v->crtc[CRTC_CURSOR_START] & 31,
                           v->crtc[CRTC_CURSOR_END] & 31, f->cursor_on};
}

static bool same_cursor(const struct cursor *a, const struct cursor *b)
{
    return a->at == b->at && a->first == b->first && a->last == b->last && a->on == b->on;
}

static bool text_mode(const struct vga *v)
{
    return !vga_dispi_on(v) && !(v->gfx[GFX_MISC] & GFX_MISC_GRAPHICS);
}

/* Has time moved the cursor's or the characters' blinking on? */
static bool blinked(const struct vga_shot *s, struct vga *view)
{
    struct vga_frame f;

    if (vga_dispi_on(view) || vga_blank(view))
        return false;
    vga_frame_get(view, &f);
    struct cursor c = cursor_at(view, &f);
    return (text_mode(view) && !same_cursor(&c, &s->cursor)) ||
           ((view->attr[ATTR_MODE] & ATTR_BLINK) && f.blink_off != s->blink_off);
}

static void visible_pages(const struct vga *v, uint32_t *first, uint32_t *end)
{
    uint32_t at, len, last, last_len;

    *first = 0;
    *end = VGA_LEGACY_BYTES >> PAGE_SHIFT;
    if (!vga_dispi_on(v))
        return;
    *end = v->vram_bytes >> PAGE_SHIFT;
    if (vga_dispi_span(v, 0, &at, &len) &&
        vga_dispi_span(v, v->dispi[DISPI_YRES] - 1u, &last, &last_len)) {
        *first = at >> PAGE_SHIFT;
        *end = (last + last_len + PAGE_SIZE - 1) >> PAGE_SHIFT;
    }
}

/* Copy what differs of PAGE; false when nothing does. */
static bool copy_page(struct vga_shot *s, uint32_t page)
{
    const uint8_t *from = s->vga->vram + ((size_t)page << PAGE_SHIFT);
    uint8_t *to = s->view.vram + ((size_t)page << PAGE_SHIFT);
    uint8_t *changed = s->changed + (size_t)page * PAGE_BLOCKS;
    bool any = false;

    for (unsigned i = 0; i < PAGE_BLOCKS; i++, from += BLOCK, to += BLOCK) {
        if (!memcmp(from, to, BLOCK))
            continue;
        memcpy(to, from, BLOCK);
        changed[i] = 1;
        any = true;
    }
    return any;
}

/* Was PAGE, where it is plain memory to the guest, not written since it was armed? */
static bool logged(const struct vga_shot *s, uint32_t page)
{
    const struct vga *v = s->vga;
    uint32_t frame = vga_direct_frame(v, page);

    return (!s->lfb_base ||
            phys_frame_flags(v->phys, (s->lfb_base >> PAGE_SHIFT) + page) & FRAME_LOGGED) &&
           (!frame || phys_frame_flags(v->phys, frame) & FRAME_LOGGED);
}

static void log_writes(const struct vga_shot *s, uint32_t page)
{
    uint32_t frame = vga_direct_frame(s->vga, page);

    if (s->lfb_base)
        phys_set_flag(s->vga->phys, (s->lfb_base >> PAGE_SHIFT) + page, FRAME_LOGGED);
    if (frame)
        phys_set_flag(s->vga->phys, frame, FRAME_LOGGED);
}

/* Log the next write to PAGE, unless that happens all the time. */
static void arm(struct vga_shot *s, uint32_t page, bool changed)
{
    uint8_t *heat = &s->heat[page];

    if (*heat < HEAT_HOT)
        *heat = changed ? *heat + 1 : 0;
    else
        *heat = changed ? HEAT_HOT : *heat + 1;
    if (*heat >= HEAT_COLD)
        *heat = 0;
    if (*heat < HEAT_HOT)
        log_writes(s, page);
}

static bool take_memory(struct vga_shot *s)
{
    struct vga *v = s->vga;
    uint32_t first, end, lfb = v->lfb_on ? v->lfb_base : 0;
    bool any = false;

    visible_pages(v, &first, &end);
    if (first != s->first || end != s->end || lfb != s->lfb_base) {
        s->first = first;
        s->end = end;
        s->lfb_base = lfb;
        memset(s->valid, 0, s->vram_bytes >> PAGE_SHIFT);
        memset(s->heat, 0, s->vram_bytes >> PAGE_SHIFT);
    }
    for (uint32_t page = first; page < end; page++) {
        bool quiet = logged(s, page);

        if (s->valid[page] && !v->dirty[page] && quiet)
            continue;
        v->dirty[page] = 0;
        s->valid[page] = 1;
        bool changed = copy_page(s, page);
        any |= changed;
        if (!quiet)
            arm(s, page, changed);
    }
    s->memory_changed |= any;
    return any;
}

static void take_record(struct vga_shot *s)
{
    const struct vga_record *r = vga_beam_record(s->vga);

    s->record.count = 0;
    if (r)
        memcpy(&s->record, r, offsetof(struct vga_record, change) + r->count * sizeof(r->change[0]));
}

bool vga_shot_take(struct vga_shot *s)
{
    uint8_t *vram = s->view.vram;

    s->view = *s->vga;
    s->view.clock = NULL;
    s->view.still_ns = vclock_now(s->vga->clock);
    s->view.vram = vram;
    look_at(&s->view, &s->look);
    take_record(s);
    bool memory = take_memory(s);
    return memory || s->record.count || s->changes || !s->drawn_before || memcmp(&s->look, &s->drawn, sizeof(s->look)) ||
           blinked(s, &s->view);
}

/* ---- drawing ---- */

void vga_shot_size(const struct vga_shot *s, unsigned *width, unsigned *height)
{
    vga_size((struct vga *)&s->view, width, height);
}

bool vga_shot_stretched(const struct vga_shot *s)
{
    return !vga_dispi_on(&s->view);
}

void vga_shot_border(const struct vga_shot *s, struct vga_border *b)
{
    const struct vga *v = &s->view;
    struct vga changing;
    unsigned same = 1;

    b->count = 1;
    b->above = b->below = 0;
    b->line[0] = vga_dispi_on(v) || vga_blank(v) ? 0 : vga_dac_color(v, v->attr[ATTR_OVERSCAN]);
    if (!s->record.count || vga_dispi_on(v) || vga_blank(v))
        return;
    changing = *v;
    b->count = vga_beam_border(&s->record, &changing, b->line);
    b->above = s->record.raster.above;
    b->below = s->record.raster.below;
    while (same < b->count && b->line[same] == b->line[0])
        same++;
    if (same == b->count)
        b->count = 1;
}

struct painter {
    struct vga_shot *s;
    struct vga_frame frame;
    struct cursor cursor; /* now; s->cursor is the one before */
    bool all, text, cursor_moved, blink_moved;
    /* The answer for the text row seen last. */
    bool known, answer;
    uint16_t counter;
    uint32_t *pixels;
    unsigned stride, width;
    struct vga_rect *rects;
    unsigned count;
};

static bool span_changed(const struct vga_shot *s, uint32_t at, uint32_t len)
{
    uint32_t first = at >> BLOCK_SHIFT, last = (at + len - 1) >> BLOCK_SHIFT;

    return memchr(s->changed + first, 1, last - first + 1) != NULL;
}

/* Is the cell at COUNTER, whose place is INDEX, another one than was drawn? */
static bool cell_changed(const struct painter *p, uint16_t counter, uint32_t index)
{
    const struct vga_shot *s = p->s;

    if (s->changed[index * 4 >> BLOCK_SHIFT])
        return true;
    if (!p->text)
        return false;
    if (p->cursor_moved && (counter == p->cursor.at || counter == s->cursor.at))
        return true;
    return p->blink_moved && (s->view.vram[index * 4 + 1] & 0x80);
}

static bool cells_changed(const struct painter *p, const struct vga_line *line)
{
    const struct vga *v = &p->s->view;
    const struct vga_scan *scan = &p->frame.scan;

    for (unsigned i = 0; i <= scan->chars; i += 1u << scan->counter_shift) {
        uint16_t counter = line->counter + (i >> scan->counter_shift);

        if (cell_changed(p, counter, vga_plane_index(v, vga_crtc_address(v, counter, line->row))))
            return true;
    }
    return false;
}

static bool line_wanted(void *opaque, unsigned y, const struct vga_line *line)
{
    struct painter *p = opaque;
    uint32_t at, len;

    if (p->all)
        return true;
    if (vga_dispi_on(&p->s->view)) /* what lies beyond the end goes round, or is black */
        return !vga_dispi_span(&p->s->view, y, &at, &len) || span_changed(p->s, at, len);
    if (!p->text)
        return cells_changed(p, line);
    if (!p->known || p->counter != line->counter) {
        p->known = true;
        p->counter = line->counter;
        p->answer = cells_changed(p, line);
    }
    return p->answer;
}

static void add_rect(struct painter *p, unsigned x, unsigned y, unsigned width)
{
    struct vga_rect *r = p->count ? &p->rects[p->count - 1] : NULL;

    if (!r || (y >= r->y + r->height + RECT_GAP && p->count < VGA_SHOT_RECTS)) {
        p->rects[p->count++] = (struct vga_rect){x, y, width, 1};
        return;
    }
    unsigned right = r->x + r->width > x + width ? r->x + r->width : x + width;
    r->x = r->x < x ? r->x : x;
    r->width = right - r->x;
    r->height = y + 1 - r->y;
}

static void take_line(void *opaque, unsigned y, const uint32_t *pixels)
{
    struct painter *p = opaque;
    uint32_t *out = p->pixels + (size_t)y * p->stride;
    unsigned from = 0, to = p->width;

    if (!p->all) {
        while (from < to && out[from] == pixels[from])
            from++;
        while (to > from && out[to - 1] == pixels[to - 1])
            to--;
        if (from == to)
            return;
    }
    memcpy(out + from, pixels + from, (to - from) * sizeof(*out));
    add_rect(p, from, y, to - from);
}

/* Glyphs lie among the cells: only a comparison tells whether it was a glyph that changed. */
static bool font_changed(struct vga_shot *s)
{
    uint8_t font[2 * FONT_BYTES];
    uint32_t maps[2];

    vga_font_maps(&s->view, maps);
    for (unsigned m = 0; m < 2; m++)
        for (uint32_t i = 0; i < FONT_BYTES; i++)
            font[m * FONT_BYTES + i] = vga_plane_dword(&s->view, maps[m] + i) >> 16;
    if (!memcmp(font, s->font, sizeof(font)))
        return false;
    memcpy(s->font, font, sizeof(font));
    return true;
}

static void paint(struct painter *p)
{
    struct vga_shot *s = p->s;
    const struct vga_sink sink = {p, line_wanted, take_line};

    if (vga_blank(&s->view)) {
        if (!p->all)
            return;
        for (unsigned y = 0; y < s->height; y++)
            memset(p->pixels + (size_t)y * p->stride, 0, s->width * sizeof(*p->pixels));
        p->rects[p->count++] = (struct vga_rect){0, 0, s->width, s->height};
        return;
    }
    vga_scan_out(&s->view, &p->frame, s->record.count ? &s->record : NULL, &sink);
}

void vga_shot_text(struct vga_shot *s, struct vga_text *out)
{
    vga_text(&s->view, out);
}

unsigned vga_shot_draw(struct vga_shot *s, bool all, uint32_t *pixels, unsigned stride,
                       struct vga_rect rects[VGA_SHOT_RECTS])
{
    struct painter p = {.s = s, .pixels = pixels, .stride = stride, .rects = rects};

    vga_shot_size(s, &s->width, &s->height);
    vga_frame_get(&s->view, &p.frame);
    p.width = s->width;
    p.text = text_mode(&s->view);
    p.cursor = cursor_at(&s->view, &p.frame);
    p.cursor_moved = !same_cursor(&p.cursor, &s->cursor);
    p.blink_moved = (s->view.attr[ATTR_MODE] & ATTR_BLINK) && p.frame.blink_off != s->blink_off;
    p.all = all || !s->drawn_before || s->record.count || s->changes || memcmp(&s->look, &s->drawn, sizeof(s->look)) ||
            (p.blink_moved && !p.text && !vga_dispi_on(&s->view));
    if (p.text && (p.all || s->memory_changed))
        p.all |= font_changed(s);
    paint(&p);
    if (s->memory_changed)
        memset(s->changed, 0, (size_t)(s->vram_bytes >> BLOCK_SHIFT));
    s->memory_changed = false;
    s->drawn = s->look;
    s->drawn_before = true;
    s->changes = s->record.count;
    s->cursor = p.cursor;
    s->blink_off = p.frame.blink_off;
    return p.count;
}
