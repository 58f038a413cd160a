/* Making a block: decode until control must leave, then rewrite one instruction after another.
 *
 * A block lies on one page, or is a single instruction that crosses a page border. */
#include <stdio.h>
#include <stdlib.h>

#include "translator/hook_internal.h"

struct fetch {
    const uint8_t *page; /* alias of the first page, NULL when it is not memory */
    uint32_t pa;         /* physical address of eip */
    uint32_t lin;
};

/* Bytes of the instruction at LIN, which starts on the block's first page: at most 15, cut at the
 * page border. */
static unsigned fetch_bytes(struct translator *t, const struct fetch *f, uint32_t lin,
                            uint8_t *bytes)
{
    uint32_t off = lin & (PAGE_SIZE - 1), n = PAGE_SIZE - off;
    if (n > INSN_MAX_LEN)
        n = INSN_MAX_LEN;
    if (f->page)
        memcpy(bytes, f->page + off, n);
    else
        phys_read(t->phys, (f->pa & ~(uint64_t)(PAGE_SIZE - 1)) + off, bytes, n);
    return n;
}

/* Add what stands on the next page.  False: fetching it raised an exception. */
static bool fetch_more(struct translator *t, uint32_t lin, uint8_t *bytes, unsigned *n,
                       uint32_t *pa2)
{
    struct mmu_fault fault;
    uint64_t pa;
    uint32_t next = (lin | (PAGE_SIZE - 1)) + 1;
    if (!mmu_fetch(t->mmu, t->window, next, &pa, &fault))
        return cpu_raise_pf(t->cpu, &fault);
    phys_read(t->phys, pa, bytes + *n, INSN_MAX_LEN - *n);
    *n = INSN_MAX_LEN;
    *pa2 = (uint32_t)pa;
    return true;
}

/* Behind a conditional jump the block goes on, and what follows needs no jump: one ahead is taken less
 * often than not, and one back, which closes a loop, is hard to foresee where the loop ends.  One to
 * the next instruction is none.  Who counts executions wants blocks that are run as wholes. */
static bool side_exit(struct build *b, const struct insn *in)
{
    if (b->t->options.exec_count || !in->imm || b->sides == TB_SIDES)
        return false;
    b->sides++;
    return true;
}

static bool ends_block(struct build *b, const struct insn *in)
{
    switch (in->kind) {
    case K_JCC:
        return !side_exit(b, in);
    case K_CALL_REL:
    case K_JMP_REL:
    case K_LOOP:
    case K_RET:
    case K_CALL_RM:
    case K_JMP_RM:
    case K_SENSITIVE:
        return !insn_goes_on(in);
    case K_INVALID:
        return true;
    default:
        return false;
    }
}

/* Decode the instruction at EIP into the list.  +1: go on; 0: the block ends before it; -1: it
 * ends after it; -2: exception. */
static int decode_next(struct build *b, const struct fetch *f, uint32_t eip)
{
    struct translator *t = b->t;
    struct decoded *d = &b->list[b->count];
    uint8_t bytes[16] = {0};
    uint32_t lin = b->cs_base + eip, pa2 = ~0u;
    if (b->count && hook_at(t, lin, f->pa + (eip - b->tb->eip)))
        return 0;
    if (eip > b->cs_limit)
        return b->count ? 0 : (cpu_raise(t->cpu, EXC_GP, 0), -2);
    unsigned n = fetch_bytes(t, f, lin, bytes);
    unsigned bits = b->mode & MODE_CODE32 ? 32 : 16;
    enum decode_result r = decode_insn(t->decoder, bytes, n, bits, &d->in, &d->info);
    if (r == DECODE_SHORT) {
        if (b->count)
            return 0;
        if (!fetch_more(t, lin, bytes, &n, &pa2))
            return -2;
        r = decode_insn(t->decoder, bytes, n, bits, &d->in, &d->info);
        b->tb->phys2 = pa2;
    }
    if (r == DECODE_TOO_LONG || eip + d->in.len - 1 > b->cs_limit)
        return b->count ? 0 : (cpu_raise(t->cpu, EXC_GP, 0), -2);
    bool alone = t->verify && insn_random(&d->in);
    if (alone && b->count)
        return 0;
    bool fpu = decoded_uses_fpu(d);
    if (fpu && b->sides && !b->fpu)
        return 0; /* who leaves by a side exit shall not load the FPU for it */
    b->fpu |= fpu;
    d->eip = eip;
    b->count++;
    if (alone)
        return -1;
    return pa2 != ~0u || ends_block(b, &d->in) ? -1 : 1;
}

