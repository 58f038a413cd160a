/* INT 15h/C2h and IRQ 12: the pointing device.  Its state is where other BIOSes keep it in the
 * EBDA: 22h the handler, 26h bytes so far, 27h packet size and handler flag, 28h the packet. */
#include "bios/keyboard.h"

enum { EBDA_HANDLER = 0x22, EBDA_INDEX = 0x26, EBDA_FLAGS = 0x27, EBDA_DATA = 0x28 };
enum { HAS_HANDLER = 0x80 };
enum { MOUSE_OK = 0, MOUSE_BAD_FUNCTION = 1, MOUSE_BAD_INPUT = 2, MOUSE_INTERFACE = 3,
       MOUSE_RESEND = 4, MOUSE_NO_HANDLER = 5 };

static uint32_t ebda(struct bios *b)
{
    return bda16(b, 0x0E) * 16u;
}

/* ---- talking to it: both interrupts off, the keyboard held ---- */

static bool open_mouse(struct bios *b, uint8_t *mode)
{
    kbc_command(b, 0xAD);
    for (int i = 0; i < 16; i++) {
        uint8_t status = in8(b, 0x64), value;

        if (!(status & 1))
            break;
        value = in8(b, 0x60);
        if (!(status & 0x20))
            keyboard_scan(b, value);
    }
    if (!kbc_command(b, 0x20) || !kbc_read(b, mode))
        return false;
    kbc_command(b, 0x60);
    return kbc_write(b, (*mode | 0x10) & ~0x23);
}

static void close_mouse(struct bios *b, uint8_t mode)
{
    kbc_command(b, 0x60);
    kbc_write(b, mode & ~0x10);
    kbc_command(b, 0xAE);
}

/* Send a byte and see it acknowledged; movement that comes before is dropped. */
static uint8_t send(struct bios *b, uint8_t value)
{
    uint8_t answer;

    if (!kbc_command(b, 0xD4) || !kbc_write(b, value))
        return MOUSE_INTERFACE;
    for (int i = 0; i < 16; i++) {
        if (!kbc_read(b, &answer))
            return MOUSE_INTERFACE;
        if (answer == 0xFA)
            return MOUSE_OK;
        if (answer == 0xFE)
            return MOUSE_RESEND;
    }
    return MOUSE_INTERFACE;
}

/* COMMAND with N answer bytes into ANSWER; ARGUMENT below 0: none.  IRQ 12 is on afterwards when
 * ENABLE is 1, off when 0, as before when negative. */
static uint8_t command(struct bios *b, uint8_t cmd, int argument, uint8_t *answer, unsigned n,
                       int enable)
{
    uint8_t mode = 0, status;

    if (!open_mouse(b, &mode)) {
        kbc_command(b, 0xAE);
        return MOUSE_INTERFACE;
    }
    status = send(b, cmd);
    if (status == MOUSE_OK && argument >= 0)
        status = send(b, argument);
    for (unsigned i = 0; status == MOUSE_OK && i < n; i++)
        if (!kbc_read(b, &answer[i]))
            status = MOUSE_INTERFACE;
    if (enable >= 0)
        mode = enable ? (mode | 0x02) & ~0x20 : (mode & ~0x02) | 0x20;
    close_mouse(b, mode);
    return status;
}

/* ---- functions ---- */

static uint8_t enable(struct bios *b)
{
    if (reg_hi(b, EBX) > 1)
        return MOUSE_BAD_INPUT;
    if (reg_hi(b, EBX) == 0)
        return command(b, 0xF5, -1, NULL, 0, 0);
    if (!(lin8(b, ebda(b) + EBDA_FLAGS) & HAS_HANDLER))
        return MOUSE_NO_HANDLER;
    set_lin8(b, ebda(b) + EBDA_INDEX, 0);
    out8(b, 0xA1, in8(b, 0xA1) & ~0x10);
    out8(b, 0x21, in8(b, 0x21) & ~0x04);
    return command(b, 0xF4, -1, NULL, 0, 1);
}

