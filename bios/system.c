/* INT 15h: dispatch, waits, A20, and the way into protected mode. */
#include "bios/private.h"
#include "cpu/emulate.h"

static void fail(struct bios *b)
{
    set_hi(b, EAX, 0x86);
    set_carry(b, true);
}

static void succeed(struct bios *b)
{
    set_hi(b, EAX, 0);
    set_carry(b, false);
}

/* ---- 83h, 86h: waits, by the RTC's periodic interrupt (1024 a second) ---- */

enum { WAIT_FLAG = 0x98, WAIT_COUNT = 0x9C, WAIT_ACTIVE = 0xA0 };

static void periodic(struct bios *b, bool on)
{
    uint8_t v = cmos_read(b, 0x0B);

    cmos_write(b, 0x0B, on ? v | 0x40 : v & ~0x40);
    if (on) {
        out8(b, 0xA1, in8(b, 0xA1) & ~1);
        out8(b, 0x21, in8(b, 0x21) & ~4);
    }
}

static void start_wait(struct bios *b, uint32_t flag, uint32_t microseconds)
{
    set_lin32(b, 0x400 + WAIT_FLAG, flag);
    set_lin32(b, 0x400 + WAIT_COUNT, microseconds);
    set_bda8(b, WAIT_ACTIVE, 1);
    periodic(b, true);
}

static void event_wait(struct bios *b)
{
    if (reg_lo(b, EAX) == 1) {
        periodic(b, false);
        set_bda8(b, WAIT_ACTIVE, 0);
        succeed(b);
    } else if (reg_lo(b, EAX) != 0) {
        fail(b);
    } else if (bda8(b, WAIT_ACTIVE) & 1) {
        set_hi(b, EAX, 0);
        set_carry(b, true);
    } else {
        start_wait(b, (uint32_t)b->cpu->seg[SEG_ES].selector << 16 | reg16(b, EBX),
                   (uint32_t)reg16(b, ECX) << 16 | reg16(b, EDX));
        succeed(b);
    }
}

/* 86h: EDX:ECX becomes the end of the wait CX:DX, in nanoseconds of virtual time.  The periodic
 * interrupt wakes the HLT in the ROM often enough. */
void int15_wait_init(struct bios *b)
{
    uint32_t microseconds = (uint32_t)reg16(b, ECX) << 16 | reg16(b, EDX);
    uint64_t end = vclock_now(b->clock) + microseconds * 1000ull;

    if (!(bda8(b, WAIT_ACTIVE) & 1) && microseconds > 1000)
        start_wait(b, 0x004000A0, microseconds);
    b->cpu->gpr[ECX] = end;
    b->cpu->gpr[EDX] = end >> 32;
}

void int15_wait(struct bios *b)
{
    uint64_t end = b->cpu->gpr[ECX] | (uint64_t)b->cpu->gpr[EDX] << 32;
    uint64_t now = vclock_now(b->clock);

    if (now < end) {
        live_flag(b, FLAG_CF, true);
        live_flag(b, FLAG_ZF, end - now < 1000000);
        return;
    }
    if (lin32(b, 0x400 + WAIT_FLAG) == 0x004000A0) {
        if (bda8(b, WAIT_ACTIVE) & 1)
            periodic(b, false);
        set_bda8(b, WAIT_ACTIVE, 0);
        set_lin32(b, 0x400 + WAIT_FLAG, 0);
    }
}

/* IRQ 8: periodic (counts down 976 microseconds) and alarm. */
void int70(struct bios *b)
{
    uint8_t causes = cmos_read(b, 0x0C) & cmos_read(b, 0x0B);

    if (causes & 0x40 && bda8(b, WAIT_ACTIVE) & 1) {
        uint32_t left = lin32(b, 0x400 + WAIT_COUNT);

        if (left > 976) {
            set_lin32(b, 0x400 + WAIT_COUNT, left - 976);
        } else {
            uint32_t flag = lin32(b, 0x400 + WAIT_FLAG);
            uint32_t at = (flag >> 16 << 4) + (flag & 0xFFFF);

            periodic(b, false);
            set_bda8(b, WAIT_ACTIVE, 0);
            set_lin8(b, at, lin8(b, at) | 0x80);
        }
    }
    live_flag(b, FLAG_CF, !(causes & 0x20));
}

