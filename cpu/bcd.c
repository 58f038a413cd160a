/* Decimal arithmetic that 64-bit hosts no longer have.  Intel SDM vol. 2 DAA, DAS, AAA, AAS,
 * AAM, AAD.  Flags that the manual leaves undefined are what Intel's processors leave. */
#include "cpu/sensitive.h"

static uint32_t result_flags(uint8_t al)
{
    uint32_t flags = __builtin_parity(al) ? 0 : FLAG_PF;
    return flags | (al == 0 ? FLAG_ZF : 0) | (al & 0x80 ? FLAG_SF : 0);
}

static void set_flags(struct cpu *cpu, uint32_t flags)
{
    cpu->flags_host = (cpu->flags_host & ~(uint32_t)FLAGS_ARITH) | flags;
}

/* DAA (SIGN +1) and DAS (SIGN -1). */
static void decimal_adjust(struct cpu *cpu, int sign)
{
    uint8_t old = cpu->gpr[EAX] & 0xFF, al = old;
    bool old_cf = cpu->flags_host & FLAG_CF, cf = false, af = false;
    if ((al & 15) > 9 || (cpu->flags_host & FLAG_AF)) {
        cf = old_cf || (sign > 0 ? al > 0xF9 : al < 6);
        al = (uint8_t)(al + 6 * sign);
        af = true;
    }
    if (old > 0x99 || old_cf) {
        al = (uint8_t)(al + 0x60 * sign);
        cf = true;
    } else if (sign > 0) {
        cf = false;
    }
    reg_set(cpu, EAX, 1, al);
    set_flags(cpu, result_flags(al) | (cf ? FLAG_CF : 0) | (af ? FLAG_AF : 0));
}

/* AAA (SIGN +1) and AAS (SIGN -1). */
static void ascii_adjust(struct cpu *cpu, int sign)
{
    uint16_t ax = cpu->gpr[EAX] & 0xFFFF;
    bool adjust = (ax & 15) > 9 || (cpu->flags_host & FLAG_AF);
    if (adjust)
        ax = (uint16_t)(ax + 0x106 * sign);
    ax &= 0xFF0F;
    reg_set(cpu, EAX, 2, ax);
    set_flags(cpu, result_flags(ax & 0xFF) | (adjust ? FLAG_CF | FLAG_AF : 0));
}

enum cpu_result emulate_bcd(struct cpu *cpu, const struct insn *in)
{
    uint8_t al = cpu->gpr[EAX] & 0xFF, ah = cpu->gpr[EAX] >> 8 & 0xFF, base = in->imm & 0xFF;
    switch (in->opcode) {
    case 0x27:
        decimal_adjust(cpu, 1);
        break;
    case 0x2F:
        decimal_adjust(cpu, -1);
        break;
    case 0x37:
        ascii_adjust(cpu, 1);
        break;
    case 0x3F:
        ascii_adjust(cpu, -1);
        break;
    case 0xD4: /* AAM */
        if (base == 0)
            return cpu_fail(cpu, EXC_DE, 0);
        reg_set(cpu, EAX, 2, (uint32_t)(al / base) << 8 | al % base);
        set_flags(cpu, result_flags(al % base));
        break;
    case 0xD5: /* AAD */
        al = (uint8_t)(al + ah * base);
        reg_set(cpu, EAX, 2, al);
        set_flags(cpu, result_flags(al));
        break;
    default: /* SALC */
        reg_set(cpu, EAX, 1, cpu->flags_host & FLAG_CF ? 0xFF : 0);
        break;
    }
    return cpu_done(cpu, in);
}
