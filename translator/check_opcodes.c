/* The opcodes that a translated block may hold: an allow-list over the maps of the SDM, vol. 2D
 * appendix A, as they are in 64-bit mode.  What touches memory or the stack other than by its
 * ModRM operand, segment registers, privileged state, or bases of segments is not in it. */
#include "translator/check.h"

#define REFUSED (struct host_form){HOST_REFUSED, false, 0}
#define INT(imm) (struct host_form){HOST_INT, true, imm}
#define PLAIN(imm) (struct host_form){HOST_INT, false, imm}
#define FPU(imm) (struct host_form){HOST_FPU, true, imm}
#define FORM(class, modrm, imm) (struct host_form){class, modrm, imm}

static struct host_form group3(uint8_t opcode, unsigned reg)
{
    return INT(reg > 1 ? 0 : opcode & 1 ? 4 : 1);
}

/* FLDENV FNSTENV FRSTOR FNSAVE hold addresses of host code. */
static struct host_form x87(uint8_t opcode, unsigned reg, bool mem)
{
    if (mem && (opcode == 0xD9 || opcode == 0xDD) && (reg == 4 || reg == 6))
        return REFUSED;
    return FPU(0);
}

static struct host_form one_byte_low(uint8_t o)
{
    if (o >= 0x40)
        return o == 0x51 || o == 0x59 ? FORM(HOST_STACK, false, 0)
               : o == 0x69            ? INT(4)
               : o == 0x6B            ? INT(1)
                                      : REFUSED;
    switch (o & 7) {
    case 0:
    case 1:
    case 2:
    case 3:
        return INT(0);
    case 4:
        return PLAIN(1);
    case 5:
        return PLAIN(4);
    default:
        return REFUSED;
    }
}

static struct host_form one_byte_mid(uint8_t o)
{
    switch (o) {
    case 0x80:
    case 0x83:
        return INT(1);
    case 0x81:
        return INT(4);
    case 0x84: case 0x85: case 0x86: case 0x87: case 0x88: case 0x89: case 0x8A: case 0x8B:
        return INT(0);
    case 0x8D:
        return FORM(HOST_LEA, true, 0);
    case 0x9B:
        return FORM(HOST_FPU, false, 0);
    case 0x9C:
    case 0x9D:
        return FORM(HOST_STACK, false, 0);
    case 0xA4: case 0xA5: case 0xA6: case 0xA7: case 0xAA: case 0xAB: case 0xAC: case 0xAD:
    case 0xAE: case 0xAF:
        return FORM(HOST_STRING, false, 0);
    case 0xA8:
        return PLAIN(1);
    case 0xA9:
        return PLAIN(4);
    default:
        break;
    }
    if (o >= 0xB0)
        return PLAIN(o < 0xB8 ? 1 : 4);
    if (o >= 0x90 && o <= 0x9F && o != 0x9A)
        return PLAIN(0);
    return REFUSED;
}

static struct host_form one_byte_high(uint8_t o, unsigned reg, bool mem)
{
    switch (o) {
    case 0xC0:
    case 0xC1:
        return INT(1);
    case 0xC6:
    case 0xC7:
        return reg ? REFUSED : INT(o & 1 ? 4 : 1);
    case 0xD0: case 0xD1: case 0xD2: case 0xD3:
        return INT(0);
    case 0xD7:
        return FORM(HOST_XLAT, false, 0);
    case 0xE3:
        return FORM(HOST_JRCXZ, false, 1);
    case 0xE9:
        return FORM(HOST_JMP, false, 4);
    case 0xF5: case 0xF8: case 0xF9: case 0xFC: case 0xFD:
        return PLAIN(0);
    case 0xF6:
    case 0xF7:
        return group3(o, reg);
    case 0xFE:
        return reg < 2 ? INT(0) : REFUSED;
    case 0xFF:
        if (reg == 4 && !mem)
            return FORM(HOST_JMP_REG, true, 0);
        return reg < 2 ? INT(0) : REFUSED;
    default:
        return o >= 0xD8 && o <= 0xDF ? x87(o, reg, mem) : REFUSED;
    }
}

