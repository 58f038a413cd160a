/* Exceptions in the middle of an instruction leave registers and flags as before it, and the
 * instruction can run again (SDM vol. 3A 6.5, 6.8).  Everything runs in ring 3, so that the stack
 * itself may be what is missing.
 *
 * 301000h is never mapped but to mend a fault; 300000h and 302000h are; 303000h is read-only. */
#include "tests/guest/protected.h"
#include "tests/guest/paging.h"

#define HOLE   0x301000
#define BELOW  0x300000
#define ABOVE  0x302000
#define RDONLY 0x303000

#define FLAGS_SET 0x881 /* OF, SF, CF: what this compare leaves */
#define SET_FLAGS cmp byte ptr ss:[seven_f], 0xFF
#define SAVE_REGS                                                                                  \
    mov ss:[before_eax], eax; mov ss:[before_ecx], ecx; mov ss:[before_edx], edx;                  \
    mov ss:[before_ebx], ebx; mov ss:[before_ebp], ebp; mov ss:[before_esi], esi;                  \
    mov ss:[before_edi], edi; mov ss:[before_esp], esp
#define SAME(reg) CHECK_EQ(reg, ss:[before_##reg])
#define CHECK_SAME                                                                                 \
    SAME(eax); SAME(ecx); SAME(edx); SAME(ebx); SAME(ebp); SAME(esi); SAME(edi); SAME(esp);        \
    mov ss:[before_eax], eax;                                                                      \
    mov eax, ss:[fault_eflags];                                                                    \
    and eax, 0x8D5;                                                                                \
    CHECK_EQ(eax, FLAGS_SET);                                                                      \
    mov eax, ss:[before_eax]

/* The instruction raises #PF; nothing has changed. */
#define PRECISE(error, cr2, ...)                                                                   \
    SAVE_REGS; SET_FLAGS;                                                                          \
    PAGE_FAULTS(error, cr2, __VA_ARGS__);                                                          \
    CHECK_SAME
/* It faults once, for want of the HOLE, and then runs. */
#define RESTARTS(...)                                                                              \
    mov dword ptr ss:[fixup_value], HOLE + P + W + U;                                              \
    mov dword ptr ss:[fault_count], 0;                                                             \
    mov dword ptr ss:[fixup_at], PTE(HOLE);                                                        \
    SET_FLAGS;                                                                                     \
    __VA_ARGS__
/* After RESTARTS: so it was; and the hole is one again. */
#define REOPEN                                                                                     \
    CHECK_EQ(dword ptr ss:[fault_count], 1);                                                       \
    int 0x42

#define KNOWN                                                                                      \
    mov eax, 0xA0A1A2A3; mov ecx, 0xC0C1C2C3; mov edx, 0xD0D1D2D3; mov ebx, 0xB0B1B2B3;            \
    mov ebp, 0xE0E1E2E3; mov esi, BELOW + 0x100; mov edi, HOLE + 0x10

main:
    call paging_on
    GATE(0x42, open_hole, 3)
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    MAP(HOLE, 0)
    MAP(RDONLY, RDONLY + P + U)
    fninit
    TO_RING3
    call stack_pushes
    call stack_pops
    call strings
    call memory_operands
    call calls
    call stack_runs
    call fpu_stores
    call other_exceptions
    END

/* Several in a row, of which one in the middle faults. */
stack_runs:
    mov [runs_esp], esp
    KNOWN
    mov esp, ABOVE + 4
    RESTARTS(push ecx; push edx; push 7; push ebx)
    mov esi, esp
    mov esp, [runs_esp]
    REOPEN
    CHECK_EQ(esi, ABOVE - 12)
    CHECK_EQ(dword ptr [ABOVE], 0xC0C1C2C3)
    mov dword ptr [PTE(HOLE)], HOLE + P + W + U
    CHECK_EQ(dword ptr [ABOVE - 4], 0xD0D1D2D3)
    CHECK_EQ(dword ptr [ABOVE - 8], 7)
    CHECK_EQ(dword ptr [ABOVE - 12], 0xB0B1B2B3)
    int 0x42
    mov esp, ABOVE + 4
    RESTARTS(push edx; push ecx; call 1f)
