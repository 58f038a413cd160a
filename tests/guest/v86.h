/* There and back for guests in virtual-8086 mode.  They have `back`, a dword, and a handler of #GP
 * that goes to it. */
#ifndef RINGER_TESTS_GUEST_V86_H
#define RINGER_TESTS_GUEST_V86_H

#include "tests/guest/protected.h"

#define VM 0x20000

/* To virtual-8086 mode with IOPL (bits 12, 13) and IF of FLAGS; all segments 0, ESP below the
 * ring-3 stack.  Back by TO_RING0's INT 80h (IOPL 3 or a redirection bitmap that lets it pass), or
 * by LEAVE_V86, a privileged instruction. */
#define TO_V86(flags)                                                                              \
    mov ss:[ring0_esp], esp;                                                                       \
    push 0; push 0; push 0; push 0; /* GS FS DS ES */                                              \
    push 0; /* SS */                                                                               \
    push STACK3;                                                                                   \
    push VM | 2 | (flags);                                                                         \
    push 0; /* CS */                                                                               \
    push offset 96f;                                                                               \
    iretd;                                                                                         \
    .code16;                                                                                       \
96:
/* HLT is #GP in virtual-8086 mode; its handler takes this one to ring 0. */
#define LEAVE_V86                                                                                  \
    mov dword ptr ss:[back], offset 96f;                                                           \
    hlt;                                                                                           \
    .code32;                                                                                       \
96:

#endif
