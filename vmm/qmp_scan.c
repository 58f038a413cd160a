/* QMP has no frame around its messages: one ends where its brackets are closed.  This looks at
 * brackets and quotes only; whether it is JSON at all is for the parser to say. */
#include "vmm/qmp_scan.h"
#include <stdlib.h>
#include <string.h>

enum { RESYNCHRONISE = 0xFF };

static bool append(struct qmp_scan *s, char c)
{
    if (s->len >= QMP_MESSAGE_MAX)
        return false;
    if (s->len + 2 > s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        char *text = realloc(s->text, cap);
        if (!text)
            abort();
        s->text = text;
        s->cap = cap;
    }
    s->text[s->len++] = c;
    s->text[s->len] = 0;
    return true;
}

static void forget(struct qmp_scan *s)
{
    if (s->cap > 65536) { /* one long message is no reason to hold so much for ever */
        free(s->text);
        s->text = NULL;
        s->cap = 0;
    }
    s->len = 0;
    s->depth = 0;
    s->quote = 0;
    s->escaped = s->word = s->skipping = false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A character inside of a string; 'it''s' is to become "it's" and '"' to become "\"". */
static bool take_quoted(struct qmp_scan *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
        if (c == '\'' && s->len) { /* \' is no escape of JSON's */
            s->text[s->len - 1] = c;
            return true;
        }
        return append(s, c);
    }
    if (c == '\\')
        s->escaped = true;
    if (c == s->quote) {
        s->quote = 0;
        return append(s, '"');
    }
    return c != '"' || append(s, '\\') ? append(s, c) : false;
}

/* The same while nothing is kept. */
static void skip_quoted(struct qmp_scan *s, char c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == s->quote)
        s->quote = 0;
}

static enum qmp_scan_result give_up(struct qmp_scan *s, enum qmp_scan_result why)
{
    s->skipping = true;
    s->len = 0;
    return why;
}

static enum qmp_scan_result take_structure(struct qmp_scan *s, char c)
{
    if (c == '"' || c == '\'') {
        s->quote = c;
        c = '"';
    } else if (c == '{' || c == '[') {
        s->depth++;
    } else if (c == '}' || c == ']') {
        s->depth--;
    }
    if (s->skipping) {
        if (!s->depth)
            forget(s);
        return SCAN_MORE;
    }
    if (!append(s, c))
        return give_up(s, SCAN_TOO_LONG);
    if (s->depth > QMP_DEPTH_MAX)
        return give_up(s, SCAN_TOO_DEEP);
    return s->depth ? SCAN_MORE : SCAN_MESSAGE;
}

static enum qmp_scan_result take(struct qmp_scan *s, char c)
{
    if ((unsigned char)c == RESYNCHRONISE) {
        bool cut = (s->depth || s->word) && !s->skipping;
        forget(s);
        return cut ? SCAN_CUT : SCAN_MORE;
    }
    if (s->quote && s->skipping) {
        skip_quoted(s, c);
        return SCAN_MORE;
    }
    if (s->quote)
        return take_quoted(s, c) ? SCAN_MORE : give_up(s, SCAN_TOO_LONG);
    if (s->depth || c == '{' || c == '[')
        return take_structure(s, c);
    if (is_space(c))
        return SCAN_MORE;
    s->word = true;
    return append(s, c) ? SCAN_MORE : give_up(s, SCAN_TOO_LONG);
}

enum qmp_scan_result qmp_scan(struct qmp_scan *s, const char *data, size_t len, size_t *used)
{
    enum qmp_scan_result result = SCAN_MORE;

    if (!s->depth && !s->word)
        forget(s); /* the last message was dealt with */
    for (*used = 0; *used < len && result == SCAN_MORE;) {
        char c = data[*used];
        bool ends_word = s->word && (is_space(c) || c == '{' || c == '[');

        if (ends_word) { /* which is left for the next call */
            s->word = false;
            if (!s->skipping)
                return SCAN_MESSAGE;
            forget(s);
        }
        ++*used;
        result = take(s, c);
    }
    return result;
}

void qmp_scan_free(struct qmp_scan *s)
{
    free(s->text);
    *s = (struct qmp_scan){0};
}