/* Code that uses the FPU ends with its first sensitive instruction (see exit_site): the rest is
 * another block's. */
static void cut_block(struct build *b)
{
    unsigned first = 0;
    bool fpu = false;
    for (unsigned i = 0; i < b->count; i++)
        fpu |= decoded_uses_fpu(&b->list[i]);
    while (first < b->count && b->list[first].in.kind != K_SENSITIVE)
        first++;
    if (fpu && first < b->count)
        b->count = first + 1;
}

/* False: an exception was raised. */
static bool decode_block(struct build *b, const struct fetch *f)
{
    uint32_t eip = b->tb->eip;
    unsigned max = b->t->options.max_insns;
    if (b->mode & MODE_ONE)
        max = 1;
    else if (!max || max > TB_MAX_INSNS)
        max = TB_MAX_INSNS;
    while (b->count < max) {
        int r = decode_next(b, f, eip);
        if (r == -2)
            return false;
        if (r == 0)
            break;
        const struct insn *in = &b->list[b->count - 1].in;
        eip += in->len;
        uint32_t first = b->cs_base + b->tb->eip, lin = b->cs_base + eip;
        if (r < 0 || (first >> PAGE_SHIFT) != (lin >> PAGE_SHIFT))
            break;
    }
    cut_block(b);
    const struct decoded *last = &b->list[b->count - 1];
    b->tb->size = (uint16_t)(last->eip + last->in.len - b->tb->eip);
    b->tb->insns = (uint16_t)b->count;
    return true;
}

/* ---- entry code ---- */

bool decoded_uses_fpu(const struct decoded *d)
{
    enum insn_kind kind = (enum insn_kind)d->in.kind;
    if ((kind != K_PLAIN && kind != K_MASKMOV && kind != K_GATHER) ||
        (d->in.map == MAP_0F38 && d->in.opcode == 0xF6))
        return false;
    return d->info.op_flags & (OP_X87 | OP_MMX | OP_SSE);
}

/* if (cs.base != base) goto miss.  The flags must survive even when they are dead in this block: a
 * jump that was meant for another one, at the same EIP in another segment, comes here too.  So RCX,
 * kept in r9, tests for zero. */
static void emit_check(struct build *b)
{
    struct emit *e = b->e;
    emit_mov(e, R9, RCX);
    emit_load(e, RCX, R_CPU, SEG_OFF(SEG_CS, base));
    emit_lea(e, RCX, RCX, R_NONE, -(int32_t)b->cs_base);
    uint32_t yes = emit_jrcxz(e);
    emit_mov(e, RCX, R9);
    emit_jmp(e, 0);
    emit_patch8(e, yes, e->pos);
    emit_mov(e, RCX, R9);
}

/* Add one to counter SLOT: by LEA, which leaves the flags alone. */
void build_count(struct build *b, uint32_t slot)
{
    int32_t field = (int32_t)((slot - b->t->tb_max) * sizeof *b->t->counts.executions);
    field -= (int32_t)((uint8_t *)b->t->rt - (uint8_t *)(b->t->counts.executions + b->t->tb_max));
    emit_rt(b->e, true, 0x8B, R9, field);
    emit_lea64(b->e, R9, R9, R_NONE, 1);
    emit_rt(b->e, true, 0x89, R9, field);
}

void build_count_jump(struct build *b, enum jump_count kind)
{
    if (b->t->options.exec_count)
        build_count(b, b->t->tb_max - 1 - kind);
}

