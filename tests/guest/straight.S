/* Jumps between the pages of a program that runs long, which translated code does without asking
 * where they lead to: when that changes, they follow. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define DIR2 0x102000 /* another address space */
#define TAB2 0x103000
#define PAGE 0x1000
#define TEXT 0x8000
#define PAGE_A 0xB000
#define PAGE_B (PAGE_A + PAGE)
#define PAGE_C (PAGE_B + PAGE)
#define PLACES 0x300000 /* where the program's pages are mapped as well, 12 KiB apart */
#define UW (P + W + U)
#define TURNS 50 /* of the program's loop, in each of its runs */
#define ROUNDS 40

main:
    call paging_on
    mov esi, PAGE_DIR
    mov edi, DIR2
    mov ecx, 2048 /* and the table */
    rep movsd
    mov dword ptr [DIR2], TAB2 + UW
    mov dword ptr [PTE(PAGE_B) - PAGE_TABLE + TAB2], PAGE_C + UW
    call spaces
    call mapped_anew
    call written
    call many_places
    END

rounds: .long 0

/* The program at ESI runs: EBX and EDX tell how often page B and page C did. */
#define RUN xor ebx, ebx; xor edx, edx; mov ebp, TURNS; TO_RING3; call esi; TO_RING0
#define RAN(b, c) CHECK_EQ(ebx, b); CHECK_EQ(edx, c)

/* Two processes in turn. */
spaces:
    mov esi, PAGE_A
    mov dword ptr [rounds], ROUNDS
1:  mov eax, PAGE_DIR
    mov cr3, eax
    RUN
    RAN(TURNS, 0)
    RUN
    RAN(TURNS, 0)
    mov eax, DIR2
    mov cr3, eax
    RUN
    RAN(0, TURNS)
    dec dword ptr [rounds]
    jnz 1b
    mov eax, PAGE_DIR
    mov cr3, eax
    ret

mapped_anew:
    mov esi, PAGE_A
    mov dword ptr [rounds], ROUNDS
1:  RUN
    RAN(TURNS, 0)
    MAP(PAGE_B, PAGE_C + UW)
    RUN
    RAN(0, TURNS)
    MAP(PAGE_B, PAGE_B + UW)
    dec dword ptr [rounds]
    jnz 1b
    ret

/* INC EBX is made INC EDX, by the program itself and by others. */
written:
    mov esi, PAGE_A
    mov dword ptr [rounds], ROUNDS
1:  RUN
    RAN(TURNS, 0)
    mov byte ptr [b_add], 0x42
    RUN
    RAN(0, TURNS)
    TO_RING3
    mov byte ptr [b_add], 0x43
    TO_RING0
    dec dword ptr [rounds]
    jnz 1b
    ret

/* The program at more addresses than blocks are kept for, with page B or C behind page A. */
many_places:
    mov dword ptr [rounds], 4 * ROUNDS
1:  mov ecx, [rounds]
    mov edi, ecx
    and edi, 15
    imul edi, edi, 12
    mov eax, PAGE_A + UW
    mov [edi + PTE(PLACES)], eax
    mov eax, PAGE_B + UW
    test ecx, 1
    jz 2f
    mov eax, PAGE_C + UW
2:  mov [edi + PTE(PLACES) + 4], eax
    shl edi, 10
    lea esi, [edi + PLACES]
    invlpg [esi]
    invlpg [esi + PAGE]
    RUN
    test dword ptr [rounds], 1
    jnz 3f
    RAN(TURNS, 0)
    jmp 4f
3:  RAN(0, TURNS)
4:  dec dword ptr [rounds]
    jnz 1b
    ret

/* ---- the program: every jump leads to its other page; in the middle there is a kick ---- */

    .org PAGE_A - TEXT
a_loop:
    call b_add
    cmp ebp, TURNS / 2
    jne b_next
    out RIG_PORT_KICK, al
    jmp b_next
a_done:
    ret

    .org PAGE_B - TEXT
b_add:
    inc ebx
    ret
b_next:
    dec ebp
    jnz a_loop
    jmp a_done

/* What stands in B's place for others: its jumps are those of B. */
    .org PAGE_C - TEXT
    inc edx
    ret
    dec ebp
    jnz a_loop + PAGE
    jmp a_done + PAGE
