/* The CPU's state in words, for monitors and crash reports: in the layout of QEMU's `info
 * registers`, which scripts read. */
#include "cpu/emulate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* The second doubleword of a descriptor, as it would be in a table. */
static uint32_t descriptor_high(const struct segment *s)
{
    uint32_t limit = s->access & AR_G ? s->limit >> 12 : s->limit;

    return (s->access & 0xF0FF00) | (limit & 0xF0000);
}

/* What kind of segment it is, as QEMU's `info registers` has it; nothing in real mode. */
static void describe_kind(const struct cpu *cpu, const struct segment *s, bool system, char *text,
                          size_t n)
{
    static const char *const systems[16] = {"Reserved",   "TSS16-avl", "LDT",       "TSS16-busy",
                                            "CallGate16", "TaskGate",  "IntGate16", "TrapGate16",
                                            "Reserved",   "TSS32-avl", "Reserved",  "TSS32-busy",
                                            "CallGate32", "Reserved",  "IntGate32", "TrapGate32"};
    unsigned type = s->access >> 8 & 15;

    *text = 0;
    if (!(cpu->cr0 & CR0_PE) || !(s->access & 1u << 15)) /* not present */
        return;
    size_t at = (size_t)snprintf(text, n, " DPL=%u ", s->access >> 13 & 3);
    if (system || !(s->access & AR_S))
        snprintf(text + at, n - at, "%s", systems[type]);
    else if (s->access & AR_CODE)
        snprintf(text + at, n - at, "%s [%c%c%c]", s->access & AR_DB ? "CS32" : "CS16",
                 s->access & AR_CONFORMING ? 'C' : '-', s->access & AR_READABLE ? 'R' : '-',
                 s->access & AR_ACCESSED ? 'A' : '-');
    else
        snprintf(text + at, n - at, "%s [%c%c%c]",
                 !(s->access & AR_DB) || cpu_v86(cpu) ? "DS16" : "DS  ",
                 s->access & AR_EXPAND_DOWN ? 'E' : '-', s->access & AR_WRITABLE ? 'W' : '-',
                 s->access & AR_ACCESSED ? 'A' : '-');
}

static void describe_segment(const struct cpu *cpu, const struct output *out, const char *name,
                             const struct segment *s, bool system)
{
    char kind[40];

    describe_kind(cpu, s, system, kind, sizeof kind);
    say(out, "%-3s=%04x %08x %08x %08x%s", name, s->selector, s->base, s->limit, descriptor_high(s),
        kind);
}

static void describe_state(const struct cpu *cpu, const struct output *out)
{
    uint32_t flags = cpu_eflags(cpu);

    say(out, "EIP=%08x EFL=%08x [%c%c%c%c%c%c%c] CPL=%u II=%u A20=%u SMM=0 HLT=%u", cpu->eip, flags,
        flags & FLAG_DF ? 'D' : '-', flags & FLAG_OF ? 'O' : '-', flags & FLAG_SF ? 'S' : '-',
        flags & FLAG_ZF ? 'Z' : '-', flags & FLAG_AF ? 'A' : '-', flags & FLAG_PF ? 'P' : '-',
        flags & FLAG_CF ? 'C' : '-', cpu->cpl, cpu->shadow != 0, phys_a20(cpu->phys), cpu->halted);
}

/* x87 and SSE, from the FXSAVE image (SDM vol. 1, table 10-2), registers by their numbers. */
static void describe_fpu(const struct cpu *cpu, const struct output *out)
{
    const uint8_t *p = cpu->fpu;
    uint64_t low[2], high[2];
    uint16_t fcw, fsw, exponent[2];
    uint32_t mxcsr;

    memcpy(&fcw, p, 2);
    memcpy(&fsw, p + 2, 2);
    memcpy(&mxcsr, p + 24, 4);
    unsigned top = fsw >> 11 & 7;
    say(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x", fcw, fsw, top, p[4], mxcsr);
    for (unsigned n = 0; n < 8; n += 2) {
        for (unsigned k = 0; k < 2; k++) {
            const uint8_t *st = p + 32 + ((n + k - top) & 7) * 16;
            memcpy(&low[k], st, 8);
            memcpy(&exponent[k], st + 8, 2);
        }
        say(out, "FPR%u=%016llx %04x FPR%u=%016llx %04x", n, (unsigned long long)low[0],
            exponent[0], n + 1, (unsigned long long)low[1], exponent[1]);
    }
    for (unsigned n = 0; n < 8 && cpu_has(cpu->model, FEAT_SSE); n += 2) {
        for (unsigned k = 0; k < 2; k++) {
            memcpy(&low[k], p + 160 + (n + k) * 16, 8);
            memcpy(&high[k], p + 160 + (n + k) * 16 + 8, 8);
        }
        say(out, "XMM%02u=%016llx %016llx XMM%02u=%016llx %016llx", n, (unsigned long long)high[0],
            (unsigned long long)low[0], n + 1, (unsigned long long)high[1],
            (unsigned long long)low[1]);
    }
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
    describe_state(cpu, &out);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        describe_segment(cpu, &out, names[n], &cpu->seg[n], false);
    describe_segment(cpu, &out, "LDT", &cpu->ldtr, true);
    describe_segment(cpu, &out, "TR", &cpu->tr, true);
    say(&out, "GDT=     %08x %08x", cpu->gdtr.base, cpu->gdtr.limit);
    say(&out, "IDT=     %08x %08x", cpu->idtr.base, cpu->idtr.limit);
    say(&out, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x", cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4);
    say(&out, "DR0=%08x DR1=%08x DR2=%08x DR3=%08x ", cpu->dr[0], cpu->dr[1], cpu->dr[2],
        cpu->dr[3]);
    say(&out, "DR6=%08x DR7=%08x", cpu->dr[6], cpu->dr[7]);
    say(&out, "EFER=%016x", cpu->efer);
    describe_fpu(cpu, &out);
    describe_faults(cpu, &out);
}
