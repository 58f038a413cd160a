/* What the pieces are made of: one function for each kind of thing that kernels and their programs
 * do. Whatever a piece does, it ends: jumps go forward, loops count down, and what is stored into
 * code leaves it code. */
#include "tests/random/pieces.h"

enum { DATA = 0x40000, DATA_BYTES = 0x8000, TABLE = 0x101000 };
enum { A, C, D, B, SP, BP, SI, DI };

static uint32_t any(struct piece *p)
{
    *p->seed = *p->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*p->seed >> 32);
}

static uint32_t below(struct piece *p, uint32_t n)
{
    return (uint32_t)((uint64_t)any(p) * n >> 32);
}

static bool chance(struct piece *p, uint32_t in)
{
    return !below(p, in);
}

static void put(struct piece *p, unsigned n, uint64_t bytes)
{
    for (unsigned i = 0; i < n; i++)
        p->bytes[p->len++] = (uint8_t)(bytes >> 8 * i);
}

static bool v86(const struct piece *p)
{
    return p->ring == RING_V86;
}

static bool bits16(const struct piece *p)
{
    return p->ring >= RING_V86;
}

/* Registers that no piece counts on: not ESP, EBX, ESI, EDI. */
static unsigned scratch(struct piece *p)
{
    static const uint8_t regs[] = {A, C, D, BP};
    return regs[below(p, 4)];
}

static void prefix(struct piece *p)
{
    static const uint8_t segments[] = {0x26, 0x36, 0x3E, 0x64, 0x65, 0x2E};
    if (chance(p, 10))
        put(p, 1, 0x66);
    if (chance(p, 4) && !(v86(p) && p->tame))
        put(p, 1, segments[below(p, p->tame ? 5 : 6)]);
}

static uint32_t place(struct piece *p)
{
    static const uint8_t near_end[] = {1, 2, 3, 4, 5, 7};
    uint32_t at = below(p, DATA_BYTES - 128);
    if (chance(p, 3)) /* across a border of pages */
        at = (at & ~0xFFFu) + 0x1000 - near_end[below(p, 6)];
    return at % (DATA_BYTES - 128);
}

/* ModRM (and so on) of a memory operand with REG. */
static void memory(struct piece *p, unsigned reg)
{
    if (bits16(p)) {
        put(p, 1, reg << 3 | 6);
        put(p, 2, place(p));
    } else if (chance(p, 2)) {
        put(p, 1, reg << 3 | 5);
        put(p, 4, DATA + place(p));
    } else if (p->tame || chance(p, 2)) {
        static const uint8_t pointers[] = {B, SI, DI};
        put(p, 1, 0x40 | reg << 3 | pointers[below(p, 3)]);
        put(p, 1, any(p) & 0x3F);
    } else {
        put(p, 1, 0x44 | reg << 3);
        put(p, 1, B | C << 3 | (chance(p, 2) ? 0xC0 : 0)); /* [EBX + ECX * N] */
        put(p, 1, any(p) & 0x3F);
    }
}

/* REG or memory. */
static void operand(struct piece *p, unsigned reg)
{
    if (chance(p, 2))
        put(p, 1, 0xC0 | reg << 3 | scratch(p));
    else
        memory(p, reg);
}

static void mov_imm(struct piece *p, unsigned reg, uint32_t value)
{
    put(p, 1, 0xB8 | reg);
    put(p, bits16(p) ? 2 : 4, value);
}

