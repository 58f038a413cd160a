/* The virtual BIOS: a small ROM whose services trap to C; and direct boot of kernels. */
#ifndef RINGER_BIOS_BIOS_H
#define RINGER_BIOS_BIOS_H

#include "cpu/cpu.h"
#include "devices/pc.h"

struct error;
struct bios;

/* What can be booted: two floppies, then the drives of the two IDE channels. */
enum { OPTION_ROMS = 8 };
enum { BOOT_FLOPPY = 0, BOOT_IDE = 2, BOOT_ROM = 6, BOOT_PLACES = BOOT_ROM + OPTION_ROMS };

/* What the user wants SMBIOS to say (bios/smbios.c). */
enum smbios_kind {
    SMBIOS_BIOS,      /* type 0: vendor, version, date */
    SMBIOS_SYSTEM,    /* 1: manufacturer, product, version, serial, sku, family */
    SMBIOS_BOARD,     /* 2: manufacturer, product, version, serial, asset, location */
    SMBIOS_CHASSIS,   /* 3: manufacturer, version, serial, asset, sku */
    SMBIOS_PROCESSOR, /* 4: socket, manufacturer, version, serial, asset, part */
    SMBIOS_OEM,       /* 11: any texts */
    SMBIOS_MEMORY,    /* 17: locator, bank, manufacturer, serial, asset, part */
    SMBIOS_KINDS
};
enum { SMBIOS_TEXTS = 8, SMBIOS_FILES = 24 };

struct smbios_config {
    const char *text[SMBIOS_KINDS][SMBIOS_TEXTS]; /* in that order; NULL: ringer's own */
    bool given[SMBIOS_KINDS];                     /* the structure was asked for */
    uint8_t release[2];                           /* of the BIOS, major and minor */
    bool has_release, uefi;
    uint16_t max_mhz, current_mhz, memory_speed; /* 0: ringer's own */
    struct smbios_file {
        const uint8_t *data; /* a whole structure with its texts; the caller's */
        uint32_t len;
    } file[SMBIOS_FILES]; /* in place of those of the same types, which ringer makes but one of */
    unsigned files;
};

/* An option ROM: DATA is the caller's. */
struct option_rom {
    const uint8_t *data;
    uint32_t len;
    const char *name;
};

struct bios_config {
    struct cpu *cpu;
    struct board *board;
    struct vga *vga;
    struct i8042 *keyboard;
    struct rtc *rtc;
    struct block *floppy[2]; /* NULL: drive is empty (see floppy_present) */
    bool floppy_present[2];
    struct block *disk[4];
    struct block *cdrom; /* the disc in the CD drive that boots; NULL: none */
    unsigned cdrom_unit; /* which drive that is: 0-3 */
    void (*power_off)(void *opaque); /* what APM switches off with; NULL: nothing */
    void *power_off_opaque;
    const char *boot_order;  /* QEMU's letters: a floppy, c disk, d CD, n network */
    bool boot_menu;          /* ask for a key at the banner and show what can be booted */
    bool boot_strict;        /* boot from nothing but what the order names */
    uint32_t splash_ms;      /* how long to ask; 0: the firmware's own time */
    const uint32_t *bootindex; /* of each place, plus one; 0: none; NULL: none at all.  The lowest
                                * disk is 80h */
    uint32_t reboot_ms;        /* from "nothing boots" to a reset, plus one; 0: never */
    struct fw_cfg *fw_cfg;   /* gets what firmware is to know; may be NULL */
    const uint8_t *uuid;     /* of the machine, 16 bytes; NULL: none */
    const struct smbios_config *smbios; /* the caller's; NULL: nothing */
    struct option_rom option_rom[OPTION_ROMS];
    unsigned option_roms;
    bool no_s3, no_s4;       /* leave these sleep states out of the tables */
    const uint8_t *rom;      /* foreign firmware of ROM_BYTES in place of ours; NULL: ours */
    uint32_t rom_bytes;
    bool serial_console; /* nobody sees the screen: firmware shows it on the first serial port */
    bool fast_boot;          /* no pause at the banner */
    uint16_t serial_ports[4], parallel_ports[3]; /* I/O bases, 0: none */
};

/* May a foreign ROM have so many BYTES?  ERR names NAME and the sizes that may be. */
bool bios_rom_size_ok(uint64_t bytes, const char *name, struct error *err);
/* Map the ROM, register the trap, and (as a device) set BDA, EBDA and CMOS at reset.  With foreign
 * firmware nothing of ours is in the guest but the contents of CMOS and fw_cfg.  The board must
 * outlive it. */
struct bios *bios_init(const struct bios_config *config, struct error *err);
/* Our VGA BIOS as an option ROM: *LEN bytes at most 64 KiB, the BIOS's; NULL: out of memory.  Under
 * foreign firmware its services answer from then on. */
const uint8_t *bios_video_rom(struct bios *b, uint32_t *len);
/* From the next boot on, try these devices (QEMU's letters; NULL or empty: "cad"). */
void bios_set_boot_order(struct bios *b, const char *order);
/* A medium was changed by the monitor. */
void bios_set_floppy(struct bios *b, int drive, struct block *block);
void bios_set_cdrom(struct bios *b, struct block *block);

/* Direct boot: after each reset POST ends in the kernel instead of INT 19h.  Files are read
 * here; ERR names what is wrong with them.  bzImage/zImage of every boot protocol. */
struct boot_kernel {
    const char *kernel, *initrd, *append; /* initrd, append may be NULL */
};
bool bios_boot_linux(struct bios *b, const struct boot_kernel *k, struct error *err);
/* Multiboot 1: ELF and a.out-kludge; INITRD is a comma-separated list of modules, "file args". */
bool bios_boot_multiboot(struct bios *b, const struct boot_kernel *k, struct error *err);

/* What is the file at PATH, by content? */
enum image_kind {
    IMAGE_UNKNOWN,
    IMAGE_FLOPPY,    /* a standard floppy size, or less with a boot sector without partitions */
    IMAGE_DISK,      /* boot signature */
    IMAGE_CD,        /* ISO 9660 */
    IMAGE_LINUX,     /* bzImage */
    IMAGE_MULTIBOOT,
};
enum image_kind image_identify(const char *path, struct error *err);

#endif
