/* What the parts of tb-report share. */
#ifndef RINGER_VMM_TB_REPORT_PRIVATE_H
#define RINGER_VMM_TB_REPORT_PRIVATE_H

#include "vmm/tb_report.h"
#include <stdint.h>

/* MEMBER of OBJECT when it is a number above 0, else 0. */
uint64_t report_integer(const json_t *object, const char *member);
/* TEXT (may be NULL) as HTML. */
void report_escaped(struct text *out, const char *text);
/* The blocks around the hottest loops and the jumps between them, as SVG. */
void report_graph(const json_t *all, struct text *out);

#endif
