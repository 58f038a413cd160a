/* An option ROM: its initialisation changes the ROM itself, its boot entry finds that and tells
 * isa-debug-exit, or gives up. */
    .code16
    .text
start:
    .byte 0x55, 0xAA, 2 /* KiB */
    jmp init
    .org 0x1A
    .word pnp - start
    .org 0x20
pnp:
    .ascii "$PnP"
    .byte 1, 2
    .word 0
    .byte 0
    .byte 0 /* sum, made below */
    .long 0
    .word 0, name - start
    .byte 2, 0, 0, 0x64
    .word 0, 0
    .word boot - start
    .word 0, 0
name:
    .asciz "test ROM"
mark:
    .byte 0, 0
init:
    movb $0x0E, %ah
    movb $'i', %al
    int $0x10
    movb $15, %cs:(mark - start)
    subb $15, %cs:(mark - start + 1) /* its sum stays zero */
    movw $0x20, %ax /* bootable, by PnP */
    lret
boot:
    movb %cs:(mark - start), %al
    outb %al, $0xF4
    lret
    .org 1023
    .byte 0
