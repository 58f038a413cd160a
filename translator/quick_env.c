/* Short cut of FNSTENV and FLDENV of 32 bits in protected mode, which programs that change their
 * context or look at floating-point exceptions make one behind the other.  See translator/quick.c,
 * whose rules hold here while the FPU's state is in the host's registers; while it is in struct cpu
 * anything may be called.
 *
 * In the registers, the control, status and tag words are the guest's own.  The pointers are in
 * struct cpu when the host's lead to no translated code: nothing that sets them has run since they
 * were settled or loaded (translator/pointers.c).  If they do, and the hub has found out before
 * what that place means, that is done again here.  Intel SDM vol. 1 section 8.1.10. */
#include "cpu/access.h"
#include "cpu/fpu_state.h"
#include "translator/internal.h"
#include "translator/pointers.h"

enum { FSW_ES = 0x80, EXCEPTIONS = 0x3F };

struct environment {
    uint32_t fcw, fsw, ftw, fip, fcs_fop, fdp, fds;
};
_Static_assert(sizeof(struct environment) == FPU_ENV, "as FNSTENV stores it");

/* pointers_settle: the host's pointers FIP and FDP (their low halves; windows lie at multiples of
 * 4 GiB) into struct cpu.  False: the hub has to find out. */
static bool settle(struct translator *t, uint32_t fip, uint32_t fdp)
{
    struct cpu *cpu = t->cpu;
    uint32_t at = fip - (uint32_t)(uintptr_t)t->rx;
    const struct quick_pointer *p = quick_pointer(&t->quick, at);
    if (at >= t->cache_size)
        return true;
    if (!at || p->at != at || p->generation != t->generation) {
        t->quick.unknown.at = at;
        t->quick.unknown.fdp = fdp;
        t->quick.unknown.valid = true;
        return false;
    }
    cpu->x87_fip = t->tbs[p->tb].eip + p->offset;
    cpu->x87_fcs = cpu->seg[SEG_CS].selector;
    cpu->x87_fop = p->fop;
    if (p->seg != SEG_NONE) {
        cpu->x87_fdp = fdp - cpu->seg[p->seg].base;
        cpu->x87_fds = cpu->seg[p->seg].selector;
    }
    return true;
}

static const uint8_t *store_live(struct translator *t, const struct site *site)
{
    const uint32_t reserved = 0xFFFF0000;
    struct cpu *cpu = t->cpu;
    struct environment *to = quick_operand(t, &site->in, sizeof *to, true), env;
    if (!to)
        return NULL;
    __asm__ volatile("fnstenv %0" : "=m"(env));
    if (!settle(t, env.fip, env.fdp)) {
        __asm__ volatile("fldcw %0" : : "m"(env.fcw)); /* all are masked now */
        return NULL;
    }
    *to = (struct environment){.fcw = env.fcw | reserved,
                               .fsw = env.fsw | reserved,
                               .ftw = env.ftw | reserved,
                               .fip = cpu->x87_fip,
                               .fcs_fop = cpu->x87_fcs | (cpu->x87_fop & 0x7FFu) << 16,
                               .fdp = cpu->x87_fdp,
                               .fds = cpu->x87_fds | reserved};
    cpu->ignne = 0;
    return quick_go_on(t, site);
}

static const uint8_t *load_live(struct translator *t, const struct site *site)
{
    struct cpu *cpu = t->cpu;
    const struct environment *from = quick_operand(t, &site->in, sizeof *from, false);
    struct environment env;
    uint16_t fsw;
    __asm__ volatile("fnstsw %0" : "=m"(fsw));
    if (!from || (fsw & FSW_ES) || (from->fsw & ~from->fcw & EXCEPTIONS))
        return NULL; /* an exception waits, or is going to */
    env = (struct environment){
        .fcw = (from->fcw & 0x1F3F) | 0x40, .fsw = from->fsw & 0xFFFF, .ftw = from->ftw & 0xFFFF};
    cpu->x87_fip = from->fip;
    cpu->x87_fcs = (uint16_t)from->fcs_fop;
    cpu->x87_fop = from->fcs_fop >> 16 & 0x7FF;
    cpu->x87_fdp = from->fdp;
    cpu->x87_fds = (uint16_t)from->fds;
    cpu->ignne = 0;
    __asm__ volatile("fldenv %0" : : "m"(env));
    return quick_go_on(t, site);
}

static const uint8_t *parked(struct translator *t, const struct site *site, bool store)
{
    uint8_t *at = quick_operand(t, &site->in, FPU_ENV, store);
    if (!at || (!store && cpu_fpu_pending(t->cpu)))
        return NULL;
    if (store) {
        pointers_settle(t);
        cpu_fpu_store_env(t->cpu, at);
    } else {
        cpu_fpu_load_env(t->cpu, at);
    }
    return quick_go_on(t, site);
}

const uint8_t *quick_environment(struct translator *t, const struct site *site)
{
    const struct cpu *cpu = t->cpu;
    bool store = insn_reg(&site->in) == 6;
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return NULL;
    if (!cpu->fpu_live)
        return parked(t, site, store);
    return store ? store_live(t, site) : load_live(t, site);
}
