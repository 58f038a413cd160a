/* How the command line names streams: -serial's short form and -chardev's list of properties. */
#define _GNU_SOURCE /* strchrnul */
#include "vmm/property.h"
#include "vmm/stream_chardev.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define STREAM_NAMES                                                                               \
    "stdio, mon:stdio, null, none, vc, pty, file:PATH, pipe:PATH, /dev/PATH, chardev:ID, "         \
    "unix:PATH[,server=on][,wait=off], tcp:, telnet: or udp:HOST:PORT"

/* ---- the backends ---- */

#define COMMON                                                                                     \
    {"id", PROPERTY_STRING, "what -serial, -device and -mon call it", NULL, 0, 0, NULL},           \
        {"mux", PROPERTY_BOOL, "several front ends share it", NULL, 0, 0, NULL},                   \
        {"logfile", PROPERTY_STRING, "what is sent goes to this file, too", NULL, 0, 0, NULL},     \
    {                                                                                              \
        "logappend", PROPERTY_BOOL, "keep what is in that file", NULL, 0, 0, NULL                  \
    }
#define PROPERTY_LIST_END                                                                          \
    {                                                                                              \
        NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL                                                 \
    }

static const struct property null_properties[] = {COMMON, PROPERTY_LIST_END};
static const struct property stdio_properties[] = {
    COMMON,
    {"signal", PROPERTY_BOOL, "Ctrl-C ends ringer", NULL, 0, 0, NULL},
    PROPERTY_LIST_END,
};
static const struct property file_properties[] = {
    COMMON,
    {"path", PROPERTY_STRING, "what is written", NULL, 0, 0, NULL},
    {"append", PROPERTY_BOOL, "keep what is there", NULL, 0, 0, NULL},
    {"input-path", PROPERTY_STRING, "what is read", NULL, 0, 0, NULL},
    PROPERTY_LIST_END,
};
static const struct property path_properties[] = {
    COMMON,
    {"path", PROPERTY_STRING, "its name", NULL, 0, 0, NULL},
    PROPERTY_LIST_END,
};
static const struct property socket_properties[] = {
    COMMON,
    {"path", PROPERTY_STRING, "a Unix socket's name", NULL, 0, 0, NULL},
    {"host", PROPERTY_STRING, "TCP: whom to connect to, or where to listen", NULL, 0, 0, NULL},
    {"port", PROPERTY_STRING, "TCP: number or name of the port", NULL, 0, 0, NULL},
    {"fd", PROPERTY_NUMBER, "a socket that ringer was started with", NULL, 3, 1 << 20, NULL},
    {"server", PROPERTY_BOOL, "listen", "off", 0, 0, NULL},
    {"wait", PROPERTY_BOOL, "a server waits for the first client", "on", 0, 0, NULL},
    {"telnet", PROPERTY_BOOL, "speak telnet's protocol", "off", 0, 0, NULL},
    {"nodelay", PROPERTY_BOOL, "TCP: do not collect bytes; always so here", NULL, 0, 0, NULL},
    {"reconnect", PROPERTY_NUMBER, "a client tries again after so many seconds", "0", 0, 86400,
     NULL},
    {"ipv4", PROPERTY_BOOL, "the host's resolver decides", NULL, 0, 0, NULL},
    {"ipv6", PROPERTY_BOOL, "the host's resolver decides", NULL, 0, 0, NULL},
    PROPERTY_LIST_END,
};
static const struct property udp_properties[] = {
    COMMON,
    {"host", PROPERTY_STRING, "whom to send to", "localhost", 0, 0, NULL},
    {"port", PROPERTY_STRING, "their port", NULL, 0, 0, NULL},
    {"localaddr", PROPERTY_STRING, "this end's address", NULL, 0, 0, NULL},
    {"localport", PROPERTY_STRING, "this end's port", NULL, 0, 0, NULL},
    {"ipv4", PROPERTY_BOOL, "the host's resolver decides", NULL, 0, 0, NULL},
    {"ipv6", PROPERTY_BOOL, "the host's resolver decides", NULL, 0, 0, NULL},
    PROPERTY_LIST_END,
};
static const struct property ring_properties[] = {
    COMMON,
    {"size", PROPERTY_SIZE, "a power of two", "64K", 1, 64 << 20, NULL},
    PROPERTY_LIST_END,
};
static const struct property vc_properties[] = {
    COMMON,
    {"width", PROPERTY_NUMBER, "in pixels", NULL, 0, 8192, NULL},
    {"height", PROPERTY_NUMBER, "in pixels", NULL, 0, 8192, NULL},
    {"cols", PROPERTY_NUMBER, "in characters", NULL, 0, 1024, NULL},
    {"rows", PROPERTY_NUMBER, "in characters", NULL, 0, 1024, NULL},
    PROPERTY_LIST_END,
};

