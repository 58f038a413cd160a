/* INT 9 and INT 16h: the keyboard, by the flags and the buffer of the BIOS data area. */
#include "bios/keyboard.h"
#include "bios/keymap.h"
#include "bios/sercon.h"

enum { BDA_FLAGS = 0x17, BDA_FLAGS2 = 0x18, BDA_ALT_INPUT = 0x19, BDA_HEAD = 0x1A,
       BDA_TAIL = 0x1C, BDA_START = 0x80, BDA_END = 0x82, BDA_FLAGS3 = 0x96, BDA_LEDS = 0x97 };

/* 0040:0017 */
enum { RSHIFT = 1, LSHIFT = 2, CTRL = 4, ALT = 8, SCROLL = 16, NUM = 32, CAPS = 64, INSERT = 128 };
/* 0040:0018; the upper half is the lock keys held down */
enum { LCTRL = 1, LALT = 2, SYSRQ = 4, PAUSED = 8 };
/* 0040:0096 */
enum { LAST_E1 = 1, LAST_E0 = 2, RCTRL = 4, RALT = 8 };

static void bits(struct bios *b, unsigned offset, uint8_t mask, bool on)
{
    uint8_t v = bda8(b, offset);

    set_bda8(b, offset, on ? v | mask : v & ~mask);
}

/* ---- the buffer ---- */

static uint16_t buffer_next(struct bios *b, uint16_t at)
{
    at += 2;
    return at >= bda16(b, BDA_END) ? bda16(b, BDA_START) : at;
}

bool key_store(struct bios *b, uint16_t key)
{
    uint16_t tail = bda16(b, BDA_TAIL), next = buffer_next(b, tail);

    if (next == bda16(b, BDA_HEAD))
        return false;
    set_bda16(b, tail, key);
    set_bda16(b, BDA_TAIL, next);
    return true;
}

bool key_room(struct bios *b)
{
    return buffer_next(b, bda16(b, BDA_TAIL)) != bda16(b, BDA_HEAD);
}

static bool key_peek(struct bios *b, uint16_t *key)
{
    uint16_t head = bda16(b, BDA_HEAD);

    if (head == bda16(b, BDA_TAIL))
        return false;
    *key = bda16(b, head);
    return true;
}

static void key_drop(struct bios *b)
{
    set_bda16(b, BDA_HEAD, buffer_next(b, bda16(b, BDA_HEAD)));
}

/* ---- commands to the keyboard, its interrupt held off ---- */

/* Send COMMAND and ARGUMENT; scan codes that come between are taken in as if by INT 9. */
static bool keyboard_command(struct bios *b, uint8_t command, uint8_t argument)
{
    const uint8_t bytes[2] = {command, argument};
    uint8_t mode, scans[16];
    unsigned pending = 0;
    bool ok = true;

    if (in8(b, 0x64) & 1)
        scans[pending++] = in8(b, 0x60);
    if (!kbc_command(b, 0x20) || !kbc_read(b, &mode))
        return false;
    kbc_command(b, 0x60);
    kbc_write(b, mode & ~0x03);
    for (int i = 0; i < 2 && ok; i++) {
        uint8_t answer = 0;

        ok = kbc_write(b, bytes[i]) && kbc_read(b, &answer);
        while (ok && answer != 0xFA && answer != 0xFE && pending < sizeof scans) {
            scans[pending++] = answer;
            ok = kbc_read(b, &answer);
        }
        ok = ok && answer == 0xFA;
    }
    kbc_command(b, 0x60);
    kbc_write(b, mode);
    for (unsigned i = 0; i < pending; i++)
        keyboard_scan(b, scans[i]);
    return ok;
}

/* Lights follow the lock flags.  The low bits of 0040:0097 say what they show. */
static void update_leds(struct bios *b)
{
    uint8_t leds = bda8(b, BDA_FLAGS) >> 4 & 7, shown = bda8(b, BDA_LEDS);

    if ((shown & 7) == leds || shown & 0x40)
        return;
    set_bda8(b, BDA_LEDS, (shown & ~7) | leds | 0x40);
    keyboard_command(b, 0xED, leds);
    bits(b, BDA_LEDS, 0x40, false);
}

/* ---- INT 9 ---- */

