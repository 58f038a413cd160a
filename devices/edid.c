/* EDID 1.3 (VESA E-EDID Standard, Release A, section 3). */
#include "devices/edid.h"

#include <string.h>

enum { FIRST_DESCRIPTOR = 54, DESCRIPTOR = 18 };

struct timing {
    uint32_t clock_khz;
    unsigned h_blank, h_front, h_sync;
    unsigned v_blank, v_front, v_sync;
    uint8_t flags;
};

/* Reduced blanking at 60 Hz (VESA Coordinated Video Timings 1.1, section 3.4): at least 460 us of
 * vertical blanking, the clock exact to 10 kHz.  1024 x 768 has the timing that everybody knows
 * (VESA DMT, 65 MHz). */
static struct timing timing_of(unsigned width, unsigned height)
{
    if (width == 1024 && height == 768)
        return (struct timing){65000, 320, 24, 136, 38, 3, 6, 0x18};

    struct timing t = {.h_blank = 160, .h_front = 48, .h_sync = 32, .v_front = 3, .v_sync = 5};
    uint64_t line_ps = (1000000000000ull / 60 - 460000000) / height;

    t.v_blank = (unsigned)(460000000 / line_ps) + 1;
    if (t.v_blank < 3 + 5 + 6)
        t.v_blank = 3 + 5 + 6;
    t.clock_khz = 60u * (width + t.h_blank) * (height + t.v_blank) / 1000;
    t.flags = 0x1A; /* digital separate synchronisation, horizontal positive */
    return t;
}

/* 3.10.2. */
static void detailed(uint8_t *d, unsigned width, unsigned height)
{
    struct timing t = timing_of(width, height);
    unsigned mm_wide = 320, mm_high = 240;

    d[0] = (uint8_t)(t.clock_khz / 10);
    d[1] = (uint8_t)(t.clock_khz / 10 >> 8);
    d[2] = (uint8_t)width;
    d[3] = (uint8_t)t.h_blank;
    d[4] = (uint8_t)((width >> 8 & 15) << 4 | t.h_blank >> 8);
    d[5] = (uint8_t)height;
    d[6] = (uint8_t)t.v_blank;
    d[7] = (uint8_t)((height >> 8 & 15) << 4 | t.v_blank >> 8);
    d[8] = (uint8_t)t.h_front;
    d[9] = (uint8_t)t.h_sync;
    d[10] = (uint8_t)((t.v_front & 15) << 4 | (t.v_sync & 15));
    d[11] = 0;
    d[12] = (uint8_t)mm_wide;
    d[13] = (uint8_t)mm_high;
    d[14] = (uint8_t)((mm_wide >> 8) << 4 | mm_high >> 8);
    d[17] = t.flags;
}

void edid_fill(unsigned width, unsigned height, uint8_t edid[EDID_BYTES])
{
    static const uint8_t head[FIRST_DESCRIPTOR] = {
        0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, /* header */
        0x49, 0xC7, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, /* RNG, product 1, serial 1 */
        0x01, 0x24, 0x01, 0x03,                         /* week 1 of 2026, version 1.3 */
        0x0E, 0x20, 0x18, 0x78, 0x0A,                   /* analog, 32x24 cm, gamma 2.2 */
        0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54, /* sRGB primaries */
        0x21, 0x08, 0x00, /* 640x480, 800x600, 1024x768 */
        /* At 60 Hz: 1280x1024, 1600x1200, 1152x864 (75), 1280x800, 1440x900, 1680x1050, 1920x1080,
         * 1920x1200 */
        0x81, 0x80, 0xA9, 0x40, 0x71, 0x4F, 0x81, 0x00, 0x95, 0x00, 0xB3, 0x00, 0xD1, 0xC0, 0xD1,
        0x00};
    /* 50-125 Hz, 30-160 kHz, up to 400 MHz */
    static const uint8_t limits[DESCRIPTOR] = {0, 0, 0, 0xFD, 0, 50, 125, 30, 160, 40, 0, '\n',
                                               ' ', ' ', ' ', ' ', ' ', ' '};
    static const uint8_t name[DESCRIPTOR] = {0,   0,   0,   0xFC, 0,    'r', 'i', 'n', 'g',
                                             'e', 'r', ' ', 'V',  'G', 'A', '\n', ' ', ' '};
    uint8_t *at = edid + FIRST_DESCRIPTOR, sum = 0;

    memset(edid, 0, EDID_BYTES);
    memcpy(edid, head, sizeof head);
    detailed(at, width, height);
    memcpy(at + DESCRIPTOR, limits, DESCRIPTOR);
    memcpy(at + 2 * DESCRIPTOR, name, DESCRIPTOR);
    at[3 * DESCRIPTOR + 3] = 0x10; /* nothing */
    for (int i = 0; i < EDID_BYTES - 1; i++)
        sum += edid[i];
    edid[EDID_BYTES - 1] = (uint8_t)-sum;
}
