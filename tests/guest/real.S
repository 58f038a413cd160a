/* Real mode through translated code: segments, limits, the IVT and its relocation, ways into
 * protected mode and back, unreal mode (SDM vol. 3A 9.8, 9.9, chapter 20). */
#include "tests/guest/guest.h"

#define VECTOR(n, handler) mov word ptr [(n) * 4], offset handler; mov word ptr [(n) * 4 + 2], 0
/* The instruction raises vector VEC at its own address. */
#define RAISES(vec, ...)                                                                           \
    mov word ptr ss:[resume], offset 98f;                                                          \
    mov word ptr ss:[wanted], offset 97f;                                                          \
    mov byte ptr ss:[vector], 0xFF;                                                                \
97: __VA_ARGS__;                                                                                   \
    FAIL;                                                                                          \
98: cmp byte ptr ss:[vector], vec;                                                                 \
    check_cc __LINE__, e

    .text
    .code16
    .globl _start
_start:
    cli
    mov eax, cr0
    or al, 0x20
    mov cr0, eax
    VECTOR(0, on_0)
    VECTOR(5, on_5)
    VECTOR(6, on_6)
    VECTOR(12, on_12)
    VECTOR(13, on_13)
    VECTOR(0x40, on_40)
    fninit
    mov cx, 3
again:
    push cx
    call limits
    call wraps
    call strings
    call strings_down
    call segment_loads
    call frames
    call other_segments
    call interrupts
    call relocated
    call by_two_names
    call calls
    call far_calls
    call far_stack
    call vectors_change
    call protected_16
    call protected_32
    call unreal
    pop cx
    loop again
    END

resume: .word 0
wanted: .word 0
vector: .byte 0
    .balign 4
count: .long 0

on_0: mov byte ptr ss:[vector], 0
    jmp on_exception
on_5: mov byte ptr ss:[vector], 5
    jmp on_exception
on_6: mov byte ptr ss:[vector], 6
    jmp on_exception
on_12: mov byte ptr ss:[vector], 12
    jmp on_exception
on_13: mov byte ptr ss:[vector], 13
on_exception:
    push bp
    push ax
    mov bp, sp
    mov ax, [bp + 4]
    cmp ax, ss:[wanted]
    CHECK(e)
    cmp word ptr [bp + 6], 0
    CHECK(e)
    mov ax, ss:[resume]
    mov [bp + 4], ax
    pop ax
    pop bp
    iretw

on_40:
    inc dword ptr cs:[count]
    iretw

limits:
    push ds
    mov ax, 0x2000
    mov ds, ax
    mov bx, 0xFFFF
    mov byte ptr [bx], 0x11
    RAISES(13, mov ax, [bx])
    RAISES(13, mov [bx], ax)
    RAISES(13, mov eax, [bx - 2])
    RAISES(13, add word ptr [bx], 1)
    RAISES(13, fld dword ptr [bx - 2])
    mov ebx, 0x10000
    RAISES(13, mov al, [ebx])
    RAISES(13, mov al, [ebx * 2 + 0x12345])
    mov bp, 0xFFFF
    RAISES(12, mov ax, [bp])
    mov si, 0xFFFF
    RAISES(13, lodsw)
    CHECK_EQ(si, 0xFFFF)
    pop ds
    ret

wraps:
    push ds
    mov ax, 0x2000
    mov ds, ax
    /* addresses of 16 bits wrap in the segment */
    mov bx, 0xFFF0
    mov si, 0x20
    mov byte ptr [bx + si], 0x77
    CHECK_EQ(byte ptr [0x10], 0x77)
    mov byte ptr [bx + si - 1], 0x76
    CHECK_EQ(byte ptr [0x0F], 0x76)
    /* SP wraps below zero */
    mov ax, 0x3000
    mov cx, ss
    mov dx, sp
    mov ss, ax
    xor sp, sp
    push 0x1357
    CHECK_EQ(sp, 0xFFFE)
    pop ax
    CHECK_EQ(sp, 0)
    mov ss, cx
    mov sp, dx
    CHECK_EQ(ax, 0x1357)
    /* strings wrap their index */
    mov ax, 0x2000
    mov es, ax
    mov di, 0xFFFE
    mov cx, 4
    mov al, 0x5A
    rep stosb
    CHECK_EQ(di, 2)
    CHECK_EQ(byte ptr [0xFFFE], 0x5A)
    CHECK_EQ(byte ptr [1], 0x5A)
    xor ax, ax
    mov es, ax
    pop ds
    ret

