/* x87, MMX and SSE: availability by TS, EM and MP; state over exits to the VMM; numeric
 * exceptions with CR0.NE and without; SIMD exceptions (SDM vol. 1 8.7, 11.5; vol. 3A table 2-2,
 * 12.1, 13.1). */
#include "tests/guest/protected.h"

#define MP 2
#define EM 4
#define TS 8
#define NE 0x20
#define CR0_BITS(set) mov eax, cr0; and eax, ~(MP | EM | TS); or eax, set; mov cr0, eax

main:
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    fninit
    mov ebp, 2
again:
    call availability
    call kept_over_exits
    call values
    call numeric_errors
    call external_errors
    call simd_errors
    call environments
    call environments_again
    call pointers
    call fxsave_images
    call user_mode
    dec ebp
    jnz again
    END

availability:
    mov ecx, 2
1:  CR0_BITS(TS)
    FAULTS(7, fldpi)
    FAULTS(7, fnstcw [area])
    FAULTS(7, movd mm0, eax)
    FAULTS(7, addps xmm0, xmm1)
    FAULTS(7, fxsave [area])
    FAULTS(7, fnsave [area])
    FAULTS(7, ldmxcsr [area])
    fwait
    CR0_BITS(TS | MP)
    FAULTS(7, fwait)
    FAULTS(7, fnclex)
    CR0_BITS(MP)
    fwait
    fninit
    CR0_BITS(EM)
    FAULTS(7, fldz)
    FAULTS(6, paddb mm0, mm1)
    FAULTS(6, movups xmm0, [area])
    FAULTS(6, stmxcsr [area])
    fwait
    CR0_BITS(EM | TS)
    FAULTS(7, fldz)
    FAULTS(6, paddb mm0, mm1)
    CR0_BITS(TS)
    clts
    fldz
    fstp st(0)
    mov eax, cr4
    and eax, ~0x200 /* OSFXSR */
    mov cr4, eax
    FAULTS(6, addps xmm0, xmm1)
    FAULTS(6, paddd xmm0, xmm1)
    paddd mm0, mm1
    emms
    movnti [area], eax
    or eax, 0x200
    mov cr4, eax
    addps xmm0, xmm1
    dec ecx
    jnz 1b
    ret

/* Lazy switching as systems do it: TS, #NM, CLTS, go on. */
kept_over_exits:
    fninit
    fldpi
    fld1
    mov eax, 0x3F800000
    movd xmm5, eax
    pshufd xmm5, xmm5, 0
    mov dword ptr [area], 0x7F80
    mov word ptr [area + 4], 0x0F7F /* round towards zero */
    ldmxcsr [area]
    fldcw [area + 4]
    cpuid
    in al, RIG_PORT_VALUE
    rdtsc
    FAULTS(6, ud2)
    mov eax, cr3
    mov cr3, eax
    mov eax, cr0
    or eax, TS
    mov cr0, eax
    clts
    mov ecx, 10
1:  out RIG_PORT_KICK, al
    fadd st(0), st(0)
    addps xmm5, xmm5
    in al, RIG_PORT_VALUE
    dec ecx
    jnz 1b
    fistp dword ptr [area + 8]
    CHECK_EQ(dword ptr [area + 8], 1024)
    fld st(0)
    fistp dword ptr [area + 8]
    CHECK_EQ(dword ptr [area + 8], 3)
    fchs
    fistp dword ptr [area + 8]
    CHECK_EQ(dword ptr [area + 8], -3) /* towards zero */
    movd eax, xmm5
    CHECK_EQ(eax, 0x44800000)
    stmxcsr [area + 12]
    CHECK_EQ(dword ptr [area + 12], 0x7F80)
    fnstcw [area + 12]
    CHECK_EQ(word ptr [area + 12], 0x0F7F)
    fnstsw ax
    and ax, 0x3800
    CHECK(z)
    mov dword ptr [area], 0x1F80
    ldmxcsr [area]
    fninit
    ret

