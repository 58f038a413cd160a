/* A CPU with memory for tests: real guest RAM, a recorder on the ports, a decoder just good
 * enough for the instructions that the tests spell out. */
#ifndef TESTS_CPU_RIG_H
#define TESTS_CPU_RIG_H

#include "cpu/emulate.h"

struct rig {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    uint16_t port;      /* of the last access */
    uint32_t out_value; /* last OUT */
    uint32_t in_value;  /* what IN gives; incremented by each */
    unsigned port_accesses;
    uint64_t apic_base, deadline; /* as the local APIC was told */
    uint64_t tsc;
    int ferr;
};

/* Places in guest memory that rig_protected uses. */
enum {
    RIG_GDT = 0x1000,
    RIG_IDT = 0x2000,
    RIG_TSS = 0x3000,
    RIG_LDT = 0x4000,
    RIG_CODE = 0x8000,
    RIG_STACK0 = 0x20000,
    RIG_STACK3 = 0x30000,
    RIG_DATA = 0x40000
};

/* Selectors of rig_protected's GDT: flat 32-bit segments of rings 0 and 3, an LDT, a TSS. */
enum {
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1B,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_LDT = 0x30,
    SEL_FREE = 0x38 /* and up: the test's own */
};

void rig_open(struct rig *r, const char *model);
void rig_close(struct rig *r);
/* Flat 32-bit protected mode at ring CPL, with a TSS whose ring-0 stack ends at RIG_STACK0. */
void rig_protected(struct rig *r, unsigned cpl);

void rig_w8(struct rig *r, uint32_t pa, uint8_t value);
void rig_w16(struct rig *r, uint32_t pa, uint16_t value);
void rig_w32(struct rig *r, uint32_t pa, uint32_t value);
uint8_t rig_r8(struct rig *r, uint32_t pa);
uint16_t rig_r16(struct rig *r, uint32_t pa);
uint32_t rig_r32(struct rig *r, uint32_t pa);

/* Descriptors. ACCESS is the byte with P, DPL, S and type; FLAGS the nibble G D L AVL. */
void rig_segment(struct rig *r, uint32_t table, uint16_t selector, uint32_t base, uint32_t limit,
                 uint8_t access, uint8_t flags);
void rig_gate(struct rig *r, uint32_t table, unsigned index, uint16_t selector, uint32_t offset,
              uint8_t access, unsigned count);

/* Decode the bytes of HEX ("66 CF") with the present code size. */
struct insn rig_decode(struct rig *r, const char *hex);
/* Carry them out at the present EIP: by cpu_emulate_data, or cpu_emulate where that declines. */
enum cpu_result rig_exec(struct rig *r, const char *hex);

/* Was HEX refused with VECTOR and ERROR, EIP unmoved? */
bool rig_faults(struct rig *r, const char *hex, unsigned vector, uint32_t error);

#endif
