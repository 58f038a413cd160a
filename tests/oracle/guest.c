#define _GNU_SOURCE
#include "oracle/guest.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/control.h"
#include "cpu/segment.h"
#include "cpu/xsave.h"
#include "ringer/error.h"
#include "translator/translator.h"

/* Guest physical memory; the kernel's pages lie at KERNEL_BASE. */
enum {
    RAM = 4 << 20,
    ARENA_PA = 0x200000,
    KERNEL_PA = 0x100000, /* GDT, IDT, LDT, TSS, handlers, stack: 16 pages */
    GDT = 0,
    LDT = 0x100,
    TSS = 0x200,
    IDT = 0x800,
    HANDLERS = 0x2000, /* 16 bytes for each vector */
    STACK0 = 0x6000,
    TABLES_PA = 0x120000, /* PDPTEs, directories, tables */
};

enum {
    SEL_KCODE = 0x08,
    SEL_KDATA = 0x10,
    SEL_TSS = 0x40,
    SEL_LDTR = 0x48,
    SEL_CPU = 0x78,
    GDT_ENTRIES = 16
};

const char *const guest_way_names[GUEST_WAYS] = {"cold", "cached", "by hand"};

struct guest {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *translator;
    struct descriptor gdt[GDT_ENTRIES], ldt[LDT_COUNT];
    struct arena_image image;
};

/* ---- wires ---- */

static uint32_t port_in(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)size;
    return ~0u;
}

static void port_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)value;
    (void)size;
}

static int no_interrupt(void *opaque)
{
    (void)opaque;
    return -1;
}

static uint64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static void no_ferr(void *opaque, bool level)
{
    (void)opaque;
    (void)level;
}

/* ---- the kernel ---- */

static struct descriptor make_descriptor(uint32_t base, uint32_t limit, uint32_t access)
{
    return (struct descriptor){(limit & 0xFFFF) | base << 16, (base >> 16 & 0xFF) |
                                                                  (base & 0xFF000000) |
                                                                  (limit & 0xF0000) | access};
}

static void make_segments(struct guest *g)
{
    const uint32_t flat = AR_P | AR_S | AR_DB | AR_G | AR_ACCESSED | AR_WRITABLE;
    g->gdt[SEL_KCODE >> 3] = make_descriptor(0, 0xFFFFF, flat | AR_CODE);
    g->gdt[SEL_KDATA >> 3] = make_descriptor(0, 0xFFFFF, flat);
    g->gdt[SEL_CODE32 >> 3] = make_descriptor(0, 0xFFFFF, flat | AR_CODE | AR_DPL);
    g->gdt[SEL_DATA32 >> 3] = make_descriptor(0, 0xFFFFF, flat | AR_DPL);
    g->gdt[SEL_CODE64 >> 3] =
        make_descriptor(0, 0xFFFFF, (flat & ~AR_DB) | AR_CODE | AR_DPL | AR_L);
    g->gdt[SEL_CPU >> 3] = make_descriptor(
        0, (uint32_t)sched_getcpu(), AR_P | AR_S | AR_DB | AR_DPL | 5u << 8); /* Linux's per CPU */
    ;
    g->gdt[SEL_TSS >> 3] = make_descriptor(KERNEL_BASE + TSS, 0x67, AR_P | SYS_TSS32 << 8);
    g->gdt[SEL_LDTR >> 3] =
        make_descriptor(KERNEL_BASE + LDT, LDT_COUNT * 8 - 1, AR_P | SYS_LDT << 8);
    for (unsigned i = 0; i < LDT_COUNT; i++) {
        const struct ldt_entry *e = &ldt_entries[i];
        uint32_t access = AR_S | AR_DPL | AR_ACCESSED | (uint32_t)e->contents << 10;
        access |= (e->big ? AR_DB : 0u) | (e->present ? AR_P : 0u);
        access |= e->read_exec_only ? 0u : AR_WRITABLE;
        g->ldt[i] = make_descriptor(e->base, e->limit, access);
    }
    phys_write(g->phys, KERNEL_PA + GDT, g->gdt, sizeof g->gdt);
    phys_write(g->phys, KERNEL_PA + LDT, g->ldt, sizeof g->ldt);
}

