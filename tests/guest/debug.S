/* Debug registers: breakpoints on execution, data and ports, RF, GD (SDM vol. 3B 18.2, 18.3). */
#include "tests/guest/protected.h"

#define DR6_NONE 0xFFFF0FF0
#define L(n)       (1 << (2 * (n)))
#define EXEC(n)    0
#define WRITE(n)   (1 << (16 + 4 * (n)))
#define PORT(n)    (2 << (16 + 4 * (n)))
#define ACCESS(n)  (3 << (16 + 4 * (n)))
#define BYTES1(n)  0
#define BYTES2(n)  (1 << (18 + 4 * (n)))
#define BYTES4(n)  (3 << (18 + 4 * (n)))
#define ARM(n, address, how)                                                                       \
    mov eax, offset address; mov dr##n, eax; mov eax, L(n) | how; mov dr7, eax
#define DISARM xor eax, eax; mov dr7, eax

/* One #DB since the last check, at LABEL, with these bits in DR6. */
#define TAKEN(label, bits)                                                                         \
    CHECK_EQ(dword ptr [count], 1);                                                                \
    CHECK_EQ(dword ptr [seen_dr6], DR6_NONE | (bits));                                             \
    CHECK_EQ(dword ptr [seen_eip], offset label);                                                  \
    mov dword ptr [count], 0
#define NONE CHECK_EQ(dword ptr [count], 0)

main:
    GATE(1, on_debug, 0)
    mov ebp, 2
again:
    call execution
    call data_writes
    call data_accesses
    call many_kinds
    call repeated
    call ports
    call general_detect
    call with_step
    call behind_mov_ss
    dec ebp
    jnz again
    END

count: .long 0
seen_dr6: .long 0
seen_eip: .long 0
seen_flags: .long 0
    .fill 256, 1, 0 /* a stack now and then */
    .balign 16
data: .long 0, 0, 0, 0
other: .long 0, 0, 0, 0

/* Records, and lets the instruction run (RF). */
on_debug:
    push eax
    inc dword ptr [count]
    mov eax, dr6
    mov [seen_dr6], eax
    mov eax, DR6_NONE
    mov dr6, eax
    mov eax, [esp + 4]
    mov [seen_eip], eax
    mov eax, [esp + 12]
    mov [seen_flags], eax
    or dword ptr [esp + 12], 0x10000
    and dword ptr [esp + 12], ~0x100
    pop eax
    iretd

execution:
    call watched /* old code */
    NONE
    ARM(0, watched_insn, EXEC(0) | BYTES1(0))
    call watched
    CHECK_EQ(ecx, 7)
    TAKEN(watched_insn, 1)
    test dword ptr [seen_flags], 0x10000
    CHECK(z) /* the fault of a breakpoint does not set RF by itself */
    call watched
    TAKEN(watched_insn, 1)
    ARM(3, watched_insn, EXEC(3) | BYTES1(3) | L(0))
    call watched
    TAKEN(watched_insn, 9)
    mov eax, offset watched_insn + 1 /* not where an instruction begins */
    mov dr0, eax
    mov dr3, eax
    call watched
    NONE
    /* in a loop: every time round */
    mov ecx, 5
    ARM(1, 1f, EXEC(1))
1:  dec ecx
    jnz 1b
    CHECK_EQ(dword ptr [count], 5)
    mov dword ptr [count], 0
    DISARM
    call watched
    NONE
    ret
watched:
    xor ecx, ecx
    nop
watched_insn:
    mov ecx, 7
    ret

data_writes:
    ARM(1, data + 4, WRITE(1) | BYTES4(1))
    mov dword ptr [data + 4], 1
1:  TAKEN(1b, 2)
    mov byte ptr [data + 7], 2
2:  TAKEN(2b, 2)
    mov dword ptr [data + 1], 3 /* its last byte */
3:  TAKEN(3b, 2)
    mov dword ptr [data], 4
    mov byte ptr [data + 8], 4
    mov eax, [data + 4]
    NONE
    inc byte ptr [data + 5]
4:  TAKEN(4b, 2)
    cmp byte ptr [data + 5], 0
    NONE
    ARM(2, data + 8, WRITE(2) | BYTES1(2))
    mov word ptr [data + 9], 1
    mov word ptr [data + 6], 1
    NONE
    mov word ptr [data + 7], 1
