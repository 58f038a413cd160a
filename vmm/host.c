#define _GNU_SOURCE /* memfd_create */
#include "vmm/host.h"
#include "ringer/log.h"
#include "ringer/trace.h"
#include "vmm/output.h"
#include "vmm/process.h"
#include "vmm/qmp_server.h"
#include "vmm/statistics.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- streams ---- */

/* Without -display: a window where there is a display, else the terminal where nothing else uses
 * it, else nothing. */
static enum display_kind usual_display(const struct host *h)
{
    const struct options *o = &h->options;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

    if (o->nographic || o->script || o->has_vnc || h->embedded)
        return DISPLAY_NONE;
    if (window_possible())
        return DISPLAY_SDL;
    return terminal && !options_stdio(o) ? DISPLAY_TEXT : DISPLAY_NONE;
}

static void on_quit_key(void *opaque)
{
    struct host *h = opaque;

    if (h->machine)
        machine_quit(h->machine, 0);
}

/* Sound comes with a window, unless -audiodev says otherwise. */
static bool open_audio(struct host *h, struct error *err)
{
    struct options *o = &h->options;
    enum display_kind kind = o->display == DISPLAY_DEFAULT ? usual_display(h) : o->display;

    options_add_audiodev(o, kind == DISPLAY_SDL);
    h->audio = audio_open(o->audiodevs, o->audiodev_count, err);
    return h->audio != NULL;
}

static bool open_chardevs(struct host *h, struct error *err)
{
    const struct stream_mux_keys keys = {h, on_quit_key, h->options.escape};
    const struct options *o = &h->options;

    h->chardevs = chardevs_open(&h->loop, o->chardevs, o->chardev_count, &keys, err);
    return h->chardevs != NULL;
}

/* A port for each device that has a chardev; the script listens to the first serial port, be there
 * something on it or not. */
static bool open_ports(struct host *h, struct error *err)
{
    struct options *o = &h->options;

    for (unsigned i = 0; i < o->device_count; i++) {
        struct device_option *d = &o->devices[i];
        const char *id = device_has(d->model, "chardev") ? device_text(d, "chardev") : NULL;
        bool first = o->serial[0].device == d;
        struct stream *s = NULL;

        if (id && !(s = chardevs_take(h->chardevs, id, err)))
            return false;
        if (!s && !(first && o->script))
            continue;
        h->ports[i] = port_new(&h->loop, s);
        d->chardev = port_chardev(h->ports[i]);
        if (first)
            h->serial = h->ports[i];
    }
    return true;
}

/* ---- who looks on ---- */

/* On a raw terminal the monitor itself has to show what is typed. */
static bool is_terminal(const struct stream *s)
{
    const struct stream_spec *spec = stream_spec_of(s);

    return spec->mux || spec->telnet || spec->kind == STREAM_PTY ||
           (spec->kind == STREAM_STDIO && isatty(STDIN_FILENO));
}

static bool open_consoles(struct host *h, const struct monitor_target *target, struct error *err)
{
    const struct options *o = &h->options;

    h->qmp = qmp_server_new(&h->loop, target);
    for (unsigned i = 0; i < o->monitor_count; i++) {
        struct stream *s = chardevs_take(h->chardevs, o->monitors[i].chardev, err);
        if (!s)
            return false;
        if (o->monitors[i].control)
            qmp_server_add(h->qmp, s, o->monitors[i].pretty);
        else
            h->console[i] = console_monitor(target, s, is_terminal(s));
    }
    return true;
}

/* The window's title begins with what is booted. */
static const char *title(const struct options *o)
{
    const char *path = o->name ? o->name : options_first_image(o);
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path;
}

static void need_picture(struct host *h)
{
    if (!h->picture)
        h->picture = display_new(h->machine);
}

static bool open_window(struct host *h, const struct monitor_target *target, struct error *err)
{
    need_picture(h);
    h->input = input_new(h->machine);
    h->window =
        window_open(&h->options.window, title(&h->options), target, h->picture, h->input, err);
    return h->window != NULL;
}

static bool open_film(struct host *h, struct error *err)
{
    char path[FILM_PATH_MAX];
    struct film_options options;

    if (!h->options.record)
        return true;
    if (!film_options_parse(h->options.record, path, &options, err))
        return false;
    need_picture(h);
    h->film = film_open(&options, h->picture, err);
    return h->film != NULL;
}

static bool open_vnc(struct host *h, struct error *err)
{
    if (!h->options.has_vnc)
        return true;
    need_picture(h);
    h->vnc = vnc_open(&h->options.vnc, h->machine, h->picture, err);
    return h->vnc != NULL;
}