/* As in Linux, INT3 and INTO alone may be used from CPL 3. */
static void make_gates(struct guest *g)
{
    for (unsigned v = 0; v < 256; v++) {
        uint32_t at = KERNEL_BASE + HANDLERS + v * 16;
        uint32_t dpl = v == EXC_BP || v == EXC_OF ? AR_DPL : 0u;
        struct descriptor d = {(uint32_t)SEL_KCODE << 16 | (at & 0xFFFF),
                               (at & 0xFFFF0000) | AR_P | dpl | SYS_INT32 << 8};
        uint8_t hlt = 0xF4;
        phys_write(g->phys, KERNEL_PA + IDT + v * 8, &d, 8);
        phys_write(g->phys, KERNEL_PA + HANDLERS + v * 16, &hlt, 1);
    }
    phys_write32(g->phys, KERNEL_PA + TSS + 4, KERNEL_BASE + STACK0);
    phys_write32(g->phys, KERNEL_PA + TSS + 8, SEL_KDATA);
    phys_write32(g->phys, KERNEL_PA + TSS + 0x64, 0x680000); /* no I/O bitmap */
}

static void write64(struct guest *g, uint32_t pa, uint64_t value)
{
    phys_write(g->phys, pa, &value, sizeof value);
}

/* PAE, for NX: a directory each for the gigabytes of the arena and the kernel, and a table. */
static void map_page(struct guest *g, uint32_t lin, uint32_t pa, uint64_t rights)
{
    uint32_t directory = TABLES_PA + (lin < KERNEL_BASE ? 0x1000 : 0x3000),
             table = directory + 0x1000;
    write64(g, TABLES_PA + (lin >> 30) * 8, directory | 1);
    write64(g, directory + (lin >> 21 & 511) * 8, table | 7);
    write64(g, table + (lin >> 12 & 511) * 8, pa | rights);
}

static void make_tables(struct guest *g)
{
    static const uint64_t nx = 1ull << 63;
    static const uint64_t rights[] = {
        [PAGE_ABSENT] = 0, [PAGE_READ] = 5 | nx, [PAGE_WRITE] = 7 | nx, [PAGE_CODE] = 5};
    for (unsigned i = 0; i < ARENA_PAGES; i++)
        map_page(g, ARENA_BASE + i * ARENA_PAGE, ARENA_PA + i * ARENA_PAGE, rights[arena_page(i)]);
    for (unsigned i = 0; i < KERNEL_BYTES / 4096; i++)
        map_page(g, KERNEL_BASE + i * 4096, KERNEL_PA + i * 4096, 3);
}

static bool start_cpu(struct guest *g)
{
    struct cpu *cpu = g->cpu;
    cpu->gdtr = (struct dtable){KERNEL_BASE + GDT, sizeof g->gdt - 1};
    cpu->idtr = (struct dtable){KERNEL_BASE + IDT, 256 * 8 - 1};
    cpu->ldtr = segment_from_descriptor(SEL_LDTR, g->gdt[SEL_LDTR >> 3]);
    cpu->tr = segment_from_descriptor(SEL_TSS, g->gdt[SEL_TSS >> 3]);
    cpu->tr.access |= 2u << 8; /* busy */
    uint32_t xsave = cpu_has(cpu->model, FEAT_AVX) ? CR4_OSXSAVE : 0u;
    cpu->xcr0 = XCR0_X87 | XCR0_SSE | (xsave ? XCR0_AVX : 0u);
    return cpu_write_efer(cpu, 1u << 11) /* NXE */ &&
           cpu_write_cr4(cpu, CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | xsave) &&
           cpu_write_cr3(cpu, TABLES_PA) &&
           cpu_write_cr0(cpu, CR0_PG | CR0_PE | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_AM);
}

struct guest *guest_new(const char *model, bool check, const char **why)
{
    static const struct cpu_wires wires = {.in = port_in,
                                           .out = port_out,
                                           .intack = no_interrupt,
                                           .tsc = no_time,
                                           .ferr = no_ferr};
    struct translator_options options = {.check = check,
                                          .no_samples = true /* host_run bears no signals */};
    struct error err = {"out of memory"};
    struct guest *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->phys = phys_new(RAM, NULL, &err);
    g->mmu = g->phys ? mmu_new(g->phys, NULL, 0, &err) : NULL;
    if (g->mmu)
        mmu_give_low(g->mmu); /* the host's cases run there */
    g->cpu = g->mmu ? cpu_new(g->mmu, g->phys, NULL, cpu_model_find(model), &wires, &err) : NULL;
    g->translator = g->cpu ? translator_new(g->cpu, NULL, &options, &err) : NULL;
    if (!g->translator || !translator_attach(g->translator, &err)) {
        *why = "ringer's parts could not be made";
        guest_free(g);
        return NULL;
    }
    make_segments(g);
    make_gates(g);
    make_tables(g);
    if (!start_cpu(g)) {
        *why = "control registers were refused";
        guest_free(g);
        return NULL;
    }
    return g;
}

void guest_free(struct guest *g)
{
    if (!g)
        return;
    if (g->translator)
        translator_free(g->translator);
    if (g->cpu)
        cpu_free(g->cpu);
    if (g->mmu)
        mmu_free(g->mmu);
    if (g->phys)
        phys_free(g->phys);
    free(g);
}