static struct host_form two_byte_simd(uint8_t o, bool mem)
{
    if ((o >= 0x10 && o <= 0x17) || (o >= 0x28 && o <= 0x2F) || (o >= 0x50 && o <= 0x6F) ||
        (o >= 0x74 && o <= 0x76) || (o >= 0x7C && o <= 0x7F))
        return FPU(0);
    if (o == 0x77)
        return FORM(HOST_FPU, false, 0);
    if ((o >= 0x70 && o <= 0x73) || o == 0xC2 || (o >= 0xC4 && o <= 0xC6))
        return FPU(1);
    if (o == 0xF7 && !mem) /* MASKMOVQ, MASKMOVDQU store through gs:[edi], as XLAT reads */
        return FORM(HOST_XLAT, true, 0);
    return o >= 0xD0 && o != 0xFF ? FPU(0) : REFUSED;
}

static struct host_form two_byte(uint8_t o, unsigned reg, bool mem, uint8_t rep)
{
    if (o >= 0x80 && o <= 0x8F)
        return FORM(HOST_JCC, false, 4);
    if ((o >= 0x40 && o <= 0x4F) || (o >= 0x90 && o <= 0x9F))
        return INT(0);
    if (o >= 0xC8 && o <= 0xCF)
        return PLAIN(0);
    switch (o) {
    case 0xA4:
    case 0xAC:
        return INT(1);
    case 0xA3: case 0xA5: case 0xAB: case 0xAD: case 0xAF: case 0xB0: case 0xB1: case 0xB3:
    case 0xB6: case 0xB7: case 0xBB: case 0xBC: case 0xBD: case 0xBE: case 0xBF: case 0xC0:
    case 0xC1:
        return INT(0);
    case 0xB8:
        return rep == 0xF3 ? INT(0) : REFUSED;
    case 0xBA:
        return reg < 4 ? REFUSED : INT(1);
    case 0xC3:
        return mem ? INT(0) : REFUSED;
    case 0xC7: /* CMPXCHG8B; RDRAND, RDSEED (with F3: RDPID) */
        return !rep && (mem ? reg == 1 : reg >= 6) ? INT(0) : REFUSED;
    case 0xAE: /* LDMXCSR, STMXCSR */
        return mem && !rep && (reg == 2 || reg == 3) ? FPU(0) : REFUSED;
    default:
        return two_byte_simd(o, mem);
    }
}

/* SSSE3, SSE4.1, SSE4.2, AES, SHA; MOVBE, CRC32, ADCX, ADOX. */
static struct host_form three_byte_38(uint8_t o, uint8_t rep, bool opsize)
{
    if (o == 0xF0 || o == 0xF1)
        return INT(0);
    if (o == 0xF6) /* bare: WRSS */
        return rep == 0xF3 || (opsize && !rep) ? INT(0) : REFUSED;
    bool simd = o <= 0x0B || o == 0x10 || o == 0x14 || o == 0x15 || o == 0x17 ||
                (o >= 0x1C && o <= 0x1E) || (o >= 0x20 && o <= 0x25) ||
                (o >= 0x28 && o <= 0x2B) || (o >= 0x30 && o <= 0x41) ||
                (o >= 0xC8 && o <= 0xCD) || (o >= 0xDB && o <= 0xDF);
    return simd ? FPU(0) : REFUSED;
}

static struct host_form three_byte_3a(uint8_t o)
{
    bool simd = (o >= 0x08 && o <= 0x0F) || (o >= 0x14 && o <= 0x17) ||
                (o >= 0x20 && o <= 0x22) || (o >= 0x40 && o <= 0x42) || o == 0x44 ||
                (o >= 0x60 && o <= 0x63) || o == 0xCC || o == 0xDF;
    return simd ? FPU(1) : REFUSED;
}

struct host_form check_form(enum insn_map map, uint8_t opcode, uint8_t modrm, uint8_t rep,
                            bool opsize)
{
    unsigned reg = modrm >> 3 & 7;
    bool mem = modrm < 0xC0;
    switch (map) {
    case MAP_1B:
        return opcode < 0x80   ? one_byte_low(opcode)
               : opcode < 0xC0 ? one_byte_mid(opcode)
                               : one_byte_high(opcode, reg, mem);
    case MAP_0F:
        return two_byte(opcode, reg, mem, rep);
    case MAP_0F38:
        return three_byte_38(opcode, rep, opsize);
    case MAP_0F3A:
        return three_byte_3a(opcode);
    }
    return REFUSED;
}

