/* Values, ports, and memory into files. */
#include "vmm/command.h"
#include "vmm/memdump.h"
#include <stdio.h>
#include <string.h>

/* ---- print ---- */

static bool command_print(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct dump_format f = {1, 'x', 8};
    const char *format = strchr(argv[0], '/');
    int64_t value;
    char item[40];
    int first = 1;

    if (!format && argv[1][0] == '/')
        format = argv[first++];
    if (format && (!dump_format_parse(format, &f) || f.format == 'i'))
        return command_fail(out, "%.20s: it is / and one of x d u o c", format);
    if (first == argc)
        return command_fail(out, "print: an expression is missing");
    if (!command_expression(t, argc - first, argv + first, &value, out))
        return false;
    f.size = 8;
    if (f.format == 'x')
        snprintf(item, sizeof item, "0x%llx", (unsigned long long)value);
    else
        dump_item(item, sizeof item, &f, (uint64_t)value);
    text_line(out, item);
    return true;
}

/* ---- ports ---- */

struct access {
    uint16_t port;
    unsigned size;
    uint32_t value;
};

/* As in x, and in QEMU: b 1 byte, h 2, w 4, which is what counts when there is none; l is w, too. A
 * format is allowed and means nothing. */
static bool parse_size(const char *slash, unsigned *size)
{
    *size = 4;
    if (!slash)
        return true;
    while (*++slash) {
        if (!strchr("bhwlxduoc", *slash))
            return false;
        if (strchr("bhwl", *slash))
            *size = *slash == 'b' ? 1 : *slash == 'h' ? 2 : 4;
    }
    return true;
}

static void port_in(struct machine *m, void *opaque)
{
    struct access *a = opaque;

    a->value = bus_in(m->bus, a->port, a->size);
}

static void port_out(struct machine *m, void *opaque)
{
    const struct access *a = opaque;

    bus_out(m->bus, a->port, a->value, a->size);
}

/* *AT moves on behind the port. */
static bool parse_access(const struct monitor_target *t, int argc, char **argv, int *at,
                         struct access *a, struct text *out)
{
    const char *size = strchr(argv[0], '/');
    int64_t port;

    *at = 1;
    if (!size && argv[1][0] == '/')
        size = argv[(*at)++];
    if (!parse_size(size, &a->size))
        return command_fail(out, "%.20s: the size is /b, /h or /w: 1, 2 or 4 bytes", size);
    if (*at >= argc)
        return command_fail(out, "%.20s: the port is missing", argv[0]);
    if (!command_expression(t, 1, argv + (*at)++, &port, out))
        return false;
    a->port = (uint16_t)port;
    return port >= 0 && port <= 0xffff ? true : command_fail(out, "ports go from 0 to 0xffff");
}

static bool command_in(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    static const char letters[] = "?bw?l";
    struct access a;
    int at;

    if (!parse_access(t, argc, argv, &at, &a, out))
        return false;
    if (at < argc)
        return command_fail(out, "usage: i/S PORT");
    machine_post_wait(t->machine, port_in, &a);
    text_printf(out, "port%c[0x%04x] = 0x%0*x\n", letters[a.size], a.port, (int)a.size * 2,
                a.value);
    return true;
}

static bool command_out(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct access a;
    int64_t value;
    int at;

    if (!parse_access(t, argc, argv, &at, &a, out))
        return false;
    if (at >= argc)
        return command_fail(out, "usage: o/S PORT VALUE");
    if (!command_expression(t, argc - at, argv + at, &value, out))
        return false;
    a.value = (uint32_t)value;
    machine_post_wait(t->machine, port_out, &a);
    return true;
}

/* ---- addresses ---- */

struct lookup {
    uint32_t lin;
    uint64_t pa;
    bool found;
};

static void note_range(void *opaque, const struct mmu_range *r)
{
    struct lookup *l = opaque;

    if (l->lin < r->lin || l->lin - r->lin >= r->bytes)
        return;
    l->pa = r->pa + (l->lin - r->lin);
    l->found = true;
}

