/* The code cache: one memfd mapped twice (writable here, executable there), filled from one end
 * and flushed whole, by generation; and the blocks in it, by key, by physical page, by link. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "translator/internal.h"

enum {
    DEFAULT_CACHE = 64 << 20,
    MIN_CACHE = 1 << 20,
    BLOCK_BYTES = 64 /* less than one takes */,
    HASH_SIZE = 1 << TB_HASH_BITS
};

static void *lazy(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The executable view, at AREA.  For perf maps the host must take it for memory without a file: the
 * writable view is shared memory then, mapped again by mremap of no bytes. */
static void *map_executable(struct translator *t, void *area)
{
    enum { PROTECTION = PROT_READ | PROT_EXEC };
    if (!t->options.perf_map)
        return mmap(area, t->cache_size, PROTECTION, MAP_SHARED | MAP_FIXED, t->fd, 0);
    void *p = mremap(t->rw, 0, t->cache_size, MREMAP_MAYMOVE | MREMAP_FIXED, area);
    return p == MAP_FAILED || mprotect(p, t->cache_size, PROTECTION) == 0 ? p : MAP_FAILED;
}

/* Bytes of the blocks' counters, which lie in front of the runtime area. */
static size_t counters_size(const struct translator *t)
{
    return ((size_t)t->tb_max * sizeof *t->counts.executions + PAGE_SIZE - 1) & ~(size_t)4095;
}

/* The two views.  The executable one has the runtime area right in front of it. */
static bool map_code(struct translator *t, struct error *err)
{
    t->fd = t->options.fail_cache_alloc ? -1 : memfd_create("ringer-code", MFD_CLOEXEC);
    if (t->fd < 0 || ftruncate(t->fd, t->cache_size) < 0)
        return error_set(err, "no memory for a code cache of %u MiB: make it smaller",
                         t->cache_size >> 20);
    bool file = !t->options.perf_map;
    t->rw = mmap(NULL, t->cache_size, PROT_READ | PROT_WRITE,
                 file ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, file ? t->fd : -1, 0);
    uint8_t *area = mmap(NULL, counters_size(t) + RUNTIME_SIZE + t->cache_size, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t->rw == MAP_FAILED || area == MAP_FAILED)
        return error_set(err, "no address space for the code cache: %s", strerror(errno));
    t->counts.executions = (uint64_t *)area;
    if (mprotect(area, counters_size(t), PROT_READ | PROT_WRITE))
        return error_set(err, "no memory for the blocks' counters: %s", strerror(errno));
    area += counters_size(t);
    t->rt = mmap(area, RUNTIME_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    t->rx = map_executable(t, area + RUNTIME_SIZE);
    if ((void *)t->rt == MAP_FAILED || t->rx == MAP_FAILED)
        return error_set(err, "the host refuses executable memory: %s", strerror(errno));
    return true;
}

bool cache_init(struct translator *t, struct error *err)
{
    t->cache_size = t->options.cache_bytes ? t->options.cache_bytes : DEFAULT_CACHE;
    if (t->cache_size < MIN_CACHE)
        t->cache_size = MIN_CACHE;
    t->cache_size &= ~4095u;
    t->tb_max = t->cache_size / BLOCK_BYTES;
    if (t->tb_max > EXIT_CODE(1, 0) / TB_SLOTS)
        t->tb_max = EXIT_CODE(1, 0) / TB_SLOTS;
    if (!map_code(t, err))
        return false;
    t->map_max = t->cache_size / 16;
    t->site_max = t->cache_size / 256;
    t->reloc_max = t->cache_size / 16;
    t->imm_max = t->cache_size / 256;
    t->tbs = lazy((size_t)t->tb_max * sizeof *t->tbs);
    t->map = lazy((size_t)t->map_max * sizeof *t->map);
    t->far_max = t->tb_max;
    t->far_links = lazy((size_t)t->far_max * sizeof *t->far_links);
    t->straight.list = lazy(CROSSINGS * sizeof *t->straight.list);
    t->relocs = lazy((size_t)t->reloc_max * sizeof *t->relocs);
    t->sites = lazy((size_t)t->site_max * sizeof *t->sites);
    t->imms = lazy((size_t)t->imm_max * sizeof *t->imms);
    t->code_tbs = lazy((t->cache_size >> CODE_PIECE_SHIFT) * sizeof *t->code_tbs);
    t->hash = lazy(HASH_SIZE * sizeof *t->hash);
    t->page_tbs = lazy(PHYS_FRAMES * sizeof *t->page_tbs);
    t->page_granule = lazy(PHYS_FRAMES * sizeof *t->page_granule);
    t->page_variants = lazy(PHYS_FRAMES * sizeof *t->page_variants);
    t->variants = lazy((size_t)t->tb_max * sizeof *t->variants);
    t->member_max = t->tb_max * 8;
    t->members = lazy((size_t)t->member_max * sizeof *t->members);
    t->policy = lazy(sizeof *t->policy << POLICY_BITS);
    if (!t->tbs || !t->map || !t->far_links || !t->sites || !t->relocs || !t->imms || !t->hash ||
        !t->page_tbs || !t->page_granule || !t->page_variants || !t->variants || !t->members ||
        !t->policy || !t->code_tbs || !t->straight.list)
        return error_set(err, "no memory for the translator's tables");
    t->emit = (struct emit){.base = t->rw, .pos = 0, .limit = t->cache_size};
    stubs_emit(t);
    t->cache_start = (t->emit.pos + 63) & ~63u;
    t->emit.pos = t->cache_start;
    t->tb_count = 1;
    variants_forget(t);
    return true;
}

void cache_free(struct translator *t)
{
    debugger_forget(t->debugger);
    if (t->rw && t->rw != MAP_FAILED)
        munmap(t->rw, t->cache_size);
    if (t->rt)
        munmap(t->counts.executions, counters_size(t) + RUNTIME_SIZE + t->cache_size);
    if (t->fd > 0)
        close(t->fd);
    if (t->tbs)
        munmap(t->tbs, (size_t)t->tb_max * sizeof *t->tbs);
    if (t->map)
        munmap(t->map, (size_t)t->map_max * sizeof *t->map);
    if (t->far_links)
        munmap(t->far_links, (size_t)t->far_max * sizeof *t->far_links);
    if (t->straight.list)
        munmap(t->straight.list, CROSSINGS * sizeof *t->straight.list);
    if (t->relocs)
        munmap(t->relocs, (size_t)t->reloc_max * sizeof *t->relocs);
    if (t->sites)
        munmap(t->sites, (size_t)t->site_max * sizeof *t->sites);
    if (t->imms)
        munmap(t->imms, (size_t)t->imm_max * sizeof *t->imms);
    if (t->code_tbs)
        munmap(t->code_tbs, (t->cache_size >> CODE_PIECE_SHIFT) * sizeof *t->code_tbs);
    if (t->hash)
        munmap(t->hash, HASH_SIZE * sizeof *t->hash);
    if (t->page_tbs)
        munmap(t->page_tbs, PHYS_FRAMES * sizeof *t->page_tbs);
    if (t->page_granule)
        munmap(t->page_granule, PHYS_FRAMES * sizeof *t->page_granule);
    if (t->page_variants)
        munmap(t->page_variants, PHYS_FRAMES * sizeof *t->page_variants);
    if (t->variants)
        munmap(t->variants, (size_t)t->tb_max * sizeof *t->variants);
    if (t->members)
        munmap(t->members, (size_t)t->member_max * sizeof *t->members);
    if (t->policy)
        munmap(t->policy, sizeof *t->policy << POLICY_BITS);
}

/* ---- by physical page ---- */

static void page_add(struct translator *t, uint32_t tb, unsigned part, uint32_t first,
                     uint32_t last)
{
    uint32_t pfn = first >> PAGE_SHIFT;
    t->tbs[tb].page_next[part] = t->page_tbs[pfn];
    if (!t->page_tbs[pfn])
        phys_set_flag(t->phys, pfn, FRAME_CODE);
    t->page_tbs[pfn] = tb * 2 + part;
    for (uint32_t g = (first & 4095) >> 6; g <= (last & 4095) >> 6; g++)
        t->page_granule[pfn] |= 1ull << g;
}

static void page_remove(struct translator *t, uint32_t tb, unsigned part, uint32_t pfn)
{
    uint32_t *link = &t->page_tbs[pfn];
    while (*link && *link != tb * 2 + part)
        link = &t->tbs[*link / 2].page_next[*link & 1];
    if (*link)
        *link = t->tbs[tb].page_next[part];
    if (!t->page_tbs[pfn]) {
        t->page_granule[pfn] = 0;
        t->page_variants[pfn] = 0;
        phys_clear_flag(t->phys, pfn, FRAME_CODE);
    }
}

/* Bytes of TB in its first page. */
static uint32_t first_part(const struct tb *tb)
{
    uint32_t room = PAGE_SIZE - (tb->phys & 4095);
    return tb->size < room ? tb->size : room;
}

/* ---- by key ---- */

static uint32_t hash_of(uint32_t phys, uint32_t mode)
{
    uint32_t h = (phys * 0x9E3779B1u ^ mode * 0x85EBCA6Bu) * 0xC2B2AE35u;
    return h * 0x9E3779B1u >> (32 - TB_HASH_BITS);
}

static uint32_t *hash_slot(const struct translator *t, const struct tb *tb)
{
    return &t->hash[hash_of(tb->phys, tb->mode)];
}

struct tb *cache_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t cs_base,
                      uint32_t cs_limit, uint32_t mode)
{
    if (rebase_movable_mode(mode)) { /* flat: base and limit are what they are */
        struct tb *tb = NULL;
        for (int fixed = 0; fixed < 2 && !tb; fixed++) {
            uint32_t variant = variant_find(t, phys >> PAGE_SHIFT, eip - phys, mode, fixed);
            tb = variant ? variant_block(t, variant, phys) : NULL;
        }
        return tb;
    }
    for (uint32_t i = t->hash[hash_of(phys, mode)]; i; i = t->tbs[i].hash_next) {
        struct tb *tb = &t->tbs[i];
        if (tb->phys == phys && tb->eip == eip && tb->cs_base == cs_base && tb->mode == mode &&
            tb->cs_limit == cs_limit)
            return tb;
    }
    return NULL;
}

static void hash_insert(struct translator *t, struct tb *tb)
{
    uint32_t *slot = hash_slot(t, tb);
    tb->hash_next = *slot;
    *slot = (uint32_t)(tb - t->tbs);
}

static void hash_remove(struct translator *t, struct tb *tb)
{
    uint32_t i = (uint32_t)(tb - t->tbs);
    uint32_t *link = hash_slot(t, tb);
    while (*link && *link != i)
        link = &t->tbs[*link].hash_next;
    if (*link)
        *link = tb->hash_next;
}

void cache_insert(struct translator *t, struct tb *tb)
{
    uint32_t i = (uint32_t)(tb - t->tbs);
    tb->valid = true;
    while (t->code_pieces <= (tb->code_end - 1) >> CODE_PIECE_SHIFT)
        t->code_tbs[t->code_pieces++] = i;
    page_add(t, i, 0, tb->phys, tb->phys + first_part(tb) - 1);
    if (tb->phys2 != ~0u)
        page_add(t, i, 1, tb->phys2, tb->phys2 + tb->size - first_part(tb) - 1);
    if (!rebase_movable_mode(tb->mode) || !variant_add(t, tb, rebase_fixed(tb)))
        hash_insert(t, tb);
}

void cache_isolate(struct translator *t, struct tb *tb)
{
    while (tb->incoming != ~0u)
        cache_unlink(t, &t->tbs[tb->incoming / TB_SLOTS], tb->incoming % TB_SLOTS);
    for (unsigned s = 0; s < TB_SLOTS; s++)
        cache_unlink(t, tb, s);
}

void cache_invalidate(struct translator *t, struct tb *tb, enum retranslation cause)
{
    if (!tb->valid)
        return;
    tb->valid = false;
    t->stats.invalidated++;
    count_retire(t, tb);
    count_given_up(t, tb, cause);
    if (tb->variant)
        variant_remove(t, tb);
    else
        hash_remove(t, tb);
    table_forget_block(t, tb);
    cache_isolate(t, tb);
    uint32_t i = (uint32_t)(tb - t->tbs);
    page_remove(t, i, 0, tb->phys >> PAGE_SHIFT);
    if (tb->phys2 != ~0u)
        page_remove(t, i, 1, tb->phys2 >> PAGE_SHIFT);
}

/* ---- direct jumps ---- */

void cache_patch(struct translator *t, uint32_t at, uint32_t target)
{
    uint32_t rel = target - (at + 4);
    memcpy(t->rw + at, &rel, 4);
}

void cache_link(struct translator *t, struct tb *from, unsigned slot, struct tb *to)
{
    struct tb_exit *x = &from->exits[slot];
    if (!from->valid || !to->valid || !x->patch || x->link ||
        (x->table && t->far_count == t->far_max))
        return;
    x->link = (uint32_t)(to - t->tbs);
    x->next_in = to->incoming;
    to->incoming = (uint32_t)(from - t->tbs) * TB_SLOTS + slot;
    cache_patch(t, x->patch, from->uses_fpu ? to->direct_live : to->direct);
    t->stats.chains++;
    if (x->table)
        t->far_links[t->far_count++] = (uint32_t)(from - t->tbs) * TB_SLOTS + slot;
}

void cache_detour(struct translator *t, struct tb *from, unsigned slot)
{
    struct tb_exit *x = &from->exits[slot];
    if (from->valid && x->table && !x->link) {
        cache_patch(t, x->patch, x->table);
        if (slot < TB_SIDE && !from->jump)
            from->jump = JUMP_CROSS_PAGE + 1;
        t->stats.detours++;
    }
}

void cache_unlink_far(struct translator *t, uint32_t page, bool every)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->far_count; i++) {
        struct tb *from = &t->tbs[t->far_links[i] / TB_SLOTS];
        unsigned slot = t->far_links[i] % TB_SLOTS;
        const struct tb_exit *x = &from->exits[slot];
        if (x->link && (every || (from->cs_base + exit_target(from, slot)) >> PAGE_SHIFT == page))
            cache_unlink(t, from, slot);
        if (x->link)
            t->far_links[kept++] = t->far_links[i];
    }
    t->far_count = kept;
}