/* String instructions one by one: pointers, flags, wrapping, limits. */
strings:
    push ds
    mov ax, 0x2000
    mov ds, ax
    mov ax, 0x2800
    mov es, ax
    mov dword ptr [0x100], 0x44332211
    mov dword ptr [0x104], 0x88776655
    mov dword ptr es:[0x100], 0x44332211
    mov dword ptr es:[0x104], 0x88776655
    cld
    mov esi, 0xABCD0100
    mov edi, 0x43210200
    mov eax, 0x99999999
    stc
    lodsb
    CHECK(c)
    stosb
    CHECK(c)
    CHECK_EQ(eax, 0x99999911)
    CHECK_EQ(esi, 0xABCD0101)
    CHECK_EQ(edi, 0x43210201)
    lodsw
    stosw
    CHECK_EQ(eax, 0x99993322)
    lodsd
    stosd
    CHECK_EQ(eax, 0x77665544)
    CHECK_EQ(si, 0x107)
    CHECK_EQ(dword ptr es:[0x200], 0x44332211)
    CHECK_EQ(dword ptr es:[0x203], 0x77665544)
    mov si, 0x100
    mov di, 0x300
    movsb
    movsw
    movsd
    CHECK_EQ(si, 0x107)
    CHECK_EQ(di, 0x307)
    CHECK_EQ(dword ptr es:[0x300], 0x44332211)
    CHECK_EQ(dword ptr es:[0x303], 0x77665544)
    mov si, 0x100
    mov di, 0x101
    cmpsb           /* 11h - 22h */
    CHECK(b)
    cmpsw           /* 3322h - 4433h */
    CHECK(b)
    mov di, 0x103
    cmpsd
    CHECK(e)
    CHECK_EQ(si, 0x107)
    CHECK_EQ(di, 0x107)
    mov di, 0x100
    mov eax, 0x3311
    scasb
    CHECK(e)
    scasw           /* 3311h - 3322h */
    CHECK(b)
    mov eax, 0x77665544
    scasd
    CHECK(e)
    CHECK_EQ(di, 0x107)
    mov si, 0x100
    lods byte ptr es:[si]
    CHECK_EQ(al, 0x11)
    mov esi, 0x101
    addr32 lodsb
    CHECK_EQ(al, 0x22)
    CHECK_EQ(esi, 0x102)
    mov esi, 0x1234FFFF
    lodsb
    CHECK_EQ(esi, 0x12340000)
    mov si, 0xFFFF
    mov di, 0x100
    RAISES(13, movsw)
    CHECK_EQ(si, 0xFFFF)
    CHECK_EQ(di, 0x100)
    mov si, 0x100
    mov di, 0xFFFF
    RAISES(13, movsw)
    RAISES(13, stosw)
    RAISES(13, scasw)
    RAISES(13, cmpsw)
    CHECK_EQ(si, 0x100)
    CHECK_EQ(di, 0xFFFF)
    stosb
    CHECK_EQ(di, 0)
    xor ax, ax
    mov es, ax
    pop ds
    ret

/* The same downwards, DF set by STD and by POPF. */
strings_down:
    push ds
    mov ax, 0x2000
    mov ds, ax
    mov ax, 0x2800
    mov es, ax
    std
    mov si, 0x104
    mov di, 0x404
    lodsd
    stosd
    CHECK_EQ(eax, 0x88776655)
    movsw           /* 2211h, from 100h to 400h */
    CHECK_EQ(si, 0xFE)
    CHECK_EQ(di, 0x3FE)
    CHECK_EQ(word ptr es:[0x400], 0x2211)
    push 0x0002     /* CLD by POPF */
    popf
    mov si, 0x100
    lodsb
    CHECK_EQ(si, 0x101)
    push 0x0402     /* STD */
    popf
    lodsb
    CHECK_EQ(si, 0x100)
    CHECK_EQ(al, 0x22)
    int 0x40        /* DF comes back with IRET */
    mov si, 0
    mov di, 0
    movsb
    CHECK_EQ(si, 0xFFFF)
    CHECK_EQ(di, 0xFFFF)
    RAISES(13, movsw)
    CHECK_EQ(si, 0xFFFF)
    cld
    mov dword ptr cs:[count], 0
    xor ax, ax
    mov es, ax
    pop ds
    ret

