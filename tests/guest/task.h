/* The 32-bit TSS (SDM vol. 3A 7.2.1), and one that a task can begin with. */
#ifndef RINGER_TESTS_GUEST_TASK_H
#define RINGER_TESTS_GUEST_TASK_H

#include "tests/guest/protected.h"

#define T_LINK 0
#define T_ESP0 4
#define T_SS0  8
#define T_CR3  28
#define T_EIP  32
#define T_EFLAGS 36
#define T_EAX  40
#define T_ECX  44
#define T_ESP  56
#define T_ES   72
#define T_CS   76
#define T_SS   80
#define T_DS   84
#define T_FS   88
#define T_GS   92
#define T_LDT  96
#define T_TRAP 100
#define T_BYTES 104

/* Fill the TSS at EDI: ring 0, to start at EAX.  Changes ECX. */
#define CLEAN_TASK                                                                                 \
    push edi;                                                                                      \
    push eax;                                                                                      \
    mov ecx, T_BYTES / 4;                                                                          \
    xor eax, eax;                                                                                  \
    rep stosd;                                                                                     \
    pop eax;                                                                                       \
    pop edi;                                                                                       \
    mov [edi + T_EIP], eax;                                                                        \
    mov dword ptr [edi + T_EFLAGS], 2;                                                             \
    mov dword ptr [edi + T_ESP], 0x5800;                                                           \
    mov dword ptr [edi + T_CS], CODE0;                                                             \
    mov dword ptr [edi + T_SS], DATA0;                                                             \
    mov dword ptr [edi + T_DS], DATA0;                                                             \
    mov word ptr [edi + 102], T_BYTES /* no map of ports */

/* A far jump (EAh) or call (9Ah) to a task: the offset does not count. */
#define FAR(opcode, selector) .byte opcode; .long 0; .word selector

#endif
