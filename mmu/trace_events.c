/* The ring of events (include/ringer/trace.h), and its JSON.  The format: "Trace Event Format" of
 * the Chromium project; times are microseconds with three decimals. */
#include "ringer/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

struct event {
    uint64_t at; /* ns */
    const struct trace_kind *kind;
    uint32_t took; /* ns; TRACE_INSTANT: it took no time */
    uint32_t a, b, c;
};

struct trace {
    struct event *ring;
    uint32_t size;
    uint64_t begin; /* ns */
    uint64_t count; /* of all events ever */
};

struct trace *trace_new(uint32_t events)
{
    struct trace *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    /* Pages come as they are used: a short run does not pay for a long ring. */
    t->ring = mmap(NULL, (size_t)events * sizeof *t->ring, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t->ring == MAP_FAILED) {
        free(t);
        return NULL;
    }
    t->size = events;
    t->begin = trace_now();
    return t;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    munmap(t->ring, (size_t)t->size * sizeof *t->ring);
    free(t);
}

uint64_t trace_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void trace_add(struct trace *t, const struct trace_kind *kind, uint64_t at, uint32_t took,
               uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t n = __atomic_fetch_add(&t->count, 1, __ATOMIC_RELAXED);

    t->ring[n % t->size] = (struct event){at, kind, took, a, b, c};
}

/* ---- JSON ---- */

static void write_event(FILE *f, const struct event *e, uint64_t begin)
{
    const struct trace_kind *k = e->kind;
    const uint32_t numbers[3] = {e->a, e->b, e->c};
    uint64_t at = e->at > begin ? e->at - begin : 0;
    const char *comma = "";

    fprintf(f, ",\n{\"name\":\"%s", k->name);
    if (k->numbered)
        fprintf(f, " %02x", e->a);
    fprintf(f, "\",\"cat\":\"%s\",\"pid\":1,\"tid\":1,\"ts\":%llu.%03u", k->category,
            (unsigned long long)(at / 1000), (unsigned)(at % 1000));
    if (e->took == TRACE_INSTANT)
        fprintf(f, ",\"ph\":\"i\",\"s\":\"t\",\"args\":{");
    else
        fprintf(f, ",\"ph\":\"X\",\"dur\":%u.%03u,\"args\":{", e->took / 1000, e->took % 1000);
    for (unsigned i = 0; i < 3; i++)
        if (k->args[i]) {
            fprintf(f, "%s\"%s\":\"0x%x\"", comma, k->args[i], numbers[i]);
            comma = ",";
        }
    fputs("}}", f);
}

bool trace_write(const struct trace *t, const char *path)
{
    FILE *f = fopen(path, "we");
    uint64_t first = t->count > t->size ? t->count - t->size : 0;

    if (!f)
        return false;
    fprintf(f,
            "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"dropped\":%llu},\"traceEvents\":[\n"
            "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"ringer\"}},\n"
            "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"args\":{\"name\":"
            "\"CPU 0\"}}",
            (unsigned long long)first);
    for (uint64_t i = first; i < t->count; i++)
        if (t->ring[i % t->size].kind)
            write_event(f, &t->ring[i % t->size], t->begin);
    fputs("\n]}\n", f);
    bool ok = !ferror(f);
    int saved = errno;
    ok &= fclose(f) == 0;
    if (ok)
        return true;
    errno = errno ? errno : saved;
    return false;
}
