/* What the files of the virtual BIOS share. */
#ifndef RINGER_BIOS_PRIVATE_H
#define RINGER_BIOS_PRIVATE_H

#include "bios/bios.h"
#include "bios/rom.h"
#include "ringer/error.h"
#include "ringer/log.h"

enum { BIOS_DISKS = 4, EBDA_SEGMENT = 0x9FC0, EBDA_BASE = 0x9FC00 };

/* Where POST puts power management, and the interrupt that its events come on. */
enum { BIOS_PM_BASE = 0x600, BIOS_SCI_IRQ = 9 };

struct bios_floppy {
    struct block *block; /* NULL: no medium */
    bool present;
    bool changed; /* the disk change line: reported once */
    uint8_t type; /* CMOS drive type: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M */
    struct geometry media;
};

struct bios_disk {
    struct block *block;
    uint64_t sectors;
    struct geometry geometry; /* as INT 13h shows it: at most 1024 cylinders */
};

/* The CD drive, and what was booted from it (cdrom.c). */
enum { CD_DRIVE = 0xE0 };
struct bios_cd {
    struct block *block; /* NULL: no disc */
    unsigned unit;       /* 0-3: IDE channel and drive */
    bool emulating;      /* a diskette (drive 00h) or hard disk (80h) */
    uint8_t media, drive;
    uint16_t segment, load_sectors;
    uint32_t catalog;
    uint64_t first, sectors; /* the image, in 512-byte sectors */
    struct geometry geometry;
};

/* Booting: the list of devices as tried, and the menu. */
struct bios_boot {
    char list[8];
    uint8_t result[8]; /* of each (boot.c) */
    uint8_t next;      /* index of the one that INT 18h tries next */
    uint8_t menu;      /* how far it is (menu.c) */
    char choice;       /* the menu's; 0: none */
    uint8_t
        first_disk; /* place plus one of the disk that is 80h because the menu said so; 0: none */
    uint64_t until; /* the prompt, or the wait after "nothing boots", ends */
};

/* The connection to the APM driver (apm.c). */
enum { APM_REAL = 1, APM_PM16, APM_PM32 };
struct bios_apm {
    uint8_t connected; /* which interface, 0: none */
    bool disabled, disengaged;
    uint16_t version;
};

/* What is known of the terminal that shows the screen (sercon.c). */
struct bios_sercon {
    uint16_t port;         /* of its serial line; 0: there is none */
    uint8_t released;      /* the guest has taken the line over */
    uint8_t anchored;      /* its first row is the screen's */
    uint8_t stale;         /* the screen was changed behind its back */
    uint8_t row, column;   /* its cursor; column may be behind the last */
    uint8_t attribute;     /* the colours that it writes in */
    uint8_t escape[8];     /* the bytes of a key's sequence so far */
    uint8_t escapes;       /* how many */
    uint8_t after_cr;      /* the last byte was CR */
    uint8_t utf8_left;     /* how many bytes a character still wants */
    uint32_t utf8;         /* its code so far */
    uint64_t escape_until; /* then it was no sequence */
};

struct linux_image;
struct multiboot_image;

struct bios {
    struct bios_config config;
    struct cpu *cpu;
    struct bus *bus;
    struct vclock *clock;
    struct phys *phys;
    struct log *log;
    uint8_t *rom; /* ROM_SIZE bytes, as the guest sees them */
    uint32_t rom_used; /* by tables, from its start */
    uint8_t *video_rom; /* VIDEO_ROM_SIZE bytes: the VGA BIOS as an option ROM; NULL: not made */

    struct bios_floppy floppy[2];
    struct bios_disk disk[BIOS_DISKS]; /* numbered from 80h without gaps */
    unsigned disks;
    struct bios_cd cd;
    struct bios_apm apm;
    struct bios_sercon sercon;

    char boot_order[8];
    struct bios_boot boot;
    int option_region;   /* the option ROMs' memory; -1: there are none */
    uint8_t option_next; /* which of them POST initialises next */
    uint16_t pnp;        /* where the Plug and Play structure is in the ROM */
    struct linux_image *kernel;
    struct multiboot_image *multiboot;

