/* The code around the blocks: in from C, out to C, and loading the FPU.
 *
 * The miss stub stands at offset 0, so that an empty jump table entry leads there.  While blocks
 * run RSP is the guest's ESP, so nothing here pushes before RSP is the host's again. */
#define _GNU_SOURCE
#include <stddef.h>
#include <ucontext.h>

#include "translator/internal.h"

#define CPU(field) ((int32_t)offsetof(struct cpu, field))
#define RT(field)  ((int32_t)offsetof(struct runtime, field))

static const uint8_t saved[] = {RBX, RBP, R_TABLE, R_WINDOW, R_CODE, R_CPU};
enum { SAVED = sizeof saved };

/* OPCODE reg, [runtime area + FIELD], relative to RIP; TAIL bytes of immediate follow. */
static void rt_op(struct emit *e, bool w, uint8_t opcode, unsigned reg, int32_t field,
                  unsigned tail)
{
    emit_rex(e, w, reg, R_NONE, R_NONE);
    emit8(e, opcode);
    emit8(e, (uint8_t)((reg & 7) << 3 | 5));
    emit32(e, (uint32_t)(field - RUNTIME_SIZE) - (e->pos + 4 + tail));
}

static void pop_saved_and_return(struct emit *e)
{
    for (int i = SAVED - 1; i >= 0; i--) {
        emit_rex(e, false, R_NONE, R_NONE, saved[i]);
        emit8(e, 0x58 | (saved[i] & 7));
    }
    emit8(e, 0xC3);
}

/* FNINIT; LDMXCSR: as C code expects them. */
static void host_fpu(struct emit *e)
{
    emit8(e, 0xDB);
    emit8(e, 0xE3);
    emit8(e, 0x0F);
    rt_op(e, false, 0xAE, 2, RT(host_mxcsr), 0);
}

/* xsave64 (EXTENSION 4) or xrstor64 (5) of the upper halves of the YMM registers.  EAX and EDX are
 * lost, flags are not. */
static void ymm_op(struct emit *e, unsigned extension)
{
    emit_mov_imm(e, RAX, XCR0_AVX);
    emit_mov_imm(e, RDX, 0);
    emit_rex(e, true, 0, R_NONE, R_CPU);
    emit8(e, 0x0F);
    emit8(e, 0xAE);
    emit_mem(e, extension, R_CPU, R_NONE, CPU(fpu));
}

/* if (cpu->fpu_live) { fxsave64; fpu_live = 0; the host's own FPU state } */
static void park_fpu(struct emit *e)
{
    emit_op_mem(e, false, 0x83, 7, R_CPU, R_NONE, CPU(fpu_live)); /* cmp dword, 0 */
    emit8(e, 0);
    uint32_t skip = emit_jcc(e, 4, 0);
    emit_rex(e, true, 0, R_NONE, R_CPU);
    emit8(e, 0x0F);
    emit8(e, 0xAE);
    emit_mem(e, 0, R_CPU, R_NONE, CPU(fpu)); /* fxsave64 */
    emit_op_mem(e, false, 0x83, 7, R_CPU, R_NONE, CPU(ymm_on)); /* cmp dword, 0 */
    emit8(e, 0);
    uint32_t no_ymm = emit_jcc(e, 4, 0);
    ymm_op(e, 4);
    emit8(e, 0xC5); /* vzeroupper: C code shall not pay for the guest's */
    emit8(e, 0xF8);
    emit8(e, 0x77);
    emit_patch32(e, no_ymm, e->pos);
    emit_store_imm(e, 4, R_CPU, R_NONE, CPU(fpu_live), 0);
    host_fpu(e);
    emit_patch32(e, skip, e->pos);
}

/* The guest's registers and flags into struct cpu, r8d into exit_eip; RSP is the host's then.
 * PUSHFQ and what it waits for would be half of a short cut's time; DF is what string_step says. */
