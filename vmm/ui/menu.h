/* The window's menu, its questions and its help: what is shown and chosen.  Nothing here knows the
 * window's toolkit, nor what the actions do. */
#ifndef RINGER_VMM_UI_MENU_H
#define RINGER_VMM_UI_MENU_H

#include <stdbool.h>

#include "vmm/ui/canvas.h"

enum action {
    ACT_NONE,
    ACT_MENU, /* opens the menu ITEM.menu */
    ACT_HELP, /* shows the keys */
    ACT_ASK,  /* asks ITEM.question, then does ITEM.then with the answer as text */
    ACT_PAUSE,
    ACT_RESET,
    ACT_POWER,
    ACT_QUIT,
    ACT_CHORD, /* TEXT: keys, as sendkey has them */
    ACT_PASTE,
    ACT_CHANGE,     /* WHICH: the drive; TEXT: the file */
    ACT_EJECT,      /* WHICH: the drive */
    ACT_SCREENSHOT, /* TEXT: the file */
    ACT_RECORD,     /* TEXT: the file */
    ACT_RECORD_END,
    ACT_FULLSCREEN,
    ACT_INTEGER,
    ACT_SIZE, /* WHICH: window size in per cent of the picture's natural one */
    ACT_BORDER,
    ACT_STATUS,
    ACT_OVERLAY,
    ACT_CAPTURE,
};

struct menu_item {
    const char *text; /* NULL ends a menu; "" is a rule */
    enum action action;
    const char *keys; /* the key that does the same, shown at the right; also a chord's keys */
    const struct menu_item *menu;
    const char *question, *start; /* START: the answer proposed */
    enum action then;
    const char *which;
};

/* The menu that opens. */
extern const struct menu_item menu_main[];

/* What was chosen. */
struct choice {
    enum action action;
    const char *which;
    const char *text; /* valid until the next call */
};

enum menu_key {
    MENU_UP,
    MENU_DOWN,
    MENU_LEFT,
    MENU_RIGHT,
    MENU_ENTER,
    MENU_ESCAPE,
    MENU_BACKSPACE,
    MENU_HELP
};
enum { MENU_DEPTH = 4, MENU_ANSWER = 1024 };

struct menu {
    bool open;
    int depth;
    struct {
        const struct menu_item *items;
        int selected;
    } level[MENU_DEPTH];
    const struct menu_item *asking; /* the item whose question is open */
    bool helping;
    char answer[MENU_ANSWER];
    char notice[256]; /* one line to read; any key closes it */
};

void menu_open(struct menu *m, const struct menu_item *items);
void menu_close(struct menu *m);
void menu_help(struct menu *m);
/* Show TEXT until a key is pressed. */
void menu_notice(struct menu *m, const char *text);
/* Is there a question that wants typed text? */
bool menu_wants_text(const struct menu *m);
void menu_text(struct menu *m, const char *utf8);
/* A key, or a click (or the pointer passing, when not CLICKED) at X, Y of the drawn menu.  What
 * they choose is in OUT, ACT_NONE for nothing. */
void menu_key(struct menu *m, enum menu_key key, struct choice *out);
void menu_point(struct menu *m, int x, int y, bool clicked, struct choice *out);
/* The size that menu_draw needs. */
void menu_size(const struct menu *m, int *width, int *height);
void menu_draw(const struct menu *m, struct canvas *c);

#endif
