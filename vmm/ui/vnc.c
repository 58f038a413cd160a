#define _GNU_SOURCE
#include "vmm/ui/vnc_private.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT = 5900, BACKLOG = 8 };

/* ---- addresses ---- */

static bool describe(const struct sockaddr *a, socklen_t len, struct peer_address *out)
{
    *out = (struct peer_address){.family = a->sa_family == AF_INET6  ? "ipv6"
                                          : a->sa_family == AF_INET ? "ipv4"
                                                                    : "unix"};
    if (a->sa_family == AF_UNIX) {
        const struct sockaddr_un *u = (const void *)a;
        if (len > offsetof(struct sockaddr_un, sun_path))
            snprintf(out->host, sizeof out->host, "%.*s",
                     (int)(len - offsetof(struct sockaddr_un, sun_path)), u->sun_path);
        return true;
    }
    return getnameinfo(a, len, out->host, sizeof out->host, out->service, sizeof out->service,
                       NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

/* A listening socket; -1 and errno. */
static int listen_at(const struct sockaddr *a, socklen_t len)
{
    int one = 1, fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (a->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, a, len) || listen(fd, BACKLOG)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void close_listeners(struct vnc *v)
{
    while (v->listener_count)
        close(v->listeners[--v->listener_count]);
}

/* A socket that nobody listens at any more is in the way; a file is somebody's. */
static bool open_path(struct vnc *v, const char *path, struct error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof a.sun_path)
        return error_set(err, "-vnc unix:%.60s...: the path is too long: %zu bytes at most", path,
                         sizeof a.sun_path - 1);
    strcpy(a.sun_path, path);
    int fd = listen_at((struct sockaddr *)&a, sizeof a);
    if (fd < 0 && errno == EADDRINUSE) {
        int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(probe, (struct sockaddr *)&a, sizeof a) && errno == ECONNREFUSED &&
            !unlink(path))
            fd = listen_at((struct sockaddr *)&a, sizeof a);
        else
            errno = EADDRINUSE;
        close(probe);
    }
    if (fd < 0)
        return error_set(err, "-vnc unix:%.200s: cannot listen there: %s", path, strerror(errno));
    v->listeners[v->listener_count++] = fd;
    v->path = strdup(path);
    return true;
}

/* All addresses of HOST at port PORT + DISPLAY.  0: done; else errno. */
static int open_display_number(struct vnc *v, const struct addrinfo *all, unsigned display)
{
    int why = 0;

    for (const struct addrinfo *a = all; a && v->listener_count < VNC_LISTENERS; a = a->ai_next) {
        if (a->ai_family == AF_INET)
            ((struct sockaddr_in *)(void *)a->ai_addr)->sin_port =
                htons((uint16_t)(PORT + display));
        else if (a->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_port =
                htons((uint16_t)(PORT + display));
        else
            continue;
        int fd = listen_at(a->ai_addr, a->ai_addrlen);
        if (fd >= 0)
            v->listeners[v->listener_count++] = fd;
        else if (errno == EADDRINUSE || !why)
            why = errno;
    }
    if (v->listener_count && why != EADDRINUSE) /* a host may lack one of the two families */
        return 0;
    close_listeners(v);
    return why ? why : EADDRNOTAVAIL;
}

static bool open_host(struct vnc *v, const struct vnc_options *o, struct error *err)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = *o->host ? AI_PASSIVE : 0};
    const char *host = *o->host ? o->host : "127.0.0.1";
    struct addrinfo *all;
    int why = getaddrinfo(host, "5900", &hints, &all);

    if (why)
        return error_set(err, "-vnc %.100s:%u: no such host: %s", host, o->display,
                         gai_strerror(why));
    for (const struct addrinfo *a = all; a && !o->password; a = a->ai_next)
        if (!is_loopback(a->ai_addr)) {
            freeaddrinfo(all);
            return error_set(err,
                             "-vnc %.100s:%u: others could reach it, without a password: add "
                             "password=on or password-secret=ID, or leave the host out",
                             host, o->display);
        }
    unsigned display = o->display;
    do
        why = open_display_number(v, all, display);
    while (why == EADDRINUSE && ++display <= o->to);
    freeaddrinfo(all);
    return !why || error_set(err, "-vnc %.100s:%u: cannot listen at port %u: %s%s", host,
                             o->display, PORT + o->display, strerror(why),
                             why == EADDRINUSE ? "; ,to=N tries more" : "");
}

/* ---- accepting ---- */

