/* The host as oracle: random instructions on the bare CPU and in ringer, from the same state.
 *
 *     oracle [--seed N] [--count N] [--steps N] [--sets integer,x87,simd,avx] [--verbose]
 *     oracle --replay FILE      cases as they were printed, one a line
 *
 * A case that differs is made smaller and printed; the last line is "N passed, M failed". */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle/generate.h"
#include "oracle/guest.h"
#include "oracle/host.h"

enum { LINE = 512, SHOWN = 20 };

struct oracle {
    struct host *host;
    struct guest *guest;
    struct oracle_end on_host, in_guest;
    unsigned long passed, failed, by_vector[33];
    bool verbose;
};

/* True when host and guest agree on C in every way; else WHY tells. */
static bool agree(struct oracle *o, const struct oracle_case *c, char *why, size_t n)
{
    const char *reason;
    char text[300];
    if (!host_run(o->host, c, &o->on_host))
        return true;
    for (int way = 0; way < GUEST_WAYS; way++) {
        if (!guest_run(o->guest, c, (enum guest_way)way, &o->in_guest, &reason))
            snprintf(text, sizeof text, "ended by %s", reason);
        else if (case_compare(c, &o->on_host, &o->in_guest, text, sizeof text))
            continue;
        snprintf(why, n, "%s: %s", guest_way_names[way], text);
        return false;
    }
    return true;
}

/* ---- making a failing case smaller ---- */

static bool still_fails(struct oracle *o, const struct oracle_case *c)
{
    char why[400];
    return !agree(o, c, why, sizeof why);
}

static void try_change(struct oracle *o, struct oracle_case *c, const struct oracle_case *changed)
{
    if (still_fails(o, changed))
        *c = *changed;
}

static void drop_step(struct oracle_case *c, unsigned n)
{
    unsigned from = c->step[n], to = n + 1 < c->steps ? c->step[n + 1] : c->length;
    memmove(c->code + from, c->code + to, c->length - to);
    c->length -= to - from;
    for (unsigned i = n; i + 1 < c->steps; i++)
        c->step[i] = c->step[i + 1] - (to - from);
    c->steps--;
}

static void shrink(struct oracle *o, struct oracle_case *c)
{
    struct oracle_case t = *c;
    t.memory = 0;
    try_change(o, c, &t);
    t = *c;
    t.fpu = 0;
    case_fpu(&t);
    try_change(o, c, &t);
    for (unsigned i = 0; i < 8; i++) {
        t = *c;
        t.start.gpr[i] = 0;
        try_change(o, c, &t);
    }
    for (unsigned i = 0; i < 22; i++) {
        t = *c;
        t.start.eflags &= ~(1u << i) | 0x202;
        if (t.start.eflags != c->start.eflags)
            try_change(o, c, &t);
    }
    static const uint8_t data[5] = {0, 2, 3, 4, 5};
    for (unsigned i = 0; i < 5 && !c->code16; i++) {
        t = *c;
        t.start.seg[data[i]] = i < 3 ? SEL_DATA32 : 0;
        try_change(o, c, &t);
    }
    for (unsigned i = c->steps; c->steps > 1 && i-- > 0;) {
        t = *c;
        drop_step(&t, i);
        try_change(o, c, &t);
    }
    for (unsigned i = 0; i + 1 < c->length;) { /* needless prefixes */
        t = *c;
        memmove(t.code + i, t.code + i + 1, t.length - i - 1u);
        t.length--;
        unsigned before = c->length;
        uint8_t b = c->code[i];
        bool prefix =
            (b & 0xE7) == 0x26 || (b >= 0x64 && b < 0x68) || b == 0xF0 || b == 0xF2 || b == 0xF3;
        if (!prefix)
            break;
        try_change(o, c, &t);
        if (c->length == before)
            i++;
    }
}

