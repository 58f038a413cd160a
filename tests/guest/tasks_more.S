/* More of task switches: CR3 and LDT of the new task, the ring-3 caller of a task gate, TSSs of the
 * 286 by every way, nesting, virtual-8086 tasks, breakpoints of the old task, and faults before and
 * after the point of no return (SDM vol. 3A chapter 7, table 7-1). */
#include "tests/guest/task.h"
#include "tests/guest/paging.h"

#define TSS2   FREE
#define TSS3   (FREE + 0x08) /* another one */
#define TSS16  (FREE + 0x10) /* of the 286 */
#define GATE2  (FREE + 0x18) /* to TSS2, DPL 3 */
#define GATE_0 (FREE + 0x20) /* to TSS2, DPL 0 */
#define LDTSEL (FREE + 0x28)
#define ABSENT (FREE + 0x30) /* code, not present */
#define FAR_TSS (FREE + 0x38) /* its TSS lies on two pages, of which one may be missing */
#define TSSDF  (FREE + 0x40)

#define AT2 0x20000
#define AT3 0x23000
#define AT16 0x7400 /* below 64 KiB, for 16-bit code */
#define ATF 0x300FC0 /* on the last 64 bytes of a page */
#define LDT_AT 0x24000

#define BUSY(selector) test byte ptr ss:[gdt + (selector) + 5], 2
#define PAGE_DIR2 0x110000
#define ALIAS 0x310000 /* another frame in each address space */

main:
    call paging_on
    SEGMENT(TSS2, AT2, 0x2000, 0x89, 0)
    SEGMENT(TSS3, AT3, 0x67, 0x89, 0)
    SEGMENT(TSS16, AT16, 0x2B, 0x81, 0)
    SEGMENT(FAR_TSS, ATF, 0x67, 0x89, 0)
    SEGMENT(LDTSEL, LDT_AT, 0x0F, 0x82, 0)
    SEGMENT(ABSENT, 0, 0xFFFFF, 0x1A, 0xC)
    SEGMENT(TSSDF, 0x25000, 0x67, 0x89, 0)
    mov dword ptr [gdt + GATE2], TSS2 << 16
    mov dword ptr [gdt + GATE2 + 4], 0xE500
    mov dword ptr [gdt + GATE_0], TSS2 << 16
    mov dword ptr [gdt + GATE_0 + 4], 0x8500
    mov dword ptr [LDT_AT + 8], 0x0000FFFF /* base 20000h */
    mov dword ptr [LDT_AT + 12], 0x00409202
    mov dword ptr [tss + T_CR3], PAGE_DIR
    call second_space
    mov ebp, 3
again:
    call new_space
    call new_ldt
    call nested
    call from_ring3
    call small_tss
    call to_v86
    call breakpoints
    call before_the_switch
    call after_the_switch
    call double_fault
    dec ebp
    jnz again
    END

/* The same addresses, but for ALIAS. */
second_space:
    mov dword ptr [PAGE_DIR2], 0x111000 + P + W + U
    mov esi, PAGE_TABLE
    mov edi, 0x111000
    mov ecx, 1024
    rep movsd
    mov dword ptr [0x111000 + (ALIAS >> 12) * 4], 0x311000 + P + W + U
    mov dword ptr [0x310000], 0x11111111
    mov dword ptr [0x311000], 0x22222222
    ret

/* Fill the TSS at EDI: ring 0, this address space, to start at EAX. */
make:
    CLEAN_TASK
    mov dword ptr [edi + T_CR3], PAGE_DIR
    mov dword ptr [edi + T_ESP0], 0x5400
    mov dword ptr [edi + T_SS0], DATA0
    mov dword ptr [edi + T_ES], DATA0
    ret
#define MAKE(at, start) mov edi, at; mov eax, offset start; call make

/* ---- CR3 and LDT ---- */

new_space:
    MAKE(AT2, in_other_space)
    mov dword ptr [edi + T_CR3], PAGE_DIR2
    mov esi, 3
1:  CHECK_EQ(dword ptr [ALIAS], 0x11111111)
    FAR(0x9A, TSS2)
    clts
    mov eax, cr3
    CHECK_EQ(eax, PAGE_DIR)
    CHECK_EQ(dword ptr [ALIAS], 0x11111111)
    CHECK_EQ(dword ptr [AT2 + T_CR3], PAGE_DIR2)
    dec esi
    jnz 1b
    CHECK_EQ(dword ptr [tss + T_CR3], PAGE_DIR) /* CR3 is not saved */
    ret
