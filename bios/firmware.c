/* Foreign firmware: its ROM in place of ours, and what emulated PCs tell their firmware by fw_cfg.
 */
#include "bios/private.h"
#include "devices/fw_cfg.h"

#include <stdio.h>
#include <string.h>

enum {
    BOOTROM_MAX = 1024,
    PNP_HEADER = 0x20, /* in bootrom.S */
    PNP_BYTES = 32,
    ROM_STEP = 0x8000,
    ROM_MAX = 16 << 20,
    FIRMWARE_TOP = 0x20000, /* tables that it may have put at the end of memory */
    LOW_BYTES = 0x20000, /* E0000h-FFFFFh: as much of the ROM's end as the ISA bridge shows there */
};

extern const uint8_t bios_bootrom_start[], bios_bootrom_end[];

bool bios_rom_size_ok(uint64_t bytes, const char *name, struct error *err)
{
    if (bytes && bytes <= ROM_MAX && bytes % ROM_STEP == 0)
        return true;
    return error_set(err,
                     "-bios %s: %llu bytes is no size of a ROM; it is a multiple of 64 KiB, up "
                     "to 16 MiB (or 32 KiB)",
                     name, (unsigned long long)bytes);
}

bool bios_foreign_rom(struct bios *b, struct error *err)
{
    const uint8_t *rom = b->config.rom;
    uint32_t bytes = b->config.rom_bytes, low = bytes < LOW_BYTES ? bytes : LOW_BYTES;

    if (phys_map_rom(b->phys, "isa-bios", 0x100000 - low, low, rom + bytes - low, low) < 0 ||
        phys_map_rom(b->phys, "pc.bios", -bytes, bytes, rom, bytes) < 0)
        return error_set(err, "no room for the firmware in the table of memory regions");
    return true;
}

uint32_t bios_kernel_top(const struct bios *b)
{
    uint32_t top = bios_ram_top(b);

    return b->config.rom && top > 2 * FIRMWARE_TOP ? top - FIRMWARE_TOP : top;
}

/* ---- fw_cfg ---- */

static void file_number(struct bios *b, const char *name, uint32_t value, unsigned bytes)
{
    uint8_t data[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                       (uint8_t)(value >> 24)};

    fw_cfg_set_file(b->config.fw_cfg, name, data, bytes);
}

/* RAM, as firmware that makes the map itself wants to know it: address, length, type. */
static void memory_file(struct bios *b)
{
    uint64_t bytes = phys_ram_size(b->phys);
    uint8_t entry[20] = {0};

    memcpy(entry + 8, &bytes, 8);
    entry[16] = 1;
    fw_cfg_set_file(b->config.fw_cfg, "etc/e820", entry, sizeof entry);
}

/* The geometry that INT 13h is to show of each disk, by its place among the PCI devices: firmware
 * does not look into partition tables. */
static void geometry_file(struct bios *b)
{
    char text[BIOS_DISKS * 80] = "";
    size_t len = 0;

    for (unsigned i = 0; i < BIOS_DISKS; i++) {
        struct geometry g;

        if (!b->config.disk[i])
            continue;
        disk_translation(b->config.disk[i], &g);
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "/pci@i0cf8/ide@1,1/drive@%u/disk@%u %u %u %u\n", i / 2, i % 2,
                                g.cylinders, g.heads, g.sectors);
    }
    if (len)
        fw_cfg_set_file(b->config.fw_cfg, "bios-geometry", text, (uint32_t)len + 1);
}

/* What comes first, by its place among the devices, a line each and the lowest bootindex first;
 * "HALT" ends the list of what may be booted (boot,strict=on). KERNEL: before all, a kernel. */
