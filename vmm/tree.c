/* Memory, ports, ROMs and PCI functions as the registries know them. */
#include "vmm/tree.h"
#include "devices/pci.h"
#include "vmm/pci_class.h"
#include "vmm/tree_names.h"
#include <string.h>

/* ---- info mtree ---- */

/* RAM is one line, as its alias below 4 GiB; what hides parts of it comes behind. */
static void memory_line(void *opaque, const struct phys_range *r)
{
    static const char *const kinds[] = {"none", "ram", "rom", "i/o"};
    bool hides = r->base < 1u << 20;

    if (strcmp(r->name, "ram") != 0)
        text_printf(opaque, "    %016llx-%016llx (prio %d, %s): %s\n", (unsigned long long)r->base,
                    (unsigned long long)(r->base + r->size - 1), hides, kinds[r->kind],
                    tree_memory_name(r->name));
}

static void port_line(void *opaque, const struct bus_range *r)
{
    text_printf(opaque, "    %016x-%016x (prio 0, i/o): %s\n", r->base, r->base + r->count - 1,
                tree_port_name(r->name));
}

void tree_memory(struct machine *m, struct text *out)
{
    unsigned long long last = m->config.ram_bytes - 1;

    text_line(out, "address-space: cpu-memory-0");
    text_line(out, "address-space: memory");
    text_line(out, "  0000000000000000-ffffffffffffffff (prio 0, i/o): system");
    text_printf(out, "    %016x-%016llx (prio 0, ram): alias ram-below-4g @pc.ram %016x-%016llx\n",
                0, last, 0, last);
    phys_each(m->phys, memory_line, out);
    text_line(out, "");
    text_line(out, "address-space: I/O");
    text_line(out, "  0000000000000000-000000000000ffff (prio 0, i/o): io");
    bus_each(m->bus, port_line, out);
    text_line(out, "");
    text_line(out, "memory-region: pc.ram");
    text_printf(out, "  %016x-%016llx (prio 0, ram): pc.ram\n", 0, last);
}

/* ---- info roms ---- */

static void rom_line(void *opaque, const struct phys_range *r)
{
    if (r->kind == PHYS_ROM)
        text_printf(opaque, "addr=%016llx size=0x%06llx mem=rom name=\"%s\"\n",
                    (unsigned long long)r->base, (unsigned long long)r->size,
                    tree_memory_name(r->name));
}

void tree_roms(struct machine *m, struct text *out)
{
    const struct firmware *f = &m->config.firmware;

    for (unsigned i = 0; i < f->option_roms; i++)
        text_printf(out, "fw=genroms/%s size=0x%06x name=\"%s\"\n", f->option_name[i],
                    f->option_rom[i].len, f->option_name[i]);
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
