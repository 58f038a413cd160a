/* One instruction whose memory operands may not be touched in place (device memory, pages with
 * code, accesses that wrap).  Data movement is done in C; anything else is run by the host on a
 * bounce buffer: read the operand there, run the very instruction on it, write it back. */
#include "cpu/access.h"
#include "cpu/fpu_state.h"
#include "cpu/model.h"
#include "translator/build.h"
#include "translator/pointers.h"
#include "translator/simd.h"
#include "translator/vector.h"
#include "translator/vex.h"

enum { BOUNCE_FIELD = offsetof(struct runtime, bounce) };

bool step_fetch(struct translator *t, struct insn *in, uint32_t *phys)
{
    struct cpu *cpu = t->cpu;
    struct mmu_fault fault;
    struct insn_info info;
    uint64_t pa;
    uint8_t bytes[INSN_MAX_LEN];
    uint32_t lin = cpu->seg[SEG_CS].base + cpu->eip, n = PAGE_SIZE - (lin & (PAGE_SIZE - 1));
    if (!mmu_fetch(t->mmu, t->window, lin, &pa, &fault))
        return cpu_raise_pf(cpu, &fault);
    *phys = (uint32_t)pa;
    if (n > INSN_MAX_LEN)
        n = INSN_MAX_LEN;
    phys_read(t->phys, pa, bytes, n);
    unsigned bits = t->mode & MODE_CODE32 ? 32 : 16;
    if (decode_insn(t->decoder, bytes, n, bits, in, &info) == DECODE_SHORT) {
        if (!mmu_fetch(t->mmu, t->window, lin + n, &pa, &fault))
            return cpu_raise_pf(cpu, &fault);
        phys_read(t->phys, pa, bytes + n, INSN_MAX_LEN - n);
        if (decode_insn(t->decoder, bytes, INSN_MAX_LEN, bits, in, &info) != DECODE_OK)
            return cpu_raise(cpu, EXC_GP, 0);
    }
    return true;
}

/* Write the instruction, operand redirected to the bounce buffer at SHIFT, into the step area. */
static bool emit_step(struct translator *t, const struct insn *in, uint32_t shift)
{
    struct decoded d;
    struct emit e = {.base = t->rw, .pos = t->stub_step, .limit = t->step_end};
    struct build b = {.t = t, .e = &e, .mode = t->mode, .in = &d.in, .info = &d.info};
    decode_insn(t->decoder, in->bytes, in->len, t->mode & MODE_CODE32 ? 32 : 16, &d.in, &d.info);
    if (decoded_uses_fpu(&d)) { /* lea r10, [rip + 5]; jmp load */
        emit_rex(&e, true, R10, R_NONE, R_NONE);
        emit8(&e, 0x8D);
        emit8(&e, 0x15);
        emit32(&e, 5);
        emit_jmp(&e, t->stub_fpu);
    }
    rewrite_on_bounce(&b, (int32_t)(BOUNCE_FIELD + shift));
    exit_code(&b, EXIT_STEPPED, 0);
    return !e.overflow;
}

/* Run the step area; false: it raised an exception, or is to be tried again. */
static bool run_step(struct translator *t)
{
    uint32_t code;
    do {
        t->rt->kick = 0; /* the hub looks at cpu->event before it enters guest code again */
        code = t->enter(t->cpu, t->rx + t->stub_step, t->cpu->eip);
    } while (code == EXIT_CODE(EXIT_KICKED, 0));
    if (code == EXIT_CODE(EXIT_STEPPED, 0))
        return true;
    hub_host_exception(t);
    return false;
}

static bool x87(const struct insn *in)
{
    return in->map == MAP_1B && in->opcode >= 0xD8 && in->opcode <= 0xDF;
}

static bool is_simd(const struct insn *in)
{
    return in->vex || opcode_lookup(in->map, in->opcode, in->modrm).flags & (OP_MMX | OP_SSE);
}

