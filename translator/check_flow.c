/* What one instruction does to what is known: which scratch registers hold 32-bit numbers, which
 * hold host addresses and of what kind, whose stack RSP is on, and whether the guest's x87 and SSE
 * state is loaded.  An instruction is let through only in a state in which it is harmless. */
#include <stddef.h>

#include "translator/check.h"

static const struct value ANY_NUMBER = {VALUE_CLEAN, 0xFFFFFFFF};

bool check_is_number(struct value v)
{
    return v.kind == VALUE_CONST || v.kind == VALUE_CLEAN;
}

static bool is_scratch(uint8_t r)
{
    return r >= R8 && r <= R11;
}

/* What register R (a guest's one or scratch) holds. */
static struct value value_of(const struct flow *f, uint8_t r)
{
    return is_scratch(r) ? f->scratch[r - R8] : ANY_NUMBER;
}

static bool number_in(struct check *c, const struct host_insn *in, const struct flow *f, uint8_t r)
{
    if (r == R_NONE || (r < 8 && !(r == RSP && f->stack != STACK_GUEST)))
        return true;
    if (is_scratch(r) && check_is_number(f->scratch[r - R8]))
        return true;
    return check_refuse(c, in, "uses %s, which holds no 32-bit number there",
                        r == RSP ? "the host's rsp" : is_scratch(r) ? "a scratch register"
                                                                    : "one of r12..r15");
}

static void set_register(struct flow *f, uint8_t r, struct value v)
{
    if (is_scratch(r))
        f->scratch[r - R8] = v;
}

/* ---- memory ---- */

static bool cpu_field(int32_t disp, size_t field, size_t size)
{
    return disp == (int32_t)field && size == sizeof(uint32_t);
}

#define CPU_FIELD(disp, name)                                                                      \
    cpu_field(disp, offsetof(struct cpu, name), sizeof(((struct cpu *)0)->name))

static bool is_segment_field(int32_t disp, size_t field)
{
    for (unsigned s = 0; s < SEG_COUNT; s++)
        if (disp == (int32_t)(offsetof(struct cpu, seg) + s * sizeof(struct segment) + field))
            return true;
    return false;
}

static bool is_check_pointer(int32_t disp)
{
    return is_segment_field(disp, offsetof(struct segment, read_check)) ||
           is_segment_field(disp, offsetof(struct segment, write_check));
}

static bool is_readable_state(int32_t disp)
{
    return CPU_FIELD(disp, iflag) || CPU_FIELD(disp, flags_sys) || CPU_FIELD(disp, event) ||
           CPU_FIELD(disp, fpu_live) || CPU_FIELD(disp, string_step) ||
           is_segment_field(disp, offsetof(struct segment, base));
}

/* Does code of MODE load segment register SEG by selector and base alone? */
static bool is_real_load(uint32_t mode, unsigned seg)
{
    if (seg == SEG_SS || mode_seg(mode, seg) != SEG_CHECKED)
        return false;
    return seg == SEG_CS ? !(mode & MODE_PE) || (mode & MODE_V86) : mode & MODE_REAL_SEGS;
}

/* Selector (16 bits) and base of a segment register, which code of some modes may load. */
static bool is_loaded_field(const struct check *c, const struct host_insn *in)
{
    size_t field = in->opsize ? offsetof(struct segment, selector) : offsetof(struct segment, base);
    if (in->map != MAP_1B || in->opcode != 0x89 || (in->rex & 8))
        return false;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        if (is_real_load(c->tb->mode, s) &&
            in->disp == (int32_t)(offsetof(struct cpu, seg) + s * sizeof(struct segment) + field))
            return true;
    return false;
}

/* [r15 + disp]: loads and CMP of a few fields; stores to the interrupt flag and
 * the direction of string instructions. */
