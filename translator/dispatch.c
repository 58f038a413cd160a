/* The hub: deliver what is pending, look up, build, enter, and see why guest code came back. */
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu/debug.h"
#include "cpu/fpu_state.h"
#include "translator/hook_internal.h"
#include "translator/pointers.h"
#include "translator/verify.h"

enum { EVENTS_OF_MACHINE = EVENT_KICK | EVENT_RESET };
#define NO_WINDOW (~0ull << 32) /* aligned as windows are */

/* gs: reaches the window; C code does not use it. */
static void set_gs_base(const struct translator *t, uint64_t base)
{
    enum { ARCH_SET_GS_CODE = 0x1001 };
    if (t->fsgsbase)
        __asm__ volatile("wrgsbase %0" : : "r"(base));
    else
        syscall(SYS_arch_prctl, ARCH_SET_GS_CODE, base);
}

/* With LOG_EXEC every block is entered from the hub, so that every one is seen. */
static void log_entry(struct translator *t, const struct tb *tb)
{
    const struct cpu *c = t->cpu;
    char name[120];
    log_write(t->log, LOG_EXEC,
              "X %04x:%08x eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x "
              "fl %08x ss %04x ds %04x es %04x%s%s",
              c->seg[SEG_CS].selector, tb->eip, c->gpr[EAX], c->gpr[ECX], c->gpr[EDX], c->gpr[EBX],
              c->gpr[ESP], c->gpr[EBP], c->gpr[ESI], c->gpr[EDI], cpu_eflags(c),
              c->seg[SEG_SS].selector, c->seg[SEG_DS].selector, c->seg[SEG_ES].selector,
              tb->mode & MODE_ONE ? " one" : "",
              log_symbol(t->log, tb->cs_base + tb->eip, name, sizeof name));
}

static void remember(struct translator *t, const struct tb *tb)
{
    if (log_on(t->log, LOG_EXEC))
        log_entry(t, tb);
    t->recent[t->recent_pos++ % RECENT] = (uint32_t)(tb - t->tbs);
}

/* ---- events ---- */

/* Deliver one interrupt or trap that waits; true when something was delivered. SDM vol. 3A
 * table 6-2 gives the order. */
static bool deliver_event(struct translator *t, uint32_t events)
{
    struct cpu *cpu = t->cpu;
    if (cpu->shadow || t->hooks.over) /* a breakpoint on the operand of MOV SS waits too: SDM vol. 3A 6.8.3 */
        return false;
    if (events & EVENT_DEBUG) {
        atomic_fetch_and((_Atomic uint32_t *)&cpu->event, ~(uint32_t)EVENT_DEBUG);
        cpu_debug_trap(cpu);
        return true;
    }
    if ((events & EVENT_NMI) && !cpu->nmi_blocked) {
        atomic_fetch_and((_Atomic uint32_t *)&cpu->event, ~(uint32_t)EVENT_NMI);
        cpu_deliver_nmi(cpu);
        t->stats.interrupts++;
        return true;
    }
    if ((events & EVENT_INTR) && cpu->iflag) {
        int vector = cpu->wires.intack(cpu->wires.opaque);
        if (vector >= 0 && !hook_vector(t, (unsigned)vector)) {
            cpu_deliver_interrupt(cpu, (uint8_t)vector);
            t->stats.interrupts++;
            return true;
        }
    }
    return false;
}

/* ---- exits ---- */

/* A waiting x87 instruction met an unmasked exception.  With IGNNE# asserted it must go on: the
 * exception is taken out of the status word, as the handler that wrote port F0h is about to do. */
static void x87_error(struct translator *t)
{
    enum { FSW_OFFSET = 2, FSW_KEPT = 0x7F00 };
    uint16_t fsw;
    if (cpu_fpu_error(t->cpu) != CPU_NEXT)
        return;
    memcpy(&fsw, t->cpu->fpu + FSW_OFFSET, sizeof fsw);
    fsw &= FSW_KEPT;
    memcpy(t->cpu->fpu + FSW_OFFSET, &fsw, sizeof fsw);
}