static void save_guest(struct emit *e)
{
    static const uint8_t flags[] = {
        0x9F,                      /* lahf */
        0x0F, 0x90, 0xC0,          /* seto al */
        0x0F, 0xB6, 0xCC,          /* movzx ecx, ah */
        0x0F, 0xB6, 0xC0,          /* movzx eax, al */
        0xC1, 0xE0, 0x0B,          /* shl eax, 11: OF */
        0x81, 0xE1, 0xD5, 0, 0, 0, /* and ecx, SF ZF AF PF CF */
        0x09, 0xC8,                /* or eax, ecx */
    };
    for (unsigned r = 0; r < 8; r++)
        emit_store(e, R_CPU, CPU(gpr) + 4 * (int32_t)r, r);
    rt_op(e, false, 0x89, R8, RT(exit_eip), 0);
    rt_op(e, true, 0x8B, RSP, RT(host_rsp), 0);
    for (unsigned i = 0; i < sizeof flags; i++)
        emit8(e, flags[i]);
    emit_load(e, RCX, R_CPU, CPU(string_step));
    emit8(e, 0x81); /* and ecx, imm32 */
    emit8(e, 0xE1);
    emit32(e, FLAG_DF);
    emit_op_reg(e, false, 0x0B, RAX, RCX); /* or */
    emit_store(e, R_CPU, CPU(flags_host), RAX);
}

static void store_step(struct emit *e, int32_t step)
{
    emit_store_imm(e, 4, R_CPU, R_NONE, CPU(string_step), (uint32_t)step);
}

/* EAX, which is lost, to the flags and cpu->string_step.  POPFQ takes twenty cycles and more, SAHF
 * one: it does unless DF is set, which is clear here. */
static void load_flags(struct emit *e)
{
    static const uint8_t quick[] = {
        0x89, 0xC1,             /* mov ecx, eax */
        0xC1, 0xE9, 0x0B,       /* shr ecx, 11: OF */
        0x88, 0xC4,             /* mov ah, al */
        0x80, 0xE1, 0x01,       /* and cl, 1 */
        0x80, 0xC1, 0x7F,       /* add cl, 7Fh: overflows when it was set */
        0x9E,                   /* sahf */
    };
    emit8(e, 0xA9); /* test eax, imm32 */
    emit32(e, FLAG_DF);
    uint32_t df = emit_jcc(e, 5, 0);
    store_step(e, 1);
    for (unsigned i = 0; i < sizeof quick; i++)
        emit8(e, quick[i]);
    uint32_t done = emit_jmp(e, 0);
    emit_patch32(e, df, e->pos);
    store_step(e, -1);
    emit8(e, 0x50); /* push rax; popfq */
    emit8(e, 0x9D);
    emit_patch32(e, done, e->pos);
}

static void emit_leave(struct translator *t)
{
    struct emit *e = &t->emit;
    rt_op(e, true, 0x89, R10, RT(miss[0]), 0); /* offset 0: the miss stub */
    rt_op(e, true, 0x89, R11, RT(miss[1]), 0);
    emit_mov_imm(e, R11, EXIT_CODE(EXIT_LOOKUP, 0));
    t->stub_leave = e->pos;
    save_guest(e);
    t->stub_fault = e->pos; /* the signal handler has saved registers and flags */
    emit8(e, 0xFC);
    park_fpu(e);
    emit_mov(e, RAX, R11);
    pop_saved_and_return(e);
}

static void mov_imm64(struct emit *e, unsigned reg, const void *value)
{
    emit_rex(e, true, R_NONE, R_NONE, reg);
    emit8(e, (uint8_t)(0xB8 | (reg & 7)));
    emit64(e, (uintptr_t)value);
}

/* A site with a short cut: quick_run(t, site) on the host's stack, with the FPU as it is.  Returns
 * where its emit_jmp to the entry stub is to be patched. */
static uint32_t emit_quick(struct translator *t)
{
    struct emit *e = &t->emit;
    const uint8_t *(*run)(struct translator *, uint32_t) = quick_run;
    const void *target;
    memcpy(&target, &run, sizeof target);
    t->stub_quick = e->pos;
    save_guest(e);
    emit8(e, 0xFC);
    emit8(e, 0x41); /* push r11: keeps it, and aligns the stack */
    emit8(e, 0x53);
    mov_imm64(e, RDI, t);
    emit_mov(e, RSI, R11);
    emit8(e, 0x81); /* and esi, imm32 */
    emit8(e, 0xE6);
    emit32(e, EXIT_CODE(1, 0) - 1);
    mov_imm64(e, RAX, target);
    emit8(e, 0xFF); /* call rax */
    emit8(e, 0xD0);
    emit8(e, 0x41); /* pop r11 */
    emit8(e, 0x5B);
    emit_op_reg(e, true, 0x85, RAX, RAX);
    emit_jcc(e, 4, t->stub_fault);
    emit_op_reg(e, true, 0x8B, RSI, RAX);
    emit_load(e, RDX, R_CPU, CPU(eip));
    return emit_jmp(e, 0);
}