/* ---- 24h: A20 by port 92h ---- */

static void a20_gate(struct bios *b)
{
    uint8_t v = in8(b, 0x92);

    switch (reg_lo(b, EAX)) {
    case 0:
        out8(b, 0x92, v & ~2);
        break;
    case 1:
        out8(b, 0x92, v | 2);
        break;
    case 2:
        set_lo(b, EAX, phys_a20(b->phys));
        break;
    case 3:
        set_reg16(b, EBX, 3); /* keyboard controller and port 92h */
        break;
    default:
        fail(b);
        return;
    }
    succeed(b);
}

/* ---- 89h ---- */

static void program_pic(struct bios *b, uint8_t first, uint8_t second)
{
    const uint8_t masters[] = {first, 0x04, 0x01, 0xFF}, slaves[] = {second, 0x02, 0x01, 0xFF};

    out8(b, 0x20, 0x11);
    out8(b, 0xA0, 0x11);
    for (int i = 0; i < 4; i++) {
        out8(b, 0x21, masters[i]);
        out8(b, 0xA1, slaves[i]);
    }
}

/* The part that needs no control flow: interrupt vectors BH and BL, A20, and descriptor 7 of the
 * caller's table at ES:SI, through which the ROM runs on. */
void int15_enter_pm(struct bios *b)
{
    static const uint8_t rom_code[8] = {0xFF, 0xFF, 0x00, 0x00, 0x0F, 0x9B, 0x00, 0x00};

    out8(b, 0x92, in8(b, 0x92) | 2);
    program_pic(b, reg_hi(b, EBX), reg_lo(b, EBX));
    seg_write(b, SEG_ES, reg16(b, ESI) + 0x38, rom_code, sizeof rom_code);
}

/* ---- the rest ---- */

static void extended_memory(struct bios *b)
{
    switch (reg_lo(b, EAX)) {
    case 0x01:
        int15_e801(b);
        break;
    case 0x20:
        int15_memory_map(b);
        break;
    case 0x81:
        int15_e881(b);
        break;
    default:
        fail(b);
        break;
    }
}

static void configuration(struct bios *b)
{
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EBX, ROM_CONFIG);
    succeed(b);
}

void int15(struct bios *b)
{
    switch (reg_hi(b, EAX)) {
    case 0x24:
        a20_gate(b);
        break;
    case 0x4F: /* keyboard intercept: the key is to be processed, carry as it came */
        break;
    case 0x53:
        int15_apm(b);
        break;
    case 0x83:
        event_wait(b);
        break;
    case 0x86:
        succeed(b);
        live_flag(b, FLAG_CF, true);
        break;
    case 0x85: /* SysRq, device busy, device ready: hooks for operating systems */
    case 0x90:
    case 0x91:
        succeed(b);
        break;
    case 0x87:
        int15_block_move(b);
        break;
    case 0x88:
        set_reg16(b, EAX, bios_extended_kib(b));
        set_carry(b, false);
        break;
    case 0xC0:
        configuration(b);
        break;
    case 0xC1:
        cpu_set_real_segment(b->cpu, SEG_ES, bda16(b, 0x0E), true);
        set_carry(b, false);
        break;
    case 0xC2:
        int15_mouse(b);
        break;
    case 0xDA:
        if (reg_lo(b, EAX) == 0x88) {
            uint32_t kib = (bios_ram_top(b) - 0x100000) / 1024;

            set_lo(b, ECX, kib >> 16);
            set_reg16(b, EBX, kib);
            succeed(b);
        } else {
            fail(b);
        }
        break;
    case 0xE8:
        extended_memory(b);
        break;
    default: /* cassette, EISA, joystick and what else is not there */
        fail(b);
        break;
    }
}
