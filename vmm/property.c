#define _GNU_SOURCE /* strchrnul */
#include "vmm/property.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

bool parse_uint(const char *text, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    unsigned long long n = strtoull(text, &end, base);
    *out = n;
    return *end == 0 && end - text < 20;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *out)
{
    static const char suffixes[] = "BKMGT";
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long long n = strtoull(text, &end, 0);
    if (*end) {
        const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
        if (!suffix)
            return false;
        unit = 1ull << (suffix - suffixes) * 10;
        if (end[1] && (unit == 1 || (strcasecmp(end + 1, "b") && strcasecmp(end + 1, "ib"))))
            return false;
    }
    if (n > UINT64_MAX / unit)
        return false;
    *out = n * unit;
    return true;
}

bool parse_switch(const char *text, bool *out)
{
    static const char *const names[2][4] = {{"off", "no", "false", "n"},
                                            {"on", "yes", "true", "y"}};

    for (unsigned i = 0; i < 8; i++)
        if (!strcmp(text, names[i / 4][i % 4])) {
            *out = i / 4;
            return true;
        }
    return false;
}

static bool parse_choice(const char *choices, const char *text, uint64_t *index)
{
    size_t len = strlen(text);

    for (*index = 0;; ++*index) {
        const char *end = strchrnul(choices, '|');
        if ((size_t)(end - choices) == len && !memcmp(choices, text, len))
            return true;
        if (!*end)
            return false;
        choices = end + 1;
    }
}

/* What would be right for P, for messages and help. */
static void describe(const struct property *p, char *out, size_t n)
{
    switch (p->type) {
    case PROPERTY_BOOL:
        snprintf(out, n, "on or off");
        break;
    case PROPERTY_NUMBER:
        snprintf(out, n,
                 p->max > 4096 ? "a number from %#llx to %#llx" : "a number from %llu to %llu",
                 (unsigned long long)p->min, (unsigned long long)p->max);
        break;
    case PROPERTY_SIZE:
        snprintf(out, n, "a size such as 64K, 16M or 1G");
        break;
    case PROPERTY_CHOICE:
        snprintf(out, n, "one of %s", p->choices);
        break;
    default:
        snprintf(out, n, "a text");
        break;
    }
}

static bool set_value(const struct property *p, struct value *v, const char *text,
                      struct pool **pool)
{
    bool on = false, ok = true;

    switch (p->type) {
    case PROPERTY_BOOL:
        ok = parse_switch(text, &on);
        v->number = on;
        break;
    case PROPERTY_NUMBER:
        ok = parse_uint(text, &v->number) && v->number >= p->min && v->number <= p->max;
        break;
    case PROPERTY_SIZE:
        ok = parse_size(text, 1, &v->number) && v->number >= p->min &&
             (!p->max || v->number <= p->max);
        break;
    case PROPERTY_CHOICE:
        ok = parse_choice(p->choices, text, &v->number);
        break;
    default:
        break;
    }
    if (ok)
        v->text = pool_text(pool, text, strlen(text));
    return ok;
}

/* ---- lists ---- */

/* The end of the item at TEXT: a comma that is not doubled, or the end. */
static const char *item_end(const char *text)
{
    const char *end = strchrnul(text, ',');

    while (*end && end[1] == ',')
        end = strchrnul(end + 2, ',');
    return end;
}

bool property_next(struct pool **pool, const char **list, const char **key, const char **value)
{
    const char *end = item_end(*list);
    char *item, *to;

    if (!**list)
        return false;
    item = to = pool_text(pool, *list, (size_t)(end - *list));
    for (const char *from = item; *from; from++) { /* ",," is a comma */
        *to++ = *from;
        from += from[0] == ',' && from[1] == ',';
    }
    *to = 0;
    *list = *end ? end + 1 : end;
    char *equals = strchr(item, '=');
    if (equals)
        *equals = 0;
    *key = item;
    *value = equals ? equals + 1 : NULL;
    return true;
}

