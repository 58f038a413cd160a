/* Virtual-8086 mode extensions and protected-mode virtual interrupts: VIF and VIP, and the
 * redirection of INT n by IOPL and bitmap (SDM vol. 3A 20.3, 20.4, table 20-2). */
#include "tests/guest/v86.h"

#define VIF 0x80000
#define VIP 0x100000
#define NT  0x4000

#define REDIRECTED(vec) and byte ptr [tss + 104 + (vec) / 8], ~(1 << ((vec) & 7))
#define TRAPPING(vec) or byte ptr [tss + 104 + (vec) / 8], 1 << ((vec) & 7)

main:
    GATE(13, on_gp, 0)
    GATE(0x45, on_45, 3)
    GATE(0x46, on_45, 3)
    GATE(0x30, on_30, 0)
    mov word ptr [0x45 * 4], offset int_8086
    mov word ptr [0x45 * 4 + 2], 0
    mov word ptr [0x46 * 4], offset int_8086
    mov word ptr [0x46 * 4 + 2], 0
    mov word ptr [tss + 102], 136 /* 32 bytes of redirection below the map of ports */
    mov byte ptr [tss + 136 + RIG_PORT_INTR / 8], 0
    mov ebp, 3
again:
    mov eax, cr4
    or eax, 1
    mov cr4, eax
    call flags_iopl0
    call pending
    call flags_iopl3
    call redirection_iopl0
    call redirection_iopl3
    call from_outside
    mov eax, cr4
    and eax, ~1
    mov cr4, eax
    call without
    call protected_mode
    dec ebp
    jnz again
    END

back: .long 0
left_flags: .long 0
count: .long 0
frame_flags: .long 0

/* #GP: LEAVE_V86, with EFLAGS as they were then in [left_flags]. */
on_gp:
    cmp dword ptr ss:[back], 0
    je 1f
    mov eax, ss:[esp + 12]
    mov ss:[left_flags], eax
    mov esp, ss:[ring0_esp]
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    push dword ptr [back]
    mov dword ptr [back], 0
    ret
1:  push 13
    jmp on_exception

on_45: /* the monitor's */
    inc dword ptr ss:[count]
    push eax
    mov eax, ss:[esp + 12]
    mov ss:[frame_flags], eax
    pop eax
    iretd

    .code16
int_8086: /* the program's own; the frame is in CX, flags as they are now in DX */
    pushfw
    pop dx
    push bp
    mov bp, sp
    mov cx, [bp + 6]
    pop bp
    iretw
    .code32

#define LEFT(bits, want) mov eax, [left_flags]; and eax, bits; CHECK_EQ(eax, want)

/* IOPL below 3: CLI, STI, PUSHF, POPF and IRET work on VIF. */
flags_iopl0:
    TO_V86(0x200)
    sti
    LEAVE_V86
    LEFT(VIF | 0x200, VIF | 0x200)
    TO_V86(0x200 | VIF)
    cli
    pushfw
    pop ax
    and ax, 0x3200
    CHECK_EQ(ax, 0x3000)
    LEAVE_V86
    LEFT(VIF | 0x200, 0x200) /* IF is the monitor's */
    TO_V86(0)
    push 0x3202
    popfw
    pushfw
    pop ax
    CHECK_EQ(ax, 0x3202)
    push 0x0002
    popfw
    pushfw
    pop ax
    and ax, 0x200
    CHECK(z)
    push 0x0202
    push 0
    push offset 1f
    iretw
1:  LEAVE_V86
    LEFT(VIF | 0x3200, VIF) /* and so is IOPL */
    TO_V86(0)
    push 0x0102 /* TF is not for POPF to set here */
    FAULTS_WITH(13, 0, popfw)
    FAULTS_WITH(13, 0, pushfd)
    FAULTS_WITH(13, 0, popfd)
    FAULTS_WITH(13, 0, .byte 0x66; iretw)
    LEAVE_V86
    ret

/* With an interrupt pending whatever would set VIF is the monitor's. */
pending:
    TO_V86(VIP)
    FAULTS_WITH(13, 0, sti)
    cli
    push 0x0202
    FAULTS_WITH(13, 0, popfw)
    pop ax
    push 0x0002
    popfw
    push 0x0202
    push 0
    push offset 1f
    FAULTS_WITH(13, 0, iretw)
    add sp, 6
    push 0x0002
    push 0
    push offset 1f
    iretw
1:  LEAVE_V86
    LEFT(VIP | VIF, VIP)
    ret

