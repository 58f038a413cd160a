/* What the machine is and how it does. */
#include "cpu/emulate.h"
#include "cpu/model.h"
#include "devices/pci.h"
#include "vmm/event.h"
#include "vmm/options.h"
#include "vmm/pci_class.h"
#include "vmm/pointer.h"
#include "vmm/qmp_command.h"
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static bool query_version(struct qmp_call *c)
{
    c->ret = json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "micro", 0, "minor", 2, "major", 7,
                       "package", "ringer " RINGER_VERSION);
    return true;
}

static bool query_status(struct qmp_call *c)
{
    const char *state = machine_run_state(c->t->machine);

    c->ret = json_pack("{s:b,s:b,s:s}", "running", !machine_stopped(c->t->machine), "singlestep", 0,
                       "status", state);
    return true;
}

static bool query_name(struct qmp_call *c)
{
    c->ret = json_object();
    if (c->t->name)
        json_object_set_new(c->ret, "name", json_string(c->t->name));
    return true;
}

static bool query_uuid(struct qmp_call *c)
{
    c->ret = json_pack("{s:s}", "UUID",
                       c->t->uuid ? c->t->uuid : "00000000-0000-0000-0000-000000000000");
    return true;
}

static bool query_kvm(struct qmp_call *c)
{
    c->ret = json_pack("{s:b,s:b}", "enabled", 0, "present", 0);
    return true;
}

static bool query_target(struct qmp_call *c)
{
    c->ret = json_pack("{s:s}", "arch", "i386");
    return true;
}

static bool query_cpus_fast(struct qmp_call *c)
{
    c->ret =
        json_pack("[{s:i,s:s,s:i,s:{s:i,s:i,s:i},s:s}]", "cpu-index", 0, "qom-path",
                  "/machine/unattached/device[0]", "thread-id", machine_thread_id(c->t->machine),
                  "props", "socket-id", 0, "core-id", 0, "thread-id", 0, "target", "i386");
    return true;
}

static bool query_cpu_definitions(struct qmp_call *c)
{
    const char *name;
    char type[60];

    c->ret = json_array();
    for (unsigned i = 0; (name = cpu_model_name(i)); i++) {
        snprintf(type, sizeof type, "%s-i386-cpu", name);
        json_array_append_new(c->ret,
                              json_pack("{s:s,s:b,s:b,s:[],s:s,s:b}", "name", name,
                                        "migration-safe", 0, "static", 0, "unavailable-features",
                                        "typename", type, "deprecated", 0));
    }
    return true;
}

/* "none" is what programs start that only want to ask (vmm/options_machine.c).  There is no
 * default-cpu-type: libvirt would look `max` up in tables of its own, which lack it. */
static bool query_machines(struct qmp_call *c)
{
    c->ret = json_pack("[{s:s,s:s,s:b,s:i,s:b,s:b,s:b,s:s},{s:s,s:i,s:b,s:b,s:b}]", "name",
                       "pc-i440fx-7.2", "alias", "pc", "is-default", 1, "cpu-max", 1,
                       "hotpluggable-cpus", 0, "numa-mem-supported", 0, "deprecated", 0,
                       "default-ram-id", "pc.ram", "name", "none", "cpu-max", 1,
                       "hotpluggable-cpus", 0, "numa-mem-supported", 0, "deprecated", 0);
    return true;
}

static bool query_current_machine(struct qmp_call *c)
{
    c->ret = json_pack("{s:b}", "wakeup-suspend-support", c->t->machine->pm != NULL);
    return true;
}

static bool query_memory_size(struct qmp_call *c)
{
    c->ret = json_pack("{s:I,s:i}", "base-memory", (json_int_t)c->t->machine->config.ram_bytes,
                       "plugged-memory", 0);
    return true;
}

/* RAM as the one piece it is. */
static bool query_memdev(struct qmp_call *c)
{
    const struct machine *m = c->t->machine;
    const char *given = c->t->options ? c->t->options->memory_id : NULL;
    const char *id = given ? given : "pc.ram";

    c->ret = json_pack("[{s:s,s:I,s:b,s:b,s:b,s:b,s:b,s:[],s:s}]", "id", id, "size",
                       (json_int_t)m->config.ram_bytes, "merge", 0, "dump", 1, "prealloc", 0,
                       "share", 1, "reserve", 0, "host-nodes", "policy", "default");
    return true;
}

static bool query_hotpluggable_cpus(struct qmp_call *c)
{
    char type[60];

    snprintf(type, sizeof type, "%s-i386-cpu", c->t->machine->config.model->name);
    c->ret = json_pack("[{s:s,s:i,s:{s:i,s:i,s:i},s:s}]", "type", type, "vcpus-count", 1, "props",
                       "socket-id", 0, "core-id", 0, "thread-id", 0, "qom-path",
                       "/machine/unattached/device[0]");
    return true;
}

