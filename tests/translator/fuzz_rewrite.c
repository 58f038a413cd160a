/* Random bytes as guest code in random modes, translated, never run: every block must satisfy the
 * confinement checker.
 *
 * A libFuzzer target; with -DSTANDALONE a program of its own:
 *
 *     fuzz_rewrite FILE...        each file is one input
 *     fuzz_rewrite -c FILE        each line is one input, in hexadecimal (tests/fuzz/corpus)
 *     fuzz_rewrite -u FILE FOLDER those inputs as files, for libFuzzer
 *     fuzz_rewrite -n N [SEED]    N random inputs
 *     fuzz_rewrite -e MODES       every opcode with every ModRM byte and the prefixes that matter;
 *                                 MODES 0: flat 32-bit, 1: 16-bit with limits, 2: V86, 3: based
 *     fuzz_rewrite -v MODES       the same for VEX prefixes
 *
 * It goes on after a finding, prints each kind once, and exits with 1 at the end. */
#include <string.h>

#include "cpu/emulate.h"
#include "cpu/segment.h"
#include "cpu/xsave.h"
#include "tests/translator/check_rig.h"

enum { HEADER = 32, MAX_CODE = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    uint8_t model, cr0, cr4, modes, policy, link, seg_kind[6];
    uint32_t eip, base[6];
};

static void parse(const uint8_t *data, struct input *in)
{
    in->model = data[0];
    in->cr0 = data[1];
    in->cr4 = data[2];
    in->modes = data[3];
    in->policy = data[4];
    in->link = data[5];
    memcpy(in->seg_kind, data + 6, 6);
    memcpy(&in->eip, data + 12, 4);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        in->base[s] = (uint32_t)(data[16 + 2 * s] | data[17 + 2 * s] << 8) * 0x10;
}

/* Kinds of segment: flat, based, small, expand-down, read-only, unusable, not present. */
static void install(struct cpu *cpu, const struct input *in, enum seg_index seg)
{
    uint8_t k = in->seg_kind[seg];
    uint32_t type = seg == SEG_CS ? AR_CODE | AR_READABLE : AR_WRITABLE;
    struct segment s = {.base = 0, .limit = 0xFFFFFFFF, .usable = 1,
                        .access = AR_P | AR_S | AR_ACCESSED | AR_G | type};
    if (k & 0x80)
        s.access |= AR_DB;
    switch (k & 7) {
    case 0:
    case 1:
        break;
    case 2:
        s.base = in->base[seg];
        break;
    case 3:
    case 4:
        s.base = in->base[seg];
        s.limit = 0xFFFF;
        break;
    case 5:
        s.access = seg == SEG_CS ? s.access & ~(uint32_t)AR_READABLE : s.access | AR_EXPAND_DOWN;
        s.limit = 0xFFF;
        break;
    case 6:
        s.access = seg == SEG_CS ? s.access : s.access & ~(uint32_t)AR_WRITABLE;
        break;
    default:
        s.usable = seg == SEG_CS || seg == SEG_SS;
        break;
    }
    cpu_install_segment(cpu, seg, &s);
}

/* The CPU's state of IN; its EIP is where the code is to stand. Returns more mode bits. */
static uint32_t set_up(struct check_rig *r, const struct input *in)
{
    static const char *const models[] = {"486",      "pentium", "pentium2", "pentium3",
                                         "pentium4", "core2",   "max",      "max"};
    struct cpu *cpu = r->cpu;
    cpu_reset(cpu);
    cpu->model = cpu_model_find(models[in->model & 7]);
    cpu->cr0 |= in->cr0 & (CR0_MP | CR0_EM | CR0_TS);
    cpu->cr4 = (in->cr4 & 1 ? CR4_OSFXSR : 0) | (in->cr4 & 2 ? CR4_OSXSAVE : 0);
    cpu->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
    cpu_xsave_changed(cpu);
    if (in->modes & 1)
        cpu->cr0 |= CR0_PE;
    cpu_set_eflags(cpu, (in->modes & 3) == 3 ? FLAG_VM : (in->modes & 4 ? FLAG_IOPL : 0));
    cpu_set_cpl(cpu, (in->modes & 3) == 3 ? 3 : in->modes & 1 ? in->modes >> 3 & 3 : 0);
    for (unsigned s = 0; s < SEG_COUNT; s++)
        install(cpu, in, (enum seg_index)s);
    cpu_refresh_checks(cpu);
    cpu->eip = in->eip % (cpu->seg[SEG_CS].limit < 0x10000 ? cpu->seg[SEG_CS].limit + 1 : 0x80000);
    return (in->modes & 0x20 ? MODE_ONE : 0) | ((in->modes & 0xC0) == 0xC0 ? MODE_WATCH : 0);
}

static void set_policies(struct check_rig *r, const struct input *in, uint32_t lin, size_t size)
{
    memset(r->t->policy, 0, sizeof *r->t->policy << POLICY_BITS);
    if (in->policy & 0xC0)
        return;
    for (size_t i = 0; i < size; i++) {
        enum site_policy p = in->policy & 1 ? SITE_GS : SITE_SLOW;
        if ((i * 2654435761u >> 7 & 7) == (in->policy >> 1 & 7u)) {
            policy_hit(r->t, lin + (uint32_t)i, p);
            policy_hit(r->t, lin + (uint32_t)i, p);
        }
    }
}

