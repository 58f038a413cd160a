/* Self-modifying code is exact: a store takes effect at the next instruction, whoever stores and
 * however.  SDM vol. 3A 8.1.3 asks for a jump first; processors since the P6 need none. */
#include "tests/guest/protected.h"

#define ROUNDS 4

main:
    mov eax, cr4
    or eax, 0x600 /* OSFXSR, OSXMMEXCPT */
    mov cr4, eax
    mov ebp, ROUNDS
round:
    call next_instruction
    call earlier_in_block
    call other_block
    call chained_blocks
    call page_border
    call by_dma
    call by_stack
    call by_string
    call by_many
    call by_fxsave
    call by_interrupt
    call mixed_page
    dec ebp
    jnz round
    call over_itself
    call from_ring0
    call through_alias
    END

/* The next instruction, and one further on in the same block. */
next_instruction:
    mov byte ptr [next_1 + 1], 0x22
next_1:
    mov al, 0x11
    CHECK_EQ(al, 0x22)
    mov byte ptr [next_1 + 1], 0x11
    mov ecx, 0x33
    mov byte ptr [next_2 + 1], cl
    nop
    lea edx, [ecx + 1]
next_2:
    mov al, 0x11
    CHECK_EQ(al, 0x33)
    mov byte ptr [next_2 + 1], 0x11
    /* another opcode: INC becomes DEC */
    mov eax, 5
    mov byte ptr [next_3], 0x48
next_3:
    inc eax
    CHECK_EQ(eax, 4)
    mov byte ptr [next_3], 0x40
    ret

/* A block rewrites its own beginning and loops to it. */
earlier_in_block:
    xor edx, edx
    mov ecx, 10
earlier_1:
    add edx, 0x10
    mov [earlier_1 + 2], cl
    dec ecx
    jnz earlier_1
    CHECK_EQ(edx, 0x10 + 10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2)
    mov byte ptr [earlier_1 + 2], 0x10
    ret

other_block:
    mov dword ptr [target + 1], 0x100
    call target
    CHECK_EQ(eax, 0x100)
    mov dword ptr [target + 1], 0x101
    call target
    CHECK_EQ(eax, 0x101)
    mov ecx, offset target
    mov dword ptr [ecx + 1], 0x102
    call ecx
    CHECK_EQ(eax, 0x102)
    ret

/* Three blocks that jump to each other; the middle one changes while they are linked. */
chained_blocks:
    xor edx, edx
    xor ecx, ecx
chain_1:
    inc ecx
    jmp chain_2
    ud2
chain_2:
    add edx, 1
    jmp chain_3
    ud2
chain_3:
    cmp ecx, 50
    jne chain_4
    mov byte ptr [chain_2 + 2], 100
chain_4:
    cmp ecx, 60
    jne chain_1
    CHECK_EQ(edx, 50 + 10 * 100)
    mov byte ptr [chain_2 + 2], 1
    ret

page_border:
    mov dword ptr [border + 1], 0x01020304
    call border
    CHECK_EQ(eax, 0x01020304)
    mov byte ptr [border + 1], 0x14 /* the first page */
    call border
    CHECK_EQ(eax, 0x01020314)
    mov byte ptr [border + 4], 0x11 /* the second page */
    call border
    CHECK_EQ(eax, 0x11020314)
    mov word ptr [border + 2], 0x2223 /* both, with one store */
    call border
    CHECK_EQ(eax, 0x11222314)
    ret

by_dma:
    mov eax, offset target + 1
    out RIG_PORT_DMA, eax
    mov eax, 0x200
    out RIG_PORT_DATA, eax
    call target
    CHECK_EQ(eax, 0x200)
    mov eax, offset dma_1 + 1
    out RIG_PORT_DMA, eax
    mov eax, 0x44
    out RIG_PORT_DATA, al
dma_1:
    mov al, 0x11
    CHECK_EQ(al, 0x44)
    mov byte ptr [dma_1 + 1], 0x11
    ret

/* PUSH, CALL, PUSHA and ENTER with the stack in the code. */
by_stack:
    mov ebx, esp
    mov esp, offset target + 5
    push 0x300
    mov esp, ebx
    call target
    CHECK_EQ(eax, 0x300)
    mov esp, offset stack_1 + 5
    push 0x301
