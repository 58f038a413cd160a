/* The confinement checker: proves of an emitted block, from its bytes alone, that whatever the
 * guest's registers hold, it touches nothing but the window, a few fields of the CPU state and
 * its jump table, and that it leaves only to where blocks may go.
 *
 * Two passes.  Every instruction of the block is decoded (check_decode.c) and must be of a form
 * that can be safe at all.  Then what is known of scratch registers, RSP and FPU is carried from
 * the entries along all paths (check_flow.c), and each instruction must be safe in what it finds.
 * The emitter's bookkeeping is trusted nowhere: entries, exits and the fault map are checked too.
 *
 * Assumed of the outside: windows have 2 GiB of guard on either side, a limit area 4 GiB; blocks
 * are entered with guest registers that lie no more than FAR_HANDED_ON beyond 4 GiB, from the hub
 * with such below it, the guest's RSP and r12..r15 in place; the entry for lookups with a number in
 * r8; and direct_live, where it differs, with the FPU loaded. */
#include "translator/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_STEPS_EACH = 64 };

bool check_refuse(struct check *c, const struct host_insn *in, const char *format, ...)
{
    char text[72] = "", reason[96];
    va_list ap;
    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    if (!in) {
        snprintf(c->why, c->n, "%s", reason);
        return false;
    }
    unsigned left = c->tb->code_end - in->at;
    decode_text(c->t->decoder, 64, c->t->rw + in->at, left, in->at, text, sizeof text);
    snprintf(c->why, c->n, "+%u `%s' %s", in->at - c->tb->code, text, reason);
    return false;
}

/* ---- decoding ---- */

static bool in_block(const struct check *c, int64_t offset)
{
    return offset >= c->tb->code && offset < c->tb->code_end;
}

/* Number of the instruction at cache offset OFFSET, -1 when none begins there. */
static int number_of(const struct check *c, int64_t offset)
{
    return in_block(c, offset) ? (int)c->number_at[offset - c->tb->code] - 1 : -1;
}

static bool decode_all(struct check *c)
{
    uint32_t at = c->tb->code;
    while (at < c->tb->code_end) {
        struct host_insn *in = &c->insns[c->count];
        if (!check_decode(c, at, in))
            return false;
        c->number_at[at - c->tb->code] = (uint16_t)++c->count;
        at += in->len;
    }
    return true;
}

/* ---- joins ---- */

static bool same_value(struct value a, struct value b)
{
    return a.kind == b.kind && a.bits == b.bits;
}

static struct value join_value(struct value a, struct value b)
{
    if (same_value(a, b))
        return a;
    if (check_is_number(a) && check_is_number(b))
        return (struct value){VALUE_CLEAN, a.bits | b.bits};
    return (struct value){VALUE_UNSET, 0};
}

static bool join_flow(struct flow *into, const struct flow *f, bool *changed)
{
    for (unsigned r = 0; r < 4; r++) {
        struct value v = join_value(into->scratch[r], f->scratch[r]);
        *changed |= !same_value(v, into->scratch[r]);
        into->scratch[r] = v;
    }
    for (unsigned r = 0; r < 8; r++) {
        *changed |= f->far[r] > into->far[r];
        into->far[r] = f->far[r] > into->far[r] ? f->far[r] : into->far[r];
    }
    *changed |= (into->fpu && !f->fpu) || (into->rcx_tests_fpu && !f->rcx_tests_fpu);
    into->fpu &= f->fpu;
    into->rcx_tests_fpu &= f->rcx_tests_fpu;
    struct value pushed = join_value(into->pushed, f->pushed);
    *changed |= !same_value(pushed, into->pushed);
    into->pushed = pushed;
    return into->stack == f->stack && into->windowed == f->windowed;
}

/* Control reaches the instruction at OFFSET with F. */
static bool flow_to(struct check *c, const struct host_insn *from, int64_t offset,
                    const struct flow *f)
{
    int i = number_of(c, offset);
    bool changed = false;
    if (i < 0 && from && offset == c->tb->code_end)
        return check_refuse(c, from, "runs off the end of the block");
    if (i < 0)
        return check_refuse(c, from, "goes to %+lld, where no instruction begins",
                            (long long)(offset - c->tb->code));
    if (!(c->seen[i] & SEEN_REACHED)) {
        c->flow[i] = *f;
        changed = true;
    } else if (!join_flow(&c->flow[i], f, &changed)) {
        return check_refuse(c, &c->insns[i], "is reached with different stacks or addresses");
    }
    c->seen[i] |= SEEN_REACHED;
    if (changed && !(c->seen[i] & SEEN_QUEUED)) {
        c->seen[i] |= SEEN_QUEUED;
        c->work[c->work_count++] = (uint16_t)i;
    }
    return true;
}

/* ---- leaving ---- */

static bool needs_eip(uint32_t kind)
{
    return kind == EXIT_LOOKUP || kind == EXIT_NEXT || kind == EXIT_STI || kind == EXIT_POPF ||
           kind == EXIT_HOOK;
}

