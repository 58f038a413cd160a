/* Supervisor code that works on memory of programs, which translated code does by the user's window:
 * nothing of that is to be seen. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define HIGH 0x40000000 /* the first 4 MiB once more */
#define DIR2 0x102000   /* and in another address space */
#define TAB2 0x103000
#define X    (HIGH + 0x300000) /* pages under test */
#define Y    (HIGH + 0x301000)
#define F1   0x210000 /* frames */
#define F2   0x211000
#define F3   0x212000
#define UW   (P + W + U)
#define SLOT(lin) (PTE((lin) - HIGH))
#define SET(lin, value)  mov dword ptr [SLOT(lin)], value; invlpg [lin]
/* The program runs: only then does its window show what SET did. */
#define STEP_OUT TO_RING3; TO_RING0
#define ENTRY(lin, value) CHECK_EQ(dword ptr [SLOT(lin)], value)

/* SITE, an instruction that RET follows, raises a page fault. */
#define SITE_FAULTS(error, address, site)                                                          \
    mov dword ptr [resume], offset 98f;                                                            \
    mov dword ptr [fault_line], __LINE__;                                                          \
    mov [saved_esp], esp;                                                                          \
    call site;                                                                                     \
    FAIL;                                                                                          \
98: mov esp, [saved_esp];                                                                          \
    CHECK_EQ(dword ptr [fault_vector], 14);                                                        \
    CHECK_EQ(dword ptr [fault_error], error);                                                      \
    CHECK_EQ(dword ptr [fault_cr2], address);                                                      \
    CHECK_EQ(dword ptr [fault_eip], offset site)

main:
    call paging_on
    mov dword ptr [PAGE_DIR + 0x400], PAGE_TABLE + UW
    mov eax, cr3
    mov cr3, eax
    mov eax, cr4
    or eax, 0x200 /* OSFXSR */
    mov cr4, eax
    mov dword ptr [F1], 0x11111111
    mov dword ptr [F2], 0x22222222
    mov dword ptr [F3], 0x33333333
    call teach
    call plain
    call marks
    call rights
    call taken_away
    call both_sides
    call spaces
    call forms
    END

saved_esp: .long 0
rounds: .long 0

/* The sites. */
site_read:
    mov eax, [esi]
    ret
site_write:
    mov [edi], eax
    ret
site_add:
    add [edi], eax
    ret
site_copy:
    rep movsb
    ret
site_fill:
    rep stosd
    ret

/* Each site meets X, which a program uses, until it has its other form. */
teach:
    SET(X, F1 + UW)
    mov dword ptr [rounds], 4
1:  TO_RING3
    mov eax, [X]
    mov [X], eax
    TO_RING0
    mov esi, X
    mov edi, X
    call site_read
    CHECK_EQ(eax, 0x11111111)
    call site_write
    xor eax, eax
    call site_add
    mov ecx, 4
    call site_copy
    mov edi, X + 4
    mov ecx, 2
    call site_fill
    dec dword ptr [rounds]
    jnz 1b
    ret

plain:
    mov esi, X
    mov edi, X + 8
    mov eax, 5
    call site_write
    call site_add
    call site_add
    CHECK_EQ(dword ptr [F1 + 8], 15)
    mov esi, X + 8
    call site_read
    CHECK_EQ(eax, 15)
    stc /* flags live through */
    call site_read
    CHECK(c)
    std
    mov esi, X + 11
    mov edi, F2 + 15
    mov ecx, 4
    call site_copy
    cld
    CHECK_EQ(dword ptr [F2 + 12], 15)
    CHECK_EQ(esi, X + 7)
    CHECK_EQ(edi, F2 + 11)
    ret

/* Accessed and dirty, by a page that the program has not touched. */
marks:
    SET(Y, F2 + UW)
    STEP_OUT
    mov esi, Y
    call site_read
    CHECK_EQ(eax, 0x22222222)
    ENTRY(Y, F2 + UW + A)
    mov edi, Y
    call site_write
    ENTRY(Y, F2 + UW + A + D)
    SET(Y, F2 + UW)
    mov edi, Y + 0x20
    mov ecx, 3
    call site_fill
    ENTRY(Y, F2 + UW + A + D)
    ret

