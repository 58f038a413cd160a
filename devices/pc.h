/* The devices of the board: one init function each.  All register themselves with the board's
 * bus, memory and device list, which own them from then on. */
#ifndef RINGER_DEVICES_PC_H
#define RINGER_DEVICES_PC_H

#include "devices/block.h"
#include "devices/bus.h"
#include "devices/chardev.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "mmu/phys.h"

/* --- two 8259A at 20h, A0h, ELCR at 4D0h (devices/pic.c) --- */
struct pic;
struct pic *pic_init(struct board *board, struct irq_line intr);
void pic_set_irq(void *pic, int irq, int level); /* irq_line-shaped */
int pic_intack(struct pic *pic);                 /* vector; spurious when nothing is left */
bool pic_pending(struct pic *pic);
void pic_describe(struct pic *pic, void (*line)(void *, const char *), void *opaque);

static inline struct irq_line pic_line(struct pic *pic, int irq)
{
    return (struct irq_line){pic_set_irq, pic, irq};
}

/* --- 8254 at 40h and the system control port 61h (devices/pit.c) --- */
struct pit;
struct pit *pit_init(struct board *board, struct irq_line irq0);
/* The speaker's line at TICK of the 8254's clock since power-on, by what is programmed at present;
 * does it move by itself?  BEFORE is called before that changes. */
bool pit_speaker_level(struct pit *pit, uint64_t tick);
bool pit_speaker_plays(const struct pit *pit);
void pit_on_speaker(struct pit *pit, void (*before)(void *opaque), void *opaque);

/* --- MC146818 RTC and CMOS at 70h (devices/rtc.c) --- */
struct rtc;
/* EPOCH: seconds since 1970 that the clock shows at power-on. */
struct rtc *rtc_init(struct board *board, struct irq_line irq8, int64_t epoch);
/* CHANGED is called when the guest has set the clock, with the seconds by which it is ahead of what
 * it would show had it never been set. */
void rtc_on_change(struct rtc *rtc, void (*changed)(void *opaque, int64_t offset), void *opaque);
/* NS went by on a clock that runs by itself while the virtual one stood: the time is so much later,
 * without the interrupts that would have come. */
void rtc_pass(struct rtc *rtc, uint64_t ns);
void rtc_set_cmos(struct rtc *rtc, uint8_t index, uint8_t value); /* defaults, kept over reset */
uint8_t rtc_get_cmos(struct rtc *rtc, uint8_t index);

/* --- two 8237A, page registers (devices/dma.c) --- */
struct dma;
struct dma *dma_init(struct board *board);
/* A device's transfer on CHANNEL (0-7). Moves up to LEN bytes between BUF and memory in the
 * direction programmed; returns bytes moved; *TC set when the count ran out. 0: masked. */
uint32_t dma_to_memory(struct dma *d, int channel, const void *buf, uint32_t len, bool *tc);
uint32_t dma_from_memory(struct dma *d, int channel, void *buf, uint32_t len, bool *tc);
bool dma_ready(struct dma *d, int channel);

/* --- 8042 with PS/2 keyboard and auxiliary port at 60h/64h, port 92h (devices/i8042.c,
 *     devices/ps2kbd.c, devices/ps2mouse.c) --- */
struct i8042;
struct i8042 *i8042_init(struct board *board, struct irq_line irq1, struct irq_line irq12,
                         struct irq_line a20, struct irq_line reset);
/* A key of a US keyboard by its PS/2 set 1 code: e.g. 1Eh for A; extended keys have E0h in bits
 * 8..15 (E048h: Up); Pause is E11Dh, PrintScreen E037h. */
void i8042_key(struct i8042 *k, uint16_t set1_code, bool down);
void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons);
unsigned i8042_leds(struct i8042 *k); /* bit 0 scroll, 1 num, 2 caps */
bool i8042_queue_room(struct i8042 *k); /* true when another key would not be lost */

/* --- 16550A (devices/uart.c) --- */
struct uart;
/* CHAR may be NULL: nothing connected. */
struct uart *uart_init(struct board *board, uint16_t base, struct irq_line irq,
                       struct chardev *chr);

/* --- parallel port: SPP, PS/2, EPP, ECP (devices/parallel.c) --- */
/* IRQ_NUMBER is what IRQ is called, for the configuration register.  CHAR is the printer; NULL: none
 * is there. */
void parallel_init(struct board *board, uint16_t base, int irq_number, struct irq_line irq,
                   struct chardev *chr);

