/* Runs one guest of tests/guest on the bare machine, in several ways; each must end well.
 *
 *     guest_runner FILE.bin [MODEL]
 *
 * The ways: as it is; one instruction a block; interrupted all the time by kicks; in lock-step. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/translator/kicker.h"
#include "tests/translator/rig.h"

enum { MAX_IMAGE = 0x18000, KICK_NS = 200000, SECONDS = 60 };

struct way {
    const char *name;
    uint32_t max_insns;
    bool kicked, verify;
};

static void report(struct rig *r, const char *file, const struct way *way, enum rig_end end)
{
    static const char *const ends[] = {"ended", "failed", "halted for good", "shut down", "kicked",
                                       "differs"};
    printf("%s (%s): %s", file, way->name, ends[end]);
    if (end == RIG_FAILED && r->result >> 31)
        printf(" by an exception after line %u; vector, error, eip, cr2:", r->result & 0x7FFFFFFF);
    else if (end == RIG_FAILED)
        printf(" at line %u; values:", r->result);
    for (unsigned i = 0; i < r->count && i < RIG_VALUES; i++)
        printf(" %x", r->value[i]);
    printf("\n");
    if (end == RIG_DIVERGED) {
        translator_describe_divergence(r->t, print_line, NULL);
        return;
    }
    cpu_describe(r->cpu, print_line, NULL);
    translator_describe_recent(r->t, 4, print_line, NULL);
}

static bool run_way(const char *file, const void *image, uint32_t size, const char *model,
                    const struct way *way)
{
    struct rig_options options = {
        .model = model,
        .log = getenv("RIG_LOG"),
        .translator = {.max_insns = way->max_insns, .verify = way->verify, .long_at_once = true}};
    struct rig r;
    pthread_t thread;
    rig_open(&r, &options);
    struct kicker kicker = {.rig = &r, .pause_ns = KICK_NS};
    rig_load(&r, RIG_CODE, image, size);
    if (way->kicked)
        pthread_create(&thread, NULL, kick_often, &kicker);
    enum rig_end end = rig_run(&r);
    if (way->kicked) {
        atomic_store(&kicker.stop, true);
        pthread_join(thread, NULL);
    }
    if (end != RIG_ENDED)
        report(&r, file, way, end);
    rig_close(&r);
    return end == RIG_ENDED;
}

int main(int argc, char **argv)
{
    static const struct way ways[] = {
        {"as it is", 0, false, false},
                                     {"one instruction a block", 1, false, false},
                                     {"kicked", 0, true, false},
                                     {"in lock-step", 0, false, true}};
    static uint8_t image[MAX_IMAGE];
    FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!f) {
        fprintf(stderr, "usage: guest_runner FILE.bin [MODEL]\n");
        return 2;
    }
    uint32_t size = (uint32_t)fread(image, 1, sizeof image, f);
    fclose(f);
    const char *name = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
    bool ok = true;
    alarm(SECONDS); /* a guest that hangs fails */
    for (unsigned i = 0; i < sizeof ways / sizeof *ways && ok; i++)
        ok = run_way(name, image, size, argc > 2 ? argv[2] : NULL, &ways[i]);
    return ok ? 0 : 1;
}
