/* info qtree: the devices on their buses.  Nothing here knows which devices there are: it joins the
 * list of devices, the PCI bus, the port bus and physical memory by the device that stands behind
 * each entry, and the -device that made it by name and place. */
#include "devices/device.h"
#include "devices/pci.h"
#include "vmm/catalog.h"
#include "vmm/media.h"
#include "vmm/pci_class.h"
#include "vmm/tree.h"
#include "vmm/tree_names.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct tree {
    struct machine *m;
    struct text *out;
    enum tree_place place;               /* which devices are being shown */
    const void *dev;                     /* the one being shown, */
    struct tree_name name;               /* what QEMU calls it, */
    const struct pci_function *function; /* and what it is on the PCI bus, NULL: nothing */
    const struct bus_range *first;       /* its first ports, NULL: none */
    struct bus_range ports;
    unsigned indent;
};

static void line(const struct tree *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line(const struct tree *t, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_printf(t->out, "%*s%s\n", (int)t->indent, "", text);
}

/* ---- what stands behind a device ---- */

static void find_function(void *opaque, const struct pci_function *f)
{
    struct tree *t = opaque;

    if (f->dev == t->dev)
        t->function = f;
}

static void find_ports(void *opaque, const struct bus_range *r)
{
    struct tree *t = opaque;

    if (r->dev != t->dev || t->first)
        return;
    t->ports = *r;
    t->first = &t->ports;
}

static void device_memory(void *opaque, const struct phys_range *r)
{
    const struct tree *t = opaque;

    if (r->opaque && r->opaque == t->dev)
        line(t, "mmio %016llx/%016llx", (unsigned long long)r->base, (unsigned long long)r->size);
}

/* The -device (or what is short for it) that has made this one; NULL: the board's. */
static const struct device_option *option_of(const struct tree *t)
{
    const struct machine_config *c = &t->m->config;
    const struct device_option *found = NULL;

    for (unsigned i = 0; i < c->device_count; i++) {
        const struct device_option *d = &c->devices[i];
        if (strcmp(d->model->name, t->name.name) != 0)
            continue;
        if (device_has(d->model, "iobase") && t->first &&
            device_number(d, "iobase") != t->first->base)
            continue;
        if (!found)
            found = d;
    }
    return found;
}

/* ---- properties ---- */

static void number(const struct tree *t, const char *name, unsigned long long n)
{
    line(t, "%s = %llu (0x%llx)", name, n, n);
}

static void option_properties(const struct tree *t, const struct device_option *d)
{
    for (const struct property *p = d->model->properties; p && p->type != PROPERTY_END; p++) {
        const struct value *v = property_value(d->model->properties, d->values, p->name);
        if (p->type == PROPERTY_BOOL)
            line(t, "%s = %s", p->name, v->number ? "true" : "false");
        else if (p->type == PROPERTY_NUMBER || p->type == PROPERTY_SIZE)
            number(t, p->name, v->number);
        else if (strcmp(p->name, "addr") != 0)
            line(t, "%s = \"%s\"", p->name, v->text ? v->text : "");
    }
}

/* What QEMU's scripts look for of devices that no option makes. */
static void board_properties(const struct tree *t)
{
    static const struct {
        const char *name, *property;
        unsigned value;
    } known[] = {
        {"isa-fdc", "irq", 6},      {"isa-fdc", "dma", 2},     {"i8042", "kbd-irq", 1},
        {"i8042", "mouse-irq", 12}, {"mc146818rtc", "irq", 8}, {"hpet", "timers", 3},
        {"ioapic", "version", 32},
    };

    if (t->name.place == TREE_ISA && t->first && strcmp(t->name.name, "i8042") != 0)
        number(t, "iobase", t->first->base);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, t->name.name))
            number(t, known[i].property, known[i].value);
    if (!strcmp(t->name.name, "VGA") || !strcmp(t->name.name, "isa-vga"))
        number(t, "vgamem_mb", t->m->config.vga.mib ? t->m->config.vga.mib : 16);
    if (!strcmp(t->name.name, "PIIX4_PM")) {
        number(t, "disable_s3", t->m->config.no_s3);
        number(t, "disable_s4", t->m->config.no_s4);
    }
}