static uint8_t shift_key(struct bios *b, uint8_t code, bool down, bool extended)
{
    switch (code) {
    case 0x2A:
        if (!extended) /* E0 2A comes with the grey keys and means nothing */
            bits(b, BDA_FLAGS, LSHIFT, down);
        break;
    case 0x36:
        if (!extended)
            bits(b, BDA_FLAGS, RSHIFT, down);
        break;
    case 0x1D:
        bits(b, extended ? BDA_FLAGS3 : BDA_FLAGS2, extended ? RCTRL : LCTRL, down);
        bits(b, BDA_FLAGS, CTRL, bda8(b, BDA_FLAGS2) & LCTRL || bda8(b, BDA_FLAGS3) & RCTRL);
        break;
    case 0x38:
        bits(b, extended ? BDA_FLAGS3 : BDA_FLAGS2, extended ? RALT : LALT, down);
        bits(b, BDA_FLAGS, ALT, bda8(b, BDA_FLAGS2) & LALT || bda8(b, BDA_FLAGS3) & RALT);
        if (!down && bda8(b, BDA_ALT_INPUT)) { /* a character by its number */
            uint8_t ch = bda8(b, BDA_ALT_INPUT);

            set_bda8(b, BDA_ALT_INPUT, 0);
            return key_store(b, ch) ? KEY_ACTION_STORED : KEY_ACTION_NONE;
        }
        break;
    }
    return KEY_ACTION_NONE;
}

/* A lock key toggles once until it is released. */
static void lock_key(struct bios *b, uint8_t mask, bool down)
{
    bool held = bda8(b, BDA_FLAGS2) & mask;

    if (down && !held)
        set_bda8(b, BDA_FLAGS, bda8(b, BDA_FLAGS) ^ mask);
    bits(b, BDA_FLAGS2, mask, down);
    update_leds(b);
}

static uint8_t break_key(struct bios *b)
{
    set_bda16(b, BDA_HEAD, bda16(b, BDA_START));
    set_bda16(b, BDA_TAIL, bda16(b, BDA_START));
    bits(b, 0x71, 0x80, true);
    key_store(b, 0);
    return KEY_ACTION_BREAK;
}

static uint8_t pause_key(struct bios *b)
{
    if (bda8(b, BDA_FLAGS2) & PAUSED)
        return KEY_ACTION_NONE;
    bits(b, BDA_FLAGS2, PAUSED, true);
    return KEY_ACTION_PAUSE;
}

static bool alt_digit(struct bios *b, uint8_t code)
{
    static const int8_t digits[] = {7, 8, 9, -1, 4, 5, 6, -1, 1, 2, 3, 0};

    if (code < 0x47 || code > 0x52 || digits[code - 0x47] < 0)
        return false;
    set_bda8(b, BDA_ALT_INPUT, bda8(b, BDA_ALT_INPUT) * 10 + digits[code - 0x47]);
    return true;
}

/* Combinations that are not characters.  KEY_ACTION_STORED: none of them. */
static uint8_t special_key(struct bios *b, uint8_t code, bool down, bool extended)
{
    uint8_t flags = bda8(b, BDA_FLAGS);

    switch (code) {
    case 0x3A:
        lock_key(b, CAPS, down);
        return KEY_ACTION_NONE;
    case 0x45:
        if (flags & CTRL && down)
            return pause_key(b);
        lock_key(b, NUM, down);
        return KEY_ACTION_NONE;
    case 0x46:
        if (flags & CTRL)
            return down ? break_key(b) : KEY_ACTION_NONE;
        lock_key(b, SCROLL, down);
        return KEY_ACTION_NONE;
    case 0x54:
        bits(b, BDA_FLAGS2, SYSRQ, down);
        return KEY_ACTION_SYSRQ + !down;
    case 0x37:
        if (extended && down && !(flags & CTRL))
            return KEY_ACTION_PRINT;
        if (extended && down)
            return key_store(b, 0x7200), KEY_ACTION_NONE;
        break;
    case 0x53:
        if (down && (flags & (CTRL | ALT)) == (CTRL | ALT)) {
            set_bda16(b, 0x72, 0x1234);
            return KEY_ACTION_RESET;
        }
        break;
    case 0x52:
        if (down && !(bda8(b, BDA_FLAGS2) & INSERT))
            set_bda8(b, BDA_FLAGS, flags ^ INSERT);
        bits(b, BDA_FLAGS2, INSERT, down);
        break;
    }
    return KEY_ACTION_STORED;
}

static uint8_t character_key(struct bios *b, uint8_t code, bool extended)
{
    uint8_t flags = bda8(b, BDA_FLAGS);
    struct keymap_state state = {.shift = flags & (LSHIFT | RSHIFT),
                                 .ctrl = flags & CTRL,
                                 .alt = flags & ALT,
                                 .caps = flags & CAPS,
                                 .num = flags & NUM,
                                 .extended = extended};
    uint16_t key;

    if (state.alt && !extended && alt_digit(b, code))
        return KEY_ACTION_NONE;
    key = keymap_find(code, &state);
    if (key == 0 && !(code == 0x03 && state.ctrl))
        return KEY_ACTION_NONE;
    return key_store(b, key) ? KEY_ACTION_STORED : KEY_ACTION_NONE;
}

