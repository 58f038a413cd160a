/* Streams on standard input and output, files, pipes and terminals. */
#define _GNU_SOURCE /* posix_openpt, ptsname_r */
#include "vmm/output.h"
#include "vmm/stream_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

bool stream_open_stdio(struct stream *s, struct error *err)
{
    s->in = STDIN_FILENO;
    s->out = STDOUT_FILENO;
    s->limit = STREAM_QUEUE_STDIO;
    if (!stream_poll(s, &s->in_poll, s->in, &s->in_polled))
        stream_pump(s);
    if (!stream_poll(s, &s->out_poll, s->out, &s->out_polled))
        s->writes_directly = true;
    s->connected = true;
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return error_set(err, "%s: standard output is closed", s->label);
    return true;
}

static bool cannot(struct stream *s, const char *what, const char *path, struct error *err)
{
    return error_set(err, "%s: cannot %s %s: %s", s->label, what, path, strerror(errno));
}

/* What is written comes by stream_begin. */
bool stream_open_file(struct stream *s, struct error *err)
{
    if (!output_possible(s->spec.path))
        return cannot(s, "write", s->spec.path, err);
    if (s->spec.input[0]) {
        s->in = open(s->spec.input, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (s->in < 0)
            return cannot(s, "read", s->spec.input, err);
        if (!stream_poll(s, &s->in_poll, s->in, &s->in_polled))
            stream_pump(s);
    }
    s->writes_directly = s->connected = true;
    return true;
}

static int begin_file(const char *path, bool append)
{
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
}

bool stream_begin(struct stream *s, struct error *err)
{
    if (s->spec.kind == STREAM_FILE && s->out < 0) {
        s->out = begin_file(s->spec.path, s->spec.append);
        if (s->out < 0)
            return cannot(s, "write", s->spec.path, err);
    }
    if (s->spec.log[0] && s->log < 0) {
        s->log = begin_file(s->spec.log, s->spec.log_append);
        if (s->log < 0)
            return cannot(s, "write the logfile", s->spec.log, err);
    }
    return true;
}

/* Both ends are opened for reading and writing, so that neither waits for its other side. */
bool stream_open_pipe(struct stream *s, struct error *err)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK;
    const char *path = s->spec.path;
    char name[sizeof s->spec.path + 8];

    snprintf(name, sizeof name, "%s.in", path);
    s->in = open(name, flags);
    snprintf(name, sizeof name, "%s.out", path);
    s->out = open(name, flags);
    if (s->in < 0 || s->out < 0) {
        if (s->in >= 0)
            close(s->in);
        if (s->out >= 0)
            close(s->out);
        s->in = s->out = open(path, flags);
    }
    if (s->in < 0)
        return error_set(err, "%s: cannot open %s.in and %s.out, nor %s: %s; make them with mkfifo",
                         s->label, path, path, path, strerror(errno));
    if (!stream_poll(s, &s->in_poll, s->in, &s->in_polled) ||
        (s->in != s->out && !stream_poll(s, &s->out_poll, s->out, &s->out_polled)))
        return error_set(err, "%s: %s is no pipe", s->label, path);
    s->connected = true;
    return true;
}

static void make_raw(int fd)
{
    struct termios raw;

    if (tcgetattr(fd, &raw) < 0)
        return;
    cfmakeraw(&raw);
    tcsetattr(fd, TCSANOW, &raw);
}

/* A device that takes bytes and is no terminal, as /dev/null and /dev/lp0: it is written alone. */
static bool write_only_device(struct stream *s)
{
    struct stat st;

    if (isatty(s->out) || fstat(s->out, &st) < 0 || !S_ISCHR(st.st_mode))
        return false;
    s->in = -1;
    return s->writes_directly = s->connected = true;
}

/* The host's serial port keeps the speed that it has: stty sets it. */
bool stream_open_tty(struct stream *s, struct error *err)
{
    s->in = s->out = open(s->spec.path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (s->in < 0)
        return cannot(s, "open", s->spec.path, err);
    if (write_only_device(s))
        return true;
    if (!isatty(s->in) || !stream_poll(s, &s->in_poll, s->in, &s->in_polled))
        return error_set(err, "%s: %s is no terminal or serial port", s->label, s->spec.path);
    make_raw(s->in);
    s->connected = true;
    return true;
}

bool stream_open_pty(struct stream *s, struct error *err)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
        ptsname_r(fd, s->pty, sizeof s->pty) != 0) {
        if (fd >= 0)
            close(fd);
        return error_set(err, "%s: no pseudo-terminal: %s", s->label, strerror(errno));
    }
    s->in = s->out = fd;
    /* Held open, so that the master is not hung up while no one else has it. */
    s->slave = open(s->pty, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->slave >= 0)
        make_raw(s->slave);
    if (!stream_poll(s, &s->in_poll, fd, &s->in_polled))
        return error_set(err, "%s: cannot poll %s", s->label, s->pty);
    s->connected = true;
    fprintf(stderr, "char device redirected to %s (label %s)\n", s->pty, s->label);
    return true;
}
