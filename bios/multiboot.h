/* Multiboot 1 headers and images, parsed without side effects. */
#ifndef RINGER_BIOS_MULTIBOOT_H
#define RINGER_BIOS_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { MULTIBOOT_SEARCH = 8192, MULTIBOOT_PARTS = 32 };

/* A stretch of the file that goes to memory; MEM bytes from PA on, the first FILE_BYTES of them
 * from OFFSET, the rest zeros. */
struct multiboot_part {
    uint64_t offset, file_bytes;
    uint32_t pa;
    uint32_t mem;
};

struct multiboot_plan {
    uint32_t flags; /* of the header */
    uint32_t entry;
    unsigned parts;
    struct multiboot_part part[MULTIBOOT_PARTS];
    uint32_t end; /* first address above all parts */
};

/* Is there a header in the first LEN bytes (at most MULTIBOOT_SEARCH count)?  Its offset. */
bool multiboot_find(const uint8_t *data, size_t len, uint32_t *offset);

/* Plan the load of a file of SIZE bytes whose first LEN bytes are DATA (all of an ELF's program
 * headers must be among them), for RAM below RAM_TOP. */
bool multiboot_parse(struct multiboot_plan *plan, const uint8_t *data, size_t len, uint64_t size,
                     uint64_t ram_top, const char *name, struct error *err);

#endif
