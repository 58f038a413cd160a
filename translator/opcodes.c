/* Opcode maps of the SDM, vol. 2D appendix A, as far as rewriting must know them. */
#include "translator/opcodes.h"

#define M   OP_MODRM
#define B   (OP_BYTE | OP_BYTE_RM)
#define V   OP_SIZE
#define SSE OP_SSE

static const struct opcode INVALID = {K_INVALID, 0};

static struct opcode op(enum insn_kind kind, unsigned flags)
{
    return (struct opcode){(uint8_t)kind, (uint16_t)flags};
}

/* 00..3F: eight ALU operations in six forms, and what stands between them. */
static struct opcode alu_block(uint8_t opcode)
{
    unsigned lock = opcode >= 0x38 ? 0 : OP_LOCK; /* CMP writes nothing */
    switch (opcode & 7) {
    case 0:
        return op(K_PLAIN, M | B | lock);
    case 1:
        return op(K_PLAIN, M | V | lock);
    case 2:
        return op(K_PLAIN, M | B);
    case 3:
        return op(K_PLAIN, M | V);
    case 4:
        return op(K_PLAIN, OP_IMM8);
    case 5:
        return op(K_PLAIN, V | OP_IMMV);
    case 6:
        if (opcode < 0x20)
            return op(K_PUSH_SREG, V);
        return op(K_INVALID, 0); /* prefixes */
    default:
        return op(K_SENSITIVE, V); /* POP sreg, DAA DAS AAA AAS */
    }
}

static struct opcode group3(uint8_t opcode, unsigned reg)
{
    unsigned size = opcode & 1 ? V : B;
    if (reg < 2) /* TEST, and its alias /1 */
        return op(K_PLAIN, M | size | (opcode & 1 ? OP_IMMV : OP_IMM8));
    return op(K_PLAIN, M | size | (reg < 4 ? OP_LOCK : 0));
}

static struct opcode group5(unsigned reg, bool mem)
{
    switch (reg) {
    case 0:
    case 1:
        return op(K_PLAIN, M | V | OP_LOCK);
    case 2:
        return op(K_CALL_RM, M | V);
    case 4:
        return op(K_JMP_RM, M | V);
    case 3:
    case 5:
        return mem ? op(K_SENSITIVE, M | V) : op(K_INVALID, M);
    case 6:
        return op(K_PUSH_RM, M | V);
    default:
        return op(K_INVALID, M);
    }
}

static struct opcode x87(uint8_t opcode, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    bool mem = modrm < 0xC0;
    if (mem && ((opcode == 0xD9 && reg == 1) || (opcode == 0xDB && (reg == 4 || reg == 6)) ||
                (opcode == 0xDD && reg == 5)))
        return op(K_INVALID, M);
    /* FLDENV FNSTENV / FRSTOR FNSAVE show addresses of the host's: carried out by hand. */
    if (mem &&
        ((opcode == 0xD9 && (reg == 4 || reg == 6)) || (opcode == 0xDD && (reg == 4 || reg == 6))))
        return op(K_SENSITIVE, M | OP_X87 | V);
    if (opcode == 0xDB && modrm == 0xE3) /* FNINIT clears the pointers that the guest sees */
        return op(K_SENSITIVE, M | OP_X87);
    return op(K_PLAIN, M | OP_X87);
}

static struct opcode one_byte_low(uint8_t o)
{
    if (o < 0x40)
        return alu_block(o);
    switch (o & 0xF8) {
    case 0x40:
    case 0x48:
        return op(K_INCDEC, V);
    case 0x50:
        return op(K_PUSH_REG, V);
    case 0x58:
        return op(K_POP_REG, V);
    case 0x70:
    case 0x78:
        return op(K_JCC, OP_IMM8 | V);
    default:
        break;
    }
    switch (o) {
    case 0x60:
        return op(K_PUSHA, V);
    case 0x61:
        return op(K_POPA, V);
    case 0x62:
    case 0x63:
        return op(K_SENSITIVE, M | V); /* BOUND, ARPL */
    case 0x68:
        return op(K_PUSH_IMM, V | OP_IMMV);
    case 0x69:
        return op(K_PLAIN, M | V | OP_IMMV);
    case 0x6A:
        return op(K_PUSH_IMM, V | OP_IMM8);
    case 0x6B:
        return op(K_PLAIN, M | V | OP_IMM8);
    case 0x6C:
    case 0x6D:
    case 0x6E:
    case 0x6F:
        return op(K_SENSITIVE, V);
    default:
        return INVALID; /* prefixes */
    }
}

