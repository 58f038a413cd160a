/* The virtual BIOS: the ROM in memory, and the trap port that its services end in. */
#include "bios/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const uint8_t bios_rom_start[], bios_rom_end[];

/* The number behind the OUT at AT, where it is in the ROM, or 0 when the write is none of the
 * ROM's.  EIP may be that of the OUT or of its successor: both are recognised by the bytes. */
static unsigned number_at(const struct bios *b, uint32_t at)
{
    static const uint8_t pattern[4] = {0xE6, ROM_TRAP_PORT, 0xEB, 0x01};
    const uint8_t *rom = b->config.rom ? b->video_rom : b->rom;
    uint32_t size = b->config.rom ? VIDEO_ROM_DATA : ROM_SIZE;
    uint32_t base = (b->config.rom ? VIDEO_ROM_SEGMENT : ROM_SEGMENT) << 4;

    for (unsigned back = 0; rom && back <= 2; back += 2) {
        uint32_t offset = at - back - base;

        if (offset < size - 5 && memcmp(rom + offset, pattern, sizeof pattern) == 0)
            return rom[offset + 4];
    }
    return 0;
}

/* The ROM is where it always was, or, for the 32-bit services, where paging shows it. */
static unsigned trap_number(const struct bios *b)
{
    uint32_t at = b->cpu->seg[SEG_CS].base + b->cpu->eip;
    unsigned number = number_at(b, at);
    struct mmu_fault fault;
    uint64_t pa;

    if (!number && mmu_translate(b->cpu->mmu, at, MMU_READ, false, &pa, &fault))
        number = number_at(b, (uint32_t)pa);
    return number;
}

static void dispatch(struct bios *b, unsigned trap)
{
    switch (trap) {
    case TRAP_RESET:
        set_lo(b, EAX, bios_shutdown_code(b));
        break;
    case TRAP_POST:
        bios_post(b);
        break;
    case TRAP_BOOT:
        bios_boot(b, false);
        break;
    case TRAP_BOOT_NEXT:
        bios_boot(b, true);
        break;
    case TRAP_VIDEO_INIT:
        video_rom_init(b);
        break;
    case TRAP_NOTHING:
        bios_boot_wait(b);
        break;
    case TRAP_OPTION_ROM:
        option_rom_next(b);
        break;
    case TRAP_MENU:
        bios_menu(b);
        break;
    case TRAP_INT02:
        bios_nmi(b);
        break;
    case TRAP_INT05:
        bios_print_screen(b);
        break;
    case TRAP_INT09:
        int09(b);
        break;
    case TRAP_INT10:
        int10(b);
        break;
    case TRAP_INT13:
        int13(b);
        break;
    case TRAP_INT14:
        int14(b);
        break;
    case TRAP_INT14_LATE:
        int14_late(b);
        break;
    case TRAP_INT15:
        int15(b);
        break;
    case TRAP_WAIT_INIT:
        int15_wait_init(b);
        break;
    case TRAP_WAIT:
        int15_wait(b);
        break;
    case TRAP_INT16:
        int16(b);
        break;
    case TRAP_INT17:
        int17(b);
        break;
    case TRAP_INT1A:
        int1a(b);
        break;
    case TRAP_INT70:
        int70(b);
        break;
    case TRAP_INT74:
        int74(b);
        break;
    case TRAP_ENTER_PM:
        int15_enter_pm(b);
        break;
    case TRAP_APM:
        bios_apm_entry(b);
        break;
    case TRAP_BIOS32:
        bios_directory(b);
        break;
    case TRAP_PCI32:
        bios_pci32(b);
        break;
    case TRAP_STRING_INIT:
        int10_string_init(b);
        break;
    case TRAP_STRING:
        int10_string(b);
        break;
    }
}

static void trap_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct bios *b = opaque;
    unsigned trap = trap_number(b);

    (void)offset, (void)value, (void)size;
    if (trap == 0)
        return;
    live_flag(b, FLAG_CF | FLAG_ZF, false);
    dispatch(b, trap);
}