void hub_host_exception(struct translator *t)
{
    uint32_t vector = t->rt->fault_vector;
    if (vector == EXC_MF)
        x87_error(t);
    else if (vector == EXC_XM && !(t->cpu->cr4 & CR4_OSXMMEXCPT)) /* SDM vol. 3A 13.1.3 */
        cpu_raise(t->cpu, EXC_UD, 0);
    else
        cpu_raise(t->cpu, (enum exception)vector, 0);
}

/* A division raised #DE: by hand that costs no signal. */
static void note_divide_error(struct translator *t)
{
    struct insn in;
    uint32_t phys, cr2 = t->cpu->cr2;
    if (!step_fetch(t, &in, &phys)) { /* the host has fetched it */
        t->cpu->exc.valid = 0;
        t->cpu->cr2 = cr2;
        return;
    }
    if (policy_hit(t, phys, SITE_SLOW))
        cache_invalidate_at(t, phys, RETRANSLATED_DIVIDE);
}

static void after_fault(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    struct runtime *rt = t->rt;
    struct insn in;
    uint32_t phys;
    switch (rt->fault_kind) {
    case HOST_FAULT_GUEST_PF:
        t->stats.page_faults++;
        t->faulted.valid = true;
        t->faulted.user = cpu->cpl == 3;
        t->faulted.other = rt->fault_reach == REACH_OTHER;
        t->faulted.phys = rt->fault_phys;
        t->faulted.eip = cpu->eip;
        t->faulted.lin = rt->fault.address;
        t->faulted.access = rt->fault.error_code & 2 ? MMU_WRITE : MMU_READ;
        cpu_raise_pf(cpu, &rt->fault);
        return;
    case HOST_FAULT_EXCEPTION:
        if (rt->fault_vector == EXC_MF)
            pointers_settle(t);
        if (rt->fault_vector == EXC_DE)
            note_divide_error(t);
        hub_host_exception(t);
        return;
    default:
        break;
    }
    if (!step_fetch(t, &in, &phys))
        return;
    if (rt->fault_reach != REACH_NONE) {
        if (rt->fault_reach == REACH_WANTED && policy_hit_reach(t, phys))
            cache_invalidate_at(t, phys, RETRANSLATED_REACH);
        step_by_hand(t, &in);
        return;
    }
    if (rt->fault_churn ? policy_hit_churn(t, phys)
                        : policy_hit(t, phys, rt->fault_guard ? SITE_GS : SITE_SLOW))
        cache_invalidate_at(t, phys,
                            rt->fault_churn   ? RETRANSLATED_CHURN
                            : rt->fault_guard ? RETRANSLATED_WRAP
                                              : RETRANSLATED_BY_HAND);
    step_by_hand(t, &in);
}

/* FNSTENV, FNSAVE, FXSAVE and what loads them. */
static bool shows_pointers(const struct insn *in)
{
    return in->map == MAP_1B ? in->opcode == 0xD9 || in->opcode == 0xDD
                             : in->map == MAP_0F && in->opcode == 0xAE;
}

/* A slow site came by PLAIN_RUN times: is it still better by hand?  Not where it meets plain memory
 * only, nor where it makes so many accesses between the INVLPGs of a page that churns that a signal
 * and two mappings cost less.  A kernel's loops over page tables are long at times and short at
 * others: the mean of many uses decides. */
static void review_site(struct translator *t, struct site *s)
{
    enum { USES = 16, PER_USE = 4 * PLAIN_RUN };
    uint32_t lin = step_operand(t, &s->in);
    uint32_t phys = t->tbs[s->tb].phys + (s->eip - t->tbs[s->tb].eip);
    if (!s->tb || !step_operand_plain(t, lin)) {
        s->plain = 0;
    } else if (!mmu_churns(t->mmu, lin)) {
        policy_relax(t, phys, s->plain);
    } else if (s->uses >= USES || s->plain >= USES * PER_USE) {
        if (s->uses <= 1)
            mmu_steady(t->mmu, lin);
        if (s->uses * PER_USE <= s->plain)
            policy_map(t, phys);
        s->plain = 0;
        s->uses = 1; /* the present one goes on */
    }
}

