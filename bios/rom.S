/* The ROM of the virtual BIOS: entry points where the IBM AT had them, and what has to be guest
 * code because it transfers control, waits, or runs interrupt handlers.  The services proper are
 * in C behind traps (rom.h); tables and fonts are filled in by C too. */
#include "bios/trap.h"

    .section .rodata.bios_rom, "a", @progbits
    .balign 16
    .globl bios_rom_start
    .globl bios_rom_end
bios_rom_start:
rom:
    .code16

.macro eoi_low
    movb $0x20, %al
    outb %al, $0x20
.endm

.macro eoi_both
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
.endm

    .org ROM_CODE

/* ---- reset and POST ---- */

post:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movl %cr0, %eax
    andl $0x9FFFFFFF, %eax /* caches on, as every system expects them */
    movl %eax, %cr0
    trap TRAP_RESET
    cmpb $0x05, %al
    je resume_with_eoi
    cmpb $0x0A, %al
    je resume
    cmpb $0x09, %al
    je resume_block_move
    movw %ds, %bx
    movw %bx, %es
    movw %bx, %ss
    movw $0x7C00, %sp
    cmpb $0x04, %al
    je 1f
    trap TRAP_POST
4:
    trap TRAP_OPTION_ROM
    jc 3f
    sti
    lcallw *0x467
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7C00, %sp
    jmp 4b
3:
    trap TRAP_MENU
    jnc 1f
    sti
    hlt
    cli
    jmp 3b
1:
    sti
    int $0x19
2:
    hlt
    jmp 2b

/* A 286-style return from protected mode through the shutdown byte (CMOS 0Fh). */
resume_with_eoi:
    eoi_both
resume:
    ljmpw *0x467

resume_block_move:
    lssw 0x467, %sp
    popw %ds
    popw %es
    popaw
    iretw

/* ---- booting ---- */

int19:
    cld
    trap TRAP_BOOT
boot_result:
    cmpb $BOOT_FAR, %cl
    je boot_far
    cmpb $BOOT_MULTIBOOT, %cl
    je boot_multiboot
    cmpb $BOOT_CALL, %cl
    je boot_call
    cmpb $BOOT_SECTOR, %cl
    jne boot_nothing
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7C00, %sp
    movw $0xAA55, %ax
    sti
    ljmpw $0, $0x7C00

/* One that returns did not boot. */
boot_call:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7C00, %sp
    sti
    lcallw *0x467
    int $0x18

boot_far:
    cli
    lretw

int18:
    cld
    trap TRAP_BOOT_NEXT
    jmp boot_result

/* The message is on the screen: any key tries again. */
boot_nothing:
    sti
    trap TRAP_NOTHING
    jnc 1f
    hlt
    jmp boot_nothing
1:
    int $0x19
    jmp boot_nothing

/* Multiboot 0.6.96, 3.2: flat 32-bit segments, interrupts off, A20 on. */
boot_multiboot:
    cli
    lgdtl %cs:(flat_gdt_pointer - rom)
    movl %cr0, %ecx
    orb $1, %cl
    movl %ecx, %cr0
    ljmpl $0x08, $(0xF0000 + boot_flat - rom)
    .code32
boot_flat:
    movl $0x10, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %ss
    movl %ecx, %fs
    movl %ecx, %gs
    jmp *%edx
    .code16

    .balign 8
flat_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
flat_gdt_pointer:
    .word 23
    .long 0xF0000 + flat_gdt - rom

/* ---- services ---- */

int02:
    trap TRAP_INT02
    iretw

int05:
    trap TRAP_INT05
    iretw

int10:
    int10_service

int11:
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    movw 0x10, %ax
    popw %ds
    iretw

int12:
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    movw 0x13, %ax
    popw %ds
    iretw

int13:
    trap TRAP_INT13
    iretw

/* Receive waits for the line as long as 0040:007C says; CX counts the ticks. */
int14:
    pushw %cx
    xorw %cx, %cx
