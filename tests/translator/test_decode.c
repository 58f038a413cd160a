/* Lengths, kinds and operands of instructions that are hard to take apart. SDM vol. 2A chapter 2,
 * vol. 2D appendix A. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "translator/decode.h"
#include "translator/opcodes.h"

static struct decoder *decoder;

static void setup(void)
{
    decoder = decoder_new();
    ck_assert_ptr_nonnull(decoder);
}

static void teardown(void)
{
    decoder_free(decoder);
}

static unsigned from_hex(const char *hex, uint8_t *bytes)
{
    unsigned n = 0;
    for (char *end;; hex = end, n++) {
        unsigned long v = strtoul(hex, &end, 16);
        if (end == hex)
            return n;
        bytes[n] = (uint8_t)v;
    }
}

static struct insn decode(unsigned bits, const char *hex, enum decode_result want)
{
    struct insn in;
    struct insn_info info;
    uint8_t bytes[64] = {0};
    unsigned n = from_hex(hex, bytes);
    enum decode_result r = decode_insn(decoder, bytes, n, bits, &in, &info);
    ck_assert_msg(r == want, "%s (%u bits): result %d", hex, bits, r);
    return in;
}

/* Every one ends with the last byte given. */
static const struct {
    unsigned bits;
    const char *hex;
    enum insn_kind kind;
} kinds[] = {
    {32, "90", K_NOP},
    {32, "F3 90", K_NOP},
    {32, "40", K_INCDEC},
    {32, "66 4F", K_INCDEC},
    {32, "00 00", K_PLAIN},
    {32, "05 78 56 34 12", K_PLAIN},
    {32, "66 05 34 12", K_PLAIN},
    {32, "8B 43 08", K_PLAIN},
    {32, "8B 04 25 44 33 22 11", K_PLAIN},
    {32, "8B 44 8D F0", K_PLAIN},
    {32, "8B 84 24 00 01 00 00", K_PLAIN},
    {32, "67 8B 46 10", K_PLAIN},
    {32, "67 8B 06 34 12", K_PLAIN},
    {32, "67 8B 00", K_PLAIN},
    {32, "67 8B 86 34 12", K_PLAIN},
    {16, "8B 06 34 12", K_PLAIN},
    {16, "67 8B 05 78 56 34 12", K_PLAIN},
    {16, "66 67 8B 04 8B", K_PLAIN},
    {16, "66 B8 78 56 34 12", K_PLAIN},
    {16, "B8 34 12", K_PLAIN},
    {32, "8D 04 40", K_LEA},
    {32, "8D C0", K_INVALID},
    {32, "A1 78 56 34 12", K_MOFFS},
    {32, "67 A1 34 12", K_MOFFS},
    {16, "A1 34 12", K_MOFFS},
    {16, "67 A1 78 56 34 12", K_MOFFS},
    {32, "66 A3 78 56 34 12", K_MOFFS},
    {32, "D7", K_XLAT},
    {32, "F3 A4", K_STRING},
    {32, "66 F2 AF", K_STRING},
    {32, "F2 F3 A6", K_STRING},
    {32, "50", K_PUSH_REG},
    {32, "66 58", K_POP_REG},
    {32, "68 78 56 34 12", K_PUSH_IMM},
    {32, "66 68 34 12", K_PUSH_IMM},
    {32, "6A 80", K_PUSH_IMM},
    {32, "FF 35 78 56 34 12", K_PUSH_RM},
    {32, "8F 44 24 04", K_POP_RM},
    {32, "8F C8", K_INVALID},
    {32, "60", K_PUSHA},
    {32, "66 61", K_POPA},
    {32, "C9", K_LEAVE},
    {32, "C8 10 00 02", K_SENSITIVE},
    {32, "9C", K_PUSHF},
    {32, "9D", K_POPF},
    {32, "FA", K_CLI},
    {32, "FB", K_STI},
    {32, "E8 78 56 34 12", K_CALL_REL},
    {32, "66 E8 34 12", K_CALL_REL},
    {16, "E8 34 12", K_CALL_REL},
    {16, "66 E8 78 56 34 12", K_CALL_REL},
    {32, "EB FE", K_JMP_REL},
    {32, "E9 78 56 34 12", K_JMP_REL},
    {32, "74 02", K_JCC},
    {32, "0F 84 78 56 34 12", K_JCC},
    {32, "66 0F 84 34 12", K_JCC},
    {32, "E0 FE", K_LOOP},
    {32, "67 E3 05", K_LOOP},
    {32, "C3", K_RET},
    {32, "C2 08 00", K_RET},
    {32, "FF D0", K_CALL_RM},
    {32, "FF 14 85 00 10 00 00", K_CALL_RM},
    {32, "FF E0", K_JMP_RM},
    {32, "FF F8", K_INVALID},
    {32, "FE D0", K_INVALID},
    {32, "9A 78 56 34 12 08 00", K_SENSITIVE},
    {32, "66 9A 34 12 08 00", K_SENSITIVE},
    {16, "EA 34 12 00 F0", K_SENSITIVE},
    {32, "FF 2D 78 56 34 12", K_SENSITIVE},
    {32, "FF D8", K_INVALID},
    {32, "CD 80", K_SENSITIVE},
    {32, "CC", K_SENSITIVE},
    {32, "CE", K_SENSITIVE},
    {32, "CF", K_SENSITIVE},
    {32, "F1", K_SENSITIVE},
    {32, "D6", K_SENSITIVE},
    {32, "D4 0A", K_SENSITIVE},
    {32, "27", K_SENSITIVE},
    {32, "E4 60", K_SENSITIVE},
    {32, "EE", K_SENSITIVE},
    {32, "F3 6F", K_SENSITIVE},
    {32, "F4", K_SENSITIVE},
    {32, "62 05 78 56 34 12", K_SENSITIVE},
    {32, "63 C8", K_SENSITIVE},
    {32, "C4 05 78 56 34 12", K_SENSITIVE},
    {32, "8E D8", K_SENSITIVE},
    {32, "8E C8", K_INVALID}, /* MOV CS */
    {32, "8E F0", K_INVALID},
    {32, "8C F0", K_INVALID},
    {32, "0F 0B", K_SENSITIVE},
    {32, "0F 20 C0", K_SENSITIVE},
    {32, "0F 01 38", K_SENSITIVE},
    {32, "0F 00 D8", K_SENSITIVE},
    {32, "0F B2 23", K_SENSITIVE},
    {32, "0F B2 C3", K_INVALID},
    {32, "0F A2", K_SENSITIVE},
    {32, "0F 31", K_SENSITIVE},
    {32, "0F 1F 84 00 00 00 00 00", K_NOP},
    {32, "0F 18 08", K_NOP},
    {32, "F6 05 44 33 22 11 55", K_PLAIN},
    {32, "F7 05 44 33 22 11 04 03 02 01", K_PLAIN},
    {32, "66 F7 05 44 33 22 11 34 12", K_PLAIN},
    {32, "F6 0D 44 33 22 11 55", K_PLAIN}, /* TEST as /1 */
    {32, "F6 1D 44 33 22 11", K_PLAIN},
    {32, "C6 03 01", K_PLAIN},
    {32, "C6 0B 01", K_INVALID},
    {32, "C7 03 01 00 00 00", K_PLAIN},
    {32, "66 C7 03 01 00", K_PLAIN},
    {32, "82 C0 05", K_PLAIN},
    {32, "C0 F0 01", K_PLAIN}, /* SHL as /6 */
    {32, "0F A4 C8 03", K_PLAIN},
    {32, "0F AD C8", K_PLAIN},
    {32, "0F BA 23 05", K_PLAIN},
    {32, "0F BA 1B 05", K_INVALID},
    {32, "0F C7 0F", K_PLAIN},
    {32, "0F C7 C8", K_INVALID},
    {32, "0F C8", K_PLAIN},
    {32, "0F B8 C1", K_INVALID}, /* JMPE; POPCNT has F3 */
    {32, "F3 0F B8 C1", K_PLAIN},
    {32, "F0 01 08", K_PLAIN},
    {32, "F0 01 C8", K_INVALID},
    {32, "F0 90", K_INVALID},
    {32, "F0 8B 07", K_INVALID},
    {32, "F0 39 07", K_INVALID},       /* CMP writes nothing */
    {32, "F0 0F BA 23 05", K_INVALID}, /* nor BT */
    {32, "F0 0F BA 2B 05", K_PLAIN},
    {32, "D9 C0", K_PLAIN},
    {32, "DB 2D 78 56 34 12", K_PLAIN},
    {32, "D9 30", K_SENSITIVE}, /* FNSTENV */
    {32, "9B", K_PLAIN},
    {32, "0F 6F C1", K_PLAIN},
    {32, "66 0F 6F 05 78 56 34 12", K_PLAIN},
    {32, "F2 0F 58 C1", K_PLAIN},
    {32, "0F 70 C1 1B", K_PLAIN},
    {32, "66 0F 38 00 C1", K_PLAIN},
    {32, "66 0F 3A 0F C1 03", K_PLAIN},
    {32, "F2 0F 38 F1 C1", K_PLAIN},
    {32, "0F 38 F0 03", K_PLAIN},
    {32, "0F 77", K_PLAIN},
    {32, "0F AE E8", K_NOP},
    {32, "0F AE 10", K_PLAIN},
    {32, "0F AE 00", K_SENSITIVE}, /* FXSAVE */
    {32, "0F AE 20", K_SENSITIVE}, /* XSAVE */
    {32, "C5 F8 58 00", K_PLAIN},
    {16, "C5 F8 58 00", K_PLAIN},
    {32, "C5 E8 28 C0", K_INVALID},          /* VEX.vvvv without use */
    {32, "C4 E2 7D 90 0C 18", K_GATHER},
    {32, "C4 E2 7D 90 08", K_INVALID},      /* no SIB */
    {16, "C4 E2 7D 90 0C", K_INVALID},      /* 16-bit addresses */
    {32, "C4 E2 75 90 0C 18", K_INVALID},   /* the same register twice */
    {32, "C4 E1 FB 2A C0", K_PLAIN},
    {32, "66 C5 F8 58 C0", K_INVALID},
    {32, "F0 C5 F8 58 00", K_INVALID},
    {32, "C5 FC 90 C0", K_INVALID},         /* KMOVW */
    {32, "C4 E4 79 58 C0", K_INVALID},      /* map 4 */
    {32, "C5 F9 F7 C1", K_MASKMOV},
};