    struct vtimer beep;
    uint16_t vbe_pm, vbe_pm_bytes; /* VBE's 32-bit code in the ROM */
    bool vbe_linear; /* the VBE mode that is set uses the linear frame buffer */
    bool vbe_kept;   /* memory was not cleared when it was set */
    uint16_t vbe_mode;
};

/* ---- registers (bios/guest.h has the memory) ---- */

static inline uint16_t reg16(const struct bios *b, enum gpr r)
{
    return b->cpu->gpr[r];
}

static inline uint8_t reg_lo(const struct bios *b, enum gpr r)
{
    return b->cpu->gpr[r];
}

static inline uint8_t reg_hi(const struct bios *b, enum gpr r)
{
    return b->cpu->gpr[r] >> 8;
}

static inline void set_reg16(struct bios *b, enum gpr r, uint16_t v)
{
    b->cpu->gpr[r] = (b->cpu->gpr[r] & 0xFFFF0000u) | v;
}

static inline void set_lo(struct bios *b, enum gpr r, uint8_t v)
{
    b->cpu->gpr[r] = (b->cpu->gpr[r] & 0xFFFFFF00u) | v;
}

static inline void set_hi(struct bios *b, enum gpr r, uint8_t v)
{
    b->cpu->gpr[r] = (b->cpu->gpr[r] & 0xFFFF00FFu) | (uint32_t)v << 8;
}

/* The live flags, which the ROM looks at behind a trap. */
static inline void live_flag(struct bios *b, uint32_t flag, bool on)
{
    b->cpu->flags_host = on ? b->cpu->flags_host | flag : b->cpu->flags_host & ~flag;
}

/* ---- guest memory (bios/guest.c) ---- */

/* Linear addresses, through paging (a V86 monitor may be on), as the supervisor.  What is not
 * mapped reads as FFh and swallows writes; false says that it happened. */
bool lin_read(struct bios *b, uint32_t lin, void *data, uint32_t len);
bool lin_write(struct bios *b, uint32_t lin, const void *data, uint32_t len);
void lin_fill(struct bios *b, uint32_t lin, uint8_t value, uint32_t len);
/* SEG:OFFSET as a 16-bit program addresses it: the offset wraps at 64 KiB. */
bool seg_read(struct bios *b, enum seg_index seg, uint16_t offset, void *data, uint32_t len);
bool seg_write(struct bios *b, enum seg_index seg, uint16_t offset, const void *data,
               uint32_t len);

uint8_t lin8(struct bios *b, uint32_t lin);
uint16_t lin16(struct bios *b, uint32_t lin);
uint32_t lin32(struct bios *b, uint32_t lin);
void set_lin8(struct bios *b, uint32_t lin, uint8_t v);
void set_lin16(struct bios *b, uint32_t lin, uint16_t v);
void set_lin32(struct bios *b, uint32_t lin, uint32_t v);

/* BIOS data area: OFFSET from 0040:0000. */
static inline uint8_t bda8(struct bios *b, unsigned offset)
{
    return lin8(b, 0x400 + offset);
}

static inline uint16_t bda16(struct bios *b, unsigned offset)
{
    return lin16(b, 0x400 + offset);
}

static inline void set_bda8(struct bios *b, unsigned offset, uint8_t v)
{
    set_lin8(b, 0x400 + offset, v);
}

static inline void set_bda16(struct bios *b, unsigned offset, uint16_t v)
{
    set_lin16(b, 0x400 + offset, v);
}

/* Interrupt vector N. */
void set_vector(struct bios *b, uint8_t n, uint16_t segment, uint16_t offset);

/* The FLAGS image that the service's IRET will load. */
void frame_flag(struct bios *b, uint16_t flag, bool on);

static inline void set_carry(struct bios *b, bool on)
{
    frame_flag(b, FLAG_CF, on);
}

/* ---- ports ---- */

static inline uint8_t in8(struct bios *b, uint16_t port)
{
    return bus_in(b->bus, port, 1);
}

static inline void out8(struct bios *b, uint16_t port, uint8_t v)
{
    bus_out(b->bus, port, v, 1);
}

