/* Call gates of both sizes, stack switches and parameters, conforming code, far returns and IRET
 * to outer rings, interrupt gates to other rings (SDM vol. 3A 5.8, 6.12; vol. 2 CALL, RET, IRET). */
#include "tests/guest/protected.h"

#define GATE32   FREE
#define GATE16   (FREE + 0x08)
#define GATE_0   (FREE + 0x10) /* DPL 0 */
#define CONF     (FREE + 0x18) /* conforming code of ring 0 */
#define CODE1    (FREE + 0x20 + 1)
#define DATA1    (FREE + 0x28 + 1)
#define GATE_1   (FREE + 0x30) /* to ring 1 */
#define GATE_X   (FREE + 0x38) /* changes */
#define ABSENT   (FREE + 0x40) /* code, not present */
#define CONF3    (FREE + 0x48) /* conforming code of ring 3 */
#define SMALL1   (FREE + 0x50 + 1) /* a stack of ring 1, of 32 bytes */
#define GATE_10  (FREE + 0x58) /* from ring 1 to ring 0 */
#define GATE_J   (FREE + 0x60) /* for JMP, in ring 0 */

#define STACK1 0x6800
#define T_ESP1 12
#define T_SS1  16

#define CALL_GATE(selector, target, offset_of, count, access)                                      \
    mov eax, offset offset_of;                                                                     \
    mov word ptr [gdt + (selector)], ax;                                                           \
    mov word ptr [gdt + (selector) + 2], target;                                                   \
    mov word ptr [gdt + (selector) + 4], (access) << 8 | (count);                                  \
    mov word ptr [gdt + (selector) + 6], 0
#define FAR_PTR(name, selector) name: .long 0xDEADBEEF; .word selector

main:
    SEGMENT(CONF, 0, 0xFFFFF, 0x9E, 0xC)
    SEGMENT(CODE1, 0, 0xFFFFF, 0xBA, 0xC)
    SEGMENT(DATA1, 0, 0xFFFFF, 0xB2, 0xC)
    SEGMENT(ABSENT, 0, 0xFFFFF, 0x1A, 0xC)
    SEGMENT(CONF3, 0, 0xFFFFF, 0xFE, 0xC)
    SEGMENT(SMALL1, 0, 0x1F, 0xB2, 4)
    CALL_GATE(GATE32, CODE0, in_gate32, 2, 0xEC)
    CALL_GATE(GATE16, CODE0, in_gate16, 2, 0xE4)
    CALL_GATE(GATE_0, CODE0, same_ring, 0, 0x8C)
    CALL_GATE(GATE_1, CODE1, in_ring1, 1, 0xEC)
    CALL_GATE(GATE_10, CODE0, in_ring0, 0, 0xAC)
    CALL_GATE(GATE_J, CODE0, jumped, 0, 0x8C)
    mov dword ptr [tss + T_ESP1], STACK1
    mov dword ptr [tss + T_SS1], DATA1
    mov ebp, 3
again:
    call inward
    call sixteen_bits
    call refusals
    call conforming
    call ring_one
    call bad_stacks
    call far_returns
    call iret_outward
    call interrupts
    call same_privilege
    dec ebp
    jnz again
    /* every segment that was used has its accessed bit, the others have not */
    test byte ptr [gdt + CONF + 5], 1
    CHECK(nz)
    test byte ptr [gdt + (CODE1 & ~7) + 5], 1
    CHECK(nz)
    test byte ptr [gdt + (DATA1 & ~7) + 5], 1
    CHECK(nz)
    test byte ptr [gdt + ABSENT + 5], 1
    CHECK(z)
    END

count: .long 0
FAR_PTR(to_gate32, GATE32 + 3)
FAR_PTR(to_gate16, GATE16 + 3)
FAR_PTR(to_gate_0, GATE_0)
FAR_PTR(to_gate_0_rpl, GATE_0 + 3)
FAR_PTR(to_gate_1, GATE_1 + 3)
FAR_PTR(to_gate_x, GATE_X + 3)
to_conf: .long in_conf
    .word CONF + 3

/* ---- ring 3 to ring 0, two parameters ---- */

