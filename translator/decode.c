/* The layout of an instruction (prefixes, opcode, ModRM, immediates) follows from the opcode table
 * alone.  Capstone decides what is a valid encoding in the large SIMD maps, which extension an
 * instruction belongs to and how large its memory operand is. */
#include "translator/decode.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/emulate.h"
#include "translator/opcodes.h"
#include "translator/simd.h"
#include "translator/vex.h"

/* What Capstone said of one form of instruction. */
struct verdict {
    uint64_t form; /* form_of, 0: none */
    uint8_t feature, mem_size, invalid;
};

enum { VERDICT_BITS = 12 };

struct decoder {
    csh handle[3]; /* 16, 32, 64 bits */
    cs_insn *insn[3];
    struct verdict
        verdicts[1 << VERDICT_BITS]; /* by hash of the form: Capstone takes a microsecond */
};

struct decoder *decoder_new(void)
{
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    struct decoder *d = calloc(1, sizeof *d);
    for (int i = 0; d && i < 3; i++) {
        if (cs_open(CS_ARCH_X86, modes[i], &d->handle[i]) != CS_ERR_OK) {
            decoder_free(d);
            return NULL;
        }
        cs_option(d->handle[i], CS_OPT_DETAIL, CS_OPT_ON);
        d->insn[i] = cs_malloc(d->handle[i]);
    }
    return d;
}

void decoder_free(struct decoder *d)
{
    for (int i = 0; d && i < 3; i++) {
        if (d->insn[i])
            cs_free(d->insn[i], 1);
        if (d->handle[i])
            cs_close(&d->handle[i]);
    }
    free(d);
}

/* ---- layout ---- */

struct reader {
    const uint8_t *bytes;
    unsigned pos, available;
    bool out;
};

static uint8_t next8(struct reader *r)
{
    if (r->pos >= r->available) {
        r->out = true;
        return 0;
    }
    return r->bytes[r->pos++];
}

static uint32_t next_signed(struct reader *r, unsigned size)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint32_t)next8(r) << 8 * i;
    return size == 1 ? (uint32_t)(int8_t)v : size == 2 ? (uint32_t)(int16_t)v : v;
}

static void read_prefixes(struct reader *r, struct insn *in, unsigned bits)
{
    static const uint8_t seg_prefix[6] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    for (;; r->pos++) {
        if (r->pos >= r->available) {
            r->out = true;
            break;
        }
        uint8_t b = r->bytes[r->pos];
        bool known = b == 0x66 || b == 0x67 || b == 0xF0 || b == 0xF2 || b == 0xF3;
        in->opsize_prefix |= b == 0x66;
        in->addrsize_prefix |= b == 0x67;
        in->lock |= b == 0xF0;
        if (b == 0xF2 || b == 0xF3)
            in->rep = b;
        for (unsigned s = 0; s < 6 && !known; s++)
            if (b == seg_prefix[s]) {
                in->override = (uint8_t)s;
                known = true;
            }
        if (!known)
            break;
    }
    in->opsize = (bits == 32) != in->opsize_prefix ? 4 : 2;
    in->addrsize = (bits == 32) != in->addrsize_prefix ? 4 : 2;
}

/* VEX.R, X and B are not there, or are ignored, outside 64-bit mode; so is the highest bit of a
 * VEX.vvvv that names a register.  SDM vol. 2A 2.3.5. */
static bool read_vex(struct reader *r, struct insn *in)
{
    static const uint8_t reps[4] = {0, 0, 0xF3, 0xF2};
    if (r->pos + 1 >= r->available || !vex_starts(r->bytes[r->pos], r->bytes[r->pos + 1]))
        return false;
    bool three = next8(r) == 0xC4, legacy = in->rep || in->opsize_prefix;
    uint8_t map = three ? next8(r) & 0x1F : 1, low = next8(r);
    in->vex = true;
    in->vex_w = three && low >> 7;
    in->vvvv = ~low >> 3 & 7;
    in->vvvv_high = !(low & 0x40);
    in->vex_l = low >> 2 & 1;
    in->opsize_prefix = (low & 3) == 1;
    in->rep = reps[low & 3];
    in->opsize = 4;
    in->map = map > MAP_0F3A || legacy ? MAP_1B : map; /* there are none in the one-byte map */
    in->opcode_off = (uint8_t)r->pos;
    in->opcode = next8(r);
    return true;
}

