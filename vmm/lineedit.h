/* A line being typed on a terminal: cursor keys, history, completion. */
#ifndef RINGER_VMM_LINEEDIT_H
#define RINGER_VMM_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lineedit;

struct lineedit_wires {
    void *opaque;
    void (*write)(void *opaque, const char *data, size_t len); /* to the terminal */
    void (*line)(void *opaque, const char *line);              /* one is complete */
    /* Tab at the end of LINE: call OFFER(to, word) for each word that its last may become. */
    void (*complete)(void *opaque, const char *line, void (*offer)(void *to, const char *word),
                     void *to);
};

/* ECHO: show what is typed and take editing keys; else input is as it comes from a program, of
 * which backspace is the one key.  PROMPT stays the caller's. */
struct lineedit *lineedit_new(const struct lineedit_wires *wires, const char *prompt, bool echo);
void lineedit_free(struct lineedit *e);
/* An empty line with the prompt before it. */
void lineedit_begin(struct lineedit *e);
void lineedit_input(struct lineedit *e, const uint8_t *data, size_t len);

#endif