inward:
    mov dword ptr [count], 0
    TO_RING3
    push 0x11111111
    push 0x22222222
    lcall [to_gate32]
1:  CHECK_EQ(esp, STACK3)
    mov ax, cs
    CHECK_EQ(ax, CODE3)
    mov ax, ss
    CHECK_EQ(ax, DATA3)
    mov ax, ds /* ring 3's own stays */
    CHECK_EQ(ax, DATA3)
    mov ax, es /* ring 0's data are taken away */
    CHECK_EQ(ax, 0)
    mov ax, fs /* conforming code is not */
    CHECK_EQ(ax, CONF + 3)
    FAULTS_WITH(13, 0, mov al, es:[0])
    mov ax, DATA3
    mov es, ax
    mov fs, ax
    CHECK_EQ(dword ptr [count], 1)
    push 0x11111111
    push 0x22222222
    .byte 0x9A /* and with the selector in the instruction */
    .long 0
    .word GATE32 + 3
2:  CHECK_EQ(dword ptr [count], 2)
    mov ax, DATA3
    mov es, ax
    TO_RING0
    ret
in_gate32:
    inc dword ptr [count]
    mov ax, cs
    CHECK_EQ(ax, CODE0)
    mov ax, ss
    CHECK_EQ(ax, DATA0)
    CHECK_EQ(esp, STACK0 - 0x400 - 24)
    cmp dword ptr [esp], offset 1b
    je 1f
    cmp dword ptr [esp], offset 2b
1:  CHECK(e)
    CHECK_EQ(dword ptr [esp + 4], CODE3)
    CHECK_EQ(dword ptr [esp + 8], 0x22222222)
    CHECK_EQ(dword ptr [esp + 12], 0x11111111)
    CHECK_EQ(dword ptr [esp + 16], STACK3 - 8)
    CHECK_EQ(word ptr [esp + 20], DATA3)
    pushfd
    pop eax
    and eax, 0x3000
    CHECK_EQ(eax, 0x3000) /* IOPL is the caller's */
    mov ax, DATA0
    mov es, ax
    mov ax, CONF + 3
    mov fs, ax
    retf 8

/* A gate of the 286 pushes and copies words. */
sixteen_bits:
    TO_RING3
    pushw 0x1111
    pushw 0x2222
    lcall [to_gate16]
1:  CHECK_EQ(esp, STACK3)
    mov ax, cs
    CHECK_EQ(ax, CODE3)
    TO_RING0
    ret
in_gate16:
    CHECK_EQ(esp, STACK0 - 0x400 - 12)
    CHECK_EQ(word ptr [esp], offset 1b)
    CHECK_EQ(word ptr [esp + 2], CODE3)
    CHECK_EQ(word ptr [esp + 4], 0x2222)
    CHECK_EQ(word ptr [esp + 6], 0x1111)
    CHECK_EQ(word ptr [esp + 8], STACK3 - 4)
    CHECK_EQ(word ptr [esp + 10], DATA3)
    .byte 0x66
    retf 4

/* ---- what a gate refuses ---- */

#define GATE_X_FAULTS(vec, error)                                                                  \
    FAULTS_WITH(vec, error, lcall [to_gate_x]);                                                    \
    FAULTS_WITH(vec, error, ljmp [to_gate_x])