static void read_opcode(struct reader *r, struct insn *in)
{
    if (read_vex(r, in))
        return;
    in->map = MAP_1B;
    in->opcode_off = (uint8_t)r->pos;
    in->opcode = next8(r);
    if (in->opcode != 0x0F)
        return;
    in->map = MAP_0F;
    in->opcode_off = (uint8_t)r->pos;
    in->opcode = next8(r);
    if (in->opcode == 0x38 || in->opcode == 0x3A) {
        in->map = in->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
        in->opcode_off = (uint8_t)r->pos;
        in->opcode = next8(r);
    }
}

/* ModRM, SIB and displacement: SDM vol. 2A tables 2-1 to 2-3. */
static void read_modrm(struct reader *r, struct insn *in)
{
    in->has_modrm = true;
    in->modrm_off = (uint8_t)r->pos;
    in->modrm = next8(r);
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;
    bool mov_special = in->map == MAP_0F && in->opcode >= 0x20 && in->opcode < 0x24;
    if (mod == 3 || mov_special) /* MOV CR/DR ignores mod */
        return;
    in->has_mem = true;
    unsigned base_seg = SEG_DS;
    if (in->addrsize == 2) {
        in->disp_size = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
        if (rm == 2 || rm == 3 || (rm == 6 && mod != 0))
            base_seg = SEG_SS;
    } else {
        unsigned base = rm;
        if (rm == 4) {
            in->has_sib = true;
            in->sib = next8(r);
            base = in->sib & 7;
        }
        in->disp_size = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
        if (base == 4 || (base == 5 && mod != 0))
            base_seg = SEG_SS;
    }
    in->disp_off = (uint8_t)r->pos;
    in->disp = (int32_t)next_signed(r, in->disp_size);
    in->seg = in->override == SEG_NONE ? (uint8_t)base_seg : in->override;
}

static bool is_far_pointer(const struct insn *in)
{
    return in->map == MAP_1B && (in->opcode == 0x9A || in->opcode == 0xEA);
}

static void read_immediates(struct reader *r, struct insn *in, unsigned flags)
{
    in->imm_off = (uint8_t)r->pos;
    unsigned start = r->pos;
    if (in->map == MAP_1B && in->opcode == 0xC8) { /* ENTER */
        in->imm = next_signed(r, 2) & 0xFFFF;
        in->imm2 = next8(r);
    } else if (in->map == MAP_1B && (in->opcode == 0xC2 || in->opcode == 0xCA)) {
        in->imm = next_signed(r, 2) & 0xFFFF;
    } else if (in->kind == K_MOFFS) {
        in->imm = next_signed(r, in->addrsize);
        if (in->addrsize == 2)
            in->imm &= 0xFFFF;
    } else if (is_far_pointer(in)) {
        in->imm = next_signed(r, in->opsize);
        if (in->opsize == 2)
            in->imm &= 0xFFFF;
        in->imm2 = next_signed(r, 2) & 0xFFFF;
    } else if (flags & OP_IMM8) {
        in->imm = next_signed(r, 1);
    } else if (flags & OP_IMMV) {
        in->imm = next_signed(r, in->opsize);
    }
    in->imm_size = (uint8_t)(r->pos - start);
}

/* ---- Capstone's part ---- */

static const struct {
    uint8_t group, feature;
} group_features[] = {
    {X86_GRP_AVX2, FEAT_AVX2},     {X86_GRP_AVX, FEAT_AVX},     {X86_GRP_AES, FEAT_AES},
    {X86_GRP_ADX, FEAT_ADX},       {X86_GRP_SHA, FEAT_SHA},     {X86_GRP_PCLMUL, FEAT_PCLMUL},
    {X86_GRP_SSE42, FEAT_SSE42},   {X86_GRP_SSE41, FEAT_SSE41}, {X86_GRP_SSSE3, FEAT_SSSE3},
    {X86_GRP_SSE3, FEAT_SSE3},     {X86_GRP_SSE2, FEAT_SSE2},   {X86_GRP_SSE1, FEAT_SSE},
    {X86_GRP_MMX, FEAT_MMX},       {X86_GRP_CMOV, FEAT_CMOV},   {X86_GRP_3DNOW, FEAT_3DNOW},
    {X86_GRP_BMI, FEAT_BMI1},      {X86_GRP_BMI2, FEAT_BMI2},   {X86_GRP_FMA, FEAT_FMA},
    {X86_GRP_F16C, FEAT_F16C},
};