/* Async-signal-safe: the kick handler unlinks the block that runs. */
void cache_unlink(struct translator *t, struct tb *from, unsigned slot)
{
    struct tb_exit *x = &from->exits[slot];
    if (!x->link)
        return;
    uint32_t self = (uint32_t)(from - t->tbs) * TB_SLOTS + slot;
    uint32_t *link = &t->tbs[x->link].incoming;
    while (*link != ~0u && *link != self)
        link = &t->tbs[*link / TB_SLOTS].exits[*link % TB_SLOTS].next_in;
    if (*link == self)
        *link = x->next_in;
    x->link = TB_NONE;
    cache_patch(t, x->patch, x->stub);
    t->stats.unlinks++;
}

struct tb *cache_at(struct translator *t, uint32_t offset)
{
    uint32_t piece = offset >> CODE_PIECE_SHIFT;
    if (piece >= t->code_pieces)
        return NULL;
    uint32_t low = t->code_tbs[piece];
    uint32_t high = piece + 1 < t->code_pieces ? t->code_tbs[piece + 1] : t->tb_count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (t->tbs[mid].code_end <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->tb_count && t->tbs[low].code <= offset ? &t->tbs[low] : NULL;
}

/* ---- generations ---- */

void cache_flush(struct translator *t)
{
    t->stats.flushes++;
    t->stats.flushed += t->tb_count - 1;
    t->generation++;
    for (uint32_t i = 1; i < t->tb_count; i++)
        count_retire(t, &t->tbs[i]);
    for (uint32_t i = 1; i < t->tb_count; i++)
        if (t->tbs[i].valid) {
            count_given_up(t, &t->tbs[i], RETRANSLATED_FLUSH);
            uint32_t pages[2] = {t->tbs[i].phys >> PAGE_SHIFT, t->tbs[i].phys2 >> PAGE_SHIFT};
            for (unsigned p = 0; p < 2; p++)
                if (pages[p] < PHYS_FRAMES && t->page_tbs[pages[p]]) {
                    t->page_tbs[pages[p]] = 0;
                    t->page_granule[pages[p]] = 0;
                    t->page_variants[pages[p]] = 0;
                    phys_clear_flag(t->phys, pages[p], FRAME_CODE);
                }
        }
    memset(t->hash, 0, HASH_SIZE * sizeof *t->hash);
    t->tb_count = 1;
    t->code_pieces = 0;
    variants_forget(t);
    t->map_count = t->site_count = t->reloc_count = t->imm_count = t->far_count = 0;
    t->emit.pos = t->cache_start;
    t->emit.overflow = false;
    table_clear_all(t);
    log_write(t->log, LOG_MMU, "code cache full: generation %u begins", t->generation);
}

/* ---- self-modifying code ---- */

static bool overlaps(const struct tb *tb, uint32_t pa, uint32_t len)
{
    uint32_t n = first_part(tb);
    if (pa < tb->phys + n && tb->phys < pa + len)
        return true;
    return tb->phys2 != ~0u && pa < tb->phys2 + (tb->size - n) && tb->phys2 < pa + len;
}

static void write_in_page(struct translator *t, uint32_t pa, uint32_t len)
{
    uint32_t pfn = pa >> PAGE_SHIFT;
    uint64_t granules = 0;
    for (uint32_t g = (pa & 4095) >> 6; g <= ((pa + len - 1) & 4095) >> 6; g++)
        granules |= 1ull << g;
    t->stats.code_writes++;
    if (!(t->page_granule[pfn] & granules)) {
        count_writer(t, pa, 0);
        return;
    }
    unsigned hits = 0;
    for (uint32_t link = t->page_tbs[pfn], next; link; link = next) {
        struct tb *tb = &t->tbs[link / 2];
        next = tb->page_next[link & 1];
        if (!overlaps(tb, pa, len))
            continue;
        t->stats.code_hits++;
        if (tb->imm_count && immediate_follow(t, tb, pa, len))
            continue;
        immediate_changed(t, tb, pa);
        hits++;
        cache_invalidate(t, tb, count_by_device(t) ? RETRANSLATED_DEVICE : RETRANSLATED_STORE);
    }
    count_writer(t, pa, hits);
}

void cache_on_code_write(void *opaque, uint32_t pa, uint32_t len)
{
    struct translator *t = opaque;
    while (len) {
        uint32_t n = PAGE_SIZE - (pa & 4095);
        if (n > len)
            n = len;
        write_in_page(t, pa, n);
        pa += n;
        len -= n;
    }
}

void cache_invalidate_at(struct translator *t, uint32_t phys, enum retranslation cause)
{
    for (uint32_t link = t->page_tbs[phys >> PAGE_SHIFT], next; link; link = next) {
        struct tb *tb = &t->tbs[link / 2];
        next = tb->page_next[link & 1];
        if (!overlaps(tb, phys, 1))
            continue;
        t->counts.invalid[INVALID_POLICY]++;
        cache_invalidate(t, tb, cause);
    }
}

/* ---- sites that fault ---- */

enum { HITS_TO_SLOW = 2, HITS_TO_REACH = 2, REACH_NEVER = UINT8_MAX, MAX_BACKOFF = 10 };

/* Neighbours stand together: instructions are asked for in their order. */
static uint32_t policy_slot(uint32_t phys)
{
    enum { NEAR_BITS = 5 };
    uint32_t group = (phys >> NEAR_BITS) * 0x9E3779B1u >> (32 - POLICY_BITS + NEAR_BITS);
    return group << NEAR_BITS | (phys & ((1u << NEAR_BITS) - 1));
}

enum site_policy policy_get(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    return t->policy[i].phys == phys ? t->policy[i].policy : SITE_PLAIN;
}

static uint32_t policy_take(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    if (t->policy[i].phys != phys) {
        memset(&t->policy[i], 0, sizeof t->policy[i]);
        t->policy[i].phys = phys;
    }
    return i;
}

bool policy_hit_churn(struct translator *t, uint32_t phys)
{
    enum { SEASON_SHIFT = 6, CHURN_BACKOFF = 3 };
    uint32_t i = policy_take(t, phys);
    uint8_t season = (uint8_t)(mmu_stats(t->mmu)->invlpgs >> SEASON_SHIFT);
    bool again = t->policy[i].season == season && t->policy[i].hits;
    t->policy[i].season = season;
    t->policy[i].hits = 1;
    if (!again || t->policy[i].policy == SITE_SLOW)
        return false;
    t->policy[i].hits = 0;
    t->policy[i].policy = SITE_SLOW;
    t->policy[i].churn = true;
    if (t->policy[i].backoff < CHURN_BACKOFF)
        t->policy[i].backoff++;
    return true;
}

bool policy_hit_reach(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_take(t, phys);
    if (t->policy[i].policy >= SITE_REACH || t->policy[i].reach == REACH_NEVER ||
        ++t->policy[i].reach < HITS_TO_REACH)
        return false;
    t->policy[i].policy = SITE_REACH;
    return true;
}

bool policy_reaches(const struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    return t->policy[i].phys != phys ||
           (t->policy[i].reach != REACH_NEVER && t->policy[i].policy <= SITE_REACH);
}

void policy_refuse_reach(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_take(t, phys);
    t->policy[i].policy = SITE_PLAIN;
    t->policy[i].reach = REACH_NEVER;
}

void policy_change(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_take(t, phys);
    if (t->policy[i].changes < UINT8_MAX)
        t->policy[i].changes++;
}

uint8_t policy_changes(const struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    return t->policy[i].phys == phys ? t->policy[i].changes : 0;
}

bool policy_hit(struct translator *t, uint32_t phys, enum site_policy towards)
{
    uint32_t i = policy_take(t, phys);
    if (t->policy[i].policy >= towards)
        return false;
    if (towards == SITE_SLOW && ++t->policy[i].hits < HITS_TO_SLOW)
        return false;
    t->policy[i].policy = (uint8_t)towards;
    t->policy[i].churn = false;
    t->policy[i].hits = 0;
    if (t->policy[i].backoff < MAX_BACKOFF)
        t->policy[i].backoff++;
    return true;
}

/* A slow site met only plain memory RUN times in a row: plain again, after longer runs each time
 * where a wrong guess costs device accesses. */
void policy_relax(struct translator *t, uint32_t phys, uint32_t run)
{
    uint32_t i = policy_slot(phys);
    if (t->policy[i].phys != phys || t->policy[i].policy != SITE_SLOW ||
        run < 32u << t->policy[i].backoff)
        return;
    t->policy[i].policy = SITE_PLAIN;
    cache_invalidate_at(t, phys, RETRANSLATED_PLAIN);
}

enum { MAPS = 64 }; /* then it is looked at again */

bool policy_maps(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    if (t->policy[i].phys != phys || !t->policy[i].maps)
        return false;
    t->policy[i].maps--;
    return true;
}

void policy_map(struct translator *t, uint32_t phys)
{
    uint32_t i = policy_slot(phys);
    if (t->policy[i].phys != phys || t->policy[i].policy != SITE_SLOW)
        return;
    t->policy[i].policy = SITE_PLAIN;
    t->policy[i].maps = MAPS;
    cache_invalidate_at(t, phys, RETRANSLATED_MAP);
}
