/* Integer arithmetic with exact flags. */
#include "cpu/alu.h"

#include "cpu/access.h"

static uint32_t sign_bit(unsigned size)
{
    return 1u << (8 * size - 1);
}

/* ZF, SF and PF of RESULT. */
static uint32_t result_flags(uint32_t result, unsigned size)
{
    uint32_t flags = __builtin_parity(result & 0xFF) ? 0 : FLAG_PF;
    if ((result & size_mask(size)) == 0)
        flags |= FLAG_ZF;
    if (result & sign_bit(size))
        flags |= FLAG_SF;
    return flags;
}

static uint32_t add(uint32_t a, uint32_t b, unsigned carry, unsigned size, uint32_t *flags)
{
    uint64_t wide = (uint64_t)a + b + carry;
    uint32_t result = (uint32_t)wide;
    *flags = result_flags(result, size);
    if (wide >> (8 * size))
        *flags |= FLAG_CF;
    if ((a ^ b ^ result) & 0x10)
        *flags |= FLAG_AF;
    if ((a ^ result) & (b ^ result) & sign_bit(size))
        *flags |= FLAG_OF;
    return result;
}

static uint32_t subtract(uint32_t a, uint32_t b, unsigned borrow, unsigned size, uint32_t *flags)
{
    uint32_t result = a - b - borrow;
    *flags = result_flags(result, size);
    if ((uint64_t)a < (uint64_t)b + borrow)
        *flags |= FLAG_CF;
    if ((a ^ b ^ result) & 0x10)
        *flags |= FLAG_AF;
    if ((a ^ b) & (a ^ result) & sign_bit(size))
        *flags |= FLAG_OF;
    return result;
}

uint32_t alu_execute(enum alu_op op, unsigned size, uint32_t a, uint32_t b, uint32_t *flags)
{
    uint32_t mask = size_mask(size), old = *flags & FLAGS_ARITH, out = old, result;
    unsigned carry = old & FLAG_CF;
    a &= mask;
    b &= mask;
    switch (op) {
    case ALU_ADD:
        result = add(a, b, 0, size, &out);
        break;
    case ALU_ADC:
        result = add(a, b, carry, size, &out);
        break;
    case ALU_SUB:
        result = subtract(a, b, 0, size, &out);
        break;
    case ALU_SBB:
        result = subtract(a, b, carry, size, &out);
        break;
    case ALU_CMP:
        subtract(a, b, 0, size, &out);
        result = a;
        break;
    case ALU_NEG:
        result = subtract(0, a, 0, size, &out);
        break;
    case ALU_INC:
        result = add(a, 1, 0, size, &out);
        out = (out & ~(uint32_t)FLAG_CF) | carry;
        break;
    case ALU_DEC:
        result = subtract(a, 1, 0, size, &out);
        out = (out & ~(uint32_t)FLAG_CF) | carry;
        break;
    case ALU_TEST:
        out = result_flags(a & b, size);
        result = a;
        break;
    case ALU_NOT:
        result = ~a;
        break;
    default:
        result = op == ALU_OR ? a | b : op == ALU_AND ? a & b : a ^ b;
        out = result_flags(result, size);
        break;
    }
    *flags = (*flags & ~(uint32_t)FLAGS_ARITH) | out;
    return result & mask;
}

bool alu_condition(unsigned cc, uint32_t flags)
{
    bool cf = flags & FLAG_CF, zf = flags & FLAG_ZF, sf = flags & FLAG_SF, of = flags & FLAG_OF;
    bool value;
    switch (cc >> 1 & 7) {
    case 0:
        value = of;
        break;
    case 1:
        value = cf;
        break;
    case 2:
        value = zf;
        break;
    case 3:
        value = cf || zf;
        break;
    case 4:
        value = sf;
        break;
    case 5:
        value = flags & FLAG_PF;
        break;
    case 6:
        value = sf != of;
        break;
    default:
        value = zf || sf != of;
        break;
    }
    return value != (cc & 1);
}
