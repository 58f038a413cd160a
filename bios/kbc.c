/* The 8042 as the BIOS drives it: polled, with limits of time.  Its answers may be due to timers,
 * so waiting runs the machine's clock. */
#include "bios/private.h"

enum { STATUS_OBF = 1, STATUS_IBF = 2 };

/* Wait until the bits MASK of the status register are WANTED: at most 100 ms of virtual time,
 * and a bounded number of looks in case that the clock stands still. */
static bool wait_status(struct bios *b, uint8_t mask, uint8_t wanted)
{
    uint64_t start = vclock_now(b->clock);

    for (unsigned looks = 0; looks < 1000000; looks++) {
        if ((in8(b, 0x64) & mask) == wanted)
            return true;
        vclock_run(b->clock);
        if (vclock_now(b->clock) - start > 100000000)
            break;
    }
    return false;
}

bool kbc_command(struct bios *b, uint8_t command)
{
    if (!wait_status(b, STATUS_IBF, 0))
        return false;
    out8(b, 0x64, command);
    return true;
}

bool kbc_write(struct bios *b, uint8_t value)
{
    if (!wait_status(b, STATUS_IBF, 0))
        return false;
    out8(b, 0x60, value);
    return true;
}

bool kbc_read(struct bios *b, uint8_t *value)
{
    if (!wait_status(b, STATUS_OBF, STATUS_OBF))
        return false;
    *value = in8(b, 0x60);
    return true;
}

static void drain(struct bios *b)
{
    for (int i = 0; i < 32 && in8(b, 0x64) & STATUS_OBF; i++)
        in8(b, 0x60);
}

/* Self test, keyboard reset, translation and IRQ 1 on: what an AT does at power-on. */
bool kbc_init(struct bios *b)
{
    uint8_t answer = 0;
    bool ok = true;

    drain(b);
    kbc_command(b, 0xAD);
    kbc_command(b, 0xA7);
    drain(b);
    ok &= kbc_command(b, 0xAA) && kbc_read(b, &answer) && answer == 0x55;
    ok &= kbc_command(b, 0x60) && kbc_write(b, 0x30); /* both ports off, no interrupts */
    ok &= kbc_command(b, 0xAE);
    ok &= kbc_write(b, 0xFF) && kbc_read(b, &answer) && answer == 0xFA;
    ok &= kbc_read(b, &answer) && answer == 0xAA; /* BAT */
    ok &= kbc_write(b, 0xF4) && kbc_read(b, &answer) && answer == 0xFA;
    drain(b);
    /* Translation, system flag, auxiliary port off, IRQ 1. */
    ok &= kbc_command(b, 0x60) && kbc_write(b, 0x65);
    return ok;
}