/* RAM below 4 GiB, less the EBDA: the top of extended memory as an address. */
uint32_t bios_ram_top(const struct bios *b);

/* ---- services, one file each ---- */

uint8_t bios_shutdown_code(struct bios *b);          /* post.c: TRAP_RESET */
void bios_post(struct bios *b);                      /* post.c */
void bios_power_on_cmos(struct bios *b);             /* cmos.c: defaults before the first POST */
uint16_t bios_equipment(const struct bios *b);       /* cmos.c */
void bios_fill_rom(struct bios *b);                  /* tables.c: fonts and tables */
void bios_map_traps(struct bios *b);                 /* bios.c: the trap port, for either ROM */
void video_rom_init(struct bios *b);                 /* video_rom.c: TRAP_VIDEO_INIT */
void vbe_fill_rom(struct bios *b);                   /* vbe.c: mode list, 32-bit code */
void pnp_fill_rom(struct bios *b);                   /* pnp.c */
bool option_roms_install(struct bios *b, struct error *err); /* option_rom.c */
void option_roms_post(struct bios *b);
void option_rom_next(struct bios *b); /* TRAP_OPTION_ROM */
bool option_rom_boot(struct bios *b); /* true: one is to be started */
/* tables.c: SIZE zeroed bytes of the ROM for a table, before the ROM is mapped; NULL: it is full */
uint8_t *bios_rom_room(struct bios *b, uint32_t size, uint32_t align);
void pci_fill_rom(struct bios *b);                   /* pci.c: BIOS32 directory, $PIR */
void bios_cpuid(struct bios *b, uint32_t leaf, uint32_t out[4]); /* banner.c */
void smbios_fill_rom(struct bios *b);                /* smbios.c */
void acpi_fill_rom(struct bios *b);                  /* acpi.c */
bool bios_foreign_rom(struct bios *b, struct error *err); /* firmware.c: map it */
void bios_fw_items(struct bios *b);                  /* firmware.c: fw_cfg */
void bios_fw_tables(struct bios *b);                 /* fw_tables.c: ACPI and SMBIOS for fw_cfg */
void bios_boot_cmos(struct bios *b);                 /* cmos.c: the boot order for firmware */
void bios_acpi_init(struct bios *b);                 /* acpi.c: the part in RAM */
/* acpi.c: where a system that slept in S3 wants to go on in real mode; 0: nowhere */
uint32_t bios_waking_vector(struct bios *b);
void mp_fill_rom(struct bios *b);                    /* apic.c: the MP configuration table */
void bios_apic_init(struct bios *b);                 /* apic.c: virtual wire mode */
void bios_pci_init(struct bios *b);                  /* pci.c: addresses and interrupts */
void bios_fill_vectors(struct bios *b);              /* tables.c */
void bios_banner(struct bios *b);                    /* banner.c */
void bios_boot(struct bios *b, bool next);           /* boot.c: TRAP_BOOT */
void bios_boot_wait(struct bios *b);                 /* boot.c: TRAP_NOTHING; live CF: wait */
void bios_menu(struct bios *b);                      /* menu.c: TRAP_MENU; live CF: wait */
void bios_order_disks(struct bios *b,
                      unsigned first); /* bios.c: place FIRST - 1 is 80h; 0: by bootindex */
void bios_fixed_disks(struct bios *b);               /* tables.c: the tables of INT 41h, 46h */
void bios_print(struct bios *b, const char *text);   /* video.c: teletype, \n is CR LF */
void bios_nmi(struct bios *b);                       /* time.c */
void bios_serial_post(struct bios *b);               /* 9600 8N1 on every port; serial.c */
void bios_print_screen(struct bios *b);              /* serial.c */

/* By interrupt number: registers in, registers out; keyboard.c, video.c, video_text.c, disk.c,
 * serial.c, system.c, time.c, mouse.c. */
