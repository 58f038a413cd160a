/* Noise: a boot sector that does random things to random ports and to the VGA's memory, until
 * somebody ends it.  What it does to itself by that (DMA over its code, resets, power-off) is part of it. */
    .code16
    .globl _start
_start:
    rdtsc
    xorl %eax, %cs:seed
/* Where every interrupt and exception leads, too: the vectors are set anew each time. */
again:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7000, %sp
    xorw %di, %di
    movw $256, %cx
1:  movw $again, %ax
    stosw
    xorw %ax, %ax
    stosw
    loop 1b
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
    movw $0x2000, %ax /* strings go to and come from here */
    movw %ax, %es

next:
    call random
    movl %eax, %ebx
    shrl $28, %ebx
    jz memory
    cmpb $1, %bl
    je strings
    cmpb $2, %bl
    je indexed
    call port
    call value
    testb $0x10, flip
    jnz wide
    testb $0x20, flip
    jnz word
    outb %al, %dx
    inb %dx, %al
    jmp tick
word:
    outw %ax, %dx
    jmp tick
wide:
    outl %eax, %dx
    inl %dx, %eax
    jmp tick

/* An index and its data: configuration space, CMOS, VGA. */
indexed:
    call random
    movw %ax, %si
    andw $7, %si
    shlw $1, %si
    movw indexes(%si), %dx
    call value
    cmpw $0xCF8, %dx
    jne 1f
    andl $0x00001FFC, %eax /* slots 0 to 3 */
    orl $0x80000000, %eax
    outl %eax, %dx
    addw $4, %dx
    call value
    outl %eax, %dx
    jmp tick
1:  outb %al, %dx
    incw %dx
    call value
    outb %al, %dx
    jmp tick

strings:
    call port
    call random
    movw %ax, %cx
    andw $0x1FF, %cx
    movw %ax, %di
    testl $0x10000, %eax
    jz 1f
    rep insw
    jmp tick
1:  movw %di, %si
    rep outsw %es:(%si), %dx

/* Words to the VGA's window. */
memory:
    pushw %es
    movw $0xA000, %ax
    movw %ax, %es
    call random
    movw %ax, %di
    shrl $16, %eax
    movw %ax, %cx
    andw $0x3F, %cx
    rep stosw
    popw %es

/* Time passes now and then: the devices must come to do what they were told. */
tick:
    sti
    incw rounds
    testw $0x3FF, rounds
    jnz next
    movw $200, %cx
1:  inb $0x80, %al
    loop 1b
    jmp next

/* EAX: the next number of xorshift32 */
random:
    movl seed, %eax
    pushl %ebx
    movl %eax, %ebx
    shll $13, %ebx
    xorl %ebx, %eax
    movl %eax, %ebx
    shrl $17, %ebx
    xorl %ebx, %eax
    movl %eax, %ebx
    shll $5, %ebx
    xorl %ebx, %eax
    popl %ebx
    movl %eax, seed
    movb %ah, flip
    ret

/* DX: mostly one of the devices' ports */
port:
    call random
    movw %ax, %dx
    testl $0xF00000, %eax
    jz 1f /* any at all */
    movzbw %al, %si
    andw $31, %si
    shlw $1, %si
    movzbw %ah, %dx
    andw $15, %dx
    addw ports(%si), %dx
1:  ret

/* EAX: often small */
value:
    call random
    testb $0xC0, flip
    jnz 1f
    andl $0xFF, %eax
1:  ret

seed:   .long 0x2545F491
rounds: .word 0
flip:   .byte 0
    .balign 2
/* Bases of sixteen ports each; the reset and the power management are left to chance. */
ports:
    .word 0x00, 0x20, 0x40, 0x60, 0x70, 0x80, 0xA0, 0xC0, 0xD0, 0x170, 0x1F0, 0x1C8, 0x278, 0x2F8
    .word 0x370, 0x3F0, 0x378, 0x3B0, 0x3C0, 0x3D0, 0x3F0, 0x3F8, 0x4D0, 0x510, 0x778, 0xC000
    .word 0xCF8, 0x5658, 0x1F0, 0x170, 0x3F0, 0xE0
indexes:
    .word 0xCF8, 0xCF8, 0x70, 0x3C4, 0x3CE, 0x3D4, 0x1CE, 0xCF8
    .org 510
    .word 0xAA55
