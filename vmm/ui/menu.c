#include "vmm/ui/menu.h"

#include <stdio.h>
#include <string.h>

enum { PADDING = 8, RULE_HEIGHT = 8, ANSWER_COLUMNS = 56 };
#define GROUND   0xf0202830u
#define EDGE     0xff8090a0u
#define INK      0xffe8e8e8u
#define FAINT    0xff90a0b0u
#define SELECTED 0xff2060a0u

static const char *const help[] = {
    "With Ctrl-Alt (or what grab-mod says) held:",
    "",
    "  G   capture the mouse, or let it go",
    "  F   full screen, or back",
    "  H   this list",
    "  M   menu: all of this, and more",
    "  P   pause, or go on",
    "  R   reset",
    "  S   screenshot",
    "  V   type the host's clipboard",
    "  U   the window's natural size",
    "  +   larger window        -   smaller window",
    "  I   whole multiples of pixels only, or any size",
    "  L   status line on or off",
    "  O   statistics as graphs, or none",
    "  Q   quit",
    "",
    "A click captures the mouse where the guest",
    "does not follow it by itself.  Files that",
    "are dropped on the window go into the drive",
    "of their kind.  A click on the status line",
    "opens the menu.",
};
enum { HELP_LINES = sizeof help / sizeof *help };

void menu_close(struct menu *m)
{
    m->open = m->helping = false;
    m->depth = 0;
    m->asking = NULL;
    m->notice[0] = 0;
}

void menu_open(struct menu *m, const struct menu_item *items)
{
    menu_close(m);
    m->open = true;
    m->depth = 1;
    m->level[0].items = items;
    m->level[0].selected = 0;
}

void menu_help(struct menu *m)
{
    menu_close(m);
    m->open = m->helping = true;
}

void menu_notice(struct menu *m, const char *text)
{
    menu_close(m);
    m->open = true;
    snprintf(m->notice, sizeof m->notice, "%s", text);
    m->notice[strcspn(m->notice, "\n")] = 0;
}

bool menu_wants_text(const struct menu *m)
{
    return m->open && m->asking;
}

void menu_text(struct menu *m, const char *utf8)
{
    if (menu_wants_text(m) && strlen(m->answer) + strlen(utf8) < sizeof m->answer)
        strcat(m->answer, utf8);
}

/* ---- choosing ---- */

static void ask(struct menu *m, const struct menu_item *item)
{
    m->asking = item;
    snprintf(m->answer, sizeof m->answer, "%s", item->start ? item->start : "");
}

static void choose(struct menu *m, const struct menu_item *item, struct choice *out)
{
    switch (item->action) {
    case ACT_MENU:
        if (m->depth < MENU_DEPTH) {
            m->level[m->depth].items = item->menu;
            m->level[m->depth++].selected = 0;
        }
        break;
    case ACT_HELP:
        menu_help(m);
        break;
    case ACT_ASK:
        ask(m, item);
        break;
    default:
        *out = (struct choice){item->action, item->which, item->keys};
        menu_close(m);
        break;
    }
}

static void move(struct menu *m, int step)
{
    const struct menu_item *items = m->level[m->depth - 1].items;
    int *at = &m->level[m->depth - 1].selected, count = 0;

    while (items[count].text)
        count++;
    do
        *at = (*at + step + count) % count;
    while (!items[*at].text[0]);
}

static void back(struct menu *m)
{
    if (m->asking)
        m->asking = NULL;
    else if (m->depth > 1)
        m->depth--;
    else
        menu_close(m);
}

static void answer_key(struct menu *m, enum menu_key key, struct choice *out)
{
    size_t len = strlen(m->answer);

    if (key == MENU_ESCAPE) {
        back(m);
    } else if (key == MENU_BACKSPACE) {
        while (len && (m->answer[--len] & 0xc0) == 0x80)
            ; /* a whole UTF-8 character */
        m->answer[len] = 0;
    } else if (key == MENU_ENTER && len) {
        *out = (struct choice){m->asking->then, m->asking->which, m->answer};
        menu_close(m);
    }
}

void menu_key(struct menu *m, enum menu_key key, struct choice *out)
{
    *out = (struct choice){ACT_NONE, NULL, NULL};
    if (!m->open)
        return;
    if (m->helping || m->notice[0]) {
        menu_close(m);
        return;
    }
    if (m->asking) {
        answer_key(m, key, out);
        return;
    }
    const struct menu_item *item = &m->level[m->depth - 1].items[m->level[m->depth - 1].selected];
    switch (key) {
    case MENU_UP:
        move(m, -1);
        break;
    case MENU_DOWN:
        move(m, 1);
        break;
    case MENU_RIGHT:
        if (item->action == ACT_MENU)
            choose(m, item, out);
        break;
    case MENU_ENTER:
        choose(m, item, out);
        break;
    case MENU_HELP:
        menu_help(m);
        break;
    case MENU_LEFT:
    case MENU_ESCAPE:
    case MENU_BACKSPACE:
        back(m);
        break;
    }
}

