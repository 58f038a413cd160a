/* PAE paging: three levels, 2 MiB pages, NX, the PDPTEs' own life (SDM vol. 3A 4.4); SYSENTER and
 * SYSEXIT between rings. */
#include "tests/guest/protected.h"

#define PDPT 0x100000
#define DIR  0x101000
#define TABLE 0x102000 /* of the first 2 MiB */
#define DIR3 0x103000  /* of C0000000h on */
#define PTE(lin) (TABLE + ((lin) >> 12) * 8)
#define P 1
#define W 2
#define U 4
#define A 0x20
#define D 0x40
#define LARGE 0x80
#define NX 0x80000000 /* of the upper half */
#define F1 0x180000
#define F2 0x181000
#define X 0x1C0000
#define MAP(lin, low, high)                                                                        \
    mov dword ptr [PTE(lin) + 4], high; mov dword ptr [PTE(lin)], low; invlpg [lin]

main:
    call build
    mov eax, cr4
    or eax, 0x20 /* PAE */
    mov cr4, eax
    mov eax, PDPT
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    mov dword ptr [F1], 0x000001B8 /* MOV EAX, 1; RET */
    mov word ptr [F1 + 4], 0xC300
    mov dword ptr [F2], 0x22222222
    mov ebp, 2
again:
    call small_pages
    call large_pages
    call no_execute
    call directory_pointers
    call fast_calls
    dec ebp
    jnz again
    END

build:
    mov edi, PDPT
    xor eax, eax
    mov ecx, 4096
    rep stosd
    mov dword ptr [PDPT], DIR + P
    mov dword ptr [PDPT + 24], DIR3 + P
    mov dword ptr [DIR], TABLE + P + W + U
    mov dword ptr [DIR + 8], 0x200000 + P + W + U + LARGE
    mov edi, TABLE
    mov eax, P + W + U
1:  mov [edi], eax
    add edi, 8
    add eax, 0x1000
    cmp eax, 0x200000
    jb 1b
    ret

small_pages:
    MAP(X, F1 + P + W + U, 0)
    mov eax, [X]
    CHECK_EQ(eax, 0x000001B8)
    CHECK_EQ(dword ptr [PTE(X)], F1 + P + W + U + A)
    mov dword ptr [X + 8], eax
    CHECK_EQ(dword ptr [PTE(X)], F1 + P + W + U + A + D)
    MAP(X, F2 + P + U, 0)
    CHECK_EQ(dword ptr [X], 0x22222222)
    PAGE_FAULTS(3, X, mov [X], eax)
    MAP(X, 0, 0)
    PAGE_FAULTS(0, X + 4, mov eax, [X + 4])
    MAP(X, F1 + P + W, 0x100000) /* a reserved bit */
    PAGE_FAULTS(9, X, mov eax, [X])
    MAP(X, F1 + P + W, 8) /* an address that nothing answers */
    CHECK_EQ(dword ptr [X], 0xFFFFFFFF)
    MAP(X, F1 + P + W + U, 0)
    ret

large_pages:
    mov dword ptr [DIR3], 0 + P + W + LARGE
    mov eax, cr3
    mov cr3, eax
    CHECK_EQ(dword ptr [0xC0000000 + F2], 0x22222222)
    CHECK_EQ(dword ptr [DIR3], 0 + P + W + LARGE + A)
    mov dword ptr [0xC0000000 + F2], 0x22222222
    CHECK_EQ(dword ptr [DIR3], 0 + P + W + LARGE + A + D)
    mov dword ptr [DIR3], 0x100000 + P + W + LARGE /* not at a multiple of 2 MiB */
    invlpg [0xC0000000]
    PAGE_FAULTS(9, 0xC0000000, mov eax, [0xC0000000])
    mov dword ptr [DIR3], 0
    invlpg [0xC0000000]
    PAGE_FAULTS(0, 0xC0000000, mov eax, [0xC0000000])
    ret

no_execute:
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 20
    jz 9f
    mov ecx, 0xC0000080 /* EFER */
    rdmsr
    or eax, 0x800 /* NXE */
    wrmsr
    call X
    CHECK_EQ(eax, 1)
    MAP(X, F1 + P + W + U, NX)
    CHECK_EQ(dword ptr [X], 0x000001B8) /* data it is */
    mov dword ptr [resume], offset 1f
    call X
    FAIL