static struct opcode one_byte_mid(uint8_t o, unsigned reg, bool mem)
{
    switch (o) {
    case 0x80:
    case 0x82:
        return op(K_PLAIN, M | B | OP_IMM8 | (reg == 7 ? 0 : OP_LOCK));
    case 0x81:
        return op(K_PLAIN, M | V | OP_IMMV | (reg == 7 ? 0 : OP_LOCK));
    case 0x83:
        return op(K_PLAIN, M | V | OP_IMM8 | (reg == 7 ? 0 : OP_LOCK));
    case 0x84:
        return op(K_PLAIN, M | B);
    case 0x85:
        return op(K_PLAIN, M | V);
    case 0x86:
        return op(K_PLAIN, M | B | OP_LOCK);
    case 0x87:
        return op(K_PLAIN, M | V | OP_LOCK);
    case 0x88:
    case 0x8A:
        return op(K_PLAIN, M | B);
    case 0x89:
    case 0x8B:
        return op(K_PLAIN, M | V);
    case 0x8C:
        return op(reg >= 6 ? K_INVALID : mem ? K_SENSITIVE : K_MOV_SREG, M | V);
    case 0x8D:
        return op(mem ? K_LEA : K_INVALID, M | V);
    case 0x8E:
        return op(reg < 6 && reg != 1 ? K_SENSITIVE : K_INVALID, M | V);
    case 0x8F:
        return op(reg == 0 ? K_POP_RM : K_INVALID, M | V);
    case 0x90:
        return op(K_NOP, V);
    case 0x98:
    case 0x99:
        return op(K_PLAIN, V);
    case 0x9A:
        return op(K_SENSITIVE, V | OP_IMMV); /* and a selector */
    case 0x9B:
        return op(K_PLAIN, OP_X87);
    case 0x9C:
        return op(K_PUSHF, V);
    case 0x9D:
        return op(K_POPF, V);
    case 0x9E:
    case 0x9F:
        return op(K_PLAIN, 0);
    default:
        break;
    }
    if (o < 0x98)
        return op(K_PLAIN, V); /* XCHG eAX, r */
    if (o < 0xA4)
        return op(K_MOFFS, o & 1 ? V : OP_BYTE);
    if (o == 0xA8)
        return op(K_PLAIN, OP_IMM8);
    if (o == 0xA9)
        return op(K_PLAIN, V | OP_IMMV);
    if (o < 0xB0)
        return op(K_STRING, o & 1 ? V : OP_BYTE);
    return o < 0xB8 ? op(K_PLAIN, OP_BYTE_RM | OP_IMM8) : op(K_PLAIN, V | OP_IMMV);
}

static struct opcode one_byte_high(uint8_t o, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    bool mem = modrm < 0xC0;
    switch (o) {
    case 0xC0:
        return op(K_PLAIN, M | B | OP_IMM8);
    case 0xC1:
        return op(K_PLAIN, M | V | OP_IMM8);
    case 0xC2:
    case 0xC3:
        return op(K_RET, V); /* C2: imm16 */
    case 0xC4:
    case 0xC5:
        return op(mem ? K_SENSITIVE : K_INVALID, M | V);
    case 0xC6:
        return op(reg ? K_INVALID : K_PLAIN, M | B | OP_IMM8);
    case 0xC7:
        return op(reg ? K_INVALID : K_PLAIN, M | V | OP_IMMV);
    case 0xC9:
        return op(K_LEAVE, V);
    case 0xCD:
        return op(K_SENSITIVE, OP_IMM8 | V);
    case 0xD0:
    case 0xD2:
        return op(K_PLAIN, M | B);
    case 0xD1:
    case 0xD3:
        return op(K_PLAIN, M | V);
    case 0xD4:
    case 0xD5:
        return op(K_SENSITIVE, OP_IMM8);
    case 0xD7:
        return op(K_XLAT, 0);
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
        return op(K_LOOP, OP_IMM8 | V);
    case 0xE4:
    case 0xE5:
    case 0xE6:
    case 0xE7:
        return op(K_SENSITIVE, OP_IMM8 | V);
    case 0xE8:
        return op(K_CALL_REL, V | OP_IMMV);
    case 0xE9:
        return op(K_JMP_REL, V | OP_IMMV);
    case 0xEA:
        return op(K_SENSITIVE, V | OP_IMMV);
    case 0xEB:
        return op(K_JMP_REL, V | OP_IMM8);
    case 0xF5:
    case 0xF8:
    case 0xF9:
        return op(K_PLAIN, 0);
    case 0xFC:
    case 0xFD:
        return op(K_DIRECTION, 0);
    case 0xF6:
    case 0xF7:
        return group3(o, reg);
    case 0xFA:
        return op(K_CLI, 0);
    case 0xFB:
        return op(K_STI, 0);
    case 0xFE:
        return op(reg < 2 ? K_PLAIN : K_INVALID, M | B | OP_LOCK);
    case 0xFF:
        return group5(reg, mem);
    default:
        break;
    }
    if (o >= 0xD8 && o <= 0xDF)
        return x87(o, modrm);
    return op(K_SENSITIVE, V); /* ENTER RETF INT3 INTO IRET SALC IN OUT INT1 HLT */
}

