/* A boot sector that draws a pattern in one video mode, for tests/vga/run.
 *   TEXT=segment, CGA, PLANAR, LINEAR, MODEX, SPLIT, WIDE, VBE, DISPI choose what is drawn; MODE is
 *   the BIOS's number of the mode, BANKS the 64 KiB banks to fill, BPP the display interface's
 *   depth.
 * Then it says so on the first serial port, and halts. */
.code16
.globl _start
.macro index port, reg, value
    mov $\port, %dx
    mov $(\value << 8 | \reg), %ax
    out %ax, %dx
.endm
.macro dispi reg, value
    mov $0x1ce, %dx
    mov $\reg, %ax
    out %ax, %dx
    inc %dx
    mov $\value, %ax
    out %ax, %dx
.endm
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    cld
#ifdef VBE
    mov $0x4f02, %ax
    mov $MODE, %bx
    int $0x10
#else
    mov $MODE, %ax
    int $0x10
#endif
#ifdef DISPI
    dispi 4, 0
    dispi 1, 640
    dispi 2, 480
    dispi 3, BPP
    dispi 4, 1
#endif
    mov $0xa000, %ax
    mov %ax, %es
    xor %di, %di

#ifdef TEXT /* every character, with attributes that do not blink */
    mov $1, %ah
    mov $0x2000, %cx
    int $0x10 /* no cursor */
    mov $TEXT, %ax
    mov %ax, %es
#ifndef CELLS
#define CELLS 2000
#endif
    mov $CELLS, %cx
1:  mov %di, %ax
    shr $1, %ax
    mov %di, %bx
    shr $3, %bx
    and $0x7f, %bl
    mov %bl, %ah
    stosw
    loop 1b
#endif
#ifdef BRIGHT /* the blinking bit as a bright background */
    mov $0x1003, %ax
    xor %bx, %bx
    int $0x10
    mov $0xb800, %ax
    mov %ax, %es
    mov $2000, %cx
1:  mov %di, %ax
    shr $1, %ax
    mov %al, %ah
    stosw
    loop 1b
#endif
#ifdef CGA
    mov $0xb800, %ax
    mov %ax, %es
    mov $0x4000, %cx
1:  mov %di, %ax
    xor %ah, %al
    stosb
    loop 1b
#endif
#ifdef PLANAR
    mov $1, %bl
2:  mov $0x3c4, %dx
    mov $2, %al
    mov %bl, %ah
    out %ax, %dx
    xor %di, %di
    mov $38400, %cx
1:  mov %di, %ax
    mul %bl
    mov %ah, %al
    stosb
    loop 1b
    shl $1, %bl
    cmp $16, %bl
    jne 2b
    /* Set/reset, bit mask, logic functions and write mode 2 over it. */
    index 0x3c4, 2, 0x0f
    index 0x3ce, 5, 2
    index 0x3ce, 8, 0x3c
    mov $0, %bl
3:  mov %bl, %ah
    mov $3, %al
    mov $0x3ce, %dx
    out %ax, %dx /* rotate and function */
    mov %bl, %al
    mov $3, %ah
    mul %ah
    mov $1000, %cx
    mov $4000, %di
    push %ax
    mov %bl, %al
    xor %ah, %ah
    mov $200, %dx
    mul %dx
    add %ax, %di
    pop %ax
4:  mov %es:(%di), %dl /* the latches */
    stosb
    loop 4b
    add $8, %bl
    cmp $0x20, %bl
    jb 3b
#endif
#ifdef LINEAR
    mov $64000, %cx
1:  mov %di, %ax
    add %ah, %al
    stosb
    loop 1b
#endif
#ifdef MODEX /* 320x240, unchained; panned by a pixel and three lines */
    index 0x3c4, 4, 0x06
    index 0x3c4, 0, 0x01
    mov $0x3c2, %dx
    mov $0xe3, %al
    out %al, %dx
    index 0x3c4, 0, 0x03
    mov $0x3d4, %dx
    mov $crtc, %si
    mov $11, %cx
