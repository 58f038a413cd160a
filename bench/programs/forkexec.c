/* Process creation: fork, exec of a static program, wait.
 *
 *   forkexec COUNT PROGRAM
 *
 * Prints one line: "forkexec: COUNT processes, SECONDS s".
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int run(char *program)
{
    char *argv[] = {program, NULL};
    char *envp[] = {NULL};
    int status;
    pid_t pid = fork();

    if (pid < 0)
        return -1;
    if (pid == 0) {
        execve(program, argv, envp);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct timespec begin, end;
    long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;

    if (count <= 0) {
        fprintf(stderr, "usage: forkexec COUNT PROGRAM\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < count; i++) {
        if (run(argv[2]) < 0) {
            fprintf(stderr, "forkexec: %s failed\n", argv[2]);
            return 1;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("forkexec: %ld processes, %.4f s\n", count,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}