stack_1:
    mov eax, 0
    mov esp, ebx
    CHECK_EQ(eax, 0x301)
    mov dword ptr [stack_1 + 1], 0
    mov esp, offset stack_2 + 5
    call stack_2 /* the return address becomes the operand */
stack_back:
    FAIL
stack_2:
    mov eax, 0
    mov esp, ebx
    CHECK_EQ(eax, offset stack_back)
    mov dword ptr [stack_2 + 1], 0
    mov esp, offset target + 5 + 28 /* EAX comes first */
    mov eax, 0x302
    pushad
    pop dword ptr [patch] /* EDI: away with it */
    mov esp, ebx
    /* the seven others went over what lies behind: put them back */
    mov edx, [target + 29]
    CHECK_EQ(edx, 0x302)
    call restore_target
    ret

by_string:
    mov edi, offset target + 1
    mov eax, 0x400
    stosd
    call target
    CHECK_EQ(eax, 0x400)
    mov dword ptr [patch], 0x401
    mov esi, offset patch
    mov edi, offset target + 1
    movsd
    call target
    CHECK_EQ(eax, 0x401)
    mov dword ptr [patch], 0x402
    mov esi, offset patch
    mov edi, offset target + 1
    mov ecx, 4
    rep movsb
    call target
    CHECK_EQ(eax, 0x402)
    /* REP STOSB over the instruction behind it */
    mov edi, offset string_1 + 1
    mov ecx, 4
    mov al, 0x43
    rep stosb
string_1:
    mov eax, 0
    CHECK_EQ(eax, 0x43434343)
    mov dword ptr [string_1 + 1], 0
    ret

/* Every kind of store. */
#define PATCHED(value) call target; CHECK_EQ(eax, value)
by_many:
    mov edx, 0x500
    xchg [target + 1], edx
    PATCHED(0x500)
    add dword ptr [target + 1], 1
    PATCHED(0x501)
    inc dword ptr [target + 1]
    PATCHED(0x502)
    lock dec dword ptr [target + 1]
    PATCHED(0x501)
    bts dword ptr [target + 1], 4
    PATCHED(0x511)
    mov ecx, 4
    btr dword ptr [target + 1], ecx
    PATCHED(0x501)
    shl dword ptr [target + 1], 4
    PATCHED(0x5010)
    not dword ptr [target + 1]
    PATCHED(~0x5010)
    neg dword ptr [target + 1]
    PATCHED(0x5011)
    mov edx, 1
    xadd [target + 1], edx
    CHECK_EQ(edx, 0x5011)
    PATCHED(0x5012)
    mov eax, 0x5012
    mov edx, 0x600
    cmpxchg [target + 1], edx
    CHECK(e)
    PATCHED(0x600)
    cmp eax, eax
    sete byte ptr [target + 1]
    PATCHED(0x601)
    mov word ptr [target + 2], 0
    PATCHED(0x001)
    mov eax, 0x602
    movd xmm0, eax
    movd dword ptr [target + 1], xmm0
    PATCHED(0x602)
    mov eax, 0x603
    movd mm0, eax
    movd dword ptr [target + 1], mm0
    emms
    PATCHED(0x603)
    mov dword ptr [patch], 0x604
    fild dword ptr [patch]
    fistp dword ptr [target + 1]
    PATCHED(0x604)
    mov eax, 0x605
    movnti [target + 1], eax
    PATCHED(0x605)
    push 0x606
    pop dword ptr [target + 1]
    PATCHED(0x606)
    /* eight bytes: operand, RET and what follows */
    mov eax, [target + 1]
    mov edx, [target + 5]
    mov ebx, 0x607
    mov ecx, edx
    cmpxchg8b [target + 1]
    CHECK(e)
    PATCHED(0x607)
    movups xmm1, [target_image]
    movups [target], xmm1
    PATCHED(0x11111111)
    shld dword ptr [target + 1], edx, 4
    shr dword ptr [target + 1], 4
    PATCHED(0x01111111)
    sgdt [target + 1] /* limit, base */
    mov byte ptr [target + 5], 0xC3
    mov ecx, offset gdt
    shl ecx, 16
    or ecx, 0xFF
    PATCHED(ecx)
    call restore_target
    ret

