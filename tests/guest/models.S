/* An instruction outside the model is #UD: for each extension CPUID's word and the instruction
 * agree.  Runs on every model. */
#include "tests/guest/protected.h"

/* INSN works if and only if bit BIT of WORD is set. */
#define FEATURE(word, bit, ...)                                                                    \
    mov dword ptr [fault_vector], 0xFF;                                                            \
    mov dword ptr [resume], offset 98f;                                                            \
    __VA_ARGS__;                                                                                   \
98: mov dword ptr [resume], 0;                                                                     \
    mov eax, __LINE__;                                                                             \
    mov ecx, [word];                                                                               \
    shr ecx, bit;                                                                                  \
    and ecx, 1;                                                                                    \
    call judge

main:
    mov ebp, 2
again:
    call ask
    call enable
    mov edi, offset area
    /* leaf 1, EDX */
    FEATURE(edx1, 4, rdtsc)
    FEATURE(edx1, 5, mov ecx, 0x10; rdmsr)
    FEATURE(edx1, 8, mov eax, [area]; mov edx, [area + 4]; cmpxchg8b [area])
    FEATURE(edx1, 8, lock cmpxchg8b [edi])
    FEATURE(edx1, 15, cmove eax, ecx)
    FEATURE(edx1, 15, cmovne eax, [edi])
    FEATURE(edx1, 15, fcmove st(0), st(1))
    FEATURE(edx1, 15, fcomi st(0), st(1))
    FEATURE(edx1, 19, clflush [area])
    FEATURE(edx1, 23, paddb mm0, mm1)
    FEATURE(edx1, 23, movq mm0, [edi])
    FEATURE(edx1, 23, emms)
    FEATURE(edx1, 24, fxsave [area])
    FEATURE(edx1, 25, addps xmm0, xmm1)
    FEATURE(edx1, 25, movups [edi], xmm1)
    FEATURE(edx1, 25, pshufw mm0, mm1, 5)
    FEATURE(edx1, 25, pavgb mm0, mm1)
    FEATURE(edx1, 25, sfence)
    FEATURE(edx1, 25, stmxcsr [area])
    FEATURE(edx1, 26, addpd xmm0, xmm1)
    FEATURE(edx1, 26, paddq mm0, mm1)
    FEATURE(edx1, 26, movdqu xmm0, [edi])
    FEATURE(edx1, 26, movnti [area], eax)
    FEATURE(edx1, 26, lfence)
    FEATURE(edx1, 26, mfence)
    /* leaf 1, ECX */
    FEATURE(ecx1, 0, haddps xmm0, xmm1)
    FEATURE(ecx1, 0, fisttp dword ptr [area])
    FEATURE(ecx1, 0, lddqu xmm0, [edi])
    FEATURE(ecx1, 1, pclmulqdq xmm0, xmm1, 1)
    FEATURE(ecx1, 9, pshufb xmm0, xmm1)
    FEATURE(ecx1, 9, pabsb mm0, mm1)
    FEATURE(ecx1, 19, pmulld xmm0, xmm1)
    FEATURE(ecx1, 19, pextrd eax, xmm0, 1)
    FEATURE(ecx1, 20, pcmpgtq xmm0, xmm1)
    FEATURE(ecx1, 20, crc32 eax, cl)
    FEATURE(ecx1, 22, movbe eax, [edi])
    FEATURE(ecx1, 23, popcnt eax, ecx)
    FEATURE(ecx1, 23, popcnt ax, [edi])
    FEATURE(ecx1, 25, aesenc xmm0, xmm1)
    FEATURE(ecx1, 12, vfmadd231ss xmm0, xmm1, xmm2)
    FEATURE(ecx1, 26, mov ecx, 0; xgetbv)
    FEATURE(ecx1, 28, vzeroupper)
    FEATURE(ecx1, 29, vcvtph2ps xmm0, xmm1)
    FEATURE(ecx1, 30, rdrand eax)
    /* leaf 7, EBX */
    FEATURE(ebx7, 3, andn eax, ecx, edx)
    FEATURE(ebx7, 5, vpaddd ymm0, ymm1, ymm2)
    FEATURE(ebx7, 8, bzhi eax, ecx, edx)
    FEATURE(ebx7, 18, rdseed eax)
    FEATURE(ebx7, 19, adcx eax, ecx)
    FEATURE(ebx7, 19, adox eax, [edi])
    FEATURE(ebx7, 29, sha1msg1 xmm0, xmm1)
    /* leaf 80000001h */
    FEATURE(edx8, 27, rdtscp)
    FEATURE(edx8, 31, .byte 0x0F, 0x0F, 0xC1, 0x9E) /* PFADD */
    call always
    call counting
    dec ebp
    jnz again
    END

