#define _GNU_SOURCE /* pipe2, initgroups */
#include "vmm/process.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_BAD_INPUT = 2 };

static void wait_for_child(int end)
{
    uint8_t status;
    ssize_t n;

    do
        n = read(end, &status, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? status : EXIT_BAD_INPUT); /* the child has said why */
}

int process_detach(const struct options *o, struct error *err)
{
    int ends[2];

    if (options_stdio(o) || o->display == DISPLAY_TEXT) {
        error_set(err,
                  "-daemonize: there is no terminal in the background: send what is on stdio to "
                  "file:PATH, unix:PATH or pty");
        return -1;
    }
    pid_t pid = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (pid < 0) {
        error_set(err, "-daemonize: %s", strerror(errno));
        return -1;
    }
    if (pid > 0) {
        close(ends[1]);
        wait_for_child(ends[0]);
    }
    close(ends[0]);
    setsid();
    return ends[1];
}

void process_ready(int descriptor)
{
    const uint8_t status = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (chdir("/") < 0 || null < 0)
        return;
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    if (write(descriptor, &status, 1) == 1)
        close(descriptor);
}

bool process_pidfile(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    char text[24];

    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;
    if (!ok)
        error_set(err, "-pidfile %s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* NAME or UID:GID; *P: its entry, or NULL for numbers. */
static bool find_user(const char *user, const struct passwd **p, uid_t *uid, gid_t *gid,
                      struct error *err)
{
    char *end;

    *p = getpwnam(user);
    if (*p) {
        *uid = (*p)->pw_uid;
        *gid = (*p)->pw_gid;
        return true;
    }
    *uid = (uid_t)strtoul(user, &end, 10);
    if (end == user || *end != ':')
        return error_set(err, "-runas %s: there is no such user; it is a name or UID:GID", user);
    const char *group = end + 1;
    *gid = (gid_t)strtoul(group, &end, 10);
    return (end != group && !*end) || error_set(err, "-runas %s: it is a name or UID:GID", user);
}

bool process_check_user(const char *user, struct error *err)
{
    const struct passwd *p;
    uid_t uid;
    gid_t gid;

    return find_user(user, &p, &uid, &gid, err) &&
           (geteuid() == 0 || error_set(err, "-runas %s: that takes root", user));
}

bool process_run_as(const char *user, struct error *err)
{
    const struct passwd *p;
    uid_t uid;
    gid_t gid;

    if (!find_user(user, &p, &uid, &gid, err))
        return false;
    bool groups = p ? initgroups(user, gid) == 0 : setgroups(0, NULL) == 0;
    if (!groups || setgid(gid) < 0 || setuid(uid) < 0)
        return error_set(err, "-runas %s: %s; that takes root", user, strerror(errno));
    return true;
}

void process_rename(const char *name)
{
    prctl(PR_SET_NAME, name);
}
