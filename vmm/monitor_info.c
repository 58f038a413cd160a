/* `info` and its subjects. */
#include "cpu/emulate.h"
#include "vmm/command.h"
#include "vmm/private.h"
#include <string.h>

#ifndef RINGER_VERSION
#define RINGER_VERSION "unknown"
#endif

static void info_status(struct machine *m, struct text *out)
{
    text_printf(out, "VM status: %s\n",
                machine_stopped(m) ? "paused"
                : m->cpu->halted   ? "running (halted, waiting for an "
                                     "interrupt)"
                                   : "running");
}

static void info_registers(struct machine *m, struct text *out)
{
    cpu_describe(m->cpu, text_line, out);
}

static void info_mem(struct machine *m, struct text *out)
{
    mmu_describe_mem(m->mmu, text_line, out);
}

static void info_tlb(struct machine *m, struct text *out)
{
    mmu_describe_tlb(m->mmu, text_line, out);
}

static void info_mtree(struct machine *m, struct text *out)
{
    text_printf(out, "memory:\n");
    phys_describe(m->phys, text_line, out);
    text_printf(out, "I/O ports:\n");
    bus_describe(m->bus, text_line, out);
}

static void info_pic(struct machine *m, struct text *out)
{
    if (m->ioapic)
        ioapic_describe(m->ioapic, text_line, out);
    pic_describe(m->pic, text_line, out);
}

static void info_lapic(struct machine *m, struct text *out)
{
    if (m->lapic)
        lapic_describe(m->lapic, text_line, out);
    else
        text_printf(out, "this CPU has no local APIC\n");
}

static void info_irq(struct machine *m, struct text *out)
{
    text_printf(out, "interrupts accepted, by vector:\n");
    for (unsigned v = 0; v < 256; v++)
        if (m->private->interrupts[v])
            text_printf(out, "%02xh: %llu\n", v, (unsigned long long)m->private->interrupts[v]);
}

static void info_tb(struct machine *m, struct text *out)
{
    const struct mmu_stats *s = mmu_stats(m->mmu);
    const struct {
        const char *name, *what;
        uint64_t value;
    } counters[] = {
        {"fill_pages", "pages mapped into windows", s->fill_pages},
        {"fill_runs", "runs they were mapped in", s->fill_runs},
        {"drops", "times pages were unmapped", s->drops},
        {"drop_pages", "pages unmapped", s->drop_pages},
        {"syncs", "address-space switches", s->syncs},
        {"sync_changed", "page-table entries that had changed", s->sync_changed},
        {"sync_tables", "page tables compared", s->sync_tables},
        {"sync_skipped", "page tables not compared, being write-protected", s->sync_skipped},
        {"traces", "page tables write-protected", s->traces},
        {"untraces", "page tables written after that", s->untraces},
        {"windows_live", "windows in use", s->windows_live},
        {"windows_evicted", "windows given up for others", s->windows_evicted},
        {"mappings", "host mappings in use", s->mappings},
        {"protects", "changes of protection", s->protects},
        {"flushes", "full flushes", s->flushes},
        {"invlpgs", "single pages invalidated", s->invlpgs},
    };

    translator_describe(m->translator, text_line, out);
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        text_printf(out, "%-19s %llu (%s)\n", counters[i].name,
                    (unsigned long long)counters[i].value, counters[i].what);
}

static void info_pci(struct machine *m, struct text *out)
{
    pci_describe(m->pci, text_line, out);
}

static void info_version(struct machine *m, struct text *out)
{
    (void)m;
    text_printf(out, "ringer %s\n", RINGER_VERSION);
}

static void add_block(struct text *out, const char *name, const struct block *b)
{
    const struct block_stats *s;

    if (!b) {
        text_printf(out, "%s: nothing inserted\n", name);
        return;
    }
    s = block_stats(b);
    text_printf(out, "%s: %s%s, %llu sectors; read %llu, written %llu, %llu flushes\n", name,
                block_path(b), block_readonly(b) ? " (read-only)" : "",
                (unsigned long long)block_sectors(b), (unsigned long long)s->sectors_read,
                (unsigned long long)s->sectors_written, (unsigned long long)s->flushes);
}

static void info_block(struct machine *m, struct text *out)
{
    static const char *const floppies[] = {"floppy0", "floppy1"};
    static const char *const cds[] = {"ide0-cd0", "ide0-cd1", "ide1-cd0", "ide1-cd1"};
    static const char *const disks[] = {"ide0-hd0", "ide0-hd1", "ide1-hd0", "ide1-hd1"};

    for (int i = 0; i < 2; i++)
        add_block(out, floppies[i], m->config.floppy[i]);
    for (int i = 0; i < 4; i++)
        if (m->config.disk[i])
            add_block(out, disks[i], m->config.disk[i]);
    for (int i = 0; i < 4; i++)
        if (m->config.cdrom[i] || m->config.cdrom_present[i])
            add_block(out, cds[i], m->config.cdrom[i]);
}

static const struct subject {
    const char *name, *help;
    void (*show)(struct machine *m, struct text *out); /* on the vCPU thread */
} subjects[] = {
    {"status", "running or stopped", info_status},
    {"registers", "the CPU's registers", info_registers},
    {"mem", "the mapped ranges of the present address space", info_mem},
    {"tlb", "linear to physical, page by page", info_tlb},
    {"mtree", "the memory and port maps", info_mtree},
    {"pic", "the interrupt controllers", info_pic},
    {"lapic", "the local APIC", info_lapic},
    {"irq", "interrupts taken so far", info_irq},
    {"tb", "the translator's and the windows' counters", info_tb},
    {"block", "floppies, disks and CDs", info_block},
    {"pci", "the functions on the PCI bus", info_pci},
    {"version", "ringer's version", info_version},
};

enum { SUBJECTS = sizeof subjects / sizeof *subjects };

struct request {
    const struct subject *subject;
    struct text *out;
};

static void show(struct machine *m, void *opaque)
{
    const struct request *r = opaque;

    r->subject->show(m, r->out);
}

bool command_info(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    for (size_t i = 0; i < SUBJECTS && argc > 1; i++)
        if (!strcmp(argv[1], subjects[i].name)) {
            struct request r = {&subjects[i], out};
            machine_post_wait(t->machine, show, &r);
            return true;
        }
    for (size_t i = 0; i < SUBJECTS && argc < 2; i++)
        text_printf(out, "info %-10s %s\n", subjects[i].name, subjects[i].help);
    if (argc > 1)
        text_printf(out, "info: there is nothing called '%s'; info lists the subjects\n", argv[1]);
    return argc < 2;
}
