/* A boot sector that uses the protected-mode interface of VBE and looks at the display's registers
 * afterwards: display start, palette, window.  Ends by isa-debug-exit: 10h when all is right. */
    .code16
start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7C00, %sp
    movw $0x4F02, %ax
    movw $0x4105, %bx /* 1024x768, 256 colours */
    int $0x10
    movw $0x4F06, %ax
    xorw %bx, %bx
    movw $2048, %cx
    int $0x10
    movw $0x4F0A, %ax
    xorw %bx, %bx
    int $0x10
    cmpw $0x4F, %ax
    movb $1, %al
    jne fail
    xorl %ebp, %ebp
    movw %es, %bp
    shll $4, %ebp
    movzwl %di, %edi
    addl %edi, %ebp /* the table */
    lgdtl gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $flat
fail:
    outb %al, $0xF4
    jmp fail

    .code32
.macro expect index, value
    movl $0x1CE, %edx
    movl $\index, %eax
    outw %ax, %dx
    incl %edx
    inw %dx, %ax
    cmpw $\value, %ax
    jne fail32
.endm

flat:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x7C00, %esp
    /* Line 10, column 16; registers stay. */
    movl $((10 * 2048 + 16) / 4), %ecx
    xorl %edx, %edx
    xorl %ebx, %ebx
    movl $0x11223344, %esi
    movzwl 2(%ebp), %eax
    addl %ebp, %eax
    call *%eax
    cmpl $0x11223344, %esi
    jne fail32
    cmpl $((10 * 2048 + 16) / 4), %ecx
    jne fail32
    expect 8, 16
    expect 9, 10
    movl $colours, %edi
    movl $2, %ecx
    movl $5, %edx
    movzwl 4(%ebp), %eax
    addl %ebp, %eax
    call *%eax
    movl $0x3C7, %edx
    movb $6, %al
    outb %al, %dx
    movl $0x3C9, %edx
    inb %dx, %al
    cmpb $6, %al /* red */
    jne fail32
    inb %dx, %al
    cmpb $5, %al
    jne fail32
    movl $3, %edx
    movzwl 0(%ebp), %eax
    addl %ebp, %eax
    call *%eax
    expect 5, 3
    movb $0x10, %al
    outb %al, $0xF4
fail32:
    movb $2, %al
    outb %al, $0xF4
    jmp fail32

    .balign 8
gdt:
    .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdt_pointer:
    .word 23
    .long gdt
colours: /* blue, green, red, nothing */
    .byte 1, 2, 3, 0, 4, 5, 6, 0
    .org 510
    .word 0xAA55
