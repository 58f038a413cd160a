/* Saving and loading the x87 and SSE state with the guest's own instruction and data pointers.
 * Intel SDM vol. 1 section 8.1.10 (figures 8-9 to 8-12), 10.5; vol. 2 FSAVE, FSTENV, FXSAVE. */
#include "cpu/fpu_state.h"

#include "cpu/model.h"
#include "cpu/sensitive.h"

#include <string.h>

/* Offsets in the FXSAVE image (SDM vol. 1 table 10-2). */
enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_FIP = 8,
    FX_FCS = 12,
    FX_FDP = 16,
    FX_FDS = 20,
    FX_MXCSR = FPU_IMAGE_MXCSR,
    FX_MXCSR_MASK = 28,
    FX_ST = FPU_IMAGE_ST,
    FX_XMM = FPU_IMAGE_XMM,
    FX_END = FPU_IMAGE
};

enum { FSW_EXCEPTIONS = 0x3F, FSW_ES = 0x80, FSW_B = 0x8000 };

static uint16_t fx16(const struct cpu *cpu, unsigned offset)
{
    uint16_t value;
    memcpy(&value, cpu->fpu + offset, 2);
    return value;
}

static void fx_set16(struct cpu *cpu, unsigned offset, uint16_t value)
{
    memcpy(cpu->fpu + offset, &value, 2);
}

/* Bit 6 always reads as one, reserved bits as zero (SDM vol. 1 figure 8-6). */
static void set_control(struct cpu *cpu, uint32_t value)
{
    fx_set16(cpu, FX_FCW, (uint16_t)((value & 0x1F3F) | 0x40));
}

static void put(uint8_t *p, uint32_t value, unsigned size)
{
    memcpy(p, &value, size);
}

static uint32_t get(const uint8_t *p, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, p, size);
    return value;
}

void cpu_fpu_init(struct cpu *cpu)
{
    fx_set16(cpu, FX_FCW, 0x037F);
    fx_set16(cpu, FX_FSW, 0);
    fx_set16(cpu, FX_FTW, 0);
    memset(cpu->fpu + FX_FOP, 0, FX_MXCSR - FX_FOP);
    cpu->x87_fip = cpu->x87_fdp = 0;
    cpu->x87_fcs = cpu->x87_fds = cpu->x87_fop = 0;
}

void cpu_fpu_reset(struct cpu *cpu)
{
    memset(cpu->fpu, 0, sizeof cpu->fpu);
    cpu_fpu_init(cpu);
    put(cpu->fpu + FX_MXCSR, 0x1F80, 4);
}

bool cpu_fpu_pending(const struct cpu *cpu)
{
    return fx16(cpu, FX_FSW) & ~fx16(cpu, FX_FCW) & FSW_EXCEPTIONS;
}

enum cpu_result cpu_fpu_error(struct cpu *cpu)
{
    if (cpu->cr0 & CR0_NE)
        return cpu_fail(cpu, EXC_MF, 0);
    if (cpu->ignne)
        return CPU_NEXT;
    if (!cpu->ferr_asserted) {
        cpu->ferr_asserted = 1;
        if (cpu->wires.ferr)
            cpu->wires.ferr(cpu->wires.opaque, true);
    }
    return CPU_AGAIN;
}

/* Set ES and B as the exceptions and their masks demand. */
static void summarize(struct cpu *cpu)
{
    uint16_t fsw = fx16(cpu, FX_FSW) & ~(FSW_ES | FSW_B);
    if (cpu_fpu_pending(cpu))
        fsw |= FSW_ES | FSW_B;
    else
        cpu->ignne = 0;
    fx_set16(cpu, FX_FSW, fsw);
}

/* ---- tags: FXSAVE has one bit a register, the environment two ---- */

/* SDM 8.1.7: 0 valid, 1 zero, 2 special. */
static unsigned tag_of(const uint8_t *st)
{
    uint16_t exponent;
    uint64_t mantissa;
    memcpy(&mantissa, st, 8);
    memcpy(&exponent, st + 8, 2);
    exponent &= 0x7FFF;
    if (exponent == 0)
        return mantissa == 0 ? 1 : 2;
    if (exponent == 0x7FFF || !(mantissa >> 63))
        return 2;
    return 0;
}

