#include "vmm/lineedit.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096, HISTORY = 64, OFFERS = 256, WORD = 64 };
enum {
    CTRL_A = 1,
    CTRL_B,
    CTRL_C,
    CTRL_D,
    CTRL_E,
    CTRL_F,
    CTRL_H = 8,
    TAB,
    CTRL_K = 11,
    CTRL_L,
    CTRL_N = 14,
    CTRL_P = 16,
    CTRL_U = 21,
    CTRL_W = 23,
    ESC = 27,
    DEL = 127
};

struct lineedit {
    struct lineedit_wires wires;
    const char *prompt;
    bool echo;
    char line[LINE_MAX_BYTES];
    size_t len, cursor;
    bool last_cr;           /* a line feed after it is the same key */
    unsigned escape;        /* 1: after ESC, 2: in a sequence */
    unsigned number;        /* of the sequence's parameter */
    char *history[HISTORY]; /* the newest last */
    unsigned used, shown;   /* the one that is in the line; used: none */
};

static void say(struct lineedit *e, const char *text)
{
    e->wires.write(e->wires.opaque, text, strlen(text));
}

/* Write the line anew from the prompt on, and put the cursor where it is. */
static void redraw(struct lineedit *e)
{
    char back[24];

    if (!e->echo)
        return;
    say(e, "\r");
    say(e, e->prompt);
    e->wires.write(e->wires.opaque, e->line, e->len);
    say(e, "\033[K");
    if (e->len > e->cursor) {
        snprintf(back, sizeof back, "\033[%zuD", e->len - e->cursor);
        say(e, back);
    }
}

void lineedit_begin(struct lineedit *e)
{
    e->len = e->cursor = 0;
    e->shown = e->used;
    say(e, e->prompt);
}

/* ---- changing the line ---- */

static void insert(struct lineedit *e, const char *text, size_t n)
{
    if (e->len + n >= sizeof e->line)
        return;
    memmove(e->line + e->cursor + n, e->line + e->cursor, e->len - e->cursor);
    memcpy(e->line + e->cursor, text, n);
    e->len += n;
    e->cursor += n;
    if (e->echo && e->cursor == e->len)
        e->wires.write(e->wires.opaque, text, n);
    else
        redraw(e);
}

static void delete_range(struct lineedit *e, size_t from, size_t to)
{
    memmove(e->line + from, e->line + to, e->len - to);
    e->len -= to - from;
    e->cursor = from;
    if (e->echo && from == e->len && to == from + 1)
        say(e, "\b \b");
    else
        redraw(e);
}

static void delete_word(struct lineedit *e)
{
    size_t from = e->cursor;

    while (from && isspace((unsigned char)e->line[from - 1]))
        from--;
    while (from && !isspace((unsigned char)e->line[from - 1]))
        from--;
    delete_range(e, from, e->cursor);
}

static void move(struct lineedit *e, size_t to)
{
    e->cursor = to;
    redraw(e);
}

/* ---- history ---- */

static void remember(struct lineedit *e)
{
    if (!e->echo || !e->len || (e->used && !strcmp(e->history[e->used - 1], e->line)))
        return;
    if (e->used == HISTORY) {
        free(e->history[0]);
        memmove(e->history, e->history + 1, (HISTORY - 1) * sizeof *e->history);
        e->used--;
    }
    e->history[e->used] = strdup(e->line);
    if (!e->history[e->used++])
        abort();
}

static void recall(struct lineedit *e, unsigned which)
{
    e->shown = which;
    e->len = 0;
    if (which < e->used)
        e->len = (size_t)snprintf(e->line, sizeof e->line, "%s", e->history[which]);
    e->cursor = e->len;
    redraw(e);
}

/* ---- completion ---- */

struct offers {
    char word[OFFERS][WORD];
    unsigned count;
};

static void take_offer(void *to, const char *word)
{
    struct offers *o = to;

    if (o->count < OFFERS)
        snprintf(o->word[o->count++], WORD, "%s", word);
}

static size_t common_length(const struct offers *o)
{
    size_t n = strlen(o->word[0]);

    for (unsigned i = 1; i < o->count; i++) {
        size_t k = 0;
        while (k < n && o->word[i][k] == o->word[0][k])
            k++;
        n = k;
    }
    return n;
}

static void list_offers(struct lineedit *e, const struct offers *o)
{
    char cell[WORD + 8];

    say(e, "\n");
    for (unsigned i = 0; i < o->count; i++) {
        snprintf(cell, sizeof cell, "%-19s%s", o->word[i],
                 i % 4 == 3 || i + 1 == o->count ? "\n" : " ");
        say(e, cell);
    }
    redraw(e);
}