1:
    trap TRAP_INT14
    jnc 2f
    incw %cx
    cmpw $18, %cx
    ja 3f
    sti
    hlt
    cli
    jmp 1b
3:
    trap TRAP_INT14_LATE
2:
    popw %cx
    iretw

int15:
    cmpb $0x89, %ah
    je enter_pm
    trap TRAP_INT15
    jc 1f
    jz 4f
    iretw
4:  /* 53xxh: until an interrupt comes */
    sti
    hlt
    iretw
1:  /* 86h: until the time in EDX:ECX is reached */
    pushl %ecx
    pushl %edx
    trap TRAP_WAIT_INIT
2:
    sti
    trap TRAP_WAIT
    jnc 3f
    jz 2b
    hlt
    jmp 2b
3:
    popl %edx
    popl %ecx
    iretw

/* 89h: enter protected mode with the caller's GDT at ES:SI, whose eighth entry is ours. */
enter_pm:
    trap TRAP_ENTER_PM
    cli
    lgdtl %es:8(%si)
    lidtl %es:16(%si)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $0x38, $(1f - rom)
1:
    movw $0x18, %ax
    movw %ax, %ds
    movw $0x20, %ax
    movw %ax, %es
    movw $0x28, %ax
    movw %ax, %ss
    popw %bx
    addw $4, %sp
    pushw $0x30
    pushw %bx
    xorb %ah, %ah
    clc
    lretw

int16:
    trap TRAP_INT16
    jc 1f
    iretw
1:
    sti
    hlt
    cli
    jmp int16

int17:
    trap TRAP_INT17
    iretw

int1a:
    trap TRAP_INT1A
    iretw

/* ---- hardware interrupts ---- */

int08:
    pushw %ds
    pushw %ax
    pushw %dx
    movw $0x40, %ax
    movw %ax, %ds
    incl 0x6C
    cmpl $0x1800B0, 0x6C
    jb 1f
    movl $0, 0x6C
    incb 0x70
1:
    cmpb $0, 0x40
    je 2f
    decb 0x40
    jnz 2f
    andb $0xF0, 0x3F /* motors off */
    movw $0x3F2, %dx
    movb $0x0C, %al
    outb %al, %dx
2:
    int $0x1C
    cli
    eoi_low
    popw %dx
    popw %ax
    popw %ds
    iretw

int09:
    pushw %ax
    inb $0x60, %al
    movb $0x4F, %ah
    stc
    int $0x15
    jnc 9f
    trap TRAP_INT09
    movb %al, %ah
    eoi_low
    testb %ah, %ah
    jz 8f
    cmpb $KEY_ACTION_STORED, %ah
    je 7f
    cmpb $KEY_ACTION_BREAK, %ah
    je 1f
    cmpb $KEY_ACTION_PRINT, %ah
    je 2f
    cmpb $KEY_ACTION_PAUSE, %ah
    je 3f
    cmpb $KEY_ACTION_RESET, %ah
    je 4f
    /* SysRq: 5 pressed, 6 released */
    movb %ah, %al
    subb $KEY_ACTION_SYSRQ, %al
    movb $0x85, %ah
    sti
    int $0x15
8:
    popw %ax
    iretw
9:
    eoi_low
    popw %ax
    iretw
1:
    int $0x1B
    popw %ax
    iretw
2:
    sti
    int $0x05
    popw %ax
    iretw
3:
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
5:
    sti
    hlt
    testb $0x08, 0x18
    jnz 5b
    popw %ds
    popw %ax
    iretw
4:  /* by the keyboard controller: this may be virtual-8086 mode */
    movb $0xFE, %al
    outb %al, $0x64
    cli
    hlt
    jmp 4b
7:
    movw $0x9102, %ax
    int $0x15
    popw %ax
    iretw

int0e:
    pushw %ax
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    orb $0x80, 0x3E
    eoi_low
    movw $0x9101, %ax
    int $0x15
    popw %ds
    popw %ax
    iretw

