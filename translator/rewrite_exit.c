/* Ways out of a block. */
#include "translator/build.h"

static uint32_t new_site(struct build *b)
{
    struct translator *t = b->t;
    if (t->site_count >= t->site_max) {
        b->e->overflow = true;
        return 0;
    }
    struct site *s = &t->sites[t->site_count];
    *s = (struct site){.in = *b->in, .eip = b->eip, .tb = (uint32_t)(b->tb - t->tbs)};
    return t->site_count++;
}

void exit_code(struct build *b, enum exit_kind kind, uint32_t value)
{
    emit_mov_imm(b->e, R11, EXIT_CODE(kind, value));
    emit_jmp(b->e, b->t->stub_leave);
}

/* Can the hub come back to the block behind the present instruction?  The FPU is loaded at a block's
 * start alone. */
static bool goes_on(const struct build *b)
{
    if ((b->mode & MODE_ONE) || b->tb->uses_fpu || b->tb->phys2 != ~0u)
        return false;
    switch ((enum insn_kind)b->in->kind) {
    case K_CALL_REL:
    case K_JMP_REL:
    case K_JCC:
    case K_LOOP:
    case K_RET:
    case K_CALL_RM:
    case K_JMP_RM:
    case K_INVALID:
        return false;
    case K_SENSITIVE:
        return insn_goes_on(b->in);
    default:
        return true;
    }
}

/* To the stub, which comes back to what follows: lea r10, [rip + 5]. */
static void call_cpuid(struct build *b)
{
    enum { JMP = 5 };
    if (!goes_on(b)) {
        emit_jmp(b->e, b->t->stub_leave);
        return;
    }
    emit_rex(b->e, true, R10, R_NONE, R_NONE);
    emit8(b->e, 0x8D);
    emit8(b->e, 0x15);
    emit32(b->e, JMP);
    emit_jmp(b->e, b->t->stub_cpuid);
}

static uint32_t exit_to_insn(struct build *b, bool slow)
{
    struct translator *t = b->t;
    uint8_t seg = SEG_NONE;
    enum quick_kind quick = slow ? quick_by_hand(b) : quick_emit(b, &seg);
    uint32_t site = new_site(b);
    t->sites[site].slow = slow;
    t->sites[site].quick = (uint8_t)quick;
    t->sites[site].quick_seg = seg;
    emit_mov_imm(b->e, R11, EXIT_CODE(EXIT_INSN, site));
    if (quick == QUICK_CPUID)
        call_cpuid(b);
    else
        emit_jmp(b->e, quick ? t->stub_quick : t->stub_leave);
    b->ended = true;
    return site;
}

void exit_site_ends(struct build *b, bool slow)
{
    exit_to_insn(b, slow);
}

void exit_site(struct build *b, bool slow)
{
    uint32_t site = exit_to_insn(b, slow);
    if (!goes_on(b))
        return;
    b->t->sites[site].resume = b->e->pos;
    b->ended = false;
}

void exit_raise(struct build *b, uint8_t vector)
{
    uint32_t site = new_site(b);
    b->t->sites[site].raise = vector;
    exit_code(b, EXIT_RAISE, site);
    b->ended = true;
}

/* The kick handler and straight.c know this code. */
static void emit_table_jump(struct emit *e, struct table_jump j)
{
    uint8_t jump[TABLE_JUMP];
    table_jump_code(j, jump);
    for (unsigned i = 0; i < sizeof jump; i++)
        emit8(e, jump[i]);
}

/* A jump may be linked when it stays on the block's page: then whatever maps the one maps the
 * other. */
static bool linkable(const struct build *b, uint32_t target)
{
    uint32_t here = b->cs_base + b->tb->eip, there = b->cs_base + target;
    return (here ^ there) < PAGE_SIZE && (here >> PAGE_SHIFT) == (there >> PAGE_SHIFT) &&
           b->tb->phys2 == ~0u && !(b->mode & MODE_ONE);
}

/* May a jump to another page be linked one day?  Supervisor code under CR4.PGE alone. */
static bool far_linkable(const struct build *b)
{
    return b->t->shared && !(b->mode & (MODE_USER | MODE_ONE)) && seg_flat(b, SEG_CS) &&
           b->tb->phys2 == ~0u;
}

