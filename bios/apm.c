/* Advanced Power Management (APM BIOS Interface Specification 1.2): INT 15h/53xxh and its 16- and
 * 32-bit entries.
 *
 * The machine has no battery and nothing that could be slowed down or raise events: what there is
 * is idling until the next interrupt, and switching off.  Standby and suspend idle, too: the
 * caller finds itself woken at the next interrupt. */
#include "bios/private.h"

enum {
    PM_DISABLED = 0x01,
    REAL_CONNECTED = 0x02,
    NOT_CONNECTED = 0x03,
    PM16_CONNECTED = 0x05,
    PM32_CONNECTED = 0x07,
    UNKNOWN_DEVICE = 0x09,
    OUT_OF_RANGE = 0x0A,
    NOT_ENGAGED = 0x0B,
    NOT_SUPPORTED = 0x0C,
    NO_EVENT = 0x80,

    VERSION = 0x0102, /* BCD */
    VERSION_OF_OLD = 0x0100,

    ALL_DEVICES = 0x0001,
    ALL_DEVICES_OLD = 0xFFFF,
    APM_BIOS = 0x0000,

    STATE_ENABLED = 0,
    STATE_STANDBY = 1,
    STATE_SUSPEND = 2,
    STATE_OFF = 3,
    STATE_REJECTED = 5,

    DATA_SEGMENT = 0x0040,
    DATA_BYTES = 0x100,
};

static uint8_t installation_check(struct bios *b)
{
    enum { PM16 = 1, PM32 = 2, DISABLED = 8, DISENGAGED = 16 };

    if (reg16(b, EBX) != APM_BIOS)
        return UNKNOWN_DEVICE;
    set_reg16(b, EAX, VERSION);
    set_reg16(b, EBX, 'P' << 8 | 'M');
    set_reg16(b, ECX,
              (uint16_t)(PM16 | PM32 | (b->apm.disabled ? DISABLED : 0) |
                         (b->apm.disengaged ? DISENGAGED : 0)));
    return 0;
}

/* Connect the interface WHICH; the segments are those of the ROM for both sizes of code. */
static uint8_t connect(struct bios *b, uint8_t which)
{
    static const uint8_t in_effect[] = {0, REAL_CONNECTED, PM16_CONNECTED, PM32_CONNECTED};

    if (reg16(b, EBX) != APM_BIOS)
        return UNKNOWN_DEVICE;
    if (b->apm.connected)
        return in_effect[b->apm.connected];
    b->apm.connected = which;
    b->apm.version = VERSION_OF_OLD; /* until the driver says better */
    b->apm.disengaged = false;
    if (which == APM_REAL)
        return 0;
    set_reg16(b, EAX, ROM_SEGMENT);
    set_reg16(b, EDI, DATA_BYTES);
    if (which == APM_PM16) {
        set_reg16(b, EBX, ROM_APM16);
        set_reg16(b, ECX, DATA_SEGMENT);
        set_reg16(b, ESI, ROM_SIZE - 1);
    } else {
        b->cpu->gpr[EBX] = ROM_APM32;
        set_reg16(b, ECX, ROM_SEGMENT);
        set_reg16(b, EDX, DATA_SEGMENT);
        b->cpu->gpr[ESI] = (ROM_SIZE - 1) | (uint32_t)(ROM_SIZE - 1) << 16;
    }
    return 0;
}

static uint8_t disconnect(struct bios *b)
{
    if (reg16(b, EBX) != APM_BIOS)
        return UNKNOWN_DEVICE;
    if (!b->apm.connected)
        return NOT_CONNECTED;
    b->apm.connected = 0;
    return 0;
}

static bool is_system(uint16_t device)
{
    return device == ALL_DEVICES || device == ALL_DEVICES_OLD;
}

static uint8_t set_power_state(struct bios *b, bool *idle)
{
    uint16_t device = reg16(b, EBX), state = reg16(b, ECX);

    if (device != ALL_DEVICES)
        return UNKNOWN_DEVICE;
    if (state > STATE_REJECTED || state == STATE_ENABLED)
        return OUT_OF_RANGE;
    if (b->apm.disabled)
        return PM_DISABLED;
    if (b->apm.disengaged)
        return NOT_ENGAGED;
    if (state == STATE_OFF && b->config.power_off)
        b->config.power_off(b->config.power_off_opaque);
    *idle = state <= STATE_OFF;
    return 0;
}

