/* Run a command and put the time before each line that it prints.
 *
 *   stamp [-until TEXT] [-limit SECONDS] [-clock real|cpu] [-memory TEXT] [-metrics SOCKET]
 *         COMMAND [ARGUMENT...]
 *
 * Prints "SECONDS LINE" for each line of the command's stdout, where SECONDS counts from the start
 * of the command, or (-clock cpu, for a busy host) is the processor time that it has used, with
 * that of children it has waited for; and at the end "SECONDS end STATUS PEAK": its exit status (-1
 * when it was ended here) and the largest private memory (RssAnon, KiB) that was seen.  With
 * -memory each line that holds TEXT is followed by "SECONDS memory KIB": the private memory now;
 * and with -metrics by "SECONDS resident CLASS KIB" for each class of memory that the command tells
 * of at its unix socket (ringer -metrics unix:SOCKET).  With -until the command is ended when a
 * line holds TEXT, complete or not.  Exit status 1 when the time is up first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct run {
    const char *until, *memory, *metrics;
    double limit, begin;
    pid_t pid;
    int output, cpu_clock, cpu_fd; /* the latter -1 without a count */
    char line[4096];
    size_t length;
    long peak;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A count of the processor time of the process PID and of all that it will start, to the
 * nanosecond; -1 where the host grants none.  The time of children as /proc tells it comes in
 * hundredths of a second, of user and system time each: too coarse for what runs 30 ms. */
static int open_cpu_clock(pid_t pid)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .inherit = 1,
    };

    return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Processor seconds of RUN's command and of the children that it waited for. */
static double cpu_time(const struct run *run)
{
    char path[64], text[1024] = "", *fields;
    struct timespec own = {0};
    long user = 0, system = 0;
    clockid_t clock;
    uint64_t counted;
    FILE *file;

    if (run->cpu_fd >= 0 && read(run->cpu_fd, &counted, sizeof counted) == sizeof counted)
        return (double)counted / 1e9;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)run->pid);
    file = fopen(path, "r");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
    }
    fields = strrchr(text, ')'); /* field 2; cutime and cstime are fields 16 and 17 */
    if (fields)
        sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %ld %ld", &user,
               &system);
    if (clock_getcpuclockid(run->pid, &clock) == 0)
        clock_gettime(clock, &own);
    return (double)own.tv_sec + (double)own.tv_nsec / 1e9 +
           (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* On a busy host the command would run on before a line of its own is seen here. */
static void go_first(void)
{
    struct sched_param param = {.sched_priority = 1};

    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0)
        fprintf(stderr, "stamp: no real-time priority: markers may come late\n");
}

static double stamp_of(const struct run *run)
{
    return run->cpu_clock ? cpu_time(run) : now() - run->begin;
}

