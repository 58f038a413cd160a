/* One stream, several front ends: QEMU's mux=on and mon:.  Each front is a stream whose queue is
 * emptied into the base's. */
#include "vmm/stream_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRONTS = 4 };

struct stream_mux {
    struct stream *base;
    struct stream_mux_keys keys;
    struct stream *fronts[FRONTS];
    unsigned count, focus;
    bool escaped, stamps, line_begun;
    uint64_t started; /* ms, of the first time stamp */
};

/* What the mux itself says comes after what the fronts have said already. */
static void say(struct stream_mux *m, const char *text)
{
    for (unsigned i = 0; i < m->count; i++)
        stream_front_update(m->fronts[i]);
    stream_send(m->base, text, strlen(text));
}

static void help(struct stream_mux *m)
{
    char key[16], text[500];

    if (m->keys.escape && m->keys.escape < 32)
        snprintf(key, sizeof key, "Ctrl-%c", m->keys.escape + '@');
    else
        snprintf(key, sizeof key, "%c", m->keys.escape);
    snprintf(text, sizeof text,
             "\n%s h  this text\n%s x  end ringer\n%s c  switch between serial port and monitor\n"
             "%s t  time stamps on or off\n%s %s  send %s\n",
             key, key, key, key, key, key, key);
    say(m, text);
}

/* ---- output ---- */

/* Time stamps go before each line, as a log wants them. */
static void send_stamped(struct stream_mux *m, const uint8_t *data, size_t len)
{
    char stamp[40];

    for (size_t i = 0; i < len; i++) {
        if (!m->line_begun) {
            uint64_t ms = uv_now(m->base->loop) - m->started;
            snprintf(stamp, sizeof stamp, "[%02u:%02u:%02u.%03u] ", (unsigned)(ms / 3600000),
                     (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
                     (unsigned)(ms % 1000));
            stream_send(m->base, stamp, strlen(stamp));
            m->line_begun = true;
        }
        stream_send(m->base, data + i, 1);
        m->line_begun = data[i] != '\n';
    }
}

void stream_front_update(struct stream *front)
{
    struct stream_mux *m = front->mux;
    uint8_t data[STREAM_CHUNK];
    size_t n;

    do {
        pthread_mutex_lock(&front->lock);
        n = front->len < sizeof data ? front->len : sizeof data;
        if (n) {
            memcpy(data, front->queue, n);
            memmove(front->queue, front->queue + n, front->len -= n);
        }
        pthread_mutex_unlock(&front->lock);
        if (m->stamps)
            send_stamped(m, data, n);
        else if (n)
            stream_send(m->base, data, n);
    } while (n);
    stream_pause(m->base, m->count && m->fronts[m->focus]->paused);
}

/* ---- input ---- */

static void give_focus(struct stream_mux *m, unsigned focus)
{
    struct stream *old = m->fronts[m->focus], *new = m->fronts[focus];

    m->focus = focus;
    if (old != new && old->reader.connected)
        old->reader.connected(old->reader.opaque, false);
    if (new->reader.connected)
        new->reader.connected(new->reader.opaque, true);
    stream_front_update(new);
}

static void forward(struct stream_mux *m, const uint8_t *data, size_t len)
{
    struct stream *front = m->count ? m->fronts[m->focus] : NULL;

    if (len && front && front->reader.input)
        front->reader.input(front->reader.opaque, data, len);
}

static void on_key(struct stream_mux *m, uint8_t key)
{
    if (key == m->keys.escape || key == 'a') {
        forward(m, &m->keys.escape, 1);
    } else if (key == 'x') {
        say(m, "ringer: Terminated\n");
        if (m->keys.quit)
            m->keys.quit(m->keys.opaque);
    } else if (key == 'c' && m->count > 1) {
        say(m, "\n");
        give_focus(m, (m->focus + 1) % m->count);
    } else if (key == 't') {
        m->stamps = !m->stamps;
        m->line_begun = true;
        if (!m->started)
            m->started = uv_now(m->base->loop);
    } else if (key == 'h' || key == '?') {
        help(m);
    }
}

static void on_input(void *opaque, const uint8_t *data, size_t len)
{
    struct stream_mux *m = opaque;
    size_t start = 0;

    for (size_t i = 0; i < len; i++) {
        if (m->escaped) {
            m->escaped = false;
            start = i + 1;
            on_key(m, data[i]);
        } else if (data[i] == m->keys.escape && m->keys.escape) {
            forward(m, data + start, i - start);
            m->escaped = true;
            start = i + 1;
        }
    }
    if (start < len)
        forward(m, data + start, len - start);
}

/* A new client of a shared socket begins with whoever has its turn. */
static void on_connected(void *opaque, bool connected)
{
    struct stream_mux *m = opaque;
    struct stream *front = m->count ? m->fronts[m->focus] : NULL;

    if (front && front->reader.connected)
        front->reader.connected(front->reader.opaque, connected);
}

/* ---- life ---- */

struct stream_mux *stream_mux_new(struct stream *base, const struct stream_mux_keys *keys)
{
    struct stream_mux *m = calloc(1, sizeof *m);

    if (!m)
        abort();
    m->base = base;
    m->keys = *keys;
    stream_set_reader(base, &(struct stream_reader){m, on_input, on_connected, NULL});
    return m;
}

struct stream *stream_mux_front(struct stream_mux *m)
{
    if (m->count == FRONTS)
        return NULL;
    struct stream *s = stream_new(m->base->loop, &m->base->spec, m->base->label);
    if (!s)
        return NULL;
    s->spec.telnet = false; /* is the base's business */
    s->limit = m->base->limit;
    s->mux = m;
    /* Only the first is told when it gets its reader: it has the first turn. */
    s->connected = true;
    s->silent = m->count > 0;
    m->fronts[m->count++] = s;
    return s;
}

void stream_front_closed(struct stream *front)
{
    struct stream_mux *m = front->mux;

    stream_front_update(front);
    for (unsigned i = 0; i < m->count; i++)
        if (m->fronts[i] == front) {
            memmove(&m->fronts[i], &m->fronts[i + 1], (--m->count - i) * sizeof front);
            if (m->focus >= m->count)
                m->focus = 0;
            break;
        }
    front->mux = NULL;
}

void stream_mux_close(struct stream_mux *m)
{
    if (!m)
        return;
    stream_close(m->base);
    free(m);
}
