/* How the command line names streams. */
#define _GNU_SOURCE /* strchrnul */
#include "vmm/stream.h"
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define STREAM_NAMES                                                                               \
    "stdio, mon:stdio, null, none, pty, file:PATH or unix:PATH[,server=on][,wait=off]"

static bool parse_switch(const char *value, bool *out)
{
    if (!strcmp(value, "on") || !strcmp(value, "yes"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no"))
        *out = false;
    else
        return false;
    return true;
}

/* One of the comma-separated suffixes of unix:. */
static bool unix_property(struct stream_spec *out, const char *p, size_t len)
{
    char item[40];

    if (len >= sizeof item)
        return false;
    memcpy(item, p, len);
    item[len] = 0;
    if (!strcmp(item, "server"))
        out->server = true;
    else if (!strcmp(item, "nowait"))
        out->wait = false;
    else if (!strcmp(item, "wait"))
        out->wait = true;
    else if (!strncmp(item, "server=", 7))
        return parse_switch(item + 7, &out->server);
    else if (!strncmp(item, "wait=", 5))
        return parse_switch(item + 5, &out->wait);
    else
        return false;
    return true;
}

static bool parse_unix(const char *option, const char *spec, struct stream_spec *out,
                       struct error *err)
{
    const char *path = spec + 5, *end = strchrnul(path, ',');
    size_t len = (size_t)(end - path);

    if (len == 0 || len >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_set(err, "%s %s: the path of a Unix socket has 1 to 107 characters", option,
                         spec);
    memcpy(out->path, path, len);
    out->kind = STREAM_UNIX;
    out->wait = true;
    while (*end) {
        const char *item = end + 1;

        end = strchrnul(item, ',');
        if (!unix_property(out, item, (size_t)(end - item)))
            return error_set(err, "%s %s: '%.*s' is not one of server=on|off, wait=on|off", option,
                             spec, (int)(end - item), item);
    }
    if (!out->server)
        out->wait = false;
    return true;
}

bool stream_parse(const char *option, const char *spec, struct stream_spec *out, struct error *err)
{
    static const struct {
        const char *name;
        enum stream_kind kind;
        bool mux;
    } simple[] = {
        {"stdio", STREAM_STDIO, false}, {"mon:stdio", STREAM_STDIO, true},
        {"null", STREAM_NULL, false},   {"none", STREAM_NONE, false},
        {"pty", STREAM_PTY, false},
    };

    *out = (struct stream_spec){0};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (!strcmp(spec, simple[i].name)) {
            out->kind = simple[i].kind;
            out->mux = simple[i].mux;
            return true;
        }
    if (!strncmp(spec, "unix:", 5))
        return parse_unix(option, spec, out, err);
    if (!strncmp(spec, "file:", 5)) {
        out->kind = STREAM_FILE;
        if (!spec[5] || strlen(spec + 5) >= sizeof out->path)
            return error_set(err, "%s %s: file: needs a path of 1 to %zu characters", option, spec,
                             sizeof out->path - 1);
        snprintf(out->path, sizeof out->path, "%s", spec + 5);
        return true;
    }
    return error_set(err, "%s %s: unknown; it is %s", option, spec, STREAM_NAMES);
}
