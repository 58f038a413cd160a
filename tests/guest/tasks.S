/* Task switches through translated code (SDM vol. 3A chapter 7). */
#include "tests/guest/task.h"

#define TSS2 FREE
#define TSS3 (FREE + 0x08) /* 16-bit */
#define GATE2 (FREE + 0x10)
#define TSS_BAD (FREE + 0x18)
#define TSS4 (FREE + 0x20)

#define BUSY(selector) test byte ptr [gdt + (selector) + 5], 2

main:
    SEGMENT(TSS2, 0x20000, 0x2000, 0x89, 0)
    SEGMENT(TSS3, 0x23000, 0x2B, 0x81, 0)
    SEGMENT(TSS_BAD, 0x20000, 0x66, 0x89, 0)
    SEGMENT(TSS4, 0x24000, 0x2000, 0x89, 0)
    mov dword ptr [gdt + GATE2], TSS2 << 16
    mov dword ptr [gdt + GATE2 + 4], 0x8500
    mov ebp, 3
again:
    call by_jump
    call by_call
    call by_gate
    call by_interrupt
    call as_exception_handler
    call sixteen_bits
    call failures
    call to_user
    call trap_bit
    call fpu_flag
    dec ebp
    jnz again
    END

/* Fill the TSS at EDI: ring 0, to start at EAX. */
make:
    CLEAN_TASK
    mov dword ptr [edi + T_EAX], 0x11112222
    mov dword ptr [edi + T_ECX], 0x33334444
    mov dword ptr [edi + T_ES], DATA3
    ret

/* JMP there, and JMP back. */
by_jump:
    mov edi, 0x20000
    mov eax, offset jumped
    call make
    mov ebx, 0x12345678
    mov ecx, 0x9ABCDEF0
    stc
    FAR(0xEA, TSS2)
1:  CHECK(c)
    CHECK_EQ(ebx, 0x12345678)
    CHECK_EQ(ecx, 0x9ABCDEF0)
    str ax
    CHECK_EQ(ax, TSS)
    BUSY(TSS2)
    CHECK(z)
    BUSY(TSS)
    CHECK(nz)
    CHECK_EQ(dword ptr [0x20000 + T_EAX], 0x99999999) /* what it held when it left */
    CHECK_EQ(dword ptr [0x20000 + T_EIP], offset jumped_again)
    ret
jumped:
    CHECK(nc)
    CHECK_EQ(eax, 0x11112222)
    CHECK_EQ(ecx, 0x33334444)
    CHECK_EQ(ebx, 0)
    CHECK_EQ(esp, 0x5800)
    mov ax, es
    CHECK_EQ(ax, DATA3)
    mov ax, fs
    CHECK_EQ(ax, 0)
    str ax
    CHECK_EQ(ax, TSS2)
    BUSY(TSS2)
    CHECK(nz)
    BUSY(TSS)
    CHECK(z)
    mov edx, offset 1b
    CHECK_EQ([tss + T_EIP], edx)
    CHECK_EQ(dword ptr [tss + T_ECX], 0x9ABCDEF0)
    mov eax, cr0
    test eax, 8 /* TS */
    CHECK(nz)
    clts
    mov eax, 0x99999999
    FAR(0xEA, TSS)
jumped_again:
    FAIL

/* CALL nests: NT and the back link; IRET returns. */
by_call:
    mov edi, 0x20000
    mov eax, offset called
    call make
    mov edx, 0x5555
    FAR(0x9A, TSS2)
    clts
    CHECK_EQ(edx, 0x5555)
    pushfd
    pop eax
    test eax, 0x4000
    CHECK(z)
    BUSY(TSS2)
    CHECK(z)
    CHECK_EQ(dword ptr [0x20000 + T_EAX], 0x77)
    ret
called:
    pushfd
    pop eax
    test eax, 0x4000 /* NT */
    CHECK(nz)
    CHECK_EQ(word ptr [0x20000], TSS)
    BUSY(TSS)
    CHECK(nz)
    BUSY(TSS2)
    CHECK(nz)
    clts
    mov eax, 0x77
    iretd
    FAIL

/* Through a task gate, by far pointers in memory; the task runs on behind its IRET. */
by_gate:
    mov edi, 0x20000
    mov eax, offset gated
    call make
    lcall [gate_pointer]
    clts
    CHECK_EQ(dword ptr [seen], 1)
    lcall [gate_pointer]
    clts
    CHECK_EQ(dword ptr [seen], 2)
    ret
gated:
    mov dword ptr [seen], 1
    clts
    iretd
    mov dword ptr [seen], 2
    clts
    iretd
    FAIL
gate_pointer: .long 0xDEAD, GATE2
seen: .long 0

/* A task gate in the IDT, by INT and from outside. */
by_interrupt:
    mov edi, 0x20000
    mov eax, offset interrupted
    call make
    mov dword ptr [idt + 0x50 * 8], TSS2 << 16
    mov dword ptr [idt + 0x50 * 8 + 4], 0xE500
    mov dword ptr [seen], 0
    int 0x50
    CHECK_EQ(dword ptr [seen], 1)
    mov al, 0x50
    sti
    nop
    out RIG_PORT_INTR, al
    cli
    CHECK_EQ(dword ptr [seen], 2)
    ret
interrupted:
    inc dword ptr [seen]
    clts
    iretd
    jmp interrupted

