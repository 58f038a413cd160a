/* The VMware backdoor and its pointer, as a driver uses them. */
#include <limits.h>

#include "chipset.h"
#include "devices/vmmouse.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { VERSION = 10, DATA = 39, STATUS = 40, COMMAND = 41 };
#define MAGIC 0x564d5868u

static struct chipset board;
static uint32_t gpr[8];
static struct vmmouse *mouse;

static void setup(void)
{
    chipset_open(&board, 0);
    struct i8042 *k = i8042_init(&board.board, chipset_wire(&board, 1), chipset_wire(&board, 12),
                                 chipset_wire(&board, 2), chipset_wire(&board, 3));
    mouse = vmmouse_init(&board.board, gpr, k, 64 << 20);
}

static void teardown(void)
{
    chipset_close(&board);
}

static uint32_t call(uint32_t command, uint32_t argument)
{
    gpr[EAX] = MAGIC;
    gpr[EBX] = argument;
    gpr[ECX] = command;
    gpr[EDX] = 0x5658;
    gpr[EAX] = bus_in(board.board.bus, 0x5658, 4);
    return gpr[EAX];
}

static void enable(bool absolute)
{
    call(COMMAND, 0x45414552);
    ck_assert_uint_eq(call(STATUS, 0), 1);
    ck_assert_uint_eq(call(DATA, 1), 0x3442554a);
    call(COMMAND, absolute ? 0x53424152 : 0x4c455252);
}

START_TEST(the_backdoor_answers_to_the_magic_only)
{
    gpr[EAX] = 0;
    gpr[ECX] = VERSION;
    ck_assert_uint_eq(bus_in(board.board.bus, 0x5658, 4), UINT32_MAX);
    ck_assert_uint_eq(call(VERSION, ~MAGIC), 6);
    ck_assert_uint_eq(gpr[EBX], MAGIC);
    ck_assert_uint_eq(call(20, 0), 64);
    ck_assert_uint_eq(call(0x7777, 0), UINT32_MAX);
}
END_TEST

START_TEST(a_driver_gets_positions)
{
    ck_assert(!vmmouse_absolute(mouse));
    vmmouse_place(mouse, 1, 2, 0, 0); /* nobody wants it */
    enable(true);
    ck_assert(vmmouse_absolute(mouse));
    ck_assert_uint_eq(call(STATUS, 0), 0);
    vmmouse_place(mouse, 0x1234, 0x10000, -1, 1 | 4);
    ck_assert_uint_eq(call(STATUS, 0), 4);
    ck_assert_uint_eq(call(DATA, 4), 0x28); /* left, middle */
    ck_assert_uint_eq(gpr[EBX], 0x1234);
    ck_assert_uint_eq(gpr[ECX], 0xffff);
    ck_assert_uint_eq(gpr[EDX], UINT32_MAX);
    ck_assert_uint_eq(call(STATUS, 0), 0);
}
END_TEST

START_TEST(a_driver_gets_motion)
{
    enable(false);
    ck_assert(!vmmouse_absolute(mouse));
    vmmouse_move(mouse, 5, 7, 0, 2);
    ck_assert_uint_eq(call(DATA, 4), 0x10010);
    ck_assert_uint_eq(gpr[EBX], 5);
    ck_assert_uint_eq(gpr[ECX], (uint32_t)-7);
    vmmouse_move(mouse, INT_MIN, INT_MIN, INT_MIN, 0); /* a command may ask for it */
    ck_assert_uint_eq(call(DATA, 4), 0x10000);
    ck_assert_uint_eq(gpr[EBX], 0x80000000);
    ck_assert_uint_eq(gpr[ECX], 0x80000000);
}
END_TEST

START_TEST(misuse_is_an_error_and_no_more)
{
    enable(true);
    ck_assert_uint_eq(call(DATA, 4), UINT32_MAX); /* there is nothing */
    ck_assert_uint_eq(call(STATUS, 0) >> 16, 0xffff);
    call(COMMAND, 0x45414552);
    ck_assert_uint_eq(call(STATUS, 0), 1);
    ck_assert_uint_eq(call(DATA, 7), UINT32_MAX);
    ck_assert_uint_eq(call(DATA, 0), UINT32_MAX);
    call(COMMAND, 0x45414552);
    call(COMMAND, 0x53424152);
    for (int i = 0; i < 5000; i++) /* nobody reads */
        vmmouse_place(mouse, 1, 1, 0, 0);
    ck_assert_uint_le(call(STATUS, 0), 1024);
    call(COMMAND, 0xf5);
    ck_assert(!vmmouse_enabled(mouse));
    device_reset_all(board.board.devices);
    ck_assert_uint_eq(call(STATUS, 0) >> 16, 0xffff);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vmmouse");
    TCase *tc = tcase_create("vmmouse");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_backdoor_answers_to_the_magic_only);
    tcase_add_test(tc, a_driver_gets_positions);
    tcase_add_test(tc, a_driver_gets_motion);
    tcase_add_test(tc, misuse_is_an_error_and_no_more);
    suite_add_tcase(suite, tc);
    return chipset_run(suite);
}
