/* Corners of the instruction set: LOCK, length, undefined opcodes, ICEBP, which exception comes
 * first, double faults, and registers that only store (SDM vol. 2 LOCK, 2.3.11; vol. 3A 6.9, 6.15,
 * 11.11, 11.12). */
#include "tests/guest/protected.h"

#define SMALL 0x41 /* a data segment of 4 KiB, DPL 1 */

main:
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    mov ebp, 2
again:
    call locks
    call lengths
    call undefined
    call aliases
    call icebp
    call priorities
    call double_faults
    call storage
    call counters
    TO_RING3
    call locks
    call lengths
    call undefined
    call aliases
    call user_icebp
    call user_priorities
    call user_counters
    TO_RING0
    call open_counters
    dec ebp
    jnz again
    END

locks:
    mov ebx, offset area
    mov dword ptr [ebx], 0x10
    mov eax, 1
    mov ecx, 2
    lock add [ebx], eax
    lock or byte ptr [ebx], 4
    lock adc [ebx], ecx
    lock sbb word ptr [ebx], 1
    lock and dword ptr [ebx], 0xFF
    lock sub dword ptr [ebx], 1
    lock xor dword ptr [ebx], 0x80
    lock inc dword ptr [ebx]
    lock dec byte ptr [ebx]
    lock not dword ptr [ebx]
    lock neg dword ptr [ebx]
    CHECK_EQ(dword ptr [ebx], 0x96)
    lock bts dword ptr [ebx], 8
    lock btr [ebx], eax
    lock btc dword ptr [ebx], 4
    CHECK_EQ(dword ptr [ebx], 0x184)
    lock xadd [ebx], ecx
    CHECK_EQ(ecx, 0x184)
    mov eax, 0x186
    lock cmpxchg [ebx], eax
    CHECK(z)
    lock xchg [ebx], ecx
    CHECK_EQ(ecx, 0x186)
    /* to a register, or no store, or not on the list */
    FAULTS(6, .byte 0xF0; mov eax, eax)
    FAULTS(6, .byte 0xF0; mov [ebx], eax)
    FAULTS(6, .byte 0xF0; add eax, ecx)
    FAULTS(6, .byte 0xF0; add eax, [ebx])
    FAULTS(6, .byte 0xF0; cmp [ebx], eax)
    FAULTS(6, .byte 0xF0; cmp dword ptr [ebx], 5)
    FAULTS(6, .byte 0xF0; test [ebx], eax)
    FAULTS(6, .byte 0xF0; bt dword ptr [ebx], 3)
    FAULTS(6, .byte 0xF0; bts eax, 3)
    FAULTS(6, .byte 0xF0; inc eax)
    FAULTS(6, .byte 0xF0, 0xFF, 0xC0)
    FAULTS(6, .byte 0xF0; shl dword ptr [ebx], 1)
    FAULTS(6, .byte 0xF0; xchg eax, ecx)
    FAULTS(6, .byte 0xF0, 0x87, 0xC8)
    FAULTS(6, .byte 0xF0; xadd eax, ecx)
    FAULTS(6, .byte 0xF0; push eax)
    FAULTS(6, .byte 0xF0; movsd)
    FAULTS(6, .byte 0xF0; nop)
    FAULTS(6, .byte 0xF0; jmp 1f)
1:  FAULTS(6, .byte 0xF0, 0x0F, 0x20, 0xC0) /* MOV CR8 on AMD's, which no model is */
    FAULTS(6, .byte 0xF0, 0x0F, 0x22, 0xC0)
    FAULTS(6, .byte 0xF0; fld dword ptr [ebx])
    FAULTS(6, .byte 0xF0; imul eax, [ebx])
    FAULTS(6, .byte 0xF0; lea eax, [ebx])
    FAULTS(6, .byte 0xF0; cli)
    FAULTS(6, .byte 0xF0; int 0x80)
    ret

