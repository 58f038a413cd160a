/* Resident memory by subject: the parts tell where their tables lie, the host what of them it keeps
 * (mincore(2)). */
#define _GNU_SOURCE
#include "vmm/resident.h"
#include "mmu/mmu.h"
#include "ringer/memory_use.h"
#include "translator/translator.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { SUBJECTS_MAX = 32, CHUNK = 4096 };
#define HOST_PAGE 4096ull

struct resident {
    struct {
        struct memory_use use;
        uint64_t bytes;
    } rows[SUBJECTS_MAX];
    unsigned count;
};

static uint64_t resident_bytes(const void *at, size_t bytes)
{
    uintptr_t first = (uintptr_t)at & ~(HOST_PAGE - 1);
    uint64_t pages = ((uintptr_t)at + bytes - first + HOST_PAGE - 1) / HOST_PAGE, held = 0;
    unsigned char there[CHUNK];

    for (uint64_t i = 0; i < pages; i += CHUNK) {
        uint64_t n = pages - i < CHUNK ? pages - i : CHUNK;

        if (mincore((void *)(first + i * HOST_PAGE), n * HOST_PAGE, there))
            continue; /* not mapped */
        for (uint64_t k = 0; k < n; k++)
            held += there[k] & 1;
    }
    return held * HOST_PAGE;
}

/* Pieces of one subject come one behind the other. */
static void add(void *opaque, const struct memory_use *u)
{
    struct resident *r = opaque;
    struct memory_use *last = r->count ? &r->rows[r->count - 1].use : NULL;

    if (!last || last->class != u->class || strcmp(last->subject, u->subject)) {
        if (r->count == SUBJECTS_MAX)
            return;
        r->rows[r->count].bytes = 0;
        r->rows[r->count++].use = *u;
    }
    r->rows[r->count - 1].bytes += u->at ? resident_bytes(u->at, u->bytes) : u->bytes;
}

/* A line "NAME: N kB" of the process's status, in bytes. */
static uint64_t status_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    unsigned long long kib = 0;

    return at && sscanf(at + strlen(name), " %llu", &kib) == 1 ? kib << 10 : 0;
}

void resident_statistics(struct machine *m, const struct statistic_sink *to)
{
    static const struct {
        const char *name, *help;
    } classes[MEMORY_CLASSES] = {
        [MEMORY_WINDOWS] = {"resident_windows",
                            "memory of the windows and what keeps them in step"},
        [MEMORY_CACHE] = {"resident_cache", "memory of translated code and jump tables"},
        [MEMORY_METADATA] = {"resident_metadata", "memory for what is known of translated code"},
    };
    struct resident r = {.count = 0};
    struct memory_sink sink = {add, &r};
    char text[4096] = "";
    FILE *f = fopen("/proc/self/status", "re");

    if (f) {
        text[fread(text, 1, sizeof text - 1, f)] = 0;
        fclose(f);
    }
    mmu_memory(m->mmu, &sink);
    add(&r, &(struct memory_use){MEMORY_WINDOWS, "page tables of the host", NULL,
                                 status_of(text, "VmPTE:")});
    translator_memory(m->translator, &sink);
    for (unsigned i = 0; i < r.count; i++) {
        const struct memory_use *u = &r.rows[i].use;

        to->take(to->opaque,
                 &(struct statistic){"memory", classes[u->class].name, "subject", u->subject,
                                     "bytes", classes[u->class].help, true, r.rows[i].bytes});
    }
    to->take(to->opaque, &(struct statistic){.group = "memory",
                                             .name = "resident_private",
                                             .unit = "bytes",
                                             .help = "private memory of the whole process",
                                             .gauge = true,
                                             .value = status_of(text, "RssAnon:")});
}