static void emit_entry(struct build *b)
{
    struct emit *e = b->e;
    struct tb *tb = b->tb;
    uint32_t load, back = 0, through_table = 0;
    if (tb->phys2 != ~0u && !(b->mode & MODE_ONE)) {
        /* Its second page may be another one in another window: chained jumps go by the table. */
        through_table = e->pos;
        exit_table(b, tb->eip);
    }
    load = e->pos;
    if (tb->uses_fpu) { /* out of line: lea r10, [rip + ...]; jmp load */
        emit_rex(e, true, R10, R_NONE, R_NONE);
        emit8(e, 0x8D);
        emit8(e, 0x15);
        back = e->pos;
        emit32(e, 0);
        emit_jmp(e, b->t->stub_fpu);
    }
    tb->entry = e->pos;
    if (!(b->mode & MODE_ONE) && mode_seg(b->mode, SEG_CS) != SEG_FLAT)
        emit_check(b);
    tb->body = tb->direct = e->pos;
    if (tb->uses_fpu) {
        emit_mov(e, R9, RCX);
        emit_load(e, RCX, R_CPU, CPU_OFF(fpu_live));
        emit_patch8(e, emit_jrcxz(e), load);
        emit_patch32(e, back, e->pos);
        emit_mov(e, RCX, R9);
    }
    tb->direct_live = e->pos;
    if (b->t->options.exec_count)
        build_count(b, (uint32_t)(tb - b->t->tbs));
    if (through_table)
        tb->direct = tb->direct_live = through_table;
}

/* ---- the block ---- */

static void emit_block(struct build *b)
{
    struct tb *tb = b->tb;
    for (unsigned i = 0; i < b->count; i++)
        tb->uses_fpu |= decoded_uses_fpu(&b->list[i]);
    b->in = &b->list[0].in;
    b->eip = tb->eip;
    b->e->by_gs = b->mode & MODE_USER; /* as the low place has a base that costs nothing */
    tb->map = b->t->map_count;
    tb->relocs = b->t->reloc_count;
    tb->first_site = b->t->site_count;
    b->sides = 0;
    mark_fault(b, FIX_NONE);
    emit_entry(b);
    if (!b->count)
        hook_emit(b);
    for (unsigned i = 0; i < b->count && !b->ended; i++) {
        b->number = i;
        if (i > b->sum.last)
            b->sum.fixup = FIX_NONE;
        b->in = &b->list[i].in;
        b->info = &b->list[i].info;
        b->eip = b->list[i].eip;
        b->next = b->eip + b->in->len;
        stack_settle(b);
        mark_fault(b, FIX_NONE);
        rewrite_insn(b);
        immediate_note(b);
        tb->insns = (uint16_t)(i + 1); /* what is behind an exit is none of the block's */
        tb->size = (uint16_t)(b->next - tb->eip);
    }
    stack_end_run(b);
    if (!b->ended)
        exit_goto(b, 0, b->next);
    tb->hot = (uint16_t)(b->e->pos - tb->body);
    exit_stubs(b);
    tb->site_count = (uint16_t)(b->t->site_count - tb->first_site);
    tb->code_end = b->e->pos;
}

static bool room_left(const struct translator *t)
{
    enum { BLOCK_ROOM = (TB_MAX_INSNS + 8) * 160 }; /* the longest rewrite, POPF, takes 157 */
    return t->emit.pos + BLOCK_ROOM < t->cache_size && t->tb_count + 1 + JUMP_COUNTS < t->tb_max &&
           t->map_count + 4 * TB_MAX_INSNS < t->map_max &&
           t->reloc_count + 8 * TB_MAX_INSNS < t->reloc_max &&
           t->member_count + (4u << MEMBERS_ORDER) < t->member_max &&
           t->site_count + 2 * TB_MAX_INSNS < t->site_max;
}

static void count_block(struct translator *t, const struct tb *tb)
{
    t->stats.blocks++;
    t->stats.insns += tb->insns;
    t->stats.guest_bytes += tb->size;
    t->stats.host_bytes += tb->code_end - tb->code;
}

static void line_to_stderr(void *opaque, const char *text)
{
    (void)opaque;
    fprintf(stderr, "%s\n", text);
}

static void line_to_log(void *opaque, const char *text)
{
    struct log *log = opaque;
    log_write(log, log_on(log, LOG_OUT_ASM) ? LOG_OUT_ASM : LOG_IN_ASM, "%s", text);
}

void build_check(struct translator *t, const struct tb *tb)
{
    char why[160];
    if (t->options.check) {
        t->stats.checked++;
        if (!check_block(t, tb, why, sizeof why)) {
            fprintf(stderr, "ringer: block at %08x leaves its confinement: %s\n", tb->eip, why);
            dump_block(t, tb, true, line_to_stderr, NULL);
            abort(); /* the translator itself is wrong: nothing may run on */
        }
    }
    hook_tell(t, tb);
    if (log_on(t->log, LOG_IN_ASM) || log_on(t->log, LOG_OUT_ASM))
        dump_block(t, tb, log_on(t->log, LOG_OUT_ASM), line_to_log, t->log);
}