/* Segment registers loaded from registers, memory, the stack, far pointers; flags and the rest of
 * registers stay. */
segment_loads:
    push ds
    push es
    mov ax, 0x2000
    mov ds, ax
    mov dword ptr [0x10], 0x28001234
    mov dword ptr [0x14], 0x00002A00
    mov cx, 0x2800
    stc
    mov es, cx
    CHECK(c)
    mov dword ptr es:[0x1234], 0xCAFE0001
    xor cx, cx
    mov es, cx
    mov edi, 0xFFFF0000
    stc
    les di, [0x10]
    CHECK(c)
    CHECK_EQ(edi, 0xFFFF1234)
    CHECK_EQ(dword ptr es:[di], 0xCAFE0001)
    mov ax, es
    CHECK_EQ(ax, 0x2800)
    mov fs, [0x14]
    mov word ptr fs:[2], 0x4321
    push fs
    pop gs
    CHECK_EQ(word ptr gs:[2], 0x4321)
    pushd 0xABCD2800
    popd es
    CHECK_EQ(dword ptr es:[0x1234], 0xCAFE0001)
    mov word ptr [0x0E], 0
    lgs ebx, [0x0E]
    CHECK_EQ(ebx, 0x12340000)
    mov bx, 0xFFFD
    mov si, 0x77
    mov ax, es
    RAISES(13, lds si, [bx])
    CHECK_EQ(si, 0x77)
    mov bx, 0xFFFF
    RAISES(13, mov es, [bx])
    mov cx, es
    CHECK_EQ(cx, 0x2800)
    mov bp, sp
    mov sp, 0xFFFF
    RAISES(12, pop es)
    mov sp, bp
    mov cx, es
    CHECK_EQ(cx, 0x2800)
    lds si, [0x10]
    CHECK_EQ(dword ptr [si], 0xCAFE0001)
    xor ax, ax
    mov fs, ax
    mov gs, ax
    pop es
    pop ds
    ret

/* LEAVE: SP and BP of 16 bits. */
frames:
    mov edx, ebp
    mov ebp, 0x55550000
    mov bp, sp
    push 0x4444
    push 0x3333
    mov ecx, esp
    lea bp, [bp - 2]
    leave
    CHECK_EQ(ebp, 0x55554444)
    push 0x5656
    mov bp, sp
    push 1
    push 2
    leavew
    CHECK_EQ(ebp, 0x55555656)
    mov bp, 0xFFFF
    mov cx, sp
    RAISES(12, leave)
    CHECK_EQ(cx, sp)
    CHECK_EQ(bp, 0xFFFF)
    mov ebp, edx
    ret

other_segments:
    push ds
    mov ax, 0x1800
    mov fs, ax
    mov ax, 0xFFFF /* up to 10FFEFh: the high memory area */
    mov gs, ax
    mov word ptr fs:[0x8000], 0x2468
    mov ax, 0x2000
    mov ds, ax
    CHECK_EQ(word ptr [0], 0x2468)
    mov dword ptr gs:[0x10], 0xA5A5A5A5
    CHECK_EQ(word ptr gs:[0x12], 0xA5A5)
    lds si, cs:[pointer]
    CHECK_EQ(si, 0x1111)
    mov ax, ds
    CHECK_EQ(ax, 0x2222)
    les di, cs:[pointer]
    mov ax, es
    CHECK_EQ(ax, 0x2222)
    xor ax, ax
    mov es, ax
    mov gs, ax
    mov fs, ax
    pop ds
    ret
pointer: .word 0x1111, 0x2222

interrupts:
    mov dword ptr [count], 0
    int 0x40
    CHECK_EQ(dword ptr [count], 1)
    sti
    mov al, 0x40
    out RIG_PORT_INTR, al
    nop
    cli
    CHECK_EQ(dword ptr [count], 2)
    mov al, 0x40
    out RIG_PORT_WAKE, al
    sti
    hlt
    cli
    CHECK_EQ(dword ptr [count], 3)
    xor cx, cx
    RAISES(0, div cx)
    mov cx, 7
    mov word ptr [0x600], 0
    mov word ptr [0x602], 5
    RAISES(5, bound cx, [0x600])
    RAISES(6, ud2)
    RAISES(6, lar ax, ax)
    RAISES(6, sldt ax)
    RAISES(6, arpl ax, ax)
    /* a limit of LIDT that leaves the vector out */
    lidt [short_idt]
    RAISES(13, int 0x40)
    lidt [long_idt]
    int 0x40
    CHECK_EQ(dword ptr [count], 4)
    ret
    .balign 2