1:  mov esi, esp
    mov esp, [runs_esp]
    REOPEN
    CHECK_EQ(esi, ABOVE - 8)
    mov dword ptr [BELOW + 0xFF8], 0x11111111
    mov dword ptr [BELOW + 0xFFC], 0x22222222
    mov dword ptr [PTE(HOLE)], HOLE + P + W + U
    mov dword ptr [HOLE], 0x33333333
    mov dword ptr [HOLE + 4], offset 2f
    int 0x42
    mov esp, BELOW + 0xFF8
    RESTARTS(pop ecx; pop edx; pop ebx; ret)
    FAIL
2:  mov esi, esp
    mov esp, [runs_esp]
    REOPEN
    CHECK_EQ(esi, HOLE + 8)
    CHECK_EQ(ecx, 0x11111111)
    CHECK_EQ(edx, 0x22222222)
    CHECK_EQ(ebx, 0x33333333)
    mov esp, [runs_esp]
    ret
runs_esp: .long 0

open_hole: /* ring 0 */
    push eax
    mov dword ptr ss:[PTE(HOLE)], 0
    invlpg ss:[HOLE]
    pop eax
    iretd

seven_f: .byte 0x7F
    .balign 4
before_eax: .long 0
before_ecx: .long 0
before_edx: .long 0
before_ebx: .long 0
before_ebp: .long 0
before_esi: .long 0
before_edi: .long 0
before_esp: .long 0
caller: .long 0

/* The stack lies just above the hole. */
stack_pushes:
    pop dword ptr [caller]
    KNOWN
    mov esp, ABOVE + 16
    PRECISE(6, HOLE + 0xFFC, pushad)
    RESTARTS(pushad)
    CHECK_EQ(esp, ABOVE - 16)
    CHECK_EQ(dword ptr [ABOVE + 12], 0xA0A1A2A3)
    CHECK_EQ(dword ptr [ABOVE - 4], ABOVE + 16) /* ESP as it was */
    CHECK_EQ(dword ptr [ABOVE - 16], edi)
    REOPEN
    mov esp, ABOVE + 8
    PRECISE(6, HOLE + 0xFFE, pushaw)
    RESTARTS(pushaw)
    CHECK_EQ(esp, ABOVE - 8)
    CHECK_EQ(word ptr [ABOVE - 2], (ABOVE + 8) & 0xFFFF)
    REOPEN
    mov esp, ABOVE
    PRECISE(6, HOLE + 0xFFC, push eax)
    PRECISE(6, HOLE + 0xFFC, push esp)
    PRECISE(6, HOLE + 0xFFE, push ax)
    PRECISE(6, HOLE + 0xFFC, push 5)
    PRECISE(6, HOLE + 0xFFE, pushw 0x1234)
    PRECISE(6, HOLE + 0xFFC, push dword ptr [BELOW])
    PRECISE(6, HOLE + 0xFFC, push ds)
    PRECISE(6, HOLE + 0xFFC, pushfd)
    PRECISE(6, HOLE + 0xFFC, call stack_pushes)
    PRECISE(6, HOLE + 0xFFC, enter 8, 0)
    RESTARTS(enter 8, 0)
    CHECK_EQ(esp, HOLE + 0xFF4)
    CHECK_EQ(ebp, HOLE + 0xFFC)
    CHECK_EQ(dword ptr [ebp], 0xE0E1E2E3)
    REOPEN
    mov ebp, 0xE0E1E2E3
    mov esp, ABOVE + 2 /* half of the dword is there */
    PRECISE(6, HOLE + 0xFFE, push eax)
    mov dword ptr [ABOVE], 0
    mov esp, ABOVE + 2
    RESTARTS(push eax)
    CHECK_EQ(dword ptr [ABOVE - 2], eax)
    REOPEN
    mov esp, ABOVE
    RESTARTS(pushfd)
    mov eax, [ABOVE - 4]
    and eax, 0x8D5
    CHECK_EQ(eax, FLAGS_SET)
    REOPEN
    mov esp, STACK3
    jmp dword ptr [caller]

