/* A case: prefixes, opcode, operands; then registers that lead memory operands to interesting
 * places of the arena. */
#include "oracle/generate.h"

#include <string.h>

enum { CASES_PER_MEMORY = 4096 };
enum { FLAGS_ARITH_DF = 0xCD5, FLAG_TF = 0x100, FLAG_IF = 0x200, FLAG_AC = 0x40000 };
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS };

struct generator {
    uint64_t random;
    struct oracle_case *c;
    const struct form *form;
    unsigned opsize, addrsize;
    uint8_t override, rep, opcode, modrm, sib;
    unsigned modrm_at, disp_at, disp_size;
    unsigned frame; /* bytes a word of the frame that was pushed for the instruction, or 0 */
};

static uint32_t random32(struct generator *g)
{
    return oracle_random(&g->random);
}

static uint32_t below(struct generator *g, uint32_t n)
{
    return (uint32_t)((uint64_t)random32(g) * n >> 32);
}

static bool one_in(struct generator *g, uint32_t n)
{
    return below(g, n) == 0;
}

static void put(struct generator *g, uint8_t byte)
{
    if (g->c->length < CASE_CODE - 1)
        g->c->code[g->c->length++] = byte;
}

static void put_value(struct generator *g, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put(g, (uint8_t)(value >> 8 * i));
}

static uint32_t interesting(struct generator *g)
{
    static const uint32_t values[8] = {0,          1,      0xFFFFFFFF, 0x80000000,
                                       0x7FFFFFFF, 0x8000, 0x7F,       0x80};
    switch (below(g, 4)) {
    case 0:
        return values[below(g, 8)];
    case 1:
        return below(g, 256) - 128;
    default:
        return random32(g);
    }
}

static uint16_t selector(struct generator *g)
{
    static const uint16_t others[4] = {0, 3, SEL_DATA32, SEL_LDT(LDT_COUNT)};
    uint32_t r = below(g, 16);
    return r < 12 ? SEL_LDT(below(g, LDT_COUNT)) : others[r & 3];
}

/* ---- the state ---- */

static uint32_t arena_address(struct generator *g)
{
    uint32_t page = below(g, ARENA_PAGES), r = below(g, 8);
    if (r < 5)
        page = (const uint8_t[]){1, 2, 5, 6, 13}[r];
    if (one_in(g, 64))
        return 0u - 16 * (1 + below(g, 4)); /* near the end */
    uint32_t offset = one_in(g, 4) ? ARENA_PAGE - below(g, 16) : below(g, ARENA_PAGE);
    if (!one_in(g, 3))
        offset &= ~15u; /* aligned operands of SSE */
    return ARENA_BASE + page * ARENA_PAGE + offset;
}

static void make_segments(struct generator *g)
{
    uint16_t *seg = g->c->start.seg;
    seg[CS] = g->c->code16 ? SEL_LDT(LDT_CODE16) : SEL_CODE32;
    seg[SS] = g->c->code16 ? (one_in(g, 4) ? SEL_DATA32 : SEL_LDT(LDT_STACK16)) : SEL_DATA32;
    seg[DS] = seg[ES] = g->c->code16 ? SEL_LDT(LDT_DATA) : SEL_DATA32;
    if (one_in(g, 8))
        seg[SS] = SEL_LDT(one_in(g, 2) ? LDT_STACK16 : LDT_ODD);
    static const uint8_t data[6] = {LDT_DATA, LDT_ODD, LDT_READ, LDT_DOWN, LDT_STACK16, LDT_DOWN32};
    if (one_in(g, 4))
        seg[DS] = SEL_LDT(data[below(g, 6)]);
    if (one_in(g, 4))
        seg[ES] = SEL_LDT(data[below(g, 6)]);
    if (one_in(g, 16))
        seg[DS] = 0;
    seg[FS] = one_in(g, 2) ? 0 : SEL_LDT(data[below(g, 6)]);
    seg[GS] = one_in(g, 2) ? SEL_DATA32 : SEL_LDT(LDT_DATA);
}