/* IOPL 3: they work on IF, and VIF is left alone. */
flags_iopl3:
    TO_V86(0x3000 | VIP)
    sti
    nop
    pushfw
    pop ax
    and ax, 0x3200
    CHECK_EQ(ax, 0x3200)
    pushfd
    popfd
    cli
    LEAVE_V86
    LEFT(VIF | VIP | 0x3200, VIP | 0x3000)
    ret

redirection_iopl0:
    REDIRECTED(0x45)
    TRAPPING(0x46)
    mov dword ptr [count], 0
    TO_V86(VIF)
    xor cx, cx
    int 0x45
    and cx, 0x3200
    CHECK_EQ(cx, 0x3200) /* VIF in IF's place, IOPL 3 */
    and dx, 0x200
    CHECK(z)
    pushfw
    pop ax
    test ax, 0x200
    CHECK(nz)
    cli
    int 0x45
    and cx, 0x200
    CHECK(z)
    FAULTS_WITH(13, 0, int 0x46)
    LEAVE_V86
    CHECK_EQ(dword ptr [count], 0)
    ret

/* IOPL 3: redirected ones go to the program and touch IF; the others to the monitor at once. */
redirection_iopl3:
    TO_V86(0x3200)
    int 0x45
    and cx, 0x3200
    CHECK_EQ(cx, 0x3200)
    and dx, 0x200
    CHECK(z) /* IF itself was cleared */
    int 0x46
    LEAVE_V86
    CHECK_EQ(dword ptr [count], 1)
    test dword ptr [frame_flags], VM
    CHECK(nz)
    /* INT3 and INTO are never redirected */
    REDIRECTED(3)
    GATE(3, on_45, 3)
    TO_V86(0x3000)
    int3
    LEAVE_V86
    CHECK_EQ(dword ptr [count], 2)
    UNGATE(3)
    TRAPPING(3)
    ret

/* Interrupts from outside look at IF, not at VIF. */
from_outside:
    mov dword ptr [count], 0
    TO_V86(VIF)
    mov al, 0x30
    out RIG_PORT_INTR, al
    nop
    nop
    cmp dword ptr ss:[count], 0
    CHECK(e)
    LEAVE_V86
    sti
    nop
    cli
    CHECK_EQ(dword ptr [count], 1)
    mov dword ptr [count], 0
    TO_V86(0x200)
    mov al, 0x30
    out RIG_PORT_INTR, al
    nop
    cmp dword ptr ss:[count], 1
    CHECK(e)
    LEAVE_V86
    ret
on_30:
    inc dword ptr ss:[count]
    iretd

/* Without VME the same are the monitor's, and VIP is nothing. */
without:
    TO_V86(VIP)
    FAULTS_WITH(13, 0, cli)
    FAULTS_WITH(13, 0, sti)
    FAULTS_WITH(13, 0, pushfw)
    FAULTS_WITH(13, 0, int 0x45)
    LEAVE_V86
    TO_V86(0x3000 | VIP)
    sti
    cli
    pushfw
    pop ax
    LEAVE_V86
    ret

/* CR4.PVI: ring 3 with IOPL 0 has CLI and STI, and no more. */
#define TO_RING3_IOPL0(flags)                                                                      \
    mov ss:[ring0_esp], esp;                                                                       \
    push DATA3;                                                                                    \
    push STACK3;                                                                                   \
    push 2 | (flags);                                                                              \
    push CODE3;                                                                                    \
    push offset 96f;                                                                               \
    mov ax, DATA3;                                                                                 \
    mov ds, ax;                                                                                    \
    mov es, ax;                                                                                    \
    iretd;                                                                                         \
96:
protected_mode:
    mov eax, cr4
    or eax, 2
    mov cr4, eax
    TO_RING3_IOPL0(0x200)
    sti
    pushfd
    pop eax
    and eax, VIF | 0x3200
    CHECK_EQ(eax, VIF | 0x200)
    cli
    pushfd
    pop eax
    and eax, VIF | 0x200
    CHECK_EQ(eax, 0x200)
    push 2 /* POPF is as ever: IF stays, without a fault */
    popfd
    pushfd
    pop eax
    and eax, VIF | 0x200
    CHECK_EQ(eax, 0x200)
    TO_RING0
    TO_RING3_IOPL0(VIP)
    FAULTS_WITH(13, 0, sti)
    cli
    TO_RING0
    mov eax, cr4
    and eax, ~2
    mov cr4, eax
    TO_RING3_IOPL0(0)
    FAULTS_WITH(13, 0, cli)
    FAULTS_WITH(13, 0, sti)
    TO_RING0
    ret
