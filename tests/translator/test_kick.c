/* A kick from another thread gets the vCPU out of every kind of loop, and none is lost. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

enum { KICKS = 150, LIMIT_S = 20, DOUBLE_NS = 30000 };

enum place { REAL, FLAT, USER_PAGED, V86, PROT16 };

/* Code at RIG_CODE that never ends. */
struct loop {
    const char *name;
    enum place place;
    const char *hex;
    unsigned kicks; /* 0: KICKS */
};

static const struct loop loops[] = {
    {"jmp self", FLAT, "EB FE", 0},
    {"jmp self, ring 3, paging", USER_PAGED, "EB FE", 0},
    {"jmp self, real mode", REAL, "EB FE", 0},
    {"jmp self, V86", V86, "EB FE", 0},
    {"jmp self, 16-bit protected mode", PROT16, "EB FE", 0},
    {"two blocks", FLAT, "EB 02 90 90 EB FA", 0},
    {"conditional", FLAT, "40 75 FD EB FB", 0},
    {"conditional, both ways", FLAT, "40 A8 01 74 FB EB F9", 0},
    {"loop", FLAT, "B9 00 00 10 00 E2 FE EB F7", 0},
    {"jmp eax", FLAT, "B8 05 80 00 00 FF E0", 0},
    {"jmp through memory", FLAT, "C7 05 00 00 04 00 0A 80 00 00 FF 25 00 00 04 00", 0},
    {"call and ret", FLAT, "E8 02 00 00 00 EB F9 C3", 0},
    {"call and ret, user", USER_PAGED, "E8 02 00 00 00 EB F9 C3", 0},
    {"call and ret, real mode", REAL, "E8 02 00 EB FB C3", 0},
    {"far jump", FLAT, "EA 00 80 00 00 08 00", 0},
    {"x87", FLAT, "D9 EB DD D8 EB FA", 0},
    {"x87, two blocks", FLAT, "D9 EB EB 00 DD D8 EB F8", 0},
    {"x87 beside integers", FLAT, "D9 EB DD D8 EB 00 40 75 F7 EB F5", 0},
    {"sse", FLAT, "0F 58 C1 EB FB", 0},
    {"cross-page", FLAT, "E9 FB 0F 00 00", 0}, /* 9000h jumps back: see load */
    {"cross-page, user", USER_PAGED, "E9 FB 0F 00 00", 0},
    {"sensitive", FLAT, "E4 E0 EB FC", 0},
    {"cpuid", FLAT, "0F A2 EB FC", 0},
    {"sti, cli", FLAT, "FB FA EB FC", 0},
    {"device memory", FLAT, "A1 00 00 00 FE EB F9", 0},
    {"self-modifying", FLAT, "FE 05 09 80 00 00 90 90 B0 00 EB F4", 50},
    {"page faults", FLAT, "0F 20 D8 0F 22 D8 FF 05 00 00 04 00 EB F2", 0},
    {"rep movsd of 64 MiB", FLAT, "BE 00 00 00 02 BF 00 00 00 06 B9 00 00 00 01 F3 A5 EB ED", 20},
    {"rep scasb that never finds", FLAT, "BF 00 00 00 02 B9 00 00 00 04 B0 01 F2 AE EB F0", 20},
    {"rep stosb, down", FLAT, "FD BF 00 00 00 08 B9 00 00 00 04 F3 AA EB F1", 20},
    {"rep outsb", FLAT, "BE 00 00 10 00 B9 00 00 10 00 BA E8 00 00 00 F3 6E EB ED", 20},
};

struct kicker {
    struct rig *rig;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned kicks, answers, want;
    clockid_t vcpu; /* CPU time of the thread that is kicked */
    bool late;
};

/* Wait for the answer to the last kick; false when the vCPU's thread ran for LIMIT_S without giving
 * it.  How long the host lets it wait is no matter. */
static bool wait_answer(struct kicker *k)
{
    struct timespec began, now;
    clock_gettime(k->vcpu, &began);
    now = began;
    pthread_mutex_lock(&k->lock);
    while (k->answers < k->kicks && now.tv_sec - began.tv_sec < LIMIT_S) {
        struct timespec again;
        clock_gettime(CLOCK_REALTIME, &again);
        again.tv_sec++;
        pthread_cond_timedwait(&k->answered, &k->lock, &again);
        clock_gettime(k->vcpu, &now);
    }
    bool answered = k->answers >= k->kicks;
    pthread_mutex_unlock(&k->lock);
    return answered;
}

