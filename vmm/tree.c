/* Nothing here knows which devices there are: it joins the list of devices, the PCI bus, the port
 * bus and physical memory by the device that stands behind each entry. */
#include "vmm/tree.h"
#include "devices/device.h"
#include "devices/pci.h"
#include "vmm/media.h"
#include "vmm/pci_class.h"
#include <string.h>

/* ---- info mtree ---- */

static void memory_line(void *opaque, const struct phys_range *r)
{
    static const char *const kinds[] = {"none", "ram", "rom", "i/o"};

    text_printf(opaque, "    %016llx-%016llx (prio 0, %s): %s\n", (unsigned long long)r->base,
                (unsigned long long)(r->base + r->size - 1), kinds[r->kind], r->name);
}

static void port_line(void *opaque, const struct bus_range *r)
{
    text_printf(opaque, "    %016x-%016x (prio 0, i/o): %s\n", r->base, r->base + r->count - 1,
                r->name);
}

void tree_memory(struct machine *m, struct text *out)
{
    text_line(out, "address-space: memory");
    text_line(out, "  0000000000000000-00000000ffffffff (prio 0, i/o): system");
    phys_each(m->phys, memory_line, out);
    text_line(out, "");
    text_line(out, "address-space: I/O");
    text_line(out, "  0000000000000000-000000000000ffff (prio 0, i/o): io");
    bus_each(m->bus, port_line, out);
}

static void rom_line(void *opaque, const struct phys_range *r)
{
    if (r->kind == PHYS_ROM)
        text_printf(opaque, "addr=%016llx size=0x%06llx mem=rom name=\"%s\"\n",
                    (unsigned long long)r->base, (unsigned long long)r->size, r->name);
}

void tree_roms(struct machine *m, struct text *out)
{
    phys_each(m->phys, rom_line, out);
}

/* ---- info pci ---- */

static void bar_lines(const struct pci_function *f, struct text *out)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        const struct pci_bar *bar = &f->bar[n];
        uint32_t base = 0;
        bool on = pci_bar_at(f, n, &base);

        if (!bar->size)
            continue;
        /* QEMU's monitor says all ones, and what follows from that, where nothing is mapped. */
        uint64_t at = on ? base : UINT64_MAX;
        uint32_t end = (on ? base : UINT32_MAX) + bar->size - 1;
        if (bar->io)
            text_printf(out, "      BAR%u: I/O at 0x%04llx [0x%04x].\n", n, (unsigned long long)at,
                        end & 0xFFFF);
        else
            text_printf(out, "      BAR%u: 32 bit %smemory at 0x%08llx [0x%08x].\n", n,
                        bar->prefetchable ? "prefetchable " : "", (unsigned long long)at, end);
    }
}

static void pci_lines(void *opaque, const struct pci_function *f)
{
    uint16_t class = pci_get16(f, PCI_CLASS + 1);
    uint8_t pin = f->config[PCI_INTERRUPT_PIN];
    struct text *out = opaque;

    text_printf(out, "  Bus  0, device %3u, function %u:\n", f->devfn >> 3, f->devfn & 7);
    if (pci_class_name(class))
        text_printf(out, "    %s", pci_class_name(class));
    else
        text_printf(out, "    Class %04x", class);
    text_printf(out, ": PCI device %04x:%04x\n", pci_get16(f, PCI_VENDOR),
                pci_get16(f, PCI_DEVICE));
    if (pci_get16(f, PCI_SUBSYSTEM_VENDOR))
        text_printf(out, "      PCI subsystem %04x:%04x\n", pci_get16(f, PCI_SUBSYSTEM_VENDOR),
                    pci_get16(f, PCI_SUBSYSTEM));
    if (pin)
        text_printf(out, "      IRQ %u, pin %c\n", f->config[PCI_INTERRUPT_LINE],
                    'A' + (pin - 1) % 4);
    bar_lines(f, out);
    text_printf(out, "      id \"\"\n");
}

void tree_pci(struct machine *m, struct text *out)
{
    pci_each(m->pci, pci_lines, out);
}

/* ---- info qtree ---- */

