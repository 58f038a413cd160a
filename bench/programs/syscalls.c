/* Short system calls in a loop.
 *
 *   syscalls getpid|read|futex COUNT
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    int word = 0, zero = open("/dev/zero", O_RDONLY);
    char byte;

    if (count <= 0 || zero < 0) {
        fprintf(stderr, "usage: syscalls getpid|read|futex COUNT\n");
        return 2;
    }
    for (long i = 0; i < count; i++) {
        if (!strcmp(argv[1], "getpid"))
            syscall(SYS_getpid);
        else if (!strcmp(argv[1], "read"))
            syscall(SYS_read, zero, &byte, 1);
        else
            syscall(SYS_futex, &word, FUTEX_WAKE, 1, 0, 0, 0);
    }
    return 0;
}
