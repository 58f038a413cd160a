/* Key names, characters, and the keys of terminals. */
#include <check.h>
#include <string.h>

#include "vmm/keys.h"
#include "vmm/ui/termkeys.h"

static const struct {
    const char *text;
    unsigned count;
    uint16_t code[4];
} chords[] = {
    {"a", 1, {0x1e}},
    {"ctrl-alt-delete", 3, {0x1d, 0x38, 0xe053}},
    {"shift-f1", 2, {0x2a, 0x3b}},
    {"ret", 1, {0x1c}},
    {"kp_enter", 1, {0xe01c}},
    {"f12", 1, {0x58}},
    {"pgup", 1, {0xe049}},
    {"pause", 1, {0xe11d}},
    {"0x1e", 1, {0x1e}},
    {"0xe048", 1, {0xe048}},
    {"ctrl-0", 2, {0x1d, 0x0b}},
    {"minus", 1, {0x0c}},
};

START_TEST(names_become_scan_codes)
{
    struct chord c;
    const char *bad;
    size_t len;

    ck_assert(keys_parse(chords[_i].text, &c, &bad, &len));
    ck_assert_uint_eq(c.count, chords[_i].count);
    for (unsigned i = 0; i < c.count; i++)
        ck_assert_uint_eq(c.code[i], chords[_i].code[i]);
}
END_TEST

START_TEST(unknown_names_are_pointed_at)
{
    static const struct {
        const char *text, *name;
    } wrong[] = {
        {"ctrl-alt-foo", "foo"},
        {"A", "A"},
        {"", ""},
        {"ctrl-", ""},
        {"-a", ""},
        {"-", ""},
        {"0x", "0x"},
        {"0x00", "0x00"},
        {"0x80", "0x80"},
        {"0xff1e", "0xff1e"},
        {"0xzz", "0xzz"},
        {"a-b-c-d-e-f-g-h-i", "i"}, /* more than eight at once */
    };
    struct chord c;
    const char *bad;
    size_t len;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!keys_parse(wrong[i].text, &c, &bad, &len), "accepted %s", wrong[i].text);
        ck_assert_uint_eq(len, strlen(wrong[i].name));
        ck_assert(!strncmp(bad, wrong[i].name, len));
    }
}
END_TEST

START_TEST(every_printable_character_has_a_key)
{
    struct chord c, d;

    for (unsigned ch = 32; ch < 127; ch++) {
        ck_assert_msg(keys_for_char((unsigned char)ch, &c), "no key for %c", ch);
        for (unsigned other = 32; other < ch; other++) {
            ck_assert(keys_for_char((unsigned char)other, &d));
            ck_assert_msg(c.count != d.count || c.code[c.count - 1] != d.code[d.count - 1],
                          "%c and %c", ch, other);
        }
    }
    ck_assert(keys_for_char('*', &c));
    ck_assert_uint_eq(c.count, 2);
    ck_assert_uint_eq(c.code[0], KEY_SHIFT);
    ck_assert_uint_eq(c.code[1], 0x09);
    ck_assert(keys_for_char(3, &c));
    ck_assert_uint_eq(c.code[0], KEY_CTRL);
    ck_assert_uint_eq(c.code[1], 0x2e);
    ck_assert(keys_for_char('\n', &c));
    ck_assert_uint_eq(c.code[0], KEY_ENTER);
    ck_assert(!keys_for_char(0, &c));
    ck_assert(!keys_for_char(200, &c));
}
END_TEST

static const struct {
    const char *bytes;
    enum termkey result;
    size_t used;
    unsigned count;
    uint16_t code[4];
} terminal[] = {
    {"a", TERMKEY_CHORD, 1, 1, {0x1e}},
    {"\r", TERMKEY_CHORD, 1, 1, {0x1c}},
    {"\t", TERMKEY_CHORD, 1, 1, {0x0f}},
    {"\x7f", TERMKEY_CHORD, 1, 1, {0x0e}},
    {"\x03", TERMKEY_CHORD, 1, 2, {0x1d, 0x2e}},
    {"\033[A", TERMKEY_CHORD, 3, 1, {0xe048}},
    {"\033OA", TERMKEY_CHORD, 3, 1, {0xe048}},
    {"\033OP", TERMKEY_CHORD, 3, 1, {0x3b}},
    {"\033[[A", TERMKEY_CHORD, 4, 1, {0x3b}},
    {"\033[3~", TERMKEY_CHORD, 4, 1, {0xe053}},
    {"\033[24~", TERMKEY_CHORD, 5, 1, {0x58}},
    {"\033[1;5C", TERMKEY_CHORD, 6, 2, {0x1d, 0xe04d}},
    {"\033[15;2~", TERMKEY_CHORD, 7, 2, {0x2a, 0x3f}},
    {"\033[Z", TERMKEY_CHORD, 3, 2, {0x2a, 0x0f}},
    {"\033x", TERMKEY_CHORD, 2, 2, {0x38, 0x2d}},
    {"\033", TERMKEY_MORE, 0, 0, {0}},
    {"\033[", TERMKEY_MORE, 0, 0, {0}},
    {"\033[1;", TERMKEY_MORE, 0, 0, {0}},
    {"\033[99~", TERMKEY_NONE, 5, 0, {0}},
    {"\xc3\xa9z", TERMKEY_NONE, 2, 0, {0}},
};

START_TEST(terminal_sequences)
{
    struct chord c = {0};
    size_t used = 0;
    enum termkey result = termkeys_next((const uint8_t *)terminal[_i].bytes,
                                        strlen(terminal[_i].bytes), false, &c, &used);

    ck_assert_int_eq(result, terminal[_i].result);
    if (result == TERMKEY_MORE)
        return;
    ck_assert_uint_eq(used, terminal[_i].used);
    for (unsigned i = 0; i < terminal[_i].count; i++)
        ck_assert_uint_eq(c.code[i], terminal[_i].code[i]);
    if (result == TERMKEY_CHORD)
        ck_assert_uint_eq(c.count, terminal[_i].count);
}
END_TEST

START_TEST(a_lone_escape_is_a_key)
{
    struct chord c;
    size_t used;

    ck_assert_int_eq(termkeys_next((const uint8_t *)"\033", 1, true, &c, &used), TERMKEY_CHORD);
    ck_assert_uint_eq(c.code[0], 0x01);
    ck_assert_uint_eq(used, 1);
}
END_TEST

/* Whatever comes, decoding moves on within the bytes it has. */
START_TEST(any_bytes_are_consumed)
{
    uint8_t bytes[32];
    uint32_t seed = 1;
    struct chord c;
    size_t used;

    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] =
                seed >> 24 & 1 ? (uint8_t)(seed >> 16) : (uint8_t) "\033[O;1~AZ"[seed >> 25 & 7];
        }
        for (size_t at = 0; at < sizeof bytes; at += used) {
            used = 0;
            ck_assert_int_ne(termkeys_next(bytes + at, sizeof bytes - at, true, &c, &used),
                             TERMKEY_MORE);
            ck_assert(used > 0 && used <= sizeof bytes - at);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tc = tcase_create("keys");

    tcase_add_loop_test(tc, names_become_scan_codes, 0, sizeof chords / sizeof *chords);
    tcase_add_test(tc, unknown_names_are_pointed_at);
    tcase_add_test(tc, every_printable_character_has_a_key);
    tcase_add_loop_test(tc, terminal_sequences, 0, sizeof terminal / sizeof *terminal);
    tcase_add_test(tc, a_lone_escape_is_a_key);
    tcase_add_test(tc, any_bytes_are_consumed);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
