#include "hardware/differences.h"

#include <stdlib.h>
#include <string.h>

enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048 };

/* By opcode prefix: the longest match wins. */
static const struct {
    const char *opcode;
    uint16_t flags;
} undefined[] = {
    {"08", AF}, {"09", AF}, {"0A", AF}, {"0B", AF}, {"0C", AF}, {"0D", AF},
    {"20", AF}, {"21", AF}, {"22", AF}, {"23", AF}, {"24", AF}, {"25", AF},
    {"30", AF}, {"31", AF}, {"32", AF}, {"33", AF}, {"34", AF}, {"35", AF},
    {"80.1", AF}, {"80.4", AF}, {"80.6", AF}, {"81.1", AF}, {"81.4", AF}, {"81.6", AF},
    {"82.1", AF}, {"82.4", AF}, {"82.6", AF}, {"83.1", AF}, {"83.4", AF}, {"83.6", AF},
    {"84", AF}, {"85", AF}, {"A8", AF}, {"A9", AF}, {"F6.0", AF}, {"F6.1", AF}, {"F7.0", AF},
    {"F7.1", AF},
    {"27", OF}, {"2F", OF}, {"37", OF | SF | ZF | PF}, {"3F", OF | SF | ZF | PF},
    {"D4", OF | AF | CF}, {"D5", OF | AF | CF},
    {"69", SF | ZF | AF | PF}, {"6B", SF | ZF | AF | PF},
    {"F6.4", SF | ZF | AF | PF}, {"F6.5", SF | ZF | AF | PF},
    {"F7.4", SF | ZF | AF | PF}, {"F7.5", SF | ZF | AF | PF},
    {"F6.6", CF | OF | SF | ZF | AF | PF}, {"F6.7", CF | OF | SF | ZF | AF | PF},
    {"F7.6", CF | OF | SF | ZF | AF | PF}, {"F7.7", CF | OF | SF | ZF | AF | PF},
    {"D0.4", AF}, {"D0.5", AF}, {"D0.6", AF}, {"D0.7", AF},
    {"D1.4", AF}, {"D1.5", AF}, {"D1.6", AF}, {"D1.7", AF},
};

/* Shifts and rotates by more than one leave OF undefined; shifts AF; a count beyond the operand's
 * width CF too (SHL, SHR). */
static uint16_t shift_flags(const char *opcode, const char *text, uint16_t cx)
{
    bool by_cl = opcode[0] == 'D';
    unsigned op = (unsigned)opcode[3] - '0', count = cx & 31;
    if (!by_cl) {
        const char *comma = strrchr(text, ',');
        count = comma ? (unsigned)strtoul(comma + 1, NULL, 16) & 31 : 2;
    }
    unsigned width = opcode[1] & 1 ? 16 : 8;
    uint16_t flags = op >= 4 && count ? AF : 0;
    if (count != 1)
        flags |= count ? OF : 0;
    if (op >= 4 && op != 7 && count >= width)
        flags |= CF;
    return flags;
}

uint16_t undefined_flags(const char *opcode, const char *text, uint16_t cx)
{
    if (!strncmp(opcode, "C0.", 3) || !strncmp(opcode, "C1.", 3) || !strncmp(opcode, "D2.", 3) ||
        !strncmp(opcode, "D3.", 3))
        return shift_flags(opcode, text, cx);
    for (unsigned i = 0; i < sizeof undefined / sizeof *undefined; i++)
        if (!strcmp(opcode, undefined[i].opcode))
            return undefined[i].flags;
    return 0;
}

bool excused(const char *opcode, const char *text, int vector)
{
    (void)opcode;
    (void)text;
    (void)vector;
    return false;
}
