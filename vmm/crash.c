#include "vmm/crash.h"
#include "cpu/emulate.h"
#include <stdarg.h>
#include <stdio.h>

struct out {
    void (*line)(void *opaque, const char *text);
    void *opaque;
};

static void say(const struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct out *o, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    o->line(o->opaque, text);
}

static const char *exception_name(unsigned vector)
{
    static const char *const names[] = {"#DE", "#DB", "NMI",  "#BP", "#OF", "#BR", "#UD",
                                        "#NM", "#DF", "#CSO", "#TS", "#NP", "#SS", "#GP",
                                        "#PF", "15",  "#MF",  "#AC", "#MC", "#XM"};

    return vector < sizeof names / sizeof *names ? names[vector] : "interrupt";
}

/* SDM vol. 3A section 3.4.5 and 6.11: is SELECTOR good for a handler's code segment? */
static void describe_code_selector(struct machine *m, const struct out *o, uint16_t selector)
{
    const struct cpu *cpu = m->cpu;
    uint32_t base = selector & 4 ? cpu->ldtr.base : cpu->gdtr.base;
    uint32_t limit = selector & 4 ? cpu->ldtr.limit : cpu->gdtr.limit;
    uint32_t offset = selector & 0xfff8u;
    const char *table = selector & 4 ? "LDT" : "GDT";
    uint32_t d[2];

    if (!(selector & 0xfffc))
        say(o, "    its code selector is null");
    else if (offset + 7 > limit)
        say(o, "    its code selector %04xh is beyond the %s's limit %xh", selector, table, limit);
    else if (!mmu_peek(m->mmu, base + offset, d, sizeof d))
        say(o, "    its descriptor at %s + %xh (linear %08x) is not mapped", table, offset,
            base + offset);
    else if ((d[1] & (AR_S | AR_CODE)) != (AR_S | AR_CODE))
        say(o, "    its selector %04xh names no code segment (%08x:%08x)", selector, d[1], d[0]);
    else if (!(d[1] & AR_P))
        say(o, "    its code segment %04xh is not present (%08x:%08x)", selector, d[1], d[0]);
}

static void describe_handler(struct machine *m, const struct out *o, uint16_t selector,
                             uint32_t eip)
{
    uint8_t byte;

    describe_code_selector(m, o, selector);
    if (!mmu_peek(m->mmu, eip, &byte, 1))
        say(o, "    its handler at %08x is not mapped (taking CS as flat)", eip);
}

/* SDM vol. 3A section 6.11: IDT descriptors. */
static void describe_gate(struct machine *m, const struct out *o, unsigned vector)
{
    const struct cpu *cpu = m->cpu;
    uint32_t at = cpu->idtr.base + vector * 8, d[2];

    if (vector * 8 + 7 > cpu->idtr.limit) {
        say(o, "  vector %u (%s): beyond the IDT's limit %xh", vector, exception_name(vector),
            cpu->idtr.limit);
        return;
    }
    if (!mmu_peek(m->mmu, at, d, sizeof d)) {
        say(o, "  vector %u (%s): its IDT entry at %08x is not mapped", vector,
            exception_name(vector), at);
        mmu_describe_walk(m->mmu, at, o->line, o->opaque);
        return;
    }
    unsigned type = d[1] >> 8 & 0x1f;
    const char *kind = type == 5                 ? "task gate"
                       : type == 6 || type == 14 ? "interrupt gate"
                       : type == 7 || type == 15 ? "trap gate"
                                                 : "NOT a gate an exception can use";
    say(o, "  vector %u (%s): IDT entry at %08x is %08x:%08x, %s%s", vector, exception_name(vector),
        at, d[1], d[0], kind, d[1] & AR_P ? "" : ", NOT PRESENT");
    if ((type | 9) == 15 && (d[1] & AR_P))
        describe_handler(m, o, (uint16_t)(d[0] >> 16),
                         type >= 14 ? (d[1] & 0xffff0000u) | (d[0] & 0xffff) : d[0] & 0xffff);
}

