/* Data instructions by hand: arithmetic against the host, strings, stack, near transfers. */
#include "cpu/alu.h"
#include "rig.h"

#include <check.h>
#include <string.h>

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 0);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* ---- flags against the host's own ---- */

/* LAHF and SETO after the instruction, CF set before it. */
#define HOST(name, type, text)                                                                     \
    static uint32_t name(type *a, type b, uint32_t cf)                                             \
    {                                                                                              \
        uint16_t ax;                                                                               \
        uint8_t of;                                                                                \
        __asm__("btl $0, %k4\n\t" text "\n\tlahf\n\tseto %1"                                       \
                : "=&a"(ax), "=&q"(of), "+q"(*a)                                                   \
                : "q"(b), "q"(cf)                                                                  \
                : "cc");                                                                           \
        return ((ax >> 8 & 0xD5) | (of ? FLAG_OF : 0));                                            \
    }
#define HOST3(name, op)                                                                            \
    HOST(name##8, uint8_t, op "b %b3, %b2")                                                        \
    HOST(name##16, uint16_t, op "w %w3, %w2")                                                      \
    HOST(name##32, uint32_t, op "l %k3, %k2")
HOST3(host_add, "add")
HOST3(host_adc, "adc")
HOST3(host_sub, "sub")
HOST3(host_sbb, "sbb")
HOST3(host_and, "and")
HOST3(host_or, "or")
HOST3(host_xor, "xor")
HOST3(host_cmp, "cmp")

static uint32_t host_unary(const char op, unsigned size, uint32_t *a, uint32_t cf)
{
    uint16_t ax;
    uint8_t of;
#define RUN(text)                                                                                  \
    __asm__("btl $0, %k3\n\t" text "\n\tlahf\n\tseto %1"                                           \
            : "=&a"(ax), "=&q"(of), "+q"(*a)                                                       \
            : "q"(cf)                                                                              \
            : "cc")
    if (op == 'i' && size == 1)
        RUN("incb %b2");
    else if (op == 'i')
        RUN("incl %k2");
    else if (op == 'd' && size == 1)
        RUN("decb %b2");
    else if (op == 'd')
        RUN("decl %k2");
    else if (size == 1)
        RUN("negb %b2");
    else
        RUN("negl %k2");
    return ((ax >> 8 & 0xD5) | (of ? FLAG_OF : 0));
}

static const uint32_t samples[] = {0,      1,      9,          0x0F,       0x10,       0x7F,
                                   0x80,   0xFF,   0x7FFF,     0x8000,     0xFFFF,     0x12345678,
                                   0x8001, 0xA5A5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xDEADBEEF};

typedef uint32_t (*host8)(uint8_t *, uint8_t, uint32_t);
typedef uint32_t (*host16)(uint16_t *, uint16_t, uint32_t);
typedef uint32_t (*host32)(uint32_t *, uint32_t, uint32_t);

static void compare(enum alu_op op, unsigned size, uint32_t a, uint32_t b, uint32_t cf,
                    uint32_t host_result, uint32_t host_flags)
{
    uint32_t flags = FLAG_DF | cf, mask = size == 4 ? 0xFFFFFFFF : (1u << 8 * size) - 1;
    uint32_t result = alu_execute(op, size, a, b, &flags);
    ck_assert_msg(result == (host_result & mask) && flags == (FLAG_DF | host_flags),
                  "op %d size %u %08x %08x cf %u: %08x flags %03x, host %08x %03x", (int)op, size,
                  a, b, cf, result, flags, host_result, host_flags);
}

START_TEST(flags_against_host)
{
    static const struct {
        enum alu_op op;
        host8 f8;
        host16 f16;
        host32 f32;
    } ops[] = {
        {ALU_ADD, host_add8, host_add16, host_add32}, {ALU_OR, host_or8, host_or16, host_or32},
        {ALU_ADC, host_adc8, host_adc16, host_adc32}, {ALU_SBB, host_sbb8, host_sbb16, host_sbb32},
        {ALU_AND, host_and8, host_and16, host_and32}, {ALU_SUB, host_sub8, host_sub16, host_sub32},
        {ALU_XOR, host_xor8, host_xor16, host_xor32}, {ALU_CMP, host_cmp8, host_cmp16, host_cmp32},
    };
    const unsigned count = sizeof samples / sizeof samples[0];
    for (unsigned o = 0; o < 8; o++)
        for (unsigned n = 0; n < count * count * 2; n++) {
            uint32_t a = samples[n % count], b = samples[n / count % count], cf = n / count / count;
            uint8_t a8 = (uint8_t)a;
            uint16_t a16 = (uint16_t)a;
            uint32_t a32 = a, f8 = ops[o].f8(&a8, (uint8_t)b, cf);
            uint32_t f16 = ops[o].f16(&a16, (uint16_t)b, cf), f32 = ops[o].f32(&a32, b, cf);
            compare(ops[o].op, 1, a, b, cf, a8, f8);
            compare(ops[o].op, 2, a, b, cf, a16, f16);
            compare(ops[o].op, 4, a, b, cf, a32, f32);
        }
}
END_TEST

START_TEST(unary_against_host)
{
    static const enum alu_op ops[] = {ALU_INC, ALU_DEC, ALU_NEG};
    for (unsigned o = 0; o < 3; o++)
        for (unsigned n = 0; n < 2 * sizeof samples / sizeof samples[0]; n++)
            for (unsigned size = 1; size <= 4; size += 3) {
                uint32_t a = samples[n / 2], cf = n & 1;
                uint32_t flags = host_unary("idn"[o], size, &a, cf);
                compare(ops[o], size, samples[n / 2], 0, cf, a, flags);
            }
}
END_TEST

START_TEST(conditions)
{
    /* Each even condition and its odd complement, on all combinations of the five flags. */
    for (unsigned n = 0; n < 32; n++) {
        bool cf = n & 1, zf = n & 2, sf = n & 4, of = n & 8, pf = n & 16;
        uint32_t flags = (cf ? FLAG_CF : 0) | (zf ? FLAG_ZF : 0) | (sf ? FLAG_SF : 0) |
                         (of ? FLAG_OF : 0) | (pf ? FLAG_PF : 0);
        const bool expected[] = {of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of};
        for (unsigned cc = 0; cc < 16; cc++)
            ck_assert_int_eq(alu_condition(cc, flags), expected[cc / 2] != (cc & 1));
    }
}
END_TEST

/* ---- memory forms ---- */

START_TEST(moves)
{
    struct cpu *c = rig.cpu;
    c->gpr[EBX] = RIG_DATA;
    c->gpr[ECX] = 4;
    rig_w32(&rig, RIG_DATA + 0x10 + 16, 0x8899AABB);
    ck_assert_int_eq(rig_exec(&rig, "8B 44 8B 10"), CPU_NEXT); /* [ebx+ecx*4+16] */
    ck_assert_uint_eq(c->gpr[EAX], 0x8899AABB);
    ck_assert_int_eq(rig_exec(&rig, "0F BE 54 8B 11"), CPU_NEXT); /* MOVSX edx, byte */
    ck_assert_uint_eq(c->gpr[EDX], 0xFFFFFFAA);
    ck_assert_int_eq(rig_exec(&rig, "0F 38 F0 54 8B 10"), CPU_NEXT); /* MOVBE */
    ck_assert_uint_eq(c->gpr[EDX], 0xBBAA9988);
    ck_assert_int_eq(rig_exec(&rig, "88 23"), CPU_NEXT); /* MOV [ebx], ah */
    ck_assert_uint_eq(rig_r8(&rig, RIG_DATA), 0xAA);
    ck_assert_int_eq(rig_exec(&rig, "87 44 8B 10"), CPU_NEXT);
    ck_assert_int_eq(rig_exec(&rig, "66 C7 03 34 12"), CPU_NEXT);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA), 0x1234);
    ck_assert_int_eq(rig_exec(&rig, "0F 94 03"), CPU_NEXT); /* SETE */
    ck_assert_uint_eq(rig_r8(&rig, RIG_DATA), 0);
}
END_TEST

START_TEST(bits_and_exchanges)
{
    struct cpu *c = rig.cpu;
    c->gpr[EBX] = RIG_DATA;
    c->gpr[ECX] = (uint32_t)-1; /* bit 31 of the dword below */
    ck_assert_int_eq(rig_exec(&rig, "0F AB 0B"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA - 4), 0x80000000);
    ck_assert_int_eq(rig_exec(&rig, "0F A3 0B"), CPU_NEXT);
    ck_assert(c->flags_host & FLAG_CF);
    rig_w32(&rig, RIG_DATA, 5);
    rig_w32(&rig, RIG_DATA + 4, 6);
    c->gpr[EAX] = 5;
    c->gpr[EDX] = 7;
    c->gpr[ECX] = 0x22;
    ck_assert_int_eq(rig_exec(&rig, "0F C7 0B"), CPU_NEXT); /* CMPXCHG8B, unequal */
    ck_assert_uint_eq(c->gpr[EDX], 6);
    ck_assert(!(c->flags_host & FLAG_ZF));
    ck_assert_int_eq(rig_exec(&rig, "0F C7 0B"), CPU_NEXT); /* equal now */
    ck_assert(c->flags_host & FLAG_ZF);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA), RIG_DATA);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 4), 0x22);
    ck_assert_int_eq(rig_exec(&rig, "F0 0F C1 43 04"), CPU_NEXT); /* XADD [ebx+4], eax */
    ck_assert_uint_eq(c->gpr[EAX], 0x22);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 4), 0x27);
}
END_TEST

