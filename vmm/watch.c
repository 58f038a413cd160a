#include "vmm/watch.h"
#include "cpu/debug.h"
#include "vmm/event.h"

void watch_check(struct machine *m)
{
    struct cpu_watch *w = &m->cpu->watch;

    if (!w->hit)
        return;
    machine_tell(m, &(struct machine_event){.kind = MACHINE_WATCHPOINT,
                                            .number = w->hit,
                                            .address = w->address,
                                            .on = w->write});
    w->hit = 0;
    machine_stop_here(m, "debug");
}

void watch_describe(struct machine *m, struct text *out)
{
    const struct cpu_watch *w = &m->cpu->watch;

    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++) {
        const struct cpu_watchpoint *p = &w->point[i];
        if (p->len)
            text_printf(out, "%u: %u bytes at 0x%08x, %s%s%s, hit %llu times\n", i + 1, p->len,
                        p->address, p->on_read ? "reads" : "",
                        p->on_read && p->on_write ? " and " : "", p->on_write ? "writes" : "",
                        (unsigned long long)p->hits);
    }
    if (w->last)
        text_printf(out, "last hit: %u, a %s at 0x%08x by the instruction at %04x:%08x\n", w->last,
                    w->write ? "write" : "read", w->address, w->cs, w->eip);
    if (!out->len)
        text_line(out, "no watchpoints");
}
