/* The table of differences.  A rule does not excuse a case: it states what a 386 does instead, as
 * far as that follows from the manual, and the case must then end so. */
#include "hardware/differences.h"

#include <string.h>

enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, TF = 256, IF = 512, OF = 2048 };

/* ---- undefined flags ---- */

enum { LOGIC = AF, MULTIPLY = SF | ZF | AF | PF, DIVIDE = CF | OF | SF | ZF | AF | PF };

/* Shifts and rotates by more than one leave OF undefined; shifts AF; a count beyond the operand's
 * width CF too (SHL, SHR). */
static uint16_t shift_flags(const struct hw_case *c, unsigned count)
{
    unsigned op = hw_reg_field(c), width = hw_opcode(c) & 1 ? 16 : 8;
    uint16_t flags = 0;
    if (count == 0)
        return 0;
    if (op >= 4)
        flags |= AF;
    if (count != 1)
        flags |= OF;
    if (op >= 4 && op != 7 && count >= width)
        flags |= CF;
    return flags;
}

static uint16_t group3_flags(unsigned reg)
{
    if (reg < 2)
        return LOGIC;
    return reg < 4 ? 0 : reg < 6 ? MULTIPLY : DIVIDE;
}

uint16_t undefined_flags(const struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    unsigned reg = hw_reg_field(c);
    if (o < 0x40 && (o & 7) < 6) /* OR, AND, XOR */
        return (o & 0x38) == 0x08 || (o & 0x38) == 0x20 || (o & 0x38) == 0x30 ? LOGIC : 0;
    switch (o) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
        return reg == 1 || reg == 4 || reg == 6 ? LOGIC : 0;
    case 0x84:
    case 0x85:
    case 0xA8:
    case 0xA9:
        return LOGIC;
    case 0x27:
    case 0x2F: /* DAA, DAS */
        return OF;
    case 0x37:
    case 0x3F: /* AAA, AAS */
        return OF | SF | ZF | PF;
    case 0xD4:
    case 0xD5: /* AAM, AAD */
        return OF | AF | CF;
    case 0x69:
    case 0x6B: /* IMUL */
        return MULTIPLY;
    case 0xC0:
    case 0xC1:
        return shift_flags(c, c->code[c->length - 1] & 31);
    case 0xD0:
    case 0xD1:
        return shift_flags(c, 1);
    case 0xD2:
    case 0xD3:
        return shift_flags(c, c->initial[HW_CX] & 31);
    case 0xF6:
    case 0xF7:
        return group3_flags(reg);
    default:
        return 0;
    }
}

/* ---- outcomes ---- */

/* The 386 takes VECTOR at the state before the instruction, with return address IP. */
static bool takes(struct hw_case *c, unsigned vector, uint16_t ip)
{
    uint16_t sp = c->initial[HW_SP], flags = (c->initial[HW_FLAGS] & 0x0FFF) | 2;
    uint16_t frame[3] = {ip, c->initial[HW_CS], flags}, target[2];
    for (unsigned i = 0; i < 2; i++) {
        uint16_t otherwise = i ? (uint16_t)(HANDLER_SEGMENT + vector) : 0;
        uint8_t lo = hw_byte(&c->before, vector * 4 + i * 2, (uint8_t)otherwise);
        uint8_t hi = hw_byte(&c->before, vector * 4 + i * 2 + 1, (uint8_t)(otherwise >> 8));
        target[i] = (uint16_t)(lo | hi << 8);
    }
    memcpy(c->final, c->initial, sizeof c->final);
    c->after.count = 0;
    if ((sp & 1) && sp < 6) { /* no room for the frame: double fault, again, shutdown */
        c->shutdown = true;
        return true;
    }
    for (unsigned i = 0; i < 6; i++)
        hw_add_byte(&c->after, hw_address(c->initial[HW_SS], sp - 6u + i),
                    (uint8_t)(frame[i / 2] >> 8 * (i & 1)));
    c->final[HW_SP] = (uint16_t)(sp - 6);
    c->final[HW_CS] = target[1];
    c->final[HW_IP] = (uint16_t)(target[0] + 1); /* behind the HLT there */
    c->final[HW_FLAGS] = flags & (uint16_t) ~(TF | IF);
    c->vector = (int)vector;
    return true;
}

