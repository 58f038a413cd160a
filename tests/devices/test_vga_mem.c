/* The window at A0000h: decoding, and the graphics controller's data path. */
#include <check.h>
#include <stdlib.h>

#include "vga_rig.h"

static struct vga_rig rig;

static void setup(void)
{
    vga_rig_start(&rig, 256 << 10);
}

static void teardown(void)
{
    vga_rig_stop(&rig);
}

static void gfx(uint8_t index, uint8_t value)
{
    vga_rig_set(&rig, 0x3CE, index, value);
}

static void seq(uint8_t index, uint8_t value)
{
    vga_rig_set(&rig, 0x3C4, index, value);
}

/* The four planes at OFFSET of A0000h, as one number: plane 3 first. */
static uint32_t planes(uint32_t offset)
{
    uint8_t mode = vga_rig_get(&rig, 0x3CE, 5);
    uint32_t value = 0;

    gfx(5, mode & ~8);
    for (unsigned p = 0; p < 4; p++) {
        gfx(4, p);
        value |= (uint32_t)vga_rig_peek(&rig, 0xA0000 + offset) << p * 8;
    }
    gfx(5, mode);
    return value;
}

START_TEST(map_mask_selects_planes)
{
    vga_rig_mode(&rig, 0x12);
    seq(2, 0x05);
    vga_rig_poke(&rig, 0xA0010, 0xC3);
    ck_assert_uint_eq(planes(0x10), 0x00C300C3);
    seq(2, 0x08);
    vga_rig_poke(&rig, 0xA0010, 0x99);
    ck_assert_uint_eq(planes(0x10), 0x99C300C3);
}
END_TEST

START_TEST(write_mode_0_rotates_sets_and_masks)
{
    vga_rig_mode(&rig, 0x12);
    vga_rig_poke(&rig, 0xA0000, 0xF0); /* all planes */
    gfx(3, 0x04);                      /* rotate right by four */
    vga_rig_poke(&rig, 0xA0001, 0x12);
    ck_assert_uint_eq(planes(1), 0x21212121);
    gfx(3, 0);
    gfx(0, 0x02); /* plane 1 set, plane 2 reset, 0 and 3 from the CPU */
    gfx(1, 0x06);
    gfx(8, 0x3C);
    vga_rig_peek(&rig, 0xA0000); /* latch F0h */
    vga_rig_poke(&rig, 0xA0000, 0x55);
    /* CPU data: (55 & 3C) | (F0 & C3) = D4; set: FC; reset: C0. */
    ck_assert_uint_eq(planes(0), 0xD4C0FCD4);
}
END_TEST

START_TEST(logic_functions_combine_with_the_latch)
{
    static const uint8_t expected[4] = {0x3C, 0x30, 0xFC, 0xCC}; /* 3C with F0 */

    vga_rig_mode(&rig, 0x12);
    for (unsigned function = 0; function < 4; function++) {
        gfx(3, 0);
        vga_rig_poke(&rig, 0xA0000, 0xF0);
        gfx(3, function << 3);
        vga_rig_peek(&rig, 0xA0000);
        vga_rig_poke(&rig, 0xA0000, 0x3C);
        ck_assert_uint_eq(planes(0), expected[function] * 0x01010101u);
    }
}
END_TEST

START_TEST(write_mode_1_copies_latches)
{
    vga_rig_mode(&rig, 0x12);
    for (unsigned p = 0; p < 4; p++) {
        seq(2, 1 << p);
        vga_rig_poke(&rig, 0xA0000, 0x11 * (p + 1));
    }
    seq(2, 0x0F);
    gfx(8, 0x00); /* the bit mask has no say */
    gfx(5, 0x01);
    vga_rig_peek(&rig, 0xA0000);
    vga_rig_poke(&rig, 0xA7FFF, 0x5A);
    ck_assert_uint_eq(planes(0x7FFF), 0x44332211);
}
END_TEST

START_TEST(write_mode_2_takes_a_colour)
{
    vga_rig_mode(&rig, 0x12);
    gfx(5, 0x02);
    gfx(8, 0x81);
    vga_rig_peek(&rig, 0xA0000);
    vga_rig_poke(&rig, 0xA0000, 0x0A);
    ck_assert_uint_eq(planes(0), 0x81008100);
}
END_TEST

START_TEST(write_mode_3_takes_a_mask)
{
    vga_rig_mode(&rig, 0x12);
    vga_rig_poke(&rig, 0xA0000, 0xFF);
    gfx(5, 0x03);
    gfx(0, 0x05);
    gfx(3, 0x01); /* the mask is rotated */
    gfx(8, 0x0F);
    vga_rig_peek(&rig, 0xA0000);
    vga_rig_poke(&rig, 0xA0000, 0x36); /* 1B & 0F = 0B */
    ck_assert_uint_eq(planes(0), 0xF4FFF4FF);
}
END_TEST