static bool cpu_operand(struct check *c, const struct host_insn *in, const struct flow *f)
{
    unsigned group = in->modrm >> 3 & 7;
    if (in->map == MAP_0F && in->opcode == 0xB7 && !in->opsize)
        return is_segment_field(in->disp, offsetof(struct segment, selector)) ||
               check_refuse(c, in, "reads a foreign CPU field");
    if (is_loaded_field(c, in))
        return number_in(c, in, f, in->reg);
    if (in->map != MAP_1B || in->opsize)
        return check_refuse(c, in, "touches CPU state in a way not provided for");
    if (in->opcode == 0x8B && (in->rex & 8))
        return is_check_pointer(in->disp) || check_refuse(c, in, "loads no check pointer");
    if (in->opcode == 0x8B || (in->opcode == 0x81 && group == 7))
        return is_readable_state(in->disp) || check_refuse(c, in, "reads a foreign CPU field");
    struct value v = in->opcode == 0x89 ? value_of(f, in->reg)
                                        : (struct value){VALUE_CONST, in->imm};
    if (in->opcode != 0x89 && in->opcode != 0xC7)
        return check_refuse(c, in, "touches CPU state in a way not provided for");
    if (CPU_FIELD(in->disp, string_step))
        return (v.kind == VALUE_CONST && (v.bits == 1 || v.bits == ~0u)) ||
               check_refuse(c, in, "sets a direction that is neither up nor down");
    if (!CPU_FIELD(in->disp, iflag))
        return check_refuse(c, in, "writes CPU state other than the interrupt flag");
    return (check_is_number(v) && !(v.bits & ~(uint32_t)FLAG_IF)) ||
           check_refuse(c, in, "may set the interrupt flag to something else than IF");
}

static bool is_plain_load(const struct host_insn *in)
{
    return in->map == MAP_1B && in->opcode == 0x8B && !in->opsize && !(in->rex & 8);
}

/* The byte at check pointer + offset + size - 1. */
static bool limit_operand(struct check *c, const struct host_insn *in, const struct flow *f)
{
    enum { MAX_OPERAND = 512 };
    if (in->map != MAP_0F || in->opcode != 0xB6 || in->opsize || in->disp < 0 ||
        in->disp > MAX_OPERAND)
        return check_refuse(c, in, "is no limit check");
    if (f->scratch[1].kind != VALUE_CHECK)
        return check_refuse(c, in, "goes through r9, which is no check pointer");
    return number_in(c, in, f, R8);
}

/* Which of two bases serves a part of the address space, and the base. */
static bool bases_operand(struct check *c, const struct host_insn *in, const struct flow *f)
{
    struct value index = f->scratch[1];
    bool byte = in->map == MAP_0F && in->opcode == 0xB6 && !in->opsize && in->scale == 1 &&
                in->disp == (int32_t)offsetof(struct cpu, reach.user);
    bool base = in->map == MAP_1B && in->opcode == 0x8B && (in->rex & 8) && in->scale == 8 &&
                in->disp == (int32_t)offsetof(struct cpu, reach.base);
    if (!byte && !base)
        return check_refuse(c, in, "touches CPU state in a way not provided for");
    return (is_scratch(in->reg) && check_is_number(index) &&
            !(index.bits & ~(byte ? 0xFFu : 1u))) ||
           check_refuse(c, in, "may read beyond the bases of windows");
}

static bool reach_operand(struct check *c, const struct host_insn *in, const struct flow *f)
{
    if (f->scratch[2].kind != VALUE_WINDOW)
        return check_refuse(c, in, "goes through r10, which is no window's base");
    return number_in(c, in, f, R8);
}

/* The counter that a RIP-relative operand names: the block's own, or one of the jumps'; else 0. */
static uint32_t counter_of(const struct check *c, const struct host_insn *in)
{
    const struct translator *t = c->t;
    int64_t at = (int64_t)((uintptr_t)t->rx - (uintptr_t)t->counts.executions) + in->at + in->len +
                 in->disp;
    uint32_t slot = (uint32_t)(at / 8);
    if (at < 0 || at % 8 || at / 8 >= t->tb_max)
        return 0;
    return slot == (uint32_t)(c->tb - t->tbs) || slot >= t->tb_max - JUMP_COUNTS ? slot : 0;
}

static bool rip_operand(struct check *c, const struct host_insn *in, const struct flow *f)
{
    int64_t field = (int64_t)in->at + in->len + in->disp + RUNTIME_SIZE;
    uint32_t slot = counter_of(c, in);
    bool wide = in->map == MAP_1B && (in->rex & 8);
    if (slot && wide && in->reg == R9 && in->opcode == 0x8B)
        return true;
    if (slot && wide && in->reg == R9 && in->opcode == 0x89)
        return (f->scratch[1].kind == VALUE_COUNT && f->scratch[1].bits == slot) ||
               check_refuse(c, in, "writes something else than its count to a counter");
    if (in->map != MAP_1B || in->opcode != 0x8B || !(in->rex & 8) || in->reg != RSP)
        return check_refuse(c, in, "reaches the runtime area");
    return field == (int64_t)offsetof(struct runtime, host_rsp) ||
           check_refuse(c, in, "loads rsp with something else than the host's");
}