refusals:
    CALL_GATE(GATE_X, CODE0, same_ring, 0, 0x6C) /* not present */
    TO_RING3
    FAULTS_WITH(13, GATE_0, lcall [to_gate_0]) /* CPL beyond its DPL */
    FAULTS_WITH(13, GATE_0, ljmp [to_gate_0])
    FAULTS_WITH(13, CODE0, ljmp [to_gate32]) /* JMP does not change rings */
    FAULTS_WITH(13, CODE0, .byte 0x9A; .long in_conf; .word CODE0) /* without a gate */
    FAULTS_WITH(13, CODE0, .byte 0xEA; .long in_conf; .word CODE0 + 3)
    GATE_X_FAULTS(11, GATE_X)
    TO_RING0
    FAULTS_WITH(13, GATE_0, lcall [to_gate_0_rpl]) /* RPL beyond its DPL */
    CALL_GATE(GATE_X, DATA0, same_ring, 0, 0xEC) /* no code */
    TO_RING3
    GATE_X_FAULTS(13, DATA0)
    TO_RING0
    CALL_GATE(GATE_X, 0, same_ring, 0, 0xEC)
    TO_RING3
    GATE_X_FAULTS(13, 0)
    TO_RING0
    CALL_GATE(GATE_X, ABSENT, same_ring, 0, 0xEC)
    TO_RING3
    FAULTS_WITH(11, ABSENT, lcall [to_gate_x])
    FAULTS_WITH(13, ABSENT, ljmp [to_gate_x]) /* the ring comes before P */
    TO_RING0
    CALL_GATE(GATE_X, 0x1F8, same_ring, 0, 0xEC) /* beyond the GDT */
    TO_RING3
    GATE_X_FAULTS(13, 0x1F8)
    TO_RING0
    CALL_GATE(GATE_X, CODE3, in_conf, 0, 0xEC)
    FAULTS_WITH(13, CODE3 & ~3, lcall [to_gate_x]) /* ring 0 does not call ring 3 */
    CALL_GATE(GATE_X, CODE0, in_conf, 0, 0xEE) /* an interrupt gate is none */
    FAULTS_WITH(13, GATE_X, lcall [to_gate_x])
    ret

/* ---- conforming code runs in the caller's ring ---- */

conforming:
    CALL_GATE(GATE_X, CONF, in_conf, 3, 0xEC)
    TO_RING3
    lcall [to_conf]
    CHECK_EQ(eax, CONF + 3)
    lcall [to_gate_x] /* no other stack, no parameters copied */
    CHECK_EQ(eax, CONF + 3)
    CHECK_EQ(esp, STACK3)
    push offset 1f
    ljmp [to_conf_jump]
in_conf_jump:
    mov ax, cs
    CHECK_EQ(ax, CONF + 3)
    FAULTS_WITH(13, 0, hlt)
    .byte 0xEA
    .long 2f
    .word CODE3
2:  ret
1:  TO_RING0
    FAULTS_WITH(13, CONF3, .byte 0x9A; .long in_conf; .word CONF3) /* DPL beyond CPL */
    FAULTS_WITH(13, CONF3, .byte 0xEA; .long in_conf; .word CONF3)
    ret
in_conf:
    mov eax, cs
    retf
to_conf_jump: .long in_conf_jump
    .word CONF + 3

/* ---- ring 1 ---- */

ring_one:
    TO_RING3
    push 0x33333333
    lcall [to_gate_1]
1:  CHECK_EQ(esp, STACK3)
    TO_RING0
    ret
in_ring1:
    mov ax, cs
    CHECK_EQ(ax, CODE1)
    mov ax, ss
    CHECK_EQ(ax, DATA1)
    CHECK_EQ(esp, STACK1 - 20)
    CHECK_EQ(dword ptr [esp + 8], 0x33333333)
    CHECK_EQ(dword ptr [esp + 12], STACK3 - 4)
    FAULTS_WITH(13, 0, mov eax, cr0)
    mov ecx, DATA0
    FAULTS_WITH(13, DATA0, mov fs, cx)
    mov cx, DATA1
    mov fs, cx
    lcall [to_gate_10] /* one ring further in */
    retf 4
in_ring0:
    CHECK_EQ(esp, STACK0 - 0x400 - 16)
    CHECK_EQ(dword ptr [esp + 4], CODE1)
    CHECK_EQ(dword ptr [esp + 8], STACK1 - 20)
    CHECK_EQ(dword ptr [esp + 12], DATA1)
    mov ax, ds
    CHECK_EQ(ax, DATA3)
    retf
FAR_PTR(to_gate_10, GATE_10 + 1)

/* The stack of ring 1 is no good: #TS with its selector, #SS where it is absent or too small. */
#define SS1_FAULTS(vec, selector, error)                                                           \
    mov dword ptr ss:[tss + T_SS1], selector;                                                      \
    TO_RING3;                                                                                      \
    FAULTS_WITH(vec, error, lcall [to_gate_1]);                                                    \
    CHECK_EQ(esp, STACK3);                                                                         \
    TO_RING0