in_other_space:
    CHECK_EQ(dword ptr [ALIAS], 0x22222222)
    mov eax, cr3
    CHECK_EQ(eax, PAGE_DIR2)
    clts
    iretd
    jmp in_other_space

new_ldt:
    xor eax, eax
    lldt ax
    MAKE(AT2, in_ldt)
    mov dword ptr [edi + T_LDT], LDTSEL
    mov dword ptr [edi + T_FS], 0x0C /* of the new LDT */
    FAR(0x9A, TSS2)
    clts
    sldt eax
    CHECK_EQ(ax, 0)
    mov eax, fs
    CHECK_NE(ax, 0x0C)
    ret
in_ldt:
    sldt eax
    CHECK_EQ(ax, LDTSEL)
    mov eax, fs:[T_LDT] /* its own TSS */
    CHECK_EQ(eax, LDTSEL)
    clts
    iretd
    FAIL

/* ---- a task that calls a task ---- */

nested:
    MAKE(AT2, middle)
    MAKE(AT3, inner)
    FAR(0x9A, TSS2)
    clts
    BUSY(TSS2)
    CHECK(z)
    BUSY(TSS3)
    CHECK(z)
    CHECK_EQ(dword ptr [AT3 + T_EAX], 0x3333)
    CHECK_EQ(dword ptr [AT2 + T_EAX], 0x2222)
    ret
middle:
    FAR(0x9A, TSS3)
    clts
    mov eax, 0x2222
    iretd
    FAIL
inner:
    CHECK_EQ(word ptr [AT3 + T_LINK], TSS2)
    CHECK_EQ(word ptr [AT2 + T_LINK], TSS)
    BUSY(TSS)
    CHECK(nz)
    BUSY(TSS2)
    CHECK(nz)
    FAULTS_WITH(13, TSS, FAR(0x9A, TSS)) /* tasks are not recursive */
    FAULTS_WITH(13, TSS2, FAR(0xEA, TSS2))
    clts
    mov eax, 0x3333
    iretd
    FAIL

/* ---- from ring 3 ---- */

from_ring3:
    MAKE(AT2, for_ring3)
    TO_RING3
    mov ebx, 0x77777777
    FAR(0x9A, GATE2)
    CHECK_EQ(ebx, 0x77777777)
    mov ax, cs
    CHECK_EQ(ax, CODE3)
    FAULTS_WITH(13, GATE_0, FAR(0x9A, GATE_0))
    FAULTS_WITH(13, GATE_0, FAR(0xEA, GATE_0))
    FAULTS_WITH(13, TSS2, FAR(0x9A, TSS2)) /* DPL 0, without a gate */
    TO_RING0
    clts
    and byte ptr [gdt + GATE2 + 5], 0x7F
    FAULTS_WITH(11, GATE2, FAR(0x9A, GATE2))
    or byte ptr [gdt + GATE2 + 5], 0x80
    mov word ptr [gdt + GATE2 + 2], DATA0
    FAULTS_WITH(13, DATA0, FAR(0x9A, GATE2)) /* to no TSS */
    mov word ptr [gdt + GATE2 + 2], 4
    FAULTS_WITH(13, 4, FAR(0x9A, GATE2)) /* TSSs are in the GDT */
    mov word ptr [gdt + GATE2 + 2], TSS2
    ret
for_ring3:
    CHECK_EQ(word ptr [AT2 + T_LINK], TSS)
    CHECK_EQ(dword ptr [tss + T_CS], CODE3)
    clts
    iretd
    jmp for_ring3

/* ---- TSSs of the 286: CALL, JMP, INT ---- */

make16:
    mov edi, AT16
    push eax
    xor eax, eax
    mov ecx, 11
    rep stosd
    pop eax
    mov word ptr [AT16 + 14], ax
    mov word ptr [AT16 + 16], 2
    mov word ptr [AT16 + 26], 0x5C00 /* SP */
    mov word ptr [AT16 + 36], CODE16
    mov word ptr [AT16 + 34], DATA16
    mov word ptr [AT16 + 38], DATA16
    mov word ptr [AT16 + 40], DATA16
    ret

