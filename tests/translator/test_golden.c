/* Translations as they are known to be right: tests/translator/golden/MODE.txt.  A change of what
 * is emitted shows as a difference there; UPDATE_GOLDEN=1 writes the files anew, to be reviewed.
 *
 * Nothing is run here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/listing.h"
#include "tests/translator/rig.h"
#include "translator/internal.h"

struct snippet {
    const char *title, *hex; /* a NOP is put behind it */
};

enum setup { FLAT, USER, SEGMENTS, STACK16, PROT16, REAL, V86, STEPPED, WATCHED, ALIGNED, NO_FPU };

static const struct snippet flat[] = {
    {"* the entry of a block", "90"},
    {"* the entry of a block that uses the FPU", "D9 EB"},
    {"registers alone", "01 D8"},
    {"load, base and displacement", "8B 43 08"},
    {"load, no base", "8B 05 78 56 34 12"},
    {"load from the upper half", "8B 05 78 56 34 F2"},
    {"store through ESP", "89 44 24 10"},
    {"base and index", "8B 04 CB"},
    {"index alone, scaled", "8B 04 8D 00 10 00 00"},
    {"large negative displacement", "8B 83 00 00 00 80"},
    {"small negative displacement", "8B 43 F8"},
    {"16-bit operand", "66 03 03"},
    {"byte register BH, memory", "88 3B"},
    {"byte immediate", "C6 43 04 55"},
    {"32-bit immediate", "81 03 78 56 34 12"},
    {"locked", "F0 0F B1 0B"},
    {"shift of memory", "C1 23 03"},
    {"override without effect", "26 8B 03"},
    {"CS override, write", "2E 89 03"},
    {"16-bit addressing", "67 8B 47 10"},
    {"INC of a register", "40"},
    {"DEC, 16 bits", "66 4F"},
    {"LEA", "8D 44 8B 10"},
    {"LEA, 16-bit operand", "66 8D 43 04"},
    {"LEA, absolute", "8D 05 78 56 34 12"},
    {"LEA of a register into itself", "8D 76 00"},
    {"LEA of a register into itself, by SIB", "8D B4 26 00 00 00 00"},
    {"LEA of twice a register into itself", "8D 34 36"},
    {"MOV from an offset", "A1 78 56 34 12"},
    {"MOV AL to an offset", "A2 78 56 34 12"},
    {"XLAT", "D7"},
    {"bit string", "0F AB 0B"},
    {"exchange", "87 03"},
    {"CMPXCHG8B", "0F C7 0B"},
    {"MOVSD", "A5"},
    {"REP MOVSB", "F3 A4"},
    {"REPNE SCASB", "F2 AE"},
    {"STOSW", "66 AB"},
    {"PUSH of a register", "53"},
    {"PUSH of ESP", "54"},
    {"PUSH, 16 bits", "66 53"},
    {"PUSH of an immediate", "6A FF"},
    {"PUSH of memory", "FF 73 04"},
    {"PUSH of a selector", "06"},
    {"POP of a register", "5B"},
    {"POP of ESP", "5C"},
    {"POP to memory", "8F 43 04"},
    {"POP to memory by ESP", "8F 44 24 04"},
    {"PUSHA", "60"},
    {"POPA", "61"},
    {"LEAVE", "C9"},
    {"ENTER", "C8 10 00 00"},
    {"PUSHF", "9C"},
    {"POPF", "9D"},
    {"CLI", "FA"},
    {"STI", "FB"},
    {"CALL", "E8 10 00 00 00"},
    {"JMP on the page", "EB 10"},
    {"JMP to another page", "E9 00 20 00 00"},
    {"JMP, 16-bit operand", "66 E9 10 00"},
    {"Jcc on the page", "74 10"},
    {"Jcc back", "74 F0"},
    {"Jcc to the next instruction", "74 00"},
    {"Jcc to another page", "0F 84 00 20 00 00"},
    {"LOOP", "E2 10"},
    {"LOOPNE", "E0 10"},
    {"JECXZ", "E3 10"},
    {"LOOP counting CX", "67 E2 10"},
    {"RET", "C3"},
    {"RET releasing", "C2 08 00"},
    {"PUSH and PUSH", "55 57"},
    {"PUSH and CALL", "53 E8 10 00 00 00"},
    {"PUSH and a load by ESP", "55 8B 44 24 10"},
    {"POP and RET", "5D C3"},
    {"CALL of a register", "FF D0"},
    {"CALL of memory", "FF 14 85 00 10 00 00"},
    {"JMP to memory", "FF 25 00 10 00 00"},
    {"JMP, 16-bit register", "66 FF E0"},
    {"INT", "CD 80"},
    {"IN", "E4 60"},
    {"MOV from a control register", "0F 20 C0"},
    {"MOV to a selector", "8E D8"},
    {"far JMP", "EA 00 10 00 00 08 00"},
    {"HLT", "F4"},
    {"invalid", "0F FF C0"},
    {"UD2", "0F 0B"},
    {"LOCK where it may not be", "F0 90"},
    {"x87 load", "DD 43 08"},
    {"x87 store of 80 bits", "DB 3B"},
    {"FNSTENV", "D9 33"},
    {"FWAIT", "9B"},
    {"MMX", "0F 6F 03"},
    {"SSE load", "0F 10 43 10"},
    {"SSE2 with a mandatory prefix", "F2 0F 58 03"},
    {"TZCNT on a model without it", "F3 0F BC C1"},
    {"POPCNT on a model without it", "F3 0F B8 C1"},
    {"AAM", "D4 0A"},
    {"alias 82", "82 43 04 05"},
    {"load with a displacement near 2 GiB", "8B 83 00 00 00 7F"},
};