static void take_client(struct vnc *v, int listener)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    struct peer_address address;
    int fd = accept4(listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE)
            usleep(100000); /* it stays ready; do not spin */
        return;
    }
    if (!describe((struct sockaddr *)&a, len, &address))
        address.family = "unknown";
    pthread_mutex_lock(&v->lock);
    if (v->closing || v->client_count >= v->options.connections)
        close(fd);
    else
        vnc_client_start(v, fd, &address);
    pthread_mutex_unlock(&v->lock);
}

static void *accept_clients(void *opaque)
{
    struct vnc *v = opaque;
    struct pollfd fds[VNC_LISTENERS + 1] = {{.fd = v->wake, .events = POLLIN}};

    for (unsigned i = 0; i < v->listener_count; i++)
        fds[i + 1] = (struct pollfd){.fd = v->listeners[i], .events = POLLIN};
    for (;;) {
        poll(fds, v->listener_count + 1, -1);
        if (fds[0].revents)
            return NULL;
        for (unsigned i = 0; i < v->listener_count; i++)
            if (fds[i + 1].revents)
                take_client(v, v->listeners[i]);
    }
}

/* Signals are for the threads that expect them. */
static bool start_thread(struct vnc *v)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    v->threaded = !pthread_create(&v->thread, NULL, accept_clients, v);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return v->threaded;
}

/* ---- life ---- */

struct vnc *vnc_open(const struct vnc_options *options, struct machine *m, struct display *d,
                     struct error *err)
{
    struct vnc *v = calloc(1, sizeof *v);

    if (!v)
        abort();
    v->options = *options;
    v->machine = m;
    v->display = d;
    v->wake = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&v->handshake_lock, NULL);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->left, NULL);
    if (options->secret)
        vnc_set_password(v, options->secret, VNC_KEEP, NULL);
    rfbLogEnable(FALSE);
    vnc_register_extension();
    v->keysyms = keysyms_new(options->layout ? options->layout : "en-us", err);
    if (!v->keysyms ||
        !(options->path ? open_path(v, options->path, err) : open_host(v, options, err))) {
        vnc_close(v);
        return NULL;
    }
    v->options.host = v->options.path = v->options.secret = v->options.layout = NULL;
    if (!start_thread(v)) {
        error_set(err, "-vnc: there is no thread for it: %s", strerror(errno));
        vnc_close(v);
        return NULL;
    }
    return v;
}

void vnc_close(struct vnc *v)
{
    if (!v)
        return;
    eventfd_write(v->wake, 1);
    if (v->threaded)
        pthread_join(v->thread, NULL);
    pthread_mutex_lock(&v->lock);
    v->closing = true;
    vnc_disconnect(v, NULL, false);
    while (v->client_count)
        pthread_cond_wait(&v->left, &v->lock);
    pthread_mutex_unlock(&v->lock);
    close_listeners(v);
    if (v->path)
        unlink(v->path);
    free(v->path);
    close(v->wake);
    keysyms_free(v->keysyms);
    pthread_mutex_destroy(&v->handshake_lock);
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->left);
    free(v);
}

/* ---- passwords, and what can be asked ---- */

static bool need_password(const struct vnc *v, struct error *err)
{
    return v->options.password ||
           error_set(err, "VNC clients need no password here: start with -vnc ...,password=on");
}

bool vnc_set_password(struct vnc *v, const char *password, enum vnc_connected connected,
                      struct error *err)
{
    if (!need_password(v, err))
        return false;
    pthread_mutex_lock(&v->lock);
    bool busy = connected == VNC_FAIL && v->client_count;
    if (!busy) {
        snprintf(v->password, sizeof v->password, "%s", password);
        v->has_password = *password != '\0'; /* none: nobody gets in */
        if (connected == VNC_DISCONNECT)
            vnc_disconnect(v, NULL, false);
    }
    pthread_mutex_unlock(&v->lock);
    return !busy || error_set(err, "VNC clients are connected");
}

bool vnc_expire_password(struct vnc *v, time_t when, struct error *err)
{
    if (!need_password(v, err))
        return false;
    pthread_mutex_lock(&v->lock);
    v->expires = when;
    pthread_mutex_unlock(&v->lock);
    return true;
}

const char *vnc_auth(const struct vnc *v)
{
    return v->options.password ? "vnc" : "none";
}

bool vnc_server_address(const struct vnc *v, unsigned n, struct peer_address *out)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;

    return n < v->listener_count && !getsockname(v->listeners[n], (struct sockaddr *)&a, &len) &&
           describe((struct sockaddr *)&a, len, out);
}

bool vnc_client_address(struct vnc *v, unsigned n, struct peer_address *out)
{
    bool found = false;

    pthread_mutex_lock(&v->lock);
    for (const struct vnc_client *c = v->clients; c && !found; c = c->next)
        if (n-- == 0) {
            *out = c->address;
            found = true;
        }
    pthread_mutex_unlock(&v->lock);
    return found;
}
