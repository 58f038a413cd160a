#include "vmm/media.h"
#include "vmm/event.h"
#include "vmm/private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CMOS_FLOPPIES = 0x10 };

/* ---- names ---- */

/* The BIOS learns of floppy drives from CMOS, and so do we: the nibbles are the drives' types. */
static bool floppy_present(struct machine *m, int unit)
{
    uint8_t types = rtc_get_cmos(m->rtc, CMOS_FLOPPIES);

    return (unit == 0 && !m->config.no_floppy) || m->config.floppy[unit] || (types & 0x0f);
}

static struct medium *add(struct medium *at, enum medium_kind kind, int unit, struct block *block,
                          const struct drive_names *names)
{
    const char *given = names->drive ? names->drive : names->device ? names->device : names->node;

    *at = (struct medium){.kind = kind, .unit = unit, .block = block, .is = names};
    at->removable = kind != MEDIUM_DISK;
    at->io_status = "ok";
    if (kind == MEDIUM_FLOPPY)
        snprintf(at->usual, sizeof at->usual, "floppy%d", unit & 1);
    else
        snprintf(at->usual, sizeof at->usual, "ide%d-%s%d", unit / 2 & 1,
                 kind == MEDIUM_CDROM ? "cd" : "hd", unit & 1);
    snprintf(at->name, sizeof at->name, "%s", given ? given : at->usual);
    /* What the user has not named is numbered by its place. */
    int place = kind == MEDIUM_FLOPPY ? unit & 1 : 2 + (unit & 3);
    if (names->node)
        snprintf(at->node, sizeof at->node, "%s", names->node);
    else
        snprintf(at->node, sizeof at->node, "#block%d", 100 + place);
    if (names->device)
        snprintf(at->qdev, sizeof at->qdev, "%s", names->device);
    else
        snprintf(at->qdev, sizeof at->qdev, "/machine/unattached/device[%d]", 20 + place);
    return at + 1;
}

unsigned media_list(struct machine *m, struct medium out[MEDIA_MAX])
{
    const struct machine_config *c = &m->config;
    struct medium *at = out;

    for (int i = 0; i < 4; i++) {
        bool open, locked;

        if (c->disk[i]) {
            at = add(at, MEDIUM_DISK, i, c->disk[i], &c->ide_names[i]);
        } else if (m->ide[i / 2] && ide_tray(m->ide[i / 2], i % 2, &open, &locked)) {
            at = add(at, MEDIUM_CDROM, i, c->cdrom[i], &c->ide_names[i]);
            at[-1].tray_open = open;
            at[-1].locked = locked;
        }
    }
    for (int i = 0; i < 2; i++)
        if (floppy_present(m, i)) {
            at = add(at, MEDIUM_FLOPPY, i, c->floppy[i], &c->floppy_names[i]);
            at[-1].tray_open = m->private->floppy_open[i];
        }
    for (struct medium *d = out; d < at; d++)
        if (d->block && d->block == m->private->held)
            d->io_status = m->private->held_error == ENOSPC ? "nospace" : "failed";
    return (unsigned)(at - out);
}

const char *medium_device(const struct medium *d)
{
    return d->is->drive || (!d->is->node && !d->is->device) ? d->name : "";
}

/* By any of its names. */
bool medium_is_called(const struct medium *d, const char *name)
{
    const struct drive_names *is = d->is;

    return !strcmp(d->name, name) || !strcmp(d->usual, name) ||
           (is->device && !strcmp(is->device, name)) || !strcmp(d->node, name) ||
           !strcmp(d->qdev, name);
}

static bool find(struct machine *m, const char *name, struct medium *out, struct error *err)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);
    char names[200] = "";

    for (unsigned i = 0; i < n; i++) {
        *out = all[i];
        if (medium_is_called(&all[i], name))
            return true;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.31s", i ? ", " : "",
                 all[i].name);
    }
    return error_set(err, "Device '%.60s' not found; there are %s", name, names);
}

static bool find_removable(struct machine *m, const char *name, struct medium *out,
                           struct error *err)
{
    return find(m, name, out, err) &&
           (out->removable || error_set(err, "Device '%s' is not removable", name));
}

/* ---- the work, on the vCPU thread ---- */

struct order {
    const char *name;
    bool force, open;
    struct block *put, *taken; /* to be put in; to be closed */
    const char *node;          /* what PUT is called; NULL: nothing */
    struct error *err;
    bool ok;
};

static void name_drive(struct machine_event *e, const struct medium *d)
{
    snprintf(e->device, sizeof e->device, "%s", medium_device(d));
    snprintf(e->qdev, sizeof e->qdev, "%s", d->qdev);
    snprintf(e->node, sizeof e->node, "%s", d->node);
}

/* Floppy drives have no tray, but as in QEMU one is told of: while it is open there is no
 * floppy. */
static void move_floppy_tray(struct machine *m, const struct medium *d, bool open)
{
    struct machine_event e = {.kind = MACHINE_TRAY_MOVED, .on = open};
    struct block *b = open ? NULL : m->config.floppy[d->unit];

    if (m->private->floppy_open[d->unit] == open)
        return;
    m->private->floppy_open[d->unit] = open;
    fdc_insert(m->fdc, d->unit, b);
    bios_set_floppy(m->bios, d->unit, b);
    name_drive(&e, d);
    machine_tell(m, &e);
}

