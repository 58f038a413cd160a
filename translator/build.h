/* What the rewriting functions share while one block is made. */
#ifndef RINGER_TRANSLATOR_BUILD_H
#define RINGER_TRANSLATOR_BUILD_H

#include <stddef.h>

#include "translator/internal.h"

#define CPU_OFF(field)     ((int32_t)offsetof(struct cpu, field))
#define SEG_OFF(s, field)  (CPU_OFF(seg) + (int32_t)(s) * (int32_t)sizeof(struct segment) +        \
                            (int32_t)offsetof(struct segment, field))

struct decoded {
    struct insn in;
    struct insn_info info;
    uint32_t eip;
};

struct build {
    struct translator *t;
    struct emit *e;
    struct tb *tb;
    uint32_t mode;
    uint32_t cs_base, cs_limit;
    struct decoded list[TB_MAX_INSNS];
    unsigned count;
    bool fpu; /* one of them uses it */
    unsigned sides; /* side exits: decoded, later emitted */
    struct {
        uint32_t patch, target;
    } cold[TB_SIDES]; /* side exits that go through the jump table */

    /* the instruction being rewritten */
    const struct insn *in;
    const struct insn_info *info;
    uint32_t eip, next;
    enum site_policy policy;
    bool ended; /* control does not go on behind it */
    unsigned number; /* its place in LIST */
    int32_t esp; /* the guest's ESP less RSP, in a run of PUSHes or POPs (rewrite_stack.c) */

    uint8_t reached; /* bits of registers that memory was accessed by, near them (wide.c) */
    struct {
        uint8_t fixup; /* FIX_ADD to FIX_DEC: the host's flags are not the guest's; else FIX_NONE */
        struct fault_sum of;
        unsigned last; /* up to instruction LAST of LIST */
    } sum;
};

/* How a memory operand is addressed by the host instruction. */
enum addr_form {
    ADDR_WINDOW, /* [r13 + a guest register + disp], [r13 + disp], gs:[a guest register + disp] */
    ADDR_GS,     /* gs: with 32-bit address size: the guest's own ModRM and SIB */
    ADDR_R8,     /* [r13 + r8]: linear address computed into r8d */
    ADDR_REACH,  /* [r10 + r8]: the same, from the base that cpu->reach has for it */
};

/* A host instruction with one memory operand, to be written in any form. */
struct hostop {
    uint8_t opcode, map; /* enum insn_map */
    uint8_t rep;         /* mandatory F2/F3 */
    bool opsize;         /* 66h */
    bool byte_reg;       /* REG is a byte register: 4..7 are AH..BH, no REX then */
    uint8_t reg;         /* 0..15, or the opcode extension */
    const uint8_t *imm;
    uint8_t imm_len;
    bool vex, vex_l, vex_w;
    uint8_t vvvv;
};

static inline bool seg_flat(const struct build *b, unsigned seg)
{
    return mode_seg(b->mode, seg) == SEG_FLAT;
}

/* Flat 32-bit stack: the form in which PUSH and POP are two host instructions. */
static inline bool flat_stack(const struct build *b)
{
    return seg_flat(b, SEG_SS) && (b->mode & MODE_STACK32);
}

/* --- rewrite.c --- */
void rewrite_insn(struct build *b);
/* Prepare B->in's ModRM memory operand for an access of SIZE bytes (ACCESS: bit 0 read, bit 1
 * write); emits address computation and limit checks as needed. Flags survive. */
enum addr_form mem_prepare(struct build *b, unsigned size, unsigned access, bool byte_high);
/* Emit OP on the operand prepared. */
void mem_emit(struct build *b, enum addr_form form, const struct hostop *op);
/* Load SIZE (2: zero-extended, 4) bytes of the ModRM operand into DST (8..15, or a guest one). */
void mem_load(struct build *b, unsigned size, unsigned dst);
/* Effective address (offset) into r8d. */
void emit_ea(struct build *b);
/* Segment base and limit check of offset r8d -> linear address in r8d. */
void emit_segment(struct build *b, unsigned seg, unsigned size, bool write);
/* May B->in be rewritten by cpu->reach, if its policy says so? */
bool rewrite_reaches(const struct build *b);
/* The base that cpu->reach has for linear address REG into TO (r10, r11).  R9 is lost; flags
 * survive. */