static uint16_t full_tags(const struct cpu *cpu)
{
    unsigned top = fx16(cpu, FX_FSW) >> 11 & 7;
    uint16_t tags = 0;
    for (unsigned physical = 0; physical < 8; physical++) {
        unsigned slot = (physical - top) & 7, tag = 3;
        if (cpu->fpu[FX_FTW] >> physical & 1)
            tag = tag_of(cpu->fpu + FX_ST + 16 * slot);
        tags |= (uint16_t)(tag << (2 * physical));
    }
    return tags;
}

static uint8_t short_tags(uint16_t tags)
{
    uint8_t value = 0;
    for (unsigned n = 0; n < 8; n++)
        if ((tags >> (2 * n) & 3) != 3)
            value |= (uint8_t)(1 << n);
    return value;
}

/* ---- the environment: 14 or 28 bytes, real or protected ---- */

static unsigned env_size(const struct insn *in)
{
    return in->opsize == 4 ? 28 : 14;
}

static void make_env(const struct cpu *cpu, unsigned opsize, uint8_t *env)
{
    unsigned step = opsize;
    uint32_t fip = cpu->x87_fip, fdp = cpu->x87_fdp, fop = cpu->x87_fop & 0x7FF;
    memset(env, 0xFF, opsize == 4 ? 28 : 14); /* reserved halves read as ones */
    put(env, fx16(cpu, FX_FCW), 2);
    put(env + step, fx16(cpu, FX_FSW), 2);
    put(env + 2 * step, full_tags(cpu), 2);
    if (cpu_protected(cpu)) {
        put(env + 3 * step, fip, step);
        put(env + 5 * step, fdp, step);
        put(env + 4 * step, opsize == 4 ? cpu->x87_fcs | fop << 16 : cpu->x87_fcs, step);
        put(env + 6 * step, cpu->x87_fds, 2);
        return;
    }
    /* Real-address format: linear addresses. */
    fip += (uint32_t)cpu->x87_fcs << 4;
    fdp += (uint32_t)cpu->x87_fds << 4;
    if (opsize == 4) {
        put(env + 12, fip & 0xFFFF, 4);
        put(env + 16, fop | (fip >> 16) << 12, 4);
        put(env + 20, fdp & 0xFFFF, 4);
        put(env + 24, (fdp >> 16) << 12, 4);
    } else {
        put(env + 6, fip, 2);
        put(env + 8, fop | (fip >> 16 & 15) << 12, 2);
        put(env + 10, fdp, 2);
        put(env + 12, (fdp >> 16 & 15) << 12, 2);
    }
}

/* The registers stay where they are when TOP changes; the image has them in stack order. */
static void turn_stack(struct cpu *cpu, unsigned top)
{
    uint8_t old[128];
    unsigned by = top - (fx16(cpu, FX_FSW) >> 11);
    memcpy(old, cpu->fpu + FX_ST, sizeof old);
    for (unsigned n = 0; n < 8; n++)
        memcpy(cpu->fpu + FX_ST + 16 * n, old + 16 * ((n + by) & 7), 16);
}

void cpu_fpu_top_zero(struct cpu *cpu)
{
    turn_stack(cpu, 0);
    fx_set16(cpu, FX_FSW, fx16(cpu, FX_FSW) & ~(7u << 11));
}

void cpu_fpu_enter_mmx(struct cpu *cpu)
{
    cpu_fpu_top_zero(cpu);
    fx_set16(cpu, FX_FTW, 0xFF);
}

static void take_env(struct cpu *cpu, unsigned opsize, const uint8_t *env)
{
    unsigned step = opsize;
    turn_stack(cpu, get(env + step, 2) >> 11);
    set_control(cpu, get(env, 2));
    fx_set16(cpu, FX_FSW, get(env + step, 2));
    fx_set16(cpu, FX_FTW, short_tags(get(env + 2 * step, 2)));
    memset(cpu->fpu + FX_FOP, 0, FX_MXCSR - FX_FOP); /* the host's: see translator/pointers.c */
    uint32_t fip = get(env + 3 * step, step), second = get(env + 4 * step, step);
    uint32_t fdp = get(env + 5 * step, step), last = get(env + 6 * step, step);
    if (cpu_protected(cpu)) {
        cpu->x87_fip = fip;
        cpu->x87_fcs = second & 0xFFFF;
        cpu->x87_fdp = fdp;
        cpu->x87_fds = last & 0xFFFF;
        if (opsize == 4)
            cpu->x87_fop = second >> 16 & 0x7FF;
    } else {
        cpu->x87_fip = (fip & 0xFFFF) | (second >> 12) << 16;
        cpu->x87_fdp = (fdp & 0xFFFF) | (last >> 12) << 16;
        cpu->x87_fcs = cpu->x87_fds = 0;
        cpu->x87_fop = second & 0x7FF;
    }
    summarize(cpu);
}