/* 0F AE: FXSAVE family, MXCSR, fences, cache lines. */
static struct opcode group15(unsigned reg, bool mem)
{
    if (!mem)
        return op(reg >= 5 ? K_NOP : K_INVALID, M);
    switch (reg) {
    case 0:
    case 1:
        return op(K_SENSITIVE, M);
    case 2:
    case 3:
        return op(K_PLAIN, M | SSE);
    default: /* XSAVE, XRSTOR, XSAVEOPT, CLFLUSH */
        return op(K_SENSITIVE, M);
    }
}

static struct opcode two_byte_low(uint8_t o)
{
    switch (o) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03:
        return op(K_SENSITIVE, M | V);
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x0B:
        return op(K_SENSITIVE, V);
    case 0x0D:
        return op(K_NOP, M);
    default:
        break;
    }
    if (o >= 0x10 && o < 0x18)
        return op(K_PLAIN, M | SSE);
    if (o >= 0x18 && o < 0x20)
        return op(K_NOP, M);
    if (o >= 0x20 && o < 0x24)
        return op(K_SENSITIVE, M);
    if (o >= 0x28 && o < 0x30)
        return op(K_PLAIN, M | SSE);
    if (o >= 0x30 && o < 0x36)
        return op(K_SENSITIVE, V);
    if (o >= 0x40 && o < 0x50)
        return op(K_PLAIN, M | V);
    if (o >= 0x50 && o < 0x70)
        return op(K_PLAIN, M | SSE | OP_MMX);
    if (o >= 0x70 && o < 0x74)
        return op(K_PLAIN, M | SSE | OP_MMX | OP_IMM8);
    if (o >= 0x74 && o < 0x77)
        return op(K_PLAIN, M | SSE | OP_MMX);
    if (o == 0x77)
        return op(K_PLAIN, OP_MMX);
    if (o >= 0x7C && o < 0x80)
        return op(K_PLAIN, M | SSE | OP_MMX);
    return INVALID;
}

static struct opcode two_byte_high(uint8_t o, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    bool mem = modrm < 0xC0;
    if (o < 0x90)
        return op(K_JCC, V | OP_IMMV);
    if (o < 0xA0)
        return op(K_PLAIN, M | OP_BYTE_RM);
    switch (o) {
    case 0xA0:
    case 0xA8:
        return op(K_PUSH_SREG, V);
    case 0xA1:
    case 0xA2:
    case 0xA9:
    case 0xAA:
        return op(K_SENSITIVE, V);
    case 0xA6:
    case 0xA7:
        return INVALID;
    case 0xA3:
        return op(K_PLAIN, M | V);
    case 0xA4:
    case 0xAC:
        return op(K_PLAIN, M | V | OP_IMM8);
    case 0xA5:
    case 0xAD:
        return op(K_PLAIN, M | V);
    case 0xAB:
    case 0xB3:
    case 0xBB:
        return op(K_PLAIN, M | V | OP_LOCK);
    case 0xAE:
        return group15(reg, mem);
    case 0xAF:
    case 0xB7:
    case 0xBF:
        return op(K_PLAIN, M | V);
    case 0xB0:
    case 0xC0:
        return op(K_PLAIN, M | B | OP_LOCK);
    case 0xB1:
    case 0xC1:
        return op(K_PLAIN, M | V | OP_LOCK);
    case 0xB2:
    case 0xB4:
    case 0xB5:
        return op(mem ? K_SENSITIVE : K_INVALID, M | V);
    case 0xB6:
    case 0xBE:
        return op(K_PLAIN, M | V | OP_BYTE_RM);
    case 0xB8:
    case 0xBC:
    case 0xBD:
        return op(K_PLAIN, M | V | OP_REP);
    case 0xB9:
    case 0xFF:
        return op(K_SENSITIVE, M | V); /* UD1, UD0 */
    case 0xBA:
        return op(reg < 4 ? K_INVALID : K_PLAIN, M | V | OP_IMM8 | (reg == 4 ? 0 : OP_LOCK));
    case 0xC3:
        return op(mem ? K_PLAIN : K_INVALID, M);
    case 0xC7:
        if (mem)
            return op(reg == 1 ? K_PLAIN : K_INVALID, M | OP_LOCK);
        return op(reg >= 6 ? K_PLAIN : K_INVALID, M | V);
    case 0xC2:
    case 0xC4:
    case 0xC5:
    case 0xC6:
        return op(K_PLAIN, M | SSE | OP_MMX | OP_IMM8);
    case 0xF7:
        return op(mem ? K_INVALID : K_MASKMOV, M | SSE | OP_MMX);
    default:
        break;
    }
    if (o >= 0xC8 && o < 0xD0)
        return op(K_PLAIN, V);
    return op(K_PLAIN, M | SSE | OP_MMX);
}

