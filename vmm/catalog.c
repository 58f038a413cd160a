#include "vmm/catalog.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct device_model *const tables[] = {catalog_isa, catalog_drive, catalog_pci,
                                                  catalog_sound,
                                                    catalog_vga};

const struct device_model *catalog_model(unsigned i)
{
    for (unsigned t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct device_model *p = tables[t]; p->name; p++)
            if (i-- == 0)
                return p;
    return NULL;
}

const struct device_model *catalog_find(const char *name)
{
    const struct device_model *p;

    for (unsigned i = 0; (p = catalog_model(i)); i++)
        if (!strcmp(p->name, name) || (p->alias && !strcmp(p->alias, name)))
            return p;
    return NULL;
}

const char *catalog_missing(const char *name)
{
    static const struct {
        const char *prefix, *kind;
    } known[] = {
        {"e1000", "network cards"},
        {"rtl8139", "network cards"},
        {"ne2k", "network cards"},
        {"pcnet", "network cards"},
        {"i825", "network cards"},
        {"vmxnet3", "network cards"},
        {"tulip", "network cards"},
        {"igb", "network cards"},
        {"rocker", "network cards"},
        {"virtio-", "virtio devices"},
        {"vhost-", "virtio devices"},
        {"usb-", "USB"},
        {"piix3-usb", "USB"},
        {"piix4-usb", "USB"},
        {"ich9-usb", "USB"},
        {"ich9-ehci", "USB"},
        {"ich9-uhci", "USB"},
        {"pci-ohci", "USB"},
        {"qemu-xhci", "USB"},
        {"nec-usb-xhci", "USB"},
        {"vt82c686b-usb", "USB"},
        {"ES1370", "sound cards but sb16, AC97 and adlib"},
        {"cs4231a", "sound cards but sb16, AC97 and adlib"},
        {"gus", "sound cards but sb16, AC97 and adlib"},
        {"hda-", "sound cards but sb16, AC97 and adlib"},
        {"intel-hda", "sound cards but sb16, AC97 and adlib"},
        {"ich9-intel-hda", "sound cards but sb16, AC97 and adlib"},
        {"cirrus-vga", "graphics cards other than the standard VGA"},
        {"isa-cirrus-vga", "graphics cards other than the standard VGA"},
        {"vmware-svga", "graphics cards other than the standard VGA"},
        {"qxl", "graphics cards other than the standard VGA"},
        {"ati-vga", "graphics cards other than the standard VGA"},
        {"bochs-display", "graphics cards other than the standard VGA"},
        {"secondary-vga", "graphics cards other than the standard VGA"},
        {"ramfb", "graphics cards other than the standard VGA"},
        {"scsi-", "SCSI"},
        {"lsi53c", "SCSI"},
        {"megasas", "SCSI"},
        {"mptsas1068", "SCSI"},
        {"pvscsi", "SCSI"},
        {"dc390", "SCSI"},
        {"am53c974", "SCSI"},
        {"ahci", "SATA"},
        {"ich9-ahci", "SATA"},
        {"sdhci", "SD cards"},
        {"sd-card", "SD cards"},
        {"nvme", "NVMe"},
        {"nvdimm", "NVDIMMs"},
        {"pc-dimm", "memory hotplug"},
        {"cxl-", "CXL"},
        {"tpm-", "TPMs"},
        {"ivshmem", "shared memory devices"},
        {"vfio-", "host devices"},
        {"i82801b11", "PCI bridges"},
        {"pci-bridge", "PCI bridges"},
        {"pcie-", "PCI bridges"},
        {"ioh3420", "PCI bridges"},
        {"x3130", "PCI bridges"},
        {"xio3130", "PCI bridges"},
        {"pxb", "PCI bridges"},
        {"i6300esb", "watchdogs"},
        {"ib700", "watchdogs"},
        {"pci-serial", "PCI serial ports"},
        {"vmcoreinfo", "this test and debug device"},
        {"vmgenid", "this test and debug device"},
        {"pvpanic", "this test and debug device"},
        {"edu", "this test and debug device"},
        {"hyperv-", "paravirtual devices"},
        {"kvm-pit", "KVM's devices"},
        {"isa-ipmi", "management controllers"},
        {"ipmi-", "management controllers"},
        {"pci-ipmi", "management controllers"},
        {"smbus-ipmi", "management controllers"},
        {"smbus-eeprom", "SMBus devices"},
        {"isa-applesmc", "this device"},
        {"sga", "the serial graphics adapter's ROM; -nographic shows the text on the terminal"},
        {"ccid-card", "smart cards"},
        {"u2f-", "USB"},
        {"intel-iommu", "IOMMUs"},
        {"amd-iommu", "IOMMUs"},
        {"guest-loader", "this loader"},
        {"loader", "this loader"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(name, known[i].prefix, strlen(known[i].prefix)))
            return known[i].kind;
    return NULL;
}

/* ---- help ---- */

static void one_help(const struct device_model *m, void (*line)(void *opaque, const char *text),
                     void *opaque)
{
    char text[200];

    snprintf(text, sizeof text, "%s options:", m->name);
    line(opaque, text);
    properties_help(m->properties, line, opaque);
}

void catalog_help(const struct device_model *model, void (*line)(void *opaque, const char *text),
                  void *opaque)
{
    static const char *const headings[] = {
        "Input devices:", "Storage devices:", "Display devices:", "Sound devices:",
        "Misc devices:"};
    const struct device_model *p;
    char text[300], alias[60] = "";

    if (model) {
        one_help(model, line, opaque);
        return;
    }
    for (int c = CATEGORY_INPUT; c <= CATEGORY_MISC; c++) {
        bool begun = false;
        for (unsigned i = 0; (p = catalog_model(i)); i++) {
            if ((int)p->category != c)
                continue;
            if (!begun)
                line(opaque, headings[c]);
            begun = true;
            alias[0] = 0;
            if (p->alias)
                snprintf(alias, sizeof alias, ", alias \"%s\"", p->alias);
            snprintf(text, sizeof text, "name \"%s\", bus %s%s, desc \"%s\"", p->name, p->bus,
                     alias, p->description);
            line(opaque, text);
        }
    }
}

/* ---- values ---- */

uint64_t device_number(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->number;
}

const char *device_text(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->text;
}

bool device_given(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->given;
}

void device_settle(struct device_option *d, const char *property, uint64_t value)
{
    const struct value *v = property_value(d->model->properties, d->values, property);

    d->values[v - d->values].number = value;
}

bool device_has(const struct device_model *model, const char *property)
{
    for (const struct property *p = model->properties; p->type != PROPERTY_END; p++)
        if (!strcmp(p->name, property))
            return true;
    return false;
}
