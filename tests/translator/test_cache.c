/* Blocks: keys, links, invalidation, generations; several translators in one process. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, NULL);
}

static void teardown(void)
{
    rig_close(&rig);
}

static struct tb *find(uint32_t eip)
{
    struct translator *t = rig.t;
    return cache_find(t, eip, eip, rig.cpu->seg[SEG_CS].base, 0xFFFFFFFF, t->mode);
}

/* Two blocks that jump to each other, ECX times; the count in EAX. */
static void load_loop(uint32_t times)
{
    rig_flat(&rig, 0);
    rig_hex(&rig, RIG_CODE,
            "31 C0 EB 04 90 90 90 90 "
            "40 EB 05 90 90 90 90 90 " /* +8: INC EAX; JMP +10h */
            "49 75 F5 E7 F8");         /* +10h: DEC ECX; JNZ +8; OUT END */
    rig.cpu->gpr[ECX] = times;
}

/* The same code once more, its bytes untouched. */
static enum rig_end run_again(uint32_t times)
{
    rig.cpu->eip = RIG_CODE;
    rig.cpu->gpr[ECX] = times;
    rig.ended = false;
    return rig_run(&rig);
}

START_TEST(keys)
{
    load_loop(3);
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    struct translator *t = rig.t;
    struct tb *tb = find(RIG_CODE + 8);
    ck_assert_ptr_nonnull(tb);
    ck_assert_uint_eq(tb->insns, 2);
    ck_assert_uint_eq(tb->size, 3);
    ck_assert_ptr_null(cache_find(t, RIG_CODE + 8, RIG_CODE + 8, 0, 0xFFFFFFFF, t->mode ^ MODE_TS));
    ck_assert_ptr_null(cache_find(t, RIG_CODE + 8, RIG_CODE + 8, 0x10, 0xFFFFFFFF, t->mode));
    ck_assert_ptr_null(cache_find(t, RIG_CODE + 8, RIG_CODE + 8, 0, 0xFFFF, t->mode));
    ck_assert_ptr_null(cache_find(t, RIG_CODE + 8, RIG_CODE + 9, 0, 0xFFFFFFFF, t->mode));
    ck_assert_ptr_eq(cache_at(t, tb->code), tb);
    ck_assert_ptr_eq(cache_at(t, tb->code_end - 1), tb);
    ck_assert_ptr_ne(cache_at(t, tb->code_end), tb);
    ck_assert_ptr_null(cache_at(t, 0));
}
END_TEST

/* By a place in its host code, at each byte of a cache of large and small ones. */
START_TEST(blocks_by_place)
{
    enum { BLOCKS = 300 };
    for (uint32_t i = 0; i < BLOCKS; i++) /* JMP +2 or CALL +5; POP EBX; PUSH EBX; POP EBX */
        rig_hex(&rig, RIG_CODE + i * 8, i % 3 ? "EB 06" : "E8 00 00 00 00 5B 53 5B");
    rig_hex(&rig, RIG_CODE + BLOCKS * 8, "E7 F8"); /* OUT END, EAX */
    ck_assert_int_eq(run_again(1), RIG_ENDED);
    struct translator *t = rig.t;
    ck_assert_uint_ge(t->tb_count, BLOCKS);
    uint32_t b = 1;
    for (uint32_t at = t->cache_start; at < t->emit.pos; at++) {
        b += b < t->tb_count && t->tbs[b].code_end <= at;
        const struct tb *tb = b < t->tb_count && t->tbs[b].code <= at ? &t->tbs[b] : NULL;
        ck_assert_ptr_eq(cache_at(t, at), tb);
    }
    ck_assert_ptr_null(cache_at(t, t->cache_start - 1));
    ck_assert_ptr_null(cache_at(t, t->emit.pos));
    ck_assert_ptr_null(cache_at(t, t->cache_size - 1));
}
END_TEST

START_TEST(modes_have_blocks_of_their_own)
{
    load_loop(3);
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    uint64_t blocks = rig.t->stats.blocks;
    ck_assert_int_eq(run_again(3), RIG_ENDED);
    ck_assert_uint_eq(rig.t->stats.blocks, blocks); /* nothing new the second time */
    ck_assert(cpu_write_cr0(rig.cpu, rig.cpu->cr0 | CR0_TS));
    ck_assert_int_eq(run_again(3), RIG_ENDED);
    ck_assert_uint_eq(rig.t->stats.blocks, 2 * blocks);
    ck_assert(cpu_write_cr0(rig.cpu, rig.cpu->cr0 & ~(uint32_t)CR0_TS));
    ck_assert_int_eq(run_again(3), RIG_ENDED);
    ck_assert_uint_eq(rig.t->stats.blocks, 2 * blocks);
}
END_TEST