/* 08h, 0Dh, 0Fh: CX 0 off, 1 on. */
static uint8_t set_switch(struct bios *b, bool *off)
{
    if (!is_system(reg16(b, EBX)))
        return UNKNOWN_DEVICE;
    if (reg16(b, ECX) > 1)
        return OUT_OF_RANGE;
    if (off)
        *off = !reg16(b, ECX);
    return 0;
}

static uint8_t restore_defaults(struct bios *b)
{
    if (!is_system(reg16(b, EBX)))
        return UNKNOWN_DEVICE;
    b->apm.disabled = b->apm.disengaged = false;
    return 0;
}

/* Line power, battery state and time unknown, for there is none. */
static uint8_t power_status(struct bios *b)
{
    if (reg16(b, EBX) != ALL_DEVICES)
        return UNKNOWN_DEVICE;
    set_reg16(b, EBX, 0x01FF);
    set_reg16(b, ECX, 0x80FF);
    set_reg16(b, EDX, 0xFFFF);
    return 0;
}

static uint8_t get_power_state(struct bios *b)
{
    if (reg16(b, EBX) != ALL_DEVICES)
        return UNKNOWN_DEVICE;
    set_reg16(b, ECX, STATE_ENABLED);
    return 0;
}

static uint8_t driver_version(struct bios *b)
{
    uint16_t version = reg16(b, ECX);

    if (reg16(b, EBX) != APM_BIOS)
        return UNKNOWN_DEVICE;
    b->apm.version = version < VERSION ? version : VERSION;
    set_reg16(b, EAX, b->apm.version);
    return 0;
}

static uint8_t capabilities(struct bios *b)
{
    if (reg16(b, EBX) != APM_BIOS)
        return UNKNOWN_DEVICE;
    set_lo(b, EBX, 0); /* batteries */
    set_reg16(b, ECX, 0);
    return 0;
}

static uint8_t service(struct bios *b, bool *idle)
{
    switch (reg_lo(b, EAX)) {
    case 0x00:
        return installation_check(b);
    case 0x01:
        return connect(b, APM_REAL);
    case 0x02:
        return connect(b, APM_PM16);
    case 0x03:
        return connect(b, APM_PM32);
    case 0x04:
        return disconnect(b);
    case 0x05:
        *idle = true;
        return 0;
    case 0x06:
        return 0;
    case 0x07:
        return set_power_state(b, idle);
    case 0x08:
        return set_switch(b, &b->apm.disabled);
    case 0x09:
        return restore_defaults(b);
    case 0x0A:
        return power_status(b);
    case 0x0B:
        return NO_EVENT;
    case 0x0C:
        return get_power_state(b);
    case 0x0D:
        return set_switch(b, NULL);
    case 0x0E:
        return driver_version(b);
    case 0x0F:
        return set_switch(b, &b->apm.disengaged);
    case 0x10:
        return capabilities(b);
    default: /* resume timer, resume on ring, timer based requests, the manufacturer's own */
        return NOT_SUPPORTED;
    }
}

/* AH tells of errors alone; some services leave a version in AX. */
static bool call(struct bios *b, bool *idle)
{
    uint8_t function = reg_lo(b, EAX), error = service(b, idle);

    if (error)
        set_hi(b, EAX, error);
    else if (function > 0x03 && function != 0x0E)
        set_hi(b, EAX, 0);
    return !error;
}

void int15_apm(struct bios *b)
{
    bool idle = false, ok = call(b, &idle);

    set_carry(b, !ok);
    live_flag(b, FLAG_ZF, idle && ok);
}

/* Idling with interrupts off would never end: then it is no idling. */
void bios_apm_entry(struct bios *b)
{
    bool idle = false, ok = reg_hi(b, EAX) == 0x53 && call(b, &idle);

    live_flag(b, FLAG_CF, !ok);
    live_flag(b, FLAG_ZF, idle && ok && b->cpu->iflag);
}
