/* The guest's picture comes by display.h, as to windows: 20 times a second it is asked for, and
 * when it has changed what differs from what the terminal shows is sent.  A terminal that is slow
 * to take that gets the next picture when it has. */
#include "vmm/ui/termscreen.h"
#include "vmm/screen.h"
#include "vmm/ui/termcells.h"
#include "vmm/ui/termkeys.h"
#include "vmm/ui/termpicture.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    FRAME_MS = 50,
    ESCAPE_MS = 50, /* a lone ESC is the key when nothing follows for so long */
    CTRL_A = 1,
    MOST_QUEUED = 16384, /* bytes that wait for the terminal when another picture is drawn */
    MAX_CELL = 100,      /* pixels */
};

struct termscreen {
    struct machine *machine;
    struct typist *typist;
    struct stream *stream;
    struct display *display;
    struct display_reader *reader;
    uv_timer_t frame, escape;
    uv_async_t news; /* there is another picture */
    unsigned open_handles;
    bool prefix; /* Ctrl-A was typed */
    uint8_t input[64];
    size_t input_len;

    enum term_graphics graphics;
    bool sixel; /* pictures are shown by sixels */
    bool stale; /* what is shown may not be the latest */
    bool in_picture;
    unsigned columns, rows; /* of the terminal */
    struct termcells cells;
    struct termpicture picture;
    struct text out;
};

/* ---- drawing ---- */

static void clear(struct termscreen *d)
{
    termcells_clear(&d->cells, d->columns, d->rows, &d->out);
    d->picture.shown = false;
}

static void follow_size(struct termscreen *d)
{
    struct winsize size = {0};
    unsigned columns = 80, rows = 25;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        columns = size.ws_col;
        rows = size.ws_row;
    }
    if (columns == d->columns && rows == d->rows)
        return;
    d->columns = columns;
    d->rows = rows;
    d->stale = true;
    clear(d);
}

static void show_cursor(struct termscreen *d)
{
    if (d->cells.cursor)
        text_printf(&d->out, "\033[%u;%uH\033[?25h", d->cells.cursor_y + 1, d->cells.cursor_x + 1);
    else
        text_printf(&d->out, "\033[?25l");
}

static void show(struct termscreen *d, const struct display_frame *f)
{
    struct termcells *c = &d->cells;
    unsigned x = c->cursor_x, y = c->cursor_y;
    bool cursor = c->cursor, picture = !f->text->text_mode && d->sixel;

    if (picture != d->in_picture)
        clear(d);
    d->in_picture = picture;
    size_t before = d->out.len;
    if (picture)
        termpicture_send(&d->picture, f, d->columns, d->rows, &d->out);
    else if (f->text->text_mode)
        termcells_want_text(c, f->text);
    else
        termcells_want_picture(c, f);
    if (!picture)
        termcells_send(c, &d->out);
    else
        c->cursor = false;
    if (d->out.len != before || c->cursor != cursor || c->cursor_x != x || c->cursor_y != y)
        show_cursor(d);
}

static void draw(struct termscreen *d)
{
    const struct display_frame *f;

    if (!d->stale || stream_queued(d->stream) > MOST_QUEUED)
        return;
    f = display_lock(d->reader);
    if (f) {
        show(d, f);
        display_unlock(d->reader);
        d->stale = false;
    }
    stream_send(d->stream, d->out.data, d->out.len);
    d->out.len = 0;
}

static void on_frame(uv_timer_t *timer)
{
    struct termscreen *d = timer->data;

    follow_size(d);
    draw(d);
    display_request(d->display);
}

static void on_news(uv_async_t *news)
{
    struct termscreen *d = news->data;

    d->stale = true;
    draw(d);
}

/* The vCPU thread's. */
static void wake(void *opaque)
{
    struct termscreen *d = opaque;

    uv_async_send(&d->news);
}

/* ---- the keyboard ---- */

/* DATA is no key; is it an answer to what was asked at the start?  Primary device attributes
 * "ESC [ ? class ; extension ... c", among them 4 for sixels; the size of a cell in pixels
 * "ESC [ 6 ; height ; width t". */
static void take_answer(struct termscreen *d, const uint8_t *data, size_t len)
{
    unsigned value[32] = {0}, n = 0, cells;
    bool attributes = len > 3 && data[1] == '[' && data[2] == '?' && data[len - 1] == 'c';

    if (!attributes && (len < 4 || data[1] != '[' || data[len - 1] != 't'))
        return;
    for (size_t i = 2; i < len; i++)
        if (data[i] >= '0' && data[i] <= '9')
            value[n] = (value[n] * 10 + data[i] - '0') % 10000;
        else if (data[i] == ';' && n < 31)
            n++;
    cells = value[1] && value[2] && value[1] < MAX_CELL && value[2] < MAX_CELL;
    if (!attributes && value[0] == 6 && cells) {
        d->picture.cell_height = value[1];
        d->picture.cell_width = value[2];
    }
    for (unsigned i = 1; attributes && i <= n; i++)
        d->sixel |= value[i] == 4 && d->graphics == TERM_AUTO;
    d->stale = true;
}

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
        else
            take_answer(d, d->input + at, used);
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

struct termscreen *termscreen_start(uv_loop_t *loop, struct machine *m, struct display *display,
                                    struct typist *typist, struct stream *stream,
                                    enum term_graphics graphics)
{
    /* The alternate screen; what are you, and how large are your cells? */
    static const char enter[] = "\033[?1049h\033[c\033[16t";
    struct termscreen *d = calloc(1, sizeof *d);

    if (!d)
        abort();
    d->machine = m;
    d->typist = typist;
    d->stream = stream;
    d->display = display;
    d->graphics = graphics;
    d->sixel = graphics == TERM_SIXEL;
    d->stale = true;
    d->picture.cell_width = 8;
    d->picture.cell_height = 16;
    d->cells.few = termcells_few_colours();
    d->open_handles = 3;
    uv_timer_init(loop, &d->frame);
    uv_timer_init(loop, &d->escape);
    uv_async_init(loop, &d->news, on_news);
    d->frame.data = d->escape.data = d->news.data = d;
    d->reader = display_join(display, wake, d);
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
    termpicture_free(&d->picture);
    text_free(&d->out);
    free(d);
}

void termscreen_close(struct termscreen *d)
{
    struct text last = {0};

    if (!d)
        return;
    display_leave(d->reader);
    text_printf(&last, "\033[0m\033[?25h\033[?1049l");
    screen_text(d->machine, &last);
    stream_send(d->stream, last.data, last.len);
    text_free(&last);
    stream_close(d->stream);
    uv_close((uv_handle_t *)&d->frame, on_closed);
    uv_close((uv_handle_t *)&d->escape, on_closed);
    uv_close((uv_handle_t *)&d->news, on_closed);
}