START_TEST(links)
{
    load_loop(1000);
    uint64_t lookups = rig.t->stats.lookups;
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 1000);
    ck_assert_uint_lt(rig.t->stats.lookups - lookups, 20);
    struct translator *t = rig.t;
    struct tb *first = find(RIG_CODE + 8), *second = find(RIG_CODE + 16);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_eq(&t->tbs[first->exits[0].link], second);
    ck_assert_ptr_eq(&t->tbs[second->exits[TB_SIDE].link], first); /* it goes on behind the jump */
    ck_assert_uint_eq(second->incoming / TB_SLOTS, first - t->tbs);
    ck_assert_uint_ge(t->stats.chains, 2);

    cache_unlink(t, first, 0);
    ck_assert_uint_eq(first->exits[0].link, TB_NONE);
    ck_assert_uint_eq(second->incoming, ~0u);
    cache_unlink(t, first, 0); /* again: nothing happens */
    cache_link(t, first, 0, second);
    ck_assert_uint_eq(second->incoming / TB_SLOTS, first - t->tbs);

    cache_invalidate(t, second, RETRANSLATED_STORE);
    ck_assert(!second->valid);
    ck_assert_uint_eq(first->exits[0].link, TB_NONE);
    ck_assert_ptr_null(find(RIG_CODE + 16));
    cache_link(t, first, 0, second); /* refused: it is gone */
    ck_assert_uint_eq(first->exits[0].link, TB_NONE);

    load_loop(500); /* the same bytes: rewritten, so that all is translated again */
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 500);
}
END_TEST

START_TEST(invalidation_by_bytes)
{
    load_loop(5);
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    struct translator *t = rig.t;
    ck_assert(phys_frame_flags(rig.phys, RIG_CODE >> PAGE_SHIFT) & FRAME_CODE);
    uint64_t hits = t->stats.code_hits;
    rig_w8(&rig, RIG_CODE + 0x800, 1);   /* the same page, no code there */
    rig_w8(&rig, RIG_CODE + 0x0B, 0x91); /* between two blocks */
    ck_assert_uint_eq(t->stats.code_hits, hits);
    ck_assert_ptr_nonnull(find(RIG_CODE + 8));
    rig_w8(&rig, RIG_CODE + 0x0A, 5); /* the last byte of one */
    ck_assert_uint_eq(t->stats.code_hits, hits + 1);
    ck_assert_ptr_null(find(RIG_CODE + 8));
    ck_assert_ptr_nonnull(find(RIG_CODE + 16));
    uint8_t bytes[256] = {0};
    rig_load(&rig, RIG_CODE - 16, bytes, sizeof bytes);
    ck_assert_ptr_null(find(RIG_CODE + 16));
    ck_assert(!(phys_frame_flags(rig.phys, RIG_CODE >> PAGE_SHIFT) & FRAME_CODE));
}
END_TEST

/* A block across a page border goes when either of its pages is written. */
START_TEST(across_pages)
{
    enum { AT = 0x9FFE };
    for (unsigned part = 0; part < 2; part++) {
        rig_flat(&rig, 0);
        rig_hex(&rig, AT, "B8 78 56 34 12 E7 F8"); /* MOV EAX, imm32 */
        rig.cpu->eip = AT;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        ck_assert_uint_eq(rig.cpu->gpr[EAX], 0x12345678);
        struct tb *tb = find(AT);
        ck_assert_ptr_nonnull(tb);
        ck_assert_uint_eq(tb->insns, 1);
        ck_assert_uint_eq(tb->phys2 >> PAGE_SHIFT, 0xA);
        rig_w8(&rig, part ? 0xA000 : AT + 1, 0x99);
        ck_assert_ptr_null(find(AT));
        rig.cpu->eip = AT;
        rig.ended = false;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        ck_assert_uint_eq(rig.cpu->gpr[EAX], part ? 0x12349978 : 0x12345699);
    }
}
END_TEST

enum { MANY = 20000 };

