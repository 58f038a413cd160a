/* Jump tables: what indirect jumps, returns and jumps across pages go through.
 *
 * A table belongs to one window, one mode and one code segment limit, has an entry for each value
 * of the low 16 bits of EIP, and holds cache offsets of checked block entries.  An empty entry is
 * 0, the miss stub's offset, so a fresh table needs no filling. */
#include <string.h>
#include <sys/mman.h>

#include "translator/internal.h"

enum { TABLE_BYTES = 65536 * 4 };

static bool nolimit(const struct segment *s, bool code)
{
    uint32_t type = s->access & (AR_CODE | AR_EXPAND_DOWN | AR_READABLE);
    if (!s->usable || !(s->access & AR_P) || s->limit != 0xFFFFFFFF)
        return false;
    if (code)
        return (s->access & (AR_CODE | AR_READABLE)) == (AR_CODE | AR_READABLE);
    return type == AR_WRITABLE;
}

static uint32_t segment_class(const struct cpu *cpu, unsigned seg)
{
    const struct segment *s = &cpu->seg[seg];
    bool open = nolimit(s, seg == SEG_CS && (cpu->cr0 & CR0_PE));
    return !open ? SEG_CHECKED : s->base ? SEG_BASED : SEG_FLAT;
}

uint32_t mode_compute(const struct cpu *cpu)
{
    uint32_t mode = 0;
    bool v86 = cpu_v86(cpu);
    mode |= cpu->seg[SEG_CS].access & AR_DB ? MODE_CODE32 : 0;
    mode |= cpu->seg[SEG_SS].access & AR_DB ? MODE_STACK32 : 0;
    mode |= cpu->cpl == 3 ? MODE_USER : 0;
    mode |= cpu->cpl == 0 && !v86 ? MODE_RING0 : 0;
    mode |= v86 ? MODE_V86 : 0;
    mode |= cpu->cr0 & CR0_PE ? MODE_PE : 0;
    mode |= cpu->cr0 & CR0_TS ? MODE_TS : 0;
    mode |= cpu->cr0 & CR0_EM ? MODE_EM : 0;
    mode |= cpu->cr0 & CR0_MP ? MODE_MP : 0;
    mode |= cpu->cr4 & CR4_OSFXSR ? MODE_OSFXSR : 0;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        mode |= segment_class(cpu, s) << (MODE_SEG_SHIFT + 2 * s);
    return mode;
}

static struct jump_table *table_find(struct translator *t, uint32_t cs_limit)
{
    struct jump_table *oldest = &t->tables[0], *now = t->current;
    if (now && now->window == t->window && now->mode == t->mode && now->cs_limit == cs_limit)
        return now;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->window == t->window && j->mode == t->mode && j->cs_limit == cs_limit)
            return j;
        if (j->used < oldest->used)
            oldest = j;
    }
    if (!oldest->entry) {
        void *p = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            return NULL;
        oldest->entry = p;
    } else {
        madvise(oldest->entry, TABLE_BYTES, MADV_DONTNEED);
    }
    oldest->window = t->window;
    oldest->mode = t->mode;
    oldest->cs_limit = cs_limit;
    return oldest;
}

void table_select(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    t->window = mmu_window(t->mmu, cpu->cpl == 3);
    t->mode = mode_compute(cpu);
    cpu->mode_changed = 0;
    struct jump_table *j = table_find(t, cpu->seg[SEG_CS].limit);
    t->current = j; /* NULL, no memory: everything misses */
    if (j)
        j->used = ++t->table_clock;
    t->rt->table = (uintptr_t)(j ? j->entry : t->zero_table);
    t->rt->window = (uintptr_t)window_base(t->window);
    t->stats.table_switches++;
}

static void forget_range(struct jump_table *j, uint32_t first, uint32_t count)
{
    if (count >= 16) {
        memset(j->entry, 0, TABLE_BYTES);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        memset(j->entry + ((first + i) & 15) * 4096, 0, 4096 * 4);
}

/* EIP is the linear address only in flat code; elsewhere the whole table goes. */
void table_on_exec_drop(void *opaque, struct window *w, uint32_t lin_page, uint32_t count)
{
    struct translator *t = opaque;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->window != w || !j->entry)
            continue;
        if (mode_seg(j->mode, SEG_CS) == SEG_FLAT)
            forget_range(j, lin_page - 1, count + 1); /* blocks that reach into the page, too */
        else
            madvise(j->entry, TABLE_BYTES, MADV_DONTNEED);
    }
}

void table_on_window_gone(void *opaque, struct window *w)
{
    struct translator *t = opaque;
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].window == w) {
            if (t->tables[i].entry)
                madvise(t->tables[i].entry, TABLE_BYTES, MADV_DONTNEED);
            t->tables[i].window = NULL;
            t->tables[i].used = 0;
        }
    if (t->window == w)
        t->window = NULL;
}

void table_forget_block(struct translator *t, const struct tb *tb)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].entry && t->tables[i].mode == tb->mode &&
            t->tables[i].entry[tb->eip & 0xFFFF] == tb->entry)
            t->tables[i].entry[tb->eip & 0xFFFF] = 0;
}

void table_clear_all(struct translator *t)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].entry)
            madvise(t->tables[i].entry, TABLE_BYTES, MADV_DONTNEED);
}