static bool open_terminal(struct host *h, struct error *err)
{
    const struct stream_spec stdio = {.kind = STREAM_STDIO};

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, "-display text needs a terminal on standard input and output");
    struct stream *s = stream_open(&h->loop, &stdio, "display", err);
    if (!s)
        return false;
    need_picture(h);
    h->display =
        termscreen_start(&h->loop, h->machine, h->picture, h->typist, s, h->options.term_graphics);
    return true;
}

static bool open_display(struct host *h, const struct monitor_target *target, struct error *err)
{
    enum display_kind kind = h->options.display;
    struct error why = {""};

    if (kind == DISPLAY_DEFAULT)
        kind = usual_display(h);
    if (kind == DISPLAY_SDL && h->options.display == DISPLAY_SDL)
        return open_window(h, target, err);
    if (kind == DISPLAY_SDL && !open_window(h, target, &why)) {
        bool terminal =
            isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !options_stdio(&h->options);
        fprintf(stderr, "ringer: %s\n", why.text);
        kind = terminal ? DISPLAY_TEXT : DISPLAY_NONE;
    }
    return kind != DISPLAY_TEXT || open_terminal(h, err);
}

static bool open_metrics(struct host *h, struct error *err)
{
    const char *where = h->options.metrics;

    return !where || (h->metrics = metrics_open(&h->loop, h->machine, where, err));
}

static bool open_statistics(struct host *h, struct error *err)
{
    const struct options *o = &h->options;

    h->stats_file = o->stats_path ? fopen(o->stats_path, "we") : NULL;
    return !o->stats_path || h->stats_file ||
           error_set(err, "-stats=json:%s: cannot be written: %s", o->stats_path, strerror(errno));
}

