/* Names of PCI classes, as QEMU's monitors have them. */
#ifndef RINGER_VMM_PCI_CLASS_H
#define RINGER_VMM_PCI_CLASS_H

#include <stdint.h>

/* CLASS: base class and subclass.  NULL: none is known. */
const char *pci_class_name(uint16_t class);

#endif
