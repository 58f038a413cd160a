/* Single-instruction tests captured from a real CPU, taken through the translator twice: cold, and
 * again from the cache.
 *
 *     cputests [-v] [-o OPCODE] FILE.tsv[.gz]
 *
 * The format is described beside the files: one test a line, tab-separated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cpu/emulate.h"
#include "hardware/differences.h"
#include "ringer/error.h"
#include "translator/translator.h"

enum { MAX_BYTES = 256, REGS = 14, RAM = 16 << 20, R_FLAGS = 13, R_IP = 12 };

/* Order of the registers in the files. */
static const char *const reg_names[REGS] = {"ax", "bx", "cx", "dx", "cs", "ss",   "ds",
                                            "es", "sp", "bp", "si", "di", "ip", "flags"};
static const int8_t reg_gpr[REGS] = {EAX, EBX, ECX, EDX, -1, -1, -1, -1, ESP, EBP, ESI, EDI, -1, -1};
static const int8_t reg_seg[REGS] = {-1, -1, -1, -1, SEG_CS, SEG_SS, SEG_DS, SEG_ES, -1, -1, -1,
                                     -1, -1, -1};

struct bytes {
    unsigned count;
    uint32_t address[MAX_BYTES];
    uint8_t value[MAX_BYTES];
};

struct test {
    char opcode[16], text[80];
    uint16_t initial[REGS], final[REGS];
    struct bytes before, after;
    int vector;           /* -1: none */
    uint32_t flags_image; /* where the exception pushed the flags */
};

struct bench {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *translator;
    bool verbose;
    unsigned long passed, failed, excused;
};

/* ---- parsing ---- */

static void parse_bytes(const char *s, struct bytes *b)
{
    unsigned address, value;
    int n;
    b->count = 0;
    while (b->count < MAX_BYTES && sscanf(s, " %x:%x%n", &address, &value, &n) == 2) {
        b->address[b->count] = address;
        b->value[b->count++] = (uint8_t)value;
        s += n;
    }
}

static void parse_final(const char *s, struct test *t)
{
    char name[8];
    unsigned value;
    int n;
    memcpy(t->final, t->initial, sizeof t->final);
    while (sscanf(s, " %7[a-z]=%x%n", name, &value, &n) == 2) {
        for (int i = 0; i < REGS; i++)
            if (!strcmp(name, reg_names[i]))
                t->final[i] = (uint16_t)value;
        s += n;
    }
}

static bool parse_line(char *line, struct test *t)
{
    char *field[8] = {0};
    int n = 0, at = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *p = line; p && n < 8; n++) {
        field[n] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = 0;
    }
    if (n < 6)
        return false;
    snprintf(t->opcode, sizeof t->opcode, "%s", field[0]);
    snprintf(t->text, sizeof t->text, "%s", field[1]);
    const char *p = field[3];
    for (int i = 0; i < REGS; i++, p += at) {
        unsigned v;
        if (sscanf(p, " %x%n", &v, &at) != 1)
            return false;
        t->initial[i] = (uint16_t)v;
    }
    parse_bytes(field[4], &t->before);
    parse_final(field[5], t);
    parse_bytes(n > 6 ? field[6] : "", &t->after);
    unsigned vector, image;
    t->vector = -1;
    t->flags_image = ~0u;
    if (n > 7 && sscanf(field[7], "%u@%x", &vector, &image) == 2) {
        t->vector = (int)vector;
        t->flags_image = image;
    }
    return true;
}

/* ---- running ---- */

static uint32_t port_in(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    return size == 1 ? 0xFF : size == 2 ? 0xFFFF : 0xFFFFFFFF;
}

static void port_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)value;
    (void)size;
}

static int no_interrupt(void *opaque)
{
    (void)opaque;
    return -1;
}

static uint64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static void no_ferr(void *opaque, bool level)
{
    (void)opaque;
    (void)level;
}

static bool bench_new(struct bench *b, struct error *err)
{
    static const struct cpu_wires wires = {NULL, port_in, port_out, no_interrupt, no_time, no_ferr};
    struct translator_options options = {.check = true};
    uint8_t *alias;
    b->phys = phys_new(RAM, NULL, err);
    if (!b->phys || phys_map_ram(b->phys, "upper memory", 0xA0000, 0x60000, &alias) < 0)
        return false;
    b->mmu = mmu_new(b->phys, NULL, 0, err);
    if (!b->mmu)
        return false;
    b->cpu = cpu_new(b->mmu, b->phys, NULL, cpu_model_find("486"), &wires, err);
    if (!b->cpu)
        return false;
    b->translator = translator_new(b->cpu, NULL, &options, err);
    return b->translator && translator_attach(b->translator, err);
}

