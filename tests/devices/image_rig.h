/* Fixtures of the image tests: a folder of their own, commands of the host, a model of the disk. */
#ifndef RINGER_TESTS_DEVICES_IMAGE_RIG_H
#define RINGER_TESTS_DEVICES_IMAGE_RIG_H

#include "devices/block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new, empty folder that is the working directory from then on; image_rig_end removes it. */
void image_rig_begin(void);
void image_rig_end(void);

/* Run a shell command in the folder, silently; its exit status. */
int image_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool image_have(const char *program);

/* Write LEN bytes at OFFSET of file NAME, which is made if need be; read them. */
void image_poke(const char *name, uint64_t offset, const void *data, size_t len);
void image_peek(const char *name, uint64_t offset, void *data, size_t len);
void image_poke64(const char *name, uint64_t offset, uint64_t big_endian);
uint64_t image_peek64(const char *name, uint64_t offset);
uint64_t image_bytes(const char *name);

/* An empty qcow2 image: header, reference count table, one block, L1 table, in this order and a
 * cluster each (the L1 table as many as it needs). */
struct image_layout {
    unsigned version, cluster_bits, refcount_order;
    uint64_t size;
};
void image_make_qcow2(const char *name, const struct image_layout *layout);

/* Open NAME, which must succeed or fail; the failure's text must hold NAME and WHY in one line. */
struct block *image_open_ok(const char *name, bool readonly);
void image_refused(const char *name, bool readonly, const char *why);

/* Reproducible numbers; STATE is any number. */
uint32_t image_random(uint32_t *state);
/* Bytes that tell where they were written and in which round. */
void image_fill(uint8_t *data, size_t len, uint32_t seed);

#endif
