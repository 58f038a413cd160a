#define _GNU_SOURCE
#include "translator/frame.h"

#include <cpuid.h>
#include <string.h>

/* Of the XSAVE area (SDM vol. 1 13.4): what FXSAVE writes as well, and its header, whose first bits
 * tell which components are not in their initial state. */
enum {
    FXSAVE_END = 416,
    HEADER = offsetof(struct cpu, xsave_header) - offsetof(struct cpu, fpu),
    YMM_HIGH = offsetof(struct cpu, ymm_high) - offsetof(struct cpu, fpu),
    PKRU = 9
};

/* A thread with a shadow stack (CET) may not return to where a signal came but by the kernel, which
 * left a token there.  RDSSPQ does nothing where there is none. */
static bool shadow_stack(void)
{
    uint64_t ssp = 0;
    __asm__ volatile("rdsspq %0" : "+r"(ssp));
    return ssp;
}

/* Where an XSAVE area has PKRU, 0 when the host has no protection keys (SDM vol. 1 13.5.7). */
static uint32_t pkru_offset(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(c >> 4 & 1) ||
        !__get_cpuid_count(0xD, PKRU, &a, &b, &c, &d))
        return 0;
    return b;
}

bool frame_attach(struct translator *t)
{
    t->pkru_offset = pkru_offset();
    return !shadow_stack();
}

/* Handlers run with the rights that new programs have; who embeds us may have set others. */
static void restore_rights(const struct translator *t, const uint8_t *area)
{
    uint32_t now, high, then = 0;
    if (!t->pkru_offset)
        return;
    if (area[HEADER + PKRU / 8] >> PKRU % 8 & 1)
        memcpy(&then, area + t->pkru_offset, sizeof then);
    __asm__ volatile("rdpkru" : "=a"(now), "=d"(high) : "c"(0));
    if (now != then)
        __asm__ volatile("wrpkru" : : "a"(then), "c"(0), "d"(0) : "memory");
}

void frame_park(struct translator *t, const ucontext_t *uc)
{
    struct cpu *cpu = t->cpu;
    const uint8_t *area = (const uint8_t *)uc->uc_mcontext.fpregs;
    if (cpu->fpu_live) {
        memcpy(cpu->fpu, area, FXSAVE_END);
        if (cpu->ymm_on) {
            cpu->xsave_header[0] = area[HEADER] & XCR0_AVX;
            memcpy(cpu->ymm_high, area + YMM_HIGH, sizeof cpu->ymm_high);
        }
        cpu->fpu_live = 0;
    }
    restore_rights(t, area);
}

void frame_prepare(struct translator *t, const ucontext_t *uc)
{
    t->rt->resume_rip = uc->uc_mcontext.gregs[REG_RIP];
    t->rt->resume_table = uc->uc_mcontext.gregs[REG_R12];
    restore_rights(t, (const uint8_t *)uc->uc_mcontext.fpregs);
}