/* ---- D9 /4 FLDENV, /6 FNSTENV; DD /4 FRSTOR, /6 FNSAVE ---- */

static void mask_all(struct cpu *cpu)
{
    fx_set16(cpu, FX_FCW, fx16(cpu, FX_FCW) | FSW_EXCEPTIONS);
    summarize(cpu);
}

void cpu_fpu_store_env(struct cpu *cpu, uint8_t env[FPU_ENV])
{
    make_env(cpu, 4, env);
    mask_all(cpu);
}

void cpu_fpu_load_env(struct cpu *cpu, const uint8_t env[FPU_ENV])
{
    take_env(cpu, 4, env);
}

static enum cpu_result fnstenv(struct cpu *cpu, const struct insn *in)
{
    uint8_t env[28];
    make_env(cpu, in->opsize, env);
    if (!cpu_store(cpu, in->seg, cpu_effective_address(cpu, in), env, env_size(in)))
        return CPU_EXCEPTION;
    mask_all(cpu);
    return cpu_done(cpu, in);
}

static enum cpu_result fldenv(struct cpu *cpu, const struct insn *in)
{
    uint8_t env[28];
    if (!cpu_load(cpu, in->seg, cpu_effective_address(cpu, in), env, env_size(in)))
        return CPU_EXCEPTION;
    take_env(cpu, in->opsize, env);
    return cpu_done(cpu, in);
}

static enum cpu_result fnsave(struct cpu *cpu, const struct insn *in)
{
    uint8_t image[108];
    unsigned size = env_size(in);
    make_env(cpu, in->opsize, image);
    for (unsigned n = 0; n < 8; n++)
        memcpy(image + size + 10 * n, cpu->fpu + FX_ST + 16 * n, 10);
    if (!cpu_store(cpu, in->seg, cpu_effective_address(cpu, in), image, size + 80))
        return CPU_EXCEPTION;
    turn_stack(cpu, 0);
    cpu_fpu_init(cpu);
    summarize(cpu);
    return cpu_done(cpu, in);
}

static enum cpu_result frstor(struct cpu *cpu, const struct insn *in)
{
    uint8_t image[108];
    unsigned size = env_size(in);
    if (!cpu_load(cpu, in->seg, cpu_effective_address(cpu, in), image, size + 80))
        return CPU_EXCEPTION;
    take_env(cpu, in->opsize, image);
    for (unsigned n = 0; n < 8; n++) {
        memset(cpu->fpu + FX_ST + 16 * n, 0, 16);
        memcpy(cpu->fpu + FX_ST + 16 * n, image + size + 10 * n, 10);
    }
    return cpu_done(cpu, in);
}

enum cpu_result emulate_fpu_state(struct cpu *cpu, const struct insn *in)
{
    bool store = insn_reg(in) == 6;
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return cpu_fail(cpu, EXC_NM, 0);
    /* The loads are waiting instructions. */
    if (!store && cpu_fpu_pending(cpu)) {
        enum cpu_result error = cpu_fpu_error(cpu);
        if (error != CPU_NEXT)
            return error;
    }
    if (in->opcode == 0xD9)
        return store ? fnstenv(cpu, in) : fldenv(cpu, in);
    return store ? fnsave(cpu, in) : frstor(cpu, in);
}

/* SDM vol. 2 FINIT: the registers stay what they are, empty. */
enum cpu_result emulate_fninit(struct cpu *cpu, const struct insn *in)
{
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return cpu_fail(cpu, EXC_NM, 0);
    turn_stack(cpu, 0);
    cpu_fpu_init(cpu);
    summarize(cpu);
    return cpu_done(cpu, in);
}