lengths:
    mov ebx, 0x12345678
    xor eax, eax
    .fill 13, 1, 0x3E
    mov eax, ebx
    CHECK_EQ(eax, 0x12345678)
    FAULTS_WITH(13, 0, .fill 14, 1, 0x3E; mov eax, ebx)
    .fill 4, 1, 0x66
    .fill 10, 1, 0x3E
    nop
    .fill 9, 1, 0x64
    .byte 0x3E, 0xB8 /* ten prefixes and five bytes: 15 */
    .long 0x11223344
    CHECK_EQ(eax, 0x11223344)
    FAULTS_WITH(13, 0, .fill 11, 1, 0x3E; .byte 0xB8; .long 0x11223344)
    FAULTS_WITH(13, 0, .fill 15, 1, 0x66; nop)
    FAULTS_WITH(13, 0, .fill 14, 1, 0x66; ud2) /* too long comes first */
    ret

undefined:
    mov ebx, offset area
    FAULTS(6, ud2)
    FAULTS(6, .byte 0x0F, 0xB9, 0xC0) /* UD1 */
    FAULTS(6, .byte 0x0F, 0xB9, 0x03)
    FAULTS(6, .byte 0x0F, 0xFF, 0xC0) /* UD0 */
    FAULTS(6, .byte 0x0F, 0x0A)
    FAULTS(6, .byte 0x0F, 0x04)
    FAULTS(6, rsm)                    /* outside of system management mode */
    FAULTS(6, .byte 0x8D, 0xC0)       /* LEA of a register */
    ret

/* Encodings without a name in the manual's index that every processor carries out, and prefixes
 * that make an instruction undefined. */
aliases:
    stc
    .byte 0xD6 /* SALC */
    CHECK_EQ(al, 0xFF)
    clc
    .byte 0xD6
    CHECK_EQ(al, 0)
    mov eax, 0x80000011
    .byte 0xD1, 0xF0 /* SHL by /6 */
    CHECK(o)
    CHECK_EQ(eax, 0x22)
    .byte 0xC0, 0xF0, 3
    CHECK_EQ(eax, 0x10)
    mov cl, 4
    .byte 0xD3, 0xF0
    CHECK_EQ(eax, 0x100)
    .byte 0xD0, 0xF4
    CHECK_EQ(eax, 0x200)
    mov ebx, offset area
    mov dword ptr [ebx], 0x81
    .byte 0xD2, 0x33
    CHECK_EQ(dword ptr [ebx], 0x10)
    .byte 0x82, 0x03, 0xFF /* ADD as 80h has it */
    CHECK_EQ(dword ptr [ebx], 0x0F)
    .byte 0x82, 0x3B, 0x0F
    CHECK(e)
    .byte 0xF6, 0x0B, 0xF0 /* TEST by /1 */
    CHECK(z)
    .byte 0xF7, 0x0B
    .long 0x10000001
    CHECK(nz)
    mov eax, 0x80
    .byte 0xF6, 0xC8, 0x80
    CHECK(s)
    /* hints take any operand and touch nothing */
    .byte 0x0F, 0x1F, 0x05
    .long 0xFFFFFFFF
    .byte 0x0F, 0x18, 0x0D
    .long 0xFFFFFFFF
    .byte 0x0F, 0x0D, 0x0D
    .long 0xFFFFFFFF
    /* no prefixes with 0F AE */
    mov ebx, offset fx_area
    fxsave [ebx]
    fxrstor [ebx]
    FAULTS(6, .byte 0x66; fxsave [ebx])
    FAULTS(6, .byte 0xF2; fxsave [ebx])
    FAULTS(6, .byte 0xF3; fxrstor [ebx])
    FAULTS(6, .byte 0x66; clflush [ebx])
    clflush [ebx]
    ret

/* INT1 is #DB by gate 1, whatever its DPL; it sets nothing in DR6. */
icebp:
    GATE(1, on_icebp, 0)
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    mov dword ptr [icebps], 0
    .byte 0xF1
