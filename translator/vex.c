/* One row for each group of neighbours that are alike.  Sizes of memory operands and the extensions
 * follow the SDM, vol. 2; encodings of AVX-512's mask registers, AMX, VNNI and other later ones are
 * not listed, so that they are #UD whatever the host knows. */
#include "translator/vex.h"

#include "cpu/emulate.h"
#include "translator/opcodes.h"

/* Mandatory prefixes, as a set. */
enum { N = 1, P66 = 2, F3 = 4, F2 = 8, NP = N | P66, SC = F3 | F2 };

/* Memory operands: bytes, or by vector length (128 bits; twice that with VEX.L) or otherwise. */
enum {
    FULL = 100, /* 16, 32 */
    HALF,       /* 8, 16 */
    QUARTER,
    EIGHTH,
    SCALAR, /* 4 with F3, 8 with F2 or 66 (COMISD) */
    BY_W,   /* 4, 8 by VEX.W */
    DUP,    /* VMOVDDUP: 8, 32 */
};

enum vex_flag {
    V = 1 << 0, /* VEX.vvvv is an operand; else it must be 1111b */
    VR = 1 << 1, /* ... in the register form only */
    MEM = 1 << 2,
    REG = 1 << 3,
    ST = 1 << 4, /* the memory operand is written */
    I8 = 1 << 5,
    W0 = 1 << 6, /* VEX.W must be 0 */
    W1 = 1 << 7,
    GPR = 1 << 8, /* general registers alone: no vector state */
    NOM = 1 << 9, /* no ModRM */
    MASK = 1 << 10, /* elements by mask */
    ALIGN = 1 << 11,
    IS4 = 1 << 12,  /* a register in the immediate */
    REG2 = 1 << 13, /* the register form came with AVX2 */
    NOW = 1 << 14,  /* VEX.W means nothing outside 64-bit mode, and something in it */
    VSIB = 1 << 15,
};

/* Which extension knows it without and with VEX.L. */
enum need { A, A0, A1, I, I1, II, FM, FC, AE, PC, B1, B2 };

struct vex_form {
    uint8_t map, first, last, prefixes;
    uint8_t need, mem;
    uint16_t flags;
};

#define M1 MAP_0F
#define M2 MAP_0F38
#define M3 MAP_0F3A

