#define _GNU_SOURCE /* pipe2, close_range */
#include "vmm/tty.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct tty {
    struct termios saved;
    bool raw;
    int release; /* a byte here tells the guardian that all is well */
    pid_t guardian;
};

/* A picture that was cut short ended, attributes off, cursor shown, keypad and alternate screen
 * left. */
static const char reset_sequence[] = "\033\\\033[0m\033[?25h\033[?1l\033>\033[?1049l";

/* The guardian: waits for the byte or for ringer's death. */
static void guard(const struct tty *t, int pipe_end)
{
    char byte;
    ssize_t n;

    setsid(); /* what kills ringer's group must not kill this */
    do
        n = read(pipe_end, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1 && byte == 'q')
        _exit(0);
    if (n == 1) /* raw mode was entered: wait on */
        do
            n = read(pipe_end, &byte, 1);
        while (n < 0 && errno == EINTR);
    else
        _exit(0); /* died before it changed anything */
    if (n == 0) {
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
        if (write(STDIN_FILENO, reset_sequence, sizeof reset_sequence - 1) < 0)
            _exit(1);
    }
    _exit(0);
}

struct tty *tty_guard(void)
{
    struct tty *t;
    int ends[2];

    if (!isatty(STDIN_FILENO) || !(t = calloc(1, sizeof *t)))
        return NULL;
    if (tcgetattr(STDIN_FILENO, &t->saved) < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        free(t);
        return NULL;
    }
    t->release = ends[1];
    t->guardian = fork();
    if (t->guardian == 0) {
        dup2(ends[0], STDOUT_FILENO);
        close_range(STDERR_FILENO, ~0u, 0);
        guard(t, STDOUT_FILENO);
    }
    close(ends[0]);
    return t;
}

void tty_raw(struct tty *t, bool signals)
{
    struct termios raw;

    if (!t)
        return;
    if (!t->raw && write(t->release, "r", 1) < 0)
        return;
    raw = t->saved;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | (signals ? 0 : ISIG));
    raw.c_oflag |= OPOST;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    t->raw = true;
}

void tty_restore(struct tty *t)
{
    if (!t)
        return;
    if (t->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &t->saved);
    if (t->guardian > 0 && write(t->release, "q", 1) == 1)
        waitpid(t->guardian, NULL, 0);
    close(t->release);
    free(t);
}
