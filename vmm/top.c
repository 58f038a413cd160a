/* ringer top: asks a machine for its statistics by QMP, and draws them. */
#include "vmm/top.h"
#include "vmm/qmp_client.h"
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAD = 2, HOT = 256, WIDTH = 100 };

struct top {
    struct qmp_client *client;
    json_t *before;
    double delay; /* seconds */
    long count;   /* pictures; 0: until q */
    bool batch, counting;
};

static int complain(const char *text)
{
    fprintf(stderr, "ringer: top: %s\n", text);
    return BAD;
}

/* Ask, and draw into OUT; what was asked before is forgotten. */
static bool step(struct top *t, unsigned width, struct text *out, struct error *err)
{
    json_t *now =
        qmp_client_ask(t->client, "query-ringer-stats", json_pack("{s:i}", "hot", HOT), err);

    if (!now)
        return false;
    t->counting = json_is_true(json_object_get(now, "exec-count"));
    top_picture(t->before, now, width, out);
    json_decref(t->before);
    t->before = now;
    return true;
}

static bool batch(struct top *t, struct error *err)
{
    for (long i = 0; !t->count || i < t->count; i++) {
        struct text out = {0};
        if (i)
            usleep((useconds_t)(t->delay * 1e6));
        bool ok = step(t, WIDTH, &out, err);
        if (ok)
            printf("%s%s", i ? "\n" : "", text_string(&out));
        fflush(stdout);
        text_free(&out);
        if (!ok)
            return false;
    }
    return true;
}

static void draw(const char *text)
{
    int rows = getmaxy(stdscr), width = getmaxx(stdscr);

    erase();
    for (int y = 0; y < rows - 1 && *text; y++) {
        size_t len = strcspn(text, "\n");
        if (y == 0)
            attron(A_REVERSE);
        mvaddnstr(y, 0, text, len > (size_t)width ? width : (int)len);
        if (y == 0)
            attroff(A_REVERSE);
        text += len + (text[len] != 0);
    }
    attron(A_REVERSE);
    mvaddnstr(rows - 1, 0, "q quit  e count executions on/off  + - faster, slower", width);
    attroff(A_REVERSE);
    refresh();
}

static bool toggle(struct top *t, struct error *err)
{
    json_t *answer = qmp_client_ask(t->client, "ringer-exec-count",
                                    json_pack("{s:b}", "enable", !t->counting), err);

    json_decref(answer);
    return answer != NULL;
}

static bool screen(struct top *t, struct error *err)
{
    bool ok = true, go = true;
    SCREEN *s = newterm(NULL, stdout, stdin);

    if (!s)
        return error_set(err, "the terminal is not known: TERM=%s; -b prints lines",
                         getenv("TERM") ? getenv("TERM") : "");
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    for (long i = 0; ok && go && (!t->count || i < t->count); i++) {
        struct text out = {0};
        ok = step(t, (unsigned)getmaxx(stdscr), &out, err);
        if (ok)
            draw(text_string(&out));
        text_free(&out);
        timeout((int)(t->delay * 1000));
        int key = ok ? getch() : ERR;
        go = key != 'q' && key != 27 && key != 3;
        if (key == 'e')
            ok = toggle(t, err);
        if (key == '+' && t->delay > 0.2)
            t->delay /= 2;
        if (key == '-' && t->delay < 30)
            t->delay *= 2;
    }
    endwin();
    delscreen(s);
    return ok;
}

static bool parse(struct top *t, int argc, char **argv, const char **where)
{
    char *end = "";

    for (int i = 1; i < argc; i++) {
        bool value = !strcmp(argv[i], "-d") || !strcmp(argv[i], "-n");
        if (value && i + 1 == argc)
            return false;
        if (!strcmp(argv[i], "-b"))
            t->batch = true;
        else if (!strcmp(argv[i], "-d"))
            t->delay = strtod(argv[++i], &end);
        else if (!strcmp(argv[i], "-n"))
            t->count = strtol(argv[++i], &end, 10);
        else if (argv[i][0] == '-' || *where)
            return false;
        else
            *where = argv[i];
        if (*end || !(t->delay >= 0.1 && t->delay <= 60) || t->count < 0)
            return false;
    }
    return *where != NULL && **where;
}

int top_main(int argc, char **argv)
{
    struct top t = {.delay = 1};
    struct error err = {""};
    const char *where = NULL;

    if (!parse(&t, argc, argv, &where))
        return complain("usage: ringer top [-b] [-d SECONDS, 0.1 to 60] [-n COUNT] "
                        "QMP-SOCKET (unix:PATH or tcp:HOST:PORT)");
    if (!t.batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return complain("standard input and output are no terminal; -b prints lines");
    t.client = qmp_client_open(where, &err);
    if (!t.client)
        return complain(err.text);
    bool ok = t.batch ? batch(&t, &err) : screen(&t, &err);
    json_decref(t.before);
    qmp_client_close(t.client);
    return ok ? 0 : (complain(err.text), 1);
}
