/* All commands, and those of QEMU's that are missing on purpose. */
#include "vmm/qmp_command.h"
#include <string.h>

static const struct qmp_command *const tables[] = {
    qmp_schema_commands,  qmp_query_commands,      qmp_list_commands,   qmp_block_commands,
    qmp_control_commands, qmp_input_commands,      qmp_memory_commands, qmp_char_commands,
    qmp_vnc_commands,     qmp_statistics_commands, qmp_qom_commands,    qmp_blockdev_commands,
    qmp_manage_commands,
};

const struct qmp_command *qmp_nth(unsigned n)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct qmp_command *c = tables[i]; c->name; c++)
            if (n-- == 0)
                return c;
    return NULL;
}

const struct qmp_command *qmp_find(const char *name)
{
    const struct qmp_command *c;

    for (unsigned i = 0; (c = qmp_nth(i)); i++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

const char *qmp_refusal(const char *name)
{
    static const char *const reasons[][2] = {
        {"add_client", "displays take no client from here"},
        {"device_add", "devices cannot be plugged in while the machine runs"},
        {"device_del", "devices cannot be unplugged while the machine runs"},
        {"netdev_add", "there is no network card"},
        {"netdev_del", "there is no network card"},
        {"set_link", "there is no network card"},
        {"balloon", "there is no balloon device"},
        {"query-balloon", "there is no balloon device"},
        {"migrate", "machines do not migrate"},
        {"migrate-incoming", "machines do not migrate"},
        {"snapshot-save", "there are no machine snapshots"},
        {"snapshot-load", "there are no machine snapshots"},
        {"snapshot-delete", "there are no machine snapshots"},
        {"blockdev-snapshot-sync", "there are no block jobs; start with -snapshot"},
        {"block-commit", "there are no block jobs; use the monitor's commit"},
        {"block-stream", "there are no block jobs"},
        {"drive-mirror", "there are no block jobs"},
        {"drive-backup", "there are no block jobs"},
        {"nbd-server-start", "images are not exported"},
        {"block_resize", "images keep their size"},
        {"chardev-add", "chardevs are made by -chardev, before the machine"},
        {"chardev-remove", "chardevs are made by -chardev, before the machine"},
        {"chardev-change", "chardevs are made by -chardev, before the machine"},
        {"object-add", "objects are made by -object, before the machine"},
        {"object-del", "objects are made by -object, before the machine"},
        {"qom-set", "what devices are is said by -device, before the machine"},
        {"getfd", "no descriptors are handed over: name a file"},
        {"add-fd", "no descriptors are handed over: name a file"},
        {"transaction", "there are no block jobs"},
        {"query-cpu-model-expansion", "-cpu help lists models and features"},
        {"query-migrate-parameters", "machines do not migrate"},
        {"migrate-set-parameters", "machines do not migrate"},
        {"cpu-add", "there is one processor"},
        {"query-spice", "there is no SPICE server"},
        {"query-gic-capabilities", "this is no ARM machine"},
        {"query-sev", "guest memory is not encrypted"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i][0], name))
            return reasons[i][1];
    return NULL;
}
