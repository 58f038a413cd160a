/* Memory that is freed all at once: what the command line is parsed into. */
#ifndef RINGER_VMM_POOL_H
#define RINGER_VMM_POOL_H

#include <stddef.h>

/* An empty pool is a NULL pointer of this type. */
struct pool;

/* SIZE zeroed bytes that live until pool_free.  Ends the process when there is no memory. */
void *pool_alloc(struct pool **pool, size_t size);
/* The first LEN bytes of TEXT, ended by NUL. */
char *pool_text(struct pool **pool, const char *text, size_t len);
char *pool_printf(struct pool **pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void pool_free(struct pool **pool);

#endif
