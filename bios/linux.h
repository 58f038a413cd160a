/* The header of a Linux kernel image and where its parts go, apart from files and guests so that
 * it can be tested with foreign bytes. */
#ifndef RINGER_BIOS_LINUX_H
#define RINGER_BIOS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { LINUX_HEADER_BYTES = 1024 }; /* what linux_parse wants to see of the file */

/* What the image says of itself (Documentation/arch/x86/boot.rst). */
struct linux_header {
    uint16_t version; /* 0 when there is no header: before 1.3.73 */
    uint32_t setup_bytes;  /* boot sector and setup code */
    uint64_t kernel_bytes; /* the protected-mode part */
    bool high;             /* loads at 1 MiB */
    uint32_t initrd_max;   /* highest address that the ramdisk may occupy */
    uint32_t command_max;  /* characters of the command line, without the final NUL */
    uint64_t needs_until;  /* RAM that the kernel takes while it starts ends here; 0: unknown */
};

/* Parse the first LEN bytes of a file of SIZE bytes; NAME is for messages. */
bool linux_parse(struct linux_header *h, const uint8_t *data, size_t len, uint64_t size,
                 const char *name, struct error *err);

struct linux_layout {
    uint16_t segment;         /* real-mode part */
    uint16_t stack;           /* SP, and the end of the heap */
    uint32_t kernel, command; /* physical addresses */
    uint32_t initrd;
};

/* Place the parts of H with COMMAND characters and INITRD bytes (0: none) below RAM_TOP. */
bool linux_place(struct linux_layout *l, const struct linux_header *h, uint64_t initrd,
                 uint64_t ram_top, const char *name, struct error *err);

/* Fill the fields that the loader must write in the setup part at DATA (at least
 * LINUX_HEADER_BYTES long). */
void linux_patch(uint8_t *data, const struct linux_header *h, const struct linux_layout *l,
                 const char *command, uint64_t initrd);

/* The value of vga= in a command line, or -1. */
int linux_vga_mode(const char *command);

#endif