static void make_registers(struct generator *g)
{
    struct oracle_state *s = &g->c->start;
    for (int i = 0; i < 8; i++)
        s->gpr[i] = one_in(g, 3) ? arena_address(g) : interesting(g);
    uint32_t stack = ARENA_BASE + ARENA_STACK - below(g, ARENA_PAGE);
    if (one_in(g, 16))
        stack = arena_address(g);
    else if (!one_in(g, 8))
        stack &= ~3u;
    s->gpr[ESP] = stack - selector_base(s->seg[SS]);
    s->eflags = (random32(g) & FLAGS_ARITH_DF) | FLAG_IF | 2;
    if (one_in(g, 12)) /* the host can start with no other ones */
        s->eflags |= one_in(g, 2) ? FLAG_TF : FLAG_AC;
    uint32_t at = ARENA_CODE + (one_in(g, 8) ? ARENA_PAGE - below(g, 16) : below(g, ARENA_PAGE));
    s->eip = ARENA_BASE + at - selector_base(s->seg[CS]);
}

/* ---- the instruction ---- */

/* Where a prefix makes another instruction of it on some hosts. */
static void other_prefixes(struct generator *g, bool *opsize)
{
    const struct form *f = g->form;
    bool scan = f->map == 0x0F && f->first == 0xBC;
    if ((f->map == 0 && f->first == 0xE0) || (scan && g->rep == 0xF2))
        g->rep = 0;
    if (f->map == 0x0F && f->first == 0xAE && f->reg >= 5) { /* CLFLUSHOPT, CLWB, WAITPKG */
        g->rep = 0;
        *opsize = false;
    }
}

static void make_prefixes(struct generator *g)
{
    static const uint8_t overrides[6] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    static const uint8_t mandatory[4] = {0, 0x66, 0xF2, 0xF3};
    const struct form *f = g->form;
    bool opsize = one_in(g, 4), addrsize = one_in(g, 8), lock = one_in(g, 24);
    if (f->flags & F_VEX) { /* hardly ever beside the other prefixes */
        opsize = one_in(g, 64);
        lock = one_in(g, 64);
        g->rep = one_in(g, 64) ? 0xF3 : 0;
    } else if (f->flags & F_SIMD) {
        uint8_t p = mandatory[below(g, 4)];
        opsize = p == 0x66 || one_in(g, 32);
        g->rep = p == 0x66 ? 0 : p;
    } else if (f->flags & F_STR) {
        g->rep = one_in(g, 3) ? 0 : one_in(g, 2) ? 0xF2 : 0xF3;
    } else if (one_in(g, 16)) {
        g->rep = one_in(g, 2) ? 0xF2 : 0xF3;
    }
    if (!g->frame && one_in(g, 5))
        put(g, g->override = overrides[below(g, 6)]);
    if (f->map == 0 && f->first == 0x6C && g->c->steps > 1)
        g->rep = 0; /* the count may have become zero: see aim_strings */
    other_prefixes(g, &opsize);
    if (g->frame) {
        opsize = (g->frame == 2) != g->c->code16;
        addrsize = g->c->code16;
    }
    if (opsize)
        put(g, 0x66);
    bool other = (f->flags & F_SEL) || (f->map == 0x0F && f->first == 0x20);
    if (lock && !other) /* AMD's ignore it before VERR, and have CR8 by LOCK MOV CR0 */
        put(g, 0xF0);
    if (g->rep)
        put(g, g->rep);
    if (addrsize)
        put(g, 0x67);
    g->opsize = opsize != g->c->code16 ? 2 : 4;
    g->addrsize = addrsize != g->c->code16 ? 2 : 4;
}

