/* -drive in the words of -blockdev, as QEMU takes it: driver= for the format, file.filename= and
 * file.driver=nbd for what lies below it, cache.direct= and its kin for cache=.  They are put into
 * -drive's own words here, and what only tunes QEMU's block layer is left out. */
#include "vmm/option.h"
#include <string.h>

struct words {
    struct options *o;
    const char *list; /* what goes on to -drive's table */
    const char *protocol, *type, *filename, *host, *port, *path, *export,
        *size; /* NULL: not said */
    bool throttled;
    bool uncached_writes, no_flush, cache_said;
};

static void put(struct words *w, const char *key, const char *value)
{
    w->list = pool_printf(&w->o->pool, "%s%s%s%s%s", w->list, *w->list ? "," : "", key,
                          value ? "=" : "", value ? option_escape(w->o, value) : "");
}

/* One of file.*: how the bytes are reached. */
static bool below(struct words *w, const char *key, const char *value)
{
    const struct {
        const char *name;
        const char **where;
    } texts[] = {
        {"driver", &w->protocol},  {"filename", &w->filename}, {"host", &w->host},
        {"port", &w->port},        {"path", &w->path},         {"export", &w->export},
        {"server.host", &w->host}, {"server.port", &w->port},  {"server.path", &w->path},
        {"server.type", &w->type}, {"size", &w->size},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(key, texts[i].name)) {
            *texts[i].where = value;
            return true;
        }
    return option_tunes_images(key) || !strcmp(key, "locking") || !strcmp(key, "aio");
}

static bool take_cache(struct words *w, const char *key, const char *value)
{
    bool on;

    if (!parse_switch(value, &on))
        return false;
    w->cache_said = true;
    if (!strcmp(key, "cache.writeback"))
        w->uncached_writes = !on;
    else if (!strcmp(key, "cache.no-flush"))
        w->no_flush = on;
    else
        return !strcmp(key, "cache.direct");
    return true;
}

static bool is_throttling(const char *key)
{
    return !strncmp(key, "throttling.", 11) || !strncmp(key, "bps", 3) || !strncmp(key, "iops", 4);
}

/* What -drive takes without "file." once a driver is named, for images that are no files. */
static bool is_place(const char *key)
{
    static const char *const names[] = {"host", "port", "path", "export", "size", NULL};

    return option_among(key, names);
}

static bool take(struct words *w, const char *key, const char *value)
{
    bool nbd_or_null = value && (!strcmp(value, "nbd") || !strncmp(value, "null-", 5));

    if (value && !strncmp(key, "file.", 5))
        return below(w, key + 5, value);
    if (value && !strncmp(key, "cache.", 6))
        return take_cache(w, key, value);
    if (value && !strcmp(key, "driver") && nbd_or_null)
        w->protocol = value;
    else if (value && !strcmp(key, "driver"))
        put(w, "format", value);
    else if (w->protocol && value && !strncmp(key, "server.", 7))
        return below(w, key, value);
    else if (w->protocol && value && is_place(key))
        return below(w, key, value);
    else if (!strncmp(key, "backing.", 8)) /* of the file that the image itself names */
        return option_tunes_images(key + 8) || !strcmp(key, "backing.file.locking") ||
               !strcmp(key, "backing.driver") || !strcmp(key, "backing.file.driver");
    else if (is_throttling(key))
        w->throttled = true;
    else if (!option_tunes_images(key))
        put(w, key, value);
    return true;
}

/* The image that the words below name; NULL: none. */
static const char *image(const struct words *w)
{
    uint64_t size = 1ull << 30;

    if (w->protocol && !strncmp(w->protocol, "null-", 5)) {
        if (w->size && !parse_size(w->size, 1, &size))
            size = 0; /* which the image's own check refuses */
        return pool_printf(&w->o->pool, "null-co://%llu", (unsigned long long)size);
    }
    if (w->protocol && !strcmp(w->protocol, "nbd") && (w->path || w->host))
        return pool_printf(&w->o->pool, "nbd:%s:%s%s%s", w->path ? "unix" : w->host,
                           w->path   ? w->path
                           : w->port ? w->port
                                     : "10809",
                           w->export ? ":exportname=" : "", w->export ? w->export : "");
    return w->filename;
}

const char *option_drive_words(struct options *o, const char *list, const char *what,
                               struct error *err)
{
    static const char *const protocols[] = {"file", "host_device", "host_cdrom",
                                            "nbd",  "null-co",     "null-aio"};
    struct words w = {.o = o, .list = ""};
    const char *key, *value;
    bool known;

    while (property_next(&o->pool, &list, &key, &value))
        if (!take(&w, key, value)) {
            error_set(err, "%s: %s=%s: ringer has no such property of images", what, key, value);
            return NULL;
        }
    known = !w.protocol;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        known |= w.protocol && !strcmp(w.protocol, protocols[i]);
    if (!known)
        error_set(err, "%s: file.driver=%s: it is file, host_device, host_cdrom, nbd or null-co",
                  what, w.protocol);
    else if (w.throttled)
        error_set(err, "%s: ringer does not throttle drives: leave bps, iops and throttling out",
                  what);
    else if (w.protocol && !image(&w))
        error_set(err, "%s: file.driver=%s: it needs file.%s=", what, w.protocol,
                  strcmp(w.protocol, "nbd") ? "filename" : "path= or file.host");
    else {
        if (image(&w))
            put(&w, "file", image(&w));
        if (w.cache_said)
            put(&w, "cache", w.no_flush ? "unsafe" : w.uncached_writes ? "directsync" : "none");
        return w.list;
    }
    return NULL;
}