/* The exit code in r11d, by what it makes the hub look at. */
static bool exit_code_fits(struct check *c, const struct host_insn *in, const struct flow *f)
{
    struct value v = f->scratch[3];
    uint32_t kind = v.bits >> 26, value = v.bits & ((1u << 26) - 1);
    uint32_t self = (uint32_t)(c->tb - c->t->tbs);
    if (v.kind != VALUE_CONST)
        return check_refuse(c, in, "leaves without an exit code");
    switch (kind) {
    case EXIT_CHAIN:
        if (value / TB_SLOTS != self || !c->tb->exits[value % TB_SLOTS].patch)
            return check_refuse(c, in, "leaves by exit %u of block %u, which is not its own",
                                value % TB_SLOTS, value / TB_SLOTS);
        return true;
    case EXIT_INSN:
    case EXIT_RAISE:
        if (value >= c->t->site_count || c->t->sites[value].tb != self)
            return check_refuse(c, in, "leaves for site %u, which is not its own", value);
        return true;
    case EXIT_HOOK:
        if (value != self)
            return check_refuse(c, in, "leaves for the hook of block %u", value);
        return true;
    case EXIT_NEXT:
    case EXIT_STI:
    case EXIT_POPF:
        return true;
    default:
        return check_refuse(c, in, "leaves with exit code %08x", v.bits);
    }
}

static bool leaves(struct check *c, const struct host_insn *in, const struct flow *f, bool eip)
{
    if (f->stack != STACK_GUEST || f->windowed)
        return check_refuse(c, in, "leaves with host addresses in the guest's registers");
    if (eip && !check_is_number(f->scratch[0]))
        return check_refuse(c, in, "leaves without the guest's EIP in r8");
    for (unsigned r = 0; r < 8; r++)
        if (f->far[r] > FAR_HANDED_ON)
            return check_refuse(c, in, "leaves with a register too far beyond 4 GiB");
    return true;
}

/* A linked exit: exactly the block that the slot names. */
static bool linked(const struct check *c, const struct host_insn *in, const struct flow *f,
                   int64_t target)
{
    for (unsigned s = 0; s < TB_SLOTS; s++) {
        const struct tb_exit *x = &c->tb->exits[s];
        if (!x->link || x->link >= c->t->tb_count || x->patch + 4 != in->at + in->len)
            continue;
        const struct tb *to = &c->t->tbs[x->link];
        return to->valid && (target == to->direct || (f->fpu && target == to->direct_live));
    }
    return false;
}

static bool jumps(struct check *c, const struct host_insn *in, const struct flow *f)
{
    int64_t target = (int64_t)in->at + in->len + (int32_t)in->imm;
    if (in_block(c, target))
        return flow_to(c, in, target, f);
    if (target == 0)
        return leaves(c, in, f, true);
    if (target == c->t->stub_leave)
        return exit_code_fits(c, in, f) && leaves(c, in, f, needs_eip(f->scratch[3].bits >> 26));
    if (target == c->t->stub_quick) /* a short cut of a site: what it reads of r8 is a selector's size */
        return f->scratch[3].bits >> 26 == EXIT_INSN && exit_code_fits(c, in, f) &&
               leaves(c, in, f, false);
    if (target == c->t->stub_fpu) {
        struct flow back = *f;
        back.fpu = true;
        if (f->scratch[2].kind != VALUE_SELF)
            return check_refuse(c, in, "loads the FPU without a way back in r10");
        return leaves(c, in, f, false) && flow_to(c, in, f->scratch[2].bits, &back);
    }
    if (target == c->t->stub_cpuid) {
        if (f->scratch[2].kind != VALUE_SELF || f->scratch[3].bits >> 26 != EXIT_INSN)
            return check_refuse(c, in, "asks for CPUID without a way back in r10");
        struct flow back = *f;
        for (unsigned i = 0; i < 4; i++)
            back.scratch[i] = (struct value){0};
        return exit_code_fits(c, in, f) && leaves(c, in, f, false) &&
               flow_to(c, in, f->scratch[2].bits, &back);
    }
    if (linked(c, in, f, target))
        return leaves(c, in, f, false);
    return check_refuse(c, in, "goes to cache offset %llx", (long long)target);
}

/* ---- flow ---- */

static bool visit(struct check *c, const struct host_insn *in, struct flow f)
{
    int64_t next = (int64_t)in->at + in->len;
    if (!check_step(c, in, &f))
        return false;
    switch ((enum host_class)in->class) {
    case HOST_JMP:
        return jumps(c, in, &f);
    case HOST_JCC:
        return jumps(c, in, &f) && flow_to(c, in, next, &f);
    case HOST_JRCXZ: {
        bool live = f.rcx_tests_fpu;
        f.rcx_tests_fpu = false;
        if (!jumps(c, in, &f))
            return false;
        f.fpu |= live;
        return flow_to(c, in, next, &f);
    }
    case HOST_JMP_REG:
        if (f.scratch[in->rm - R8].kind != VALUE_CODE)
            return check_refuse(c, in, "goes to what is no entry of the jump table");
        return leaves(c, in, &f, true);
    default:
        return flow_to(c, in, next, &f);
    }
}

