/* Option ROMs (-option-rom): mapped from C8000h on, initialised by POST before anything is booted,
 * and booted by INT 19h where one has a boot entry (Plug and Play BIOS Specification 1.0A, 3.2 and
 * appendix A; IBM AT Technical Reference, "ROM BIOS: adapters with code in ROM").
 *
 * Each may change itself while it is initialised, as in the shadow RAM of a board, and no more
 * afterwards.  A foreign BIOS gets them through fw_cfg instead. */
#include "bios/private.h"
#include "cpu/emulate.h"
#include "devices/fw_cfg.h"

#include "ringer/error.h"
#include "ringer/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BASE = 0xC8000,
    ROOM = 0x18000, /* up to E0000h */
    UNIT = 2048,
    INIT = 3, /* the entry that POST calls */
    PNP_POINTER = 0x1A,
    PNP_BCV = 0x16,
    PNP_BEV = 0x1A,
    VECTOR = 0x467, /* where the AT's POST keeps the entry, too */
};

static uint32_t rounded(uint32_t len)
{
    return (len + UNIT - 1) & ~(uint32_t)(UNIT - 1);
}

static bool install_foreign(struct bios *b, struct error *err)
{
    char name[FW_CFG_NAME];

    for (unsigned i = 0; i < b->config.option_roms; i++) {
        const struct option_rom *r = &b->config.option_rom[i];

        snprintf(name, sizeof name, "genroms/%s", r->name);
        if (!b->config.fw_cfg || fw_cfg_has_file(b->config.fw_cfg, name) ||
            !fw_cfg_set_file(b->config.fw_cfg, name, r->data, r->len))
            return error_set(err, "-option-rom %s: there is one of this name already", r->name);
    }
    return true;
}

bool option_roms_install(struct bios *b, struct error *err)
{
    uint32_t len = 0;

    b->option_region = -1;
    if (!b->config.option_roms)
        return true;
    if (b->config.rom)
        return install_foreign(b, err);
    for (unsigned i = 0; i < b->config.option_roms; i++)
        len += rounded(b->config.option_rom[i].len);
    if (len > ROOM)
        return error_set(err, "-option-rom %s: option ROMs have room for %u KiB",
                         b->config.option_rom[b->config.option_roms - 1].name, ROOM / 1024);
    len = (len + 4095) & ~4095u;
    uint8_t *data = calloc(1, len);
    if (data)
        b->option_region = phys_map_rom(b->phys, "option ROMs", BASE, len, data, len);
    free(data);
    return b->option_region >= 0 || error_set(err, "no room for option ROMs in the memory map");
}

/* The ROMs as they came, to be initialised. */
void option_roms_post(struct bios *b)
{
    uint32_t at = BASE;

    b->option_next = 0;
    if (b->option_region < 0)
        return;
    phys_rom_writable(b->phys, b->option_region, true);
    for (unsigned i = 0; i < b->config.option_roms; i++) {
        const struct option_rom *r = &b->config.option_rom[i];

        lin_write(b, at, r->data, r->len);
        at += rounded(r->len);
    }
}

/* Where ROM N begins; 0: there is none. */
static uint32_t nth(const struct bios *b, unsigned n)
{
    uint32_t at = BASE;

    if (b->option_region < 0 || n >= b->config.option_roms)
        return 0;
    for (unsigned i = 0; i < n; i++)
        at += rounded(b->config.option_rom[i].len);
    return at;
}

void option_rom_next(struct bios *b)
{
    uint32_t at = nth(b, b->option_next++);

    live_flag(b, FLAG_CF, !at);
    if (!at) {
        if (b->option_region >= 0)
            phys_rom_writable(b->phys, b->option_region, false);
        return;
    }
    set_lin16(b, VECTOR, INIT);
    set_lin16(b, VECTOR + 2, (uint16_t)(at >> 4));
    set_reg16(b, EAX, 0); /* no PCI device's */
    set_reg16(b, EBX, 0xFFFF);
    set_reg16(b, EDX, 0xFFFF); /* nor a Plug and Play card's */
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, b->pnp);
}

/* The boot entry of the ROM at AT (0: no ROM); 0: it has none. */
static uint16_t boot_entry(struct bios *b, uint32_t at)
{
    uint32_t header = at ? at + lin16(b, at + PNP_POINTER) : 0;

    if (!at || (header & 15) || lin32(b, header) != 0x506E5024) /* "$PnP" */
        return 0;
    if (lin16(b, header + PNP_BCV))
        log_unimp(b->log, "BIOS: option ROM with a boot connection vector");
    return lin16(b, header + PNP_BEV);
}

/* When ROM N is tried: by its bootindex, then the others as they come. */
static uint64_t rank(const struct bios *b, unsigned n)
{
    const uint32_t *index = b->config.bootindex;

    return index && index[BOOT_ROM + n] ? index[BOOT_ROM + n] : (uint64_t)UINT32_MAX + 1 + n;
}

bool option_rom_boot(struct bios *b)
{
    unsigned best = b->config.option_roms;

    for (unsigned i = 0; i < b->config.option_roms; i++)
        if (boot_entry(b, nth(b, i)) &&
            (best == b->config.option_roms || rank(b, i) < rank(b, best)))
            best = i;
    if (best == b->config.option_roms)
        return false;
    uint32_t at = nth(b, best);
    bios_print(b, "Booting from ROM...\n");
    set_lin16(b, VECTOR, boot_entry(b, at));
    set_lin16(b, VECTOR + 2, (uint16_t)(at >> 4));
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, b->pnp);
    set_lo(b, ECX, BOOT_CALL);
    return true;
}
