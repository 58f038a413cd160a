/* What a terminal sends, as keys of INT 16h: characters, and the sequences of xterm, VT220 and
 * Linux's console for keys that have none. */
#include "bios/keymap.h"
#include "bios/sercon.h"

#include "devices/cp437.h"

#include <string.h>

enum { UART_LSR = 5, LSR_READY = 1, ESC = 0x1B, DEL = 0x7F, KEY_ESC = 0x011B, KEY_ENTER = 0x1C0D };
enum { KEY_BACKSPACE = 0x0E08, KEY_CTRL_AT = 0x0300 };
#define ESC_WAIT_NS 100000000u /* a lone Esc, after which nothing came */

/* Behind Esc; the words are those of the 101-key keyboard (INT 16h/10h). */
static const struct {
    const char *text;
    uint16_t key;
} sequences[] = {
    {"[A", 0x48E0},   {"[B", 0x50E0},   {"[C", 0x4DE0},   {"[D", 0x4BE0},   {"[H", 0x47E0},
    {"[F", 0x4FE0},   {"OA", 0x48E0},   {"OB", 0x50E0},   {"OC", 0x4DE0},   {"OD", 0x4BE0},
    {"OH", 0x47E0},   {"OF", 0x4FE0},   {"[1~", 0x47E0},  {"[2~", 0x52E0},  {"[3~", 0x53E0},
    {"[4~", 0x4FE0},  {"[5~", 0x49E0},  {"[6~", 0x51E0},  {"[7~", 0x47E0},  {"[8~", 0x4FE0},
    {"OP", 0x3B00},   {"OQ", 0x3C00},   {"OR", 0x3D00},   {"OS", 0x3E00},   {"[11~", 0x3B00},
    {"[12~", 0x3C00}, {"[13~", 0x3D00}, {"[14~", 0x3E00}, {"[15~", 0x3F00}, {"[17~", 0x4000},
    {"[18~", 0x4100}, {"[19~", 0x4200}, {"[20~", 0x4300}, {"[21~", 0x4400}, {"[23~", 0x8500},
    {"[24~", 0x8600}, {"[[A", 0x3B00},  {"[[B", 0x3C00},  {"[[C", 0x3D00},  {"[[D", 0x3E00},
    {"[[E", 0x3F00},  {"[Z", 0x0F00},
};

/* The scan code of the key in the main block that gives CH with that STATE; 0: none. */
static uint8_t scan_of(uint8_t ch, const struct keymap_state *state)
{
    for (uint8_t scan = 1; scan < 0x3A; scan++)
        if (scan != 0x37 && (keymap_find(scan, state) & 0xFF) == ch)
            return scan;
    return 0;
}

static void ascii(struct bios *b, uint8_t ch)
{
    static const struct keymap_state states[] = {{0}, {.shift = true}, {.ctrl = true}};
    uint8_t scan = 0;

    for (unsigned i = 0; ch && i < 3; i++)
        if ((scan = scan_of(ch, &states[i]))) {
            key_store(b, keymap_find(scan, &states[i]));
            return;
        }
    key_store(b, KEY_CTRL_AT);
}

/* Terminals send Esc before a character whose key was pressed with Alt. */
static void alt(struct bios *b, uint8_t ch)
{
    static const struct keymap_state plain = {0}, shift = {.shift = true}, with = {.alt = true};
    uint8_t scan = scan_of(ch, &plain);
    uint16_t key;

    scan = scan ? scan : scan_of(ch, &shift);
    key = scan ? keymap_find(scan, &with) : 0;
    if (key)
        key_store(b, key);
}

/* ---- sequences ---- */

/* What was gathered is no sequence, or none that goes on. */
static void end_escape(struct bios *b)
{
    struct bios_sercon *c = &b->sercon;

    if (c->escapes == 1)
        key_store(b, KEY_ESC);
    else if (c->escapes == 2)
        alt(b, c->escape[1]);
    c->escapes = 0;
}

static void escape(struct bios *b, uint8_t byte)
{
    struct bios_sercon *c = &b->sercon;
    bool more = false;

    c->escape[c->escapes++] = byte;
    for (unsigned i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        const char *text = sequences[i].text;

        if (strncmp(text, (const char *)c->escape + 1, c->escapes - 1u))
            continue;
        if (strlen(text) == c->escapes - 1u) {
            key_store(b, sequences[i].key);
            c->escapes = 0;
            return;
        }
        more = true;
    }
    /* Parameters of a key with Ctrl or Shift, say: the sequence goes on to its final byte. */
    more |= c->escape[1] == '[' && byte >= 0x20 && byte < 0x40;
    if (!more || c->escapes == sizeof c->escape)
        end_escape(b);
}

/* ---- UTF-8 ---- */

static void high(struct bios *b, uint8_t byte)
{
    struct bios_sercon *c = &b->sercon;
    int ch;

    if (byte >= 0xC0) {
        c->utf8_left = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
        c->utf8 = byte & (0x3F >> c->utf8_left);
    } else if (c->utf8_left) {
        c->utf8 = c->utf8 << 6 | (byte & 0x3F);
        ch = --c->utf8_left ? -1 : cp437_find(c->utf8);
        if (ch >= 0x80)
            key_store(b, (uint16_t)ch);
    }
}

/* ---- bytes ---- */

/* Line ends of files are Enter as well: one, whichever of the three they are. */
static void take(struct bios *b, uint8_t byte)
{
    struct bios_sercon *c = &b->sercon;
    bool after_cr = c->after_cr;

    c->after_cr = byte == '\r';
    if (c->escapes && byte != ESC)
        escape(b, byte);
    else if (byte == ESC) {
        end_escape(b);
        c->escape[0] = byte;
        c->escapes = 1;
        c->escape_until = vclock_now(b->clock) + ESC_WAIT_NS;
    } else if (byte >= 0x80)
        high(b, byte);
    else if (byte == '\r' || (byte == '\n' && !after_cr))
        key_store(b, KEY_ENTER);
    else if (byte == DEL)
        key_store(b, KEY_BACKSPACE);
    else if (byte != '\n')
        ascii(b, byte);
}

void sercon_poll(struct bios *b)
{
    struct bios_sercon *c = &b->sercon;

    if (!sercon_live(b))
        return;
    while (key_room(b) && in8(b, c->port + UART_LSR) & LSR_READY)
        take(b, in8(b, c->port));
    if (c->escapes && vclock_now(b->clock) >= c->escape_until && key_room(b))
        end_escape(b);
    sercon_show_cursor(b);
}