/* The alignment that its operand must have. */
static uint32_t alignment(const struct insn *in, bool simd)
{
    if (in->vex)
        return vex_alignment(in);
    return simd && simd_aligned(in) ? 16 : 1;
}

/* Read the operand of IN into BOUNCE as far as it will be read. */
static bool load_operand(struct cpu *cpu, const struct insn *in, uint32_t ea, uint8_t *bounce,
                         uint32_t size)
{
    if (in->vex && vex_masked(in))
        return vector_masked_load(cpu, in, ea, bounce);
    return cpu_load(cpu, (enum seg_index)in->seg, ea, bounce, size);
}

/* Does it report a waiting x87 exception?  FNSTCW and FNSTSW do not. */
static bool waits(const struct insn *in, bool simd)
{
    if (simd)
        return !in->vex && simd_mmx(in);
    return x87(in) && !(insn_reg(in) == 7 && (in->opcode == 0xD9 || in->opcode == 0xDD));
}

/* An x87 store that raised an unmasked exception other than precision has stored nothing (SDM vol. 1
 * 8.5).  None was waiting before, so what is unmasked now is its own; FNSTCW and FNSTSW, which do
 * not wait, always store. */
static bool did_not_store(const struct cpu *cpu, const struct insn *in)
{
    enum { X87_I = 1, X87_O = 8, X87_U = 16 };
    return x87(in) && waits(in, false) && (cpu->fpu[2] & ~cpu->fpu[0] & (X87_I | X87_O | X87_U));
}

static enum cpu_result step_on_bounce(struct translator *t, const struct insn *in)
{
    struct cpu *cpu = t->cpu;
    uint32_t ea = cpu_effective_address(cpu, in), size = in->mem_size ? in->mem_size : 4;
    uint32_t shift = (cpu->seg[in->seg].base + ea) & 31; /* alignment faults stay faults */
    uint8_t *bounce = t->rt->bounce + shift;
    enum seg_index seg = (enum seg_index)in->seg;
    t->stats.stepped++;
    bool simd = is_simd(in);
    if (waits(in, simd) && cpu_fpu_pending(cpu)) { /* comes before the operand's faults */
        enum cpu_result error = cpu_fpu_error(cpu);
        if (error != CPU_NEXT)
            return error;
    }
    if ((cpu->seg[seg].base + ea) & (alignment(in, simd) - 1)) /* so does misalignment */
        return cpu_fail(cpu, EXC_GP, 0);
    /* What is written back faults as a write, even at its read. */
    if ((in->mem_access & 2) && !cpu_probe_store(cpu, seg, ea, size)) {
        if (simd && waits(in, true) && cpu->model->intel_host)
            cpu_fpu_top_zero(cpu); /* MMX's first step is done before the store */
        return CPU_EXCEPTION;
    }
    if ((in->mem_access & 1) && !load_operand(cpu, in, ea, bounce, size))
        return CPU_EXCEPTION;
    if (!emit_step(t, in, shift)) {
        log_unimp(t->log, "cpu: instruction %02x in map %u by hand", in->opcode, in->map);
        cpu_raise(cpu, EXC_UD, 0);
        return CPU_EXCEPTION;
    }
    if (!run_step(t))
        return CPU_EXCEPTION;
    if (x87(in))
        pointers_set(cpu, in, cpu->eip, ea);
    if ((in->mem_access & 2) && !did_not_store(cpu, in) && !cpu_store(cpu, seg, ea, bounce, size))
        return CPU_EXCEPTION;
    cpu->eip += in->len;
    return CPU_NEXT;
}

