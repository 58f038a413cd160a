#include "tests/translator/rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HANDLER_BYTES = 8, IOMAP = 104 };

/* ASan leaves SIGSEGV and the alternate stack to us. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:use_sigaltstack=0";
}

/* ---- ports ---- */

static void events(struct rig *r, uint32_t set, uint32_t clear)
{
    __atomic_fetch_and(&r->cpu->event, ~clear, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&r->cpu->event, set, __ATOMIC_SEQ_CST);
}

static uint32_t on_in(void *opaque, uint16_t port, unsigned size)
{
    struct rig *r = opaque;
    uint32_t value = 0;
    switch (port) {
    case RIG_PORT_VALUE:
        return r->count;
    case RIG_PORT_INTR:
        return r->vector >= 0;
    case RIG_PORT_A20:
        return phys_a20(r->phys);
    case RIG_PORT_FERR:
        return r->ferr;
    case RIG_PORT_DATA:
        phys_read(r->phys, r->dma_address, &value, size);
        return value;
    default:
        return 0xFFFFFFFF;
    }
}

static void raise_vector(struct rig *r, uint32_t vector)
{
    r->vector = (int)(vector & 0xFF);
    events(r, EVENT_INTR, 0);
}

static void finish(struct rig *r, bool failed, uint32_t value)
{
    if (!r->ended)
        r->result = value;
    r->ended = true;
    r->failed |= failed;
    events(r, EVENT_KICK, 0);
}

static void on_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct rig *r = opaque;
    switch (port) {
    case RIG_PORT_VALUE:
        if (r->count < RIG_VALUES)
            r->value[r->count] = value;
        r->count++;
        break;
    case RIG_PORT_INTR:
        raise_vector(r, value);
        break;
    case RIG_PORT_NMI:
        events(r, EVENT_NMI, 0);
        break;
    case RIG_PORT_KICK:
        rig_raise(r, EVENT_KICK);
        break;
    case RIG_PORT_WAKE:
        r->wake = (int)(value & 0xFF);
        break;
    case RIG_PORT_FERR:
        r->ferr_vector = (int)(value & 0xFF);
        break;
    case RIG_PORT_A20:
        phys_set_a20(r->phys, value & 1);
        mmu_a20_changed(r->mmu);
        break;
    case RIG_PORT_DMA:
        r->dma_address = value;
        break;
    case RIG_PORT_DATA:
        phys_write(r->phys, r->dma_address, &value, size);
        break;
    case RIG_PORT_FAIL:
        finish(r, true, value);
        break;
    case RIG_PORT_END:
        finish(r, false, value);
        break;
    default:
        break;
    }
}

static int on_intack(void *opaque)
{
    struct rig *r = opaque;
    int vector = r->vector;
    r->vector = -1;
    events(r, 0, EVENT_INTR);
    return vector;
}

static uint64_t on_tsc(void *opaque)
{
    struct rig *r = opaque;
    return r->tsc += 100;
}

static void on_ferr(void *opaque, bool level)
{
    struct rig *r = opaque;
    r->ferr = level;
    if (level && r->ferr_vector >= 0)
        raise_vector(r, (uint32_t)r->ferr_vector);
}

static uint32_t mmio_read(void *opaque, uint32_t offset, unsigned size)
{
    struct rig *r = opaque;
    uint32_t value = 0;
    r->mmio_reads++;
    memcpy(&value, r->mmio + offset, size);
    return value;
}

static void mmio_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct rig *r = opaque;
    r->mmio_writes++;
    memcpy(r->mmio + offset, &value, size);
}

static uint32_t planes_read(void *opaque, uint32_t offset, unsigned size)
{
    struct rig *r = opaque;
    uint32_t value = 0;
    memcpy(&value, r->planes + offset, size);
    return value;
}

static void planes_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct rig *r = opaque;
    memcpy(r->planes + offset, &value, size);
}

/* Byte by byte, and never by vector registers. */
static bool quick_read(void *opaque, uint32_t offset, unsigned size, uint32_t *value)
{
    const volatile uint8_t *from = ((struct rig *)opaque)->planes + offset;
    if (offset >= PAGE_SIZE - 16)
        return false;
    *value = 0;
    for (unsigned i = 0; i < size; i++)
        *value |= (uint32_t)from[i] << i * 8;
    return true;
}

