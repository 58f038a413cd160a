/* The list of devices: devices/device.c. */
#include "devices/pc.h"

#include <check.h>
#include <stdlib.h>

enum { DOR = 0x3F2 };

static void no_irq(void *opaque, int n, int level)
{
    (void)opaque;
    (void)n;
    (void)level;
}

/* A machine may end at any time: a timer of a device that has gone already comes first in the
 * clock's list, and the floppy controller, which goes next, has one behind it. */
START_TEST(ends_with_armed_timers)
{
    static const struct device_class other = {.name = "other", .free = free};
    struct board board = {
        .bus = bus_new(NULL), .clock = vclock_new(true), .devices = device_list_new()};
    struct vtimer *timer = calloc(1, sizeof *timer);

    fdc_init(&board, (struct irq_line){no_irq, NULL, 6}, NULL);
    device_reset_all(board.devices);
    device_add(board.devices, &other, timer);
    vtimer_init(timer, "other", NULL, NULL);
    vtimer_set(board.clock, timer, vclock_now(board.clock) + 1);
    bus_out(board.bus, DOR, 0, 1);
    bus_out(board.bus, DOR, 0x0C, 1); /* out of reset: an interrupt is due */
    ck_assert_uint_ne(vclock_next_deadline(board.clock), UINT64_MAX);
    device_free_all(board.devices);
    bus_free(board.bus);
    vclock_free(board.clock);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("devices");
    TCase *tc = tcase_create("list");
    tcase_add_test(tc, ends_with_armed_timers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
