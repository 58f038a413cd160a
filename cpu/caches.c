#include "cpu/caches.h"

#include <cpuid.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    KIND = 0x3FF, /* of leaf 4's EAX: what is left tells who shares the cache */
    TYPE = 0x1F,
};

/* Read the host's caches: Intel's leaf 4, or AMD's 8000001Dh of the same form (APM vol. 3 E.4.15),
 * which there is with topology extensions.  False if it has neither. */
static bool host_caches(struct cpu_cache *caches, unsigned n)
{
    uint32_t r[4] = {0};
    uint32_t leaf = 4;
    if (__get_cpuid(0x80000001, &r[0], &r[1], &r[2], &r[3]) && r[2] >> 22 & 1)
        leaf = 0x8000001D;
    for (unsigned i = 0; i < n; i++) {
        if (!__get_cpuid_count(leaf, i, &r[0], &r[1], &r[2], &r[3]) || !(r[0] & TYPE))
            return i > 0;
        caches[i] = (struct cpu_cache){r[0] & KIND, r[1], r[2], r[3]};
    }
    return true;
}

void cpu_caches_init(struct cpu_model *model)
{
#define CACHE(type, level, ways, sets)                                                             \
    {                                                                                              \
        (type) | (level) << 5 | 1 << 8, 63 | ((ways)-1) << 22, (sets)-1, 0                         \
    }
    static const struct cpu_cache common[] = {CACHE(1, 1, 8, 64), CACHE(2, 1, 8, 64),
                                              CACHE(3, 2, 8, 4096)};
#undef CACHE
    model->host_caches = model->host_caches && model->max_leaf >= 4 &&
                         host_caches(model->caches, COUNT(model->caches));
    if (!model->host_caches)
        memcpy(model->caches, common, sizeof common);
}

/* Descriptors of SDM table 3-12: TLBs of 4 KiB and 4 MiB pages, and the caches. */
void cpu_cache_descriptors(const struct cpu_model *m, uint32_t regs[4])
{
    regs[0] = 0x01 | 0x01u << 8 | 0x02u << 16 | 0x03u << 24; /* AL: one call tells all */
    if (m->host_caches)
        regs[3] = 0xFF; /* see leaf 4 */
    else if (m->signature >> 8 == 0xF)
        regs[3] = 0x66 | 0x70u << 8 | 0x7Bu << 16; /* 8 KiB L1 D, trace cache, 512 KiB L2 */
    else if (m->max_leaf >= 4)
        regs[3] = 0x2C | 0x30u << 8 | 0x7Du << 16; /* 32 KiB 8-way L1 D and I; 2 MiB L2 */
    else
        regs[3] = 0x0C | 0x08u << 8 | 0x43u << 16; /* 16 KiB L1 D and I; 512 KiB L2 */
}

void cpu_cache_parameters(const struct cpu_model *m, uint32_t subleaf, uint32_t regs[4])
{
    if (subleaf >= COUNT(m->caches))
        return;
    const struct cpu_cache *c = &m->caches[subleaf];
    regs[0] = c->kind;
    regs[1] = c->geometry;
    regs[2] = c->sets;
    regs[3] = c->flags;
}

/* Ways as 80000006h codes them, the next lower number that it has a code for. */
static uint32_t ways_code(uint32_t ways)
{
    static const struct {
        uint8_t ways, code;
    } codes[] = {{128, 14}, {96, 13}, {64, 12}, {48, 11}, {32, 10},
                 {16, 8},   {8, 6},   {4, 4},   {2, 2}};
    for (unsigned i = 0; i < COUNT(codes); i++)
        if (ways >= codes[i].ways)
            return codes[i].code;
    return 1;
}

uint32_t cpu_cache_second_level(const struct cpu_model *m)
{
    for (unsigned i = 0; i < COUNT(m->caches); i++) {
        const struct cpu_cache *c = &m->caches[i];
        if (!(c->kind & TYPE) || (c->kind >> 5 & 7) != 2)
            continue;
        uint32_t line = (c->geometry & 0xFFF) + 1, partitions = (c->geometry >> 12 & 0x3FF) + 1;
        uint32_t ways = (c->geometry >> 22) + 1;
        uint64_t kib = (uint64_t)line * partitions * ways * ((uint64_t)c->sets + 1) >> 10;
        return (line & 0xFF) | ways_code(ways) << 12 |
               (uint32_t)(kib < 0xFFFF ? kib : 0xFFFF) << 16;
    }
    return 0;
}