1:  CHECK_EQ(dword ptr [icebps], 1)
    CHECK_EQ(dword ptr [icebp_eip], offset 1b)
    mov eax, dr6
    CHECK_EQ(eax, 0xFFFF0FF0)
    ret

user_icebp:
    mov dword ptr [icebps], 0
    .byte 0xF1
1:  CHECK_EQ(dword ptr [icebps], 1)
    CHECK_EQ(dword ptr [icebp_eip], offset 1b)
    FAULTS_WITH(13, 1 * 8 + 2, .byte 0xCD, 1) /* INT 1 is another thing */
    ret

on_icebp:
    inc dword ptr ss:[icebps]
    push eax
    mov eax, [esp + 4]
    mov ss:[icebp_eip], eax
    pop eax
    iretd
icebps: .long 0
icebp_eip: .long 0

/* Invalid before not available, not available before the operand's fault, the operand's before the
 * operation's. */
priorities:
    SEGMENT(SMALL, 0, 0xFFF, 0xB3, 4)
    mov ax, SMALL
    mov fs, ax
    mov eax, cr0
    or eax, 8 /* TS */
    mov cr0, eax
    FAULTS(6, .byte 0xF0; fldz)
    FAULTS(7, fld dword ptr fs:[0x2000])
    FAULTS(7, movups xmm0, fs:[0x2000])
    FAULTS(6, .byte 0xF0; fld dword ptr fs:[0x2000])
    clts
    FAULTS_WITH(13, 0, fld dword ptr fs:[0x2000])
    FAULTS_WITH(13, 0, clflush fs:[0x2000])
    clflush fs:[0xFFF]
    xor ecx, ecx
    FAULTS_WITH(13, 0, div dword ptr fs:[0x2000])
    FAULTS(0, div ecx)
    FAULTS(6, .byte 0x0F, 0x22, 0xE8)             /* MOV CR5 */
    mov ax, DATA0
    mov fs, ax
    ret

user_priorities:
    FAULTS(6, .byte 0x0F, 0x22, 0xE8)             /* no such register, before no right */
    FAULTS(6, .byte 0xF0, 0x0F, 0x22, 0xC0)
    FAULTS_WITH(13, 0, mov cr0, eax)
    FAULTS_WITH(13, 0, hlt)
    FAULTS_WITH(13, 0, lgdt [area])
    FAULTS_WITH(13, 0, lidt [0xFFFFFFFF])         /* the right before the operand */
    FAULTS_WITH(13, 0, invlpg [area])
    FAULTS_WITH(13, 0, wbinvd)
    FAULTS_WITH(13, 0, clts)
    FAULTS_WITH(13, 0, rdmsr)
    FAULTS_WITH(13, 0, mov dr0, eax)
    FAULTS_WITH(13, 0, ltr ax)
    FAULTS_WITH(13, 0, lmsw ax)
    ret

/* Benign, contributory: table 6-5. */
double_faults:
    mov ecx, 0xFFF8
    mov byte ptr [idt + 13 * 8 + 5], 0 /* no gate for #GP */
    FAULTS_WITH(8, 0, mov es, ecx)
    FAULTS_WITH(8, 0, int 0x50) /* beyond: #GP, and then again */
    mov byte ptr [idt + 13 * 8 + 5], 0x8E
    mov byte ptr [idt + 0 * 8 + 5], 0
    xor ecx, ecx
    FAULTS_WITH(8, 0, div ecx) /* #DE, #GP */
    mov byte ptr [idt + 0 * 8 + 5], 0x0E
    FAULTS_WITH(8, 0, div ecx) /* #DE, #NP */
    mov byte ptr [idt + 0 * 8 + 5], 0x8E
    mov byte ptr [idt + 6 * 8 + 5], 0
    FAULTS_WITH(13, 6 * 8 + 3, ud2) /* benign, then #GP: no double fault */
    mov byte ptr [idt + 6 * 8 + 5], 0x0E
    FAULTS_WITH(11, 6 * 8 + 3, ud2)
    mov byte ptr [idt + 6 * 8 + 5], 0x8E
    FAULTS(6, ud2)
    ret