START_TEST(read_mode_1_compares_colours)
{
    vga_rig_mode(&rig, 0x12);
    gfx(5, 0x02);
    for (unsigned c = 0; c < 8; c++) {
        gfx(8, 0x80 >> c);
        vga_rig_peek(&rig, 0xA0000);
        vga_rig_poke(&rig, 0xA0000, c);
    }
    gfx(5, 0x08);
    gfx(7, 0x0F);
    gfx(2, 0x05);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xA0000), 0x04);
    gfx(7, 0x03); /* planes 0 and 1: 1 and 5 */
    ck_assert_int_eq(vga_rig_peek(&rig, 0xA0000), 0x44);
    gfx(7, 0x00);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xA0000), 0xFF);
}
END_TEST

START_TEST(latch_is_read_back_by_the_crtc)
{
    vga_rig_mode(&rig, 0x12);
    seq(2, 0x04);
    vga_rig_poke(&rig, 0xA0003, 0xB7);
    gfx(4, 2);
    vga_rig_peek(&rig, 0xA0003);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, 0x22), 0xB7);
}
END_TEST

START_TEST(windows_decode_where_the_map_says)
{
    static const struct {
        uint32_t first, last;
    } maps[4] = {{0xA0000, 0xBFFFF}, {0xA0000, 0xAFFFF}, {0xB0000, 0xB7FFF}, {0xB8000, 0xBFFFF}};

    vga_rig_mode(&rig, 0x12);
    for (unsigned map = 0; map < 4; map++) {
        gfx(6, 1 | map << 2);
        for (uint32_t pa = 0xA0000; pa < 0xC0000; pa += 0x7FFF) {
            bool inside = pa >= maps[map].first && pa <= maps[map].last;

            vga_rig_poke(&rig, pa, 0x77);
            ck_assert_int_eq(vga_rig_peek(&rig, pa), inside ? 0x77 : 0xFF);
        }
    }
    vga_rig_out(&rig, 0x3C2, 0x61); /* RAM disabled */
    ck_assert_int_eq(vga_rig_peek(&rig, 0xBFFFF), 0xFF);
}
END_TEST

START_TEST(text_cells_lie_in_planes_0_and_1)
{
    uint8_t cells[4] = {'A', 0x07, 'B', 0x70}, back[4];

    vga_rig_mode(&rig, 0x03);
    phys_write(rig.board.phys, 0xB8000, cells, 4);
    phys_read(rig.board.phys, 0xB8000, back, 4);
    ck_assert_mem_eq(cells, back, 4);
    seq(4, 6);
    gfx(5, 0);
    gfx(6, 4);
    ck_assert_uint_eq(planes(0) & 0xFFFF, 0x0741);
    ck_assert_uint_eq(planes(1) & 0xFFFF, 0);
    ck_assert_uint_eq(planes(2) & 0xFFFF, 0x7042);
}
END_TEST

START_TEST(odd_even_obeys_the_map_mask)
{
    uint8_t cells[2] = {'A', 0x07};

    vga_rig_mode(&rig, 0x03);
    phys_write(rig.board.phys, 0xB8000, cells, 2);
    seq(2, 1);
    cells[0] = 'Z', cells[1] = 0x1F;
    phys_write(rig.board.phys, 0xB8000, cells, 2);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xB8000), 'Z');
    ck_assert_int_eq(vga_rig_peek(&rig, 0xB8001), 0x07);
}
END_TEST

START_TEST(chain_4_spreads_bytes_over_planes)
{
    uint32_t value = 0x44332211;

    vga_rig_mode(&rig, 0x13);
    phys_write32(rig.board.phys, 0xA0008, value);
    phys_write32(rig.board.phys, 0xAFFFC, ~value);
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0008), value);
    /* Unaligned, over two plane addresses. */
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0006), 0x22110000);
    seq(2, 0x02); /* only plane 1 may change */
    phys_write32(rig.board.phys, 0xA0008, 0);
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0008), 0x44330011);
    /* Without chain-4: the plane address has its low bits clear. */
    seq(2, 0x0F);
    seq(4, 0x06);
    ck_assert_uint_eq(planes(0x08), 0x44330011);
    ck_assert_uint_eq(planes(0xFFFC), ~value);
    ck_assert_uint_eq(planes(0x02), 0);
    vga_rig_poke(&rig, 0xA0008, 0x66);
    vga_rig_poke(&rig, 0xA0001, 0x77);
    seq(4, 0x0E);
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0008), 0x66666666);
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0000), 0);
    seq(4, 0x06);
    ck_assert_uint_eq(planes(0x01), 0x77777777);
}
END_TEST

