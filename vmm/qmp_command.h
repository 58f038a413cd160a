/* How QMP's commands are written; between qmp*.c alone. */
#ifndef RINGER_VMM_QMP_COMMAND_H
#define RINGER_VMM_QMP_COMMAND_H

#include "ringer/error.h"
#include "vmm/monitor.h"
#include <jansson.h>

/* One command being carried out. */
struct qmp_call {
    const struct monitor_target *t;
    const json_t *args; /* checked against the command's arguments */
    json_t *ret;        /* what it returns, given away; NULL: {} */
    const char *class;  /* of the error, when it failed */
    char desc[512];
};

/* ARGS and RET are in the notation of qmp_types.c. */
struct qmp_command {
    const char *name, *args, *ret;
    bool (*run)(struct qmp_call *c);
};

/* Store the reason and return false. */
bool qmp_fail(struct qmp_call *c, const char *class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool qmp_fail_error(struct qmp_call *c, const struct error *err); /* a GenericError */

/* Arguments that may be absent.  Strings stay the message's. */
const char *qmp_string(const struct qmp_call *c, const char *name, const char *absent);
bool qmp_bool(const struct qmp_call *c, const char *name, bool absent);
int64_t qmp_int(const struct qmp_call *c, const char *name, int64_t absent);

/* ---- tables: rows up to one without a name ---- */
extern const struct qmp_command qmp_query_commands[], qmp_block_commands[], qmp_list_commands[],
    qmp_control_commands[], qmp_input_commands[], qmp_memory_commands[], qmp_schema_commands[],
    qmp_char_commands[], qmp_vnc_commands[], qmp_statistics_commands[], qmp_qom_commands[],
    qmp_blockdev_commands[], qmp_manage_commands[];

const struct qmp_command *qmp_find(const char *name);
/* All commands by number, NULL after the last. */
const struct qmp_command *qmp_nth(unsigned n);
/* Why there is no command NAME that QEMU has and somebody may look for; NULL: nothing is known. */
const char *qmp_refusal(const char *name);

/* ---- types (qmp_types.c) ---- */
enum qmp_kind { QMP_ENUM, QMP_OBJECT, QMP_UNION };
struct qmp_type {
    enum qmp_kind kind;
    const char *name, *text;
};
const struct qmp_type *qmp_type(const char *name);
const struct qmp_type *qmp_type_nth(unsigned n);
struct qmp_event_type {
    const char *name, *members;
};
const struct qmp_event_type *qmp_event_nth(unsigned n);

/* A member in "name:type, name?:type": copied out, false at the end. */
struct qmp_member {
    char name[40], type[48];
    bool optional;
};
bool qmp_next_member(const char **text, struct qmp_member *out);
/* The next of the words of an enumeration's text. */
bool qmp_next_word(const char **text, char *out, size_t n);

/* Is VALUE a TYPE ("str", "[KeyValue]", ...)?  Members that TEXT names, and no others?  WHERE is
 * what to call it.  False: DESC is filled as QEMU words it. */
bool qmp_check(const json_t *value, const char *type, const char *where, char *desc, size_t n);
bool qmp_check_members(const json_t *object, const char *text, const char *where, char *desc,
                       size_t n);

#endif