static void make_vex(struct generator *g)
{
    static const uint8_t pp[8] = {1, 1, 1, 1, 1, 0, 2, 3};
    const struct form *f = g->form;
    uint8_t vvvv = one_in(g, 3) ? 15 : (uint8_t)((random32(g) & 7) | 8);
    if (one_in(g, 32))
        vvvv &= 7;
    uint8_t p = f->last >= 0xF0 && f->map != 0x0F ? (uint8_t)below(g, 4) : pp[below(g, 8)];
    bool w = one_in(g, 3), l = !(f->flags & F_L0) && one_in(g, 2);
    g->opcode = (uint8_t)(f->first + below(g, f->last - f->first + 1u));
    if (f->map == 0x3A && g->opcode < 2) /* AMD's take VPERMQ, VPERMPD without W, too, */
        w = true;
    if (f->map == 0x3A && (g->opcode == 0x16 || g->opcode == 0x22)) /* no VPEXTRD, VPINSRD with it */
        w = false;
    uint8_t low = (uint8_t)(vvvv << 3 | l << 2 | p);
    if (f->map == 0x0F && !w && (vvvv & 8) && one_in(g, 2)) {
        put(g, 0xC5);
        put(g, 0x80 | low);
    } else {
        put(g, 0xC4);
        put(g, (uint8_t)(0xC0 | (one_in(g, 8) ? 0 : 0x20) |
                         (f->map == 0x0F ? 1 : f->map == 0x38 ? 2 : 3)));
        put(g, (uint8_t)(w << 7 | low));
    }
    put(g, g->opcode);
}

static void make_opcode(struct generator *g)
{
    const struct form *f = g->form;
    if (f->flags & F_VEX) {
        make_vex(g);
        return;
    }
    if (f->map)
        put(g, 0x0F);
    if (f->map == 0x38 || f->map == 0x3A)
        put(g, f->map);
    g->opcode = (uint8_t)(f->first + below(g, f->last - f->first + 1u));
    put(g, g->opcode);
}

static void make_modrm(struct generator *g)
{
    const struct form *f = g->form;
    uint8_t m = (uint8_t)random32(g);
    if (f->reg >= 0)
        m = (uint8_t)((m & 0xC7) | f->reg << 3);
    if (f->flags & F_REG)
        m |= 0xC0;
    if ((f->flags & F_MEM) && m >= 0xC0)
        m &= 0x7F;
    if ((f->flags & F_VSIB) && !one_in(g, 16))
        m = (uint8_t)((m & 0xF8) | 4);
    if (!f->map && (g->opcode & 0xFE) == 0xC6 &&
        m == 0xF8) /* XABORT and XBEGIN, where there is RTM */
        m = 0xF9;
    g->modrm = m;
    if (f->flags & F_VSIB) /* a trap may come in the middle, in place of a fault */
        g->c->start.eflags &= ~(uint32_t)FLAG_TF;
    if (g->frame) { /* its operand is the stack's top */
        put(g, g->modrm = (uint8_t)(f->reg << 3 | 4));
        put(g, 0x24);
        return;
    }
    g->modrm_at = g->c->length;
    put(g, m);
    if (m >= 0xC0)
        return;
    unsigned mod = m >> 6, rm = m & 7;
    if (g->addrsize == 2) {
        g->disp_size = mod == 0 ? (rm == 6 ? 2 : 0) : mod;
    } else {
        if (rm == 4)
            put(g, g->sib = (uint8_t)random32(g));
        bool absolute = mod == 0 && (rm == 5 || (rm == 4 && (g->sib & 7) == 5));
        g->disp_size = absolute ? 4 : mod == 2 ? 4 : mod;
    }
    g->disp_at = g->c->length;
    put_value(g, one_in(g, 2) ? below(g, 128) - 64 : interesting(g), g->disp_size);
}

