/* Single step: with TF set at the beginning of an instruction #DB follows it, with DR6.BS, at the
 * next one (SDM vol. 3B 18.3.1.4; vol. 3A 6.8.3 for MOV SS).
 *
 * T stands where a trap must come; the handler takes them in order. */
#include "tests/guest/protected.h"

.macro T
1000:
    .pushsection .text.expected, "ax"
    .long 1000b
    .popsection
.endm
.macro T_AT label
    .pushsection .text.expected, "ax"
    .long \label
    .popsection
.endm

#define BEGIN                                                                                      \
    mov dword ptr ss:[next], offset 995f;                                                          \
    .pushsection .text.expected, "ax";                                                             \
995: .popsection;                                                                                  \
    pushfd;                                                                                        \
    or dword ptr [esp], 0x100;                                                                     \
    popfd
/* The POPF that ends it is followed by a last trap. */
#define FINISH                                                                                     \
    pushfd;                                                                                        \
    T;                                                                                             \
    and dword ptr [esp], ~0x100;                                                                   \
    T;                                                                                             \
    popfd;                                                                                         \
    T;                                                                                             \
    .pushsection .text.expected, "ax";                                                             \
996: .popsection;                                                                                  \
    cmp dword ptr ss:[next], offset 996b;                                                          \
    check_cc __LINE__, e

main:
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    GATE(1, on_debug, 0)
    GATE(0x40, on_40, 3)
    GATE(0x41, on_41, 0)
    mov ebp, 2
again:
    call plain
    call jumps
    call strings
    call stack
    call software_interrupts
    call shadows
    call privileged
    call faults
    call floating
    call by_iret
    call code_page
    dec ebp
    jnz again
    TO_RING3
    call plain
    call jumps
    call strings
    call stack
    call software_interrupts
    call faults
    TO_RING0
    call fast_calls
    END

next: .long 0
debug_eax: .long 0
debug_edx: .long 0

/* EIP against the list. */
on_debug:
    mov ss:[debug_eax], eax
    mov ss:[debug_edx], edx
    mov eax, dr6
    CHECK_EQ(eax, 0xFFFF4FF0) /* BS and nothing else */
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    mov edx, ss:[next]
    mov eax, [esp]
    out RIG_PORT_VALUE, eax
    CHECK_EQ(cs:[edx], eax)
    add dword ptr ss:[next], 4
    pushfd
    pop eax
    test eax, 0x100 /* not in the handler */
    CHECK(z)
    mov eax, ss:[debug_eax]
    mov edx, ss:[debug_edx]
    iretd

on_40:
    nop
    nop
on_41:
    nop
    iretd

plain:
    BEGIN
    nop
    T
    mov eax, 5
    T
    add eax, eax
    T
    add [data], eax
    T
    mov ebx, offset data
    T
    mov eax, [ebx]
    T
    lea ecx, [ebx + eax]
    T
    lock xadd [ebx], ecx
    T
    cmpxchg8b [ebx]
    T
    inc eax
    T
    xlatb
    T
    mov al, [data]
    T
    xor edx, edx
    T
    mov es, dx /* null */
    T
    push ds
    T
    pop es
    T
    mul ecx
    T
    cmc
    T
    std
    T
    cld
    T
    bswap eax
    T
    cpuid
    T
    sete al
    T
    FINISH
    /* PUSHF under TF stores it; the trap's EFLAGS were checked */
    BEGIN
    pushfd
    T
    pop eax
    T
    FINISH
    test eax, 0x100
    CHECK(nz)
    ret
data: .long 0, 0, 0, 0

jumps:
    mov ecx, 2
    BEGIN
    jmp 1f
    nop
1:  T
    cmp ecx, 2
    T
    je 2f
    nop
2:  T
    jne 3f
    T
3:  call 4f
    nop
4:  T
    pop eax
    T
    mov eax, offset 5f
    T
    call eax
    T_AT 5f
    T_AT 10f
10: jmp 6f
    T_AT 6f
5:  ret
6:  mov ecx, 2
    T
7:  loop 7b
    T_AT 7b
    T
    jecxz 8f
    nop
8:  T
    push offset 9f
    T
    ret
9:  T
    FINISH
    ret

/* Each repetition is an instruction. */
strings:
    mov esi, offset data
    mov edi, offset buffer
    mov ecx, 3
    BEGIN
1:  rep movsb
    T_AT 1b
    T_AT 1b
    T
    rep movsb /* ECX is 0 */
    T
    mov ecx, 2
    T
2:  rep stosd
    T_AT 2b
    T
    stosb
    T
    lodsb
    T
    mov edi, offset buffer
    T
    mov ecx, 5
    T
    mov dword ptr [edi], 0x01070707
    T
    mov al, 7
    T
