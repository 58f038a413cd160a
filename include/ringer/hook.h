/* Hooks: functions of yours that run when the guest reaches an address, an interrupt vector or a
 * system call.  All other guest code runs as fast as ever.
 *
 * Two ways lead here.  From the command line, `ringer --hook` names a function of a shared object
 * and what it is to be given; an argument `guest` gives it a struct ringer_guest.  From C, a program
 * that holds a machine of libringer calls ringer_hook_add.
 *
 *     static void on_open(struct ringer_guest *g, void *opaque)
 *     {
 *         char name[128];
 *         ringer_guest_string(g, ringer_guest_linear(g, RINGER_DS, ringer_guest_get(g, RINGER_EDX)),
 *                             name, sizeof name);
 *         puts(name);
 *     }
 *     ...
 *     unsigned hook = ringer_hook_add(machine, "int:21", on_open, NULL, error);
 *
 * The functions ringer_guest_* may be called during a hook's call alone, on its thread. */
#ifndef RINGER_HOOK_H
#define RINGER_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringer/ringer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The guest, stopped between two instructions. */
struct ringer_guest;

enum ringer_register {
    RINGER_EAX, RINGER_ECX, RINGER_EDX, RINGER_EBX,
    RINGER_ESP, RINGER_EBP, RINGER_ESI, RINGER_EDI,
    RINGER_EIP, RINGER_EFLAGS,
    RINGER_ES, RINGER_CS, RINGER_SS, RINGER_DS, RINGER_FS, RINGER_GS,
    RINGER_CR0, RINGER_CR2, RINGER_CR3, RINGER_CR4,
    RINGER_CPL,
};

uint32_t ringer_guest_get(const struct ringer_guest *g, enum ringer_register r);
/* Set a general register, EIP (the guest goes on there), or the arithmetic flags and DF of EFLAGS.
 * False: R is none of these. */
bool ringer_guest_set(struct ringer_guest *g, enum ringer_register r, uint32_t value);

/* The linear address of SEGMENT:OFFSET as the guest has SEGMENT (RINGER_DS...) loaded. */
uint32_t ringer_guest_linear(const struct ringer_guest *g, enum ringer_register segment,
                             uint32_t offset);
/* Copy N bytes at linear address LINEAR, as the kernel sees them.  The number of bytes that could
 * be: fewer where a page is not mapped, or not to be written to.  Nothing faults in the guest. */
size_t ringer_guest_read(const struct ringer_guest *g, uint32_t linear, void *data, size_t n);
size_t ringer_guest_write(struct ringer_guest *g, uint32_t linear, const void *data, size_t n);
/* The same of physical addresses. */
size_t ringer_guest_read_physical(const struct ringer_guest *g, uint32_t physical, void *data,
                                  size_t n);
/* A string that ends with a NUL, into OUT (N bytes with the NUL; cut to fit, or where a page is not
 * mapped).  Its length in OUT. */
size_t ringer_guest_string(const struct ringer_guest *g, uint32_t linear, char *out, size_t n);

/* At an interrupt vector or system call: leave it out; the guest goes on behind the instruction.  An
 * exception that is left out is tried again, unless EIP is set. */
void ringer_guest_skip(struct ringer_guest *g);
/* Virtual time since power-on, in nanoseconds. */
uint64_t ringer_guest_time(const struct ringer_guest *g);

typedef void (*ringer_hook_function)(struct ringer_guest *g, void *opaque);

/* Call FN(guest, OPAQUE) each time that the guest reaches PLACE:
 *     0xC0101234    the instruction at a linear address
 *     schedule+8    the same, by a symbol of -symbols
 *     f000:e05b     the same, in real mode
 *     phys:0x7c00   the instruction at a physical address
 *     int:21        vector 21h: INT 21h, and what else is taken through it
 *     sysenter      SYSENTER
 * on the machine's thread, before the instruction is carried out.  Its number, from 1, by which it
 * can be removed; 0, and the reason in ERROR, when PLACE makes no sense or there are too many.  Any
 * thread, at any time, in a hook as well. */
unsigned ringer_hook_add(struct ringer_machine *m, const char *place, ringer_hook_function fn,
                         void *opaque, char error[RINGER_ERROR_MAX]);
/* False: there is none of that number. */
bool ringer_hook_remove(struct ringer_machine *m, unsigned hook);

#ifdef __cplusplus
}
#endif

#endif
