/* XSAVE, XSAVEOPT, XRSTOR, XGETBV, XSETBV.  Intel SDM vol. 1 chapter 13; vol. 2 their pages.
 *
 * The standard form alone: legacy region as of FXSAVE, header, upper halves of YMM0 to YMM15, of
 * which 32-bit code reaches the first eight. */
#include "cpu/xsave.h"

#include "cpu/fpu_state.h"
#include "cpu/model.h"
#include "cpu/sensitive.h"

#include <stddef.h>
#include <string.h>

enum {
    HEADER = 512,
    HEADER_SIZE = 64,
    HEADER_ZEROS = 24, /* bytes 8 to 23 of the header must be zero */
    YMM_AREA = 576,
    YMM_AREA_SIZE = 256,
    YMM_SIZE = 128, /* of YMM0 to YMM7 */
    ALIGNMENT = 64,
};

_Static_assert(offsetof(struct cpu, xsave_header) - offsetof(struct cpu, fpu) == HEADER, "header");
_Static_assert(offsetof(struct cpu, ymm_high) - offsetof(struct cpu, fpu) == YMM_AREA, "AVX state");

uint8_t *cpu_ymm_high(struct cpu *cpu)
{
    /* The host may leave out what is zero. */
    if (!(cpu->xsave_header[0] & XCR0_AVX)) {
        memset(cpu->ymm_high, 0, sizeof cpu->ymm_high);
        cpu->xsave_header[0] = XCR0_AVX;
    }
    return cpu->ymm_high;
}

void cpu_xsave_reset(struct cpu *cpu)
{
    memset(cpu->xsave_header, 0, sizeof cpu->xsave_header);
    cpu->xcr0 = XCR0_X87;
    cpu_xsave_changed(cpu);
}

void cpu_xsave_changed(struct cpu *cpu)
{
    cpu->ymm_on = (cpu->cr4 & CR4_OSXSAVE) && (cpu->xcr0 & XCR0_AVX);
    cpu->mode_changed = 1;
}

/* Bits of XCR0 that exist. */
static uint32_t supported(const struct cpu *cpu)
{
    return XCR0_X87 | XCR0_SSE | (cpu_has(cpu->model, FEAT_AVX) ? XCR0_AVX : 0u);
}

void cpu_xsave_leaf(const struct cpu *cpu, uint32_t subleaf, uint32_t regs[4])
{
    if (!cpu_has(cpu->model, FEAT_XSAVE))
        return;
    if (subleaf == 0) {
        regs[0] = supported(cpu);
        regs[1] = cpu->xcr0 & XCR0_AVX ? YMM_AREA + YMM_AREA_SIZE : YMM_AREA;
        regs[2] = supported(cpu) & XCR0_AVX ? YMM_AREA + YMM_AREA_SIZE : YMM_AREA;
    } else if (subleaf == 1) {
        regs[0] = 1; /* XSAVEOPT */
    } else if (subleaf == 2 && (supported(cpu) & XCR0_AVX)) {
        regs[0] = YMM_AREA_SIZE;
        regs[1] = YMM_AREA;
    }
}

/* State components in other than their initial configuration; for x87 and SSE: always. */
static uint32_t in_use(struct cpu *cpu)
{
    static const uint8_t zero[YMM_SIZE];
    return XCR0_X87 | XCR0_SSE | (memcmp(cpu_ymm_high(cpu), zero, YMM_SIZE) ? XCR0_AVX : 0u);
}

static enum cpu_result xsave(struct cpu *cpu, const struct insn *in, uint32_t offset, uint32_t mask)
{
    uint8_t image[FPU_IMAGE];
    enum seg_index seg = (enum seg_index)in->seg;
    uint64_t components;
    uint32_t size = mask & XCR0_AVX ? YMM_AREA + YMM_AREA_SIZE : YMM_AREA;
    if (!cpu_probe_store(cpu, seg, offset, size) ||
        !cpu_load(cpu, seg, offset + HEADER, &components, sizeof components))
        return CPU_EXCEPTION;
    components = (components & ~(uint64_t)mask) | (in_use(cpu) & mask);
    cpu_fpu_image(cpu, image);
    bool ok = cpu_store(cpu, seg, offset + HEADER, &components, sizeof components);
    if (mask & XCR0_X87)
        ok = ok && cpu_store(cpu, seg, offset, image, FPU_IMAGE_MXCSR) &&
             cpu_store(cpu, seg, offset + FPU_IMAGE_ST, image + FPU_IMAGE_ST,
                       FPU_IMAGE_XMM - FPU_IMAGE_ST);
    if (mask & (XCR0_SSE | XCR0_AVX))
        ok = ok && cpu_store(cpu, seg, offset + FPU_IMAGE_MXCSR, image + FPU_IMAGE_MXCSR, 8);
    if (mask & XCR0_SSE)
        ok = ok && cpu_store(cpu, seg, offset + FPU_IMAGE_XMM, image + FPU_IMAGE_XMM,
                             FPU_IMAGE - FPU_IMAGE_XMM);
    if (mask & XCR0_AVX)
        ok = ok && cpu_store(cpu, seg, offset + YMM_AREA, cpu_ymm_high(cpu), YMM_SIZE);
    return cpu_end(cpu, in, ok);
}