START_TEST(chain_4_goes_through_the_data_path)
{
    vga_rig_mode(&rig, 0x13);
    gfx(8, 0x0F);
    vga_rig_peek(&rig, 0xA0000);
    vga_rig_poke(&rig, 0xA0002, 0xAA);
    ck_assert_uint_eq(phys_read32(rig.board.phys, 0xA0000), 0x000A0000);
}
END_TEST

START_TEST(hostile_accesses_stay_inside)
{
    uint8_t bytes[64] = {0};

    /* Every decoding, at every border of the window. */
    for (unsigned memory = 0; memory < 16; memory += 2) {
        for (unsigned misc = 0; misc < 16; misc++) {
            vga_rig_mode(&rig, 0x12);
            seq(4, memory);
            gfx(6, misc);
            gfx(5, misc * 16 + 0x10);
            for (uint32_t pa = 0xA0000 - 32; pa <= 0xC0000; pa += 0x8000) {
                phys_write(rig.board.phys, pa, bytes, sizeof(bytes));
                phys_read(rig.board.phys, pa, bytes, sizeof(bytes));
            }
        }
    }
    ck_assert_int_eq(vga_rig_get(&rig, 0x3C4, 4), 0x0E);
}
END_TEST

static bool direct(uint32_t pa)
{
    return phys_frame(rig.board.phys, pa >> PAGE_SHIFT, NULL) == PHYS_RAM;
}

static void poke_much(uint32_t pa, uint8_t value)
{
    for (unsigned i = 0; i < 1000; i++)
        vga_rig_poke(&rig, pa, value);
}

static void count_code_write(void *opaque, uint32_t pa, uint32_t len)
{
    (void)pa, (void)len;
    ++*(unsigned *)opaque;
}

/* Where nothing lies between an access and a byte of memory, the window becomes plain memory after
 * a while, and ceases to be when a register comes between. */
START_TEST(plain_windows_become_memory)
{
    static const struct {
        uint16_t port;
        uint8_t index, off;
    } registers[] = {{0x3C4, 2, 0x0E}, {0x3C4, 4, 0x06}, {0x3CE, 1, 0x01}, {0x3CE, 3, 0x08},
                     {0x3CE, 5, 0x41}, {0x3CE, 5, 0x48}, {0x3CE, 8, 0x7F}};

    vga_rig_mode(&rig, 0x12);
    poke_much(0xA0000, 1);
    ck_assert(!direct(0xA0000));
    vga_rig_mode(&rig, 0x03);
    poke_much(0xB8000, 1);
    ck_assert(!direct(0xB8000));
    vga_rig_mode(&rig, 0x13);
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++) {
        uint8_t on = vga_rig_get(&rig, registers[i].port, registers[i].index);

        vga_rig_poke(&rig, 0xA1234, 0x55);
        poke_much(0xA0000, (uint8_t)i);
        ck_assert(direct(0xA0000) && direct(0xAF000));
        ck_assert(!direct(0xB0000));
        ck_assert_uint_eq(vga_rig_peek(&rig, 0xA1234), 0x55);
        ck_assert_uint_eq(vga_rig_peek(&rig, 0xA0000), i);
        vga_rig_set(&rig, registers[i].port, registers[i].index, registers[i].off);
        ck_assert(!direct(0xA0000));
        vga_rig_set(&rig, registers[i].port, registers[i].index, on);
        ck_assert(!direct(0xA0000));
    }
    poke_much(0xA0000, 7);
    vga_rig_out(&rig, 0x3C2, 0x61); /* memory is disabled */
    ck_assert(!direct(0xA0000));
}
END_TEST

