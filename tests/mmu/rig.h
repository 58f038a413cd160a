/* A machine's memory for the mmu's tests: page tables made by hand, and windows that are really
 * touched, with a signal handler that fills them as the translator's does. */
#ifndef RINGER_TESTS_MMU_RIG_H
#define RINGER_TESTS_MMU_RIG_H

#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "mmu/mmu_internal.h"
#include "ringer/error.h"

#define MIB (1u << 20)
enum { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define CR0_PG_WP   (1u << 31 | 1u << 16 | 1)
#define CR0_PG_ONLY (1u << 31 | 1)
enum { CR4_PSE_BIT = 1u << 4, CR4_PAE_BIT = 1u << 5, CR4_PGE_BIT = 1u << 7 };
#define EFER_NXE_BIT (1u << 11)
#define NX           (1ull << 63)

/* Index of the page fault's error code in gregs: REG_ERR, which hides behind _GNU_SOURCE. */
#define PAGE_FAULT_CODE 19

struct rig {
    struct phys *phys;
    struct mmu *mmu;
    struct paging pg;
    /* what was reported */
    unsigned exec_drops, gone, code_writes;
    uint32_t exec_page, exec_count, code_pa, code_len;
};

/* Mappings that one run of pages makes: in a reservation, its end is an edge, too. */
static inline unsigned rig_mappings(const struct rig *r)
{
    return r->mmu->bare ? 1 : 2;
}

/* The rig whose windows are being touched: a signal handler has no other way to know. */
static struct rig *touched_rig;
static sigjmp_buf touch_env;
static enum mmu_fill_result touch_result;
static struct mmu_fault touch_fault;

static void touch_handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    enum mmu_access access = uc->uc_mcontext.gregs[PAGE_FAULT_CODE] & 2 ? MMU_WRITE : MMU_READ;
    struct window *w;
    int64_t lin = 0;

    (void)sig;
    w = touched_rig ? mmu_window_at(touched_rig->mmu, info->si_addr, &lin) : NULL;
    if (!w || lin < 0 || lin >> 32)
        abort();
    touch_result = mmu_fill(touched_rig->mmu, w, (uint32_t)lin, access, &touch_fault);
    if (touch_result != FILL_MAPPED)
        siglongjmp(touch_env, 1);
}

static inline enum mmu_fill_result touch(struct rig *r, struct window *w, uint32_t lin, bool write,
                                         uint8_t *value)
{
    volatile uint8_t *at = window_base(w) + lin;
    struct sigaction action = {.sa_sigaction = touch_handler, .sa_flags = SA_SIGINFO}, old;

    if (w->view == VIEW_USER) /* as the owner does before each entry */
        mmu_window(r->mmu, true);
    sigaction(SIGSEGV, &action, &old);
    touched_rig = r;
    touch_result = FILL_MAPPED;
    if (!sigsetjmp(touch_env, 1)) {
        if (write)
            *at = *value;
        else
            *value = *at;
    }
    sigaction(SIGSEGV, &old, NULL);
    return touch_result;
}

static inline enum mmu_fill_result touch_read(struct rig *r, struct window *w, uint32_t lin,
                                              uint8_t *value)
{
    return touch(r, w, lin, false, value);
}

static inline enum mmu_fill_result touch_write(struct rig *r, struct window *w, uint32_t lin,
                                               uint8_t value)
{
    return touch(r, w, lin, true, &value);
}

static void rig_exec_drop(void *opaque, struct window *w, uint32_t page, uint32_t count)
{
    struct rig *r = opaque;

    (void)w;
    r->exec_drops++;
    r->exec_page = page;
    r->exec_count = count;
}

static void rig_gone(void *opaque, struct window *w)
{
    struct rig *r = opaque;

    (void)w;
    r->gone++;
}

static void rig_code_write(void *opaque, uint32_t pa, uint32_t len)
{
    struct rig *r = opaque;

    r->code_writes++;
    r->code_pa = pa;
    r->code_len = len;
}

