/* Any bytes as what a client of the monitor or of QMP sends: the first byte says which, bit 0, and
 * in what pieces they come.
 * With clang: -fsanitize=fuzzer,address; mutate_text.c is a main for everybody else. */
#include "fuzz.h"

#include "vmm/host.h"
#include "vmm/qmp.h"
#include "vmm/qmp_command.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_FILE = 4 << 20, MOST_USES = 200 };

/* A machine that stands still, until an input ends it or it was used often enough. */
static struct host *host;
static unsigned uses;

static char dir[] = "/tmp/ringer-fuzz.XXXXXX";

static void clear_folder(void)
{
    char command[60];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    (void)!system(command);
}

/* Commands write files: small ones, in a folder of our own. */
static void confine(void)
{

    if (!mkdtemp(dir) || chdir(dir) != 0)
        abort();
    atexit(clear_folder);
    signal(SIGXFSZ, SIG_IGN);
    if (!freopen("/dev/null", "w", stderr))
        abort();
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void close_host(void)
{
    host_close(host);
    options_free(&host->options);
    free(host);
    host = NULL;
}

static void open_host(void)
{
    char *argv[] = {"-m",       "1",        "-S",
                    "-display", "none",     "-monitor",
                    "none",     "-chardev", "ringbuf,id=r,size=4096",
                    "-serial",  "chardev:r"};
    struct error err = {""};

    if (!uses)
        confine();
    limit_files(RLIM_INFINITY); /* guest memory is a file */
    host = calloc(1, sizeof *host);
    host->embedded = true;
    if (!options_parse(&host->options, 11, argv, &err) || !host_open(host, &err) ||
        !host_start(host, &err)) {
        printf("fuzz_control: %s\n", err.text);
        fflush(stdout);
        abort();
    }
    limit_files(MOST_FILE);
}

/* A slash may lead out of the folder; formats ("x/4x") are all that needs one. */
static bool leaves_folder(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool format = i && i + 1 < len && strchr("xpioth", data[i - 1]) && data[i - 1] &&
                      data[i + 1] && strchr("0123456789xduocibhwglr", data[i + 1]);
        if ((data[i] == '/' && !format) || (data[i] == '\\' && i + 1 < len && data[i + 1] == 'u'))
            return true;
    }
    return false;
}

static void swallow(void *opaque, const char *data, size_t len)
{
    uint32_t *sum = opaque;

    for (size_t i = 0; i < len; i++)
        *sum = *sum * 31 + (uint8_t)data[i];
}

static void speak_qmp(const uint8_t *data, size_t len, size_t piece)
{
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
    const struct monitor_target t = host_target(host);
    uint32_t sum = 0;
    struct qmp *q = qmp_new(&t, piece & 1, swallow, &sum);

    qmp_greet(q);
    if (piece % 7)
        qmp_input(q, hello, sizeof hello - 1);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < piece ? len - at : piece;
        at += qmp_input(q, (const char *)data + at, n);
    }
    qmp_free(q);
}

static void speak_plain(const uint8_t *data, size_t len, size_t piece)
{
    const struct monitor_target t = host_target(host);
    uint32_t sum = 0;
    struct monitor *mon = monitor_new(&t, piece & 1, swallow, &sum);

    monitor_greet(mon);
    for (size_t at = 0; at < len; at += piece)
        monitor_input(mon, data + at, len - at < piece ? len - at : piece);
    monitor_free(mon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || leaves_folder(data, len))
        return 0;
    if (host && (uses % MOST_USES == 0 || !strcmp(machine_run_state(host->machine), "running")))
        close_host(); /* with what earlier inputs left in it */
    if (!host)
        open_host();
    uses++;
    if (data[0] & 1)
        speak_qmp(data + 1, len - 1, 1 + (data[0] >> 1));
    else
        speak_plain(data + 1, len - 1, 1 + (data[0] >> 1));
    return 0;
}