static bool is_locked(const struct medium *d, struct error *err)
{
    return error_set(err,
                     "Device '%s' is locked and force was not specified, wait for tray to open and "
                     "try again",
                     d->name);
}

static bool is_free(struct machine *m, const struct medium *d, struct error *err)
{
    return !d->block || d->block != m->private->held ||
           error_set(err,
                     "Device '%s' has a request that failed and is to be tried again: cont "
                     "first, or system_reset",
                     d->name);
}

/* Exchange what is in D; what was in it is o->taken then. */
static bool exchange(struct machine *m, const struct medium *d, struct order *o)
{
    struct block **place;

    if (!is_free(m, d, o->err))
        return false;
    if (d->kind == MEDIUM_FLOPPY) {
        place = &m->config.floppy[d->unit];
        if (!m->private->floppy_open[d->unit]) {
            fdc_insert(m->fdc, d->unit, o->put);
            bios_set_floppy(m->bios, d->unit, o->put);
        }
    } else {
        place = &m->config.cdrom[d->unit];
        if (!ide_change_disc(m->ide[d->unit / 2], d->unit % 2, o->put, o->force))
            return is_locked(d, o->err);
        if (d->unit == machine_boot_cdrom(&m->config)) /* which the BIOS boots from */
            bios_set_cdrom(m->bios, o->put);
    }
    if (d->kind == MEDIUM_FLOPPY)
        m->config.floppy_names[d->unit].node = o->node;
    else
        m->config.ide_names[d->unit].node = o->node;
    o->taken = *place;
    *place = o->put;
    o->put = NULL;
    return true;
}

/* A tray is out of the drive while discs are exchanged, and guests may hear of that. */
static void change_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium d;

    o->ok = find_removable(m, o->name, &d, o->err) && is_free(m, &d, o->err);
    if (o->ok && d.kind == MEDIUM_CDROM)
        o->ok =
            ide_move_tray(m->ide[d.unit / 2], d.unit % 2, true, o->force) || is_locked(&d, o->err);
    if (o->ok && d.kind == MEDIUM_FLOPPY)
        move_floppy_tray(m, &d, true);
    o->ok = o->ok && exchange(m, &d, o);
    if (o->ok && d.kind == MEDIUM_FLOPPY)
        move_floppy_tray(m, &d, false);
}

/* The same with D's tray left open, if it is, and nothing told of it: the drive takes any exchange
 * of discs for one by its tray. */
static bool exchange_open(struct machine *m, const struct medium *d, struct order *o)
{
    bool hush = d->kind == MEDIUM_CDROM && d->tray_open, ok;

    m->private->trays_hushed = hush;
    ok = exchange(m, d, o);
    if (ok && hush)
        ide_move_tray(m->ide[d->unit / 2], d->unit % 2, true, true);
    m->private->trays_hushed = false;
    return ok;
}

static void eject_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium d;

    o->ok = find_removable(m, o->name, &d, o->err) && exchange_open(m, &d, o);
    if (o->ok && d.kind == MEDIUM_CDROM)
        ide_move_tray(m->ide[d.unit / 2], d.unit % 2, true, true);
    if (o->ok && d.kind == MEDIUM_FLOPPY)
        move_floppy_tray(m, &d, true);
}

static void remove_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium d;

    o->ok = find_removable(m, o->name, &d, o->err);
    if (o->ok && !d.tray_open)
        o->ok = error_set(o->err, "Tray of device '%s' is not open", o->name);
    if (o->ok)
        eject_now(m, o);
}

static void insert_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium d;

    o->ok = find_removable(m, o->name, &d, o->err);
    if (o->ok && !d.tray_open)
        o->ok = error_set(o->err, "Tray of device '%s' is not open", o->name);
    if (o->ok && d.block)
        o->ok = error_set(o->err, "There already is a medium in device '%s'", o->name);
    o->ok = o->ok && exchange_open(m, &d, o);
}

static void tray_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium d;

    o->ok = find_removable(m, o->name, &d, o->err) && is_free(m, &d, o->err);
    if (o->ok && d.kind == MEDIUM_CDROM)
        o->ok = ide_move_tray(m->ide[d.unit / 2], d.unit % 2, o->open, o->force) ||
                is_locked(&d, o->err);
    else if (o->ok)
        move_floppy_tray(m, &d, o->open);
}

static void commit_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct medium all[MEDIA_MAX], one;
    unsigned n = media_list(m, all);

    o->ok = true;
    if (strcmp(o->name, "all")) {
        o->ok = find(m, o->name, &one, o->err);
        all[0] = one;
        n = o->ok;
        if (o->ok && !one.block)
            o->ok = error_set(o->err, "Device '%s' has no medium", o->name);
    }
    for (unsigned i = 0; o->ok && i < n; i++)
        if (all[i].block && (strcmp(o->name, "all") || block_is_snapshot(all[i].block)))
            o->ok = block_commit(all[i].block, o->err);
}