static void look_up(struct machine *m, void *opaque)
{
    mmu_each(m->mmu, note_range, opaque);
}

static bool command_gva2gpa(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct lookup l = {0};
    int64_t address;

    if (!command_expression(t, argc - 1, argv + 1, &address, out))
        return false;
    l.lin = (uint32_t)address;
    machine_post_wait(t->machine, look_up, &l);
    if (!l.found)
        return command_fail(out, "Unmapped");
    text_printf(out, "gpa: 0x%llx\n", (unsigned long long)l.pa);
    return true;
}

/* ---- files ---- */

static bool save(const struct monitor_target *t, char **argv, struct text *out,
                 bool (*write)(struct machine *m, uint64_t address, uint64_t size, const char *path,
                               struct error *err))
{
    struct error err = {""};
    int64_t address, size;

    if (!command_expression(t, 1, argv + 1, &address, out) ||
        !command_expression(t, 1, argv + 2, &size, out))
        return false;
    return write(t->machine, (uint64_t)address, (uint64_t)size, argv[3], &err) ||
           command_fail(out, "Error: %s", err.text);
}

static bool command_memsave(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)argc;
    return save(t, argv, out, memdump_linear);
}

static bool command_pmemsave(const struct monitor_target *t, int argc, char **argv,
                             struct text *out)
{
    (void)argc;
    return save(t, argv, out, memdump_physical);
}

/* [-p] [-d] FILE [BEGIN LENGTH] */
static bool command_dump(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct memdump_core what = {0};
    struct error err = {""};
    int64_t begin, length;
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "-p"))
            what.paging = true;
        else if (strcmp(argv[i], "-d")) /* dumps are over when the command is */
            return command_fail(out,
                                "dump-guest-memory %.20s: the format is ELF; -p: by the page "
                                "tables",
                                argv[i]);
    }
    if (argc - i != 1 && argc - i != 3)
        return command_fail(out, "usage: dump-guest-memory [-p] FILE [BEGIN LENGTH]");
    if (argc - i == 3) {
        if (!command_expression(t, 1, argv + i + 1, &begin, out) ||
            !command_expression(t, 1, argv + i + 2, &length, out))
            return false;
        if (begin < 0 || length <= 0)
            return command_fail(out, "dump-guest-memory: the range is empty");
        what.begin = (uint64_t)begin;
        what.length = (uint64_t)length;
    }
    return memdump_core(t->machine, &what, argv[i], &err) ||
           command_fail(out, "Error: %s", err.text);
}

const struct command commands_value[] = {
    {"print", "/F EXPRESSION", "print a value; F: x d u o c", 1, 15, command_print, true,
     COMPLETE_NOTHING},
    {"p", "/F EXPRESSION", NULL, 1, 15, command_print, true, COMPLETE_NOTHING},
    {"i", "/S PORT", "read an I/O port; S: b h w (1, 2, 4 bytes)", 1, 2, command_in, true,
     COMPLETE_NOTHING},
    {"o", "/S PORT VALUE", "write an I/O port", 2, 15, command_out, true, COMPLETE_NOTHING},
    {"gva2gpa", "ADDRESS", "the physical address that a linear one has", 1, 15, command_gva2gpa,
     false, COMPLETE_NOTHING},
    {"memsave", "ADDRESS SIZE FILE", "save memory from a linear address on", 3, 3, command_memsave,
     false, COMPLETE_NOTHING},
    {"pmemsave", "ADDRESS SIZE FILE", "the same from a physical address on", 3, 3, command_pmemsave,
     false, COMPLETE_NOTHING},
    {"dump-guest-memory", "[-p] FILE [BEGIN LENGTH]",
     "write an ELF core; -p: addresses by the page tables", 1, 5, command_dump, false,
     COMPLETE_NOTHING},
    {0},
};
