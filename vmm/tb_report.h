/* ringer tb-report: one page about a run, of the JSON that -stats=json:FILE writes. */
#ifndef RINGER_VMM_TB_REPORT_H
#define RINGER_VMM_TB_REPORT_H

#include "ringer/error.h"
#include "vmm/text.h"
#include <jansson.h>
#include <stdbool.h>

/* Make a self-contained HTML page of ALL.  False and ERR when it is no such document. */
bool tb_report(const json_t *all, struct text *out, struct error *err);

/* The command: ARGV[0] is "tb-report".  Returns the exit status. */
int tb_report_main(int argc, char **argv);

#endif