static void after_insn(struct translator *t, uint32_t index)
{
    struct site *s = &t->sites[index];
    t->cpu->eip = s->eip;
    count_call(t, &s->in, s->slow);
    if (!s->slow) {
        t->stats.sensitive++;
        enum quick_kind quick = (enum quick_kind)s->quick;
        uint8_t seg = s->quick_seg;
        if (shows_pointers(&s->in))
            pointers_settle(t);
        if (quick == QUICK_CPUID)
            quick_learn_leaf(t);
        if (!hook_insn(t, &s->in))
            cpu_emulate(t->cpu, &s->in);
        if (quick)
            quick_learn(t, quick, seg);
        return;
    }
    uint32_t epoch = (uint32_t)mmu_stats(t->mmu)->invlpgs;
    s->uses += s->epoch != epoch;
    s->epoch = epoch;
    struct insn in = s->in; /* the site may go with its block */
    if (++s->plain % PLAIN_RUN == 0)
        review_site(t, s);
    if (step_by_hand(t, &in) == CPU_EXCEPTION)
        t->sites[index].plain = 0; /* a division that goes on to fail, say */
}

/* What an exit left to be done before the next block: link the jump it came from. */
struct pending_link {
    uint32_t from, slot, generation;
    bool valid;
};

/* Returns true when the next block must be looked up by key: the jump table missed. */
static bool after_exit(struct translator *t, uint32_t code, struct pending_link *link)
{
    struct cpu *cpu = t->cpu;
    uint32_t value = code & ((1u << 26) - 1);
    link->valid = false;
    t->counts.exits[code >> 26]++;
    switch ((enum exit_kind)(code >> 26)) {
    case EXIT_LOOKUP:
        cpu->eip = t->rt->exit_eip;
        if (!t->rt->kick && table_missed(t->rt) < JUMP_COUNTS) /* a kick empties the table */
            t->counts.missed[table_missed(t->rt)]++;
        return true;
    case EXIT_CHAIN:
        *link = (struct pending_link){value / TB_SLOTS, value % TB_SLOTS, t->generation, true};
        cpu->eip = exit_target(&t->tbs[link->from], link->slot);
        return true;
    case EXIT_INSN:
        after_insn(t, value);
        return false;
    case EXIT_NEXT:
    case EXIT_POPF:
        cpu->eip = t->rt->exit_eip;
        return false;
    case EXIT_STI:
        cpu->eip = t->rt->exit_eip;
        cpu->shadow = SHADOW_STI;
        return false;
    case EXIT_RAISE:
        cpu->eip = t->sites[value].eip;
        cpu_raise(cpu, (enum exception)t->sites[value].raise, 0);
        return false;
    case EXIT_FAULT:
        after_fault(t);
        return false;
    case EXIT_HOOK:
        cpu->eip = t->rt->exit_eip;
        hook_call(t, &t->tbs[value]);
        return false;
    case EXIT_KICKED:
    case EXIT_STEPPED:
        return false;
    }
    return false;
}

/* ---- entering ---- */

/* Back at the instruction that faulted: map its page now.  It is the access that is about to be
 * made, so setting A and D is not ahead of time. */
static void refill(struct translator *t)
{
    if (!t->faulted.valid || t->cpu->eip != t->faulted.eip || (t->cpu->cpl == 3) != t->faulted.user)
        return;
    t->faulted.valid = false;
    bool user = t->faulted.user || t->faulted.other;
    if (!user && policy_reaches(t, t->faulted.phys) &&
        mmu_reach_user(t->mmu, t->faulted.lin, true) && mmu_reach_learn(t->mmu, t->faulted.lin) &&
        policy_hit_reach(t, t->faulted.phys)) {
        cache_invalidate_at(t, t->faulted.phys, RETRANSLATED_REACH);
        user = true;
    }
    if (mmu_refill(t->mmu, user, t->faulted.lin, t->faulted.access) == FILL_MAPPED)
        t->stats.refills++;
}

