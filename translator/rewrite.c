/* Rewriting of ordinary instructions: the same instruction with its memory operand redirected.
 *
 * Every rewrite commits to guest registers only after its last access that may fault, and leaves
 * the arithmetic flags to the instruction itself: address computation uses MOV, LEA and MOVZX. */
#include "translator/build.h"
#include "translator/vex.h"

void emit_rt(struct emit *e, bool w, uint8_t opcode, unsigned reg, int32_t field)
{
    emit_rex(e, w, reg, R_NONE, R_NONE);
    emit8(e, opcode);
    emit8(e, (uint8_t)((reg & 7) << 3 | 5));
    emit32(e, (uint32_t)(field - RUNTIME_SIZE) - (e->pos + 4));
}

/* From here on a fault belongs to the current instruction, with FIXUP to undo. */
void mark_fault(struct build *b, enum fault_fixup fixup)
{
    struct translator *t = b->t;
    struct fault_entry f = {.host = (uint16_t)(b->e->pos - b->tb->code),
                            .guest = (b->eip - b->tb->eip) & 0xFFF,
                            .fixup = (uint16_t)(fixup & 15),
                            .esp = (int16_t)b->esp};
    if (b->sum.fixup) {
        f.fixup = b->sum.fixup & 15;
        f.sum = b->sum.of;
    }
    if (t->map_count >= t->map_max) {
        b->e->overflow = true;
        return;
    }
    t->map[t->map_count++] = f;
    b->tb->map_count++;
}

/* ---- addresses ---- */

