/* Host memory that a part of the emulator takes beside the guest's RAM, told by subject. */
#ifndef RINGER_MEMORY_USE_H
#define RINGER_MEMORY_USE_H

#include <stddef.h>

enum memory_class {
    MEMORY_WINDOWS,  /* the shadow page tables and what keeps them in step */
    MEMORY_CACHE,    /* translated code and the tables it jumps through */
    MEMORY_METADATA, /* what is known of translated code and of the guest's sites */
    MEMORY_CLASSES,
};

struct memory_use {
    enum memory_class class;
    const char *subject;
    const void *at; /* BYTES from here on, of which what was touched is resident; NULL: all is */
    size_t bytes;
};

/* Gets each piece once; the pointers are good during the call only. */
struct memory_sink {
    void (*take)(void *opaque, const struct memory_use *u);
    void *opaque;
};

#endif
