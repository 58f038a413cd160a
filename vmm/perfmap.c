/* The perf map is lines "START SIZE NAME" (tools/perf/Documentation/jit-interface.txt of Linux);
 * jitdump is binary (jitdump-specification.txt beside it), and has the code and the time at which
 * it was there: places in the cache are used again.  perf inject makes a file of each of its
 * records, so blocks of one guest function (or page, where no symbol is known) that were translated
 * one after the other share a record. */
#define _GNU_SOURCE /* gettid */
#include "vmm/perfmap.h"
#include "vmm/symbols.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 300, RUN_MAX = 1 << 16 };

/* Blocks that lie side by side in the code cache and go into one record. */
struct run {
    uint64_t code, time;
    uint32_t size;      /* 0: none */
    uint32_t function;  /* guest address of what they belong to */
    char name[NAME_MAX_LEN];
    uint8_t bytes[RUN_MAX];
};

struct perfmap {
    const struct symbols *symbols;
    FILE *map, *dump;
    void *marker; /* the mapping of the dump by which perf knows of it */
    uint64_t index;
    struct run run;
};

enum { JIT_CODE_LOAD = 0, JIT_CODE_CLOSE = 3 };
#define JITDUMP_MAGIC 0x4A695444u

struct jit_header {
    uint32_t magic, version, total_size, elf_mach, pad, pid;
    uint64_t timestamp, flags;
};

struct jit_record {
    uint32_t id, total_size;
    uint64_t timestamp;
};

struct jit_load {
    struct jit_record record;
    uint32_t pid, tid;
    uint64_t vma, address, size, index;
};

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A new file: /tmp is everybody's, so no link is followed. */
static FILE *create(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        error_set(err, "%s cannot be written: %s", path, strerror(errno));
    if (!f && fd >= 0)
        close(fd);
    return f;
}

static bool open_dump(struct perfmap *p, struct error *err)
{
    const struct jit_header h = {.magic = JITDUMP_MAGIC,
                                 .version = 1,
                                 .total_size = sizeof h,
                                 .elf_mach = EM_X86_64,
                                 .pid = (uint32_t)getpid(),
                                 .timestamp = now()};
    char path[40];

    snprintf(path, sizeof path, "jit-%d.dump", getpid());
    p->dump = create(path, err);
    if (!p->dump)
        return false;
    fwrite(&h, sizeof h, 1, p->dump);
    fflush(p->dump);
    p->marker = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(p->dump), 0);
    return p->marker != MAP_FAILED ||
           error_set(err, "%s cannot be mapped for perf: %s", path, strerror(errno));
}

struct perfmap *perfmap_open(bool map, bool jitdump, const struct symbols *symbols,
                             struct error *err)
{
    struct perfmap *p = calloc(1, sizeof *p);
    char path[40];

    if (!p) {
        error_set(err, "out of memory");
        return NULL;
    }
    p->symbols = symbols;
    p->marker = MAP_FAILED;
    snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
    if ((map && !(p->map = create(path, err))) || (jitdump && !open_dump(p, err))) {
        perfmap_close(p);
        return NULL;
    }
    return p;
}

static void dump_run(struct perfmap *p)
{
    const struct run *r = &p->run;
    size_t len = strlen(r->name) + 1;
    const struct jit_load load = {
        .record = {JIT_CODE_LOAD, (uint32_t)(sizeof load + len + r->size), r->time},
        .pid = (uint32_t)getpid(),
        .tid = (uint32_t)gettid(),
        .vma = r->code,
        .address = r->code,
        .size = r->size,
        .index = p->index++};

    fwrite(&load, sizeof load, 1, p->dump);
    fwrite(r->name, len, 1, p->dump);
    fwrite(r->bytes, r->size, 1, p->dump);
}

/* Does B, of FUNCTION, go on where the run ends?  Blocks begin at multiples of 16. */
static bool goes_on(const struct run *r, const struct translated *b, uint32_t function)
{
    enum { GAP = 16 };
    uint64_t gap = (uintptr_t)b->code - (r->code + r->size);

    return r->size && r->function == function && gap < GAP &&
           r->size + gap + b->code_size <= RUN_MAX;
}

static void dump_block(struct perfmap *p, const struct translated *b, uint32_t function,
                       const char *name)
{
    struct run *r = &p->run;
    uint32_t gap;

    if (b->code_size > RUN_MAX)
        return; /* blocks are smaller */
    if (!goes_on(r, b, function)) {
        if (r->size)
            dump_run(p);
        r->code = (uintptr_t)b->code;
        r->time = now();
        r->size = 0;
        r->function = function;
        snprintf(r->name, sizeof r->name, "%s", name);
    }
    gap = (uint32_t)((uintptr_t)b->code - (r->code + r->size));
    memset(r->bytes + r->size, 0xCC, gap);
    memcpy(r->bytes + r->size + gap, b->bytes, b->code_size);
    r->size += gap + b->code_size;
}

void perfmap_block(struct perfmap *p, const struct translated *b)
{
    char name[NAME_MAX_LEN];
    uint32_t offset = 0;
    const char *symbol = symbols_find(p->symbols, b->linear, &offset);

    if (!symbol)
        snprintf(name, sizeof name, "guest_%08x", b->linear);
    else
        snprintf(name, sizeof name, "%.250s", symbol);
    if (p->dump)
        dump_block(p, b, symbol ? b->linear - offset : b->linear & ~4095u, name);
    if (!p->map) /* at once: a perf that looks on reads it meanwhile */
        return;
    if (offset)
        snprintf(name, sizeof name, "%.250s+0x%x", symbol, offset);
    fprintf(p->map, "%llx %x %s\n", (unsigned long long)(uintptr_t)b->code, b->code_size, name);
}

void perfmap_close(struct perfmap *p)
{
    const struct jit_record end = {JIT_CODE_CLOSE, sizeof end, now()};

    if (!p)
        return;
    if (p->map)
        fclose(p->map);
    if (p->dump) {
        if (p->run.size)
            dump_run(p);
        fwrite(&end, sizeof end, 1, p->dump);
        fclose(p->dump);
    }
    if (p->marker != MAP_FAILED)
        munmap(p->marker, 4096);
    free(p);
}
