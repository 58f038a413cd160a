/* A board with the BIOS on it and nobody to run its ROM: tests enter the services where the ROM's
 * traps would, with a manual clock. */
#ifndef TESTS_BIOS_RIG_H
#define TESTS_BIOS_RIG_H

#include "bios/private.h"
#include "cpu/emulate.h"
#include "devices/chardev.h"
#include "devices/fw_cfg.h"

struct rig {
    struct board board;
    struct lapic *lapic;
    struct mmu *mmu;
    struct cpu *cpu;
    struct pic *pic;
    struct i8042 *keyboard;
    struct vga *vga;
    struct fw_cfg *fw_cfg;
    struct bios *bios;
    struct block *floppy, *disk;
    char floppy_path[64], disk_path[64];
    unsigned resets;       /* by the keyboard controller */
    struct chardev line; /* on the first serial port, where the BIOS is to show its screen there */
    char sent[8192];     /* the first that came out of it, and a NUL */
    size_t sent_len;
    const char *typed;     /* what it has for the port besides; NULL: nothing */
    uint16_t trap_at[256]; /* ROM offsets of traps, 0: not looked for yet */
};

/* Services are entered with SS:SP here; the FLAGS image of their IRET stands at RIG_FLAGS. */
enum { RIG_SP = 0x7000, RIG_FLAGS = RIG_SP + 4, RIG_BUFFER = 0x20000 };

/* FLOPPY_SECTORS, DISK_SECTORS: 0 for none.  Every sector of an image starts with its number. */
void rig_open(struct rig *r, uint32_t ram_mib, uint32_t floppy_sectors, uint32_t disk_sectors);
/* The same with what BASE says besides. */
void rig_open_with(struct rig *r, uint32_t ram_mib, uint32_t floppy_sectors, uint32_t disk_sectors,
                   const struct bios_config *base);
void rig_close(struct rig *r);
/* Run the ROM's trap NUMBER (TRAP_*) as the ROM would. */
void rig_trap(struct rig *r, unsigned number);
/* POST, then registers zero and the stack of services. */
void rig_post(struct rig *r);
/* Service NUMBER with these registers; the carry of its IRET is returned. */
bool rig_call(struct rig *r, unsigned number, uint32_t eax, uint32_t ebx, uint32_t ecx,
              uint32_t edx);
bool rig_zero(struct rig *r);      /* ZF of the IRET image */
bool rig_live_carry(struct rig *r); /* "wait" */
uint8_t rig_ah(struct rig *r);

/* Write BYTES into a temporary file; its name is stored in PATH (64 bytes). */
void rig_file(char *path, const void *bytes, size_t len);

#endif