static uint32_t value(struct piece *p)
{
    static const uint32_t values[] = {0,      1,          0x7F,       0x80,      0xFFFF,
                                      0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    return chance(p, 2) ? values[below(p, 9)] : any(p);
}

/* ---- what anybody does ---- */

static void arithmetic(struct piece *p)
{
    static const uint8_t tame[] = {0x00, 0x10, 0x18, 0x28, 0x38}; /* no flag undefined */
    uint8_t group = p->tame ? tame[below(p, 5)] : (uint8_t)(below(p, 8) << 3);
    unsigned form = below(p, 4);
    if (chance(p, 6) && form < 2 && group != 0x38) { /* the same locked, to memory */
        put(p, 2, 0xF0 | (group | 1) << 8);
        memory(p, scratch(p));
        return;
    }
    prefix(p);
    put(p, 1, group | form);
    if (form & 1)
        operand(p, form & 2 ? scratch(p) : below(p, 4) == 3 ? A : scratch(p));
    else
        memory(p, below(p, 3));
}

static void move(struct piece *p)
{
    if (chance(p, 3)) {
        mov_imm(p, scratch(p), value(p));
        return;
    }
    prefix(p);
    put(p, 1, 0x88 | below(p, 2) | (chance(p, 2) ? 2 : 0));
    memory(p, below(p, 3));
}

static void read_modify_write(struct piece *p)
{
    static const uint16_t forms[] = {0x00FF, 0x08FF, 0x10F7, 0x18F7, 0x0086, 0x0087};
    uint16_t form = forms[below(p, 6)];
    prefix(p);
    put(p, 1, form & 0xFF);
    memory(p, form >> 11 ? (form >> 11) & 7 : form == 0xFF ? 0 : below(p, 3));
}

static void exchange(struct piece *p)
{
    static const uint8_t forms[] = {0xC0, 0xC1, 0xB0, 0xB1, 0xAB, 0xB3, 0xBB, 0xC7};
    uint8_t form = forms[below(p, p->tame ? 4 : 8)];
    if (chance(p, 2))
        put(p, 1, 0xF0);
    put(p, 2, 0x0F | form << 8);
    memory(p, form == 0xC7 ? 1 : below(p, 3));
}

static void stack(struct piece *p)
{
    unsigned n = 1 + below(p, 3), way = below(p, 6);
    if (way == 3 && p->tame && bits16(p))
        return; /* ESP takes over the upper half of EBP: what lies there? */
    switch (way) {
    case 0:
        for (unsigned i = 0; i < n; i++)
            put(p, 1, 0x50 | below(p, 8));
        for (unsigned i = 0; i < n; i++)
            put(p, 1, 0x58 | scratch(p));
        break;
    case 1:
        put(p, 1, 0xFF); /* PUSH memory, POP memory */
        memory(p, 6);
        put(p, 1, 0x8F);
        memory(p, 0);
        break;
    case 2:
        put(p, 1, 0x60);
        if (!chance(p, 4))
            put(p, 1, 0x61);
        break;
    case 3:
        put(p, 4, 0xC8 | (below(p, 16) * 4) << 8 | (uint64_t)below(p, 3) << 24); /* ENTER */
        put(p, 1, 0xC9);
        break;
    case 4:
        put(p, 2, 0x6A | (any(p) & 0xFF) << 8);
        put(p, 1, 0x58 | scratch(p));
        break;
    default:
        put(p, 1, 0x9C);
        put(p, 1, 0x58 | scratch(p));
    }
}

static void strings(struct piece *p)
{
    static const uint8_t ops[] = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};
    uint32_t base = bits16(p) ? 0 : DATA;
    mov_imm(p, C, below(p, 24));
    if (chance(p, 2))
        mov_imm(p, DI, base + place(p));
    if (chance(p, 2))
        mov_imm(p, SI, base + place(p));
    put(p, 1, chance(p, 3) ? 0xFD : 0xFC);
    if (!p->tame)
        prefix(p);
    put(p, 2, (chance(p, 3) ? 0xF2 : 0xF3) | ops[below(p, 10)] << 8);
    put(p, 1, 0xFC);
    mov_imm(p, DI, base + place(p));
    mov_imm(p, SI, base + place(p));
}

/* Conditional jumps ahead over a few instructions. */
static void branches(struct piece *p)
{
    put(p, 2, 0x70 | below(p, 16));
    unsigned from = p->len;
    p->len--;
    put(p, 1, 0);
    if (chance(p, 2))
        move(p);
    put(p, 1, 0x40 | scratch(p));
    p->bytes[from - 1] = (uint8_t)(p->len - from);
}

static void loop(struct piece *p)
{
    mov_imm(p, C, 1 + below(p, 6));
    unsigned from = p->len;
    put(p, 1, 0x40 | (chance(p, 2) ? A : D));
    if (chance(p, 2)) {
        put(p, 1, 0x01);
        memory(p, A);
    }
    put(p, 1, 0xE2);
    put(p, 1, from - (p->len + 1));
}

/* CALL over a few bytes, and back; by register as well. */
static void calls(struct piece *p)
{
    if (bits16(p)) {
        put(p, 3, 0x0001E8);
    } else if (chance(p, 2)) {
        put(p, 5, 0x00000001E8);
    } else {
        mov_imm(p, A, p->at + p->len + 8);
        put(p, 2, 0xD0FF);
    }
    put(p, 1, 0x90);
    put(p, 1, 0x58 | scratch(p)); /* the return address */
}

