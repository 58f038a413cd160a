/* Drives and what is in them. */
#include "vmm/media.h"
#include "vmm/qmp_command.h"
#include <string.h>
#include <sys/stat.h>

/* ---- queries ---- */

static json_t *image_info(const struct block *b)
{
    json_t *out = json_pack("{s:s,s:s,s:I}", "filename", block_path(b), "format", block_format(b),
                            "virtual-size", (json_int_t)(block_sectors(b) * SECTOR_SIZE));
    struct stat st;

    if (stat(block_path(b), &st) == 0)
        json_object_set_new(out, "actual-size", json_integer((json_int_t)st.st_blocks * 512));
    return out;
}

static json_t *inserted(const struct medium *d)
{
    const struct block *b = d->block;
    static const char *const zeros[] = {
        "bps",     "bps_rd",  "bps_wr",          "iops",
        "iops_rd", "iops_wr", "write_threshold", "backing_file_depth"};
    json_t *out =
        json_pack("{s:s,s:b,s:s,s:b,s:s,s:{s:b,s:b,s:b},s:o}", "file", block_path(b), "ro",
                  (int)block_readonly(b), "drv", block_format(b), "encrypted", 0, "detect_zeroes",
                  "off", "cache", "writeback", (int)!block_is_write_through(b), "direct", 0,
                  "no-flush", (int)block_is_unsafe(b), "image", image_info(b));

    json_object_set_new(out, "node-name", json_string(d->node));
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        json_object_set_new(out, zeros[i], json_integer(0));
    return out;
}

static void list_blocks(struct machine *m, void *opaque)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++) {
        json_t *out = json_pack("{s:s,s:s,s:s,s:b,s:b}", "device", medium_device(&all[i]), "qdev",
                                all[i].qdev, "type", "unknown", "removable", (int)all[i].removable,
                                "locked", (int)all[i].locked);
        if (all[i].removable)
            json_object_set_new(out, "tray_open", json_boolean(all[i].tray_open));
        if (all[i].block) {
            json_object_set_new(out, "io-status", json_string(all[i].io_status));
            json_object_set_new(out, "inserted", inserted(&all[i]));
        }
        json_array_append_new(opaque, out);
    }
}

static json_t *stats_of(const struct block *b)
{
    static const char *const zeros[] = {"unmap_bytes",
                                        "unmap_operations",
                                        "rd_total_time_ns",
                                        "wr_total_time_ns",
                                        "flush_total_time_ns",
                                        "unmap_total_time_ns",
                                        "wr_highest_offset",
                                        "rd_merged",
                                        "wr_merged",
                                        "unmap_merged",
                                        "failed_unmap_operations",
                                        "invalid_rd_operations",
                                        "invalid_wr_operations",
                                        "invalid_flush_operations",
                                        "invalid_unmap_operations"};
    const struct block_stats none = {0}, *s = b ? block_stats(b) : &none;
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"rd_bytes", s->sectors_read * SECTOR_SIZE},
        {"wr_bytes", s->sectors_written * SECTOR_SIZE},
        {"rd_operations", s->reads},
        {"wr_operations", s->writes},
        {"flush_operations", s->flushes},
        {"failed_rd_operations", s->failed_reads},
        {"failed_wr_operations", s->failed_writes},
        {"failed_flush_operations", s->failed_flushes},
    };
    json_t *out =
        json_pack("{s:b,s:b,s:[]}", "account_invalid", 0, "account_failed", 1, "timed_stats");

    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        json_object_set_new(out, counters[i].name, json_integer((json_int_t)counters[i].value));
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        json_object_set_new(out, zeros[i], json_integer(0));
    return out;
}

static void list_stats(struct machine *m, void *opaque)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++)
        json_array_append_new(opaque,
                              json_pack("{s:s,s:s,s:o}", "device", medium_device(&all[i]), "qdev",
                                        all[i].qdev, "stats", stats_of(all[i].block)));
}

static void list_nodes(struct machine *m, void *opaque)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++)
        if (all[i].block)
            json_array_append_new(opaque, inserted(&all[i]));
}

