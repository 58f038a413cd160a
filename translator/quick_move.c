/* Short cut of accesses by hand: moves between registers and memory, and arithmetic on it, where
 * that is plain memory or a device that takes them without more ado (a VGA's planes).  See
 * translator/quick.c, whose rules hold here: general registers alone, nothing is called but
 * mmu/direct.c and such devices, and NULL is returned before anything was changed.
 *
 * A read of such a device may be made twice: by this file, which gives up at the store behind it,
 * and by the hub. */
#include "cpu/access.h"
#include "cpu/alu.h"
#include "mmu/direct.h"
#include "translator/internal.h"

/* One operand in memory: host memory at P, or a device's. */
struct place {
    uint8_t *p;
    struct mmio_target device;
};

/* May S be accessed at OFFSET?  Only the usual: anything else is the hub's to tell. */
static bool within(const struct cpu *cpu, const struct segment *s, uint32_t offset, unsigned size,
                   bool write)
{
    bool code = s->access & AR_CODE;
    if (!s->usable || (!code && (s->access & AR_EXPAND_DOWN)))
        return false;
    if ((cpu->cr0 & CR0_PE) &&
        (write ? code || !(s->access & AR_WRITABLE) : code && !(s->access & AR_READABLE)))
        return false;
    return offset <= s->limit && s->limit - offset >= size - 1;
}

/* A store beside code, in none of the 64-byte pieces of its page that hold some. */
static uint8_t *beside_code(struct translator *t, uint32_t lin, unsigned size, bool user)
{
    uint32_t pa;
    uint8_t *p = mmu_direct_code(t->mmu, lin, size, user, &pa);
    if (!p)
        return NULL;
    unsigned first = (pa & (PAGE_SIZE - 1)) >> 6, last = ((pa & (PAGE_SIZE - 1)) + size - 1) >> 6;
    if ((t->page_granule[pa >> PAGE_SHIFT] >> first | t->page_granule[pa >> PAGE_SHIFT] >> last) &
        1)
        return NULL;
    t->stats.code_writes++;
    return p;
}

static bool find(struct translator *t, unsigned seg, uint32_t offset, unsigned size, bool write,
                 struct place *at)
{
    struct cpu *cpu = t->cpu;
    const struct segment *s = &cpu->seg[seg];
    enum mmu_access access = write ? MMU_WRITE : MMU_READ;
    bool user = cpu->cpl == 3;
    if (!within(cpu, s, offset, size, write) || (user && (cpu->flags_sys & FLAG_AC)))
        return false;
    at->p = mmu_direct(t->mmu, s->base + offset, size, access, user);
    if (!at->p && write)
        at->p = beside_code(t, s->base + offset, size, user);
    return at->p || mmu_direct_mmio(t->mmu, s->base + offset, size, access, user, &at->device);
}

static bool load(const struct place *at, unsigned size, uint32_t *value)
{
    if (!at->p)
        return mmio_quick_read(&at->device, size, value);
    *value = size == 4 ? *(const uint32_t *)at->p : size == 2 ? *(const uint16_t *)at->p : *at->p;
    return true;
}

static bool store(const struct place *at, unsigned size, uint32_t value)
{
    if (!at->p)
        return mmio_quick_write(&at->device, size, value);
    if (size == 4)
        *(uint32_t *)at->p = value;
    else if (size == 2)
        *(uint16_t *)at->p = (uint16_t)value;
    else
        *at->p = (uint8_t)value;
    return true;
}

/* The site met plain memory only, or not.  The hub sees it now and then, to review it. */
static bool counted(struct translator *t, struct site *site, bool plain)
{
    uint32_t epoch = mmu_direct_epoch(t->mmu);
    if (!plain) {
        site->plain = 0;
        return true;
    }
    if ((site->plain + 1) % PLAIN_RUN == 0)
        return false;
    site->plain++;
    site->uses += site->epoch != epoch;
    site->epoch = epoch;
    return true;
}

/* ---- MOV, XCHG ---- */

static uint32_t address(const struct cpu *cpu, const struct insn *in)
{
    if (!in->has_modrm)
        return in->addrsize == 2 ? in->imm & 0xFFFF : in->imm;
    return in->addrsize == 2 ? cpu_address16(cpu, in) : cpu_address32(cpu, in);
}

void *quick_operand(struct translator *t, const struct insn *in, unsigned size, bool write)
{
    struct place at;
    return find(t, in->seg, address(t->cpu, in), size, write, &at) ? at.p : NULL;
}