/* The script needs something to listen to, even when nobody else does. */
static void open_script(struct host *h, const struct monitor_target *target)
{
    if (h->options.script)
        h->script = script_start(&h->loop, &h->script_text, target, h->serial);
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

/* ---- files that begin anew ---- */

static bool check_output(const char *option, const char *path, struct error *err)
{
    return !path || output_possible(path) ||
           error_set(err, "-%s %s: cannot be written: %s", option, path, strerror(errno));
}

static FILE *memory_file(void)
{
    int fd = memfd_create("ringer-log", MFD_CLOEXEC);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

    if (!f && fd >= 0)
        close(fd);
    return f;
}

static bool check_outputs(const struct options *o, struct error *err)
{
    struct film_options film = {0};
    char path[FILM_PATH_MAX];

    return (!o->record || film_options_parse(o->record, path, &film, err)) &&
           check_output("record", film.path, err) && check_output("D", o->log_path, err) &&
           check_output("pidfile", o->pidfile, err) &&
           check_output("stats=json:", o->stats_path, err) &&
           (!o->run_as || process_check_user(o->run_as, err));
}

/* What the log says before its file begins is kept in memory. */
static bool open_log(struct host *h, struct error *err)
{
    const struct options *o = &h->options;

    if (!o->log_path)
        return true;
    h->early_log = memory_file();
    if (!h->early_log)
        return error_set(err, "-D %s: %s", o->log_path, strerror(errno));
    log_set_stream(h->log, h->early_log);
    return true;
}

static bool begin_log(struct host *h, struct error *err)
{
    const char *path = h->options.log_path;
    FILE *f = path ? fopen(path, "we") : NULL;
    int c;

    if (!path)
        return true;
    if (!f)
        return error_set(err, "-D %s: cannot be written: %s", path, strerror(errno));
    rewind(h->early_log);
    while ((c = getc(h->early_log)) != EOF)
        putc(c, f);
    log_set_stream(h->log, f);
    h->early_log = NULL;
    return true;
}

/* When nothing is wrong any more that could be. */
static bool begin_outputs(struct host *h, struct error *err)
{
    return begin_log(h, err) && chardevs_begin(h->chardevs, err) && audio_begin(h->audio, err) &&
           open_film(h, err) && open_statistics(h, err);
}

/* Images first: what is written or waited for comes after everything that can be refused. */
static bool open_machine(struct host *h, struct error *err)
{
    struct machine_config config;

    if (!check_outputs(&h->options, err) || !tools_load(&h->tools, &h->options.tools, err) ||
        !options_configure(&h->options, h->log, &config, err))
        return false;
    config.symbols = h->tools.symbols;
    if (!open_log(h, err) || !open_chardevs(h, err) || !open_ports(h, err) || !open_audio(h, err)) {
        machine_config_close(&config);
        return false;
    }
    config.audio = h->audio;
    h->machine = machine_new(&config, err);
    if (!h->machine)
        return false;
    for (int i = 0; i < OPTIONS_DEVICES; i++)
        if (h->ports[i])
            port_bind(h->ports[i], h->machine);
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
    const struct chardev_option *c = options_stdio(&h->options);
    bool program = false; /* it types, and the terminal shows it */

    for (unsigned i = 0; c && i < h->options.monitor_count; i++)
        program |= h->options.monitors[i].control && !strcmp(h->options.monitors[i].chardev, c->id);
    if (c && !program)
        tty_raw(h->tty, !c->spec.mux || c->spec.keep_signals);
    if (h->display)
        tty_raw(h->tty, false);
}

struct monitor_target host_target(const struct host *h)
{
    static const char *const displays[] = {[DISPLAY_DEFAULT] = "none",
                                           [DISPLAY_NONE] = "none",
                                           [DISPLAY_TEXT] = "text",
                                           [DISPLAY_SDL] = "sdl"};

    return (struct monitor_target){
        .machine = h->machine,
        .typist = h->typist,
        .log = h->log,
        .chardevs = h->chardevs,
        .display = displays[h->options.display],
        .name = h->options.name,
        .uuid = h->options.uuid_text,
        .vnc = h->vnc,
        .options = (struct options *)&h->options,
    };
}

bool host_open(struct host *h, struct error *err)
{
    struct options *o = &h->options;

    if (!h->embedded) {
        h->tty = tty_guard();
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN); /* a limit on files' sizes is an error of the write */
    }
    uv_loop_init(&h->loop);
    h->looped = true;
    uv_async_init(&h->loop, &h->machine_ended, on_machine_ended);
    h->machine_ended.data = h;
    h->log = log_new(NULL, o->log_channels);
    if (!h->log)
        return error_set(err, "out of memory for the log");
    if (o->script && !script_load(o->script, &h->script_text, err))
        return false;
    if (!open_machine(h, err))
        return false;
    h->typist = typist_new(h->machine);
    if (!open_vnc(h, err)) /* first: monitors ask about it */
        return false;
    const struct monitor_target target = host_target(h);
    /* Monitors greet whoever is there, in a file as well. */
    if (!open_display(h, &target, err) || !tools_attach(&h->tools, h->machine, err) ||
        !open_metrics(h, err) || !begin_outputs(h, err) || !open_consoles(h, &target, err))
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

/* -stats, when the machine has ended. */
static void tell_statistics(struct host *h)
{
    const struct options *o = &h->options;
    struct text text = {0};

    if (!o->stats)
        return;
    if (!h->stats_file) {
        statistics_text(h->machine, NULL, &text);
        fputs(text_string(&text), stderr);
        text_free(&text);
        return;
    }
    json_t *all = statistics_json(h->machine, STATISTICS_HOT_MAX);
    bool ok = json_dumpf(all, h->stats_file, JSON_INDENT(1)) == 0;
    json_decref(all);
    ok &= fclose(h->stats_file) == 0;
    h->stats_file = NULL;
    if (!ok)
        fprintf(stderr, "ringer: -stats=json:%s: not written in full: %s\n", o->stats_path,
                strerror(errno));
}

/* What -verify was good for. */
static void tell_verified(const struct host *h)
{
    uint64_t blocks, insns, short_cuts;

    if (!h->options.translator.verify)
        return;
    translator_verified(h->machine->translator, &blocks, &insns, &short_cuts);
    fprintf(stderr, "ringer: verify: %llu blocks, %llu instructions, %llu short cuts compared\n",
            (unsigned long long)blocks, (unsigned long long)insns, (unsigned long long)short_cuts);
}

int host_run(struct host *h)
{
    struct error err;
    int status = 0;

    if (!h->started)
        return status;
    uv_run(&h->loop, UV_RUN_DEFAULT);
    machine_join(h->machine, &status);
    if (!tools_finish(&h->tools, &err))
        fprintf(stderr, "ringer: %s\n", err.text);
    tell_verified(h);
    tell_statistics(h);
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
    vnc_close(h->vnc);
    metrics_close(h->metrics);
    if (h->stats_file)
        fclose(h->stats_file);
    film_close(h->film);
    window_close(h->window);
    input_free(h->input);
    termscreen_close(h->display);
    display_free(h->picture);
    script_close(h->script);
    script_text_free(&h->script_text);
    for (int i = 0; i < OPTIONS_MONITORS; i++)
        console_close(h->console[i]);
    qmp_server_close(h->qmp);
    typist_free(h->typist);
    if (h->log && h->tools.trace)
        log_set_trace(h->log, NULL);
    machine_free(h->machine);
    tools_close(&h->tools);
    audio_close(h->audio);
    for (int i = 0; i < OPTIONS_DEVICES; i++)
        port_close(h->ports[i]);
    chardevs_close(h->chardevs);
    uv_walk(&h->loop, close_left, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT); /* ends the run that uv_stop has cut short */
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    tty_restore(h->tty);
    if (h->log)
        log_free(h->log);
}