struct tree {
    struct machine *m;
    struct text *out;
    const void *dev;                     /* the one being shown */
    const struct pci_function *function; /* what it is on the PCI bus, NULL: nothing */
    bool pci;                            /* show those on the PCI bus, or those that are not */
    unsigned indent;
};

static void find_function(void *opaque, const struct pci_function *f)
{
    struct tree *t = opaque;

    if (f->dev == t->dev)
        t->function = f;
}

static void device_port(void *opaque, const struct bus_range *r)
{
    const struct tree *t = opaque;

    if (r->dev == t->dev)
        text_printf(t->out, "%*sio %04x-%04x \"%s\"\n", t->indent, "", r->base,
                    r->base + r->count - 1, r->name);
}

static void device_memory(void *opaque, const struct phys_range *r)
{
    const struct tree *t = opaque;

    if (r->opaque && r->opaque == t->dev)
        text_printf(t->out, "%*smmio %016llx/%016llx\n", t->indent, "",
                    (unsigned long long)r->base, (unsigned long long)r->size);
}

static void device_function(const struct tree *t)
{
    const struct pci_function *f = t->function;
    uint16_t class = pci_get16(f, PCI_CLASS + 1);
    uint32_t base;

    text_printf(t->out, "%*saddr = %02x.%x\n", t->indent, "", f->devfn >> 3, f->devfn & 7);
    text_printf(t->out, "%*sclass %s, addr 00:%02x.%x, pci id %04x:%04x (sub %04x:%04x)\n",
                t->indent, "", pci_class_name(class) ? pci_class_name(class) : "unknown",
                f->devfn >> 3, f->devfn & 7, pci_get16(f, PCI_VENDOR), pci_get16(f, PCI_DEVICE),
                pci_get16(f, PCI_SUBSYSTEM_VENDOR), pci_get16(f, PCI_SUBSYSTEM));
    for (unsigned n = 0; n < PCI_BARS; n++)
        if (f->bar[n].size)
    text_printf(t->out, "%*sbar %u: %s at 0x%llx [0x%llx]\n", t->indent, "", n,
                        f->bar[n].io ? "i/o" : "mem",
                        pci_bar_at(f, n, &base) ? base : (unsigned long long)-1,
                        pci_bar_at(f, n, &base) ? base + f->bar[n].size - 1
                                                : (unsigned long long)-2);
}

/* The drives on a channel or controller are known by their places. */
static void device_drives(const struct tree *t)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(t->m, all);

    for (unsigned i = 0; i < n; i++) {
        const struct medium *d = &all[i];
        const void *owner = d->kind == MEDIUM_FLOPPY ? (const void *)t->m->fdc
                                                     : (const void *)t->m->ide[d->unit / 2];
        static const char *const models[] = {"floppy", "ide-hd", "ide-cd"};

        if (owner != t->dev)
            continue;
        text_printf(t->out, "%*sdev: %s, id \"%s\"\n", t->indent, "", models[d->kind],
                    d->is->device ? d->is->device : "");
        text_printf(t->out, "%*sunit = %d\n%*sdrive = \"%s\"\n", t->indent + 2, "", d->unit % 2,
                    t->indent + 2, "", d->name);
    }
}

static void device_lines(void *opaque, const struct device_class *class, void *dev)
{
    struct tree *t = opaque;

    t->dev = dev;
    t->function = NULL;
    pci_each(t->m->pci, find_function, t);
    if ((t->function != NULL) != t->pci)
        return;
    text_printf(t->out, "%*sdev: %s, id \"\"\n", t->indent, "", class->name);
    t->indent += 2;
    if (t->function)
        device_function(t);
    bus_each(t->m->bus, device_port, t);
    phys_each(t->m->phys, device_memory, t);
    device_drives(t);
    t->indent -= 2;
}

void tree_devices(struct machine *m, struct text *out)
{
    struct tree t = {.m = m, .out = out, .indent = 4};

    text_line(out, "bus: main-system-bus\n  type System");
    text_line(out, "  bus: pci.0\n    type PCI");
    t.pci = true;
    device_each(m->board.devices, device_lines, &t);
    text_line(out, "  bus: isa.0\n    type ISA");
    t.pci = false;
    device_each(m->board.devices, device_lines, &t);
}