bad_stacks:
    SS1_FAULTS(10, 0, 0)
    SS1_FAULTS(10, DATA0, DATA0)               /* RPL */
    SS1_FAULTS(10, DATA0 + 1, DATA0)           /* DPL */
    SS1_FAULTS(10, CODE1, CODE1 & ~3)          /* code */
    SS1_FAULTS(10, 0x1F9, 0x1F8)               /* beyond the GDT */
    and byte ptr [gdt + (DATA1 & ~7) + 5], 0xFD
    SS1_FAULTS(10, DATA1, DATA1 & ~3)          /* not to be written */
    xor byte ptr [gdt + (DATA1 & ~7) + 5], 0x82
    SS1_FAULTS(12, DATA1, DATA1 & ~3)          /* not present */
    or byte ptr [gdt + (DATA1 & ~7) + 5], 0x80
    mov dword ptr [tss + T_ESP1], 0x20
    mov dword ptr [tss + T_SS1], SMALL1 /* as large as needed */
    mov dword ptr [tss + T_ESP1], 0x10
    SS1_FAULTS(12, SMALL1, SMALL1 & ~3)        /* four bytes too small */
    mov dword ptr [tss + T_SS1], DATA1
    mov dword ptr [tss + T_ESP1], STACK1
    ret

/* ---- RETF to outer rings ---- */

#define RETF_FAULTS(vec, error, code, ss_)                                                         \
    mov ebx, esp;                                                                                  \
    push ss_;                                                                                      \
    push STACK3;                                                                                   \
    push code;                                                                                     \
    push offset 1f;                                                                                \
    FAULTS_WITH(vec, error, retf);                                                                 \
    mov esp, ebx
far_returns:
    RETF_FAULTS(13, 0, CODE3, 0)
    RETF_FAULTS(13, DATA1 & ~3, CODE3, DATA1)
    RETF_FAULTS(13, DATA3 & ~3, CODE3, DATA3 - 1)
    RETF_FAULTS(13, CODE3 & ~3, CODE3, CODE3)
    RETF_FAULTS(13, 0, 0, DATA3)
    RETF_FAULTS(13, CODE3 & ~3, CODE3 - 1, DATA3) /* RPL is not its DPL */
    RETF_FAULTS(13, CODE3 & ~3, CODE3 - 3, DATA3)
    RETF_FAULTS(13, DATA3 & ~3, DATA3, DATA3)
    RETF_FAULTS(11, ABSENT, ABSENT, DATA3)
    and byte ptr [gdt + (DATA3 & ~7) + 5], 0x7F
    RETF_FAULTS(12, DATA3 & ~3, CODE3, DATA3)
    or byte ptr [gdt + (DATA3 & ~7) + 5], 0x80
    /* to ring 1, and from there not back in */
    mov [ring0_esp], esp
    push DATA1
    push STACK1
    push CODE1
    push offset 1f
    retf
1:  mov ax, cs
    CHECK_EQ(ax, CODE1)
    mov ax, DATA3
    mov ds, ax
    mov es, ax
    push CODE0
    push offset 2f
    FAULTS_WITH(13, CODE0, retf)
    add esp, 8
2:  TO_RING0
    ret

/* ---- IRET to ring 3 takes inner data segments away, and keeps what ring 3 may use ---- */

iret_outward:
    mov [ring0_esp], esp
    push DATA3
    push STACK3
    push 0x3002
    push CODE3
    push offset 1f
    mov ax, DATA0
    mov es, ax
    mov ax, DATA1
    mov fs, ax
    mov ax, CONF
    mov gs, ax
    iretd
1:  mov ax, ds
    CHECK_EQ(ax, 0)
    mov ax, es
    CHECK_EQ(ax, 0)
    mov ax, fs
    CHECK_EQ(ax, 0)
    mov ax, gs
    CHECK_EQ(ax, CONF)
    FAULTS_WITH(13, 0, mov eax, [0])
    /* IOPL and IF are not ring 3's to change by IRET; NT and AC are no privilege */
    pushfd
    and dword ptr [esp], ~0x3000
    or dword ptr [esp], 0x40000
    mov dword ptr ss:[STACK3 - 64], 0
    push CODE3
    push offset 2f
    iretd
