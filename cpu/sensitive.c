/* cpu_emulate: from an opcode to its handler. */
#include "cpu/sensitive.h"
#include "cpu/control.h"

#include "ringer/log.h"

static enum cpu_result undefined(struct cpu *cpu)
{
    return cpu_fail(cpu, EXC_UD, 0);
}

static enum cpu_result unknown(struct cpu *cpu, const struct insn *in)
{
    log_unimp(cpu->log, "cpu: no handler for opcode map %u, %02x /%u", in->map, in->opcode,
              insn_reg(in));
    return undefined(cpu);
}

/* D9 /4 /6 and DD /4 /6 with a memory operand; DB E3; FF /3 /5. */
static enum cpu_result emulate_group(struct cpu *cpu, const struct insn *in)
{
    unsigned reg = insn_reg(in);
    if (in->opcode == 0xFF)
        return reg == 3 || reg == 5 ? emulate_far_indirect(cpu, in) : unknown(cpu, in);
    if (in->opcode == 0xDB)
        return in->modrm == 0xE3 ? emulate_fninit(cpu, in) : unknown(cpu, in);
    return in->has_mem && (reg == 4 || reg == 6) ? emulate_fpu_state(cpu, in) : unknown(cpu, in);
}

static enum cpu_result emulate_1b(struct cpu *cpu, const struct insn *in)
{
    switch (in->opcode) {
    case 0x06:
    case 0x0E:
    case 0x16:
    case 0x1E:
        return emulate_push_segment(cpu, in, in->opcode >> 3 & 3);
    case 0x07:
    case 0x17:
    case 0x1F:
        return emulate_pop_segment(cpu, in, in->opcode >> 3 & 3);
    case 0x27:
    case 0x2F:
    case 0x37:
    case 0x3F:
    case 0xD4:
    case 0xD5:
    case 0xD6:
        return emulate_bcd(cpu, in);
    case 0x62:
        return emulate_bound(cpu, in);
    case 0x63:
        return emulate_arpl(cpu, in);
    case 0x6C:
    case 0x6D:
        return emulate_ins(cpu, in);
    case 0x6E:
    case 0x6F:
        return emulate_outs(cpu, in);
    case 0x8C:
        return emulate_mov_from_segment(cpu, in);
    case 0x8E:
        return emulate_mov_to_segment(cpu, in);
    case 0x9A:
    case 0xEA:
        return emulate_far_pointer(cpu, in);
    case 0x9C:
        return emulate_pushf(cpu, in);
    case 0x9D:
        return emulate_popf(cpu, in);
    case 0xC4:
        return emulate_load_far(cpu, in, SEG_ES);
    case 0xC5:
        return emulate_load_far(cpu, in, SEG_DS);
    case 0xC8:
        return emulate_enter(cpu, in);
    case 0xCA:
    case 0xCB:
        return emulate_retf(cpu, in);
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xF1:
        return emulate_int(cpu, in);
    case 0xCF:
        return emulate_iret(cpu, in);
    case 0xD9:
    case 0xDB:
    case 0xDD:
    case 0xFF:
        return emulate_group(cpu, in);
    case 0xE4:
    case 0xE5:
    case 0xEC:
    case 0xED:
        return emulate_in(cpu, in);
    case 0xE6:
    case 0xE7:
    case 0xEE:
    case 0xEF:
        return emulate_out(cpu, in);
    case 0xF4:
        return emulate_hlt(cpu, in);
    case 0xFA:
        return emulate_cli(cpu, in);
    case 0xFB:
        return emulate_sti(cpu, in);
    default:
        return unknown(cpu, in);
    }
}

/* FXSAVE, FXRSTOR; XSAVE, XRSTOR, XSAVEOPT; CLFLUSH: memory operands, no prefix. */
static enum cpu_result emulate_group15(struct cpu *cpu, const struct insn *in)
{
    unsigned reg = insn_reg(in);
    if (!in->has_mem || in->rep || in->opsize_prefix || reg == 2 || reg == 3)
        return undefined(cpu);
    return reg < 2   ? emulate_fxsave(cpu, in)
           : reg < 7 ? emulate_xsave(cpu, in)
                     : emulate_clflush(cpu, in);
}

static enum cpu_result emulate_0f(struct cpu *cpu, const struct insn *in)
{
    switch (in->opcode) {
    case 0x00:
        return emulate_group6(cpu, in);
    case 0x01:
        return emulate_group7(cpu, in);
    case 0x02:
    case 0x03:
        return emulate_lar_lsl(cpu, in);
    case 0x06:
        return emulate_clts(cpu, in);
    case 0x08:
    case 0x09:
        return emulate_cache(cpu, in);
    case 0x20:
    case 0x22:
        return emulate_mov_cr(cpu, in);
    case 0x21:
    case 0x23:
        return emulate_mov_dr(cpu, in);
    case 0x30:
        return emulate_wrmsr(cpu, in);
    case 0x31:
        return emulate_rdtsc(cpu, in);
    case 0x32:
        return emulate_rdmsr(cpu, in);
    case 0x33:
        return emulate_rdpmc(cpu, in);
    case 0x34:
        return emulate_sysenter(cpu, in);
    case 0x35:
        return emulate_sysexit(cpu, in);
    case 0xA0:
        return emulate_push_segment(cpu, in, SEG_FS);
    case 0xA1:
        return emulate_pop_segment(cpu, in, SEG_FS);
    case 0xA2:
        return emulate_cpuid(cpu, in);
    case 0xA8:
        return emulate_push_segment(cpu, in, SEG_GS);
    case 0xA9:
        return emulate_pop_segment(cpu, in, SEG_GS);
    case 0xAE:
        return emulate_group15(cpu, in);
    case 0xB2:
        return emulate_load_far(cpu, in, SEG_SS);
    case 0xB4:
        return emulate_load_far(cpu, in, SEG_FS);
    case 0xB5:
        return emulate_load_far(cpu, in, SEG_GS);
    case 0x05: /* SYSCALL, SYSRET: 64-bit mode only on these models */
    case 0x07:
    case 0x0B: /* UD2, UD1, UD0 */
    case 0xB9:
    case 0xFF:
    case 0x24: /* MOV to and from the test registers of the 386 and 486 */
    case 0x26:
    case 0xAA: /* RSM outside system-management mode */
        return undefined(cpu);
    default:
        return unknown(cpu, in);
    }
}

enum cpu_result cpu_emulate(struct cpu *cpu, const struct insn *in)
{
    /* RF lasts for one instruction (SDM 18.3.1.1); IRET sets it anew. */
    uint32_t rf = cpu->flags_sys & FLAG_RF;
    enum cpu_result result;
    cpu->flags_sys &= ~(uint32_t)FLAG_RF;
    if (in->map == MAP_1B)
        result = emulate_1b(cpu, in);
    else if (in->map == MAP_0F)
        result = emulate_0f(cpu, in);
    else
        result = unknown(cpu, in);
    if (result != CPU_NEXT)
        cpu->flags_sys |= rf;
    return result;
}
