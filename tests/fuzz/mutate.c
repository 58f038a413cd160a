/* A main for the image fuzzer where libFuzzer is not: mutates images for a number of seconds.
 * Usage: fuzz_image SECONDS [SEED [FILE...]]; without files it begins with one made by itself.
 * The input of a run that fails is left in fuzz-input. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "devices/block.h"
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_INPUT = 4 << 20, CLUSTER = 4096 };

struct input {
    uint8_t *data;
    size_t len;
};

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 24;
}

static void put(uint8_t *at, uint64_t v, size_t bytes)
{
    v = htobe64(v);
    memcpy(at, (uint8_t *)&v + 8 - bytes, bytes);
}

/* An image of version 3 with some data in it: header, reference counts, L1, and what writing
 * adds. */
static struct input make_image(void)
{
    struct input in = {calloc(1, MOST_INPUT), 4 * CLUSTER};
    uint8_t *h = in.data, data[SECTOR_SIZE] = {1};
    struct block *b;
    char name[40];
    int fd = memfd_create("image", MFD_CLOEXEC);

    memcpy(h, "QFI\xFB\0\0\0\3", 8);
    put(h + 20, 12, 4);
    put(h + 24, 8 << 20, 8);
    put(h + 36, 4, 4);
    put(h + 40, 3 * CLUSTER, 8);
    put(h + 48, CLUSTER, 8);
    put(h + 56, 1, 4);
    put(h + 96, 4, 4);
    put(h + 100, 104, 4);
    put(h + CLUSTER, 2 * CLUSTER, 8);
    for (int i = 0; i < 4; i++)
        put(h + 2 * CLUSTER + i * 2, 1, 2);
    if (fd < 0 || write(fd, h, in.len) != (ssize_t)in.len)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    b = block_open(name, NULL, NULL, NULL);
    for (uint64_t lba = 0; b && lba < 16384; lba += 401)
        if (!block_write(b, lba, data, 1))
            abort();
    block_close(b);
    in.len = (size_t)pread(fd, h, MOST_INPUT, 0);
    close(fd);
    return in;
}

static struct input load(const char *name)
{
    struct input in = {calloc(1, MOST_INPUT), 0};
    FILE *file = fopen(name, "rb");

    if (file) {
        in.len = fread(in.data, 1, MOST_INPUT, file);
        fclose(file);
    }
    if (in.len < 16) {
        fprintf(stderr, "fuzz: '%s' cannot be read\n", name);
        exit(2);
    }
    return in;
}

/* What tables like to hold. */
static uint64_t table_entry(uint64_t *state, size_t len)
{
    uint64_t entry = next(state) % (len / 512 + 4) * 512;

    if (next(state) % 4)
        entry &= ~(uint64_t)(CLUSTER - 1);
    if (next(state) % 8 == 0)
        entry <<= next(state) % 40;
    if (next(state) % 2)
        entry |= 1ull << 63;
    if (next(state) % 4 == 0)
        entry |= 1ull << 62 | next(state) << 40;
    if (next(state) % 8 == 0)
        entry |= 1;
    return entry;
}

static void mutate(struct input *in, uint64_t *state)
{
    /* The first bytes of a header, and of each cluster, are where the tables are. */
    size_t at = next(state) % (next(state) % 2 ? in->len : in->len < 112 ? in->len : 112);

    if (next(state) % 3 == 0)
        at = next(state) % (in->len / CLUSTER + 1) * CLUSTER + next(state) % 64 * 8;
    if (at + 8 > in->len)
        at = in->len - 8;
    switch (next(state) % 6) {
    case 0:
        in->data[at] ^= (uint8_t)(1u << (next(state) % 8));
        break;
    case 1:
        in->data[at] = (uint8_t)next(state);
        break;
    case 2:
    case 3:
        put(in->data + (at & ~7ull), table_entry(state, in->len), 8);
        break;
    case 4:
        memmove(in->data + (at & ~7ull), in->data + (next(state) % (in->len - 7) & ~7ull), 8);
        break;
    default:
        if (next(state) % 8 == 0)
            in->len = 16 + next(state) % (in->len - 15);
        else
            put(in->data + at, next(state) % 32, 4);
        break;
    }
}

static void keep(const struct input *in)
{
    FILE *file = fopen("fuzz-input", "wb");

    if (!file)
        return;
    fwrite(in->data, 1, in->len, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 1, seeds = argc > 3 ? argc - 3 : 1;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, runs = 0;
    struct input *seed = calloc((size_t)seeds, sizeof *seed);
    struct input in = {malloc(MOST_INPUT), 0};
    time_t end = time(NULL) + seconds;

    for (int i = 0; i < seeds; i++)
        seed[i] = argc > 3 ? load(argv[3 + i]) : make_image();
    while (time(NULL) < end) {
        const struct input *from = &seed[next(&state) % (unsigned)seeds];
        unsigned times = 1 + next(&state) % 6;

        memcpy(in.data, from->data, from->len);
        in.len = from->len;
        while (times--)
            mutate(&in, &state);
        if (argc > 2)
            keep(&in);
        LLVMFuzzerTestOneInput(in.data, in.len);
        runs++;
    }
    printf("%llu images tried\n", (unsigned long long)runs);
    for (int i = 0; i < seeds; i++)
        free(seed[i].data);
    free(seed);
    free(in.data);
    return 0;
}