static bool flow_all(struct check *c)
{
    const struct tb *tb = c->tb;
    const struct value unset = {VALUE_UNSET, 0};
    struct flow hub = {.scratch = {unset, unset, unset, unset}, .pushed = unset}, start = hub;
    for (unsigned r = 0; r < 8; r++)
        start.far[r] = r == RSP ? 0 : FAR_HANDED_ON;
    struct flow lookup = start, live = start;
    lookup.scratch[0] = (struct value){VALUE_CLEAN, 0xFFFFFFFF};
    live.fpu = true;
    if (!flow_to(c, NULL, tb->entry, &lookup) || !flow_to(c, NULL, tb->body, &start) ||
        !flow_to(c, NULL, tb->direct, &start))
        return false;
    if (tb->direct_live != tb->direct && !flow_to(c, NULL, tb->direct_live, &live))
        return false;
    for (uint32_t i = tb->first_site; i < tb->first_site + tb->site_count; i++)
        if (c->t->sites[i].resume && !flow_to(c, NULL, c->t->sites[i].resume, &hub))
            return false;
    while (c->work_count) {
        unsigned i = c->work[--c->work_count];
        c->seen[i] &= (uint8_t)~SEEN_QUEUED;
        if (++c->steps > c->count * MAX_STEPS_EACH)
            return check_refuse(c, &c->insns[i], "is part of flow that does not settle");
        if (!visit(c, &c->insns[i], c->flow[i]))
            return false;
    }
    return true;
}

/* ---- bookkeeping ---- */

/* Faults must map back to instructions of the block, in order. */
static bool map_fits(struct check *c)
{
    const struct tb *tb = c->tb;
    if (!tb->map_count || tb->map + tb->map_count > c->t->map_count)
        return check_refuse(c, NULL, "the fault map is missing");
    const struct fault_entry *f = &c->t->map[tb->map];
    for (uint32_t i = 0; i < tb->map_count; i++) {
        uint32_t at = tb->code + f[i].host;
        if (number_of(c, at) < 0 && at != tb->code_end)
            return check_refuse(c, NULL, "fault map entry %u is inside an instruction", i);
        if (i && (f[i].host < f[i - 1].host || f[i].guest < f[i - 1].guest))
            return check_refuse(c, NULL, "fault map entry %u is out of order", i);
        if (f[i].guest >= tb->size)
            return check_refuse(c, NULL, "fault map entry %u is of another block", i);
        if (f[i].fixup > FIX_DEC || (f[i].fixup >= FIX_ADD && f[i].sum.reg > EDI))
            return check_refuse(c, NULL, "fault map entry %u asks for what there is not", i);
    }
    return true;
}

/* Exits that may be patched later must be the operand of a jump, and lead to their stub. */
static bool exits_fit(struct check *c)
{
    for (unsigned s = 0; s < TB_SLOTS; s++) {
        const struct tb_exit *x = &c->tb->exits[s];
        bool found = !x->patch;
        for (unsigned i = 0; i < c->count && !found; i++) {
            const struct host_insn *in = &c->insns[i];
            found = (in->class == HOST_JMP || in->class == HOST_JCC) &&
                    in->at + in->len == x->patch + 4;
        }
        if (!found || (x->patch && number_of(c, x->stub) < 0))
            return check_refuse(c, NULL, "exit %u is no jump to a stub", s);
    }
    return true;
}

static bool check_all(struct check *c)
{
    const struct tb *tb = c->tb;
    uint32_t size = tb->code_end - tb->code;
    if (c->t->emit.overflow)
        return check_refuse(c, NULL, "it did not fit into the code cache");
    if (tb->code < c->t->cache_start || tb->code >= tb->code_end ||
        tb->code_end > c->t->cache_size || size > UINT16_MAX)
        return check_refuse(c, NULL, "it lies outside the code cache");
    c->insns = calloc(size, sizeof *c->insns);
    c->number_at = calloc(size, sizeof *c->number_at);
    c->flow = calloc(size, sizeof *c->flow);
    c->seen = calloc(size, sizeof *c->seen);
    c->work = calloc(size, sizeof *c->work);
    if (!c->insns || !c->number_at || !c->flow || !c->seen || !c->work)
        return check_refuse(c, NULL, "no memory to check it");
    return decode_all(c) && map_fits(c) && exits_fit(c) && flow_all(c);
}

bool check_block(struct translator *t, const struct tb *tb, char *why, unsigned n)
{
    struct check c = {.t = t, .tb = tb, .why = why, .n = n};
    bool ok = check_all(&c);
    free(c.insns);
    free(c.number_at);
    free(c.flow);
    free(c.seen);
    free(c.work);
    return ok;
}
