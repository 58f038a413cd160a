/* Page walks: SDM vol. 3A 4.3 (32-bit paging), 4.4 (PAE), 4.6 (rights), 4.7 (page faults),
 * 4.8 (accessed and dirty).  The physical address width is 36 bits, as CPUID reports. */
#include <string.h>

#include "mmu/mmu_internal.h"

enum {
    PTE_P = 1u << 0,
    PTE_RW = 1u << 1,
    PTE_US = 1u << 2,
    PTE_A = 1u << 5,
    PTE_D = 1u << 6,
    PTE_PS = 1u << 7,
};
#define PTE_NX         (1ull << 63)
#define PAE_ADDRESS    0x0000000FFFFFF000ull
#define PAE_RESERVED   0x7FFFFFF000000000ull /* bits 62:36 */
#define PAE_2M_LOW     0x00000000001FE000ull /* bits 20:13 */
#define PSE_4M_LOW     0x00000000003E0000ull /* bits 21:17: 16:13 are address bits 35:32 */
#define PDPTE_RESERVED 0xFFFFFFF0000001E6ull /* 63:36, 8:5, 2:1 */

enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_ID = 16 };
enum { CR4_BIT_PSE = 1u << 4, CR4_BIT_PAE = 1u << 5, EFER_BIT_NXE = 1u << 11 };

void walk_key(const struct mmu *m, const struct paging *pg, struct aspace_key *key,
              uint64_t pdpte[4])
{
    memset(key, 0, sizeof(*key));
    memset(pdpte, 0, 4 * sizeof(pdpte[0]));
    if (!phys_a20(m->phys))
        key->mode |= MODE_A20_OFF;
    if (!(pg->cr0 >> 31))
        return;
    key->mode |= MODE_PG;
    if (pg->cr4 & CR4_BIT_PAE) {
        key->mode |= MODE_PAE;
        if (pg->efer & EFER_BIT_NXE)
            key->mode |= MODE_NXE;
        for (int i = 0; i < 4; i++) {
            if (pg->pdpte[i] & PTE_P)
                pdpte[i] = pg->pdpte[i] & (PAE_ADDRESS | PTE_P);
        }
        key->root = pg->cr3 & ~31u;
    } else {
        if (pg->cr4 & CR4_BIT_PSE)
            key->mode |= MODE_PSE;
        key->root = pg->cr3 & ~(PAGE_SIZE - 1);
    }
}

bool mmu_load_pdptes(struct mmu *m, struct paging *pg)
{
    uint64_t pdpte[4];

    phys_read(m->phys, pg->cr3 & ~31u, pdpte, sizeof(pdpte));
    for (int i = 0; i < 4; i++) {
        if ((pdpte[i] & PTE_P) && (pdpte[i] & PDPTE_RESERVED))
            return false;
    }
    memcpy(pg->pdpte, pdpte, sizeof(pdpte));
    return true;
}

/* Read a table entry; tables in MMIO or in holes read as the bus does. */
static uint64_t load_entry(struct mmu *m, uint64_t pa, unsigned size, struct walk *k)
{
    struct phys *p = m->phys;
    uint64_t at = pa & p->a20_mask, value = 0;

    if (!(at >> 32) && kind_has_page(frame_kind(p->frame[at >> PAGE_SHIFT]))) {
        memcpy(&value, frame_ptr(p, (uint32_t)(at >> PAGE_SHIFT)) + (at & (PAGE_SIZE - 1)), size);
        return value;
    }
    k->uncopied = true;
    phys_read(p, pa, &value, size);
    return value;
}

uint64_t walk_reserved_pte(const struct aspace *as)
{
    if (!aspace_pae(as))
        return 0;
    return PAE_RESERVED | (as->key.mode & MODE_NXE ? 0 : PTE_NX);
}

static bool entry_ok(struct walk *k, uint64_t entry, uint64_t reserved)
{
    if (!(entry & PTE_P))
        k->end = WALK_NOT_PRESENT;
    else if (entry & reserved)
        k->end = WALK_RESERVED;
    return k->end == WALK_OK;
}

static void add_rights(struct walk *k, uint64_t entry)
{
    k->user &= !!(entry & PTE_US);
    k->writable &= !!(entry & PTE_RW);
    k->nx |= !!(entry & PTE_NX);
}

static void walk_pae(struct mmu *m, const struct aspace *as, uint32_t lin, struct walk *k)
{
    uint64_t pdpte = as->pdpte[lin >> 30], reserved = walk_reserved_pte(as);

    k->level = 3;
    if (!entry_ok(k, pdpte, 0))
        return;
    k->level = 2;
    k->pde_pa = (pdpte & PAE_ADDRESS) + (lin >> 21 & 511) * 8;
    k->pde = load_entry(m, k->pde_pa, 8, k);
    k->large = k->pde & PTE_PS;
    if (!entry_ok(k, k->pde, reserved | (k->large ? PAE_2M_LOW : 0)))
        return;
    add_rights(k, k->pde);
    if (k->large) {
        k->pte = k->pde;
        k->pte_pa = k->pde_pa;
        k->pa = (k->pde & PAE_ADDRESS & ~0x1FFFFFull) | (lin & 0x1FFFFF);
        return;
    }
    k->level = 1;
    k->pte_pa = (k->pde & PAE_ADDRESS) + (lin >> 12 & 511) * 8;
    k->pte = load_entry(m, k->pte_pa, 8, k);
    k->pa = (k->pte & PAE_ADDRESS) | (lin & 0xFFF);
    entry_ok(k, k->pte, reserved);
}