/* Let *FUNCTION point to the code at OFFSET. */
static void stub_address(const struct translator *t, uint32_t offset, void *function)
{
    void *p = t->rx + offset;
    memcpy(function, &p, sizeof p);
}

/* enter(cpu rdi, code rsi, eip edx).  A kick that arrives inside goes to the abort path: until
 * the last jump nothing of the guest's state has been changed. */
static void emit_enter(struct translator *t, uint32_t from_quick)
{
    struct emit *e = &t->emit;
    uint32_t start = e->pos;
    for (unsigned i = 0; i < SAVED; i++) {
        emit_rex(e, false, R_NONE, R_NONE, saved[i]);
        emit8(e, 0x50 | (saved[i] & 7));
    }
    rt_op(e, true, 0x89, RSP, RT(host_rsp), 0);
    emit_op_reg(e, true, 0x8B, R_CPU, RDI);
    emit_patch32(e, from_quick, e->pos);
    t->stub_enter = e->pos;
    rt_op(e, false, 0x83, 7, RT(kick), 1); /* cmp dword [kick], 0 */
    emit8(e, 0);
    uint32_t abort = emit_jcc(e, 5, 0);
    emit_op_reg(e, true, 0x8B, R9, RSI);
    emit_mov(e, R8, RDX);
    emit_op_reg(e, true, 0x8B, R10, RSI); /* two addresses: no jump leads there (table_missed) */
    emit_op_reg(e, true, 0x8B, R11, RSI);
    rt_op(e, true, 0x8B, R_WINDOW, RT(window), 0);
    rt_op(e, true, 0x8B, R_TABLE, RT(table), 0);
    rt_op(e, true, 0x8D, R_CODE, RUNTIME_SIZE, 0); /* lea r14, start of the cache */
    emit_load(e, RAX, R_CPU, CPU(flags_host));
    load_flags(e);
    static const uint8_t order[8] = {RCX, RDX, RBX, RBP, RSI, RDI, RSP, RAX};
    for (unsigned i = 0; i < 8; i++)
        emit_load(e, order[i], R_CPU, CPU(gpr) + 4 * order[i]);
    emit8(e, 0x41); /* jmp r9 */
    emit8(e, 0xFF);
    emit8(e, 0xE1);
    t->stub_enter_end = e->pos;
    t->stub_abort = e->pos;
    emit_patch32(e, abort, e->pos);
    rt_op(e, true, 0x8B, RSP, RT(host_rsp), 0);
    emit_mov_imm(e, R11, EXIT_CODE(EXIT_KICKED, 0));
    emit_jmp(e, t->stub_fault); /* from a short cut the FPU may be the guest's */
    stub_address(t, start, &t->enter);
}

/* Load the guest's FPU state and go back to r10.  All registers but r8 and r11, and the flags,
 * survive. */
static void emit_fpu_load(struct translator *t)
{
    struct emit *e = &t->emit;
    t->stub_fpu = e->pos;
    emit_rex(e, true, 0, R_NONE, R_CPU);
    emit8(e, 0x0F);
    emit8(e, 0xAE);
    emit_mem(e, 1, R_CPU, R_NONE, CPU(fpu)); /* fxrstor64 */
    emit_mov(e, R11, RCX);
    emit_load(e, RCX, R_CPU, CPU(ymm_on));
    uint32_t no_ymm = emit_jrcxz(e);
    emit_mov(e, R8, RAX);
    emit_mov(e, RCX, RDX);
    ymm_op(e, 5);
    emit_mov(e, RAX, R8);
    emit_mov(e, RDX, RCX);
    emit_patch8(e, no_ymm, e->pos);
    emit_mov(e, RCX, R11);
    emit_store_imm(e, 4, R_CPU, R_NONE, CPU(fpu_live), 1);
    emit8(e, 0x41); /* jmp r10 */
    emit8(e, 0xFF);
    emit8(e, 0xE2);
    t->stub_fpu_end = e->pos;
}

