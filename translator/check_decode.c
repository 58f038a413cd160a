/* Host instructions, decoded twice: once here, from the encoding alone (SDM vol. 2A chapter 2),
 * and once by Capstone.  An instruction passes when it is on the allow-list, when both agree on
 * its length and its memory operand, and when its shape is one that the flow analysis knows. */
#include <capstone/capstone.h>

#include "translator/check.h"

struct cursor {
    const uint8_t *bytes;
    uint32_t pos, end;
    bool out;
};

static uint32_t take(struct cursor *p, unsigned size)
{
    uint32_t v = 0;
    if (p->end - p->pos < size) {
        p->out = true;
        return 0;
    }
    memcpy(&v, p->bytes + p->pos, size);
    p->pos += size;
    return size == 1 ? (uint32_t)(int8_t)v : size == 2 ? (uint32_t)(int16_t)v : v;
}

static uint8_t peek(const struct cursor *p)
{
    return p->pos < p->end ? p->bytes[p->pos] : 0;
}

/* Each of 65 66 67 F2 F3 at most once, no others; REX last. */
static bool read_prefixes(struct cursor *p, struct host_insn *in)
{
    for (;; p->pos++) {
        uint8_t b = peek(p);
        bool *flag = b == 0x65 ? &in->gs : b == 0x66 ? &in->opsize : b == 0x67 ? &in->addrsize
                                                                             : NULL;
        if (flag) {
            if (*flag)
                return false;
            *flag = true;
        } else if (b == 0xF2 || b == 0xF3) {
            if (in->rep)
                return false;
            in->rep = b;
        } else {
            break;
        }
    }
    if ((peek(p) & 0xF0) == 0x40)
        in->rex = (uint8_t)take(p, 1);
    return true;
}

static void read_opcode(struct cursor *p, struct host_insn *in)
{
    in->map = MAP_1B;
    in->opcode = (uint8_t)take(p, 1);
    if (in->opcode != 0x0F)
        return;
    in->map = MAP_0F;
    in->opcode = (uint8_t)take(p, 1);
    if (in->opcode == 0x38 || in->opcode == 0x3A) {
        in->map = in->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
        in->opcode = (uint8_t)take(p, 1);
    }
}

static void read_modrm(struct cursor *p, struct host_insn *in)
{
    in->modrm = (uint8_t)take(p, 1);
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;
    uint8_t r = in->rex & 4 ? 8 : 0, x = in->rex & 2 ? 8 : 0, b = in->rex & 1 ? 8 : 0;
    in->reg = (in->modrm >> 3 & 7) | r;
    in->rm = (uint8_t)rm | b;
    in->has_mem = mod != 3;
    if (!in->has_mem)
        return;
    in->scale = 1;
    if (rm == 4) {
        uint8_t sib = (uint8_t)take(p, 1);
        in->scale = (uint8_t)(1 << (sib >> 6));
        in->index = (sib >> 3 & 7) | x;
        if (in->index == RSP)
            in->index = R_NONE;
        in->base = (sib & 7) | b;
        if ((sib & 7) == 5 && mod == 0) {
            in->base = R_NONE;
            in->disp = (int32_t)take(p, 4);
        }
    } else if (rm == 5 && mod == 0) {
        in->mem = MEM_RIP;
        in->disp = (int32_t)take(p, 4);
    } else {
        in->base = in->rm;
    }
    if (mod == 1)
        in->disp = (int32_t)take(p, 1);
    else if (mod == 2)
        in->disp = (int32_t)take(p, 4);
}

/* VEX, R, X and B turned to what they are in REX. */
static void read_vex(struct cursor *p, struct host_insn *in)
{
    bool three = (uint8_t)take(p, 1) == 0xC4;
    uint8_t high = (uint8_t)take(p, 1), low = three ? (uint8_t)take(p, 1) : high;
    in->vex = true;
    in->rex = high & 0x80 ? 0 : 4;
    in->map = MAP_0F;
    if (three) {
        in->rex |= (high & 0x40 ? 0 : 2) | (high & 0x20 ? 0 : 1);
        in->map = (high & 0x1F) <= MAP_0F3A ? high & 0x1F : MAP_1B;
        in->vex_w = low >> 7;
    }
    in->vvvv = ~low >> 3 & 15;
    in->pp = low & 3;
    in->opcode = (uint8_t)take(p, 1);
}

