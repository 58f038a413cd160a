/* The CPU's state in words, for monitors and crash reports. */
#include "cpu/emulate.h"

#include <stdarg.h>
#include <stdio.h>

struct output {
    void (*line)(void *opaque, const char *text);
    void *opaque;
};

static void say(const struct output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct output *out, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out->line(out->opaque, text);
}

static const char *mode_name(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE))
        return "real mode";
    if (cpu_v86(cpu))
        return "virtual-8086 mode";
    return cpu->seg[SEG_CS].access & AR_DB ? "32-bit protected mode" : "16-bit protected mode";
}

static void describe_flags(const struct cpu *cpu, const struct output *out)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {FLAG_CF, "CF"}, {FLAG_PF, "PF"},   {FLAG_AF, "AF"},   {FLAG_ZF, "ZF"},
        {FLAG_SF, "SF"}, {FLAG_TF, "TF"},   {FLAG_IF, "IF"},   {FLAG_DF, "DF"},
        {FLAG_OF, "OF"}, {FLAG_NT, "NT"},   {FLAG_RF, "RF"},   {FLAG_VM, "VM"},
        {FLAG_AC, "AC"}, {FLAG_VIF, "VIF"}, {FLAG_VIP, "VIP"}, {FLAG_ID, "ID"},
    };
    char set[80] = "";
    unsigned used = 0;
    uint32_t flags = cpu_eflags(cpu);
    for (unsigned n = 0; n < sizeof names / sizeof names[0]; n++)
        if ((flags & names[n].bit) && used < sizeof set - 6)
            used += (unsigned)snprintf(set + used, sizeof set - used, " %s", names[n].name);
    say(out, "EIP=%08x EFL=%08x [%s ] IOPL=%u CPL=%u %s%s", cpu->eip, flags, set, cpu_iopl(cpu),
        cpu->cpl, mode_name(cpu), cpu->halted ? ", halted" : "");
}

static void describe_segment(const struct output *out, const char *name, const struct segment *s)
{
    say(out, "%-3s=%04x base %08x limit %08x access %06x%s%s", name, s->selector, s->base, s->limit,
        s->access >> 8, s->access & AR_DB ? " 32-bit" : "", s->usable ? "" : " unusable");
}

/* The exceptions of the last delivery: the way to a double or triple fault. */
static void describe_faults(const struct cpu *cpu, const struct output *out)
{
    static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD",
                                        "#NM", "#DF", "9",   "#TS", "#NP", "#SS", "#GP",
                                        "#PF", "15",  "#MF", "#AC", "#MC", "#XM"};
    if (!cpu->shutdown)
        return;
    for (uint32_t n = 0; n < cpu->fault_count; n++) {
        const struct fault_record *f = &cpu->faults[n];
        const char *name =
            f->vector < sizeof names / sizeof names[0] ? names[f->vector] : "interrupt";
        char error[32] = "";
        if (f->has_error)
            snprintf(error, sizeof error, " error code %04x", f->error_code);
        say(out, "fault %u: %s (vector %02x)%s at %04x:%08x%s", n + 1, name, f->vector, error,
            f->cs, f->eip, n ? ", while the one before was being delivered" : "");
        if (f->vector == EXC_PF)
            say(out, "         at linear address %08x", f->cr2);
    }
    say(out, "the processor shut down: a fault while #DF was being delivered");
}

void cpu_describe(const struct cpu *cpu, void (*line)(void *, const char *), void *opaque)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const struct output out = {line, opaque};
    const uint32_t *r = cpu->gpr;
    say(&out, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x", r[EAX], r[EBX], r[ECX], r[EDX]);
    say(&out, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x", r[ESI], r[EDI], r[EBP], r[ESP]);
    describe_flags(cpu, &out);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        describe_segment(&out, names[n], &cpu->seg[n]);
    describe_segment(&out, "LDT", &cpu->ldtr);
    describe_segment(&out, "TR", &cpu->tr);
    say(&out, "GDT=     base %08x limit %08x", cpu->gdtr.base, cpu->gdtr.limit);
    say(&out, "IDT=     base %08x limit %08x", cpu->idtr.base, cpu->idtr.limit);
    say(&out, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x EFER=%08x", cpu->cr0, cpu->cr2, cpu->cr3,
        cpu->cr4, cpu->efer);
    say(&out, "DR0=%08x DR1=%08x DR2=%08x DR3=%08x DR6=%08x DR7=%08x", cpu->dr[0], cpu->dr[1],
        cpu->dr[2], cpu->dr[3], cpu->dr[6], cpu->dr[7]);
    describe_faults(cpu, &out);
}
