/* A bare machine for tests of the translator: RAM, one CPU, a block of device registers in memory,
 * and ports by which the guest reports, fails, ends, and asks for interrupts and DMA. */
#ifndef RINGER_TESTS_TRANSLATOR_RIG_H
#define RINGER_TESTS_TRANSLATOR_RIG_H

#include <stdbool.h>

#include "cpu/emulate.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include "tests/translator/rig_ports.h"
#include "translator/translator.h"

enum { RIG_VALUES = 256 };

/* Selectors of rig_flat's GDT, flat but for SEL_SMALL (base 10000h, limit FFFh, expand-up),
 * SEL_DOWN (the same, expand-down) and the 16-bit ones (base 0, limit FFFFh). */
enum {
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1B,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_SMALL = 0x30,
    SEL_DOWN = 0x38,
    SEL_CODE16 = 0x40,
    SEL_DATA16 = 0x48,
    SEL_BASED = 0x50,
};

/* Places that rig_flat and rig_paging use. */
enum {
    RIG_GDT = 0x1000,
    RIG_IDT = 0x2000,
    RIG_TSS = 0x3000,
    RIG_HANDLERS = 0x4000,
    RIG_STACK0 = 0x7000,
    RIG_CODE = 0x8000,
    RIG_STACK3 = 0x30000,
    RIG_DATA = 0x40000,
    RIG_PAGE_DIR = 0x100000,
    RIG_PAGE_TABLE = 0x101000, /* of the first 4 MiB */
    RIG_MMIO = 0xFE000000,
};

struct rig_options {
    const char *model; /* NULL: max */
    uint32_t ram_mib;  /* 0: 16 */
    bool no_check;     /* leave the confinement checker out: for tests of speed */
    const char *log;   /* channels for stderr; NULL: none */
    struct translator_options translator;
};

enum rig_end { RIG_ENDED, RIG_FAILED, RIG_HALTED, RIG_SHUTDOWN, RIG_KICKED, RIG_DIVERGED };

struct rig {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *t;
    struct log *log;

    bool ended, failed;
    uint32_t result;            /* what went to RIG_PORT_END or RIG_PORT_FAIL */
    uint32_t value[RIG_VALUES]; /* what went to RIG_PORT_VALUE */
    unsigned count;
    int vector, wake; /* of the interrupt that waits; after the next HLT. -1: none */
    uint32_t dma_address;
    bool ferr;
    int ferr_vector; /* FERR# raises INTR with it, as IRQ 13 does; -1: it does not */
    uint64_t tsc;

    uint8_t mmio[PAGE_SIZE]; /* registers at RIG_MMIO: plain storage that counts accesses */
    unsigned mmio_reads, mmio_writes;
    uint8_t planes[PAGE_SIZE]; /* the same at RIG_PLANES, by short cuts but for its last 16 bytes */
};

/* Ends the program when the host gives no machine.  The calling thread becomes the vCPU's. */
void rig_open(struct rig *r, const struct rig_options *options);
void rig_close(struct rig *r);

/* Real mode: CS 0, EIP RIG_CODE, SS:SP 0:RIG_STACK0, all else as after reset. */
void rig_real(struct rig *r);
/* Flat 32-bit protected mode at ring CPL, EIP RIG_CODE; every exception ends the run through
 * RIG_HANDLERS (rig_exception tells which). */
void rig_flat(struct rig *r, unsigned cpl);
/* 16-bit protected mode: SEL_CODE16, SEL_DATA16, ring 0. */
void rig_protected16(struct rig *r);
/* Virtual-8086 mode, IOPL 3, CS 0. */
void rig_v86(struct rig *r);
/* Paging on over the above: the first 4 MiB mapped one to one for the user, by 4 KiB pages. */
void rig_paging(struct rig *r);
/* Entry of the page table for LIN (below 4 MiB). */
void rig_map(struct rig *r, uint32_t lin, uint32_t entry);

/* BYTES of machine code to RIG_CODE, or anywhere. */
void rig_load(struct rig *r, uint32_t pa, const void *bytes, uint32_t len);
/* The same in hexadecimal, "8B 43 08"; returns how many there were. */
unsigned rig_hex(struct rig *r, uint32_t pa, const char *hex);

/* Run until the guest ends, fails, halts for good or shuts down. */
enum rig_end rig_run(struct rig *r);
/* Run until somebody kicks (or as above). */
enum rig_end rig_run_until_kick(struct rig *r);
/* The same, and kick after half a millisecond. */
enum rig_end rig_run_and_kick(struct rig *r);
/* Load HEX and an OUT to RIG_PORT_END behind it, run it from RIG_CODE. */
enum rig_end rig_exec(struct rig *r, const char *hex);
/* The vector that rig_flat's handlers reported, -1 when none; its error code in *ERROR. */
int rig_exception(struct rig *r, uint32_t *error);

void rig_raise(struct rig *r, uint32_t events); /* bits of enum cpu_event, and kick */

uint32_t rig_r32(struct rig *r, uint32_t pa);
uint16_t rig_r16(struct rig *r, uint32_t pa);
uint8_t rig_r8(struct rig *r, uint32_t pa);
void rig_w32(struct rig *r, uint32_t pa, uint32_t value);
void rig_w8(struct rig *r, uint32_t pa, uint8_t value);

#endif