/* What the drive is like at present, for the opening of its next medium. */
struct look {
    const char *name;
    struct medium medium;
    bool ok, readonly;
    struct error *err;
};

static void look_now(struct machine *m, void *opaque)
{
    struct look *l = opaque;

    l->ok = find_removable(m, l->name, &l->medium, l->err);
    l->readonly = l->ok && l->medium.block && block_readonly(l->medium.block);
}

static block_failed failed;

/* ---- what others call ---- */

static bool carry_out(struct machine *m, void (*work)(struct machine *m, void *opaque),
                      struct order *o)
{
    machine_post_wait(m, work, o);
    if (o->taken)
        block_close(o->taken);
    return o->ok;
}

/* Carry out WORK with an open image in O; it is closed where that does not take it. */
static bool put_in(struct machine *m, void (*work)(struct machine *m, void *opaque),
                   enum medium_kind kind, const char *path, struct order *o)
{
    struct geometry g;

    if (kind == MEDIUM_FLOPPY && !floppy_media(o->put, &g)) {
        block_close(o->put);
        return error_set(o->err, "%s: not the size of a floppy", path);
    }
    block_on_error(o->put, failed, m);
    carry_out(m, work, o);
    if (o->put)
        block_close(o->put);
    return o->ok;
}

bool media_insert(struct machine *m, const char *name, const char *path,
                  const struct block_options *options, const char *node, struct error *err)
{
    struct order o = {.name = name, .node = node, .err = err};
    struct look l = {.name = name, .err = err};
    struct block_options how = *options;

    machine_post_wait(m, look_now, &l);
    if (!l.ok)
        return false;
    how.readonly |= l.medium.kind == MEDIUM_CDROM;
    how.snapshot |= m->config.snapshot && l.medium.kind != MEDIUM_CDROM;
    o.put = block_open(path, &how, m->log, err);
    return o.put && put_in(m, insert_now, l.medium.kind, path, &o);
}

bool media_change(struct machine *m, const char *name, const char *path, const char *format,
                  enum media_mode mode, bool force, struct error *err)
{
    struct order o = {.name = name, .force = force, .err = err};
    struct look l = {.name = name, .err = err};

    machine_post_wait(m, look_now, &l);
    if (!l.ok)
        return false;
    const struct block_options options = {
        .readonly = l.medium.kind == MEDIUM_CDROM || mode == MEDIA_READ_ONLY ||
                    (mode == MEDIA_RETAIN && l.readonly),
        .snapshot = m->config.snapshot && l.medium.kind != MEDIUM_CDROM,
        .format = format,
    };
    o.put = block_open(path, &options, m->log, err);
    return o.put && put_in(m, change_now, l.medium.kind, path, &o);
}

bool media_eject(struct machine *m, const char *name, bool force, struct error *err)
{
    return carry_out(m, eject_now, &(struct order){.name = name, .force = force, .err = err});
}

bool media_remove(struct machine *m, const char *name, struct error *err)
{
    return carry_out(m, remove_now, &(struct order){.name = name, .err = err});
}

bool media_move_tray(struct machine *m, const char *name, bool open, bool force, struct error *err)
{
    return carry_out(m, tray_now,
                     &(struct order){.name = name, .open = open, .force = force, .err = err});
}

bool media_commit(struct machine *m, const char *name, struct error *err)
{
    return carry_out(m, commit_now, &(struct order){.name = name, .err = err});
}

/* ---- events ---- */

static bool failed(void *opaque, struct block *b, bool write, enum block_action action)
{
    static const char *const names[] = {"report", "ignore", "stop"};
    struct machine_event e = {
        .kind = MACHINE_IO_ERROR, .on = write, .error = errno, .reason = names[action]};
    struct machine *m = opaque;
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++)
        if (all[i].block == b)
            name_drive(&e, &all[i]);
    if (action == BLOCK_STOP && !machine_may_hold(m))
        e.reason = names[BLOCK_REPORT];
    machine_tell(m, &e);
    return action == BLOCK_STOP && machine_hold(m, b, e.error);
}

static void tray_moved(struct machine *m, int unit, bool open)
{
    struct machine_event e = {.kind = MACHINE_TRAY_MOVED, .on = open};
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    if (m->private->trays_hushed)
        return;
    for (unsigned i = 0; i < n; i++)
        if (all[i].kind == MEDIUM_CDROM && all[i].unit == unit)
            name_drive(&e, &all[i]);
    machine_tell(m, &e);
}

static void first_tray(void *opaque, int drive, bool open)
{
    tray_moved(opaque, drive, open);
}

static void second_tray(void *opaque, int drive, bool open)
{
    tray_moved(opaque, 2 + drive, open);
}

void media_watch(struct machine *m)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    ide_on_tray(m->ide[0], first_tray, m);
    ide_on_tray(m->ide[1], second_tray, m);
    for (unsigned i = 0; i < n; i++)
        if (all[i].block)
            block_on_error(all[i].block, failed, m);
}
