/* Single-instruction tests captured from a real CPU, taken through the translator twice: cold, and
 * again from the cache.
 *
 *     cputests [-v] [-o OPCODE] FILE.tsv[.gz]
 *
 * One test a line; case.c has the format, differences.c what a later CPU does differently. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "cpu/emulate.h"
#include "hardware/differences.h"
#include "ringer/error.h"
#include "translator/translator.h"

/* BACKGROUND is a HLT: whatever goes astray ends at once. */
enum { RAM = 16 << 20, BACKGROUND = 0xF4, NEAR_STACK = 16 };

static const int8_t reg_gpr[HW_REGS] = {EAX, EBX, ECX, EDX, -1,  -1, -1,
                                        -1,  ESP, EBP, ESI, EDI, -1, -1};
static const int8_t reg_seg[HW_REGS] = {-1,     -1, -1, -1, SEG_CS, SEG_SS, SEG_DS,
                                        SEG_ES, -1, -1, -1, -1,     -1,     -1};

struct bench {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *translator;
    bool verbose;
    unsigned long passed, failed, by_rule[DIFFERENCES];
};

/* ---- the machine ---- */

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

/* What memory holds where a test says nothing: handlers' addresses, and HLT. */
static uint8_t background(uint32_t address)
{
    if (address >= 1024 || (address & 2) == 0)
        return address >= 1024 ? BACKGROUND : 0;
    uint16_t segment = (uint16_t)(HANDLER_SEGMENT + address / 4);
    return (uint8_t)(address & 1 ? segment >> 8 : segment);
}

static bool bench_new(struct bench *b, struct error *err)
{
    static const struct cpu_wires wires = {
        .in = port_in, .out = port_out, .intack = no_interrupt, .tsc = no_time, .ferr = no_ferr};
    struct translator_options options = {.check = true};
    uint8_t *alias, page[4096];
    b->phys = phys_new(RAM, NULL, err);
    if (!b->phys || phys_map_ram(b->phys, "upper memory", 0xA0000, 0x60000, &alias) < 0)
        return false;
    for (uint32_t a = 0; a < 0x111000; a += sizeof page) {
        for (uint32_t i = 0; i < sizeof page; i++)
            page[i] = background(a + i);
        phys_write(b->phys, a, page, sizeof page);
    }
    b->mmu = mmu_new(b->phys, NULL, 0, err);
    if (!b->mmu)
        return false;
    b->cpu = cpu_new(b->mmu, b->phys, NULL, cpu_model_find("486"), &wires, err);
    if (!b->cpu)
        return false;
    b->translator = translator_new(b->cpu, NULL, &options, err);
    return b->translator && translator_attach(b->translator, err);
}

static void bench_free(struct bench *b)
{
    translator_free(b->translator);
    cpu_free(b->cpu);
    mmu_free(b->mmu);
    phys_free(b->phys);
}

static uint8_t peek(struct bench *b, uint32_t address)
{
    uint8_t value;
    phys_read(b->phys, address, &value, 1);
    return value;
}

/* Only what differs is written, so that blocks made of unchanged bytes stay. */
static void poke(struct bench *b, uint32_t address, uint8_t value)
{
    if (peek(b, address) != value)
        phys_write(b->phys, address, &value, 1);
}

static void poke_list(struct bench *b, const struct hw_bytes *list)
{
    for (unsigned i = 0; i < list->count; i++)
        poke(b, list->address[i], list->value[i]);
}

static void wipe_list(struct bench *b, const struct hw_bytes *list)
{
    for (unsigned i = 0; i < list->count; i++)
        poke(b, list->address[i], background(list->address[i]));
}

static void wipe_stack(struct bench *b, const struct hw_case *c)
{
    for (unsigned i = 0; i < NEAR_STACK; i++) {
        uint32_t a = hw_address(c->initial[HW_SS], c->initial[HW_SP] - 1u - i);
        poke(b, a, background(a));
    }
}

static void load_state(struct bench *b, const struct hw_case *c)
{
    struct cpu *cpu = b->cpu;
    cpu_reset(cpu);
    for (int i = 0; i < HW_REGS; i++) {
        if (reg_gpr[i] >= 0)
            cpu->gpr[reg_gpr[i]] = c->initial[i];
        if (reg_seg[i] >= 0)
            cpu_set_real_segment(cpu, (enum seg_index)reg_seg[i], c->initial[i], false);
    }
    cpu->eip = c->initial[HW_IP];
    cpu_set_eflags(cpu, (c->initial[HW_FLAGS] & 0x0FFF) | 2);
    wipe_stack(b, c);
    wipe_list(b, &c->after);
    poke_list(b, &c->before);
}

static uint16_t read_reg(const struct cpu *cpu, int i)
{
    if (reg_gpr[i] >= 0)
        return (uint16_t)cpu->gpr[reg_gpr[i]];
    if (reg_seg[i] >= 0)
        return cpu->seg[reg_seg[i]].selector;
    return i == HW_IP ? (uint16_t)cpu->eip : (uint16_t)cpu_eflags(cpu);
}

/* ---- comparing: the first difference is described in WHY ---- */

static bool compare_regs(struct bench *b, const struct hw_case *c, uint16_t undefined, char *why,
                         unsigned n)
{
    for (int i = 0; i < HW_REGS; i++) {
        uint16_t mask = i == HW_FLAGS ? (uint16_t)~undefined : 0xFFFF;
        uint16_t is = read_reg(b->cpu, i) & mask, want = c->final[i] & mask;
        if (is != want && !(c->free_regs >> i & 1)) {
            snprintf(why, n, "%s is %04x, not %04x", hw_reg_names[i], is, want);
            return false;
        }
    }
    return true;
}