static const struct backend {
    const char *name;
    enum stream_kind kind;
    const struct property *properties;
    const char *help;
} backends[] = {
    {"null", STREAM_NULL, null_properties, "nobody"},
    {"stdio", STREAM_STDIO, stdio_properties, "standard input and output"},
    {"file", STREAM_FILE, file_properties, "a file that output is written to"},
    {"pipe", STREAM_PIPE, path_properties, "named pipes PATH.in and PATH.out, or PATH"},
    {"pty", STREAM_PTY, null_properties, "a pseudo-terminal"},
    {"socket", STREAM_UNIX, socket_properties, "a Unix or TCP socket"},
    {"udp", STREAM_UDP, udp_properties, "UDP datagrams"},
    {"ringbuf", STREAM_RING, ring_properties, "memory that keeps the last output"},
    {"memory", STREAM_RING, ring_properties, NULL},
    {"vc", STREAM_RING, vc_properties, "as ringbuf: there are no virtual consoles"},
    {"serial", STREAM_TTY, path_properties, "a serial port of the host"},
    {"tty", STREAM_TTY, path_properties, NULL},
};

enum { BACKENDS = sizeof backends / sizeof *backends };

/* Known to QEMU. */
static const char *const refused[] = {
    "spicevmc", "spiceport", "braille", "msmouse", "wctablet",   "testdev",      "parport",
    "parallel", "dbus",      "con",     "console", "udp-socket", "qemu-vdagent", NULL};

static const struct backend *find_backend(const char *name)
{
    for (unsigned i = 0; i < BACKENDS; i++)
        if (!strcmp(name, backends[i].name))
            return &backends[i];
    return NULL;
}

void stream_chardev_help(const char *backend, void (*line)(void *opaque, const char *text),
                         void *opaque)
{
    const struct backend *b = backend ? find_backend(backend) : NULL;
    char text[200];

    if (b) {
        snprintf(text, sizeof text, "%s options:", b->name);
        line(opaque, text);
        properties_help(b->properties, line, opaque);
        return;
    }
    line(opaque, "Available chardev backend types:");
    for (unsigned i = 0; i < BACKENDS; i++) {
        snprintf(text, sizeof text, "  %-8s %s", backends[i].name, backends[i].help);
        if (backends[i].help)
            line(opaque, text);
    }
}

/* ---- values into the specification ---- */

static bool copy(char *to, size_t n, const struct value *v, const char *what, struct error *err)
{
    if (!v->text)
        return true;
    if (strlen(v->text) >= n)
        return error_set(err, "%s: '%.60s...' is longer than %zu characters", what, v->text, n - 1);
    strcpy(to, v->text);
    return true;
}

static bool take_common(const struct backend *b, const struct value *values,
                        struct stream_spec *out, const char *what, struct error *err)
{
    out->kind = b->kind;
    out->mux = property_value(b->properties, values, "mux")->number;
    out->log_append = property_value(b->properties, values, "logappend")->number;
    return copy(out->log, sizeof out->log, property_value(b->properties, values, "logfile"), what,
                err);
}

static bool take_path(const struct property *table, const struct value *values,
                      struct stream_spec *out, const char *what, struct error *err)
{
    const struct value *path = property_value(table, values, "path");

    if (!path->text || !*path->text)
        return error_set(err, "%s: it needs a path: path=FILE", what);
    return copy(out->path, sizeof out->path, path, what, err);
}

