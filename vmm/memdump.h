/* Guest memory into files: raw, and as an ELF core. */
#ifndef RINGER_VMM_MEMDUMP_H
#define RINGER_VMM_MEMDUMP_H

#include "ringer/error.h"
#include "vmm/machine.h"

/* Write SIZE bytes from physical ADDRESS on to the file at PATH; memdump_linear: from linear
 * ADDRESS, as the present address space maps it.  Not on the vCPU thread.  False and ERR when the
 * file cannot be written, or nothing is mapped somewhere in the range. */
bool memdump_physical(struct machine *m, uint64_t address, uint64_t size, const char *path,
                      struct error *err);
bool memdump_linear(struct machine *m, uint64_t address, uint64_t size, const char *path,
                    struct error *err);

struct memdump_core {
    bool paging;            /* segments as the page tables have them, not physical ones alone */
    uint64_t begin, length; /* physical addresses to take; length 0: all */
};

/* Write an ELF32 core of the machine: registers in NT_PRSTATUS, RAM in PT_LOAD segments.  gdb
 * reads it with -ex 'core-file PATH', crash with its vmlinux. */
bool memdump_core(struct machine *m, const struct memdump_core *what, const char *path,
                  struct error *err);
/* The bytes of memory in the last core that was written; 0: there was none. */
uint64_t memdump_last(struct machine *m);

#endif