/* clang-format off */
static const struct vex_form forms[] = {
    {M1, 0x10, 0x10, NP, A, FULL, 0},        {M1, 0x11, 0x11, NP, A, FULL, ST},
    {M1, 0x10, 0x10, SC, A, SCALAR, VR},     {M1, 0x11, 0x11, SC, A, SCALAR, VR | ST},
    {M1, 0x12, 0x12, N, A0, 8, V},           {M1, 0x12, 0x12, P66, A0, 8, V | MEM},
    {M1, 0x12, 0x12, F3, A, FULL, 0},        {M1, 0x12, 0x12, F2, A, DUP, 0},
    {M1, 0x13, 0x13, NP, A0, 8, MEM | ST},   {M1, 0x14, 0x15, NP, A, FULL, V},
    {M1, 0x16, 0x16, N, A0, 8, V},           {M1, 0x16, 0x16, P66, A0, 8, V | MEM},
    {M1, 0x16, 0x16, F3, A, FULL, 0},        {M1, 0x17, 0x17, NP, A0, 8, MEM | ST},
    {M1, 0x28, 0x28, NP, A, FULL, ALIGN},    {M1, 0x29, 0x29, NP, A, FULL, ALIGN | ST},
    {M1, 0x2A, 0x2A, SC, A, 4, V | NOW},     {M1, 0x2B, 0x2B, NP, A, FULL, MEM | ST | ALIGN},
    {M1, 0x2C, 0x2D, SC, A, SCALAR, NOW},    {M1, 0x2E, 0x2F, N, A, 4, 0},
    {M1, 0x2E, 0x2F, P66, A, 8, 0},          {M1, 0x50, 0x50, NP, A, 0, REG},
    {M1, 0x51, 0x51, NP, A, FULL, 0},        {M1, 0x51, 0x51, SC, A, SCALAR, V},
    {M1, 0x52, 0x53, N, A, FULL, 0},         {M1, 0x52, 0x53, F3, A, 4, V},
    {M1, 0x54, 0x57, NP, A, FULL, V},        {M1, 0x58, 0x59, NP, A, FULL, V},
    {M1, 0x58, 0x5A, SC, A, SCALAR, V},      {M1, 0x5A, 0x5A, N, A, HALF, 0},
    {M1, 0x5A, 0x5A, P66, A, FULL, 0},       {M1, 0x5B, 0x5B, NP | F3, A, FULL, 0},
    {M1, 0x5C, 0x5F, NP, A, FULL, V},        {M1, 0x5C, 0x5F, SC, A, SCALAR, V},
    {M1, 0x60, 0x6D, P66, I, FULL, V},       {M1, 0x6E, 0x6E, P66, A0, 4, NOW},
    {M1, 0x6F, 0x6F, P66, A, FULL, ALIGN},   {M1, 0x6F, 0x6F, F3, A, FULL, 0},
    {M1, 0x70, 0x70, P66 | SC, I, FULL, I8}, {M1, 0x71, 0x73, P66, I, 0, V | REG | I8},
    {M1, 0x74, 0x76, P66, I, FULL, V},       {M1, 0x77, 0x77, N, A, 0, NOM},
    {M1, 0x7C, 0x7D, P66 | F2, A, FULL, V},  {M1, 0x7E, 0x7E, P66, A0, 4, ST | NOW},
    {M1, 0x7E, 0x7E, F3, A0, 8, 0},          {M1, 0x7F, 0x7F, P66, A, FULL, ST | ALIGN},
    {M1, 0x7F, 0x7F, F3, A, FULL, ST},       {M1, 0xAE, 0xAE, N, A0, 4, MEM},
    {M1, 0xC2, 0xC2, NP, A, FULL, V | I8},   {M1, 0xC2, 0xC2, SC, A, SCALAR, V | I8},
    {M1, 0xC4, 0xC4, P66, A0, 2, V | I8},    {M1, 0xC5, 0xC5, P66, A0, 0, REG | I8},
    {M1, 0xC6, 0xC6, NP, A, FULL, V | I8},   {M1, 0xD0, 0xD0, P66 | F2, A, FULL, V},
    {M1, 0xD1, 0xD3, P66, I, 16, V},         {M1, 0xD4, 0xD5, P66, I, FULL, V},
    {M1, 0xD6, 0xD6, P66, A0, 8, ST},        {M1, 0xD7, 0xD7, P66, I, 0, REG},
    {M1, 0xD8, 0xE0, P66, I, FULL, V},       {M1, 0xE1, 0xE2, P66, I, 16, V},
    {M1, 0xE3, 0xE5, P66, I, FULL, V},       {M1, 0xE6, 0xE6, P66 | F2, A, FULL, 0},
    {M1, 0xE6, 0xE6, F3, A, HALF, 0},        {M1, 0xE7, 0xE7, P66, A, FULL, MEM | ST | ALIGN},
    {M1, 0xE8, 0xEF, P66, I, FULL, V},       {M1, 0xF0, 0xF0, F2, A, FULL, MEM},
    {M1, 0xF1, 0xF3, P66, I, 16, V},         {M1, 0xF4, 0xF6, P66, I, FULL, V},
    {M1, 0xF7, 0xF7, P66, A0, 0, REG},       {M1, 0xF8, 0xFE, P66, I, FULL, V},

    {M2, 0x00, 0x0B, P66, I, FULL, V},       {M2, 0x0C, 0x0D, P66, A, FULL, V | W0},
    {M2, 0x0E, 0x0F, P66, A, FULL, W0},      {M2, 0x13, 0x13, P66, FC, HALF, W0},
    {M2, 0x16, 0x16, P66, I1, FULL, V | W0}, {M2, 0x17, 0x17, P66, A, FULL, 0},
    {M2, 0x18, 0x18, P66, A, 4, W0 | REG2},  {M2, 0x19, 0x19, P66, A1, 8, W0 | REG2},
    {M2, 0x1A, 0x1A, P66, A1, 16, W0 | MEM}, {M2, 0x1C, 0x1E, P66, I, FULL, 0},
    {M2, 0x20, 0x20, P66, I, HALF, 0},       {M2, 0x21, 0x21, P66, I, QUARTER, 0},
    {M2, 0x22, 0x22, P66, I, EIGHTH, 0},     {M2, 0x23, 0x23, P66, I, HALF, 0},
    {M2, 0x24, 0x24, P66, I, QUARTER, 0},    {M2, 0x25, 0x25, P66, I, HALF, 0},
    {M2, 0x28, 0x29, P66, I, FULL, V},       {M2, 0x2A, 0x2A, P66, I, FULL, MEM | ALIGN},
    {M2, 0x2B, 0x2B, P66, I, FULL, V},       {M2, 0x2C, 0x2D, P66, A, FULL, V | W0 | MEM | MASK},
    {M2, 0x2E, 0x2F, P66, A, FULL, V | W0 | MEM | MASK | ST},
    {M2, 0x30, 0x30, P66, I, HALF, 0},       {M2, 0x31, 0x31, P66, I, QUARTER, 0},
    {M2, 0x32, 0x32, P66, I, EIGHTH, 0},     {M2, 0x33, 0x33, P66, I, HALF, 0},
    {M2, 0x34, 0x34, P66, I, QUARTER, 0},    {M2, 0x35, 0x35, P66, I, HALF, 0},
    {M2, 0x36, 0x36, P66, I1, FULL, V | W0}, {M2, 0x37, 0x40, P66, I, FULL, V},
    {M2, 0x41, 0x41, P66, A0, 16, 0},        {M2, 0x45, 0x45, P66, II, FULL, V},
    {M2, 0x46, 0x46, P66, II, FULL, V | W0}, {M2, 0x47, 0x47, P66, II, FULL, V},
    {M2, 0x58, 0x58, P66, II, 4, W0},        {M2, 0x59, 0x59, P66, II, 8, W0},
    {M2, 0x5A, 0x5A, P66, I1, 16, W0 | MEM}, {M2, 0x78, 0x78, P66, II, 1, W0},
    {M2, 0x79, 0x79, P66, II, 2, W0},        {M2, 0x8C, 0x8C, P66, II, FULL, V | MEM | MASK},
    {M2, 0x8E, 0x8E, P66, II, FULL, V | MEM | MASK | ST},
    {M2, 0x90, 0x93, P66, II, 4, V | MEM | VSIB},
    {M2, 0x96, 0x98, P66, FM, FULL, V},      {M2, 0x99, 0x99, P66, FM, BY_W, V},
    {M2, 0x9A, 0x9A, P66, FM, FULL, V},      {M2, 0x9B, 0x9B, P66, FM, BY_W, V},
    {M2, 0x9C, 0x9C, P66, FM, FULL, V},      {M2, 0x9D, 0x9D, P66, FM, BY_W, V},
    {M2, 0x9E, 0x9E, P66, FM, FULL, V},      {M2, 0x9F, 0x9F, P66, FM, BY_W, V},
    {M2, 0xA6, 0xA8, P66, FM, FULL, V},      {M2, 0xA9, 0xA9, P66, FM, BY_W, V},
    {M2, 0xAA, 0xAA, P66, FM, FULL, V},      {M2, 0xAB, 0xAB, P66, FM, BY_W, V},
    {M2, 0xAC, 0xAC, P66, FM, FULL, V},      {M2, 0xAD, 0xAD, P66, FM, BY_W, V},
    {M2, 0xAE, 0xAE, P66, FM, FULL, V},      {M2, 0xAF, 0xAF, P66, FM, BY_W, V},
    {M2, 0xB6, 0xB8, P66, FM, FULL, V},      {M2, 0xB9, 0xB9, P66, FM, BY_W, V},
    {M2, 0xBA, 0xBA, P66, FM, FULL, V},      {M2, 0xBB, 0xBB, P66, FM, BY_W, V},
    {M2, 0xBC, 0xBC, P66, FM, FULL, V},      {M2, 0xBD, 0xBD, P66, FM, BY_W, V},
    {M2, 0xBE, 0xBE, P66, FM, FULL, V},      {M2, 0xBF, 0xBF, P66, FM, BY_W, V},
    {M2, 0xDB, 0xDB, P66, AE, 16, 0},        {M2, 0xDC, 0xDF, P66, AE, 16, V},
    {M2, 0xF2, 0xF3, N, B1, 4, V | GPR},     {M2, 0xF5, 0xF5, N | SC, B2, 4, V | GPR},
    {M2, 0xF6, 0xF6, F2, B2, 4, V | GPR},    {M2, 0xF7, 0xF7, N, B1, 4, V | GPR},
    {M2, 0xF7, 0xF7, P66 | SC, B2, 4, V | GPR},

    {M3, 0x00, 0x01, P66, I1, FULL, W1 | I8},   {M3, 0x02, 0x02, P66, II, FULL, V | W0 | I8},
    {M3, 0x04, 0x05, P66, A, FULL, W0 | I8},    {M3, 0x06, 0x06, P66, A1, FULL, V | W0 | I8},
    {M3, 0x08, 0x09, P66, A, FULL, I8},         {M3, 0x0A, 0x0A, P66, A, 4, V | I8},
    {M3, 0x0B, 0x0B, P66, A, 8, V | I8},        {M3, 0x0C, 0x0D, P66, A, FULL, V | I8},
    {M3, 0x0E, 0x0F, P66, I, FULL, V | I8},     {M3, 0x14, 0x14, P66, A0, 1, ST | I8 | NOW},
    {M3, 0x15, 0x15, P66, A0, 2, ST | I8 | NOW},
    {M3, 0x16, 0x17, P66, A0, 4, ST | I8 | NOW},
    {M3, 0x18, 0x18, P66, A1, 16, V | W0 | I8}, {M3, 0x19, 0x19, P66, A1, 16, ST | W0 | I8},
    {M3, 0x1D, 0x1D, P66, FC, HALF, ST | W0 | I8},
    {M3, 0x20, 0x20, P66, A0, 1, V | I8 | NOW},     {M3, 0x21, 0x21, P66, A0, 4, V | I8},
    {M3, 0x22, 0x22, P66, A0, 4, V | I8 | NOW}, {M3, 0x38, 0x38, P66, I1, 16, V | W0 | I8},
    {M3, 0x39, 0x39, P66, I1, 16, ST | W0 | I8},
    {M3, 0x40, 0x40, P66, A, FULL, V | I8},     {M3, 0x41, 0x41, P66, A0, 16, V | I8},
    {M3, 0x42, 0x42, P66, I, FULL, V | I8},     {M3, 0x44, 0x44, P66, PC, 16, V | I8},
    {M3, 0x46, 0x46, P66, I1, FULL, V | W0 | I8},
    {M3, 0x4A, 0x4B, P66, A, FULL, V | W0 | I8 | IS4},
    {M3, 0x4C, 0x4C, P66, I, FULL, V | W0 | I8 | IS4},
    {M3, 0x60, 0x63, P66, A0, 16, I8 | NOW},    {M3, 0xDF, 0xDF, P66, AE, 16, I8},
    {M3, 0xF0, 0xF0, F2, B2, 4, I8 | GPR},
};
/* clang-format on */

