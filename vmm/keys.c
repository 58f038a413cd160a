#include "vmm/keys.h"
#include <stdlib.h>
#include <string.h>

/* Names as QEMU's sendkey knows them; CHAR and SHIFTED are what the key types, 0: nothing.
 * Scan codes: "IBM PS/2 Hardware Interface Technical Reference", keyboard, set 1. */
/* clang-format off */
static const struct key {
    const char *name;
    uint16_t code;
    char plain, shifted;
} keys[] = {
    {"esc", 0x01, 27, 0},
    {"1", 0x02, '1', '!'}, {"2", 0x03, '2', '@'}, {"3", 0x04, '3', '#'}, {"4", 0x05, '4', '$'},
    {"5", 0x06, '5', '%'}, {"6", 0x07, '6', '^'}, {"7", 0x08, '7', '&'}, {"8", 0x09, '8', '*'},
    {"9", 0x0a, '9', '('}, {"0", 0x0b, '0', ')'},
    {"minus", 0x0c, '-', '_'}, {"equal", 0x0d, '=', '+'},
    {"backspace", 0x0e, 8, 0}, {"tab", 0x0f, 9, 0},
    {"q", 0x10, 'q', 'Q'}, {"w", 0x11, 'w', 'W'}, {"e", 0x12, 'e', 'E'}, {"r", 0x13, 'r', 'R'},
    {"t", 0x14, 't', 'T'}, {"y", 0x15, 'y', 'Y'}, {"u", 0x16, 'u', 'U'}, {"i", 0x17, 'i', 'I'},
    {"o", 0x18, 'o', 'O'}, {"p", 0x19, 'p', 'P'},
    {"bracket_left", 0x1a, '[', '{'}, {"bracket_right", 0x1b, ']', '}'},
    {"ret", 0x1c, 13, 0}, {"enter", 0x1c, 0, 0}, {"return", 0x1c, 0, 0},
    {"ctrl", 0x1d, 0, 0}, {"ctrl_l", 0x1d, 0, 0},
    {"a", 0x1e, 'a', 'A'}, {"s", 0x1f, 's', 'S'}, {"d", 0x20, 'd', 'D'}, {"f", 0x21, 'f', 'F'},
    {"g", 0x22, 'g', 'G'}, {"h", 0x23, 'h', 'H'}, {"j", 0x24, 'j', 'J'}, {"k", 0x25, 'k', 'K'},
    {"l", 0x26, 'l', 'L'},
    {"semicolon", 0x27, ';', ':'}, {"apostrophe", 0x28, '\'', '"'},
    {"grave_accent", 0x29, '`', '~'},
    {"shift", 0x2a, 0, 0}, {"shift_l", 0x2a, 0, 0}, {"backslash", 0x2b, '\\', '|'},
    {"z", 0x2c, 'z', 'Z'}, {"x", 0x2d, 'x', 'X'}, {"c", 0x2e, 'c', 'C'}, {"v", 0x2f, 'v', 'V'},
    {"b", 0x30, 'b', 'B'}, {"n", 0x31, 'n', 'N'}, {"m", 0x32, 'm', 'M'},
    {"comma", 0x33, ',', '<'}, {"dot", 0x34, '.', '>'}, {"slash", 0x35, '/', '?'},
    {"shift_r", 0x36, 0, 0}, {"kp_multiply", 0x37, 0, 0}, {"asterisk", 0x37, 0, 0},
    {"alt", 0x38, 0, 0}, {"alt_l", 0x38, 0, 0},
    {"spc", 0x39, ' ', 0}, {"space", 0x39, 0, 0},
    {"caps_lock", 0x3a, 0, 0},
    {"f1", 0x3b, 0, 0}, {"f2", 0x3c, 0, 0}, {"f3", 0x3d, 0, 0}, {"f4", 0x3e, 0, 0},
    {"f5", 0x3f, 0, 0}, {"f6", 0x40, 0, 0}, {"f7", 0x41, 0, 0}, {"f8", 0x42, 0, 0},
    {"f9", 0x43, 0, 0}, {"f10", 0x44, 0, 0}, {"f11", 0x57, 0, 0}, {"f12", 0x58, 0, 0},
    {"num_lock", 0x45, 0, 0}, {"scroll_lock", 0x46, 0, 0},
    {"kp_7", 0x47, 0, 0}, {"kp_8", 0x48, 0, 0}, {"kp_9", 0x49, 0, 0}, {"kp_subtract", 0x4a, 0, 0},
    {"kp_4", 0x4b, 0, 0}, {"kp_5", 0x4c, 0, 0}, {"kp_6", 0x4d, 0, 0}, {"kp_add", 0x4e, 0, 0},
    {"kp_1", 0x4f, 0, 0}, {"kp_2", 0x50, 0, 0}, {"kp_3", 0x51, 0, 0}, {"kp_0", 0x52, 0, 0},
    {"kp_decimal", 0x53, 0, 0}, {"less", 0x56, 0, 0},
    {"kp_enter", 0xe01c, 0, 0}, {"ctrl_r", 0xe01d, 0, 0}, {"kp_divide", 0xe035, 0, 0},
    {"print", 0xe037, 0, 0}, {"sysrq", 0x54, 0, 0}, {"alt_r", 0xe038, 0, 0},
    {"pause", 0xe11d, 0, 0},
    {"home", 0xe047, 0, 0}, {"up", 0xe048, 0, 0}, {"pgup", 0xe049, 0, 0}, {"left", 0xe04b, 0, 0},
    {"right", 0xe04d, 0, 0}, {"end", 0xe04f, 0, 0}, {"down", 0xe050, 0, 0},
    {"pgdn", 0xe051, 0, 0}, {"insert", 0xe052, 0, 0}, {"delete", 0xe053, 0, 0},
    {"meta_l", 0xe05b, 0, 0}, {"meta_r", 0xe05c, 0, 0}, {"menu", 0xe05d, 0, 0},
};