static uint8_t feature_of(const cs_insn *ci)
{
    for (unsigned i = 0; i < sizeof group_features / sizeof *group_features; i++)
        for (unsigned g = 0; g < ci->detail->groups_count; g++)
            if (ci->detail->groups[g] == group_features[i].group)
                return group_features[i].feature;
    return FEAT_COUNT;
}

static void memory_operand(struct insn *in, const cs_insn *ci)
{
    const cs_x86 *x = &ci->detail->x86;
    if (in->map == MAP_0F && (in->opcode & 0xFE) == 0x2E) { /* UCOMIS, COMIS: not 16 */
        in->mem_size = in->opsize_prefix ? 8 : 4;
        return;
    }
    bool low = in->map == MAP_0F && in->opcode >= 0x60 && in->opcode <= 0x62;
    if (low && !in->opsize_prefix) { /* PUNPCKL of MMX reads 4 bytes */
        in->mem_size = 4;
        return;
    }
    for (unsigned i = 0; i < x->op_count; i++)
        if (x->operands[i].type == X86_OP_MEM) {
            in->mem_size = x->operands[i].size;
            return;
        }
}

/* Sizes of integer and x87 memory operands follow from the opcode; Capstone's are right for the
 * SIMD maps, and wrong for a few of these. */
static uint8_t x87_mem_size(const struct insn *in)
{
    static const uint8_t size[8][8] = {
        {4, 4, 4, 4, 4, 4, 4, 4},  {4, 0, 4, 4, 255, 2, 255, 2},   {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 4, 4, 4, 0, 10, 0, 10}, {8, 8, 8, 8, 8, 8, 8, 8},      {8, 8, 8, 8, 255, 0, 255, 2},
        {2, 2, 2, 2, 2, 2, 2, 2},  {2, 2, 2, 2, 10, 8, 10, 8},
    };
    return size[in->opcode & 7][insn_reg(in)];
}

static void integer_mem_size(struct insn *in, unsigned flags)
{
    if (in->map == MAP_0F && (in->opcode == 0xB6 || in->opcode == 0xBE ||
                              (in->opcode >= 0x90 && in->opcode < 0xA0)))
        in->mem_size = 1;
    else if (in->map == MAP_0F && (in->opcode == 0xB7 || in->opcode == 0xBF))
        in->mem_size = 2;
    else if (in->map == MAP_0F && in->opcode == 0xC7)
        in->mem_size = 8;
    else if (in->map == MAP_0F && in->opcode == 0xC3)
        in->mem_size = 4;
    else if (in->map == MAP_0F38 && in->rep != 0xF2) /* MOVBE */
        in->mem_size = in->opsize;
    else if (flags & (OP_BYTE | OP_BYTE_RM))
        in->mem_size = 1;
    else if (flags & OP_SIZE)
        in->mem_size = in->opsize;
}