struct opcode opcode_lookup(enum insn_map map, uint8_t opcode, uint8_t modrm)
{
    switch (map) {
    case MAP_1B:
        if (opcode < 0x80)
            return one_byte_low(opcode);
        if (opcode < 0xC0)
            return one_byte_mid(opcode, modrm >> 3 & 7, modrm < 0xC0);
        return one_byte_high(opcode, modrm);
    case MAP_0F:
        return opcode < 0x80 ? two_byte_low(opcode) : two_byte_high(opcode, modrm);
    case MAP_0F38:
        if (opcode == 0xF0 || opcode == 0xF1) /* MOVBE, CRC32 (byte source: F2 F0) */
            return op(K_PLAIN, M | V | OP_REP | (opcode == 0xF0 ? OP_BYTE_RM : 0));
        if (opcode >= 0x80 && opcode <= 0x82) /* INVEPT, INVVPID, INVPCID */
            return op(K_INVALID, M);
        if (opcode == 0xF6) /* ADCX, ADOX */
            return op(K_PLAIN, M | SSE);
        return op(K_PLAIN, M | SSE | OP_MMX);
    case MAP_0F3A:
        return op(K_PLAIN, M | SSE | OP_MMX | OP_IMM8);
    }
    return INVALID;
}

const char *insn_kind_name(enum insn_kind kind)
{
    static const char *const names[] = {
#define X(name) #name,
        INSN_KINDS(X)
#undef X
    };
    return kind < K_COUNT ? names[kind] : "?";
}

static bool goes_on_1b(const struct insn *in)
{
    switch (in->opcode) {
    case 0x07:
    case 0x1F: /* POP ES, POP DS */
    case 0x27:
    case 0x2F:
    case 0x37:
    case 0x3F:
    case 0xD4: /* BCD */
    case 0xD5:
    case 0xD6: /* and SALC */
    case 0x60:
    case 0x61:
    case 0x62:
    case 0x63: /* PUSHA, POPA, BOUND, ARPL */
    case 0x6C:
    case 0x6D:
    case 0x6E:
    case 0x6F: /* INS, OUTS */
    case 0xC4:
    case 0xC5:
    case 0xC8:
    case 0xC9: /* LES, LDS, ENTER, LEAVE */
    case 0xE4:
    case 0xE5:
    case 0xE6:
    case 0xE7: /* IN, OUT */
    case 0xEC:
    case 0xED:
    case 0xEE:
    case 0xEF:
        return true;
    case 0x8E: /* MOV to SS holds interrupts off for one instruction */
        return insn_reg(in) != 2;
    default:
        return false;
    }
}

unsigned insn_loads_segment(const struct insn *in)
{
    switch (in->map << 8 | in->opcode) {
    case 0x8E: {
        unsigned seg = insn_reg(in);
        return seg == SEG_CS || seg == SEG_SS || seg >= SEG_COUNT ? SEG_NONE : seg;
    }
    case 0x07:
    case 0xC4:
        return SEG_ES;
    case 0x1F:
    case 0xC5:
        return SEG_DS;
    case MAP_0F << 8 | 0xA1:
    case MAP_0F << 8 | 0xB4:
        return SEG_FS;
    case MAP_0F << 8 | 0xA9:
    case MAP_0F << 8 | 0xB5:
        return SEG_GS;
    default:
        return SEG_NONE;
    }
}

bool insn_goes_on(const struct insn *in)
{
    if (in->map == MAP_1B)
        return goes_on_1b(in);
    if (in->map != MAP_0F)
        return false;
    switch (in->opcode) {
    case 0x00:
    case 0x02:
    case 0x03:
    case 0x20:
    case 0x21: /* LLDT..., LAR, LSL, from CR and DR */
    case 0x30:
    case 0x31:
    case 0x32:
    case 0x33: /* WRMSR, RDTSC, RDMSR, RDPMC */
    case 0xA1:
    case 0xA2:
    case 0xA9:
    case 0xB4:
    case 0xB5: /* POP FS, CPUID, POP GS, LFS, LGS */
        return true;
    case 0x01: /* SGDT, SIDT, LGDT, LIDT, SMSW; not LMSW and INVLPG; RDTSCP */
        return in->has_mem ? insn_reg(in) <= 4 : in->modrm == MODRM_RDTSCP;
    case 0xAE: /* CLFLUSH */
        return insn_reg(in) == 7;
    default:
        return false;
    }
}