short_idt: .word 0x40 * 4 + 2
    .long 0
long_idt: .word 0x3FF
    .long 0

/* The IVT elsewhere. */
relocated:
    mov dword ptr [count], 0
    mov ax, 0x2800
    mov es, ax
    xor si, si
    xor di, di
    mov cx, 0x200
    rep movsw
    xor ax, ax
    mov es, ax
    mov word ptr [0x40 * 4], offset wrong
    lidt [moved_idt]
    int 0x40
    mov al, 0x40
    sti
    nop
    out RIG_PORT_INTR, al
    nop
    cli
    lidt [long_idt]
    CHECK_EQ(dword ptr [count], 2)
    VECTOR(0x40, on_40)
    ret
wrong:
    FAIL
moved_idt: .word 0x3FF
    .long 0x28000

/* One piece of code under two values of CS, and changed under both. */
by_two_names:
    mov byte ptr [named + 1], 0x41
    mov byte ptr [named + 1], 0x42
    .byte 0x9A
    .word named, 0
    CHECK_EQ(al, 0x42)
    .byte 0x9A
    .word named - 0x2000, 0x200
    CHECK_EQ(al, 0x42)
    mov byte ptr [named + 1], 0x43
    .byte 0x9A
    .word named - 0x2000, 0x200
    CHECK_EQ(al, 0x43)
    .byte 0x9A
    .word named, 0
    CHECK_EQ(al, 0x43)
    mov byte ptr [named + 1], 0x41
    ret
named:
    mov al, 0x41
    retf

calls:
    mov bx, offset 1f
    call bx
    jmp 2f
1:  ret
2:  mov word ptr [0x600], offset 1b
    call word ptr [0x600]
    push dword ptr offset 3f
    .byte 0x66
    ret /* 32-bit operand size */
3:  mov eax, 0x10000 + offset 1b
    RAISES(13, jmp eax) /* beyond the limit */
    push bp
    mov bp, 0x1234
    enter 8, 2
    leave
    CHECK_EQ(bp, 0x1234)
    pop bp
    pusha
    popa
    mov cx, 5
    xor ax, ax
4:  inc ax
    loop 4b
    CHECK_EQ(ax, 5)
    mov ecx, 0x10005 /* LOOP counts CX */
5:  inc ax
    loop 5b
    CHECK_EQ(ax, 10)
    CHECK_EQ(ecx, 0x10000)
    mov ecx, 3
6:  inc ax
    .byte 0x67 /* and ECX with the prefix */
    loop 6b
    CHECK_EQ(ax, 13)
    ret

/* Far calls, jumps and returns by every form, under two values of CS. */
far_calls:
    mov bp, sp
    mov si, 20
    xor ax, ax
1:  .byte 0x9A
    .word far_one - 0x1000, 0x100
    mov bx, 0x620 /* by a pointer, which is another one in each second round */
    mov word ptr [bx], offset far_one
    mov word ptr [bx + 2], 0
    test si, 1
    jz 2f
    mov word ptr [bx], offset far_two - 0x2000
    mov word ptr [bx + 2], 0x200
2:  lcall [bx]
    push 0x5555
    push 0x6666
    .byte 0x9A
    .word far_release, 0
    mov word ptr [bx], offset 3f
    mov word ptr [bx + 2], 0
    ljmp [bx]
    FAIL
3:  mov dx, cs
    CHECK_EQ(dx, 0)
    .byte 0xEA
    .word 4f - 0x1000, 0x100
    FAIL
4:  mov dx, cs
    CHECK_EQ(dx, 0x100)
    .byte 0xEA
    .word 5f, 0
5:  dec si
    jnz 1b
    CHECK_EQ(ax, 20 + 10 + 10 * 16 + 20 * 256)
    CHECK_EQ(sp, bp)
    ret
far_one:
    inc ax
    mov dx, cs
    retf
far_two:
    add ax, 16
    retf
