/* A case is entered and left by signals: an invalid opcode in host_run takes us into the handler,
 * which exchanges the interrupted context for the case's; the exception that ends the case brings
 * us back there, and the contexts are exchanged again.  The handler finds its host at the foot of
 * the alternate stack.
 *
 * Code of the handler must do with unusual states of the CPU: FS is the case's (no thread-local
 * variables until it is restored), and so is EFLAGS.AC. */
#define _GNU_SOURCE
#include "oracle/host.h"

#include <asm/ldt.h>
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define UC_SS_FLAGS 6ul /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
enum { STACK_BYTES = 128 << 10, FX_KEPT = 288, XSTATE_BV = 512, XSTATE_LEGACY = 3,
       XSTATE_AVX = 4, XSTATE_YMM = 576 };
enum { EFLAGS_AC = 1 << 18, EFLAGS_NT = 1 << 14 };
enum { HWCAP2_FSGSBASE_BIT = 2 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
enum { SIGNALS = sizeof signals / sizeof *signals };

struct host {
    uint8_t *arena, *alias, *stack;
    int fd;
    const struct oracle_case *run; /* the case that runs, NULL while the caller does */
    bool entered;
    struct oracle_end *end;
    gregset_t saved;
    uint64_t saved_bv, fs_base;
    uint8_t saved_fx[FX_BYTES], saved_ymm[YMM_BYTES];
    bool avx; /* the system saves YMM registers */
    struct sigaction actions[SIGNALS];
    stack_t old_stack;
    struct arena_image image;
};

static const int gpr_of[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                              REG_RSP, REG_RBP, REG_RSI, REG_RDI};

/* ---- the handler ---- */

#define IN_HANDLER __attribute__((no_sanitize("address", "undefined"), noinline))

IN_HANDLER static void enter_case(struct host *h, ucontext_t *uc)
{
    const struct oracle_state *s = &h->run->start;
    greg_t *r = uc->uc_mcontext.gregs;
    uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t *bv = (uint64_t *)(fx + XSTATE_BV);
    memcpy(h->saved, r, sizeof h->saved);
    memcpy(h->saved_fx, fx, FX_KEPT);
    h->saved_bv = *bv;
    for (int i = 0; i < 8; i++)
        r[gpr_of[i]] = s->gpr[i];
    r[REG_RIP] = s->eip;
    r[REG_EFL] = s->eflags;
    uint64_t cs = s->seg[1], ss = s->seg[2];
    r[REG_CSGSFS] = (greg_t)(cs | ss << 48);
    uc->uc_flags |= UC_SS_FLAGS;
    uint32_t mask;
    memcpy(&mask, fx + 28, 4);
    memcpy(fx, s->fx, FX_KEPT);
    memcpy(fx + 28, &mask, 4);
    *bv |= XSTATE_LEGACY;
    if (h->avx) {
        memcpy(h->saved_ymm, fx + XSTATE_YMM, YMM_BYTES);
        memcpy(fx + XSTATE_YMM, s->ymm, YMM_BYTES);
        *bv |= XSTATE_AVX;
    }
    __asm__ volatile("mov %0, %%es; mov %1, %%ds; mov %2, %%gs; mov %3, %%fs"
                     :
                     : "r"((uint32_t)s->seg[0]), "r"((uint32_t)s->seg[3]), "r"((uint32_t)s->seg[5]),
                       "r"((uint32_t)s->seg[4]));
}

IN_HANDLER static void leave_case(struct host *h, ucontext_t *uc, const uint16_t *seg)
{
    struct oracle_state *s = &h->end->state;
    greg_t *r = uc->uc_mcontext.gregs;
    uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
    for (int i = 0; i < 8; i++)
        s->gpr[i] = (uint32_t)r[gpr_of[i]];
    s->eip = (uint32_t)r[REG_RIP];
    s->eflags = (uint32_t)r[REG_EFL];
    memcpy(s->seg, seg, sizeof s->seg);
    s->seg[1] = (uint16_t)r[REG_CSGSFS];
    s->seg[2] = (uint16_t)((uint64_t)r[REG_CSGSFS] >> 48);
    memcpy(s->fx, fx, FX_KEPT);
    const uint64_t *bv = (const uint64_t *)(fx + XSTATE_BV);
    memset(s->ymm, 0, YMM_BYTES);
    if (!h->avx) /* nothing changes them */
        memcpy(s->ymm, h->run->start.ymm, YMM_BYTES);
    else if (*bv & XSTATE_AVX)
        memcpy(s->ymm, fx + XSTATE_YMM, YMM_BYTES);
    h->end->vector = (uint32_t)r[REG_TRAPNO];
    h->end->error = (uint32_t)r[REG_ERR];
    h->end->cr2 = (uint32_t)r[REG_CR2];
    memcpy(r, h->saved, sizeof h->saved);
    memcpy(fx, h->saved_fx, FX_KEPT);
    if (h->avx)
        memcpy(fx + XSTATE_YMM, h->saved_ymm, YMM_BYTES);
    *(uint64_t *)(fx + XSTATE_BV) = h->saved_bv;
    r[REG_RIP] += 2; /* the UD2 */
    h->run = NULL;
}

IN_HANDLER static void on_signal(int sig, siginfo_t *info, void *context)
{
    uint16_t seg[6];
    ucontext_t *uc = context;
    (void)info;
    __asm__ volatile("pushfq; andl %0, (%%rsp); popfq" : : "i"(~(EFLAGS_AC | EFLAGS_NT)) : "cc");
    __asm__ volatile("mov %%es, %0; mov %%ds, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=m"(seg[0]), "=m"(seg[3]), "=m"(seg[4]), "=m"(seg[5]));
    struct host *h = *(struct host **)uc->uc_stack.ss_sp;
    if (!h->run) {
        signal(sig, SIG_DFL);
        return;
    }
    if (!h->entered) {
        h->entered = true;
        enter_case(h, uc);
        return;
    }
    __asm__ volatile("mov %0, %%es; mov %0, %%ds; mov %0, %%gs; mov %0, %%fs" : : "r"(0));
    __asm__ volatile("wrfsbase %0" : : "r"(h->fs_base));
    leave_case(h, uc, seg);
}

/* ---- set-up ---- */

static bool map_arena(struct host *h)
{
    static const int prot[] = {[PAGE_READ] = PROT_READ,
                               [PAGE_WRITE] = PROT_READ | PROT_WRITE,
                               [PAGE_CODE] = PROT_READ | PROT_EXEC};
    h->fd = memfd_create("arena", MFD_CLOEXEC);
    if (h->fd < 0 || ftruncate(h->fd, ARENA_BYTES))
        return false;
    h->alias = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
    h->arena = mmap((void *)(uintptr_t)ARENA_BASE, ARENA_BYTES, PROT_NONE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, h->fd, 0);
    if (h->alias == MAP_FAILED || h->arena != (void *)(uintptr_t)ARENA_BASE)
        return false;
    for (unsigned i = 0; i < ARENA_PAGES; i++)
        if (arena_page(i) != PAGE_ABSENT &&
            mprotect(h->arena + i * ARENA_PAGE, ARENA_PAGE, prot[arena_page(i)]))
            return false;
    /* A page that was never read is absent to the CPU, whatever its rights. */
    for (unsigned i = 0; i < ARENA_PAGES; i++)
        if (arena_page(i) != PAGE_ABSENT)
            (void)*(volatile uint8_t *)(h->arena + i * ARENA_PAGE);
    return true;
}

/* Cases reach anywhere below 4 GiB: nothing of the process may be there (AddressSanitizer's shadow
 * memory would be). */
static bool low_memory_free(void)
{
    unsigned long start = ~0ul;
    FILE *f = fopen("/proc/self/maps", "r");
    if (!f || fscanf(f, "%lx", &start) != 1)
        start = 0;
    if (f)
        fclose(f);
    return start >> 32;
}

static bool install_ldt(void)
{
    for (unsigned i = 0; i < LDT_COUNT; i++) {
        const struct ldt_entry *e = &ldt_entries[i];
        struct user_desc d = {.entry_number = i,
                              .base_addr = e->base,
                              .limit = e->limit,
                              .seg_32bit = e->big,
                              .contents = e->contents,
                              .read_exec_only = e->read_exec_only,
                              .seg_not_present = !e->present};
        if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d))
            return false;
    }
    return true;
}

