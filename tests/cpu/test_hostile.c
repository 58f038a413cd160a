/* Random instructions on random state: nothing may crash, hang, or leave a rule of the state
 * broken.  The seed is fixed, so a failure repeats. */
#include "cpu/segment.h"
#include "rig.h"

#include <check.h>

static struct rig rig;

static uint32_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 16);
}

/* Interesting values are likelier than any. */
static uint32_t value(uint64_t *seed)
{
    static const uint32_t corners[] = {0,      1,      2,       0xFFFF,     0x10000,  0xFFFFFFFF,
                                       0x7FFF, 0x8000, RIG_GDT, 0x80000000, RIG_DATA, RIG_TSS};
    uint32_t r = next(seed);
    return r & 3 ? corners[(r >> 8) % (sizeof corners / sizeof corners[0])] + (r >> 20 & 7)
                 : next(seed);
}

static struct insn random_insn(uint64_t *seed)
{
    static const uint8_t one[] = {
        0x06, 0x07, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x62, 0x63, 0x6C, 0x6D, 0x6E,
        0x6F, 0x8C, 0x8E, 0x9A, 0x9C, 0x9D, 0xC4, 0xC5, 0xC8, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF,
        0xD4, 0xD5, 0xD6, 0xD9, 0xDD, 0xE4, 0xE7, 0xEA, 0xED, 0xEE, 0xF1, 0xFA, 0xFB, 0xFF, 0x60,
        0x61, 0xA4, 0xA5, 0xA6, 0xAB, 0xAD, 0xAE, 0xC2, 0xC9, 0xE8, 0x8F, 0x01, 0x87, 0x8B, 0xD7};
    static const uint8_t two[] = {0x00, 0x01, 0x02, 0x03, 0x06, 0x09, 0x20, 0x21, 0x22, 0x23,
                                  0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0xA0, 0xA1, 0xA2, 0xA8,
                                  0xAE, 0xB2, 0xB4, 0xB5, 0xAB, 0xBA, 0xB1, 0xC1, 0xC7, 0xB6};
    struct insn in = {.len = 1 + next(seed) % 15, .seg = next(seed) % 6, .has_modrm = true};
    uint32_t r = next(seed);
    in.map = r & 1 ? MAP_0F : MAP_1B;
    in.opcode = r & 1 ? two[(r >> 1) % sizeof two] : one[(r >> 1) % sizeof one];
    r = next(seed);
    in.modrm = (uint8_t)r;
    in.has_mem = in.modrm < 0xC0;
    in.sib = (uint8_t)(r >> 8);
    in.opsize = r & 1u << 16 ? 4 : 2;
    in.addrsize = r & 1u << 17 ? 4 : 2;
    in.override = r & 1u << 18 ? in.seg : SEG_NONE;
    in.rep = r & 1u << 19 ? 0xF3 : r & 1u << 20 ? 0xF2 : 0;
    in.disp = (int32_t)value(seed);
    in.imm = value(seed);
    in.imm2 = (uint16_t)value(seed);
    return in;
}

static void random_memory(uint64_t *seed)
{
    for (unsigned n = 0; n < 64; n++) {
        uint32_t r = next(seed);
        rig_segment(&rig, RIG_GDT, (uint16_t)(n * 8), value(seed), value(seed), (uint8_t)r,
                    (uint8_t)(r >> 8));
        rig_w32(&rig, RIG_TSS + 4 * n, value(seed));
        rig_w32(&rig, RIG_DATA + 4 * n, value(seed));
    }
    for (unsigned n = 0; n < 256; n++) {
        uint32_t r = next(seed);
        rig_gate(&rig, RIG_IDT, n, (uint16_t)(r & 0x1FF), value(seed), (uint8_t)(r >> 16), 31);
    }
}

static void random_state(uint64_t *seed)
{
    struct cpu *c = rig.cpu;
    cpu_reset(c);
    random_memory(seed);
    uint32_t r = next(seed);
    if (r & 7)
        rig_protected(&rig, r & 8 ? 3 : 0);
    for (unsigned n = 0; n < 8; n++)
        c->gpr[n] = value(seed);
    cpu_set_eflags(c, next(seed) & ~(uint32_t)(c->cr0 & CR0_PE && r & 16 ? 0 : FLAG_VM));
    if (cpu_v86(c))
        c->cpl = 3;
    cpu_write_cr4(c, r >> 8 & 3);
    c->tr.limit = value(seed);
    c->idtr.limit = r & 32 ? 0x7FF : value(seed) & 0xFFFF;
}

static void check_rules(void)
{
    const struct cpu *c = rig.cpu;
    ck_assert(!(c->cr0 & CR0_PG) || (c->cr0 & CR0_PE));
    ck_assert_uint_le(c->cpl, 3);
    ck_assert((c->cr0 & CR0_PE) || c->cpl == 0);
    ck_assert_uint_eq(c->in_exception, 0);
    ck_assert_uint_eq(c->flags_host & ~(uint32_t)FLAGS_HOST, 0);
    ck_assert_uint_eq(c->iflag & ~(uint32_t)FLAG_IF, 0);
    ck_assert(c->flags_sys & 2);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        ck_assert(cpu_limit_area_contains(c, c->seg[n].read_check));
}

START_TEST(random_instructions)
{
    uint64_t seed = 0x9E3779B97F4A7C15 + (uint64_t)_i * 0x123456789;
    rig_open(&rig, "max");
    for (unsigned round = 0; round < 300; round++) {
        random_state(&seed);
        for (unsigned n = 0; n < 30 && !rig.cpu->shutdown; n++) {
            struct insn in = random_insn(&seed);
            bool handled;
            rig.cpu->exc.valid = 0;
            enum cpu_result result = cpu_emulate_data(rig.cpu, &in, &handled);
            if (!handled)
                result = cpu_emulate(rig.cpu, &in);
            ck_assert_int_eq(result == CPU_EXCEPTION, rig.cpu->exc.valid);
            if (result == CPU_EXCEPTION)
                cpu_deliver_exception(rig.cpu);
            if (next(&seed) % 16 == 0 && !rig.cpu->shutdown)
                cpu_deliver_interrupt(rig.cpu, (uint8_t)next(&seed));
            check_rules();
        }
    }
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile guests");
    TCase *tc = tcase_create("hostile");
    tcase_add_loop_test(tc, random_instructions, 0, 8);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