START_TEST(kinds_and_lengths)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint8_t bytes[64];
        unsigned n = from_hex(kinds[i].hex, bytes);
        struct insn in = decode(kinds[i].bits, kinds[i].hex, DECODE_OK);
        ck_assert_msg(in.kind == kinds[i].kind, "%s: kind %s, not %s", kinds[i].hex,
                      insn_kind_name((enum insn_kind)in.kind), insn_kind_name(kinds[i].kind));
        if (in.kind != K_INVALID)
            ck_assert_msg(in.len == n, "%s: %u bytes", kinds[i].hex, in.len);
    }
}
END_TEST

START_TEST(what_is_cut_off)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint8_t bytes[64] = {0};
        struct insn in;
        struct insn_info info;
        unsigned n = from_hex(kinds[i].hex, bytes);
        if (kinds[i].kind == K_INVALID)
            continue;
        for (unsigned m = 0; m < n; m++)
            ck_assert_msg(decode_insn(decoder, bytes, m, kinds[i].bits, &in, &info) == DECODE_SHORT,
                          "%s: %u bytes are enough", kinds[i].hex, m);
    }
}
END_TEST

START_TEST(fifteen_bytes)
{
    struct insn in = decode(32, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", DECODE_OK);
    ck_assert_uint_eq(in.len, 15);
    decode(32, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", DECODE_TOO_LONG);
    decode(32, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", DECODE_TOO_LONG);
    decode(32, "66 66 66 66 66 66 66 66 66 66 66 66 66 66", DECODE_SHORT);
    in = decode(32, "26 26 26 26 26 81 84 8B 78 56 34 12 04 03 02", DECODE_TOO_LONG);
    in = decode(32, "26 26 26 26 81 84 8B 78 56 34 12 04 03 02 01", DECODE_OK);
    ck_assert_uint_eq(in.len, 15);
    ck_assert_uint_eq(in.imm, 0x01020304);
    ck_assert_int_eq(in.disp, 0x12345678);
    ck_assert_uint_eq(in.seg, SEG_ES);
}
END_TEST

START_TEST(prefixes)
{
    struct insn in = decode(32, "F2 F3 A4", DECODE_OK);
    ck_assert_uint_eq(in.rep, 0xF3);
    in = decode(32, "F3 F2 A4", DECODE_OK);
    ck_assert_uint_eq(in.rep, 0xF2);
    in = decode(32, "2E 64 8B 03", DECODE_OK);
    ck_assert_uint_eq(in.seg, SEG_FS);
    in = decode(32, "66 66 89 C3", DECODE_OK); /* twice is as once */
    ck_assert_uint_eq(in.opsize, 2);
    in = decode(16, "66 66 89 C3", DECODE_OK);
    ck_assert_uint_eq(in.opsize, 4);
    in = decode(16, "67 89 03", DECODE_OK);
    ck_assert_uint_eq(in.addrsize, 4);
    ck_assert_uint_eq(in.opsize, 2);
}
END_TEST

/* The stack segment is the default where EBP, ESP or BP is the base. */
START_TEST(segments)
{
    static const struct {
        unsigned bits;
        const char *hex;
        enum seg_index seg;
    } cases[] = {
        {32, "8B 45 00", SEG_SS},    {32, "8B 05 00 00 00 00", SEG_DS},
        {32, "8B 04 24", SEG_SS},    {32, "8B 04 2D 00 00 00 00", SEG_DS}, /* index EBP */
        {32, "8B 44 05 00", SEG_SS}, {32, "8B 44 28 00", SEG_DS},          /* EAX + EBP: base EAX */
        {32, "2E 8B 45 00", SEG_CS}, {32, "8B 03", SEG_DS},
        {16, "8B 46 00", SEG_SS},    {16, "8B 06 00 00", SEG_DS},
        {16, "8B 02", SEG_SS},       {16, "8B 03", SEG_SS},
        {16, "8B 07", SEG_DS},       {16, "36 8B 07", SEG_SS},
        {16, "8B 86 00 00", SEG_SS}, {16, "8B 00", SEG_DS},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct insn in = decode(cases[i].bits, cases[i].hex, DECODE_OK);
        ck_assert_msg(in.seg == cases[i].seg, "%s: segment %u", cases[i].hex, in.seg);
    }
}
END_TEST

START_TEST(memory_operands)
{
    static const struct {
        const char *hex;
        unsigned size, access;
    } cases[] = {
        {"8B 03", 4, 1},
        {"66 8B 03", 2, 1},
        {"8A 03", 1, 1},
        {"89 03", 4, 2},
        {"01 03", 4, 3},
        {"39 03", 4, 1},
        {"85 03", 4, 1},
        {"87 03", 4, 3},
        {"0F B6 03", 1, 1},
        {"0F B7 03", 2, 1},
        {"FE 03", 1, 3},
        {"C6 03 01", 1, 2},
        {"F7 1B", 4, 3},
        {"F7 23", 4, 1},
        {"F7 03 01 00 00 00", 4, 1},
        {"0F C7 0B", 8, 3},
        {"0F B1 0B", 4, 3},
        {"0F C1 0B", 4, 3},
        {"0F 94 03", 1, 2},
        {"D3 03", 4, 3},
        {"0F A5 03", 4, 3},
        {"D9 03", 4, 1},
        {"DD 03", 8, 1},
        {"DB 2B", 10, 1},
        {"DB 3B", 10, 2},
        {"DF 3B", 8, 2},
        {"DF 33", 10, 2},
        {"D9 2B", 2, 1},
        {"D9 3B", 2, 2},
        {"0F 6F 03", 8, 1},
        {"0F 7F 03", 8, 2},
        {"0F 10 03", 16, 1},
        {"0F 11 03", 16, 2},
        {"F3 0F 10 03", 4, 1},
        {"F2 0F 11 03", 8, 2},
        {"66 0F 6F 03", 16, 1},
        {"0F AE 13", 4, 1},
        {"0F AE 1B", 4, 2},
        {"C5 F8 10 03", 16, 1},
        {"C5 FC 11 03", 32, 2},
        {"C5 FF 12 03", 32, 1},
        {"C5 FB 12 03", 8, 1},
        {"C5 FC 5A 03", 16, 1},
        {"C5 F3 5A 03", 8, 1},
        {"C5 F5 D3 03", 16, 1},
        {"C4 E2 7D 22 03", 4, 1},
        {"C4 E2 F1 B9 03", 8, 1},
        {"C4 E3 7D 1D 03 00", 16, 2},
        {"C4 E2 71 2E 03", 16, 2},
        {"0F C3 03", 4, 2},
        {"66 0F D6 03", 8, 2},
        {"0F 13 03", 8, 2},
        {"0F 16 03", 8, 1},
        {"66 0F 3A 16 03 01", 4, 2},
        {"0F 38 F0 03", 4, 1},
        {"0F 38 F1 03", 4, 2},
        {"F2 0F 38 F0 03", 1, 1},
        {"F2 0F 38 F1 03", 4, 1},
        {"66 F2 0F 38 F1 03", 2, 1},
        {"FF 33", 4, 1},
        {"8F 03", 4, 2},
        {"FF 13", 4, 1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct insn in = decode(32, cases[i].hex, DECODE_OK);
        ck_assert_msg(in.mem_size == cases[i].size && in.mem_access == cases[i].access,
                      "%s: %u bytes, access %u", cases[i].hex, in.mem_size, in.mem_access);
    }
}
END_TEST

START_TEST(immediates)
{
    struct insn in = decode(32, "C8 10 00 02", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0x10);
    ck_assert_uint_eq(in.imm2, 2);
    in = decode(32, "9A 78 56 34 12 08 00", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0x12345678);
    ck_assert_uint_eq(in.imm2, 8);
    in = decode(16, "EA 34 12 00 F0", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0x1234);
    ck_assert_uint_eq(in.imm2, 0xF000);
    in = decode(32, "EB FE", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0xFFFFFFFE);
    in = decode(32, "83 C0 80", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0xFFFFFF80);
    in = decode(32, "A1 78 56 34 12", DECODE_OK);
    ck_assert_uint_eq(in.imm, 0x12345678);
    in = decode(32, "67 A1 FE FF", DECODE_OK); /* an address: not extended by sign */
    ck_assert_uint_eq(in.imm & 0xFFFF, 0xFFFE);
    in = decode(16, "8B 47 FE", DECODE_OK);
    ck_assert_int_eq(in.disp, -2);
    in = decode(16, "8B 87 00 80", DECODE_OK);
    ck_assert_int_eq(in.disp, -0x8000);
}
END_TEST

/* Two decoders that know nothing of each other agree on every opcode's length. */
static void agree(unsigned bits, const uint8_t *bytes)
{
    struct insn in;
    struct insn_info info;
    char text[128];
    if (decode_insn(decoder, bytes, INSN_MAX_LEN, bits, &in, &info) != DECODE_OK ||
        in.kind == K_INVALID)
        return;
    if (in.map == MAP_0F && (in.opcode == 0xB9 || in.opcode == 0xFF))
        return; /* UD1, UD0: Capstone forgets their ModRM */
    unsigned n = decode_text(decoder, bits, bytes, INSN_MAX_LEN, 0, text, sizeof text);
    ck_assert_msg(!n || n == in.len, "%02x %02x %02x %02x (%u bits): %u bytes, Capstone %u: %s",
                  bytes[0], bytes[1], bytes[2], bytes[3], bits, in.len, n, text);
}

START_TEST(agrees_with_capstone)
{
    static const uint8_t modrm[] = {0x00, 0x04, 0x05, 0x44, 0x86, 0xC0, 0xCA, 0x3B, 0x66, 0xF1};
    static const uint8_t prefix[] = {0, 0x66, 0x67, 0xF2, 0xF3};
    for (unsigned i = 0; i < 2 * 512 * sizeof modrm * sizeof prefix; i++) {
        unsigned bits = i & 1 ? 32 : 16, opcode = i >> 1 & 511, rest = i >> 10, n = 0;
        uint8_t bytes[INSN_MAX_LEN + 1] = {0};
        if (prefix[rest % sizeof prefix])
            bytes[n++] = prefix[rest % sizeof prefix];
        if (opcode & 256)
            bytes[n++] = 0x0F;
        bytes[n++] = (uint8_t)opcode;
        memset(bytes + n, 0x11, sizeof bytes - n);
        bytes[n] = modrm[rest / sizeof prefix];
        agree(bits, bytes);
    }
}
END_TEST

/* Some instruction: at times a prefix, any of the maps, random bytes. */
static void random_bytes(uint32_t *seed, uint8_t *bytes)
{
    static const uint8_t prefix[] = {0x66, 0x67, 0xF2, 0xF3, 0xF0, 0x2E, 0x64, 0x36};
    unsigned n = 0;
    for (unsigned i = 0; i < 24; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(*seed >> 24);
    }
    while (n < 4 && bytes[n] < 0x50) {
        bytes[n] = prefix[bytes[n] % 8];
        n++;
    }
    if (bytes[n + 8] & 1)
        bytes[n++] = 0x0F;
    if (n && bytes[n - 1] == 0x0F && bytes[n + 8] % 8 == 0)
        bytes[n] = bytes[n + 9] & 1 ? 0x38 : 0x3A;
}

/* What was decoded before has no influence: answers of Capstone's are kept by form. */
START_TEST(as_a_fresh_decoder)
{
    enum { WARM = 40000, ROUNDS = 50, EACH = 60 };
    uint32_t seed = 1;
    uint8_t bytes[24];
    struct insn in[2];
    struct insn_info info[2];
    for (unsigned i = 0; i < WARM; i++) {
        random_bytes(&seed, bytes);
        decode_insn(decoder, bytes, INSN_MAX_LEN, 16 + i % 2 * 16, in, info);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct decoder *fresh = decoder_new();
        for (unsigned k = 0; k < EACH; k++) {
            random_bytes(&seed, bytes);
            for (unsigned n = 0; n < 2; n++)
                decode_insn(n ? fresh : decoder, bytes, INSN_MAX_LEN, 16 + k % 2 * 16, &in[n],
                            &info[n]);
            ck_assert_mem_eq(&in[0], &in[1], sizeof in[0]);
            ck_assert_mem_eq(&info[0], &info[1], sizeof info[0]);
        }
        decoder_free(fresh);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decoder");
    TCase *tc = tcase_create("decode");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, kinds_and_lengths);
    tcase_add_test(tc, what_is_cut_off);
    tcase_add_test(tc, fifteen_bytes);
    tcase_add_test(tc, prefixes);
    tcase_add_test(tc, segments);
    tcase_add_test(tc, memory_operands);
    tcase_add_test(tc, immediates);
    tcase_add_test(tc, agrees_with_capstone);
    tcase_add_test(tc, as_a_fresh_decoder);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