static void order_file(struct bios *b, bool kernel)
{
    static const char *const paths[BOOT_ROM] = {
        "isa@1/fdc@03f0/floppy@0", "isa@1/fdc@03f0/floppy@1", "ide@1,1/drive@0/disk@0",
        "ide@1,1/drive@0/disk@1",  "ide@1,1/drive@1/disk@0",  "ide@1,1/drive@1/disk@1",
    };
    const struct bios_config *c = &b->config;
    char text[BOOT_PLACES * (FW_CFG_NAME + 8) + 64];
    size_t len =
        (size_t)snprintf(text, sizeof text, "%s", kernel ? "/rom@genroms/kernelboot.bin" : "");

    for (uint32_t after = 0; c->bootindex;) {
        int least = -1;

        for (int i = 0; i < BOOT_PLACES; i++)
            if (c->bootindex[i] > after && (least < 0 || c->bootindex[i] < c->bootindex[least]))
                least = i;
        if (least < 0)
            break;
        after = c->bootindex[least];
        bool rom = least >= BOOT_ROM;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s", len ? "\n" : "",
                                rom ? "/rom@genroms/" : "/pci@i0cf8/",
                                rom ? c->option_rom[least - BOOT_ROM].name : paths[least]);
    }
    if (c->boot_strict)
        len += (size_t)snprintf(text + len, sizeof text - len, "%sHALT", len ? "\n" : "");
    if (len)
        fw_cfg_set_file(c->fw_cfg, "bootorder", text, (uint32_t)len + 1);
}

static void boot_files(struct bios *b)
{
    const struct bios_config *c = &b->config;

    fw_cfg_set_number(c->fw_cfg, FW_CFG_BOOT_MENU, c->boot_menu, 2);
    fw_cfg_set_number(c->fw_cfg, FW_CFG_BOOT_DEVICE, (uint8_t)b->boot_order[0], 2);
    if (c->splash_ms)
        file_number(b, "etc/boot-menu-wait", c->splash_ms > 0xFFFF ? 0xFFFF : c->splash_ms, 2);
    if (c->reboot_ms)
        file_number(b, "etc/boot-fail-wait", c->reboot_ms - 1, 4);
    order_file(b, false);
}

void bios_fw_items(struct bios *b)
{
    /* Sleep states: 80h says that there is one, the rest is its SLP_TYP. */
    static const uint8_t states[6] = {0x80, 0, 0, 1, 2, 0x80};
    static const uint8_t no_uuid[16];
    struct fw_cfg *f = b->config.fw_cfg;

    if (!f)
        return;
    fw_cfg_set(f, FW_CFG_UUID, b->config.uuid ? b->config.uuid : no_uuid, 16);
    fw_cfg_set_number(f, FW_CFG_RAM_SIZE, phys_ram_size(b->phys), 8);
    /* SeaBIOS shows its screen on the first serial port then. */
    fw_cfg_set_number(f, FW_CFG_NOGRAPHIC, b->config.serial_console || !b->config.vga, 2);
    fw_cfg_set_number(f, FW_CFG_NB_CPUS, 1, 2);
    fw_cfg_set_number(f, FW_CFG_MAX_CPUS, 1, 2);
    fw_cfg_set_number(f, FW_CFG_IRQ0_OVERRIDE, 1, 4);
    fw_cfg_set_file(f, "etc/system-states", states, sizeof states);
    memory_file(b);
    boot_files(b);
    geometry_file(b);
    bios_fw_tables(b);
}

/* Make the LEN bytes at P sum up to zero by the one at CHECK. */
static void balance(uint8_t *p, uint32_t len, uint32_t check)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < len; i++)
        sum += p[i];
    p[check] -= sum;
}

/* The kernel as a device that comes first: an option ROM with a boot entry. */
bool bios_fw_kernel(struct bios *b, struct error *err)
{
    uint32_t len = (uint32_t)(bios_bootrom_end - bios_bootrom_start);
    uint8_t rom[BOOTROM_MAX];
    struct fw_cfg *f = b->config.fw_cfg;

    if (!f || len > sizeof rom || !(b->kernel ? linux_offer(b) : multiboot_offer(b)))
        return error_set(err, "the kernel or its initrd cannot be read");
    memcpy(rom, bios_bootrom_start, len);
    balance(rom + PNP_HEADER, PNP_BYTES, 9);
    balance(rom, len, len - 1);
    fw_cfg_set_file(f, "genroms/kernelboot.bin", rom, len);
    order_file(b, true);
    return true;
}
