/* The conversation: lines in, prompts out. */
#include "vmm/monitor.h"
#include "vmm/command.h"
#include "vmm/lineedit.h"
#include <stdlib.h>
#include <string.h>

struct monitor {
    struct monitor_target target;
    void (*write)(void *opaque, const char *data, size_t len);
    void *opaque;
    struct lineedit *edit;
};

static void write_out(void *opaque, const char *data, size_t len)
{
    struct monitor *mon = opaque;

    mon->write(mon->opaque, data, len);
}

static void run_line(void *opaque, const char *line)
{
    struct monitor *mon = opaque;
    struct text out = {0};

    monitor_execute(&mon->target, line, &out);
    if (out.len)
        mon->write(mon->opaque, out.data, out.len);
    text_free(&out);
}

static void complete(void *opaque, const char *line, void (*offer)(void *to, const char *word),
                     void *to)
{
    struct monitor *mon = opaque;

    command_complete(&mon->target, line, offer, to);
}

/* The prompt is QEMU's: scripts wait for it. */
struct monitor *monitor_new(const struct monitor_target *t, bool echo,
                            void (*write)(void *opaque, const char *data, size_t len), void *opaque)
{
    struct monitor *mon = calloc(1, sizeof *mon);

    if (!mon)
        abort();
    mon->target = *t;
    mon->write = write;
    mon->opaque = opaque;
    mon->edit =
        lineedit_new(&(struct lineedit_wires){mon, write_out, run_line, complete}, "(qemu) ", echo);
    return mon;
}

void monitor_free(struct monitor *mon)
{
    if (!mon)
        return;
    lineedit_free(mon->edit);
    free(mon);
}

void monitor_greet(struct monitor *mon)
{
    static const char banner[] =
        "ringer " RINGER_VERSION " monitor - type 'help' for more information\n";

    mon->write(mon->opaque, banner, strlen(banner));
    lineedit_begin(mon->edit);
}

void monitor_input(struct monitor *mon, const uint8_t *data, size_t len)
{
    lineedit_input(mon->edit, data, len);
}