static bool quick_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    volatile uint8_t *to = ((struct rig *)opaque)->planes + offset;
    if (offset >= PAGE_SIZE - 16)
        return false;
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> i * 8);
    return true;
}

static bool map_planes(struct rig *r)
{
    static const struct mmio_ops ops = {planes_read, planes_write, 4};
    static const struct mmio_quick quick = {quick_read, quick_write};
    int id = phys_map_mmio(r->phys, "planes", RIG_PLANES, PAGE_SIZE, &ops, r);
    phys_set_quick(r->phys, id, &quick);
    return id >= 0;
}

/* ---- life ---- */

static bool compose(struct rig *r, const struct rig_options *o, struct error *err)
{
    static const struct mmio_ops ops = {mmio_read, mmio_write, 4};
    struct cpu_wires wires = {.opaque = r,
                              .in = on_in,
                              .out = on_out,
                              .intack = on_intack,
                              .tsc = on_tsc,
                              .ferr = on_ferr};
    struct translator_options options = o->translator;
    uint32_t channels = 0;
    uint8_t *alias;
    options.check |= !o->no_check;
    if (o->log && log_parse_channels(o->log, &channels, NULL, 0))
        r->log = log_new(NULL, channels);
    r->phys = phys_new((uint64_t)(o->ram_mib ? o->ram_mib : 16) << 20, r->log, err);
    if (!r->phys || phys_map_ram(r->phys, "upper memory", 0xA0000, 0x60000, &alias) < 0 ||
        phys_map_mmio(r->phys, "registers", RIG_MMIO, PAGE_SIZE, &ops, r) < 0 ||
        !map_planes(r))
        return false;
    r->mmu = mmu_new(r->phys, r->log, 0, err);
    r->cpu = r->mmu ? cpu_new(r->mmu, r->phys, r->log, cpu_model_find(o->model ? o->model : "max"),
                              &wires, err)
                    : NULL;
    r->t = r->cpu ? translator_new(r->cpu, r->log, &options, err) : NULL;
    return r->t && translator_attach(r->t, err);
}

void rig_open(struct rig *r, const struct rig_options *options)
{
    static const struct rig_options defaults;
    struct error err = {"no memory"};
    memset(r, 0, sizeof *r);
    r->vector = r->wake = r->ferr_vector = -1;
    if (!compose(r, options ? options : &defaults, &err)) {
        fprintf(stderr, "no machine to test with: %s\n", err.text);
        exit(2);
    }
    rig_real(r);
}

void rig_close(struct rig *r)
{
    translator_free(r->t);
    cpu_free(r->cpu);
    mmu_free(r->mmu);
    phys_free(r->phys);
    log_free(r->log);
}

/* ---- modes ---- */

void rig_real(struct rig *r)
{
    cpu_reset(r->cpu);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        cpu_set_real_segment(r->cpu, (enum seg_index)s, 0, false);
    r->cpu->eip = RIG_CODE;
    r->cpu->gpr[ESP] = RIG_STACK0;
    r->ended = r->failed = false;
    r->count = 0;
}

static void descriptor(struct rig *r, unsigned selector, uint32_t base, uint32_t limit,
                       uint32_t access)
{
    uint32_t at = RIG_GDT + (selector & 0xFFF8u);
    rig_w32(r, at, (limit & 0xFFFF) | base << 16);
    rig_w32(r, at + 4, (base >> 16 & 0xFF) | access | (limit & 0xF0000) | (base & 0xFF000000));
}

/* Each vector's handler: MOV EAX, vector; OUT END, EAX.  The pushed frame stays on the stack. */
static void write_handlers(struct rig *r)
{
    for (unsigned v = 0; v < 256; v++) {
        uint32_t at = RIG_HANDLERS + v * HANDLER_BYTES;
        uint32_t gate = v < 32 ? 0x8E00 : 0xEE00; /* 32-bit interrupt gates */
        rig_w32(r, RIG_IDT + v * 8, (uint32_t)SEL_CODE0 << 16 | (at & 0xFFFF));
        rig_w32(r, RIG_IDT + v * 8 + 4, (at & 0xFFFF0000) | gate);
        rig_w8(r, at, 0xB8);
        rig_w32(r, at + 1, 0x80000000 | v);
        rig_w8(r, at + 5, 0xE7);
        rig_w8(r, at + 6, RIG_PORT_END);
        rig_w8(r, at + 7, 0xF4);
    }
}

