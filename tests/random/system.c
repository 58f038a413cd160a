/* Random programs of system code: rings, segments, page tables, code that changes itself, kept up
 * by tests/random/runtime.S.  Each is run as it is, one instruction a block, kicked all the time
 * and in lock-step; the log of registers and memory must be the same.  Code that changes itself may
 * become a loop without end: such a program must not end in any way, with the same log.
 *
 *   random_system RUNTIME [--seed N] [--count N]
 *   random_system RUNTIME --seed N --image FILE     the program alone, for other emulators, which
 *                                                   write their log to port E9h
 *   random_system RUNTIME --seed N --dump           the log, as it is
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mmu/phys.h"
#include "tests/random/pieces.h"
#include "tests/translator/kicker.h"
#include "tests/translator/rig.h"
#include "translator/internal.h"

enum { PIECES = 512, ROUNDS = 3, LOG_AT = 0x200000, COMPARED = 0x400000 };
enum { KICK_NS = 100000, WATCH_NS = 5000000 };
enum { IMAGE_BYTES = PIECES_AT - RIG_CODE + PIECES * PIECE_BYTES + PIECES };
enum { PARAMETERS = 8 }; /* offset of COUNT, ROUNDS, PRINT, KINDS */
/* Seconds of processor time: programs end within one, but in lock-step on a slow host.  What runs
 * this long is endless, and one that ended as it is must end in the other ways before HANGS. */
enum { ENDLESS = 5, HANGS = 300 };

/* What the runtime writes at the end of each piece. */
struct event {
    uint32_t piece, ds, es, fs, gs, cr2, cr0, tr;
    uint32_t edi, esi, ebp, esp0, ebx, edx, ecx, eax;
    uint32_t vector, error, eip, cs, eflags, esp, ss, dr6;
};

struct program {
    uint8_t image[IMAGE_BYTES];
    uint64_t seed;
};

static void set32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void make(struct program *prog, const char *runtime, uint64_t seed, bool tame)
{
    static const uint8_t rings[] = {0, 0, 0, 3, 3, 3, RING_V86, CODE_16, CODE_16 | 3};
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    FILE *f = fopen(runtime, "rb");
    memset(prog->image, 0, sizeof prog->image);
    if (!f || !fread(prog->image, 1, PIECES_AT - RIG_CODE, f)) {
        fprintf(stderr, "random_system: %s: cannot be read\n", runtime);
        exit(2);
    }
    fclose(f);
    uint8_t *pieces = prog->image + PIECES_AT - RIG_CODE, *kinds = pieces + PIECES * PIECE_BYTES;
    for (unsigned i = 0; i < PIECES; i++) {
        struct piece p = {.at = PIECES_AT + i * PIECE_BYTES,
                          .ring = rings[(state >> 33) % sizeof rings],
                          .seed = &state,
                          .tame = tame};
        piece_make(&p);
        memcpy(pieces + i * PIECE_BYTES, p.bytes, PIECE_BYTES);
        kinds[i] = p.ring;
    }
    set32(prog->image + PARAMETERS, PIECES);
    set32(prog->image + PARAMETERS + 4, ROUNDS);
    set32(prog->image + PARAMETERS + 12, PIECES_AT + PIECES * PIECE_BYTES);
    prog->seed = seed;
}

struct way {
    const char *name;
    uint32_t max_insns;
    bool kicked, verify;
};

struct outcome {
    enum rig_end end;
    uint32_t log_end;
    uint8_t memory[COMPARED];
};

static time_t processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec;
}

/* Runs PROG; what has not ended after LIMIT seconds of processor time is RIG_KICKED. */
static void run(const struct program *prog, const struct way *way, time_t limit,
                struct outcome *out)
{
    const struct rig_options options = {.log = getenv("RIG_LOG"),
                                        .translator = {.max_insns = way->max_insns,
                                                       .verify = way->verify,
                                                       .long_at_once = way->kicked}};
    struct rig r;
    pthread_t thread;
    rig_open(&r, &options);
    struct kicker kicker = {.rig = &r, .pause_ns = way->kicked ? KICK_NS : WATCH_NS};
    rig_load(&r, RIG_CODE, prog->image, sizeof prog->image);
    pthread_create(&thread, NULL, kick_often, &kicker);
    limit += processor_seconds();
    do
        out->end = rig_run_until_kick(&r);
    while (out->end == RIG_KICKED && processor_seconds() < limit);
    atomic_store(&kicker.stop, true);
    pthread_join(thread, NULL);
    out->log_end = r.result;
    if (out->end == RIG_DIVERGED)
        translator_describe_divergence(r.t, print_line, NULL);
    phys_read(r.phys, 0, out->memory, COMPARED);
    rig_close(&r);
}

static void print_event(const struct event *e)
{
    printf("    piece %3u vector %02x error %04x cr2 %08x at %04x:%08x esp %04x:%08x flags %08x "
           "cr0 %08x dr6 %08x\n"
           "      eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x esp %08x"
           " ds %04x es %04x fs %04x gs %04x\n",
           e->piece, e->vector, e->error, e->cr2, e->cs & 0xFFFF, e->eip, e->ss & 0xFFFF, e->esp,
           e->eflags, e->cr0, e->dr6, e->eax, e->ebx, e->ecx, e->edx, e->esi, e->edi, e->ebp,
           e->esp0, e->ds, e->es, e->fs, e->gs);
}

