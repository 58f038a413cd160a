/* Statistics of the translator: exact counts, samples, exits, calls, writers to code. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

struct sum {
    const char *name, *label;
    uint64_t value;
    unsigned found;
};

static void take(void *opaque, const struct statistic *s)
{
    struct sum *sum = opaque;
    ck_assert(s->group && s->name && s->unit && s->help);
    ck_assert(!s->label == !s->key);
    if (strcmp(s->name, sum->name) || (sum->label && strcmp(s->label, sum->label)))
        return;
    sum->value += s->value;
    sum->found++;
}

static uint64_t value(struct rig *r, const char *name, const char *label)
{
    struct sum sum = {.name = name, .label = label};
    translator_statistics(r->t, &(struct statistic_sink){take, &sum});
    ck_assert_msg(sum.found || label, "there is no statistic %s", name);
    return sum.value;
}

/* The block at EIP. */
static struct translator_block block_at(struct rig *r, uint32_t eip)
{
    struct translator_block b = {0};
    ck_assert_msg(translator_blocks_at(r->t, eip, &b, 1) == 1, "no block at %x", eip);
    return b;
}

static void open_counting(struct rig *r)
{
    rig_open(r, &(struct rig_options){.translator = {.exec_count = true}});
    rig_flat(r, 0);
}

/* mov ecx, 1000; 1: dec ecx; jnz 1b */
START_TEST(exact_loop)
{
    struct rig r;
    open_counting(&r);
    ck_assert_int_eq(rig_exec(&r, "B9 E8 03 00 00 49 75 FD"), RIG_ENDED);
    ck_assert_uint_eq(block_at(&r, RIG_CODE).executions, 1);
    struct translator_block hot[2];
    unsigned n = translator_hot(r.t, BY_EXECUTIONS, hot, 2);
    ck_assert_uint_ge(n, 2);
    ck_assert_uint_eq(hot[0].eip, RIG_CODE + 5);
    ck_assert_uint_eq(hot[0].executions, 999);
    ck_assert(hot[0].counted && hot[0].valid && hot[0].code32);
    ck_assert_uint_ge(value(&r, "executed", NULL), 2001);
    ck_assert_uint_le(value(&r, "executed", NULL), 2001 + 64); /* the last block was left early */
    rig_close(&r);
}
END_TEST

/* Flags go through the counters: CMP in one block, the jump behind another one. */
START_TEST(flags_survive)
{
    struct rig r;
    for (unsigned i = 0; i < 2; i++) {
        open_counting(&r);
        /* mov eax, i; cmp eax, 1; jmp +0; setc bl; setz bh; mov [40000h], ebx */
        char hex[100];
        snprintf(hex, sizeof hex,
                 "BB 00 00 00 00 B8 %02x 00 00 00 83 F8 01 EB 00 0F 92 C3 0F 94 C7 "
                 "89 1D 00 00 04 00",
                 i);
        ck_assert_int_eq(rig_exec(&r, hex), RIG_ENDED);
        ck_assert_uint_eq(rig_r32(&r, RIG_DATA), i ? 0x100 : 0x001);
        rig_close(&r);
    }
}
END_TEST

/* Calls and returns in every mode, counted, with the confinement checker on. */
START_TEST(returns)
{
    struct rig r;
    open_counting(&r);
    /* mov ecx, 50; 1: call f; dec ecx; jnz 1b; jmp end; f: fld1; fstp st0; ret; end: */
    ck_assert_int_eq(rig_exec(&r, "B9 32 00 00 00 E8 05 00 00 00 49 75 F8 EB 05 D9 E8 DD D8 C3"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "jumps", "return"), 50);
    /* The table did not know where the first one goes. */
    ck_assert_uint_eq(value(&r, "jump_misses", "return"), 1);
    ck_assert_uint_eq(value(&r, "jump_hits", "return"), 49);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 0);
    ck_assert_uint_eq(block_at(&r, RIG_CODE + 15).executions, 50);
    rig_close(&r);
}
END_TEST