static inline void rig_open(struct rig *r, uint32_t ram, unsigned windows)
{
    struct error err = {""};
    struct phys_wires phys_wires = {.opaque = r, .on_code_write = rig_code_write};
    struct mmu_wires wires = {
        .opaque = r, .on_exec_drop = rig_exec_drop, .on_window_gone = rig_gone};

    memset(r, 0, sizeof(*r));
    r->phys = phys_new(ram, NULL, &err);
    ck_assert_msg(r->phys != NULL, "%s", err.text);
    phys_set_wires(r->phys, &phys_wires);
    r->mmu = mmu_new(r->phys, NULL, windows, &err);
    ck_assert_msg(r->mmu != NULL, "%s", err.text);
    mmu_set_wires(r->mmu, &wires);
}

static inline void rig_close(struct rig *r)
{
    mmu_free(r->mmu);
    phys_free(r->phys);
}

static inline void put32(struct rig *r, uint32_t pa, uint32_t value)
{
    phys_write32(r->phys, pa, value);
}

static inline uint32_t get32(struct rig *r, uint32_t pa)
{
    return phys_read32(r->phys, pa);
}

static inline void put64(struct rig *r, uint32_t pa, uint64_t value)
{
    phys_write(r->phys, pa, &value, 8);
}

static inline uint64_t get64(struct rig *r, uint32_t pa)
{
    uint64_t value;

    phys_read(r->phys, pa, &value, 8);
    return value;
}

/* Turn 32-bit paging on with the directory at CR3. */
static inline void rig_paging(struct rig *r, uint32_t cr3, uint32_t cr0, uint32_t cr4)
{
    r->pg = (struct paging){.cr0 = cr0, .cr3 = cr3, .cr4 = cr4};
    mmu_set_paging(r->mmu, &r->pg);
}

static inline void rig_cr3(struct rig *r, uint32_t cr3)
{
    r->pg.cr3 = cr3;
    mmu_set_cr3(r->mmu, &r->pg);
}

/* Every translation that windows hold must be what a new walk gives, and everything the host has
 * mapped must be where the map says and no more writable than the frame allows. */
static inline void check_window(struct rig *r, struct window *w)
{
    for (uint32_t page = 0; page < MAP_PAGES; page++) {
        uint32_t entry;
        struct walk k;

        if (!(w->touched[page / GROUP_SIZE / 64] >> page / GROUP_SIZE % 64 & 1)) {
            page |= GROUP_SIZE - 1;
            continue;
        }
        entry = w->map[page];
        if (!(entry & MAP_VALID)) {
            ck_assert_uint_eq(entry & (MAP_HOST | MAP_HOSTW), 0);
            continue;
        }
        ck_assert(walk_page(r->mmu, w->as, w->view, page << PAGE_SHIFT,
                            entry & MAP_WRITE ? MMU_WRITE : MMU_READ, false, &k, NULL));
        ck_assert_uint_eq(k.pa >> PAGE_SHIFT, entry >> PAGE_SHIFT);
        ck_assert(k.pte & A);
        if (entry & MAP_WRITE)
            ck_assert(k.pte & D);
        if (entry & MAP_HOSTW) {
            ck_assert(entry & MAP_WRITE);
            ck_assert_uint_eq(phys_frame_flags(r->phys, entry_pfn(w, entry)), 0);
            ck_assert_int_eq(phys_frame(r->phys, entry_pfn(w, entry), NULL), PHYS_RAM);
        }
        if (entry & MAP_HOST)
            ck_assert_int_eq(memcmp(window_base(w) + ((size_t)page << PAGE_SHIFT),
                                    phys_ptr(r->phys, k.pa & ~0xFFFull, 8), 8),
                             0);
    }
}

static inline int run_suite(Suite *s)
{
    SRunner *runner = srunner_create(s);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline unsigned host_mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned n = 0;
    int c;

    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

/* The estimate is the truth, but for what the process itself maps meanwhile. */
static inline void check_count(const struct rig *r, unsigned before)
{
    ck_assert_uint_le((uint64_t)host_mappings() - before - mmu_stats(r->mmu)->mappings + 4, 8);
}

#endif
