/* Where a 386 or later differs from the CPU that tests were captured from, and what manuals leave
 * undefined. */
#ifndef RINGER_TESTS_HARDWARE_DIFFERENCES_H
#define RINGER_TESTS_HARDWARE_DIFFERENCES_H

#include <stdbool.h>
#include <stdint.h>

/* Flags that the instruction leaves undefined (SDM vol. 1 appendix A).  OPCODE as in the files
 * ("00", "0FA0", "80.3"), CX for shift counts. */
uint16_t undefined_flags(const char *opcode, const char *text, uint16_t cx);

/* Is a difference in this test a difference of the CPUs? */
bool excused(const char *opcode, const char *text, int vector);

#endif