/* MANY blocks of INC EAX; JMP to the next. */
static void load_many(struct rig *r)
{
    static const uint8_t piece[] = {0x40, 0xEB, 0x00}, end[] = {0xE7, RIG_PORT_END};
    static uint8_t code[MANY * sizeof piece + sizeof end];
    for (unsigned i = 0; i < MANY; i++)
        memcpy(code + i * sizeof piece, piece, sizeof piece);
    memcpy(code + MANY * sizeof piece, end, sizeof end);
    rig_flat(r, 0);
    rig_load(r, RIG_DATA, code, sizeof code);
    r->cpu->eip = RIG_DATA;
}

START_TEST(generations)
{
    struct rig_options options = {.translator = {.cache_bytes = 1 << 20}};
    struct rig small;
    rig_open(&small, &options);
    load_many(&small);
    for (unsigned round = 1; round <= 3; round++) {
        small.cpu->eip = RIG_DATA;
        small.ended = false;
        small.cpu->gpr[EAX] = 0;
        ck_assert_int_eq(rig_run(&small), RIG_ENDED);
        ck_assert_uint_eq(small.cpu->gpr[EAX], MANY);
        ck_assert_uint_ge(small.t->stats.flushes, round);
    }
    ck_assert_uint_eq(small.t->generation, small.t->stats.flushes);
    translator_flush(small.t);
    ck_assert_uint_eq(small.t->tb_count, 1);
    for (uint32_t pfn = 0; pfn < 16 << 8; pfn++)
        ck_assert(!(phys_frame_flags(small.phys, pfn) & FRAME_CODE));
    rig_close(&small);
}
END_TEST

START_TEST(no_memory_for_code)
{
    struct translator_options options = {.fail_cache_alloc = true};
    struct error err = {""};
    ck_assert_ptr_null(translator_new(rig.cpu, NULL, &options, &err));
    ck_assert_str_ne(err.text, "");
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

/* ---- two machines in one process ---- */

struct partner {
    sem_t turn;
    struct partner *other;
    uint32_t step, sum, values;
};

enum { TURNS = 60 };

/* Adds STEP to a counter on a page that is filled anew each time, and yields. */
static void *run_partner(void *opaque)
{
    struct partner *p = opaque;
    struct rig r;
    struct rig_options options = {.translator = {.cache_bytes = 1 << 20}};
    rig_open(&r, &options);
    rig_flat(&r, 0);
    rig_paging(&r);
    /* L: ADD [40000h], EBX; MOV EAX, CR3; MOV CR3, EAX; MOV EAX, [40000h]; OUT VALUE, EAX;
     * OUT KICK, AL; JMP L */
    rig_hex(&r, RIG_CODE, "01 1D 00 00 04 00 0F 20 D8 0F 22 D8 A1 00 00 04 00 E7 E0 E6 E3 EB E9");
    r.cpu->gpr[EBX] = p->step;
    for (unsigned i = 0; i < TURNS; i++) {
        sem_wait(&p->turn);
        if (rig_run_until_kick(&r) == RIG_KICKED)
            p->values++;
        sem_post(&p->other->turn);
    }
    p->sum = rig_r32(&r, RIG_DATA);
    rig_close(&r);
    return NULL;
}

START_TEST(two_translators)
{
    struct partner a = {.step = 3}, b = {.step = 1000};
    pthread_t threads[2];
    a.other = &b;
    b.other = &a;
    sem_init(&a.turn, 0, 1);
    sem_init(&b.turn, 0, 0);
    pthread_create(&threads[0], NULL, run_partner, &a);
    pthread_create(&threads[1], NULL, run_partner, &b);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    ck_assert_uint_eq(a.values, TURNS);
    ck_assert_uint_eq(b.values, TURNS);
    ck_assert_uint_eq(a.sum, 3 * TURNS);
    ck_assert_uint_eq(b.sum, 1000 * TURNS);
    /* and the first one, made before both, is none the worse */
    load_loop(7);
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code cache");
    TCase *tc = tcase_create("cache");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, keys);
    tcase_add_test(tc, blocks_by_place);
    tcase_add_test(tc, modes_have_blocks_of_their_own);
    tcase_add_test(tc, links);
    tcase_add_test(tc, invalidation_by_bytes);
    tcase_add_test(tc, across_pages);
    tcase_add_test(tc, generations);
    tcase_add_test(tc, no_memory_for_code);
    tcase_add_test(tc, two_translators);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
