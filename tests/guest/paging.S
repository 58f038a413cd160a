/* 32-bit paging (SDM vol. 3A 4.3, 4.6 to 4.10) as translated code sees it. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define X  0x300000 /* the page under test */
#define Y  0x301000
#define Z  0x302000
#define F1 0x210000 /* frames */
#define F2 0x211000

main:
    call paging_on
    mov eax, cr4
    or eax, 0x90 /* PSE, PGE */
    mov cr4, eax
    mov dword ptr [F1], 0x11111111
    mov dword ptr [F2], 0x22222222
    call accessed_dirty
    call rights
    call crossing
    call translations
    call execution
    call large_pages
    call global_pages
    call tables_in_tables
    call high_wrap
    END

accessed_dirty:
    MAP(X - 0x1000, F1 + P + W + U)
    MAP(X, F1 + P + W + U)
    MAP(Y, F2 + P + W + U)
    MAP(Z, F1 + P + W + U)
    and dword ptr [PAGE_DIR], ~A
    mov eax, cr3
    mov cr3, eax
    mov eax, [Y]
    CHECK_EQ(eax, 0x22222222)
    CHECK_PTE(Y, F2 + P + W + U + A) /* a read: accessed, not dirty; the neighbours neither */
    CHECK_PTE(X, F1 + P + W + U)
    CHECK_PTE(Z, F1 + P + W + U)
    CHECK_PTE(X - 0x1000, F1 + P + W + U)
    test dword ptr [PAGE_DIR], A
    CHECK(nz)
    test dword ptr [PAGE_DIR], D
    CHECK(z)
    mov dword ptr [Y + 4], 1
    CHECK_PTE(Y, F2 + P + W + U + A + D)
    mov dword ptr [X + 4], 1 /* a write first */
    CHECK_PTE(X, F1 + P + W + U + A + D)
    /* software clears D and A, with INVLPG: they come again */
    MAP(Y, F2 + P + W + U)
    CHECK_EQ(byte ptr [Y], 0x22)
    CHECK_PTE(Y, F2 + P + W + U + A)
    MAP(Y, F2 + P + W + U + A)
    inc byte ptr [Y + 8]
    CHECK_PTE(Y, F2 + P + W + U + A + D)
    /* a read-modify-write that changes nothing is a write; a compare is none */
    MAP(Z, F1 + P + W + U)
    cmp dword ptr [Z], 0
    CHECK_PTE(Z, F1 + P + W + U + A)
    or dword ptr [Z], 0
    CHECK_PTE(Z, F1 + P + W + U + A + D)
    /* string instructions and the stack */
    MAP(X, F1 + P + W + U)
    MAP(Z, F2 + P + W + U)
    mov esi, X
    mov edi, Z
    mov ecx, 4
    rep movsd
    CHECK_PTE(X, F1 + P + W + U + A)
    CHECK_PTE(Z, F2 + P + W + U + A + D)
    MAP(X, F1 + P + W + U)
    mov ebx, esp
    mov esp, X + 0x100
    push eax
    mov esp, ebx
    CHECK_PTE(X, F1 + P + W + U + A + D)
    mov dword ptr [F2], 0x22222222
    mov dword ptr [F1], 0x11111111
    ret

rights:
    MAP(X, 0)
    PAGE_FAULTS(0, X + 4, mov eax, [X + 4])
    PAGE_FAULTS(2, X + 4, mov [X + 4], eax)
    CHECK_PTE(X, 0)
    MAP(X, F1 + P + U)
    PAGE_FAULTS(3, X, mov [X], eax) /* CR0.WP is set */
    CHECK_PTE(X, F1 + P + U) /* the fault marks nothing: the page was not read before */
    mov eax, [X]
    CHECK_PTE(X, F1 + P + U + A)
    mov eax, cr0
    and eax, ~0x10000
    mov cr0, eax
    mov dword ptr [X + 12], 77 /* without WP ring 0 writes anywhere */
    CHECK_PTE(X, F1 + P + U + A + D)
    mov eax, cr0
    or eax, 0x10000
    mov cr0, eax
    PAGE_FAULTS(3, X + 12, mov dword ptr [X + 12], 78)
    CHECK_EQ(dword ptr [X + 12], 77)
    MAP(X, F1 + P + W) /* the supervisor's */
    MAP(Y, F2 + P + U)
    MAP(Z, 0)
    mov eax, [X]
    TO_RING3
    PAGE_FAULTS(5, X, mov eax, [X])
    PAGE_FAULTS(7, X + 8, mov [X + 8], eax)
    PAGE_FAULTS(7, Y, mov [Y], eax)
    mov eax, [Y]
    CHECK_EQ(eax, 0x22222222)
    PAGE_FAULTS(4, Z + 1, mov al, [Z + 1])
    PAGE_FAULTS(6, Z + 1, mov [Z + 1], al)
    TO_RING0
    /* the directory's bits are and-ed */
    mov eax, PAGE_TABLE + P + W
    mov [PAGE_DIR + 4], eax /* 400000h on: the supervisor's view of the same */
    TO_RING3
    PAGE_FAULTS(5, Y + 0x400000, mov eax, [Y + 0x400000])
    TO_RING0
    CHECK_EQ(dword ptr [Y + 0x400000], 0x22222222)
    mov dword ptr [PAGE_DIR + 4], PAGE_TABLE + P + U
    mov eax, cr3
    mov cr3, eax
    MAP(Y, F2 + P + W + U)
    PAGE_FAULTS(3, Y + 0x400000, mov [Y + 0x400000], eax)
    mov dword ptr [PAGE_DIR + 4], 0
    mov eax, cr3
    mov cr3, eax
    PAGE_FAULTS(0, Y + 0x400000, mov eax, [Y + 0x400000])
    ret

