/* The YMM registers over exceptions, interrupts and XRSTOR; what enables the instructions.  SDM
 * vol. 1 chapter 13 and 14.3, vol. 2A 2.4. */
#include "tests/guest/protected.h"

#define CHECK_YMM(reg, value)                                                                      \
    vextracti128 xmm7, reg, 1;                                                                     \
    vpextrd eax, xmm7, 3;                                                                          \
    CHECK_EQ(eax, value);                                                                          \
    vmovd eax, reg##_low;                                                                          \
    CHECK_EQ(eax, value)
#define ymm0_low xmm0
#define ymm1_low xmm1
#define ymm2_low xmm2

main:
    mov eax, 0
    cpuid
    cmp eax, 13
    jb none
    mov eax, 7
    mov ecx, 0
    cpuid
    test ebx, 1 << 5 /* AVX2 */
    jz none
    mov eax, cr0
    and eax, ~0xC
    mov cr0, eax
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    /* nothing without OSXSAVE, and without XCR0.AVX */
    FAULTS(6, vaddps xmm0, xmm1, xmm2)
    FAULTS(6, xsetbv)
    mov eax, cr4
    or eax, 0x40000
    mov cr4, eax
    FAULTS(6, vaddps xmm0, xmm1, xmm2)
    FAULTS(6, vzeroupper)
    andn eax, ecx, edx /* general registers need neither */
    mov eax, 7
    mov ecx, 0
    mov edx, 0
    xsetbv
    vpcmpeqd ymm0, ymm0, ymm0
    vpxor ymm1, ymm1, ymm1
    CHECK_YMM(ymm0, 0xFFFFFFFF)
    /* exceptions and trips to C in between */
    FAULTS(6, ud2)
    mov ebp, 2000
1:  vpsubd ymm1, ymm1, ymm0
    in al, 0x80
    dec ebp
    jnz 1b
    CHECK_YMM(ymm1, 2000)
    /* legacy SSE leaves upper halves alone, VEX clears them */
    movaps xmm0, xmm1
    vextracti128 xmm7, ymm0, 1
    vmovd eax, xmm7
    CHECK_EQ(eax, 0xFFFFFFFF)
    vmovaps xmm0, xmm1
    vextracti128 xmm7, ymm0, 1
    vmovd eax, xmm7
    CHECK_EQ(eax, 0)
    /* TS and EM */
    mov eax, cr0
    or eax, 8
    mov cr0, eax
    FAULTS(7, vaddps xmm0, xmm1, xmm2)
    FAULTS(7, xsave [area])
    andn eax, ecx, edx
    mov eax, cr0
    and eax, ~8
    or eax, 4 /* EM says nothing to VEX */
    mov cr0, eax
    vpaddd ymm2, ymm1, ymm1
    mov eax, cr0
    and eax, ~4
    mov cr0, eax
    CHECK_YMM(ymm2, 4000)
    /* saved, disabled, enabled, restored */
    mov eax, 7
    mov edx, 0
    xsave [area]
    mov eax, 3
    xsetbv
    FAULTS(6, vpaddd xmm2, xmm1, xmm1)
    mov eax, 7
    xsetbv
    CHECK_YMM(ymm2, 4000)
    vzeroall
    CHECK_YMM(ymm1, 0)
    mov eax, 7
    xrstor [area]
    CHECK_YMM(ymm1, 2000)
    CHECK_YMM(ymm2, 4000)
    mov dword ptr [area + 512], 3 /* AVX's part in its initial configuration */
    mov eax, 4
    xrstor [area]
    vextracti128 xmm7, ymm1, 1
    vmovd eax, xmm7
    CHECK_EQ(eax, 0)
    vmovd eax, xmm1
    CHECK_EQ(eax, 2000)
    /* memory operands, a gather, masked moves */
    mov dword ptr [area], 11
    mov dword ptr [area + 28], 18
    mov esi, offset area
    vmovdqu ymm0, [esi]
    vpaddd ymm0, ymm0, [esi]
    vmovdqu [esi + 32], ymm0
    CHECK_EQ(dword ptr [area + 60], 36)
    FAULTS_WITH(13, 0, vmovdqa ymm0, [esi + 1])
    vpcmpeqd ymm1, ymm1, ymm1
    vpxor ymm2, ymm2, ymm2
    vpgatherdd ymm0, [esi + ymm2*4 + 28], ymm1
    CHECK_YMM(ymm0, 18)
    CHECK_YMM(ymm1, 0)
    vpmaskmovd [0xFFFFFFF0], ymm1, ymm0 /* nothing selected */
    mov eax, 4
    vmovd xmm1, eax
    rorx eax, eax, 1
    CHECK_EQ(eax, 2)
none:
    END

.balign 64
area: .fill 1024