/* An access by a register near it did not lead to a guard: so it is in the window, or hardly
 * beyond.  VEX-encoded instructions may be masked. */
static void reached(const struct host_insn *in, struct flow *f)
{
    uint8_t r = in->base == R_WINDOW ? in->index : in->base;
    if (in->mem == MEM_WINDOW && r < R8 && f->far[r] && !in->vex && !check_is_bit_string(in) &&
        in->disp >= -FAR_SMALL_DISP && in->disp <= FAR_SMALL_DISP)
        f->far[r] = 1;
}

static bool memory_operand(struct check *c, const struct host_insn *in, struct flow *f)
{
    reached(in, f);
    switch ((enum host_mem)in->mem) {
    case MEM_NONE:
        return true;
    case MEM_GS:
        return (number_in(c, in, f, in->base) && number_in(c, in, f, in->index));
    case MEM_WINDOW:
        return number_in(c, in, f, in->base == R_WINDOW ? in->index : in->base);
    case MEM_CPU:
        return cpu_operand(c, in, f);
    case MEM_TABLE:
        return (is_plain_load(in) && is_scratch(in->reg) && number_in(c, in, f, R8)) ||
               check_refuse(c, in, "is no load from the jump table");
    case MEM_LIMIT:
        return limit_operand(c, in, f);
    case MEM_REACH:
        return reach_operand(c, in, f);
    case MEM_BASES:
        return bases_operand(c, in, f);
    case MEM_RIP:
        return rip_operand(c, in, f);
    case MEM_OTHER:
        break;
    }
    return check_refuse(c, in, "has a memory operand outside window and CPU state");
}

/* ---- the instructions that scratch registers appear in ---- */

static struct value loaded(const struct host_insn *in)
{
    if (in->mem == MEM_CPU && (in->rex & 8))
        return (struct value){VALUE_CHECK, 0};
    if (in->mem == MEM_BASES)
        return (struct value){VALUE_WINDOW, 0};
    if (in->mem == MEM_TABLE)
        return (struct value){VALUE_TABLE, 0};
    return ANY_NUMBER;
}

/* A 16-bit result leaves the rest of its register: never asked of scratch. */
static bool written(struct check *c, const struct host_insn *in, struct flow *f, uint8_t r,
                    struct value v)
{
    if (is_scratch(r) && in->opsize)
        return check_refuse(c, in, "writes half of a scratch register");
    if (!is_scratch(r) && !check_is_number(v))
        return check_refuse(c, in, "shows a host address to the guest");
    if (r < R8 && !in->opsize)
        f->far[r] = 0;
    set_register(f, r, v);
    return true;
}

static bool moves(struct check *c, const struct host_insn *in, struct flow *f)
{
    bool load = in->opcode == 0x8B;
    uint8_t src = load ? in->rm : in->reg, dst = load ? in->reg : in->rm;
    if (in->mem == MEM_RIP && in->reg == R9) { /* rip_operand let it through */
        f->scratch[1] = (struct value){VALUE_COUNT, counter_of(c, in)};
        return true;
    }
    if (!load || !in->has_mem)
        if (!number_in(c, in, f, src))
            return false;
    if (in->has_mem && !load)
        return true;
    if (in->mem == MEM_RIP) {
        f->stack = STACK_HOST;
        return true;
    }
    if (in->mem == MEM_CPU && dst == RCX && CPU_FIELD(in->disp, fpu_live))
        f->rcx_tests_fpu = true;
    return written(c, in, f, dst, in->has_mem ? loaded(in) : value_of(f, src));
}

static bool zero_extends(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (!in->has_mem && !number_in(c, in, f, in->rm))
        return false;
    uint32_t bits = in->mem == MEM_BASES ? 1 : in->opcode == 0xB6 ? 0xFF : 0xFFFF;
    return written(c, in, f, in->reg, (struct value){VALUE_CLEAN, bits});
}

static bool immediate_op(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (in->has_mem)
        return true;
    if (!number_in(c, in, f, in->rm))
        return false;
    if ((in->modrm >> 3 & 7) != 4 || !is_scratch(in->rm))
        return true;
    return written(c, in, f, in->rm,
                   (struct value){VALUE_CLEAN, value_of(f, in->rm).bits & in->imm});
}