/* Latches that plain reads should have loaded: the first use is noticed, the rest is exact. */
START_TEST(latches_of_plain_reads)
{
    vga_rig_mode(&rig, 0x13);
    poke_much(0xA0000, 0x11);
    ck_assert(direct(0xA0000));
    for (unsigned i = 0; i < 4; i++)
        vga_rig_poke(&rig, 0xA0100 + i, 0x40 + i);
    vga_rig_set(&rig, 0x3CE, 5, 0x41); /* write mode 1, and back */
    vga_rig_poke(&rig, 0xA0200, 0);
    vga_rig_set(&rig, 0x3CE, 5, 0x40);
    for (unsigned round = 0; round < 3; round++) {
        poke_much(0xA0000, 0x22);
        ck_assert(!direct(0xA0000));
        vga_rig_peek(&rig, 0xA0100);
        vga_rig_set(&rig, 0x3CE, 5, 0x41);
        for (unsigned i = 0; i < 4; i++)
            vga_rig_poke(&rig, 0xA0200 + i, 0);
        vga_rig_set(&rig, 0x3CE, 5, 0x40);
        for (unsigned i = 0; i < 4; i++)
            ck_assert_uint_eq(vga_rig_peek(&rig, 0xA0200 + i), 0x40 + i);
    }
    vga_rig_mode(&rig, 0x13); /* the next program */
    poke_much(0xA0000, 0x33);
    ck_assert(direct(0xA0000));
    vga_rig_set(&rig, 0x3CE, 5, 0x41); /* reads with write mode 1 are by hand: nothing is missed */
    vga_rig_peek(&rig, 0xA0100);
    vga_rig_poke(&rig, 0xA0200, 0);
    vga_rig_set(&rig, 0x3CE, 5, 0x40);
    poke_much(0xA0000, 0x33);
    ck_assert(direct(0xA0000));
}
END_TEST

/* Code that was read through the window is gone when that shows something else. */
START_TEST(code_goes_with_what_is_shown)
{
    static const struct {
        uint16_t port;
        uint8_t index, value;
    } registers[] = {{0x3CE, 4, 2}, {0x3CE, 5, 8}, {0x3CE, 6, 9}, {0x3C4, 4, 2}};
    unsigned writes = 0;
    const struct phys_wires wires = {.opaque = &writes, .on_code_write = count_code_write};

    vga_rig_mode(&rig, 0x12);
    phys_set_wires(rig.board.phys, &wires);
    phys_set_flag(rig.board.phys, 0xA3, FRAME_CODE);
    vga_rig_set(&rig, 0x3CE, 8, 0x0F);
    ck_assert_uint_eq(writes, 0);
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++) {
        vga_rig_set(&rig, registers[i].port, registers[i].index, registers[i].value);
        ck_assert_uint_eq(writes, i + 1);
    }
}
END_TEST

START_TEST(banks_become_memory)
{
    vga_rig_mode(&rig, 0x13);
    poke_much(0xA0000, 1);
    vga_rig_dispi(&rig, 1, 320);
    vga_rig_dispi(&rig, 2, 200);
    vga_rig_dispi(&rig, 3, 32);
    vga_rig_dispi(&rig, 4, 1);
    for (unsigned bank = 0; bank < 4; bank++) {
        vga_rig_dispi(&rig, 5, bank);
        ck_assert(direct(0xA0000)); /* as it was in chain-4 */
        poke_much(0xA0000 + bank, 0x40 + bank);
        ck_assert(direct(0xA0000));
        vga_rig_poke(&rig, 0xAFFFF, 0x80 + bank);
        vga_rig_dispi(&rig, 5, bank); /* the same again: no change */
        ck_assert(direct(0xA0000));
    }
    for (unsigned bank = 0; bank < 4; bank++) {
        ck_assert_uint_eq(vga_rig_peek(&rig, 0xE0000000 + bank * 0x10000 + bank), 0x40 + bank);
        ck_assert_uint_eq(vga_rig_peek(&rig, 0xE000FFFF + bank * 0x10000), 0x80 + bank);
    }
    vga_rig_dispi(&rig, 4, 0);
    ck_assert(!direct(0xA0000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_mem");
    TCase *tc = tcase_create("window");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, map_mask_selects_planes);
    tcase_add_test(tc, write_mode_0_rotates_sets_and_masks);
    tcase_add_test(tc, logic_functions_combine_with_the_latch);
    tcase_add_test(tc, write_mode_1_copies_latches);
    tcase_add_test(tc, write_mode_2_takes_a_colour);
    tcase_add_test(tc, write_mode_3_takes_a_mask);
    tcase_add_test(tc, read_mode_1_compares_colours);
    tcase_add_test(tc, latch_is_read_back_by_the_crtc);
    tcase_add_test(tc, windows_decode_where_the_map_says);
    tcase_add_test(tc, text_cells_lie_in_planes_0_and_1);
    tcase_add_test(tc, odd_even_obeys_the_map_mask);
    tcase_add_test(tc, chain_4_spreads_bytes_over_planes);
    tcase_add_test(tc, chain_4_goes_through_the_data_path);
    tcase_add_test(tc, plain_windows_become_memory);
    tcase_add_test(tc, latches_of_plain_reads);
    tcase_add_test(tc, code_goes_with_what_is_shown);
    tcase_add_test(tc, banks_become_memory);
    tcase_add_test(tc, hostile_accesses_stay_inside);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