small_tss:
    mov dword ptr [count], 0
    mov eax, offset in_286
    call make16
    mov ebx, 0x12345678
    mov esi, cr3
    FAR(0x9A, TSS16)
    clts
    CHECK_EQ(ebx, 0x12345678) /* our own TSS is a 386's */
    mov eax, cr3
    CHECK_EQ(eax, esi)
    mov eax, offset in_286
    call make16
    mov dword ptr [idt + 0x50 * 8], TSS16 << 16
    mov dword ptr [idt + 0x50 * 8 + 4], 0xE500
    int 0x50
    clts
    CHECK_EQ(dword ptr [count], 2)
    mov eax, offset jumped_286
    call make16
    FAR(0xEA, TSS16)
    clts
    CHECK_EQ(dword ptr [count], 3)
    BUSY(TSS16)
    CHECK(z)
    ret
    .code16
in_286:
    smsw ax
    test al, 8
    CHECK(nz)
    CHECK_EQ(word ptr [AT16], TSS)
    clts
    inc word ptr [count]
    iretw
    FAIL
jumped_286:
    clts
    inc word ptr [count]
    pushfw
    pop ax
    test ah, 0x40 /* no NT */
    CHECK(z)
    .byte 0xEA
    .word 0, TSS
    .code32
count: .long 0

/* ---- a virtual-8086 task, left by an interrupt, and come back to by IRET ---- */

to_v86:
    MAKE(AT2, v86_task)
    mov dword ptr [edi + T_EFLAGS], 0x23002
    mov dword ptr [edi + T_CS], 0
    mov dword ptr [edi + T_SS], 0
    mov dword ptr [edi + T_DS], 0x2000
    mov dword ptr [edi + T_ES], 0x1234
    mov dword ptr [edi + T_FS], 0xFFFF
    MAKE(AT3, after_v86)
    mov dword ptr [idt + 0x51 * 8], TSS3 << 16
    mov dword ptr [idt + 0x51 * 8 + 4], 0xE500
    GATE(0x52, leave_v86, 3)
    FAR(0xEA, TSS2)
    clts
    CHECK_EQ(dword ptr [count], 0x51)
    BUSY(TSS2)
    CHECK(z)
    ret
    .code16
v86_task:
    mov ax, ds
    CHECK_EQ(ax, 0x2000)
    mov ax, es
    CHECK_EQ(ax, 0x1234)
    mov ax, fs
    CHECK_EQ(ax, 0xFFFF)
    CHECK_EQ(word ptr [T_ES], 0x1234) /* DS:0 is its own TSS */
    mov bx, 0x4321
    int 0x51
    CHECK_EQ(bx, 0x4321)
    int 0x52
    .code32
after_v86: /* the handler of 51h is a task */
    mov dword ptr [count], 0x51
    CHECK_EQ(dword ptr [AT2 + T_ES], 0x1234)
    test dword ptr [AT2 + T_EFLAGS], 0x20000
    CHECK(nz)
    clts
    iretd
    FAIL
leave_v86:
    mov ax, DATA0
    mov ds, ax
    clts
    FAR(0xEA, TSS)

/* ---- DR7's local enables go, the global ones stay ---- */

breakpoints:
    MAKE(AT2, plain_task)
    mov eax, offset count + 64
    mov dr0, eax
    mov dr1, eax
    mov eax, 0x0000070D /* L0 G1 L1 and exactness */
    mov dr7, eax
    FAR(0x9A, TSS2)
    mov eax, dr7
    CHECK_EQ(eax, 0x00000608)
    clts
    xor eax, eax
    mov dr7, eax
    mov dr0, eax
    mov dr1, eax
    ret
plain_task:
    clts
    iretd
    jmp plain_task

/* ---- faults of the old task: nothing has been switched ---- */

#define STILL_HERE                                                                                 \
    str eax; CHECK_EQ(ax, TSS);                                                                    \
    BUSY(TSS); CHECK(nz);                                                                          \
    mov eax, cr0; test eax, 8; CHECK(z)