/* clang-format on */

enum { KEY_COUNT = sizeof keys / sizeof *keys };

static bool find_name(const char *name, size_t len, uint16_t *code)
{
    char text[8], *end;

    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strlen(keys[i].name) == len && !strncmp(keys[i].name, name, len)) {
            *code = keys[i].code;
            return true;
        }
    /* A scan code as such. */
    if (len < 3 || len >= sizeof text || strncmp(name, "0x", 2))
        return false;
    memcpy(text, name, len);
    text[len] = 0;
    unsigned long n = strtoul(text, &end, 16);
    *code = (uint16_t)n;
    return !*end && (n & 0x7f) && !(n & 0x80) && (n < 0x80 || n >> 8 == 0xe0 || n == 0xe11d);
}

uint16_t keys_find(const char *name)
{
    uint16_t code = 0;

    for (size_t i = 0; i < KEY_COUNT && !code; i++)
        if (!strcmp(keys[i].name, name))
            code = keys[i].code;
    return code;
}

const char *keys_nth(unsigned n)
{
    return n < KEY_COUNT ? keys[n].name : NULL;
}

bool keys_parse(const char *text, struct chord *out, const char **bad, size_t *bad_len)
{
    out->count = 0;
    for (;;) {
        size_t len = strcspn(text, "-");

        *bad = text;
        *bad_len = len;
        if (out->count == KEYS_CHORD_MAX || !find_name(text, len, &out->code[out->count]))
            return false;
        out->count++;
        if (!text[len])
            return true;
        text += len + 1;
    }
}

static void press(struct chord *out, uint16_t modifier, uint16_t code)
{
    out->count = 0;
    if (modifier)
        out->code[out->count++] = modifier;
    out->code[out->count++] = code;
}

bool keys_for_char(unsigned char c, struct chord *out)
{
    if (c == '\n')
        c = '\r';
    if (c == 127)
        c = 8;
    for (size_t i = 0; c && i < KEY_COUNT; i++) {
        if (keys[i].plain == (char)c) {
            press(out, 0, keys[i].code);
            return true;
        }
        if (keys[i].shifted == (char)c) {
            press(out, KEY_SHIFT, keys[i].code);
            return true;
        }
    }
    if (c >= 1 && c <= 26 && keys_for_char((unsigned char)(c + 'a' - 1), out)) {
        press(out, KEY_CTRL, out->code[0]);
        return true;
    }
    return false;
}
