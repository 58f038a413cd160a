#define _GNU_SOURCE /* faccessat's AT_EACCESS */
#include "vmm/output.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

bool output_possible(const char *path)
{
    char folder[PATH_MAX];
    struct stat st;

    if (stat(path, &st) == 0) {
        errno = EISDIR;
        return !S_ISDIR(st.st_mode) && may(path, W_OK);
    }
    if (errno != ENOENT)
        return false;
    if (lstat(path, &st) == 0) /* a link to what is not there yet: opening it will tell */
        return true;
    if ((size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    return may(slash ? folder : ".", W_OK | X_OK);
}