/* How the memory operand is used, bit 0 read, bit 1 written.  Unsure: both. */
static uint8_t mem_access_of(const struct insn *in, unsigned flags)
{
    uint8_t o = in->opcode, reg = (uint8_t)insn_reg(in);
    if (flags & OP_X87) {
        bool store = (o == 0xD9 && (reg == 2 || reg == 3 || reg == 7)) ||
                     ((o == 0xDB || o == 0xDD || o == 0xDF) && (reg >= 1 && reg <= 3)) ||
                     ((o == 0xDB || o == 0xDD) && reg == 7) || (o == 0xDF && reg >= 6);
        return store ? 2 : 1;
    }
    if (in->map == MAP_1B) {
        if (o < 0x40)
            return (o & 7) < 2 && (o & 0x38) != 0x38 ? 3 : 1;
        if (o >= 0x80 && o <= 0x83)
            return reg == 7 ? 1 : 3;
        if (o == 0x88 || o == 0x89 || o == 0xC6 || o == 0xC7 || o == 0x8F)
            return 2;
        if (o == 0xF6 || o == 0xF7)
            return reg == 2 || reg == 3 ? 3 : 1;
        if (o == 0x69 || o == 0x6B || o == 0x84 || o == 0x85 || o == 0x8A || o == 0x8B)
            return 1;
        if (o == 0xFE || o == 0xFF)
            return reg < 2 ? 3 : 1;
        return 3;
    }
    if (in->map == MAP_0F) {
        switch (o) {
        case 0x13: case 0x17: case 0x2B: case 0x7F: case 0xC3: case 0xD6: case 0xE7: case 0x29:
            return 2;
        case 0x7E:
            return in->rep == 0xF3 ? 1 : 2;
        case 0x11:
            return 2;
        case 0xA3: case 0xAF: case 0xB6: case 0xB7: case 0xBE: case 0xBF: case 0xBC: case 0xBD:
        case 0xB8:
            return 1;
        case 0xBA:
            return reg == 4 ? 1 : 3;
        case 0xAE:
            return reg == 3 ? 2 : 1;
        default:
            if (o >= 0x90 && o < 0xA0)
                return 2;
            if ((o >= 0xA4 && o < 0xAE) || (o >= 0xB0 && o < 0xB4) || o == 0xBB || o == 0xC0 ||
                o == 0xC1 || o == 0xC7)
                return 3;
            return 1;
        }
    }
    if (in->map == MAP_0F38)
        return o == 0xF1 && in->rep != 0xF2 ? 2 : 1;
    return o >= 0x14 && o <= 0x17 ? 2 : 1; /* PEXTR*, EXTRACTPS */
}

static bool simd_map(const struct insn *in, unsigned flags)
{
    if (in->map == MAP_0F38 && (in->opcode & 0xFE) == 0xF0) /* MOVBE, CRC32 */
        return false;
    return in->map >= MAP_0F38 || (flags & (OP_SSE | OP_MMX));
}

/* What Capstone is shown of a SIMD instruction: the mandatory prefix alone, a simple memory operand.
 * It reads many wrongly in 16-bit mode, with needless prefixes and with 16-bit addresses. */
static unsigned simd_core(const struct insn *in, uint8_t *code)
{
    unsigned n = 0;
    if (in->rep)
        code[n++] = in->rep;
    else if (in->opsize_prefix)
        code[n++] = 0x66;
    code[n++] = 0x0F;
    if (in->map != MAP_0F)
        code[n++] = in->map == MAP_0F38 ? 0x38 : 0x3A;
    code[n++] = in->opcode;
    if (in->has_modrm)
        code[n++] = in->has_mem ? in->modrm & 0x38 : in->modrm;
    for (unsigned i = 0; i < in->imm_size; i++)
        code[n++] = in->bytes[in->imm_off + i];
    return n;
}

static void ask_capstone(struct decoder *d, unsigned m, bool simd, struct insn *in,
                         struct insn_info *info)
{
    uint8_t core[16];
    const uint8_t *code = simd ? core : in->bytes;
    size_t size = simd ? simd_core(in, core) : in->len, whole = size;
    uint64_t address = 0;
    bool ok = cs_disasm_iter(d->handle[m], &code, &size, &address, d->insn[m]) &&
              d->insn[m]->size == whole;
    if (simd && !(ok && simd_valid(in))) {
        info->invalid = 1;
        info->feature = FEAT_COUNT;
        return;
    }
    if (!ok) { /* an alias or hint that Capstone leaves out: our table knows it */
        info->feature = FEAT_COUNT;
        return;
    }
    info->feature = feature_of(d->insn[m]);
    if (simd)
        memory_operand(in, d->insn[m]);
}

/* All that Capstone's answer for IN depends on: prefixes as they stand, opcode, ModRM but for the
 * way memory is addressed, the immediate byte of SIMD instructions.  0: too long to be told by a
 * word. */
static uint64_t form_of(const struct insn *in, unsigned m, bool simd)
{
    enum { PREFIXES = 3 };
    unsigned prefixes = in->opcode_off - (in->map == MAP_1B ? 0u : in->map == MAP_0F ? 1u : 2u);
    uint64_t form = 1u | m << 1 | (unsigned)simd << 2 | prefixes << 3;
    if (prefixes > PREFIXES || in->map > MAP_0F3A || (simd && in->imm_size > 1))
        return 0;
    form = form << 2 | in->map;
    for (unsigned i = 0; i < prefixes; i++)
        form = form << 8 | in->bytes[i];
    form = form << 8 | in->opcode;
    form = form << 8 | (in->has_mem ? in->modrm & 0x38u : in->modrm);
    return form << 8 | (simd && in->imm_size ? in->bytes[in->imm_off] : 0u);
}

