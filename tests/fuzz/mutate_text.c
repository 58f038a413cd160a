/* A main for the fuzzer of the monitors where libFuzzer is not: lines that are right, and are made
 * wrong, for a number of seconds.  Usage: fuzz_control SECONDS [SEED]. The input of a run that
 * fails is left in fuzz-input. */
#include "fuzz.h"

#include "vmm/command.h"
#include "vmm/keys.h"
#include "vmm/qmp_command.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_INPUT = 8192 };

static uint8_t input[MOST_INPUT];
static size_t length;
static int report;

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 24;
}

static void keep_input(int number)
{
    (void)!write(report, input, length);
    signal(number, SIG_DFL);
    raise(number);
}

static void add(const char *text)
{
    size_t n = strlen(text);

    if (length + n > sizeof input)
        return;
    memcpy(input + length, text, n);
    length += n;
}

static const char *pick(uint64_t *state, const char *const *words, size_t n)
{
    return words[next(state) % n];
}
#define PICK(state, words) pick(state, words, sizeof words / sizeof *words)

/* A value of TYPE, or of another. */
static void add_value(uint64_t *state, const char *type, unsigned depth)
{
    static const char *const others[] = {
        "1",     "-1",  "99999999999999999999", "1.5", "true", "null", "[]", "{}", "''", "'x'",
        "false", "4096"};
    static const char *const strings[] = {"'floppy0'", "'ide1-cd0'",    "'r'",        "'file:x'",
                                          "'x'",       "'info status'", "'info tlb'", "'png'"};
    const struct qmp_type *named = qmp_type(type);
    struct qmp_member m;
    char word[64];

    if (depth > 5 || next(state) % 16 == 0) {
        add(PICK(state, others));
    } else if (*type == '[') {
        char element[48];
        snprintf(element, sizeof element, "%.*s", (int)strlen(type) - 2, type + 1);
        add("[");
        add_value(state, element, depth + 1);
        add("]");
    } else if (!strcmp(type, "str")) {
        add(PICK(state, strings));
    } else if (!named) {
        add(PICK(state, others));
    } else if (named->kind == QMP_ENUM) {
        const char *text = named->text;
        strcpy(word, "a");
        for (uint64_t n = next(state) % 8; n && qmp_next_word(&text, word, sizeof word); n--)
            ;
        add("'");
        add(word);
        add("'");
    } else {
        const char *text = named->text;
        bool first = true, tagged = named->kind == QMP_UNION;
        uint64_t which = next(state) % 4;
        add("{");
        for (uint64_t i = 0; qmp_next_member(&text, &m); i++) {
            if (tagged && i != which)
                continue;
            add(first ? "" : ",");
            first = false;
            add(tagged ? "'type':'" : "'");
            add(m.name);
            add(tagged ? "','data':" : "':");
            add_value(state, m.type, depth + 1);
        }
        add("}");
    }
}

static void add_qmp(uint64_t *state)
{
    unsigned count = 0;
    struct qmp_member m;

    while (qmp_nth(count))
        count++;
    const struct qmp_command *c = qmp_nth((unsigned)(next(state) % count));
    const char *text = c->args;
    bool first = true;
    add("{'execute':'");
    add(c->name);
    add("','arguments':{");
    while (qmp_next_member(&text, &m)) {
        if (m.optional && next(state) % 2)
            continue;
        add(first ? "'" : ",'");
        first = false;
        add(m.name);
        add("':");
        add_value(state, m.type, 0);
    }
    add(next(state) % 4 ? "}}\n" : "},'id':1}");
}

static void add_plain(uint64_t *state)
{
    static const char *const formats[] = {"", "", "/4x", "/10i", "/3wd", "/c", "/b", "/w", "/2rw"};
    static const char *const words[] = {
        "0",       "0x7c00",  "$eip",   "$cs.base",  "1+2*3", "(4)",        "-5",      "ide1-cd0",
        "floppy0", "status",  "qtree",  "tlb",       "mtree", "a",          "all",     "none",
        "-f",      "\"x y\"", "ctrl-a", "x",         "r",     "1",          "'c'",     "~0",
        "$frob",   "\t",      "\033[A", "registers", "65536", "4294967295", "\177\177"};
    unsigned count = 0;

    while (command_nth(count))
        count++;
    const struct command *c = command_nth((unsigned)(next(state) % count));
    add(c->name);
    add(c->slash ? PICK(state, formats) : "");
    for (uint64_t n = next(state) % 5; n; n--) {
        add(" ");
        add(PICK(state, words));
    }
    add("\n");
}

static void damage(uint64_t *state)
{
    static const uint8_t odd[] = {0, 0xff, '{', '}', '[', ']', '"', '\'', '\\', 27, 127, '\n', '$'};

    for (uint64_t n = next(state) % 4; n && length > 2; n--) {
        size_t at = 1 + next(state) % (length - 1);
        switch (next(state) % 4) {
        case 0:
            input[at] = odd[next(state) % sizeof odd];
            break;
        case 1:
            input[at] ^= (uint8_t)(1u << next(state) % 8);
            break;
        case 2:
            length = at + 1;
            break;
        default: {
            size_t n2 = next(state) % 64;
            if (at + n2 < length)
                memmove(input + at, input + at + n2, (length -= n2) - at);
            break;
        }
        }
    }
}

int main(int argc, char **argv)
{
    long seconds = argc > 1 ? strtol(argv[1], NULL, 0) : 1;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, runs = 0;
    time_t end = time(NULL) + seconds;

    int here = open(".", O_DIRECTORY | O_CLOEXEC); /* what is tried has a folder of its own */
    report = openat(here, "fuzz-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    signal(SIGABRT, keep_input);
    signal(SIGALRM, keep_input); /* one that hangs */
    for (; time(NULL) < end; runs++) {
        length = 0;
        input[length++] = (uint8_t)next(&state);
        for (uint64_t n = 1 + next(&state) % 6; n; n--)
            (input[0] & 1 ? add_qmp : add_plain)(&state);
        if (next(&state) % 2)
            damage(&state);
        alarm(60);
        LLVMFuzzerTestOneInput(input, length);
        alarm(0);
    }
    unlinkat(here, "fuzz-input", 0); /* which was to hold one that fails */
    printf("%llu inputs\n", (unsigned long long)runs);
    return 0;
}