static bool query_mice(struct qmp_call *c)
{
    bool absolute = pointer_absolute(c->t->machine);

    c->ret = json_pack("[{s:s,s:i,s:b,s:b}]", "name", absolute ? "vmmouse" : "PS/2 Mouse", "index",
                       0, "current", 1, "absolute", (int)absolute);
    return true;
}

static bool query_display_options(struct qmp_call *c)
{
    c->ret = json_pack("{s:s}", "type", c->t->display ? c->t->display : "none");
    return true;
}

static bool query_migrate(struct qmp_call *c)
{
    c->ret = json_object();
    return true;
}

/* ---- PCI ---- */

static json_t *regions(const struct pci_function *f)
{
    json_t *out = json_array();

    for (unsigned n = 0; n < PCI_BARS; n++) {
        uint32_t base;
        bool on = pci_bar_at(f, n, &base);
        json_t *r;

        if (!f->bar[n].size)
            continue;
        r = json_pack("{s:i,s:s,s:I,s:I}", "bar", (int)n, "type", f->bar[n].io ? "io" : "memory",
                      "address", on ? (json_int_t)base : -1, "size", (json_int_t)f->bar[n].size);
        if (!f->bar[n].io) {
            json_object_set_new(r, "prefetch", json_boolean(f->bar[n].prefetchable));
            json_object_set_new(r, "mem_type_64", json_false());
        }
        json_array_append_new(out, r);
    }
    return out;
}

static void add_function(void *opaque, const struct pci_function *f)
{
    uint16_t class = pci_get16(f, PCI_CLASS + 1);
    uint8_t pin = f->config[PCI_INTERRUPT_PIN];
    json_t *id = json_pack("{s:i,s:i}", "device", (int)pci_get16(f, PCI_DEVICE), "vendor",
                           (int)pci_get16(f, PCI_VENDOR));
    json_t *info = json_pack("{s:i}", "class", (int)class);
    json_t *out = json_pack("{s:i,s:i,s:i,s:o,s:o,s:i,s:s,s:o}", "bus", 0, "slot", f->devfn >> 3,
                            "function", f->devfn & 7, "class_info", info, "id", id, "irq_pin",
                            (int)pin, "qdev_id", "", "regions", regions(f));

    if (pci_class_name(class))
        json_object_set_new(info, "desc", json_string(pci_class_name(class)));
    if (pci_get16(f, PCI_SUBSYSTEM_VENDOR)) {
        json_object_set_new(id, "subsystem", json_integer(pci_get16(f, PCI_SUBSYSTEM)));
        json_object_set_new(id, "subsystem-vendor",
                            json_integer(pci_get16(f, PCI_SUBSYSTEM_VENDOR)));
    }
    if (pin)
        json_object_set_new(out, "irq", json_integer(f->config[PCI_INTERRUPT_LINE]));
    json_array_append_new(opaque, out);
}

static void list_functions(struct machine *m, void *opaque)
{
    pci_each(m->pci, add_function, opaque);
}

static bool query_pci(struct qmp_call *c)
{
    json_t *devices = json_array();

    machine_post_wait(c->t->machine, list_functions, devices);
    c->ret = json_pack("[{s:i,s:o}]", "bus", 0, "devices", devices);
    return true;
}

const struct qmp_command qmp_query_commands[] = {
    {"query-version", "", "VersionInfo", query_version},
    {"query-status", "", "StatusInfo", query_status},
    {"query-name", "", "NameInfo", query_name},
    {"query-uuid", "", "UuidInfo", query_uuid},
    {"query-kvm", "", "KvmInfo", query_kvm},
    {"query-target", "", "TargetInfo", query_target},
    {"query-cpus-fast", "", "[CpuInfoFast]", query_cpus_fast},
    {"query-cpu-definitions", "", "[CpuDefinitionInfo]", query_cpu_definitions},
    {"query-machines", "", "[MachineInfo]", query_machines},
    {"query-current-machine", "", "CurrentMachineParams", query_current_machine},
    {"query-memory-size-summary", "", "MemoryInfo", query_memory_size},
    {"query-memdev", "", "[Memdev]", query_memdev},
    {"query-hotpluggable-cpus", "", "[HotpluggableCPU]", query_hotpluggable_cpus},
    {"query-mice", "", "[MouseInfo]", query_mice},
    {"query-display-options", "", "DisplayOptions", query_display_options},
    {"query-migrate", "", "MigrationInfo", query_migrate},
    {"query-pci", "", "[PciInfo]", query_pci},
    {0},
};
