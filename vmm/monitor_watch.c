/* Watchpoints: the guest stops at an access to memory.  They cost nothing until one is set; then
 * every instruction goes one by one. */
#include "cpu/debug.h"
#include "vmm/command.h"
#include "vmm/watch.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* /[SIZE][r|w|rw] */
static bool parse_format(const char *text, struct cpu_watchpoint *w)
{
    char *end = (char *)text;

    if (isdigit((unsigned char)*text))
        w->len = (uint32_t)strtoul(text, &end, 10);
    if (*end)
        w->on_read = w->on_write = false;
    for (; *end; end++) {
        if (*end != 'r' && *end != 'w')
            return false;
        *(*end == 'r' ? &w->on_read : &w->on_write) = true;
    }
    return w->len >= 1 && w->len <= PAGE_SIZE;
}

struct order {
    struct cpu_watchpoint watchpoint;
    unsigned number;
    bool ok;
};

static void set_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;

    o->number = cpu_watch_add(m->cpu, &o->watchpoint);
}

static bool command_watch(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct order o = {.watchpoint = {.len = 4, .on_write = true}};
    const char *slash = strchr(argv[0], '/');
    int64_t address;

    if (slash && !parse_format(slash + 1, &o.watchpoint))
        return command_fail(out, "%.20s: it is watch/SIZE (1 to 4096) and r, w or rw", argv[0]);
    if (!command_expression(t, argc - 1, argv + 1, &address, out))
        return false;
    o.watchpoint.address = (uint32_t)address;
    machine_post_wait(t->machine, set_now, &o);
    if (!o.number)
        return command_fail(out, "watch: there are %u watchpoints already; delete takes one away",
                            CPU_WATCHPOINTS);
    text_printf(out, "watchpoint %u: %u bytes at 0x%08x\n", o.number, o.watchpoint.len,
                o.watchpoint.address);
    return true;
}

static void delete_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;

    o->ok = cpu_watch_remove(m->cpu, o->number);
}

static bool command_delete(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct order o = {.number = 0}; /* all */
    char *end = "";

    if (argc > 1)
        o.number = (unsigned)strtoul(argv[1], &end, 10);
    if (*end || (argc > 1 && !o.number))
        return command_fail(out, "delete %.20s: it is a watchpoint's number", argv[1]);
    machine_post_wait(t->machine, delete_now, &o);
    return o.ok || argc < 2 ||
           command_fail(out, "delete: there is no watchpoint %s; info watchpoints lists them",
                        argv[1]);
}

const struct command commands_watch[] = {
    {"watch", "/N[r|w|rw] ADDRESS",
     "stop at an access to N bytes at a linear address; a write to 4, if not told otherwise", 1, 15,
     command_watch, true, COMPLETE_NOTHING},
    {"delete", "[NUMBER]", "delete a watchpoint, or all", 0, 1, command_delete, false,
     COMPLETE_NOTHING},
    {0},
};