/* #UD by a task: the error is the faulting instruction's, which the task mends. */
as_exception_handler:
    mov edi, 0x20000
    mov eax, offset mending
    call make
    mov eax, [idt + 13 * 8]
    mov [saved_gate], eax
    mov eax, [idt + 13 * 8 + 4]
    mov [saved_gate + 4], eax
    mov dword ptr [idt + 13 * 8], TSS2 << 16
    mov dword ptr [idt + 13 * 8 + 4], 0x8500
    mov ecx, 0x1F8
1:  mov fs, cx /* beyond the GDT */
    CHECK_EQ(ecx, 0)
    mov eax, [saved_gate]
    mov [idt + 13 * 8], eax
    mov eax, [saved_gate + 4]
    mov [idt + 13 * 8 + 4], eax
    ret
mending:
    pop eax
    CHECK_EQ(eax, 0x1F8) /* the error code, on its own stack */
    CHECK_EQ(esp, 0x5800)
    mov edx, offset 1b
    CHECK_EQ([tss + T_EIP], edx)
    test dword ptr [tss + T_EFLAGS], 0x10000 /* RF */
    CHECK(nz)
    mov dword ptr [tss + T_ECX], 0
    clts
    iretd
    FAIL
saved_gate: .long 0, 0

/* A 16-bit TSS. */
sixteen_bits:
    mov edi, 0x23000
    xor eax, eax
    mov ecx, 11
    rep stosd
    mov word ptr [0x23000 + 14], offset in_286_task
    mov word ptr [0x23000 + 16], 2
    mov word ptr [0x23000 + 18], 0x1818 /* AX */
    mov word ptr [0x23000 + 26], 0x5C00 /* SP */
    mov word ptr [0x23000 + 36], CODE16
    mov word ptr [0x23000 + 38], DATA16
    mov word ptr [0x23000 + 40], DATA16
    mov word ptr [0x23000 + 34], DATA16
    FAR(0x9A, TSS3)
    clts
    CHECK_EQ(word ptr [0x23000 + 18], 0x2929)
    BUSY(TSS3)
    CHECK(z)
    ret
    .code16
in_286_task:
    CHECK_EQ(ax, 0x1818)
    CHECK_EQ(sp, 0x5C00)
    mov ax, ss
    CHECK_EQ(ax, DATA16)
    clts
    mov ax, 0x2929
    iretw
    .code32

failures:
    mov ecx, TSS_BAD
    FAULTS_WITH(10, TSS_BAD, .byte 0xEA; .long 0; .word TSS_BAD) /* limit too small */
    FAULTS_WITH(13, TSS, .byte 0xEA; .long 0; .word TSS) /* busy */
    FAULTS_WITH(13, TSS, .byte 0x9A; .long 0; .word TSS)
    and byte ptr [gdt + TSS2 + 5], 0x7F
    FAULTS_WITH(11, TSS2, .byte 0xEA; .long 0; .word TSS2)
    or byte ptr [gdt + TSS2 + 5], 0x80
    /* IRET with NT and a back link that is no busy TSS */
    mov word ptr [tss], TSS2
    pushfd
    or dword ptr [esp], 0x4000
    popfd
    mov dword ptr [resume], offset 1f
    iretd
1:  pushfd
    and dword ptr [esp], ~0x4000
    popfd
    CHECK_EQ(dword ptr [fault_vector], 10)
    CHECK_EQ(dword ptr [fault_error], TSS2)
    str ax
    CHECK_EQ(ax, TSS)
    ret

/* A task of ring 3; its interrupts go to the ring-0 stack of its own TSS. */
to_user:
    mov edi, 0x20000
    mov eax, offset user_task
    call make
    mov dword ptr [edi + T_ESP0], 0x5400
    mov dword ptr [edi + 8], DATA0
    mov dword ptr [edi + T_CS], CODE3
    mov dword ptr [edi + T_SS], DATA3
    mov dword ptr [edi + T_DS], DATA3
    mov dword ptr [edi + T_EFLAGS], 0x3002
    GATE(0x51, from_user_task, 3)
    FAR(0xEA, TSS2)
    clts
    CHECK_EQ(dword ptr [seen], 0x51)
    ret
user_task:
    mov ax, cs
    CHECK_EQ(ax, CODE3)
    int 0x51
    FAIL
from_user_task:
    CHECK_EQ(esp, 0x5400 - 20)
    mov ax, DATA0
    mov ds, ax
    mov dword ptr [seen], 0x51
    clts
    FAR(0xEA, TSS)

/* The T bit: #DB before the new task's first instruction, with BT. */
trap_bit:
    mov edi, 0x20000
    mov eax, offset trapped
    call make
    mov word ptr [edi + T_TRAP], 1
    GATE(1, on_debug, 0)
    mov dword ptr [seen], 0
    FAR(0x9A, TSS2)
    clts
    mov word ptr [0x20000 + T_TRAP], 0
    CHECK_EQ(dword ptr [seen], 2)
    UNGATE(1)
    ret
trapped:
    CHECK_EQ(dword ptr [seen], 1)
    inc dword ptr [seen]
    clts
    iretd
on_debug:
    CHECK_EQ(dword ptr [esp], offset trapped)
    push eax
    mov eax, dr6
    test eax, 0x8000
    CHECK(nz)
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    pop eax
    inc dword ptr [seen]
    clts
    iretd

/* TS makes the first x87 instruction of a task #NM: registers are switched lazily. */
fpu_flag:
    fninit
    fldpi
    mov edi, 0x20000
    mov eax, offset computing
    call make
    FAR(0x9A, TSS2)
    FAULTS(7, fld1)
    clts
    fistp dword ptr [seen]
    CHECK_EQ(dword ptr [seen], 3)
    ret
computing:
    FAULTS(7, fldz)
    clts
    fldz
    fstp st(0)
    iretd
