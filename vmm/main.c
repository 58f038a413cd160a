/* The command. */
#include "vmm/host.h"
#include "vmm/process.h"
#include "vmm/tb_report.h"
#include "vmm/top.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef RINGER_VERSION
#define RINGER_VERSION "unknown"
#endif

enum { EXIT_BAD_INPUT = 2 };

static void print_line(void *opaque, const char *text)
{
    fprintf(opaque, "%s\n", text);
}

/* One line on standard error, as -msg wants it. */
static void complain(const struct options *o, const char *text)
{
    char stamp[40] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (o->msg_timestamp && gmtime_r(&now, &tm))
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    fprintf(stderr, "%s%s%sringer: %s\n", stamp, o->msg_name && o->name ? o->name : "",
            o->msg_name && o->name ? " " : "", text);
}

static bool start(struct host *h, int ready, struct error *err)
{
    const struct options *o = &h->options;

    if (!host_open(h, err) || (o->run_as && !process_run_as(o->run_as, err)) ||
        (o->pidfile && !process_pidfile(o->pidfile, err)))
        return false;
    if (!sandbox_enter(&o->sandbox, err) || !host_start(h, err)) {
        if (o->pidfile)
            unlink(o->pidfile);
        return false;
    }
    if (ready >= 0)
        process_ready(ready);
    return true;
}

static int run(struct host *h, struct error *err)
{
    const struct options *o = &h->options;
    int status = EXIT_BAD_INPUT, ready = -1;

    if (o->daemonize && (ready = process_detach(o, err)) < 0)
        return status;
    if (o->process_name)
        process_rename(o->process_name);
    char folder[4096];
    bool absolute = !o->pidfile || o->pidfile[0] == '/' || !getcwd(folder, sizeof folder);
    if (start(h, ready, err)) {
        status = host_run(h);
        if (o->pidfile && (absolute || chdir(folder) == 0))
            unlink(o->pidfile);
    }
    host_close(h);
    return status;
}

/* A descriptor below 3 that the caller has closed would be given to the next file we open, and what
 * is meant for the user would end in it. */
static bool open_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
    return fd >= 0;
}

int main(int argc, char **argv)
{
    struct host host = {0};
    struct error err = {""};
    int status = 0;

    if (!open_standard_streams())
        return EXIT_BAD_INPUT;
    if (argc > 1 && !strcmp(argv[1], "top"))
        return top_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "tb-report"))
        return tb_report_main(argc - 1, argv + 1);
    if (!options_parse(&host.options, argc - 1, argv + 1, &err))
        status = EXIT_BAD_INPUT;
    else if (host.options.help)
        options_help(&host.options, print_line, stdout);
    else if (host.options.version)
        printf("ringer %s\n", RINGER_VERSION);
    else
        status = run(&host, &err);
    if (err.text[0])
        complain(&host.options, err.text);
    options_free(&host.options);
    return status;
}