/* ---- strings ---- */

START_TEST(movs_forward_and_pattern)
{
    struct cpu *c = rig.cpu;
    for (unsigned n = 0; n < 9000; n++)
        rig_w8(&rig, RIG_DATA + n, (uint8_t)(n * 7));
    c->gpr[ESI] = RIG_DATA + 3;
    c->gpr[EDI] = 0x50001;
    c->gpr[ECX] = 8999;
    enum cpu_result result;
    unsigned rounds = 0;
    do {
        result = rig_exec(&rig, "F3 A4");
        rounds++;
    } while (result == CPU_AGAIN);
    ck_assert_int_eq(result, CPU_NEXT);
    ck_assert_uint_gt(rounds, 1);
    ck_assert_uint_eq(c->gpr[ECX], 0);
    ck_assert_uint_eq(c->gpr[ESI], RIG_DATA + 3 + 8999);
    ck_assert_uint_eq(c->gpr[EDI], 0x50001 + 8999);
    for (unsigned n = 0; n < 8990; n++)
        ck_assert_uint_eq(rig_r8(&rig, 0x50001 + n), (uint8_t)((n + 3) * 7));
    /* Overlap upwards repeats the first two elements. */
    rig_w32(&rig, 0x60000, 0xAAAA1111);
    c->gpr[ESI] = 0x60000;
    c->gpr[EDI] = 0x60004;
    c->gpr[ECX] = 100;
    ck_assert_int_eq(rig_exec(&rig, "F3 A5"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, 0x60000 + 400), 0xAAAA1111);
}
END_TEST