rights:
    SET(Y, 0)
    STEP_OUT
    mov esi, Y
    mov edi, Y + 4
    SITE_FAULTS(0, Y, site_read)
    SITE_FAULTS(2, Y + 4, site_write)
    ENTRY(Y, 0)
    SET(Y, F2 + P + U) /* read only: CR0.WP is set */
    STEP_OUT
    SITE_FAULTS(3, Y + 4, site_write)
    SITE_FAULTS(3, Y + 4, site_add)
    call site_read
    CHECK_EQ(eax, 0x22222222)
    mov edi, Y
    mov ecx, 1
    SITE_FAULTS(3, Y, site_fill)
    CHECK_EQ(edi, Y)
    CHECK_EQ(ecx, 1)
    mov eax, cr0
    and eax, ~0x10000
    mov cr0, eax
    mov eax, 0x22222222
    call site_write /* without WP ring 0 writes anywhere */
    call site_read
    ENTRY(Y, F2 + P + U + A + D)
    mov eax, cr0
    or eax, 0x10000
    mov cr0, eax
    mov dword ptr [rounds], 12 /* the supervisor's own page */
1:  SET(Y, F3 + P + W)
    mov esi, Y
    mov edi, Y
    call site_read
    CHECK_EQ(eax, 0x33333333)
    call site_write
    TO_RING3
    PAGE_FAULTS(5, Y, mov eax, [Y])
    mov eax, [X]
    mov [X], eax
    TO_RING0
    mov esi, X
    call site_read
    CHECK_EQ(eax, 0x11111111)
    dec dword ptr [rounds]
    jnz 1b
    ret

/* INVLPG: what the program saw is gone for the supervisor too, and at once. */
taken_away:
    call teach
    mov dword ptr [rounds], 6
1:  SET(X, F1 + UW)
    TO_RING3
    mov eax, [X]
    mov [X], eax
    TO_RING0
    mov esi, X
    call site_read
    CHECK_EQ(eax, 0x11111111)
    SET(X, F2 + UW)
    call site_read
    CHECK_EQ(eax, 0x22222222)
    mov edi, X + 16
    call site_write
    CHECK_EQ(dword ptr [F2 + 16], 0x22222222)
    SET(X, 0)
    SITE_FAULTS(0, X, site_read)
    STEP_OUT
    SITE_FAULTS(0, X, site_read)
    SET(X, F3 + UW)
    TO_RING3
    CHECK_EQ(dword ptr [X], 0x33333333)
    TO_RING0
    call site_read
    CHECK_EQ(eax, 0x33333333)
    dec dword ptr [rounds]
    jnz 1b
    SET(X, F1 + UW)
    ret

/* A copy that begins in one page and ends in a page of another kind. */
both_sides:
    SET(X, F1 + UW)
    SET(Y, F2 + P + W)
    mov dword ptr [F1 + 0xFFC], 0x44332211
    mov dword ptr [F2], 0x88776655
    mov dword ptr [rounds], 4
1:  mov esi, Y - 4
    mov edi, F3 + 0x100
    mov ecx, 8
    call site_copy
    CHECK_EQ(dword ptr [F3 + 0x100], 0x44332211)
    CHECK_EQ(dword ptr [F3 + 0x104], 0x88776655)
    mov esi, F3 + 0x100
    mov edi, Y - 3
    mov ecx, 8
    call site_copy
    CHECK_EQ(dword ptr [F1 + 0xFFC], 0x33221111)
    CHECK_EQ(dword ptr [F2], 0x77665544)
    mov dword ptr [F1 + 0xFFC], 0x44332211
    mov dword ptr [F2], 0x88776655
    mov esi, Y - 2
    call site_read
    CHECK_EQ(eax, 0x66554433)
    dec dword ptr [rounds]
    jnz 1b
    mov dword ptr [F2], 0x22222222
    ret

