/* -blockdev: images as a graph of nodes, which libvirt and others write as JSON.  A node is a
 * format (raw, qcow2, gzip) over another node, or a way to the bytes (file, host_device,
 * host_cdrom, nbd, null-co). Each becomes a drive without place, which -device ide-hd,drive=NODE
 * gives one; what lies below it is settled here, so that a format node is the image's name, how it
 * is read and how it is written. */
#include "vmm/option.h"
#include "vmm/stream_chardev.h"
#include <string.h>

/* The properties that say something; those that tune what ringer does in one way are in TUNING. */
static const struct property blockdev_properties[] = {
    {"driver", PROPERTY_CHOICE, "format or protocol", NULL, 0, 0,
     "raw|qcow2|gzip|copy-on-read|file|host_device|host_cdrom|nbd|null-co|null-aio"},
    {"node-name", PROPERTY_STRING, "its name, which -device and other nodes use", NULL, 0, 0, NULL},
    {"read-only", PROPERTY_BOOL, "never written", NULL, 0, 0, NULL},
    {"auto-read-only", PROPERTY_BOOL, "read-only where it cannot be written", NULL, 0, 0, NULL},
    {"filename", PROPERTY_STRING, "file, host_device, host_cdrom: the path", NULL, 0, 0, NULL},
    {"file", PROPERTY_STRING, "formats: the node below, or file.driver=... for one of its own",
     NULL, 0, 0, NULL},
    {"backing", PROPERTY_STRING, "qcow2: the backing file's node; the image itself names the file",
     NULL, 0, 0, NULL},
    {"cache.no-flush", PROPERTY_BOOL, "flushes do nothing", NULL, 0, 0, NULL},
    {"cache.direct", PROPERTY_BOOL, "all the same here", NULL, 0, 0, NULL},
    {"discard", PROPERTY_CHOICE, "disks here have no TRIM", NULL, 0, 0, "ignore|off|unmap|on"},
    {"detect-zeroes", PROPERTY_CHOICE, "zeros are written as they are", NULL, 0, 0, "off|on|unmap"},
    {"force-share", PROPERTY_CHOICE, NULL, NULL, 0, 0, "off|no|false"},
    {"locking", PROPERTY_CHOICE, "images are always locked", NULL, 0, 0, "on|auto"},
    {"aio", PROPERTY_CHOICE, "all the same here", NULL, 0, 0, "threads|native|io_uring"},
    {"offset", PROPERTY_CHOICE, NULL, NULL, 0, 0, "0"},
    {"server.type", PROPERTY_CHOICE, "nbd: how the server is reached", NULL, 0, 0, "unix|inet"},
    {"server.path", PROPERTY_STRING, "its socket", NULL, 0, 0, NULL},
    {"server.host", PROPERTY_STRING, "its host", NULL, 0, 0, NULL},
    {"server.port", PROPERTY_STRING, "its port", NULL, 0, 0, NULL},
    {"size", PROPERTY_SIZE, "null-co: how large it is", NULL, 512, 1ull << 50, NULL},
    {"read-zeroes", PROPERTY_BOOL, "null-co reads as zeros anyway", NULL, 0, 0, NULL},
    {"latency-ns", PROPERTY_CHOICE, NULL, NULL, 0, 0, "0"},
    {"export", PROPERTY_STRING, "nbd: which of the server's images", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};
enum driver {
    RAW,
    QCOW2,
    GZIP,
    COPY_ON_READ,
    PROTOCOLS,
    FILE_DRIVER = PROTOCOLS,
    HOST_DEVICE,
    HOST_CDROM,
    NBD,
    NULL_CO,
    NULL_AIO
};

static const char *const tuning[] = {
    "l2-cache-size",
    "l2-cache-entry-size",
    "refcount-cache-size",
    "cache-size",
    "cache-clean-interval",
    "lazy-refcounts",
    "pass-discard-request",
    "pass-discard-snapshot",
    "pass-discard-other",
    "overlap-check",
    "aio-max-batch",
    "reconnect-delay",
    "open-timeout",
    "x-check-cache-dropped",
    "drop-cache",
    "discard-no-unref",
    NULL,
};

/* The parts of a value: what is the node's own, and (without "file.") what describes the one below.
 */
struct parts {
    const char *own, *below;
};

bool option_tunes_images(const char *key)
{
    for (unsigned i = 0; tuning[i]; i++)
        if (!strcmp(key, tuning[i]))
            return true;
    return false;
}

static struct parts split(struct options *o, const char *list)
{
    struct parts p = {"", ""};
    const char *key, *value;
    bool first = true;

    for (; property_next(&o->pool, &list, &key, &value); first = false) {
        bool below = !strncmp(key, "file.", 5);
        const char **to = below ? &p.below : &p.own;
        if (first && !value) {
            value = key;
            key = "driver";
        }
        if (option_tunes_images(below ? key + 5 : key))
            continue;
        *to = pool_printf(&o->pool, "%s%s%s%s%s", *to, **to ? "," : "", below ? key + 5 : key,
                          value ? "=" : "", value ? option_escape(o, value) : "");
    }
    return p;
}

static const struct value *get(const struct value *values, const char *name)
{
    return property_value(blockdev_properties, values, name);
}

static const char *nbd_name(struct options *o, const struct value *v, const char *what,
                            struct error *err)
{
    const char *path = get(v, "server.path")->text, *host = get(v, "server.host")->text;
    const char *port = get(v, "server.port")->text, *export = get(v, "export")->text;
    bool inet = get(v, "server.type")->number;

    if (!get(v, "server.type")->given || (inet ? !host || !port : !path)) {
        error_set(err,
                  "%s: it needs server.type=unix,server.path=SOCKET or server.type=inet,"
                  "server.host=HOST,server.port=PORT",
                  what);
        return NULL;
    }
    return pool_printf(&o->pool, "nbd:%s:%s%s%s", inet ? host : "unix", inet ? port : path,
                       export ? ":exportname=" : "", export ? export : "");
}

static const char *null_name(struct options *o, const struct value *v)
{
    const struct value *size = get(v, "size");

    return pool_printf(&o->pool, "null-co://%llu",
                       size->given ? (unsigned long long)size->number : 1ull << 30);
}

static struct drive_option *add_node(struct options *o, const char *list, bool nested,
                                     const char *what, struct error *err);

/* The node below a format: named, or described in its own words. */
static struct drive_option *node_below(struct options *o, const struct value *v, const char *below,
                                       const char *what, struct error *err)
{
    bool filter = get(v, "driver")->number == COPY_ON_READ;
    const char *name = get(v, "file")->text;
    struct drive_option *d;

    if (!name == !*below) {
        error_set(err, "%s: it needs file=NODE, or file.driver=file,file.filename=PATH", what);
        return NULL;
    }
    d = *below ? add_node(o, below, true, what, err) : options_drive(o, name);
    if (*below && !d)
        return NULL;
    if (!d || !d->is_node)
        error_set(err, "%s: there is no node '%s' before it", what, name);
    else if (!filter && d->block.format && strcmp(d->block.format, "raw") != 0)
        error_set(err, "%s: ringer reads one format over a file, not over another", what);
    else
        return d;
    return NULL;
}

/* What the node makes of the image. */
static bool fill(struct options *o, struct drive_option *d, const struct value *v,
                 const char *below, const char *what, struct error *err)
{
    static const char *const formats[] = {"raw", "qcow2", "gzip", NULL};
    enum driver driver = (enum driver)get(v, "driver")->number;
    const char *backing = get(v, "backing")->text;

    d->block.readonly = get(v, "read-only")->number;
    d->block.auto_readonly = get(v, "auto-read-only")->number;
    d->block.no_flush = get(v, "cache.no-flush")->number;
    d->cdrom = false;
    d->block.format = driver < PROTOCOLS ? formats[driver] : "raw";
    if (backing && *backing && !options_drive(o, backing))
        return error_set(err, "%s: there is no node '%s' before it", what, backing);
    if (driver < PROTOCOLS) {
        struct drive_option *file = node_below(o, v, below, what, err);
        if (!file)
            return false;
        d->file = file->file;
        d->block.readonly |= file->block.readonly && !get(v, "read-only")->given;
        d->block.auto_readonly &= file->block.auto_readonly;
        d->block.no_flush |= file->block.no_flush;
        d->block.copy_on_read = driver == COPY_ON_READ || file->block.copy_on_read;
        if (driver == COPY_ON_READ)
            d->block.format = file->block.format;
        if (*below) /* it has no name by which anybody could ask for it */
            options_forget_drive(file);
        return true;
    }
    if (*below || get(v, "file")->given)
        return error_set(err, "%s: file= is for the formats raw, qcow2 and gzip", what);
    if (driver >= NBD) {
        d->file = driver == NBD ? nbd_name(o, v, what, err) : null_name(o, v);
        return d->file != NULL;
    }
    d->file = get(v, "filename")->text;
    return (d->file && *d->file) || error_set(err, "%s: it needs filename=PATH", what);
}

static struct drive_option *add_node(struct options *o, const char *list, bool nested,
                                     const char *what, struct error *err)
{
    struct parts p = split(o, list);
    struct value v[PROPERTIES_MAX];

    if (!properties_parse(blockdev_properties, v, p.own, NULL, &o->pool, what, err))
        return NULL;
    const char *name = get(v, "node-name")->text;
    if (!get(v, "driver")->given || (!nested && !name)) {
        error_set(err, "%s: it needs driver=NAME and node-name=NAME", what);
        return NULL;
    }
    if (name && (!stream_id_ok(name) || options_drive(o, name))) {
        error_set(err, "%s: node-name=%s: %s", what, name,
                  stream_id_ok(name) ? "there is one of this name already"
                                     : "it is a letter, then letters, digits, - . and _");
        return NULL;
    }
    struct drive_option node = {.what = what, .unit = -1, .interface = DRIVE_NONE, .is_node = true};
    if (!fill(o, &node, v, p.below, what, err))
        return NULL;
    struct drive_option *d = options_add_drive(o, what, node.file, err);
    if (d) {
        *d = node;
        d->id = name;
    }
    return d;
}

static bool set_blockdev(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    const char *what = pool_printf(&o->pool, "-%s %.200s", self->name, value);
    const char *list = option_from_json(o, "-blockdev", value, "driver", err);

    return list && add_node(o, list, false, what, err);
}

struct drive_option *options_add_node(struct options *o, const char *json, struct error *err)
{
    const char *list = option_from_json(o, "blockdev-add", json, "driver", err);

    return list ? add_node(o, list, false, "blockdev-add", err) : NULL;
}

const struct option options_blockdev[] = {
    {"blockdev", "DRIVER,node-name=NAME,...",
     "an image as a node, also in JSON; -device ide-hd,drive=NAME uses it", set_blockdev,
     blockdev_properties},
    {NULL, NULL, NULL, NULL, NULL},
};
