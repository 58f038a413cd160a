/* INT 1Ah: the tick count and the real-time clock; NMI. */
#include "bios/private.h"

static void get_ticks(struct bios *b)
{
    set_reg16(b, ECX, bda16(b, 0x6E));
    set_reg16(b, EDX, bda16(b, 0x6C));
    set_lo(b, EAX, bda8(b, 0x70));
    set_bda8(b, 0x70, 0);
    set_carry(b, false);
}

static void set_ticks(struct bios *b)
{
    set_bda16(b, 0x6E, reg16(b, ECX));
    set_bda16(b, 0x6C, reg16(b, EDX));
    set_bda8(b, 0x70, 0);
    set_carry(b, false);
}

/* Read N registers twice until both agree: an update fell between otherwise. */
static void read_stable(struct bios *b, const uint8_t *index, uint8_t *value, unsigned n)
{
    for (int tries = 0; tries < 3; tries++) {
        bool same = true;

        for (unsigned i = 0; i < n; i++)
            value[i] = cmos_read(b, index[i]);
        for (unsigned i = 0; i < n; i++)
            same &= value[i] == cmos_read(b, index[i]);
        if (same)
            return;
    }
}

static void get_time(struct bios *b)
{
    static const uint8_t index[3] = {4, 2, 0};
    uint8_t v[3];

    read_stable(b, index, v, 3);
    set_hi(b, ECX, v[0]);
    set_lo(b, ECX, v[1]);
    set_hi(b, EDX, v[2]);
    set_lo(b, EDX, cmos_read(b, 0x0B) & 1);
    set_carry(b, false);
}

/* The clock is held (SET) while its registers change. */
static void hold(struct bios *b, bool on, uint8_t daylight)
{
    uint8_t v = cmos_read(b, 0x0B) & ~0x81;

    cmos_write(b, 0x0B, v | (on ? 0x80 : 0) | daylight);
}

static void set_time(struct bios *b)
{
    uint8_t daylight = reg_lo(b, EDX) & 1;

    hold(b, true, daylight);
    cmos_write(b, 4, reg_hi(b, ECX));
    cmos_write(b, 2, reg_lo(b, ECX));
    cmos_write(b, 0, reg_hi(b, EDX));
    hold(b, false, daylight);
    set_carry(b, false);
}

static void get_date(struct bios *b)
{
    static const uint8_t index[4] = {0x32, 9, 8, 7};
    uint8_t v[4];

    read_stable(b, index, v, 4);
    set_hi(b, ECX, v[0]);
    set_lo(b, ECX, v[1]);
    set_hi(b, EDX, v[2]);
    set_lo(b, EDX, v[3]);
    set_carry(b, false);
}

static void set_date(struct bios *b)
{
    uint8_t daylight = cmos_read(b, 0x0B) & 1;

    hold(b, true, daylight);
    cmos_write(b, 0x32, reg_hi(b, ECX));
    cmos_write(b, 9, reg_lo(b, ECX));
    cmos_write(b, 8, reg_hi(b, EDX));
    cmos_write(b, 7, reg_lo(b, EDX));
    hold(b, false, daylight);
    set_carry(b, false);
}

static void set_alarm(struct bios *b)
{
    uint8_t v = cmos_read(b, 0x0B);

    if (v & 0x20) { /* there is one already */
        set_carry(b, true);
        return;
    }
    cmos_write(b, 5, reg_hi(b, ECX));
    cmos_write(b, 3, reg_lo(b, ECX));
    cmos_write(b, 1, reg_hi(b, EDX));
    out8(b, 0xA1, in8(b, 0xA1) & ~1);
    out8(b, 0x21, in8(b, 0x21) & ~4);
    cmos_write(b, 0x0B, (v & ~0x80) | 0x20);
    set_carry(b, false);
}

void int1a(struct bios *b)
{
    switch (reg_hi(b, EAX)) {
    case 0x00:
        get_ticks(b);
        break;
    case 0x01:
        set_ticks(b);
        break;
    case 0x02:
        get_time(b);
        set_hi(b, EAX, 0);
        break;
    case 0x03:
        set_time(b);
        break;
    case 0x04:
        get_date(b);
        set_hi(b, EAX, 0);
        break;
    case 0x05:
        set_date(b);
        break;
    case 0x06:
        set_alarm(b);
        break;
    case 0x07:
        cmos_write(b, 0x0B, cmos_read(b, 0x0B) & ~0x20);
        set_carry(b, false);
        break;
    case 0xB1:
        int1a_pci(b);
        break;
    default: /* 80h: no sound multiplexer */
        set_carry(b, true);
        break;
    }
}

/* Parity and channel check do not happen here; somebody else's NMI is named and forgotten. */
void bios_nmi(struct bios *b)
{
    log_guest_error(b->log, "BIOS: an NMI that nobody handles");
}
