/* Streams on sockets: Unix, TCP (with telnet's protocol on top) and UDP. */
#define _GNU_SOURCE /* accept4 */
#include "vmm/stream_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- telnet (RFC 854, 856 to 858) ---- */

enum { IAC = 255, DONT = 254, WILL = 251, SB = 250, SE = 240 };
enum { OPTION_BINARY = 0, OPTION_ECHO = 1, OPTION_SGA = 3 };

void stream_telnet_greet(struct stream *s)
{
    static const uint8_t greeting[] = {IAC, WILL, OPTION_ECHO,   IAC, WILL,     OPTION_SGA,
                                       IAC, WILL, OPTION_BINARY, IAC, WILL + 2, OPTION_BINARY};

    if (send(s->out, greeting, sizeof greeting, MSG_NOSIGNAL) < 0)
        return; /* whoever connected is gone already: the poll tells */
}

/* What was wished is what was offered, so no command needs an answer. */
size_t stream_telnet_filter(struct stream *s, uint8_t *data, size_t len)
{
    struct stream_telnet *t = &s->telnet;
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = data[i];

        if (t->in_option) {
            t->in_option = 0;
        } else if (t->in_command) {
            t->in_command = 0;
            if (c == IAC && !t->subnegotiation)
                data[kept++] = c;
            else if (c == SB || c == SE)
                t->subnegotiation = c == SB;
            else
                t->in_option = c >= WILL && c <= DONT;
        } else if (c == IAC) {
            t->in_command = 1;
        } else if (!t->subnegotiation && !(t->last_cr && c == 0)) {
            data[kept++] = c;
        }
        t->last_cr = c == '\r';
    }
    return kept;
}

/* ---- addresses ---- */

/* Make a socket for HOST and PORT, each a candidate of getaddrinfo's at a time, and bind or connect
 * it by USE.  -1 and ERR. */
static int open_address(struct stream *s, const char *host, const char *port, int type, bool listen,
                        int (*use)(int fd, const struct sockaddr *address, socklen_t len),
                        struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = type, .ai_flags = listen ? AI_PASSIVE : 0};
    struct addrinfo *list = NULL;
    int fd = -1, cause = 0, yes = 1;
    int rc = getaddrinfo(host[0] ? host : (listen ? NULL : "localhost"), port, &hints, &list);

    if (rc != 0) {
        error_set(err, "%s: %s:%s: %s", s->label, host, port,
                  rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return -1;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0)
            continue;
        if (listen)
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (use(fd, a->ai_addr, a->ai_addrlen) < 0) {
            cause = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        error_set(err, "%s: cannot %s %s:%s: %s%s", s->label, listen ? "listen on" : "connect to",
                  host, port, strerror(cause),
                  listen || type == SOCK_DGRAM ? "" : " (add ,server=on to listen)");
    return fd;
}

/* A socket file that nobody listens on any more is in the way; one that answers, or anything
 * that is no socket, is somebody else's. */
static bool clear_stale(struct stream *s, const struct sockaddr_un *address, struct error *err)
{
    const char *path = s->spec.path;
    struct stat st;

    if (lstat(path, &st) < 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, "%s: %s is there and is no socket: remove it or name another",
                         s->label, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = rc < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return error_set(err, "%s: the socket %s is in use: name another", s->label, path);
    unlink(path);
    return true;
}

static struct sockaddr_un unix_address(const struct stream *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", s->spec.path);
    return address;
}

static bool bind_unix(struct stream *s, struct error *err)
{
    struct sockaddr_un address = unix_address(s);

    if (!clear_stale(s, &address, err))
        return false;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (const struct sockaddr *)&address, sizeof address) < 0)
        return error_set(err, "%s: cannot make the socket %s: %s", s->label, s->spec.path,
                         strerror(errno));
    s->bound = true;
    return true;
}

static bool connect_unix(struct stream *s, int *fd, struct error *err)
{
    struct sockaddr_un address = unix_address(s);

    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return true;
    error_set(err, "%s: cannot connect to %s: %s (add ,server=on to make the socket)", s->label,
              s->spec.path, strerror(errno));
    if (*fd >= 0)
        close(*fd);
    return false;
}

/* ---- servers ---- */