/* XMM0 holds sixteen bytes of code; FXSAVE puts them at its offset 160. */
by_fxsave:
    call fx_area + 160
    CHECK_EQ(eax, 1)
    movups xmm0, [fx_code]
    fxsave [fx_area]
    call fx_area + 160
    CHECK_EQ(eax, 2)
    mov dword ptr [fx_area + 161], 1
    ret

/* The frame that INT pushes lands in code. */
by_interrupt:
    GATE(0x41, on_int41, 0)
    mov ebx, esp
    mov esp, offset target + 5 + 8 /* EFLAGS, CS, EIP: EIP is the operand */
    int 0x41
by_interrupt_back:
    mov esp, ebx
    mov byte ptr [target + 5], 0xC3
    PATCHED(offset by_interrupt_back)
    call restore_target
    ret
on_int41:
    iretd

/* Data that changes all the time beside code that does not. */
mixed_page:
    xor edx, edx
    mov ecx, 20000
mixed_1:
    inc dword ptr [mixed_data]
    add edx, [mixed_data]
    dec ecx
    jnz mixed_1
    CHECK_EQ(dword ptr [mixed_data], 20000)
    CHECK_EQ(edx, 200010000)
    mov dword ptr [mixed_data], 0
    ret
mixed_data:
    .long 0

/* REP STOSB over itself: a processor goes on until something interrupts it, and then finds the
 * new bytes.  Both are right; what was stored must fit ECX. */
over_itself:
    mov edi, offset over_1
    mov ecx, 16
    mov al, 0x90
over_1:
    rep stosb
    .fill 30, 1, 0x90
    mov edx, offset over_1 + 16
    sub edx, ecx
    CHECK_EQ(edi, edx)
    CHECK_NE(ecx, 16)
    CHECK_EQ(byte ptr [over_1], 0x90)
    ret

/* Ring 3 runs code that ring 0 changes. */
from_ring0:
    call restore_target
    TO_RING3
    call target
    CHECK_EQ(eax, 0x11111111)
    mov ecx, 0x700
from_1:
    TO_RING0
    mov [target + 1], ecx
    TO_RING3
    call target
    CHECK_EQ(eax, ecx)
    inc ecx
    cmp ecx, 0x708
    jne from_1
    mov dword ptr [target + 1], 0x710 /* and ring 3 itself */
    call target
    CHECK_EQ(eax, 0x710)
    TO_RING0
    call target
    CHECK_EQ(eax, 0x710)
    ret

/* 300000h + x is x. */
through_alias:
    call restore_target
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
    mov ecx, 0x800
alias_1:
    call target
    mov [target + 1 + 0x300000], ecx
    call target
    CHECK_EQ(eax, ecx)
    mov edx, offset target + 0x300000
    call edx
    CHECK_EQ(eax, ecx)
    inc ecx
    mov [target + 1], ecx
    call edx
    CHECK_EQ(eax, ecx)
    mov byte ptr [alias_2 + 1 + 0x300000], cl
alias_2:
    mov al, 0
    CHECK_EQ(al, cl)
    inc ecx
    cmp ecx, 0x810
    jne alias_1
    ret

restore_target:
    push esi
    push edi
    push ecx
    mov esi, offset target_image
    mov edi, offset target
    mov ecx, offset target_end - target
    rep movsb
    pop ecx
    pop edi
    pop esi
    ret

patch:
    .long 0
target_image:
    mov eax, 0x11111111
    ret
    .fill 34, 1, 0x90

    .balign 64
target:
    mov eax, 0x11111111
    ret
    .fill 34, 1, 0x90
target_end:

    .balign 16
fx_code:
    mov eax, 2
    ret
    .fill 10, 1, 0x90
fx_area:
    .fill 160, 1, 0
    mov eax, 1
    ret
    .fill 352 - 6, 1, 0x90

    .balign 4096
    .fill 4093, 1, 0x90
border:
    mov eax, 0
    ret