/* X and Y side by side, from frames that are not. */
crossing:
    MAP(X, F2 + P + W + U)
    MAP(Y, F1 + P + W + U)
    mov dword ptr [F2 + 0xFFC], 0x44332211
    mov dword ptr [F1], 0x88776655
    CHECK_EQ(dword ptr [Y - 2], 0x66554433)
    CHECK_EQ(word ptr [Y - 1], 0x5544)
    mov dword ptr [Y - 3], 0xAABBCCDD
    CHECK_EQ(dword ptr [F2 + 0xFFC], 0xBBCCDD11)
    CHECK_EQ(dword ptr [F1], 0x887766AA)
    add dword ptr [Y - 2], 0x01010101
    CHECK_EQ(dword ptr [F2 + 0xFFC], 0xBCCDDD11)
    CHECK_EQ(dword ptr [F1], 0x887767AB)
    fild qword ptr [Y - 4]
    fistp qword ptr [Y - 4]
    CHECK_EQ(dword ptr [F1], 0x887767AB)
    MAP(Y, 0)
    PAGE_FAULTS(0, Y, mov eax, [Y - 1])
    PAGE_FAULTS(2, Y, mov [Y - 1], eax)
    MAP(Y, F1 + P + U)
    PAGE_FAULTS(3, Y, mov [Y - 2], eax)
    CHECK_EQ(dword ptr [F2 + 0xFFC], 0xBCCDDD11)
    mov dword ptr [F2], 0x22222222
    mov dword ptr [F1], 0x11111111
    ret

/* What INVLPG and MOV CR3 promise (SDM 4.10.4), again and again. */
translations:
    mov ecx, 40
1:  MAP(X, F1 + P + W + U)
    CHECK_EQ(dword ptr [X], 0x11111111)
    MAP(X, F2 + P + W + U)
    CHECK_EQ(dword ptr [X], 0x22222222)
    mov dword ptr [PTE(X)], F1 + P + W + U
    mov eax, cr3
    mov cr3, eax
    CHECK_EQ(dword ptr [X], 0x11111111)
    MAP(X, 0)
    PAGE_FAULTS(0, X, mov eax, [X])
    mov dword ptr [PTE(X)], F2 + P + W + U /* from not present: no INVLPG is needed */
    CHECK_EQ(dword ptr [X], 0x22222222)
    dec ecx
    jnz 1b
    /* another address space altogether */
    mov dword ptr [0x110000], 0x111000 + P + W + U
    mov esi, PAGE_TABLE
    mov edi, 0x111000
    mov ecx, 1024
    rep movsd
    mov dword ptr [0x111000 + (X >> 12) * 4], F1 + P + W + U
    mov ecx, 20
2:  mov eax, 0x110000
    mov cr3, eax
    CHECK_EQ(dword ptr [X], 0x11111111)
    mov eax, PAGE_DIR
    mov cr3, eax
    CHECK_EQ(dword ptr [X], 0x22222222)
    /* its table is changed from here, while it is not in use */
    xor dword ptr [0x111000 + (Y >> 12) * 4], F1 ^ F2
    dec ecx
    jnz 2b
    mov dword ptr [0x111000 + (Y >> 12) * 4], F2 + P + W
    mov eax, 0x110000
    mov cr3, eax
    CHECK_EQ(dword ptr [Y], 0x22222222)
    mov eax, PAGE_DIR
    mov cr3, eax
    ret

