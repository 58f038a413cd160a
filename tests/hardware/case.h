/* One single-instruction test captured from a real CPU, as the files give it. */
#ifndef RINGER_TESTS_HARDWARE_CASE_H
#define RINGER_TESTS_HARDWARE_CASE_H

#include <stdbool.h>
#include <stdint.h>

/* Registers in the order of the files. */
enum hw_reg {
    HW_AX,
    HW_BX,
    HW_CX,
    HW_DX,
    HW_CS,
    HW_SS,
    HW_DS,
    HW_ES,
    HW_SP,
    HW_BP,
    HW_SI,
    HW_DI,
    HW_IP,
    HW_FLAGS,
    HW_REGS
};

extern const char *const hw_reg_names[HW_REGS];

enum { HW_MAX_BYTES = 1024, HW_SS_OVERRIDE = 0x36 };

struct hw_bytes {
    unsigned count;
    uint32_t address[HW_MAX_BYTES];
    uint8_t value[HW_MAX_BYTES];
};

struct hw_case {
    char opcode[16], text[80];
    uint8_t code[32]; /* without the HLT that ends the test */
    unsigned length;
    /* taken from CODE */
    bool lock;
    uint8_t override, rep; /* prefix bytes, 0 when there is none */
    unsigned prefixes;     /* how many: the opcode is code[prefixes] */

    uint16_t initial[HW_REGS], final[HW_REGS];
    struct hw_bytes before, after;
    int vector; /* of the exception or interrupt taken, -1: none */

    /* What a rule of differences.c says of the outcome. */
    uint32_t free_regs; /* registers (1 << enum hw_reg) that may be anything */
    bool free_memory;   /* memory may be anything */
    bool shutdown;      /* the CPU shuts down */
    bool anything_else; /* any end but that at final CS:IP */
};

/* Read one line of a file (SINGLE-STEP format: eight fields between tabs), which is cut up.
 * False when it is not of the format. */
bool hw_case_parse(char *line, struct hw_case *c);

/* The opcode byte, and the byte behind it (ModRM, or the opcode behind 0F); 0 when cut. */
static inline uint8_t hw_opcode(const struct hw_case *c)
{
    return c->code[c->prefixes];
}

static inline uint8_t hw_second(const struct hw_case *c)
{
    return c->code[c->prefixes + 1];
}

static inline unsigned hw_reg_field(const struct hw_case *c)
{
    return hw_second(c) >> 3 & 7;
}

static inline bool hw_memory(const struct hw_case *c)
{
    return hw_second(c) < 0xC0;
}

/* Physical address of SELECTOR:OFFSET. */
static inline uint32_t hw_address(uint16_t selector, uint32_t offset)
{
    return selector * 16u + (uint16_t)offset;
}

bool hw_listed(const struct hw_bytes *list, uint32_t address);
/* The value at ADDRESS in LIST, or OTHERWISE. */
uint8_t hw_byte(const struct hw_bytes *list, uint32_t address, uint8_t otherwise);
void hw_add_byte(struct hw_bytes *list, uint32_t address, uint8_t value);

#endif
