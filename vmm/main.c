/* The command. */
#include "vmm/host.h"
#include <stdio.h>
#include <string.h>

#ifndef RINGER_VERSION
#define RINGER_VERSION "unknown"
#endif

enum { EXIT_BAD_INPUT = 2 };

static void print_line(void *opaque, const char *text)
{
    fprintf(opaque, "%s\n", text);
}

int main(int argc, char **argv)
{
    struct host host = {0};
    struct error err = {""};

    if (!options_parse(&host.options, argc - 1, argv + 1, &err)) {
        fprintf(stderr, "ringer: %s\n", err.text);
        options_free(&host.options);
        return EXIT_BAD_INPUT;
    }
    if (host.options.help) {
        options_help(&host.options, print_line, stdout);
        options_free(&host.options);
        return 0;
    }
    if (host.options.version) {
        printf("ringer %s\n", RINGER_VERSION);
        options_free(&host.options);
        return 0;
    }
    int status = EXIT_BAD_INPUT;
    if (host_open(&host, &err) && host_start(&host, &err))
        status = host_run(&host);
    host_close(&host);
    options_free(&host.options);
    if (err.text[0])
        fprintf(stderr, "ringer: %s\n", err.text);
    return status;
}
