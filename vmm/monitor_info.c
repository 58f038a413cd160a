/* `info`: its subjects, and those about the CPU and the board. */
#include "cpu/emulate.h"
#include "vmm/command.h"
#include "vmm/event.h"
#include "vmm/hooks.h"
#include "vmm/private.h"
#include "vmm/tree.h"
#include "vmm/watch.h"
#include <string.h>

static void info_status(const struct monitor_target *t, struct text *out)
{
    const char *state = machine_run_state(t->machine);
    bool stopped = strcmp(state, "running");
    bool plain = !stopped || !strcmp(state, "paused");

    text_printf(out, "VM status: %s%s%s%s\n", stopped ? "paused" : "running", plain ? "" : " (",
                plain ? "" : state, plain ? "" : ")");
}

static void info_cpus(const struct monitor_target *t, struct text *out)
{
    text_printf(out, "* CPU #0: thread_id=%d%s\n", machine_thread_id(t->machine),
                t->machine->cpu->halted ? " (halted)" : "");
}

static void info_registers(const struct monitor_target *t, struct text *out)
{
    text_line(out, "\nCPU#0");
    cpu_describe(t->machine->cpu, text_line, out);
}

static void info_mem(const struct monitor_target *t, struct text *out)
{
    mmu_describe_mem(t->machine->mmu, text_line, out);
}

static void info_tlb(const struct monitor_target *t, struct text *out)
{
    mmu_describe_tlb(t->machine->mmu, text_line, out);
}

static void info_mtree(const struct monitor_target *t, struct text *out)
{
    tree_memory(t->machine, out);
}

static void info_qtree(const struct monitor_target *t, struct text *out)
{
    tree_devices(t->machine, out);
}

static void info_roms(const struct monitor_target *t, struct text *out)
{
    tree_roms(t->machine, out);
}

static void info_pci(const struct monitor_target *t, struct text *out)
{
    tree_pci(t->machine, out);
}

static void info_pic(const struct monitor_target *t, struct text *out)
{
    if (t->machine->ioapic)
        ioapic_describe(t->machine->ioapic, text_line, out);
    pic_describe(t->machine->pic, text_line, out);
}

static void info_lapic(const struct monitor_target *t, struct text *out)
{
    if (t->machine->lapic)
        lapic_describe(t->machine->lapic, text_line, out);
    else
        text_line(out, "this CPU has no local APIC");
}

static void info_irq(const struct monitor_target *t, struct text *out)
{
    const struct machine_private *p = t->machine->private;

    text_printf(out, "interrupts accepted, by vector:\n");
    for (unsigned v = 0; v < 256; v++)
        if (p->interrupts[v])
            text_printf(out, "%02xh: %llu, after %llu us on the average, %llu us at most\n", v,
                        (unsigned long long)p->interrupts[v],
                        (unsigned long long)(p->interrupt_wait[v] / p->interrupts[v] / 1000),
                        (unsigned long long)(p->interrupt_longest[v] / 1000));
}

static void info_watchpoints(const struct monitor_target *t, struct text *out)
{
    watch_describe(t->machine, out);
}

static void info_hooks(const struct monitor_target *t, struct text *out)
{
    hooks_describe(t->machine->hooks, out);
}

const struct subject subjects_board[] = {
    {"status", "running or stopped", info_status},
    {"cpus", "the CPU", info_cpus},
    {"registers", "the CPU's registers", info_registers},
    {"mem", "the mapped ranges of the present address space", info_mem},
    {"tlb", "linear to physical, page by page", info_tlb},
    {"mtree", "the memory and port maps", info_mtree},
    {"qtree", "the devices on their buses", info_qtree},
    {"roms", "ROMs in memory", info_roms},
    {"pci", "the functions on the PCI bus", info_pci},
    {"pic", "the interrupt controllers", info_pic},
    {"lapic", "the local APIC", info_lapic},
    {"irq", "interrupts taken so far", info_irq},
    {"hooks", "functions that are called, see hook", info_hooks},
    {"watchpoints", "what stops the guest, see watch", info_watchpoints},
    {0},
};

/* ---- all of them ---- */

const struct subject *subject_nth(unsigned n)
{
    static const struct subject *const tables[] = {subjects_board, subjects_block, subjects_host,
                                                   subjects_vnc, subjects_audio,
                                                   subjects_statistics};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct subject *s = tables[i]; s->name; s++)
            if (n-- == 0)
                return s;
    return NULL;
}

struct request {
    const struct monitor_target *t;
    const struct subject *subject;
    struct text *out;
};

static void show(struct machine *m, void *opaque)
{
    const struct request *r = opaque;

    (void)m;
    r->subject->show(r->t, r->out);
}

static bool command_info(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    const struct subject *s;

    for (unsigned i = 0; argc > 1 && (s = subject_nth(i)); i++)
        if (!strcmp(argv[1], s->name)) {
            struct request r = {t, s, out};
            if (argc > 2 && (!strcmp(s->name, "tb") || !strcmp(s->name, "jit")))
                return statistics_info_tb(t, argc - 2, argv + 2, out);
            if (argc > 2 && !strcmp(s->name, "block") && argv[argc - 1][0] != '-')
                return block_info_command(t, argv[argc - 1], out);
            if (argc > 2 && !strcmp(s->name, "lapic") && strcmp(argv[2], "0") != 0)
                return command_fail(out, "info lapic %.20s: there is CPU 0", argv[2]);
            if (argc > 2 && strcmp(s->name, "lapic") && strcmp(argv[1], "registers") &&
                argv[2][0] != '-')
                return command_fail(out, "usage: info %s", argv[1]);
            machine_post_wait(t->machine, show, &r);
            return true;
        }
    for (unsigned i = 0; argc < 2 && (s = subject_nth(i)); i++)
        if (s->help)
            text_printf(out, "info %-20s %s\n", s->name, s->help);
    return argc < 2 || command_fail(out,
                                    "info: there is nothing called '%.100s'; info lists the "
                                    "subjects",
                                    argv[1]);
}

const struct command commands_info[] = {
    {"info", "[SUBJECT]", "show what SUBJECT is about; info alone lists them", 0, 4, command_info,
     false, COMPLETE_SUBJECT},
    {0},
};
