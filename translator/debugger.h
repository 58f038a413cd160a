/* What gdb is told of translated code: by its JIT interface (GDB manual, "JIT Compilation
 * Interface"), an ELF file in memory with one symbol for the code cache and the way to unwind from
 * anywhere in it. */
#ifndef RINGER_TRANSLATOR_DEBUGGER_H
#define RINGER_TRANSLATOR_DEBUGGER_H

#include <stddef.h>
#include <stdint.h>

struct debugger_code;

/* SIZE bytes of code at CODE, entered by a function that pushed the registers PUSHED (COUNT of
 * them, as x86-64 numbers them, in that order) and left RSP at *HOST_RSP.  NULL when memory is
 * short: only a debugger will miss it. */
struct debugger_code *debugger_tell(const void *code, size_t size, const uint64_t *host_rsp,
                                    const uint8_t *pushed, unsigned count);
/* It is gone.  NULL is allowed. */
void debugger_forget(struct debugger_code *d);

#endif
