/* Handlers that are left without the kernel lose no kick, wherever it comes, and no crash. */
#define _GNU_SOURCE
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

enum { PRESENT_WRITABLE_USER = 7, FRESH = 0x300000, FRAME = 0x200000, LIMIT_S = 20 };

/* Pages, from FRESH on, that the window does not have. */
static void make_fresh(struct rig *r, unsigned pages)
{
    for (uint32_t i = 0; i < pages; i++)
        rig_map(r, FRESH + (i << PAGE_SHIFT), FRAME | PRESENT_WRITABLE_USER);
}

static struct tb *block_at(struct translator *t, uint32_t eip)
{
    for (uint32_t i = 1; i < t->tb_count; i++)
        if (t->tbs[i].valid && t->tbs[i].eip == eip)
            return &t->tbs[i];
    return NULL;
}

/* No block goes to the hub, which would look at rt->kick there. */
static void link_all(struct translator *t)
{
    for (uint32_t i = 1; i < t->tb_count; i++)
        for (unsigned s = 0; s < TB_SLOTS; s++) {
            struct tb_exit *x = &t->tbs[i].exits[s];
            struct tb *to = x->patch ? block_at(t, exit_target(&t->tbs[i], s)) : NULL;
            if (t->tbs[i].valid && to && !x->link)
                cache_link(t, &t->tbs[i], s, to);
        }
}

/* ---- in the handler's C code ---- */

static struct rig *kick_in_mmap, *crash_in_mmap;

static bool maps_fresh(const struct rig *r, const void *addr)
{
    return r && (uintptr_t)addr == r->t->rt->window + FRESH;
}

static void crash(void)
{
    int *volatile nowhere = (int *)8;
    *nowhere = 0;
}

/* The mmu's too: something happens while a page is mapped. */
void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    if (maps_fresh(kick_in_mmap, addr)) {
        rig_raise(kick_in_mmap, EVENT_KICK);
        kick_in_mmap = NULL;
    }
    if (maps_fresh(crash_in_mmap, addr))
        crash();
    return (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}

START_TEST(kicked_in_handler)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    rig_paging(&r);
    /* MOV EAX, [FRESH]; L: DEC EDX; JNZ L */
    r.cpu->gpr[EDX] = 3;
    ck_assert_int_eq(rig_exec(&r, "A1 00 00 30 00 4A 75 FD"), RIG_ENDED);
    r.ended = false;
    for (unsigned round = 0; round < 20; round++) {
        make_fresh(&r, 1);
        cpu_write_cr3(r.cpu, RIG_PAGE_DIR);
        link_all(r.t);
        uint64_t fills = r.t->stats.fills, kicks = r.t->stats.kicks;
        r.cpu->eip = RIG_CODE;
        r.cpu->gpr[EDX] = 0; /* a loop of seconds that nothing looks up in */
        kick_in_mmap = &r;
        ck_assert_int_eq(rig_run_until_kick(&r), RIG_KICKED);
        ck_assert_ptr_null(kick_in_mmap);
        ck_assert_uint_eq(r.t->stats.kicks, kicks + 1);
        ck_assert_uint_eq(r.t->stats.fills, fills + 1);
    }
    rig_close(&r);
}
END_TEST

/* What is not guest code ends the program as it would without us. */
START_TEST(crash_in_handler)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    rig_paging(&r);
    make_fresh(&r, 1);
    crash_in_mmap = &r;
    rig_exec(&r, "A1 00 00 30 00");
    ck_abort_msg("did not map the page");
}
END_TEST

START_TEST(crash_in_c)
{
    struct rig r;
    rig_open(&r, NULL);
    crash();
    ck_abort_msg("did not crash");
}
END_TEST

/* ---- in the code behind it ---- */

static struct tb *linked_block(struct translator *t)
{
    for (uint32_t i = 1; i < t->tb_count; i++)
        if (t->tbs[i].valid && t->tbs[i].exits[0].link)
            return &t->tbs[i];
    ck_abort_msg("no block is linked");
    return NULL;
}

/* The kick's handler for guest code of T at cache offset OFF, with r12 as JUNK: what is loaded is
 * not known. */
static void kick_at(struct translator *t, uint32_t off, ucontext_t *uc)
{
    enum { KICK = 2, JUNK = 0x1234 };
    struct sigaction action;
    ck_assert_int_eq(sigaction(SIGRTMIN + KICK, NULL, &action), 0);
    *uc = (ucontext_t){0};
    ck_assert_int_eq(sigaltstack(NULL, &uc->uc_stack), 0);
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(t->rx + off);
    uc->uc_mcontext.gregs[REG_R12] = JUNK;
    t->rt->kick = 0;
    action.sa_sigaction(SIGRTMIN + KICK, NULL, uc);
    ck_assert_uint_eq(t->rt->kick, 1);
}