/* ---- shapes ---- */

bool check_is_bit_string(const struct host_insn *in)
{
    return in->map == MAP_0F && (in->opcode & 0xE7) == 0xA3;
}

static bool guest_or_low_scratch(uint8_t r)
{
    return r < 8 || r == R8 || r == R9 || r == R_NONE;
}

static enum host_mem mem_shape(const struct host_insn *in)
{
    if (!in->has_mem)
        return MEM_NONE;
    if (in->gs && in->addrsize)
        return MEM_GS;
    if (in->gs && in->base < R8 && in->index == R_NONE)
        return MEM_WINDOW;
    if (in->gs || in->addrsize)
        return MEM_OTHER;
    if (in->mem == MEM_RIP)
        return MEM_RIP;
    if (in->base == R_CPU && in->index == R_NONE)
        return MEM_CPU;
    if (in->base == R_TABLE && in->index == R8 && in->scale == 4 && in->disp == 0)
        return MEM_TABLE;
    if (in->base == R_CPU && in->index == R9 && (in->scale == 1 || in->scale == 8))
        return MEM_BASES;
    if (in->scale != 1)
        return MEM_OTHER;
    if (in->base == R10 && in->index == R8 && in->disp == 0)
        return MEM_REACH;
    if ((in->base == R9 && in->index == R8) || (in->base == R8 && in->index == R9))
        return MEM_LIMIT;
    if ((in->base == R_WINDOW && guest_or_low_scratch(in->index)) ||
        (in->index == R_WINDOW && guest_or_low_scratch(in->base) && in->base != R_NONE))
        return MEM_WINDOW;
    return MEM_OTHER;
}

/* Do F2, F3 and 66 mean something here that the allow-list has thought of? */
static bool prefixes_fit(const struct host_insn *in)
{
    bool string = in->class == HOST_STRING, ours = in->class >= HOST_STACK;
    if (ours)
        return !in->rep && !in->opsize && !in->gs && !in->addrsize;
    if (in->gs != in->addrsize && !(in->gs && in->mem == MEM_WINDOW))
        return false;
    if (in->gs && !in->has_mem && in->class != HOST_XLAT)
        return false;
    if (in->class == HOST_LEA || in->class == HOST_XLAT)
        return !in->rep && (in->class == HOST_XLAT) == in->gs;
    if (!in->rep || string)
        return true;
    if (in->map == MAP_1B)
        return false;
    bool integer = in->class == HOST_INT && in->map == MAP_0F;
    return !integer || in->opcode == 0xB8 || in->opcode == 0xBC || in->opcode == 0xBD;
}

static bool register_in_opcode(const struct host_insn *in)
{
    if (in->map == MAP_1B)
        return (in->opcode & 0xF8) == 0x90 || (in->opcode & 0xF0) == 0xB0;
    return in->map == MAP_0F && (in->opcode & 0xF8) == 0xC8;
}

/* Moves and the few others in which the flow analysis follows r8..r11. */
static bool knows_scratch(const struct host_insn *in)
{
    if (in->map == MAP_0F)
        return in->opcode == 0xB6 || in->opcode == 0xB7 || (in->opcode & 0xF8) == 0xC8;
    if (in->map != MAP_1B)
        return false;
    switch (in->opcode) {
    case 0x3A: case 0x3B: case 0x88: case 0x89: case 0x8B: case 0x8D:
        return true;
    case 0x81:
        return (in->modrm >> 3 & 7) == 4 || (in->modrm >> 3 & 7) == 7;
    default:
        return in->opcode >= 0xB8 && in->opcode <= 0xBF;
    }
}