/* Only what differs is written, so that blocks made of unchanged bytes stay. */
static void poke(struct bench *b, const struct bytes *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        uint8_t now;
        phys_read(b->phys, list->address[i], &now, 1);
        if (now != list->value[i])
            phys_write(b->phys, list->address[i], &list->value[i], 1);
    }
}

static void load_state(struct bench *b, const struct test *t)
{
    struct cpu *cpu = b->cpu;
    cpu_reset(cpu);
    for (int i = 0; i < REGS; i++) {
        if (reg_gpr[i] >= 0)
            cpu->gpr[reg_gpr[i]] = t->initial[i];
        if (reg_seg[i] >= 0)
            cpu_set_real_segment(cpu, (enum seg_index)reg_seg[i], t->initial[i], false);
    }
    cpu->eip = t->initial[R_IP];
    cpu_set_eflags(cpu, (t->initial[R_FLAGS] & 0x0FFF) | 2);
    poke(b, &t->before);
}

static uint16_t read_reg(const struct cpu *cpu, int i)
{
    if (reg_gpr[i] >= 0)
        return (uint16_t)cpu->gpr[reg_gpr[i]];
    if (reg_seg[i] >= 0)
        return cpu->seg[reg_seg[i]].selector;
    return i == R_IP ? (uint16_t)cpu->eip : (uint16_t)cpu_eflags(cpu);
}

/* Compare; the first difference is described in WHY. */
static bool compare(struct bench *b, const struct test *t, char *why, unsigned n)
{
    uint16_t undefined = undefined_flags(t->opcode, t->text, t->initial[2] /* cx */) | 0xF000;
    for (int i = 0; i < REGS; i++) {
        uint16_t mask = i == R_FLAGS ? (uint16_t)~undefined : 0xFFFF;
        uint16_t is = read_reg(b->cpu, i) & mask, want = t->final[i] & mask;
        if (is != want) {
            snprintf(why, n, "%s is %04x, not %04x", reg_names[i], is, want);
            return false;
        }
    }
    for (unsigned i = 0; i < t->after.count; i++) {
        uint8_t is, mask = 0xFF;
        uint32_t a = t->after.address[i];
        if (a == t->flags_image)
            mask = (uint8_t)~undefined;
        else if (a == t->flags_image + 1)
            mask = (uint8_t)(~undefined >> 8);
        phys_read(b->phys, a, &is, 1);
        if ((is & mask) != (t->after.value[i] & mask)) {
            snprintf(why, n, "byte %06x is %02x, not %02x", a, is, t->after.value[i]);
            return false;
        }
    }
    return true;
}

static bool run_once(struct bench *b, const struct test *t, char *why, unsigned n)
{
    load_state(b, t);
    enum run_exit e = translator_run(b->translator);
    if (e != RUN_HALT) {
        snprintf(why, n, "ended by %s", e == RUN_SHUTDOWN ? "shutdown" : "event");
        return false;
    }
    return compare(b, t, why, n);
}

static void run_test(struct bench *b, const struct test *t)
{
    char why[80];
    for (int pass = 0; pass < 2; pass++) {
        if (run_once(b, t, why, sizeof why))
            continue;
        if (excused(t->opcode, t->text, t->vector)) {
            b->excused++;
            return;
        }
        b->failed++;
        if (b->verbose)
            printf("%s %s (%s): %s\n", t->opcode, t->text, pass ? "cached" : "cold", why);
        return;
    }
    b->passed++;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct error err;
    const char *only = NULL;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-v"))
            b.verbose = true;
        else if (!strcmp(argv[i], "-o") && i + 1 < argc)
            only = argv[++i];
    }
    gzFile f = i < argc ? gzopen(argv[i], "r") : NULL;
    if (!f) {
        fprintf(stderr, "cputests: cannot read %s; usage: cputests [-v] [-o OPCODE] FILE.tsv[.gz]\n",
                i < argc ? argv[i] : "nothing");
        return 2;
    }
    if (!bench_new(&b, &err)) {
        fprintf(stderr, "cputests: %s\n", err.text);
        return 2;
    }
    static char line[16384];
    struct test t;
    while (gzgets(f, line, sizeof line))
        if (*line != '#' && parse_line(line, &t) && (!only || !strcmp(only, t.opcode)))
            run_test(&b, &t);
    gzclose(f);
    if (b.excused)
        printf("%lu excused by the table of differences\n", b.excused);
    printf("%lu passed, %lu failed\n", b.passed, b.failed);
    return b.failed != 0;
}
