/* Additions that translated code makes with 64-bit operands: nothing shows it.  Flags are those of 32
 * bits where a fault shows them, and a register that goes round at 4 GiB is a register of 32 bits for
 * whatever comes after. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define ENDS    0x102000 /* the page table of 7FC00000h and FFC00000h: their last page */
#define MIDDLE  0x103000 /* of 80000000h: its first page */
#define LAST    0x210000 /* what lies there */
#define FIRST   0x211000
#define MISSING 0x300000
#define WANT    dword ptr [0x220000]
#define FOUND   dword ptr [0x220004]
#define ROUND   dword ptr [0x220008]
#define ARITH   0x8D5 /* OF SF ZF AF PF CF */
#define TOP     0xFFFFFFFC
#define NUMBER(address) (0x01010101 * ((address) >> 2 & 0x3F) + 1) /* what lies at 0 to FFh */

main:
    call paging_on
    mov edi, ENDS
    xor eax, eax
    mov ecx, 2048
    rep stosd
    mov dword ptr [ENDS + 0xFFC], LAST + P + W + U
    mov dword ptr [MIDDLE], FIRST + P + W + U
    mov dword ptr [PAGE_DIR + 511 * 4], ENDS + P + W + U
    mov dword ptr [PAGE_DIR + 512 * 4], MIDDLE + P + W + U
    mov dword ptr [PAGE_DIR + 1023 * 4], ENDS + P + W + U
    mov eax, cr3
    mov cr3, eax
    MAP(MISSING, 0)
    mov eax, 1
    xor edi, edi
1:  mov [edi], eax
    add eax, 0x01010101
    add edi, 4
    cmp edi, 0x100
    jb 1b
    mov ecx, 4
2:  call flags
    call patched
    call by_hand
    call numbers
    call addresses
    call counts
    call strings
    call frames
    call walks
    dec ecx
    jnz 2b
    END

/* ---- flags ---- */

/* OP on ESI, which is VALUE, behind an access by it, and then FAULT, which does: its flags, which it
 * finds and which CARRY (stc, clc) belongs to, and ESI are those that OP leaves alone. */
.macro sum line, carry, value, op, fault
    mov esi, \value
    test esp, esp
    \carry
    \op
    pushfd
    mov FOUND, esi
    pop WANT
    and WANT, ARITH
    mov dword ptr [resume], offset 98f
    mov dword ptr [fault_line], \line
    mov edi, MISSING
    mov esi, \value
    jmp 96f
96: test esp, esp
    \carry
    mov al, [esi]
    \op
    movzx edx, al
97: \fault
    mov eax, \line
    out RIG_PORT_FAIL, eax
98: mov eax, [fault_eflags]
    and eax, ARITH
    cmp eax, WANT
    check_cc \line, e
    cmp esi, FOUND
    check_cc \line, e
    mov eax, [fault_esi]
    cmp eax, FOUND
    check_cc \line, e
    cmp dword ptr [fault_eip], offset 97b
    check_cc \line, e
.endm
#define SUM(value, ...)                                                                            \
    sum __LINE__, stc, value, #__VA_ARGS__, "mov ebx, [edi]; cmp ebx, eax";                        \
    sum __LINE__, clc, value, #__VA_ARGS__, "mov [edi + 8], ebx; xor ebx, ebx";                    \
    sum __LINE__, stc, value, #__VA_ARGS__, "cmp ebx, [edi]"

flags:
    push ecx
    SUM(0x7FFFFFFC, add esi, 4)
    SUM(0x7FFFFFFD, add esi, 2)
    SUM(0x7FFFFFFF, inc esi)
    SUM(0x7FFFFFFF, sub esi, -1)
    SUM(0x80000000, dec esi)
    SUM(0x80000000, sub esi, 1)
    SUM(0x80000000, sub esi, 127)
    SUM(0x80000010, add esi, -17)
    SUM(TOP, add esi, 4)
    SUM(TOP, add esi, 127)
    SUM(TOP, sub esi, -128)
    SUM(0xFFFFFFFF, inc esi)
    SUM(0xFFFFFFFE, inc esi)
    SUM(0, dec esi)
    SUM(0, sub esi, 4)
    SUM(0, add esi, -4)
    SUM(1, dec esi)
    SUM(4, sub esi, 4)
    SUM(15, inc esi)
    SUM(16, dec esi)
    SUM(0xFFFFFFFF, lea esi, [esi + 1])
    pop ecx
    ret

/* The number added is changed, again and again. */
patched:
    mov ROUND, 1
1:  mov eax, ROUND
    mov byte ptr [3f + 2], al
    mov esi, TOP
    add esi, eax
    pushfd
    pop WANT
    and WANT, ARITH
    mov dword ptr [resume], offset 4f
    mov dword ptr [fault_line], __LINE__
    mov edi, MISSING
    mov esi, TOP
    jmp 2f
