/* The A20 gate: with it off, bit 20 of every physical address is zero, for data, code and page
 * tables, with paging and without.  (Port 92h and the keyboard controller, which work it on a PC,
 * are in tests/devices.) */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define GATE20(state) mov al, state; out RIG_PORT_A20, al

    .set spot_low, 0x20000
    .set spot_high, 0x120000

main:
    mov ebp, 3
again:
    call unpaged
    call real
    call code
    dec ebp
    jnz again
    call paging_on
    mov ebp, 3
1:  call paged
    dec ebp
    jnz 1b
    END

unpaged:
    GATE20(1)
    in al, RIG_PORT_A20
    CHECK_EQ(al, 1)
    mov dword ptr [spot_low], 0x11111111
    mov dword ptr [spot_high], 0x22222222
    CHECK_EQ(dword ptr [spot_low], 0x11111111)
    GATE20(0)
    CHECK_EQ(dword ptr [spot_high], 0x11111111)
    mov dword ptr [spot_high], 0x33333333
    CHECK_EQ(dword ptr [spot_low], 0x33333333)
    CHECK_EQ(dword ptr [spot_high + 0x200000], 0) /* bit 21 counts */
    mov esi, spot_high
    mov edi, spot_low + 0x100
    mov ecx, 4
    rep movsd
    CHECK_EQ(dword ptr [spot_low + 0x100], 0x33333333)
    inc dword ptr [spot_high + 0x100]
    CHECK_EQ(dword ptr [spot_low + 0x100], 0x33333334)
    /* across the border: the upper part wraps to 0 */
    mov dword ptr [0], 0x44444444
    mov dword ptr [0xFFFFE], 0x55556666
    CHECK_EQ(dword ptr [0], 0x44445555)
    CHECK_EQ(dword ptr [0xFFFFE], 0x55556666)
    GATE20(1)
    CHECK_EQ(dword ptr [spot_high], 0x22222222)
    CHECK_EQ(dword ptr [spot_low], 0x33333333)
    ret

/* FFFF:0010 is 1 MiB, or 0. */
real:
    mov dword ptr [0x100], 0xAAAAAAAA
    mov dword ptr [0x100100], 0xBBBBBBBB
    mov [saved_esp], esp
    .byte 0xEA
    .long in_16
    .word CODE16
    .code16
in_16:
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA
    .word in_real, 0
in_real:
    mov ax, 0xFFFF
    mov fs, ax
    xor ax, ax
    mov ss, ax
    mov ds, ax
    GATE20(1)
    mov ebx, fs:[0x110]
    GATE20(0)
    mov ecx, fs:[0x110]
    mov dword ptr fs:[0x114], 0xCCCCCCCC
    mov edx, [0x104]
    GATE20(1)
    mov edi, fs:[0x114]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA
    .long back_32
    .word CODE0
    .code32
back_32:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov esp, [saved_esp]
    CHECK_EQ(ebx, 0xBBBBBBBB)
    CHECK_EQ(ecx, 0xAAAAAAAA)
    CHECK_EQ(edx, 0xCCCCCCCC)
    CHECK_NE(edi, 0xCCCCCCCC)
    ret
saved_esp: .long 0

/* The same address, other code: the gate goes between calls. */
code:
    mov dword ptr [spot_low], 0x000001B8 /* MOV EAX, 1; RET */
    mov word ptr [spot_low + 4], 0xC300
    mov dword ptr [spot_high], 0x000002B8
    mov word ptr [spot_high + 4], 0xC300
    mov ecx, 3
1:  mov edx, spot_high
    GATE20(1)
    call edx
    CHECK_EQ(eax, 2)
    GATE20(0)
    call edx
    CHECK_EQ(eax, 1)
    mov byte ptr [spot_high + 1], 7 /* changes the code at LOW */
    call edx
    CHECK_EQ(eax, 7)
    mov byte ptr [spot_low + 1], 1
    dec ecx
    jnz 1b
    GATE20(1)
    ret

/* Tables at 100000h are somewhere else with the gate off: copies stand there. */
paged:
    mov dword ptr [spot_low], 0x11111111
    mov dword ptr [spot_high], 0x22222222
    mov dword ptr [0x0], 0x1000 + P + W + U /* directory at 0, table at 1000h */
    mov esi, PAGE_TABLE
    mov edi, 0x1000
    mov ecx, 0x400
    rep movsd
    mov eax, cr3
    GATE20(0)
    mov eax, cr3
    mov cr3, eax
    CHECK_EQ(dword ptr [spot_high], 0x11111111)
    mov dword ptr [spot_high + 4], 0x77777777
    CHECK_EQ(dword ptr [spot_low + 4], 0x77777777)
    /* another mapping there than here */
    mov dword ptr [0x1000 + (0x300000 >> 12) * 4], spot_high + 0x1000 + P + W
    invlpg [0x300000]
    mov dword ptr [spot_low + 0x1000], 0x88888888
    CHECK_EQ(dword ptr [0x300000], 0x88888888)
    GATE20(1)
    mov eax, cr3
    mov cr3, eax
    CHECK_EQ(dword ptr [spot_high], 0x22222222)
    CHECK_NE(dword ptr [0x300000], 0x88888888)
    ret
