/* Signals on the vCPU's thread: host faults in guest code, and the kick.
 *
 * A handler runs on an alternate stack, because RSP is the guest's.  The translator is found
 * through the stack's first words, so that several machines can live in one process. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "cpu/segment.h"
#include "translator/frame.h"
#include "translator/hook_internal.h"

enum { ALT_STACK = 256 << 10 };
#define ALT_MAGIC 0x72696e6765722121ull

struct alt_header {
    uint64_t magic;
    struct translator *translator;
};

static int kick_signal(void)
{
    return SIGRTMIN + 2;
}

static struct translator *owner(const ucontext_t *uc)
{
    const struct alt_header *h = uc->uc_stack.ss_sp;
    if (!h || uc->uc_stack.ss_size != ALT_STACK || h->magic != ALT_MAGIC)
        return NULL;
    return h->translator;
}

static uint32_t cache_offset(const struct translator *t, greg_t rip)
{
    uint64_t off = (uint64_t)rip - (uintptr_t)t->rx;
    return off < t->cache_size ? (uint32_t)off : ~0u;
}

static const struct fault_entry *entry_at(const struct translator *t, const struct tb *tb,
                                          uint32_t offset)
{
    uint32_t low = tb->map, high = tb->map + tb->map_count;
    while (high - low > 1) {
        uint32_t mid = (low + high) / 2;
        if (tb->code + t->map[mid].host <= offset)
            low = mid;
        else
            high = mid;
    }
    return &t->map[low];
}

uint32_t fault_eip(const struct translator *t, const struct tb *tb, uint32_t offset)
{
    return tb->eip + entry_at(t, tb, offset)->guest;
}

/* ---- faults ---- */

static const int gpr_of[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                              REG_RSP, REG_RBP, REG_RSI, REG_RDI};

/* Guest registers out of the signal frame, as they are before the instruction of entry F. */
static void save_state(struct translator *t, ucontext_t *uc, const struct fault_entry *f)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct cpu *cpu = t->cpu;
    for (int i = 0; i < 8; i++)
        cpu->gpr[i] = (uint32_t)r[gpr_of[i]];
    cpu->flags_host = (uint32_t)r[REG_EFL] & FLAGS_HOST;
    if (f->fixup >= FIX_ADD)
        cpu->flags_host = wide_flags(f, cpu->gpr[f->sum.reg], cpu->flags_host);
    else
        cpu->gpr[ESP] += (uint32_t)f->esp;
    if (f->fixup == FIX_ESI_R9)
        cpu->gpr[ESI] = (uint32_t)r[REG_R9];
}

/* Return from the signal into the hub, with EXIT_FAULT. */
static void return_to_hub(struct translator *t, ucontext_t *uc)
{
    greg_t *r = uc->uc_mcontext.gregs;
    r[REG_RIP] = (greg_t)(uintptr_t)(t->rx + t->stub_fault);
    r[REG_RSP] = (greg_t)t->rt->host_rsp;
    r[REG_R11] = EXIT_CODE(EXIT_FAULT, 0);
    r[REG_EFL] &= ~(greg_t)FLAG_DF;
}

enum fault_verdict { VERDICT_RESUME, VERDICT_LEAVE, VERDICT_CRASH };

/* Is the access of a supervisor's instruction at PHYS better made by hand? */
static bool by_hand_pays(struct translator *t, uint32_t phys, uint32_t lin)
{
    return mmu_churns(t->mmu, lin) && !policy_maps(t, phys);
}

/* Should it be made by the user's window, rather than have its page mapped in the supervisor's too?
 */
static bool reach_pays(struct translator *t, uint32_t phys, uint32_t lin)
{
    return mmu_reach_user(t->mmu, lin, false) && policy_reaches(t, phys) &&
           mmu_reach_learn(t->mmu, lin);
}

/* OTHER: W is not the present one, but the user's. */
static enum mmu_fill_result fill_window(struct translator *t, struct window *w, bool other,
                                        uint32_t lin, enum mmu_access access)
{
    struct mmu_fault *fault = &t->rt->fault;
    if (!other)
        return mmu_fill(t->mmu, w, lin, access, fault);
    fault->error_code = 0;
    enum mmu_fill_result fill = mmu_reach_fill(t->mmu, w, lin, access, fault);
    t->rt->fault_reach = fill == FILL_BY_HAND && fault->error_code ? REACH_RIGHTS
                         : fill == FILL_FAULT                      ? REACH_OTHER
                                                                   : REACH_NONE;
    return fill;
}

/* C carries the instruction out, for no particular reason yet. */
static void by_hand(struct translator *t, enum fault_kind *kind)
{
    *kind = HOST_FAULT_BY_HAND;
    t->rt->fault_guard = t->rt->fault_churn = 0;
    t->rt->fault_reach = REACH_NONE;
}