static void walk_32(struct mmu *m, const struct aspace *as, uint32_t lin, struct walk *k)
{
    k->level = 2;
    k->pde_pa = as->key.root + (lin >> 22) * 4;
    k->pde = load_entry(m, k->pde_pa, 4, k);
    k->large = (k->pde & PTE_PS) && (as->key.mode & MODE_PSE);
    if (!entry_ok(k, k->pde, k->large ? PSE_4M_LOW : 0))
        return;
    add_rights(k, k->pde);
    if (k->large) {
        k->pte = k->pde;
        k->pte_pa = k->pde_pa;
        k->pa = (k->pde & 0xFFC00000) | (k->pde >> 13 & 15) << 32 | (lin & 0x3FFFFF);
        return;
    }
    k->level = 1;
    k->pte_pa = (k->pde & 0xFFFFF000) + (lin >> 12 & 1023) * 4;
    k->pte = load_entry(m, k->pte_pa, 4, k);
    k->pa = (k->pte & 0xFFFFF000) | (lin & 0xFFF);
    entry_ok(k, k->pte, 0);
}

void walk_entries(struct mmu *m, const struct aspace *as, uint32_t lin, struct walk *k)
{
    memset(k, 0, sizeof(*k));
    k->user = k->writable = true;
    m->stats.walks++;
    if (!(as->key.mode & MODE_PG)) {
        k->large = true;
        k->pte = PTE_P | PTE_A | PTE_D;
        k->pa = lin;
        return;
    }
    if (aspace_pae(as))
        walk_pae(m, as, lin, k);
    else
        walk_32(m, as, lin, k);
    k->dir_user = k->user;
    k->dir_writable = k->writable;
    k->dir_nx = k->nx;
    if (k->level == 1 && k->end == WALK_OK)
        add_rights(k, k->pte);
}

static void set_bits(struct mmu *m, uint64_t pa, uint64_t *entry, uint32_t bits)
{
    struct phys *p = m->phys;
    uint64_t at = pa & p->a20_mask;
    uint32_t pfn = (uint32_t)(at >> PAGE_SHIFT);

    if ((*entry & bits) == bits)
        return;
    *entry |= bits;
    /* A and D are in the low half; only that is written, as hardware's locked OR would.  The trace
     * of the table stays: see mmu/trace.c. */
    if (!(at >> 32) && frame_kind(p->frame[pfn]) == PHYS_RAM) {
        uint32_t low = (uint32_t)*entry;

        if (p->journal)
            p->journal->on_walk(p->journal->opaque, (uint32_t)at);
        memcpy(frame_ptr(p, pfn) + (at & (PAGE_SIZE - 1)), &low, 4);
        if (p->flags[pfn] & ~FRAME_TRACED)
            phys_frame_wrote(p, (uint32_t)at, 4, p->flags[pfn] & (uint8_t)~FRAME_TRACED);
    } else {
        phys_write32(p, pa, (uint32_t)*entry);
    }
}

static bool rights_ok(const struct walk *k, enum view view, enum mmu_access access)
{
    if (view == VIEW_USER && !k->user)
        return false;
    if (access == MMU_WRITE)
        return k->writable || view == VIEW_SUPER_NOWP;
    return access != MMU_FETCH || !k->nx;
}

static void fill_fault(const struct aspace *as, enum view view, uint32_t lin,
                       enum mmu_access access, enum walk_end end, struct mmu_fault *fault)
{
    uint32_t code = end == WALK_NOT_PRESENT ? 0 : PF_P;

    if (end == WALK_RESERVED)
        code |= PF_RSVD;
    if (access == MMU_WRITE)
        code |= PF_W;
    if (view == VIEW_USER)
        code |= PF_U;
    /* I/D is only reported where NX exists: SDM 4.7. */
    if (access == MMU_FETCH && (as->key.mode & MODE_NXE))
        code |= PF_ID;
    if (fault) {
        fault->address = lin;
        fault->error_code = code;
    }
}

bool walk_page(struct mmu *m, const struct aspace *as, enum view view, uint32_t lin,
               enum mmu_access access, bool set, struct walk *k, struct mmu_fault *fault)
{
    walk_entries(m, as, lin, k);
    if (!(as->key.mode & MODE_PG))
        return true;
    if (k->end != WALK_OK || !rights_ok(k, view, access)) {
        fill_fault(as, view, lin, access, k->end, fault);
        return false;
    }
    if (!set)
        return true;
    if (!k->large)
        set_bits(m, k->pde_pa, &k->pde, PTE_A);
    set_bits(m, k->pte_pa, &k->pte, access == MMU_WRITE ? PTE_A | PTE_D : PTE_A);
    if (k->large)
        k->pde = k->pte;
    return true;
}