static uint8_t reset(struct bios *b)
{
    uint8_t answer[2] = {0, 0}, status = command(b, 0xFF, -1, answer, 2, 0);

    if (status == MOUSE_OK)
        set_reg16(b, EBX, answer[1] << 8 | answer[0]);
    set_lin8(b, ebda(b) + EBDA_INDEX, 0);
    return status;
}

static uint8_t initialise(struct bios *b)
{
    uint8_t size = reg_hi(b, EBX), flags = lin8(b, ebda(b) + EBDA_FLAGS);

    if (size < 1 || size > 8)
        return MOUSE_BAD_INPUT;
    set_lin8(b, ebda(b) + EBDA_FLAGS, (flags & HAS_HANDLER) | (size - 1));
    return reset(b);
}

static uint8_t extended(struct bios *b)
{
    uint8_t answer[3] = {0, 0, 0}, status;

    switch (reg_hi(b, EBX)) {
    case 0:
        status = command(b, 0xE9, -1, answer, 3, -1);
        if (status == MOUSE_OK) {
            set_lo(b, EBX, answer[0]);
            set_lo(b, ECX, answer[1]);
            set_lo(b, EDX, answer[2]);
        }
        return status;
    case 1:
        return command(b, 0xE6, -1, NULL, 0, -1);
    case 2:
        return command(b, 0xE7, -1, NULL, 0, -1);
    default:
        return MOUSE_BAD_INPUT;
    }
}

static uint8_t set_handler(struct bios *b)
{
    uint32_t handler = (uint32_t)b->cpu->seg[SEG_ES].selector << 16 | reg16(b, EBX);
    uint8_t flags = lin8(b, ebda(b) + EBDA_FLAGS) & ~HAS_HANDLER;

    set_lin32(b, ebda(b) + EBDA_HANDLER, handler);
    set_lin8(b, ebda(b) + EBDA_FLAGS, handler ? flags | HAS_HANDLER : flags);
    return MOUSE_OK;
}

static uint8_t dispatch(struct bios *b)
{
    static const uint8_t rates[7] = {10, 20, 40, 60, 80, 100, 200};
    uint8_t answer = 0, status;

    switch (reg_lo(b, EAX)) {
    case 0:
        return enable(b);
    case 1:
        return reset(b);
    case 2:
        return reg_hi(b, EBX) < 7 ? command(b, 0xF3, rates[reg_hi(b, EBX)], NULL, 0, -1)
                                  : MOUSE_BAD_INPUT;
    case 3:
        return reg_hi(b, EBX) < 4 ? command(b, 0xE8, reg_hi(b, EBX), NULL, 0, -1)
                                  : MOUSE_BAD_INPUT;
    case 4:
        status = command(b, 0xF2, -1, &answer, 1, -1);
        set_hi(b, EBX, answer);
        return status;
    case 5:
        return initialise(b);
    case 6:
        return extended(b);
    case 7:
        return set_handler(b);
    default:
        return MOUSE_BAD_FUNCTION;
    }
}

void int15_mouse(struct bios *b)
{
    uint8_t status = dispatch(b);

    set_hi(b, EAX, status);
    set_carry(b, status != MOUSE_OK);
}

/* A byte arrived.  With the last one of a packet: AX status, BX X, CX Y for the handler. */
void int74(struct bios *b)
{
    uint8_t status = in8(b, 0x64), flags = lin8(b, ebda(b) + EBDA_FLAGS), index;

    live_flag(b, FLAG_CF, true);
    if ((status & 0x21) != 0x21)
        return;
    index = lin8(b, ebda(b) + EBDA_INDEX) & 7;
    set_lin8(b, ebda(b) + EBDA_DATA + index, in8(b, 0x60));
    if (!(flags & HAS_HANDLER))
        return;
    if (index < (flags & 7)) {
        set_lin8(b, ebda(b) + EBDA_INDEX, index + 1);
        return;
    }
    set_lin8(b, ebda(b) + EBDA_INDEX, 0);
    set_reg16(b, EAX, lin8(b, ebda(b) + EBDA_DATA));
    set_reg16(b, EBX, lin8(b, ebda(b) + EBDA_DATA + 1));
    set_reg16(b, ECX, lin8(b, ebda(b) + EBDA_DATA + 2));
    live_flag(b, FLAG_CF, false);
}
