/* Short cuts of far calls, jumps and returns, and of real mode's INT and IRET (translator/quick.c tells
 * what a short cut is).
 *
 * In real and virtual-8086 mode CS changes by selector and base alone, as long as nothing of its hidden
 * rest is out of the ordinary: so mode and jump table stay, and the blocks compare the base.  In
 * protected mode the transfer is one to a code segment of the same ring, whose descriptor is known. */
#include "cpu/access.h"
#include "mmu/direct.h"
#include "translator/internal.h"

/* Guest stacks are aligned to nothing. */
typedef uint16_t word __attribute__((aligned(1), may_alias));
typedef uint32_t dword __attribute__((aligned(1), may_alias));

/* ---- real and virtual-8086 mode ---- */

/* CS as cpu_set_real_segment and segment_v86 leave it, and 64 KiB of stack. */
static bool real_segments(const struct translator *t)
{
    const struct segment *cs = &t->cpu->seg[SEG_CS], *ss = &t->cpu->seg[SEG_SS];
    return mode_seg(t->mode, SEG_CS) == SEG_CHECKED && cs->usable &&
           ((t->mode & MODE_V86) || (cs->access & (AR_P | AR_S | AR_DPL)) == (AR_P | AR_S)) &&
           !(t->mode & MODE_STACK32) && ss->usable && ss->limit == 0xFFFF &&
           (ss->access & (AR_CODE | AR_EXPAND_DOWN | AR_WRITABLE)) == AR_WRITABLE;
}

/* The BYTES at SS:SP, NULL where they wrap or are not plain memory. */
static word *real_stack(struct translator *t, uint32_t sp, uint32_t bytes, enum mmu_access access)
{
    const struct cpu *cpu = t->cpu;
    if (sp + bytes > 0x10000)
        return NULL;
    return mmu_direct(t->mmu, cpu->seg[SEG_SS].base + sp, bytes, access, cpu->cpl == 3);
}

static void set_sp(struct cpu *cpu, uint32_t sp)
{
    cpu->gpr[ESP] = (cpu->gpr[ESP] & 0xFFFF0000) | (sp & 0xFFFF);
}

static const uint8_t *go_real(struct translator *t, uint16_t selector, uint32_t ip)
{
    struct segment *cs = &t->cpu->seg[SEG_CS];
    cs->selector = selector;
    cs->base = (uint32_t)selector << 4;
    return quick_go(t, ip);
}

/* CALL (CALL) or JMP to SELECTOR:IP. */
static const uint8_t *transfer_real(struct translator *t, const struct site *site, bool call,
                                    uint16_t selector, uint32_t ip)
{
    struct cpu *cpu = t->cpu;
    uint32_t sp = cpu->gpr[ESP] & 0xFFFF;
    if (!real_segments(t) || ip > cpu->seg[SEG_CS].limit)
        return NULL;
    if (call) {
        word *frame = sp < 4 ? NULL : real_stack(t, sp - 4, 4, MMU_WRITE);
        if (!frame)
            return NULL;
        frame[0] = (uint16_t)(site->eip + site->in.len);
        frame[1] = cpu->seg[SEG_CS].selector;
        set_sp(cpu, sp - 4);
    }
    return go_real(t, selector, ip);
}

static const uint8_t *return_real(struct translator *t, uint32_t release)
{
    struct cpu *cpu = t->cpu;
    uint32_t sp = cpu->gpr[ESP] & 0xFFFF;
    const word *frame = real_segments(t) ? real_stack(t, sp, 4, MMU_READ) : NULL;
    if (!frame || frame[0] > cpu->seg[SEG_CS].limit)
        return NULL;
    uint16_t ip = frame[0], selector = frame[1];
    set_sp(cpu, sp + 4 + release);
    return go_real(t, selector, ip);
}

/* SDM vol. 2 INT n, REAL-ADDRESS-MODE (interrupt_real). */
const uint8_t *quick_interrupt_real(struct translator *t, const struct site *site)
{
    struct cpu *cpu = t->cpu;
    uint32_t sp = cpu->gpr[ESP] & 0xFFFF, vector = site->in.imm & 0xFF;
    if (!real_segments(t) || (t->mode & MODE_V86) || (cpu->flags_sys & QUICK_ODD_FLAGS) ||
        vector * 4 + 3 > cpu->idtr.limit || sp < 6)
        return NULL;
    const word *to = mmu_direct(t->mmu, cpu->idtr.base + vector * 4, 4, MMU_READ, false);
    word *frame = real_stack(t, sp - 6, 6, MMU_WRITE);
    if (!to || !frame || to[0] > cpu->seg[SEG_CS].limit)
        return NULL;
    uint16_t ip = to[0], selector = to[1]; /* the stack may lie over the vectors */
    frame[0] = (uint16_t)(site->eip + site->in.len);
    frame[1] = cpu->seg[SEG_CS].selector;
    frame[2] = (uint16_t)(cpu->flags_host | cpu->iflag | cpu->flags_sys);
    set_sp(cpu, sp - 6);
    cpu->iflag = 0;
    cpu->flags_sys &= ~(uint32_t)FLAG_RF;
    return go_real(t, selector, ip);
}

