/* Guest bytes to struct insn, built on Capstone. */
#ifndef RINGER_TRANSLATOR_DECODE_H
#define RINGER_TRANSLATOR_DECODE_H

#include "cpu/cpu.h"

struct decoder;

/* What the block builder wants to know beside the instruction itself. */
struct insn_info {
    uint16_t op_flags;    /* enum opcode_flag */
    uint8_t feature;      /* enum cpu_feature it needs, FEAT_COUNT when none */
    uint8_t invalid;      /* raises #UD as encoded */
};

struct decoder *decoder_new(void);
void decoder_free(struct decoder *d);

enum decode_result {
    DECODE_OK,
    DECODE_SHORT,   /* AVAILABLE bytes do not hold the whole instruction */
    DECODE_TOO_LONG /* more than 15 bytes: #GP */
};

/* Decode the instruction at BYTES (AVAILABLE of them, at most 15 are looked at) for code of BITS
 * 16 or 32.  What is no instruction gets kind K_INVALID.  SDM vol. 2A chapter 2. */
enum decode_result decode_insn(struct decoder *d, const uint8_t *bytes, unsigned available,
                               unsigned bits, struct insn *in, struct insn_info *info);

/* Text of one instruction; BITS 16, 32 or 64 (host code). Returns its length, 0 when none. */
unsigned decode_text(struct decoder *d, unsigned bits, const uint8_t *bytes, unsigned available,
                     uint64_t address, char *out, unsigned n);

struct cs_insn;
/* Capstone's own view of one host instruction, valid until the next call; NULL when it is none.
 * For the confinement checker. */
const struct cs_insn *decode_host(struct decoder *d, const uint8_t *bytes, unsigned available,
                                  uint64_t address);

#endif