/* REX.R, and REX.B outside memory operands, name registers of the VMM's. */
static bool registers_fit(struct check *c, const struct host_insn *in)
{
    bool r = in->rex & 4, b = (in->rex & 1) && !in->has_mem;
    if (!r && !b)
        return true;
    if (in->class == HOST_STACK || in->class == HOST_JMP_REG)
        return true;
    if (!knows_scratch(in))
        return check_refuse(c, in, "names one of r8..r15");
    if ((r && in->reg > R11) || (b && in->rm > R11))
        return check_refuse(c, in, "names one of r12..r15");
    return true;
}

/* The exact forms of the host's own stack and of indirect jumps. */
static bool own_form_fits(const struct host_insn *in)
{
    if (in->class == HOST_JMP_REG)
        return in->rex == 0x41 && in->rm >= R9 && in->rm <= R11;
    if (in->class == HOST_STACK)
        return in->rex == (in->opcode < 0x60 ? 0x41 : 0);
    return !in->rex;
}

/* AH..BH beside a REX prefix would be SPL..DIL. */
static bool high_byte_lost(const struct host_insn *in)
{
    bool byte = in->map == MAP_1B ? (in->opcode < 0x40 && (in->opcode & 5) == 0) ||
                                        in->opcode == 0x84 || in->opcode == 0x86 ||
                                        in->opcode == 0x88 || in->opcode == 0x8A
                                  : in->map == MAP_0F &&
                                        (in->opcode == 0xB0 || in->opcode == 0xC0);
    return byte && in->rex && in->reg >= 4 && in->reg < 8;
}

/* ADD or SUB of a byte, INC or DEC, of a guest register. */
static bool is_addition(const struct host_insn *in)
{
    unsigned group = in->modrm >> 3 & 7;
    if (in->has_mem || in->rm >= R8 || in->rm == RSP)
        return false;
    return in->opcode == 0x83 ? group == 0 || group == 5 : in->opcode == 0xFF && group < 2;
}

/* 64-bit operands: additions, kinds of LEA, a check pointer, the host's RSP, counters. */
static bool wide_form_fits(const struct host_insn *in)
{
    if (!(in->rex & 8))
        return true;
    if (in->opsize || in->rep || in->gs || in->map != MAP_1B)
        return false;
    return in->opcode == 0x8D || is_addition(in) || (in->opcode == 0x89 && in->mem == MEM_RIP) ||
           (in->opcode == 0x8B &&
            (in->mem == MEM_CPU || in->mem == MEM_RIP || in->mem == MEM_BASES));
}

/* BT and kin with a bit offset in a register reach 256 MiB further to either side. */
static bool stays_in_guard(const struct host_insn *in)
{
    bool alone = in->base == R_WINDOW && in->index == R_NONE;
    int32_t reach = LARGEST_DISP - (check_is_bit_string(in) ? 256 << 20 : 0);
    if (in->mem != MEM_WINDOW && in->mem != MEM_REACH)
        return true;
    return (alone && !check_is_bit_string(in)) || (in->disp <= reach && in->disp >= -reach);
}

static bool vex_fits(struct check *c, const struct host_insn *in)
{
    struct host_vex_form f = check_vex_form((enum insn_map)in->map, in->opcode, in->modrm, in->pp);
    if (in->vvvv > 7 || (f.is4 && (in->imm & 0x80)))
        return check_refuse(c, in, "names one of r8..r15, or xmm8..xmm15");
    if (f.narrow && in->vex_w)
        return check_refuse(c, in, "has 64-bit operands");
    if (in->vsib && (in->mem != MEM_GS || (in->rex & 2)))
        return check_refuse(c, in, "has vectors as index of an address that is not cut to 32 bits");
    return true;
}