static const struct vex_form *find(const struct insn *in)
{
    unsigned prefix = in->rep == 0xF3 ? F3 : in->rep == 0xF2 ? F2 : in->opsize_prefix ? P66 : N;
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct vex_form *f = &forms[i];
        if (f->map == in->map && in->opcode >= f->first && in->opcode <= f->last &&
            (f->prefixes & prefix))
            return f;
    }
    return NULL;
}

int vex_layout(const struct insn *in)
{
    const struct vex_form *f = find(in);
    if (!f)
        return -1;
    return (f->flags & NOM ? 0 : OP_MODRM) | (f->flags & I8 ? OP_IMM8 : 0) |
           (f->flags & GPR ? 0 : OP_SSE);
}

static uint8_t feature_of(const struct vex_form *f, const struct insn *in)
{
    static const uint8_t features[][2] = {
        [A] = {FEAT_AVX, FEAT_AVX},     [A0] = {FEAT_AVX, FEAT_COUNT},
        [A1] = {FEAT_COUNT, FEAT_AVX},  [I] = {FEAT_AVX, FEAT_AVX2},
        [I1] = {FEAT_COUNT, FEAT_AVX2},
        [II] = {FEAT_AVX2, FEAT_AVX2},  [FM] = {FEAT_FMA, FEAT_FMA},
        [FC] = {FEAT_F16C, FEAT_F16C},  [AE] = {FEAT_AES, FEAT_COUNT},
        [PC] = {FEAT_PCLMUL, FEAT_COUNT}, [B1] = {FEAT_BMI1, FEAT_COUNT},
        [B2] = {FEAT_BMI2, FEAT_COUNT},
    };
    uint8_t feature = features[f->need][in->vex_l];
    return feature == FEAT_AVX && (f->flags & REG2) && !in->has_mem ? FEAT_AVX2 : feature;
}