/* ---- VEX ---- */

static bool within(uint8_t o, const uint8_t (*ranges)[2], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (o >= ranges[i][0] && o <= ranges[i][1])
            return true;
    return false;
}

#define WITHIN(o, ranges) within(o, ranges, sizeof ranges / sizeof *ranges)

/* AVX: without the mask registers' instructions (41 to 4B, 90 to 99). */
static struct host_form vex_0f(uint8_t o, unsigned reg, bool mem)
{
    static const uint8_t plain[][2] = {{0x10, 0x17}, {0x28, 0x2F}, {0x50, 0x6F}, {0x74, 0x76},
                                       {0x7C, 0x7F}, {0xD0, 0xF6}, {0xF8, 0xFE}};
    static const uint8_t imm[][2] = {{0x70, 0x73}, {0xC2, 0xC2}, {0xC4, 0xC6}};
    if (o == 0x77)
        return FORM(HOST_FPU, false, 0);
    if (o == 0xAE)
        return mem && (reg == 2 || reg == 3) ? FPU(0) : REFUSED;
    if (o == 0xF7)
        return mem ? REFUSED : FORM(HOST_XLAT, true, 0);
    return WITHIN(o, plain) ? FPU(0) : WITHIN(o, imm) ? FPU(1) : REFUSED;
}

/* AVX, AVX2, FMA, F16C, AES; BMI1 and BMI2. */
static struct host_form vex_38(uint8_t o, bool mem)
{
    static const uint8_t plain[][2] = {
        {0x00, 0x0F}, {0x13, 0x13}, {0x16, 0x1A}, {0x1C, 0x1E}, {0x20, 0x25}, {0x28, 0x41},
        {0x45, 0x47}, {0x58, 0x5A}, {0x78, 0x79}, {0x8C, 0x8C}, {0x8E, 0x8E}, {0x96, 0x9F},
        {0xA6, 0xAF}, {0xB6, 0xBF}, {0xDB, 0xDF}};
    if (o >= 0x90 && o <= 0x93)
        return mem ? FPU(0) : REFUSED;
    if (o == 0xF2 || o == 0xF3 || (o >= 0xF5 && o <= 0xF7))
        return INT(0);
    return WITHIN(o, plain) ? FPU(0) : REFUSED;
}

static struct host_form vex_3a(uint8_t o)
{
    static const uint8_t plain[][2] = {{0x00, 0x02}, {0x04, 0x06}, {0x08, 0x0F}, {0x14, 0x19},
                                       {0x1D, 0x1D}, {0x20, 0x22}, {0x38, 0x39}, {0x40, 0x42},
                                       {0x44, 0x44}, {0x46, 0x46}, {0x4A, 0x4C}, {0x60, 0x63},
                                       {0xDF, 0xDF}};
    if (o == 0xF0)
        return INT(1);
    return WITHIN(o, plain) ? FPU(1) : REFUSED;
}

struct host_vex_form check_vex_form(enum insn_map map, uint8_t opcode, uint8_t modrm, uint8_t pp)
{
    enum { PP_66 = 1 };
    static const uint8_t narrow_0f[][2] = {{0x2A, 0x2A}, {0x2C, 0x2D}, {0x6E, 0x6E}};
    static const uint8_t narrow_3a[][2] = {{0x14, 0x17}, {0x20, 0x20}, {0x22, 0x22}, {0x60, 0x63}};
    struct host_vex_form f = {.form = REFUSED};
    unsigned reg = modrm >> 3 & 7;
    bool mem = modrm < 0xC0;
    if (map == MAP_0F) {
        f.form = vex_0f(opcode, reg, mem);
        f.narrow = WITHIN(opcode, narrow_0f) || (opcode == 0x7E && pp == PP_66);
    } else if (map == MAP_0F38) {
        f.form = vex_38(opcode, mem);
        f.vsib = opcode >= 0x90 && opcode <= 0x93;
    } else if (map == MAP_0F3A) {
        f.form = vex_3a(opcode);
        f.narrow = WITHIN(opcode, narrow_3a);
        f.is4 = opcode >= 0x4A && opcode <= 0x4C;
    }
    f.narrow |= f.form.class == HOST_INT;
    return f;
}
