/* Real-mode workloads in a boot sector, between markers on COM1: "begin NAME", "end NAME".
 * Built flat at 7C00h; the whole program is loaded by its own first sector (INT 13h). */
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7000, %sp               /* on a page without code */
    sti
    cld
    movw $(0x0200 + SECTORS), %ax   /* read the rest, behind the first sector */
    movw $0x7E00, %bx
    movw $0x0002, %cx
    xorb %dh, %dh
    int $0x13
    jmp main

    .org 510
    .word 0xAA55

    .equ SECTORS, 6

/* print the string at DS:SI on COM1 */
print:
    lodsb
    testb %al, %al
    jz 2f
    movb %al, %ah
    movw $0x3FD, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    movw $0x3F8, %dx
    movb %ah, %al
    outb %al, %dx
    jmp print
2:  ret

    .macro RUN name
    movw $begin_\name, %si
    call print
    call \name
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw $end_\name, %si
    call print
    .endm
    .macro NAME name
begin_\name: .asciz "bench begin \name 1\n"
end_\name: .asciz "bench end \name 1 0\n"
    .endm

main:
    movw $handler, 0x60 * 4
    movw $0, 0x60 * 4 + 2
    RUN r16int
    RUN r16string
    RUN r16bytes
    RUN r16calls
    RUN r16beside
    RUN r16ints
    RUN r16bios
    RUN r16segments
    RUN r16mode13
    RUN r16mode12
    movw $0x0003, %ax
    int $0x10
    movw $done, %si
    call print
1:  hlt
    jmp 1b

handler:
    incw 0x500
    iret

/* integer arithmetic on a table, as compilers for DOS made it */
r16int:
    movl $30000, %ebp
2:  movw $2000, %cx
    movw $0x1000, %si
    xorw %bx, %bx
1:  movw (%si), %ax
    imulw $31, %ax, %ax
    addw %cx, %ax
    rolw $3, %ax
    xorw %ax, %bx
    movw %bx, (%si)
    movw %bx, %dx
    shrw $1, %dx
    adcw %dx, %bx
    addw $2, %si
    loop 1b
    decl %ebp
    jnz 2b
    ret

/* block copies and fills with REP */
r16string:
    movl $200000, %ebp
1:  movw $0x1000, %si
    movw $0x3000, %di
    movw $2048, %cx
    rep movsw
    movw $0x3000, %di
    movw $1024, %cx
    xorw %ax, %ax
    rep stosw
    decl %ebp
    jnz 1b
    ret

/* string instructions one by one */
r16bytes:
    movl $20000, %ebp
2:  movw $0x1000, %si
    movw $0x3000, %di
    movw $4096, %cx
1:  lodsb
    xorb $0x20, %al
    stosb
    loop 1b
    decl %ebp
    jnz 2b
    ret

/* near and far calls with frames, as a Pascal program makes them */
r16calls:
    movl $1500000, %ebp
    jmp 1f
/* the same with the stack on a page that holds code, as small programs have it */
r16beside:
    movw %sp, %di
    movw $0x7C00, %sp
    movl $150000, %ebp
    call 1f
    movw %di, %sp
    ret
1:  pushw %bp
    pushw %bp
    call near_one
    lcall $0, $far_one
    decl %ebp
    jnz 1b
    ret
near_one:
    enter $8, $0
    movw 4(%bp), %ax
    movw %ax, -2(%bp)
    leave
    ret
far_one:
    pushw %bp
    movw %sp, %bp
    movw 6(%bp), %ax
    popw %bp
    lret $4

/* software interrupts */
r16ints:
    movl $400000, %ebp
1:  int $0x60
    decl %ebp
    jnz 1b
    ret

/* calls of the BIOS: is there a key, write a character */
r16bios:
    movl $60000, %ebp
1:  movb $1, %ah
    int $0x16
    movw $0x0E07 - 7 + 13, %ax
    int $0x10
    decl %ebp
    jnz 1b
    ret

/* far pointers: LES, LDS, segment registers saved and loaded */
r16segments:
    movw $0x1000, 0x500
    movw $0x0000, 0x502
    movl $3000000, %ebp
1:  pushw %ds
    pushw %es
    lesw 0x500, %di
    movw %es:(%di), %ax
    ldsw 0x500, %si
    movw (%si), %ax
    popw %es
    popw %ds
    decl %ebp
    jnz 1b
    ret

/* mode 13h: bytes into a linear screen, with a palette change each frame */
r16mode13:
    movw $0x0013, %ax
    int $0x10
    movw $0xA000, %ax
    movw %ax, %es
    movl $600, %ebp
2:  xorw %di, %di
    movw $64000, %cx
1:  movw %di, %ax
    addw %bp, %ax
    movb %al, %es:(%di)
    incw %di
    loop 1b
    decl %ebp
    jnz 2b
    ret

/* mode 12h: planar, bytes under a map mask, then a read-modify-write through the latches */
r16mode12:
    movw $0x0012, %ax
    int $0x10
    movw $0xA000, %ax
    movw %ax, %es
    movl $12, %ebp
2:  movw $0x3C4, %dx
    movw $0x0202, %ax
    outw %ax, %dx
    xorw %di, %di
    movw $38400, %cx
1:  movb %cl, %es:(%di)
    orb %al, %es:(%di)
    incw %di
    loop 1b
    decl %ebp
    jnz 2b
    ret

    NAME r16int
    NAME r16string
    NAME r16bytes
    NAME r16calls
    NAME r16beside
    NAME r16ints
    NAME r16bios
    NAME r16segments
    NAME r16mode13
    NAME r16mode12
done: .asciz "bench done\n"
    .org 512 * (SECTORS + 1)
