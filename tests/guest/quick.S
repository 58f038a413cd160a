/* The same segment loads, interrupts and returns again and again, with what they depend on changed in
 * between: descriptors, tables, gates, flags.  A short cut that was learned must not outlive them. */
#include "tests/guest/protected.h"

#define MOVING FREE          /* base 20000h or 21000h */
#define OTHER  (FREE + 0x08) /* base 22000h */
#define ROUNDS 6

#define VECTOR 0x41

main:
    mov dword ptr [0x20000], 0x11111111
    mov dword ptr [0x21000], 0x22222222
    mov dword ptr [0x22000], 0x33333333
    call moving
    call moving_code
    call moved_table
    call short_table
    call absent
    call nulls
    call pops
    call gates
    call flags
    call dropped
    call stacks
    call divisions
    END

load_es:
    mov es, eax
    ret
load_fs_from_memory:
    mov fs, word ptr [esp + 4]
    ret
pop_es:
    push eax
    pop es
    ret

/* A call of ROUTINE raises VEC with ERROR code. */
#define CALL_FAULTS(vec, error, routine)                                                           \
    mov [saved_esp], esp;                                                                          \
    mov dword ptr [fault_vector], 99;                                                              \
    mov dword ptr [resume], offset 98f;                                                            \
    call routine;                                                                                  \
98: mov esp, [saved_esp];                                                                          \
    mov dword ptr [resume], 0;                                                                     \
    CHECK_EQ(dword ptr [fault_vector], vec);                                                       \
    CHECK_EQ(dword ptr [fault_error], error)
/* Handlers save and load ES: it must be one that can be loaded. */
#define ES_GOOD push DATA0; pop es

/* The code segment of far calls has another base in every second round, and a limit in one. */
moving_code:
    mov dword ptr [0x20100], 0x000001B8 /* mov eax, 1; retf */
    mov word ptr [0x20104], 0xCB00
    mov dword ptr [0x21100], 0x000002B8
    mov word ptr [0x21104], 0xCB00
    mov ecx, ROUNDS
1:  SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x9B, 0xC)
    call far_call
    CHECK_EQ(eax, 1)
    call far_call
    CHECK_EQ(eax, 1)
    SEGMENT(MOVING, 0x21000, 0xFFFFF, 0x9B, 0xC)
    call far_call
    CHECK_EQ(eax, 2)
    xor eax, eax
    call fword ptr [far_pointer]
    CHECK_EQ(eax, 2)
    SEGMENT(MOVING, 0x21000, 0xFF, 0x9B, 0x4)
    CALL_FAULTS(13, 0, far_call)
    SEGMENT(MOVING, 0x21000, 0xFFFFF, 0x93, 0xC)
    CALL_FAULTS(13, MOVING, far_call)
    SEGMENT(MOVING, 0x21000, 0xFFFFF, 0x1B, 0xC)
    CALL_FAULTS(11, MOVING, far_call)
    dec ecx
    jnz 1b
    ret
far_pointer: .long 0x100
    .word MOVING
far_call:
    xor eax, eax
    stc
    .byte 0x9A
    .long 0x100
    .word MOVING
    CHECK(c) /* flags stay */
    mov edx, cs
    CHECK_EQ(edx, CODE0)
    ret

/* The base is another one in every second round. */
moving:
    mov ecx, ROUNDS
1:  SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x93, 0xC)
    mov eax, MOVING
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x11111111)
    push eax
    call load_fs_from_memory
    pop eax
    CHECK_EQ(dword ptr fs:[0], 0x11111111)
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x11111111)
    SEGMENT(MOVING, 0x21000, 0xFFFFF, 0x93, 0xC)
    CHECK_EQ(dword ptr es:[0], 0x11111111) /* the hidden part stays */
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x22222222)
    call pop_es
    CHECK_EQ(dword ptr es:[0], 0x22222222)
    push eax
    call load_fs_from_memory
    pop eax
    CHECK_EQ(dword ptr fs:[0], 0x22222222)
    mov eax, DATA0
    call load_es
    CHECK_EQ(dword ptr es:[0x20000], 0x11111111)
    dec ecx
    jnz 1b
    mov fs, eax
    ret

/* A GDT elsewhere, in which the selector means something else. */
moved_table:
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x93, 0xC)
    SEGMENT(OTHER, 0x22000, 0xFFFFF, 0x93, 0xC)
    mov esi, offset gdt
    mov edi, 0x30000
    mov ecx, 64
    rep movsd
    mov eax, [0x30000 + OTHER]
    mov [0x30000 + MOVING], eax
    mov eax, [0x30000 + OTHER + 4]
    mov [0x30000 + MOVING + 4], eax
    mov ecx, ROUNDS
