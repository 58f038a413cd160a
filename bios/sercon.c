/* INT 10h's output on a serial line, for terminals that know ANSI's sequences (ECMA-48) and UTF-8.
 *
 * What is printed line by line comes out as plain text, fit for pipes and logs, however long it
 * gets: as long as the cursor only goes down and along its line, nobody has to know where on the
 * terminal the screen's upper left corner is.  The first step upwards "anchors" the two: the
 * terminal is cleared and shows the screen from memory, and cells have addresses from then on,
 * until a line feed at the bottom moves them away again.  What changes the screen in ways that text
 * has no word for (windows scrolled, pages turned) makes it "stale", to be painted anew before the
 * next character.  The cursor and the colour are told when a character or a wait for a key needs
 * them.
 *
 * The line is ours for as long as it is as POST left it.  Systems and loaders that drive it
 * themselves set it up (FIFO, interrupts, modem lines) and are not disturbed. */
#include "bios/sercon.h"

#include "devices/cp437.h"

#include <stdio.h>
#include <string.h>

enum { UART_IER = 1, UART_IIR = 2, UART_LCR = 3, UART_MCR = 4 };
enum { LCR_8N1 = 3, MCR_READY = 3 /* DTR, RTS */, IIR_FIFOS = 0xC0, DIVISOR_115200 = 1 };
enum { PLAIN = 0x07, PAGE_MAX = 0x8000 };

void sercon_post(struct bios *b, uint16_t port)
{
    if (port != b->sercon.port)
        return;
    out8(b, port + UART_LCR, 0x80);
    out8(b, port, DIVISOR_115200);
    out8(b, port + 1, 0);
    out8(b, port + UART_LCR, LCR_8N1);
    out8(b, port + UART_MCR, MCR_READY);
}

void sercon_release(struct bios *b, uint16_t port)
{
    if (port == b->sercon.port)
        b->sercon.released = 1;
}

/* None of these reads changes anything, in this order: IER is there only without DLAB, and IIR
 * identifies nothing while no interrupt is enabled. */
bool sercon_live(struct bios *b)
{
    uint16_t port = b->sercon.port;

    if (!port || b->sercon.released)
        return false;
    if (in8(b, port + UART_LCR) != LCR_8N1 || in8(b, port + UART_IER) ||
        in8(b, port + UART_IIR) & IIR_FIFOS || in8(b, port + UART_MCR) != MCR_READY)
        b->sercon.released = 1;
    return !b->sercon.released;
}

/* ---- the terminal ---- */

static void send(struct bios *b, const char *text)
{
    while (*text)
        out8(b, b->sercon.port, (uint8_t)*text++);
}

static void clear(struct bios *b)
{
    send(b, "\033[0m\033[2J\033[H");
    b->sercon.attribute = PLAIN;
    b->sercon.row = b->sercon.column = 0;
    b->sercon.anchored = 1;
    b->sercon.stale = 0;
}

/* From the terminal's cursor to a place that it can be told of; it has COLUMNS. */
static void move(struct bios *b, unsigned row, unsigned column, unsigned columns)
{
    struct bios_sercon *c = &b->sercon;
    char text[24] = "";

    if (row > c->row && (!c->anchored || (row == c->row + 1u && !column))) {
        if (c->column)
            send(b, "\r");
        for (; c->row < row; c->row++)
            send(b, "\n");
        c->column = 0;
    }
    if (row != c->row)
        snprintf(text, sizeof text, "\033[%u;%uH", row + 1, column + 1);
    else if (column == c->column)
        return;
    else if (!column)
        strcpy(text, "\r");
    else if (column + 1 == c->column && c->column < columns)
        strcpy(text, "\b");
    else
        snprintf(text, sizeof text, "\033[%uG", column + 1);
    send(b, text);
    c->row = (uint8_t)row;
    c->column = (uint8_t)column;
}

/* The colours of a VGA and those of terminals have red and blue the other way round. */
static void colour(struct bios *b, uint8_t attribute)
{
    static const char order[] = "04261537";
    char text[24];

    if (attribute == b->sercon.attribute)
        return;
    b->sercon.attribute = attribute;
    send(b, "\033[0");
    if (attribute & 0x08)
        send(b, ";1");
    if (attribute & 0x80)
        send(b, ";5");
    snprintf(text, sizeof text, ";3%c", order[attribute & 7]);
    if ((attribute & 7) != PLAIN)
        send(b, text);
    snprintf(text, sizeof text, ";4%c", order[attribute >> 4 & 7]);
    if (attribute & 0x70)
        send(b, text);
    send(b, "m");
}

