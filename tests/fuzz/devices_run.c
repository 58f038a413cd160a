/* A main for the devices' fuzzer where libFuzzer is not: inputs made from numbers, one after the
 * other, in a process of their own.
 *   fuzz_devices SECONDS [SEED [RECORDS [tame]]]  inputs of at most RECORDS steps each; tame: no
 *                                                 state is changed before it is put back
 *   fuzz_devices --input FILE                     one input
 * The first input that fails is made as short as can be, left in fuzz-input, and the status is 1. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "devices.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_RECORDS = 20000, TRIALS = 400 };

/* What the process that tries tells the one that waits. */
struct progress {
    uint64_t seed, inputs, steps;
};

struct plan {
    uint32_t records;
    bool tame;
};

struct input {
    uint8_t data[(MOST_RECORDS + 1) * RECORD];
    size_t len;
};

static void make(struct input *in, uint64_t seed, const struct plan *plan)
{
    struct dice d = {seed};

    in->len = RECORD * (2 + (size_t)roll(&d, plan->records));
    for (size_t at = 0; at < in->len; at += RECORD) {
        uint64_t record = roll64(&d);
        if (at == 0 && plan->tame)
            record |= CHOICE_TAME;
        memcpy(in->data + at, &record, RECORD);
    }
}

/* Of processor time, so that a busy host tries no less. */
static int seconds_used(void)
{
    struct timespec t;

    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? (int)t.tv_sec : 0;
}

/* Try seeds from PROGRESS->SEED on for so many SECONDS. */
static void try_many(struct progress *progress, int seconds, const struct plan *plan)
{
    static struct input in;

    do {
        make(&in, progress->seed, plan);
        LLVMFuzzerTestOneInput(in.data, in.len);
        progress->seed++;
        progress->inputs++;
        progress->steps += in.len / RECORD - 1;
    } while (seconds_used() < seconds);
    exit(0);
}

/* Does IN fail?  SHOW: say how. */
static bool fails(const struct input *in, bool show)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (!show)
            dup2(null, STDERR_FILENO);
        close(null);
        LLVMFuzzerTestOneInput(in->data, in->len);
        exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status != 0;
}

/* Take out what can be taken out, in ever smaller pieces. */
static void shrink(struct input *in)
{
    static struct input less;
    unsigned trials = 0;

    for (size_t piece = in->len / RECORD / 2; piece && trials < TRIALS; piece /= 2)
        for (size_t at = RECORD; at < in->len && trials < TRIALS; trials++) {
            size_t n = piece * RECORD < in->len - at ? piece * RECORD : in->len - at;

            less = *in;
            memmove(less.data + at, less.data + at + n, in->len - at - n);
            less.len -= n;
            if (fails(&less, false))
                *in = less;
            else
                at += n;
        }
}

static int report(uint64_t seed, const struct plan *plan)
{
    static struct input in;
    FILE *file;

    fprintf(stderr, "fuzz_devices: seed %llu fails (RECORDS %u)\n", (unsigned long long)seed,
            plan->records);
    make(&in, seed, plan);
    if (!fails(&in, false)) {
        fprintf(stderr, "fuzz_devices: but not alone\n");
        return 1;
    }
    shrink(&in);
    fails(&in, true);
    file = fopen("fuzz-input", "wb");
    if (file) {
        fwrite(in.data, 1, in.len, file);
        fclose(file);
    }
    fprintf(stderr, "fuzz_devices: %zu steps are left of it: --input fuzz-input\n",
            in.len / RECORD - 1);
    return 1;
}

static int try_file(const char *name)
{
    static struct input in;
    FILE *file = fopen(name, "rb");

    if (!file) {
        fprintf(stderr, "fuzz_devices: '%s' cannot be read\n", name);
        return 2;
    }
    in.len = fread(in.data, 1, sizeof in.data, file);
    fclose(file);
    return LLVMFuzzerTestOneInput(in.data, in.len);
}

int main(int argc, char **argv)
{
    const struct plan plan = {argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 1000, argc > 4};
    int seconds = argc > 1 ? atoi(argv[1]) : 1;
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;

    if (argc == 3 && !strcmp(argv[1], "--input"))
        return try_file(argv[2]);
    if (progress == MAP_FAILED || !plan.records || plan.records >= MOST_RECORDS) {
        fprintf(stderr, "usage: fuzz_devices SECONDS [SEED [RECORDS [tame]]] | --input FILE\n");
        return 2;
    }
    progress->seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    pid_t pid = fork();
    if (pid == 0)
        try_many(progress, seconds, &plan);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return report(progress->seed, &plan);
    printf("%llu inputs, %llu steps tried\n", (unsigned long long)progress->inputs,
           (unsigned long long)progress->steps);
    return 0;
}
