/* A boot sector that draws a box in colours on the text screen and shows what is typed.  G: bars in
 * eight colours, in mode 13h, until another key; X: the end, by a triple fault. */
.code16
.globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
text:
    mov $0x0003, %ax
    int $0x10
    mov $0xb800, %ax
    mov %ax, %es
    mov $box, %si
    mov $(2 * 160 + 2 * 10), %di
line:
    lodsb
    test %al, %al
    jz row
    cmp $1, %al
    je typed
    mov $0x1e, %ah              /* yellow on blue */
    stosw
    jmp line
row:
    add $(160 - 2 * 6), %di
    jmp line

typed:
    mov $0x0200, %ax            /* the cursor to row 8 */
    xor %bx, %bx
    mov $0x0800, %dx
    int $0x10
key:
    xor %ah, %ah
    int $0x16
    cmp $'G', %al
    je bars
    cmp $'X', %al
    je crash
    mov $0x0e, %ah
    mov $7, %bx
    int $0x10
    jmp key

bars:
    mov $0x0013, %ax
    int $0x10
    mov $0xa000, %ax
    mov %ax, %es
    xor %di, %di
    mov $200, %dx
scan:
    xor %al, %al
bar:
    mov $40, %cx
    rep stosb
    inc %al
    cmp $8, %al
    jb bar
    dec %dx
    jnz scan
    xor %ah, %ah
    int $0x16
    jmp text

crash:
    lidt none
    int3

none:
    .word 0
    .long 0
box:
    .byte 0xda, 0xc4, 0xc4, 0xc4, 0xc4, 0xbf, 0
    .byte 0xb3, 'B', 'o', 'x', 0x82, 0xb3, 0
    .byte 0xc0, 0xc4, 0xc4, 0xc4, 0xc4, 0xd9, 0
    .byte 0xc9, 0xcd, 0xb1, 0xdb, 0xdf, 0xbb, 1

.org 510
.word 0xaa55