/* Looked at now: later the number might be a descriptor of ringer's own. */
static bool take_descriptor(const struct value *fd, struct stream_spec *out, const char *what,
                            struct error *err)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof listens, type_len = sizeof type;

    out->has_fd = true;
    out->fd = (int)fd->number;
    out->kind = STREAM_UNIX;
    if (out->reconnect)
        return error_set(err, "%s: reconnect has no meaning with fd", what);
    if (getsockopt(out->fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 || type != SOCK_STREAM)
        return error_set(err, "%s: fd=%d is no stream socket that ringer was started with", what,
                         out->fd);
    if (getsockopt(out->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
        (listens != 0) != out->server)
        return error_set(err, "%s: the socket of fd=%d %s: server=%s goes with it", what, out->fd,
                         listens ? "listens" : "does not listen", listens ? "on" : "off");
    return true;
}

static bool take_socket(const struct value *values, struct stream_spec *out, const char *what,
                        struct error *err)
{
    const struct property *t = socket_properties;
    const struct value *path = property_value(t, values, "path");
    const struct value *port = property_value(t, values, "port");
    const struct value *wait = property_value(t, values, "wait");
    const struct value *fd = property_value(t, values, "fd");

    out->server = property_value(t, values, "server")->number;
    out->wait = out->server && wait->number;
    out->telnet = property_value(t, values, "telnet")->number;
    out->reconnect = (unsigned)property_value(t, values, "reconnect")->number;
    if (out->server && out->reconnect)
        return error_set(err, "%s: reconnect is for clients, and this is a server", what);
    if (!out->server && wait->given && wait->number)
        return error_set(err, "%s: wait is for servers: add server=on", what);
    if ((path->text != NULL) + (port->text != NULL) + fd->given != 1)
        return error_set(err, "%s: it needs either path=FILE or host=NAME,port=NUMBER, or fd=NUMBER",
                         what);
    if (fd->given)
        return take_descriptor(fd, out, what, err);
    out->kind = path->text ? STREAM_UNIX : STREAM_TCP;
    if (path->text &&
        (!*path->text || strlen(path->text) >= sizeof((struct sockaddr_un *)0)->sun_path))
        return error_set(err, "%s: the path of a Unix socket has 1 to 107 characters", what);
    return copy(out->path, sizeof out->path, path, what, err) &&
           copy(out->host, sizeof out->host, property_value(t, values, "host"), what, err) &&
           copy(out->port, sizeof out->port, port, what, err);
}

static bool take_udp(const struct value *values, struct stream_spec *out, const char *what,
                     struct error *err)
{
    const struct property *t = udp_properties;

    if (!property_value(t, values, "port")->text)
        return error_set(err, "%s: it needs port=NUMBER", what);
    return copy(out->host, sizeof out->host, property_value(t, values, "host"), what, err) &&
           copy(out->port, sizeof out->port, property_value(t, values, "port"), what, err) &&
           copy(out->local, sizeof out->local, property_value(t, values, "localaddr"), what, err) &&
           copy(out->localport, sizeof out->localport, property_value(t, values, "localport"), what,
                err);
}

static bool take_ring(const struct value *values, struct stream_spec *out, const char *what,
                      struct error *err)
{
    uint64_t size = property_value(ring_properties, values, "size")->number;

    if (size & (size - 1))
        return error_set(err, "%s: the size of a ring buffer is a power of two", what);
    out->ring_bytes = (uint32_t)size;
    return true;
}

static bool take_kind(const struct backend *b, const struct value *values, struct stream_spec *out,
                      const char *what, struct error *err)
{
    if (b->properties == socket_properties)
        return take_socket(values, out, what, err);
    if (b->properties == udp_properties)
        return take_udp(values, out, what, err);
    if (b->properties == path_properties)
        return take_path(b->properties, values, out, what, err);
    if (b->properties == ring_properties)
        return take_ring(values, out, what, err);
    if (b->properties == vc_properties)
        out->ring_bytes = 64 << 10;
    if (b->properties == stdio_properties) {
        const struct value *v = property_value(b->properties, values, "signal");
        out->keep_signals = v->given && v->number;
    }
    if (b->properties != file_properties)
        return true;
    out->append = property_value(b->properties, values, "append")->number;
    return take_path(b->properties, values, out, what, err) &&
           copy(out->input, sizeof out->input, property_value(b->properties, values, "input-path"),
                what, err);
}

/* ---- -chardev ---- */

bool stream_id_ok(const char *id)
{
    if (!((*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z')))
        return false;
    return id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] == 0;
}

bool stream_parse_chardev(const char *text, struct stream_spec *out, char id[STREAM_ID],
                          struct error *err)
{
    const char *rest = strchrnul(text, ',');
    struct value values[PROPERTIES_MAX];
    struct pool *pool = NULL;
    char name[40], what[200];

    snprintf(name, sizeof name, "%.*s", (int)(rest - text), text);
    snprintf(what, sizeof what, "-chardev %.150s", text);
    const struct backend *b = find_backend(name);
    for (unsigned i = 0; !b && refused[i]; i++)
        if (!strcmp(name, refused[i]))
            return error_set(err,
                             "%s: ringer has no backend %s; it has null, stdio, file, pipe, "
                             "pty, socket, udp, ringbuf, vc and serial",
                             what, name);
    if (!b)
        return error_set(err, "%s: unknown backend '%s'; -chardev help lists them", what, name);
    *out = (struct stream_spec){0};
    bool ok =
        properties_parse(b->properties, values, *rest ? rest + 1 : rest, NULL, &pool, what, err);
    const char *given = ok ? values[0].text : NULL;
    if (ok && (!given || !stream_id_ok(given) || strlen(given) >= STREAM_ID))
        ok = error_set(err, "%s: it needs id=NAME, of at most %d letters, digits, - . and _", what,
                       STREAM_ID - 1);
    if (ok)
        snprintf(id, STREAM_ID, "%s", given);
    ok = ok && take_common(b, values, out, what, err) && take_kind(b, values, out, what, err);
    pool_free(&pool);
    return ok;
}

/* ---- -serial and its kin ---- */

static bool parse_socket(const char *what, const char *list, bool telnet, struct stream_spec *out,
                         struct error *err)
{
    struct value values[PROPERTIES_MAX];
    struct pool *pool = NULL;
    bool ok = properties_parse(socket_properties, values, list, NULL, &pool, what, err);

    if (ok)
        out->server = property_value(socket_properties, values, "server")->number;
    /* wait=on without server=on was never an error in this form */
    if (ok && !out->server)
        ok = property_set(socket_properties, values, "wait", "off", &pool, what, err);
    if (ok && telnet)
        ok = property_set(socket_properties, values, "telnet", "on", &pool, what, err);
    ok = ok && take_socket(values, out, what, err);
    pool_free(&pool);
    return ok;
}

static bool parse_unix(const char *what, const char *path, struct stream_spec *out,
                       struct error *err)
{
    char list[600];

    snprintf(list, sizeof list, "path=%s", path);
    return parse_socket(what, list, false, out, err);
}

/* HOST:PORT up to END: host in brackets when it holds colons. */
static bool split_address(const char *text, const char *end, char *host, size_t host_size,
                          char *port, size_t port_size)
{
    const char *colon = NULL;

    for (const char *p = text; p < end; p++)
        if (*p == ':')
            colon = p;
    if (!colon || end - colon < 2 || end - colon > (long)port_size ||
        colon - text >= (long)host_size)
        return false;
    snprintf(port, port_size, "%.*s", (int)(end - colon - 1), colon + 1);
    if (*text == '[' && colon > text + 1 && colon[-1] == ']')
        snprintf(host, host_size, "%.*s", (int)(colon - text - 2), text + 1);
    else
        snprintf(host, host_size, "%.*s", (int)(colon - text), text);
    return true;
}

static bool parse_tcp(const char *what, const char *text, bool telnet, struct stream_spec *out,
                      struct error *err)
{
    const char *end = strchrnul(text, ',');
    char list[600];

    if (!split_address(text, end, out->host, sizeof out->host, out->port, sizeof out->port))
        return error_set(err, "%s: it is HOST:PORT, as in tcp:127.0.0.1:4444,server=on", what);
    snprintf(list, sizeof list, "host=%s,port=%s%s", out->host, out->port, end);
    return parse_socket(what, list, telnet, out, err);
}

static bool parse_udp(const char *what, const char *text, struct stream_spec *out,
                      struct error *err)
{
    const char *at = strchrnul(text, '@');

    out->kind = STREAM_UDP;
    if (split_address(text, at, out->host, sizeof out->host, out->port, sizeof out->port) &&
        (!*at || split_address(at + 1, at + strlen(at), out->local, sizeof out->local,
                               out->localport, sizeof out->localport)))
        return true;
    return error_set(err, "%s: it is udp:[HOST]:PORT[@[HOST]:PORT]", what);
}

static bool parse_path(const char *what, enum stream_kind kind, const char *path,
                       struct stream_spec *out, struct error *err)
{
    out->kind = kind;
    if (!*path || strlen(path) >= sizeof out->path)
        return error_set(err, "%s: it needs a name of 1 to %zu characters", what,
                         sizeof out->path - 1);
    strcpy(out->path, path);
    return true;
}

static bool parse_simple(const char *spec, struct stream_spec *out)
{
    static const struct {
        const char *name;
        enum stream_kind kind;
    } simple[] = {{"stdio", STREAM_STDIO},
                  {"null", STREAM_NULL},
                  {"none", STREAM_NONE},
                  {"pty", STREAM_PTY},
                  {"vc", STREAM_RING}};

    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (!strcmp(spec, simple[i].name)) {
            out->kind = simple[i].kind;
            out->ring_bytes = 64 << 10;
            return true;
        }
    if (strncmp(spec, "vc:", 3))
        return false;
    out->kind = STREAM_RING;
    out->ring_bytes = 64 << 10;
    return true;
}

bool stream_parse(const char *option, const char *spec, struct stream_spec *out, struct error *err)
{
    char what[300];
    bool mux = !strncmp(spec, "mon:", 4), ok;
    const char *text = mux ? spec + 4 : spec;

    snprintf(what, sizeof what, "%s %.250s", option, spec);
    *out = (struct stream_spec){0};
    if (parse_simple(text, out))
        ok = true;
    else if (!strncmp(text, "unix:", 5))
        ok = parse_unix(what, text + 5, out, err);
    else if (!strncmp(text, "tcp:", 4))
        ok = parse_tcp(what, text + 4, false, out, err);
    else if (!strncmp(text, "telnet:", 7))
        ok = parse_tcp(what, text + 7, true, out, err);
    else if (!strncmp(text, "udp:", 4))
        ok = parse_udp(what, text + 4, out, err);
    else if (!strncmp(text, "file:", 5))
        ok = parse_path(what, STREAM_FILE, text + 5, out, err);
    else if (!strncmp(text, "pipe:", 5))
        ok = parse_path(what, STREAM_PIPE, text + 5, out, err);
    else if (!strncmp(text, "/dev/", 5))
        ok = parse_path(what, STREAM_TTY, text, out, err);
    else if (!strncmp(text, "chardev:", 8))
        ok = parse_path(what, STREAM_NAMED, text + 8, out, err);
    else
        ok = error_set(err, "%s: unknown; it is %s", what, STREAM_NAMES);
    out->mux = mux;
    if (ok && mux && (out->kind == STREAM_NONE || out->kind == STREAM_NAMED))
        return error_set(err, "%s: there is nothing to share with the monitor", what);
    return ok;
}

void stream_spec_describe(const struct stream_spec *s, char *out, size_t n)
{
    static const char *const plain[] = {
        [STREAM_NONE] = "none", [STREAM_NULL] = "null",   [STREAM_STDIO] = "stdio",
        [STREAM_FILE] = "file", [STREAM_PIPE] = "pipe",   [STREAM_TTY] = "serial",
        [STREAM_PTY] = "pty",   [STREAM_RING] = "ringbuf"};
    const char *server = s->server ? ",server=on" : "";

    switch (s->kind) {
    case STREAM_UNIX:
        if (s->has_fd) {
            snprintf(out, n, "fd:%d%s", s->fd, server);
            break;
        }
        snprintf(out, n, "unix:%s%s", s->path, server);
        break;
    case STREAM_TCP:
        snprintf(out, n, "%s:%s:%s%s", s->telnet ? "telnet" : "tcp", s->host, s->port, server);
        break;
    case STREAM_UDP:
        snprintf(out, n, "udp:%s:%s", s->host, s->port);
        break;
    case STREAM_NAMED:
        snprintf(out, n, "chardev:%s", s->path);
        break;
    default:
        snprintf(out, n, "%s", plain[s->kind]);
        break;
    }
}