static void changes_code(struct piece *p)
{
    unsigned between = below(p, 3);
    if (bits16(p))
        return;
    put(p, 2, 0x05C7);
    put(p, 4, p->at + p->len + 8 + between + 1);
    put(p, 4, any(p));
    for (unsigned i = 0; i < between; i++)
        put(p, 1, 0x40 | scratch(p));
    mov_imm(p, scratch(p), 0);
}

static void divides(struct piece *p)
{
    if (p->tame)
        return;
    mov_imm(p, C, below(p, 4));
    mov_imm(p, D, below(p, 3));
    put(p, 2, 0xF1F7 | (chance(p, 2) ? 0x800 : 0));
}

static void floats(struct piece *p)
{
    static const uint16_t ops[] = {0xE8D9, 0xEBD9, 0xC1D8, 0xC9DE, 0xE0D9, 0xC9D9, 0xE3DB, 0xE0DF};
    unsigned kind = p->tame ? 3 + below(p, 2) : below(p, 5);
    if (kind < 2) {
        put(p, 2, ops[below(p, 8)]);
    } else if (kind == 2) {
        put(p, 1, chance(p, 2) ? 0xD9 : 0xDD);
        memory(p, chance(p, 2) ? 2 : 0);
    } else if (kind == 3) {
        put(p, 2, chance(p, 2) ? 0x100F : 0x110F); /* MOVUPS */
        memory(p, below(p, 8));
    } else {
        put(p, 2, chance(p, 2) ? 0x6E0F : 0x7E0F); /* MOVD with MMX */
        operand(p, below(p, 8));
        put(p, 2, 0x770F);
    }
}

/* ---- segments and rings ---- */

static uint16_t selector(struct piece *p)
{
    /* what others check where it is loaded, and what they would have to check at each access */
    static const uint16_t tame[] = {0x23, 0x23, 0x20, 0x21, 0x22, 0x63, 0x63, 0x60,
                                    0x8B, 0x0F, 0x11, 0x53, 0x28, 0xF8, 0x83, 0x88};
    static const uint16_t wild[] = {0x6B, 0x73, 0x1B, 0x4B, 0x40, 0, 3, 0x10, 0x10};
    enum { GOOD = 8 };
    if (bits16(p) && !chance(p, 4))
        return !p->tame && chance(p, 4) ? 0x23 : 0xA0 | (any(p) & 3);
    if (bits16(p) && chance(p, 2))
        return tame[GOOD + below(p, sizeof tame / sizeof *tame - GOOD)];
    if (!p->tame && chance(p, 4))
        return chance(p, 4) ? (uint16_t)(any(p) & 0xFF) : wild[below(p, 9)];
    return tame[below(p, chance(p, 3) ? sizeof tame / sizeof *tame : GOOD)];
}

