#include "vmm/console.h"
#include <stdlib.h>
#include <string.h>

enum { CTRL_A = 1 };

struct console {
    struct monitor *monitor;
    struct machine *machine;
    struct stream *stream; /* not ours when there is a port */
    struct port *port;     /* NULL: the stream is the monitor's alone */
    bool to_monitor, escaped;
};

static void console_write(void *opaque, const char *data, size_t len)
{
    struct console *c = opaque;

    stream_send(c->stream, data, len);
}

static void say(struct console *c, const char *text)
{
    console_write(c, text, strlen(text));
}

static struct console *console_new(const struct monitor_target *t, struct stream *stream, bool echo)
{
    struct console *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->machine = t->machine;
    c->stream = stream;
    c->monitor = monitor_new(t, echo, console_write, c);
    return c;
}

/* ---- a monitor alone ---- */

static void monitor_bytes(void *opaque, const uint8_t *data, size_t len)
{
    struct console *c = opaque;

    monitor_input(c->monitor, data, len);
}

static void client_changed(void *opaque, bool connected)
{
    struct console *c = opaque;

    if (connected)
        monitor_greet(c->monitor);
}

struct console *console_monitor(const struct monitor_target *t, struct stream *stream)
{
    struct console *c = console_new(t, stream, false);

    stream_set_reader(stream, &(struct stream_reader){c, monitor_bytes, client_changed});
    return c;
}

/* ---- shared with a serial port ---- */

static void help(struct console *c)
{
    say(c, "\nCtrl-A h  this text\n"
           "Ctrl-A x  end ringer\n"
           "Ctrl-A c  switch between the serial port and the monitor\n"
           "Ctrl-A Ctrl-A  send Ctrl-A\n");
}

static void forward(struct console *c, const uint8_t *data, size_t len)
{
    if (!len)
        return;
    if (c->to_monitor)
        monitor_input(c->monitor, data, len);
    else
        port_input(c->port, data, len);
}

static void switch_over(struct console *c)
{
    c->to_monitor = !c->to_monitor;
    if (c->to_monitor)
        say(c, "\n");
    if (c->to_monitor)
        monitor_greet(c->monitor);
}

static void escape(struct console *c, uint8_t key)
{
    switch (key) {
    case 'x':
        say(c, "ringer: Terminated\n");
        machine_quit(c->machine, 0);
        break;
    case 'c':
        switch_over(c);
        break;
    case 'h':
    case '?':
        help(c);
        break;
    case CTRL_A:
    case 'a':
        forward(c, (const uint8_t[]){CTRL_A}, 1);
        break;
    default:
        break;
    }
}

static void mux_bytes(void *opaque, const uint8_t *data, size_t len)
{
    struct console *c = opaque;
    size_t start = 0;

    for (size_t i = 0; i < len; i++) {
        if (c->escaped) {
            c->escaped = false;
            start = i + 1;
            escape(c, data[i]);
        } else if (data[i] == CTRL_A) {
            forward(c, data + start, i - start);
            c->escaped = true;
            start = i + 1;
        }
    }
    if (start < len)
        forward(c, data + start, len - start);
}

struct console *console_mux(const struct monitor_target *t, struct port *port)
{
    struct console *c = console_new(t, port_stream(port), true);

    c->port = port;
    stream_set_reader(c->stream, &(struct stream_reader){c, mux_bytes, NULL});
    return c;
}

void console_close(struct console *c)
{
    if (!c)
        return;
    stream_set_reader(c->stream, &(struct stream_reader){0});
    if (!c->port)
        stream_close(c->stream);
    monitor_free(c->monitor);
    free(c);
}