/* Is the block confined, unlinked and with its exits linked? WHY (of N bytes) otherwise. */
static bool confined(struct check_rig *r, const struct input *in, struct tb *tb, char *why,
                     unsigned n)
{
    if (!check_block(r->t, tb, why, n))
        return false;
    struct tb *last = &r->t->tbs[1 + in->link % (r->t->tb_count - 1)];
    for (unsigned s = 0; s < TB_SLOTS; s++)
        cache_link(r->t, tb, s, s ? tb : last);
    return check_block(r->t, tb, why, n);
}

/* True when the input's block is confined, or there is none. */
static bool one_input(struct check_rig *r, const uint8_t *data, size_t size, char *why, unsigned n)
{
    struct input in;
    if (size <= HEADER)
        return true;
    parse(data, &in);
    size = size - HEADER < MAX_CODE ? size - HEADER : MAX_CODE;
    uint32_t more = set_up(r, &in), lin = r->cpu->seg[SEG_CS].base + r->cpu->eip;
    lin &= RIG_RAM - 1;
    phys_write(r->phys, lin, data + HEADER, (uint32_t)size);
    set_policies(r, &in, lin, size);
    struct tb *tb = check_rig_block(r, more);
    if (!tb || confined(r, &in, tb, why, n))
        return true;
    cache_flush(r->t);
    return false;
}

/* libFuzzer calls with nothing but bytes: the one thing that outlives a call. */
static struct check_rig *the_rig(void)
{
    static struct check_rig rig;
    if (!rig.t)
        check_rig_new(&rig);
    return &rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[200];
    if (one_input(the_rig(), data, size, why, sizeof why))
        return 0;
    fprintf(stderr, "not confined: %s\n", why);
    abort();
}

#ifdef STANDALONE

enum { KINDS = 256 };

struct findings {
    char kind[KINDS][64];
    unsigned count;
    unsigned long total;
};

/* Findings are the same when mnemonic and reason are. */
static void record(struct findings *f, const char *why, const uint8_t *data)
{
    char kind[64];
    const char *text = strchr(why, '`'), *reason = strchr(why, '\'');
    text = text ? text + 1 : why;
    snprintf(kind, sizeof kind, "%.*s%s", text == why ? 0 : (int)strcspn(text, " '"), text,
             reason ? reason + 1 : why);
    for (char *p = kind; *p; p++)
        if (*p >= '0' && *p <= '9')
            *p = '#';
    f->total++;
    for (unsigned i = 0; i < f->count; i++)
        if (!strcmp(f->kind[i], kind))
            return;
    if (f->count < KINDS)
        memcpy(f->kind[f->count++], kind, sizeof kind);
    printf("%s\n    modes %02x segments", why, data[3]);
    for (unsigned i = 0; i < 6; i++)
        printf(" %02x", data[6 + i]);
    printf(" code");
    for (unsigned i = 0; i < 16; i++)
        printf(" %02x", data[HEADER + i]);
    printf("\n");
    fflush(stdout);
}

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Half of the inputs repeat one short pattern, so that blocks get long; some favour 0F, or VEX. */
static size_t random_input(uint64_t *seed, uint8_t *data)
{
    size_t size = HEADER + 16 + next_random(seed) % 400;
    uint64_t style = next_random(seed);
    unsigned period = style & 1 ? 1 + (unsigned)(style >> 8 & 15) : 0xFFFF;
    for (size_t i = 0; i < size; i++) {
        uint64_t r = next_random(seed);
        data[i] = (uint8_t)(r >> 16);
        if (i >= HEADER + period)
            data[i] = data[i - period];
        else if (i >= HEADER && (style & 2) && (r & 3) == 0)
            data[i] = style & 4 ? 0xC4 | (uint8_t)(r >> 32 & 1) : 0x0F;
        else if (i > HEADER && (style & 2) && (data[i - 1] & 0xFE) == 0xC4)
            data[i] |= 0xC0;
    }
    return size;
}

static void run_file(struct check_rig *r, const char *path, struct findings *f)
{
    uint8_t data[HEADER + MAX_CODE] = {0};
    char why[200];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "fuzz_rewrite: cannot read %s\n", path);
        exit(2);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    if (!one_input(r, data, size, why, sizeof why))
        record(f, why, data);
}

/* The inputs of a corpus, one a line; each to EACH. */
static void read_corpus(const char *path, void (*each)(void *, const uint8_t *, size_t),
                        void *opaque)
{
    char line[2 * (HEADER + MAX_CODE) + 2];
    uint8_t data[HEADER + MAX_CODE];
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "fuzz_rewrite: cannot read %s\n", path);
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        size_t size = 0;
        for (unsigned byte; size < sizeof data && sscanf(line + 2 * size, "%2x", &byte) == 1;
             size++)
            data[size] = (uint8_t)byte;
        each(opaque, data, size);
    }
    fclose(file);
}

struct corpus_run {
    struct check_rig *rig;
    struct findings *findings;
};