START_TEST(kicked_behind_handler)
{
    struct rig r;
    ucontext_t uc;
    const greg_t *regs = uc.uc_mcontext.gregs;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* MOV ECX, 100; L: DEC ECX; JMP over; over: JNZ L */
    ck_assert_int_eq(rig_exec(&r, "B9 64 00 00 00 49 EB 00 75 FB"), RIG_ENDED);
    struct translator *t = r.t;
    struct tb *tb = linked_block(t), *to = &t->tbs[tb->exits[0].link];
    greg_t inside = (greg_t)(uintptr_t)(t->rx + tb->body),
           table = (greg_t)(uintptr_t)t->current->entry;
    ck_assert_uint_lt(t->stub_resume, t->stub_resume_kicked);
    for (uint32_t off = t->stub_resume; off < t->stub_resume_end; off++) {
        t->rt->resume_rip = inside;
        t->rt->resume_table = table;
        cache_link(t, tb, 0, to);
        kick_at(t, off, &uc);
        ck_assert(t->rt->resume_rip == inside);
        if (off < t->stub_resume_kicked) { /* it looks at rt->kick again */
            ck_assert(regs[REG_RIP] == (greg_t)(uintptr_t)(t->rx + t->stub_resume));
            ck_assert_uint_ne(tb->exits[0].link, TB_NONE);
            continue;
        }
        ck_assert(regs[REG_RIP] == (greg_t)(uintptr_t)(t->rx + off));
        ck_assert_uint_eq(tb->exits[0].link, TB_NONE);
        ck_assert(regs[REG_R12] == (greg_t)(uintptr_t)t->zero_table);
        ck_assert(t->rt->resume_table == (greg_t)(uintptr_t)t->zero_table);
    }
    rig_close(&r);
}
END_TEST

/* ---- anywhere ---- */

enum { STORM_PAGES = 48, STORM_KICKS = 1000, STORM_NS = 300000 };

struct storm {
    struct rig *rig;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned kicks, answers;
    bool lost;
};

static bool wait_answer(struct storm *s)
{
    struct timespec until;
    int error = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LIMIT_S;
    pthread_mutex_lock(&s->lock);
    while (s->answers < s->kicks && !error)
        error = pthread_cond_timedwait(&s->answered, &s->lock, &until);
    s->lost = s->answers < s->kicks;
    pthread_mutex_unlock(&s->lock);
    return !s->lost;
}

/* One kick for each round, at any time of it. */
static void *storm_thread(void *opaque)
{
    struct storm *s = opaque;
    unsigned seed = 1;
    while (s->kicks < STORM_KICKS) {
        struct timespec pause = {0, rand_r(&seed) % STORM_NS};
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&s->lock);
        s->kicks++;
        pthread_mutex_unlock(&s->lock);
        rig_raise(s->rig, EVENT_KICK);
        if (!wait_answer(s)) {
            rig_raise(s->rig, EVENT_KICK); /* for the test to end */
            return NULL;
        }
    }
    return NULL;
}

static bool answer(struct storm *s)
{
    pthread_mutex_lock(&s->lock);
    bool lost = s->lost;
    s->answers = s->kicks;
    pthread_cond_signal(&s->answered);
    bool done = lost || s->kicks == STORM_KICKS;
    pthread_mutex_unlock(&s->lock);
    return done;
}

/* Fresh pages one after another, then a loop that nothing but a kick ends. */
START_TEST(kicked_anywhere)
{
    struct rig_options options = {.no_check = true};
    struct rig r;
    pthread_t thread;
    rig_open(&r, &options);
    rig_flat(&r, 3);
    rig_paging(&r);
    /* MOV ESI, FRESH; MOV ECX, 48; L: MOVAPS XMM0, XMM0; MOV EAX, [ESI]; ADD ESI, 1000h; DEC ECX;
     * JNZ L; JMP to itself */
    rig_hex(&r, RIG_CODE,
            "BE 00 00 30 00 B9 30 00 00 00 0F 28 C0 8B 06 81 C6 00 10 00 00 49 75 F2 EB FE");
    struct storm s = {
        .rig = &r, .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    ck_assert_int_eq(pthread_create(&thread, NULL, storm_thread, &s), 0);
    do {
        make_fresh(&r, STORM_PAGES);
        cpu_write_cr3(r.cpu, RIG_PAGE_DIR);
        link_all(r.t);
        r.cpu->eip = RIG_CODE;
        ck_assert_int_eq(rig_run_until_kick(&r), RIG_KICKED);
    } while (!answer(&s));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(!s.lost, "kick %u was not answered", s.kicks);
    ck_assert_uint_gt(r.t->stats.fills, STORM_KICKS);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frames");
    TCase *tc = tcase_create("frame");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, kicked_in_handler);
    tcase_add_test_raise_signal(tc, crash_in_handler, SIGSEGV);
    tcase_add_test_raise_signal(tc, crash_in_c, SIGSEGV);
    tcase_add_test(tc, kicked_behind_handler);
    tcase_add_test(tc, kicked_anywhere);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