int70:
    pushal
    pushw %ds
    pushw %es
    trap TRAP_INT70
    jc 1f
    sti
    int $0x4A
    cli
1:
    eoi_both
    popw %es
    popw %ds
    popal
    iretw

int71:
    pushw %ax
    movb $0x20, %al
    outb %al, $0xA0
    popw %ax
    int $0x0A
    iretw

/* The mouse: the handler of INT 15h/C207h gets status, X, Y and 0 on the stack. */
int74:
    pushal
    pushw %ds
    pushw %es
    trap TRAP_INT74
    jc 1f
    pushw %ax
    pushw %bx
    pushw %cx
    pushw $0
    movw $0x40, %ax
    movw %ax, %ds
    movw 0x0E, %ds
    sti
    lcallw *0x22
    cli
    addw $8, %sp
1:
    eoi_both
    popw %es
    popw %ds
    popal
    iretw

int75:
    pushw %ax
    xorb %al, %al
    outb %al, $0xF0
    eoi_both
    popw %ax
    int $0x02
    iretw

int76:
    pushw %ax
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    movb $0xFF, 0x8E
    eoi_both
    movw $0x9100, %ax
    int $0x15
    popw %ds
    popw %ax
    iretw

/* Nobody's interrupts: acknowledge what is in service, nothing when it was spurious. */
irq_low:
    pushw %ax
    movb $0x0B, %al
    outb %al, $0x20
    inb $0x20, %al
    testb %al, %al
    jz 1f
    eoi_low
1:
    popw %ax
    iretw

irq_high:
    pushw %ax
    movb $0x0B, %al
    outb %al, $0xA0
    inb $0xA0, %al
    testb %al, %al
    jz 1f
    movb $0x20, %al
    outb %al, $0xA0
1:
    eoi_low
    popw %ax
    iretw

/* ---- entry points ---- */

    .org ROM_POST
    jmp post
    .org ROM_INT02
    jmp int02
    .org ROM_INT13
    jmp int13
    .org ROM_INT19
    jmp int19
    .org ROM_INT14
    jmp int14
    .org ROM_INT16
    jmp int16
    .org ROM_INT09
    jmp int09
    .org ROM_INT40
    jmp int13
    .org ROM_INT0E
    jmp int0e
    .org ROM_INT17
    jmp int17
    .org ROM_INT10
    jmp int10
    .org ROM_INT12
    jmp int12
    .org ROM_INT11
    jmp int11
    .org ROM_INT15
    jmp int15
    .org ROM_INT1A
    jmp int1a
    .org ROM_INT08
    jmp int08
    .org ROM_IRQLO
    jmp irq_low
    .org ROM_IRET
    iretw
    .org ROM_INT05
    jmp int05
    .org ROM_INT18
    jmp int18
    .org ROM_INT70
    jmp int70
    .org ROM_INT71
    jmp int71
    .org ROM_INT74
    jmp int74
    .org ROM_INT75
    jmp int75
    .org ROM_INT76
    jmp int76
    .org ROM_IRQHI
    jmp irq_high

    .code32
    .org ROM_BIOS32
    trap TRAP_BIOS32
    lret
    .org ROM_PCI32
    trap TRAP_PCI32
    lret
    .org ROM_APM32
    trap TRAP_APM
    jnz 1f
    hlt
1:  lret
    .code16
    .org ROM_APM16
    trap TRAP_APM
    jnz 1f
    hlt
1:  lretw
    .org ROM_PNP
    movw $0x82, %ax /* function not supported */
    lretw

    .org 0xFFF0
    ljmpw $ROM_SEGMENT, $ROM_POST
    .org ROM_DATE
    .ascii "11/20/26"
    .org 0xFFFE
    .byte 0xFC /* model: AT */
    .byte 0x00
bios_rom_end:

    .section .note.GNU-stack, "", @progbits
