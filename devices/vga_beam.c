/* Registers that change while the beam is on its way down: colour bars, split palettes, panning by
 * scan line.  The picture is drawn later and all at once; so the changes of a frame are recorded with
 * the scan line that is the first to show them, and drawn over the registers as they were at the top.
 * Changes in the vertical blanking are the next frame's, and need no record.  In the border's lines above
 * and below the picture it is the border's colour that counts.
 *
 * One frame with changes is no effect but a program that did not wait for the blanking, and its picture
 * is better without them; so they are drawn where a frame just before changed the same registers, too.
 *
 * Only the first VGA_CHANGES of a frame are kept.  What lies in memory is not recorded, nor is a change
 * within a line. */
#include "devices/vga.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS = 4 };

struct vga_beam_log {
    struct vga_record record[RECORDS]; /* count 0: none */
    unsigned newest;
};

struct vga_beam_log *vga_beam_new(void)
{
    return calloc(1, sizeof(struct vga_beam_log));
}

void vga_beam_free(struct vga_beam_log *log)
{
    free(log);
}

void vga_beam_forget(struct vga *v)
{
    for (unsigned i = 0; i < RECORDS; i++)
        v->beam->record[i].count = 0;
}

static void touch(struct vga_record *r, enum vga_bank bank, unsigned index)
{
    unsigned bit = bank == BANK_DAC ? index : 256 + bank * 32 + index;

    r->touched[bit / 64] |= 1ull << bit % 64;
}

static bool alike(const struct vga_record *a, const struct vga_record *b)
{
    uint64_t both = 0;

    for (size_t i = 0; i < sizeof(a->touched) / sizeof(a->touched[0]); i++)
        both |= a->touched[i] & b->touched[i];
    return both;
}

static void copy_registers(const struct vga *v, struct vga_top *top)
{
    memcpy(top->seq, v->seq, sizeof(top->seq));
    memcpy(top->gfx, v->gfx, sizeof(top->gfx));
    memcpy(top->attr, v->attr, sizeof(top->attr));
    memcpy(top->crtc, v->crtc, sizeof(top->crtc));
    memcpy(top->dac, v->dac, sizeof(top->dac));
    top->dac_mask = v->dac_mask;
}

/* Those that make the frame another one: with them the record is of no use. */
static bool reshapes(enum vga_bank bank, unsigned index)
{
    switch (bank) {
    case BANK_SEQ:
        return true;
    case BANK_CRTC:
        return index <= CRTC_OVERFLOW - 1 || (index >= CRTC_V_RETRACE_START &&
                                              index <= CRTC_V_DISPLAY_END);
    default:
        return false;
    }
}

/* Those that are looked at once a frame, and the cursor's. */
static bool waits(enum vga_bank bank, unsigned index)
{
    return bank == BANK_CRTC && index >= CRTC_CURSOR_START && index <= CRTC_CURSOR_LOW;
}

/* Does the border's colour depend on it? */
static bool border_shows(const struct vga *v, enum vga_bank bank, unsigned index)
{
    return (bank == BANK_ATTR && index == ATTR_OVERSCAN) || bank == BANK_DAC_MASK ||
           (bank == BANK_DAC && index == (v->attr[ATTR_OVERSCAN] & v->dac_mask));
}

/* Is a change that line LINE is the first to show to be kept?  What is for the picture only and comes
 * above it belongs to the registers at the top, if these are not kept yet (BEGUN). */
static bool kept(const struct vga_raster *r, unsigned line, bool begun, bool for_border)
{
    if (line >= r->above + r->lines)
        return for_border && line < r->above + r->lines + r->below;
    return for_border || begun || line > r->above;
}