1:  mov eax, MOVING
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x11111111)
    lgdt [moved_pointer]
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x33333333)
    lgdt [gdt_pointer]
    dec ecx
    jnz 1b
    mov eax, DATA0
    mov es, eax
    ret

short_table:
    mov ecx, ROUNDS
1:  mov eax, MOVING
    call load_es
    ES_GOOD
    lgdt [short_pointer]
    CALL_FAULTS(13, MOVING, load_es)
    lgdt [gdt_pointer]
    dec ecx
    jnz 1b
    ret

/* Not present, too privileged, not readable: every second time. */
absent:
    mov ecx, ROUNDS
1:  mov eax, MOVING
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x93, 0xC)
    call load_es
    ES_GOOD
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x13, 0xC)
    CALL_FAULTS(11, MOVING, load_es)
    CALL_FAULTS(11, MOVING, pop_es)
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x99, 0xC)
    CALL_FAULTS(13, MOVING, load_es)
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x92, 0xC) /* not accessed yet */
    call load_es
    CHECK_EQ(byte ptr [gdt + MOVING + 5], 0x93)
    SEGMENT(MOVING, 0x20000, 0xFFF, 0x93, 4) /* a limit */
    call load_es
    FAULTS_WITH(13, 0, mov eax, es:[0x1000])
    dec ecx
    jnz 1b
    mov eax, DATA0
    mov es, eax
    ret

nulls:
    SEGMENT(MOVING, 0x20000, 0xFFFFF, 0x93, 0xC)
    mov ecx, ROUNDS
1:  mov eax, 3
    call load_es
    mov ebx, es
    CHECK_EQ(ebx, 3)
    FAULTS_WITH(13, 0, mov eax, es:[0])
    xor eax, eax
    call load_es
    FAULTS_WITH(13, 0, mov es:[0], eax)
    mov eax, MOVING
    call load_es
    CHECK_EQ(dword ptr es:[0], 0x11111111)
    dec ecx
    jnz 1b
    mov eax, DATA0
    mov es, eax
    ret

/* POP moves ESP by its operand's size, and not when it faults. */
pops:
    mov ecx, ROUNDS
1:  mov edx, esp
    push DATA0
    pop es
    CHECK_EQ(edx, esp)
    .byte 0x66, 0x6A, DATA0 /* push word */
    .byte 0x66, 0x0F, 0xA1  /* pop fs */
    CHECK_EQ(edx, esp)
    push 0xFFF8
    mov dword ptr [resume], offset 2f
    pop gs
    FAIL
2:  add esp, 4
    CHECK_EQ(edx, esp)
    CHECK_EQ(dword ptr [fault_vector], 13)
    dec ecx
    jnz 1b
    ret

handler_a:
    pushfd
    pop edx
    mov ebx, 0xA
    iretd
handler_b:
    pushfd
    pop edx
    mov ebx, 0xB
    iretd

call_vector:
    xor ebx, ebx
    pushfd
    or dword ptr [esp], 0x200
    popfd
    int VECTOR
    pushfd
    pop esi
    cli
    test esi, 0x200
    CHECK(nz)
    ret

gates:
    mov ecx, ROUNDS
1:  GATE(VECTOR, handler_a, 0)
    call call_vector
    CHECK_EQ(ebx, 0xA)
    test edx, 0x200
    CHECK(z)
    GATE(VECTOR, handler_b, 0)
    mov byte ptr [idt + VECTOR * 8 + 5], 0x8F /* a trap gate */
    call call_vector
    CHECK_EQ(ebx, 0xB)
    test edx, 0x200
    CHECK(nz)
    GATE(VECTOR, handler_a, 0)
    mov byte ptr [idt + VECTOR * 8 + 5], 0x0E
    CALL_FAULTS(11, VECTOR * 8 + 2, call_vector)
    cli
    /* from ring 3 the gate's DPL counts */
    GATE(VECTOR, handler_a, 3)
    TO_RING3
    xor ebx, ebx
    int VECTOR
    TO_RING0
    CHECK_EQ(ebx, 0xA)
    GATE(VECTOR, handler_a, 0)
    TO_RING3
    FAULTS_WITH(13, VECTOR * 8 + 2, int VECTOR)
    TO_RING0
    dec ecx
    jnz 1b
    ret

/* IRET with EAX as flags; those behind it in EBX. */
iret_with:
    push eax
    push cs
    push offset 1f
    iretd
1:  pushfd
    pop ebx
    push 2
    popfd
    ret

flags:
    mov ecx, ROUNDS
1:  mov esi, offset flag_values
2:  mov eax, [esi]
    call iret_with
    CHECK_EQ(eax, ebx)
    add esi, 4
    cmp esi, offset flag_values_end
    jne 2b
    dec ecx
    jnz 1b
    /* those that stay while short cuts are taken: every one of them, loads do not change any */
    mov ecx, ROUNDS
    mov edx, DATA0
