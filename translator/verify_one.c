/* Lock-step's other way: one instruction, as far from the translated form as can be.  Flow, the
 * stack and addresses are computed in C; memory operands are read and written by hand; what is left
 * is the instruction proper, on registers or on the bounce buffer. */
#include "cpu/access.h"
#include "cpu/alu.h"
#include "translator/verify.h"

/* The instruction at cpu->eip, decoded once for each place as long as its bytes stay; NULL: its
 * fetch raised an exception. */
static const struct insn *fetch(struct translator *t, struct insn *room)
{
    struct verify *v = t->verify;
    struct mmu_fault fault;
    uint64_t pa;
    uint32_t phys, lin = t->cpu->seg[SEG_CS].base + t->cpu->eip;
    uint8_t bits = t->mode & MODE_CODE32 ? 32 : 16;
    if (!mmu_fetch(t->mmu, t->window, lin, &pa, &fault)) {
        cpu_raise_pf(t->cpu, &fault);
        return NULL;
    }
    phys = (uint32_t)pa;
    uint32_t slot = phys * 0x9E3779B1u >> (32 - VERIFY_DECODED_BITS);
    const uint8_t *bytes = phys_ptr(t->phys, pa, 1);
    uint32_t left = PAGE_SIZE - (phys & (PAGE_SIZE - 1));
    const struct insn *in = &v->decoded[slot].in;
    if (bytes && v->decoded[slot].phys == phys && v->decoded[slot].bits == bits &&
        in->len <= left && !memcmp(bytes, in->bytes, in->len))
        return in;
    if (!step_fetch(t, room, &phys))
        return NULL;
    if (room->len > left)
        return room;
    v->decoded[slot].phys = phys;
    v->decoded[slot].bits = bits;
    v->decoded[slot].in = *room;
    return in;
}

static enum verify_end result(struct translator *t, const struct insn *in, enum cpu_result r)
{
    while (r == CPU_AGAIN && !t->verify->stop)
        r = step_by_hand(t, in);
    if (t->verify->stop)
        return VERIFY_STOP;
    return r == CPU_NEXT ? VERIFY_DONE : VERIFY_EXCEPTION;
}

/* POPF goes to C where it changes more than a block may. */
static enum verify_end pop_flags(struct translator *t, const struct insn *in)
{
    uint32_t before = t->cpu->flags_sys;
    enum verify_end end = result(t, in, cpu_emulate(t->cpu, in));
    bool changed = ((t->cpu->flags_sys ^ before) & ~(uint32_t)FLAG_RF) != 0;
    return end == VERIFY_DONE && changed ? VERIFY_STOP : end;
}

/* As a block of its own in which memory operands go by hand: it also knows which features and
 * which parts of the FPU are there. */
static enum verify_end alone(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    uint32_t code, mode = t->mode;
    t->mode |= MODE_ONE | MODE_WATCH;
    const struct tb *tb = build_lookup(t);
    t->mode = mode;
    if (!tb)
        return VERIFY_EXCEPTION;
    do {
        t->rt->kick = 0; /* whoever goes on from here looks at cpu->event */
        code = t->enter(cpu, t->rx + tb->body, cpu->eip);
    } while (code == EXIT_CODE(EXIT_KICKED, 0));
    const struct site *site = &t->sites[code & ((1u << 26) - 1)];
    switch ((enum exit_kind)(code >> 26)) {
    case EXIT_NEXT:
        cpu->eip = t->rt->exit_eip;
        return VERIFY_DONE;
    case EXIT_RAISE:
        cpu_raise(cpu, (enum exception)site->raise, 0);
        return VERIFY_EXCEPTION;
    case EXIT_INSN: {
        struct insn in = site->in;
        return site->slow ? result(t, &in, step_by_hand(t, &in)) : VERIFY_STOP;
    }
    case EXIT_FAULT:
        if (t->rt->fault_kind != HOST_FAULT_EXCEPTION)
            return VERIFY_STOP;
        hub_host_exception(t);
        return cpu->exc.valid ? VERIFY_EXCEPTION : VERIFY_STOP;
    default:
        return VERIFY_STOP;
    }
}

/* What blocks do themselves of a sensitive instruction: all of most ENTERs, of a segment load in real
 * and virtual-8086 mode, and elsewhere the access to the selector in memory, which may fault. */
static enum verify_end sensitive(struct translator *t, const struct insn *in)
{
    struct cpu *cpu = t->cpu;
    if (mode_enters(t->mode, in))
        return result(t, in, cpu_emulate(cpu, in));
    if (insn_loads_segment(in) == SEG_NONE)
        return VERIFY_STOP;
    enum verify_end end = result(t, in, cpu_emulate(cpu, in));
    bool done = (t->mode & MODE_REAL_SEGS) && !cpu->mode_changed;
    return end == VERIFY_DONE && !done ? VERIFY_STOP : end;
}

static enum verify_end carry_out(struct translator *t, const struct insn *in)
{
    struct cpu *cpu = t->cpu;
    if (insn_random(in))
        return VERIFY_OPEN;
    switch ((enum insn_kind)in->kind) {
    case K_SENSITIVE:
        return sensitive(t, in);
    case K_PLAIN:
    case K_NOP:
    case K_DIRECTION:
    case K_MASKMOV:
    case K_GATHER:
    case K_INVALID:
        return alone(t);
    case K_LEA:
        reg_set(cpu, insn_reg(in), in->opsize, cpu_effective_address(cpu, in));
        cpu->eip += in->len;
        return VERIFY_DONE;
    case K_INCDEC: {
        unsigned reg = in->opcode & 7;
        uint32_t value = reg_get(cpu, reg, in->opsize);
        value =
            alu_execute(in->opcode & 8 ? ALU_DEC : ALU_INC, in->opsize, value, 0, &cpu->flags_host);
        reg_set(cpu, reg, in->opsize, value);
        cpu->eip += in->len;
        return VERIFY_DONE;
    }
    case K_POPF:
        return pop_flags(t, in);
    case K_CLI:
    case K_STI:
    case K_PUSHF:
    case K_PUSH_SREG:
    case K_MOV_SREG:
        return result(t, in, cpu_emulate(cpu, in));
    default:
        return result(t, in, step_by_hand(t, in));
    }
}

enum verify_end verify_one(struct translator *t)
{
    struct insn room;
    const struct insn *in = fetch(t, &room);
    if (!in)
        return VERIFY_EXCEPTION;
    if (t->verify->stop) /* its bytes are a device's, or nobody's: read once, by the block */
        t->verify->open = true;
    t->verify->next = t->cpu->eip + in->len;
    return carry_out(t, in);
}