static bool faults(struct hw_case *c, unsigned vector)
{
    return takes(c, vector, c->initial[HW_IP]);
}

/* ---- what the instruction is ---- */

/* SDM vol. 2 LOCK: the instructions it may stand before, with a memory destination. */
static bool lockable(const struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    unsigned reg = hw_reg_field(c);
    if (!hw_memory(c))
        return false;
    if (o < 0x38)
        return (o & 7) < 2;
    switch (o) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
        return reg != 7;
    case 0x86:
    case 0x87:
        return true;
    case 0xF6:
    case 0xF7:
        return reg == 2 || reg == 3;
    case 0xFE:
    case 0xFF:
        return reg < 2;
    default:
        return false;
    }
}

/* Opcodes that have a ModRM byte, 0F apart. */
static bool has_modrm(uint8_t o)
{
    if (o < 0x40)
        return (o & 7) < 4;
    return o == 0x62 || o == 0x63 || o == 0x69 || o == 0x6B || (o >= 0x80 && o < 0x90) ||
           (o & 0xFE) == 0xC0 || (o >= 0xC4 && o < 0xC8) || (o >= 0xD0 && o < 0xD4) ||
           (o >= 0xD8 && o < 0xE0) || (o & 0xFE) == 0xF6 || o >= 0xFE;
}

static bool based_on_bp(uint8_t modrm)
{
    unsigned rm = modrm & 7;
    return rm == 2 || rm == 3 || (rm == 6 && modrm >= 0x40);
}

static bool operand_in_stack(const struct hw_case *c)
{
    if (c->override)
        return c->override == HW_SS_OVERRIDE;
    return has_modrm(hw_opcode(c)) && hw_memory(c) && based_on_bp(hw_second(c));
}

/* Instructions that push or pop. */
static bool uses_stack(const struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    if (o < 0x40)
        return (o & 6) == 6 && o < 0x20;
    if ((o >= 0x50 && o < 0x62) || o == 0x68 || o == 0x6A || (o >= 0xC8 && o < 0xD0))
        return true;
    return o == 0x8F || o == 0x9A || o == 0x9C || o == 0x9D || o == 0xC2 || o == 0xC3 ||
           o == 0xE8 || (o == 0xFF && hw_reg_field(c) >= 2);
}

static uint16_t effective_address(const struct hw_case *c)
{
    static const uint8_t base[8] = {HW_BX, HW_BX, HW_BP, HW_BP, HW_SI, HW_DI, HW_BP, HW_BX};
    static const uint8_t index[4] = {HW_SI, HW_DI, HW_SI, HW_DI};
    const uint8_t *code = c->code + c->prefixes + 1;
    unsigned mod = code[0] >> 6, rm = code[0] & 7;
    uint16_t word = (uint16_t)(code[1] | code[2] << 8);
    if (mod == 0 && rm == 6)
        return word;
    unsigned ea = c->initial[base[rm]] + (rm < 4 ? c->initial[index[rm]] : 0u);
    return (uint16_t)(ea + (mod == 1 ? (unsigned)(int8_t)code[1] : mod == 2 ? word : 0u));
}

/* ---- the rules ---- */

static bool lock_refused(struct hw_case *c)
{
    return c->lock && !lockable(c) && faults(c, 6);
}

static bool over_long(struct hw_case *c)
{
    c->anything_else = true;
    return c->vector == 13 && c->length > 10 && c->length <= 15;
}

static bool stack_limit(struct hw_case *c)
{
    return c->vector == 13 && (operand_in_stack(c) || uses_stack(c)) && faults(c, 12);
}

/* The element that the limit stops: its registers are as before it, those of the elements done
 * count. */