uint8_t keyboard_scan(struct bios *b, uint8_t scan)
{
    uint8_t flags3 = bda8(b, BDA_FLAGS3), code = scan & 0x7F, action;
    bool extended = flags3 & LAST_E0, pause = flags3 & LAST_E1, down = !(scan & 0x80);

    if (scan == 0xE0 || scan == 0xE1) {
        bits(b, BDA_FLAGS3, scan == 0xE0 ? LAST_E0 : LAST_E1, true);
        return KEY_ACTION_NONE;
    }
    if (pause) { /* E1 1D 45, and the same released */
        if (code == 0x1D)
            return KEY_ACTION_NONE;
        bits(b, BDA_FLAGS3, LAST_E1, false);
        return code == 0x45 && down ? pause_key(b) : KEY_ACTION_NONE;
    }
    bits(b, BDA_FLAGS3, LAST_E0, false);
    if (scan == 0xFA || scan == 0xFE || scan == 0xEE || scan == 0x00 || scan == 0xFF)
        return KEY_ACTION_NONE;
    if (code == 0x2A || code == 0x36 || code == 0x1D || code == 0x38)
        return shift_key(b, code, down, extended);
    if (bda8(b, BDA_FLAGS2) & PAUSED && down) { /* any key ends the pause */
        bits(b, BDA_FLAGS2, PAUSED, false);
        return KEY_ACTION_NONE;
    }
    action = special_key(b, code, down, extended);
    if (action != KEY_ACTION_STORED)
        return action;
    return down ? character_key(b, code, extended) : KEY_ACTION_NONE;
}

void int09(struct bios *b)
{
    set_lo(b, EAX, keyboard_scan(b, reg_lo(b, EAX)));
}

/* ---- INT 16h ---- */

/* A key as the 84-key functions show it; false when they hide it. */
bool keyboard_old_key(uint16_t *key)
{
    uint8_t ch = *key, scan = *key >> 8;

    if (scan == 0xE0) { /* keypad Enter and slash */
        *key = ch == 0x2F ? 0x352F : 0x1C00 | ch;
        return true;
    }
    if (ch == 0xE0 && scan) {
        *key = scan << 8;
        return scan <= 0x84;
    }
    return !(ch == 0xF0 && scan) && scan <= 0x84;
}

static uint16_t new_key(uint16_t key)
{
    return (key & 0xFF) == 0xF0 && key >> 8 ? key & 0xFF00 : key;
}

/* The next key, those hidden from old functions thrown away; a ring whose pointers never meet is
 * not followed for ever. */
static bool next_key(struct bios *b, bool enhanced, uint16_t *key)
{
    sercon_poll(b);
    for (unsigned i = 0; i < 256 && key_peek(b, key); i++) {
        if (enhanced) {
            *key = new_key(*key);
            return true;
        }
        if (keyboard_old_key(key))
            return true;
        key_drop(b);
    }
    return false;
}

bool key_take(struct bios *b, uint16_t *key)
{
    if (!next_key(b, true, key))
        return false;
    key_drop(b);
    return true;
}

static void read_key(struct bios *b, bool enhanced)
{
    uint16_t key;

    if (!next_key(b, enhanced, &key)) {
        live_flag(b, FLAG_CF, true);
        return;
    }
    key_drop(b);
    set_reg16(b, EAX, key);
}

static void check_key(struct bios *b, bool enhanced)
{
    uint16_t key;
    bool any = next_key(b, enhanced, &key);

    if (any)
        set_reg16(b, EAX, key);
    frame_flag(b, FLAG_ZF, !any);
}

/* 12h: AH holds the keys of both sides and the locks held down. */
static void extended_flags(struct bios *b)
{
    uint8_t f2 = bda8(b, BDA_FLAGS2), f3 = bda8(b, BDA_FLAGS3);

    set_lo(b, EAX, bda8(b, BDA_FLAGS));
    set_hi(b, EAX, (f2 & 0x73) | (f2 & SYSRQ) << 5 | (f3 & (RCTRL | RALT)));
}

void int16(struct bios *b)
{
    uint8_t ah = reg_hi(b, EAX);

    switch (ah) {
    case 0x00:
    case 0x10:
        update_leds(b);
        read_key(b, ah == 0x10);
        break;
    case 0x01:
    case 0x11:
        update_leds(b);
        check_key(b, ah == 0x11);
        break;
    case 0x02:
        set_lo(b, EAX, bda8(b, BDA_FLAGS));
        break;
    case 0x03:
        if (reg_lo(b, EAX) == 5)
            keyboard_command(b, 0xF3, (reg_lo(b, EBX) & 0x1F) | (reg_hi(b, EBX) & 3) << 5);
        else if (reg_lo(b, EAX) == 0)
            keyboard_command(b, 0xF3, 0x20);
        break;
    case 0x05:
        set_lo(b, EAX, !key_store(b, reg16(b, ECX)));
        break;
    case 0x09: /* what there is: typematic setting, and 10h-12h */
        set_lo(b, EAX, 0x24);
        break;
    case 0x0A:
        set_reg16(b, EBX, 0x41AB);
        break;
    case 0x12:
        extended_flags(b);
        break;
    default:
        log_guest_error(b->log, "INT 16h: no function %02Xh", ah);
        break;
    }
}