/* REG becomes BASE and a byte, in 64 bits. */
static bool farther(struct check *c, const struct host_insn *in, struct flow *f, uint8_t reg,
                    uint8_t base)
{
    if (f->far[base] >= FAR_HANDED_ON + TB_MAX_INSNS)
        return check_refuse(c, in, "adds too often in 64 bits");
    f->far[reg] = f->far[base] + 1;
    return true;
}

static bool integer(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (!memory_operand(c, in, f))
        return false;
    if ((in->rex & 8) && (in->opcode == 0x83 || in->opcode == 0xFF))
        return farther(c, in, f, in->rm, in->rm);
    if (in->map == MAP_0F && (in->opcode == 0xB6 || in->opcode == 0xB7))
        return zero_extends(c, in, f);
    if (in->map == MAP_0F && (in->opcode & 0xF8) == 0xC8) /* BSWAP */
        return number_in(c, in, f, in->rm) && written(c, in, f, in->rm, ANY_NUMBER);
    if (in->map != MAP_1B)
        return true;
    if (in->opcode == 0x8B || in->opcode == 0x89)
        return moves(c, in, f);
    if (in->opcode == 0x88 && (in->rex & 5))
        return (in->has_mem && number_in(c, in, f, in->reg)) ||
               check_refuse(c, in, "writes a quarter of a scratch register");
    if (in->opcode == 0x81)
        return immediate_op(c, in, f);
    if (in->opcode >= 0xB8 && in->opcode <= 0xBF)
        return written(c, in, f, in->rm, (struct value){VALUE_CONST, in->imm});
    if (in->opcode == 0x3A || in->opcode == 0x3B)
        return number_in(c, in, f, in->reg) && (in->has_mem || number_in(c, in, f, in->rm));
    return true;
}

/* ---- LEA ---- */

static bool is_sum_of(const struct host_insn *in, uint8_t a, uint8_t b)
{
    return in->disp == 0 && in->scale == 1 && ((in->base == a && in->index == b) ||
                                               (in->base == b && in->index == a));
}

static bool is_window_base(const struct flow *f, uint8_t r)
{
    return r == R_WINDOW || (is_scratch(r) && f->scratch[r - R8].kind == VALUE_WINDOW);
}

static bool wide_lea(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (in->mem == MEM_RIP && is_scratch(in->reg)) {
        set_register(f, in->reg, (struct value){VALUE_SELF, in->at + in->len + (uint32_t)in->disp});
        return true;
    }
    if (is_scratch(in->reg) && (in->base == R_CODE || in->index == R_CODE)) {
        uint8_t entry = in->base == R_CODE ? in->index : in->base;
        if (!is_scratch(entry) || !is_sum_of(in, entry, R_CODE) ||
            f->scratch[entry - R8].kind != VALUE_TABLE)
            return check_refuse(c, in, "makes a code address of what is no table entry");
        set_register(f, in->reg, (struct value){VALUE_CODE, 0});
        return true;
    }
    if (in->reg < R8 && in->base < R8 && in->index == R_NONE && in->reg != RSP &&
        in->disp >= INT8_MIN && in->disp <= INT8_MAX)
        return farther(c, in, f, in->reg, in->base);
    if (in->reg == R9 && in->base == R9 && in->index == R_NONE && in->disp == 1 &&
        f->scratch[1].kind == VALUE_COUNT)
        return true;
    uint8_t bit = in->reg == RSI ? WINDOWED_RSI : in->reg == RDI ? WINDOWED_RDI : 0;
    uint8_t base = in->base == in->reg ? in->index : in->base;
    if (!bit || !is_sum_of(in, in->reg, base) || !is_window_base(f, base) || (f->windowed & bit))
        return check_refuse(c, in, "makes a host address of a kind not provided for");
    if (f->far[in->reg])
        return check_refuse(c, in, "adds to a register that may be beyond 4 GiB");
    f->windowed |= bit;
    return true;
}

static bool lea(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (in->rex & 8)
        return wide_lea(c, in, f);
    if (in->mem == MEM_RIP)
        return check_refuse(c, in, "shows a host address to the guest");
    return number_in(c, in, f, in->base) && number_in(c, in, f, in->index) &&
           written(c, in, f, in->reg, ANY_NUMBER);
}

