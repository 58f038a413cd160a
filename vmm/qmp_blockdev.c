/* Nodes that come and go while the machine runs: blockdev-add, and the drives that they are put
 * into. */
#include "vmm/media.h"
#include "vmm/options.h"
#include "vmm/qmp_command.h"
#include <stdlib.h>
#include <string.h>

static struct drive_option *find_node(struct qmp_call *c, const char *name)
{
    struct drive_option *d = c->t->options ? options_drive(c->t->options, name) : NULL;

    if (d && d->is_node)
        return d;
    qmp_fail(c, "GenericError", "Cannot find device='' nor node-name='%.100s'", name);
    return NULL;
}

/* Is what node D names an image that can be opened?  Nothing keeps it: a drive that gets it opens
 * it again. */
static bool try_open(struct qmp_call *c, const struct drive_option *d)
{
    struct block_options how = d->block;
    struct error err = {""};
    struct block *b;

    how.auto_readonly = true;
    b = block_open(d->file, &how, c->t->log, &err);
    if (b)
        block_close(b);
    return b || qmp_fail_error(c, &err);
}

static bool add(struct qmp_call *c)
{
    char *json = json_dumps(c->args, JSON_COMPACT);
    struct error err = {""};
    struct drive_option *d = NULL;

    if (json && c->t->options)
        d = options_add_node(c->t->options, json, &err);
    free(json);
    if (!d)
        return qmp_fail_error(c, &err);
    if (try_open(c, d))
        return true;
    options_forget_drive(d);
    return false;
}

struct search {
    const char *node;
    bool found;
};

static void look_for(struct machine *m, void *opaque)
{
    struct search *s = opaque;
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++)
        s->found |= all[i].block && !strcmp(all[i].node, s->node);
}

static bool del(struct qmp_call *c)
{
    struct drive_option *d = find_node(c, qmp_string(c, "node-name", ""));
    struct search s = {.node = d ? d->id : NULL};

    if (!d)
        return false;
    machine_post_wait(c->t->machine, look_for, &s);
    if (s.found)
        return qmp_fail(c, "GenericError", "Node %.100s is in use", d->id);
    options_forget_drive(d);
    return true;
}

static bool insert(struct qmp_call *c)
{
    struct drive_option *d = find_node(c, qmp_string(c, "node-name", ""));
    struct error err = {""};

    return d &&
           (media_insert(c->t->machine, qmp_string(c, "id", ""), d->file, &d->block, d->id, &err) ||
            qmp_fail_error(c, &err));
}

const struct qmp_command qmp_blockdev_commands[] = {
    {"blockdev-add",
     "driver:str, node-name:str, read-only?:bool, auto-read-only?:bool, discard?:str, "
     "detect-zeroes?:str, force-share?:bool, cache?:any, file?:any, backing?:any, filename?:str, "
     "locking?:str, aio?:str, offset?:int, size?:int, read-zeroes?:bool, latency-ns?:int, "
     "server?:any, export?:str",
     "", add},
    {"blockdev-del", "node-name:str", "", del},
    {"blockdev-insert-medium", "id:str, node-name:str", "", insert},
    {0},
};