5:  TAKEN(5b, 4)
    ARM(2, data + 11, WRITE(2) | BYTES2(2)) /* the length aligns it: 10 and 11 */
    mov byte ptr [data + 12], 1
    NONE
    mov byte ptr [data + 10], 1
6:  TAKEN(6b, 4)
    DISARM
    mov byte ptr [data + 10], 1
    NONE
    ret

data_accesses:
    ARM(0, data, ACCESS(0) | BYTES4(0))
    mov eax, [data]
1:  TAKEN(1b, 1)
    mov [data + 2], al
2:  TAKEN(2b, 1)
    movzx ecx, byte ptr [data + 3]
3:  TAKEN(3b, 1)
    cmp dword ptr [data], 5
4:  TAKEN(4b, 1)
    mov eax, [data + 4]
    lea eax, [data]
    NONE
    DISARM
    ret

/* Stack, x87, SSE, bit strings, calls. */
many_kinds:
    mov ebx, esp
    ARM(0, data, WRITE(0) | BYTES4(0))
    mov esp, offset data + 4
    push eax
1:  mov esp, ebx
    TAKEN(1b, 1)
    mov esp, offset data + 4
    call 2f
2:  mov esp, ebx
    TAKEN(2b, 1)
    mov esp, offset data + 20
    pushad
3:  mov esp, ebx
    TAKEN(3b, 1)
    fldpi
    fstp tbyte ptr [data - 8]
4:  TAKEN(4b, 1)
    mov ecx, 33
    btc [data - 4], ecx
5:  TAKEN(5b, 1)
    xchg eax, [data]
6:  TAKEN(6b, 1)
    mov edx, 0
    mov eax, 0
    cmpxchg8b [data - 4]
7:  TAKEN(7b, 1)
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    movups [data - 12], xmm0
8:  TAKEN(8b, 1)
    push 5
    pop dword ptr [data]
9:  TAKEN(9b, 1)
    mov eax, esp
    mov [data], eax
10: TAKEN(10b, 1)
    DISARM
    ret

/* REP: after the iteration that hit. */
repeated:
    ARM(0, other, WRITE(0) | BYTES4(0))
    mov esi, offset data
    mov edi, offset other - 8
    mov ecx, 4
1:  rep movsd
2:  CHECK_EQ(ecx, 0)
    TAKEN(1b, 1)
    mov edi, offset other
    mov ecx, 1
    rep stosd
3:  TAKEN(3b, 1)
    DISARM
    ret

ports:
    mov eax, cr4
    or eax, 8 /* DE */
    mov cr4, eax
    ARM(2, RIG_PORT_DMA, PORT(2) | BYTES4(2))
    out RIG_PORT_DMA, eax
1:  TAKEN(1b, 4)
    out RIG_PORT_DMA + 3, al
2:  TAKEN(2b, 4)
    in al, RIG_PORT_VALUE
    out RIG_PORT_DMA + 4, al
    NONE
    DISARM
    FAULTS(6, mov eax, dr4) /* with DE set 4 and 5 are gone */
    mov eax, cr4
    and eax, ~8
    mov cr4, eax
    mov eax, dr4
    mov ecx, dr6
    CHECK_EQ(eax, ecx)
    ret

/* GD: touching a debug register is a fault; the handler itself may. */
general_detect:
    mov eax, 0x2000
    mov dr7, eax
1:  mov eax, dr0
    TAKEN(1b, 0x2000)
    mov eax, dr7
    CHECK_EQ(eax, 0x400)
    ret

/* A trap of both kinds is one #DB. */
with_step:
    ARM(1, data, WRITE(1) | BYTES4(1))
    pushfd
    or dword ptr [esp], 0x100
    popfd
    mov dword ptr [data], 1
1:  TAKEN(1b, 0x4002)
    DISARM
    ret

/* A data breakpoint on MOV SS waits for the next instruction. */
behind_mov_ss:
    mov eax, ss
    mov [data], eax
    ARM(1, data, ACCESS(1) | BYTES2(1))
    mov ss, [data]
    nop
1:  TAKEN(1b, 2)
    /* and one on the next instruction is not taken; behind STI it is */
    ARM(0, 2f, EXEC(0))
    mov ss, [data]
2:  nop
    NONE
    push dword ptr [data]
    ARM(0, 3f, EXEC(0))
    pop ss
3:  nop
    NONE
    ARM(0, 4f, EXEC(0))
    cli
    sti
4:  cli
    TAKEN(4b, 1)
    DISARM
    ret