/* The exit SLOT of FROM came out at TO: next time it goes there by itself. */
static void link_exit(struct translator *t, struct tb *from, unsigned slot, struct tb *to)
{
    const struct tb_exit *x = &from->exits[slot];
    if (from->mode != to->mode || from->cs_base != to->cs_base ||
        exit_target(from, slot) != to->eip)
        return;
    bool near = from->phys >> PAGE_SHIFT == to->phys >> PAGE_SHIFT && !x->table;
    bool global = x->table && t->shared && mmu_is_global(t->mmu, from->cs_base + from->eip) &&
                  mmu_is_global(t->mmu, to->cs_base + to->eip);
    if (near || global)
        cache_link(t, from, slot, to);
    else
        cache_detour(t, from, slot);
}

/* Host code for cpu->eip; NULL: an exception was raised. */
static const uint8_t *find_code(struct translator *t, bool missed, struct pending_link *link)
{
    uint32_t *entry = t->current ? &t->current->entry[t->cpu->eip] : NULL;
    if (!missed && entry && *entry)
        return t->rx + *entry;
    struct tb *tb = build_lookup(t);
    if (!tb)
        return NULL;
    remember(t, tb);
    if (log_on(t->log, LOG_EXEC))
        return t->rx + tb->body;
    table_enter(t, tb);
    if (link->valid && link->generation == t->generation)
        link_exit(t, &t->tbs[link->from], link->slot, tb);
    return t->rx + tb->body;
}

/* The one-byte opcode that an exit is to carry out, 0 when it is none. */
static uint8_t exit_opcode(const struct translator *t, uint32_t code)
{
    if (code >> 26 != EXIT_INSN)
        return 0;
    const struct insn *in = &t->sites[code & ((1u << 26) - 1)].in;
    return in->map == MAP_1B ? in->opcode : 0;
}

/* Does the single-step trap come after the instruction with OPCODE?  INT n, INT3, INT1 and INTO
 * that is taken clear TF by what they are.  The shadow of MOV SS holds the trap off, that of STI
 * does not (SDM vol. 3A 6.8.3). */
static bool step_traps(const struct cpu *cpu, uint8_t opcode, bool overflow)
{
    enum { OP_INT3 = 0xCC, OP_INT = 0xCD, OP_INTO = 0xCE, OP_INT1 = 0xF1, OP_STI = 0xFB };
    if (opcode == OP_INT3 || opcode == OP_INT || opcode == OP_INT1)
        return false;
    if (opcode == OP_INTO && overflow)
        return false;
    return !cpu->exc.valid && (!cpu->shadow || opcode == OP_STI);
}

/* Execute exactly one instruction: after STI and MOV SS, with TF, with breakpoints armed. */
static void run_one(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    struct pending_link link = {0};
    uint32_t mode = t->mode, flags_sys = cpu->flags_sys;
    uint8_t shadow = cpu->shadow;
    bool armed = cpu_debug_armed(cpu);
    if (armed && shadow != SHADOW_SS && cpu_debug_exec(cpu, cpu->seg[SEG_CS].base + cpu->eip))
        return;
    cpu->flags_sys &= ~(uint32_t)FLAG_RF;
    t->mode |= MODE_ONE | (armed ? MODE_WATCH : 0);
    struct tb *tb = build_lookup(t);
    t->mode = mode;
    if (tb && hook_call(t, tb)) {
        cpu->flags_sys = flags_sys;
        return;
    }
    bool over = t->hooks.over;
    cpu->shadow = 0;
    t->hooks.over = false;
    if (!tb)
        return;
    remember(t, tb);
    uint32_t code = hook_enter(t, t->rx + tb->body, cpu->eip);
    if (code == EXIT_CODE(EXIT_KICKED, 0)) { /* not executed: all is as it was */
        cpu->shadow = shadow;
        cpu->flags_sys = flags_sys;
        t->hooks.over = over;
        return;
    }
    uint8_t opcode = exit_opcode(t, code);
    bool overflow = cpu->flags_host & FLAG_OF;
    after_exit(t, code, &link);
    if ((flags_sys & FLAG_TF) && step_traps(cpu, opcode, overflow))
        cpu_single_step_trap(cpu);
}

