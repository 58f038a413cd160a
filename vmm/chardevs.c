#include "vmm/chardevs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char id[STREAM_ID];
    struct stream *stream;
    struct stream_mux *mux;
    bool taken;
};

struct chardevs {
    struct stream_mux_keys keys;
    unsigned count;
    struct entry entries[];
};

struct chardevs *chardevs_open(uv_loop_t *loop, const struct chardev_option *list, unsigned count,
                               const struct stream_mux_keys *keys, struct error *err)
{
    struct chardevs *c = calloc(1, sizeof *c + count * sizeof *c->entries);

    if (!c)
        abort();
    c->keys = *keys;
    for (unsigned i = 0; i < count; i++) {
        struct entry *e = &c->entries[i];
        snprintf(e->id, sizeof e->id, "%s", list[i].id);
        e->stream = stream_open(loop, &list[i].spec, list[i].id, err);
        if (!e->stream) {
            chardevs_close(c);
            return NULL;
        }
        if (list[i].spec.mux)
            e->mux = stream_mux_new(e->stream, &c->keys);
        c->count++;
    }
    return c;
}

bool chardevs_begin(struct chardevs *c, struct error *err)
{
    for (unsigned i = 0; i < c->count; i++)
        if (!stream_begin(c->entries[i].stream, err))
            return false;
    return true;
}

void chardevs_close(struct chardevs *c)
{
    for (unsigned i = 0; c && i < c->count; i++) {
        struct entry *e = &c->entries[i];
        if (e->mux)
            stream_mux_close(e->mux);
        else if (!e->taken)
            stream_close(e->stream);
    }
    free(c);
}

static const struct entry *find(const struct chardevs *c, const char *id)
{
    for (unsigned i = 0; i < c->count; i++)
        if (!strcmp(c->entries[i].id, id))
            return &c->entries[i];
    return NULL;
}

struct stream *chardevs_take(struct chardevs *c, const char *id, struct error *err)
{
    struct entry *e = (struct entry *)find(c, id);
    struct stream *s = NULL;

    if (!e) {
        error_set(err, "there is no chardev '%s'; -chardev BACKEND,id=%s makes one", id, id);
        return NULL;
    }
    if (e->mux)
        s = stream_mux_front(e->mux);
    else if (!e->taken)
        s = e->stream;
    if (!s)
        error_set(err, "chardev '%s' is in use already%s", id, e->mux ? "" : "; mux=on shares it");
    e->taken = true;
    return s;
}

struct stream *chardevs_find(const struct chardevs *c, const char *id)
{
    const struct entry *e = find(c, id);

    return e ? e->stream : NULL;
}

const char *chardevs_name(const struct chardevs *c, unsigned i)
{
    return i < c->count ? c->entries[i].id : NULL;
}

bool chardevs_taken(const struct chardevs *c, const char *id)
{
    const struct entry *e = find(c, id);

    return e && e->taken;
}