2:  mov eax, [esi]
3:  add esi, 1
    mov ebx, [edi]
    cmp ebx, eax
    FAIL
4:  mov eax, [fault_eflags]
    and eax, ARITH
    CHECK_EQ(eax, WANT)
    inc ROUND
    cmp ROUND, 20
    jne 1b
    ret

/* The access behind is made by hand in the end, as it often writes next to code. */
by_hand:
    mov ROUND, 0
    mov dword ptr [resume], offset 4f
    mov dword ptr [fault_line], __LINE__
    xor ebx, ebx
1:  mov edi, offset beside
    cmp ROUND, 100
    jne 2f
    mov edi, MISSING
2:  mov esi, TOP
    inc ROUND
    jmp 3f
3:  mov eax, [esi]
    add esi, 4
    mov [edi], ebx
    cmp eax, ebx
    cmp ROUND, 100
    jbe 1b
    FAIL
4:  mov eax, [fault_eflags]
    and eax, ARITH
    CHECK_EQ(eax, 0x55) /* ZF AF PF CF */
    CHECK_EQ(dword ptr [fault_esi], 0)
    ret
beside:
    .long 0

/* ---- round at 4 GiB ---- */

/* REG goes from the end of the address space to ADDRESS, less than 80h, by an addition. */
#define ROUND_TO(reg, address)                                                                     \
    mov reg, TOP; jmp 1f; 1: mov eax, [reg]; add reg, (address) + 4; test eax, eax
/* From 0 to ADDRESS, which is -1 to -80h. */
#define BACK_TO(reg, address)                                                                      \
    xor reg, reg; jmp 1f; 1: mov eax, [reg]; add reg, address; test eax, eax

/* Its 32 bits as an operand. */
numbers:
    ROUND_TO(esi, 8)
    mov WANT, esi
    CHECK_EQ(WANT, 8)
    ROUND_TO(esi, 8)
    CHECK_EQ(esi, 8)
    ROUND_TO(esi, 8)
    push esi
    pop eax
    CHECK_EQ(eax, 8)
    ROUND_TO(esi, 8)
    shr esi, 1
    CHECK_EQ(esi, 4)
    BACK_TO(esi, -4)
    shr esi, 16
    CHECK_EQ(esi, 0xFFFF)
    ROUND_TO(ebx, 8)
    lea edx, [ebx + ebx * 2 + 0x11]
    CHECK_EQ(edx, 0x29)
    ROUND_TO(ebx, 8)
    mov bx, 0x1234
    mov WANT, ebx
    CHECK_EQ(WANT, 0x1234)
    ROUND_TO(ebx, 8)
    mov eax, 0x1000
    mul ebx
    CHECK_EQ(eax, 0x8000)
    CHECK_EQ(edx, 0)
    BACK_TO(ebx, -8)
    mov eax, 0xFFFFFFF7
    xor edx, edx
    div ebx
    CHECK_EQ(eax, 0)
    CHECK_EQ(edx, 0xFFFFFFF7)
    ROUND_TO(ebx, 8)
    xor eax, eax
    sub eax, ebx
    CHECK(b)
    ROUND_TO(ebx, 8)
    bsr eax, ebx
    CHECK_EQ(eax, 3)
    ROUND_TO(ebx, 8)
    mov eax, 8
    mov edx, 77
    cmpxchg ebx, edx
    CHECK(e)
    CHECK_EQ(ebx, 77)
    ROUND_TO(ebx, 8)
    lea edx, [ebx + 1]
    xchg edx, ebx
    mov WANT, ebx
    CHECK_EQ(WANT, 9)
    mov WANT, edx
    CHECK_EQ(WANT, 8)
    ROUND_TO(edi, 8)
    FAULTS(6, ud2)
    CHECK_EQ(dword ptr [fault_edi], 8)
    ret

/* As a part of an address. */
addresses:
    ROUND_TO(esi, 0x40)
    CHECK_EQ(dword ptr [esi], NUMBER(0x40))
    ROUND_TO(esi, 0x40)
    CHECK_EQ(dword ptr [esi + 4], NUMBER(0x44))
    ROUND_TO(esi, 0x40)
    CHECK_EQ(dword ptr [esi - 4], NUMBER(0x3C))
    ROUND_TO(esi, 0x40)
    mov edx, 4
    CHECK_EQ(dword ptr [esi + edx * 4], NUMBER(0x50))
    ROUND_TO(esi, 0x40)
    mov edx, [esi + 0x220000 - 0x40]
    CHECK_EQ(edx, WANT)
    ROUND_TO(esi, 0x40)
    mov edx, 0x40
    bt [esi], edx
    CHECK(c) /* the lowest bit of what lies at 48h */
    ROUND_TO(ebx, 0x40)
    mov al, 4
    xlat
    CHECK_EQ(al, (NUMBER(0x44) & 0xFF))
    mov dword ptr [0xFFFFFFF0], 0x12345678
    BACK_TO(esi, -16)
    CHECK_EQ(dword ptr [esi], 0x12345678)
    BACK_TO(esi, -16)
    mov edx, [esi + 0x40]
    CHECK_EQ(edx, NUMBER(0x30))
    BACK_TO(ebp, -16)
    CHECK_EQ(dword ptr ds:[ebp], 0x12345678)
    ret