static bool string_restarts(struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    bool source = o == 0x6F || o == 0xA5 || o == 0xA7 || o == 0xAD;
    bool dest = o == 0x6D || o == 0xA5 || o == 0xA7 || o == 0xAB || o == 0xAF;
    uint16_t step = c->initial[HW_FLAGS] & 0x400 ? 0xFFFE : 2, done = 0;
    uint16_t si = c->initial[HW_SI], di = c->initial[HW_DI], limit = c->rep ? c->initial[HW_CX] : 1;
    if (c->vector != 13 || !(source || dest))
        return false;
    while (done < limit && !(source && si == 0xFFFF) && !(dest && di == 0xFFFF)) {
        si = (uint16_t)(si + (source ? step : 0));
        di = (uint16_t)(di + (dest ? step : 0));
        done++;
    }
    if (done == limit)
        return false;
    if (source && si == 0xFFFF && c->override == HW_SS_OVERRIDE) {
        struct hw_case fault = *c; /* what the elements done left stays as captured */
        faults(&fault, 12);
        c->final[HW_CS] = fault.final[HW_CS];
        c->final[HW_IP] = fault.final[HW_IP];
    }
    c->final[HW_SI] = si;
    c->final[HW_DI] = di;
    if (c->rep)
        c->final[HW_CX] = (uint16_t)(c->initial[HW_CX] - done);
    return true;
}

/* 64-67; FS and GS; the two-byte opcodes that a 486 has in real mode. */
static bool new_opcode(struct hw_case *c)
{
    uint8_t o = hw_opcode(c), second = hw_second(c);
    unsigned reg = second >> 3 & 7;
    c->anything_else = true;
    if (c->vector != 6)
        return false;
    if (o >= 0x64 && o < 0x68)
        return true;
    if (o == 0x8C || o == 0x8E)
        return reg == 4 || reg == 5;
    if (o != 0x0F)
        return false;
    return second == 0x08 || second == 0x09 || (second >= 0x20 && second < 0x24) ||
           (second >= 0x80 && second < 0xA3) || (second >= 0xA3 && second < 0xA6) ||
           (second >= 0xA8 && second < 0xAE && second != 0xAA) || second == 0xAF ||
           (second >= 0xB0 && second < 0xB8) || (second >= 0xBA && second < 0xC2) ||
           (second >= 0xC8 && second < 0xD0) || second == 0x01;
}

/* LOADALL, and encodings that the 286 does not look at closely. */
static bool invalid_opcode(struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    unsigned reg = hw_reg_field(c);
    bool invalid = (o == 0x0F && (hw_second(c) == 0x04 || hw_second(c) == 0x05)) ||
                   ((o == 0x8F || (o & 0xFE) == 0xC6) && reg != 0) || (o == 0xFE && reg >= 2) ||
                   (o == 0xFF && reg == 7) || (o == 0x8C && reg >= 6) ||
                   (o == 0x8E && (reg == 1 || reg >= 6)) ||
                   (o == 0xFF && (reg == 3 || reg == 5) && !hw_memory(c)) ||
                   ((o == 0x62 || o == 0x8D || (o & 0xFE) == 0xC4) && !hw_memory(c));
    return invalid && faults(c, 6);
}

/* POP to where the limit stops it: SP is as it was. */
static bool pop_restarts(struct hw_case *c)
{
    return hw_opcode(c) == 0x8F && c->vector == 13 && faults(c, operand_in_stack(c) ? 12 : 13);
}

/* JMP and CALL through a pointer across the limit. */
static bool far_pointer(struct hw_case *c)
{
    unsigned reg = hw_reg_field(c);
    bool crosses = hw_opcode(c) == 0xFF && (reg == 3 || reg == 5) && hw_memory(c) &&
                   effective_address(c) > 0xFFFC;
    return crosses && faults(c, operand_in_stack(c) ? 12 : 13);
}

/* A quotient of 80h (8000h) that stands for +128 (+32768), and AAM 0, whose flags are as before. */
static bool divide_error(struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    bool word = o & 1, idiv = (o & 0xFE) == 0xF6 && hw_reg_field(c) == 7 && c->vector < 0;
    uint16_t quotient = c->final[HW_AX] & (word ? 0xFFFF : 0xFF);
    if (idiv && quotient != (word ? 0x8000 : 0x80))
        return false;
    return (idiv || (o == 0xD4 && c->vector == 0)) && faults(c, 0);
}

