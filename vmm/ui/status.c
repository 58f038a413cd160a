#include "vmm/ui/status.h"

#include <stdio.h>
#include <string.h>

#define GROUND 0xff202830u
#define INK    0xffd0d8e0u
#define FAINT  0xff607080u
#define ABSENT 0xff384048u
#define LAMP   0xff40e060u
#define ALARM  0xffffc040u

enum { SECOND = 1000000000 };

bool status_update(struct status *s, const struct display_state *now)
{
    const struct display_state *last = &s->last;
    struct status next = *s;
    uint64_t passed = now->host_ns - last->host_ns;

    if (!last->host_ns || now->host_ns <= last->host_ns) {
        s->last = *now;
        return true;
    }
    next.load = (unsigned)((now->vcpu_ns - last->vcpu_ns) * 100 / passed);
    next.speed = (unsigned)(((now->guest_ns - last->guest_ns) * 100 + passed / 2) / passed);
    next.insns = (now->insns - last->insns) * SECOND / passed;
    next.floppy = now->floppy != last->floppy;
    next.disk = now->disk != last->disk;
    next.cd = now->cd != last->cd;
    next.stopped = now->stopped;
    next.leds = now->leds;
    next.last = *now;
    /* A jitter of a per cent is not worth a redraw. */
    if (next.load + 1 >= s->load && next.load <= s->load + 1)
        next.load = s->load;
    if (next.speed + 2 >= s->speed && next.speed <= s->speed + 2)
        next.speed = s->speed;
    bool differs = next.load != s->load || next.speed != s->speed || next.insns != s->insns ||
                   next.floppy != s->floppy || next.disk != s->disk || next.cd != s->cd ||
                   next.stopped != s->stopped || next.leds != s->leds;
    *s = next;
    return differs;
}

static void insns_text(char *out, size_t n, uint64_t insns)
{
    if (insns >= 10000000)
        snprintf(out, n, "%lluM tr/s", (unsigned long long)(insns / 1000000));
    else if (insns >= 10000)
        snprintf(out, n, "%lluk tr/s", (unsigned long long)(insns / 1000));
    else
        snprintf(out, n, "%llu tr/s", (unsigned long long)insns);
}

static uint32_t lamp_color(bool lit, bool absent)
{
    return absent ? ABSENT : lit ? LAMP : FAINT;
}

void status_draw(const struct status *s, struct canvas *c, const char *hint)
{
    const struct {
        const char *text;
        bool lit, absent;
    } lamps[] = {{"FD", s->floppy, false},
                 {"HD", s->disk, false},
                 {"CD", s->cd, false},
                 {"NET", false, true}, /* no machine has a network card */
                 {"Num", s->leds >> 1 & 1, false},
                 {"Caps", s->leds >> 2 & 1, false},
                 {"Scroll", s->leds & 1, false}};
    char text[64], insns[32];
    int x = 4;

    canvas_fill(c, 0, 0, c->width, c->height, GROUND);
    for (size_t i = 0; i < sizeof lamps / sizeof *lamps; i++)
        x = canvas_text(c, x, 1, lamps[i].text, lamp_color(lamps[i].lit, lamps[i].absent)) +
            CANVAS_COLUMN;
    x += CANVAS_COLUMN;
    if (s->stopped) {
        x = canvas_text(c, x, 1, "paused", ALARM);
    } else {
        insns_text(insns, sizeof insns, s->insns);
        snprintf(text, sizeof text, "CPU %3u %%  speed %u %%  %s", s->load, s->speed, insns);
        x = canvas_text(c, x, 1, text, INK);
    }
    if (s->recording)
        x = canvas_text(c, x + CANVAS_COLUMN, 1, "REC", ALARM);
    int left = c->width - CANVAS_COLUMN * canvas_columns(hint) - 4;
    if (left > x + CANVAS_COLUMN)
        canvas_text(c, left, 1, hint, FAINT);
}
