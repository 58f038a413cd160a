/* `x` and `xp`: memory dumps in the notation of gdb and QEMU. */
#include "vmm/command.h"
#include "vmm/symbols.h"
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
        case 'g':
            f->size = 8;
            break;
        default:
            return false;
        }
    }
    return true;
}

static int64_t sign_extend(uint64_t value, unsigned size)
{
    unsigned unused = 64 - 8 * size;

    return (int64_t)(value << unused) >> unused;
}

void dump_item(char *out, size_t n, const struct dump_format *f, uint64_t value)
{
    switch (f->format) {
    case 'd':
        snprintf(out, n, "%lld", (long long)sign_extend(value, f->size));
        break;
    case 'u':
        snprintf(out, n, "%llu", (unsigned long long)value);
        break;
    case 'o':
        snprintf(out, n, "0%llo", (unsigned long long)value);
        break;
    case 'c':
        if (value >= 32 && value < 127)
            snprintf(out, n, "'%c'", (char)value);
        else
            snprintf(out, n, "'\\x%02x'", (unsigned)value & 0xff);
        break;
    default:
        snprintf(out, n, "0x%0*llx", (int)f->size * 2, (unsigned long long)value);
        break;
    }
}

/* ---- dumping ---- */

struct dump {
    bool physical;
    struct dump_format format;
    uint32_t address;
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
            snprintf(text, sizeof text, "(bad)");
        uint32_t offset = 0;
        const char *name = symbols_find(m->symbols, address, &offset);
        text_printf(d->out, "0x%08x", address);
        if (name && !d->physical)
            text_printf(d->out, offset ? " <%s+0x%x>" : " <%s>", name, offset);
        char dump[3 * sizeof bytes + 1] = "";
        for (unsigned k = 0; k < (len ? len : 1); k++)
            snprintf(dump + 3 * k, 4, "%02x ", bytes[k]);
        text_printf(d->out, ":  %-24s %s\n", dump, text);
        address += len ? len : 1;
    }
    return true;
}

static bool dump_items(struct machine *m, struct dump *d, uint32_t address)
{
    const struct dump_format *f = &d->format;
    unsigned per_line = LINE_BYTES / f->size;
    char item[32];

    for (unsigned i = 0; i < f->count; i++, address += f->size) {
        uint64_t value = 0;

        if (i % per_line == 0)
            text_printf(d->out, "%s%0*x:", i ? "\n" : "", d->physical ? 16 : 8, address);
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

    d->ok = d->format.format == 'i' ? dump_instructions(m, d, d->address)
                                    : dump_items(m, d, d->address);
}

static bool command_x(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct dump d = {.physical = !strncmp(argv[0], "xp", 2), .format = {1, 'x', 4}, .out = out};
    const char *format = strchr(argv[0], '/');
    int64_t address;
    int first = 1;

    if (!format && argv[1][0] == '/')
        format = argv[first++];
    if (format && !dump_format_parse(format, &d.format)) {
        text_printf(out, "%s: it is /COUNT, one of x d u o c i, and one of b h w g\n", format);
        return false;
    }
    if (!command_expression(t, argc - first, argv + first, &address, out))
        return false;
    d.address = (uint32_t)address;
    machine_post_wait(t->machine, dump, &d);
    return d.ok;
}

const struct command commands_memory[] = {
    {"x", "/NFU ADDRESS",
     "dump memory at a linear address: count, format x d u o c i, size b h w g", 1, 15, command_x,
     true, COMPLETE_NOTHING},
    {"xp", "/NFU ADDRESS", "the same at a physical address", 1, 15, command_x, true,
     COMPLETE_NOTHING},
    {0},
};