/* ModRM forms of 16-bit addressing: SDM vol. 2A table 2-1. */
static void emit_ea16(struct build *b)
{
    static const uint8_t base[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
    static const uint8_t index[8] = {RSI, RDI, RSI, RDI, R_NONE, R_NONE, R_NONE, R_NONE};
    const struct insn *in = b->in;
    unsigned rm = insn_rm(in);
    if (rm == 6 && in->modrm < 0x40) {
        emit_mov_imm(b->e, R8, (uint16_t)in->disp);
        return;
    }
    if (index[rm] == R_NONE && in->disp == 0) {
        emit_zx16(b->e, R8, base[rm]);
        return;
    }
    emit_lea(b->e, R8, base[rm], index[rm], in->disp);
    emit_zx16(b->e, R8, R8);
}

static bool absolute_ea(const struct insn *in)
{
    if (in->kind == K_MOFFS)
        return true;
    if (in->addrsize == 2 || in->modrm >= 0x40)
        return false;
    return insn_rm(in) == 5 || (in->has_sib && (in->sib & 0x3F) == 0x25);
}

static uint32_t absolute_address(const struct insn *in)
{
    return in->kind == K_MOFFS ? in->imm : (uint32_t)in->disp;
}

/* ModRM (with REG), SIB and displacement as the guest wrote them, for 64-bit mode. */
static void emit_guest_modrm(struct build *b, unsigned reg)
{
    const struct insn *in = b->in;
    if (absolute_ea(in)) {
        emit_mem(b->e, reg, R_NONE, R_NONE, (int32_t)absolute_address(in));
        return;
    }
    emit8(b->e, (uint8_t)((in->modrm & 0xC7) | (reg & 7) << 3));
    if (in->has_sib)
        emit8(b->e, in->sib);
    if (in->disp_size == 1)
        emit8(b->e, (uint8_t)in->disp);
    else if (in->disp_size == 4)
        emit32(b->e, (uint32_t)in->disp);
}

void emit_ea(struct build *b)
{
    const struct insn *in = b->in;
    if (absolute_ea(in)) {
        emit_mov_imm(b->e, R8, absolute_address(in));
    } else if (in->addrsize == 2) {
        emit_ea16(b);
    } else {
        emit_rex(b->e, false, R8, R_NONE, R_NONE);
        emit8(b->e, 0x8D);
        emit_guest_modrm(b, R8);
    }
}

void emit_segment(struct build *b, unsigned seg, unsigned size, bool write)
{
    enum seg_class class = mode_seg(b->mode, seg);
    if (seg == SEG_CS && write)
        class = SEG_CHECKED;
    if (class == SEG_CHECKED) {
        int32_t check = write ? SEG_OFF(seg, write_check) : SEG_OFF(seg, read_check);
        emit_op_mem(b->e, true, 0x8B, R9, R_CPU, R_NONE, check);
        emit_rex(b->e, false, R9, R8, R9); /* movzx r9d, byte [r9 + r8 + size - 1] */
        emit8(b->e, 0x0F);
        emit8(b->e, 0xB6);
        emit_mem(b->e, R9, R9, R8, (int32_t)size - 1);
    }
    if (class != SEG_FLAT) {
        emit_load(b->e, R9, R_CPU, SEG_OFF(seg, base));
        emit_lea(b->e, R8, R8, R9, 0);
    }
}

/* Bit strings reach beyond their operand: only the flat gs form has room for that on both sides. */
static bool bit_string(const struct insn *in)
{
    return in->map == MAP_0F && (in->opcode & 0xE7) == 0xA3;
}

enum { NEAR_NEGATIVE = -0x10000 };

/* [r13 + reg + disp] is right when it does not rely on wrapping at 4 GiB; a wrong guess lands in
 * a guard and the site is made again in the gs form. */
static bool window_form(const struct insn *in)
{
    if (bit_string(in))
        return false; /* a bit offset adds up to 256 MiB: the guards have no room for both */
    if (absolute_ea(in))
        return (int32_t)absolute_address(in) >= 0;
    if (in->disp < NEAR_NEGATIVE || in->disp > LARGEST_DISP)
        return false;
    return !insn_has_index(in);
}

/* ---- a supervisor's access to memory of programs ---- */

void emit_reach(struct emit *e, unsigned to, unsigned reg)
{
    emit_mov(e, R9, reg);
    emit_rex(e, false, R_NONE, R_NONE, R9); /* bswap r9d: no shift that leaves the flags alone */
    emit8(e, 0x0F);
    emit8(e, 0xC8 | (R9 & 7));
    emit_rex(e, false, R9, R_NONE, R9); /* movzx r9d, r9b */
    emit8(e, 0x0F);
    emit8(e, 0xB6);
    emit8(e, 0xC0 | (R9 & 7) << 3 | (R9 & 7));
    emit_rex(e, false, R9, R9, R_CPU); /* movzx r9d, byte [r15 + r9 + ...] */
    emit8(e, 0x0F);
    emit8(e, 0xB6);
    emit_mem(e, R9, R_CPU, R9, CPU_OFF(reach.user));
    emit_rex(e, true, to, R9, R_CPU); /* mov to, [r15 + r9 * 8 + ...] */
    emit8(e, 0x8B);
    emit8(e, (uint8_t)(0x84 | (to & 7) << 3));
    emit8(e, (uint8_t)(0xC0 | (R9 & 7) << 3 | (R_CPU & 7)));
    emit32(e, (uint32_t)CPU_OFF(reach.base));
}

enum addr_form mem_prepare(struct build *b, unsigned size, unsigned access, bool byte_high)
{
    const struct insn *in = b->in;
    bool write = access & 2;
    if (b->policy == SITE_REACH) {
        emit_ea(b);
        emit_reach(b->e, R10, R8);
        return ADDR_REACH;
    }
    if (in->addrsize == 4 && seg_flat(b, in->seg) && !(in->seg == SEG_CS && write))
        return b->policy != SITE_GS && window_form(in) && !byte_high ? ADDR_WINDOW : ADDR_GS;
    emit_ea(b);
    emit_segment(b, in->seg, size ? size : 1, write);
    return ADDR_R8;
}

static void emit_opcode(struct emit *e, const struct hostop *op)
{
    if (op->map != MAP_1B)
        emit8(e, 0x0F);
    if (op->map == MAP_0F38)
        emit8(e, 0x38);
    if (op->map == MAP_0F3A)
        emit8(e, 0x3A);
    emit8(e, op->opcode);
}

static void emit_prefixes(struct emit *e, const struct hostop *op)
{
    if (op->opsize)
        emit8(e, 0x66);
    if (op->rep)
        emit8(e, op->rep);
}

/* SDM vol. 2A 2.3.5: two bytes where they can say it. */
static void emit_vex(struct emit *e, const struct hostop *op, bool x, bool b)
{
    unsigned pp = op->rep == 0xF3 ? 2 : op->rep == 0xF2 ? 3 : op->opsize;
    uint8_t low = (uint8_t)((~op->vvvv & 15) << 3 | op->vex_l << 2 | pp);
    if (op->map == MAP_0F && !x && !b && !op->vex_w) {
        emit8(e, 0xC5);
        emit8(e, 0x80 | low);
    } else {
        emit8(e, 0xC4);
        emit8(e, (uint8_t)(0x80 | (x ? 0 : 0x40) | (b ? 0 : 0x20) | op->map));
        emit8(e, (uint8_t)(op->vex_w << 7 | low));
    }
    emit8(e, op->opcode);
}

void emit_head(struct emit *e, const struct hostop *op, unsigned index, unsigned base)
{
    if (op->vex) {
        emit_vex(e, op, index != R_NONE && index > 7, base != R_NONE && base > 7);
        return;
    }
    emit_prefixes(e, op);
    emit_rex(e, false, op->reg, index, base);
    emit_opcode(e, op);
}

static void emit_imm(struct emit *e, const struct hostop *op)
{
    for (unsigned i = 0; i < op->imm_len; i++)
        emit8(e, op->imm[i]);
}

/* AH..BH cannot stand beside a REX prefix: the address goes through ESI, kept in r9d. */
static void mem_emit_high_byte(struct build *b, const struct hostop *op)
{
    emit_mov(b->e, R9, RSI);
    emit_mov(b->e, RSI, R8);
    mark_fault(b, FIX_ESI_R9);
    emit8(b->e, 0x65);
    emit8(b->e, 0x67);
    emit_prefixes(b->e, op);
    emit_opcode(b->e, op);
    emit_mem(b->e, op->reg, RSI, R_NONE, 0);
    emit_imm(b->e, op);
    emit_mov(b->e, RSI, R9);
    mark_fault(b, FIX_NONE);
}

/* gs: with a 64-bit address is the same place, guards and all.  CPUs that forward a store to a load
 * by how the two are written, before either address is known, do so for base and displacement, not
 * for an index: what a program keeps in memory and loads again soon would wait for the store.  But
 * a segment's base that is not 0 costs loads two cycles on some of them.  So a supervisor, whose
 * window has one, gets the form for its frames alone, where that pays. */
static bool frame_slot(unsigned base, int32_t disp)
{
    return base == RSP || (base == RBP && disp);
}

void mem_emit(struct build *b, enum addr_form form, const struct hostop *op)
{
    struct emit *e = b->e;
    const struct insn *in = b->in;
    if (form == ADDR_R8 && op->byte_reg && op->reg >= 4 && op->reg < 8) {
        mem_emit_high_byte(b, op);
        return;
    }
    if (form == ADDR_GS) {
        emit8(e, PREFIX_GS);
        emit8(e, 0x67);
    }
    if (form == ADDR_GS) {
        emit_head(e, op, R_NONE, R_NONE);
        emit_guest_modrm(b, op->reg);
    } else if (form == ADDR_R8) {
        emit_head(e, op, R_WINDOW, R8);
        emit_mem(e, op->reg, R8, R_WINDOW, 0);
    } else if (form == ADDR_REACH) {
        emit_head(e, op, R8, R10);
        emit_mem(e, op->reg, R10, R8, 0);
    } else if (absolute_ea(in)) {
        emit_head(e, op, R_NONE, R_WINDOW);
        emit_mem(e, op->reg, R_WINDOW, R_NONE, (int32_t)absolute_address(in));
    } else {
        unsigned base = insn_base(in);
        /* The same CPUs make two of an x87 or vector instruction that has an index; and no address
         * waits for what these load. */
        bool by_gs = e->by_gs || frame_slot(base, in->disp) ||
                     (b->info->op_flags & (OP_X87 | OP_MMX | OP_SSE));
        unsigned index = by_gs ? R_NONE : R_WINDOW;
        if (index == R_NONE)
            emit8(e, PREFIX_GS);
        emit_head(e, op, index, base);
        emit_mem(e, op->reg, base, index, in->disp);
        if (!op->vex) /* VEX-encoded ones need not touch what they name */
            wide_reached(b, base, in->disp);
    }
    emit_imm(e, op);
}

void mem_load(struct build *b, unsigned size, unsigned dst)
{
    struct hostop op = {.opcode = 0x8B, .reg = (uint8_t)dst};
    if (size == 2) {
        op.map = MAP_0F;
        op.opcode = 0xB7;
    }
    mem_emit(b, mem_prepare(b, size, 1, false), &op);
}

/* ---- plain instructions ---- */

/* F3 is part of the opcode only on models that know it: TZCNT and LZCNT are BSF and BSR on
 * others. */
static uint8_t kept_rep(const struct build *b)
{
    const struct insn *in = b->in;
    const struct cpu_model *model = b->t->cpu->model;
    if (b->info->op_flags & (OP_SSE | OP_MMX))
        return in->rep;
    if (!(b->info->op_flags & OP_REP))
        return 0;
    if (in->map == MAP_0F && in->opcode == 0xBC)
        return in->rep == 0xF3 && cpu_has(model, FEAT_BMI1) ? 0xF3 : 0;
    if (in->map == MAP_0F && in->opcode == 0xBD)
        return in->rep == 0xF3 && cpu_has(model, FEAT_LZCNT) ? 0xF3 : 0;
    return in->rep;
}

static bool opcode_group(const struct insn *in)
{
    if (in->map != MAP_1B)
        return false;
    switch (in->opcode) {
    case 0x80: case 0x82: case 0xC0: case 0xC6: case 0xD0: case 0xD2: case 0xF6: case 0xFE:
        return true;
    default:
        return false;
    }
}

static bool byte_register(const struct insn *in, unsigned flags)
{
    return (flags & OP_BYTE) && !opcode_group(in);
}

static struct hostop vex_hostop(const struct insn *in)
{
    return (struct hostop){
        .opcode = in->opcode,
        .map = in->map,
        .rep = in->rep,
        .opsize = in->opsize_prefix,
        .reg = (uint8_t)insn_reg(in),
        .imm = in->bytes + in->imm_off,
        .imm_len = in->imm_size,
        .vex = true,
        .vex_l = in->vex_l,
        .vex_w = in->vex_w && !vex_drops_w(in),
        .vvvv = in->vvvv,
    };
}

static struct hostop hostop_of(const struct build *b)
{
    const struct insn *in = b->in;
    if (in->vex)
        return vex_hostop(in);
    unsigned flags = b->info->op_flags;
    return (struct hostop){
        .opcode = in->map == MAP_1B && in->opcode == 0x82 ? 0x80 : in->opcode,
        .map = in->map,
        .rep = kept_rep(b),
        .opsize = flags & OP_SIZE ? in->opsize == 2
                                  : (flags & (OP_SSE | OP_MMX)) && in->opsize_prefix,
        .byte_reg = byte_register(in, flags),
        .reg = (uint8_t)insn_reg(in),
        .imm = in->bytes + in->imm_off,
        .imm_len = in->imm_size,
    };
}

/* One of AH..BH, which no REX prefix may stand beside. */
static bool high_byte(const struct hostop *op)
{
    return op->byte_reg && op->reg >= 4;
}

unsigned rewrite_by_window(const struct decoded *d)
{
    const struct insn *in = &d->in;
    bool high = byte_register(in, d->info.op_flags) && insn_reg(in) >= 4;
    return !in->vex && window_form(in) && !absolute_ea(in) && !high ? insn_base(in) : R_NONE;
}

bool rewrite_reaches(const struct build *b)
{
    const struct insn *in = b->in;
    if (in->addrsize != 4)
        return false;
    if (in->kind == K_STRING)
        return (in->override == SEG_NONE ? seg_flat(b, SEG_DS) : seg_flat(b, in->override)) &&
               seg_flat(b, SEG_ES);
    if (!seg_flat(b, in->seg) || in->seg == SEG_CS)
        return false;
    if (in->kind != K_PLAIN || !in->has_mem)
        return in->kind == K_MOFFS;
    struct hostop op = hostop_of(b);
    return !bit_string(in) && !high_byte(&op);
}

/* ADD or SUB of a register and a sign-extended byte? */
static bool adds_byte(const struct insn *in)
{
    enum { ADD = 0, SUB = 5 };
    return in->map == MAP_1B && in->opcode == 0x83 && (insn_reg(in) == ADD || insn_reg(in) == SUB);
}

void rewrite_PLAIN(struct build *b)
{
    const struct insn *in = b->in;
    struct hostop op = hostop_of(b);
    if (in->has_mem) {
        if (bit_string(in) && !(in->addrsize == 4 && seg_flat(b, in->seg))) {
            exit_site(b, true);
            return;
        }
        mem_emit(b, mem_prepare(b, in->mem_size, in->mem_access, high_byte(&op)), &op);
        return;
    }
    if (adds_byte(in) &&
        wide_addition(b, insn_rm(in), op.reg ? FIX_SUB : FIX_ADD, (int32_t)in->imm))
        emit_rex(b->e, true, R_NONE, R_NONE, R_NONE);
    emit_head(b->e, &op, R_NONE, R_NONE);
    if (in->has_modrm)
        emit8(b->e, in->modrm);
    emit_imm(b->e, &op);
}

void rewrite_on_bounce(struct build *b, int32_t field)
{
    struct hostop op = hostop_of(b);
    emit_head(b->e, &op, R_NONE, R_NONE);
    emit8(b->e, (uint8_t)((op.reg & 7) << 3 | 5));
    emit32(b->e, (uint32_t)(field - RUNTIME_SIZE) - (b->e->pos + 4 + op.imm_len));
    emit_imm(b->e, &op);
}

void rewrite_NOP(struct build *b)
{
    (void)b;
}

void rewrite_INCDEC(struct build *b)
{
    unsigned reg = b->in->opcode & 7, dec = b->in->opcode & 8;
    if (b->in->opsize == 2)
        emit8(b->e, 0x66);
    emit_rex(b->e, wide_addition(b, reg, dec ? FIX_DEC : FIX_INC, 1), R_NONE, R_NONE, R_NONE);
    emit8(b->e, 0xFF);
    emit8(b->e, (uint8_t)(0xC0 | dec | reg));
}

/* LEA of a register into itself: compilers fill gaps with it. */
static bool fills_gap(const struct insn *in)
{
    return !in->disp && !insn_has_index(in) && insn_base(in) == insn_reg(in);
}

void rewrite_LEA(struct build *b)
{
    unsigned reg = insn_reg(b->in);
    if (b->in->addrsize == 4 && !absolute_ea(b->in)) {
        if (fills_gap(b->in))
            return;
        if (b->in->opsize == 2)
            emit8(b->e, 0x66);
        emit_rex(b->e, wide_lea(b), R_NONE, R_NONE, R_NONE);
        emit8(b->e, 0x8D);
        emit_guest_modrm(b, reg);
        return;
    }
    emit_ea(b);
    if (b->in->opsize == 2)
        emit_mov16(b->e, reg, R8);
    else
        emit_mov(b->e, reg, R8);
}

void rewrite_MOFFS(struct build *b)
{
    static const uint8_t opcodes[4] = {0x8A, 0x8B, 0x88, 0x89};
    uint8_t o = b->in->opcode & 3;
    struct hostop op = {.opcode = opcodes[o], .opsize = (o & 1) && b->in->opsize == 2};
    unsigned size = o & 1 ? b->in->opsize : 1;
    mem_emit(b, mem_prepare(b, size, o & 2 ? 2 : 1, false), &op);
}

void rewrite_XLAT(struct build *b)
{
    if (b->in->addrsize != 4 || !seg_flat(b, b->in->seg)) {
        exit_site(b, true);
        return;
    }
    emit8(b->e, 0x65);
    emit8(b->e, 0x67);
    emit8(b->e, 0xD7);
}

void rewrite_MOV_SREG(struct build *b)
{
    emit_load_sized(b->e, 2, R10, R_CPU, R_NONE, SEG_OFF(insn_reg(b->in), selector));
    if (b->in->opsize == 2)
        emit_mov16(b->e, insn_rm(b->in), R10);
    else
        emit_mov(b->e, insn_rm(b->in), R10);
}

/* gs: redirects the implicit operand as it does XLAT's. */
void rewrite_MASKMOV(struct build *b)
{
    if (b->in->addrsize != 4 || !seg_flat(b, b->in->seg) || b->in->seg == SEG_CS) {
        exit_site(b, true);
        return;
    }
    struct hostop op = hostop_of(b);
    emit8(b->e, 0x65);
    emit8(b->e, 0x67);
    emit_head(b->e, &op, R_NONE, R_NONE);
    emit8(b->e, b->in->modrm);
}

/* A 67h prefix cuts each element's address to 32 bits, gs: adds the window: as for one operand. */
void rewrite_GATHER(struct build *b)
{
    const struct insn *in = b->in;
    if (!seg_flat(b, in->seg)) {
        exit_site(b, true);
        return;
    }
    struct hostop op = hostop_of(b);
    emit8(b->e, 0x65);
    emit8(b->e, 0x67);
    emit_head(b->e, &op, R_NONE, R_NONE);
    emit8(b->e, in->modrm);
    emit8(b->e, in->sib);
    if (in->disp_size == 1)
        emit8(b->e, (uint8_t)in->disp);
    else if (in->disp_size == 4)
        emit32(b->e, (uint32_t)in->disp);
}

void rewrite_SENSITIVE(struct build *b)
{
    if (!rewrite_real_segment(b) && !rewrite_real_far(b) && !rewrite_enter(b))
        exit_site(b, false);
}

void rewrite_INVALID(struct build *b)
{
    exit_raise(b, EXC_UD);
}

/* ---- dispatch ---- */

/* VEX prefixes are there in protected mode alone; CR0.EM says nothing of vector instructions that
 * have one (SDM vol. 2A 2.4). */
static uint8_t vex_exception(const struct build *b)
{
    if (!(b->mode & MODE_PE) || (b->mode & MODE_V86))
        return EXC_UD;
    if (!(b->info->op_flags & OP_SSE))
        return 0;
    return !(b->mode & MODE_AVX) ? EXC_UD : b->mode & MODE_TS ? EXC_NM : 0;
}

/* Is the FPU there for this instruction?  The exception it raises otherwise, 0 if it may run.
 * SDM vol. 3A tables 2-2, 12-1, 13-1. */
static uint8_t fpu_exception(const struct build *b)
{
    const struct insn *in = b->in;
    unsigned flags = b->info->op_flags;
    if (in->vex)
        return vex_exception(b);
    if (flags & OP_X87) {
        if (in->map == MAP_1B && in->opcode == 0x9B)
            return (b->mode & MODE_MP) && (b->mode & MODE_TS) ? EXC_NM : 0;
        return b->mode & (MODE_EM | MODE_TS) ? EXC_NM : 0;
    }
    if (!(flags & (OP_MMX | OP_SSE)) || (in->map == MAP_0F38 && in->opcode == 0xF6))
        return 0;
    bool mmx = (flags & OP_MMX) && !in->opsize_prefix && !in->rep;
    if (in->map == MAP_0F && (in->opcode < 0x60 || in->opcode == 0xC2 || in->opcode == 0xC6))
        mmx = false;
    if (in->map == MAP_0F38 && in->opcode >= 0xC8 && in->opcode <= 0xCD) /* SHA */
        mmx = false;
    if ((b->mode & MODE_EM) || (!mmx && !(b->mode & MODE_OSFXSR)))
        return EXC_UD;
    return b->mode & MODE_TS ? EXC_NM : 0;
}

static bool touches_memory(const struct insn *in)
{
    switch (in->kind) {
    case K_PLAIN: case K_CALL_RM: case K_JMP_RM: case K_PUSH_RM: case K_POP_RM:
        return in->has_mem || (in->kind != K_PLAIN && in->kind != K_JMP_RM);
    case K_MOFFS: case K_XLAT: case K_STRING: case K_PUSH_REG: case K_POP_REG: case K_PUSH_IMM:
    case K_PUSHA: case K_POPA: case K_LEAVE: case K_CALL_REL: case K_RET: case K_PUSHF: case K_POPF:
    case K_PUSH_SREG: case K_MASKMOV: case K_GATHER:
        return true;
    default:
        return false;
    }
}

/* DIV and IDIV: by hand where #DE is the rule. */
static bool divides(const struct insn *in)
{
    return in->kind == K_PLAIN && in->map == MAP_1B && (in->opcode & 0xFE) == 0xF6 &&
           insn_reg(in) >= 6;
}

void rewrite_insn(struct build *b)
{
    static void (*const rewrite[K_COUNT])(struct build *) = {
#define X(name) rewrite_##name,
        INSN_KINDS(X)
#undef X
    };
    const struct insn *in = b->in;
    const struct cpu_model *model = b->t->cpu->model;
    unsigned feature = b->info->feature;
    b->policy = SITE_PLAIN;
    if (in->kind != K_INVALID && in->kind != K_SENSITIVE && feature < FEAT_COUNT &&
        !cpu_has(model, feature)) {
        /* without an FPU the 486 takes #NM for ESC when EM is set; our models all have one */
        exit_raise(b, EXC_UD);
        return;
    }
    if (in->kind == K_PLAIN || in->kind == K_MASKMOV || in->kind == K_GATHER) {
        uint8_t vector = fpu_exception(b);
        if (vector) {
            exit_raise(b, vector);
            return;
        }
    }
    if (touches_memory(in) || divides(in)) {
        uint32_t phys = b->tb->phys + (b->eip - b->tb->eip);
        b->policy = policy_get(b->t, phys);
        if (b->policy == SITE_REACH && !rewrite_reaches(b)) {
            policy_refuse_reach(b->t, phys);
            b->policy = SITE_PLAIN;
        }
        if (b->policy == SITE_REACH && (b->mode & (MODE_USER | MODE_V86)))
            b->policy = SITE_PLAIN;
        if (b->policy == SITE_SLOW || ((b->mode & MODE_WATCH) && touches_memory(in))) {
            exit_site(b, in->kind != K_PUSHF && in->kind != K_POPF && in->kind != K_PUSH_SREG);
            return;
        }
    }
    rewrite[in->kind](b);
}