/* Additions that might have 64-bit operands. */
static const struct snippet wide[] = {
    {"ADD behind an access, its flags dead", "8B 46 FC 83 C6 04 85 C0"},
    {"SUB before an access, its flags dead", "83 EE 80 8B 06 85 C0"},
    {"INC, its flags dead but for faults", "8A 06 46 88 07 0F B6 53 01 3C 0A"},
    {"DEC before an access", "4E 8A 06 3C 0A"},
    {"INC, its flags alive", "8A 06 46"},
    {"INC, its flags read", "8A 06 46 0F 94 C0 3C 0A"},
    {"INC, written over but for CF, and ADC", "8A 06 46 11 D0"},
    {"ADD whose CF lives on behind INC", "8B 06 83 C6 04 47 85 C0"},
    {"INC and INC", "8A 06 46 47 3C 0A"},
    {"ADD, its register changed before a fault", "8B 06 83 C6 04 8B 36 85 C0"},
    {"ADD, half of its register changed", "8B 02 83 C2 04 B6 01 8B 0B 85 C0"},
    {"ADD of what a far displacement is added to", "8B 86 00 20 00 00 83 C6 04 85 C0"},
    {"ADD of a base that has an index", "8B 04 33 83 C6 04 85 C0"},
    {"ADD behind LEA, which is no access", "8D 86 00 01 00 00 83 C6 04 85 C0"},
    {"ADD, a side exit before the access", "83 C6 04 85 C0 74 10 8B 06"},
    {"ADD of an imm32", "8B 06 81 C6 04 00 00 00 85 C0"},
    {"ADD of 16 bits", "8B 06 66 83 C6 04 85 C0"},
    {"ADD to ESP", "8B 04 24 83 C4 04 85 C0"},
    {"LEA of a register and a byte, behind an access", "8B 06 8D 56 04"},
    {"LEA, and an access by its result", "8D 56 04 8B 02"},
    {"LEA of ESP and a byte", "8D 54 24 10"},
    {"LEA, its result added to", "8B 06 8D 56 04 42 85 C0"},
    {"LEA of what is nowhere near the window", "8D 56 04 42 85 C0"},
    {"LEA of what was nearer before", "88 1A 8D 51 F0 8D 5A 10 8B 02"},
    {"LEA of two registers", "8B 06 8D 54 33 04"},
};

static const struct snippet user[] = {
    {"CLI", "FA"}, {"PUSHF", "9C"},       {"POPF", "9D"},
    {"IN", "EC"},  {"store", "89 43 04"}, {"CALL to another page", "E8 00 20 00 00"},
    {"RET", "C3"},
};

/* DS small and checked, ES with a base, FS expand-down, GS flat. */
static const struct snippet segments[] = {
    {"load, checked", "8B 43 08"},
    {"store, checked", "89 43 08"},
    {"16 bits, checked", "66 8B 03"},
    {"AH, checked", "88 23"},
    {"read-modify-write, checked", "01 03"},
    {"MOV from an offset, checked", "A1 78 56 34 12"},
    {"load with a base", "26 8B 43 08"},
    {"AH with a base", "26 88 23"},
    {"INC, and AH behind it, checked", "65 8A 06 46 88 23 3C 0A"},
    {"expand-down", "64 89 43 08"},
    {"flat by an override", "65 8B 43 08"},
    {"code segment", "2E 8B 43 08"},
    {"stack", "8B 45 08"},
    {"MOVSD", "A5"},
    {"STOSB, with a base", "AA"},
    {"XLAT", "D7"},
    {"bit string", "0F AB 0B"},
    {"PUSH of memory", "FF 73 04"},
    {"16-bit addressing", "67 8B 47 10"},
    {"ten bytes, checked", "DB 2B"},
    {"JMP to memory", "FF 23"},
};

