/* What the guests share: reports to the rig, checks that name their line, and the way to flat
 * 32-bit protected mode with handlers that record exceptions.
 *
 * A guest is a flat image at 8000h, entered in real mode with SS:SP 0:7000h.  A check that fails
 * sends its line to the rig. */
#ifndef RINGER_TESTS_GUEST_GUEST_H
#define RINGER_TESTS_GUEST_GUEST_H

#include "tests/translator/rig_ports.h"

    .intel_syntax noprefix

/* ---- selectors and places ---- */

#define CODE0  0x08
#define DATA0  0x10
#define CODE3  0x1B
#define DATA3  0x23
#define TSS    0x28
#define CODE16 0x30
#define DATA16 0x38
#define FREE   0x40 /* and up to F8h: the guest's own, by SEGMENT */

#define STACK0 0x7000
#define STACK3 0x6000

/* ---- checks ---- */

.macro check_cc line, cc
    j\cc 99f
    mov eax, \line
    out RIG_PORT_FAIL, eax
99:
.endm

/* The condition CC holds. */
#define CHECK(cc) check_cc __LINE__, cc
/* A equals B: operands of one CMP. */
#define CHECK_EQ(a, b) cmp a, b; check_cc __LINE__, e
#define CHECK_NE(a, b) cmp a, b; check_cc __LINE__, ne
#define FAIL mov eax, __LINE__; out RIG_PORT_FAIL, eax
#define END out RIG_PORT_END, eax; hlt
/* Record EAX. */
#define REPORT out RIG_PORT_VALUE, eax

/* The instruction raises VECTOR, reported at its own address. */
#define FAULTS(vec, ...)                                                                           \
    mov dword ptr ss:[resume], offset 98f;                                                         \
    mov dword ptr ss:[fault_line], __LINE__;                                                       \
97: __VA_ARGS__;                                                                                   \
    mov eax, __LINE__;                                                                             \
    out RIG_PORT_FAIL, eax;                                                                        \
98: cmp dword ptr ss:[fault_vector], vec;                                                          \
    check_cc __LINE__, e;                                                                          \
    cmp dword ptr ss:[fault_eip], offset 97b;                                                      \
    check_cc __LINE__, e
/* The same, with an error code. */
#define FAULTS_WITH(vec, error, ...)                                                               \
    FAULTS(vec, __VA_ARGS__);                                                                      \
    cmp dword ptr ss:[fault_error], error;                                                         \
    check_cc __LINE__, e
/* The same, a page fault at ADDRESS. */
#define PAGE_FAULTS(error, address, ...)                                                           \
    FAULTS_WITH(14, error, __VA_ARGS__);                                                           \
    cmp dword ptr ss:[fault_cr2], address;                                                         \
    check_cc __LINE__, e

/* A descriptor: SELECTOR in the GDT, base, limit, access byte, flags nibble (G D L AVL). */
#define SEGMENT(selector, base, limit, access, flags)                                              \
    mov dword ptr [gdt + ((selector) & ~7)], ((limit) & 0xFFFF) | ((base) & 0xFFFF) << 16;         \
    mov dword ptr [gdt + ((selector) & ~7) + 4], ((base) >> 16 & 0xFF) | (access) << 8 |           \
        ((limit) & 0xF0000) | (flags) << 20 | ((base) & 0xFF000000)
/* Gate of VECTOR: 32-bit interrupt gate of ring DPL to HANDLER (clobbers EAX). */
#define GATE(vec, handler, dpl)                                                                    \
    mov eax, offset handler;                                                                       \
    mov word ptr [idt + (vec) * 8], ax;                                                            \
    mov dword ptr [idt + (vec) * 8 + 2], CODE0;                                                    \
    mov byte ptr [idt + (vec) * 8 + 5], 0x8E | (dpl) << 5;                                         \
    mov word ptr [idt + (vec) * 8 + 6], 0
/* The default handler again. */
#define UNGATE(vec)                                                                                \
    mov eax, offset handlers + (vec) * 16;                                                         \
    mov word ptr [idt + (vec) * 8], ax;                                                            \
    mov byte ptr [idt + (vec) * 8 + 5], 0x8E

/* ---- to ring 3 and back (INT 80h), where ESP is as it was then ---- */
#define TO_RING3                                                                                   \
    mov ss:[ring0_esp], esp;                                                                       \
    push DATA3;                                                                                    \
    push STACK3;                                                                                   \
    push 0x3002; /* IOPL 3 */                                                                      \
    push CODE3;                                                                                    \
    push offset 96f;                                                                               \
    push eax;                                                                                      \
    mov ax, DATA3;                                                                                 \
    mov ds, ax;                                                                                    \
    mov es, ax;                                                                                    \
    pop eax;                                                                                       \
    iretd;                                                                                         \
96:
#define TO_RING0                                                                                   \
    mov dword ptr ss:[ring0_resume], offset 96f;                                                   \
    int 0x80;                                                                                      \
96:

#endif
