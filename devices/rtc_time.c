/* Calendar and register formats of the MC146818 (datasheet, "Time, Calendar, and Alarm Data
 * Modes").  Gregorian throughout. */
#include "devices/rtc_time.h"

enum {
    DAY = 86400,
    PM = 0x80,
    ALARM_ANY = 0xc0, /* "don't care": any value with both bits set */
    DAYS_400_YEARS = 146097,
    EPOCH_WEEKDAY = 4, /* 1 January 1970 was a Thursday, Sunday being 0 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to the given date; years begin in March, so that the leap day is last. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_400_YEARS + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, DAYS_400_YEARS);
    int64_t doe = z - era * DAYS_400_YEARS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (int)((5 * doy + 2) / 153);

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

static uint8_t encode(const uint8_t *cmos, int v)
{
    return (uint8_t)(cmos[RTC_REG_B] & RTC_B_BINARY ? v : v / 10 << 4 | v % 10);
}

static int decode(const uint8_t *cmos, uint8_t v)
{
    return cmos[RTC_REG_B] & RTC_B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const uint8_t *cmos, int hour)
{
    if (cmos[RTC_REG_B] & RTC_B_24H)
        return encode(cmos, hour);
    return encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static int decode_hour(const uint8_t *cmos, uint8_t v)
{
    if (cmos[RTC_REG_B] & RTC_B_24H)
        return decode(cmos, v) % 24;
    return decode(cmos, v & (uint8_t)~PM) % 12 + (v & PM ? 12 : 0);
}

bool rtc_is_time(uint8_t index)
{
    return index == RTC_SECONDS || index == RTC_MINUTES || index == RTC_HOURS ||
           (index >= RTC_WEEKDAY && index <= RTC_YEAR) || index == RTC_CENTURY;
}

static int weekday_of(int64_t days)
{
    return (int)(((days + EPOCH_WEEKDAY) % 7 + 7) % 7);
}

void rtc_encode(int64_t t, int64_t weekday, uint8_t *cmos)
{
    int64_t days = floor_div(t, DAY), year;
    int second = (int)(t - days * DAY), month, day;

    date_from_days(days, &year, &month, &day);
    year = (year % 10000 + 10000) % 10000;
    cmos[RTC_SECONDS] = encode(cmos, second % 60);
    cmos[RTC_MINUTES] = encode(cmos, second / 60 % 60);
    cmos[RTC_HOURS] = encode_hour(cmos, second / 3600);
    cmos[RTC_WEEKDAY] = encode(cmos, (int)((weekday_of(days) + weekday) % 7) + 1);
    cmos[RTC_DAY] = encode(cmos, day);
    cmos[RTC_MONTH] = encode(cmos, month);
    cmos[RTC_YEAR] = encode(cmos, (int)(year % 100));
    cmos[RTC_CENTURY] = encode(cmos, (int)(year / 100));
}

int64_t rtc_decode(const uint8_t *cmos, int64_t *weekday)
{
    int64_t year = decode(cmos, cmos[RTC_CENTURY]) * 100 + decode(cmos, cmos[RTC_YEAR]);
    int month = decode(cmos, cmos[RTC_MONTH]), day = decode(cmos, cmos[RTC_DAY]);
    int shown = decode(cmos, cmos[RTC_WEEKDAY]);
    int64_t days = days_from_date(year, (month + 11) % 12 + 1, day);

    *weekday = ((shown + 6 - weekday_of(days)) % 7 + 7) % 7;
    return days * DAY + decode_hour(cmos, cmos[RTC_HOURS]) * 3600 +
           decode(cmos, cmos[RTC_MINUTES]) % 60 * 60 + decode(cmos, cmos[RTC_SECONDS]) % 60;
}

static bool alarm_matches(uint8_t alarm, uint8_t shown)
{
    return (alarm & ALARM_ANY) == ALARM_ANY || alarm == shown;
}

/* Steps over hours and minutes that do not match; two days hold every time of day after T. */
int64_t rtc_next_alarm(const uint8_t *cmos, int64_t t)
{
    int64_t end = t + 2 * DAY;

    for (t++; t < end;) {
        int second = (int)(t - floor_div(t, DAY) * DAY);

        if (!alarm_matches(cmos[RTC_HOURS_ALARM], encode_hour(cmos, second / 3600)))
            t += 3600 - second % 3600;
        else if (!alarm_matches(cmos[RTC_MINUTES_ALARM], encode(cmos, second / 60 % 60)))
            t += 60 - second % 60;
        else if (!alarm_matches(cmos[RTC_SECONDS_ALARM], encode(cmos, second % 60)))
            t++;
        else
            return t;
    }
    return INT64_MAX;
}