static const struct snippet stack16[] = {
    {"PUSH", "53"},
    {"POP", "5B"},
    {"POP of ESP", "5C"},
    {"CALL", "E8 10 00 00 00"},
    {"RET", "C3"},
    {"PUSHA", "60"},
    {"LEAVE", "C9"},
    {"PUSHF", "9C"},
    {"PUSH of memory", "FF 33"},
    {"POP to memory", "8F 03"},
};

static const struct snippet small[] = {
    /* 16-bit code: real, V86, protected */
    {"load", "8B 07"},
    {"load, base and index", "8B 40 10"},
    {"load, BP", "8B 46 FE"},
    {"load, no base", "8B 06 34 12"},
    {"store, override", "26 89 07"},
    {"32-bit operand and address", "66 67 8B 44 8B 10"},
    {"MOV from an offset", "A0 34 12"},
    {"LEA", "8D 40 10"},
    {"PUSH", "53"},
    {"POP", "5B"},
    {"PUSH, 32 bits", "66 53"},
    {"CALL", "E8 10 00"},
    {"RET", "C3"},
    {"RET, 32 bits", "66 C3"},
    {"JMP", "EB 10"},
    {"JMP to a register", "FF E3"},
    {"Jcc beyond the limit", "0F 84 F0 7F"},
    {"LOOP", "E2 10"},
    {"REP STOSW", "F3 AB"},
    {"MOV ES, AX", "8E C0"},
    {"ENTER", "C8 08 00 00"},
    {"ENTER with a display", "C8 08 00 02"},
    {"far CALL", "9A 00 01 00 20"},
    {"far JMP", "EA 00 01 00 20"},
    {"far RET", "CB"},
    {"far RET releasing", "CA 04 00"},
    {"CALL through a far pointer", "FF 1E 00 05"},
    {"POP DS", "1F"},
    {"LES", "C4 3F"},
    {"LEAVE", "C9"},
    {"LODSB", "AC"},
    {"MOVSD", "66 A5"},
    {"CMPSW", "A7"},
    {"STD", "FD"},
    {"CLI", "FA"},
    {"STI", "FB"},
    {"PUSHF", "9C"},
    {"INT", "CD 21"},
    {"INC", "40"},
};

static const struct snippet stepped[] = {
    {"register", "01 D8"}, {"JMP", "EB 10"}, {"Jcc", "74 10"},
    {"RET", "C3"},         {"STI", "FB"},    {"POPF", "9D"},
};

static const struct snippet watched[] = {
    {"load", "8B 43 08"},
    {"register", "01 D8"},
    {"PUSH", "53"},
    {"CALL", "E8 10 00 00 00"},
};

static const struct snippet no_fpu[] = {
    {"x87 with TS", "D9 EB"},
    {"FWAIT", "9B"},
    {"SSE with TS", "0F 58 C1"},
    {"MMX", "0F EF C0"},
    {"LEA, and an access behind what is raised", "8D 56 04 D9 EB 8B 02"},
};

/* EFLAGS.AC: memory by hand, blocks of many instructions. */
static const struct snippet aligned[] = {
    {"DEC before an access", "4E 8A 06 3C 0A"},
};

#define LIST(x) x, sizeof x / sizeof *x

static const struct golden {
    const char *name;
    enum setup setup;
    const struct snippet *list;
    unsigned count;
} files[] = {
    {"flat", FLAT, LIST(flat)},
    {"wide", FLAT, LIST(wide)},
    {"user", USER, LIST(user)},
    {"segments", SEGMENTS, LIST(segments)},
    {"stack16", STACK16, LIST(stack16)},
    {"protected16", PROT16, LIST(small)},
    {"real", REAL, LIST(small)},
    {"v86", V86, LIST(small)},
    {"stepped", STEPPED, LIST(stepped)},
    {"watched", WATCHED, LIST(watched)},
    {"aligned", ALIGNED, LIST(aligned)},
    {"no_fpu", NO_FPU, LIST(no_fpu)},
};

/* ---- modes ---- */