void int09(struct bios *b);
void int10(struct bios *b);
void int10_string_init(struct bios *b);
void int10_string(struct bios *b);
void int13(struct bios *b);
void int14(struct bios *b);
void int14_late(struct bios *b);
void int15(struct bios *b);
void int15_wait_init(struct bios *b);
void int15_wait(struct bios *b);
void int15_enter_pm(struct bios *b);
void int16(struct bios *b);
void int17(struct bios *b);
void int1a(struct bios *b);
void int1a_pci(struct bios *b);                      /* pci.c: B1xxh */
void bios_pci32(struct bios *b);                     /* pci.c: TRAP_PCI32 */
void bios_directory(struct bios *b);                 /* pci.c: TRAP_BIOS32 */
void int70(struct bios *b);
void int74(struct bios *b);

bool int13_cdrom(struct bios *b);                    /* cdrom.c; false: the drive is another's */
/* cdrom.c: what drive DL is when an emulated one has moved the others up. */
uint8_t cdrom_real_drive(const struct bios *b, uint8_t dl);
bool cdrom_boot(struct bios *b);                     /* cdrom.c */
void int13_floppy(struct bios *b);                   /* floppy.c */
void int13_disk(struct bios *b, struct bios_disk *d); /* disk.c */
void int13_lba(struct bios *b, struct bios_disk *d); /* edd.c */
void floppy_set(struct bios *b, int drive, struct block *block);
void int15_apm(struct bios *b);                      /* apm.c: 53h */
void bios_apm_entry(struct bios *b);                 /* apm.c: TRAP_APM */
void int15_mouse(struct bios *b);                    /* mouse.c: C2h */
void int15_memory_map(struct bios *b);               /* memmap.c: E820h */
void int15_block_move(struct bios *b);               /* memmap.c: 87h */
void int15_e801(struct bios *b);
void int15_e881(struct bios *b);
uint16_t bios_extended_kib(const struct bios *b);    /* for 88h and CMOS: at most 63 MiB */

/* keyboard.c: put a key into the type-ahead buffer; false when it is full. */
bool key_store(struct bios *b, uint16_t key);
bool key_room(struct bios *b); /* would it take one? */
/* The next key, as INT 16h/10h gives it, taken out; false when there is none. */
bool key_take(struct bios *b, uint16_t *key);

/* kbc.c: the 8042, polled with a limit of virtual time. */
bool kbc_command(struct bios *b, uint8_t command);
bool kbc_write(struct bios *b, uint8_t value);
bool kbc_read(struct bios *b, uint8_t *value);
bool kbc_init(struct bios *b);

/* cmos.c */
uint8_t cmos_read(struct bios *b, uint8_t index);
void cmos_write(struct bios *b, uint8_t index, uint8_t value);
void cmos_checksum(struct bios *b);
static inline uint8_t from_bcd(uint8_t v)
{
    return (v >> 4) * 10 + (v & 15);
}
static inline uint8_t to_bcd(unsigned v)
{
    return v / 10 % 10 << 4 | v % 10;
}

/* pci.c: configuration space of bus 0; is there a bus; where the linear frame buffer is. */
uint32_t pci_config_read(struct bios *b, uint8_t devfn, unsigned reg, unsigned size);
void pci_config_write(struct bios *b, uint8_t devfn, unsigned reg, uint32_t value, unsigned size);
bool pci_function_present(struct bios *b, uint8_t devfn);
bool pci_present(struct bios *b);
uint32_t bios_frame_buffer(struct bios *b);

/* Direct boot: load and set registers; false with a message on the screen. */
bool linux_load(struct bios *b);
void linux_free(struct linux_image *image);
bool multiboot_load(struct bios *b);
/* The same for foreign firmware: the kernel as items of fw_cfg, for bootrom.S; false when a file
 * cannot be read. */
bool linux_offer(struct bios *b);
bool multiboot_offer(struct bios *b);
/* Where memory ends for kernels: foreign firmware has something at its end. */
uint32_t bios_kernel_top(const struct bios *b);
bool bios_fw_kernel(struct bios *b, struct error *err); /* firmware.c */
void multiboot_free(struct multiboot_image *image);

/* Memory map, as E820h gives it. */
struct map_entry {
    uint64_t base, length;
    uint32_t type; /* 1 RAM, 2 reserved */
};
enum { MAP_ENTRIES = 8 };
unsigned bios_memory_map(const struct bios *b, struct map_entry map[MAP_ENTRIES]);

#endif
