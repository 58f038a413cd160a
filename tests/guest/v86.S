/* Virtual-8086 mode through translated code: segments, privileged and IOPL-sensitive
 * instructions, interrupts out and back, VME (SDM vol. 3A chapter 20). */
#include "tests/guest/v86.h"

main:
    GATE(13, on_gp, 0)
    GATE(0x45, on_45, 3)
    GATE(0x40, on_40, 0)
    mov ebp, 2
again:
    call segments
    call privileged
    call iopl3
    call iopl0
    call outside
    call arithmetic
    call vme
    dec ebp
    jnz again
    END

back: .long 0
count: .long 0
frame: .fill 9, 4, 0
moved: .fill 16, 1, 0

/* #GP: LEAVE_V86's own, or one that a FAULTS expects. */
on_gp:
    cmp dword ptr ss:[back], 0
    je 1f
    mov esp, ss:[ring0_esp]
    push eax
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    pop eax
    push dword ptr [back]
    mov dword ptr [back], 0
    ret
1:  push 13
    jmp on_exception

on_45:
    inc dword ptr ss:[count]
    push eax
    push ecx
    mov ecx, 9
1:  mov eax, ss:[esp + ecx * 4 + 4]
    mov ss:[frame - 4 + ecx * 4], eax
    dec ecx
    jnz 1b
    mov eax, ds
    mov ecx, es
    or eax, ecx
    CHECK_EQ(eax, 0) /* null on the way in */
    pop ecx
    pop eax
    iretd

on_40:
    inc dword ptr ss:[count]
    iretd

segments:
    TO_V86(0x3000)
    mov ax, 0x2000
    mov ds, ax
    mov es, ax
    mov word ptr [0x10], 0x1234
    mov bx, 0xFFFF
    mov byte ptr [bx], 0x56
    FAULTS_WITH(13, 0, mov ax, [bx])
    FAULTS_WITH(13, 0, mov [bx], ax)
    mov ebx, 0x10000
    FAULTS_WITH(13, 0, mov al, [ebx])
    mov fs, [0x10]
    mov ax, fs
    CHECK_EQ(ax, 0x1234)
    mov cx, 0x10
    xor si, si
    xor di, di
    mov ax, 0x2100
    mov es, ax
    rep movsw
    mov ax, es:[0x10]
    CHECK_EQ(ax, 0x1234)
    push 0x2345
    pop gs
    mov ax, gs
    CHECK_EQ(ax, 0x2345)
    lds si, ss:[far_pointer16]
    CHECK_EQ(si, 0x7654)
    mov ax, ds
    CHECK_EQ(ax, 0x2001)
    .byte 0x9A /* CALL 0:near_far */
    .word far_procedure, 0
    CHECK_EQ(ax, 0x4321)
    .byte 0xEA /* the same place by another name */
    .word 1f - 0x1000, 0x0100
1:  mov ax, cs
    CHECK_EQ(ax, 0x0100)
    .byte 0xEA
    .word 2f, 0
2:  LEAVE_V86
    CHECK_EQ(word ptr [0x20010], 0x1234)
    CHECK_EQ(byte ptr [0x2FFFF], 0x56)
    ret
    .code16
far_procedure:
    mov ax, 0x4321
    retf
    .code32
far_pointer16: .word 0x7654, 0x2001

privileged:
    TO_V86(0x3000)
    FAULTS_WITH(13, 0, mov eax, cr0)
    FAULTS_WITH(13, 0, mov cr3, eax)
    FAULTS_WITH(13, 0, mov eax, dr7)
    FAULTS_WITH(13, 0, lgdt ss:[gdt_pointer])
    FAULTS_WITH(13, 0, lidt ss:[idt_pointer])
    FAULTS_WITH(13, 0, lmsw ax)
    FAULTS_WITH(13, 0, clts)
    FAULTS_WITH(13, 0, invd)
    FAULTS_WITH(13, 0, wbinvd)
    FAULTS_WITH(13, 0, invlpg [0])
    FAULTS_WITH(13, 0, rdmsr)
    FAULTS(6, lldt ax)
    FAULTS(6, ltr ax)
    FAULTS(6, sldt ax)
    FAULTS(6, str ax)
    FAULTS(6, lar ax, ax)
    FAULTS(6, lsl ax, ax)
    FAULTS(6, verr ax)
    FAULTS(6, verw ax)
    FAULTS(6, arpl ax, ax)
    smsw ax
    test al, 1
    CHECK(nz)
    sgdt ss:[moved]
    LEAVE_V86
    CHECK_EQ(word ptr [moved], 0xFF)
    ret

iopl3:
    mov dword ptr [count], 0
    TO_V86(0x3000)
    mov ax, 0x1111
    mov ds, ax
    mov ax, 0x2222
    mov es, ax
    mov ax, 0x3333
    mov fs, ax
    mov ax, 0x4444
    mov gs, ax
    int 0x45
