/* `info block` and `info blockstats`, in QEMU's shape. */
#include "vmm/command.h"
#include "vmm/media.h"
#include <string.h>

static void show_drive(const struct medium *d, struct text *out)
{
    if (d->block)
        text_printf(out, "%s (%s): %s (%s%s%s)\n", d->name, d->node, block_path(d->block),
                    block_format(d->block), block_readonly(d->block) ? ", read-only" : "",
                    block_is_snapshot(d->block) ? ", snapshot" : "");
    else
        text_printf(out, "%s: [not inserted]\n", d->name);
    if (strcmp(d->io_status, "ok"))
        text_printf(out, "    I/O status:       %s\n", d->io_status);
    text_printf(out, "    Attached to:      %s\n", d->qdev);
    if (d->removable)
        text_printf(out, "    Removable device: %slocked, tray %s\n", d->locked ? "" : "not ",
                    d->tray_open ? "open" : "closed");
    if (d->block)
        text_printf(out, "    Cache mode:       %s%s\n",
                    block_is_write_through(d->block) ? "writethrough" : "writeback",
                    block_is_unsafe(d->block) ? ", ignore flushes" : "");
    if (d->block)
        text_printf(out, "    Size:             %llu sectors\n",
                    (unsigned long long)block_sectors(d->block));
}

/* The one called NAME, or (NULL) all of them. */
static bool show_drives(const struct monitor_target *t, const char *name, struct text *out)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(t->machine, all), shown = 0;

    for (unsigned i = 0; i < n; i++) {
        if (name && !medium_is_called(&all[i], name))
            continue;
        if (shown++)
            text_add(out, "\n", 1);
        show_drive(&all[i], out);
    }
    return !name || shown;
}

static void info_block(const struct monitor_target *t, struct text *out)
{
    show_drives(t, NULL, out);
}

struct wanted {
    const struct monitor_target *t;
    const char *name;
    struct text *out;
    bool found;
};

static void show_wanted(struct machine *m, void *opaque)
{
    struct wanted *w = opaque;

    (void)m;
    w->found = show_drives(w->t, w->name, w->out);
}

bool block_info_command(const struct monitor_target *t, const char *name, struct text *out)
{
    struct wanted w = {.t = t, .name = name, .out = out};

    machine_post_wait(t->machine, show_wanted, &w);
    return w.found || command_fail(out, "Error: Device '%.100s' not found", name);
}

static void info_blockstats(const struct monitor_target *t, struct text *out)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(t->machine, all);

    for (unsigned i = 0; i < n; i++) {
        static const struct block_stats none;
        const struct block_stats *s = all[i].block ? block_stats(all[i].block) : &none;
        text_printf(out,
                    "%s: rd_bytes=%llu wr_bytes=%llu rd_operations=%llu wr_operations=%llu "
                    "flush_operations=%llu wr_total_time_ns=0 rd_total_time_ns=0 "
                    "flush_total_time_ns=0 rd_merged=0 wr_merged=0 failed_operations=%llu\n",
                    all[i].name, (unsigned long long)s->sectors_read * SECTOR_SIZE,
                    (unsigned long long)s->sectors_written * SECTOR_SIZE,
                    (unsigned long long)s->reads, (unsigned long long)s->writes,
                    (unsigned long long)s->flushes,
                    (unsigned long long)(s->failed_reads + s->failed_writes + s->failed_flushes));
    }
}

const struct subject subjects_block[] = {
    {"block", "floppies, disks and CDs", info_block},
    {"blockstats", "how much was read and written", info_blockstats},
    {0},
};