static void use_slot(struct build *b, unsigned slot, uint32_t target, uint32_t patch)
{
    b->tb->exits[slot] = (struct tb_exit){
        .distance = target - b->tb->eip, .patch = patch, .table = !linkable(b, target)};
}

void exit_table(struct build *b, uint32_t target)
{
    build_count_jump(b, JUMP_CROSS_PAGE);
    emit_mov_imm(b->e, R8, target);
    mark_reloc(b);
    emit_table_jump(b->e, table_jump(JUMP_CROSS_PAGE));
    b->tb->crossings++;
}

void exit_goto(struct build *b, unsigned slot, uint32_t target)
{
    if (b->mode & MODE_ONE) {
        emit_mov_imm(b->e, R8, target);
        exit_code(b, EXIT_NEXT, 0);
    } else if (linkable(b, target) || far_linkable(b)) {
        use_slot(b, slot, target, emit_jmp(b->e, 0));
    } else {
        b->tb->jump = JUMP_CROSS_PAGE + 1;
        exit_table(b, target);
    }
    b->ended = true;
}

void exit_branch(struct build *b, unsigned cc, uint32_t target)
{
    if (linkable(b, target) || far_linkable(b)) {
        use_slot(b, 0, target, emit_jcc(b->e, cc, 0));
        exit_goto(b, 1, b->next);
        return;
    }
    uint32_t taken = emit_jcc(b->e, cc, 0);
    exit_goto(b, 1, b->next);
    emit_patch32(b->e, taken, b->e->pos);
    exit_goto(b, 0, target);
}

void exit_side(struct build *b, unsigned cc, uint32_t target)
{
    unsigned side = b->sides++;
    uint32_t patch = emit_jcc(b->e, cc, 0);
    if (linkable(b, target) || far_linkable(b)) {
        use_slot(b, TB_SIDE + side, target, patch);
    } else {
        b->cold[side].patch = patch;
        b->cold[side].target = target;
    }
}

void exit_indirect(struct build *b)
{
    b->ended = true;
    if (b->mode & MODE_ONE) {
        exit_code(b, EXIT_NEXT, 0);
        return;
    }
    enum jump_count kind = b->in->kind == K_RET ? JUMP_RETURN : JUMP_INDIRECT;
    build_count_jump(b, kind);
    b->tb->jump = (uint8_t)(kind + 1);
    emit_table_jump(b->e, table_jump(kind));
}

void exit_if_event(struct build *b, enum exit_kind kind)
{
    emit_mov(b->e, R9, RCX);
    emit_load(b->e, RCX, R_CPU, CPU_OFF(event));
    uint32_t none = emit_jrcxz(b->e);
    emit_mov(b->e, RCX, R9);
    emit_mov_imm(b->e, R8, b->next);
    mark_reloc(b);
    exit_code(b, kind, 0);
    emit_patch8(b->e, none, b->e->pos);
    emit_mov(b->e, RCX, R9);
}

void exit_stubs(struct build *b)
{
    uint32_t self = (uint32_t)(b->tb - b->t->tbs);
    for (unsigned s = 0; s < TB_SLOTS; s++) {
        struct tb_exit *x = &b->tb->exits[s];
        if (!x->patch)
            continue;
        x->stub = b->e->pos;
        emit_patch32(b->e, x->patch, x->stub);
        exit_code(b, EXIT_CHAIN, self * TB_SLOTS + s);
        if (x->table) {
            x->table = b->e->pos;
            exit_table(b, exit_target(b->tb, s));
        }
    }
    for (unsigned i = 0; i < b->sides; i++)
        if (b->cold[i].patch) {
            emit_patch32(b->e, b->cold[i].patch, b->e->pos);
            exit_table(b, b->cold[i].target);
        }
}

bool branch_target(struct build *b, uint32_t displacement, uint32_t *target)
{
    *target = b->next + displacement;
    if (b->in->opsize == 2) {
        *target &= 0xFFFF;
        b->tb->fixed = true;
    }
    return *target <= b->cs_limit;
}
