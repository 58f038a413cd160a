/* What the sources of ROMs share: how they ask for a service (bios/rom.h), and INT 10h, which both
 * the BIOS and the VGA's option ROM have.  For the assembler. */
#ifndef RINGER_BIOS_TRAP_H
#define RINGER_BIOS_TRAP_H

#include "bios/rom.h"

.macro trap number
    outb %al, $ROM_TRAP_PORT
    .byte 0xEB, 0x01, \number /* jump over the number */
.endm

/* 13h goes in pieces: a string may be 64 KiB of line feeds. */
.macro int10_service
    cmpb $0x13, %ah
    je write_string
    trap TRAP_INT10
    iretw

write_string:
    pushaw
    trap TRAP_STRING_INIT
1:
    sti
    trap TRAP_STRING
    jc 1b
    popaw
    iretw
.endm

#endif
