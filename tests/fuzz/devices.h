/* A machine whose CPU never runs, for inputs that do with its devices what a guest, a user and the
 * host may do in any order. */
#ifndef RINGER_TESTS_FUZZ_DEVICES_H
#define RINGER_TESTS_FUZZ_DEVICES_H

#include "devices/pci.h"
#include "devices/vga_shot.h"
#include "vmm/options.h"
#include "vmm/private.h"

/* An input is a run of records of RECORD bytes, so that what is left of it when some are taken out
 * is an input still.  The first one chooses the board, each further one is a step: its first byte
 * says what kind, all of it are the dice by which the step decides the rest. */
enum { RECORD = 8, PATTERN_IMAGES = 10, FUNCTIONS = 16 };

/* A bit of the first record: no state is changed before it is put back. */
#define CHOICE_TAME (1ull << 32)

struct dice {
    uint64_t state;
};

static inline uint64_t roll64(struct dice *d)
{
    uint64_t z = d->state += 0x9E3779B97F4A7C15ull;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

/* 0 to N - 1 */
static inline uint32_t roll(struct dice *d, uint32_t n)
{
    return (uint32_t)((roll64(d) >> 32) * n >> 32);
}

/* An image in memory: FD, of BYTES; those that are not to be written to must have SUM at the end. */
struct fuzz_image {
    int fd;
    uint64_t bytes, sum;
    bool constant;
    char path[32];
};

struct fuzz_board {
    struct machine *m;
    struct options options;
    struct audio *audio;
    struct log *log;
    struct chardev chardevs[OPTIONS_DEVICES];
    struct fuzz_image images[PATTERN_IMAGES];
    unsigned image_count;
    struct block *floppy[2], *disc[2]; /* to be put in, besides those of the beginning */
    struct vga_shot *shot;
    const struct pci_function *functions[FUNCTIONS];
    unsigned function_count;
    uint8_t *saved; /* a state, of SAVED_LEN bytes; NULL: none yet */
    size_t saved_len;
    bool tame;
    uint64_t rom_sum;
    uint8_t *canary; /* memory behind all of the guest's, at no address */
    unsigned fds; /* open before it was built */
};

/* The board that CHOICE stands for; whatever fails ends the program. */
void fuzz_board_open(struct fuzz_board *b, uint64_t choice);
/* Take it down; ends the program when an invariant does not hold: the ROM, memory that has no
 * address, and images that are not to be written to are as they were, no file is longer, no descriptor is left open. */
void fuzz_board_close(struct fuzz_board *b);
/* Let reads (a cut file) or writes (a limit) of images fail from now on, or not. */
void fuzz_board_fail(struct fuzz_board *b, unsigned image, bool fail);
void fuzz_limit_files(bool on);

/* Carry out a step. */
void fuzz_step(struct fuzz_board *b, uint8_t kind, struct dice *d);

/* An address, and a value, of those that make a difference (devices_step.c). */
uint32_t fuzz_address(struct fuzz_board *b, struct dice *d);
uint32_t fuzz_value(struct fuzz_board *b, struct dice *d);
/* devices_disk.c: disks, CDs, floppies, and the masters that move their data. */
void fuzz_ide(struct fuzz_board *b, struct dice *d);
void fuzz_atapi(struct fuzz_board *b, struct dice *d);
void fuzz_bus_master(struct fuzz_board *b, struct dice *d);
void fuzz_floppy(struct fuzz_board *b, struct dice *d);
void fuzz_dma(struct fuzz_board *b, struct dice *d);
void fuzz_media(struct fuzz_board *b, struct dice *d);
/* devices_firmware.c: what firmware programs, and a video mode with something in it. */
void fuzz_firmware(struct fuzz_board *b, struct dice *d);
void fuzz_video(struct fuzz_board *b, struct dice *d);
/* devices_state.c: states saved, and put back with something changed in them. */
void fuzz_state(struct fuzz_board *b, struct dice *d);

static inline void fuzz_out(struct fuzz_board *b, uint16_t port, uint32_t value, unsigned size)
{
    bus_out(b->m->bus, port, value, size);
}

static inline uint32_t fuzz_in(struct fuzz_board *b, uint16_t port, unsigned size)
{
    return bus_in(b->m->bus, port, size);
}

#endif
