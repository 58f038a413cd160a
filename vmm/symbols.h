/* Names for guest addresses, out of files: System.map and what nm prints, linkers' MAP files, ELF
 * and PE/COFF. */
#ifndef RINGER_VMM_SYMBOLS_H
#define RINGER_VMM_SYMBOLS_H

#include "ringer/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

/* A file with symbols: where its part of memory is, for coverage. */
struct symbols_module {
    const char *path;
    uint32_t begin, end; /* END is the last byte's address */
};

/* No symbols.  NULL when there is no memory. */
struct symbols *symbols_new(void);
void symbols_free(struct symbols *s); /* NULL is allowed */

/* Add what TEXT, "FILE[@BASE]", has.  BASE, a number, is where the image was loaded: ELF and PE
 * images are moved so that they begin there; it is added to what other files say.  False: ERR names
 * the file and what is wrong with it. */
bool symbols_load(struct symbols *s, const char *text, struct error *err);

/* The name of the symbol that ADDRESS (linear) is in, and how far; NULL: none within 64 KiB below,
 * or within the symbol's size where the file tells that.  S may be NULL.  The name is S's. */
const char *symbols_find(const struct symbols *s, uint32_t address, uint32_t *offset);
/* The address of NAME; false: there is none. */
bool symbols_address(const struct symbols *s, const char *name, uint32_t *address);
size_t symbols_count(const struct symbols *s);
/* The N-th file, false behind the last. */
bool symbols_module(const struct symbols *s, unsigned n, struct symbols_module *out);

/* ---- for the readers of formats ---- */

struct symbol_reader {
    struct symbols *symbols;
    const uint8_t *data;
    size_t len;
    bool moved; /* BASE was given */
    uint32_t base;
    uint32_t begin, end; /* of the image, where the file tells */
    bool bounded;
};
/* A symbol at VALUE, SIZE bytes long (0: unknown), called by the LEN bytes at NAME. */
void symbols_add(struct symbols *s, uint32_t value, uint32_t size, const char *name, size_t len);
/* Each returns false and ERR (without the file's name) when the file is none of its format's. */
bool symbols_read_elf(struct symbol_reader *r, struct error *err);
bool symbols_read_pe(struct symbol_reader *r, struct error *err);
bool symbols_read_map(struct symbol_reader *r, struct error *err);

#endif