/* Relative displacement to a HLT on the code pages: never back to the instruction. */
static void make_branch(struct generator *g, unsigned size)
{
    uint32_t end = g->c->length + size;
    int32_t d = (int32_t)below(g, size == 1 ? 100 : 3000) - (size == 1 ? 50 : 1500);
    if (d <= 0 && d >= -(int32_t)end - 16)
        d -= (int32_t)end + 16;
    if (size > 1 && one_in(g, 16)) /* far away */
        d = (interesting(g) & 0x7FFF7FFF) | 0x4000;
    put_value(g, (uint32_t)d, size);
}

static void make_immediates(struct generator *g)
{
    uint32_t f = g->form->flags;
    if (f & F_I16)
        put_value(g, one_in(g, 4) ? interesting(g) : below(g, 64), 2);
    if (f & F_I8) {
        uint8_t imm = (uint8_t)(one_in(g, 2) ? interesting(g) : below(g, 34));
        if (g->opcode == 0xCD && g->form->map == 0 && imm == 0x80)
            imm = 0x81; /* no system calls */
        if (g->opcode == 0xC8 && g->form->map == 0)
            imm = (uint8_t)below(g, one_in(g, 4) ? 256 : 5);
        put(g, imm);
    }
    if (f & F_IV)
        put_value(g, interesting(g), g->opsize);
    if (f & F_OFFS) {
        uint16_t seg = g->c->start.seg[DS];
        put_value(g, arena_address(g) - selector_base(seg), g->addrsize);
    }
    if (f & F_R8)
        make_branch(g, 1);
    if (f & F_RV)
        make_branch(g, g->opsize);
    if (f & F_FAR) {
        uint16_t sel = one_in(g, 2) ? selector(g) : one_in(g, 2) ? SEL_CODE32 : SEL_LDT(LDT_CODE16);
        uint32_t at = ARENA_BASE + ARENA_CODE + below(g, 2 * ARENA_PAGE);
        bool wild = g->opcode == 0xEA && one_in(g, 16);
        put_value(g, wild ? interesting(g) : at - selector_base(sel), g->opsize);
        put_value(g, sel, 2);
    }
}

/* ---- operands in the arena ---- */

static unsigned operand_segment(const struct generator *g, bool stack_based)
{
    switch (g->override) {
    case 0x26:
        return ES;
    case 0x2E:
        return CS;
    case 0x36:
        return SS;
    case 0x3E:
        return DS;
    case 0x64:
        return FS;
    case 0x65:
        return GS;
    default:
        return stack_based ? SS : DS;
    }
}