/* Code whose page is mapped elsewhere: blocks, chains and tables must follow. */
execution:
    mov dword ptr [F1 + 0x10], 0x000001B8 /* mov eax, 1; ret */
    mov word ptr [F1 + 0x14], 0xC300
    mov dword ptr [F2 + 0x10], 0x000002B8
    mov word ptr [F2 + 0x14], 0xC300
    mov ecx, 10
1:  MAP(X, F1 + P + W + U)
    call X + 0x10
    CHECK_EQ(eax, 1)
    MAP(X, F2 + P + W + U)
    call X + 0x10
    CHECK_EQ(eax, 2)
    mov dword ptr [PTE(X)], F1 + P + W + U
    mov eax, cr3
    mov cr3, eax
    mov edx, X + 0x10
    call edx
    CHECK_EQ(eax, 1)
    dec ecx
    jnz 1b
    CHECK_PTE(X, F1 + P + W + U + A) /* a fetch sets A */
    /* not present and the supervisor's */
    MAP(X, 0)
    mov dword ptr ss:[resume], offset 2f
    call X + 0x10
    FAIL
2:  add esp, 4
    CHECK_EQ(dword ptr [fault_vector], 14)
    CHECK_EQ(dword ptr [fault_error], 0)
    CHECK_EQ(dword ptr [fault_cr2], X + 0x10)
    CHECK_EQ(dword ptr [fault_eip], X + 0x10)
    MAP(X, F1 + P + W)
    call X + 0x10
    CHECK_EQ(eax, 1)
    TO_RING3
    mov dword ptr ss:[resume], offset 3f
    call X + 0x10
    FAIL
3:  CHECK_EQ(dword ptr [fault_vector], 14)
    CHECK_EQ(dword ptr [fault_error], 5)
    CHECK_EQ(dword ptr [fault_cr2], X + 0x10)
    TO_RING0
    /* an instruction across the border of two pages that are strangers */
    MAP(X, F1 + P + W + U)
    MAP(Y, F2 + P + W + U)
    mov byte ptr [F1 + 0xFFE], 0xB8
    mov byte ptr [F1 + 0xFFF], 0x78
    mov dword ptr [F2], 0xC3123456 /* mov eax, 12345678h; ret */
    call X + 0xFFE
    CHECK_EQ(eax, 0x12345678)
    MAP(Y, F1 + P + W + U)
    mov dword ptr [F1], 0xC3AABBCC
    call X + 0xFFE
    CHECK_EQ(eax, 0xAABBCC78)
    MAP(Y, 0)
    mov dword ptr ss:[resume], offset 5f
    call X + 0xFFE
    FAIL
5:  add esp, 4
    CHECK_EQ(dword ptr [fault_eip], X + 0xFFE)
    CHECK_EQ(dword ptr [fault_cr2], Y)
    mov dword ptr [F2], 0x22222222
    mov dword ptr [F1], 0x11111111
    ret

/* 4 MiB pages (SDM 4.3, table 4-4). */
large_pages:
    mov dword ptr [PAGE_DIR + 8], P + W + U + LARGE /* 800000h is 0 */
    mov eax, [0x800000 + F1]
    CHECK_EQ(eax, 0x11111111)
    CHECK_EQ(dword ptr [PAGE_DIR + 8], P + W + U + LARGE + A)
    mov dword ptr [0x800000 + F1], 0x33333333
    CHECK_EQ(dword ptr [PAGE_DIR + 8], P + W + U + LARGE + A + D)
    CHECK_EQ(dword ptr [F1], 0x33333333)
    mov dword ptr [PAGE_DIR + 8], P + LARGE
    invlpg [0x800000]
    PAGE_FAULTS(3, 0x800000 + F1, mov [0x800000 + F1], eax)
    CHECK_EQ(dword ptr [0x800000 + F1], 0x33333333)
    TO_RING3
    PAGE_FAULTS(5, 0x800000 + F1, mov eax, [0x800000 + F1])
    TO_RING0
    mov dword ptr [PAGE_DIR + 8], 0x200000 + P + LARGE /* reserved bits (PSE-36 uses 13..16) */
    invlpg [0x800000]
    PAGE_FAULTS(8 + 1, 0x800000, mov eax, [0x800000])
    mov dword ptr [PAGE_DIR + 8], 0
    mov eax, cr3
    mov cr3, eax
    mov dword ptr [F1], 0x11111111
    ret