#define STORES(msr, low, high)                                                                     \
    mov ecx, msr; mov eax, low; mov edx, high; wrmsr; xor eax, eax; xor edx, edx; rdmsr;           \
    CHECK_EQ(eax, low); CHECK_EQ(edx, high)
#define REFUSES(msr, low, high)                                                                    \
    mov ecx, msr; mov eax, low; mov edx, high; FAULTS_WITH(13, 0, wrmsr)

storage:
    mov eax, 1
    cpuid
    mov [features], edx
    test edx, 1 << 16 /* PAT */
    jz 1f
    STORES(0x277, 0x00070106, 0x05040006)
    REFUSES(0x277, 0x00070102, 0) /* 2 and 3 are no types */
    REFUSES(0x277, 0, 0x03000000)
    STORES(0x277, 0x00070406, 0x00070406)
1:  test dword ptr [features], 1 << 12 /* MTRR */
    jz 2f
    mov ecx, 0xFE
    rdmsr
    and eax, 0xFF
    CHECK_NE(eax, 0)
    STORES(0x200, 0x80000006, 0)
    STORES(0x201, 0xF0000800, 0xF)
    STORES(0x200, 0, 0)
    STORES(0x201, 0, 0)
    STORES(0x250, 0x06060606, 0x05050505)
    STORES(0x258, 0x01010101, 0)
    STORES(0x259, 0, 0)
    STORES(0x26F, 0x05050505, 0x05050505)
    STORES(0x2FF, 0xC06, 0)
    STORES(0x2FF, 0, 0)
2:  mov ecx, 0x12345678
    FAULTS_WITH(13, 0, rdmsr)
    FAULTS_WITH(13, 0, wrmsr)
    ret
features: .long 0

/* RDTSC and RDPMC: CR4.TSD and CR4.PCE ask for ring 0. */
counters:
    mov eax, cr4
    or eax, 4
    mov cr4, eax
    rdtsc
    mov esi, eax
    mov edi, edx
    rdtsc
    sub eax, esi
    sbb edx, edi
    CHECK(nc) /* never backwards */
    call processor_number
    ret

/* RDTSCP, again and again: ECX from TSC_AUX, the flags as they were. */
processor_number:
    mov eax, 0x80000001
    cpuid
    bt edx, 27
    jnc 2f
    mov ecx, 0xC0000103
    mov eax, 0x12345678
    xor edx, edx
    wrmsr
    mov ebx, 20
    rdtsc
1:  mov esi, eax
    mov edi, edx
    stc
    rdtscp
    CHECK(c)
    cmp ecx, 0x12345678
    CHECK(z)
    sub eax, esi
    sbb edx, edi
    CHECK(nc)
    add eax, esi
    adc edx, edi
    dec ebx
    jnz 1b
    mov byte ptr [rdtscp_known], 1
2:  ret
rdtscp_known: .long 0

user_counters:
    FAULTS_WITH(13, 0, rdtsc)
    cmp byte ptr [rdtscp_known], 0
    jz 1f
    FAULTS_WITH(13, 0, rdtscp)
1:
    xor ecx, ecx
    FAULTS_WITH(13, 0, rdpmc)
    ret

/* Back in ring 0: let everybody. */
open_counters:
    mov eax, cr4
    and eax, ~4
    or eax, 0x100
    mov cr4, eax
    TO_RING3
    rdtsc
    xor ecx, ecx
    rdpmc
    mov ecx, 0x123
    FAULTS_WITH(13, 0, rdpmc)
    TO_RING0
    mov eax, cr4
    and eax, ~0x100
    mov cr4, eax
    ret

    .balign 16
area: .fill 64, 1, 0
fx_area: .fill 512, 1, 0
