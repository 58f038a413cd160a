/* A boot sector that lives by APM: it checks the installation, idles 20 ticks by the real-mode
 * interface, connects the 32-bit one, says which version it is for, and switches the machine off.
 * Whatever goes wrong prints a letter on port E9h and hangs. */
LOAD = 0x7c00
.code16
.org 0
start:
    xorw %ax,%ax
    movw %ax,%ds
    movw %ax,%ss
    movw $0x7c00,%sp
    movw $0x5300,%ax
    xorw %bx,%bx
    int $0x15
    jc bad
    cmpw $0x504d,%bx
    jne bad
    movw $0x5301,%ax
    xorw %bx,%bx
    int $0x15
    jc bad
    movw $20,%si
1: movw $0x5305,%ax
    int $0x15
    jc bad
    decw %si
    jnz 1b
    movw $0x5304,%ax
    xorw %bx,%bx
    int $0x15
    jc bad
    movw $0x5303,%ax
    xorw %bx,%bx
    int $0x15
    jc bad
    movl %ebx,0x7e00
    cli
    lgdtl gdtr + LOAD
    movl %cr0,%eax
    orb $1,%al
    movl %eax,%cr0
    ljmpl $8,$LOAD + pm
bad: movb $'B',%al
    outb %al,$0xe9
2: hlt
    jmp 2b
.code32
pm: movw $16,%ax
    movw %ax,%ds
    movw %ax,%ss
    movl 0x7e00,%eax
    movl %eax,0x7e10
    movw $24,0x7e14
    movw $0x530E,%ax
    xorw %bx,%bx
    movw $0x0102,%cx
    lcall *0x7e10
    jc bad2
    movw $0x5307,%ax
    movw $1,%bx
    movw $3,%cx
    lcall *0x7e10
bad2: movb $'P',%al
    outb %al,$0xe9
3: hlt
    jmp 3b
.balign 8
gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00409a0f0000ffff
gdtr: .word 31
    .long LOAD + gdt
.org 510
.byte 0x55,0xaa
