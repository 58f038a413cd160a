/* Counting beyond plain counters; see count.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "translator/internal.h"

static void *lazy(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static uint64_t clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t count_ns(const struct translator *t, uint64_t cycles)
{
    uint64_t passed = count_cycles() - t->counts.began_cycles;
    double ns = (double)(clock_ns() - t->counts.began_ns);
    return passed ? (uint64_t)((double)cycles * ns / (double)passed) : 0;
}

bool count_init(struct translator *t)
{
    struct counts *c = &t->counts;
    c->began_cycles = count_cycles();
    c->began_ns = clock_ns();
    c->page_samples = lazy(PHYS_FRAMES * sizeof *c->page_samples);
    c->page_executions = lazy(PHYS_FRAMES * sizeof *c->page_executions);
    c->history = lazy(sizeof *c->history << HISTORY_BITS);
    return c->page_samples && c->page_executions && c->history;
}

void count_free(struct translator *t)
{
    struct counts *c = &t->counts;
    if (c->page_samples)
        munmap(c->page_samples, PHYS_FRAMES * sizeof *c->page_samples);
    if (c->page_executions)
        munmap(c->page_executions, PHYS_FRAMES * sizeof *c->page_executions);
    if (c->history)
        munmap(c->history, sizeof *c->history << HISTORY_BITS);
}

void count_call(struct translator *t, const struct insn *in, bool slow)
{
    uint32_t key = 1u << 31 | (uint32_t)slow << 16 | (uint32_t)in->map << 12 |
                   (uint32_t)in->opcode << 3 | (in->has_modrm ? insn_reg(in) : 0u);
    if (in->map == MAP_0F && in->opcode == 0x01 && in->modrm >> 6 == 3) /* RDTSCP is no INVLPG */
        key |= 1u << 17 | (in->modrm & 7u) << 18;
    uint32_t i = key * 0x9E3779B1u >> 23;
    for (unsigned n = 0; n < 8; n++, i = (i + 1) % CALL_SLOTS) {
        struct call_count *c = &t->counts.calls[i];
        if (c->key == key) {
            c->count++;
            return;
        }
        if (c->key)
            continue;
        *c = (struct call_count){
            .key = key, .slow = slow, .bits = t->mode & MODE_CODE32 ? 32 : 16, .count = 1};
        memcpy(c->bytes, in->bytes, sizeof c->bytes);
        return;
    }
    t->counts.calls_other++;
}

/* The writer's slot: its own, a free one, or that of the one that matters least. */
static struct writer *writer_slot(struct counts *c, uint32_t eip, uint32_t cs_base)
{
    enum { PROBES = 8 };
    uint32_t i = (eip + cs_base) * 0x9E3779B1u >> 25;
    struct writer *least = NULL;
    for (unsigned n = 0; n < PROBES; n++) {
        struct writer *w = &c->writers[(i + n) % WRITER_SLOTS];
        if (!w->writes || (w->eip == eip && w->cs_base == cs_base))
            return w;
        if (!least || w->writes < least->writes)
            least = w;
    }
    *least = (struct writer){0};
    return least;
}

/* Where the history of code at PHYS is.  *TAG tells it from others that share the place: the
 * product is another one for each address. */
static uint32_t *history_of(struct translator *t, uint32_t phys, uint32_t *tag)
{
    enum { STATE_BITS = 8 };
    uint32_t h = phys * 0x9E3779B1u;
    *tag = h << HISTORY_BITS >> HISTORY_BITS << STATE_BITS;
    return &t->counts.history[h >> (32 - HISTORY_BITS)];
}

enum { HISTORY_LIVE = 1, HISTORY_GONE = 2 /* + enum retranslation */ };

void count_translated(struct translator *t, const struct tb *tb)
{
    uint32_t tag, *last = history_of(t, tb->phys, &tag), state = *last ^ tag;
    if (state >= HISTORY_LIVE && state < HISTORY_GONE + RETRANSLATIONS)
        t->counts.retranslated[state == HISTORY_LIVE ? RETRANSLATED_MODE : state - HISTORY_GONE]++;
    *last = tag | HISTORY_LIVE;
}

void count_given_up(struct translator *t, const struct tb *tb, enum retranslation cause)
{
    uint32_t tag, *last = history_of(t, tb->phys, &tag);
    *last = tag | (HISTORY_GONE + (uint32_t)cause);
}

bool count_by_device(const struct translator *t)
{
    return phys_at_device(t->phys) || !atomic_load(&t->in_guest);
}

void count_writer(struct translator *t, uint32_t pa, unsigned hits)
{
    struct counts *c = &t->counts;
    enum invalid_cause cause = count_by_device(t) ? INVALID_DEVICE : INVALID_STORE;
    c->invalid[cause] += hits;
    uint32_t cs_base = t->cpu->seg[SEG_CS].base;
    struct writer *w = writer_slot(c, t->cpu->eip, cs_base);
    w->eip = t->cpu->eip;
    w->cs_base = cs_base;
    w->page = pa & ~(PAGE_SIZE - 1);
    w->cause = cause;
    w->writes++;
    w->hits += hits;
}

void count_retire(struct translator *t, const struct tb *tb)
{
    uint64_t *n = &t->counts.executions[tb - t->tbs];
    t->counts.executed += *n * tb->insns;
    t->counts.page_executions[tb->phys >> PAGE_SHIFT] += *n * tb->insns;
    *n = 0;
}

uint64_t count_executed(const struct translator *t)
{
    uint64_t sum = t->counts.executed;
    for (uint32_t i = 1; i < t->tb_count; i++)
        sum += t->counts.executions[i] * t->tbs[i].insns;
    return sum;
}