/* The hardware's own 80 bits. */
values:
    fldpi
    fstp tbyte ptr [area]
    CHECK_EQ(dword ptr [area], 0x2168C235)
    CHECK_EQ(dword ptr [area + 4], 0xC90FDAA2)
    CHECK_EQ(word ptr [area + 8], 0x4000)
    fld1
    fldl2e
    fscale
    f2xm1
    fstp tbyte ptr [area]
    fstp st(0)
    mov dword ptr [area], 0x89ABCDEF
    mov dword ptr [area + 4], 0x01234567
    fild qword ptr [area]
    fbstp [area + 16]
    CHECK_EQ(dword ptr [area + 16], 0x16486895)
    fild qword ptr [area]
    fistp qword ptr [area + 32]
    CHECK_EQ(dword ptr [area + 32], 0x89ABCDEF)
    CHECK_EQ(dword ptr [area + 36], 0x01234567)
    mov dword ptr [area], 1 /* a denormal single */
    fld dword ptr [area]
    fstp tbyte ptr [area + 16]
    CHECK_EQ(word ptr [area + 24], 0x3F6A)
    fnstsw ax
    test al, 2
    CHECK(nz)
    fnclex
    ret

/* CR0.NE: #MF at the next waiting instruction. */
numeric_errors:
    fninit
    mov word ptr [area], 0x037B /* zero divide not masked */
    fldcw [area]
    fld1
    fldz
    fdivp
    nop
    fnstsw ax
    CHECK_EQ(al, 0x84)
    fnstcw [area + 4]
    FAULTS(16, fld1)
    FAULTS(16, fwait)
    FAULTS(16, fadd st(0), st(0))
    FAULTS(16, fstp qword ptr [area + 8])
    FAULTS(16, paddb mm0, mm1)
    FAULTS(16, emms)
    addps xmm0, xmm0 /* not SSE's business */
    fnclex
    fwait
    fnstsw ax
    CHECK_EQ(al, 0)
    fninit
    /* an unmasked invalid operation on a store leaves memory alone */
    mov word ptr [area], 0x037E
    fldcw [area]
    mov dword ptr [area + 8], 0x5A5A5A5A
    fldpi
    fstp st(0)
    fist dword ptr [area + 8] /* empty stack */
    CHECK_EQ(dword ptr [area + 8], 0x5A5A5A5A)
    FAULTS(16, fwait)
    fnsave [area + 64]
    fwait
    /* loading a state with an exception pending raises at the next */
    frstor [area + 64]
    FAULTS(16, fwait)
    fninit
    ret

/* Without NE the error goes out by FERR#; its interrupt comes before the waiting instruction, which
 * is carried out when IGNNE# is asserted through port F0h. */
external_errors:
    GATE(0x75, on_irq13, 0)
    mov al, 0x75
    out RIG_PORT_FERR, al
    mov eax, cr0
    and eax, ~NE
    mov cr0, eax
    mov dword ptr [irqs], 0
    mov word ptr [area], 0x037B
    fldcw [area]
    fld1
    fldz
    fdivp
    sti
    nop
1:  fwait
    cli
    CHECK_EQ(dword ptr [irqs], 1)
    CHECK_EQ(dword ptr [irq_eip], offset 1b)
    in al, RIG_PORT_FERR
    CHECK_EQ(al, 0)
    fnstsw ax
    CHECK_EQ(al, 0)
    mov eax, cr0
    or eax, NE
    mov cr0, eax
    fninit
    ret
on_irq13:
    push eax
    in al, RIG_PORT_FERR
    CHECK_NE(al, 0)
    mov al, 0
    out 0xF0, al
    fnclex
    inc dword ptr [irqs]
    mov eax, [esp + 4]
    mov [irq_eip], eax
    pop eax
    iretd
irqs: .long 0
irq_eip: .long 0

simd_errors:
    mov dword ptr [area], 0x1D80 /* zero divide not masked */
    ldmxcsr [area]
    mov eax, 0x3F800000
    movd xmm0, eax
    xorps xmm1, xmm1
    movaps xmm2, xmm0
    FAULTS(19, divss xmm2, xmm1)
    movd ecx, xmm2
    CHECK_EQ(eax, eax)
    CHECK_EQ(ecx, 0x3F800000)
    stmxcsr [area + 4]
    test dword ptr [area + 4], 4
    CHECK(nz)
    mov dword ptr [area], 0x1D80
    ldmxcsr [area]
    mov dword ptr [area + 16], 0
    FAULTS(19, divss xmm2, [area + 16])
    mov eax, cr4
    and eax, ~0x400 /* OSXMMEXCPT */
    mov cr4, eax
    FAULTS(6, divss xmm2, xmm1)
    or eax, 0x400
    mov eax, cr4
    or eax, 0x400
    mov cr4, eax
    mov dword ptr [area], 0x1F80
    ldmxcsr [area]
    divss xmm2, xmm1
    movd ecx, xmm2
    CHECK_EQ(ecx, 0x7F800000)
    mov dword ptr [area], 0xFFFF1F80
    FAULTS_WITH(13, 0, ldmxcsr [area])
    mov dword ptr [area], 0x1F80
    ldmxcsr [area]
    /* alignment is the instruction's own */
    FAULTS_WITH(13, 0, movaps xmm0, [area + 4])
    FAULTS_WITH(13, 0, movaps [area + 8], xmm0)
    FAULTS_WITH(13, 0, addps xmm0, [area + 4])
    FAULTS_WITH(13, 0, fxsave [area + 4])
    movups xmm0, [area + 4]
    ret