3:  repe scasb
    T_AT 3b
    T_AT 3b
    T_AT 3b
    T
    scasb
    T
    FINISH
    ret
buffer: .byte 7, 7, 7, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0

stack:
    BEGIN
    pushad
    T
    popad
    T
    push 1
    T
    push dword ptr [esp]
    T
    pop dword ptr [data]
    T
    pop eax
    T
    enter 8, 1
    T
    leave
    T
    push cs
    T
    push offset 1f
    T
    retf
1:  T
    FINISH
    ret

/* INT clears TF for its handler; the instruction after IRET is the next to be followed by a
 * trap. */
software_interrupts:
    BEGIN
    int 0x40
    nop
    T
    int 0x40
    int 0x40
    nop
    T
    FINISH
    ret

/* MOV SS and POP SS hold the trap off; STI does not. */
shadows:
    mov dx, ss
    BEGIN
    mov ss, dx
    nop
    T
    push ss
    T
    pop ss
    nop
    T
    mov ss, dx
    mov eax, esp
    T
    mov ds, dx
    T
    mov ss, dx /* the INT after it comes without a trap, and goes on without TF */
    int 0x40
    nop
    T
    sti
    T
    nop
    T
    cli
    T
    FINISH
    /* an interrupt's handler is not stepped; its frame has TF */
    BEGIN
    sti
    T
    mov al, 0x41
    T
    out RIG_PORT_INTR, al
    T
    nop
    T
    cli
    T
    FINISH
    ret

privileged:
    BEGIN
    mov eax, cr0
    T
    mov cr0, eax
    T
    mov eax, cr3
    T
    mov cr3, eax
    T
    clts
    T
    invlpg [data]
    T
    lgdt [gdt_pointer]
    T
    sgdt [buffer]
    T
    lidt [idt_pointer]
    T
    mov eax, dr7
    T
    mov dr7, eax
    T
    in al, RIG_PORT_VALUE
    T
    out RIG_PORT_DMA, eax
    T
    rdtsc
    T
    wbinvd
    T
    str ax
    T
    lar ecx, eax
    T
    .byte 0xEA
    .long 1f
    .word CODE0
1:  T
    FINISH
    ret

/* SYSENTER and SYSEXIT keep TF: the trap comes in the other ring. */
fast_calls:
    mov ecx, 0x174
    xor edx, edx
    mov eax, CODE0
    wrmsr
    inc ecx
    mov eax, STACK0 - 0x800
    wrmsr
    inc ecx
    mov eax, offset 1f
    wrmsr
    TO_RING3
    BEGIN
    mov ecx, esp
    T
    mov edx, offset 2f
    T
    sysenter
1:  T
    mov eax, 5
    T
    sysexit
2:  T
    FINISH
    TO_RING0
    ret

/* A fault comes instead of the trap, with TF in the frame. */
faults:
    mov dword ptr ss:[resume], offset 2f /* the handler takes TF off the frame */
    BEGIN
    nop
    T
1:  ud2
2:  nop
    CHECK_EQ(dword ptr [fault_eip], offset 1b)
    test dword ptr [fault_eflags], 0x100
    CHECK(nz)
    mov ecx, 0
    mov dword ptr ss:[resume], offset 4f
    BEGIN
    nop
    T
3:  div ecx
4:  nop
    CHECK_EQ(dword ptr [fault_eip], offset 3b)
    test dword ptr [fault_eflags], 0x100
    CHECK(nz)
    ret

floating:
    BEGIN
    fninit
    T
    fldpi
    T
    fadd st(0), st(0)
    T
    fstp qword ptr [data]
    T
    fnstsw ax
    T
    fwait
    T
    movups xmm0, [data]
    T
    addps xmm0, xmm0
    T
    movups [data], xmm0
    T
    emms
    T
    FINISH
    ret

by_iret:
    mov dword ptr [next], offset by_iret_list
    .pushsection .text.expected, "ax"
by_iret_list:
    .popsection
    pushfd
    or dword ptr [esp], 0x100
    push CODE0
    push offset 1f
    iretd
1:  nop
    T
    pushfd
    T
    and dword ptr [esp], ~0x100
    T
    push CODE0
    T
    push offset 2f
    T
    iretd
2:  T
    nop
    CHECK_EQ(dword ptr [next], offset by_iret_end)
    .pushsection .text.expected, "ax"
by_iret_end:
    .popsection
    ret

/* Stores into the page that runs, one of them into the next instruction. */
code_page:
    mov dword ptr [1f + 1], 0
    BEGIN
    mov byte ptr [1f + 1], 0x44
    T
1:  mov eax, 0
    T
    inc dword ptr [data]
    T
    FINISH
    CHECK_EQ(eax, 0x44)
    ret