before_the_switch:
    MAKE(AT2, plain_task)
    and byte ptr [gdt + TSS2 + 5], 0x7F
    FAULTS_WITH(11, TSS2, FAR(0x9A, TSS2))
    or byte ptr [gdt + TSS2 + 5], 0x80
    STILL_HERE
    mov word ptr [gdt + TSS2], 0x66
    FAULTS_WITH(10, TSS2, FAR(0x9A, TSS2))
    mov word ptr [gdt + TSS2], 0x2000
    mov word ptr [gdt + TSS16], 0x2A
    FAULTS_WITH(10, TSS16, FAR(0xEA, TSS16))
    mov word ptr [gdt + TSS16], 0x2B
    FAULTS_WITH(13, TSS2, FAR(0x9A, TSS2 + 3)) /* RPL beyond its DPL */
    STILL_HERE
    /* half of the new TSS is not there */
    MAKE(ATF, far_task)
    mov word ptr [ATF + 102], 0
    MAP(0x301000, 0)
    mov edx, 0x301000
    FAULTS_WITH(14, 0, FAR(0x9A, FAR_TSS))
    CHECK_EQ([fault_cr2], edx)
    STILL_HERE
    BUSY(FAR_TSS)
    CHECK(z)
    MAP(0x301000, 0x301000 + P + W + U)
    mov dword ptr [count], 0
    FAR(0x9A, FAR_TSS)
    clts
    CHECK_EQ(dword ptr [count], 1)
    ret
far_task:
    inc dword ptr [count]
    clts
    iretd
    FAIL

/* ---- faults of the new task, before its first instruction ---- */

/* The task at AT2 has a bad WHERE: the fault is its own, by the task that handles VEC.  The error
 * code and EIP are looked at there, then the old task goes on. */
#define NEW_TASK_FAULTS(vec, error, where, value)                                                  \
    MAKE(AT2, plain_task);                                                                         \
    mov dword ptr [AT2 + where], value;                                                            \
    MAKE(AT3, on_task_fault);                                                                      \
    mov dword ptr [idt + vec * 8], TSS3 << 16;                                                     \
    mov dword ptr [idt + vec * 8 + 4], 0x8500;                                                     \
    mov dword ptr [count], 0;                                                                      \
    FAR(0xEA, TSS2);                                                                               \
    clts;                                                                                          \
    CHECK_EQ(dword ptr [count], 1);                                                                \
    CHECK_EQ(dword ptr [seen_error], error);                                                       \
    and byte ptr [gdt + TSS2 + 5], 0xFD; /* nobody returned to it */                               \
    UNGATE(vec);                                                                                   \
    mov word ptr [idt + vec * 8 + 2], CODE0
after_the_switch:
    NEW_TASK_FAULTS(10, 0, T_CS, 0)
    NEW_TASK_FAULTS(10, DATA0, T_CS, DATA0)
    NEW_TASK_FAULTS(10, 0x1F8, T_CS, 0x1F8)
    NEW_TASK_FAULTS(11, ABSENT, T_CS, ABSENT)
    NEW_TASK_FAULTS(10, 0, T_SS, 0)
    NEW_TASK_FAULTS(10, DATA3 & ~3, T_SS, DATA3)
    NEW_TASK_FAULTS(10, TSS2, T_DS, TSS2)
    NEW_TASK_FAULTS(10, 0x1F8, T_GS, 0x1F8)
    NEW_TASK_FAULTS(11, ABSENT, T_ES, ABSENT)
    NEW_TASK_FAULTS(10, DATA0, T_LDT, DATA0)
    ret
seen_error: .long 0
on_task_fault:
    pop eax
    mov [seen_error], eax
    inc dword ptr [count]
    CHECK_EQ(word ptr [AT3 + T_LINK], TSS2) /* the fault came in the new task */
    CHECK_EQ(dword ptr [AT2 + T_EIP], offset plain_task)
    clts
    FAR(0xEA, TSS)

/* ---- #DF by a task gate, when the stack is gone ---- */

double_fault:
    MAKE(0x25000, on_double_fault)
    mov dword ptr [idt + 8 * 8], TSSDF << 16
    mov dword ptr [idt + 8 * 8 + 4], 0x8500
    mov dword ptr [count], 0
    mov [saved_esp], esp
    mov esp, 0x320000 /* a page that is missing below */
    MAP(0x31F000, 0)
1:  push eax
    FAIL
on_double_fault:
    pop eax
    CHECK_EQ(eax, 0)
    CHECK_EQ(dword ptr [tss + T_EIP], offset 1b)
    CHECK_EQ(dword ptr [tss + T_ESP], 0x320000)
    mov ecx, cr2
    CHECK_EQ(ecx, 0x31FFFC) /* where the frame of #PF would go, too */
    MAP(0x31F000, 0x31F000 + P + W + U)
    mov eax, [saved_esp]
    mov [tss + T_ESP], eax
    mov dword ptr [tss + T_EIP], offset 2f
    clts
    iretd
    FAIL
2:  clts
    UNGATE(8)
    mov word ptr [idt + 8 * 8 + 2], CODE0
    ret
saved_esp: .long 0
