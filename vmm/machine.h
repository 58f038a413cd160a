/* The machine: composition, life cycle, and the way for other threads to reach it.
 *
 * Everything of the guest (CPU, devices, BIOS) runs on the machine's vCPU thread; other threads
 * only post work to it. */
#ifndef RINGER_VMM_MACHINE_H
#define RINGER_VMM_MACHINE_H

#include "bios/bios.h"
#include "devices/apic.h"
#include "devices/vmmouse.h"
#include "translator/translator.h"
#include "vmm/firmware.h"

struct audio;
struct device_option;
struct hooks_list;
struct symbols;

/* The graphics card; all zero: the usual one. */
struct vga_config {
    bool isa, no_edid;
    uint32_t mib;           /* of video memory; 0: 16 */
    unsigned width, height; /* what the monitor likes best; 0: 1024x768 */
};

/* What the user calls a drive; each may be NULL. */
struct drive_names {
    const char *drive, *device, *node; /* ids of -drive and -device, node of -blockdev */
};

struct machine_config {
    uint64_t ram_bytes;
    const struct cpu_model *model;
    struct block *floppy[2], *disk[4]; /* owned by the machine */
    struct block *cdrom[4];            /* the same; places as DISK's */
    bool cdrom_present[4];             /* a drive, with or without disc */
    const char *ide_serial[4];         /* NULL: one of ringer's; the caller's */
    struct drive_names floppy_names[2], ide_names[4]; /* the caller's */
    const struct device_option *devices; /* the caller's; all that is not always there */
    unsigned device_count;
    struct audio *audio; /* the caller's; NULL: no sound */
    const char *pcspk_audiodev; /* whose speaker it is; NULL: the first one's */
    uint32_t pci_slots; /* not to be taken by devices that name none */
    struct boot_kernel kernel; /* kernel.kernel NULL: BIOS boot */
    bool kernel_multiboot;
    struct firmware firmware; /* owned by the machine */
    bool boot_menu, boot_strict;
    uint32_t boot_splash_ms; /* 0: not said */
    const char *boot_order;
    const char *boot_once; /* order of the first boot only; NULL: boot_order */
    bool no_reboot, start_stopped;
    bool no_shutdown;    /* stop, rather than end, when the guest ends */
    const uint8_t *uuid; /* 16 bytes, the caller's; NULL: none */
    const struct smbios_config *smbios; /* the caller's; NULL: nothing */
    bool snapshot; /* discs that are put in later are not to be written to either */
    bool serial_console; /* nobody sees the screen: the firmware shows it on a serial port */
    bool no_vga;    /* no graphics card: there is nothing to see */
    struct vga_config vga;
    bool no_floppy; /* no drive A: without image */
    const uint32_t *bootindex; /* BOOT_PLACES of them, plus one, 0: none; NULL: none at all */
    uint32_t reboot_ms;        /* from "nothing boots" to a reset, plus one; 0: never */
    bool no_s3, no_s4; /* the tables do not tell of these sleep states */
    bool no_vmport; /* no VMware port, and so no absolute pointer */
    bool no_acpi, no_hpet; /* leave out ACPI's tables (and power management), the HPET */
    struct translator_options translator;
    const struct symbols *symbols; /* the caller's; NULL: none */
    struct log *log;
    int64_t rtc_epoch;
    bool rtc_vm; /* the real-time clock stands while the machine is stopped */
    bool manual_clock; /* time moves by vclock_advance alone, once resumed: for tests */
};

struct machine {
    struct machine_config config;
    struct log *log;
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *translator;
    struct vclock *clock;
    struct bus *bus;
    struct board board;
    struct pic *pic;
    struct lapic *lapic;   /* NULL: the CPU model has none, */
    struct ioapic *ioapic; /* and the board neither */
    struct hpet *hpet;     /* NULL: none */
    struct pit *pit;
    struct rtc *rtc;
    struct dma *dma;
    struct i8042 *i8042;
    struct uart *uart[4];
    uint16_t serial_base[4], parallel_base[3]; /* 0: no such port */
    struct fdc *fdc;
    struct ide *ide[2];
    struct vga *vga;
    struct pci_vga *pci_vga; /* NULL: on the ISA bus, or none */
    struct vmmouse *vmmouse;
    struct pci *pci;
    struct pci_host *pci_host;
    struct piix_pm *pm; /* NULL: no ACPI */
    struct fw_cfg *fw_cfg;
    struct bios *bios;
    const struct symbols *symbols; /* NULL: none */
    struct hooks_list *hooks;
    struct machine_private *private;
};

enum machine_end { END_QUIT, END_POWEROFF, END_RESET, END_SHUTDOWN, END_DEBUG_EXIT };

/* Close the images and ROMs of a configuration that no machine was made of. */
void machine_config_close(struct machine_config *config);

/* The place of the CD drive that boots: that of the lowest bootindex, or else the first; -1: none.
 */
int machine_boot_cdrom(const struct machine_config *c);

/* Compose a machine; the bill of materials.  NULL and ERR on failure; the images are closed either
 * way. */
struct machine *machine_new(const struct machine_config *config, struct error *err);
void machine_free(struct machine *m);
/* Start the vCPU thread / wait for its end; *STATUS is the process exit status it asks for. */
bool machine_start(struct machine *m, struct error *err);
enum machine_end machine_join(struct machine *m, int *status);
/* Run FN(opaque) on the vCPU thread between two guest instructions; _wait returns after it ran.
 * Any thread.  Works while the machine is stopped or halted. */
void machine_post(struct machine *m, void (*fn)(struct machine *m, void *opaque), void *opaque);
void machine_post_wait(struct machine *m, void (*fn)(struct machine *m, void *opaque),
                       void *opaque);
void machine_stop(struct machine *m); /* pause: vCPU and clock */
void machine_cont(struct machine *m);
void machine_reset(struct machine *m);
void machine_powerdown(struct machine *m); /* press the power button: an ACPI event */
/* Wake the guest from its sleep; false and ERR when it does not sleep. */
bool machine_wakeup(struct machine *m, struct error *err);
void machine_nmi(struct machine *m); /* as by a button on the board */
int machine_thread_id(struct machine *m); /* the vCPU thread's, as ps and taskset have it */
void machine_quit(struct machine *m, int status);
bool machine_stopped(struct machine *m);
/* Called on the vCPU thread when the machine ended (wakes the main loop). */
void machine_on_end(struct machine *m, void (*fn)(void *opaque), void *opaque);

#endif
