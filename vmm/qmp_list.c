/* Lists of things that a machine may have and this one has not: empty, which is an answer too. */
#include "vmm/qmp_command.h"

static bool query_none(struct qmp_call *c)
{
    c->ret = json_array();
    return true;
}

const struct qmp_command qmp_list_commands[] = {
    {"query-memory-devices", "", "[any]", query_none},
    {"query-iothreads", "", "[IOThreadInfo]", query_none},
    {"query-rx-filter", "name?:str", "[any]", query_none},
    {"query-block-jobs", "", "[any]", query_none},
    {"query-block-exports", "", "[any]", query_none},
    {"query-jobs", "", "[any]", query_none},
    {"query-tpm", "", "[any]", query_none},
    {"query-tpm-models", "", "[any]", query_none},
    {"query-tpm-types", "", "[any]", query_none},
    {"query-fdsets", "", "[any]", query_none},
    {"query-acpi-ospm-status", "", "[any]", query_none},
    {"query-migrate-capabilities", "", "[any]", query_none},
    {"query-yank", "", "[any]", query_none},
    {0},
};