static bool compare_byte(struct bench *b, uint32_t address, uint8_t want, uint8_t mask, char *why,
                         unsigned n)
{
    uint8_t is = peek(b, address);
    if ((is & mask) == (want & mask))
        return true;
    snprintf(why, n, "byte %06x is %02x, not %02x", address, is, want);
    return false;
}

/* What changed, and what must not have. */
static bool compare_memory(struct bench *b, const struct hw_case *c, uint16_t undefined, char *why,
                           unsigned n)
{
    uint32_t image = hw_address(c->final[HW_SS], c->final[HW_SP] + 4u);
    for (unsigned i = 0; i < c->after.count; i++) {
        uint32_t a = c->after.address[i];
        uint8_t mask = 0xFF;
        if (c->vector >= 0 && a - image < 2)
            mask = (uint8_t)(~undefined >> 8 * (a - image));
        if (!compare_byte(b, a, c->after.value[i], mask, why, n))
            return false;
    }
    for (unsigned i = 0; i < c->before.count; i++) {
        uint32_t a = c->before.address[i];
        if (!hw_listed(&c->after, a) && /* else it was seen above */
            !compare_byte(b, a, c->before.value[i], 0xFF, why, n))
            return false;
    }
    return true;
}

static bool run_once(struct bench *b, const struct hw_case *c, const struct hw_case *expect,
                     char *why, unsigned n)
{
    uint16_t undefined = undefined_flags(c) | 0xF000;
    load_state(b, c);
    enum run_exit e = translator_run(b->translator);
    if (expect->anything_else) {
        snprintf(why, n, "ended as the captured CPU did");
        return b->cpu->seg[SEG_CS].selector != c->final[HW_CS] ||
               (uint16_t)b->cpu->eip != c->final[HW_IP];
    }
    if (e != (expect->shutdown ? RUN_SHUTDOWN : RUN_HALT)) {
        snprintf(why, n, "ended by %s", e == RUN_SHUTDOWN ? "shutdown" : "event");
        return false;
    }
    if (expect->shutdown)
        return true;
    return compare_regs(b, expect, undefined, why, n) &&
           (expect->free_memory || compare_memory(b, expect, undefined, why, n));
}

static bool run_twice(struct bench *b, const struct hw_case *c, const struct hw_case *expect,
                      char *why, unsigned n)
{
    char text[80];
    for (int pass = 0; pass < 2; pass++) {
        if (run_once(b, c, expect, text, sizeof text))
            continue;
        snprintf(why, n, "%s (%s)", text, pass ? "cached" : "cold");
        return false;
    }
    return true;
}

static void run_case(struct bench *b, const struct hw_case *c)
{
    char why[100], other[100];
    bool ok = run_twice(b, c, c, why, sizeof why);
    for (unsigned i = 0; i < DIFFERENCES && !ok; i++) {
        struct hw_case expect = *c;
        if (!differences[i].applies(&expect))
            continue;
        ok = run_twice(b, c, &expect, other, sizeof other);
        if (ok)
            b->by_rule[i]++;
        else if (b->verbose)
            printf("  %s: %s\n", differences[i].name, other);
    }
    if (ok)
        b->passed++;
    else
        b->failed++;
    if (!ok && b->verbose)
        printf("%s %s: %s\n", c->opcode, c->text, why);
    wipe_list(b, &c->before);
    wipe_list(b, &c->after);
    wipe_stack(b, c);
}

static void summary(const struct bench *b)
{
    for (unsigned i = 0; i < DIFFERENCES; i++)
        if (b->by_rule[i])
            printf("%6lu as a 386 does it: %s: %s\n", b->by_rule[i], differences[i].name,
                   differences[i].reason);
    printf("%lu passed, %lu failed\n", b->passed, b->failed);
}

static int usage(const char *what, const char *name)
{
    fprintf(stderr, "cputests: %s%s; usage: cputests [-v] [-o OPCODE] FILE.tsv[.gz]\n", what, name);
    return 2;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct error err;
    struct stat st;
    const char *only = NULL;
    char line[65536];
    int i = 1, gz_error = Z_OK;
    unsigned long tests = 0;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-v"))
            b.verbose = true;
        else if (!strcmp(argv[i], "-o") && i + 1 < argc)
            only = argv[++i];
        else
            return usage("no such option: ", argv[i]);
    }
    if (i + 1 != argc)
        return usage("one file of tests is wanted", "");
    gzFile f = gzopen(argv[i], "r");
    if (!f || (!stat(argv[i], &st) && S_ISDIR(st.st_mode)))
        return usage("cannot read ", argv[i]);
    if (!bench_new(&b, &err)) {
        fprintf(stderr, "cputests: %s\n", err.text);
        return 2;
    }
    struct hw_case c;
    while (gzgets(f, line, sizeof line)) {
        if (*line == '#' || *line == '\n')
            continue;
        tests += !only;
        if (!hw_case_parse(line, &c)) {
            printf("not a test: %.60s\n", line);
            b.failed++;
        } else if (!only || !strcmp(only, c.opcode)) {
            tests += only != NULL;
            run_case(&b, &c);
        }
    }
    const char *why = gzerror(f, &gz_error);
    if (gz_error != Z_OK) {
        printf("%s; the file is damaged or cut off\n", why); /* it names the file */
        b.failed++;
    } else if (!tests) {
        printf("%s holds no test%s%s\n", argv[i], only ? " of opcode " : "", only ? only : "");
        b.failed++;
    }
    gzclose(f);
    summary(&b);
    bench_free(&b);
    return b.failed != 0;
}