static uint32_t trap_read(void *opaque, uint16_t offset, unsigned size)
{
    (void)opaque, (void)offset, (void)size;
    return 0xFF;
}

static void beep_over(void *opaque)
{
    struct bios *b = opaque;

    out8(b, 0x61, in8(b, 0x61) & ~3);
}

static void add_disk(struct bios *b, struct block *block)
{
    struct bios_disk *d = &b->disk[b->disks++];

    d->block = block;
    d->sectors = block_sectors(block);
    disk_translation(block, &d->geometry);
}

/* What place I comes after: the one that the menu chose, those with a bootindex, the others. */
static uint64_t disk_rank(const struct bios *b, unsigned i)
{
    const uint32_t *index = b->config.bootindex;

    if (i + 1 == b->boot.first_disk)
        return 0;
    return index && index[BOOT_IDE + i] ? index[BOOT_IDE + i] : (uint64_t)UINT32_MAX + 1 + i;
}

void bios_order_disks(struct bios *b, unsigned first)
{
    struct block *const *disk = b->config.disk;

    b->boot.first_disk = (uint8_t)(first <= BIOS_DISKS ? first : 0);
    b->disks = 0;
    for (unsigned done = 0, best; done != (1 << BIOS_DISKS) - 1; done |= 1u << best) {
        best = BIOS_DISKS;
        for (unsigned i = 0; i < BIOS_DISKS; i++)
            if (!(done >> i & 1) && (best == BIOS_DISKS || disk_rank(b, i) < disk_rank(b, best)))
                best = i;
        if (disk[best])
            add_disk(b, disk[best]);
    }
    bios_fixed_disks(b);
}

/* Foreign firmware shows its screen itself. */
static void reset_sercon(struct bios *b)
{
    bool ours = b->config.serial_console && !b->config.rom;

    b->sercon =
        (struct bios_sercon){.port = ours ? b->config.serial_ports[0] : 0, .attribute = 0x07};
}

static void bios_reset(void *dev)
{
    struct bios *b = dev;

    vtimer_cancel(b->clock, &b->beep);
    memset(&b->boot, 0, sizeof b->boot);
    bios_order_disks(b, 0);
    b->vbe_mode = 0;
    b->vbe_linear = b->vbe_kept = false;
    b->cd.emulating = false;
    b->apm = (struct bios_apm){0};
    reset_sercon(b);
}

static void bios_free(void *dev)
{
    struct bios *b = dev;

    linux_free(b->kernel);
    multiboot_free(b->multiboot);
    free(b->video_rom);
    free(b->rom);
    free(b);
}

static void bios_loaded(void *dev)
{
    struct bios *b = dev;

    bios_order_disks(b, b->boot.first_disk);
    if (b->sercon.escapes >= sizeof b->sercon.escape)
        b->sercon.escapes = 0;
}

static const struct field bios_fields[] = {
    FIELD_ARRAY(struct bios, boot.list),
    FIELD_ARRAY(struct bios, boot.result),
    FIELD(struct bios, boot.next),
    FIELD(struct bios, boot.menu),
    FIELD(struct bios, boot.choice),
    FIELD(struct bios, boot.first_disk),
    FIELD(struct bios, boot.until),
    FIELD(struct bios, vbe_linear),
    FIELD(struct bios, vbe_kept),
    FIELD(struct bios, option_next),
    FIELD(struct bios, vbe_mode),
    FIELD(struct bios, apm.connected),
    FIELD(struct bios, apm.disabled),
    FIELD(struct bios, apm.disengaged),
    FIELD(struct bios, apm.version),
    FIELD(struct bios, cd.emulating),
    FIELD(struct bios, cd.media),
    FIELD(struct bios, cd.drive),
    FIELD(struct bios, cd.segment),
    FIELD(struct bios, cd.load_sectors),
    FIELD(struct bios, cd.catalog),
    FIELD(struct bios, cd.first),
    FIELD(struct bios, cd.sectors),
    FIELD(struct bios, cd.geometry.cylinders),
    FIELD(struct bios, cd.geometry.heads),
    FIELD(struct bios, cd.geometry.sectors),
    FIELD(struct bios, sercon.released),
    FIELD(struct bios, sercon.anchored),
    FIELD(struct bios, sercon.stale),
    FIELD(struct bios, sercon.row),
    FIELD(struct bios, sercon.column),
    FIELD(struct bios, sercon.attribute),
    FIELD_ARRAY(struct bios, sercon.escape),
    FIELD(struct bios, sercon.escapes),
    FIELD(struct bios, sercon.after_cr),
    FIELD(struct bios, sercon.utf8_left),
    FIELD(struct bios, sercon.utf8),
    FIELD(struct bios, sercon.escape_until),
    FIELD_END,
};

