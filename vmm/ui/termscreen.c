/* Every 50 ms the guest's screen becomes an array of terminal cells; those that differ from what
 * the terminal shows are sent.  The terminal's cells are ECMA-48 with 24-bit colours, and the 16
 * palette colours as such, so that the user's terminal theme applies to text. */
#include "vmm/ui/termscreen.h"
#include "vmm/screen.h"
#include "vmm/ui/termkeys.h"
#include "vmm/ui/textscreen.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    FRAME_MS = 50,
    ESCAPE_MS = 50, /* a lone ESC is the key when nothing follows for so long */
    MAX_COLUMNS = 300,
    MAX_ROWS = 120,
    CTRL_A = 1,
    UPPER_HALF = 0x2580,
    PALETTE = 1 << 24, /* a colour is one of the terminal's sixteen, or of xterm's 256 */
};

struct cell {
    uint32_t unicode, fg, bg; /* colours: PALETTE | 0..255, or 0x00RRGGBB */
};

struct termscreen {
    struct machine *machine;
    struct typist *typist;
    struct stream *stream;
    uv_timer_t frame, escape;
    unsigned open_handles;
    bool prefix; /* Ctrl-A was typed */
    bool few;    /* the terminal has 256 colours, not all */
    uint8_t input[64];
    size_t input_len;

    unsigned columns, rows; /* of the terminal */
    struct cell shown[MAX_ROWS * MAX_COLUMNS], wanted[MAX_ROWS * MAX_COLUMNS];
    struct vga_text cells;
    unsigned cursor_x, cursor_y;
    bool cursor;
    struct text out;
    uint32_t fg, bg; /* the terminal's present colours */
};

/* ---- drawing ---- */

static void add_unicode(struct text *t, uint32_t c)
{
    char b[3];

    if (c < 0x80) {
        b[0] = (char)c;
        text_add(t, b, 1);
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6);
        b[1] = (char)(0x80 | (c & 63));
        text_add(t, b, 2);
    } else {
        b[0] = (char)(0xe0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 63));
        b[2] = (char)(0x80 | (c & 63));
        text_add(t, b, 3);
    }
}

/* IRGB of the VGA to the terminal's order of colours (blue and red change places). */
static uint32_t palette_colour(unsigned irgb)
{
    return PALETTE | (irgb & 10) | (irgb & 1) << 2 | (irgb & 4) >> 2;
}

static void add_colour(struct text *t, uint32_t colour, bool background)
{
    unsigned n = colour & 255;

    if (!(colour & PALETTE))
        text_printf(t, ";%u;2;%u;%u;%u", background ? 48 : 38, colour >> 16 & 255,
                    colour >> 8 & 255, colour & 255);
    else if (n > 15)
        text_printf(t, ";%u;5;%u", background ? 48 : 38, n);
    else
        text_printf(t, ";%u", (n < 8 ? 30 + n : 90 + n - 8) + (background ? 10 : 0));
}

static void set_colours(struct termscreen *d, uint32_t fg, uint32_t bg)
{
    if (fg == d->fg && bg == d->bg)
        return;
    text_printf(&d->out, "\033[0");
    add_colour(&d->out, fg, false);
    add_colour(&d->out, bg, true);
    text_printf(&d->out, "m");
    d->fg = fg;
    d->bg = bg;
}

static void follow_size(struct termscreen *d)
{
    struct winsize size = {0};
    unsigned columns = 80, rows = 25;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        columns = size.ws_col < MAX_COLUMNS ? size.ws_col : MAX_COLUMNS;
        rows = size.ws_row < MAX_ROWS ? size.ws_row : MAX_ROWS;
    }
    if (columns == d->columns && rows == d->rows)
        return;
    d->columns = columns;
    d->rows = rows;
    memset(d->shown, 0xff, sizeof d->shown);
    text_printf(&d->out, "\033[0m\033[2J");
    d->fg = d->bg = UINT32_MAX;
}