static bool shape_fits(struct check *c, const struct host_insn *in)
{
    if (in->vex && !vex_fits(c, in))
        return false;
    if (!prefixes_fit(in))
        return check_refuse(c, in, "has prefixes that do not belong there");
    if (in->class >= HOST_STACK && !own_form_fits(in))
        return check_refuse(c, in, "is not in its only permitted form");
    if (!registers_fit(c, in))
        return false;
    if (high_byte_lost(in))
        return check_refuse(c, in, "loses a high byte register to its REX prefix");
    if (!wide_form_fits(in))
        return check_refuse(c, in, "has 64-bit operands");
    if (in->mem == MEM_OTHER && in->class != HOST_LEA)
        return check_refuse(c, in, "has a memory operand outside window and CPU state");
    if (!stays_in_guard(in))
        return check_refuse(c, in, "can reach beyond the window's guard");
    return true;
}

/* ---- Capstone's opinion ---- */

/* Encodings that hardware knows and Capstone does not, mostly undocumented twins. The same bytes with
 * the one that it knows in place; false when nothing of it needs to be asked, because it is an x87
 * instruction on registers. */
static bool documented_twin(const struct host_insn *in, uint8_t *bytes, unsigned opcode_at)
{
    unsigned reg = in->modrm >> 3 & 7;
    if (in->vex && in->map == MAP_0F38 && in->opcode == 0x5A)
        bytes[opcode_at] = 0x1A; /* VBROADCASTI128, VBROADCASTF128 */
    if (in->map != MAP_1B)
        return true;
    if (in->opcode >= 0xD8 && in->opcode <= 0xDF)
        return in->has_mem;
    bool shift = (in->opcode & 0xFE) == 0xC0 || (in->opcode & 0xFC) == 0xD0;
    if (shift && reg == 6)
        bytes[opcode_at + 1] = (in->modrm & 0xC7) | 4 << 3;
    if ((in->opcode & 0xFE) == 0xF6 && reg == 1)
        bytes[opcode_at + 1] = in->modrm & 0xC7;
    return true;
}

static uint8_t host_register(x86_reg r)
{
    static const x86_reg wide[16] = {
        X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
        X86_REG_RSI, X86_REG_RDI, X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
        X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
    static const x86_reg narrow[16] = {
        X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,  X86_REG_ESP,  X86_REG_EBP,
        X86_REG_ESI,  X86_REG_EDI,  X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
        X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D};
    for (uint8_t i = 0; i < 16; i++)
        if (r == wide[i] || r == narrow[i])
            return i;
    return R_NONE;
}

static bool no_register(x86_reg r)
{
    return r == X86_REG_INVALID || r == X86_REG_RIZ || r == X86_REG_EIZ;
}

static bool same_register(x86_reg theirs, uint8_t ours)
{
    return ours == R_NONE ? no_register(theirs) : host_register(theirs) == ours;
}

static bool same_memory(const struct host_insn *in, const x86_op_mem *m)
{
    if ((m->segment == X86_REG_GS) != in->gs)
        return false;
    if (in->class == HOST_STRING)
        return m->base == X86_REG_RSI || m->base == X86_REG_RDI;
    if (in->class == HOST_XLAT)
        return true;
    if (!in->has_mem || (int32_t)m->disp != in->disp)
        return false;
    if (in->mem == MEM_RIP || (in->mem == MEM_GS && m->base == X86_REG_EIP))
        return m->base == X86_REG_RIP || m->base == X86_REG_EIP;
    if (in->vsib) /* the index is no general register to either */
        return same_register(m->base, in->base) && host_register(m->index) == R_NONE;
    return same_register(m->base, in->base) && same_register(m->index, in->index) &&
           (in->index == R_NONE || m->scale == in->scale);
}

/* Groups that a block has nothing to do with. */
static bool outlawed(const cs_insn *ci, const struct host_insn *in)
{
    bool jumps = in->class >= HOST_JMP;
    for (unsigned i = 0; i < ci->detail->groups_count; i++)
        switch (ci->detail->groups[i]) {
        case X86_GRP_CALL: case X86_GRP_RET: case X86_GRP_INT: case X86_GRP_IRET:
        case X86_GRP_PRIVILEGE: case X86_GRP_VM: case X86_GRP_FSGSBASE:
            return true;
        case X86_GRP_JUMP:
            if (!jumps)
                return true;
            break;
        default:
            break;
        }
    return false;
}

/* Does it write one of r12..r15, or RSP without naming it? */
static bool writes_reserved(const cs_insn *ci, const struct host_insn *in)
{
    const cs_x86 *x = &ci->detail->x86;
    for (unsigned i = 0; i < x->op_count; i++)
        if (x->operands[i].type == X86_OP_REG && (x->operands[i].access & CS_AC_WRITE)) {
            uint8_t r = host_register(x->operands[i].reg);
            if (r != R_NONE && r >= R_TABLE)
                return true;
        }
    for (unsigned i = 0; i < ci->detail->regs_write_count; i++) {
        uint8_t r = host_register((x86_reg)ci->detail->regs_write[i]);
        if (r != R_NONE && (r >= R_TABLE || (r == RSP && in->class != HOST_STACK)))
            return true;
    }
    return false;
}

static bool memory_agrees(const cs_insn *ci, const struct host_insn *in)
{
    const cs_x86 *x = &ci->detail->x86;
    bool found = !in->has_mem;
    for (unsigned i = 0; i < x->op_count; i++) {
        if (x->operands[i].type != X86_OP_MEM)
            continue;
        if (!same_memory(in, &x->operands[i].mem))
            return false;
        found = true;
    }
    return found;
}

static bool capstone_agrees(struct check *c, const struct host_insn *in, const uint8_t *code,
                            unsigned opcode_at)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, code, in->len);
    if (!documented_twin(in, bytes, opcode_at))
        return true;
    const cs_insn *ci = decode_host(c->t->decoder, bytes, in->len, 0);
    if (!ci || ci->size != in->len)
        return check_refuse(c, in, "is no instruction");
    if (outlawed(ci, in))
        return check_refuse(c, in, "is privileged or leaves the block");
    if (writes_reserved(ci, in))
        return check_refuse(c, in, "writes a register of the VMM's");
    if (!memory_agrees(ci, in))
        return check_refuse(c, in, "has a memory operand that decoders disagree about");
    return true;
}

