/* Each way in which code is changed, again and again, when its translation has settled into the form
 * for such code: still exact.  smc_loop.S does one of them a million times. */
#include "tests/guest/protected.h"

#define TIMES 4000 /* of each */

main:
    mov eax, cr4
    or eax, 0x600 /* OSFXSR, OSXMMEXCPT */
    mov cr4, eax
    call next_instruction
    call opcodes
    call lengths
    call earlier
    call other_block
    call chained
    call page_border
    call pushes
    call calls
    call strings
    call dma
    call by_fxsave
    call data_beside
    call copied
    call rings
    call aliases
    END

/* TEXT is run TIMES times with EBP as it counts down; EDX sums EAX up to SUM. */
#define LOOP_BEGIN xor edx, edx; mov ebp, TIMES; 77:
#define LOOP_END(sum) add edx, eax; dec ebp; jnz 77b; CHECK_EQ(edx, (sum) & 0xFFFFFFFF)
#define COUNTED (TIMES * (TIMES + 1) / 2)

/* An immediate of the next instruction. */
next_instruction:
    LOOP_BEGIN
    mov [1f + 1], ebp
1:  mov eax, 0
    LOOP_END(COUNTED)
    ret

/* Its opcode: INC and DEC in turn. */
opcodes:
    LOOP_BEGIN
    mov eax, 5
    xor byte ptr [1f], 0x08
1:  inc eax
    LOOP_END(TIMES / 2 * 10)
    ret

/* What follows it: an instruction of five bytes, or five of one. */
lengths:
    LOOP_BEGIN
    mov eax, 5
    mov byte ptr [1f], 0xB8
    test ebp, 1
    jz 1f
    mov byte ptr [1f], 0x40
1:  mov eax, 0x40404040
    mov byte ptr [1b], 0xB8
    LOOP_END(TIMES / 2 * (10 + 0x40404040))
    ret

/* The block's own beginning. */
earlier:
    LOOP_BEGIN
    mov eax, 0x10
    xor byte ptr [77b + 1], 3
    LOOP_END(TIMES / 2 * 0x23)
    mov byte ptr [77b + 1], 0x10
    ret

other_block:
    LOOP_BEGIN
    mov [target + 1], ebp
    call target
    LOOP_END(COUNTED)
    ret

/* The middle one of three blocks that jump to each other. */
chained:
    LOOP_BEGIN
    mov eax, 1
    jmp 2f
    ud2
2:  add eax, 2
    jmp 3f
    ud2
3:  xor byte ptr [2b + 2], 1
    jmp 4f
    ud2
4:  LOOP_END(TIMES / 2 * 7)
    ret

page_border:
    LOOP_BEGIN
    mov [border + 1], ebp
    call border
    LOOP_END(COUNTED)
    ret

pushes:
    LOOP_BEGIN
    mov ebx, esp
    mov esp, offset target + 5
    push ebp
    mov esp, ebx
    call target
    LOOP_END(COUNTED)
    ret

/* The return address becomes the operand of what is called. */
calls:
    LOOP_BEGIN
    mov ebx, esp
    mov esp, offset 2f + 5
    call 2f
1:
2:  mov eax, 0
    mov esp, ebx
    sub eax, offset 1b - 3
    LOOP_END(TIMES * 3)
    ret

strings:
    LOOP_BEGIN
    mov eax, ebp
    mov edi, offset target + 1
    stosd
    mov [patch], eax
    mov esi, offset patch
    mov edi, offset target + 1
    mov ecx, 4
    rep movsb
    call target
    LOOP_END(COUNTED)
    ret

dma:
    LOOP_BEGIN
    mov eax, offset target + 1
    out RIG_PORT_DMA, eax
    mov eax, ebp
    out RIG_PORT_DATA, eax
    call target
    LOOP_END(COUNTED)
    ret

/* XMM0 is code at offset 160. */
by_fxsave:
    movups xmm0, [fx_code]
    LOOP_BEGIN
    movd xmm1, ebp
    pslldq xmm1, 1
    por xmm1, xmm0
    movaps xmm2, xmm0
    movaps xmm0, xmm1
    fxsave [fx_area]
    movaps xmm0, xmm2
    call fx_area + 160
    LOOP_END(COUNTED)
    ret

data_beside:
    mov dword ptr [beside], 0
    LOOP_BEGIN
    inc dword ptr [beside]
    mov eax, [beside]
    LOOP_END(COUNTED)
    ret
beside:
    .long 0

/* A routine is copied anew each time, as overlays and thunks are. */
copied:
    LOOP_BEGIN
    mov esi, offset thunks
    test ebp, 1
    jz 1f
    add esi, 8
1:  mov edi, offset target
    movsd
    movsd
    call target
    LOOP_END(TIMES / 2 * 0x303)
    ret

/* Ring 0 changes what ring 3 runs. */
rings:
    LOOP_BEGIN
    mov [target + 1], ebp
    TO_RING3
    call target
    TO_RING0
    LOOP_END(COUNTED)
    ret

/* 300000h + x is x. */
aliases:
    mov edi, 0x100000
    mov dword ptr [edi], 0x101007
    mov edi, 0x101000
    mov eax, 7
1:  stosd
    add eax, 0x1000
    cmp eax, 0x300007
    jne 1b
    mov eax, 7
2:  stosd
    add eax, 0x1000
    cmp eax, 0x100007
    jne 2b
    mov eax, 0x100000
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    LOOP_BEGIN
    mov [target + 1 + 0x300000], ebp
    call target
    LOOP_END(COUNTED)
    ret

patch:
    .long 0
thunks:
    mov eax, 0x101
    ret
    .byte 0, 0
    mov eax, 0x202
    ret
    .byte 0, 0

    .balign 64
target:
    mov eax, 0x11111111
    ret
    .fill 34, 1, 0x90

    .balign 16
fx_code:
    mov eax, 0
    ret
    .fill 10, 1, 0x90
fx_area:
    .fill 512, 1, 0x90

    .balign 4096
    .fill 4093, 1, 0x90
border:
    mov eax, 0
    ret
