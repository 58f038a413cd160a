/* Indirect jumps, calls, returns and jumps across pages whose targets share the low halves of
 * their addresses, and hence an entry of the jump table: each gets where it wants to, with every
 * flag as it was. */
#include "tests/guest/protected.h"

#define ROUNDS 200
#define FLAGS 0x8D5

main:
    cld
    mov ebp, ROUNDS
again:
    /* flags and registers of every round are different */
    mov esi, ebp
    imul esi, esi, 0x9E3779B1
    mov edi, esi
    and edi, FLAGS
    or edi, 2
    call jumps
    call calls
    call returns
    call direct
    call conditional
    dec ebp
    jnz again
    END

/* EDI: flags that must come through; what a target leaves in EAX. */
#define WITH_FLAGS push edi; popfd
#define FLAGS_KEPT pushfd; pop edx; and edx, FLAGS | 2; CHECK_EQ(edx, edi)

jumps:
    mov ebx, offset low
    mov ecx, offset 1f
    WITH_FLAGS
    jmp ebx
1:  FLAGS_KEPT
    CHECK_EQ(eax, 0x1111)
    mov ebx, offset high
    mov ecx, offset 2f
    WITH_FLAGS
    jmp ebx
2:  FLAGS_KEPT
    CHECK_EQ(eax, 0x2222)
    mov dword ptr [pointer], offset low
    mov ecx, offset 3f
    WITH_FLAGS
    jmp dword ptr [pointer]
3:  FLAGS_KEPT
    CHECK_EQ(eax, 0x1111)
    mov dword ptr [pointer], offset high
    mov ecx, offset 4f
    WITH_FLAGS
    jmp dword ptr [pointer]
4:  FLAGS_KEPT
    CHECK_EQ(eax, 0x2222)
    ret

calls:
    mov ebx, offset low_call
    WITH_FLAGS
    call ebx
    FLAGS_KEPT
    CHECK_EQ(eax, 0x3333)
    mov ebx, offset high_call
    WITH_FLAGS
    call ebx
    FLAGS_KEPT
    CHECK_EQ(eax, 0x4444)
    WITH_FLAGS
    call low_call
    FLAGS_KEPT
    CHECK_EQ(eax, 0x3333)
    WITH_FLAGS
    call high_call
    FLAGS_KEPT
    CHECK_EQ(eax, 0x4444)
    ret

/* Return addresses that differ in their upper halves alone. */
returns:
    push offset 1f
    push offset low_return
    WITH_FLAGS
    ret
1:  FLAGS_KEPT
    CHECK_EQ(eax, 0x5555)
    push offset 2f
    push offset high_return
    WITH_FLAGS
    ret
2:  FLAGS_KEPT
    CHECK_EQ(eax, 0x6666)
    push offset 3f
    push 0
    push offset low_return
    WITH_FLAGS
    ret 4
3:  FLAGS_KEPT
    CHECK_EQ(eax, 0x5555)
    ret

direct:
    mov ecx, offset 1f
    WITH_FLAGS
    jmp low
1:  FLAGS_KEPT
    CHECK_EQ(eax, 0x1111)
    mov ecx, offset 2f
    WITH_FLAGS
    jmp high
2:  FLAGS_KEPT
    CHECK_EQ(eax, 0x2222)
    ret

/* Jcc across pages, taken by what the flags say. */
conditional:
    mov eax, 0
    mov ecx, offset 1f
    WITH_FLAGS
    jc low
    mov eax, 0xCC
1:  FLAGS_KEPT
    mov edx, 0xCC
    test edi, 1
    jz 2f
    mov edx, 0x1111
2:  CHECK_EQ(eax, edx)
    mov ecx, offset 3f
    WITH_FLAGS
    jp high
    mov eax, 0xDD
3:  FLAGS_KEPT
    mov edx, 0xDD
    test edi, 4
    jz 4f
    mov edx, 0x2222
4:  CHECK_EQ(eax, edx)
    ret

pointer: .long 0

    .org 0x1000
low:
    mov eax, 0x1111
    jmp ecx
low_call:
    mov eax, 0x3333
    ret
low_return:
    mov eax, 0x5555
    ret

    .org 0x11000
high:
    mov eax, 0x2222
    jmp ecx
high_call:
    mov eax, 0x4444
    ret
high_return:
    mov eax, 0x6666
    ret