static const struct device_class bios_class = {
    .name = "bios",
    .fields = bios_fields,
    .reset = bios_reset,
    .loaded = bios_loaded,
    .free = bios_free,
};

static const struct io_ops trap_ops = {trap_read, trap_write, 1};

void bios_map_traps(struct bios *b)
{
    bus_map(b->bus, "BIOS traps", ROM_TRAP_PORT, 1, &trap_ops, b);
}

static bool own_rom(struct bios *b, struct error *err)
{
    if (phys_map_rom(b->phys, "BIOS", 0xF0000, ROM_SIZE, b->rom, ROM_SIZE) < 0 ||
        phys_map_rom(b->phys, "BIOS at reset", 0xFFFF0000u, ROM_SIZE, b->rom, ROM_SIZE) < 0)
        return error_set(err, "no room for the BIOS in the table of memory regions");
    bios_map_traps(b);
    return true;
}

static void set_drives(struct bios *b)
{
    const struct bios_config *c = &b->config;

    b->cd.block = c->cdrom;
    b->cd.unit = c->cdrom_unit;
    for (int i = 0; i < 2; i++) {
        b->floppy[i].present = c->floppy_present[i] || c->floppy[i];
        floppy_set(b, i, c->floppy[i]);
        b->floppy[i].changed = false;
    }
}

void bios_set_boot_order(struct bios *b, const char *order)
{
    snprintf(b->boot_order, sizeof b->boot_order, "%s", order && *order ? order : "cad");
    bios_boot_cmos(b);
}

struct bios *bios_init(const struct bios_config *config, struct error *err)
{
    struct bios *b = calloc(1, sizeof *b);

    if (!b || !(b->rom = malloc(ROM_SIZE))) {
        free(b);
        error_set(err, "out of memory for the BIOS");
        return NULL;
    }
    b->config = *config;
    b->cpu = config->cpu;
    b->bus = config->board->bus;
    b->clock = config->board->clock;
    b->phys = config->board->phys;
    b->log = config->board->log;
    bios_set_boot_order(b, config->boot_order);
    vtimer_init(&b->beep, "BIOS beep", beep_over, b);
    memcpy(b->rom, bios_rom_start, ROM_SIZE);
    set_drives(b);
    bios_order_disks(b, 0);
    reset_sercon(b);
    bios_fill_rom(b);
    pci_fill_rom(b);
    acpi_fill_rom(b);
    mp_fill_rom(b);
    smbios_fill_rom(b);
    pnp_fill_rom(b);
    if (!(config->rom ? bios_foreign_rom(b, err) : own_rom(b, err))) {
        bios_free(b);
        return NULL;
    }
    bios_fw_items(b);
    if (!option_roms_install(b, err)) {
        bios_free(b);
        return NULL;
    }
    device_add(config->board->devices, &bios_class, b);
    bios_power_on_cmos(b);
    return b;
}

void bios_set_floppy(struct bios *b, int drive, struct block *block)
{
    if (drive < 0 || drive > 1)
        return;
    b->config.floppy[drive] = block;
    floppy_set(b, drive, block);
}