static void write_tables(struct rig *r)
{
    enum { G = 1 << 23, D = 1 << 22 };
    descriptor(r, SEL_CODE0, 0, 0xFFFFF, 0x9B00 | G | D);
    descriptor(r, SEL_DATA0, 0, 0xFFFFF, 0x9300 | G | D);
    descriptor(r, SEL_CODE3, 0, 0xFFFFF, 0xFB00 | G | D);
    descriptor(r, SEL_DATA3, 0, 0xFFFFF, 0xF300 | G | D);
    descriptor(r, SEL_TSS, RIG_TSS, 0xFFF, 0x8B00);
    descriptor(r, SEL_SMALL, 0x10000, 0xFFF, 0xF300 | D);
    descriptor(r, SEL_DOWN, 0x10000, 0xFFF, 0xF700 | D);
    descriptor(r, SEL_CODE16, 0, 0xFFFF, 0x9B00);
    descriptor(r, SEL_DATA16, 0, 0xFFFF, 0x9300);
    descriptor(r, SEL_BASED, 0x10000, 0xFFFFF, 0xF300 | G | D);
    rig_w32(r, RIG_TSS + 4, RIG_STACK0);
    rig_w32(r, RIG_TSS + 8, SEL_DATA0);
    rig_w32(r, RIG_TSS + 100, IOMAP << 16); /* every port is allowed */
}

static void flat_segment(struct cpu *cpu, unsigned s, unsigned selector, unsigned cpl)
{
    cpu_set_flat_segment(cpu, (enum seg_index)s, (uint16_t)selector, s == SEG_CS);
    cpu->seg[s].access = (cpu->seg[s].access & ~(uint32_t)AR_DPL) | cpl << AR_DPL_SHIFT;
    cpu_segment_changed(cpu, (enum seg_index)s);
}

void rig_flat(struct rig *r, unsigned cpl)
{
    struct cpu *cpu = r->cpu;
    rig_real(r);
    write_tables(r);
    write_handlers(r);
    cpu->gdtr = (struct dtable){RIG_GDT, 0xFF};
    cpu->idtr = (struct dtable){RIG_IDT, 0x7FF};
    cpu->tr = (struct segment){
        .base = RIG_TSS, .limit = 0xFFF, .access = 0x8B00, .selector = SEL_TSS, .usable = 1};
    cpu_write_cr0(cpu, cpu->cr0 | CR0_PE | CR0_NE);
    if (cpu_has(cpu->model, FEAT_SSE))
        cpu_write_cr4(cpu, CR4_OSFXSR | CR4_OSXMMEXCPT);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        flat_segment(cpu, s,
                     s == SEG_CS ? (cpl ? SEL_CODE3 : SEL_CODE0) : (cpl ? SEL_DATA3 : SEL_DATA0),
                     cpl);
    cpu->cpl = (uint8_t)cpl;
    cpu->gpr[ESP] = cpl ? RIG_STACK3 : RIG_STACK0;
    cpu->mode_changed = 1;
}

void rig_protected16(struct rig *r)
{
    rig_flat(r, 0);
    for (unsigned s = 0; s < SEG_COUNT; s++) {
        struct segment *seg = &r->cpu->seg[s];
        seg->selector = s == SEG_CS ? SEL_CODE16 : SEL_DATA16;
        seg->limit = 0xFFFF;
        seg->access &= ~(uint32_t)(AR_DB | AR_G);
        cpu_segment_changed(r->cpu, (enum seg_index)s);
    }
}

void rig_v86(struct rig *r)
{
    struct cpu *cpu = r->cpu;
    rig_flat(r, 3);
    cpu_set_eflags(cpu, FLAG_VM | FLAG_IOPL | 2);
    for (unsigned s = 0; s < SEG_COUNT; s++) {
        cpu_set_real_segment(cpu, (enum seg_index)s, 0, false);
        cpu->seg[s].access |= AR_DPL;
    }
    cpu->gpr[ESP] = 0x6000;
    cpu->mode_changed = 1;
}

void rig_map(struct rig *r, uint32_t lin, uint32_t entry)
{
    rig_w32(r, RIG_PAGE_TABLE + (lin >> PAGE_SHIFT) * 4, entry);
}

