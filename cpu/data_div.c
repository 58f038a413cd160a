/* DIV and IDIV by hand, for sites that raise #DE again and again: there the host's own exception would
 * cost a signal each time.  What does not raise it is left to the host's instruction, whose flags are
 * its own (SDM vol. 2A DIV, IDIV: undefined). */
#include "cpu/data.h"

/* The host's INSTRUCTION on AX, DX and V with FLAGS; the words that the stack may hold below RSP stay. */
#define HOST_DIVIDE(instruction, ax, dx, v, flags)                                                 \
    __asm__("leaq -128(%%rsp), %%rsp\n\tpushq %2\n\tpopfq\n\t" instruction                         \
            " %3\n\tpushfq\n\tpopq %2\n\tleaq 128(%%rsp), %%rsp\n\tcld"                            \
            : "+a"(ax), "+d"(dx), "+r"(flags)                                                      \
            : "r"(v)                                                                               \
            : "cc", "memory")

struct division {
    uint32_t ax, dx;
    uint64_t flags;
};

static void divide_host(struct division *d, bool is_signed, unsigned size, uint32_t value)
{
    if (is_signed && size == 4)
        HOST_DIVIDE("idivl", d->ax, d->dx, value, d->flags);
    else if (is_signed && size == 2)
        HOST_DIVIDE("idivw", d->ax, d->dx, (uint16_t)value, d->flags);
    else if (is_signed)
        HOST_DIVIDE("idivb", d->ax, d->dx, (uint8_t)value, d->flags);
    else if (size == 4)
        HOST_DIVIDE("divl", d->ax, d->dx, value, d->flags);
    else if (size == 2)
        HOST_DIVIDE("divw", d->ax, d->dx, (uint16_t)value, d->flags);
    else
        HOST_DIVIDE("divb", d->ax, d->dx, (uint8_t)value, d->flags);
}

/* Twice the operand's size of dividend: AX, DX:AX or EDX:EAX. */
static uint64_t dividend(const struct cpu *cpu, unsigned size)
{
    if (size == 1)
        return cpu->gpr[EAX] & 0xFFFF;
    if (size == 2)
        return (cpu->gpr[EDX] & 0xFFFF) << 16 | (cpu->gpr[EAX] & 0xFFFF);
    return (uint64_t)cpu->gpr[EDX] << 32 | cpu->gpr[EAX];
}

static int64_t extend(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

/* Does the quotient not fit? */
static bool overflows(uint64_t n, uint32_t value, unsigned size, bool is_signed)
{
    unsigned bits = 8 * size;
    if (!value)
        return true;
    if (!is_signed)
        return n / value >> bits;
    int64_t top = extend(n, 2 * bits), by = extend(value, bits);
    if (top == INT64_MIN)
        return true; /* by whatever */
    int64_t quotient = top / by;
    return quotient != extend((uint64_t)quotient, bits);
}

enum cpu_result emulate_divide(struct cpu *cpu, const struct insn *in)
{
    unsigned size = in->opcode & 1 ? in->opsize : 1;
    bool is_signed = insn_reg(in) == 7;
    uint32_t value;
    if (!cpu_read_rm(cpu, in, size, &value))
        return CPU_EXCEPTION;
    if (overflows(dividend(cpu, size), value, size, is_signed))
        return cpu_fail(cpu, EXC_DE, 0);
    struct division d = {cpu->gpr[EAX], cpu->gpr[EDX], (cpu->flags_host & FLAGS_HOST) | 0x202};
    divide_host(&d, is_signed, size, value);
    cpu->gpr[EAX] = d.ax;
    cpu->gpr[EDX] = d.dx;
    cpu->flags_host = (uint32_t)d.flags & FLAGS_HOST;
    return cpu_done(cpu, in);
}