/* FNSTENV, FNSAVE, FRSTOR of 28 and 14 bytes; no address of the host in them. */
environments:
    fninit
    fld1
    fldz
    fstp qword ptr [area + 200]
1:  fld1
    fnstenv [area]
    CHECK_EQ(word ptr [area], 0x037F)
    CHECK_EQ(word ptr [area + 4], 0x3000)
    CHECK_EQ(word ptr [area + 8], 0x0FFF) /* two valid registers */
    CHECK_EQ(word ptr [area + 14], 0) /* the upper half of the instruction pointer */
    fninit
    fld1
    fnsave [area]
    CHECK_EQ(word ptr [area + 8], 0x3FFF)
    CHECK_EQ(dword ptr [area + 28 + 4], 0x80000000)
    CHECK_EQ(word ptr [area + 28 + 8], 0x3FFF)
    fnstsw ax
    CHECK_EQ(ax, 0)
    frstor [area]
    fistp dword ptr [area + 200]
    CHECK_EQ(dword ptr [area + 200], 1)
    fldpi
    .byte 0x66
    fnsave [area]
    CHECK_EQ(word ptr [area + 4], 0x3FFF)
    CHECK_EQ(dword ptr [area + 14 + 4], 0xC90FDAA2)
    .byte 0x66
    frstor [area]
    fistp dword ptr [area + 200]
    CHECK_EQ(dword ptr [area + 200], 3)
    mov word ptr [area + 100], 0x0C7F
    fldcw [area + 100]
    fnstenv [area]
    fninit
    fldenv [area]
    fnstcw [area + 104]
    CHECK_EQ(word ptr [area + 104], 0x0C7F)
    /* what was loaded is kept, and FNINIT clears it */
    mov dword ptr [area + 12], 0x12345678
    mov dword ptr [area + 20], 0x9ABCDEF0
    fldenv [area]
    fnstenv [area + 28]
    CHECK_EQ(dword ptr [area + 28 + 12], 0x12345678)
    CHECK_EQ(dword ptr [area + 28 + 20], 0x9ABCDEF0)
    fninit
    fnstenv [area]
    CHECK_EQ(dword ptr [area + 12], 0)
    CHECK_EQ(dword ptr [area + 16], 0)
    CHECK_EQ(dword ptr [area + 20], 0)
    CHECK_EQ(word ptr [area + 24], 0)
    CHECK_EQ(word ptr [area + 8], 0xFFFF)
    fninit
    ret

/* The same while the registers are loaded, as MOVUPS sees to it, and no other x87 instruction between. */
environments_again:
    fninit
    fldpi
    fld1
    fnstenv [area]
    mov ecx, 6
1:  mov [area + 12], ecx
    mov word ptr [area + 16], cx
    mov word ptr [area + 18], cx
    mov [area + 20], ecx
    mov word ptr [area + 24], cx
    movups xmm0, [area + 100]
    fldenv [area]
    movups xmm0, [area + 100]
    mov dword ptr [area + 28 + 24], 0
    fnstenv [area + 28]
    mov esi, offset area
    lea edi, [esi + 28]
    push ecx
    mov ecx, 7
    repe cmpsd
    CHECK_EQ(ecx, 0)
    mov eax, [esi - 4]
    CHECK_EQ(eax, [edi - 4])
    pop ecx
    dec ecx
    jnz 1b
    fistp dword ptr [area + 200]
    CHECK_EQ(dword ptr [area + 200], 1)
    fistp dword ptr [area + 200]
    CHECK_EQ(dword ptr [area + 200], 3)
    /* all exceptions masked by the one, waiting after the other; TOP and tags change */
    mov ecx, 6
