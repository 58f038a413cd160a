/* Entry of a guest for flat 32-bit protected mode: included first, its own code begins behind the
 * include as `main`, in ring 0, interrupts off, CR0.NE set, every I/O port open to all rings. */
#include "tests/guest/guest.h"

    .text
    .code16
    .globl _start
_start:
    cli
    lgdt [gdt_pointer]
    lidt [idt_pointer]
    mov eax, cr0
    or eax, 0x21
    mov cr0, eax
    .byte 0x66, 0xEA
    .long in_protected
    .word CODE0

    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0x00CFFB000000FFFF
    .quad 0x00CFF3000000FFFF
    .word 0x2000, tss, 0x8900, 0 /* limit covers the map of all ports */
    .quad 0x00009B000000FFFF
    .quad 0x000093000000FFFF
    .fill 24, 8, 0
gdt_pointer:
    .word . - gdt - 1
    .long gdt
idt_pointer:
    .word 256 * 8 - 1
    .long idt
resume:
    .long 0 /* where a handler returns to; 0: the exception was not expected */
fault_line:
    .long 0
fault_registers:
fault_edi: .long 0
fault_esi: .long 0
fault_ebp: .long 0
    .long 0
fault_ebx: .long 0
fault_edx: .long 0
fault_ecx: .long 0
fault_eax: .long 0
fault_esp: .long 0
fault_vector: .long 0
fault_error: .long 0
fault_eip: .long 0
fault_cs: .long 0
fault_eflags: .long 0
fault_cr2: .long 0
ring0_resume: .long 0
ring0_esp: .long 0
fault_count: .long 0
fixup_at: .long 0 /* a word to be mended so that the instruction can run again; 0: none */
fixup_value: .long 0

    .balign 16
tss:
    .long 0, STACK0 - 0x400, DATA0
    .fill 22, 4, 0
    .word 0, 104

    .code32
in_protected:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov esp, STACK0
    /* gates */
    mov ecx, 0
1:  mov eax, ecx
    shl eax, 4
    add eax, offset handlers
    mov word ptr [ecx * 8 + idt], ax
    mov dword ptr [ecx * 8 + idt + 2], CODE0
    mov byte ptr [ecx * 8 + idt + 5], 0x8E
    inc ecx
    cmp ecx, 32
    jne 1b
    mov eax, offset to_ring0
    mov word ptr [idt + 0x400], ax
    mov dword ptr [idt + 0x402], CODE0
    mov byte ptr [idt + 0x405], 0xEE
    mov ax, TSS
    ltr ax
    jmp main

    .balign 16
handlers:
    .set vector, 0
    .rept 32
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
    nop
    nop
    .else
    push 0
    .endif
    push vector
    jmp on_exception
    .balign 16
    .set vector, vector + 1
    .endr

/* Vector, error, EIP, CS, EFLAGS (and the outer stack) lie on the stack. */
on_exception:
    pushad
    push es
    push ds
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    cld
    lea esi, [esp + 8]
    mov edi, offset fault_registers
    mov ecx, 8
    rep movsd
    lea eax, [esp + 8 + 32 + 20]
    test dword ptr [esp + 8 + 32 + 12], 3
    jz 1f
    mov eax, [eax]
1:  mov [fault_esp], eax
    lea esi, [esp + 8 + 32]
    mov edi, offset fault_vector
    mov ecx, 5
    rep movsd
    mov eax, cr2
    mov [fault_cr2], eax
    inc dword ptr [fault_count]
    mov eax, [fixup_at]
    test eax, eax
    jnz mend
    mov eax, [resume]
    test eax, eax
    jnz 1f
    mov eax, [fault_vector]
    REPORT
    mov eax, [fault_error]
    REPORT
    mov eax, [fault_eip]
    REPORT
    mov eax, [fault_cr2]
    REPORT
    mov eax, [fault_line]
    or eax, 0x80000000 /* an exception that nobody asked for, after the check of that line */
    out RIG_PORT_FAIL, eax
1:  mov [esp + 8 + 32 + 8], eax
    mov dword ptr [resume], 0
leave_handler:
    and dword ptr [esp + 8 + 32 + 16], ~0x100 /* TF */
    pop ds
    pop es
    popad
    add esp, 8
    iretd

mend:
    mov ecx, [fixup_value]
    mov [eax], ecx
    mov dword ptr [fixup_at], 0
    jmp leave_handler

/* INT 80h: on at ring0_resume, with ring 0's data segments, and its stack as TO_RING3 left it. */
to_ring0:
    mov esp, ss:[ring0_esp]
    push eax
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    pop eax
    push dword ptr [ring0_resume]
    ret

    .balign 16
    .set idt, 0x4000