/* As ask_capstone, if the like was not asked before. */
static void judge(struct decoder *d, unsigned bits, struct insn *in, struct insn_info *info)
{
    bool simd = simd_map(in, info->op_flags);
    unsigned m = bits == 32 || simd;
    uint64_t form = form_of(in, m, simd);
    struct verdict *v = &d->verdicts[form * 0x9E3779B97F4A7C15u >> (64 - VERDICT_BITS)];
    if (form && v->form == form) {
        info->feature = v->feature;
        info->invalid = v->invalid;
        in->mem_size = v->mem_size;
        return;
    }
    ask_capstone(d, m, simd, in, info);
    if (form)
        *v = (struct verdict){form, info->feature, in->mem_size, info->invalid};
}

/* FISTTP came with SSE3; FCMOVcc, FCOMI and their kin with CMOV (SDM vol. 2, each page). */
static uint8_t x87_feature(const struct insn *in)
{
    unsigned reg = insn_reg(in);
    if (in->has_mem)
        return reg == 1 && (in->opcode == 0xDB || in->opcode == 0xDD || in->opcode == 0xDF)
                   ? FEAT_SSE3
                   : FEAT_FPU;
    if (in->opcode == 0xDA || in->opcode == 0xDB)
        return reg < 4 || (in->opcode == 0xDB && reg >= 5 && reg <= 6) ? FEAT_CMOV : FEAT_FPU;
    return in->opcode == 0xDF && (reg == 5 || reg == 6) ? FEAT_CMOV : FEAT_FPU;
}

/* 0F AE: fences and CLFLUSH. */
static uint8_t group15_feature(const struct insn *in, uint8_t feature)
{
    if (in->has_mem)
        return insn_reg(in) == 7 ? FEAT_CLFLUSH : feature;
    return insn_reg(in) == 7 ? FEAT_SSE : FEAT_SSE2;
}

/* Operations on MMX registers that came later than MMX: SDM vol. 1 10.4.4 and 11.4.2. */
static uint8_t mmx_feature(const struct insn *in)
{
    switch (in->opcode) {
    case 0x70: case 0xC4: case 0xC5: case 0xD7: case 0xDA: case 0xDE: case 0xE0: case 0xE3:
    case 0xE4: case 0xE7: case 0xEA: case 0xEE: case 0xF6: case 0xF7:
        return FEAT_SSE;
    case 0xD4: case 0xF4: case 0xFB:
        return FEAT_SSE2;
    default:
        return FEAT_MMX;
    }
}

static uint8_t own_feature(const struct insn *in, unsigned flags, uint8_t feature)
{
    if (in->map == MAP_0F && (flags & OP_MMX) && (in->opcode >= 0xC4 || in->opcode == 0x70) &&
        in->opcode != 0xC6 && !in->opsize_prefix && !in->rep)
        return mmx_feature(in);
    if (flags & OP_X87)
        return x87_feature(in);
    if (in->map == MAP_0F && in->opcode == 0xAE)
        return group15_feature(in, feature);
    if (in->map == MAP_0F && in->opcode == 0x18)
        return FEAT_SSE;
    if (in->map == MAP_0F && in->opcode == 0xC7)
        return in->has_mem ? FEAT_CX8 : insn_reg(in) == 6 ? FEAT_RDRAND : FEAT_RDSEED;
    if (in->map == MAP_0F && in->opcode >= 0x40 && in->opcode < 0x50)
        return FEAT_CMOV;
    if (in->map == MAP_0F && in->opcode == 0xB8)
        return FEAT_POPCNT;
    if (in->map == MAP_0F && (in->opcode == 0xBC || in->opcode == 0xBD))
        return FEAT_COUNT; /* TZCNT and LZCNT are BSF and BSR where they are not known */
    if (in->map == MAP_0F && in->opcode >= 0x19 && in->opcode <= 0x1F)
        return FEAT_NOPL;
    if (in->map == MAP_0F38 && (in->opcode & 0xFE) == 0xF0)
        return in->rep == 0xF2 ? FEAT_SSE42 : FEAT_MOVBE;
    return feature;
}