/* A captured INT and INTO pushed SS in CS's place. */
static bool interrupt_frame(struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    unsigned length = c->prefixes + (o == 0xCD ? 2u : 1u);
    return (o == 0xCD || o == 0xCE) && c->vector >= 0 &&
           takes(c, (unsigned)c->vector, (uint16_t)(c->initial[HW_IP] + length));
}

static bool int1(struct hw_case *c)
{
    return hw_opcode(c) == 0xF1 && takes(c, 1, (uint16_t)(c->initial[HW_IP] + c->prefixes + 1));
}

/* SGDT, SIDT and SMSW: the sixth byte, the table's register before the test, the MSW's unused
 * bits. */
static bool system_words(struct hw_case *c)
{
    if (hw_opcode(c) != 0x0F || hw_second(c) != 0x01 || c->vector >= 0)
        return false;
    uint8_t modrm = c->code[c->prefixes + 2];
    static const uint8_t reg_of_rm[8] = {HW_AX, HW_CX, HW_DX, HW_BX, HW_SP, HW_BP, HW_SI, HW_DI};
    unsigned reg = modrm >> 3 & 7;
    if (modrm >= 0xC0)
        c->free_regs = 1u << reg_of_rm[modrm & 7];
    else
        c->free_memory = true;
    return reg == 4 || (reg < 2 && modrm < 0xC0);
}

/* Size in bytes of an x87 memory operand (16-bit forms). */
static unsigned coprocessor_bytes(uint8_t o, unsigned reg)
{
    static const uint8_t d9[8] = {4, 0, 4, 4, 14, 2, 14, 2}, db[8] = {4, 4, 4, 4, 0, 10, 0, 10};
    static const uint8_t dd[8] = {8, 8, 8, 8, 94, 0, 94, 2}, df[8] = {2, 2, 2, 2, 10, 8, 10, 8};
    switch (o) {
    case 0xD9:
        return d9[reg];
    case 0xDB:
        return db[reg];
    case 0xDD:
        return dd[reg];
    case 0xDF:
        return df[reg];
    case 0xDC:
        return 8;
    case 0xDE:
        return 2;
    default:
        return 4;
    }
}

/* The captured CPU ran without a 287. */
static bool coprocessor(struct hw_case *c)
{
    uint8_t o = hw_opcode(c);
    if (o < 0xD8 || o > 0xDF)
        return false;
    if (!hw_memory(c)) {
        c->free_regs = o == 0xDF && hw_second(c) == 0xE0 ? 1u << HW_AX : 0; /* FNSTSW AX */
        return true;
    }
    unsigned size = coprocessor_bytes(o, hw_reg_field(c));
    if (size == 0)
        return faults(c, 6);
    if (effective_address(c) + size > 0x10000)
        return faults(c, operand_in_stack(c) ? 12 : 13);
    c->free_memory = true;
    return c->vector < 0;
}

const struct difference differences[DIFFERENCES] = {
    {"LOCK", "#UD before an instruction that may not be locked (SDM vol. 2 LOCK)", lock_refused},
    {"length", "an instruction may have 15 bytes, not 10 (SDM vol. 2 2.3.11)", over_long},
    {"POP", "what faults restarts: SP as before (SDM vol. 3A 6.5)", pop_restarts},
    {"far pointers", "JMP and CALL do not wrap within their operand (as every later CPU)", far_pointer},
    {"division", "+128 is no quotient of IDIV; AAM 0 changes no flags (SDM vol. 2)", divide_error},
    {"interrupts", "INT pushes CS (SDM vol. 2 INT n)", interrupt_frame},
    {"stack limit", "beyond SS's limit #SS, not #GP (SDM vol. 3A 6.15)", stack_limit},
    {"strings", "an element that faults changes no register (SDM vol. 3A 6.6)", string_restarts},
    {"new opcodes", "opcodes, prefixes and registers of the 386 and 486", new_opcode},
    {"reserved encodings", "LOADALL is gone, reserved encodings are #UD (SDM vol. 2D A)",
     invalid_opcode},
    {"INT1", "F1 is INT1 (SDM vol. 2 INT n)", int1},
    {"system words", "MSW and table registers are wider (SDM vol. 2 SMSW, SGDT)", system_words},
    {"x87", "the captured CPU had no 287: stores and limits are the 387's", coprocessor},
};
