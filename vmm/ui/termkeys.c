#include "vmm/ui/termkeys.h"
#include <string.h>

enum { ESC = 27, LONGEST = 56 /* control sequence */ };

/* CSI letter and SS3 letter sequences. */
static const struct {
    char final;
    uint16_t code;
} letters[] = {
    {'A', 0xe048}, {'B', 0xe050}, {'C', 0xe04d}, {'D', 0xe04b}, {'H', 0xe047}, {'F', 0xe04f},
    {'P', 0x3b},   {'Q', 0x3c},   {'R', 0x3d},   {'S', 0x3e},   {'M', 0xe01c},
};

/* CSI number ~ sequences. */
static const struct {
    uint8_t number;
    uint16_t code;
} numbers[] = {
    {1, 0xe047}, {2, 0xe052}, {3, 0xe053}, {4, 0xe04f}, {5, 0xe049}, {6, 0xe051}, {7, 0xe047},
    {8, 0xe04f}, {11, 0x3b},  {12, 0x3c},  {13, 0x3d},  {14, 0x3e},  {15, 0x3f},  {17, 0x40},
    {18, 0x41},  {19, 0x42},  {20, 0x43},  {21, 0x44},  {23, 0x57},  {24, 0x58},
};

static void add(struct chord *c, uint16_t code)
{
    if (c->count < KEYS_CHORD_MAX)
        c->code[c->count++] = code;
}

/* xterm's modifier parameter is 1 + a mask: 1 Shift, 2 Alt, 4 Ctrl. */
static enum termkey modified(uint16_t code, unsigned modifier, struct chord *out)
{
    unsigned mask = modifier ? modifier - 1 : 0;

    out->count = 0;
    if (!code)
        return TERMKEY_NONE;
    if (mask & 4)
        add(out, KEY_CTRL);
    if (mask & 2)
        add(out, KEY_ALT);
    if (mask & 1)
        add(out, KEY_SHIFT);
    add(out, code);
    return TERMKEY_CHORD;
}

static uint16_t letter_code(char final)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].final == final)
            return letters[i].code;
    return 0;
}

static uint16_t number_code(unsigned number)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].number == number)
            return numbers[i].code;
    return 0;
}

/* "ESC [ [ A" to "E" are F1 to F5 of the Linux console. */
static enum termkey linux_function(const uint8_t *data, size_t len, struct chord *out, size_t *used)
{
    if (len < 4)
        return TERMKEY_MORE;
    *used = 4;
    return modified(data[3] >= 'A' && data[3] <= 'E' ? (uint16_t)(0x3b + data[3] - 'A') : 0, 0,
                    out);
}

/* ESC [ parameters final. */
static enum termkey control_sequence(const uint8_t *data, size_t len, struct chord *out,
                                     size_t *used)
{
    unsigned parameter[4] = {0}, n = 0;
    size_t i;

    if (len > 2 && data[2] == '[')
        return linux_function(data, len, out, used);
    for (i = 2; i < len && i < LONGEST && (data[i] < 0x40 || data[i] > 0x7e); i++) {
        if (data[i] >= '0' && data[i] <= '9' && parameter[n] < 1000)
            parameter[n] = parameter[n] * 10 + data[i] - '0';
        else if (data[i] == ';' && n < 3)
            n++;
    }
    if (i == len && i < LONGEST)
        return TERMKEY_MORE;
    *used = i < len ? i + 1 : i;
    if (i == len || i == LONGEST)
        return TERMKEY_NONE;
    if (data[i] == '~')
        return modified(number_code(parameter[0]), parameter[1], out);
    if (data[i] == 'Z') /* back-tab */
        return modified(0x0f, 2, out);
    return modified(letter_code((char)data[i]), n ? parameter[1] : 0, out);
}

static enum termkey character(uint8_t c, bool alt, struct chord *out)
{
    struct chord plain;

    out->count = 0;
    /* Enter, Tab and Backspace are themselves, not Ctrl-M, Ctrl-I and Ctrl-H. */
    if (!keys_for_char(c, &plain)) {
        if (c != 0)
            return TERMKEY_NONE;
        plain = (struct chord){2, {KEY_CTRL, 0x39}}; /* Ctrl-Space */
    }
    if (alt)
        add(out, KEY_ALT);
    for (unsigned i = 0; i < plain.count; i++)
        add(out, plain.code[i]);
    return TERMKEY_CHORD;
}

enum termkey termkeys_next(const uint8_t *data, size_t len, bool final, struct chord *out,
                           size_t *used)
{
    enum termkey result;

    *used = 1;
    if (data[0] >= 0x80) { /* UTF-8 that no key of a US keyboard makes */
        while (*used < len && (data[*used] & 0xc0) == 0x80)
            ++*used;
        return TERMKEY_NONE;
    }
    if (data[0] != ESC)
        return character(data[0], false, out);
    if (len == 1)
        return final ? character(ESC, false, out) : TERMKEY_MORE;
    if (data[1] == '[' || data[1] == 'O') {
        if (data[1] == '[') {
            result = control_sequence(data, len, out, used);
        } else if (len < 3) {
            result = TERMKEY_MORE;
        } else {
            *used = 3;
            result = modified(letter_code((char)data[2]), 0, out);
        }
        if (result != TERMKEY_MORE || !final)
            return result;
    }
    if (data[1] == ESC || data[1] >= 0x80)
        return character(ESC, false, out);
    *used = 2;
    return character(data[1], true, out);
}