/* ---- running ---- */

/* Only what differs is written, in pieces, so that blocks of unchanged bytes stay. */
static void load_arena(struct guest *g, const uint8_t *arena)
{
    enum { PIECE = 64 };
    const uint8_t *now = phys_ptr(g->phys, ARENA_PA, ARENA_BYTES);
    for (uint32_t i = 0; i < ARENA_BYTES; i += PIECE)
        if (memcmp(now + i, arena + i, PIECE))
            phys_write(g->phys, ARENA_PA + i, arena + i, PIECE);
}

static void load_segment(struct guest *g, enum seg_index seg, uint16_t selector)
{
    const struct descriptor *table = selector & 4 ? g->ldt : g->gdt;
    if (selector & ~3u || (selector & 4)) {
        struct segment s = segment_from_descriptor(selector, table[selector >> 3]);
        cpu_install_segment(g->cpu, seg, &s);
    } else {
        cpu_install_null(g->cpu, seg, selector);
    }
}

static void load_state(struct guest *g, const struct oracle_state *s)
{
    struct cpu *cpu = g->cpu;
    cpu_set_cpl(cpu, 3);
    for (unsigned i = 0; i < 6; i++)
        load_segment(g, (enum seg_index)i, s->seg[i]);
    memcpy(cpu->gpr, s->gpr, sizeof cpu->gpr);
    cpu->eip = s->eip;
    cpu_set_eflags(cpu, s->eflags);
    memcpy(cpu->fpu, s->fx, sizeof cpu->fpu);
    memcpy(cpu_ymm_high(cpu), s->ymm, YMM_BYTES);
    cpu->fpu_live = 0;
    cpu->x87_fip = cpu->x87_fdp = 0;
    cpu->x87_fcs = cpu->x87_fds = cpu->x87_fop = 0;
    cpu->halted = cpu->shutdown = cpu->shadow = 0;
    cpu->cr2 = 0;
    memset(&cpu->exc, 0, sizeof cpu->exc);
}

/* The frame that the exception pushed on the kernel's stack. */
static void read_frame(struct guest *g, struct oracle_end *end)
{
    static const uint32_t with_error = 1u << EXC_DF | 1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS |
                                       1u << EXC_GP | 1u << EXC_PF | 1u << EXC_AC;
    struct cpu *cpu = g->cpu;
    uint32_t frame[6], top = cpu->gpr[ESP] - KERNEL_BASE + KERNEL_PA;
    end->vector = (cpu->eip - 1 - KERNEL_BASE - HANDLERS) / 16;
    bool error = end->vector < 32 && (with_error >> end->vector & 1);
    phys_read(g->phys, top, frame, sizeof frame);
    end->error = error ? frame[0] : 0;
    phys_read(g->phys, top + (error ? 4 : 0), frame, sizeof frame);
    struct oracle_state *s = &end->state;
    memcpy(s->gpr, cpu->gpr, sizeof s->gpr);
    s->eip = frame[0];
    s->eflags = frame[2];
    s->gpr[ESP] = frame[3];
    for (unsigned i = 0; i < 6; i++)
        s->seg[i] = cpu->seg[i].selector;
    s->seg[SEG_CS] = (uint16_t)frame[1];
    s->seg[SEG_SS] = (uint16_t)frame[4];
    memcpy(s->fx, cpu->fpu, FX_BYTES);
    memcpy(s->ymm, cpu_ymm_high(cpu), YMM_BYTES);
    end->cr2 = cpu->cr2;
}

bool guest_run(struct guest *g, const struct oracle_case *c, enum guest_way way,
               struct oracle_end *end, const char **why)
{
    struct cpu *cpu = g->cpu;
    case_arena(c, &g->image, end->arena);
    load_arena(g, end->arena);
    load_state(g, &c->start);
    cpu->dr[0] = KERNEL_BASE - 4096; /* nobody writes there */
    cpu->dr[7] = way == WAY_HAND ? 0xF0401 : 0x400;
    enum run_exit e = translator_run(g->translator);
    if (e != RUN_HALT) {
        *why = e == RUN_SHUTDOWN ? "shutdown" : "an event";
        return false;
    }
    if (cpu->cpl != 0) {
        *why = "HLT at CPL 3";
        return false;
    }
    read_frame(g, end);
    memcpy(end->arena, phys_ptr(g->phys, ARENA_PA, ARENA_BYTES), ARENA_BYTES);
    return true;
}

void guest_text(struct guest *g, const struct oracle_case *c, char *out, unsigned n)
{
    translator_disassemble(g->translator, c->code16 ? 16 : 32, c->code, c->length, c->start.eip,
                           out, n);
}