static bool needs_one(const struct cpu *cpu)
{
    return cpu->shadow || (cpu->flags_sys & FLAG_TF) || cpu_debug_armed(cpu);
}

/* Follow changes of mode and address space. */
static void select_context(struct translator *t)
{
    uint64_t window = t->rt->window;
    if (t->lower.begins)
        lower_begin(t);
    if (!t->cpu->mode_changed && t->window && t->window == mmu_window(t->mmu, t->cpu->cpl == 3))
        return;
    table_select(t);
    if (t->rt->window != window)
        set_gs_base(t, t->rt->window);
}

/* Nothing to be done before guest code goes on as it was. */
static bool quiet(const struct translator *t)
{
    const struct cpu *cpu = t->cpu;
    return !atomic_load((_Atomic uint32_t *)&cpu->event) && !cpu->exc.valid && !cpu->mode_changed &&
           !cpu->shadow && !cpu->halted && !cpu->shutdown && !(cpu->flags_sys & FLAG_TF) &&
           t->window == mmu_window(t->mmu, cpu->cpl == 3);
}

/* ---- lock-step ---- */

/* Enter a block at CODE without its ways on: every exit comes out here. */
static uint32_t enter_alone(struct translator *t, uint32_t code)
{
    uint64_t table = t->rt->table;
    t->rt->table = (uintptr_t)t->zero_table;
    uint32_t exit = t->enter(t->cpu, t->rx + code, t->cpu->eip);
    t->rt->table = table;
    return exit;
}

/* The block that goes on at cpu->eip, or begins there, if it is its turn: *CODE and v->first tell
 * where.  NULL: it is not, or an exception was raised. */
static struct tb *next_verified(struct translator *t, bool missed, uint32_t *code)
{
    struct verify *v = t->verify;
    const uint32_t eip = t->cpu->eip;
    uint32_t going_on = v->resume.tb;
    v->resume.tb = TB_NONE;
    v->first = 0;
    if (going_on && v->resume.generation == t->generation && v->resume.eip == eip) {
        struct tb *tb = &t->tbs[going_on];
        *code = v->resume.code;
        v->first = v->resume.first;
        if (tb->valid && tb->mode == t->mode)
            return tb;
        v->first = 0;
    }
    if (!missed && t->current && t->current->entry[eip])
        return NULL; /* compared often enough */
    struct tb *tb = build_lookup(t);
    if (!tb || !tb->insns || !verify_due(t, tb))
        return NULL;
    *code = tb->body;
    return tb;
}

/* Lock-step's enter(): what the exit EXIT of TB, which is compared, asks for.  As after_exit. */
static bool after_verified(struct translator *t, struct tb *tb, uint32_t exit)
{
    struct verify *v = t->verify;
    struct pending_link link;
    const struct cpu *cpu = t->cpu;
    if (exit >> 26 != EXIT_INSN)
        return after_exit(t, exit, &link);
    uint32_t site = exit & ((1u << 26) - 1), generation = t->generation;
    uint32_t next = t->sites[site].eip + t->sites[site].in.len;
    v->resume.code = t->sites[site].resume;
    v->resume.eip = next;
    v->resume.generation = generation;
    v->resume.first = v->first + v->left_at + 1;
    if (!verify_quick(t, site))
        after_exit(t, exit, &link);
    if (v->end != VERIFY_OPEN && v->resume.code && cpu->eip == next && quiet(t) &&
        t->generation == generation && tb->valid)
        v->resume.tb = (uint32_t)(tb - t->tbs);
    return false;
}

/* Run the block at cpu->eip both ways, if it is its turn; false: it is not, and nothing was
 * done. */