/* ---- string instructions ---- */

static bool string(struct check *c, const struct host_insn *in, const struct flow *f)
{
    uint8_t o = in->opcode & 0xFE, need = WINDOWED_RSI | WINDOWED_RDI;
    if (o == 0xAA || o == 0xAE)
        need = WINDOWED_RDI;
    else if (o == 0xAC)
        need = WINDOWED_RSI;
    if (in->rex || in->gs || in->addrsize)
        return check_refuse(c, in, "has prefixes that do not belong there");
    if (in->rep && f->far[RCX])
        return check_refuse(c, in, "counts by a register that may be beyond 4 GiB");
    return f->windowed == need || check_refuse(c, in, "runs without the window's base added");
}

/* While RSI or RDI has the window's base added, nothing else may see it. */
static bool windowed(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (in->class == HOST_STRING)
        return string(c, in, f);
    if (in->class == HOST_LEA && (in->rex & 8))
        return lea(c, in, f);
    bool mov = in->class == HOST_INT && in->map == MAP_1B && !in->has_mem && !in->rex &&
               !in->opsize && (in->opcode == 0x8B || in->opcode == 0x89) && in->reg == in->rm;
    if (mov && in->reg == RSI)
        f->windowed &= (uint8_t)~WINDOWED_RSI;
    else if (mov && in->reg == RDI)
        f->windowed &= (uint8_t)~WINDOWED_RDI;
    else
        return check_refuse(c, in, "stands between a string instruction and its ends");
    f->far[in->reg] = 0;
    return true;
}

/* ---- the host's stack ---- */

static bool on_host_stack(struct check *c, const struct host_insn *in, struct flow *f)
{
    bool pushed = f->stack == STACK_HOST_PUSHED;
    if (in->class == HOST_STACK) {
        bool pushes = in->opcode == 0x9C || in->opcode == 0x51;
        if (pushes == pushed)
            return check_refuse(c, in, "leaves the word that the host's stack has for it");
        if (in->opcode == 0x51 && !number_in(c, in, f, R9))
            return false;
        if (in->opcode == 0x9D &&
            (!check_is_number(f->pushed) || (f->pushed.bits & ~(uint32_t)FLAGS_HOST)))
            return check_refuse(c, in, "may load flags other than the arithmetic ones");
        if (in->opcode == 0x59)
            f->scratch[1] = f->pushed;
        f->pushed = in->opcode == 0x51 ? f->scratch[1] : ANY_NUMBER; /* RFLAGS */
        f->stack = pushes ? STACK_HOST_PUSHED : STACK_HOST;
        return true;
    }
    bool back = in->class == HOST_INT && in->map == MAP_1B && !in->has_mem && !in->opsize &&
                !(in->rex & 8) && ((in->opcode == 0x8B && in->reg == RSP && is_scratch(in->rm)) ||
                                   (in->opcode == 0x89 && in->rm == RSP && is_scratch(in->reg)));
    if (!back || pushed)
        return check_refuse(c, in, "runs on the host's stack");
    f->stack = STACK_GUEST;
    return number_in(c, in, f, in->opcode == 0x8B ? in->rm : in->reg);
}

bool check_step(struct check *c, const struct host_insn *in, struct flow *f)
{
    if (f->stack != STACK_GUEST)
        return on_host_stack(c, in, f);
    if (f->windowed)
        return windowed(c, in, f);
    f->rcx_tests_fpu &= in->class == HOST_JRCXZ;
    switch ((enum host_class)in->class) {
    case HOST_INT:
        return integer(c, in, f);
    case HOST_FPU:
        if (!f->fpu)
            return check_refuse(c, in, "runs on the host's x87 and SSE state");
        return memory_operand(c, in, f);
    case HOST_LEA:
        return lea(c, in, f);
    case HOST_STRING:
        return string(c, in, f);
    case HOST_STACK:
        return check_refuse(c, in, "runs on the guest's rsp");
    case HOST_JRCXZ:
        return !f->far[RCX] || check_refuse(c, in, "tests a register that may be beyond 4 GiB");
    case HOST_XLAT:
    case HOST_JMP: case HOST_JCC: case HOST_JMP_REG:
        return true;
    case HOST_REFUSED:
        break;
    }
    return check_refuse(c, in, "has no place in a block");
}