START_TEST(movs_backward)
{
    struct cpu *c = rig.cpu;
    for (unsigned n = 0; n < 64; n++)
        rig_w8(&rig, RIG_DATA + n, (uint8_t)n);
    c->flags_host |= FLAG_DF;
    c->gpr[ESI] = RIG_DATA + 60;
    c->gpr[EDI] = RIG_DATA + 64;
    c->gpr[ECX] = 16;
    ck_assert_int_eq(rig_exec(&rig, "F3 A5"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ESI], RIG_DATA - 4);
    for (unsigned n = 0; n < 64; n++)
        ck_assert_uint_eq(rig_r8(&rig, RIG_DATA + 4 + n), n);
}
END_TEST

/* A fault in the middle leaves the registers at the element that faulted. */
START_TEST(stos_faults_exactly)
{
    struct cpu *c = rig.cpu;
    rig_segment(&rig, RIG_GDT, SEL_FREE, RIG_DATA, 0x107, 0x93, 4);
    c->gpr[EAX] = SEL_FREE;
    ck_assert_int_eq(rig_exec(&rig, "8E C0"), CPU_NEXT);
    c->gpr[EAX] = 0x5A5A5A5A;
    c->gpr[EDI] = 0x102;
    c->gpr[ECX] = 10;
    ck_assert_int_eq(rig_exec(&rig, "F3 66 AB"), CPU_EXCEPTION);
    ck_assert_uint_eq(c->exc.vector, EXC_GP);
    ck_assert_uint_eq(c->gpr[ECX], 7);
    ck_assert_uint_eq(c->gpr[EDI], 0x108);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 0x106), 0x5A5A);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 0x108), 0);
}
END_TEST

START_TEST(scas_and_cmps)
{
    struct cpu *c = rig.cpu;
    for (unsigned n = 0; n < 300; n++)
        rig_w8(&rig, RIG_DATA + n, 'x');
    rig_w8(&rig, RIG_DATA + 200, 0);
    c->gpr[EAX] = 0;
    c->gpr[EDI] = RIG_DATA;
    c->gpr[ECX] = 0xFFFFFFFF;
    ck_assert_int_eq(rig_exec(&rig, "F2 AE"), CPU_NEXT); /* strlen */
    ck_assert_uint_eq(c->gpr[EDI], RIG_DATA + 201);
    ck_assert_uint_eq(~c->gpr[ECX], 201);
    ck_assert(c->flags_host & FLAG_ZF);
    c->gpr[ESI] = RIG_DATA;
    c->gpr[EDI] = RIG_DATA + 100;
    c->gpr[ECX] = 150;
    ck_assert_int_eq(rig_exec(&rig, "F3 A6"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ECX], 150 - 101);
    ck_assert(!(c->flags_host & (FLAG_ZF | FLAG_CF))); /* 'x' above 0 */
    uint32_t flags = c->flags_host;
    c->gpr[ECX] = 0;
    ck_assert_int_eq(rig_exec(&rig, "F3 A6"), CPU_NEXT); /* no element: flags stay */
    ck_assert_uint_eq(c->flags_host, flags);
}
END_TEST

