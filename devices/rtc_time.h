/* The time as the MC146818 shows it: ten registers and the century byte. */
#ifndef RINGER_DEVICES_RTC_TIME_H
#define RINGER_DEVICES_RTC_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RTC_SECONDS = 0,
    RTC_SECONDS_ALARM = 1,
    RTC_MINUTES = 2,
    RTC_MINUTES_ALARM = 3,
    RTC_HOURS = 4,
    RTC_HOURS_ALARM = 5,
    RTC_WEEKDAY = 6,
    RTC_DAY = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_REG_B = 0x0b,
    RTC_CENTURY = 0x32, /* the AT's place for it, in the format of the others */

    RTC_B_24H = 0x02,
    RTC_B_BINARY = 0x04,
};

/* True for the registers that the clock itself changes. */
bool rtc_is_time(uint8_t index);
/* Write T (seconds since 1970) into the time registers in the format that register B of CMOS
 * selects; WEEKDAY is added to the day of the week. */
void rtc_encode(int64_t t, int64_t weekday, uint8_t *cmos);
/* The reverse.  Values out of range are carried over or wrapped, never refused; *WEEKDAY becomes
 * what the register is off the calendar. */
int64_t rtc_decode(const uint8_t *cmos, int64_t *weekday);
/* The first second after T at which the alarm registers match; INT64_MAX: never. */
int64_t rtc_next_alarm(const uint8_t *cmos, int64_t t);

#endif