void rig_paging(struct rig *r)
{
    enum { PRESENT_WRITABLE_USER = 7, ENTRIES = 1024 };
    rig_w32(r, RIG_PAGE_DIR, RIG_PAGE_TABLE | PRESENT_WRITABLE_USER);
    for (uint32_t i = 0; i < ENTRIES; i++)
        rig_map(r, i << PAGE_SHIFT, i << PAGE_SHIFT | PRESENT_WRITABLE_USER);
    cpu_write_cr3(r->cpu, RIG_PAGE_DIR);
    cpu_write_cr0(r->cpu, r->cpu->cr0 | CR0_PG);
}

/* ---- running ---- */

void rig_load(struct rig *r, uint32_t pa, const void *bytes, uint32_t len)
{
    phys_write(r->phys, pa, bytes, len);
}

unsigned rig_hex(struct rig *r, uint32_t pa, const char *hex)
{
    unsigned n = 0;
    for (char *end;; hex = end, n++) {
        unsigned long byte = strtoul(hex, &end, 16);
        if (end == hex)
            return n;
        rig_w8(r, pa + n, (uint8_t)byte);
    }
}

static enum rig_end run(struct rig *r, bool until_kick)
{
    for (;;) {
        switch (translator_run(r->t)) {
        case RUN_DIVERGED:
            return RIG_DIVERGED;
        case RUN_SHUTDOWN:
            return RIG_SHUTDOWN;
        case RUN_HALT:
            if (r->wake < 0)
                return RIG_HALTED;
            if (r->wake == EXC_NMI)
                events(r, EVENT_NMI, 0);
            else
                raise_vector(r, (uint32_t)r->wake);
            r->wake = -1;
            break;
        case RUN_EVENT:
            events(r, 0, EVENT_KICK | EVENT_RESET);
            if (r->ended)
                return r->failed ? RIG_FAILED : RIG_ENDED;
            if (until_kick)
                return RIG_KICKED;
            break;
        }
    }
}

enum rig_end rig_run(struct rig *r)
{
    return run(r, false);
}

enum rig_end rig_run_until_kick(struct rig *r)
{
    return run(r, true);
}

static void *kick_soon(void *opaque)
{
    const struct timespec pause = {0, 500000};
    nanosleep(&pause, NULL);
    rig_raise(opaque, EVENT_KICK);
    return NULL;
}

enum rig_end rig_run_and_kick(struct rig *r)
{
    pthread_t thread;
    pthread_create(&thread, NULL, kick_soon, r);
    enum rig_end end = rig_run_until_kick(r);
    pthread_join(thread, NULL);
    return end;
}

enum rig_end rig_exec(struct rig *r, const char *hex)
{
    unsigned n = rig_hex(r, RIG_CODE, hex);
    rig_w8(r, RIG_CODE + n, 0xE7); /* OUT RIG_PORT_END, eAX */
    rig_w8(r, RIG_CODE + n + 1, RIG_PORT_END);
    r->cpu->eip = RIG_CODE;
    r->ended = r->failed = false;
    return rig_run(r);
}

int rig_exception(struct rig *r, uint32_t *error)
{
    if (r->cpu->eip < RIG_HANDLERS || r->cpu->eip >= RIG_HANDLERS + 256 * HANDLER_BYTES)
        return -1;
    if (error)
        *error = rig_r32(r, r->cpu->gpr[ESP]);
    return (int)(r->cpu->eip - RIG_HANDLERS) / HANDLER_BYTES;
}

void rig_raise(struct rig *r, uint32_t set)
{
    events(r, set, 0);
    translator_kick(r->t);
}

/* ---- memory ---- */

uint32_t rig_r32(struct rig *r, uint32_t pa)
{
    uint32_t value;
    phys_read(r->phys, pa, &value, sizeof value);
    return value;
}

uint16_t rig_r16(struct rig *r, uint32_t pa)
{
    return (uint16_t)rig_r32(r, pa);
}

uint8_t rig_r8(struct rig *r, uint32_t pa)
{
    return (uint8_t)rig_r32(r, pa);
}

void rig_w32(struct rig *r, uint32_t pa, uint32_t value)
{
    phys_write(r->phys, pa, &value, sizeof value);
}

void rig_w8(struct rig *r, uint32_t pa, uint8_t value)
{
    phys_write(r->phys, pa, &value, 1);
}
