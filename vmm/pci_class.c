#include "vmm/pci_class.h"
#include <stddef.h>

const char *pci_class_name(uint16_t class)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {
        {0x0101, "IDE controller"},   {0x0200, "Ethernet controller"}, {0x0300, "VGA controller"},
        {0x0401, "Audio controller"}, {0x0600, "Host bridge"},         {0x0601, "ISA bridge"},
        {0x0680, "Bridge"},           {0x0c03, "USB controller"},      {0x0c05, "SMBus"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].class == class)
            return names[i].name;
    return NULL;
}
