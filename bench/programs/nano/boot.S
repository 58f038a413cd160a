/* Multiboot entry of the bare nanobenchmarks, and the handlers that they measure. */
    .section .multiboot, "a"
    .balign 4
    .long 0x1BADB002, 0, -0x1BADB002

    .text
    .globl _start
_start:
    cli
    lgdt gdt_pointer
    ljmp $8, $1f
1:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $stack_top, %esp
    cld
    call nano_main
1:  cli
    hlt
    jmp 1b

    .globl nano_gdt_tss
    .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0x00CFFB000000FFFF /* where SYSEXIT expects them */
    .quad 0x00CFF3000000FFFF
nano_gdt_tss:
    .quad 0
    .quad 0x00CF93010000FFFF /* 30h: base 10000h */
gdt_pointer:
    .word . - gdt - 1
    .long gdt

    .text
    /* #DE: past the DIV of two bytes */
    .globl on_divide_error
on_divide_error:
    addl $2, (%esp)
    iret

    /* #PF: make the page at CR2 present */
    .globl on_page_fault
on_page_fault:
    pushl %eax
    pushl %ecx
    movl %cr2, %eax
    shrl $12, %eax
    movl nano_ptes, %ecx
    andl $1023, %eax
    orl $1, (%ecx,%eax,4)
    popl %ecx
    popl %eax
    addl $4, %esp
    iret

    /* INT 80h: nothing but the way in and out */
    .globl on_int80
on_int80:
    iret

    /* The same with what a kernel does at entry */
    .globl on_int81
on_int81:
    pushl %ds
    pushl %es
    pushl %fs
    pushl %eax
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $0x30, %eax
    movl %eax, %fs
    sti
    cli
    popl %eax
    popl %fs
    popl %es
    popl %ds
    iret

    /* INT 82h: back from user mode to where enter_user was called */
    .globl on_int82
on_int82:
    movl saved_esp, %esp
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .globl on_sysenter
on_sysenter:
    sti
    sysexit

    .globl on_timer
on_timer:
    pushl %eax
    movb $0x20, %al
    outb %al, $0x20
    incl nano_timer_count
    popl %eax
    iret

    /* enter_user(function, argument): FUNCTION(ARGUMENT) at CPL 3, on a stack of its own */
    .globl enter_user
enter_user:
    movl 4(%esp), %eax
    movl 8(%esp), %ecx
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, saved_esp
    movl $0x23, %edx
    movl %edx, %ds
    movl %edx, %es
    pushl $0x23
    pushl $user_stack_top
    pushl $0x202
    pushl $0x1B
    pushl $1f
    iret
1:  pushl %ecx
    call *%eax
    int $0x82

    /* one system call by SYSENTER, from user mode */
    .globl user_sysenter
user_sysenter:
    movl %esp, %ecx
    movl $1f, %edx
    sysenter
1:  ret

    .bss
    .balign 4096
    .skip 16384
stack_top:
    .skip 16384
user_stack_top:
    .globl kernel_stack_top
    .skip 16384
kernel_stack_top:
saved_esp: .skip 4

    .section .note.GNU-stack, "", @progbits
