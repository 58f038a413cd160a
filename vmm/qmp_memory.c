/* Guest memory into files. */
#include "vmm/memdump.h"
#include "vmm/qmp_command.h"
#include <string.h>

static bool save(struct qmp_call *c,
                 bool (*write)(struct machine *m, uint64_t address, uint64_t size, const char *path,
                               struct error *err))
{
    int64_t address = qmp_int(c, "val", 0), size = qmp_int(c, "size", 0);
    struct error err = {""};

    if (address < 0 || size < 0)
        return qmp_fail(c, "GenericError", "Parameters 'val' and 'size' are not negative");
    if (qmp_int(c, "cpu-index", 0) != 0)
        return qmp_fail(c, "GenericError",
                        "Parameter 'cpu-index' expects a CPU number: there is CPU 0");
    return write(c->t->machine, (uint64_t)address, (uint64_t)size, qmp_string(c, "filename", ""),
                 &err) ||
           qmp_fail_error(c, &err);
}

static bool pmemsave(struct qmp_call *c)
{
    return save(c, memdump_physical);
}

static bool memsave(struct qmp_call *c)
{
    return save(c, memdump_linear);
}

static bool dump_guest_memory(struct qmp_call *c)
{
    const char *protocol = qmp_string(c, "protocol", "");
    int64_t begin = qmp_int(c, "begin", -1), length = qmp_int(c, "length", -1);
    const struct memdump_core what = {
        .paging = qmp_bool(c, "paging", false),
        .begin = begin > 0 ? (uint64_t)begin : 0,
        .length = length > 0 ? (uint64_t)length : 0,
    };
    struct error err = {""};

    if ((begin < 0) != (length < 0))
        return qmp_fail(c, "GenericError", "Parameter '%s' is missing",
                        begin < 0 ? "begin" : "length");
    if (length == 0)
        return qmp_fail(c, "GenericError", "Invalid parameter 'length'");
    if (what.paging && length > 0)
        return qmp_fail(c, "GenericError", "with paging, there is no filter by 'begin'");
    if (strcmp(qmp_string(c, "format", "elf"), "elf"))
        return qmp_fail(c, "GenericError", "the format of guest memory dumps is 'elf'");
    if (strncmp(protocol, "file:", 5) || !protocol[5])
        return qmp_fail(c, "GenericError",
                        "parameter 'protocol' must start with 'file:', and a path follow");
    return memdump_core(c->t->machine, &what, protocol + 5, &err) || qmp_fail_error(c, &err);
}

/* Dumps are over when their command is. */
static bool query_dump(struct qmp_call *c)
{
    json_int_t bytes = (json_int_t)memdump_last(c->t->machine);

    c->ret = json_pack("{s:s,s:I,s:I}", "status", bytes ? "completed" : "none", "completed", bytes,
                       "total", bytes);
    return true;
}

static bool query_dump_capability(struct qmp_call *c)
{
    c->ret = json_pack("{s:[s]}", "formats", "elf");
    return true;
}

const struct qmp_command qmp_memory_commands[] = {
    {"pmemsave", "val:int, size:int, filename:str", "", pmemsave},
    {"memsave", "val:int, size:int, filename:str, cpu-index?:int", "", memsave},
    {"dump-guest-memory",
     "paging:bool, protocol:str, detach?:bool, begin?:int, length?:int, "
     "format?:DumpGuestMemoryFormat",
     "", dump_guest_memory},
    {"query-dump", "", "DumpQueryResult", query_dump},
    {"query-dump-guest-memory-capability", "", "DumpGuestMemoryCapability", query_dump_capability},
    {0},
};