START_TEST(sixteen_bit_counters)
{
    struct cpu *c = rig.cpu;
    c->gpr[ECX] = 0xFFFF0003;
    c->gpr[EDI] = 0xABCDFFFE; /* 16-bit address size: DI wraps */
    c->gpr[EAX] = 0x77;
    ck_assert_int_eq(rig_exec(&rig, "67 F3 AA"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ECX], 0xFFFF0000);
    ck_assert_uint_eq(c->gpr[EDI], 0xABCD0001);
    ck_assert_uint_eq(rig_r8(&rig, 0xFFFF), 0x77);
    ck_assert_uint_eq(rig_r8(&rig, 0), 0x77);
}
END_TEST

START_TEST(strings_write_no_rom)
{
    struct cpu *c = rig.cpu;
    uint8_t image[4096];
    memset(image, 0x11, sizeof image);
    phys_map_rom(rig.phys, "rom", 0xF0000, 4096, image, 4096);
    c->gpr[EDI] = 0xF0000;
    c->gpr[ECX] = 64;
    c->gpr[EAX] = 0;
    ck_assert_int_eq(rig_exec(&rig, "F3 AA"), CPU_NEXT);
    ck_assert_uint_eq(rig_r8(&rig, 0xF0000), 0x11);
    ck_assert_uint_eq(c->gpr[EDI], 0xF0040);
}
END_TEST

/* ---- stack and transfers ---- */

START_TEST(pusha_popa)
{
    struct cpu *c = rig.cpu;
    uint32_t before[8];
    for (unsigned n = 0; n < 8; n++)
        if (n != ESP)
            c->gpr[n] = n * 0x01010101;
    memcpy(before, c->gpr, sizeof before);
    ck_assert_int_eq(rig_exec(&rig, "60"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 20), RIG_STACK0);
    memset(c->gpr, 0, 4 * sizeof c->gpr[0]);
    ck_assert_int_eq(rig_exec(&rig, "61"), CPU_NEXT);
    ck_assert_mem_eq(before, c->gpr, sizeof before);
    /* POP [ESP+4]: the address is that after the increment. */
    c->gpr[ESP] = RIG_STACK0 - 16;
    rig_w32(&rig, RIG_STACK0 - 16, 0x1234);
    ck_assert_int_eq(rig_exec(&rig, "8F 44 24 04"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 8), 0x1234);
}
END_TEST

START_TEST(near_transfers)
{
    struct cpu *c = rig.cpu;
    ck_assert_int_eq(rig_exec(&rig, "E8 00 10 00 00"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 0x1005);
    ck_assert_int_eq(rig_exec(&rig, "C2 08 00"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 5);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK0 + 8);
    c->seg[SEG_CS].limit = 0xFFFF;
    cpu_segment_changed(c, SEG_CS);
    ck_assert(rig_faults(&rig, "E9 00 00 01 00", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "E8 00 00 01 00", EXC_GP, 0));
    c->gpr[ECX] = 1;
    ck_assert_int_eq(rig_exec(&rig, "E2 F0"), CPU_NEXT); /* not taken */
    ck_assert_uint_eq(c->gpr[ECX], 0);
    ck_assert_int_eq(rig_exec(&rig, "E2 F0"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 5 + 2 + 2 - 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data");
    TCase *tc = tcase_create("data");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, flags_against_host);
    tcase_add_test(tc, unary_against_host);
    tcase_add_test(tc, conditions);
    tcase_add_test(tc, moves);
    tcase_add_test(tc, bits_and_exchanges);
    tcase_add_test(tc, movs_forward_and_pattern);
    tcase_add_test(tc, movs_backward);
    tcase_add_test(tc, stos_faults_exactly);
    tcase_add_test(tc, scas_and_cmps);
    tcase_add_test(tc, sixteen_bit_counters);
    tcase_add_test(tc, strings_write_no_rom);
    tcase_add_test(tc, pusha_popa);
    tcase_add_test(tc, near_transfers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
