/* Files of the host that are loaded into the guest. */
#ifndef RINGER_BIOS_FILE_H
#define RINGER_BIOS_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct phys;

struct file {
    int fd; /* -1: none */
    uint64_t size;
    char *path;
};

/* Open the regular file at PATH for reading; WHAT names its role in messages ("kernel").  False
 * and ERR when it is missing, a directory, unreadable or empty. */
bool file_open(struct file *f, const char *path, const char *what, struct error *err);
void file_close(struct file *f);
/* Read LEN bytes at OFFSET; false when the file does not give them. */
bool file_read(const struct file *f, uint64_t offset, void *data, uint64_t len);
/* Copy LEN bytes at OFFSET into guest memory at PA. */
bool file_load(const struct file *f, uint64_t offset, uint64_t len, struct phys *phys,
               uint64_t pa);

#endif
