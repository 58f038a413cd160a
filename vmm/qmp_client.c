#define _GNU_SOURCE
#include "vmm/qmp_client.h"
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 10, ANSWER_MAX = 64 << 20 };

struct qmp_client {
    int fd;
    FILE *in;
    char *line;
    size_t room;
};

static int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

static int connect_tcp(const char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(text, ':');
    char host[80];
    int fd = -1;

    if (!colon)
        colon = text;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found)) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            int why = errno;
            close(fd);
            fd = -1;
            errno = why;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* The next message; NULL: there is none. */
static json_t *message(struct qmp_client *c)
{
    ssize_t n = getline(&c->line, &c->room, c->in);

    return n > 0 && n < ANSWER_MAX ? json_loads(c->line, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

struct qmp_client *qmp_client_open(const char *where, struct error *err)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    bool tcp = !strncmp(where, "tcp:", 4), unix_ = !strncmp(where, "unix:", 5);
    int fd = tcp ? connect_tcp(where + 4) : connect_unix(unix_ ? where + 5 : where);
    struct qmp_client *c;

    if (fd < 0) {
        error_set(err,
                  "%s: no machine answers there: %s; start it with -qmp unix:PATH,server=on,"
                  "wait=off",
                  where, strerror(errno));
        return NULL;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    c = calloc(1, sizeof *c);
    if (!c || !(c->in = fdopen(fd, "r")))
        abort();
    c->fd = fd;
    json_t *greeting = message(c), *answer = NULL;
    if (json_object_get(greeting, "QMP"))
        answer = qmp_client_ask(c, "qmp_capabilities", NULL, err);
    else
        error_set(err, "%s: no QMP server answers there, or it serves another client", where);
    json_decref(greeting);
    if (!answer) {
        qmp_client_close(c);
        return NULL;
    }
    json_decref(answer);
    return c;
}

void qmp_client_close(struct qmp_client *c)
{
    if (!c)
        return;
    fclose(c->in);
    free(c->line);
    free(c);
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

json_t *qmp_client_ask(struct qmp_client *c, const char *command, json_t *args, struct error *err)
{
    json_t *question = json_pack("{s:s}", "execute", command), *answer, *value = NULL;

    if (args)
        json_object_set_new(question, "arguments", args);
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    bool sent = text && send_all(c->fd, text, strlen(text)) && send_all(c->fd, "\n", 1);
    free(text);
    while (sent && (answer = message(c))) { /* events come between */
        json_t *failed = json_object_get(answer, "error");
        value = json_object_get(answer, "return");
        if (failed)
            error_set(err, "%s: %s", command,
                      json_string_value(json_object_get(failed, "desc"))
                          ? json_string_value(json_object_get(failed, "desc"))
                          : "failed");
        json_incref(value);
        json_decref(answer);
        if (value || failed)
            return value;
    }
    error_set(err, "the machine has ended, or it does not answer");
    return NULL;
}