static const uint8_t *one_operand(struct translator *t, struct site *site, unsigned size)
{
    struct cpu *cpu = t->cpu;
    const struct insn *in = &site->in;
    unsigned reg = in->has_modrm ? insn_reg(in) : EAX;
    bool exchange = in->opcode == 0x86 || in->opcode == 0x87;
    bool loads =
        in->opcode == 0x8A || in->opcode == 0x8B || in->opcode == 0xA0 || in->opcode == 0xA1;
    bool immediate = in->opcode == 0xC6 || in->opcode == 0xC7;
    uint32_t old, value = immediate ? in->imm : reg_get(cpu, reg, size);
    struct place at;
    if (!find(t, in->seg, address(cpu, in), size, !loads, &at) || !counted(t, site, at.p))
        return NULL;
    if ((loads || exchange) && !load(&at, size, &old))
        return NULL;
    if (!loads && !store(&at, size, value))
        return NULL;
    if (loads || exchange)
        reg_set(cpu, reg, size, old);
    return quick_go_on(t, site);
}

/* ---- ADD to CMP, TEST, INC, DEC, NOT, NEG ---- */

bool quick_calculates(const struct insn *in)
{
    unsigned reg = insn_reg(in);
    if (in->opcode < 0x40)
        return (in->opcode & 7) < 4;
    return (in->opcode & 0xFC) == 0x80 || (in->opcode & 0xFE) == 0x84 ||
           ((in->opcode & 0xFE) == 0xF6 && reg < 4) || ((in->opcode & 0xFE) == 0xFE && reg < 2);
}

/* What IN does, and its second operand; that in memory is the first unless *TO_REG. */
static enum alu_op operation(const struct cpu *cpu, const struct insn *in, unsigned size,
                             uint32_t *b, bool *to_reg)
{
    static const uint8_t group3[] = {ALU_TEST, ALU_TEST, ALU_NOT, ALU_NEG};
    static const uint8_t group4[] = {ALU_INC, ALU_DEC};
    unsigned reg = insn_reg(in);
    *to_reg = in->opcode < 0x40 && (in->opcode & 2);
    *b = in->imm;
    if ((in->opcode & 0xFC) == 0x80)
        return (enum alu_op)reg;
    if (in->opcode >= 0xF6)
        return in->opcode >= 0xFE ? group4[reg & 1] : group3[reg & 3];
    *b = reg_get(cpu, reg, size);
    return in->opcode < 0x40 ? in->opcode >> 3 & 7 : ALU_TEST;
}

static const uint8_t *arithmetic(struct translator *t, struct site *site, unsigned size)
{
    struct cpu *cpu = t->cpu;
    const struct insn *in = &site->in;
    uint32_t a, b, value, flags = cpu->flags_host;
    bool to_reg;
    enum alu_op op = operation(cpu, in, size, &b, &to_reg);
    bool result = op != ALU_CMP && op != ALU_TEST, stores = result && !to_reg;
    struct place at;
    if (!find(t, in->seg, address(cpu, in), size, stores, &at) || !counted(t, site, at.p) ||
        !load(&at, size, &a))
        return NULL;
    value = to_reg ? alu_execute(op, size, b, a, &flags) : alu_execute(op, size, a, b, &flags);
    if (stores && !store(&at, size, value))
        return NULL;
    if (result && to_reg)
        reg_set(cpu, insn_reg(in), size, value);
    cpu->flags_host = flags;
    return quick_go_on(t, site);
}

/* ---- MOVS, STOS, LODS, once ---- */

static uint32_t element(const struct cpu *cpu, const struct insn *in, unsigned reg)
{
    return in->addrsize == 2 ? cpu->gpr[reg] & 0xFFFF : cpu->gpr[reg];
}

static void step(struct cpu *cpu, const struct insn *in, unsigned reg, unsigned size)
{
    uint32_t next = cpu->flags_host & FLAG_DF ? cpu->gpr[reg] - size : cpu->gpr[reg] + size;
    reg_set(cpu, reg, in->addrsize, next);
}

static const uint8_t *string(struct translator *t, struct site *site, unsigned size)
{
    struct cpu *cpu = t->cpu;
    const struct insn *in = &site->in;
    bool source = (in->opcode & 0xFE) != 0xAA, dest = (in->opcode & 0xFE) != 0xAC, plain = true;
    uint32_t value = reg_get(cpu, EAX, size);
    struct place from, to;
    if (source && !find(t, insn_data_segment(in), element(cpu, in, ESI), size, false, &from))
        return NULL;
    if (dest && !find(t, SEG_ES, element(cpu, in, EDI), size, true, &to))
        return NULL;
    plain = (!source || from.p) && (!dest || to.p);
    if (!counted(t, site, plain) || (source && !load(&from, size, &value)) ||
        (dest && !store(&to, size, value)))
        return NULL;
    if (!dest)
        reg_set(cpu, EAX, size, value);
    if (source)
        step(cpu, in, ESI, size);
    if (dest)
        step(cpu, in, EDI, size);
    return quick_go_on(t, site);
}

const uint8_t *quick_move(struct translator *t, struct site *site)
{
    const struct insn *in = &site->in;
    unsigned size = in->opcode & 1 ? in->opsize : 1;
    if (in->kind == K_STRING)
        return string(t, site, size);
    return quick_calculates(in) ? arithmetic(t, site, size) : one_operand(t, site, size);
}