static void want_text(struct termscreen *d)
{
    const struct vga_text *t = &d->cells;
    /* A terminal that is too low shows the end of the screen where the prompt is. */
    unsigned skip = t->cursor_y >= d->rows ? t->cursor_y - d->rows + 1 : 0;

    for (unsigned y = 0; y < t->rows && y < d->rows && y + skip < t->rows; y++)
        for (unsigned x = 0; x < t->columns && x < d->columns; x++) {
            uint16_t cell = t->cells[(y + skip) * t->columns + x];
            uint32_t unicode = textscreen_unicode(cell & 0xff);
            d->wanted[y * d->columns + x] = (struct cell){unicode, palette_colour(cell >> 8 & 15),
                                                          palette_colour(cell >> 12 & 7)};
        }
    d->cursor = t->cursor_visible && t->cursor_x < d->columns && t->cursor_y - skip < d->rows;
    d->cursor_x = t->cursor_x;
    d->cursor_y = t->cursor_y - skip;
}

/* The nearest of xterm's cube of 6 x 6 x 6 colours or of its 24 greys, whose levels are 0, 95, 135
 * to 255 by 40, and 8 to 238 by 10. */
static uint32_t cube_colour(uint32_t rgb)
{
    unsigned part[3], level[3], cube = 0, far = 0, grey_far = 0;

    for (int i = 0; i < 3; i++) {
        unsigned c = part[i] = rgb >> (16 - 8 * i) & 255;
        unsigned step = c < 48 ? 0 : c < 115 ? 1 : (c - 35) / 40;
        level[i] = step ? 55 + 40 * step : 0;
        cube = cube * 6 + step;
        far += (c - level[i]) * (c - level[i]);
    }
    unsigned mean = (part[0] + part[1] + part[2]) / 3;
    unsigned step = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10, grey = 8 + 10 * step;
    for (int i = 0; i < 3; i++)
        grey_far += (part[i] - grey) * (part[i] - grey);
    return PALETTE | (grey_far < far ? 232 + step : 16 + cube);
}

/* Terminals with all colours say so in COLORTERM; one that says 256 is believed. */
static bool few_colours(void)
{
    const char *term = getenv("TERM"), *all = getenv("COLORTERM");

    if (all && (strstr(all, "truecolor") || strstr(all, "24bit")))
        return false;
    return term && strstr(term, "256color");
}

/* The mean of the pixels that fall into one of COLUMNS x ROWS. */
static uint32_t mean(const struct picture *p, unsigned x, unsigned columns, unsigned y,
                     unsigned rows, bool few)
{
    unsigned x0 = x * p->width / columns, x1 = (x + 1) * p->width / columns;
    unsigned y0 = y * p->height / rows, y1 = (y + 1) * p->height / rows;
    uint32_t red = 0, green = 0, blue = 0, count = 0;

    for (unsigned j = y0; j < y1 || j == y0; j++)
        for (unsigned i = x0; i < x1 || i == x0; i++, count++) {
            uint32_t pixel = p->pixels[j * p->width + i];
            red += pixel >> 16 & 255;
            green += pixel >> 8 & 255;
            blue += pixel & 255;
        }
    uint32_t rgb = red / count << 16 | green / count << 8 | blue / count;
    return few ? cube_colour(rgb) : rgb;
}

static void want_picture(struct termscreen *d)
{
    struct picture p;

    d->cursor = false;
    if (!screen_picture(d->machine, &p))
        return;
    /* Half a cell is about square; keep 4:3. */
    unsigned rows = d->rows * 2, columns = rows * 4 / 3;
    if (columns > d->columns) {
        columns = d->columns;
        rows = columns * 3 / 4;
    }
    for (unsigned y = 0; y + 1 < rows; y += 2)
        for (unsigned x = 0; x < columns; x++)
            d->wanted[y / 2 * d->columns + x] =
                (struct cell){UPPER_HALF, mean(&p, x, columns, y, rows, d->few),
                              mean(&p, x, columns, y + 1, rows, d->few)};
    free(p.pixels);
}

static void send_changes(struct termscreen *d)
{
    for (unsigned y = 0; y < d->rows; y++) {
        unsigned at = UINT32_MAX; /* the terminal's cursor column in this row */
        for (unsigned x = 0; x < d->columns; x++) {
            struct cell *shown = &d->shown[y * d->columns + x];
            const struct cell *wanted = &d->wanted[y * d->columns + x];
            if (!memcmp(shown, wanted, sizeof *shown))
                continue;
            if (at != x)
                text_printf(&d->out, "\033[%u;%uH", y + 1, x + 1);
            set_colours(d, wanted->fg, wanted->bg);
            add_unicode(&d->out, wanted->unicode);
            *shown = *wanted;
            at = x + 1;
        }
    }
}

