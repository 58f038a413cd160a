#include "hardware/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const hw_reg_names[HW_REGS] = {"ax", "bx", "cx", "dx", "cs", "ss", "ds",
                                           "es", "sp", "bp", "si", "di", "ip", "flags"};

bool hw_listed(const struct hw_bytes *list, uint32_t address)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->address[i] == address)
            return true;
    return false;
}

uint8_t hw_byte(const struct hw_bytes *list, uint32_t address, uint8_t otherwise)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->address[i] == address)
            return list->value[i];
    return otherwise;
}

void hw_add_byte(struct hw_bytes *list, uint32_t address, uint8_t value)
{
    if (list->count == HW_MAX_BYTES)
        return;
    list->address[list->count] = address;
    list->value[list->count++] = value;
}

static void parse_bytes(const char *s, struct hw_bytes *b)
{
    char *end;
    b->count = 0;
    for (;;) {
        uint32_t address = (uint32_t)strtoul(s, &end, 16);
        if (end == s || *end != ':')
            return;
        s = end + 1;
        hw_add_byte(b, address, (uint8_t)strtoul(s, &end, 16));
        s = end;
    }
}

static void parse_prefixes(struct hw_case *c)
{
    for (c->prefixes = 0; c->prefixes < c->length; c->prefixes++) {
        uint8_t byte = c->code[c->prefixes];
        if (byte == 0xF0)
            c->lock = true;
        else if (byte == 0xF2 || byte == 0xF3)
            c->rep = byte;
        else if ((byte & 0xE7) == 0x26)
            c->override = byte;
        else
            return;
    }
    c->prefixes = 0; /* nothing but prefixes */
}

static bool parse_code(const char *s, struct hw_case *c)
{
    unsigned n = 0, byte;
    for (; n < sizeof c->code && sscanf(s, "%2x", &byte) == 1; s += 2)
        c->code[n++] = (uint8_t)byte;
    if (n == 0)
        return false;
    c->length = n - 1; /* the HLT */
    parse_prefixes(c);
    return true;
}

static bool parse_initial(const char *s, struct hw_case *c)
{
    char *end;
    for (int i = 0; i < HW_REGS; i++, s = end) {
        c->initial[i] = (uint16_t)strtoul(s, &end, 16);
        if (end == s)
            return false;
    }
    return true;
}

static void parse_final(const char *s, struct hw_case *c)
{
    char name[8];
    unsigned value;
    int n;
    memcpy(c->final, c->initial, sizeof c->final);
    while (sscanf(s, " %7[a-z]=%x%n", name, &value, &n) == 2) {
        for (int i = 0; i < HW_REGS; i++)
            if (!strcmp(name, hw_reg_names[i]))
                c->final[i] = (uint16_t)value;
        s += n;
    }
}

bool hw_case_parse(char *line, struct hw_case *c)
{
    char *field[8] = {0};
    int n = 0;
    memset(c, 0, sizeof *c);
    line[strcspn(line, "\r\n")] = 0;
    for (char *p = line; p && n < 8; n++) {
        field[n] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = 0;
    }
    if (n < 6 || !parse_code(field[2], c) || !parse_initial(field[3], c))
        return false;
    snprintf(c->opcode, sizeof c->opcode, "%s", field[0]);
    snprintf(c->text, sizeof c->text, "%s", field[1]);
    parse_bytes(field[4], &c->before);
    parse_final(field[5], c);
    parse_bytes(n > 6 ? field[6] : "", &c->after);
    c->vector = n > 7 && *field[7] ? atoi(field[7]) : -1;
    return true;
}