/* As a counter. */
counts:
    push ecx
    ROUND_TO(ecx, 0)
    jecxz 2f
    FAIL
2:  ROUND_TO(ecx, 0x10000 / 0x1000)
    shl ecx, 12
    .byte 0x67
    jecxz 2f /* CX */
    FAIL
2:  xor ebx, ebx
    ROUND_TO(ecx, 3)
    jmp 2f
2:  inc ebx
    loop 2b
    CHECK_EQ(ebx, 3)
    ROUND_TO(ecx, 0)
    xor ebx, ebx
    cmp ebx, 1
    loopne 2f
    FAIL
2:  CHECK_EQ(ecx, -1)
    pop ecx
    ret

/* As registers of string instructions. */
strings:
    push ecx
    mov ebx, 0xA5A5A5A5
    mov dword ptr [0x230000], ebx
    ROUND_TO(ecx, 0)
    mov esi, 0x40
    mov edi, 0x230000
    rep movsd
    CHECK_EQ(edi, 0x230000)
    CHECK_EQ(dword ptr [0x230000], ebx)
    ROUND_TO(ecx, 2)
    mov esi, 0x40
    mov edi, 0x230000
    rep movsd
    CHECK_EQ(edi, 0x230008)
    CHECK_EQ(dword ptr [0x230004], NUMBER(0x44))
    ROUND_TO(esi, 0x40)
    mov edi, 0x230000
    movsd
    CHECK_EQ(esi, 0x44)
    CHECK_EQ(dword ptr [0x230000], NUMBER(0x40))
    ROUND_TO(esi, 0x40)
    lodsd
    CHECK_EQ(eax, NUMBER(0x40))
    BACK_TO(edi, -16)
    mov eax, ebx
    stosd
    CHECK_EQ(dword ptr [0xFFFFFFF0], ebx)
    CHECK_EQ(edi, 0xFFFFFFF4)
    mov dword ptr [0xFFFFFFF4], ebx
    BACK_TO(edi, -16)
    mov ecx, 100
    mov eax, ebx
    cld
    repe scasd
    CHECK_EQ(edi, 0xFFFFFFFC)
    CHECK_EQ(ecx, 97)
    pop ecx
    ret

/* EBP, and the stack that comes of it. */
frames:
    push ebp
    mov dword ptr [FIRST + 0x100], esp
    mov ebp, TOP
    jmp 1f
1:  mov eax, [ebp]
    add ebp, 0x54
    test eax, eax
    leave
    mov edx, esp
    mov esp, [FIRST + 0x100]
    CHECK_EQ(ebp, NUMBER(0x50))
    CHECK_EQ(edx, 0x54)
    pop ebp
    ret

/* A pointer that walks over the end, by each kind of addition, before and behind its access. */
.macro walk line, first, last, body
    mov esi, \first
    xor edx, edx
    jmp 1f
1:  \body
    add edx, eax
    cmp esi, \last
    jne 1b
    cmp edx, WANT
    check_cc \line, e
.endm
#define WALK(first, last, ...) walk __LINE__, first, last, #__VA_ARGS__

walks:
    xor edx, edx /* the sum of what lies from FFFFFF80h to 7Fh */
    xor edi, edi
    mov ebx, -0x80
1:  movzx eax, byte ptr [edi + ebx]
    add edx, eax
    add ebx, 1
    cmp ebx, 0x80
    jne 1b
    mov WANT, edx
    WALK(-0x80, 0x80, movzx eax, byte ptr [esi]; inc esi)
    WALK(-0x80, 0x80, movzx eax, byte ptr [esi]; add esi, 1)
    WALK(-0x80, 0x80, movzx eax, byte ptr [esi]; lea esi, [esi + 1])
    WALK(-0x80, 0x80, movzx eax, byte ptr [esi]; lea ebx, [esi + 1]; mov esi, ebx)
    WALK(-0x80, 0x80, lea esi, [esi + 1]; movzx eax, byte ptr [esi - 1])
    WALK(-0x81, 0x7F, inc esi; movzx eax, byte ptr [esi])
    WALK(-0x81, 0x7F, sub esi, -1; movzx eax, byte ptr [esi])
    WALK(0x80, -0x80, dec esi; movzx eax, byte ptr [esi])
    WALK(0x7F, -0x81, movzx eax, byte ptr [esi]; sub esi, 1)
    WALK(0x7F, -0x81, movzx eax, byte ptr [esi]; lea esi, [esi - 1])
    ret
