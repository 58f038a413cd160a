/* A boot sector that plays 1 kHz on the speaker for a second by the BIOS's clock, and ends. */
.code16
.globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    movb $0xb6, %al
    outb %al, $0x43
    movw $1193, %ax
    outb %al, $0x42
    movb %ah, %al
    outb %al, $0x42
    inb $0x61, %al
    orb $3, %al
    outb %al, $0x61
    movl 0x46c, %ebx
    addl $18, %ebx
1:  hlt
    cmpl %ebx, 0x46c
    jb 1b
    inb $0x61, %al
    andb $0xfc, %al
    outb %al, $0x61
    movb $0x10, %al
    outb %al, $0xf4
    hlt
.org 510
    .word 0xaa55
.org 1474560 - 1
    .byte 0