static void pci_properties(const struct tree *t)
{
    const struct pci_function *f = t->function;
    uint16_t class = pci_get16(f, PCI_CLASS + 1);
    uint32_t base;

    line(t, "addr = %02x.%x", f->devfn >> 3, f->devfn & 7);
    line(t, "multifunction = %s", f->config[PCI_HEADER] & 0x80 ? "true" : "false");
    line(t, "class %s, addr 00:%02x.%x, pci id %04x:%04x (sub %04x:%04x)",
         pci_class_name(class) ? pci_class_name(class) : "unknown", f->devfn >> 3, f->devfn & 7,
         pci_get16(f, PCI_VENDOR), pci_get16(f, PCI_DEVICE), pci_get16(f, PCI_SUBSYSTEM_VENDOR),
         pci_get16(f, PCI_SUBSYSTEM));
    for (unsigned n = 0; n < PCI_BARS; n++) {
        bool on = pci_bar_at(f, n, &base);
        uint64_t at = on ? base : UINT64_MAX;
        if (f->bar[n].size)
            line(t, "bar %u: %s at 0x%llx [0x%llx]", n, f->bar[n].io ? "i/o" : "mem",
                 (unsigned long long)at,
                 (unsigned long long)((on ? base : UINT32_MAX) + f->bar[n].size - 1) & UINT32_MAX);
    }
}

/* ---- drives ---- */

static void drive_lines(struct tree *t, const struct medium *d)
{
    static const char *const models[] = {"floppy", "ide-hd", "ide-cd"};

    line(t, "dev: %s, id \"%s\"", models[d->kind], d->is->device ? d->is->device : "");
    t->indent += 2;
    line(t, "drive = \"%s\"", d->is->node ? d->is->node : d->name);
    line(t, "logical_block_size = 512 (512 B)");
    number(t, "unit", (unsigned)d->unit % 2);
    t->indent -= 2;
}

/* A bus of drives: those of KIND FLOPPY, or of IDE channel CHANNEL. */
static void drive_bus(struct tree *t, bool floppy, int channel)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(t->m, all);

    if (floppy)
        line(t, "bus: floppy-bus.0");
    else
        line(t, "bus: ide.%d", channel);
    t->indent += 2;
    line(t, "type %s", floppy ? "floppy-bus" : "IDE");
    for (unsigned i = 0; i < n; i++)
        if (floppy ? all[i].kind == MEDIUM_FLOPPY
                   : all[i].kind != MEDIUM_FLOPPY && all[i].unit / 2 == channel)
            drive_lines(t, &all[i]);
    t->indent -= 2;
}

/* ---- devices ---- */

static void show_place(struct tree *t, enum tree_place place);

static void device_lines(void *opaque, const struct device_class *class, void *dev)
{
    struct tree *t = opaque;
    const struct device_option *d;

    t->dev = dev;
    t->name = tree_name_of(class->name);
    t->function = NULL;
    t->first = NULL;
    pci_each(t->m->pci, find_function, t);
    if (t->function && t->name.place == TREE_ISA) /* of no name that is known */
        t->name.place = TREE_PCI;
    if (t->name.place != t->place || (t->m->pci_vga && !strcmp(t->name.name, "isa-vga")))
        return;
    bus_each(t->m->bus, find_ports, t);
    d = option_of(t);
    line(t, "dev: %s, id \"%s\"", t->name.name, d && d->id ? d->id : "");
    t->indent += 2;
    if (d)
        option_properties(t, d);
    else
        board_properties(t);
    if (t->function)
        pci_properties(t);
    phys_each(t->m->phys, device_memory, t);
    if (!strcmp(t->name.name, "isa-fdc"))
        drive_bus(t, true, 0);
    for (int channel = 1; channel >= 0 && !strcmp(t->name.name, "piix3-ide"); channel--)
        drive_bus(t, false, channel);
    if (!strcmp(t->name.name, "PIIX3")) {
        line(t, "bus: isa.0");
        t->indent += 2;
        line(t, "type ISA");
        show_place(t, TREE_ISA);
        t->indent -= 2;
    }
    t->indent -= 2;
}

static void show_place(struct tree *t, enum tree_place place)
{
    struct tree inner = *t;

    inner.place = place;
    device_each(t->m->board.devices, device_lines, &inner);
}

void tree_devices(struct machine *m, struct text *out)
{
    struct tree t = {.m = m, .out = out};

    line(&t, "bus: main-system-bus");
    t.indent = 2;
    line(&t, "type System");
    show_place(&t, TREE_SYSTEM);
    line(&t, "dev: i440FX-pcihost, id \"\"");
    t.indent = 4;
    line(&t, "bus: pci.0");
    t.indent = 6;
    line(&t, "type PCI");
    show_place(&t, TREE_PCI);
}
