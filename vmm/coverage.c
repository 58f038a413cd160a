/* A set of blocks, and its drcov form: text headers, and a table of {offset, size, module} with 4,
 * 2 and 2 bytes each. */
#include "vmm/coverage.h"
#include "vmm/symbols.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1 << 14, MOST = 1 << 24 }; /* slots: a hostile guest fills them, and no more */

struct coverage {
    uint64_t *slot; /* linear address * 2^16 + size, never 0; open hashing */
    size_t slots, used;
};

struct coverage *coverage_new(void)
{
    struct coverage *c = calloc(1, sizeof *c);

    if (c && (c->slot = calloc(FIRST, sizeof *c->slot))) {
        c->slots = FIRST;
        return c;
    }
    free(c);
    return NULL;
}

void coverage_free(struct coverage *c)
{
    if (c)
        free(c->slot);
    free(c);
}

/* The slot that has VALUE, or the free one where it belongs. */
static uint64_t *find(uint64_t *slot, size_t slots, uint64_t value)
{
    size_t i = (size_t)(value * 0x9E3779B97F4A7C15ull >> 20) & (slots - 1);

    while (slot[i] && slot[i] != value)
        i = (i + 1) & (slots - 1);
    return &slot[i];
}

static bool grow(struct coverage *c)
{
    size_t slots = c->slots * 2;
    uint64_t *bigger = slots <= MOST ? calloc(slots, sizeof *bigger) : NULL;

    if (!bigger)
        return false;
    for (size_t i = 0; i < c->slots; i++)
        if (c->slot[i])
            *find(bigger, slots, c->slot[i]) = c->slot[i];
    free(c->slot);
    c->slot = bigger;
    c->slots = slots;
    return true;
}

void coverage_block(struct coverage *c, const struct translated *b)
{
    uint64_t value = (uint64_t)b->linear << 16 | (b->size & 0xFFFF);

    if (!b->size)
        return;
    uint64_t *slot = find(c->slot, c->slots, value);
    if (*slot)
        return;
    if (c->used * 4 >= c->slots * 3) {
        if (!grow(c))
            return;
        slot = find(c->slot, c->slots, value);
    }
    *slot = value;
    c->used++;
}

static unsigned module_count(const struct symbols *symbols)
{
    struct symbols_module m;
    unsigned n = 0;

    while (symbols_module(symbols, n, &m))
        n++;
    return n;
}

static void write_modules(FILE *f, const struct symbols *symbols)
{
    struct symbols_module m;
    unsigned n = module_count(symbols);

    fprintf(f,
            "DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\nModule Table: version 2, count %u\n"
            "Columns: id, base, end, entry, path\n",
            n + 1);
    for (unsigned i = 0; i < n && symbols_module(symbols, i, &m); i++)
        fprintf(f, "%3u, 0x%08x, 0x%09llx, 0x00000000, %s\n", i, m.begin,
                (unsigned long long)m.end + 1, m.path);
    fprintf(f, "%3u, 0x00000000, 0x100000000, 0x00000000, guest\n", n);
}

static void write_block(FILE *f, const struct symbols *symbols, unsigned modules, uint64_t value)
{
    uint32_t address = (uint32_t)(value >> 16);
    uint16_t size = (uint16_t)value, module = (uint16_t)modules;
    struct symbols_module m;

    for (unsigned i = 0; i < modules && symbols_module(symbols, i, &m); i++)
        if (address >= m.begin && address <= m.end) {
            address -= m.begin;
            module = (uint16_t)i;
            break;
        }
    fwrite(&address, 4, 1, f);
    fwrite(&size, 2, 1, f);
    fwrite(&module, 2, 1, f);
}

bool coverage_write(const struct coverage *c, const struct symbols *symbols, const char *path,
                    struct error *err)
{
    unsigned modules = module_count(symbols);
    FILE *f = fopen(path, "we");

    if (!f)
        return error_set(err, "%s: cannot be written: %s", path, strerror(errno));
    write_modules(f, symbols);
    fprintf(f, "BB Table: %zu bbs\n", c->used);
    for (size_t i = 0; i < c->slots; i++)
        if (c->slot[i])
            write_block(f, symbols, modules, c->slot[i]);
    bool ok = !ferror(f);
    ok &= fclose(f) == 0;
    return ok || error_set(err, "%s: cannot be written: %s", path, strerror(errno));
}