stack_pops:
    pop dword ptr [caller]
    KNOWN
    mov esp, HOLE - 12
    SAVE_REGS
    SET_FLAGS
    FAULTS_WITH(14, 4, popad) /* which of the five that lie there is left to the processor */
    CHECK_SAME
    and dword ptr [fault_cr2], ~0xFFF
    CHECK_EQ(dword ptr [fault_cr2], HOLE)
    mov dword ptr [HOLE - 12], 1
    mov dword ptr [HOLE - 8], 2
    mov dword ptr [HOLE - 4], 3
    mov esp, HOLE - 12
    RESTARTS(popad)
    CHECK_EQ(edi, 1)
    CHECK_EQ(esi, 2)
    CHECK_EQ(ebp, 3)
    CHECK_EQ(esp, HOLE + 20)
    REOPEN
    KNOWN
    mov esp, HOLE - 6
    PRECISE(4, HOLE, popaw)
    mov esp, HOLE
    PRECISE(4, HOLE, pop eax)
    PRECISE(4, HOLE, pop esp)
    PRECISE(4, HOLE, pop dword ptr [BELOW])
    PRECISE(4, HOLE, popfd)
    PRECISE(4, HOLE, pop es)
    PRECISE(4, HOLE, ret)
    PRECISE(4, HOLE, ret 8)
    PRECISE(4, HOLE, iretd)
    mov esp, HOLE - 2
    PRECISE(4, HOLE, pop eax)
    PRECISE(4, HOLE, ret)
    mov ebp, HOLE + 8
    PRECISE(4, HOLE + 8, leave)
    mov ebp, HOLE - 1
    PRECISE(4, HOLE, leave)
    /* POP to memory: the destination faults, and ESP has not moved */
    mov esp, BELOW + 8
    mov dword ptr [BELOW + 8], 0x55667788
    PRECISE(6, HOLE + 4, pop dword ptr [HOLE + 4])
    PRECISE(6, HOLE + 0x10, pop dword ptr [edi])
    PRECISE(6, HOLE, pop dword ptr [HOLE - 2])
    mov esp, BELOW + 0xFF8
    PRECISE(6, HOLE + 4, pop dword ptr [esp + 8]) /* by the new ESP */
    mov dword ptr [BELOW + 0xFF8], 0x99AABBCC
    mov esp, BELOW + 0xFF8
    RESTARTS(pop dword ptr [esp + 8])
    CHECK_EQ(esp, BELOW + 0xFFC)
    CHECK_EQ(dword ptr [HOLE + 4], 0x99AABBCC)
    REOPEN
    mov esp, STACK3
    jmp dword ptr [caller]

strings:
    KNOWN
    mov edi, HOLE
    PRECISE(6, HOLE, movsd)
    PRECISE(6, HOLE, stosb)
    PRECISE(4, HOLE, scasb)
    PRECISE(4, HOLE, cmpsb)
    mov edi, HOLE - 2
    PRECISE(6, HOLE, movsd)
    PRECISE(6, HOLE, stosd)
    mov esi, HOLE - 1
    mov edi, BELOW
    PRECISE(4, HOLE, movsw)
    PRECISE(4, HOLE, lodsd)
    PRECISE(4, HOLE, cmpsd)
    /* repeated: what was done stays done */
    mov esi, BELOW
    mov edi, HOLE - 8
    mov ecx, 5
    SET_FLAGS
    PAGE_FAULTS(6, HOLE, rep movsd)
    CHECK_EQ(ecx, 3)
    CHECK_EQ(esi, BELOW + 8)
    CHECK_EQ(edi, HOLE)
    mov eax, [fault_eflags]
    and eax, 0x108D5
    CHECK_EQ(eax, FLAGS_SET + 0x10000) /* RF: more is to come */
    mov eax, 0x01010101
    mov edi, HOLE - 3
    mov ecx, 9
    PAGE_FAULTS(6, HOLE, rep stosb)
    CHECK_EQ(ecx, 6)
    CHECK_EQ(edi, HOLE)
    mov edi, HOLE - 3
    mov ecx, 9
    RESTARTS(rep stosb)
    CHECK_EQ(ecx, 0)
    CHECK_EQ(edi, HOLE + 6)
    REOPEN
    std
    mov esi, BELOW + 0x80
    mov edi, ABOVE + 4
    mov ecx, 5
    PAGE_FAULTS(6, ABOVE - 4, rep movsd)
    CHECK_EQ(ecx, 3)
    CHECK_EQ(esi, BELOW + 0x78)
    mov eax, [fault_eflags]
    test eax, 0x400
    CHECK(nz)
    cld
    /* REPE CMPSB that meets the hole before a difference */
    mov dword ptr [BELOW], 0x04030201
    mov dword ptr [HOLE - 4], 0x04030201
    mov esi, BELOW
    mov edi, HOLE - 4
    mov ecx, 20
    PAGE_FAULTS(4, HOLE, repe cmpsb)
    CHECK_EQ(ecx, 16)
    CHECK_EQ(esi, BELOW + 4)
    /* Its EFLAGS are those from before, or of the last comparison: processors differ. */
    ret

