/* Interrupts: the flag, the shadows of STI, MOV SS and POP SS, HLT, NMI and its masking, gates of
 * both kinds and sizes, software interrupts (SDM vol. 3A 6.7, 6.8, 6.12). */
#include "tests/guest/protected.h"

main:
    GATE(0x40, on_40, 0)
    GATE(2, on_nmi, 0)
    call by_flag
    call sti_shadow
    call ss_shadow
    call popf_iret
    call halting
    call nmi
    call gates
    call software
    call from_user
    END

count: .long 0
seen_eip: .long 0
seen_flags: .long 0
nmis: .long 0

on_40:
    inc dword ptr ss:[count]
    push eax
    mov eax, [esp + 4]
    mov ss:[seen_eip], eax
    mov eax, [esp + 12]
    mov ss:[seen_flags], eax
    pop eax
    iretd

on_nmi:
    inc dword ptr ss:[nmis]
    push eax
    mov eax, [esp + 4]
    mov ss:[seen_eip], eax
    pop eax
    iretd

#define RAISE mov al, 0x40; out RIG_PORT_INTR, al
#define CHECK_AT(label) CHECK_EQ(dword ptr [seen_eip], offset label)

by_flag:
    cli
    mov dword ptr [count], 0
    RAISE
    nop
    mov ecx, 100
1:  dec ecx
    jnz 1b
    CHECK_EQ(dword ptr [count], 0)
    sti
    nop
    cli
    CHECK_EQ(dword ptr [count], 1)
    /* with IF set it comes right after the OUT */
    sti
    nop
    RAISE
2:  cli
    CHECK_EQ(dword ptr [count], 2)
    CHECK_AT(2b)
    test dword ptr [seen_flags], 0x200
    CHECK(nz)
    ret

/* STI holds interrupts off for one instruction. */
sti_shadow:
    mov ebp, 3 /* the code is old the second time */
0:  mov dword ptr [count], 0
    RAISE
    sti
    nop
1:  nop
    cli
    CHECK_EQ(dword ptr [count], 1)
    CHECK_AT(1b)
    /* STI; CLI: nothing comes through */
    mov dword ptr [count], 0
    RAISE
    sti
    cli
    nop
    CHECK_EQ(dword ptr [count], 0)
    /* STI; RET and STI; jump */
    sti
    jmp 2f
2:  nop
    cli
    CHECK_AT(2b)
    RAISE
    push offset 3f
    sti
    ret
3:  nop
    cli
    CHECK_AT(3b)
    /* the second STI makes no shadow of its own: IF is set already */
    RAISE
    sti
    sti
4:  nop
    cli
    CHECK_AT(4b)
    dec ebp
    jnz 0b
    ret

/* MOV SS and POP SS: so that ESP can follow. */
ss_shadow:
    mov ebp, 3
0:  mov dword ptr [count], 0
    mov ebx, esp
    mov dx, ss
    sti
    nop
    mov eax, 0x40
    push ss
    /* the shadow is set by the instruction behind which the interrupt waits */
    cli
    out RIG_PORT_INTR, al
    sti
    mov ss, dx
    mov esp, ebx
1:  nop
    cli
    CHECK_EQ(dword ptr [count], 1)
    CHECK_AT(1b)
    push ss
    mov eax, 0x40
    out RIG_PORT_INTR, al
    sti
    pop ss
    nop
2:  nop
    cli
    CHECK_EQ(dword ptr [count], 2)
    CHECK_AT(2b)
    /* exceptions are not held off */
    mov dword ptr [resume], offset 4f
    mov ss, dx
3:  ud2
4:  CHECK_EQ(dword ptr [fault_eip], offset 3b)
    dec ebp
    jnz 0b
    ret

/* POPF and IRET open the gate at once. */
popf_iret:
    mov ebp, 3
0:  mov dword ptr [count], 0
    RAISE
    pushfd
    or dword ptr [esp], 0x200
    popfd
1:  nop
    cli
    CHECK_AT(1b)
    RAISE
    pushfd
    or dword ptr [esp], 0x200
    push CODE0
    push offset 2f
    iretd
2:  nop
    cli
    CHECK_AT(2b)
    CHECK_EQ(dword ptr [count], 2)
    RAISE
    pushfw
    or word ptr [esp], 0x200
    popfw
3:  nop
    cli
    CHECK_AT(3b)
    dec ebp
    jnz 0b
    ret

halting:
    mov ebp, 3
0:  mov dword ptr [count], 0
    mov dword ptr [nmis], 0
    mov al, 0x40
    out RIG_PORT_WAKE, al
    sti
    nop
    hlt
1:  cli
    CHECK_EQ(dword ptr [count], 1)
    CHECK_AT(1b)
    RAISE /* it waits already: STI's shadow lets HLT begin, and nothing is lost */
    sti
    hlt
2:  cli
    CHECK_EQ(dword ptr [count], 2)
    CHECK_AT(2b)
    mov al, 2
    out RIG_PORT_WAKE, al
    hlt /* IF is clear: only an NMI */
3:  CHECK_EQ(dword ptr [nmis], 1)
    CHECK_AT(3b)
    dec ebp
    jnz 0b
    ret

nmi:
    mov dword ptr [nmis], 0
    cli
    out RIG_PORT_NMI, al