1:  fninit
    mov word ptr [area + 100], 0x0341
    fldcw [area + 100]
    fnstenv [area]
    movups xmm0, [area + 104]
    fnstenv [area + 28]
    CHECK_EQ(word ptr [area], 0x0341)
    CHECK_EQ(word ptr [area + 28], 0x037F)
    mov dword ptr [area + 28], 0x037B /* ZM clear */
    mov dword ptr [area + 32], 0x2804 /* ZE, TOP 5 */
    mov dword ptr [area + 36], 0x03FF /* three are valid */
    movups xmm0, [area + 104]
    fldenv [area + 28]
    fnstsw ax
    CHECK_EQ(ax, 0xA884) /* ES and B are set */
    FAULTS(16, fldenv [area])
    fnclex
    movups xmm0, [area + 104]
    fnstenv [area]
    CHECK_EQ(dword ptr [area + 4], 0xFFFF2800)
    dec ecx
    jnz 1b
    fninit
    ret

/* The last instruction and operand; some hosts forget them when the state is put away, some keep the
 * operand of instructions alone that raise exceptions (CPUID leaf 7 EBX bit 6). */
#define POINTERS(instruction, operand)                                                             \
    fninit;                                                                                        \
    movups xmm0, [area + 104];                                                                     \
94: instruction;                                                                                   \
    fnstenv [area];                                                                                \
    mov eax, [area + 12];                                                                          \
    test eax, eax;                                                                                 \
    jz 95f;                                                                                        \
    CHECK_EQ(eax, offset 94b);                                                                     \
    mov eax, [area + 20];                                                                          \
    test eax, eax;                                                                                 \
    jz 95f;                                                                                        \
    CHECK_EQ(eax, operand);                                                                        \
    mov ax, cs;                                                                                    \
    CHECK_EQ(word ptr [area + 16], ax);                                                            \
95:

pointers:
    fldz
    fstp qword ptr [area + 200]
    mov ebx, offset area
    mov ecx, 6
1:  POINTERS(fld qword ptr [area + 200], offset area + 200)
    POINTERS(fild dword ptr [ebx + 204], offset area + 204)
    POINTERS(fldpi, 0)
    dec ecx
    jnz 1b
    fninit
    ret

fxsave_images:
    fninit
    fldpi
    mov eax, 0x12345678
    movd xmm7, eax
    fxsave [area]
    CHECK_EQ(word ptr [area], 0x037F)
    CHECK_EQ(byte ptr [area + 4], 0x80) /* one register in use */
    CHECK_EQ(dword ptr [area + 32 + 4], 0xC90FDAA2)
    CHECK_EQ(dword ptr [area + 160 + 7 * 16], 0x12345678)
    CHECK_EQ(dword ptr [area + 24], 0x1F80)
    CHECK_NE(dword ptr [area + 28], 0)
    fninit
    xorps xmm7, xmm7
    fxrstor [area]
    movd eax, xmm7
    CHECK_EQ(eax, 0x12345678)
    fistp dword ptr [area + 200]
    CHECK_EQ(dword ptr [area + 200], 3)
    mov dword ptr [area + 24], 0xFFFFFFFF
    FAULTS_WITH(13, 0, fxrstor [area])
    movd eax, xmm7
    CHECK_EQ(eax, 0x12345678)
    /* MMX and x87 share registers */
    fninit
    mov eax, 0x55
    movd mm0, eax
    fnstenv [area]
    mov al, [area + 8]
    and al, 3
    CHECK_EQ(al, 2) /* in use, and no number */
    emms
    fnstenv [area]
    CHECK_EQ(word ptr [area + 8], 0xFFFF)
    fninit
    ret

user_mode:
    fninit
    fldpi
    TO_RING3
    fld1
    faddp
    movups xmm3, xmm7
    FAULTS(6, ud2)
    fistp dword ptr [area]
    CHECK_EQ(dword ptr [area], 4)
    TO_RING0
    movd eax, xmm3
    CHECK_EQ(eax, 0x12345678)
    CR0_BITS(TS)
    TO_RING3
    FAULTS(7, fld1)
    TO_RING0
    clts
    ret

    .balign 16
area:
    .fill 512, 1, 0
