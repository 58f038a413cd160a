/* Moves between registers and a device that short cuts reach, in real mode with both address sizes; at
 * the same sites plain memory now and then, places that only the hub can take, and limits.  The x87's
 * registers are the guest's meanwhile. */
#include "tests/guest/guest.h"

#define ROUNDS 40
#define SLOW 0xFF8 /* the hub's */

    .text
    .code16
    .globl _start
_start:
    cli
    mov eax, cr0
    or al, 0x20
    mov cr0, eax
    mov word ptr [13 * 4], offset on_13
    mov word ptr [13 * 4 + 2], 0
    fninit
    fldpi
    mov cx, ROUNDS
again:
    push cx
    mov ax, RIG_PLANES >> 4
    mov bx, 0x100
    call with
    mov ax, 0x2000
    mov bx, 0x140
    call with
    mov ax, RIG_PLANES >> 4
    mov bx, SLOW
    call with
    call limits
    pop cx
    dec cx
    jnz again
    fldpi
    fcomip st, st(1)
    CHECK(e)
    fstp st(0)
    END

on_13:
    push bp
    mov bp, sp
    mov ax, ss:[resume]
    mov [bp + 2], ax
    pop bp
    mov byte ptr ss:[faulted], 1
    iretw
resume: .word 0
faulted: .byte 0

/* Everything at AX:BX. */
with:
    mov ds, ax
    mov es, ax
    mov word ptr ss:[segment], ax
    mov word ptr ss:[place], bx
    call moves
    call exchanges
    call wide
    call strings
    xor ax, ax
    mov ds, ax
    ret
segment: .word 0
place: .word 0

moves:
    mov si, 1
    mov bp, 2
    mov dword ptr [bx], 0x44332211
    CHECK_EQ(dword ptr [bx], 0x44332211)
    mov eax, 0xA5A5A5A5
    mov al, [bx]
    CHECK_EQ(eax, 0xA5A5A511)
    mov ah, [bx + si]
    CHECK_EQ(eax, 0xA5A52211)
    mov ax, [bx + si + 1]
    CHECK_EQ(eax, 0xA5A54433)
    mov eax, ds:[bx]
    CHECK_EQ(eax, 0x44332211)
    mov di, bx
    mov dl, 0x77
    mov [di + 3], dl
    mov dh, 0x88
    mov ds:[bp + di], dh
    mov cx, 0x5566
    mov [bx], cx
    mov eax, [bx]
    CHECK_EQ(eax, 0x77885566)
    mov byte ptr [bx + si], 0x99
    mov word ptr [di + 2], 0xEEDD
    mov eax, [bx]
    CHECK_EQ(eax, 0xEEDD9966)
    sub bp, 2
    mov edx, 0x12345678
    mov ds:[bp + di], edx
    mov eax, [di]
    CHECK_EQ(eax, 0x12345678)
    /* absolute addresses */
    mov ax, 0x4321
    mov ds:[0x180], ax
    mov ds:[0x183], al
    xor eax, eax
    mov al, ds:[0x181]
    CHECK_EQ(eax, 0x43)
    mov ax, ds:[0x180]
    CHECK_EQ(ax, 0x4321)
    mov eax, ds:[0x180]
    shr eax, 24
    CHECK_EQ(al, 0x21)
    ret

exchanges:
    mov dword ptr [bx], 0x04030201
    mov eax, 0xDDCCBBAA
    xchg [bx], al
    CHECK_EQ(eax, 0xDDCCBB01)
    xchg ah, [bx + 1]
    CHECK_EQ(eax, 0xDDCC0201)
    xchg [bx + 2], ax
    CHECK_EQ(eax, 0xDDCC0403)
    xchg [bx], eax
    CHECK_EQ(eax, 0x0201BBAA)
    CHECK_EQ(dword ptr [bx], 0xDDCC0403)
    ret

wide:
    movzx ebx, bx
    mov ecx, 2
    mov dword ptr [ebx], 0
    mov byte ptr [ebx + ecx], 0x55
    mov eax, [ebx + ecx * 2 - 4]
    CHECK_EQ(eax, 0x00550000)
    mov ax, 0x1122
    mov [ebx + ecx * 1], ax
    mov edx, ebx
    mov eax, [edx]
    CHECK_EQ(eax, 0x11220000)
    ret

strings:
    mov di, bx
    mov eax, 0x0D0C0B0A
    cld
    stosb
    stosw
    mov dword ptr [bx + 3], 0
    stosb
    CHECK_EQ(dword ptr [bx], 0x0A0B0A0A)
    lea ax, [bx + 4]
    CHECK_EQ(di, ax)
    mov si, bx
    xor eax, eax
    lodsb
    CHECK_EQ(eax, 0x0A)
    lodsw
    CHECK_EQ(eax, 0x0B0A)
    dec si
    dec si
    dec si
    lodsd
    CHECK_EQ(eax, 0x0A0B0A0A)
    CHECK_EQ(si, di)
    /* downwards, and from here to there */
    std
    mov di, bx
    mov eax, 0x01020304
    stosd
    lea ax, [bx - 4]
    CHECK_EQ(di, ax)
    mov si, bx
    mov di, bx
    add di, 4
    movsw
    movsb
    lea ax, [bx + 1]
    CHECK_EQ(di, ax)
    lea ax, [bx - 3]
    CHECK_EQ(si, ax)
    CHECK_EQ(word ptr [bx + 4], 0x0304)
    cld
    /* memory to the device and back */
    xor ax, ax
    mov ds, ax
    mov si, offset text
    mov di, bx
    movsb
    movsd
    mov ax, ss:[segment]
    mov ds, ax
    xor ax, ax
    mov es, ax
    mov si, bx
    mov di, offset copy
    movsd
    movsb
    mov es, ss:[segment]
    mov eax, ss:[text]
    CHECK_EQ(eax, ss:[copy])
    mov al, ss:[text + 4]
    CHECK_EQ(al, ss:[copy + 4])
    ret
text: .ascii "moves"
copy: .fill 8

/* Sites that the device has made slow still fault beyond the limit, and change nothing. */
limits:
    mov ax, RIG_PLANES >> 4
    mov ds, ax
    mov es, ax
    mov di, 0x120
    call store
    CHECK_EQ(byte ptr ss:[faulted], 0)
    CHECK_EQ(di, 0x122)
    CHECK_EQ(word ptr [0x120], 0xBEEF)
    mov di, 0xFFFF
    call store
    CHECK_EQ(byte ptr ss:[faulted], 1)
    CHECK_EQ(di, 0xFFFF)
    xor ax, ax
    mov ds, ax
    ret
store:
    mov byte ptr ss:[faulted], 0
    mov word ptr ss:[resume], offset 1f
    mov ax, 0xBEEF
    stosw
1:  ret