2:  pushfd
    pop eax
    CHECK_EQ(esp, STACK3)
    and eax, 0x43000
    CHECK_EQ(eax, 0x43000)
    pushfd
    and dword ptr [esp], ~0x40000
    popfd
    push 0x3002
    push CODE0 /* inward */
    push offset 3f
    FAULTS_WITH(13, CODE0, iretd)
    add esp, 12
3:  TO_RING0
    mov ax, DATA0
    mov fs, ax
    mov gs, ax
    ret

/* ---- INT to other rings ---- */

#define IDT_TO(vec, target, handler) GATE(vec, handler, 3); mov word ptr [idt + (vec) * 8 + 2], target
interrupts:
    IDT_TO(0x60, CONF, int_conforming)
    IDT_TO(0x61, CODE1 & ~3, int_ring1)
    TO_RING3
    int 0x60
1:  CHECK_EQ(eax, CONF + 3)
    CHECK_EQ(esp, STACK3)
    int 0x61
2:  CHECK_EQ(eax, CODE1)
    CHECK_EQ(esp, STACK3)
    TO_RING0
    FAULTS_WITH(13, CODE1 & ~3, int 0x61) /* not outward */
    mov dword ptr [tss + T_SS1], 0
    TO_RING3
    FAULTS_WITH(10, 0, int 0x61)
    TO_RING0
    mov dword ptr [tss + T_SS1], DATA1
    IDT_TO(0x60, CODE3 & ~3, int_conforming)
    FAULTS_WITH(13, CODE3 & ~3, int 0x60)
    /* gates of the 286: five words; an interrupt gate clears IF, a trap gate does not */
    GATE(0x62, int_words, 3)
    mov byte ptr [idt + 0x62 * 8 + 5], 0xE6
    GATE(0x63, int_words, 3)
    mov byte ptr [idt + 0x63 * 8 + 5], 0xE7
    TO_RING3
    sti
    mov ecx, 0
    stc
    int 0x62
3:  CHECK(c)
    CHECK_EQ(esp, STACK3)
    CHECK_EQ(ecx, 0)
    mov edx, offset 4f
    mov word ptr [words_eip], dx
    int 0x63
4:  CHECK_EQ(ecx, 0x200)
    CHECK_EQ(esp, STACK3)
    pushfd
    pop eax
    test eax, 0x200
    CHECK(nz)
    cli
    mov word ptr [words_eip], offset 3b
    TO_RING0
    ret
words_eip: .word 3b
int_words:
    pushfd
    pop ecx
    and ecx, 0x200
    CHECK_EQ(esp, STACK0 - 0x400 - 10)
    mov ax, ss:[words_eip]
    CHECK_EQ(word ptr [esp], ax)
    CHECK_EQ(word ptr [esp + 2], CODE3)
    test word ptr [esp + 4], 0x200
    CHECK(nz)
    CHECK_EQ(word ptr [esp + 6], STACK3)
    CHECK_EQ(word ptr [esp + 8], DATA3)
    iretw
int_conforming:
    mov eax, cs
    CHECK_EQ(dword ptr [esp], offset 1b)
    CHECK_EQ(dword ptr [esp + 4], CODE3)
    CHECK_EQ(esp, STACK3 - 12)
    iretd
int_ring1:
    CHECK_EQ(dword ptr [esp], offset 2b)
    CHECK_EQ(dword ptr [esp + 12], STACK3)
    CHECK_EQ(esp, STACK1 - 20)
    mov eax, cs
    iretd

/* ---- a gate in its own ring ---- */

same_privilege:
    mov ebx, esp
    lcall [to_gate_0]
1:  CHECK_EQ(esp, ebx)
    CHECK_EQ(ecx, CODE0)
    push offset 2f
    push 0
    ljmp [to_gate_j]
2:  CHECK_EQ(esp, ebx)
    ret
same_ring:
    mov ecx, [esp + 4] /* CS, right behind EIP: nothing was copied */
    CHECK_EQ(dword ptr [esp], offset 1b)
    retf
jumped:
    add esp, 4
    ret
FAR_PTR(to_gate_j, GATE_J)