static void try_input(void *opaque, const uint8_t *data, size_t size)
{
    struct corpus_run *run = opaque;
    char why[200];
    if (!one_input(run->rig, data, size, why, sizeof why))
        record(run->findings, why, data);
}

struct unpacking {
    const char *folder;
    unsigned count;
};

static void write_input(void *opaque, const uint8_t *data, size_t size)
{
    struct unpacking *u = opaque;
    char path[512];
    snprintf(path, sizeof path, "%s/%u", u->folder, u->count++);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "fuzz_rewrite: cannot write %s\n", path);
        exit(2);
    }
}

static void run_random(struct check_rig *r, unsigned long rounds, uint64_t seed,
                       struct findings *f)
{
    uint8_t data[HEADER + MAX_CODE] = {0};
    char why[200];
    seed = seed * 0x9E3779B97F4A7C15u + 1;
    for (unsigned long i = 0; i < rounds; i++) {
        size_t size = random_input(&seed, data);
        if (!one_input(r, data, size, why, sizeof why))
            record(f, why, data);
    }
}

/* Header of an input for enumeration: ring 0, everything but what MODES asks for flat. */
static void enumeration_mode(unsigned modes, uint8_t *data)
{
    static const uint8_t cr0[4] = {1, 0, 3, 1}, segment[4] = {0x80, 3, 3, 0x82};
    memset(data, 0, HEADER);
    data[0] = 6; /* every feature */
    data[2] = 3;
    data[3] = cr0[modes & 3];
    data[4] = 0xFF;
    memset(data + 6, segment[modes & 3], 6);
    memset(data + 16, 0x12, 12);
}

static void run_all(struct check_rig *r, unsigned modes, struct findings *f)
{
    static const uint8_t prefixes[8][2] = {{0x3E, 0x3E}, {0x3E, 0x66}, {0x3E, 0xF2}, {0x3E, 0xF3},
                                           {0x66, 0xF2}, {0x66, 0xF3}, {0x3E, 0x67}, {0x66, 0x67}};
    static const uint8_t maps[4][2] = {{0x3E}, {0x0F}, {0x0F, 0x38}, {0x0F, 0x3A}};
    uint8_t data[HEADER + 16];
    char why[200];
    enumeration_mode(modes, data);
    for (uint32_t i = 0; i < 8u << 18; i++) {
        unsigned map = i >> 16 & 3, n = HEADER + 2;
        memcpy(data + HEADER, prefixes[i >> 18], 2);
        data[n++] = maps[map][0];
        if (map >= 2)
            data[n++] = maps[map][1];
        data[n++] = (uint8_t)(i >> 8);
        data[n++] = (uint8_t)i;
        memset(data + n, 0x24, sizeof data - n);
        data[n + 6] = 0xF4; /* HLT ends most blocks */
        if (!one_input(r, data, sizeof data, why, sizeof why))
            record(f, why, data);
    }
}

/* Every opcode of the three maps with every ModRM byte, VEX.pp, L and W. */
static void run_vex(struct check_rig *r, unsigned modes, struct findings *f)
{
    uint8_t data[HEADER + 16];
    char why[200];
    enumeration_mode(modes, data);
    for (uint32_t i = 0; i < 3u << 20; i++) {
        uint8_t *code = data + HEADER;
        memset(code, 0x24, sizeof data - HEADER);
        code[0] = 0xC4;
        code[1] = (uint8_t)(0xE1 + (i >> 20));
        code[2] = (uint8_t)((i >> 12 & 0x80) | (i >> 16 & 7) | (i * 2654435761u >> 30 ? 0x68 : 0x78));
        code[3] = (uint8_t)(i >> 8);
        code[4] = (uint8_t)i;
        code[12] = 0xF4;
        if (!one_input(r, data, sizeof data, why, sizeof why))
            record(f, why, data);
    }
}

int main(int argc, char **argv)
{
    struct findings f = {.count = 0};
    struct check_rig *r = the_rig();
    if (argc > 2 && !strcmp(argv[1], "-n"))
        run_random(r, strtoul(argv[2], NULL, 0), argc > 3 ? strtoull(argv[3], NULL, 0) : 1, &f);
    else if (argc > 2 && !strcmp(argv[1], "-c"))
        read_corpus(argv[2], try_input, &(struct corpus_run){r, &f});
    else if (argc > 3 && !strcmp(argv[1], "-u"))
        read_corpus(argv[2], write_input, &(struct unpacking){argv[3], 0});
    else if (argc > 2 && !strcmp(argv[1], "-e"))
        run_all(r, (unsigned)atoi(argv[2]), &f);
    else if (argc > 2 && !strcmp(argv[1], "-v"))
        run_vex(r, (unsigned)atoi(argv[2]), &f);
    else
        for (int i = 1; i < argc; i++)
            run_file(r, argv[i], &f);
    printf("%llu blocks, %llu instructions; %lu not confined, %u kinds\n",
           (unsigned long long)r->t->stats.blocks, (unsigned long long)r->t->stats.insns, f.total,
           f.count);
    check_rig_free(r);
    return f.total != 0;
}

#endif