5:  lodsw
    out %ax, %dx
    loop 5b
    mov $1, %bl
2:  mov $0x3c4, %dx
    mov $2, %al
    mov %bl, %ah
    out %ax, %dx
    xor %di, %di
    mov $20000, %cx
1:  mov %di, %ax
    add %bl, %al
    stosb
    loop 1b
    shl $1, %bl
    cmp $16, %bl
    jne 2b
    index 0x3d4, 0x0d, 240
    mov $0x3da, %dx
    in %dx, %al
    mov $0x3c0, %dx
    mov $0x33, %al
    out %al, %dx
    mov $2, %al
    out %al, %dx
#endif
#ifdef SPLIT /* scrolled by a row and five lines, panned; the split at line 200 stands still */
    mov $1, %ah
    mov $0x2000, %cx
    int $0x10
    mov $0xb800, %ax
    mov %ax, %es
    mov $4000, %cx
1:  mov %di, %ax
    shr $1, %ax
    mov %ah, %bl
    mov $0x1e, %ah
    add %bl, %ah
    and $0x7f, %ah
    stosw
    loop 1b
    index 0x3d4, 0x0d, 80
    index 0x3d4, 0x08, 0x05
    index 0x3d4, 0x18, 200
    index 0x3d4, 0x07, 0x0f /* line compare's bit 8 is clear */
    index 0x3d4, 0x09, 0x0f /* and bit 9 */
    mov $0x3da, %dx
    in %dx, %al
    mov $0x3c0, %dx
    mov $0x30, %al
    out %al, %dx
    mov $0x2c, %al /* panning stops at the split; no blinking, line graphics */
    out %al, %dx
    mov $0x33, %al
    out %al, %dx
    mov $3, %al
    out %al, %dx
#endif
#ifdef WIDE /* 132 columns of 60 rows, by the CRT controller */
    mov $1, %ah
    mov $0x2000, %cx
    int $0x10
    mov $0x1112, %ax
    xor %bl, %bl
    int $0x10 /* the 8x8 font */
    mov $0x3d4, %dx
    mov $crtc, %si
    mov $8, %cx
5:  lodsw
    out %ax, %dx
    loop 5b
    index 0x3c4, 1, 1 /* 8 dots */
    mov $0xb800, %ax
    mov %ax, %es
    mov $132*60, %cx
1:  mov %di, %ax
    shr $1, %ax
    mov %ah, %bl
    mov %bl, %ah
    add $0x10, %ah
    and $0x7f, %ah
    stosw
    loop 1b
#endif
#ifdef BANKS
    xor %bp, %bp
2:
#ifdef DISPI
    mov $0x1ce, %dx
    mov $5, %ax
    out %ax, %dx
    inc %dx
    mov %bp, %ax
    out %ax, %dx
#else
    mov $0x4f05, %ax
    xor %bx, %bx
    mov %bp, %dx
    int $0x10
#endif
    xor %di, %di
    mov $0x8000, %cx
1:  mov %di, %ax
    mov %ah, %al
    mov %bp, %bx
    add %bl, %ah
    stosw
    loop 1b
    inc %bp
    cmp $BANKS, %bp
    jne 2b
#endif
    mov $done, %si
    mov $0x00e3, %ax
    xor %dx, %dx
    int $0x14
7:  mov $1, %ah
    lodsb
    int $0x14
    cmpb $0, (%si)
    jne 7b
    cli
6:  hlt
    jmp 6b
done: .asciz "drawn"
#ifdef MODEX
crtc: .word 0x0d06, 0x3e07, 0x4109, 0xea10, 0xac11, 0xdf12, 0x0014, 0xe715, 0x0616, 0xe317, 0x2813
#endif
#ifdef WIDE
crtc: .word 0x0e11, 0x9f00, 0x8301, 0x8402, 0x4213, 0x1f07, 0xdf12, 0x4709
#endif
    .org 510
    .word 0xaa55
