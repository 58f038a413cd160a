/* Where messages begin and end in a stream of JSON. */
#ifndef RINGER_VMM_QMP_SCAN_H
#define RINGER_VMM_QMP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QMP_MESSAGE_MAX = 1 << 20, /* bytes */
    QMP_DEPTH_MAX = 256,       /* brackets in brackets */
};

enum qmp_scan_result {
    SCAN_MORE,     /* all is taken, and no message is complete */
    SCAN_MESSAGE,  /* text and len are a message: an object, an array, or some other word */
    SCAN_TOO_LONG, /* a message is longer than QMP_MESSAGE_MAX; the rest of it will be skipped */
    SCAN_TOO_DEEP, /* the same of QMP_DEPTH_MAX */
    SCAN_CUT,      /* a byte FFh, which resynchronises, came in the middle of a message */
};

/* Zero-initialise. */
struct qmp_scan {
    char *text; /* NUL-terminated when a message is complete */
    size_t len, cap;
    unsigned depth;
    char quote; /* inside a string: the character that ends it */
    bool escaped, word, skipping;
};

/* Take bytes from DATA up to the end of the next message; *USED tells how many.  Strings in single
 * quotes, which QEMU takes besides JSON's, come out in double quotes. */
enum qmp_scan_result qmp_scan(struct qmp_scan *s, const char *data, size_t len, size_t *used);
void qmp_scan_free(struct qmp_scan *s);

#endif