/* Another address space, before and after its program has run. */
spaces:
    mov esi, PAGE_DIR
    mov edi, DIR2
    mov ecx, 2048 /* and the table */
    rep movsd
    mov dword ptr [DIR2], TAB2 + UW
    mov dword ptr [DIR2 + 0x400], TAB2 + UW
    mov dword ptr [rounds], 6
1:  mov dword ptr [SLOT(X)], F1 + UW
    mov dword ptr [SLOT(X) - PAGE_TABLE + TAB2], F3 + UW
    mov eax, PAGE_DIR
    mov cr3, eax
    mov esi, X
    call site_read
    CHECK_EQ(eax, 0x11111111)
    mov eax, DIR2
    mov cr3, eax
    call site_read
    CHECK_EQ(eax, 0x33333333)
    TO_RING3
    mov eax, [X]
    CHECK_EQ(eax, 0x33333333)
    mov [X], eax
    TO_RING0
    call site_read
    CHECK_EQ(eax, 0x33333333)
    mov dword ptr [SLOT(X) - PAGE_TABLE + TAB2], F2 + UW
    mov eax, cr3
    mov cr3, eax
    call site_read
    CHECK_EQ(eax, 0x22222222)
    mov edi, X + 0x40
    call site_write
    CHECK_EQ(dword ptr [F2 + 0x40], 0x22222222)
    dec dword ptr [rounds]
    jnz 1b
    mov eax, PAGE_DIR
    mov cr3, eax
    mov esi, X
    call site_read
    CHECK_EQ(eax, 0x11111111)
    ret

/* Other instructions, each until it has its other form and after. */
forms:
    SET(X, F1 + UW)
    mov dword ptr [rounds], 5
1:  mov dword ptr [F1 + 0x80], 0x01020304
    mov dword ptr [F1 + 0x84], 0x05060708
    SET(X, F1 + UW)
    TO_RING3
    mov eax, [X]
    mov [X], eax
    TO_RING0
    mov ebx, X + 0x80
    mov ecx, 1
    movzx eax, byte ptr [ebx + ecx * 2]
    CHECK_EQ(eax, 2)
    mov ah, [ebx]
    CHECK_EQ(ah, 4)
    mov dx, [ebx + 4]
    CHECK_EQ(dx, 0x0708)
    mov eax, [X + 0x84]
    CHECK_EQ(eax, 0x05060708)
    mov byte ptr [ebx + ecx], 0x77
    CHECK_EQ(dword ptr [F1 + 0x80], 0x01027704)
    mov eax, 9
    xchg eax, [ebx]
    CHECK_EQ(eax, 0x01027704)
    mov edx, 10
    mov eax, 9
    lock cmpxchg [ebx], edx
    CHECK(z)
    bts dword ptr [ebx], 0
    CHECK(nc)
    CHECK_EQ(dword ptr [F1 + 0x80], 11)
    cmp dword ptr [ebx], 11
    CHECK(e)
    push dword ptr [ebx]
    pop eax
    CHECK_EQ(eax, 11)
    movups xmm1, [X + 0x80]
    movd eax, xmm1
    CHECK_EQ(eax, 11)
    movups [ebx + 0x20], xmm1
    CHECK_EQ(dword ptr [F1 + 0xA4], 0x05060708)
    fild dword ptr [ebx]
    fistp dword ptr [ebx + 8]
    CHECK_EQ(dword ptr [F1 + 0x88], 11)
    mov esi, ebx
    lodsd
    CHECK_EQ(eax, 11)
    mov edi, ebx
    scasd
    CHECK(e)
    mov esi, X + 0x80
    mov edi, F1 + 0x80
    mov ecx, 8
    repe cmpsb
    CHECK(e)
    CHECK_EQ(ecx, 0)
    dec dword ptr [rounds]
    jnz 1b
    ret
