/* The standard VGA as a PCI function: base address 0 places the linear frame buffer, base address 2
 * a page in which the VGA's ports and the Bochs display interface's registers appear as memory, and
 * the ROM base address an option ROM where there is one.
 *
 * The page is that of the adapter 1234:1111, revision 2: 000h-3FFh is the monitor's EDID, 400h-41Fh
 * are ports 3C0h-3DFh, 500h-515h the display interface's registers as words, 600h has the number of
 * bytes of what follows there, 604h the frame buffer's byte order. */
#include <stdlib.h>

#include "devices/edid.h"
#include "devices/internal.h"
#include "devices/pci.h"
#include "devices/vga.h"
#include "ringer/log.h"

enum {
    PAGE = 0x1000,
    LEGACY = 0x400,
    LEGACY_PORT = 0x3C0,
    LEGACY_PORTS = 0x20,
    DISPI = 0x500,
    EXTENDED = 0x600,
    EXTENDED_BYTES = 8,
};

struct pci_vga {
    struct pci_function pci;
    struct phys *phys;
    struct bus *bus;
    struct vga *vga;
    struct log *log;
    int page_region, rom_region;
};

static void map_lfb(void *dev, uint32_t base, bool on)
{
    struct pci_vga *p = dev;

    vga_place_lfb(p->vga, base, on);
}

static void map_page(void *dev, uint32_t base, bool on)
{
    struct pci_vga *p = dev;

    if (on)
        phys_move(p->phys, p->page_region, base);
    phys_enable(p->phys, p->page_region, on);
}

static void map_rom(void *dev, uint32_t base, bool on)
{
    struct pci_vga *p = dev;

    if (on)
        phys_move(p->phys, p->rom_region, base);
    phys_enable(p->phys, p->rom_region, on);
}

/* ---- the page: the same registers, by memory accesses ---- */

static bool dispi_register(uint32_t offset, unsigned size)
{
    return offset >= DISPI && offset < DISPI + 2 * DISPI_COUNT && size == 2;
}

/* Revision 2's registers. */
static uint32_t extended_read(uint32_t offset)
{
    static const uint8_t bytes[EXTENDED_BYTES] = {EXTENDED_BYTES, 0, 0, 0, 0x1E, 0x1E, 0x1E, 0x1E};

    return bytes[offset & 7] | (uint32_t)bytes[(offset + 1) & 7] << 8;
}

/* One block; what is behind it reads as zeros. */
static uint32_t edid_read(const struct vga *v, uint32_t offset, unsigned size)
{
    uint8_t edid[EDID_BYTES];
    uint32_t value = 0;

    if (!vga_edid(v, edid))
        return UINT32_MAX;
    for (unsigned i = 0; i < size && offset + i < EDID_BYTES; i++)
        value |= (uint32_t)edid[offset + i] << 8 * i;
    return value;
}

static uint32_t page_read(void *opaque, uint32_t offset, unsigned size)
{
    struct pci_vga *p = opaque;
    uint32_t value, index;

    if (offset < LEGACY)
        return edid_read(p->vga, offset, size);
    if (offset >= LEGACY && offset + size <= LEGACY + LEGACY_PORTS)
        return bus_in(p->bus, (uint16_t)(LEGACY_PORT + offset - LEGACY), size);
    if (offset >= EXTENDED && offset < EXTENDED + EXTENDED_BYTES)
        return extended_read(offset);
    if (!dispi_register(offset, size))
        return UINT32_MAX;
    index = p->vga->dispi_index; /* the ports' index is not disturbed */
    bus_out(p->bus, DISPI_INDEX_PORT, (offset - DISPI) / 2, 2);
    value = bus_in(p->bus, DISPI_DATA_PORT, 2);
    p->vga->dispi_index = (uint16_t)index;
    return value;
}

static void page_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct pci_vga *p = opaque;
    uint16_t index;

    if (offset >= LEGACY && offset + size <= LEGACY + LEGACY_PORTS) {
        bus_out(p->bus, (uint16_t)(LEGACY_PORT + offset - LEGACY), value, size);
        return;
    }
    if (offset >= EXTENDED && offset < EXTENDED + EXTENDED_BYTES && (value & 0xFF) == 0xBE)
        log_unimp(p->log, "VGA: a frame buffer in big-endian order");
    if (!dispi_register(offset, size))
        return;
    index = p->vga->dispi_index;
    bus_out(p->bus, DISPI_INDEX_PORT, (offset - DISPI) / 2, 2);
    bus_out(p->bus, DISPI_DATA_PORT, value, 2);
    p->vga->dispi_index = index;
}

static const struct mmio_ops page_ops = {page_read, page_write, 2};

/* ---- life ---- */

static void reset(void *dev)
{
    struct pci_vga *p = dev;

    pci_function_reset(&p->pci);
}

static void loaded(void *dev)
{
    struct pci_vga *p = dev;

    pci_function_update(&p->pci);
}

static const struct field fields[] = {
    PCI_FIELDS(struct pci_vga, pci),
    FIELD_END,
};

static const struct device_class class = {
    .name = "pci-vga",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
    .free = free,
};

void pci_vga_set_rom(struct pci_vga *p, const void *rom, uint32_t len)
{
    uint32_t size = 0x4000;

    if (!rom || !len || len > 0x100000)
        return;
    while (size < len)
        size *= 2;
    p->rom_region = phys_map_rom(p->phys, "vga-rom", 0xFE000000, size, rom, len);
    phys_enable(p->phys, p->rom_region, false);
    pci_function_bar(&p->pci, PCI_ROM, false, false, size, map_rom);
}

struct pci_vga *pci_vga_init(struct board *board, struct pci *pci, struct vga *vga)
{
    static const struct pci_identity id = {
        .name = "standard VGA",
        .devfn = 2 << 3,
        .vendor = 0x1234,
        .device = 0x1111,
        .revision = 2,
        .class = 0x030000,
        .command = 0x0103,
    };
    struct pci_vga *p = device_alloc(sizeof *p);

    p->phys = board->phys;
    p->bus = board->bus;
    p->vga = vga;
    p->log = board->log;
    pci_function_init(&p->pci, &id, p);
    pci_function_bar(&p->pci, 0, false, true, vga->vram_bytes, map_lfb);
    pci_function_bar(&p->pci, 2, false, false, PAGE, map_page);
    p->page_region = phys_map_mmio(p->phys, "vga-page", 0xFE000000, PAGE, &page_ops, p);
    phys_enable(p->phys, p->page_region, false);
    vga_place_lfb(vga, 0, false);
    pci_add(pci, &p->pci);
    device_add(board->devices, &class, p);
    return p;
}