global_pages:
    MAP(X, F1 + P + W + U + GLOBAL)
    CHECK_EQ(dword ptr [X], 0x11111111)
    MAP(X, F2 + P + W + U + GLOBAL) /* INVLPG drops them too */
    CHECK_EQ(dword ptr [X], 0x22222222)
    mov dword ptr [PTE(X)], F1 + P + W + U + GLOBAL
    mov eax, cr4
    xor eax, 0x80
    mov cr4, eax
    xor eax, 0x80
    mov cr4, eax /* toggling PGE drops all */
    CHECK_EQ(dword ptr [X], 0x11111111)
    /* in two address spaces, changed in one: after INVLPG gone from both */
    mov eax, [PTE(X)]
    mov [0x111000 + (X >> 12) * 4], eax
    mov eax, 0x110000
    mov cr3, eax
    CHECK_EQ(dword ptr [X], 0x11111111)
    mov dword ptr [PTE(X)], F2 + P + W + U + GLOBAL
    mov dword ptr [0x111000 + (X >> 12) * 4], F2 + P + W + U + GLOBAL
    invlpg [X]
    CHECK_EQ(dword ptr [X], 0x22222222)
    mov eax, PAGE_DIR
    mov cr3, eax
    CHECK_EQ(dword ptr [X], 0x22222222)
    ret

/* The directory as its own last table: the tables appear at FFC00000h. */
tables_in_tables:
    mov dword ptr [PAGE_DIR + 4092], PAGE_DIR + P + W
    mov ecx, 20
1:  mov dword ptr [0xFFC00000 + (X >> 12) * 4], F1 + P + W + U
    invlpg [X]
    CHECK_EQ(dword ptr [X], 0x11111111)
    mov eax, F2 + P + W + U
    xchg [0xFFC00000 + (X >> 12) * 4], eax
    and eax, ~D
    CHECK_EQ(eax, F1 + P + W + U + A)
    invlpg [X]
    CHECK_EQ(dword ptr [X], 0x22222222)
    mov dword ptr [X], 0x22222222
    test dword ptr [0xFFC00000 + (X >> 12) * 4], D /* read back through the window on itself */
    CHECK(nz)
    dec ecx
    jnz 1b
    mov eax, [0xFFFFF000 + 4092]
    and eax, ~(A + D)
    CHECK_EQ(eax, PAGE_DIR + P + W)
    mov dword ptr [PAGE_DIR + 4092], 0
    mov eax, cr3
    mov cr3, eax
    ret

/* Linear addresses wrap at 4 GiB: by base plus offset, and in the middle of an access. */
high_wrap:
    mov dword ptr [PAGE_DIR + 4092], 0x112000 + P + W + U
    mov dword ptr [0x112000 + 4092], F1 + P + W + U
    mov eax, cr3
    mov cr3, eax
    mov dword ptr [F1 + 0xFFC], 0x44332211
    SEGMENT(FREE, 0xFFFFF000, 0xFFFFF, 0x93, 0xC)
    mov ax, FREE
    mov fs, ax
    CHECK_EQ(dword ptr fs:[0xFFC], 0x44332211)
    mov eax, [gdt + 8]
    CHECK_EQ(fs:[0x1008 + gdt], eax)
    mov esi, 0x1000
    mov ebx, [0] /* the IVT's place: free memory here */
    mov dword ptr [0], 0x88776655
    CHECK_EQ(dword ptr fs:[esi - 2], 0x66554433)
    mov dword ptr fs:[esi - 1], 0xD4C3B2A1
    CHECK_EQ(dword ptr [F1 + 0xFFC], 0xA1332211)
    CHECK_EQ(dword ptr [0], 0x88D4C3B2)
    add word ptr fs:[esi - 1], 0x0101
    CHECK_EQ(dword ptr [0], 0x88D4C3B3)
    mov [0], ebx
    /* flat: register and displacement past the top, and below zero */
    mov eax, 0xFFFFFFF0
    mov ebx, [gdt + 8]
    CHECK_EQ([eax + gdt + 0x18], ebx)
    mov eax, 0x40
    mov ebx, [F1 + 0xFF0]
    CHECK_EQ([eax - 0x50], ebx)
    mov ecx, 0x40000000
    mov eax, offset gdt + 8
    mov ebx, [gdt + 8]
    CHECK_EQ([eax + ecx * 4], ebx)
    mov ecx, 0x7FFFFFF8
    CHECK_EQ([ecx * 2 + gdt + 24], ebx)
    ret
