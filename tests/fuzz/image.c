/* Any bytes as an image: opened for reading and for writing, read and written here and there.
 * With clang: -fsanitize=fuzzer,address; mutate.c is a main for everybody else. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "devices/block.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_FILE = 64 << 20, MOST_COUNT = 200, OPERATIONS = 24 };

static uint32_t hash(const uint8_t *data, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ data[i]) * 16777619u;
    return h;
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 20;
}

static void use(struct block *b, uint64_t seed)
{
    uint8_t *data = calloc(MOST_COUNT, SECTOR_SIZE);
    uint64_t sectors = block_sectors(b);

    for (int i = 0; data && i < OPERATIONS; i++) {
        /* Often near the beginning, where there is something. */
        uint64_t lba = next(&seed) % (i % 2 && sectors > 4096 ? 4096 : sectors);
        uint32_t count = 1 + (uint32_t)(next(&seed) % MOST_COUNT);

        if (count > sectors - lba)
            count = (uint32_t)(sectors - lba);
        if (next(&seed) % 2 || block_readonly(b))
            (void)!block_read(b, lba, data, count);
        else
            (void)!block_write(b, lba, data, count);
        if (next(&seed) % 8 == 0)
            (void)!block_flush(b);
    }
    free(data);
}

static void open_as(const uint8_t *data, size_t len, bool readonly)
{
    struct block_options options = {.readonly = readonly};
    struct block *b;
    char name[40];
    int fd = memfd_create("image", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    b = block_open(name, &options, NULL, NULL);
    if (b)
        use(b, hash(data, len));
    block_close(b);
    if (lseek(fd, 0, SEEK_END) > (off_t)(MOST_FILE + len)) /* nothing written far off */
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* Nothing outside: a backing file that is an export somewhere. */
    if (memmem(data, len < 4096 ? len : 4096, "nbd", 3))
        return 0;
    open_as(data, len, true);
    open_as(data, len, false);
    return 0;
}