/* Counting can be turned on and off while the machine stands still, and changes nothing else. */
START_TEST(on_and_off)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_exec(&r, "B9 E8 03 00 00 49 75 FD"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "executed", NULL), 0);
    translator_count_executions(r.t, true);
    ck_assert(translator_counts_executions(r.t));
    r.ended = false;
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_exec(&r, "B9 E8 03 00 00 49 75 FD"), RIG_ENDED);
    uint64_t executed = value(&r, "executed", NULL);
    ck_assert_uint_ge(executed, 2001);
    translator_count_executions(r.t, false);
    ck_assert_uint_eq(value(&r, "executed", NULL), executed); /* kept, though the blocks are gone */
    rig_close(&r);
}
END_TEST

/* CLTS and device memory: by name. */
START_TEST(calls)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov esi, 5; 1: clts; mov eax, [FE000000h]; dec esi; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "BE 05 00 00 00 0F 06 A1 00 00 00 FE 4E 75 F6"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "calls", "clts"), 5);
    ck_assert_uint_ge(value(&r, "calls", "mov by hand"), 3);
    ck_assert_uint_ge(value(&r, "exits", "instruction"), 5);
    r.ended = false;
    rig_flat(&r, 0);
    /* invlpg [40000h]; rdtscp; rdtscp; invlpg [40000h] */
    ck_assert_int_eq(rig_exec(&r, "0F 01 3D 00 00 04 00 0F 01 F9 0F 01 F9 0F 01 3D 00 00 04 00"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "calls", "invlpg"), 2);
    ck_assert_uint_eq(value(&r, "calls", "rdtscp"), 2);
    rig_close(&r);
}
END_TEST

/* 50 indirect calls to one place: the table does not know the first. */
START_TEST(indirect)
{
    struct rig r;
    open_counting(&r);
    /* mov edx, 8011h; mov ecx, 50; 1: call edx; dec ecx; jnz 1b; jmp +1; ret (at 8011h) */
    ck_assert_int_eq(rig_exec(&r, "BA 11 80 00 00 B9 32 00 00 00 FF D2 49 75 FB EB 01 C3"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "jumps", "indirect"), 50);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 1);
    ck_assert_uint_eq(value(&r, "jump_hits", "indirect"), 49);
    rig_close(&r);
}
END_TEST

/* Misses are exact by kind without exact counts, too. */
START_TEST(misses)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov edx, 8011h; mov ecx, 50; 1: call edx; dec ecx; jnz 1b; jmp +1; ret (at 8011h) */
    ck_assert_int_eq(rig_exec(&r, "BA 11 80 00 00 B9 32 00 00 00 FF D2 49 75 FB EB 01 C3"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 1);
    ck_assert_uint_eq(value(&r, "jump_misses", "return"), 1);
    ck_assert_uint_eq(value(&r, "jump_misses", "cross_page"), 0);
    rig_close(&r);
}
END_TEST

/* Two functions 64 KiB apart have entries of their own: neither makes the other miss. */
START_TEST(misses_of_another)
{
    enum { FIRST = 0x8100, SECOND = FIRST + 0x10000 };
    struct rig r;
    char hex[200];
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    rig_w8(&r, FIRST, 0xC3);
    rig_w8(&r, SECOND, 0xC3);
    /* mov ecx, 50; mov edx, FIRST; mov ebx, SECOND; 1: call edx; call ebx; dec ecx; jnz 1b; */
    snprintf(hex, sizeof hex,
             "B9 32 00 00 00 BA %02x %02x %02x 00 BB %02x %02x %02x 00 FF D2 FF D3 49 75 F9",
             FIRST & 0xFF, FIRST >> 8 & 0xFF, FIRST >> 16, SECOND & 0xFF, SECOND >> 8 & 0xFF,
             SECOND >> 16);
    ck_assert_int_eq(rig_exec(&r, hex), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 2);
    ck_assert_uint_eq(value(&r, "jump_misses", "return"), 2);
    ck_assert_uint_eq(value(&r, "jump_misses", "cross_page"), 0);
    rig_close(&r);
}
END_TEST

