/* What QEMU calls the parts of the machine that it has as well, for what scripts look for in its
 * monitor's answers. */
#ifndef RINGER_VMM_TREE_NAMES_H
#define RINGER_VMM_TREE_NAMES_H

/* Where `info qtree` has a device; PART: it is no device of its own there. */
enum tree_place { TREE_SYSTEM, TREE_PCI, TREE_ISA, TREE_PART };

struct tree_name {
    const char *class; /* of struct device_class */
    const char *name;  /* QEMU's, also that of the -device that makes it, if one does */
    enum tree_place place;
};

/* Of device class CLASS; one that is not known is on the ISA bus by its own name. */
struct tree_name tree_name_of(const char *class);
/* Of a range of ports or of memory: QEMU's, or NAME itself. */
const char *tree_port_name(const char *name);
const char *tree_memory_name(const char *name);

#endif
