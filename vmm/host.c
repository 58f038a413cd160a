#include "vmm/host.h"
#include "ringer/log.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- streams ---- */

static bool stdio_taken(const struct options *o)
{
    bool taken = (o->has_monitor && o->monitor.kind == STREAM_STDIO) ||
                 (o->has_debugcon && o->debugcon.kind == STREAM_STDIO);

    for (unsigned i = 0; i < o->serials; i++)
        taken |= o->serial[i].kind == STREAM_STDIO;
    return taken;
}

/* -nographic without further ado: serial port and monitor share the terminal.  Without it, and
 * with a terminal that nothing else uses, the display is there. */
static void apply_defaults(struct options *o)
{
    if (o->nographic && !o->serials) {
        bool taken = stdio_taken(o);
        o->serial[0].kind = taken ? STREAM_NULL : STREAM_STDIO;
        o->serial[0].mux = !taken && !o->has_monitor;
        o->serials = 1;
    }
    if (o->display == DISPLAY_DEFAULT) {
        bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        bool free = terminal && !o->nographic && !o->script && !stdio_taken(o);
        o->display = free ? DISPLAY_TEXT : DISPLAY_NONE;
    }
}

static struct port *open_port(struct host *h, const struct stream_spec *spec, const char *label,
                              struct error *err)
{
    struct stream *s = stream_open(&h->loop, spec, label, err);

    return s ? port_new(&h->loop, s) : NULL;
}

static bool open_ports(struct host *h, struct error *err)
{
    const struct options *o = &h->options;
    char label[24];

    for (unsigned i = 0; i < o->serials; i++) {
        if (o->serial[i].kind == STREAM_NONE)
            continue;
        snprintf(label, sizeof label, "serial%u", i);
        h->serial[i] = open_port(h, &o->serial[i], label, err);
        if (!h->serial[i])
            return false;
    }
    if (o->script && !h->serial[0])
        h->serial[0] = port_new(&h->loop, NULL);
    if (o->has_debugcon && o->debugcon.kind != STREAM_NONE) {
        h->debugcon = open_port(h, &o->debugcon, "debugcon", err);
        if (!h->debugcon)
            return false;
    }
    return true;
}

/* ---- who looks on ---- */

static bool open_console(struct host *h, const struct monitor_target *target, struct error *err)
{
    const struct options *o = &h->options;

    if (o->has_monitor && o->monitor.kind != STREAM_NONE && o->monitor.kind != STREAM_NULL) {
        struct stream *s = stream_open(&h->loop, &o->monitor, "monitor", err);
        if (!s)
            return false;
        h->console[0] = console_monitor(target, s);
    }
    for (int i = 0; i < OPTIONS_SERIALS; i++)
        if (o->serial[i].mux && h->serial[i])
            h->console[1] = console_mux(target, h->serial[i]);
    return true;
}

static bool open_display(struct host *h, struct error *err)
{
    const struct stream_spec stdio = {.kind = STREAM_STDIO};

    if (h->options.display != DISPLAY_TEXT)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, "-display text needs a terminal on standard input and output");
    struct stream *s = stream_open(&h->loop, &stdio, "display", err);
    if (!s)
        return false;
    h->display = termscreen_start(&h->loop, h->machine, h->typist, s);
    return true;
}

/* The script needs something to listen to, even when nobody else does. */
static void open_script(struct host *h, const struct monitor_target *target)
{
    if (h->options.script)
        h->script = script_start(&h->loop, &h->script_text, target, h->serial[0]);
}

/* ---- the machine ---- */

static void on_machine_ended(uv_async_t *async)
{
    struct host *h = async->data;

    uv_stop(&h->loop);
}

static void wake_loop(void *opaque)
{
    struct host *h = opaque;

    uv_async_send(&h->machine_ended);
}

static bool open_machine(struct host *h, struct error *err)
{
    struct machine_config config;

    if (!options_configure(&h->options, h->log, &config, err))
        return false;
    for (int i = 0; i < OPTIONS_SERIALS; i++)
        if (h->serial[i])
            config.serial[i] = port_chardev(h->serial[i]);
    if (h->debugcon)
        config.debugcon = port_chardev(h->debugcon);
    h->machine = machine_new(&config, err);
    if (!h->machine)
        return false;
    for (int i = 0; i < OPTIONS_SERIALS; i++)
        if (h->serial[i])
            port_bind(h->serial[i], h->machine);
    if (h->debugcon)
        port_bind(h->debugcon, h->machine);
    machine_on_end(h->machine, wake_loop, h);
    return true;
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct host *h = signal->data;

    machine_quit(h->machine, 128 + number);
}

static void catch_signals(struct host *h)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (int i = 0; i < 3; i++) {
        uv_signal_init(&h->loop, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], on_signal, numbers[i]);
    }
}

static void set_terminal(struct host *h)
{
    for (int i = 0; i < OPTIONS_SERIALS; i++)
        if (h->options.serial[i].kind == STREAM_STDIO && h->serial[i])
            tty_raw(h->tty, !h->options.serial[i].mux);
    if (h->display)
        tty_raw(h->tty, false);
}

bool host_open(struct host *h, struct error *err)
{
    struct options *o = &h->options;

    if (!h->embedded) {
        h->tty = tty_guard();
        signal(SIGPIPE, SIG_IGN);
    }
    uv_loop_init(&h->loop);
    h->looped = true;
    uv_async_init(&h->loop, &h->machine_ended, on_machine_ended);
    h->machine_ended.data = h;
    h->log = log_new(o->log_path, o->log_channels);
    if (!h->log)
        return error_set(err, "-D %s: cannot be written: %s", o->log_path, strerror(errno));
    apply_defaults(o);
    if (o->script && !script_load(o->script, &h->script_text, err))
        return false;
    if (!open_ports(h, err) || !open_machine(h, err))
        return false;
    h->typist = typist_new(h->machine);
    const struct monitor_target target = {h->machine, h->typist, h->log};
    if (!open_console(h, &target, err) || !open_display(h, err))
        return false;
    open_script(h, &target);
    if (!h->embedded)
        catch_signals(h);
    set_terminal(h);
    return true;
}

bool host_start(struct host *h, struct error *err)
{
    h->started = machine_start(h->machine, err);
    return h->started;
}

int host_run(struct host *h)
{
    int status = 0;

    if (!h->started)
        return status;
    uv_run(&h->loop, UV_RUN_DEFAULT);
    machine_join(h->machine, &status);
    if (h->script)
        script_machine_ended(h->script, &status);
    return status;
}

static void close_left(uv_handle_t *handle, void *opaque)
{
    (void)opaque;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void host_close(struct host *h)
{
    if (!h->looped)
        return;
    if (h->started) { /* nobody may look at a machine that still runs */
        machine_quit(h->machine, 0);
        machine_join(h->machine, NULL);
    }
    script_close(h->script);
    script_text_free(&h->script_text);
    for (int i = 0; i < 2; i++)
        console_close(h->console[i]);
    termscreen_close(h->display);
    typist_free(h->typist);
    machine_free(h->machine);
    for (int i = 0; i < OPTIONS_SERIALS; i++)
        port_close(h->serial[i]);
    port_close(h->debugcon);
    uv_walk(&h->loop, close_left, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT); /* ends the run that uv_stop has cut short */
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    tty_restore(h->tty);
    if (h->log)
        log_free(h->log);
}