/* EAX: the line; ECX: what CPUID says. */
judge:
    cmp dword ptr [fault_vector], 0xFF
    je 1f
    test ecx, ecx
    jnz 2f
    cmp dword ptr [fault_vector], 6
    jne 2f
    ret
1:  test ecx, ecx
    jz 2f
    ret
2:  out RIG_PORT_FAIL, eax

edx1: .long 0
ecx1: .long 0
ebx7: .long 0
edx8: .long 0
ecx8: .long 0

/* CPUID is there when EFLAGS.ID can be changed. */
ask:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, 0x200000
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, 0x200000
    jnz 1f
    FAULTS(6, cpuid)
    ret
1:  mov eax, 1
    cpuid
    mov [edx1], edx
    mov [ecx1], ecx
    mov eax, 0
    cpuid
    cmp eax, 7
    jb 2f
    mov eax, 7
    mov ecx, 0
    cpuid
    mov [ebx7], ebx
2:  mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb 3f
    test eax, eax
    jns 3f
    mov eax, 0x80000001
    cpuid
    mov [edx8], edx
    mov [ecx8], ecx
3:  ret

/* CR4's bits exist with their features. */
enable:
    mov eax, cr0
    and eax, ~0xC
    mov cr0, eax
    fninit
    test dword ptr [edx1], 1 << 24
    jz 1f
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
    test dword ptr [ecx1], 1 << 26
    jz 2f
    or eax, 0x40000 /* OSXSAVE */
    mov cr4, eax
    test dword ptr [ecx1], 1 << 28
    jz 2f
    mov eax, 7
    mov ecx, 0
    mov edx, 0
    xsetbv
    ret
1:  cmp dword ptr [edx1], 0
    je 2f
    mov eax, 0x200
    FAULTS_WITH(13, 0, mov cr4, eax)
2:  ret

/* What a 486 knows, and what nobody does. */
always:
    mov eax, 0x11223344
    bswap eax
    CHECK_EQ(eax, 0x44332211)
    xadd [area], eax
    cmpxchg [area], ecx
    invlpg [area]
    wbinvd
    FAULTS(6, ud2)
    FAULTS(6, .byte 0x0F, 0xFF, 0xC0)
    FAULTS(6, .byte 0x0F, 0xB9, 0xC0)
    FAULTS(6, .byte 0x0F, 0x0A)
    FAULTS(6, .byte 0xF0, 0x90) /* LOCK NOP */
    FAULTS(6, .byte 0xF0, 0x01, 0xC8) /* LOCK ADD of a register */
    FAULTS(6, .byte 0xF0, 0x8B, 0x07) /* LOCK MOV */
    FAULTS(6, .byte 0x8D, 0xC0) /* LEA of a register */
    FAULTS(6, .byte 0x0F, 0xC7, 0xC8) /* CMPXCHG8B of a register */
    FAULTS(6, .byte 0xC4, 0xC0) /* LES of a register: VEX prefix in name only */
    FAULTS(6, .byte 0xFF, 0xF8)
    FAULTS(6, .byte 0xFE, 0xD0)
    FAULTS(6, .byte 0x0F, 0x20, 0xC8) /* MOV EAX, CR1 */
    FAULTS(6, .byte 0x62, 0xC0) /* BOUND of a register */
    FAULTS(13, .fill 15, 1, 0x66; nop) /* sixteen bytes */
    .fill 14, 1, 0x66
    nop
    /* aliases that processors have always had */
    mov al, 3
    .byte 0x82, 0xC0, 0x04 /* ADD AL, 4 */
    CHECK_EQ(al, 7)
    .byte 0xC0, 0xF0, 0x01 /* SHL AL, 1 as /6 */
    CHECK_EQ(al, 14)
    .byte 0xF6, 0xC8, 0x02 /* TEST AL, 2 as /1 */
    CHECK(nz)
    stc
    .byte 0xD6 /* SALC */
    CHECK_EQ(al, 0xFF)
    ret

/* Where LZCNT and TZCNT are not known their prefix means nothing. */
counting:
    mov ecx, 0x00400000
    lzcnt eax, ecx
    mov edx, 22 /* BSR */
    test dword ptr [ecx8], 1 << 5
    jz 1f
    mov edx, 9
1:  CHECK_EQ(eax, edx)
    tzcnt eax, ecx
    CHECK_EQ(eax, 22)
    mov eax, 77
    xor ecx, ecx
    tzcnt eax, ecx
    test dword ptr [ebx7], 1 << 3
    jz 2f
    CHECK_EQ(eax, 32)
    ret
2:  CHECK_EQ(eax, 77)
    ret

    .balign 16
area:
    .fill 512, 1, 0
