/* Expressions of the monitor: numbers, $registers and C's operators on 64-bit integers. */
#ifndef RINGER_VMM_EXPR_H
#define RINGER_VMM_EXPR_H

#include "cpu/cpu.h"
#include "ringer/error.h"

/* Evaluate TEXT: decimal, 0x and 0 numbers, 'c', $name as `info registers` has them (selectors by
 * name, $ds.base, $ds.limit; $pc and $eip are linear, as in QEMU), ( ) + - ~ * / % << >> & ^ |.
 * False: ERR says what is wrong. */
bool expr_evaluate(const struct cpu *cpu, const char *text, int64_t *out, struct error *err);

#endif