static unsigned memory_size(const struct vex_form *f, const struct insn *in)
{
    unsigned full = in->vex_l ? 32 : 16;
    switch (f->mem) {
    case FULL:
        return full;
    case HALF:
        return full / 2;
    case QUARTER:
        return full / 4;
    case EIGHTH:
        return full / 8;
    case SCALAR:
        return in->rep == 0xF3 ? 4 : 8;
    case BY_W:
        return in->vex_w ? 8 : 4;
    case DUP:
        return in->vex_l ? 32 : 8;
    default:
        return f->mem;
    }
}

/* Opcodes that ModRM.reg extends: shifts by an immediate, LDMXCSR and STMXCSR, BLSR and kin. */
static bool group_has(const struct insn *in)
{
    unsigned reg = insn_reg(in);
    if (in->map == MAP_0F && (in->opcode == 0x71 || in->opcode == 0x72))
        return reg == 2 || reg == 4 || reg == 6;
    if (in->map == MAP_0F && in->opcode == 0x73)
        return reg == 2 || reg == 3 || reg == 6 || reg == 7;
    if (in->map == MAP_0F && in->opcode == 0xAE)
        return reg == 2 || reg == 3;
    if (in->map == MAP_0F38 && in->opcode == 0xF3)
        return reg >= 1 && reg <= 3;
    return true;
}