void emit_reach(struct emit *e, unsigned to, unsigned reg);
/* Op on [runtime area + FIELD]. */
void emit_rt(struct emit *e, bool w, uint8_t opcode, unsigned reg, int32_t field);
/* Prefixes, REX or VEX, and opcode of OP, whose memory operand has INDEX and BASE (R_NONE). */
void emit_head(struct emit *e, const struct hostop *op, unsigned index, unsigned base);
void mark_fault(struct build *b, enum fault_fixup fixup);
/* The 32-bit word just emitted is an EIP that depends on the block's. */
void mark_reloc(struct build *b);
/* B->in with its memory operand in the runtime area at FIELD, which needs no REX prefix. */
void rewrite_on_bounce(struct build *b, int32_t field);
/* Add one to T->counts.executions[SLOT] in translated code; R9 is lost. */
void build_count(struct build *b, uint32_t slot);
/* The same for a jump by the table of that KIND, if executions are counted (exec_count). */
void build_count_jump(struct build *b, enum jump_count kind);
/* Does it use x87, MMX, XMM or YMM state? */
bool decoded_uses_fpu(const struct decoded *d);

/* The guest register R if D, where its policy is SITE_PLAIN and its segment is flat, has its
 * operand at [window + R + disp]; R_NONE. */
unsigned rewrite_by_window(const struct decoded *d);

/* --- wide.c --- */
/* An access by guest register BASE with displacement DISP to the window was emitted. */
void wide_reached(struct build *b, unsigned base, int32_t disp);
/* May B->in, which adds NUMBER to REG as FIXUP says, have a 64-bit operand?  If so entries of the
 * fault map tell it as long as its flags last. */
bool wide_addition(struct build *b, unsigned reg, enum fault_fixup fixup, int32_t number);
/* May B->in, an LEA with a 32-bit address, have one? */
bool wide_lea(struct build *b);

/* --- immediate.c --- */
/* May B->in's immediate be followed? */
bool immediate_may_follow(const struct build *b);
/* B->in was rewritten: its immediate may be followed, if it has changed often. */
void immediate_note(struct build *b);

/* --- rewrite_exit.c --- */
/* Leave to C for the current instruction: sensitive, or (SLOW) its memory by hand.  The block goes
 * on behind it where the hub can come back to it, and ends otherwise. */
void exit_site(struct build *b, bool slow);
/* The same where nothing of the block may follow: it ends. */
void exit_site_ends(struct build *b, bool slow);
void exit_raise(struct build *b, uint8_t vector);
void exit_code(struct build *b, enum exit_kind kind, uint32_t value);
/* Go to guest EIP TARGET by direct exit SLOT, linked later. */
void exit_goto(struct build *b, unsigned slot, uint32_t target);
/* Go to TARGET through the jump table. */
void exit_table(struct build *b, uint32_t target);
/* Conditional jump CC (host encoding) to TARGET, else to the next instruction.  Ends. */
void exit_branch(struct build *b, unsigned cc, uint32_t target);
/* Conditional jump CC to TARGET; the block goes on behind it. */
void exit_side(struct build *b, unsigned cc, uint32_t target);
/* Go to the guest EIP in r8d.  Ends. */
void exit_indirect(struct build *b);
/* Leave for EXIT_STI/EXIT_POPF at the next instruction when an event waits. Flags survive. */
void exit_if_event(struct build *b, enum exit_kind kind);
void exit_stubs(struct build *b);
/* Branch target TARGET, cut to 16 bits by operand size; false when beyond the CS limit. */
bool branch_target(struct build *b, uint32_t displacement, uint32_t *target);

/* --- rewrite_stack.c --- */
/* Before B->in: make RSP the guest's ESP, if it is not and B->in cannot go on with that. */
void stack_settle(struct build *b);
/* Make it so for good. */
void stack_end_run(struct build *b);

/* --- rewrite_real.c --- */
/* Rewrite the load of a segment register where no descriptor is asked; false: it is none of those,
 * and nothing was emitted. */
bool rewrite_real_segment(struct build *b);
/* The same for far CALL, JMP and RET with an operand size of 16 bits.  Ends. */
bool rewrite_real_far(struct build *b);

/* --- rewrite_stack.c, rewrite_flow.c, rewrite_flags.c, rewrite_string.c --- */
/* Rewrite ENTER, where it needs no C; false: it does, or is another instruction; nothing was emitted. */
bool rewrite_enter(struct build *b);
void push_reg(struct build *b, unsigned size, unsigned reg);
void push_imm(struct build *b, unsigned size, uint32_t imm);
/* Push CS and IP of the next instruction on a stack of 16 bits. */
void push_far(struct build *b);
/* Pop IP into r8d and a selector into r10d from a stack of 16 bits, releasing EXTRA more bytes. */
void pop_far(struct build *b, uint32_t extra);
/* Push the next instruction's EIP. */
void push_return(struct build *b);
/* Pop into r10d (zero-extended), releasing EXTRA more bytes. */
void pop_r10(struct build *b, unsigned size, uint32_t extra);
#define X(name) void rewrite_##name(struct build *b);
INSN_KINDS(X)
#undef X

#endif