static void describe_stack(struct machine *m, const struct out *o)
{
    const struct cpu *cpu = m->cpu;
    uint32_t esp = cpu->gpr[ESP], top = cpu->seg[SEG_SS].base + esp - 4, word;

    if (cpu->cpl == 3 || cpu_v86(cpu)) {
        uint32_t tss[2] = {0, 0};

        if (!(cpu->tr.access & AR_P) || !mmu_peek(m->mmu, cpu->tr.base + 4, tss, sizeof tss)) {
            say(o, "  no TSS to take the handler's stack from (TR %04xh, base %08x)",
                cpu->tr.selector, cpu->tr.base);
            return;
        }
        say(o, "  the handler's stack comes from the TSS: SS0 %04xh, ESP0 %08x", tss[1] & 0xffff,
            tss[0]);
        top = tss[0] - 4;
    }
    if (!mmu_peek(m->mmu, top, &word, sizeof word)) {
        say(o, "  the stack the handler would push to (%08x) is not mapped:", top);
        mmu_describe_walk(m->mmu, top, o->line, o->opaque);
    }
}

/* The table entries that the chain of faults went through, each once. */
static void describe_tables(struct machine *m, const struct out *o)
{
    const struct cpu *cpu = m->cpu;
    uint32_t seen = 0;

    if (!(cpu->cr0 & CR0_PE)) {
        say(o, "  real mode: interrupt table at %08x, limit %xh%s", cpu->idtr.base, cpu->idtr.limit,
            cpu->idtr.limit < 8 * 4 + 3 ? ": too small for a double fault" : "");
        return;
    }
    for (uint32_t i = 0; i < cpu->fault_count; i++) {
        unsigned vector = cpu->faults[i].vector;

        if (vector < 32 && !(seen >> vector & 1))
            describe_gate(m, o, vector);
        seen |= vector < 32 ? 1u << vector : 0;
    }
    if (!(seen >> EXC_DF & 1))
        describe_gate(m, o, EXC_DF);
    describe_stack(m, o);
}

/* Where the page faults of the chain went, and CR2 if that was another place. */
static void describe_walks(struct machine *m, const struct out *o)
{
    const struct cpu *cpu = m->cpu;
    bool cr2_done = false;

    if (!(cpu->cr0 & CR0_PG))
        return;
    for (uint32_t i = 0; i < cpu->fault_count; i++) {
        if (cpu->faults[i].vector != EXC_PF)
            continue;
        say(o, "walk of %08x, where fault %u was:", cpu->faults[i].cr2, i + 1);
        mmu_describe_walk(m->mmu, cpu->faults[i].cr2, o->line, o->opaque);
        cr2_done |= cpu->faults[i].cr2 == cpu->cr2;
    }
    if (!cr2_done) {
        say(o, "walk of CR2 = %08x:", cpu->cr2);
        mmu_describe_walk(m->mmu, cpu->cr2, o->line, o->opaque);
    }
}

static void describe_code(struct machine *m, const struct out *o)
{
    const struct cpu *cpu = m->cpu;
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    uint8_t bytes[15];
    char text[128];
    unsigned n = 0;

    while (n < sizeof bytes && mmu_peek(m->mmu, linear + n, &bytes[n], 1))
        n++;
    if (!n)
        say(o, "the instruction at %08x is not mapped", linear);
    else if (translator_disassemble(m->translator, cpu->seg[SEG_CS].access & AR_DB ? 32 : 16, bytes,
                                    n, cpu->eip, text, sizeof text))
        say(o, "at %04x:%08x: %s", cpu->seg[SEG_CS].selector, cpu->eip, text);
}

void crash_report(struct machine *m, void (*line)(void *opaque, const char *text), void *opaque)
{
    const struct out out = {line, opaque};
    const struct out *o = &out;

    say(o, "triple fault: an exception could not be delivered, nor could the double fault that "
           "came of it");
    describe_tables(m, o);
    describe_code(m, o);
    cpu_describe(m->cpu, line, opaque);
    describe_walks(m, o);
    say(o, "last blocks, newest first:");
    translator_describe_recent(m->translator, 4, line, opaque);
}
