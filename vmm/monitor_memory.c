/* `x` and `xp`: memory dumps in the notation of gdb and QEMU. */
#include "vmm/command.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COUNT = 65536, LINE_BYTES = 16 };

bool dump_format_parse(const char *text, struct dump_format *f)
{
    if (*text++ != '/')
        return false;
    if (isdigit((unsigned char)*text)) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);
        if (n == 0 || n > MAX_COUNT)
            return false;
        f->count = (unsigned)n;
        text = end;
    }
    for (; *text; text++) {
        switch (*text) {
        case 'x':
        case 'd':
        case 'u':
        case 'o':
        case 'c':
        case 'i':
            f->format = *text;
            if (*text == 'c')
                f->size = 1;
            break;
        case 'b':
            f->size = 1;
            break;
        case 'h':
            f->size = 2;
            break;
        case 'w':
            f->size = 4;
            break;
        default:
            return false;
        }
    }
    return true;
}

static int32_t sign_extend(uint32_t value, unsigned size)
{
    return size == 1 ? (int8_t)value : size == 2 ? (int16_t)value : (int32_t)value;
}

void dump_item(char *out, size_t n, const struct dump_format *f, uint32_t value)
{
    switch (f->format) {
    case 'd':
        snprintf(out, n, "%d", sign_extend(value, f->size));
        break;
    case 'u':
        snprintf(out, n, "%u", value);
        break;
    case 'o':
        snprintf(out, n, "0%o", value);
        break;
    case 'c':
        if (value >= 32 && value < 127)
            snprintf(out, n, "'%c'", (char)value);
        else
            snprintf(out, n, "'\\x%02x'", value & 0xff);
        break;
    default:
        snprintf(out, n, "0x%0*x", (int)f->size * 2, value);
        break;
    }
}

/* ---- addresses ---- */

static bool register_value(const struct cpu *cpu, const char *name, uint32_t *out)
{
    static const char *const gprs[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs"};

    for (int i = 0; i < 8; i++)
        if (!strcmp(name, gprs[i])) {
            *out = cpu->gpr[i];
            return true;
        }
    for (int i = 0; i < 6; i++)
        if (!strcmp(name, segs[i])) { /* the segment's base: $cs+$eip is an address */
            *out = cpu->seg[i].base;
            return true;
        }
    if (!strcmp(name, "eip"))
        *out = cpu->eip;
    else if (!strcmp(name, "pc"))
        *out = cpu->seg[SEG_CS].base + cpu->eip;
    else if (!strcmp(name, "sp"))
        *out = cpu->seg[SEG_SS].base + cpu->gpr[ESP];
    else if (!strcmp(name, "cr2"))
        *out = cpu->cr2;
    else if (!strcmp(name, "cr3"))
        *out = cpu->cr3;
    else
        return false;
    return true;
}

/* A number or $register. */
static bool parse_term(const struct cpu *cpu, const char **text, uint32_t *out)
{
    char name[8];
    size_t n = 0;

    if (**text != '$') {
        char *end;
        if (!isdigit((unsigned char)**text))
            return false;
        *out = (uint32_t)strtoul(*text, &end, 0);
        *text = end;
        return true;
    }
    for (++*text; isalnum((unsigned char)**text) && n < sizeof name - 1; ++*text)
        name[n++] = (char)tolower((unsigned char)**text);
    name[n] = 0;
    return register_value(cpu, name, out);
}

/* Terms with + and - between them, spread over the words of ARGV. */
static bool parse_address(const struct cpu *cpu, int argc, char **argv, uint32_t *out)
{
    char sign = '+', text[128] = "";
    const char *p = text;
    uint32_t term;

    for (int i = 0; i < argc; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s", argv[i]);
    *out = 0;
    for (;;) {
        if (!parse_term(cpu, &p, &term))
            return false;
        *out = sign == '+' ? *out + term : *out - term;
        if (!*p)
            return true;
        sign = *p++;
        if (sign != '+' && sign != '-')
            return false;
    }
}

/* ---- dumping ---- */

struct dump {
    bool physical;
    struct dump_format format;
    int argc;
    char **argv;
    struct text *out;
    bool ok;
};

static bool fetch(struct machine *m, const struct dump *d, uint32_t address, void *data,
                  unsigned len)
{
    if (!d->physical)
        return mmu_peek(m->mmu, address, data, len);
    phys_read(m->phys, address, data, len);
    return true;
}

static bool dump_instructions(struct machine *m, struct dump *d, uint32_t address)
{
    unsigned bits = m->cpu->seg[SEG_CS].access & AR_DB ? 32 : 16;
    char text[128];

    for (unsigned i = 0; i < d->format.count; i++) {
        uint8_t bytes[15];
        unsigned have = 0;

        while (have < sizeof bytes && fetch(m, d, address + have, &bytes[have], 1))
            have++;
        if (!have) {
            text_printf(d->out, "0x%08x: not mapped\n", address);
            return false;
        }
        unsigned len =
            translator_disassemble(m->translator, bits, bytes, have, address, text, sizeof text);
        if (!len)
            snprintf(text, sizeof text, "(bad) %02x", bytes[0]);
        text_printf(d->out, "0x%08x:  %s\n", address, text);
        address += len ? len : 1;
    }
    return true;
}

static bool dump_items(struct machine *m, struct dump *d, uint32_t address)
{
    const struct dump_format *f = &d->format;
    unsigned per_line = LINE_BYTES / f->size;
    char item[24];

    for (unsigned i = 0; i < f->count; i++, address += f->size) {
        uint32_t value = 0;

        if (i % per_line == 0)
            text_printf(d->out, "%s%08x:", i ? "\n" : "", address);
        if (!fetch(m, d, address, &value, f->size)) {
            text_printf(d->out, " cannot access memory\n");
            return false;
        }
        dump_item(item, sizeof item, f, value);
        text_printf(d->out, " %s", item);
    }
    text_printf(d->out, "\n");
    return true;
}

static void dump(struct machine *m, void *opaque)
{
    struct dump *d = opaque;
    uint32_t address;

    d->ok = false;
    if (!parse_address(m->cpu, d->argc, d->argv, &address)) {
        text_printf(d->out, "the address is a number or $register, with + and -\n");
        return;
    }
    d->ok = d->format.format == 'i' ? dump_instructions(m, d, address) : dump_items(m, d, address);
}

bool command_x(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct dump d = {.physical = !strncmp(argv[0], "xp", 2), .format = {1, 'x', 4}, .out = out};
    const char *format = strchr(argv[0], '/');
    int first = 1;

    if (!format && argv[1][0] == '/')
        format = argv[first++];
    if (format && !dump_format_parse(format, &d.format)) {
        text_printf(out, "%s: it is /COUNT, one of x d u o c i, and one of b h w\n", format);
        return false;
    }
    d.argc = argc - first;
    d.argv = argv + first;
    machine_post_wait(t->machine, dump, &d);
    return d.ok;
}