1:  mov eax, 0xCD7
    push eax
    popfd
    mov es, edx
    pushfd
    pop ebx
    CHECK_EQ(eax, ebx)
    mov eax, 0x46
    push eax
    popfd
    mov es, edx
    pushfd
    pop ebx
    CHECK_EQ(eax, ebx)
    dec ecx
    jnz 1b
    ret

/* Ring 0's data segments do not go out to ring 3. */
dropped:
    mov ecx, ROUNDS
1:  mov [ring0_esp], esp
    mov eax, DATA3
    mov ds, eax
    mov eax, DATA0
    mov es, eax
    push DATA3
    push STACK3
    push 0x3002
    push CODE3
    push offset 2f
    iretd
2:  mov ebx, es
    mov edx, ds
    TO_RING0
    CHECK_EQ(ebx, 0)
    CHECK_EQ(edx, DATA3)
    dec ecx
    jnz 1b
    mov eax, DATA0
    mov fs, eax
    mov gs, eax
    ret

on_outer:
    mov ebx, esp
    mov edx, [esp + 12]
    iretd

/* The TSS tells another stack each time. */
stacks:
    GATE(VECTOR, on_outer, 3)
    mov ecx, ROUNDS
1:  mov dword ptr [tss + 4], STACK0 - 0x400
    TO_RING3
    int VECTOR
    TO_RING0
    CHECK_EQ(ebx, STACK0 - 0x414)
    CHECK_EQ(edx, STACK3)
    mov dword ptr [tss + 4], STACK0 - 0x600
    TO_RING3
    int VECTOR
    TO_RING0
    CHECK_EQ(ebx, STACK0 - 0x614)
    dec ecx
    jnz 1b
    mov dword ptr [tss + 4], STACK0 - 0x400
    ret

divide:
    div ebx
    ret
divide_signed:
    idiv ebx
    ret
divide8:
    div bl
    ret
divide8_signed:
    idiv bl
    ret
divide16:
    div bx
    ret

#define DIVIDE(high, low, by, routine)                                                             \
    mov edx, high;                                                                                 \
    mov eax, low;                                                                                  \
    mov ebx, by;                                                                                   \
    call routine
#define DIVIDE_FAULTS(high, low, by, routine)                                                      \
    mov edx, high;                                                                                 \
    mov eax, low;                                                                                  \
    mov ebx, by;                                                                                   \
    CALL_FAULTS(0, 0, routine);                                                                    \
    CHECK_EQ(eax, low);                                                                            \
    CHECK_EQ(edx, high)

/* Sites that raise #DE often are carried out in another way; what they compute is the same. */
divisions:
    mov ecx, 200
1:  DIVIDE_FAULTS(0, 100, 0, divide)
    DIVIDE_FAULTS(7, 100, 7, divide)
    DIVIDE(6, 0xFFFFFFFF, 7, divide)
    CHECK_EQ(eax, 0xFFFFFFFF)
    CHECK_EQ(edx, 6)
    DIVIDE_FAULTS(0xFFFFFFFF, 0x80000000, 0xFFFFFFFF, divide_signed)
    DIVIDE_FAULTS(0x80000000, 0, 0xFFFFFFFF, divide_signed)
    DIVIDE(0xFFFFFFFF, 0xFFFFFF9C, 7, divide_signed)
    CHECK_EQ(eax, 0xFFFFFFF2)
    CHECK_EQ(edx, 0xFFFFFFFE)
    DIVIDE_FAULTS(0x55, 0x77771000, 2, divide8)
    DIVIDE(0x55, 0x77770101, 2, divide8)
    CHECK_EQ(eax, 0x77770180)
    DIVIDE_FAULTS(0x55, 0x7777FF7F, 1, divide8_signed)
    DIVIDE(0x55, 0x7777FF80, 1, divide8_signed)
    CHECK_EQ(eax, 0x77770080)
    DIVIDE_FAULTS(0x66660001, 0x77770000, 1, divide16)
    DIVIDE(0x66660000, 0x7777FFFF, 0x10, divide16)
    CHECK_EQ(eax, 0x77770FFF)
    CHECK_EQ(edx, 0x6666000F)
    dec ecx
    jnz 1b
    ret

    .balign 4
saved_esp: .long 0
flag_values: .long 0x2, 0x3, 0x806, 0xC02, 0xCD7, 0x402, 0x46, 0x202, 0x3093, 0x200002, 0x2008D7
flag_values_end:
moved_pointer:
    .word 0xFF
    .long 0x30000
short_pointer:
    .word MOVING - 1
    .long gdt
