/* INT 14h, INT 17h and INT 5: serial lines, printers, print screen. */
#include "bios/sercon.h"
#include "bios/video.h"

/* ---- INT 14h ---- */

enum { UART_LCR = 3, UART_MCR = 4, UART_LSR = 5, UART_MSR = 6 };

static uint16_t serial_port(struct bios *b)
{
    return reg16(b, EDX) < 4 ? bda16(b, reg16(b, EDX) * 2) : 0;
}

static void serial_set(struct bios *b, uint16_t port, uint16_t divisor, uint8_t lcr)
{
    out8(b, port + UART_LCR, 0x80);
    out8(b, port, divisor & 0xFF);
    out8(b, port + 1, divisor >> 8);
    out8(b, port + UART_LCR, lcr);
    out8(b, port + 1, 0);
}

void bios_serial_post(struct bios *b)
{
    enum { DIVISOR_9600 = 12, LCR_8N1 = 3 };

    for (int i = 0; i < 4; i++) {
        if (!bda16(b, i * 2))
            continue;
        serial_set(b, bda16(b, i * 2), DIVISOR_9600, LCR_8N1);
        sercon_post(b, bda16(b, i * 2));
    }
}

static void serial_init(struct bios *b, uint16_t port)
{
    static const uint16_t divisors[8] = {1047, 768, 384, 192, 96, 48, 24, 12};
    uint8_t al = reg_lo(b, EAX);

    serial_set(b, port, divisors[al >> 5], al & 0x1F);
}

static void serial_status(struct bios *b, uint16_t port)
{
    set_hi(b, EAX, in8(b, port + UART_LSR));
    set_lo(b, EAX, in8(b, port + UART_MSR));
}

void int14(struct bios *b)
{
    uint16_t port = serial_port(b);
    uint8_t lsr;

    if (!port) {
        if (reg_hi(b, EAX) <= 3)
            set_hi(b, EAX, 0x80);
        return;
    }
    if (reg_hi(b, EAX) == 0x01 || reg_hi(b, EAX) == 0x02)
        sercon_release(b, port);
    switch (reg_hi(b, EAX)) {
    case 0x00:
        serial_init(b, port);
        serial_status(b, port);
        break;
    case 0x01:
        out8(b, port + UART_MCR, in8(b, port + UART_MCR) | 3);
        lsr = in8(b, port + UART_LSR);
        if (!(lsr & 0x20)) {
            live_flag(b, FLAG_CF, true);
            break;
        }
        out8(b, port, reg_lo(b, EAX));
        set_hi(b, EAX, in8(b, port + UART_LSR) & 0x7F);
        break;
    case 0x02:
        out8(b, port + UART_MCR, in8(b, port + UART_MCR) | 1);
        lsr = in8(b, port + UART_LSR);
        if (!(lsr & 0x01)) {
            live_flag(b, FLAG_CF, true);
            break;
        }
        set_lo(b, EAX, in8(b, port));
        set_hi(b, EAX, lsr & 0x1E);
        break;
    case 0x03:
        serial_status(b, port);
        break;
    default:
        set_hi(b, EAX, 0x80);
        break;
    }
}

/* The line was not ready in time. */
void int14_late(struct bios *b)
{
    uint16_t port = serial_port(b);

    set_hi(b, EAX, 0x80 | (port ? in8(b, port + UART_LSR) & 0x7F : 0));
}

/* ---- INT 17h ---- */

/* Status as the port shows it, BUSY and ACK turned round: 80h ready, 10h selected. */
static uint8_t printer_status(struct bios *b, uint16_t port)
{
    return (in8(b, port + 1) ^ 0x48) & 0xF8;
}

static uint8_t print_char(struct bios *b, uint16_t port, uint8_t ch)
{
    uint8_t status = printer_status(b, port);

    if (!(status & 0x80))
        return status | 1;
    out8(b, port, ch);
    out8(b, port + 2, 0x0D);
    out8(b, port + 2, 0x0C);
    return printer_status(b, port);
}

void int17(struct bios *b)
{
    uint16_t port = reg16(b, EDX) < 3 ? bda16(b, 8 + reg16(b, EDX) * 2) : 0;

    if (!port) {
        set_hi(b, EAX, 0x01); /* time-out */
        return;
    }
    switch (reg_hi(b, EAX)) {
    case 0x00:
        set_hi(b, EAX, print_char(b, port, reg_lo(b, EAX)));
        break;
    case 0x01:
        out8(b, port + 2, 0x08);
        out8(b, port + 2, 0x0C);
        set_hi(b, EAX, printer_status(b, port));
        break;
    case 0x02:
        set_hi(b, EAX, printer_status(b, port));
        break;
    }
}

/* ---- INT 5 ---- */

enum { PRINT_STATUS = 0x500 }; /* 0050:0000 */

void bios_print_screen(struct bios *b)
{
    struct screen s = video_screen(b);
    uint16_t port = bda16(b, 8);
    bool ok = port != 0;

    if (lin8(b, PRINT_STATUS) == 1)
        return;
    for (unsigned row = 0; ok && row < s.rows; row++) {
        for (unsigned column = 0; ok && column < s.columns; column++) {
            uint32_t at = s.base + s.page * s.page_size + (row * s.columns + column) * 2;
            uint8_t ch = s.layout == LAYOUT_TEXT ? lin8(b, at)
                                                 : gfx_get_char(b, &s, s.page, row, column);

            ok = !(print_char(b, port, ch ? ch : ' ') & 1);
        }
        ok = ok && !(print_char(b, port, '\r') & 1) && !(print_char(b, port, '\n') & 1);
    }
    set_lin8(b, PRINT_STATUS, ok ? 0 : 0xFF);
}