/* SDM vol. 2 IRET, REAL-ADDRESS-MODE; in virtual-8086 mode with IOPL 3, which stays (iret_real). */
const uint8_t *quick_interrupt_return_real(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    uint32_t sp = cpu->gpr[ESP] & 0xFFFF, flags, kept = FLAG_IOPL;
    const word *frame = real_segments(t) ? real_stack(t, sp, 6, MMU_READ) : NULL;
    if (!frame || frame[0] > cpu->seg[SEG_CS].limit || (frame[2] & QUICK_ODD_FLAGS) ||
        (cpu->flags_sys & (QUICK_ODD_FLAGS & ~FLAG_VM)))
        return NULL;
    if (!(t->mode & MODE_V86))
        kept = 0;
    else if ((cpu->flags_sys & FLAG_IOPL) != FLAG_IOPL)
        return NULL;
    flags = frame[2];
    uint16_t ip = frame[0], selector = frame[1];
    set_sp(cpu, sp + 6);
    cpu->flags_host = flags & FLAGS_HOST;
    cpu->iflag = flags & FLAG_IF;
    cpu->flags_sys = (cpu->flags_sys & (~(uint32_t)FLAG_IOPL | kept)) | (flags & FLAG_IOPL & ~kept);
    cpu->nmi_blocked = 0;
    return go_real(t, selector, ip);
}

/* ---- protected mode ---- */

/* CALL (CALL) or JMP to SELECTOR:EIP. */
static const uint8_t *transfer_protected(struct translator *t, const struct site *site, bool call,
                                         uint16_t selector, uint32_t eip)
{
    struct cpu *cpu = t->cpu;
    struct quick_context c;
    const struct quick_segment *code = quick_code(t, selector, eip, &c);
    if (!code)
        return NULL;
    if (call) {
        dword *frame = mmu_direct(t->mmu, cpu->gpr[ESP] - 8, 8, MMU_WRITE, cpu->cpl == 3);
        if (!frame)
            return NULL;
        frame[0] = site->eip + site->in.len;
        frame[1] = cpu->seg[SEG_CS].selector;
        cpu->gpr[ESP] -= 8;
    }
    cpu->seg[SEG_CS] = code->segment;
    quick_enter(t, &c);
    return quick_go(t, eip);
}

static const uint8_t *return_protected(struct translator *t, uint32_t release)
{
    struct cpu *cpu = t->cpu;
    struct quick_context c;
    const dword *frame = mmu_direct(t->mmu, cpu->gpr[ESP], 8, MMU_READ, cpu->cpl == 3);
    if (!frame)
        return NULL;
    uint32_t eip = frame[0];
    const struct quick_segment *code = quick_code(t, (uint16_t)frame[1], eip, &c);
    if (!code)
        return NULL;
    cpu->gpr[ESP] += 8 + release;
    cpu->seg[SEG_CS] = code->segment;
    quick_enter(t, &c);
    return quick_go(t, eip);
}

/* ---- both ---- */

const uint8_t *quick_transfer(struct translator *t, const struct site *site)
{
    const struct insn *in = &site->in;
    uint32_t offset = in->imm, selector = in->imm2;
    bool call = in->opcode == 0x9A || (in->opcode == 0xFF && (in->modrm >> 3 & 7) == 3);
    if (in->opcode == 0xFF && in->opsize == 2) { /* quick_emit has loaded r8d */
        offset = t->rt->exit_eip & 0xFFFF;
        selector = t->rt->exit_eip >> 16;
    } else if (in->opcode == 0xFF) {
        const word *pointer =
            mmu_direct(t->mmu, cpu_address32(t->cpu, in), 6, MMU_READ, t->cpu->cpl == 3);
        if (!pointer)
            return NULL;
        offset = pointer[0] | (uint32_t)pointer[1] << 16;
        selector = pointer[2];
    }
    if (in->opsize == 2)
        return transfer_real(t, site, call, (uint16_t)selector, offset & 0xFFFF);
    return transfer_protected(t, site, call, (uint16_t)selector, offset);
}

const uint8_t *quick_return(struct translator *t, const struct site *site)
{
    uint32_t release = site->in.opcode == 0xCA ? site->in.imm & 0xFFFF : 0;
    return site->in.opsize == 2 ? return_real(t, release) : return_protected(t, release);
}