static struct tb *build_block(struct translator *t, const struct fetch *f, uint32_t mode,
                              uint32_t cs_limit_key)
{
    struct cpu *cpu = t->cpu;
    if (!room_left(t))
        cache_flush(t);
    struct tb *tb = &t->tbs[t->tb_count];
    t->emit.pos = (t->emit.pos + 15) & ~15u;
    *tb = (struct tb){.eip = cpu->eip,
                      .cs_base = cpu->seg[SEG_CS].base,
                      .cs_limit = cs_limit_key,
                      .mode = mode,
                      .phys = f->pa,
                      .phys2 = ~0u,
                      .incoming = ~0u,
                      .code = t->emit.pos,
                      .counts = t->options.exec_count};
    t->counts.executions[t->tb_count] = 0;
    uint64_t began = count_cycles();
    struct build b = {.t = t,
                      .e = &t->emit,
                      .tb = tb,
                      .mode = mode,
                      .cs_base = tb->cs_base,
                      .cs_limit = cpu->seg[SEG_CS].limit};
    bool hooked = !(mode & MODE_ONE) && hook_at(t, f->lin, f->pa);
    bool decoded = hooked || decode_block(&b, f);
    if (hooked)
        tb->size = 1;
    t->counts.decode_cycles += count_cycles() - began;
    if (!decoded)
        return NULL;
    tb->sum = BLOCK_SUM_BEGIN;
    for (unsigned i = 0; i < b.count; i++)
        tb->sum = block_sum(tb->sum, b.list[i].in.bytes, b.list[i].in.len);
    emit_block(&b);
    t->tb_count++;
    cache_insert(t, tb);
    count_block(t, tb);
    count_translated(t, tb);
    t->counts.translate_cycles += count_cycles() - began;
    build_check(t, tb);
    return tb;
}

struct tb *build_lookup(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    struct mmu_fault fault;
    uint64_t pa;
    uint32_t lin = cpu->seg[SEG_CS].base + cpu->eip;
    bool checked = mode_seg(t->mode, SEG_CS) == SEG_CHECKED;
    uint32_t cs_limit = checked ? cpu->seg[SEG_CS].limit : 0xFFFFFFFF;
    t->stats.lookups++;
    if (cpu->eip > cpu->seg[SEG_CS].limit) {
        cpu_raise(cpu, EXC_GP, 0);
        return NULL;
    }
    if (!mmu_fetch(t->mmu, t->window, lin, &pa, &fault)) {
        cpu_raise_pf(cpu, &fault);
        return NULL;
    }
    if (pa >> 32) { /* nothing is decoded there: it reads as FFh FFh, an invalid opcode */
        cpu_raise(cpu, EXC_UD, 0);
        return NULL;
    }
    struct tb *tb = cache_find(t, (uint32_t)pa, cpu->eip, cpu->seg[SEG_CS].base, cs_limit, t->mode);
    if (!tb)
        tb = rebase_find(t, (uint32_t)pa, cpu->eip, t->mode);
    if (tb) {
        t->variants[tb->variant].used = (uint32_t)t->stats.lookups;
        if (!t->current || !table_holds_part(t->current, cpu->eip))
            rebase_enter_page(t, tb->variant, cpu->eip);
    }
    if (tb && tb->phys2 != ~0u) { /* is the second page still the same? */
        if (!mmu_fetch(t->mmu, t->window, (lin | (PAGE_SIZE - 1)) + 1, &pa, &fault)) {
            cpu_raise_pf(cpu, &fault);
            return NULL;
        }
        if ((uint32_t)pa != tb->phys2) {
            t->counts.invalid[INVALID_REMAP]++;
            cache_invalidate(t, tb, RETRANSLATED_REMAP);
            tb = NULL;
            mmu_fetch(t->mmu, t->window, lin, &pa, &fault);
        } else {
            return tb;
        }
    }
    if (tb)
        return tb;
    struct fetch f = {phys_ptr(t->phys, pa & ~(uint64_t)(PAGE_SIZE - 1), PAGE_SIZE), (uint32_t)pa,
                      lin};
    return build_block(t, &f, t->mode, cs_limit);
}