1:  add esp, 4
    CHECK_EQ(dword ptr [fault_vector], 14)
    CHECK_EQ(dword ptr [fault_error], 0x11)
    CHECK_EQ(dword ptr [fault_cr2], X)
    CHECK_EQ(dword ptr [fault_eip], X)
    TO_RING3
    mov dword ptr ss:[resume], offset 2f
    call X
    FAIL
2:  CHECK_EQ(dword ptr [fault_error], 0x15)
    TO_RING0
    MAP(X, F1 + P + W + U, 0)
    call X
    CHECK_EQ(eax, 1)
    MAP(X, 0, 0)
    mov dword ptr [resume], offset 3f
    call X
    FAIL
3:  add esp, 4
    CHECK_EQ(dword ptr [fault_error], 0x10)
    /* without NXE the bit is reserved, and fetches do not tell themselves apart */
    mov ecx, 0xC0000080
    rdmsr
    and eax, ~0x800
    wrmsr
    MAP(X, F1 + P + W + U, NX)
    PAGE_FAULTS(9, X, mov eax, [X])
    MAP(X, F1 + P + W + U, 0)
9:  ret

/* The PDPTEs are registers, loaded with CR3. */
directory_pointers:
    mov dword ptr [DIR3], 0 + P + W + LARGE
    mov dword ptr [PDPT + 24], 0
    CHECK_EQ(dword ptr [0xC0000000 + F2], 0x22222222) /* still the old one */
    mov eax, cr3
    mov cr3, eax
    PAGE_FAULTS(0, 0xC0000000 + F2, mov eax, [0xC0000000 + F2])
    mov dword ptr [PDPT + 24], DIR3 + P + W /* W is reserved here */
    mov eax, cr3
    FAULTS_WITH(13, 0, mov cr3, eax)
    mov dword ptr [PDPT + 24], DIR3 + P
    mov cr3, eax
    CHECK_EQ(dword ptr [0xC0000000 + F2], 0x22222222)
    mov dword ptr [DIR3], 0
    mov cr3, eax
    ret

/* SYSENTER and SYSEXIT (SDM vol. 2): CS from the MSR, the other selectors next to it. */
#define FAST_CODE0 FREE
fast_calls:
    SEGMENT(FAST_CODE0, 0, 0xFFFFF, 0x9B, 0xC)
    SEGMENT(FAST_CODE0 + 8, 0, 0xFFFFF, 0x93, 0xC)
    SEGMENT(FAST_CODE0 + 16, 0, 0xFFFFF, 0xFB, 0xC)
    SEGMENT(FAST_CODE0 + 24, 0, 0xFFFFF, 0xF3, 0xC)
    mov ecx, 0x174
    xor edx, edx
    xor eax, eax
    wrmsr
    FAULTS_WITH(13, 0, sysenter)
    mov eax, FAST_CODE0
    wrmsr
    mov ecx, 0x175
    mov eax, 0x6A00
    wrmsr
    mov ecx, 0x176
    mov eax, offset entered
    wrmsr
    mov [saved], esp
    mov ecx, 20
1:  push ecx
    TO_RING3
    FAULTS_WITH(13, 0, sysexit)
    sti
    mov ebx, 0x5151
    sysenter
    FAIL
entered:
    CHECK_EQ(esp, 0x6A00)
    CHECK_EQ(ebx, 0x5151)
    mov ax, cs
    CHECK_EQ(ax, FAST_CODE0)
    mov ax, ss
    CHECK_EQ(ax, FAST_CODE0 + 8)
    pushfd
    pop eax
    test eax, 0x200
    CHECK(z)
    mov edx, offset 2f
    mov ecx, STACK3
    sysexit
    FAIL
2:  CHECK_EQ(esp, STACK3)
    mov ax, cs
    CHECK_EQ(ax, FAST_CODE0 + 16 + 3)
    mov ax, ss
    CHECK_EQ(ax, FAST_CODE0 + 24 + 3)
    FAULTS_WITH(13, 0, hlt)
    TO_RING0
    mov ax, DATA0
    mov ss, ax
    pop ecx
    dec ecx
    jnz 1b
    CHECK_EQ(esp, [saved])
    ret
saved: .long 0