static int item_height(const struct menu_item *item)
{
    return item->text[0] ? CANVAS_ROW : RULE_HEIGHT;
}

void menu_point(struct menu *m, int x, int y, bool clicked, struct choice *out)
{
    int width, height, top = PADDING;

    *out = (struct choice){ACT_NONE, NULL, NULL};
    if (!m->open)
        return;
    menu_size(m, &width, &height);
    bool inside = x >= 0 && y >= 0 && x < width && y < height;
    if (clicked && (m->helping || m->notice[0] || !inside)) {
        menu_close(m);
        return;
    }
    if (!inside || m->helping || m->notice[0] || m->asking)
        return;
    const struct menu_item *item = m->level[m->depth - 1].items;
    for (int i = 0; item->text; item++, i++) {
        int bottom = top + item_height(item);
        if (y >= top && y < bottom && item->text[0]) {
            m->level[m->depth - 1].selected = i;
            if (clicked)
                choose(m, item, out);
            return;
        }
        top = bottom;
    }
}

/* ---- drawing ---- */

static void list_size(const struct menu_item *item, int *columns, int *height)
{
    for (; item->text; item++) {
        int n = canvas_columns(item->text) + (item->keys ? canvas_columns(item->keys) + 4 : 2);
        *columns = n > *columns ? n : *columns;
        *height += item_height(item);
    }
}

void menu_size(const struct menu *m, int *width, int *height)
{
    int columns = 0;

    *height = 0;
    if (m->helping) {
        *height = HELP_LINES * CANVAS_ROW;
        for (int i = 0; i < HELP_LINES; i++)
            columns = canvas_columns(help[i]) > columns ? canvas_columns(help[i]) : columns;
    } else if (m->notice[0]) {
        columns = canvas_columns(m->notice);
        columns = columns > 70 ? 70 : columns;
        *height = CANVAS_ROW * ((canvas_columns(m->notice) + 69) / 70);
    } else if (m->asking) {
        columns = ANSWER_COLUMNS;
        *height = 2 * CANVAS_ROW;
    } else if (m->open) {
        list_size(m->level[m->depth - 1].items, &columns, height);
    }
    *width = columns * CANVAS_COLUMN + 2 * PADDING;
    *height += 2 * PADDING;
}

static void draw_list(const struct menu *m, struct canvas *c)
{
    const struct menu_item *item = m->level[m->depth - 1].items;
    int y = PADDING;

    for (int i = 0; item->text; y += item_height(item), item++, i++) {
        if (!item->text[0]) {
            canvas_fill(c, PADDING, y + RULE_HEIGHT / 2, c->width - 2 * PADDING, 1, EDGE);
            continue;
        }
        if (i == m->level[m->depth - 1].selected)
            canvas_fill(c, 2, y, c->width - 4, CANVAS_ROW, SELECTED);
        canvas_text(c, PADDING, y, item->text, INK);
        const char *right = item->action == ACT_MENU    ? "\u25ba"
                            : item->action == ACT_CHORD ? NULL
                                                        : item->keys;
        if (right)
            canvas_text(c, c->width - PADDING - CANVAS_COLUMN * canvas_columns(right), y, right,
                        FAINT);
    }
}

static void draw_question(const struct menu *m, struct canvas *c)
{
    const char *shown = m->answer;

    canvas_text(c, PADDING, PADDING, m->asking->question, FAINT);
    while (canvas_columns(shown) > ANSWER_COLUMNS - 1) /* the end is what is being typed */
        do
            shown++;
        while ((*shown & 0xc0) == 0x80);
    int x = canvas_text(c, PADDING, PADDING + CANVAS_ROW, shown, INK);
    canvas_fill(c, x, PADDING + CANVAS_ROW + 13, CANVAS_COLUMN, 2, INK);
}

static void draw_notice(const struct menu *m, struct canvas *c)
{
    char line[71];
    size_t len = strlen(m->notice);

    for (size_t at = 0, row = 0; at < len; at += 70, row++) {
        snprintf(line, sizeof line, "%.70s", m->notice + at);
        canvas_text(c, PADDING, PADDING + (int)row * CANVAS_ROW, line, INK);
    }
}

void menu_draw(const struct menu *m, struct canvas *c)
{
    canvas_fill(c, 0, 0, c->width, c->height, GROUND);
    canvas_frame(c, 0, 0, c->width, c->height, EDGE);
    if (m->helping)
        for (int i = 0; i < HELP_LINES; i++)
            canvas_text(c, PADDING, PADDING + i * CANVAS_ROW, help[i], INK);
    else if (m->notice[0])
        draw_notice(m, c);
    else if (m->asking)
        draw_question(m, c);
    else
        draw_list(m, c);
}