memory_operands:
    KNOWN
    PRECISE(4, HOLE + 0x10, mov eax, [edi])
    PRECISE(6, HOLE + 0x10, mov [edi], eax)
    PRECISE(6, HOLE + 0x10, mov [edi], ah)
    PRECISE(6, HOLE + 0x14, mov byte ptr [edi + 4], 1)
    PRECISE(6, HOLE + 0x10, add [edi], eax)
    PRECISE(4, HOLE + 0x10, add eax, [edi])
    PRECISE(4, HOLE + 0x10, cmp [edi], eax)
    PRECISE(6, HOLE + 0x10, shl dword ptr [edi], 3)
    PRECISE(6, HOLE + 0x10, rcr dword ptr [edi], cl)
    PRECISE(6, HOLE + 0x10, neg dword ptr [edi])
    PRECISE(6, HOLE + 0x10, xchg [edi], eax)
    PRECISE(6, HOLE + 0x10, lock xadd [edi], eax)
    PRECISE(6, HOLE + 0x10, setc byte ptr [edi])
    PRECISE(6, HOLE + 0x10, lock cmpxchg8b [edi])
    PRECISE(4, HOLE + 0x10, imul eax, [edi])
    PRECISE(4, HOLE + 0x10, mul dword ptr [edi])
    PRECISE(4, HOLE + 0x10, movzx eax, byte ptr [edi])
    PRECISE(4, HOLE + 0x10, cmovnc eax, [edi]) /* read even when not moved */
    PRECISE(4, HOLE + 0x10, les eax, [edi])
    PRECISE(4, HOLE + 0x10, bound eax, [edi])
    PRECISE(4, HOLE + 0x10, mov es, [edi])
    mov edi, BELOW
    mov ecx, 0x8005
    PRECISE(4, HOLE, bt [edi], ecx)
    PRECISE(6, HOLE, bts [edi], ecx)
    mov edi, ABOVE
    mov ecx, -1
    PRECISE(4, HOLE + 0xFFC, bt [edi], ecx)
    mov ebx, HOLE
    PRECISE(4, HOLE + 0xA3, xlatb)
    mov ebx, 0xB0B1B2B3
    /* read-only: the read half succeeds, nothing else */
    KNOWN
    mov edi, RDONLY + 0x10
    mov edx, [RDONLY + 0x10]
    PRECISE(7, RDONLY + 0x10, xchg [edi], eax)
    PRECISE(7, RDONLY + 0x10, lock xadd [edi], eax)
    PRECISE(7, RDONLY + 0x10, add [edi], eax)
    PRECISE(7, RDONLY + 0x10, inc dword ptr [edi])
    PRECISE(7, RDONLY + 0x10, cmpxchg [edi], ecx) /* written even when not equal */
    PRECISE(7, RDONLY + 0x10, lock cmpxchg8b [edi])
    PRECISE(7, RDONLY + 0x10, bts dword ptr [edi], 3)
    PRECISE(7, RDONLY + 0x10, shld [edi], eax, 3)
    CHECK_EQ(edx, [RDONLY + 0x10])
    /* across the border: nothing of it may be written */
    mov edi, HOLE - 2
    mov dword ptr [HOLE - 4], 0x12345678
    PRECISE(6, HOLE, mov [edi], eax)
    PRECISE(6, HOLE, add [edi], eax)
    PRECISE(6, HOLE, xchg [edi], eax)
    CHECK_EQ(dword ptr [HOLE - 4], 0x12345678)
    mov edi, ABOVE - 2
    PRECISE(6, ABOVE - 2, mov [edi], eax)
    PRECISE(4, ABOVE - 2, mov eax, [edi])
    ret