/* ---- FXSAVE, FXRSTOR ---- */

void cpu_fpu_image(const struct cpu *cpu, uint8_t image[FPU_IMAGE])
{
    memcpy(image, cpu->fpu, FPU_IMAGE);
    image[5] = 0;
    put(image + FX_FOP, cpu->x87_fop & 0x7FF, 2);
    put(image + FX_FIP, cpu->x87_fip, 4);
    put(image + FX_FCS, cpu->x87_fcs, 4);
    put(image + FX_FDP, cpu->x87_fdp, 4);
    put(image + FX_FDS, cpu->x87_fds, 4);
    put(image + FX_MXCSR_MASK, cpu->model->mxcsr_mask, 4);
    if (!cpu->model->mxcsr_mask)
        put(image + FX_MXCSR, 0, 4);
    for (unsigned n = 0; n < 8; n++)
        memset(image + FX_ST + 16 * n + 10, 0, 6);
}

void cpu_fpu_take_x87(struct cpu *cpu, const uint8_t *image)
{
    memset(cpu->fpu + FX_FOP, 0, FX_MXCSR - FX_FOP);
    cpu->x87_fop = get(image + FX_FOP, 2) & 0x7FF;
    cpu->x87_fip = get(image + FX_FIP, 4);
    cpu->x87_fcs = get(image + FX_FCS, 2);
    cpu->x87_fdp = get(image + FX_FDP, 4);
    cpu->x87_fds = get(image + FX_FDS, 2);
    set_control(cpu, get(image + FX_FCW, 2));
    fx_set16(cpu, FX_FSW, get(image + FX_FSW, 2));
    fx_set16(cpu, FX_FTW, image[FX_FTW]);
    memcpy(cpu->fpu + FX_ST, image + FX_ST, FX_XMM - FX_ST);
    summarize(cpu);
}

void cpu_fpu_init_all(struct cpu *cpu)
{
    cpu_fpu_init(cpu);
    memset(cpu->fpu + FX_ST, 0, FX_XMM - FX_ST);
    summarize(cpu);
}

bool cpu_fpu_mxcsr_fits(const struct cpu *cpu, const uint8_t *image)
{
    return !(get(image + FX_MXCSR, 4) & ~cpu->model->mxcsr_mask);
}

static enum cpu_result fxsave(struct cpu *cpu, const struct insn *in, uint32_t offset)
{
    uint8_t image[FPU_IMAGE];
    bool sse = cpu->cr4 & CR4_OSFXSR;
    if (!cpu_probe_store(cpu, in->seg, offset, 512))
        return CPU_EXCEPTION;
    cpu_fpu_image(cpu, image);
    uint32_t len = sse && cpu->model->mxcsr_mask ? FX_END : FX_XMM;
    return cpu_end(cpu, in, cpu_store(cpu, in->seg, offset, image, len));
}

static enum cpu_result fxrstor(struct cpu *cpu, const struct insn *in, uint32_t offset)
{
    uint8_t image[512];
    bool sse = (cpu->cr4 & CR4_OSFXSR) && cpu->model->mxcsr_mask;
    if (!cpu_load(cpu, in->seg, offset, image, 512))
        return CPU_EXCEPTION;
    if (sse && !cpu_fpu_mxcsr_fits(cpu, image))
        return cpu_fail(cpu, EXC_GP, 0);
    cpu_fpu_take_x87(cpu, image);
    if (sse) {
        memcpy(cpu->fpu + FX_MXCSR, image + FX_MXCSR, 4);
        memcpy(cpu->fpu + FX_XMM, image + FX_XMM, FX_END - FX_XMM);
    }
    return cpu_done(cpu, in);
}

enum cpu_result emulate_fxsave(struct cpu *cpu, const struct insn *in)
{
    uint32_t offset = cpu_effective_address(cpu, in);
    if (!cpu_has(cpu->model, FEAT_FXSR))
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return cpu_fail(cpu, EXC_NM, 0);
    if ((cpu->seg[in->seg].base + offset) & 15)
        return cpu_fail(cpu, EXC_GP, 0);
    return insn_reg(in) == 0 ? fxsave(cpu, in, offset) : fxrstor(cpu, in, offset);
}