/* ---- the whole ---- */

static struct host_form form_of(struct host_insn *in, uint8_t modrm)
{
    if (!in->vex)
        return check_form((enum insn_map)in->map, in->opcode, modrm, in->rep, in->opsize);
    struct host_vex_form f = check_vex_form((enum insn_map)in->map, in->opcode, modrm, in->pp);
    in->vsib = f.vsib;
    return f.form;
}

bool check_decode(struct check *c, uint32_t at, struct host_insn *in)
{
    struct cursor p = {c->t->rw, at, c->tb->code_end, false};
    *in = (struct host_insn){.at = at, .base = R_NONE, .index = R_NONE, .reg = R_NONE,
                             .rm = R_NONE};
    if (!read_prefixes(&p, in))
        return check_refuse(c, in, "repeats a prefix");
    bool vex = peek(&p) == 0xC4 || peek(&p) == 0xC5;
    if (vex && (in->rex || in->rep || in->opsize))
        return check_refuse(c, in, "has prefixes that do not belong there");
    if (vex)
        read_vex(&p, in);
    else
        read_opcode(&p, in);
    unsigned opcode_at = p.pos - 1 - at;
    struct host_form form = form_of(in, peek(&p));
    in->class = form.class;
    if (form.modrm)
        read_modrm(&p, in);
    else if (register_in_opcode(in) || in->class == HOST_STACK)
        in->rm = (in->opcode & 7) | (in->rex & 1 ? 8 : 0);
    in->has_modrm = form.modrm;
    in->imm = take(&p, form.imm == 4 && in->opsize ? 2 : form.imm);
    in->mem = (uint8_t)mem_shape(in);
    if (p.out || p.pos - at > INSN_MAX_LEN)
        return check_refuse(c, in, "is cut off by the end of the block");
    in->len = (uint8_t)(p.pos - at);
    if (form.class == HOST_REFUSED)
        return check_refuse(c, in, "has no place in a block");
    return shape_fits(c, in) && capstone_agrees(c, in, c->t->rw + at, opcode_at);
}