1:  CHECK_EQ(dword ptr [nmis], 1)
    CHECK_AT(1b)
    mov dx, ss
    mov dword ptr [nmis], 0
    GATE(2, on_nested_nmi, 0)
    out RIG_PORT_NMI, al
2:  CHECK_EQ(dword ptr [nmis], 2)
    CHECK_AT(2b) /* of the second: behind the first one's IRET, before anything else */
    GATE(2, on_nmi, 0)
    ret

/* The first asks for another, which must wait for IRET. */
on_nested_nmi:
    inc dword ptr [nmis]
    push eax
    mov eax, [esp + 4]
    mov [seen_eip], eax
    cmp dword ptr [nmis], 1
    jne 1f
    out RIG_PORT_NMI, al
    nop
    nop
    CHECK_EQ(dword ptr [nmis], 1)
1:  pop eax
    iretd

gates:
    /* a trap gate leaves IF as it is, an interrupt gate clears it */
    GATE(0x41, on_41, 0)
    sti
    nop
    int 0x41
    test dword ptr [inner_flags], 0x200
    CHECK(z)
    pushfd
    pop eax
    test eax, 0x200
    CHECK(nz)
    mov byte ptr [idt + 0x41 * 8 + 5], 0x8F
    int 0x41
    test dword ptr [inner_flags], 0x200
    CHECK(nz)
    cli
    /* 16-bit gates push words */
    mov ebx, esp
    GATE(0x42, on_42, 0)
    mov byte ptr [idt + 0x42 * 8 + 5], 0x86
    mov word ptr [idt + 0x42 * 8 + 6], 0xFFFF /* the upper half is not looked at */
    int 0x42
1:  CHECK_EQ(esp, ebx)
    CHECK_EQ(ecx, offset 1b)
    /* not present, of no kind, beyond the table, null selector */
    mov byte ptr [idt + 0x43 * 8 + 5], 0x0E
    FAULTS_WITH(11, 0x43 * 8 + 2, int 0x43)
    mov byte ptr [idt + 0x43 * 8 + 5], 0x8C
    FAULTS_WITH(13, 0x43 * 8 + 2, int 0x43)
    mov byte ptr [idt + 0x43 * 8 + 5], 0x8E
    mov word ptr [idt + 0x43 * 8 + 2], 0
    FAULTS_WITH(13, 0, int 0x43)
    mov word ptr [idt + 0x43 * 8 + 2], DATA0
    FAULTS_WITH(13, DATA0, int 0x43)
    mov word ptr [idt_pointer], 0x44 * 8 - 1
    lidt [idt_pointer]
    FAULTS_WITH(13, 0x44 * 8 + 2, int 0x44)
    mov word ptr [idt_pointer], 0x7FF
    lidt [idt_pointer]
    /* the same for an interrupt from outside: EXT is set */
    sti
    nop
    mov al, 0x43
    mov dword ptr [resume], offset 2f
    out RIG_PORT_INTR, al
    FAIL
2:  cli
    CHECK_EQ(dword ptr [fault_error], DATA0 + 1)
    ret
on_41:
    pushfd
    pop dword ptr [inner_flags]
    iretd
on_42:
    mov ecx, ebx
    sub ecx, esp
    CHECK_EQ(ecx, 6)
    movzx ecx, word ptr [esp]
    iretw
inner_flags: .long 0

software:
    GATE(3, on_soft, 3)
    GATE(4, on_soft, 3)
    GATE(1, on_soft, 0)
    GATE(0x45, on_soft, 3)
    mov ebp, 2
0:  mov dword ptr [count], 0
    int3
1:  CHECK_AT(1b)
    .byte 0xCD, 3
2:  CHECK_AT(2b)
    int 0x45
3:  CHECK_AT(3b)
    .byte 0xF1
4:  CHECK_AT(4b)
    CHECK_EQ(dword ptr [count], 4)
    mov eax, 1
    cmp eax, 2 /* OF clear */
    into
    CHECK_EQ(dword ptr [count], 4)
    mov eax, 0x80000000
    cmp eax, 1 /* OF set */
    into
5:  CHECK_EQ(dword ptr [count], 5)
    CHECK_AT(5b)
    dec ebp
    jnz 0b
    UNGATE(1)
    ret
on_soft:
    inc dword ptr ss:[count]
    push eax
    mov eax, [esp + 4]
    mov ss:[seen_eip], eax
    pop eax
    iretd

from_user:
    TO_RING3
    int 0x45
1:  CHECK_AT(1b)
    int3
2:  CHECK_AT(2b)
    FAULTS_WITH(13, 0x40 * 8 + 2, int 0x40) /* a gate of ring 0 */
    mov dword ptr [resume], offset 3f
    .byte 0xF1 /* INT1 asks for no privilege */
3:  CHECK_EQ(dword ptr [fault_vector], 1)
    CHECK_EQ(dword ptr [fault_eip], offset 3b)
    /* from outside: to ring 0's stack and back */
    mov dword ptr [count], 0
    mov al, 0x40
    sti
    nop
    out RIG_PORT_INTR, al
4:  CHECK_EQ(dword ptr [count], 1)
    CHECK_AT(4b)
    CHECK_EQ(esp, STACK3)
    cli
    RAISE
    sti
    nop
5:  CHECK_AT(5b)
    mov eax, cs
    CHECK_EQ(ax, CODE3)
    TO_RING0
    cli
    ret