void vga_beam_change(struct vga *v, enum vga_bank bank, unsigned index, const uint8_t *value)
{
    struct vga_record *r = &v->beam->record[v->beam->newest];
    struct vga_position at;

    if (waits(bank, index) || !vga_position_get(v, &at))
        return;
    if (reshapes(bank, index)) {
        vga_beam_forget(v);
        return;
    }
    bool begun = r->count && r->frame == at.frame;
    if (!kept(&at.raster, at.line + 1, begun, border_shows(v, bank, index)))
        return;
    if (!begun) {
        v->beam->newest = (v->beam->newest + 1) % RECORDS;
        r = &v->beam->record[v->beam->newest];
        r->frame = at.frame;
        r->raster = at.raster;
        r->count = 0;
        memset(r->touched, 0, sizeof(r->touched));
        copy_registers(v, &r->top);
    }
    touch(r, bank, index);
    if (r->count == VGA_CHANGES)
        return;
    struct vga_change *c = &r->change[r->count++];
    *c = (struct vga_change){.line = (uint16_t)(at.line + 1), .bank = bank, .index = (uint8_t)index};
    memcpy(c->value, value, bank == BANK_DAC ? 3 : 1);
}

static const struct vga_record *record_at(const struct vga_beam_log *log, unsigned age)
{
    return &log->record[(log->newest + RECORDS - age) % RECORDS];
}

/* Is R of a frame that was shown to its last line, and not long ago, when SHOWN is the last one? */
static bool recent(const struct vga_record *r, uint64_t shown)
{
    enum { FRAMES = 6 };

    return r->count && r->frame <= shown && shown - r->frame <= FRAMES;
}

/* The newest frame that has been shown to its last line.  A guest that does not get the host's
 * processor all the time misses frames, and parts of them; so one with far fewer changes than those
 * before is passed over. */
const struct vga_record *vga_beam_record(struct vga *v)
{
    const struct vga_record *newer = NULL, *r;
    struct vga_position at;
    unsigned most = 0, found = 0;

    if (!vga_position_get(v, &at))
        return NULL;
    unsigned end = at.raster.above + at.raster.lines + at.raster.below;
    uint64_t shown = at.line >= end ? at.frame : at.frame - 1;
    for (unsigned age = 0; age < RECORDS; age++) {
        r = record_at(v->beam, age);
        if (!recent(r, shown))
            continue;
        if (newer && !alike(newer, r))
            return NULL;
        newer = newer ? newer : r;
        found++;
        most = r->count > most ? r->count : most;
    }
    for (unsigned age = 0; age < RECORDS && found > 1; age++) {
        r = record_at(v->beam, age);
        if (recent(r, shown) && r->count >= most - most / 4)
            return r;
    }
    return NULL;
}

void vga_beam_top(const struct vga_record *r, struct vga *v)
{
    memcpy(v->seq, r->top.seq, sizeof(v->seq));
    memcpy(v->gfx, r->top.gfx, sizeof(v->gfx));
    memcpy(v->attr, r->top.attr, sizeof(v->attr));
    memcpy(v->crtc, r->top.crtc, sizeof(v->crtc));
    memcpy(v->dac, r->top.dac, sizeof(v->dac));
    v->dac_mask = r->top.dac_mask;
}

static void apply(const struct vga_change *c, struct vga *v)
{
    switch ((enum vga_bank)c->bank) {
    case BANK_SEQ:
        v->seq[c->index] = c->value[0];
        break;
    case BANK_GFX:
        v->gfx[c->index] = c->value[0];
        break;
    case BANK_ATTR:
        v->attr[c->index] = c->value[0];
        break;
    case BANK_CRTC:
        v->crtc[c->index] = c->value[0];
        break;
    case BANK_DAC:
        memcpy(&v->dac[c->index * 3], c->value, 3);
        break;
    case BANK_DAC_MASK:
        v->dac_mask = c->value[0];
        break;
    }
}

bool vga_beam_line(const struct vga_record *r, unsigned *next, unsigned y, struct vga *v)
{
    unsigned first = *next;

    while (*next < r->count && r->change[*next].line <= y)
        apply(&r->change[(*next)++], v);
    return *next != first;
}

unsigned vga_beam_border(const struct vga_record *r, struct vga *v, uint32_t *line)
{
    unsigned count = r->raster.above + r->raster.lines + r->raster.below, next = 0;

    vga_beam_top(r, v);
    for (unsigned y = 0; y < count; y++) {
        vga_beam_line(r, &next, y, v);
        line[y] = vga_dac_color(v, v->attr[ATTR_OVERSCAN]);
    }
    return count;
}
