/* The public interface of libringer, on top of the command's own parts. */
#include "ringer/ringer.h"
#include "ringer/hook.h"
#include "vmm/hooks.h"
#include "vmm/host.h"
#include "vmm/screen.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RINGER_VERSION
#define RINGER_VERSION "unknown"
#endif

struct ringer_machine {
    struct host host;
    bool composed;
    int argc;
    char **argv; /* host.options point into these */
};

static void tell(char *error, const struct error *err)
{
    if (error)
        snprintf(error, RINGER_ERROR_MAX, "%s", err->text);
}

static struct monitor_target target(struct ringer_machine *m)
{
    return host_target(&m->host);
}

const char *ringer_version(void)
{
    return RINGER_VERSION;
}

static bool copy_options(struct ringer_machine *m, const char *const options[], int count)
{
    m->argv = calloc((size_t)count + 1, sizeof *m->argv);
    if (!m->argv)
        return false;
    for (; m->argc < count; m->argc++)
        if (!(m->argv[m->argc] = strdup(options[m->argc])))
            return false;
    return true;
}

static bool compose(struct ringer_machine *m, struct error *err)
{
    struct options *o = &m->host.options;

    if (!options_parse(o, m->argc, m->argv, err))
        return false;
    if (o->help || o->version)
        return error_set(err, "-help and -version are for the command");
    if (o->display == DISPLAY_TEXT)
        return error_set(err, "-display text is for the command");
    o->display = DISPLAY_NONE;
    m->host.embedded = true;
    m->composed = true;
    return host_open(&m->host, err);
}

struct ringer_machine *ringer_machine_new(const char *const options[], int count,
                                          char error[RINGER_ERROR_MAX])
{
    struct ringer_machine *m = calloc(1, sizeof *m);
    struct error err = {"out of memory"};

    if (m && copy_options(m, options, count) && compose(m, &err))
        return m;
    tell(error, &err);
    ringer_machine_free(m);
    return NULL;
}

void ringer_machine_free(struct ringer_machine *m)
{
    if (!m)
        return;
    if (m->composed)
        host_close(&m->host);
    options_free(&m->host.options);
    for (int i = 0; i < m->argc; i++)
        free(m->argv[i]);
    free(m->argv);
    free(m);
}

bool ringer_machine_start(struct ringer_machine *m, char error[RINGER_ERROR_MAX])
{
    struct error err = {""};

    if (host_start(&m->host, &err))
        return true;
    tell(error, &err);
    return false;
}

int ringer_machine_run(struct ringer_machine *m)
{
    return host_run(&m->host);
}

void ringer_machine_stop(struct ringer_machine *m)
{
    machine_stop(m->host.machine);
}

void ringer_machine_cont(struct ringer_machine *m)
{
    machine_cont(m->host.machine);
}

bool ringer_machine_stopped(struct ringer_machine *m)
{
    return machine_stopped(m->host.machine);
}

void ringer_machine_reset(struct ringer_machine *m)
{
    machine_reset(m->host.machine);
}

void ringer_machine_quit(struct ringer_machine *m, int status)
{
    machine_quit(m->host.machine, status);
}

bool ringer_machine_send_key(struct ringer_machine *m, const char *chord)
{
    struct chord keys;
    const char *bad;
    size_t len;

    if (!keys_parse(chord, &keys, &bad, &len))
        return false;
    typist_chord(m->host.typist, &keys, 0);
    return true;
}

void ringer_machine_type(struct ringer_machine *m, const char *text)
{
    typist_text(m->host.typist, text);
}

static size_t hand_out(struct text *t, char *out, size_t n)
{
    size_t len = t->len;

    if (n)
        snprintf(out, n, "%s", text_string(t));
    text_free(t);
    return len;
}

size_t ringer_machine_screen_text(struct ringer_machine *m, char *out, size_t n)
{
    struct text screen = {0};

    screen_text(m->host.machine, &screen);
    return hand_out(&screen, out, n);
}

bool ringer_machine_screenshot(struct ringer_machine *m, const char *path,
                               char error[RINGER_ERROR_MAX])
{
    struct error err = {""};

    if (screen_dump(m->host.machine, path, &err))
        return true;
    tell(error, &err);
    return false;
}

bool ringer_machine_command(struct ringer_machine *m, const char *line, char *out, size_t n)
{
    const struct monitor_target t = target(m);
    struct text text = {0};
    bool ok = monitor_execute(&t, line, &text);

    hand_out(&text, out, n);
    return ok;
}

unsigned ringer_hook_add(struct ringer_machine *m, const char *place, ringer_hook_function fn,
                         void *opaque, char error[RINGER_ERROR_MAX])
{
    struct error err = {""};
    unsigned number = hooks_add_function(m->host.machine->hooks, place, fn, opaque, &err);

    if (!number)
        tell(error, &err);
    return number;
}

bool ringer_hook_remove(struct ringer_machine *m, unsigned hook)
{
    return hook && hooks_remove(m->host.machine->hooks, hook);
}