static bool query(struct qmp_call *c, void (*list)(struct machine *m, void *opaque))
{
    c->ret = json_array();
    machine_post_wait(c->t->machine, list, c->ret);
    return true;
}

static bool query_block(struct qmp_call *c)
{
    return query(c, list_blocks);
}

static bool query_blockstats(struct qmp_call *c)
{
    return query(c, list_stats);
}

static bool query_nodes(struct qmp_call *c)
{
    return query(c, list_nodes);
}

/* ---- media ---- */

/* Drives go by `device`, the older, or by `id`; here they are the same. */
static const char *drive(struct qmp_call *c)
{
    const char *device = qmp_string(c, "device", NULL), *id = qmp_string(c, "id", NULL);

    if (!device == !id)
        qmp_fail(c, "GenericError", "Need exactly one of 'device' and 'id'");
    return !device == !id ? NULL : device ? device : id;
}

static bool answer(struct qmp_call *c, bool ok, const struct error *err)
{
    if (ok)
        return true;
    bool unknown = !strncmp(err->text, "Device", 6) && strstr(err->text, "not found");
    return qmp_fail(c, unknown ? "DeviceNotFound" : "GenericError", "%s", err->text);
}

static bool change_medium(struct qmp_call *c)
{
    const char *name = drive(c), *how = qmp_string(c, "read-only-mode", "retain");
    enum media_mode mode = !strcmp(how, "read-only")    ? MEDIA_READ_ONLY
                           : !strcmp(how, "read-write") ? MEDIA_READ_WRITE
                                                        : MEDIA_RETAIN;
    struct error err = {""};

    return name && answer(c,
                          media_change(c->t->machine, name, qmp_string(c, "filename", ""),
                                       qmp_string(c, "format", NULL), mode,
                                       qmp_bool(c, "force", false), &err),
                          &err);
}

/* The command that blockdev-change-medium has replaced. */
static bool change(struct qmp_call *c)
{
    struct error err = {""};

    return answer(c,
                  media_change(c->t->machine, qmp_string(c, "device", ""),
                               qmp_string(c, "target", ""), qmp_string(c, "arg", NULL),
                               MEDIA_RETAIN, false, &err),
                  &err);
}

static bool eject(struct qmp_call *c)
{
    const char *name = drive(c);
    struct error err = {""};

    return name &&
           answer(c, media_eject(c->t->machine, name, qmp_bool(c, "force", false), &err), &err);
}

static bool remove_medium(struct qmp_call *c)
{
    struct error err = {""};

    return answer(c, media_remove(c->t->machine, qmp_string(c, "id", ""), &err), &err);
}

static bool move_tray(struct qmp_call *c, bool open)
{
    const char *name = drive(c);
    struct error err = {""};

    return name &&
           answer(c, media_move_tray(c->t->machine, name, open, qmp_bool(c, "force", false), &err),
                  &err);
}

static bool open_tray(struct qmp_call *c)
{
    return move_tray(c, true);
}

static bool close_tray(struct qmp_call *c)
{
    return move_tray(c, false);
}

const struct qmp_command qmp_block_commands[] = {
    {"query-block", "", "[BlockInfo]", query_block},
    {"query-blockstats", "query-nodes?:bool", "[BlockStats]", query_blockstats},
    {"query-named-block-nodes", "flat?:bool", "[BlockDeviceInfo]", query_nodes},
    {"blockdev-change-medium",
     "device?:str, id?:str, filename:str, format?:str, force?:bool, "
     "read-only-mode?:BlockdevChangeReadOnlyMode",
     "", change_medium},
    {"change", "device:str, target:str, arg?:str", "", change},
    {"eject", "device?:str, id?:str, force?:bool", "", eject},
    {"blockdev-open-tray", "device?:str, id?:str, force?:bool", "", open_tray},
    {"blockdev-close-tray", "device?:str, id?:str", "", close_tray},
    {"blockdev-remove-medium", "id:str", "", remove_medium},
    {0},
};