static void draw(struct termscreen *d)
{
    const struct cell blank = {' ', palette_colour(7), palette_colour(0)};

    follow_size(d);
    for (unsigned i = 0; i < d->rows * d->columns; i++)
        d->wanted[i] = blank;
    screen_cells(d->machine, &d->cells);
    if (d->cells.text_mode)
        want_text(d);
    else
        want_picture(d);
    size_t before = d->out.len;
    send_changes(d);
    if (d->out.len != before || d->cells.text_mode)
        text_printf(&d->out, d->cursor ? "\033[%u;%uH\033[?25h" : "\033[?25l", d->cursor_y + 1,
                    d->cursor_x + 1);
}

static void on_frame(uv_timer_t *timer)
{
    struct termscreen *d = timer->data;
    unsigned x = d->cursor_x, y = d->cursor_y;
    bool cursor = d->cursor;

    d->out.len = 0;
    draw(d);
    /* A cursor that stays where it is, and nothing else: not worth the bytes. */
    bool moved = x != d->cursor_x || y != d->cursor_y || cursor != d->cursor;
    if (d->out.len > 24 || (d->out.len && moved))
        stream_send(d->stream, d->out.data, d->out.len);
}

/* ---- the keyboard ---- */

static void take_keys(struct termscreen *d, bool final)
{
    size_t at = 0, used;
    struct chord chord;

    while (at < d->input_len) {
        if (d->prefix || d->input[at] == CTRL_A) {
            bool second = d->prefix;
            uint8_t c = d->input[at++];
            d->prefix = !second;
            if (second && c == 'x')
                machine_quit(d->machine, 0);
            if (second && (c == CTRL_A || c == 'a') && keys_for_char(CTRL_A, &chord))
                typist_chord(d->typist, &chord, 0);
            continue;
        }
        enum termkey key = termkeys_next(d->input + at, d->input_len - at, final, &chord, &used);
        if (key == TERMKEY_MORE)
            break;
        if (key == TERMKEY_CHORD)
            typist_chord(d->typist, &chord, 0);
        at += used;
    }
    memmove(d->input, d->input + at, d->input_len -= at);
}

static void on_escape(uv_timer_t *timer)
{
    take_keys(timer->data, true);
}

static void on_input(void *opaque, const uint8_t *data, size_t len)
{
    struct termscreen *d = opaque;

    while (len) {
        size_t n = sizeof d->input - d->input_len;
        n = n < len ? n : len;
        memcpy(d->input + d->input_len, data, n);
        d->input_len += n;
        data += n;
        len -= n;
        take_keys(d, d->input_len == sizeof d->input);
    }
    if (d->input_len)
        uv_timer_start(&d->escape, on_escape, ESCAPE_MS, 0);
    else
        uv_timer_stop(&d->escape);
}

/* ---- life ---- */

struct termscreen *termscreen_start(uv_loop_t *loop, struct machine *m, struct typist *typist,
                                    struct stream *stream)
{
    static const char enter[] = "\033[?1049h";
    struct termscreen *d = calloc(1, sizeof *d);

    if (!d)
        abort();
    d->machine = m;
    d->typist = typist;
    d->stream = stream;
    d->open_handles = 2;
    d->few = few_colours();
    uv_timer_init(loop, &d->frame);
    uv_timer_init(loop, &d->escape);
    d->frame.data = d->escape.data = d;
    stream_send(stream, enter, sizeof enter - 1);
    stream_set_reader(stream, &(struct stream_reader){d, on_input, NULL, NULL});
    uv_timer_start(&d->frame, on_frame, 0, FRAME_MS);
    return d;
}

static void on_closed(uv_handle_t *handle)
{
    struct termscreen *d = handle->data;

    if (--d->open_handles)
        return;
    text_free(&d->out);
    free(d);
}

void termscreen_close(struct termscreen *d)
{
    struct text last = {0};

    if (!d)
        return;
    text_printf(&last, "\033[0m\033[?25h\033[?1049l");
    screen_text(d->machine, &last);
    stream_send(d->stream, last.data, last.len);
    text_free(&last);
    stream_close(d->stream);
    uv_close((uv_handle_t *)&d->frame, on_closed);
    uv_close((uv_handle_t *)&d->escape, on_closed);
}
