/* Accesses to fresh pages lose nothing: general registers, flags, x87, SSE and AVX registers with
 * their control and status words.  The host's signal comes for pages that only the window lacks, and
 * for those that the guest itself has to bring. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define FRESH  0x300000
#define PAGES  256
#define FRAME  0x210000
#define BEFORE 0x220000 /* FXSAVE's images, and the YMM registers behind them */
#define AFTER  0x221000
#define YMM    0x200
#define VARS   0x222000
#define PAGE    dword ptr [VARS]     /* the next that was not touched yet */
#define MISSING dword ptr [VARS + 4] /* 1: pages are not present */
#define AVX     dword ptr [VARS + 8] /* 1: the YMM registers are used as well */
#define WANT    dword ptr [VARS + 12]
#define CONTROL word ptr [VARS + 16]
#define MXCSR   dword ptr [VARS + 20]
#define SEED    dword ptr [VARS + 24] /* another one makes other registers */
#define EFLAGS  0xCD5 /* OF DF SF ZF AF PF CF */

main:
    call paging_on
    mov eax, cr0
    and eax, ~0xC
    mov cr0, eax
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    mov AVX, 0
    call all
    mov eax, 1
    cpuid
    test ecx, 1 << 28
    jz 1f
    mov eax, cr4
    or eax, 0x40000
    mov cr4, eax
    mov eax, 7
    xor ecx, ecx
    xor edx, edx
    xsetbv
    mov AVX, 1
    call all
1:  END

all:
    mov MISSING, 0
    mov eax, FRAME + P + W + U
    call fresh
    call flags
    call fpu
    call idle_fpu
    mov MISSING, 1
    mov eax, 0
    call fresh
    call flags
    call fpu
    jmp idle_fpu

/* EAX for all PTEs of fresh pages. */
fresh:
    mov edi, PTE(FRESH)
    mov ecx, PAGES
    rep stosd
    mov eax, cr3
    mov cr3, eax
    mov PAGE, FRESH
    ret

/* A fresh page to ESI; it comes when it is touched. */
take:
    mov esi, PAGE
    add PAGE, 0x1000
    cmp MISSING, 0
    je 1f
    mov eax, esi
    shr eax, 10
    add eax, PAGE_TABLE
    mov [fixup_at], eax
    mov dword ptr [fixup_value], FRAME + P + W + U
1:  ret

.macro flag number, place
    test ebx, 1 << \number
    jz 9f
    or eax, 1 << \place
9:
.endm

flags:
    mov ebx, 127
1:  call take
    xor eax, eax
    flag 0, 0
    flag 1, 2
    flag 2, 4
    flag 3, 6
    flag 4, 7
    flag 5, 10
    flag 6, 11
    mov WANT, eax
    mov ecx, 0x8C0000C1
    mov edx, 0x80D000D2
    mov ebp, 0x8B0000B3
    mov edi, 0x8D1000D4
    push eax
    popfd
    mov eax, [esi + 8]
    pushfd
    cld
    pop eax
    and eax, EFLAGS
    CHECK_EQ(eax, WANT)
    CHECK_EQ(ecx, 0x8C0000C1)
    CHECK_EQ(edx, 0x80D000D2)
    CHECK_EQ(ebp, 0x8B0000B3)
    CHECK_EQ(edi, 0x8D1000D4)
    lea eax, [esi + 0x1000]
    CHECK_EQ(eax, PAGE)
    CHECK_EQ(esp, STACK0 - 8)
    dec ebx
    jns 1b
    ret

.macro pattern reg, n
    mov eax, 0x01010101 * \n
    add eax, SEED
    movd \reg, eax
    pshufd \reg, \reg, 0x93
    paddd \reg, \reg
.endm

set_fpu:
    fninit
    mov CONTROL, 0x0A7F /* 53 bits, upwards */
    fldcw CONTROL
    fldpi
    fldl2e
    fldln2
    fldlg2
    fld1
    fcom st(1)
    mov MXCSR, 0xFFA5 /* to zero, flush to zero, three flags */
    pattern xmm0, 1
    pattern xmm1, 2
    pattern xmm2, 3
    pattern xmm3, 4
    pattern xmm4, 5
    pattern xmm5, 6
    pattern xmm6, 7
    pattern xmm7, 8
    cmp AVX, 0
    je 1f
    vinsertf128 ymm0, ymm0, xmm7, 1
    vinsertf128 ymm1, ymm1, xmm6, 1
    vinsertf128 ymm2, ymm2, xmm5, 1
    vinsertf128 ymm3, ymm3, xmm4, 1
    vinsertf128 ymm4, ymm4, xmm3, 1
    vinsertf128 ymm5, ymm5, xmm2, 1
    vinsertf128 ymm6, ymm6, xmm1, 1
    vinsertf128 ymm7, ymm7, xmm0, 1
1:  ldmxcsr MXCSR
    ret

/* The FPU to the place at EDI. */
keep:
    fxsave [edi]
    cmp AVX, 0
    je 1f
    vmovups [edi + YMM], ymm0
    vmovups [edi + YMM + 32], ymm1
    vmovups [edi + YMM + 64], ymm2
    vmovups [edi + YMM + 96], ymm3
    vmovups [edi + YMM + 128], ymm4
    vmovups [edi + YMM + 160], ymm5
    vmovups [edi + YMM + 192], ymm6
    vmovups [edi + YMM + 224], ymm7
1:  ret

/* The FPU is loaded, and INSN touches a fresh page: all of it is as before, but for pointers. */
.macro keeps line, insn:vararg
    call set_fpu
    mov edi, BEFORE
    call keep
    call take
    movaps xmm0, xmm0
    jmp 1f
1:  movaps xmm1, xmm1
    \insn
    movaps xmm1, xmm1
    call same
    je 2f
    mov eax, \line
    out RIG_PORT_FAIL, eax
2:
.endm
#define KEEPS(...) keeps __LINE__, __VA_ARGS__

/* ZF: all of it is as in BEFORE. */
same:
    mov edi, AFTER
    call keep
    mov esi, BEFORE
    mov edi, AFTER
    mov ecx, 6
    repe cmpsb
    jne 1f
    mov esi, BEFORE + 24
    mov edi, AFTER + 24
    mov ecx, (288 - 24) / 4
    repe cmpsd
    jne 1f
    cmp AVX, 0
    je 1f
    mov esi, BEFORE + YMM
    mov edi, AFTER + YMM
    mov ecx, 256 / 4
    repe cmpsd
1:  ret

fpu:
    mov ebx, 12
fpu_again:
    mov SEED, ebx
    KEEPS(mov eax, [esi])
    KEEPS(mov [esi + 4], eax)
    KEEPS(movups [esi + 16], xmm3)
    KEEPS(fst dword ptr [esi + 32])
    KEEPS(add dword ptr [esi + 4], 1)
    KEEPS(push dword ptr [esi + 8]; pop eax)
    /* registers that are nowhere else */
    add SEED, 0x1000
    call set_fpu
    call take
    mov eax, [esi]
    addps xmm2, xmm3
    mov edi, BEFORE
    call keep
    call set_fpu
    addps xmm2, xmm3
    call same
    CHECK(e)
    dec ebx
    jnz fpu_again
    ret

/* It is not loaded, and comes in behind. */
idle_fpu:
    mov ebx, 12
1:  call set_fpu
    mov edi, BEFORE
    call keep
    call take
    mov eax, cr2 /* by way of the hub */
    in al, 0x80
    mov eax, [esi]
    mov eax, [esi + 4]
    call same
    CHECK(e)
    dec ebx
    jnz 1b
    ret