static void print_piece(const struct program *prog, uint32_t piece)
{
    const uint8_t *bytes = prog->image + PIECES_AT - RIG_CODE + piece * PIECE_BYTES;
    const uint8_t *kinds = prog->image + PIECES_AT - RIG_CODE + PIECES * PIECE_BYTES;
    unsigned bits = kinds[piece] >= RING_V86 ? 16 : 32;
    struct decoder *d = decoder_new();
    char text[128];
    printf("  piece %u, ring %u:\n", piece, kinds[piece]);
    for (unsigned at = 0, n; at < PIECE_BYTES; at += n) {
        struct insn in;
        struct insn_info info;
        if (decode_insn(d, bytes + at, PIECE_BYTES - at, bits, &in, &info) != DECODE_OK)
            break;
        n = in.len;
        decode_text(d, bits, bytes + at, PIECE_BYTES - at, PIECES_AT + piece * PIECE_BYTES + at,
                    text, sizeof text);
        printf("    %08x  %s\n", PIECES_AT + piece * PIECE_BYTES + at, text);
        if (bytes[at] == 0xCD && bytes[at + 1] == 0x30)
            break;
    }
    decoder_free(d);
}

/* B, which ran the way NAME, against A, which ran as it is; tells the first end of a piece that
 * differs, or bytes of memory.  Of programs without end the log alone is compared. */
static bool same(const struct program *prog, const struct outcome *a, const struct outcome *b,
                 const char *name)
{
    uint32_t from = a->end == RIG_KICKED ? LOG_AT : 0; /* a loop is wherever it is just now */
    if (a->end == b->end && a->log_end == b->log_end &&
        !memcmp(a->memory + from, b->memory + from, COMPARED - from))
        return true;
    printf("seed %llu: %s ended as %d, log to %x; as it is %d, %x\n",
           (unsigned long long)prog->seed, name, b->end, b->log_end, a->end, a->log_end);
    for (uint32_t at = LOG_AT; at + sizeof(struct event) <= COMPARED; at += sizeof(struct event)) {
        struct event x, y;
        memcpy(&x, a->memory + at, sizeof x);
        memcpy(&y, b->memory + at, sizeof y);
        if (!memcmp(&x, &y, sizeof x))
            continue;
        printf("  event %u as it is, and %s:\n", (unsigned)((at - LOG_AT) / sizeof x), name);
        print_event(&x);
        print_event(&y);
        if (x.piece < PIECES)
            print_piece(prog, x.piece);
        return false;
    }
    for (uint32_t at = 0, told = 0; at < COMPARED && told < 16; at++)
        if (a->memory[at] != b->memory[at]) {
            printf("  at %x: %02x as it is, %02x\n", at, a->memory[at], b->memory[at]);
            told++;
        }
    return false;
}

static bool try_seed(const char *runtime, uint64_t seed)
{
    static const struct way ways[] = {{"as it is", 0, false, false},
                                      {"one instruction a block", 1, false, false},
                                      {"kicked", 0, true, false},
                                      {"in lock-step", 0, false, true}};
    static struct program prog;
    static struct outcome first, other;
    bool ok = true;
    make(&prog, runtime, seed, false);
    run(&prog, &ways[0], ENDLESS, &first);
    for (unsigned i = 1; i < sizeof ways / sizeof *ways && ok; i++) {
        run(&prog, &ways[i], first.end == RIG_KICKED ? ENDLESS : HANGS, &other);
        ok = same(&prog, &first, &other, ways[i].name);
    }
    return ok;
}

int main(int argc, char **argv)
{
    const char *runtime = argc > 1 ? argv[1] : NULL, *image = NULL;
    unsigned long long seed = 1, count = 1;
    bool dump = false;
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--count") && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--image") && i + 1 < argc)
            image = argv[++i];
        else if (!strcmp(argv[i], "--dump"))
            dump = true;
        else
            runtime = NULL;
    }
    if (!runtime) {
        fprintf(stderr,
                "usage: random_system RUNTIME [--seed N] [--count N | --image FILE | --dump]\n");
        return 2;
    }
    if (image || dump) {
        static struct program prog;
        static struct outcome out;
        static const struct way plain = {"as it is", 0, false, false};
        make(&prog, runtime, seed, true);
        if (dump) {
            run(&prog, &plain, ENDLESS, &out);
            for (uint32_t at = LOG_AT; at < out.log_end; at += sizeof(struct event)) {
                struct event e;
                memcpy(&e, out.memory + at, sizeof e);
                print_event(&e);
            }
            return 0;
        }
        set32(prog.image + PARAMETERS + 8, 1);
        FILE *f = fopen(image, "wb");
        if (!f || fwrite(prog.image, 1, sizeof prog.image, f) != sizeof prog.image || fclose(f)) {
            perror(image);
            return 1;
        }
        return 0;
    }
    unsigned long long failed = 0;
    for (unsigned long long i = 0; i < count; i++)
        failed += !try_seed(runtime, seed + i);
    printf("%llu passed, %llu failed\n", count - failed, failed);
    return failed ? 1 : 0;
}