/* leave(): from a handler on its stack to the hub. */
static void emit_leave_handler(struct translator *t)
{
    struct emit *e = &t->emit;
    stub_address(t, e->pos, &t->leave);
    host_fpu(e);
    rt_op(e, true, 0x8B, RSP, RT(host_rsp), 0);
    emit_mov_imm(e, RAX, EXIT_CODE(EXIT_FAULT, 0));
    pop_saved_and_return(e);
}

/* fxrstor64 (EXTENSION 1) or xrstor64 (5) from [RSI]. */
static void restore_op(struct emit *e, unsigned extension)
{
    emit_rex(e, true, 0, R_NONE, RSI);
    emit8(e, 0x0F);
    emit8(e, 0xAE);
    emit_mem(e, extension, RSI, R_NONE, 0);
}

/* The FPU as [RSI] has it, YMM registers too if EDX; nothing of the guest's when RSI is 0. */
static void restore_fpu(struct emit *e)
{
    emit_op_reg(e, true, 0x85, RSI, RSI);
    uint32_t live = emit_jcc(e, 5, 0);
    host_fpu(e);
    uint32_t host = emit_jmp(e, 0);
    emit_patch32(e, live, e->pos);
    emit_op_reg(e, false, 0x85, RDX, RDX);
    uint32_t ymm = emit_jcc(e, 5, 0);
    restore_op(e, 1);
    uint32_t no_ymm = emit_jmp(e, 0);
    emit_patch32(e, ymm, e->pos);
    emit_mov_imm(e, RAX, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    emit_mov_imm(e, RDX, 0);
    restore_op(e, 5);
    emit_patch32(e, host, e->pos);
    emit_patch32(e, no_ymm, e->pos);
}

/* resume(gregs rdi, FPU state rsi, ymm edx): from a handler to the guest code that it interrupted,
 * or back to the handler when a kick has come.  A kick that comes here starts it anew before
 * stub_resume_kicked, and behind that changes RIP and r12 in the runtime area.  Signals are
 * delivered below RSP, so the frame lasts until RSP is the guest's; RIP, loaded then, is not in it. */
static void emit_resume_handler(struct translator *t)
{
    static const struct {
        uint8_t reg, greg;
    } order[] = {{R8, REG_R8},        {R9, REG_R9},      {R10, REG_R10},   {R11, REG_R11},
                 {R_WINDOW, REG_R13}, {R_CODE, REG_R14}, {R_CPU, REG_R15}, {RDI, REG_RDI},
                 {RSI, REG_RSI},      {RBP, REG_RBP},    {RBX, REG_RBX},   {RDX, REG_RDX},
                 {RAX, REG_RAX},      {RCX, REG_RCX},    {RSP, REG_RSP}};
    struct emit *e = &t->emit;
    t->stub_resume = e->pos;
    stub_address(t, e->pos, &t->resume);
    rt_op(e, false, 0x83, 7, RT(kick), 1); /* cmp dword [kick], 0 */
    emit8(e, 0);
    uint32_t quiet = emit_jcc(e, 4, 0);
    emit8(e, 0xC3);
    emit_patch32(e, quiet, e->pos);
    t->stub_resume_kicked = e->pos;
    stub_address(t, e->pos, &t->resume_kicked);
    restore_fpu(e);
    emit_op_reg(e, true, 0x8B, RSP, RDI);
    emit8(e, 0xFF); /* push qword */
    emit_mem(e, 6, RDI, R_NONE, 8 * REG_EFL);
    emit8(e, 0x9D); /* popfq */
    rt_op(e, true, 0x8B, R_TABLE, RT(resume_table), 0);
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
        emit_op_mem(e, true, 0x8B, order[i].reg, RSP, R_NONE, 8 * order[i].greg);
    rt_op(e, false, 0xFF, 4, RT(resume_rip), 0); /* jmp [resume_rip] */
    t->stub_resume_end = e->pos;
}

/* OPCODE reg, FIELD of the entry at [RAX]. */
static void leaf_op(struct emit *e, uint8_t opcode, unsigned reg, size_t field)
{
    int32_t at = RT(leaf) + (int32_t)field - RUNTIME_SIZE;
    emit_op_mem(e, false, opcode, reg, R_CODE, RAX, at);
}

static void flags_from_r9(struct emit *e)
{
    emit_mov(e, RAX, R9);
    emit8(e, 0x04); /* add al, 7Fh: overflows when OF was set */
    emit8(e, 0x7F);
    emit8(e, 0x9E); /* sahf */
}

/* CPUID in the middle of a block: what the hub has remembered, and on at r10; else out to it with
 * the exit code in r11d.  Flags in r9d, EAX in r8d meanwhile. */
static void emit_cpuid(struct translator *t)
{
#define LEAF(field) offsetof(struct quick_leaf, field)
    static const struct {
        int32_t now;
        uint16_t then;
    } state[] = {{CPU(cr4), LEAF(cr4)}, {CPU(apic_base), LEAF(apic_base)}, {CPU(xcr0), LEAF(xcr0)}};
    enum { STATES = sizeof state / sizeof *state };
    static const uint8_t index[] = {
        0x9F,                         /* lahf */
        0x0F, 0x90, 0xC0,             /* seto al */
        0x41, 0x89, 0xC1,             /* mov r9d, eax */
        0x44, 0x89, 0xC0,             /* mov eax, r8d */
        0xC1, 0xE8, 27,               /* shr eax, 27 */
        0x44, 0x31, 0xC0,             /* xor eax, r8d */
        0x83, 0xE0, QUICK_LEAVES - 1, /* and eax, 31 */
        0xC1, 0xE0, QUICK_LEAF_SHIFT, /* shl eax, 6 */
    };
    struct emit *e = &t->emit;
    uint32_t other, changed[1 + STATES];
    t->stub_cpuid = e->pos;
    emit_mov(e, R8, RAX);
    for (unsigned i = 0; i < sizeof index; i++)
        emit8(e, index[i]);
    leaf_op(e, 0x3B, R8, LEAF(leaf)); /* cmp */
    other = emit_jcc(e, 5, 0);
    leaf_op(e, 0x8B, R8, LEAF(mask));
    emit_op_reg(e, false, 0x23, R8, RCX); /* and */
    leaf_op(e, 0x3B, R8, LEAF(subleaf));
    changed[0] = emit_jcc(e, 5, 0);
    for (unsigned i = 0; i < STATES; i++) {
        emit_load(e, R8, R_CPU, state[i].now);
        leaf_op(e, 0x3B, R8, state[i].then);
        changed[1 + i] = emit_jcc(e, 5, 0);
    }
    rt_op(e, true, 0x83, 0, RT(leaves), 1); /* add qword, 1 */
    emit8(e, 1);
    leaf_op(e, 0x8B, R8, LEAF(regs[0]));
    leaf_op(e, 0x8B, RBX, LEAF(regs[1]));
    leaf_op(e, 0x8B, RCX, LEAF(regs[2]));
    leaf_op(e, 0x8B, RDX, LEAF(regs[3]));
    flags_from_r9(e);
    emit_mov(e, RAX, R8);
    emit8(e, 0x41); /* jmp r10 */
    emit8(e, 0xFF);
    emit8(e, 0xE2);
    for (unsigned i = 0; i < 1 + STATES; i++)
        emit_patch32(e, changed[i], e->pos);
    leaf_op(e, 0x8B, R8, LEAF(leaf));
    emit_patch32(e, other, e->pos);
    flags_from_r9(e);
    emit_mov(e, RAX, R8);
    emit_jmp(e, t->stub_leave);
    t->stub_cpuid_end = e->pos;
#undef LEAF
}

void stubs_emit(struct translator *t)
{
    enum { STEP_ROOM = 256 };
    emit_leave(t);
    emit_enter(t, emit_quick(t));
    emit_fpu_load(t);
    emit_cpuid(t);
    emit_leave_handler(t);
    emit_resume_handler(t);
    quick_forget_leaves(t);
    t->stub_step = t->emit.pos;
    t->step_end = t->emit.pos += STEP_ROOM;
    uint32_t mxcsr;
    __asm__("stmxcsr %0" : "=m"(mxcsr));
    t->rt->host_mxcsr = mxcsr;
    t->debugger = debugger_tell(t->rx, t->cache_size, &t->rt->host_rsp, saved, SAVED);
}