static void *kick_thread(void *opaque)
{
    struct kicker *k = opaque;
    unsigned seed = 1;
    while (k->kicks < k->want) {
        struct timespec pause = {0, rand_r(&seed) % 200000};
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&k->lock);
        k->kicks++;
        pthread_mutex_unlock(&k->lock);
        rig_raise(k->rig, EVENT_KICK);
        if (!wait_answer(k)) {
            k->late = true;
            rig_raise(k->rig, EVENT_KICK); /* a second one may do; then the first was lost */
            return NULL;
        }
    }
    return NULL;
}

static void load(struct rig *r, const struct loop *l)
{
    switch (l->place) {
    case REAL:
        rig_real(r);
        break;
    case FLAT:
        rig_flat(r, 0);
        break;
    case USER_PAGED:
        rig_flat(r, 3);
        rig_paging(r);
        break;
    case V86:
        rig_v86(r);
        break;
    case PROT16:
        rig_protected16(r);
        break;
    }
    rig_hex(r, RIG_CODE, l->hex);
    rig_hex(r, 0x9000, "E9 FB EF FF FF"); /* JMP 8000h */
}

static bool all_answered(struct kicker *k)
{
    pthread_mutex_lock(&k->lock);
    k->answers = k->kicks;
    pthread_cond_signal(&k->answered);
    bool done = k->kicks == k->want;
    pthread_mutex_unlock(&k->lock);
    return done || k->late;
}

START_TEST(every_loop)
{
    const struct loop *l = &loops[_i];
    struct rig_options options = {
        .ram_mib = 192, .no_check = true, .translator = {.long_at_once = true}};
    struct rig r;
    pthread_t thread;
    rig_open(&r, &options);
    load(&r, l);
    struct kicker k = {.rig = &r,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .answered = PTHREAD_COND_INITIALIZER,
                       .want = l->kicks ? l->kicks : KICKS};
    ck_assert_int_eq(pthread_getcpuclockid(pthread_self(), &k.vcpu), 0);
    pthread_create(&thread, NULL, kick_thread, &k);
    enum rig_end end;
    do
        end = rig_run_until_kick(&r);
    while (end == RIG_KICKED && !all_answered(&k));
    ck_assert_msg(end == RIG_KICKED, "%s: came to an end (%d)", l->name, end);
    pthread_join(thread, NULL);
    ck_assert_msg(!k.late, "%s: kick %u was not answered", l->name, k.kicks);
    /* A kick empties the table for a moment: what it does not answer then is no miss. */
    ck_assert_uint_le(r.t->counts.missed[JUMP_INDIRECT], 4);
    rig_close(&r);
}
END_TEST

/* Interrupts by the same way: each of many comes through a loop that never leaves its block. */
struct interrupter {
    struct rig *rig;
    atomic_bool stop;
};

static void *interrupt_thread(void *opaque)
{
    struct interrupter *x = opaque;
    struct timespec pause = {0, DOUBLE_NS};
    while (!atomic_load(&x->stop)) {
        rig_raise(x->rig, EVENT_NMI);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

START_TEST(interrupted_loop)
{
    enum { WANTED = 300 };
    struct rig r;
    pthread_t thread;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* the NMI's handler: INC EBX; CMP EBX, WANTED; JAE out; IRET */
    rig_hex(&r, 0x9000, "43 81 FB 2C 01 00 00 73 01 CF E7 F8");
    rig_w32(&r, RIG_IDT + 16, (uint32_t)SEL_CODE0 << 16 | 0x9000);
    rig_hex(&r, RIG_CODE, "40 39 C0 74 FB"); /* L: INC EAX; CMP EAX, EAX; JE L */
    struct interrupter x = {.rig = &r};
    pthread_create(&thread, NULL, interrupt_thread, &x);
    enum rig_end end = rig_run(&r);
    atomic_store(&x.stop, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(end, RIG_ENDED);
    ck_assert_uint_eq(r.cpu->gpr[EBX], WANTED);
    ck_assert_uint_eq(r.cpu->gpr[ESP], RIG_STACK0 - 12);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kicks");
    TCase *tc = tcase_create("kick");
    tcase_add_loop_test(tc, every_loop, 0, sizeof loops / sizeof *loops);
    tcase_add_test(tc, interrupted_loop);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
