/* A boot sector that redraws a screen COUNT times and ends the emulator.  In mode 12h KIND 0 fills
 * with REP STOSB through set/reset, 1 writes plane after plane byte by byte, 2 sets pixels in write
 * mode 2, 3 scrolls with REP MOVSB in write mode 1.  4 writes mode 13h byte by byte, 5 the five banks
 * of VBE's mode 101h in words, 6 text of mode 03h cell by cell, 7 scrolls that text with REP MOVSW, 8
 * draws 4000 points into mode 12h through the bit mask, 9 into the banks of mode 101h, each with the
 * window function, 10 fills mode 13h in another colour at each retrace, for ever. */
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
#if KIND == 5 || KIND == 9
    mov $0x4f02, %ax
    mov $0x101, %bx
    int $0x10
    mov $0xa000, %ax
#elif KIND == 6 || KIND == 7
    mov $0x03, %ax
    int $0x10
    mov $0xb800, %ax
#elif KIND == 4 || KIND == 10
    mov $0x13, %ax
    int $0x10
    mov $0xa000, %ax
#else
    mov $0x12, %ax
    int $0x10
    mov $0xa000, %ax
#endif
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
#elif KIND == 4
1:  xor %di, %di
    mov $64000, %cx
3:  mov %di, %ax
    add %bp, %ax
    mov %al, %es:(%di)
    inc %di
    loop 3b
#elif KIND == 5
1:  xor %dx, %dx
2:  mov $0x4f05, %ax
    xor %bx, %bx
    push %dx
    int $0x10
    pop %dx
    xor %di, %di
    mov $0x8000, %cx
    cmp $4, %dx
    jne 3f
    mov $0x5800, %cx
3:  mov %di, %ax
    add %bp, %ax
    mov %ax, %es:(%di)
    add $2, %di
    loop 3b
    inc %dx
    cmp $5, %dx
    jne 2b
#elif KIND == 6
1:  xor %di, %di
    mov $2000, %cx
3:  mov %di, %ax
    add %bp, %ax
    mov %ax, %es:(%di)
    add $2, %di
    loop 3b
#elif KIND == 7
    push %es
    pop %ds
1:  mov $160, %si
    xor %di, %di
    mov $1920, %cx
    rep movsw
    mov $80, %cx
    mov $0x0720, %ax
    rep stosw
#elif KIND == 8
1:  mov $4000, %cx
    xor %bx, %bx
3:  add $12345, %bx
    mov %bx, %di
    cmp $38400, %di
    jb 4f
    sub $38400, %di
4:  mov $0x3ce, %dx
    mov $8, %al
    mov %bh, %ah
    out %ax, %dx
    mov %es:(%di), %al
    mov %cl, %es:(%di)
    loop 3b
#elif KIND == 9
1:  mov $400, %cx
    xor %di, %di
3:  add $12345, %di
    mov $0x4f05, %ax
    xor %bx, %bx
    mov %cx, %dx
    and $3, %dx
    int $0x10
    mov %cl, %es:(%di)
    loop 3b
#elif KIND == 10
1:  mov $0x3da, %dx
2:  in %dx, %al
    test $8, %al
    jnz 2b
3:  in %dx, %al
    test $8, %al
    jz 3b
    inc %bx
    mov %bl, %al
    and $0x3f, %al
    add $16, %al
    mov %al, %ah
    xor %di, %di
    mov $32000, %cx
    rep stosw
    jmp 1b
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
