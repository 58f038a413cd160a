/* String instructions in flat 32-bit code run as they are: the window's base is added to ESI and
 * EDI and, being a multiple of 4 GiB, taken off again by zero-extension.  A fault in the middle
 * finds all counts in place. */
#include "translator/build.h"

enum { STR_MOVS = 0xA4, STR_CMPS = 0xA6, STR_STOS = 0xAA, STR_LODS = 0xAC, STR_SCAS = 0xAE };

static void add_window(struct emit *e, unsigned reg)
{
    emit_op_mem(e, true, 0x8D, reg, reg, R_WINDOW, 0);
}

void rewrite_STRING(struct build *b)
{
    const struct insn *in = b->in;
    struct emit *e = b->e;
    unsigned op = in->opcode & 0xFE;
    bool source = op == STR_MOVS || op == STR_CMPS || op == STR_LODS;
    bool dest = op != STR_LODS;
    unsigned source_seg = in->override == SEG_NONE ? SEG_DS : in->override;
    bool traps = in->rep && (b->mode & MODE_ONE); /* after each repetition */
    if (traps || in->addrsize != 4 || (source && !seg_flat(b, source_seg)) ||
        (dest && !seg_flat(b, SEG_ES))) {
        exit_site(b, true);
        return;
    }
    if (source)
        add_window(e, RSI);
    if (dest)
        add_window(e, RDI);
    if ((in->opcode & 1) && in->opsize == 2)
        emit8(e, 0x66);
    if (in->rep)
        emit8(e, in->rep);
    emit8(e, in->opcode);
    if (source)
        emit_mov(e, RSI, RSI);
    if (dest)
        emit_mov(e, RDI, RDI);
}