static const struct property *find(const struct property *table, const char *name)
{
    for (; table->type != PROPERTY_END; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

static bool unknown_property(const struct property *table, const char *key, const char *what,
                             struct error *err)
{
    char names[200] = "";
    size_t len = 0;

    for (const struct property *p = table; p->type != PROPERTY_END && len < sizeof names - 40; p++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "", p->name);
    if (!len)
        return error_set(err, "%s: '%s': it has no properties", what, key);
    return error_set(err, "%s: there is no property '%s'; they are %s", what, key, names);
}

bool property_set(const struct property *table, struct value *values, const char *key,
                  const char *text, struct pool **pool, const char *what, struct error *err)
{
    const struct property *p = find(table, key);
    char right[200];

    if (!p && !text && !strncmp(key, "no", 2) && (p = find(table, key + 2)) &&
        p->type == PROPERTY_BOOL)
        text = "off"; /* the older spelling, "nowait" */
    if (!p)
        return unknown_property(table, key, what, err);
    if (!text && p->type == PROPERTY_BOOL)
        text = "on";
    if (text && set_value(p, &values[p - table], text, pool)) {
        values[p - table].given = true;
        return true;
    }
    describe(p, right, sizeof right);
    return error_set(err, "%s: %s%s%s: it is %s", what, p->name, text ? "=" : "", text ? text : "",
                     right);
}

static void set_standard(const struct property *table, struct value *values, struct pool **pool)
{
    for (unsigned i = 0; table[i].type != PROPERTY_END; i++) {
        values[i] = (struct value){0};
        if (table[i].standard)
            set_value(&table[i], &values[i], table[i].standard, pool);
    }
}

bool properties_parse(const struct property *table, struct value *values, const char *list,
                      const char *implied, struct pool **pool, const char *what, struct error *err)
{
    const char *key, *value;

    set_standard(table, values, pool);
    for (; property_next(pool, &list, &key, &value); implied = NULL) {
        if (!value && implied) {
            value = key;
            key = implied;
        }
        if (!property_set(table, values, key, value, pool, what, err))
            return false;
    }
    return true;
}

const struct value *property_value(const struct property *table, const struct value *values,
                                   const char *name)
{
    const struct property *p = find(table, name);

    if (!p)
        abort();
    return &values[p - table];
}

void properties_help(const struct property *table, void (*line)(void *opaque, const char *text),
                     void *opaque)
{
    static const char *const types[] = {"str", "bool", "number", "size", "choice"};
    char text[300], kind[120], standard[60] = "";

    for (const struct property *p = table; p->type != PROPERTY_END; p++) {
        snprintf(kind, sizeof kind, "%s", p->type == PROPERTY_CHOICE ? p->choices : types[p->type]);
        if (p->standard)
            snprintf(standard, sizeof standard, " (default: %s)", p->standard);
        else
            standard[0] = 0;
        snprintf(text, sizeof text, "  %s=<%s>%*s - %s%s", p->name, kind,
                 (int)(20 - strlen(p->name) - strlen(kind)) > 0
                     ? (int)(20 - strlen(p->name) - strlen(kind))
                     : 0,
                 "", p->help ? p->help : "", standard);
        line(opaque, text);
    }
}

/* ---- names that are nearly right ---- */

enum { NEAREST_LENGTH = 40 };

/* Insertions, deletions, changes and swaps of neighbours that lead from A to B. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][NEAREST_LENGTH + 1];

    if (n > NEAREST_LENGTH || m > NEAREST_LENGTH)
        return NEAREST_LENGTH;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = above[j - 1] +
                            (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                higher[j - 2] + 1 < best)
                best = higher[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *nearest_name(const char *text, const char *(*next)(void *opaque, unsigned i),
                         void *opaque)
{
    const char *best = NULL, *name;
    unsigned least = strlen(text) < 4 ? 2 : 3; /* anything further away is another word */

    for (unsigned i = 0; (name = next(opaque, i)); i++) {
        unsigned d = distance(text, name);
        if (d < least && d < strlen(text)) {
            least = d;
            best = name;
        }
    }
    return best;
}