static bool header_fits(const struct cpu *cpu, const uint8_t *header)
{
    static const uint8_t zero[HEADER_ZEROS];
    uint64_t components;
    memcpy(&components, header, sizeof components);
    return !(components & ~cpu->xcr0) && !memcmp(header + 8, zero, HEADER_ZEROS - 8);
}

static enum cpu_result xrstor(struct cpu *cpu, const struct insn *in, uint32_t offset,
                              uint32_t mask)
{
    uint8_t area[YMM_AREA + YMM_SIZE];
    bool avx = mask & XCR0_AVX;
    if (!cpu_load(cpu, (enum seg_index)in->seg, offset, area, avx ? sizeof area : YMM_AREA))
        return CPU_EXCEPTION;
    uint8_t present = area[HEADER];
    if (!header_fits(cpu, area + HEADER) ||
        ((mask & (XCR0_SSE | XCR0_AVX)) && !cpu_fpu_mxcsr_fits(cpu, area)))
        return cpu_fail(cpu, EXC_GP, 0);
    if (mask & XCR0_X87) {
        if (present & XCR0_X87)
            cpu_fpu_take_x87(cpu, area);
        else
            cpu_fpu_init_all(cpu);
    }
    if (mask & (XCR0_SSE | XCR0_AVX))
        memcpy(cpu->fpu + FPU_IMAGE_MXCSR, area + FPU_IMAGE_MXCSR, 4);
    if ((mask & XCR0_SSE) && (present & XCR0_SSE))
        memcpy(cpu->fpu + FPU_IMAGE_XMM, area + FPU_IMAGE_XMM, FPU_IMAGE - FPU_IMAGE_XMM);
    else if (mask & XCR0_SSE)
        memset(cpu->fpu + FPU_IMAGE_XMM, 0, FPU_IMAGE - FPU_IMAGE_XMM);
    if (avx && (present & XCR0_AVX))
        memcpy(cpu_ymm_high(cpu), area + YMM_AREA, YMM_SIZE);
    else if (avx)
        memset(cpu_ymm_high(cpu), 0, YMM_SIZE);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_xsave(struct cpu *cpu, const struct insn *in)
{
    enum { XRSTOR = 5 };
    uint32_t offset = cpu_effective_address(cpu, in);
    if (!(cpu->cr4 & CR4_OSXSAVE) || in->lock)
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->cr0 & CR0_TS)
        return cpu_fail(cpu, EXC_NM, 0);
    if ((cpu->seg[in->seg].base + offset) & (ALIGNMENT - 1))
        return cpu_fail(cpu, EXC_GP, 0);
    uint32_t mask = cpu->gpr[EAX] & (uint32_t)cpu->xcr0;
    return insn_reg(in) == XRSTOR ? xrstor(cpu, in, offset, mask) : xsave(cpu, in, offset, mask);
}

static enum cpu_result xsetbv(struct cpu *cpu, const struct insn *in)
{
    uint64_t value = cpu->gpr[EAX] | (uint64_t)cpu->gpr[EDX] << 32;
    bool fits = (value & XCR0_X87) && !(value & ~(uint64_t)supported(cpu)) &&
                (!(value & XCR0_AVX) || (value & XCR0_SSE));
    if (cpu->cpl != 0 || cpu->gpr[ECX] != 0 || !fits)
        return cpu_fail(cpu, EXC_GP, 0);
    cpu->xcr0 = value;
    cpu_xsave_changed(cpu);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_xgetbv(struct cpu *cpu, const struct insn *in)
{
    enum { XSETBV = 0xD1 };
    if (!(cpu->cr4 & CR4_OSXSAVE) || in->lock || in->rep || in->opsize_prefix)
        return cpu_fail(cpu, EXC_UD, 0);
    if (in->modrm == XSETBV)
        return xsetbv(cpu, in);
    if (cpu->gpr[ECX] != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    cpu->gpr[EAX] = (uint32_t)cpu->xcr0;
    cpu->gpr[EDX] = (uint32_t)(cpu->xcr0 >> 32);
    return cpu_done(cpu, in);
}