/* --- 82077AA at 3F0h with up to two drives, DMA channel 2 (devices/fdc.c) --- */
struct fdc;
struct fdc *fdc_init(struct board *board, struct irq_line irq6, struct dma *dma);
/* Which drives there are, both if it is not called; one that is not never finds its track 0. */
void fdc_attach(struct fdc *f, bool a, bool b);
/* Put BLOCK into DRIVE (0, 1), or take out what is there when NULL; sets disk change. The block
 * stays the caller's. */
void fdc_insert(struct fdc *f, int drive, struct block *block);

/* --- ATA channel with two drives, PIO, LBA48 (devices/ide.c) --- */
struct ide;
struct ide *ide_init(struct board *board, uint16_t base, uint16_t control, struct irq_line irq);
void ide_attach(struct ide *ide, int drive, struct block *block, const char *serial);

/* A CD drive (devices/atapi*.c) with BLOCK's disc of 2048-byte sectors in it, or none (NULL). */
void ide_attach_cdrom(struct ide *ide, int drive, struct block *block, const char *serial);
/* Exchange the disc of a CD drive; NULL takes it out.  A locked tray opens only when FORCE; false
 * tells that it did not (or that DRIVE is no CD drive).  Blocks stay the caller's. */
bool ide_change_disc(struct ide *ide, int drive, struct block *block, bool force);
/* Press the button of a CD drive: the tray opens, or closes over what is in it.  A locked tray
 * opens only when FORCE; false as above. */
bool ide_move_tray(struct ide *ide, int drive, bool open, bool force);
/* What a CD drive's tray does; false when DRIVE is none. */
bool ide_tray(const struct ide *ide, int drive, bool *open, bool *locked);
/* TRAY is called whenever one opens or closes. */
void ide_on_tray(struct ide *ide, void (*tray)(void *opaque, int drive, bool open), void *opaque);
/* True when DRIVE is a CD drive with a disc in a closed tray: what a BIOS can boot from. */
bool ide_disc_present(const struct ide *ide, int drive);

/* --- PCI bus, configuration mechanism 1 at CF8h (devices/pci.c); before reset_control_init --- */
struct pci;
struct pci *pci_init(struct board *board);
/* The devfn of function 0 of a slot that is empty and not in the mask TAKEN, from slot 3 on. */
uint8_t pci_free_slot(const struct pci *pci, uint32_t taken);
/* 00:00.0, i440FX (devices/pci_host.c).  SHADOWED: the DRAM at C0000h-FFFFFh begins as a copy of
 * the ROMs there, as a BIOS leaves it; otherwise it is zero at power-on. */
struct pci_host;
struct pci_host *pci_host_init(struct board *board, struct pci *pci, bool shadowed);
/* The attribute map, PAM0 to PAM6: which of C0000h-FFFFFh is DRAM. */
enum { PCI_HOST_PAM = 7 };
void pci_host_get_pam(const struct pci_host *h, uint8_t pam[PCI_HOST_PAM]);
void pci_host_set_pam(struct pci_host *h, const uint8_t pam[PCI_HOST_PAM]);
/* 00:01.0, PIIX3 (devices/piix_isa.c): IRQS.set(opaque, IRQ, level) takes what PCI and power
 * management drive; the SCI enters by piix_isa_sci.  PIRQS.set(opaque, 0-3, level) sees PIRQA# to
 * PIRQD# themselves. */
struct piix_isa;
struct piix_isa *piix_isa_init(struct board *board, struct pci *pci, struct irq_line irqs,
                               struct irq_line pirqs);
struct irq_line piix_isa_sci(struct piix_isa *isa);
/* 00:01.1, PIIX3 IDE with bus mastering (devices/ide_dma.c).  The channels' interrupts go through
 * it: create it first, then each channel with piix_ide_line as its IRQ, then piix_ide_join. */
struct piix_ide;
struct piix_ide *piix_ide_init(struct board *board, struct pci *pci, struct irq_line irq14,
                               struct irq_line irq15);
struct irq_line piix_ide_line(struct piix_ide *p, int channel);
void piix_ide_join(struct piix_ide *p, int channel, struct ide *ide);
/* 00:01.3, PIIX4 power management (devices/piix_pm.c).  SLEEP is called when software asks for a
 * sleep state, WAKE when one of its events ends S1 or S3; then, after the reset that S3 ends with,
 * piix_pm_woke.  Both may be NULL. */