1:  mov ax, ds
    CHECK_EQ(ax, 0x1111)
    mov ax, gs
    CHECK_EQ(ax, 0x4444)
    cmp dword ptr ss:[frame], offset 1b /* EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS */
    CHECK(e)
    cmp dword ptr ss:[frame + 4], 0
    CHECK(e)
    test dword ptr ss:[frame + 8], VM
    CHECK(nz)
    cmp dword ptr ss:[frame + 12], STACK3
    CHECK(e)
    cmp dword ptr ss:[frame + 20], 0x2222
    CHECK(e)
    cmp dword ptr ss:[frame + 24], 0x1111
    CHECK(e)
    cmp dword ptr ss:[frame + 28], 0x3333
    CHECK(e)
    cmp dword ptr ss:[frame + 32], 0x4444
    CHECK(e)
    cli
    pushfw
    pop ax
    test ax, 0x200
    CHECK(z)
    test ax, 0x3000
    CHECK(nz)
    sti
    nop
    pushfd
    pop eax
    test eax, 0x200
    CHECK(nz)
    test eax, VM
    CHECK(z)
    push eax
    and byte ptr ss:[STACK3 - 3], ~2
    popfd
    pushfw
    pop ax
    test ax, 0x200
    CHECK(z)
    pushfw /* IRET within the mode, by words */
    push 0
    push offset 2f
    iretw
    FAIL
2:  mov ax, 0
    mov ds, ax
    mov es, ax
    LEAVE_V86
    CHECK_EQ(dword ptr [count], 1)
    ret

iopl0:
    GATE(3, on_45, 3)
    mov dword ptr [count], 0
    TO_V86(0)
    FAULTS_WITH(13, 0, cli)
    FAULTS_WITH(13, 0, sti)
    FAULTS_WITH(13, 0, pushfw)
    FAULTS_WITH(13, 0, popfw)
    FAULTS_WITH(13, 0, pushfd)
    FAULTS_WITH(13, 0, int 0x45)
    FAULTS_WITH(13, 0, iretw)
    int3 /* not IOPL-sensitive */
    in al, RIG_PORT_VALUE /* the bitmap decides, whatever IOPL is */
    LEAVE_V86
    CHECK_EQ(dword ptr [count], 1)
    UNGATE(3)
    mov byte ptr [tss + 104 + RIG_PORT_VALUE / 8], 1
    TO_V86(0x3000)
    FAULTS_WITH(13, 0, in al, RIG_PORT_VALUE)
    in al, RIG_PORT_VALUE + 1
    FAULTS_WITH(13, 0, in ax, RIG_PORT_VALUE - 1)
    LEAVE_V86
    mov byte ptr [tss + 104 + RIG_PORT_VALUE / 8], 0
    ret

/* Interrupts from outside; exceptions of translated 16-bit code. */
outside:
    mov dword ptr [count], 0
    TO_V86(0x3200)
    mov al, 0x40
    out RIG_PORT_INTR, al
    nop
    cmp dword ptr ss:[count], 1
    CHECK(e)
    mov cx, 0
    FAULTS(0, div cx)
    FAULTS(6, ud2)
    mov bx, offset 1f
    mov ax, 0x8000
    cmp ax, 1
    FAULTS(5, bound ax, [bounds])
1:  LEAVE_V86
    ret
bounds: .word 0, 5

/* Ordinary code, hot. */
arithmetic:
    TO_V86(0x3000)
    xor dx, dx
    mov cx, 300
1:  push cx
    call 2f
    pop cx
    loop 1b
    jmp 3f
2:  push bp
    mov bp, sp
    add dx, [bp + 4]
    pop bp
    ret
3:  CHECK_EQ(dx, 45150)
    mov si, offset moved
    mov byte ptr [si], 9
    xor bx, bx
    mov al, [bx + si]
    CHECK_EQ(al, 9)
    LEAVE_V86
    ret

/* VIF in IF's place, and INT n through the 8086 program's own table. */
vme:
    mov eax, cr4
    or eax, 1
    mov cr4, eax
    mov dword ptr [count], 0
    mov word ptr [0x46 * 4], offset int46_8086
    mov word ptr [0x46 * 4 + 2], 0
    mov word ptr [tss + 102], 136 /* 32 bytes of redirection below the map */
    mov byte ptr [tss + 104 + 0x45 / 8], 1 << (0x45 & 7) /* 45h traps, 46h does not */
    TO_V86(0)
    sti
    pushfw
    pop ax
    test ax, 0x200
    CHECK(nz)
    cli
    pushfw
    pop ax
    test ax, 0x200
    CHECK(z)
    and ax, 0x3000
    CHECK_EQ(ax, 0x3000) /* the image says IOPL 3 */
    sti
    int 0x46
    CHECK_EQ(cx, 0x4646)
    pushfw
    pop ax
    test ax, 0x200
    CHECK(nz)
    FAULTS_WITH(13, 0, int 0x45)
    pushfw
    popfw
    FAULTS_WITH(13, 0, pushfd)
    LEAVE_V86
    mov eax, cr4
    and eax, ~1
    mov cr4, eax
    mov word ptr [tss + 102], 104
    mov byte ptr [tss + 104 + 0x45 / 8], 0
    ret
    .code16
int46_8086:
    mov cx, 0x4646
    pushfw
    pop ax
    test ax, 0x200
    CHECK(z) /* VIF is cleared for the handler */
    iretw
    .code32