static bool run_verified(struct translator *t, bool *missed)
{
    struct cpu *cpu = t->cpu;
    uint32_t code = 0, generation;
    struct tb *tb = next_verified(t, *missed, &code);
    if (!tb && !cpu->exc.valid)
        return false;
    *missed = false;
    if (!tb)
        return true;
    generation = t->generation;
    verify_rehearse(t, tb->insns - t->verify->first, tb->uses_fpu);
    if (t->generation != generation) { /* the rehearsal's own blocks took all the room */
        verify_settle(t);
        return true;
    }
    t->rt->kick = 0; /* one block only: the hub looks at cpu->event soon enough */
    remember(t, tb);
    uint32_t exit = enter_alone(t, code);
    verify_settle(t);
    if (exit == EXIT_CODE(EXIT_KICKED, 0))
        return true;
    tb->verified += !t->verify->first;
    t->stats.enters++;
    t->diverged = !verify_compare(t, tb, exit);
    if (t->diverged)
        return true;
    *missed = after_verified(t, tb, exit);
    t->diverged |= !verify_compare_exception(t, tb, exit);
    return true;
}

/* Enter CODE at cpu->eip.  Instructions that C carries out in the middle of a block are dealt with
 * here: the block goes on behind them.  The exit that is left to be seen to. */
static uint32_t enter(struct translator *t, const uint8_t *code)
{
    struct cpu *cpu = t->cpu;
    t->stats.enters++;
    uint32_t exit = hook_enter(t, code, cpu->eip);
    while (exit >> 26 == EXIT_INSN) {
        uint32_t site = exit & ((1u << 26) - 1), generation = t->generation;
        uint32_t resume = t->sites[site].resume, tb = t->sites[site].tb;
        uint32_t next = t->sites[site].eip + t->sites[site].in.len;
        if (!resume)
            break;
        after_insn(t, site);
        if (cpu->eip != next || !quiet(t) || t->generation != generation || !t->tbs[tb].valid)
            return EXIT_CODE(EXIT_STEPPED, 0);
        t->stats.resumed++;
        t->counts.exits[EXIT_INSN]++;
        exit = hook_enter(t, t->rx + resume, next);
    }
    return exit;
}

/* PUSHF in a block counts on a host's RFLAGS that have no bits but the arithmetic ones and IF, and
 * entering one loads the former alone. */
static void clear_host_flags(void)
{
    const uint64_t plain = 0x202;
    __builtin_ia32_writeeflags_u64(plain);
}

enum run_exit translator_run(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    struct pending_link link = {0};
    enum run_exit result;
    bool missed = false;
    t->window = NULL;
    t->rt->window = NO_WINDOW; /* gs is to be loaded */
    quick_start(t);
    clear_host_flags();
    atomic_store(&t->in_guest, true);
    for (;;) {
        if (t->rt->kick) {
            straight_after_kick(t);
            lower_after_kick(t);
        }
        t->rt->kick = 0;
        uint32_t events = atomic_load((_Atomic uint32_t *)&cpu->event);
        if (cpu->shutdown) {
            result = RUN_SHUTDOWN;
            break;
        }
        if (cpu->exc.valid) {
            t->stats.exceptions++;
            t->counts.exceptions[cpu->exc.vector % COUNT_VECTORS]++;
            if (hook_vector(t, cpu->exc.vector))
                cpu->exc.valid = 0;
            else
                cpu_deliver_exception(cpu);
            missed = false;
            continue;
        }
        if (events & EVENTS_OF_MACHINE) {
            result = RUN_EVENT;
            break;
        }
        if (events && deliver_event(t, events)) {
            missed = false;
            continue;
        }
        if (cpu->halted) {
            result = RUN_HALT;
            break;
        }
        bool one = needs_one(cpu) || t->hooks.over;
        if (!one)
            refill(t);
        select_context(t);
        if (one) {
            run_one(t);
            if (t->verify)
                t->verify->resume.tb = TB_NONE;
            missed = false;
            continue;
        }
        cpu->flags_sys &= ~(uint32_t)FLAG_RF; /* matters to breakpoints alone: see run_one */
        if (t->verify && run_verified(t, &missed)) {
            link.valid = false;
            if (!t->diverged)
                continue;
            result = RUN_DIVERGED;
            break;
        }
        const uint8_t *code = find_code(t, missed, &link);
        missed = false;
        if (!code)
            continue;
        missed = after_exit(t, enter(t, code), &link);
    }
    atomic_store(&t->in_guest, false);
    return result;
}