enum piix_sleep { PIIX_S1, PIIX_S3, PIIX_S4, PIIX_S5 };
/* The type of each in the control register: PIIX4 table "SUS_TYP", but for S4, which is another
 * soft off here (as in QEMU, where it is 2). */
enum { PIIX_TYPE_S1 = 4, PIIX_TYPE_S3 = 1, PIIX_TYPE_S4 = 2, PIIX_TYPE_S5 = 0 };
struct piix_pm_wires {
    void *opaque;
    void (*sleep)(void *opaque, enum piix_sleep state);
    void (*wake)(void *opaque);
};
struct piix_pm;
struct piix_pm *piix_pm_init(struct board *board, struct pci *pci, struct irq_line sci,
                             const struct piix_pm_wires *wires);
void piix_pm_power_button(struct piix_pm *pm);
void piix_pm_rtc(struct piix_pm *pm);    /* the clock asks for its interrupt */
void piix_pm_wakeup(struct piix_pm *pm); /* end S1 or S3 without any of its events */
void piix_pm_woke(struct piix_pm *pm);
void piix_pm_gpe(struct piix_pm *pm, unsigned n); /* general purpose event N is signalled */
enum { PIIX_ACPI_ENABLE = 0xF1, PIIX_ACPI_DISABLE = 0xF0 }; /* commands for port B2h */

/* --- standard VGA, 256 KiB .. 256 MiB of memory, a power of two (devices/vga*.c) --- */
struct vga;
struct vga *vga_init(struct board *board, uint32_t vram_bytes);
/* The monitor tells, by EDID, that it likes WIDTH by HEIGHT pixels best (1024x768 unless said); 0: it
 * tells nothing.  For the time before the machine starts. */
void vga_set_monitor(struct vga *v, unsigned width, unsigned height);
/* The monitor's EDID (devices/edid.h); false when it has none. */
bool vga_edid(const struct vga *v, uint8_t edid[128]);
/* Take it off the board: no port, window or frame buffer answers any more, and the picture stays as
 * it is.  For a machine without graphics card. */
void vga_unplug(struct vga *v, struct bus *bus);
struct vga_text {
    bool text_mode;
    unsigned columns, rows;
    unsigned cursor_x, cursor_y; /* column, row */
    bool cursor_visible;
    uint16_t cells[132 * 60]; /* character | attribute << 8, row by row */
};
/* 00:02.0, the same as a PCI function (devices/pci_vga.c), whose first base address places the
 * linear frame buffer. */
struct pci_vga *pci_vga_init(struct board *board, struct pci *pci, struct vga *vga);
/* Once, before the machine runs: an option ROM of LEN bytes, copied. */
void pci_vga_set_rom(struct pci_vga *p, const void *rom, uint32_t len);
void vga_text(struct vga *v, struct vga_text *out);
/* The size of the picture that the CRTC scans out, in pixels as doubled for output (640x400 for
 * mode 13h, 720x400 for 9-dot text). */
void vga_size(struct vga *v, unsigned *width, unsigned *height);
/* Draw it: WIDTH*HEIGHT pixels, 0x00RRGGBB, STRIDE in pixels. */
void vga_draw(struct vga *v, uint32_t *pixels, unsigned stride);
/* The same without what blinks by itself: no cursor, and blinking characters are there. */
void vga_draw_steady(struct vga *v, uint32_t *pixels, unsigned stride);

/* --- what kvm-unit-tests need (devices/testdev.c, devices/pci_testdev.c) --- */
/* IRQS.set(opaque, n + IRQ, level) drives the ISA interrupt lines. */
void pc_testdev_init(struct board *board, struct irq_line irqs);
/* MEMBAR: size of a third base address with nothing behind it, a power of two; 0: none. */
void pci_testdev_init(struct board *board, struct pci *pci, uint8_t devfn, uint32_t membar);

/* --- small ones (devices/debugcon.c, devices/isa_debug_exit.c, devices/reset.c) --- */
/* Reading PORT gives READBACK. */
void debugcon_init(struct board *board, uint16_t port, uint8_t readback, struct chardev *chr);
/* A write of V ends ringer with exit status (V << 1) | 1: calls EXIT with it. */
void isa_debug_exit_init(struct board *board, uint16_t base, uint16_t size,
                         void (*exit)(void *opaque, int status), void *opaque);
/* CF9h reset control, hard and soft; and 0F0h/0F1h (FERR/IGNNE) is the CPU's. */
void reset_control_init(struct board *board, struct irq_line board_reset,
                        struct irq_line cpu_reset);

#endif
