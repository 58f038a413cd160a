/* A boot sector that redraws mode 12h COUNT times and ends the emulator: KIND 0 fills with REP
 * STOSB through set/reset, 1 writes plane after plane byte by byte, 2 sets pixels in write mode
 * 2, 3 scrolls with REP MOVSB in write mode 1. */
.code16
.globl _start
.macro index port, value
    mov $\port, %dx
    mov $\value, %ax
    out %ax, %dx
.endm
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    cld
    mov $0x12, %ax
    int $0x10
    mov $0xa000, %ax
    mov %ax, %es
    mov $COUNT, %bp
#if KIND == 0
    index 0x3ce, 0x0f01
1:  mov %bp, %ax
    mov %al, %ah
    xor %al, %al
    mov $0x3ce, %dx
    out %ax, %dx
    xor %di, %di
    mov $38400, %cx
    rep stosb
#elif KIND == 1
1:  mov $1, %bl
2:  mov $0x3c4, %dx
    mov $2, %al
    mov %bl, %ah
    out %ax, %dx
    xor %di, %di
    mov $38400, %cx
3:  mov %di, %ax
    mov %al, %es:(%di)
    inc %di
    loop 3b
    shl $1, %bl
    cmp $16, %bl
    jne 2b
#elif KIND == 2
    index 0x3ce, 0x0205
1:  xor %di, %di
    mov $38400, %cx
3:  mov $0x1008, %ax
    out %ax, %dx
    mov %es:(%di), %al
    mov %cl, %al
    mov %al, %es:(%di)
    inc %di
    loop 3b
#else
    index 0x3ce, 0x0105
    push %es
    pop %ds
1:  mov $80, %si
    xor %di, %di
    mov $38320, %cx
    rep movsb
#endif
    dec %bp
    jnz 1b
    mov $0x501, %dx
    out %al, %dx
    cli
    hlt
    .org 510
    .word 0xaa55