static void report(struct oracle *o, const struct oracle_case *failing)
{
    struct oracle_case c = *failing;
    char why[400], text[120], line[LINE];
    shrink(o, &c);
    if (agree(o, &c, why, sizeof why))
        snprintf(why, sizeof why, "it does not fail alone");
    guest_text(o->guest, &c, text, sizeof text);
    case_print(&c, line, sizeof line);
    printf("%s: %s (vector %u at %08x on the host)\n  %s\n", text, why, o->on_host.vector,
           o->on_host.state.eip, line);
    fflush(stdout);
}

static void run(struct oracle *o, const struct oracle_case *c)
{
    enum { SECONDS_AT_MOST = 60 };
    char why[400];
    alarm(SECONDS_AT_MOST); /* a loop, on the host or in the guest, ends us */
    bool ok = agree(o, c, why, sizeof why);
    o->by_vector[o->on_host.vector < 32 ? o->on_host.vector : 32]++;
    if (ok) {
        o->passed++;
        return;
    }
    if (o->failed++ < SHOWN || o->verbose)
        report(o, c);
}

/* ---- command ---- */

static unsigned parse_sets(const char *s)
{
    unsigned sets = 0;
    if (strstr(s, "integer"))
        sets |= FORMS_INTEGER;
    if (strstr(s, "x87"))
        sets |= FORMS_X87;
    if (strstr(s, "simd"))
        sets |= FORMS_SIMD;
    if (strstr(s, "avx"))
        sets |= FORMS_AVX;
    return sets ? sets : FORMS_ALL;
}

static void replay(struct oracle *o, const char *path)
{
    char line[LINE];
    struct oracle_case c;
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "oracle: cannot read %s\n", path);
        exit(2);
    }
    while (fgets(line, sizeof line, f)) {
        if (*line == '#' || *line == '\n')
            continue;
        if (case_parse(line, &c)) {
            run(o, &c);
        } else {
            printf("not a case: %s", line);
            o->failed++;
        }
    }
    fclose(f);
}

static void vectors(const struct oracle *o)
{
    printf("ended by vector:");
    for (unsigned v = 0; v < 33; v++)
        if (o->by_vector[v])
            printf(" %u: %lu", v, o->by_vector[v]);
    printf("\n");
}

/* One CPU: its number can be read by a segment's limit. */
static void pin(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
    static struct oracle o;
    const char *why = "no memory", *file = NULL;
    uint64_t seed = 1, count = 20000, first = 0;
    unsigned sets = FORMS_ALL, steps = 1;
    bool check = true;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--verbose"))
            o.verbose = true;
        else if (!strcmp(argv[i], "--no-check"))
            check = false;
        else if (i++, !strcmp(argv[i - 1], "--seed"))
            seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[i - 1], "--count"))
            count = strtoull(value, NULL, 0);
        else if (!strcmp(argv[i - 1], "--first"))
            first = strtoull(value, NULL, 0);
        else if (!strcmp(argv[i - 1], "--sets"))
            sets = parse_sets(value);
        else if (!strcmp(argv[i - 1], "--steps"))
            steps = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[i - 1], "--replay"))
            file = value;
        else {
            fprintf(stderr, "usage: oracle [--seed N] [--first N] [--count N] [--steps N] "
                            "[--sets integer,x87,simd,avx] [--replay FILE] [--verbose] [--no-check]\n");
            return 2;
        }
    }
    pin();
    o.guest = guest_new("max", check, &why);
    o.host = o.guest ? host_new(&why) : NULL;
    if (!o.host) {
        printf("SKIP: %s\n", why);
        return 77;
    }
    if (file)
        replay(&o, file);
    for (uint64_t n = first; !file && n < first + count; n++) {
        struct oracle_case c;
        generate(seed, n, sets, steps, &c);
        run(&o, &c);
    }
    vectors(&o);
    printf("%lu passed, %lu failed\n", o.passed, o.failed);
    host_free(o.host);
    guest_free(o.guest);
    return o.failed != 0;
}