struct host *host_new(const char **why)
{
    struct host *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->fd = -1;
    h->avx = __builtin_cpu_supports("avx");
    h->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *why = NULL;
    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT))
        *why = "the host has no FSGSBASE";
    else if (!low_memory_free())
        *why = "the process has something below 4 GiB";
    else if (h->stack == MAP_FAILED || !map_arena(h))
        *why = "the arena's addresses cannot be had";
    else if (!install_ldt())
        *why = "the host has no modify_ldt";
    if (*why) {
        host_free(h);
        return NULL;
    }
    *(struct host **)h->stack = h;
    __asm__ volatile("rdfsbase %0" : "=r"(h->fs_base));
    return h;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    if (h->arena && h->arena != MAP_FAILED)
        munmap(h->arena, ARENA_BYTES);
    if (h->alias && h->alias != MAP_FAILED)
        munmap(h->alias, ARENA_BYTES);
    if (h->stack && h->stack != MAP_FAILED)
        munmap(h->stack, STACK_BYTES);
    if (h->fd >= 0)
        close(h->fd);
    free(h);
}

static void take_signals(struct host *h)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&sa.sa_mask);
    for (unsigned i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &sa, &h->actions[i]);
    stack_t ss = {.ss_sp = h->stack, .ss_size = STACK_BYTES};
    sigaltstack(&ss, &h->old_stack);
}

static void give_signals(struct host *h)
{
    for (unsigned i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &h->actions[i], NULL);
    sigaltstack(&h->old_stack, NULL);
}

bool host_run(struct host *h, const struct oracle_case *c, struct oracle_end *end)
{
    case_arena(c, &h->image, h->alias);
    take_signals(h);
    h->end = end;
    h->entered = false;
    h->run = c;
    __asm__ volatile("ud2" : : : "memory", "cc");
    give_signals(h);
    memcpy(end->arena, h->alias, ARENA_BYTES);
    return end->state.seg[1] != SEL_CODE64;
}