calls:
    pop dword ptr [caller]
    KNOWN
    mov esp, STACK3
    PRECISE(4, HOLE + 0x10, call dword ptr [edi])
    PRECISE(4, HOLE + 0x10, jmp dword ptr [edi])
    PRECISE(4, HOLE + 0x10, push dword ptr [edi])
    PRECISE(4, HOLE + 0x10, lcall [edi])
    /* target readable, stack missing */
    mov dword ptr [BELOW + 0x20], offset called
    mov edi, BELOW + 0x20
    mov esp, ABOVE
    PRECISE(6, HOLE + 0xFFC, call dword ptr [edi])
    mov eax, offset called
    PRECISE(6, HOLE + 0xFFC, call eax)
    RESTARTS(call dword ptr [edi])
    FAIL
called:
    CHECK_EQ(esp, ABOVE - 4)
    REOPEN
    /* the target itself is missing: its own fault, after the push */
    mov esp, STACK3
    mov eax, HOLE
    mov dword ptr ss:[resume], offset 1f
    call eax
    FAIL
1:  CHECK_EQ(dword ptr [fault_vector], 14)
    CHECK_EQ(dword ptr [fault_eip], HOLE)
    CHECK_EQ(dword ptr [fault_cr2], HOLE)
    CHECK_EQ(dword ptr [fault_error], 4)
    CHECK_EQ(esp, STACK3 - 4)
    mov esp, STACK3
    jmp dword ptr [caller]

/* A store that faults does not pop, and leaves the tags and the status word alone. */
fpu_stores:
    KNOWN
    mov edi, HOLE - 4
    fninit
    fldpi
    fld1
    PRECISE(6, HOLE, fstp tbyte ptr [edi])
    PRECISE(6, HOLE, fstp qword ptr [edi - 2])
    PRECISE(6, HOLE, fistp qword ptr [edi - 2])
    PRECISE(6, HOLE + 4, fst dword ptr [edi + 8])
    PRECISE(6, HOLE, fnstenv [edi])
    PRECISE(6, HOLE, fnsave [edi])
    PRECISE(4, HOLE + 4, fld qword ptr [edi + 8])
    PRECISE(4, HOLE + 4, fadd dword ptr [edi + 8])
    PRECISE(6, HOLE + 4, fnstcw [edi + 8])
    fnstsw [BELOW]
    CHECK_EQ(word ptr [BELOW], 0x3000) /* TOP 6: two values */
    fistp dword ptr [BELOW]
    CHECK_EQ(dword ptr [BELOW], 1)
    fistp dword ptr [BELOW]
    CHECK_EQ(dword ptr [BELOW], 3)
    fld1
    mov edi, HOLE - 4
    RESTARTS(fstp tbyte ptr [edi])
    CHECK_EQ(dword ptr [HOLE], 0x80000000)
    REOPEN
    mov eax, 0x01020304
    movd xmm0, eax
    pshufd xmm0, xmm0, 0
    KNOWN
    mov edi, HOLE - 8
    PRECISE(6, HOLE, movups [edi], xmm0)
    PRECISE(4, HOLE, movups xmm1, [edi])
    PRECISE(6, HOLE + 16, movaps [edi + 24], xmm0)
    PRECISE(4, HOLE, addsd xmm0, [edi + 4])
    ret

#define UNCHANGED(vec, ...) SAVE_REGS; SET_FLAGS; FAULTS(vec, __VA_ARGS__); CHECK_SAME
other_exceptions:
    KNOWN
    mov dword ptr [BELOW], 0
    mov dword ptr [BELOW + 4], 3
    xor ecx, ecx
    UNCHANGED(0, div ecx)
    UNCHANGED(0, idiv cl)
    UNCHANGED(0, div dword ptr [BELOW])
    UNCHANGED(0, aam 0)
    mov ecx, 4
    mov edx, 5
    UNCHANGED(0, div ecx) /* the quotient does not fit */
    UNCHANGED(0, idiv cl)
    UNCHANGED(5, bound edx, [BELOW])
    UNCHANGED(6, ud2)
    UNCHANGED(13, hlt)
    UNCHANGED(13, mov eax, cr0)
    UNCHANGED(13, int 0x50) /* beyond ring 3's gates */
    ret