static void classify(struct decoder *d, unsigned bits, unsigned flags, struct insn *in,
                     struct insn_info *info)
{
    info->op_flags = (uint16_t)flags;
    info->feature = FEAT_COUNT;
    if (in->lock && !((flags & OP_LOCK) && in->has_mem))
        in->kind = K_INVALID;
    if (in->map == MAP_0F && in->opcode == 0xB8 && in->rep != 0xF3)
        in->kind = K_INVALID;
    bool movbe = in->map == MAP_0F38 && (in->opcode & 0xFE) == 0xF0 && in->rep != 0xF2;
    bool movnti = in->map == MAP_0F && in->opcode == 0xC3;
    if ((movbe && (in->rep || !in->has_mem)) || (movnti && (in->rep || in->opsize_prefix)))
        in->kind = K_INVALID;
    if (in->kind == K_INVALID) {
        info->invalid = 1;
        return;
    }
    if (in->map == MAP_0F && in->opcode == 0xAE && (in->rep || in->opsize_prefix))
        in->kind = K_INVALID; /* no prefixes (NP: SDM vol. 2 FXSAVE and kin), or no model has them */
    if (in->kind == K_PLAIN || in->kind == K_MASKMOV)
        judge(d, bits, in, info);
    info->feature = own_feature(in, flags, info->feature);
    if (!in->has_mem)
        return;
    if (flags & OP_X87)
        in->mem_size = x87_mem_size(in);
    else if (!simd_map(in, flags))
        integer_mem_size(in, flags);
    in->mem_access = mem_access_of(in, flags);
}

static struct opcode opcode_of(const struct insn *in)
{
    int flags = in->vex ? vex_layout(in) : 0;
    if (!in->vex)
        return opcode_lookup(in->map, in->opcode, in->modrm);
    return (struct opcode){flags < 0 ? K_INVALID : K_PLAIN, (uint16_t)(flags < 0 ? 0 : flags)};
}

enum decode_result decode_insn(struct decoder *d, const uint8_t *bytes, unsigned available,
                               unsigned bits, struct insn *in, struct insn_info *info)
{
    struct reader r = {bytes, 0, available < INSN_MAX_LEN ? available : INSN_MAX_LEN, false};
    memset(in, 0, sizeof *in);
    memset(info, 0, sizeof *info);
    in->override = in->seg = SEG_NONE;
    read_prefixes(&r, in, bits);
    read_opcode(&r, in);
    struct opcode op = opcode_of(in);
    /* Groups decide by ModRM: look at it before trusting kind and flags. */
    if (op.flags & OP_MODRM) {
        read_modrm(&r, in);
        op = opcode_of(in);
    }
    in->kind = op.kind;
    if (in->seg == SEG_NONE)
        in->seg = in->override == SEG_NONE ? SEG_DS : in->override;
    read_immediates(&r, in, op.flags);
    if (r.out)
        return available >= INSN_MAX_LEN ? DECODE_TOO_LONG : DECODE_SHORT;
    in->len = (uint8_t)r.pos;
    memcpy(in->bytes, bytes, in->len);
    if (in->vex) {
        info->op_flags = op.flags;
        info->invalid = op.kind == K_INVALID || !vex_classify(in, info);
    } else {
        classify(d, bits, op.flags, in, info);
    }
    if (info->invalid)
        in->kind = K_INVALID;
    return DECODE_OK;
}

unsigned decode_text(struct decoder *d, unsigned bits, const uint8_t *bytes, unsigned available,
                     uint64_t address, char *out, unsigned n)
{
    unsigned m = bits == 16 ? 0 : bits == 32 ? 1 : 2;
    const uint8_t *code = bytes;
    size_t size = available;
    if (!cs_disasm_iter(d->handle[m], &code, &size, &address, d->insn[m])) {
        snprintf(out, n, "(bad)");
        return 0;
    }
    snprintf(out, n, "%s%s%s", d->insn[m]->mnemonic, *d->insn[m]->op_str ? " " : "",
             d->insn[m]->op_str);
    return d->insn[m]->size;
}

const struct cs_insn *decode_host(struct decoder *d, const uint8_t *bytes, unsigned available,
                                  uint64_t address)
{
    const uint8_t *code = bytes;
    size_t size = available;
    return cs_disasm_iter(d->handle[2], &code, &size, &address, d->insn[2]) ? d->insn[2] : NULL;
}