/* The cursor is behind it then; behind the last column it waits there, as terminals do. */
static void character(struct bios *b, uint8_t ch, uint8_t attribute)
{
    char text[4] = "";

    colour(b, attribute);
    cp437_utf8(ch, text);
    send(b, text);
    b->sercon.column++;
}

/* ---- the screen ---- */

static bool blank(uint16_t cell)
{
    uint8_t ch = (uint8_t)cell;

    return (ch == 0 || ch == ' ' || ch == 0xFF) && !(cell >> 8 & 0x70);
}

static void paint_row(struct bios *b, const struct screen *s, unsigned row)
{
    uint16_t cells[256];
    unsigned end = s->columns;

    lin_read(b, s->base + s->page * s->page_size + row * s->columns * 2, cells, end * 2);
    while (end && blank(cells[end - 1]))
        end--;
    if (end)
        move(b, row, 0, s->columns);
    for (unsigned i = 0; i < end; i++)
        character(b, (uint8_t)cells[i], cells[i] >> 8);
}

static bool has_cells(const struct bios *b, const struct screen *s)
{
    return b->config.vga && s->layout == LAYOUT_TEXT && s->rows * s->columns * 2 <= PAGE_MAX;
}

static void paint(struct bios *b, const struct screen *s)
{
    clear(b);
    for (unsigned row = 0; has_cells(b, s) && row < s->rows; row++)
        paint_row(b, s, row);
}

static void go(struct bios *b, const struct screen *s, unsigned row, unsigned column)
{
    if (b->sercon.stale || (row < b->sercon.row && !b->sercon.anchored))
        paint(b, s);
    move(b, row, column, s->columns);
}

static bool shown(const struct screen *s, unsigned page, unsigned row, unsigned column)
{
    return page == s->page && row < s->rows && column < s->columns;
}

void sercon_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                 unsigned column, uint8_t ch, uint8_t attribute)
{
    if (!shown(s, page, row, column) || !sercon_live(b))
        return;
    go(b, s, row, column);
    character(b, ch, has_cells(b, s) ? attribute : PLAIN);
}

void sercon_line_feed(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                      unsigned column, bool scrolled)
{
    if (!shown(s, page, row, column) || !sercon_live(b))
        return;
    go(b, s, row, column);
    send(b, "\n");
    if (scrolled)
        b->sercon.anchored = 0;
    else
        b->sercon.row++;
}

void sercon_bell(struct bios *b)
{
    if (sercon_live(b))
        send(b, "\a");
}

/* Loaders that print by AH=09h scroll the whole screen by a line when they are at its bottom. */
void sercon_scroll(struct bios *b, bool up, unsigned lines, uint8_t top, uint8_t left,
                   uint8_t bottom, uint8_t right)
{
    struct bios_sercon *c = &b->sercon;
    struct screen s;

    if (!sercon_live(b))
        return;
    s = video_screen(b);
    if (up && lines == 1 && !c->stale && !top && !left && bottom + 1u >= s.rows &&
        right + 1u >= s.columns && c->row + 1u == s.rows) {
        send(b, "\n");
        c->anchored = 0;
    } else {
        c->stale = 1;
    }
}

/* A mode is set before most boots.  As long as there was but text, the terminal keeps it. */
void sercon_mode(struct bios *b)
{
    struct bios_sercon *c = &b->sercon;

    if (!sercon_live(b))
        return;
    if (c->anchored || c->stale) {
        clear(b);
    } else {
        move(b, c->row, 0, 0);
        colour(b, PLAIN);
        c->row = 0;
    }
}

void sercon_stale(struct bios *b)
{
    b->sercon.stale = b->sercon.port != 0;
}

void sercon_show_cursor(struct bios *b)
{
    struct screen s = video_screen(b);
    unsigned row = bda8(b, BDA_CURSOR + 2 * s.page + 1), column = bda8(b, BDA_CURSOR + 2 * s.page);

    if (shown(&s, s.page, row, column))
        go(b, &s, row, column);
}
