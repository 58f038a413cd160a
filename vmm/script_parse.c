/* The words of scripts. */
#include "vmm/command.h"
#include "vmm/script.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SCRIPT = 1 << 20, DEFAULT_WAIT = 30, DEFAULT_END = 60 };

static const struct {
    const char *name, *usage;
    enum script_verb verb;
    int min, max;
} verbs[] = {
    {"wait", "wait TEXT [SECONDS]", SCRIPT_WAIT, 1, 2},
    {"wait-picture", "wait-picture CONDITION... [SECONDS]", SCRIPT_WAIT_PICTURE, 1,
     COMMAND_ARGS - 1},
    {"type", "type TEXT", SCRIPT_TYPE, 1, 1},
    {"key", "key CHORD", SCRIPT_KEY, 1, 1},
    {"serial", "serial TEXT", SCRIPT_SERIAL, 1, 1},
    {"sleep", "sleep SECONDS", SCRIPT_SLEEP, 1, 1},
    {"expect-end", "expect-end [SECONDS]", SCRIPT_EXPECT_END, 0, 1},
    {"quit", "quit [CODE]", SCRIPT_QUIT, 0, 1},
};

static bool parse_seconds(const char *text, double *out)
{
    char *end;

    if (!isdigit((unsigned char)*text) && *text != '.')
        return false;
    *out = strtod(text, &end);
    return !*end && *out >= 0 && *out <= 86400;
}

static bool fill_step(struct script_step *s, int argc, char **argv, char *why, size_t n)
{
    const char *bad;
    size_t len;
    char *end = "";

    switch (s->verb) {
    case SCRIPT_WAIT:
        if (!*argv[1]) {
            snprintf(why, n, "the text to wait for is empty");
            return false;
        }
        s->seconds = DEFAULT_WAIT;
        break;
    case SCRIPT_WAIT_PICTURE:
        s->seconds = DEFAULT_WAIT;
        s->picture = malloc(sizeof *s->picture);
        if (!s->picture)
            abort();
        if (!picture_wait_parse(argc - 1, argv + 1, s->picture, &s->seconds, why, n))
            return false;
        break;
    case SCRIPT_EXPECT_END:
        s->seconds = DEFAULT_END;
        break;
    case SCRIPT_KEY:
        if (!keys_parse(argv[1], &s->chord, &bad, &len)) {
            snprintf(why, n, "there is no key '%.*s'", (int)len, bad);
            return false;
        }
        break;
    case SCRIPT_QUIT:
        s->code = argc > 1 ? (int)strtol(argv[1], &end, 10) : 0;
        if (*end || s->code < 0 || s->code > 255) {
            snprintf(why, n, "the exit status '%s' is no number from 0 to 255", argv[1]);
            return false;
        }
        break;
    default:
        break;
    }
    int seconds_at = s->verb == SCRIPT_WAIT ? 2 : 1;
    bool timed = s->verb == SCRIPT_WAIT || s->verb == SCRIPT_SLEEP || s->verb == SCRIPT_EXPECT_END;
    if (timed && argc > seconds_at && !parse_seconds(argv[seconds_at], &s->seconds)) {
        snprintf(why, n, "'%s' is no number of seconds", argv[seconds_at]);
        return false;
    }
    s->text = strdup(argc > 1 ? argv[1] : "");
    return s->text != NULL;
}

/* LINE (which is taken apart) into S. */
static bool parse_line(struct script_step *s, char *line, char *why, size_t n)
{
    char *whole = strdup(line), *argv[COMMAND_ARGS];
    int argc = command_split(line, argv, COMMAND_ARGS);
    bool ok = false;

    if (argc < 1) {
        snprintf(why, n, "a quote is open, or there are too many words");
        free(whole);
        return false;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[0], verbs[i].name))
            continue;
        s->verb = verbs[i].verb;
        if (argc - 1 < verbs[i].min || argc - 1 > verbs[i].max)
            snprintf(why, n, "usage: %s", verbs[i].usage);
        else
            ok = fill_step(s, argc, argv, why, n);
        free(whole);
        return ok;
    }
    if (monitor_knows(argv[0])) {
        s->verb = SCRIPT_MONITOR;
        s->text = whole;
        return true;
    }
    snprintf(why, n, "unknown command '%s'", argv[0]);
    free(whole);
    return false;
}

bool script_parse(const char *name, const char *text, struct script_text *out, struct error *err)
{
    char why[160] = "", line[2048];
    unsigned number = 0;

    *out = (struct script_text){0};
    while (*text) {
        size_t len = strcspn(text, "\n");
        const char *start = text + strspn(text, " \t");

        number++;
        text += len + (text[len] != 0);
        size_t left = strcspn(start, "\r\n");
        if (start >= text || left == 0 || *start == '#')
            continue;
        if (left >= sizeof line) {
            script_text_free(out);
            return error_set(err, "%s:%u: the line is longer than %zu", name, number,
                             sizeof line - 1);
        }
        memcpy(line, start, left);
        line[left] = 0;
        struct script_step step = {.line = number};
        if (!parse_line(&step, line, why, sizeof why)) {
            free(step.picture);
            script_text_free(out);
            return error_set(err, "%s:%u: %s", name, number, why);
        }
        out->steps = realloc(out->steps, (out->count + 1) * sizeof *out->steps);
        if (!out->steps)
            abort();
        out->steps[out->count++] = step;
    }
    return true;
}

bool script_load(const char *path, struct script_text *out, struct error *err)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(MAX_SCRIPT + 1) : NULL;

    if (!text) {
        error_set(err, "--script %s: %s", path, strerror(errno));
        if (f)
            fclose(f);
        return false;
    }
    size_t n = fread(text, 1, MAX_SCRIPT + 1, f);
    bool failed = ferror(f);
    int why = errno;
    fclose(f);
    bool ok = false;
    if (failed)
        error_set(err, "--script %s: %s", path, strerror(why));
    else if (n > MAX_SCRIPT || memchr(text, 0, n))
        error_set(err, "--script %s: not a text file of at most 1 MiB", path);
    else {
        text[n] = 0;
        ok = script_parse(path, text, out, err);
    }
    free(text);
    return ok;
}

void script_text_free(struct script_text *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        free(s->steps[i].text);
        free(s->steps[i].picture);
    }
    free(s->steps);
    *s = (struct script_text){0};
}
