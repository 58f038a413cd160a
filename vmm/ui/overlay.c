#include "vmm/ui/overlay.h"

#include <stdio.h>
#include <string.h>

enum { MARGIN = 8, STACK_HEIGHT = 64, GRAPH_HEIGHT = 14, ROW = 32, COLUMN = 2 };
#define GROUND 0xd0101820u
#define EDGE   0xff8090a0u
#define WELL   0xff000000u
#define INK    0xffe8e8e8u
#define FAINT  0xff90a0b0u
#define CURVE  0xff40c0e0u

static const struct {
    const char *name, *label, *text;
    uint32_t colour;
} times[OVERLAY_TIMES] = {
    {"cpu_time", "guest", "guest", 0xff40c060u}, {"cpu_time", "vmm", "VMM", 0xffe08030u},
    {"cpu_time", "devices", "dev", 0xff4080e0u}, {"cpu_time", "timers", "timers", 0xffc050c0u},
    {"idle_time", NULL, "idle", 0xff303840u},
};

static const struct {
    const char *name, *text;
} rates[OVERLAY_RATES] = {
    {"enters", "entries into code"},
    {"blocks", "blocks translated"},
    {"invalidated", "blocks given up"},
    {"signals", "faults"},
    {"mmu_fills", "fills"},
    {"interrupts", "interrupts"},
    {"sensitive", "sensitive, by the VMM"},
    {"slow", "carried out by hand"},
};

static const char *const gauges[OVERLAY_GAUGES] = {"cache_occupancy", "windows_live", "mappings",
                                                   "mappings_limit"};

/* ---- counting ---- */

void overlay_count(void *opaque, const struct statistic *s)
{
    struct overlay_counts *c = opaque;

    if (!strcmp(s->name, "up_time"))
        c->up_ns = s->value;
    for (unsigned i = 0; i < OVERLAY_TIMES; i++)
        if (!strcmp(s->name, times[i].name) &&
            (!times[i].label || (s->label && !strcmp(s->label, times[i].label))))
            c->times[i] = s->value;
    for (unsigned i = 0; i < OVERLAY_RATES; i++)
        if (!s->label && !strcmp(s->name, rates[i].name))
            c->rates[i] = s->value;
    for (unsigned i = 0; i < OVERLAY_GAUGES; i++)
        if (!strcmp(s->name, gauges[i]))
            c->gauges[i] = s->value;
}

static float grown(uint64_t now, uint64_t before)
{
    return now > before ? (float)(now - before) : 0;
}

void overlay_add(struct overlay *o, const struct overlay_counts *now)
{
    float ns = grown(now->up_ns, o->last.up_ns);

    if (o->last.up_ns && ns > 0) {
        for (unsigned i = 0; i < OVERLAY_TIMES; i++) {
            float share = grown(now->times[i], o->last.times[i]) / ns;
            o->share[i][o->next] = share > 1 ? 1 : share; /* a sample may stand for more */
        }
        for (unsigned i = 0; i < OVERLAY_RATES; i++)
            o->rate[i][o->next] = grown(now->rates[i], o->last.rates[i]) / ns * 1e9f;
        o->next = (o->next + 1) % OVERLAY_POINTS;
        o->count += o->count < OVERLAY_POINTS;
    }
    o->last = *now;
}

/* ---- drawing ---- */

/* The place of the point that is drawn in column X, the newest at the right; false: none yet. */
static bool point(const struct overlay *o, unsigned x, unsigned *at)
{
    *at = (o->next + x) % OVERLAY_POINTS;
    return x >= OVERLAY_POINTS - o->count;
}

static unsigned newest(const struct overlay *o)
{
    return (o->next + OVERLAY_POINTS - 1) % OVERLAY_POINTS;
}

/* Where the time goes, the one on top of the other. */
static void draw_times(const struct overlay *o, struct canvas *c, int y)
{
    unsigned at;
    char text[32];

    for (unsigned i = 0, x = MARGIN; i < OVERLAY_TIMES; i++) {
        snprintf(text, sizeof text, "%s %.0f", times[i].text,
                 (double)(o->count ? o->share[i][newest(o)] * 100 : 0));
        canvas_fill(c, (int)x, y + 4, 5, 8, times[i].colour);
        x = (unsigned)canvas_text(c, (int)x + 7, y, text, INK) + 5;
    }
    y += CANVAS_ROW;
    canvas_fill(c, MARGIN, y, COLUMN * OVERLAY_POINTS, STACK_HEIGHT, WELL);
    for (unsigned x = 0; x < OVERLAY_POINTS; x++) {
        float sum = 0;
        int low = 0;
        if (!point(o, x, &at))
            continue;
        for (unsigned i = 0; i < OVERLAY_TIMES; i++) {
            sum += o->share[i][at];
            int high = (int)((sum > 1 ? 1 : sum) * STACK_HEIGHT + 0.5f);
            canvas_fill(c, MARGIN + COLUMN * (int)x, y + STACK_HEIGHT - high, COLUMN, high - low,
                        times[i].colour);
            low = high;
        }
    }
}

/* "1234", "56.7k", "8.9M" */
static void human(double n, char text[16])
{
    static const char units[] = " kMGT";
    unsigned u = 0;

    while (n >= 10000 && u < 4) {
        n /= 1000;
        u++;
    }
    snprintf(text, 16, u ? "%.1f%c/s" : "%.0f/s", n, units[u]);
}

/* A rate, to the scale of the highest that is seen. */
static void draw_rate(const struct overlay *o, struct canvas *c, unsigned i, int y)
{
    float most = 1;
    unsigned at;
    char text[16];

    human(o->count ? (double)o->rate[i][newest(o)] : 0, text);
    canvas_text(c, MARGIN, y, rates[i].text, FAINT);
    canvas_text(c, c->width - MARGIN - CANVAS_COLUMN * canvas_columns(text), y, text, INK);
    y += CANVAS_ROW;
    canvas_fill(c, MARGIN, y, COLUMN * OVERLAY_POINTS, GRAPH_HEIGHT, WELL);
    for (unsigned p = 0; p < OVERLAY_POINTS; p++)
        if (point(o, p, &at) && o->rate[i][at] > most)
            most = o->rate[i][at];
    for (unsigned x = 0; x < OVERLAY_POINTS; x++) {
        if (!point(o, x, &at))
            continue;
        int high = (int)(o->rate[i][at] / most * GRAPH_HEIGHT + 0.5f);
        canvas_fill(c, MARGIN + COLUMN * (int)x, y + GRAPH_HEIGHT - high, COLUMN, high, CURVE);
    }
}

void overlay_draw(const struct overlay *o, struct canvas *c)
{
    const uint64_t *g = o->last.gauges;
    char text[96];
    int y = 4;

    canvas_fill(c, 0, 0, c->width, c->height, GROUND);
    canvas_frame(c, 0, 0, c->width, c->height, EDGE);
    draw_times(o, c, y);
    y += CANVAS_ROW + STACK_HEIGHT + 4;
    for (unsigned i = 0; i < OVERLAY_RATES; i++, y += ROW)
        draw_rate(o, c, i, y);
    snprintf(text, sizeof text, "cache %llu%%  windows %llu  maps %llu/%llu",
             (unsigned long long)g[0], (unsigned long long)g[1], (unsigned long long)g[2],
             (unsigned long long)g[3]);
    canvas_text(c, MARGIN, y + 4, text, INK);
}
