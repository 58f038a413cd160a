/* Firmware from files: -bios, -L, -fw_cfg, and the VGA's option ROM. */
#ifndef RINGER_VMM_FIRMWARE_H
#define RINGER_VMM_FIRMWARE_H

#include "bios/bios.h"
#include "ringer/error.h"
#include <stdbool.h>
#include <stdint.h>

struct fw_cfg;

enum { FIRMWARE_DIRS = 8, FIRMWARE_ITEMS = 32 };

/* As asked for.  Strings point into the argument vector. */
struct firmware_options {
    const char *bios, *vga_rom; /* NULL: not named; vga_rom "": none, "builtin": ringer's own */
    bool no_vga; /* there is no card, and so no ROM */
    const char *dirs[FIRMWARE_DIRS];
    unsigned dir_count;
    const char *option_rom[OPTION_ROMS];
    unsigned option_roms;
    const char *items[FIRMWARE_ITEMS]; /* values of -fw_cfg */
    unsigned item_count;
};

struct firmware_blob {
    uint8_t *data; /* NULL: there is none */
    uint32_t len;
};

/* The files' contents. */
struct firmware {
    struct firmware_blob bios, vga_rom; /* without vga_rom ringer's own one serves */
    bool no_vga_rom;
    struct firmware_blob option_rom[OPTION_ROMS];
    const char *option_name[OPTION_ROMS]; /* without folder; the caller's */
    unsigned option_roms;
    struct firmware_blob item[FIRMWARE_ITEMS];
    char item_name[FIRMWARE_ITEMS][64];
    unsigned items;
};

/* Add the value of a -L or -fw_cfg to O; false and ERR when there are too many. */
bool firmware_add_dir(struct firmware_options *o, const char *dir, struct error *err);
bool firmware_add_item(struct firmware_options *o, const char *value, struct error *err);

/* Read what O names.  A name without a slash that is no file here is looked for in O's folders and
 * in those where Debian and others keep firmware; so is vgabios-stdvga.bin for a foreign BIOS.
 * False: ERR names what is wrong; firmware_free is to be called in any case. */
bool firmware_open(struct firmware *f, const struct firmware_options *o, struct error *err);
void firmware_free(struct firmware *f);

/* Put the items of -fw_cfg into CFG; false when one is there already or there is no room. */
bool firmware_install(const struct firmware *f, struct fw_cfg *cfg, struct error *err);

#endif
