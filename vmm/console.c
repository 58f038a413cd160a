#include "vmm/console.h"
#include <stdlib.h>

struct console {
    struct monitor *monitor;
    struct stream *stream;
};

static void console_write(void *opaque, const char *data, size_t len)
{
    struct console *c = opaque;

    stream_send(c->stream, data, len);
}

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

struct console *console_monitor(const struct monitor_target *t, struct stream *stream, bool echo)
{
    struct console *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->stream = stream;
    c->monitor = monitor_new(t, echo, console_write, c);
    stream_set_reader(stream, &(struct stream_reader){c, monitor_bytes, client_changed, NULL});
    return c;
}

void console_close(struct console *c)
{
    if (!c)
        return;
    stream_set_reader(c->stream, &(struct stream_reader){0});
    stream_close(c->stream);
    monitor_free(c->monitor);
    free(c);
}
