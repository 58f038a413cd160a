/* What the parts of the confinement checker share.  Nothing of the emitter's is used here but the
 * register names and the structures that emitted code refers to. */
#ifndef RINGER_TRANSLATOR_CHECK_H
#define RINGER_TRANSLATOR_CHECK_H

#include "translator/internal.h"

/* What an instruction of a block may be.  Everything else is refused. */
enum host_class {
    HOST_REFUSED,
    HOST_INT,     /* integer instruction, explicit operands only */
    HOST_FPU,     /* the same on x87, MMX, XMM or YMM registers */
    HOST_LEA,
    HOST_STRING,  /* MOVS CMPS STOS LODS SCAS */
    HOST_XLAT,
    HOST_STACK,   /* pushfq, popfq, push r9, pop r9 */
    HOST_JMP,
    HOST_JCC,
    HOST_JRCXZ,
    HOST_JMP_REG, /* jmp r9, r10 or r11 */
};

/* Shape of a memory operand. */
enum host_mem {
    MEM_NONE,
    MEM_GS,     /* gs: with 32-bit address size */
    MEM_WINDOW, /* [r13 + one register + disp], or gs:[guest register + disp] */
    MEM_CPU,    /* [r15 + disp] */
    MEM_TABLE,  /* [r12 + r8*4] */
    MEM_LIMIT,  /* [r9 + r8 + disp] */
    MEM_REACH,  /* [r10 + r8] */
    MEM_BASES,  /* [r15 + r9 + disp] or [r15 + r9*8 + disp]: what cpu->reach holds */
    MEM_RIP,
    MEM_OTHER,
};

struct host_insn {
    uint32_t at; /* cache offset */
    uint8_t len;
    uint8_t class, mem; /* enum host_class, enum host_mem */
    uint8_t map, opcode, modrm, rex, rep;
    bool opsize, addrsize, gs;
    bool has_modrm, has_mem;
    bool vex, vex_w, vsib; /* VEX-encoded: REX has its R, X and B; VSIB: INDEX is a vector's */
    uint8_t vvvv, pp;
    uint8_t reg, rm; /* REX bits included; RM for register operands and opcode + r */
    uint8_t base, index, scale;
    int32_t disp;
    uint32_t imm; /* sign-extended */
};

/* What a scratch register holds.  Only the first two kinds may be read as data. */
enum value_kind {
    VALUE_CONST, /* exactly BITS */
    VALUE_CLEAN, /* below 4 GiB; no bit set outside BITS */
    VALUE_UNSET,
    VALUE_TABLE,  /* entry of the jump table */
    VALUE_CODE,   /* host address made of that */
    VALUE_CHECK,  /* check pointer of a segment */
    VALUE_WINDOW, /* base of a window */
    VALUE_SELF,   /* host address of cache offset BITS */
    VALUE_COUNT,  /* what counter BITS holds, or that plus one */
};

struct value {
    uint8_t kind;
    uint32_t bits;
};

enum stack_state {
    STACK_GUEST,
    STACK_HOST,        /* RSP is the host's, as the entry stub left it */
    STACK_HOST_PUSHED, /* with one word more on it */
};

enum { WINDOWED_RSI = 1, WINDOWED_RDI = 2 };

/* Additions with 64-bit operands take a guest register beyond [0, 4 GiB), each by no more than one
 * part of 64 KiB, whatever is done to 8 or 16 bits of it in between.  FAR_HANDED_ON: that far
 * registers are where blocks begin and end; within one they are not TB_MAX_INSNS farther, or some
 * 12 MiB, which LARGEST_DISP leaves room for. */
enum { FAR_HANDED_ON = 128, FAR_SMALL_DISP = 4096 };

/* What is known before an instruction, on every path to it.  Not listed, because no instruction
 * that would break it is let through: RSP is below 4 GiB, r12..r15 unchanged. */
struct flow {
    uint8_t far[8];          /* guest registers: parts of 64 KiB beyond [0, 4 GiB), at most */
    struct value scratch[4]; /* r8..r11 */
    struct value pushed;     /* the word of STACK_HOST_PUSHED */
    uint8_t stack;           /* enum stack_state */
    uint8_t windowed;        /* registers that have the window's base added */
    bool fpu;                /* the guest's x87 and SSE state is in the registers */
    bool rcx_tests_fpu;      /* RCX is cpu->fpu_live, just loaded */
};

struct check {
    struct translator *t;
    const struct tb *tb;
    char *why;
    unsigned n;

    struct host_insn *insns;
    unsigned count;
    uint16_t *number_at; /* by offset in the block: number of the instruction there + 1 */
    struct flow *flow;   /* before each instruction */
    uint8_t *seen;       /* SEEN_* */
    uint16_t *work;
    unsigned work_count;
    unsigned steps;
};

enum { SEEN_REACHED = 1, SEEN_QUEUED = 2 };

/* Say why IN is refused; false. */
bool check_refuse(struct check *c, const struct host_insn *in, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* check_decode.c: the instruction at cache offset AT, when it is one that a block may hold in any
 * state; by our own decoding, confirmed by Capstone's. */
bool check_decode(struct check *c, uint32_t at, struct host_insn *in);
/* BT, BTS, BTR, BTC: may they access other bytes than those that their operand names? */
bool check_is_bit_string(const struct host_insn *in);

/* check_opcodes.c: class and layout of a host opcode in 64-bit mode.  IMM: 0, 1, 2, or 4: two or
 * four bytes by operand size. */
struct host_form {
    uint8_t class;
    bool modrm;
    uint8_t imm;
};
struct host_form check_form(enum insn_map map, uint8_t opcode, uint8_t modrm, uint8_t rep,
                            bool opsize);

/* The same for VEX-encoded ones.  PP as encoded, W and IS4: below. */
struct host_vex_form {
    struct host_form form;
    bool narrow; /* an operand is a general register or of its size: VEX.W must be 0 */
    bool is4;    /* bits 7 to 4 of the immediate name a register */
    bool vsib;
};
struct host_vex_form check_vex_form(enum insn_map map, uint8_t opcode, uint8_t modrm, uint8_t pp);

/* check_flow.c: carry FLOW over IN, jumps aside; false when IN is not allowed there. */
bool check_step(struct check *c, const struct host_insn *in, struct flow *flow);
/* Could V be read as a 32-bit number? */
bool check_is_number(struct value v);

#endif