static enum fault_verdict page_fault(struct translator *t, const struct tb *tb, greg_t *r,
                                     enum fault_kind *kind)
{
    const void *addr = (const void *)r[REG_CR2];
    enum mmu_access access = r[REG_ERR] & 2 ? MMU_WRITE : MMU_READ;
    int64_t lin;
    by_hand(t, kind);
    if (cpu_limit_area_contains(t->cpu, addr))
        return VERDICT_LEAVE;
    struct window *w = mmu_window_at(t->mmu, addr, &lin);
    bool inner = tb && t->cpu->cpl < 3,
         other = inner && w != t->window && mmu_reach_other(t->mmu, w);
    if (!w || (w != t->window && !other))
        return VERDICT_CRASH;
    if (lin < 0 || lin >= (int64_t)1 << 32) {
        t->rt->fault_guard = 1;
        return VERDICT_LEAVE;
    }
    if (inner) {
        uint32_t offset = cache_offset(t, r[REG_RIP]);
        t->rt->fault_phys = tb->phys + (fault_eip(t, tb, offset) - tb->eip);
    }
    if (inner && !other && by_hand_pays(t, t->rt->fault_phys, (uint32_t)lin)) {
        t->rt->fault_churn = 1;
        return VERDICT_LEAVE;
    }
    if (inner && !other && reach_pays(t, t->rt->fault_phys, (uint32_t)lin)) {
        t->rt->fault_reach = REACH_WANTED;
        return VERDICT_LEAVE;
    }
    enum mmu_fill_result fill = fill_window(t, w, other, (uint32_t)lin, access);
    hook_trace_fault(t, (uint32_t)lin, fill, access == MMU_WRITE);
    switch (fill) {
    case FILL_MAPPED:
        t->stats.fills++;
        return VERDICT_RESUME;
    case FILL_FAULT:
        *kind = HOST_FAULT_GUEST_PF;
        break;
    case FILL_BY_HAND:
        break;
    }
    return VERDICT_LEAVE;
}

/* Where a window lies at address 0, its lower guard is the host kernel's half of the address space.
 * With linear address-space separation (LASS) an access to that is no page fault, but #GP or #SS. */
static bool may_be_guard(const struct translator *t, uint32_t vector)
{
    return !t->rt->window && (vector == EXC_SS || vector == EXC_GP);
}

static enum fault_verdict classify(struct translator *t, const struct tb *tb, greg_t *r,
                                   enum fault_kind *kind)
{
    if (may_be_guard(t, (uint32_t)r[REG_TRAPNO])) {
        by_hand(t, kind);
        t->rt->fault_guard = 1;
        return VERDICT_LEAVE;
    }
    *kind = HOST_FAULT_EXCEPTION;
    switch (r[REG_TRAPNO]) {
    case 14:
        return page_fault(t, tb, r, kind);
    case 0:
    case 6:
    case 13:
    case 16:
    case 19:
        t->rt->fault_vector = (uint32_t)r[REG_TRAPNO];
        return VERDICT_LEAVE;
    default:
        return VERDICT_CRASH;
    }
}

/* Not guest code: let it crash as it would without us. */
static void crash(int sig)
{
    signal(sig, SIG_DFL);
}

/* ---- stopping a block ---- */

/* Between loading a jump table entry and jumping to it: lea TARGET, [ENTRY + r14]; jmp TARGET. */
static bool at_jump_of(const struct translator *t, uint32_t off, struct table_jump j)
{
    enum { TAIL = TABLE_JUMP - TABLE_JUMP_LOAD, LEA = 4 };
    uint8_t code[TABLE_JUMP], *tail = code + TABLE_JUMP_LOAD;
    table_jump_code(j, code);
    if (off + TAIL > t->cache_size)
        return false;
    return !memcmp(t->rw + off, tail, TAIL) ||
           (off >= LEA && !memcmp(t->rw + off - LEA, tail, TAIL));
}

static bool at_table_jump(const struct translator *t, uint32_t off)
{
    for (unsigned kind = 0; kind < JUMP_COUNTS; kind++)
        if (at_jump_of(t, off, table_jump((enum jump_count)kind)))
            return true;
    return false;
}

/* Unlink the block that guest code is in at cache offset OFF, so that it comes out at its end; at
 * once when *RIP is just before a jump by *TABLE. */
static void stop_block(struct translator *t, uint32_t off, greg_t *rip, greg_t *table)
{
    struct tb *tb = off == ~0u ? NULL : cache_at(t, off);
    if (!tb)
        return;
    for (unsigned s = 0; s < TB_SLOTS; s++)
        cache_unlink(t, tb, s);
    straight_stop(t, tb);
    *table = (greg_t)(uintptr_t)t->zero_table;
    if (at_table_jump(t, off))
        *rip = (greg_t)(uintptr_t)t->rx;
}

/* The same of the block that frame_resume goes back to. */
static void stop_resumed(struct translator *t)
{
    struct runtime *rt = t->rt;
    stop_block(t, cache_offset(t, rt->resume_rip), &rt->resume_rip, &rt->resume_table);
}

/* What is left to be done for a signal: return from it, or one of frame.h's ways. */
enum fault_end { END_RETURN, END_LEAVE, END_RESUME };