/* Direct calls to another page miss once, and are known then. */
START_TEST(misses_across_pages)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    rig_w8(&r, 0x20000, 0xC3);
    /* mov ecx, 50; 1: call 20000h; dec ecx; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 32 00 00 00 E8 F6 7F 01 00 49 75 F8"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "jump_misses", "cross_page"), 1);
    ck_assert_uint_eq(value(&r, "jump_misses", "return"), 1);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 0);
    rig_close(&r);
}
END_TEST

/* Without exact counts misses are exact all the same, and hits are told from samples. */
START_TEST(jumps_sampled)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov edx, 8011h; mov ecx, 30000000; 1: call edx; dec ecx; jnz 1b; jmp +1; ret (at 8011h) */
    ck_assert_int_eq(rig_exec(&r, "BA 11 80 00 00 B9 80 C3 C9 01 FF D2 49 75 FB EB 01 C3"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "executed", NULL), 0);
    ck_assert_uint_eq(value(&r, "jumps_missed", NULL), 2);
    ck_assert_uint_eq(value(&r, "jump_misses", "indirect"), 1);
    ck_assert_uint_eq(value(&r, "jump_misses", "return"), 1);
    uint64_t hits = value(&r, "jump_hits", "indirect") + value(&r, "jump_hits", "return");
    ck_assert_uint_gt(hits, 1000000); /* 60000000; samples need not find both */
    ck_assert_uint_eq(value(&r, "jump_hits", "cross_page"), 0);
    rig_close(&r);
}
END_TEST

/* Each cause of a translation in another form has its count. */
START_TEST(retranslations)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov ecx, 100; 1: add eax, [FE000010h]; dec ecx; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 64 00 00 00 03 05 10 00 00 FE 49 75 F7"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "retranslations", "by_hand"), 1);
    ck_assert_uint_eq(value(&r, "retranslations", NULL), 1);
    rig_close(&r);
}
END_TEST

/* So has each of a translation after the first was given up. */
START_TEST(retranslations_of_blocks)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    rig_hex(&r, 0x8100, "B8 00 00 00 00 C3"); /* mov eax, 0; ret */
    /* mov ecx, 3; 1: call 8100h; mov [8101h], cl; dec ecx; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 03 00 00 00 E8 F6 00 00 00 88 0D 01 81 00 00 49 75 F2"),
                     RIG_ENDED);
    ck_assert_uint_eq(value(&r, "retranslations", "store"), 2);
    ck_assert_uint_eq(value(&r, "retranslations", "flush"), 0);
    translator_flush(r.t);
    uint64_t blocks = value(&r, "blocks", NULL), before = value(&r, "retranslations", NULL);
    r.ended = false;
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_run(&r), RIG_ENDED);
    ck_assert_uint_ge(value(&r, "retranslations", "flush"), 3);
    /* All that runs has run before. */
    blocks = value(&r, "blocks", NULL) - blocks;
    ck_assert_uint_eq(value(&r, "retranslations", NULL), before + blocks);
    ck_assert_uint_eq(value(&r, "retranslations", "device"), 0);
    rig_hex(&r, 0x8100, "40 40 40 40 40 C3"); /* as a device does it */
    r.ended = false;
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_run(&r), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "retranslations", "device"), 1);
    rig_close(&r);
}
END_TEST

/* The same code in two modes is two translations. */
START_TEST(retranslations_by_mode)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_exec(&r, "90"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "retranslations", NULL), 0);
    r.ended = false;
    rig_real(&r);
    rig_run(&r);
    ck_assert_uint_ge(value(&r, "retranslations", "mode"), 1);
    rig_close(&r);
}
END_TEST

/* What was counted gives the rate for what was not. */
START_TEST(estimate)
{
    struct rig r;
    open_counting(&r);
    /* mov ecx, 300000000; 1: dec ecx; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 00 A3 E1 11 49 75 FD"), RIG_ENDED);
    uint64_t exact = value(&r, "executed", NULL), guess = value(&r, "executed_estimate", NULL);
    ck_assert_uint_ge(exact, 600000000);
    ck_assert_uint_eq(guess, exact);
    translator_count_executions(r.t, false);
    r.ended = false;
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_exec(&r, "B9 00 A3 E1 11 49 75 FD"), RIG_ENDED);
    ck_assert_uint_eq(value(&r, "executed", NULL), exact);
    ck_assert_uint_gt(value(&r, "executed_estimate", NULL), exact);
    rig_close(&r);
}
END_TEST

/* A store into the loop's own code is blamed on its instruction. */
START_TEST(writers)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov ecx, 20; 1: xor byte [800Eh], 8; jmp +0; inc eax, or dec eax (at 800Eh); loop 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 14 00 00 00 80 35 0E 80 00 00 08 EB 00 40 E2 F4"), RIG_ENDED);
    struct translator_writer w[4];
    unsigned n = translator_writers(r.t, w, 4);
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_eq(w[0].eip, RIG_CODE + 5);
    ck_assert_uint_eq(w[0].page, RIG_CODE & ~4095u);
    ck_assert_str_eq(w[0].cause, "store");
    ck_assert_uint_ge(w[0].hits, 10);
    ck_assert_uint_eq(value(&r, "invalidations", "store"), w[0].hits);
    ck_assert_uint_eq(value(&r, "invalidations", NULL), value(&r, "invalidated", NULL));
    rig_close(&r);
}
END_TEST

