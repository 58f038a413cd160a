/* What lock-step found, in words. */
#include <stdarg.h>
#include <stdio.h>

#include "translator/verify.h"

enum { HISTORY = 8 };

struct output {
    void (*line)(void *, const char *);
    void *opaque;
};

static void say(const struct output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct output *out, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out->line(out->opaque, text);
}

static void say_state(const struct output *out, const char *name, const struct verify_state *s)
{
    const uint32_t *r = s->gpr;
    say(out, "%-11s EAX=%08x EBX=%08x ECX=%08x EDX=%08x ESI=%08x EDI=%08x EBP=%08x ESP=%08x", name,
        r[EAX], r[EBX], r[ECX], r[EDX], r[ESI], r[EDI], r[EBP], r[ESP]);
    say(out, "            EIP=%08x EFL=%08x", s->eip, s->flags | s->iflag | s->flags_sys);
}

static void say_number(const struct output *out, const char *name, uint32_t want, uint32_t got)
{
    if (want != got)
        say(out, "    %s: translated %08x, one by one %08x", name, got, want);
}

static void say_bytes(const struct output *out, const char *name, const uint8_t *want,
                      const uint8_t *got, unsigned n)
{
    char a[2 * 16 + 1], b[2 * 16 + 1];
    if (!memcmp(want, got, n))
        return;
    for (unsigned i = 0; i < n; i++) { /* most significant first */
        snprintf(a + 2 * i, 3, "%02x", got[n - 1 - i]);
        snprintf(b + 2 * i, 3, "%02x", want[n - 1 - i]);
    }
    say(out, "    %s: translated %s, one by one %s", name, a, b);
}

/* WANT and GOT: FXSAVE images, and upper halves of YMM registers. */
static void say_fpu(const struct output *out, const uint8_t *want, const uint8_t *got,
                    const uint8_t *want_high, const uint8_t *got_high)
{
    char name[16];
    say_bytes(out, "FCW", want, got, 2);
    say_bytes(out, "FSW", want + 2, got + 2, 2);
    say_bytes(out, "x87 tags", want + 4, got + 4, 1);
    say_bytes(out, "MXCSR", want + 24, got + 24, 4);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "ST%u", i);
        say_bytes(out, name, want + 32 + 16 * i, got + 32 + 16 * i, 10);
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "XMM%u", i);
        say_bytes(out, name, want + 160 + 16 * i, got + 160 + 16 * i, 16);
        snprintf(name, sizeof name, "YMM%u high", i);
        say_bytes(out, name, want_high + 16 * i, got_high + 16 * i, 16);
    }
}

static void say_differences(const struct output *out, const struct verify *v)
{
    static const char *const names[8] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    static const char *const segments[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    for (unsigned i = 0; i < 8; i++)
        say_number(out, names[i], v->want.gpr[i], v->got.gpr[i]);
    say_number(out, "EIP", v->want.eip, v->got.eip);
    say_number(out, "EFLAGS", v->want.flags | v->want.iflag | v->want.flags_sys,
               v->got.flags | v->got.iflag | v->got.flags_sys);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%s selector", segments[i]);
        say_number(out, name, v->want.selector[i], v->got.selector[i]);
        snprintf(name, sizeof name, "%s base", segments[i]);
        say_number(out, name, v->want.base[i], v->got.base[i]);
    }
    say_fpu(out, v->want.fpu, v->got.fpu, v->want.ymm, v->got.ymm);
    for (unsigned i = 0; i < v->memory_count; i++)
        say(out, "    memory %08x: translated %02x, one by one %02x", v->memory[i].pa,
            v->memory[i].got, v->memory[i].want);
}

void translator_describe_divergence(struct translator *t, void (*line)(void *, const char *),
                                    void *opaque)
{
    const struct output out = {line, opaque};
    const struct verify *v = t->verify;
    if (!v || !t->diverged)
        return;
    const struct tb *tb = &t->tbs[v->tb];
    say(&out, "verify: block %08x, after %u of its %u instructions: %s", tb->eip, v->insn,
        tb->insns, v->what);
    say_differences(&out, v);
    say_state(&out, "before", &v->before[0]);
    say_state(&out, "translated", &v->got);
    say_state(&out, "one by one", &v->want);
    dump_block(t, tb, true, line, opaque);
    say(&out, "entered last, newest first:");
    translator_describe_recent(t, HISTORY, line, opaque);
}
