/* The VGA's option ROM for foreign firmware (PCI firmware specification 3.0, section 5.1): INT 10h
 * as in rom.S, its services behind traps.  Behind the code C fills in fonts and tables. */
#include "bios/trap.h"

    .section .rodata.bios_video_rom, "a", @progbits
    .balign 16
    .globl bios_video_rom_start
    .globl bios_video_rom_end
bios_video_rom_start:
rom:
    .code16

    .word 0xAA55
    .byte VIDEO_ROM_SIZE / 512
    .byte 0xE9 /* jmp init */
    .word init - (rom + 6)

    .org 0x18
    .word pcir - rom
    .org 0x1E /* where programs look for a VGA */
    .asciz "IBM VGA compatible BIOS, ringer"

    .org 0x40
pcir:
    .ascii "PCIR"
    .word 0x1234, 0x1111
    .word 0
    .word 0x18       /* length */
    .byte 0, 0, 0, 3 /* revision; class: display, VGA */
    .word VIDEO_ROM_SIZE / 512
    .word 1
    .byte 0, 0x80 /* PC-AT, the last image */
    .word 0

init:
    trap TRAP_VIDEO_INIT
    lretw

    .org VIDEO_ROM_INT10
    int10_service

    .org VIDEO_ROM_DATA
bios_video_rom_end:

    .section .note.GNU-stack, "", @progbits