/* VSIB wants SIB, 32-bit addresses, and three different registers (SDM vol. 2A 2.3.12). */
static bool gather_fits(const struct insn *in)
{
    unsigned dst = insn_reg(in), index = in->sib >> 3 & 7;
    return in->has_sib && in->addrsize == 4 && dst != index && dst != in->vvvv &&
           index != in->vvvv;
}

static bool operands_fit(const struct vex_form *f, const struct insn *in)
{
    bool vvvv = (f->flags & V) || ((f->flags & VR) && !in->has_mem);
    if (!vvvv && (in->vvvv || in->vvvv_high))
        return false;
    if (((f->flags & MEM) && !in->has_mem) || ((f->flags & REG) && in->has_mem))
        return false;
    if (((f->flags & W0) && in->vex_w) || ((f->flags & W1) && !in->vex_w))
        return false;
    return group_has(in) && (!(f->flags & VSIB) || gather_fits(in));
}

bool vex_classify(struct insn *in, struct insn_info *info)
{
    const struct vex_form *f = find(in);
    if (!f || in->lock || !operands_fit(f, in))
        return false;
    info->feature = feature_of(f, in);
    if (info->feature == FEAT_COUNT)
        return false;
    in->kind = f->flags & VSIB ? K_GATHER : K_PLAIN;
    if (in->map == MAP_0F && in->opcode == 0xF7)
        in->kind = K_MASKMOV;
    if (f->flags & IS4) /* bit 7 selects among registers that 64-bit mode alone has */
        in->bytes[in->imm_off] &= 0x7F;
    if (!in->has_mem)
        return true;
    in->mem_size = (uint8_t)memory_size(f, in);
    bool stores = (f->flags & ST) || (in->map == MAP_0F && in->opcode == 0xAE && insn_reg(in) == 3);
    in->mem_access = stores ? 2 : 1;
    return true;
}

unsigned vex_alignment(const struct insn *in)
{
    const struct vex_form *f = find(in);
    return f && (f->flags & ALIGN) ? memory_size(f, in) : 1;
}

unsigned vex_masked(const struct insn *in)
{
    const struct vex_form *f = find(in);
    if (!f || !(f->flags & MASK))
        return 0;
    bool wide = in->opcode >= 0x8C ? in->vex_w : in->opcode & 1; /* 2D, 2F: PD */
    return wide ? 8 : 4;
}

bool vex_drops_w(const struct insn *in)
{
    const struct vex_form *f = find(in);
    return f && (f->flags & (NOW | GPR));
}
