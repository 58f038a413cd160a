/* Which sites have short cuts, and what the hub teaches them (translator/quick.h). */
#include <string.h>

#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "translator/build.h"

/* ---- at translation ---- */

static bool data_segment(unsigned seg)
{
    return seg < SEG_COUNT && seg != SEG_CS && seg != SEG_SS;
}

/* The register that POP ES, DS, FS or GS loads; SEG_NONE: it is another instruction. */
static unsigned popped(const struct insn *in)
{
    if (in->map == MAP_0F)
        return in->opcode == 0xA1 ? SEG_FS : in->opcode == 0xA9 ? SEG_GS : SEG_NONE;
    return in->opcode == 0x07 ? SEG_ES : in->opcode == 0x1F ? SEG_DS : SEG_NONE;
}

/* The selector into r8d by an access like any other's; false: memory is to be read by hand. */
static bool load_selector(struct build *b, bool pop)
{
    const struct insn *in = b->in;
    if (!pop && !in->has_mem) {
        emit_zx16(b->e, R8, insn_rm(in));
        return true;
    }
    if ((pop && !flat_stack(b)) ||
        policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN)
        return false;
    if (pop)
        emit_load_sized(b->e, in->opsize, R8, RSP, R_WINDOW, 0);
    else
        mem_load(b, 2, R8);
    return true;
}

static enum quick_kind system_call(const struct build *b, const struct insn *in)
{
    switch (in->opcode) {
    case 0x01:
        return in->modrm == MODRM_RDTSCP && cpu_has(b->t->cpu->model, FEAT_RDTSCP) ? QUICK_RDTSC
                                                                                   : QUICK_NONE;
    case 0x31:
        return cpu_has(b->t->cpu->model, FEAT_TSC) ? QUICK_RDTSC : QUICK_NONE;
    case 0xA2:
        return cpu_has(b->t->cpu->model, FEAT_CPUID) ? QUICK_CPUID : QUICK_NONE;
    case 0x34:
        return QUICK_SYSENTER;
    case 0x35:
        return QUICK_SYSEXIT;
    default:
        return QUICK_NONE;
    }
}

/* CALL and JMP by a far pointer in memory: selector and IP into r8d.  Lock-step knows of no access
 * that blocks make for them. */
static enum quick_kind far_indirect(struct build *b)
{
    const struct insn *in = b->in;
    unsigned group = in->modrm >> 3 & 7;
    if ((group != 3 && group != 5) || !in->has_mem || b->t->verify ||
        policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN)
        return QUICK_NONE;
    mem_load(b, 4, R8);
    return QUICK_FAR_CALL;
}

static enum quick_kind far_direct(const struct insn *in)
{
    switch (in->opcode) {
    case 0x9A:
    case 0xEA:
        return QUICK_FAR_CALL;
    case 0xCA:
    case 0xCB:
        return QUICK_FAR_RETURN;
    default:
        return QUICK_NONE;
    }
}

/* The same in protected mode, read by the short cut from flat memory. */
static enum quick_kind far_pointer(const struct build *b)
{
    const struct insn *in = b->in;
    unsigned group = in->modrm >> 3 & 7;
    bool far = group == 3 || group == 5;
    return far && in->has_mem && in->addrsize == 4 && seg_flat(b, in->seg) ? QUICK_FAR_CALL
                                                                          : QUICK_NONE;
}

static enum quick_kind real_mode(struct build *b)
{
    const struct insn *in = b->in;
    if (in->map != MAP_1B || in->opsize != 2)
        return QUICK_NONE;
    switch (in->opcode) {
    case 0xFF:
        return far_indirect(b);
    case 0xCD:
        return b->mode & MODE_V86 ? QUICK_NONE : QUICK_INT_REAL;
    case 0xCF:
        return QUICK_IRET_REAL;
    default:
        return far_direct(in);
    }
}

enum quick_kind quick_emit(struct build *b, uint8_t *seg)
{
    const struct insn *in = b->in;
    unsigned pop = popped(in);
    if (!b->t->fsgsbase || (b->mode & (MODE_ONE | MODE_WATCH)))
        return QUICK_NONE;
    if (!(b->mode & MODE_PE) || (b->mode & MODE_V86))
        return real_mode(b);
    if (pop != SEG_NONE) {
        *seg = (uint8_t)pop;
        return load_selector(b, true) ? QUICK_POP_SEG : QUICK_NONE;
    }
    if (in->map == MAP_0F)
        return system_call(b, in);
    if (in->opcode == 0x8E && data_segment(insn_reg(in))) {
        *seg = (uint8_t)insn_reg(in);
        return load_selector(b, false) ? QUICK_MOV_SEG : QUICK_NONE;
    }
    if (in->opcode == 0xCF)
        return in->opsize == 4 ? QUICK_IRET : QUICK_NONE;
    if (in->opcode == 0xCD)
        return QUICK_INT;
    if (in->opsize != 4)
        return QUICK_NONE;
    if (in->opcode == 0xD9)
        return QUICK_ENV;
    return in->opcode == 0xFF ? far_pointer(b) : far_direct(in);
}

/* What quick_move carries out: MOV, XCHG, arithmetic, and strings moved element by element.  Nearly
 * all that a kernel does to pages that it maps for one short use each, and that programs do to a
 * VGA's planes. */
