/* VMASKMOV, VPMASKMOV, VGATHER, VPGATHER.  Intel SDM vol. 2, their pages. */
#include "translator/vector.h"

#include "cpu/access.h"
#include "cpu/fpu_state.h"
#include "cpu/model.h"
#include "cpu/xsave.h"
#include "translator/vex.h"

#include <string.h>

enum { XMM = 16, YMM = 32 };

static void get(struct cpu *cpu, unsigned reg, uint8_t value[YMM])
{
    memcpy(value, cpu->fpu + FPU_IMAGE_XMM + XMM * reg, XMM);
    memcpy(value + XMM, cpu_ymm_high(cpu) + XMM * reg, XMM);
}

static void set(struct cpu *cpu, unsigned reg, const uint8_t value[YMM])
{
    memcpy(cpu->fpu + FPU_IMAGE_XMM + XMM * reg, value, XMM);
    memcpy(cpu_ymm_high(cpu) + XMM * reg, value + XMM, XMM);
}

/* The sign of the element of SIZE bytes at I of MASK. */
static bool selected(const uint8_t *mask, unsigned i, unsigned size)
{
    return mask[(i + 1) * size - 1] & 0x80;
}

/* Elements that are selected by mask are not checked for alignment. */
static uint32_t alignment_off(struct cpu *cpu)
{
    uint32_t flags = cpu->flags_sys;
    cpu->flags_sys &= ~(uint32_t)FLAG_AC;
    return flags & FLAG_AC;
}

bool vector_masked_load(struct cpu *cpu, const struct insn *in, uint32_t ea, uint8_t *buffer)
{
    uint8_t mask[YMM];
    unsigned size = vex_masked(in);
    bool ok = true;
    get(cpu, in->vvvv, mask);
    memset(buffer, 0, YMM);
    uint32_t ac = alignment_off(cpu);
    for (unsigned i = 0; i < in->mem_size / size && ok; i++)
        if (selected(mask, i, size))
            ok = cpu_load(cpu, (enum seg_index)in->seg, ea + i * size, buffer + i * size, size);
    cpu->flags_sys |= ac;
    return ok;
}

enum cpu_result vector_masked_store(struct cpu *cpu, const struct insn *in)
{
    uint8_t mask[YMM], value[YMM];
    enum seg_index seg = (enum seg_index)in->seg;
    unsigned size = vex_masked(in), count = in->mem_size / size;
    uint32_t ea = cpu_effective_address(cpu, in);
    get(cpu, in->vvvv, mask);
    get(cpu, insn_reg(in), value);
    uint32_t ac = alignment_off(cpu);
    bool ok = true;
    for (unsigned i = 0; i < count && ok; i++)
        ok = !selected(mask, i, size) || cpu_probe_store(cpu, seg, ea + i * size, size);
    for (unsigned i = 0; i < count && ok; i++)
        if (selected(mask, i, size))
            ok = cpu_store(cpu, seg, ea + i * size, value + i * size, size);
    cpu->flags_sys |= ac;
    return cpu_end(cpu, in, ok);
}

/* Base, index and displacement: the low 32 bits of the sum. */
static uint32_t element_address(const struct cpu *cpu, const struct insn *in, uint32_t index)
{
    unsigned base = in->sib & 7;
    bool none = base == 5 && in->modrm < 0x40;
    return (none ? 0 : cpu->gpr[base]) + (index << (in->sib >> 6)) + (uint32_t)in->disp;
}

enum cpu_result vector_gather(struct cpu *cpu, const struct insn *in)
{
    unsigned size = in->vex_w ? 8 : 4, index_size = in->opcode & 1 ? 8 : 4;
    unsigned full = in->vex_l ? YMM : XMM;
    unsigned count = full / (size > index_size ? size : index_size);
    unsigned reg = insn_reg(in), vsib = in->sib >> 3 & 7;
    uint8_t dst[YMM], mask[YMM], index[YMM];
    get(cpu, reg, dst);
    get(cpu, in->vvvv, mask);
    get(cpu, vsib, index);
    bool ok = true, loaded = false;
    uint32_t ac = alignment_off(cpu);
    /* The manual's pseudo-code begins so; AMD's processors leave the rest of an element alone. */
    if (cpu->model->intel_host) {
        for (unsigned i = 0; i < full / size; i++)
            memset(mask + i * size, selected(mask, i, size) ? 0xFF : 0, size);
        memset(mask + full, 0, YMM - full);
    }
    for (unsigned i = 0; i < count && ok; i++) {
        uint32_t low;
        memcpy(&low, index + i * index_size, sizeof low);
        if (selected(mask, i, size)) {
            ok = cpu_load(cpu, (enum seg_index)in->seg, element_address(cpu, in, low),
                          dst + i * size, size);
            loaded |= ok;
        }
        if (ok)
            memset(mask + i * size, 0, size);
    }
    cpu->flags_sys |= ac;
    if (ok) { /* what lies beyond the last element is zero */
        memset(mask, 0, sizeof mask);
        memset(dst + count * size, 0, YMM - count * size);
    } else if (loaded && cpu->model->intel_host) {
        memset(dst + full, 0, YMM - full);
    }
    set(cpu, reg, dst);
    set(cpu, in->vvvv, mask);
    return ok ? cpu_done(cpu, in) : CPU_EXCEPTION;
}