static void load_segment(struct rig *r, enum seg_index seg, uint16_t selector)
{
    static const char *const move[] = {"8E C0", "", "8E D0", "8E D8", "8E E0", "8E E8"};
    r->cpu->gpr[EAX] = selector;
    ck_assert_int_eq(rig_exec(r, move[seg]), RIG_ENDED);
}

/* Segments are loaded by the guest itself, so that their hidden parts are right. */
static void enter(struct rig *r, enum setup setup)
{
    switch (setup) {
    case USER:
        rig_flat(r, 3);
        break;
    case PROT16:
        rig_protected16(r);
        break;
    case REAL:
        rig_real(r);
        break;
    case V86:
        rig_v86(r);
        break;
    default:
        rig_flat(r, 0);
        break;
    }
    if (setup == SEGMENTS) {
        load_segment(r, SEG_DS, SEL_SMALL);
        load_segment(r, SEG_ES, SEL_BASED);
        load_segment(r, SEG_FS, SEL_DOWN);
    }
    if (setup == STACK16)
        load_segment(r, SEG_SS, SEL_DATA16);
    if (setup == NO_FPU)
        r->cpu->cr0 |= CR0_TS | CR0_MP;
    r->cpu->mode_changed = 1;
}

/* How many stand in the first N bytes of the code. */
static unsigned instructions(struct rig *r, unsigned n)
{
    unsigned bits = r->cpu->seg[SEG_CS].access & AR_DB ? 32 : 16, count = 0;
    char text[64];
    for (unsigned at = 0, len; at < n; at += len ? len : n) {
        const uint8_t *code = phys_ptr(r->phys, RIG_CODE + at, n - at);
        len = decode_text(r->t->decoder, bits, code, n - at, 0, text, sizeof text);
        count++;
    }
    return count;
}

static void write_snippet(struct rig *r, enum setup setup, const struct snippet *s, FILE *out)
{
    struct translator *t = r->t;
    bool entry = s->title[0] == '*';
    cache_flush(t);
    unsigned n = rig_hex(r, RIG_CODE, s->hex);
    rig_w8(r, RIG_CODE + n, 0x90);
    t->options.max_insns = strcmp(s->hex, "90") == 0 ? 1 : instructions(r, n) + 1;
    r->cpu->eip = RIG_CODE;
    table_select(t);
    t->mode |= setup == STEPPED || setup == WATCHED ? MODE_ONE : 0;
    t->mode |= setup == WATCHED || setup == ALIGNED ? MODE_WATCH : 0;
    struct tb *tb = build_lookup(t);
    ck_assert_msg(tb, "%s: no block", s->title);
    fprintf(out, "\n%s\n", s->title + (entry ? 2 : 0));
    listing_write(t, tb, entry, out);
}

static char *produce(const struct golden *g)
{
    struct rig r;
    struct rig_options options = {.model = "pentium4"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    rig_open(&r, &options);
    enter(&r, g->setup);
    fprintf(out, "%s\n", g->name);
    for (unsigned i = 0; i < g->count; i++)
        write_snippet(&r, g->setup, &g->list[i], out);
    rig_close(&r);
    fclose(out);
    return text;
}

/* ---- comparing ---- */

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    if (f && getdelim(&text, &size, 0, f) < 0) {
        free(text);
        text = NULL;
    }
    if (f)
        fclose(f);
    return text;
}

/* The first line that differs, and the title above it. */
static void complain(const char *path, const char *want, const char *is)
{
    const char *title = is;
    unsigned line = 1;
    while (*want && *want == *is) {
        if (*is == '\n') {
            line++;
            if (is[1] != ' ' && is[1] != '\n')
                title = is + 1;
        }
        want++;
        is++;
    }
    while (line > 1 && is[-1] != '\n') {
        is--;
        want--;
    }
    ck_abort_msg("%s:%u (%.*s) says\n%.*s\nbut translation gives\n%.*s\n"
                 "(if that is right: UPDATE_GOLDEN=1, and review the difference)",
                 path, line, (int)strcspn(title, "\n"), title, (int)strcspn(want, "\n"), want,
                 (int)strcspn(is, "\n"), is);
}

START_TEST(golden)
{
    const struct golden *g = &files[_i];
    char path[64];
    snprintf(path, sizeof path, "tests/translator/golden/%s.txt", g->name);
    char *is = produce(g);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(is, f);
        fclose(f);
    } else {
        char *want = slurp(path);
        ck_assert_msg(want, "%s cannot be read (run this in the source folder)", path);
        if (strcmp(want, is) != 0)
            complain(path, want, is);
        free(want);
    }
    free(is);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden translations");
    TCase *tc = tcase_create("golden");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, golden, 0, sizeof files / sizeof *files);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
