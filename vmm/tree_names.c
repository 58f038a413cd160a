#include "vmm/tree_names.h"
#include <stddef.h>
#include <string.h>

static const struct tree_name devices[] = {
    {"ps2-mouse", "ps2-mouse", TREE_SYSTEM},
    {"ps2-keyboard", "ps2-kbd", TREE_SYSTEM},
    {"hpet", "hpet", TREE_SYSTEM},
    {"ioapic", "ioapic", TREE_SYSTEM},
    {"lapic", "apic", TREE_SYSTEM},
    {"fw_cfg", "fw_cfg_io", TREE_SYSTEM},
    {"bios", "ringer-bios", TREE_SYSTEM},
    {"pci", "i440FX-pcihost", TREE_PART}, /* the bus's own line */
    {"i440fx", "i440FX", TREE_PCI},
    {"piix-isa", "PIIX3", TREE_PCI},
    {"piix-ide", "piix3-ide", TREE_PCI},
    {"piix-pm", "PIIX4_PM", TREE_PCI},
    {"pci-vga", "VGA", TREE_PCI},
    {"AC97", "AC97", TREE_PCI},
    {"pci-testdev", "pci-testdev", TREE_PCI},
    {"pic", "isa-i8259", TREE_ISA},
    {"pit", "isa-pit", TREE_ISA},
    {"rtc", "mc146818rtc", TREE_ISA},
    {"dma", "i8257", TREE_ISA},
    {"pcspk", "isa-pcspk", TREE_ISA},
    {"i8042", "i8042", TREE_ISA},
    {"fdc", "isa-fdc", TREE_ISA},
    {"vmmouse", "vmmouse", TREE_ISA},
    {"uart", "isa-serial", TREE_ISA},
    {"parallel", "isa-parallel", TREE_ISA},
    {"debugcon", "isa-debugcon", TREE_ISA},
    {"opl3", "adlib", TREE_ISA},
    {"vga", "isa-vga", TREE_ISA},
    {"ide", "isa-ide", TREE_PART}, /* a channel of piix3-ide */
    {"reset-control", "PIIX3", TREE_PART},
};

struct tree_name tree_name_of(const char *class)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (!strcmp(devices[i].class, class))
            return devices[i];
    return (struct tree_name){class, class, TREE_ISA};
}

static const char *look_up(const char *const (*table)[2], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i][0], name))
            return table[i][1];
    return name;
}

const char *tree_port_name(const char *name)
{
    static const char *const names[][2] = {
        {"dma0", "dma-chan"},
        {"dma1", "dma-chan"},
        {"pic0", "pic"},
        {"pic1", "pic"},
        {"i8042", "i8042-data"},
        {"port61", "pcspk"},
        {"apm", "apm-io"},
        {"uart", "serial"},
        {"vga-dispi", "vbe"},
        {"vga-crtc", "vga"},
        {"vga-crtc-mono", "vga"},
        {"vga-status", "vga"},
        {"vga-status-mono", "vga"},
        {"fw_cfg", "fwcfg"},
        {"piix-pm", "piix4-pm"},
        {"piix-smbus", "pm-smbus"},
        {"pci", "pci-conf-idx"},
        {"reset-control", "piix3-reset-control"},
        {"piix-ide", "piix-bmdma"},
    };

    return look_up(names, sizeof names / sizeof *names, name);
}

const char *tree_memory_name(const char *name)
{
    static const char *const names[][2] = {
        {"vga", "vga-lowmem"},     {"vga-lfb", "vga.vram"},      {"vga-page", "vga.mmio"},
        {"vga-rom", "vga.rom"},    {"lapic", "apic-msi"},        {"BIOS", "isa-bios"},
        {"option ROMs", "pc.rom"}, {"BIOS at reset", "pc.bios"},
    };

    return look_up(names, sizeof names / sizeof *names, name);
}