static enum fault_end handle(struct translator *t, int sig, ucontext_t *uc)
{
    greg_t *r = uc->uc_mcontext.gregs;
    uint32_t off = t ? cache_offset(t, r[REG_RIP]) : ~0u;
    enum fault_kind kind;
    if (off == ~0u) {
        crash(sig);
        return END_RETURN;
    }
    t->stats.signals++;
    bool step = off >= t->stub_step && off < t->step_end;
    struct tb *tb = step ? NULL : cache_at(t, off);
    enum fault_verdict v = !step && !tb ? VERDICT_CRASH : classify(t, tb, r, &kind);
    if (v == VERDICT_CRASH) {
        crash(sig);
        return END_RETURN;
    }
    if (v == VERDICT_RESUME) {
        if (t->direct)
            frame_prepare(t, uc);
        return t->direct ? END_RESUME : END_RETURN;
    }
    const struct fault_entry *f = step ? &(struct fault_entry){0} : entry_at(t, tb, off);
    save_state(t, uc, f);
    if (!step)
        t->cpu->eip = tb->eip + f->guest;
    t->rt->fault_kind = kind;
    if (!t->direct) {
        return_to_hub(t, uc);
        return END_RETURN;
    }
    frame_park(t, uc);
    return END_LEAVE;
}

/* When its frame is given up, all that it called has returned: sanitizers need know of no other. */
__attribute__((no_sanitize("address", "undefined"))) static void on_fault(int sig, siginfo_t *info,
                                                                          void *context)
{
    (void)info;
    int saved_errno = errno;
    struct translator *t = owner(context);
    enum fault_end end = handle(t, sig, context);
    errno = saved_errno;
    if (end == END_LEAVE)
        frame_leave(t);
    if (end == END_RESUME) {
        frame_resume(t, context, false);
        stop_resumed(t);
        frame_resume(t, context, true);
    }
}

/* ---- kicks ---- */

/* In on_fault RIP is in C: where that leads to, the hub or the stub, looks at rt->kick. */
static void on_kick(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    struct translator *t = owner(uc);
    if (!t)
        return;
    t->rt->kick = 1;
    t->stats.kicks++;
    uint32_t off = cache_offset(t, r[REG_RIP]);
    if (off == ~0u)
        return;
    if (off >= t->stub_enter && off < t->stub_enter_end) {
        r[REG_RIP] = (greg_t)(uintptr_t)(t->rx + t->stub_abort);
        return;
    }
    if (off >= t->stub_resume && off < t->stub_resume_kicked) {
        r[REG_RIP] = (greg_t)(uintptr_t)(t->rx + t->stub_resume);
        return;
    }
    if (off >= t->stub_resume_kicked && off < t->stub_resume_end) {
        stop_resumed(t);
        r[REG_R12] = t->rt->resume_table;
        return;
    }
    if ((off >= t->stub_fpu && off < t->stub_fpu_end) ||
        (off >= t->stub_cpuid && off < t->stub_cpuid_end))
        off = cache_offset(t, r[REG_R10]);
    stop_block(t, off, &r[REG_RIP], &r[REG_R12]);
}

void translator_kick(struct translator *t)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&t->in_guest))
        pthread_kill(t->thread, kick_signal());
}

/* ---- set-up ---- */

/* DIRECT: HANDLER may be left without the kernel, so its signal blocks none. */
static bool install(int sig, void (*handler)(int, siginfo_t *, void *), bool direct)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (direct) {
        sa.sa_flags |= SA_NODEFER;
        sigemptyset(&sa.sa_mask);
        return sigaction(sig, &sa, NULL) == 0;
    }
    sigfillset(&sa.sa_mask);
    sigdelset(&sa.sa_mask, SIGSEGV); /* a fault in a handler must not hang */
    sigdelset(&sa.sa_mask, SIGBUS);
    return sigaction(sig, &sa, NULL) == 0;
}

bool fault_attach(struct translator *t, struct error *err)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    t->alt_stack = mmap(NULL, ALT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t->alt_stack == MAP_FAILED) {
        t->alt_stack = NULL;
        return error_set(err, "no memory for a signal stack");
    }
    *(struct alt_header *)t->alt_stack = (struct alt_header){ALT_MAGIC, t};
    stack_t ss = {.ss_sp = t->alt_stack, .ss_size = ALT_STACK};
    bool ok = sigaltstack(&ss, NULL) == 0;
    t->direct = frame_attach(t);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        ok &= install(faults[i], on_fault, t->direct);
    ok &= install(kick_signal(), on_kick, false);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, kick_signal());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    t->thread = pthread_self();
    t->attached = ok;
    return ok || error_set(err, "the host refuses signal handlers: %s", strerror(errno));
}

void fault_detach(struct translator *t)
{
    if (!t->alt_stack)
        return;
    if (t->attached && pthread_equal(pthread_self(), t->thread)) {
        stack_t ss = {.ss_flags = SS_DISABLE};
        sigaltstack(&ss, NULL);
    }
    munmap(t->alt_stack, ALT_STACK);
    t->alt_stack = NULL;
}