/* How much of word 0 is in the line already: the offers tell whole words. */
static size_t typed_length(const struct lineedit *e, const struct offers *o, size_t common)
{
    size_t n = common < e->len ? common : e->len;

    while (n && strncmp(e->line + e->len - n, o->word[0], n))
        n--;
    return n;
}

static void complete(struct lineedit *e)
{
    struct offers *o = calloc(1, sizeof *o);

    if (!o)
        abort();
    e->line[e->len] = 0;
    if (e->wires.complete && e->cursor == e->len)
        e->wires.complete(e->wires.opaque, e->line, take_offer, o);
    if (o->count) {
        size_t common = common_length(o), typed = typed_length(e, o, common);
        if (o->count > 1 && common == typed)
            list_offers(e, o);
        insert(e, o->word[0] + typed, common - typed);
        if (o->count == 1)
            insert(e, " ", 1);
    }
    free(o);
}

/* ---- keys ---- */

static void finish(struct lineedit *e)
{
    if (e->echo)
        say(e, "\n");
    e->line[e->len] = 0;
    remember(e);
    e->wires.line(e->wires.opaque, e->line);
    lineedit_begin(e);
}

static void edit_key(struct lineedit *e, uint8_t c)
{
    switch (c) {
    case CTRL_A:
        move(e, 0);
        break;
    case CTRL_B:
        move(e, e->cursor - (e->cursor > 0));
        break;
    case CTRL_D:
        if (e->cursor < e->len)
            delete_range(e, e->cursor, e->cursor + 1);
        break;
    case CTRL_E:
        move(e, e->len);
        break;
    case CTRL_F:
        move(e, e->cursor + (e->cursor < e->len));
        break;
    case TAB:
        complete(e);
        break;
    case CTRL_K:
        delete_range(e, e->cursor, e->len);
        break;
    case CTRL_L:
        say(e, "\033[H\033[2J");
        redraw(e);
        break;
    case CTRL_N:
        if (e->shown < e->used)
            recall(e, e->shown + 1);
        break;
    case CTRL_P:
        if (e->shown)
            recall(e, e->shown - 1);
        break;
    case CTRL_W:
        delete_word(e);
        break;
    case ESC:
        e->escape = 1;
        break;
    default:
        break;
    }
}

/* ECMA-48: ESC [ or ESC O, a number, a letter. */
static void escape_key(struct lineedit *e, uint8_t c)
{
    static const struct {
        char final;
        unsigned number;
        uint8_t key;
    } keys[] = {{'A', 0, CTRL_P}, {'B', 0, CTRL_N}, {'C', 0, CTRL_F}, {'D', 0, CTRL_B},
                {'H', 0, CTRL_A}, {'F', 0, CTRL_E}, {'~', 1, CTRL_A}, {'~', 3, CTRL_D},
                {'~', 4, CTRL_E}, {'~', 7, CTRL_A}, {'~', 8, CTRL_E}};

    if (e->escape == 1) {
        e->escape = c == '[' || c == 'O' ? 2 : 0;
        e->number = 0;
        return;
    }
    if (isdigit(c)) {
        e->number = (e->number * 10 + (c - '0')) % 1000;
        return;
    }
    if (c == ';')
        return;
    e->escape = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].final == (char)c && (c != '~' || keys[i].number == e->number))
            edit_key(e, keys[i].key);
}

static void take(struct lineedit *e, uint8_t c)
{
    if (e->escape) {
        escape_key(e, c);
    } else if (c == CTRL_H || c == DEL) {
        if (e->cursor)
            delete_range(e, e->cursor - 1, e->cursor);
    } else if (c == CTRL_C || c == CTRL_U) { /* a fresh line */
        say(e, "\n");
        lineedit_begin(e);
    } else if (c >= ' ') {
        insert(e, (const char *)&c, 1);
    } else if (e->echo) {
        edit_key(e, c);
    }
}

void lineedit_input(struct lineedit *e, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool same = data[i] == '\n' && e->last_cr;
        e->last_cr = data[i] == '\r';
        if (same)
            continue;
        if (data[i] == '\n' || data[i] == '\r')
            finish(e);
        else
            take(e, data[i]);
    }
}

/* ---- life ---- */

struct lineedit *lineedit_new(const struct lineedit_wires *wires, const char *prompt, bool echo)
{
    struct lineedit *e = calloc(1, sizeof *e);

    if (!e)
        abort();
    e->wires = *wires;
    e->prompt = prompt;
    e->echo = echo;
    return e;
}

void lineedit_free(struct lineedit *e)
{
    if (!e)
        return;
    for (unsigned i = 0; i < e->used; i++)
        free(e->history[i]);
    free(e);
}
