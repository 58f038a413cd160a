/* Sectors as they are on a CD: addresses, and raw mode 1 sectors with their error detection and
 * correction codes (ECMA-130, sections 14 to 16 and annex A). */
#include "devices/atapi.h"

#include <string.h>

enum {
    SYNC = 12,
    HEADER = 4,
    DATA_AT = SYNC + HEADER,
    EDC_AT = DATA_AT + CD_SECTOR,
    ECC_AT = EDC_AT + 12,
    ECC_P = 172,
    PREGAP = 150,

    RAW_SYNC = 0x80,
    RAW_HEADER = 0x20, /* bit 6 would be the sub-header, which mode 1 has not got */
    RAW_DATA = 0x10,
    RAW_EDC = 0x08,
    RAW_C2 = 0x02,       /* error flags, a bit for each byte of the sector */
    RAW_C2_BLOCK = 0x04, /* and two bytes that sum them up before */
    C2_BYTES = CD_RAW_SECTOR / 8,

    SUB_PW = 1, /* all sub-channels as they are on the disc, Q in bit 6 of each byte */
    SUB_Q = 2,
    SUB_RW = 4,
    SUB_PW_BYTES = 96,
    SUB_Q_BYTES = 16,
};

void cd_msf(uint8_t *p, uint32_t lba)
{
    lba += PREGAP;
    p[0] = (uint8_t)(lba / (75 * 60));
    p[1] = (uint8_t)(lba / 75 % 60);
    p[2] = (uint8_t)(lba % 75);
}

static uint32_t sub_size(uint8_t sub)
{
    return sub == SUB_Q ? SUB_Q_BYTES : sub ? SUB_PW_BYTES : 0;
}

static uint32_t c2_size(uint8_t raw)
{
    return raw & RAW_C2_BLOCK ? C2_BYTES + 2 : raw & RAW_C2 ? C2_BYTES : 0;
}

uint32_t cd_raw_size(uint8_t raw, uint8_t sub)
{
    return (raw & RAW_SYNC ? SYNC : 0) + (raw & RAW_HEADER ? HEADER : 0) +
           (raw & RAW_DATA ? CD_SECTOR : 0) + (raw & RAW_EDC ? CD_RAW_SECTOR - EDC_AT : 0) +
           c2_size(raw) + sub_size(sub);
}

static uint8_t to_bcd(uint8_t v)
{
    return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

/* 14.3: a CRC of 32 bits over sync, header and data, least significant bit first. */
static uint32_t edc(const uint8_t *p, uint32_t len)
{
    uint32_t crc = 0;

    while (len--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xD8018001u : 0);
    }
    return crc;
}

/* Times alpha in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t times_alpha(uint8_t v)
{
    return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1D : 0));
}

/* Over alpha + 1, which is to multiply by F4h. */
static uint8_t over_alpha_plus_1(uint8_t v)
{
    uint8_t result = 0;

    for (uint8_t bits = 0xF4; bits; bits >>= 1, v = times_alpha(v))
        if (bits & 1)
            result ^= v;
    return result;
}

/* Annex A: COUNT Reed-Solomon code words of LENGTH bytes; each goes on by BY bytes,
 * wrapping at TOTAL.  Two parity bytes each, COUNT apart. */
static void parity(const uint8_t *in, uint8_t *out, uint32_t count, uint32_t length, bool q)
{
    const uint32_t by = q ? 88 : 86, total = count * length;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = q ? i / 2 * 86 + (i & 1) : i;
        uint8_t a = 0, b = 0, p1;

        for (uint32_t n = 0; n < length; n++) {
            uint8_t v = in[at];

            at += by;
            if (at >= total)
                at -= total;
            /* A is the sum weighted by descending powers of alpha, B the plain sum. */
            a = times_alpha(a ^ v);
            b ^= v;
        }
        p1 = over_alpha_plus_1(times_alpha(a) ^ b);
        out[i] = p1;
        out[i + count] = p1 ^ b;
    }
}

/* All of a mode 1 sector. */
static void build(uint8_t *s, const uint8_t *data, uint32_t lba)
{
    uint32_t check;

    memset(s, 0xFF, SYNC);
    s[0] = s[SYNC - 1] = 0;
    cd_msf(s + SYNC, lba);
    for (int i = 0; i < 3; i++)
        s[SYNC + i] = to_bcd(s[SYNC + i]);
    s[SYNC + 3] = 1;
    memcpy(s + DATA_AT, data, CD_SECTOR);
    check = edc(s, EDC_AT);
    for (int i = 0; i < 4; i++)
        s[EDC_AT + i] = (uint8_t)(check >> 8 * i);
    memset(s + EDC_AT + 4, 0, 8);
    parity(s + SYNC, s + ECC_AT, 86, 24, false);
    parity(s + SYNC, s + ECC_AT + ECC_P, 52, 43, true);
}

/* ---- sub-channels (ECMA-130, section 22) ---- */

/* 22.3.4.3: over control, address and data, x^16 + x^12 + x^5 + 1, inverted. */
static uint16_t q_crc(const uint8_t *p, unsigned len)
{
    unsigned crc = 0;

    while (len--) {
        crc ^= (unsigned)*p++ << 8;
        for (int i = 0; i < 8; i++)
            crc = crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0);
    }
    return (uint16_t)~crc;
}

/* Mode 1 of Q: where the sector is in the one data track and on the disc. */
static void make_q(uint8_t q[12], uint32_t lba)
{
    uint16_t crc;

    memset(q, 0, 12);
    q[0] = 0x41; /* data, mode 1 */
    q[1] = q[2] = 1;
    cd_msf(q + 7, lba);
    q[3] = (uint8_t)(lba / (75 * 60));
    q[4] = (uint8_t)(lba / 75 % 60);
    q[5] = (uint8_t)(lba % 75);
    for (int i = 0; i < 3; i++) {
        q[3 + i] = to_bcd(q[3 + i]);
        q[7 + i] = to_bcd(q[7 + i]);
    }
    crc = q_crc(q, 10);
    q[10] = (uint8_t)(crc >> 8);
    q[11] = (uint8_t)crc;
}

/* P is 0 within a track, and nobody uses R to W. */
static void put_sub(uint8_t *out, uint32_t lba, uint8_t sub)
{
    uint8_t q[12];

    memset(out, 0, sub_size(sub));
    make_q(q, lba);
    if (sub == SUB_Q)
        memcpy(out, q, sizeof q);
    for (unsigned i = 0; sub == SUB_PW && i < SUB_PW_BYTES; i++)
        out[i] = q[i / 8] >> (7 - i % 8) & 1 ? 0x40 : 0;
}

void cd_raw_sector(uint8_t *out, const uint8_t *data, uint32_t lba, uint8_t raw, uint8_t sub)
{
    static const struct {
        uint8_t flag;
        uint16_t at, bytes;
    } parts[] = {
        {RAW_SYNC, 0, SYNC},
        {RAW_HEADER, SYNC, HEADER},
        {RAW_DATA, DATA_AT, CD_SECTOR},
        {RAW_EDC, EDC_AT, CD_RAW_SECTOR - EDC_AT},
    };
    uint8_t sector[CD_RAW_SECTOR];

    build(sector, data, lba);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!(raw & parts[i].flag))
            continue;
        memcpy(out, sector + parts[i].at, parts[i].bytes);
        out += parts[i].bytes;
    }
    memset(out, 0, c2_size(raw)); /* no errors */
    put_sub(out + c2_size(raw), lba, sub);
}
