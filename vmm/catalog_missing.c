/* QEMU's devices that ringer does not have, by kind: for the message that refuses them. */
#include "vmm/catalog.h"
#include <string.h>

/* Names, or what they begin with, each between two blanks. */
static const struct {
    const char *kind, *names;
} missing[] = {
    {"network cards", " e1000 rtl8139 ne2k pcnet i825 vmxnet3 tulip igb rocker "},
    {"virtio devices", " virtio- vhost- "},
    {"USB", " usb- piix3-usb piix4-usb ich9-usb ich9-ehci ich9-uhci pci-ohci"
            " qemu-xhci nec-usb-xhci vt82c686b-usb u2f- "},
    {"sound cards but sb16, AC97 and adlib", " ES1370 cs4231a gus hda- intel-hda ich9-intel-hda "},
    {"graphics cards other than the standard VGA",
     " cirrus-vga isa-cirrus-vga vmware-svga qxl ati-vga bochs-display"
     " secondary-vga ramfb "},
    {"SCSI", " scsi- lsi53c megasas mptsas1068 pvscsi dc390 am53c974 "},
    {"second floppy and IDE controllers", " isa-fdc piix3-ide piix4-ide isa-ide "},
    {"second ones of the board's own parts", " hpet mc146818rtc isa-pit i8042 vmmouse vmport "},
    {"SATA", " ahci ich9-ahci "},
    {"SD cards", " sdhci sd-card "},
    {"NVMe", " nvme "},
    {"NVDIMMs", " nvdimm "},
    {"memory hotplug", " pc-dimm "},
    {"CXL", " cxl- "},
    {"TPMs", " tpm- "},
    {"shared memory devices", " ivshmem "},
    {"host devices", " vfio- "},
    {"PCI bridges", " i82801b11 pci-bridge pcie- ioh3420 x3130 xio3130 pxb "},
    {"watchdogs", " i6300esb ib700 "},
    {"PCI serial ports", " pci-serial "},
    {"such a test and debug device", " vmcoreinfo vmgenid pvpanic edu "},
    {"paravirtual devices", " hyperv- "},
    {"KVM's devices", " kvm-pit "},
    {"management controllers", " isa-ipmi ipmi- pci-ipmi smbus-ipmi "},
    {"SMBus devices", " smbus-eeprom "},
    {"Apple's controller", " isa-applesmc "},
    {"the serial graphics adapter's ROM; -nographic shows the text on the terminal", " sga "},
    {"smart cards", " ccid-card "},
    {"IOMMUs", " intel-iommu amd-iommu "},
    {"such a loader", " guest-loader loader "},
};

static bool begins_with_any(const char *name, const char *names)
{
    while (*names == ' ' && names[1]) {
        size_t n = strcspn(++names, " ");
        if (!strncmp(name, names, n))
            return true;
        names += n;
    }
    return false;
}

const char *catalog_missing(const char *name)
{
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (begins_with_any(name, missing[i].names))
            return missing[i].kind;
    return NULL;
}