far_release: /* its arguments come after CS and IP */
    enter 6, 0
    mov word ptr [bp - 6], 0x1111
    CHECK_EQ(word ptr [bp + 6], 0x6666)
    CHECK_EQ(word ptr [bp + 8], 0x5555)
    add ax, 256
    leave
    retf 4

/* The stack's end is its beginning; its upper half of ESP is nobody's. */
far_stack:
    mov bp, sp
    mov cx, 6
1:  mov esp, 0x12340002
    .byte 0x9A
    .word 2f, 0
    CHECK_EQ(esp, 0x12340002)
    push bp
    .byte 0x9A
    .word 2f, 0
    CHECK_EQ(esp, 0x12340000)
    pop dx
    CHECK_EQ(dx, bp)
    movzx esp, bp
    loop 1b
    VECTOR(0, on_0) /* it was under the stack */
    ret
2:  retf

/* INT through vectors that change, IRET with flags of the caller's. */
vectors_change:
    mov cx, 10
1:  VECTOR(0x41, 3f)
    test cx, 1
    jz 2f
    mov word ptr [0x41 * 4], offset 4f - 0x2000
    mov word ptr [0x41 * 4 + 2], 0x200
2:  xor ax, ax
    std
    stc
    int 0x41
    pushf
    cld
    pop dx
    and dx, 0x601 /* DF, IF, CF */
    CHECK_EQ(dx, 0x401)
    and ax, 0x2FF
    mov bx, cx
    and bx, 1
    inc bx
    CHECK_EQ(ax, bx)
    loop 1b
    ret
3:  mov dx, 1
    jmp 5f
4:  mov dx, 2
5:  pushf
    pop ax
    and ax, 0x200 /* IF is clear here */
    or ax, dx
    clc
    cld
    iret

/* 16-bit protected mode by LMSW, and back by MOV CR0. */
protected_16:
    lgdt [gdt_pointer]
    smsw ax
    or al, 1
    lmsw ax
    .byte 0xEA
    .word 1f, CODE16
1:  mov ax, DATA16
    mov ds, ax
    mov ss, ax
    mov word ptr [0x620], 0x1616
    smsw ax
    and al, 0xFE
    lmsw ax /* cannot clear PE */
    smsw ax
    test al, 1
    CHECK(nz)
    call 3f
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA
    .word 2f, 0
2:  xor ax, ax
    mov ds, ax
    mov ss, ax
    CHECK_EQ(word ptr [0x620], 0x1616)
    ret
3:  mov cx, ss
    CHECK_EQ(cx, DATA16)
    ret

protected_32:
    mov dword ptr [saved_esp], esp
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA
    .long in_32
    .word CODE0
    .code32
in_32:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x6800
    mov dword ptr [0x300000], 0x32323232
    call 1f
1:  pop eax
    CHECK_EQ(eax, offset 1b)
    .byte 0xEA
    .long in_16
    .word CODE16
    .code16
in_16:
    mov ax, DATA16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA
    .word 2f, 0
2:  xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, cs:[saved_esp]
    mov ebx, 0x300000
    RAISES(13, mov eax, [ebx]) /* the limits are those of real mode again */
    ret
saved_esp: .long 0

/* Real mode with a 4 GiB data segment. */
unreal:
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 1f
1:  mov bx, DATA0
    mov fs, bx
    and al, 0xFE
    mov cr0, eax
    jmp 2f
2:  mov ebx, 0x300000
    mov eax, fs:[ebx]
    CHECK_EQ(eax, 0x32323232)
    mov ebx, 0x300010
    mov dword ptr fs:[ebx], 0x66666666
    CHECK_EQ(dword ptr fs:[ebx], 0x66666666)
    xor ax, ax
    mov fs, ax /* a load in real mode keeps the limit */
    CHECK_EQ(dword ptr fs:[ebx], 0x66666666)
    mov ax, 0x1000
    mov fs, ax
    sub ebx, 0x10000
    CHECK_EQ(dword ptr fs:[ebx], 0x66666666)
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, DATA16
    mov fs, bx
    and al, 0xFE
    mov cr0, eax
    mov ebx, 0x300010
    RAISES(13, mov al, fs:[ebx])
    xor ax, ax
    mov fs, ax
    ret

    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0, 0, 0
    .quad 0x00009B000000FFFF
    .quad 0x000093000000FFFF
gdt_pointer:
    .word . - gdt - 1
    .long gdt
