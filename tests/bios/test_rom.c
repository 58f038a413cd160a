/* The ROM's fixed places, the interrupt vectors, and the state after POST. */
#include "rig.h"

#include "devices/vga_font.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, 32, 2880, 20 * 16 * 63);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static uint8_t rom8(uint32_t offset)
{
    uint8_t v;

    phys_read(rig.board.phys, 0xF0000 + offset, &v, 1);
    return v;
}

/* The service that the jump at OFFSET leads to begins with this trap. */
static unsigned service_at(uint16_t offset)
{
    const uint8_t *rom = rig.bios->rom;
    uint16_t at;

    if (rom[offset] == 0xE9)
        at = offset + 3 + (rom[offset + 1] | rom[offset + 2] << 8);
    else if (rom[offset] == 0xEB)
        at = offset + 2 + (int8_t)rom[offset + 1];
    else
        return 0;
    for (unsigned i = 0; i < 24; i++)
        if (rom[at + i] == 0xE6 && rom[at + i + 1] == ROM_TRAP_PORT)
            return rom[at + i + 4];
    return 0;
}

START_TEST(test_reset_vector)
{
    static const uint8_t jump[5] = {0xEA, 0x5B, 0xE0, 0x00, 0xF0};
    uint8_t seen[5];

    phys_read(rig.board.phys, 0xFFFFFFF0u, seen, 5);
    ck_assert_mem_eq(seen, jump, 5);
    phys_read(rig.board.phys, 0xFFFF0, seen, 5);
    ck_assert_mem_eq(seen, jump, 5);
    ck_assert_uint_eq(rom8(0xFFFE), 0xFC);
    ck_assert_uint_eq(rom8(0xFFF5 + 2), '/');
    ck_assert_uint_eq(rom8(0xFF53), 0xCF);
}
END_TEST

START_TEST(test_entry_points)
{
    ck_assert_uint_eq(service_at(0xE05B), TRAP_RESET);
    ck_assert_uint_eq(service_at(0xE3FE), TRAP_INT13);
    ck_assert_uint_eq(service_at(0xE6F2), TRAP_BOOT);
    ck_assert_uint_eq(service_at(0xE739), TRAP_INT14);
    ck_assert_uint_eq(service_at(0xE82E), TRAP_INT16);
    ck_assert_uint_eq(service_at(0xE987), TRAP_INT09);
    ck_assert_uint_eq(service_at(0xEC59), TRAP_INT13);
    ck_assert_uint_eq(service_at(0xEFD2), TRAP_INT17);
    ck_assert_uint_eq(service_at(0xF065), TRAP_INT10);
    ck_assert_uint_eq(service_at(0xF859), TRAP_INT15);
    ck_assert_uint_eq(service_at(0xFE6E), TRAP_INT1A);
    ck_assert_uint_eq(service_at(0xFF54), TRAP_INT05);
}
END_TEST

START_TEST(test_fonts)
{
    uint8_t glyph[16];

    phys_read(rig.board.phys, 0xFFA6E + 'A' * 8, glyph, 8);
    ck_assert_mem_eq(glyph, vga_font_8x8 + 'A' * 8, 8);
    phys_read(rig.board.phys, 0xF0000 + ROM_FONT_8X16 + 0xDB * 16, glyph, 16);
    ck_assert_mem_eq(glyph, vga_font_8x16 + 0xDB * 16, 16);
}
END_TEST

START_TEST(test_vectors)
{
    rig_post(&rig);
    ck_assert_uint_eq(lin32(rig.bios, 0x10 * 4), 0xF000F065);
    ck_assert_uint_eq(lin32(rig.bios, 0x13 * 4), 0xF000E3FE);
    ck_assert_uint_eq(lin32(rig.bios, 0x08 * 4), 0xF000FEA5);
    ck_assert_uint_eq(lin32(rig.bios, 0x1E * 4), 0xF000EFC7);
    ck_assert_uint_eq(lin32(rig.bios, 0x41 * 4), 0xF000E401);
    ck_assert_uint_eq(lin32(rig.bios, 0x1C * 4), 0xF000FF53);
    ck_assert_uint_eq(lin32(rig.bios, 0x60 * 4), 0);
    ck_assert_uint_eq(lin32(rig.bios, 0xF1 * 4), 0);
}
END_TEST

START_TEST(test_data_area)
{
    rig_post(&rig);
    ck_assert_uint_eq(bda16(rig.bios, 0), 0x3F8);
    ck_assert_uint_eq(bda16(rig.bios, 2), 0);
    ck_assert_uint_eq(bda16(rig.bios, 0x0E), 0x9FC0);
    ck_assert_uint_eq(bda16(rig.bios, 0x13), 639);
    /* one floppy, coprocessor, mouse, colour 80 columns, one serial port */
    ck_assert_uint_eq(bda16(rig.bios, 0x10), 0x0227);
    ck_assert_uint_eq(bda8(rig.bios, 0x49), 3);
    ck_assert_uint_eq(bda16(rig.bios, 0x4A), 80);
    ck_assert_uint_eq(bda8(rig.bios, 0x84), 24);
    ck_assert_uint_eq(bda8(rig.bios, 0x75), 1);
    ck_assert_uint_eq(lin8(rig.bios, 0x9FC00), 1);
    /* the PIC: 08h and 70h, timer and keyboard open */
    ck_assert_uint_eq(in8(rig.bios, 0x21) & 0x07, 0);
    ck_assert_uint_eq(in8(rig.bios, 0x64) & 1, 0);
}
END_TEST

