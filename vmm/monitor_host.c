/* `info` about ringer itself, what it is connected to, and what the machine has not. */
#include "vmm/command.h"
#include "vmm/memdump.h"
#include "vmm/pointer.h"
#include "vmm/ring.h"
#include <string.h>

static void info_version(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "ringer " RINGER_VERSION);
}

static void info_name(const struct monitor_target *t, struct text *out)
{
    if (t->name)
        text_line(out, t->name);
}

static void info_uuid(const struct monitor_target *t, struct text *out)
{
    text_line(out, t->uuid ? t->uuid : "00000000-0000-0000-0000-000000000000");
}

static void info_chardev(const struct monitor_target *t, struct text *out)
{
    const char *name;

    for (unsigned i = 0; t->chardevs && (name = chardevs_name(t->chardevs, i)); i++) {
        const struct stream *s = chardevs_find(t->chardevs, name);

        text_printf(out, "%s: filename=", name);
        ring_describe(s, out);
        text_line(out, "");
    }
}

static void info_mice(const struct monitor_target *t, struct text *out)
{
    text_line(out, pointer_absolute(t->machine) ? "* Mouse #0: vmmouse (absolute)"
                                                : "* Mouse #0: PS/2 Mouse");
}

static void info_memory_size(const struct monitor_target *t, struct text *out)
{
    text_printf(out, "base memory: %llu\nplugged memory: 0\n",
                (unsigned long long)t->machine->config.ram_bytes);
}

static void info_kvm(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "kvm support: not compiled");
}

static void info_accel(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "ringer's translator");
}

static void info_usb(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "USB support not enabled");
}

static void info_network(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "there is no network card");
}

static void info_snapshots(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "There is no snapshot available.");
}

static void info_numa(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, "0 nodes");
}

static void info_dump(const struct monitor_target *t, struct text *out)
{
    (void)t;
    text_line(out, memdump_last(t->machine) ? "Status: completed" : "Status: none");
}

static void info_nothing(const struct monitor_target *t, struct text *out)
{
    (void)t, (void)out;
}

const struct subject subjects_host[] = {
    {"version", "ringer's version", info_version},
    {"name", "the name that -name gave", info_name},
    {"uuid", "the machine's UUID", info_uuid},
    {"chardev", "the host ends of ports and monitors", info_chardev},
    {"mice", "the mouse", info_mice},
    {"memory_size_summary", "how much memory there is", info_memory_size},
    {"kvm", "KVM, which is not used", info_kvm},
    {"accel", "what runs the guest", info_accel},
    {"cpustats", "statistics of the CPU's: see jit", info_nothing},
    {"usb", "USB: none", info_usb},
    {"network", "network cards: none", info_network},
    {"snapshots", "machine snapshots: none", info_snapshots},
    {"numa", "NUMA nodes: none", info_numa},
    {"iothreads", "I/O threads: none", info_nothing},
    {"dump", "the state of a memory dump", info_dump},
    {0},
};