static void segment_load(struct piece *p)
{
    static const uint8_t regs[] = {0, 3, 4, 5};
    unsigned seg = chance(p, 12) ? 2 : regs[below(p, 4)];
    uint16_t sel = v86(p) ? (uint16_t)(!p->tame && chance(p, 4) ? 0x3E00 + below(p, 0xC200)
                                                                : 0x3F00 + below(p, 0x400))
                          : selector(p);
    unsigned r = scratch(p);
    if (v86(p) && seg == 2)
        return;
    if (seg == 2 && (p->ring & 3) == 0)
        sel = chance(p, 2) ? 0x10 : sel == 0x23 ? 3 : sel;
    if (seg == 2 && (p->ring & 3) == 3)
        sel = chance(p, 2) ? 0x23 : sel;
    mov_imm(p, r, sel);
    switch (below(p, 4)) {
    case 0:
        put(p, 1, 0x50 | r);
        if (seg >= 4)
            put(p, 2, 0x0F | (seg == 4 ? 0xA1 : 0xA9) << 8);
        else
            put(p, 1, 7 | seg << 3);
        break;
    case 1: /* through memory: LES and kin */
        if (seg >= 2) {
            uint32_t at = (bits16(p) ? 0 : DATA) + place(p);
            put(p, 1, 0x89);
            put(p, 1, bits16(p) ? r << 3 | 6 : r << 3 | 5);
            put(p, bits16(p) ? 2 : 4, at + (bits16(p) ? 2 : 4));
            if (seg == 3)
                put(p, 1, 0xC5);
            else
                put(p, 2, 0x0F | (seg == 2 ? 0xB2 : seg == 4 ? 0xB4 : 0xB5) << 8);
            put(p, 1, bits16(p) ? A << 3 | 6 : A << 3 | 5);
            put(p, bits16(p) ? 2 : 4, at);
            break;
        }
        /* fall through */
    default:
        put(p, 2, 0xC08E | seg << 11 | r << 8);
    }
    if (chance(p, 2)) {
        static const uint8_t overrides[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
        put(p, 1, overrides[seg]);
        put(p, 1, chance(p, 2) ? 0x8B : 0x89);
        memory(p, A);
    }
}

static void segment_store(struct piece *p)
{
    unsigned seg = below(p, 6);
    if (chance(p, 2)) {
        put(p, 2, 0xC08C | seg << 11 | scratch(p) << 8);
    } else {
        if (seg >= 4)
            put(p, 2, 0x0F | (seg == 4 ? 0xA0 : 0xA8) << 8);
        else
            put(p, 1, 6 | seg << 3);
        put(p, 1, 0x58 | scratch(p));
    }
}

static void looks(struct piece *p)
{
    unsigned r = scratch(p);
    if (v86(p) || p->tame)
        return;
    mov_imm(p, r, selector(p));
    switch (below(p, 5)) {
    case 0:
        put(p, 3, 0xC0020F | (uint64_t)(r << 3 | r) << 16); /* LAR */
        break;
    case 1:
        put(p, 3, 0xC0030F | (uint64_t)(r << 3 | r) << 16);
        break;
    case 2:
        put(p, 3, 0xE0000F | (uint64_t)((below(p, 2) << 3) | r) << 16); /* VERR, VERW */
        break;
    case 3:
        put(p, 3, 0xC0000F | (uint64_t)((below(p, 2) << 3) | r) << 16); /* SLDT, STR */
        break;
    default:
        put(p, 2, 0x010F); /* SGDT, SIDT, SMSW */
        memory(p, chance(p, 3) ? 4 : below(p, 2));
    }
}

static void flags(struct piece *p)
{
    static const uint8_t ops[] = {0xFA, 0xFB, 0xF5, 0xF8, 0xF9, 0x9E, 0x9F, 0x9D};
    uint8_t op = ops[below(p, 8)];
    if (op != 0x9D) {
        put(p, 1, op);
        return;
    }
    uint32_t mask = 0x3CD5 | 0x240000 | (chance(p, 12) ? 0x100 : 0); /* not NT, VM */
    uint32_t image = (any(p) & mask & ~0x400u) | 2;
    if (chance(p, 2))
        image &= ~0x40000u;
    put(p, 1, 0x68);
    put(p, bits16(p) ? 2 : 4, image);
    put(p, 1, 0x9D);
}

static void interrupts(struct piece *p)
{
    put(p, 1, 0xCD);
    put(p, 1, chance(p, 6) ? below(p, 0x34) : 0x31 + below(p, 3));
}

/* CALL far to what follows, the return address dropped; by all kinds of selectors. */
static void far_calls(struct piece *p)
{
    static const uint16_t code[] = {0x08, 0x1B, 0x40, 0x43, 0x5B, 0x83, 0x23, 0x0F, 0x30};
    uint16_t sel = code[below(p, p->tame ? 8 : 9)];
    if (bits16(p))
        return;
    if (chance(p, 2))
        sel = p->ring ? 0x1B : 0x08;
    if (sel == 0x5B) {
        put(p, 2, 0x6A | (any(p) & 0xFF) << 8);
        put(p, 2, 0x6A | (any(p) & 0xFF) << 8);
    }
    bool jump = sel != 0x5B && chance(p, 3);
    put(p, 1, jump ? 0xEA : 0x9A);
    put(p, 4, p->at + p->len + 6);
    put(p, 2, sel);
    if (!jump && sel != 0x5B) {
        put(p, 1, 0x58 | scratch(p));
        put(p, 1, 0x58 | scratch(p));
    }
}

static void returns(struct piece *p)
{
    uint16_t cs = p->ring ? 0x1B : chance(p, 3) ? 0x1B : 0x08;
    bool iret = chance(p, 2);
    if (bits16(p))
        return;
    if (cs == 0x1B && !p->ring) { /* to ring 3 */
        put(p, 2, 0x236A);
        put(p, 5, 0x68 | (uint64_t)0x3E800 << 8);
    } else if (chance(p, 8)) {
        cs = selector(p);
    }
    if (iret) {
        put(p, 5, 0x68 | (uint64_t)((any(p) & 0x2408D5) | 2) << 8);
    }
    put(p, 5, 0x68 | (uint64_t)cs << 8);
    put(p, 5, 0x68 | (uint64_t)(p->at + p->len + 6) << 8);
    put(p, 1, iret ? 0xCF : 0xCB);
}

static void fast_call(struct piece *p)
{
    if (bits16(p) || !p->ring)
        return;
    put(p, 2, 0xE189); /* MOV ECX, ESP */
    mov_imm(p, D, p->at + p->len + 7);
    put(p, 2, 0x340F);
}

/* ---- ring 0 ---- */

static void page_tables(struct piece *p)
{
    uint32_t page = below(p, 8), lin = DATA + page * 0x1000;
    uint32_t entry = DATA + below(p, 8) * 0x1000 + 7;
    unsigned change = below(p, 6);
    entry &= change == 0 ? ~1u : change == 1 ? ~2u : change == 2 ? ~4u : ~0u;
    put(p, 2, 0x05C7);
    put(p, 4, TABLE + (lin >> 12) * 4);
    put(p, 4, entry);
    if (chance(p, 2)) {
        put(p, 3, 0x3D010F); /* INVLPG */
        put(p, 4, lin + below(p, 0x1000));
    } else {
        put(p, 6, 0xD8220FD8200F); /* MOV EAX, CR3 and back */
    }
}

static void control(struct piece *p)
{
    static const uint32_t bits[] = {8, 4, 2, 0x10000, 0x40000};
    switch (below(p, 6)) {
    case 0:
    case 1:
        put(p, 3, 0xC0200F);
        put(p, 1, 0x35); /* XOR EAX, imm32 */
        put(p, 4, bits[below(p, p->tame ? 4 : 5)]);
        put(p, 3, 0xC0220F);
        break;
    case 2:
        put(p, 2, 0x060F);
        break;
    case 3:
        mov_imm(p, A, below(p, 16) | 1);
        put(p, 3, 0xF0010F); /* LMSW */
        break;
    case 4:
        put(p, 3, 0xE0200F);
        put(p, 1, 0x35);
        put(p, 4, chance(p, 2) ? 0x80 : 0x10);
        put(p, 3, 0xE0220F);
        break;
    default:
        put(p, 3, 0xD0200F); /* MOV EAX, CR2 */
    }
}

/* A breakpoint on data, or on an instruction further on. */
static void breakpoints(struct piece *p)
{
    static const uint32_t kinds[] = {0, 1, 3, 0xD, 0xF, 5, 7};
    uint32_t kind = p->tame ? 0 : kinds[below(p, 7)];
    mov_imm(p, A, kind ? (p->ebx & ~3u) + 4 * below(p, 16) : p->at + p->len + below(p, 40));
    put(p, 3, 0xC0230F);
    mov_imm(p, A, kind << 16 | (1 + below(p, 3)));
    put(p, 3, 0xF8230F);
}

/* An interrupt, which comes when IF is set. */
static void device(struct piece *p)
{
    if (p->tame)
        return;
    put(p, 4, 0xE1E631B0); /* MOV AL, 31h; OUT RIG_PORT_INTR, AL */
    if (chance(p, 2))
        put(p, 2, 0x90FB);
}

typedef void maker(struct piece *p);

void piece_make(struct piece *p)
{
    static maker *const makers[] = {arithmetic,   move,         read_modify_write,
                                    exchange,     stack,        strings,
                                    branches,     loop,         calls,
                                    changes_code, divides,      floats,
                                    looks,        segment_load, branches,
                                    segment_load, segment_load, segment_store,
                                    flags,        flags,        interrupts,
                                    far_calls,    returns,      fast_call,
                                    page_tables,  control,      breakpoints,
                                    device};
    enum { MAKERS = sizeof makers / sizeof *makers, LONGEST = 34 };
    uint32_t base = bits16(p) ? 0 : DATA;
    p->len = 0;
    p->ebx = base + place(p);
    mov_imm(p, B, p->ebx);
    mov_imm(p, SI, base + place(p));
    mov_imm(p, DI, base + place(p));
    if (chance(p, 2))
        mov_imm(p, C, below(p, 64));
    while (p->len + LONGEST + 2 < PIECE_BYTES && !chance(p, 16))
        makers[below(p, p->ring ? MAKERS - 4 : MAKERS)](p);
    if (p->tame) /* flags that are left undefined */
        put(p, 2, 0xC039);
    put(p, 2, 0x30CD);
    while (p->len < PIECE_BYTES)
        put(p, 1, 0x90);
}