static bool open_server(struct stream *s, struct error *err)
{
    char name[sizeof s->spec.host + sizeof s->spec.port + sizeof s->spec.path];

    if (s->spec.has_fd) {
        snprintf(name, sizeof name, "fd %d", s->spec.fd);
        s->listener = s->spec.fd;
        fcntl(s->listener, F_SETFD, FD_CLOEXEC);
    } else if (s->spec.kind == STREAM_UNIX) {
        snprintf(name, sizeof name, "%s", s->spec.path);
        if (!bind_unix(s, err))
            return false;
    } else {
        snprintf(name, sizeof name, "%s:%s", s->spec.host, s->spec.port);
        s->listener = open_address(s, s->spec.host, s->spec.port, SOCK_STREAM, true, bind, err);
        if (s->listener < 0)
            return false;
    }
    if (listen(s->listener, 1) < 0 ||
        !stream_poll(s, &s->listen_poll, s->listener, &s->listen_polled))
        return error_set(err, "%s: cannot listen on %s: %s", s->label, name, strerror(errno));
    if (s->spec.wait) {
        fprintf(stderr, "%s: waiting for a connection on %s\n", s->label, name);
        int flags = fcntl(s->listener, F_GETFL); /* libuv has made it non-blocking */
        fcntl(s->listener, F_SETFL, flags & ~O_NONBLOCK);
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            stream_adopt(s, fd);
    }
    fcntl(s->listener, F_SETFL, O_NONBLOCK);
    return true;
}

/* ---- clients ---- */

static void on_retry(uv_timer_t *timer);

static void retry_later(struct stream *s)
{
    if (!s->retries) {
        uv_timer_init(s->loop, &s->retry);
        s->retry.data = s;
        s->open_handles++;
        s->retries = true;
    }
    uv_timer_start(&s->retry, on_retry, s->spec.reconnect * 1000ull, s->spec.reconnect * 1000ull);
}

static bool connect_client(struct stream *s, struct error *err)
{
    int fd, yes = 1;

    if (s->spec.has_fd) {
        fd = s->spec.fd;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    } else if (s->spec.kind == STREAM_UNIX) {
        if (!connect_unix(s, &fd, err))
            return false;
    } else {
        fd = open_address(s, s->spec.host, s->spec.port, SOCK_STREAM, false, connect, err);
        if (fd < 0)
            return false;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    stream_adopt(s, fd);
    return true;
}

/* reconnect=SECONDS: as long as there is no connection, try. */
static void on_retry(uv_timer_t *timer)
{
    struct stream *s = timer->data;

    if (s->in < 0 && !s->client_closing && !s->closing)
        connect_client(s, NULL);
}

bool stream_open_socket(struct stream *s, struct error *err)
{
    if (s->spec.server)
        return open_server(s, err);
    if (!s->spec.reconnect)
        return connect_client(s, err);
    connect_client(s, NULL);
    retry_later(s);
    return true;
}

bool stream_open_udp(struct stream *s, struct error *err)
{
    int fd = open_address(s, s->spec.host, s->spec.port, SOCK_DGRAM, false, connect, err);

    if (fd < 0)
        return false;
    if (s->spec.local[0] || s->spec.localport[0]) {
        close(fd);
        fd = open_address(s, s->spec.local, s->spec.localport[0] ? s->spec.localport : "0",
                          SOCK_DGRAM, true, bind, err);
        struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *a = NULL;
        struct sockaddr_storage own;
        socklen_t len = sizeof own;
        if (fd < 0)
            return false;
        if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
            hints.ai_family = own.ss_family;
        bool ok = getaddrinfo(s->spec.host[0] ? s->spec.host : "localhost", s->spec.port, &hints,
                              &a) == 0 &&
                  connect(fd, a->ai_addr, a->ai_addrlen) == 0;
        if (a)
            freeaddrinfo(a);
        if (!ok) {
            close(fd);
            return error_set(err, "%s: %s:%s cannot be reached from %s:%s", s->label, s->spec.host,
                             s->spec.port, s->spec.local, s->spec.localport);
        }
    }
    s->in = s->out = fd;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    s->connected = true;
    return stream_poll(s, &s->in_poll, fd, &s->in_polled) ||
           error_set(err, "%s: cannot poll a UDP socket", s->label);
}
