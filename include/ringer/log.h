/* The trace log: channels that -d switches on, written to stderr or to the file of -D. */
#ifndef RINGER_LOG_H
#define RINGER_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum log_channel {
    LOG_IN_ASM = 1u << 0,       /* guest code of each block translated */
    LOG_OUT_ASM = 1u << 1,      /* host code of each block translated */
    LOG_INT = 1u << 2,          /* interrupts and exceptions delivered */
    LOG_EXEC = 1u << 3,         /* each block entered from the dispatcher */
    LOG_MMU = 1u << 4,          /* fills, drops, address-space switches */
    LOG_GUEST_ERRORS = 1u << 5, /* things no working guest does */
    LOG_UNIMP = 1u << 6,        /* corners that are not emulated; each is named once */
    LOG_IO = 1u << 7,           /* port and MMIO accesses */
    LOG_POST = 1u << 8,         /* POST codes: what is written to port 80h, when it changes */
    LOG_HOST_ERRORS = 1u << 30, /* log_host_error; always on */
    LOG_TRACE = 1u << 31,       /* events of -trace (ringer/trace.h): by log_set_trace alone */
};

/* One log a machine; no state of its own outside this structure. */
struct log;

/* A log that writes to PATH, or to stderr when PATH is NULL.  CHANNELS is a mask of enum
 * log_channel.  NULL when PATH cannot be written (errno tells why). */
struct log *log_new(const char *path, uint32_t channels);
void log_free(struct log *log);

void log_set_channels(struct log *log, uint32_t channels);
/* Write to PATH from now on, or to stderr when PATH is NULL.  False, and errno, when PATH cannot be
 * written: the log goes on as before. */
bool log_set_file(struct log *log, const char *path);
/* Write to FILE, which becomes the log's, from now on. */
void log_set_stream(struct log *log, FILE *file);

/* Names for guest addresses: SYMBOL tells what LINEAR belongs to and how far in it is; NULL: unknown.
 * Call before the machine runs; OPAQUE outlives that. */
void log_set_symbols(struct log *log,
                     const char *(*symbol)(void *opaque, uint32_t linear, uint32_t *offset),
                     void *opaque);
/* " <NAME+0xOFFSET>" of LINEAR into OUT (at most N bytes), or "".  Returns OUT. */
const char *log_symbol(const struct log *log, uint32_t linear, char *out, unsigned n);

/* Parse a comma-separated list of channel names (in_asm, out_asm, int, exec, mmu, guest_errors,
 * unimp, io, post, all).  False and the offending name in BAD (at most N bytes) when one is unknown. */
bool log_parse_channels(const char *names, uint32_t *channels, char *bad, unsigned n);

/* True when CHANNEL is on: guard for callers that would have to prepare the text.  LOG may be
 * NULL in all of these: nothing is on then. */
bool log_on(const struct log *log, enum log_channel channel);

/* Write a line (a newline is added) when CHANNEL is on. */
void log_write(struct log *log, enum log_channel channel, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Name an unimplemented corner, on LOG_UNIMP, once for each distinct text. */
void log_unimp(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The host failed: a disk is full, a server went away.  Written whatever channels are on; repeated
 * texts are written once and counted. */
void log_host_error(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A thing that only a broken or hostile guest does, on LOG_GUEST_ERRORS; repeated texts are
 * written once and counted. */
void log_guest_error(struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