/* The command's private memory now, KiB; 0 when it cannot be told. */
static long sample_memory(struct run *run)
{
    char path[64], text[4096], *found;
    FILE *file;
    size_t length;
    long now;

    snprintf(path, sizeof path, "/proc/%d/status", (int)run->pid);
    file = fopen(path, "r");
    if (!file)
        return 0;
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    fclose(file);
    found = strstr(text, "RssAnon:");
    now = found ? strtol(found + 8, NULL, 10) : 0;
    if (now > run->peak)
        run->peak = now;
    return now;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Print the sums of the command's own figures "ringer_resident_CLASS_bytes{...} BYTES". */
static void print_classes(const struct run *run)
{
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    static const char *const classes[] = {"windows", "cache", "metadata"};
    enum { CLASSES = sizeof classes / sizeof *classes };
    double sum[CLASSES] = {0}, bytes;
    char line[1024], begin[64];
    int fd = connect_to(run->metrics);
    FILE *answer = fd < 0 ? NULL : fdopen(fd, "r+");

    if (!answer)
        return;
    fputs(request, answer);
    fflush(answer);
    while (fgets(line, sizeof line, answer)) {
        for (int i = 0; i < CLASSES; i++) {
            int n = snprintf(begin, sizeof begin, "ringer_resident_%s_bytes{", classes[i]);
            const char *value = strrchr(line, ' ');

            if (!strncmp(line, begin, (size_t)n) && value && sscanf(value, "%lf", &bytes) == 1)
                sum[i] += bytes;
        }
    }
    fclose(answer);
    for (int i = 0; i < CLASSES; i++)
        printf("%.6f resident %s %.0f\n", stamp_of(run), classes[i], sum[i] / 1024);
}

static void start(struct run *run, char **command)
{
    int ends[2], go[2];
    char byte;

    if (pipe(ends) < 0 || pipe2(go, O_CLOEXEC) < 0) {
        perror("stamp: pipe");
        exit(2);
    }
    run->begin = now();
    run->pid = fork();
    if (run->pid < 0) {
        perror("stamp: fork");
        exit(2);
    }
    if (run->pid == 0) {
        close(ends[0]);
        close(go[1]);
        if (read(go[0], &byte, 1) < 0) /* ends when the count is open, or cannot be */
            _exit(126);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[1]);
        if (!freopen("/dev/null", "r", stdin))
            _exit(126);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    run->cpu_fd = run->cpu_clock ? open_cpu_clock(run->pid) : -1;
    close(go[0]);
    close(go[1]);
    close(ends[1]);
    run->output = ends[0];
}

/* Take in what came; true when the awaited text is there. */
static int take(struct run *run, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\r' || data[i] == '\0')
            continue;
        if (data[i] != '\n' && run->length < sizeof run->line - 1) {
            run->line[run->length++] = data[i];
            run->line[run->length] = 0;
            continue;
        }
        printf("%.6f %s\n", stamp_of(run), run->line);
        if (run->memory && strstr(run->line, run->memory)) {
            printf("%.6f memory %ld\n", stamp_of(run), sample_memory(run));
            if (run->metrics)
                print_classes(run);
        }
        if (run->until && strstr(run->line, run->until))
            return 1;
        run->length = 0;
        run->line[0] = 0;
    }
    if (run->until && strstr(run->line, run->until)) {
        printf("%.6f %s\n", stamp_of(run), run->line);
        return 1;
    }
    return 0;
}

/* 0: the command's output ended; 1: the awaited text came; 2: the time is up. */
static int follow(struct run *run)
{
    char data[4096];

    for (;;) {
        struct pollfd poll_set = {.fd = run->output, .events = POLLIN};
        ssize_t size;

        if (now() - run->begin > run->limit)
            return 2;
        sample_memory(run);
        if (poll(&poll_set, 1, 100) <= 0)
            continue;
        size = read(run->output, data, sizeof data);
        if (size <= 0)
            return 0;
        if (take(run, data, (size_t)size))
            return 1;
    }
}

int main(int argc, char **argv)
{
    struct run run = {.limit = 600};
    int status = 0, reason, i = 1;

    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (!strcmp(argv[i], "-until"))
            run.until = argv[i + 1];
        else if (!strcmp(argv[i], "-memory"))
            run.memory = argv[i + 1];
        else if (!strcmp(argv[i], "-metrics"))
            run.metrics = argv[i + 1];
        else if (!strcmp(argv[i], "-limit"))
            run.limit = strtod(argv[i + 1], NULL);
        else if (!strcmp(argv[i], "-clock"))
            run.cpu_clock = !strcmp(argv[i + 1], "cpu");
        else
            break;
    }
    if (i >= argc || argv[i][0] == '-') {
        fprintf(stderr,
                "usage: stamp [-until TEXT] [-limit SECONDS] [-clock real|cpu] [-memory TEXT] "
                "[-metrics SOCKET] COMMAND...\n");
        return 2;
    }
    if (run.cpu_clock)
        go_first();
    start(&run, argv + i);
    reason = follow(&run);
    sample_memory(&run);
    if (reason != 0)
        kill(run.pid, SIGKILL);
    waitpid(run.pid, &status, 0);
    printf("%.6f end %d %ld\n", now() - run.begin,
           reason == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1, run.peak);
    return reason == 2 || (run.until && reason != 1) ? 1 : 0;
}