/* MASKMOVQ and MASKMOVDQU: the bytes of ModRM.reg whose mask byte in ModRM.rm has bit 7 set. */
static enum cpu_result masked_store(struct cpu *cpu, const struct insn *in)
{
    enum { FXSAVE_ST0 = 32, FXSAVE_XMM0 = 160 };
    bool xmm = in->opsize_prefix;
    if (!xmm) {
        enum cpu_result error = cpu_fpu_pending(cpu) ? cpu_fpu_error(cpu) : CPU_NEXT;
        if (error != CPU_NEXT)
            return error;
        cpu_fpu_enter_mmx(cpu);
    }
    const uint8_t *regs = cpu->fpu + (xmm ? FXSAVE_XMM0 : FXSAVE_ST0);
    const uint8_t *data = regs + 16 * insn_reg(in), *mask = regs + 16 * insn_rm(in);
    uint32_t edi = in->addrsize == 2 ? cpu->gpr[EDI] & 0xFFFF : cpu->gpr[EDI];
    unsigned n = xmm ? 16 : 8;
    if (!cpu_probe_store(cpu, (enum seg_index)in->seg, edi, n))
        return CPU_EXCEPTION;
    for (unsigned i = 0; i < n; i++)
        if ((mask[i] & 0x80) && !cpu_store(cpu, (enum seg_index)in->seg, edi + i, data + i, 1))
            return CPU_EXCEPTION;
    cpu->eip += in->len;
    return CPU_NEXT;
}

enum cpu_result step_by_hand(struct translator *t, const struct insn *in)
{
    bool handled = false;
    t->stats.slow++;
    enum cpu_result r = cpu_emulate_data(t->cpu, in, &handled);
    if (handled)
        return r;
    if (in->kind == K_SENSITIVE || in->kind == K_PUSHF || in->kind == K_POPF ||
        in->kind == K_PUSH_SREG)
        return cpu_emulate(t->cpu, in);
    if (in->kind == K_GATHER)
        return vector_gather(t->cpu, in);
    if (in->vex && in->mem_access == 2 && vex_masked(in))
        return vector_masked_store(t->cpu, in);
    if (in->kind == K_MASKMOV)
        return masked_store(t->cpu, in);
    if (in->has_mem)
        return step_on_bounce(t, in);
    log_unimp(t->log, "cpu: instruction %02x in map %u by hand, without a memory operand",
              in->opcode, in->map);
    cpu_raise(t->cpu, EXC_UD, 0);
    return CPU_EXCEPTION;
}

uint32_t step_operand(struct translator *t, const struct insn *in)
{
    struct cpu *cpu = t->cpu;
    uint32_t lin;
    if (in->kind == K_GATHER)
        return false;
    if (in->has_mem)
        lin = cpu->seg[in->seg].base + cpu_effective_address(cpu, in);
    else if (in->kind == K_STRING && (in->opcode & 0xFE) != 0xAC)
        lin = cpu->seg[SEG_ES].base + cpu->gpr[EDI];
    else if (in->kind == K_STRING)
        lin = cpu->seg[in->override == SEG_NONE ? SEG_DS : in->override].base + cpu->gpr[ESI];
    else if (in->kind == K_MOFFS)
        lin = cpu->seg[in->seg].base + in->imm;
    else /* the stack, if anything */
        lin = cpu->seg[SEG_SS].base + (cpu->gpr[ESP] & (t->mode & MODE_STACK32 ? ~0u : 0xFFFF));
    return lin;
}

bool step_operand_plain(struct translator *t, uint32_t lin)
{
    struct cpu *cpu = t->cpu;
    struct mmu_fault fault;
    uint64_t pa, offset;
    if (!mmu_translate(t->mmu, lin, MMU_READ, cpu->cpl == 3, &pa, &fault) || pa >> 32)
        return false;
    uint32_t pfn = (uint32_t)pa >> PAGE_SHIFT;
    /* The first write to a logged frame takes the log away, by hand or not. */
    return phys_frame(t->phys, pfn, &offset) == PHYS_RAM &&
           !(phys_frame_flags(t->phys, pfn) & ~(uint32_t)FRAME_LOGGED);
}