/* Move BASE (or the displacement) so that the operand lies at an address of the arena. */
static void aim16(struct generator *g)
{
    static const uint8_t base[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
    static const uint8_t index[4] = {ESI, EDI, ESI, EDI};
    uint32_t *r = g->c->start.gpr;
    unsigned rm = g->modrm & 7, mod = g->modrm >> 6;
    bool absolute = mod == 0 && rm == 6, stack = !absolute && (rm == 2 || rm == 3 || rm == 6);
    uint16_t seg = g->c->start.seg[operand_segment(g, stack)];
    uint32_t target = (arena_address(g) - selector_base(seg)) & 0xFFFF;
    uint8_t *at = g->c->code + g->disp_at;
    if (absolute) {
        at[0] = (uint8_t)target;
        at[1] = (uint8_t)(target >> 8);
        return;
    }
    uint32_t disp = mod == 1   ? (uint32_t)(int8_t)at[0]
                    : mod == 2 ? at[0] | (uint32_t)at[1] << 8
                               : 0u;
    uint32_t rest = disp + (rm < 4 ? r[index[rm]] : 0);
    r[base[rm]] = (r[base[rm]] & (one_in(g, 4) ? 0xFFFF0000 : 0)) | ((target - rest) & 0xFFFF);
}

static void aim32(struct generator *g)
{
    uint32_t *r = g->c->start.gpr, disp = 0;
    unsigned mod = g->modrm >> 6, rm = g->modrm & 7, base = rm;
    uint8_t *at = g->c->code + g->disp_at;
    bool absolute = mod == 0 && rm == 5, indexed = rm == 4 && (g->sib >> 3 & 7) != 4 && !(g->form->flags & F_VSIB);
    if (rm == 4) {
        base = g->sib & 7;
        absolute = mod == 0 && base == 5;
    }
    uint16_t seg = g->c->start.seg[operand_segment(g, !absolute && (base == ESP || base == EBP))];
    uint32_t target = arena_address(g) - selector_base(seg);
    uint32_t index = indexed ? r[g->sib >> 3 & 7] << (g->sib >> 6) : 0;
    if (absolute) {
        target -= index;
        memcpy(at, &target, 4);
        return;
    }
    if (mod == 1)
        disp = (uint32_t)(int8_t)at[0];
    else if (mod == 2)
        memcpy(&disp, at, 4);
    if (indexed && (g->sib >> 3 & 7) == base) {
        if (mod == 2) {
            disp = target - r[base] - index;
            memcpy(at, &disp, 4);
        }
        return;
    }
    if (base == ESP && !one_in(g, 2)) /* leave the stack alone */
        return;
    r[base] = target - disp - index;
}

static void aim_strings(struct generator *g)
{
    uint32_t *r = g->c->start.gpr;
    const uint16_t *seg = g->c->start.seg;
    r[ESI] = arena_address(g) - selector_base(seg[operand_segment(g, false)]);
    r[EDI] = arena_address(g) - selector_base(seg[ES]);
    if (one_in(g, 4)) /* overlapping */
        r[EDI] = r[ESI] + below(g, 16) - 8;
    r[ECX] = one_in(g, 8) ? below(g, 5000) : below(g, 20);
    if (g->opcode < 0x70) /* INS, OUTS: is the right to use the port asked for before the count? */
        r[ECX] |= 1;
    if (g->addrsize == 2 && one_in(g, 2)) {
        r[ECX] |= random32(g) & 0xFFFF0000;
        r[ESI] |= random32(g) & 0xFFFF0000;
    }
}

/* Instructions with implicit operands. */
static void aim_others(struct generator *g)
{
    struct oracle_state *s = &g->c->start;
    if (g->form->flags & F_STR)
        aim_strings(g);
    if (g->form->map == 0 && g->opcode == 0xD7)
        s->gpr[EBX] = arena_address(g) - selector_base(s->seg[operand_segment(g, false)]);
    if (g->form->map == 0x0F && g->opcode == 0xF7)
        s->gpr[EDI] = arena_address(g) - selector_base(s->seg[operand_segment(g, false)]);
    if (g->form->map == 0 && (g->opcode == 0xC9 || g->opcode == 0xC8))
        s->gpr[EBP] = one_in(g, 4) ? arena_address(g) : s->gpr[ESP] + below(g, 64);
    if (g->form->flags & F_BITS)
        s->gpr[g->modrm >> 3 & 7] = one_in(g, 4) ? interesting(g) : below(g, 60000) - 30000;
    if ((g->form->flags & F_SEL) && (g->form->flags & F_M) && g->modrm >= 0xC0)
        s->gpr[g->modrm & 7] = selector(g) | (one_in(g, 2) ? 0 : random32(g) & 0xFFFF0000);
}

static const struct form *choose(struct generator *g, unsigned sets)
{
    uint32_t total = 0, pick;
    for (int pass = 0;; pass++) {
        pick = pass ? below(g, total) : 0;
        for (unsigned i = 0; i < form_count; i++) {
            unsigned f = forms[i].flags;
            unsigned set = f & F_VEX ? FORMS_AVX : f & F_SIMD ? FORMS_SIMD : f & F_FPU ? FORMS_X87 : FORMS_INTEGER;
            if (!(set & sets))
                continue;
            if (!pass)
                total += forms[i].weight;
            else if (pick < forms[i].weight)
                return &forms[i];
            else
                pick -= forms[i].weight;
        }
    }
}

/* x87 stores that leave their operand alone when what they are to store raises an exception. */
static bool stores_number(uint8_t o, unsigned reg)
{
    return (o == 0xD9 && (reg == 2 || reg == 3)) ||
           ((o == 0xDB || o == 0xDD || o == 0xDF) && (reg == 7 || (reg >= 1 && reg <= 3)));
}

static unsigned leave_vex(unsigned map, uint8_t o)
{
    bool masked = (map == 0x38 && ((o >= 0x2C && o <= 0x2F) || o == 0x8C || o == 0x8E)) ||
                  (map == 0x0F && o == 0xF7);
    if (map == 0x3A && o == 0x1D)
        return LEAVE_ORDER | LEAVE_MXCSR;
    return masked ? LEAVE_ORDER : 0;
}

/* Those of more than one byte. */
static unsigned leave_long(const struct generator *g)
{
    uint8_t o = g->opcode, reg = g->modrm >> 3 & 7;
    bool vex = g->form->flags & F_VEX;
    if (vex)
        return LEAVE_WIDE | leave_vex(g->form->map, o);
    if ((g->form->map == 0x38 && o >= 0xC8 && o <= 0xCD) || (g->form->map == 0x3A && o == 0xCC))
        return LEAVE_WIDE | LEAVE_ORDER; /* SHA: is its operand misaligned before it is absent? */
    if (g->form->map == 0x0F && o == 0xF7)
        return LEAVE_WIDE | LEAVE_ORDER | LEAVE_TAGS;
    if (g->form->map == 0x0F && o == 0xAE && reg < 2 && g->modrm < 0xC0) /* FXSAVE, FXRSTOR */
        return LEAVE_ORDER | (reg == 0 ? LEAVE_ENV : 0u);
    return g->form->flags & F_SIMD ? LEAVE_WIDE : 0;
}

static unsigned leave(const struct generator *g)
{
    uint8_t o = g->opcode, reg = g->modrm >> 3 & 7;
    bool memory = g->modrm < 0xC0;
    if (g->form->map == 0x0F && (o == 0xA0 || o == 0xA8))
        return LEAVE_SELECTOR;
    if (g->form->map == 0x0F &&
        (o == 0xA1 || o == 0xA9)) /* POP reads as many bytes as PUSH writes */
        return LEAVE_WIDE;
    if (g->form->map)
        return leave_long(g);
    if (o == 0x06 || o == 0x0E || o == 0x16 || o == 0x1E)
        return LEAVE_SELECTOR;
    if (o == 0x07 || o == 0x17 || o == 0x1F)
        return LEAVE_WIDE;
    if ((o == 0xD9 || o == 0xDD) && memory && (reg == 4 || reg == 6))
        return LEAVE_ORDER | (reg == 6 ? LEAVE_ENV : 0u);
    if (o == 0xDF && memory && reg == 6) /* FBSTP, in two pieces */
        return LEAVE_ORDER | LEAVE_FIST;
    if (memory && stores_number(o, reg))
        return LEAVE_FIST |
               (o == 0xDB && reg == 7 ? LEAVE_ORDER : 0u); /* FSTP of 80 bits, in two pieces */
    if (o == 0x61)
        return LEAVE_POPA;
    if (o == 0x62) /* is it out of one bound before the other is read? */
        return LEAVE_ORDER;
    return o == 0x9A || o == 0xE8 || (o >= 0xCA && o <= 0xCF) ||
                   (o == 0xFF && (reg == 2 || reg == 3))
               ? LEAVE_ORDER
               : 0;
}

/* Does control go on behind it?  What follows a branch might be run from its middle. */
static bool leads_on(const struct form *f)
{
    if (f->flags & (F_R8 | F_RV | F_FAR | F_FRAME))
        return false;
    bool bcd = (f->first & 0xE7) == 0x27 || (f->first >= 0xD4 && f->first <= 0xD6);
    if (bcd && !f->map) /* nothing shall depend on flags that they leave undefined */
        return false;
    if (f->map)
        return f->first != 0x0B && f->first != 0xB9 && f->first != 0xFF;
    return !(f->first >= 0xCC && f->first <= 0xCE) && f->first != 0xFF && f->first != 0xF4 &&
           f->first != 0x6C;
}

static void push(struct generator *g, uint32_t value)
{
    g->c->step[g->c->steps++] = g->c->length;
    if ((g->frame == 2) != g->c->code16)
        put(g, 0x66);
    put(g, 0x68);
    put_value(g, value, g->frame);
}

/* What a return or a far transfer through memory takes from the stack: flags, selector, offset. */
static void make_frame(struct generator *g)
{
    const struct form *f = g->form;
    enum { WORDS = 3 };
    if (g->c->steps + WORDS >= CASE_STEPS || g->c->length + WORDS * 6 + 16 >= CASE_CODE)
        return;
    bool far = f->first >= 0xCA;
    uint16_t sel = one_in(g, 4)   ? selector(g)
                   : one_in(g, 2) ? SEL_CODE32
                                  : SEL_LDT(LDT_CODE16);
    uint32_t at = ARENA_BASE + ARENA_CODE + below(g, 2 * ARENA_PAGE);
    at -= selector_base(far ? sel : g->c->start.seg[CS]);
    g->frame = one_in(g, 4) == g->c->code16 ? 4 : 2;
    if (f->first == 0xCF)
        push(g, random32(g) & ~(uint32_t)(one_in(g, 8) ? 0 : FLAG_TF | FLAG_AC));
    if (far)
        push(g, sel);
    push(g, one_in(g, 16) ? interesting(g) : at);
}

static void make_instruction(struct generator *g)
{
    struct oracle_case *c = g->c;
    g->frame = 0;
    if ((g->form->flags & F_FRAME) && !one_in(g, 4))
        make_frame(g);
    g->override = g->rep = g->modrm = g->sib = 0;
    c->step[c->steps++] = c->length;
    make_prefixes(g);
    make_opcode(g);
    if (g->form->flags & F_M) {
        make_modrm(g);
        if (!g->frame && g->modrm < 0xC0 && !one_in(g, 32)) {
            if (g->addrsize == 2)
                aim16(g);
            else
                aim32(g);
        }
    }
    make_immediates(g);
    aim_others(g);
    if (g->form->flags & F_VEX)
        c->undefined_flags |= undefined_vex_flags(g->form->map, g->opcode);
    else
        c->undefined_flags |= undefined_flags(c, g->form->map, g->opcode, g->modrm, g->opsize, g->rep);
    c->leave |= leave(g);
}

void generate(uint64_t seed, uint64_t n, unsigned sets, unsigned steps, struct oracle_case *c)
{
    struct generator g = {.random = seed ^ n * 0xD1342543DE82EF95, .c = c};
    memset(c, 0, sizeof *c);
    random32(&g);
    g.form = choose(&g, sets);
    c->memory = (uint32_t)(seed * 0x10001 + n / CASES_PER_MEMORY) | 1;
    c->fpu = steps > 1 || (g.form->flags & (F_FPU | F_SIMD | F_VEX)) ? random32(&g) | 1 : 0;
    c->code16 = one_in(&g, 3);
    make_segments(&g);
    make_registers(&g);
    if (steps > CASE_STEPS)
        steps = CASE_STEPS;
    while (c->steps + 1 < steps && c->length + 2 * 16 < CASE_CODE &&
           !(c->leave & (LEAVE_ENV | LEAVE_SELECTOR))) {
        if (leads_on(g.form))
            make_instruction(&g);
        g.form = choose(&g, sets);
    }
    if (!(c->leave & (LEAVE_ENV | LEAVE_SELECTOR))) /* nothing reads what is not compared */
        make_instruction(&g);
    case_fpu(c);
}