START_TEST(test_banner_and_cmos)
{
    static struct vga_text text;
    char line[81];

    rig_post(&rig);
    vga_text(rig.vga, &text);
    ck_assert(text.text_mode);
    ck_assert_uint_eq(text.columns, 80);
    ck_assert_uint_eq(text.rows, 25);
    for (int i = 0; i < 80; i++)
        line[i] = text.cells[i];
    line[80] = 0;
    ck_assert_msg(strncmp(line, "ringer BIOS", 11) == 0, "%s", line);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x10), 0x40);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x12), 0xF0);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x15) | cmos_read(rig.bios, 0x16) << 8, 640);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x30) | cmos_read(rig.bios, 0x31) << 8, 31 * 1024);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x34) | cmos_read(rig.bios, 0x35) << 8, 16 * 16);
}
END_TEST

/* Other writers to the trap port are ignored, wherever they are. */
START_TEST(test_foreign_trap)
{
    rig_post(&rig);
    cpu_set_real_segment(rig.cpu, SEG_CS, 0x1000, false);
    rig.cpu->gpr[EAX] = 0x12345678;
    for (uint32_t eip = 0; eip < 0x20000; eip += 0x111) {
        rig.cpu->eip = eip;
        bus_out(rig.board.bus, ROM_TRAP_PORT, 0x13, 1);
    }
    cpu_set_real_segment(rig.cpu, SEG_CS, 0xFFFF, false);
    rig.cpu->eip = 0xFFFF;
    bus_out(rig.board.bus, ROM_TRAP_PORT, 0x13, 1);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 0x12345678);
    ck_assert_uint_eq(bus_in(rig.board.bus, ROM_TRAP_PORT, 1), 0xFF);
}
END_TEST

/* A Plug and Play BIOS without nodes, whose entries say so. */
START_TEST(test_pnp)
{
    static const uint8_t entry[4] = {0xB8, 0x82, 0x00, 0xCB};
    const uint8_t *p = rig.bios->rom;
    uint8_t sum = 0;

    while (memcmp(p, "$PnP", 4) && p < rig.bios->rom + ROM_CODE)
        p += 16;
    ck_assert_int_eq(memcmp(p, "$PnP\x10\x21", 6), 0);
    for (unsigned i = 0; i < p[5]; i++)
        sum += p[i];
    ck_assert_uint_eq(sum, 0);
    ck_assert_int_eq(memcmp(rig.bios->rom + (p[13] | p[14] << 8), entry, sizeof entry), 0);
    ck_assert_int_eq(memcmp(p + 15, "\0\xF0", 2), 0);
    ck_assert_int_eq(memcmp(p + 17, p + 13, 2), 0);
    ck_assert_int_eq(memcmp(p + 19, "\0\0\x0F\0", 4), 0);
}
END_TEST

/* The shutdown byte is read and used up. */
START_TEST(test_shutdown_code)
{
    rig_post(&rig);
    cmos_write(rig.bios, 0x0F, 0x0A);
    rig_trap(&rig, TRAP_RESET);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 0x0A);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x0F), 0);
}
END_TEST

START_TEST(test_boot_order)
{
    rig_post(&rig);
    rig.cpu->gpr[ESP] = RIG_SP;
    rig_trap(&rig, TRAP_BOOT);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFF, BOOT_SECTOR);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x00);
    ck_assert_uint_eq(lin32(rig.bios, 0x7C04), 0x544F4F42);
    rig_trap(&rig, TRAP_BOOT_NEXT);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFF, BOOT_SECTOR);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x80);
    rig_trap(&rig, TRAP_BOOT_NEXT);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFF, BOOT_NOTHING);
}
END_TEST

/* What firmware checks of an option ROM, and where its tables point. */
START_TEST(test_video_rom)
{
    uint32_t len = 0, at;
    const uint8_t *rom = bios_video_rom(rig.bios, &len);
    uint8_t sum = 0;

    ck_assert_uint_eq(len, VIDEO_ROM_SIZE);
    ck_assert_ptr_eq(bios_video_rom(rig.bios, &len), rom);
    ck_assert_mem_eq(rom, "\x55\xAA\x20", 3);
    for (uint32_t i = 0; i < len; i++)
        sum += rom[i];
    ck_assert_uint_eq(sum, 0);
    at = rom[0x18] | rom[0x19] << 8;
    ck_assert_mem_eq(rom + at, "PCIR\x34\x12\x11\x11", 8);
    ck_assert_uint_eq(rom[at + 16] | rom[at + 17] << 8, len / 512);
    at = VIDEO_ROM_DATA + ROM_VIDEO_SAVE - ROM_FONT_8X16; /* save pointers, then the second table */
    ck_assert_mem_eq(rom + at + 18, "\x00\xC0", 2);
    at = rom[at + 16] | rom[at + 17] << 8;
    ck_assert_uint_eq(rom[at], 26);
    at = rom[at + 2] | rom[at + 3] << 8;
    ck_assert_mem_eq(rom + at, rig.bios->rom + ROM_VIDEO_DCC, 36);
    ck_assert_mem_eq(rom + VIDEO_ROM_DATA, vga_font_8x16, sizeof vga_font_8x16);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rom");
    TCase *t = tcase_create("rom");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_reset_vector);
    tcase_add_test(t, test_video_rom);
    tcase_add_test(t, test_entry_points);
    tcase_add_test(t, test_fonts);
    tcase_add_test(t, test_vectors);
    tcase_add_test(t, test_data_area);
    tcase_add_test(t, test_banner_and_cmos);
    tcase_add_test(t, test_foreign_trap);
    tcase_add_test(t, test_pnp);
    tcase_add_test(t, test_shutdown_code);
    tcase_add_test(t, test_boot_order);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
