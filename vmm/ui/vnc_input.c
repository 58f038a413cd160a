/* What clients type and point at.
 *
 * A symbol is a character that the client's layout has made of its modifiers; the guest's layout
 * may need others for it, which are then pressed or let go around the key. */
#include "vmm/ui/vnc_private.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHIFT_L = 0x2a, SHIFT_R = 0x36, ALTGR = 0xe038, LED_NUM = 2, LED_CAPS = 4 };

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A client that sends without end waits, not the guest: 200 events in a tenth of a second. */
static void pace(struct vnc_input *in)
{
    enum { WINDOW_NS = 100000000, MOST = 200 };
    uint64_t now = now_ns();

    if (now - in->window_ns >= WINDOW_NS) {
        in->window_ns = now;
        in->events = 0;
    } else if (++in->events > MOST) {
        usleep((useconds_t)((WINDOW_NS - (now - in->window_ns)) / 1000));
    }
}

/* ---- keys ---- */

static void key(struct vnc_client *c, uint16_t code, bool down)
{
    if (code == SHIFT_L || code == SHIFT_R)
        c->in.shift[code == SHIFT_R] = down;
    if (code == ALTGR)
        c->in.altgr = down;
    input_key(c->in.input, code, down);
    if (c->server->options.key_delay_ms) /* the guest's queue has room for few */
        usleep(c->server->options.key_delay_ms * 1000);
}

struct modifiers {
    bool shift[2], altgr;
};

static void hold(struct vnc_client *c, const struct modifiers *m)
{
    if (c->in.shift[0] != m->shift[0])
        key(c, SHIFT_L, m->shift[0]);
    if (c->in.shift[1] != m->shift[1])
        key(c, SHIFT_R, m->shift[1]);
    if (c->in.altgr != m->altgr)
        key(c, ALTGR, m->altgr);
}

/* The modifiers for a character, when other ones are held. */
static struct modifiers needed(const struct vnc_input *in, unsigned wanted)
{
    struct modifiers m = {{in->shift[0], in->shift[1]}, (wanted & KEYSYM_ALTGR) != 0};

    if (!(wanted & KEYSYM_SHIFT))
        m.shift[0] = m.shift[1] = false;
    else if (!m.shift[0] && !m.shift[1])
        m.shift[0] = true;
    return m;
}

/* Ctrl and Alt make a character a command, whose Shift is the client's own. */
static bool commanding(const struct vnc_input *in)
{
    for (unsigned i = 0; i < in->held_count; i++) {
        uint16_t code = in->held[i].code;
        if (code == 0x1d || code == 0xe01d || code == 0x38 || code == 0xe05b || code == 0xe05c)
            return true;
    }
    return false;
}

static void press(struct vnc_client *c, uint32_t sym, const struct keysym_strokes *s, unsigned leds)
{
    struct vnc_input *in = &c->in;
    const struct modifiers before = {{in->shift[0], in->shift[1]}, in->altgr};
    uint16_t last = s->stroke[s->count - 1].code;

    for (unsigned i = 0; i < s->count; i++) {
        unsigned wanted = s->stroke[i].modifiers;
        if (s->letter && i == s->count - 1 && (leds & LED_CAPS))
            wanted ^= KEYSYM_SHIFT;
        if (s->character && !commanding(in)) {
            struct modifiers m = needed(in, wanted);
            hold(c, &m);
        }
        key(c, s->stroke[i].code, true);
        if (i < s->count - 1)
            key(c, s->stroke[i].code, false);
    }
    if (s->character)
        hold(c, &before);
    for (unsigned i = 0; i < in->held_count; i++)
        if (in->held[i].code == last) {
            in->held[i].sym = sym;
            return; /* it repeats */
        }
    if (in->held_count == VNC_HELD) {
        key(c, last, false);
        return;
    }
    in->held[in->held_count].sym = sym;
    in->held[in->held_count++].code = last;
}

static void let_go(struct vnc_client *c, unsigned i)
{
    uint16_t code = c->in.held[i].code;

    c->in.held[i] = c->in.held[--c->in.held_count];
    key(c, code, false);
}

void vnc_key_symbol(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
    struct vnc_client *c = cl->screen->screenData;
    struct vnc_input *in = &c->in;
    struct keysym_strokes s;
    unsigned leds = display_state(c->server->display).leds;

    pace(in);
    for (unsigned i = 0; !down && i < in->held_count; i++)
        if (in->held[i].sym == sym) {
            let_go(c, i);
            return;
        }
    if (!keysyms_find(c->server->keysyms, (uint32_t)sym, leds & LED_NUM, &s))
        return;
    if (down) {
        press(c, (uint32_t)sym, &s, leds);
        return;
    }
    for (unsigned i = 0; i < in->held_count; i++) /* 'A' was pressed, 'a' is let go */
        if (in->held[i].code == s.stroke[s.count - 1].code) {
            let_go(c, i);
            return;
        }
}

/* CODE: of set 1, with bit 7 for E0h before it; QEMU's numbers. */
void vnc_key_code(struct vnc_client *c, bool down, uint32_t code)
{
    uint16_t set1 = (uint16_t)(code & 0x80 ? 0xe000 | (code & 0x7f) : code);

    pace(&c->in);
    if (code == 0xc6)
        set1 = 0xe11d; /* Pause */
    if (code > 0xff || !(code & 0x7f))
        return;
    key(c, set1, down);
}

int vnc_leds(rfbScreenInfoPtr screen)
{
    struct vnc_client *c = screen->screenData;
    unsigned leds = display_state(c->server->display).leds;

    return (leds & 1 ? rfbKeyboardMaskScrollLock : 0) |
           (leds & LED_NUM ? rfbKeyboardMaskNumLock : 0) |
           (leds & LED_CAPS ? rfbKeyboardMaskCapsLock : 0);
}

/* ---- the pointer ---- */

/* VNC: 1 left, 2 middle, 4 right, 8 and 16 the wheel up and down. */
static unsigned wire_buttons(unsigned vnc)
{
    return (vnc & 1 ? BUTTON_LEFT : 0) | (vnc & 2 ? BUTTON_MIDDLE : 0) |
           (vnc & 4 ? BUTTON_RIGHT : 0);
}

static unsigned position(int at, unsigned size)
{
    if (at < 0 || size < 2)
        return 0;
    return (unsigned)at >= size ? INPUT_RANGE : (unsigned)at * INPUT_RANGE / (size - 1);
}

void vnc_pointer(int buttons, int x, int y, rfbClientPtr cl)
{
    struct vnc_client *c = cl->screen->screenData;
    struct vnc_input *in = &c->in;
    unsigned now = (unsigned)buttons, pressed = now & ~in->buttons;
    int dz = (pressed & 16 ? 1 : 0) - (pressed & 8 ? 1 : 0);
    int dx = in->moved ? x - in->x : 0, dy = in->moved ? y - in->y : 0;

    pace(in);
    if (in->relative && !in->absolute) {
        dx = x - 0x7fff;
        dy = y - 0x7fff;
    }
    if (display_state(c->server->display).absolute)
        input_place(in->input, position(x, c->width), position(y, c->height), dz,
                    wire_buttons(now));
    else if (dx || dy || dz || now != in->buttons)
        input_move(in->input, dx, dy, dz, wire_buttons(now));
    in->moved = true;
    in->x = x;
    in->y = y;
    in->buttons = now;
}