/* A long loop is found running: samples are there, and name it. */
START_TEST(samples)
{
    struct rig r;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    /* mov ecx, 400000000; 1: dec ecx; jnz 1b */
    ck_assert_int_eq(rig_exec(&r, "B9 00 84 D7 17 49 75 FD"), RIG_ENDED);
    struct translator_block hot[1];
    ck_assert_uint_ge(translator_hot(r.t, BY_SAMPLES, hot, 1), 1);
    ck_assert_uint_eq(hot[0].eip, RIG_CODE + 5);
    ck_assert_uint_ge(hot[0].samples, 5);
    ck_assert_uint_ge(value(&r, "cpu_time", "guest"), 5000000);
    rig_close(&r);
}
END_TEST

static void note_line(void *opaque, const char *line)
{
    *(bool *)opaque |= strstr(line, "no longer there") != NULL;
}

/* Guest code that was overwritten since is not shown as what ran. */
START_TEST(overwritten)
{
    struct rig r;
    bool told = false;
    rig_open(&r, NULL);
    rig_flat(&r, 0);
    ck_assert_int_eq(rig_exec(&r, "B9 E8 03 00 00 49 75 FD"), RIG_ENDED);
    struct translator_block b = block_at(&r, RIG_CODE + 5);
    translator_describe_block(r.t, b.index, false, note_line, &told);
    ck_assert(!told);
    phys_write(r.phys, RIG_CODE + 5, (const uint8_t[]){0x90}, 1);
    translator_describe_block(r.t, b.index, false, note_line, &told);
    ck_assert(told);
    rig_close(&r);
}
END_TEST

static void page(void *opaque, const struct translator_page *p)
{
    if (p->pfn == RIG_CODE >> 12)
        *(struct translator_page *)opaque = *p;
}

/* What is forgotten by a flush stays known of its page. */
START_TEST(pages)
{
    struct rig r;
    struct translator_page before = {0}, after = {0};
    open_counting(&r);
    ck_assert_int_eq(rig_exec(&r, "B9 E8 03 00 00 49 75 FD"), RIG_ENDED);
    translator_each_page(r.t, page, &before);
    ck_assert_uint_ge(before.executions, 2001);
    ck_assert_uint_ge(before.blocks, 2);
    translator_flush(r.t);
    translator_each_page(r.t, page, &after);
    ck_assert_uint_eq(after.executions, before.executions);
    ck_assert_uint_eq(after.blocks, 0);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("count");
    TCase *tc = tcase_create("count");
    tcase_add_test(tc, exact_loop);
    tcase_add_test(tc, flags_survive);
    tcase_add_test(tc, returns);
    tcase_add_test(tc, indirect);
    tcase_add_test(tc, misses);
    tcase_add_test(tc, misses_of_another);
    tcase_add_test(tc, misses_across_pages);
    tcase_add_test(tc, jumps_sampled);
    tcase_add_test(tc, retranslations);
    tcase_add_test(tc, retranslations_of_blocks);
    tcase_add_test(tc, retranslations_by_mode);
    tcase_add_test(tc, estimate);
    tcase_add_test(tc, on_and_off);
    tcase_add_test(tc, calls);
    tcase_add_test(tc, writers);
    tcase_add_test(tc, samples);
    tcase_add_test(tc, pages);
    tcase_add_test(tc, overwritten);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