static bool moves(const struct insn *in)
{
    if (in->map != MAP_1B)
        return false;
    if (in->kind == K_STRING)
        return !in->rep && ((in->opcode & 0xFE) == 0xA4 || (in->opcode & 0xFE) == 0xAA ||
                            (in->opcode & 0xFE) == 0xAC);
    if (in->kind == K_MOFFS)
        return true;
    return in->kind == K_PLAIN && in->has_mem &&
           (quick_calculates(in) || (in->opcode & 0xFC) == 0x88 || (in->opcode & 0xFE) == 0x86 ||
            (in->opcode & 0xFE) == 0xC6);
}

enum quick_kind quick_by_hand(const struct build *b)
{
    bool now = b->t->fsgsbase && !(b->mode & (MODE_ONE | MODE_WATCH));
    return now && moves(b->in) ? QUICK_MOVE : QUICK_NONE;
}

/* ---- at run time ---- */

void quick_start(struct translator *t)
{
    bool watched = log_on(t->log, LOG_TRACE) || log_on(t->log, LOG_EXEC) || log_on(t->log, LOG_INT);
    t->quick.allowed = !watched && !t->hooks.count;
    t->quick.on = t->quick.allowed && !t->verify;
    if (!t->quick.on)
        quick_forget_leaves(t);
}

/* Remember segment register SEG, just loaded, in CACHE of COUNT entries.  OWN: only a segment whose
 * DPL, RPL and the CPL are one, of 32 bits, not conforming. */
static void remember(struct translator *t, struct quick_segment *cache, unsigned count,
                     unsigned seg, bool own)
{
    const struct cpu *cpu = t->cpu;
    const struct segment *s = &cpu->seg[seg];
    struct quick_segment *q = &cache[quick_slot(s->selector, count)];
    if (q->valid && q->segment.selector == s->selector && q->segment.base != s->base)
        q = &cache[quick_other_slot(s->selector, s->base, count)];
    unsigned dpl = s->access >> AR_DPL_SHIFT & 3;
    bool conforming = (s->access & AR_CODE) && (s->access & AR_CONFORMING);
    struct descriptor d;
    uint32_t lin;
    if (own && (dpl != cpu->cpl || (s->selector & 3u) != dpl || conforming || !(s->access & AR_DB)))
        return;
    if (q->valid && q->cpl == cpu->cpl && !memcmp(&q->segment, s, sizeof *s))
        return;
    if (!cpu_descriptor_address(cpu, s->selector, &lin) || !mmu_peek(t->mmu, lin, &d, sizeof d))
        return;
    /* The register may have been loaded long ago, from something else. */
    struct segment now = segment_from_descriptor(s->selector, d);
    if (now.base != s->base || now.limit != s->limit || now.access != s->access)
        return;
    *q = (struct quick_segment){.segment = *s,
                                .class = mode_segment_class(cpu, seg),
                                .cpl = cpu->cpl,
                                .valid = true};
    memcpy(&q->raw, &d, sizeof q->raw);
}

void quick_learn(struct translator *t, enum quick_kind kind, unsigned seg)
{
    struct cpu *cpu = t->cpu;
    struct quick_pair *pair = kind == QUICK_SYSENTER ? &t->quick.enter : &t->quick.leave;
    if (cpu->exc.valid || !cpu_protected(cpu))
        return;
    switch (kind) {
    case QUICK_MOV_SEG:
    case QUICK_POP_SEG:
        if (cpu->seg[seg].usable)
            remember(t, t->quick.data, QUICK_DATA, seg, false);
        else
            t->quick.null_check = cpu->seg[seg].read_check;
        break;
    case QUICK_FAR_CALL:
    case QUICK_FAR_RETURN:
        remember(t, t->quick.code, QUICK_FAR, SEG_CS, true);
        break;
    case QUICK_INT:
    case QUICK_IRET:
        remember(t, t->quick.code, QUICK_FAR, SEG_CS, true);
        remember(t, t->quick.stack, QUICK_FAR, SEG_SS, true);
        break;
    case QUICK_SYSENTER:
    case QUICK_SYSEXIT:
        *pair = (struct quick_pair){cpu->seg[SEG_CS], cpu->seg[SEG_SS], cpu->sysenter_cs & 0xFFFC};
        break;
    case QUICK_INT_REAL:
    case QUICK_IRET_REAL:
    case QUICK_RDTSC:
    case QUICK_MOVE:
    case QUICK_CPUID:
    case QUICK_ENV:
    case QUICK_NONE:
        break;
    }
}

/* Results of these leaves depend on the subleaf: 4, 7, 0Dh, and whatever lies beyond the last. */
static bool has_subleaves(const struct cpu *cpu, uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 13 ||
           (leaf > cpu->model->max_leaf && leaf < 0x80000000) || leaf > 0x80000008;
}

void quick_learn_leaf(struct translator *t)
{
    const struct cpu *cpu = t->cpu;
    uint32_t leaf = cpu->gpr[EAX], mask = has_subleaves(cpu, leaf) ? ~0u : 0;
    struct quick_leaf *q = &t->rt->leaf[quick_leaf_index(leaf)];
    if (!t->quick.on)
        return;
    *q = (struct quick_leaf){.leaf = leaf,
                             .mask = mask,
                             .subleaf = cpu->gpr[ECX] & mask,
                             .cr4 = cpu->cr4,
                             .apic_base = (uint32_t)cpu->apic_base,
                             .xcr0 = (uint32_t)cpu->xcr0};
    cpu_cpuid(cpu, leaf, cpu->gpr[ECX], q->regs);
}

/* Nobody looks for a leaf in the entry of its neighbour. */
void quick_forget_leaves(struct translator *t)
{
    for (uint32_t i = 0; i < QUICK_LEAVES; i++)
        t->rt->leaf[i].leaf = i ^ 1;
}
