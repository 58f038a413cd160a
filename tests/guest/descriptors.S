/* Every type of descriptor under LAR, LSL, VERR, VERW and MOV to a segment register, in ring 0 and
 * ring 3, present and not; ARPL; accessed bits (SDM vol. 3A 3.4.5, 3.5, 5.10; vol. 2, their pages).
 *
 * Types are numbered 0 to 15 for system descriptors, 16 to 31 for code and data; each check is a
 * table of 32 bits. */
#include "tests/guest/protected.h"

#define SUBJECT FREE
#define LDTSEL  (FREE + 0x08)

#define LAR_KNOWS   (0x00001A3E | 0xFFFF0000) /* TSS, LDT, call and task gates */
#define LSL_KNOWS   (0x00000A0E | 0xFFFF0000) /* TSS, LDT */
#define CAN_READ    0xCCFF0000
#define CAN_WRITE   0x00CC0000
#define CONFORMING  0xF0000000
#define IS_STACK    CAN_WRITE

/* EBX is the type; does the table hold it?  ZF as the instructions set it: set when it does. */
#define EXPECT(table)                                                                              \
    setz cl;                                                                                       \
    mov eax, table;                                                                                \
    bt eax, ebx;                                                                                   \
    setc al;                                                                                       \
    cmp al, cl;                                                                                    \
    CHECK(e)

main:
    mov dword ptr [gdt + LDTSEL], 0x4000007F
    mov dword ptr [gdt + LDTSEL + 4], 0x00008202 /* an LDT at 24000h */
    mov ax, LDTSEL
    lldt ax
    mov ebp, 2
again:
    xor ebx, ebx
every_type:
    mov edx, 0x80
    call make
    call ring0_looks
    call ring0_loads
    TO_RING3
    call ring3_denied
    TO_RING0
    mov edx, 0xE0 /* DPL 3 */
    call make
    call ring0_looks
    TO_RING3
    mov esi, SUBJECT + 3
    call looks
    call ring3_loads
    TO_RING0
    mov edx, 0x60 /* not present */
    call make
    call ring0_looks
    TO_RING3
    call absent_loads
    TO_RING0
    inc ebx
    cmp ebx, 32
    jne every_type
    call results
    call beyond
    call in_ldt
    call adjust
    TO_RING3
    call adjust
    TO_RING0
    dec ebp
    jnz again
    END

/* Descriptor SUBJECT of type EBX, P and DPL of EDX, limit 12345678h; none has been accessed.  Types
 * 16 to 31 with an odd number have been, before. */
make:
    mov ecx, ebx
    or ecx, edx
    and ecx, 0xEF
    test ebx, 16
    jz 1f
    or ecx, 0x10
1:  mov dword ptr [gdt + SUBJECT], 0x00002345
    shl ecx, 8
    or ecx, 0x00C10000
    mov [gdt + SUBJECT + 4], ecx
    ret

ring0_looks:
    mov esi, SUBJECT
looks:
    xor ecx, ecx
    lar ecx, esi
    EXPECT(LAR_KNOWS)
    lsl ecx, esi
    EXPECT(LSL_KNOWS)
    verr si
    EXPECT(CAN_READ)
    verw si
    EXPECT(CAN_WRITE)
    lar cx, si
    setz cl
    lar ax, si
    EXPECT(LAR_KNOWS)
    /* looking marks nothing */
    mov eax, ss:[gdt + SUBJECT + 4]
    shr eax, 8
    and eax, 0x0F
    mov ecx, ebx
    and ecx, 0x0F
    CHECK_EQ(eax, ecx)
    ret

/* DPL 0 seen from ring 3: conforming code alone. */
ring3_denied:
    mov esi, SUBJECT
    lar ecx, esi
    EXPECT(LAR_KNOWS & CONFORMING)
    lsl ecx, esi
    EXPECT(LSL_KNOWS & CONFORMING)
    verr si
    EXPECT(CAN_READ & CONFORMING)
    verw si
    EXPECT(0)
    mov edx, CAN_READ & CONFORMING
    mov edi, SUBJECT
    jmp load_data

/* MOV FS, DI works for the types of EDX, else it is #GP(DI); where it worked the descriptor has been
 * accessed, where not it has not. */
load_data:
    mov dword ptr ss:[fault_vector], 0xFF
    mov dword ptr ss:[resume], offset 1f
9:  mov fs, di
    mov dword ptr ss:[resume], 0
1:  bt edx, ebx
    jnc 2f
    CHECK_EQ(dword ptr ss:[fault_vector], 0xFF)
    test byte ptr ss:[gdt + SUBJECT + 5], 1
    CHECK(nz)
    mov eax, fs
    CHECK_EQ(ax, di)
    xor eax, eax
    mov fs, ax
    /* as it was, for what comes next */
    mov eax, ebx
    and eax, 0x0F
    mov ecx, ss:[gdt + SUBJECT + 4]
    and ecx, 0xFFFFF0FF
    shl eax, 8
    or ecx, eax
    mov ss:[gdt + SUBJECT + 4], ecx
    ret
2:  CHECK_EQ(dword ptr ss:[fault_vector], 13)
    CHECK_EQ(dword ptr ss:[fault_eip], offset 9b)
    mov eax, edi
    and eax, ~3
    CHECK_EQ(ss:[fault_error], eax)
unmarked:
    mov eax, ss:[gdt + SUBJECT + 4]
    shr eax, 8
    xor eax, ebx
    test eax, 0x0F
    CHECK(z)
    ret

/* SS takes what can be written with DPL and RPL equal to CPL. */
ring0_loads:
    mov edx, CAN_READ
    mov edi, SUBJECT
    call load_data
    mov edx, CAN_READ & CONFORMING /* RPL 3 with DPL 0 */
    mov edi, SUBJECT + 3
    call load_data
    mov edi, SUBJECT + 1
    mov edx, 0
    call load_stack
    mov edi, SUBJECT
    mov edx, IS_STACK
    jmp load_stack

ring3_loads:
    mov edi, SUBJECT + 3
    mov edx, CAN_READ
    call load_data
    mov edi, SUBJECT /* a lower RPL is no obstacle for data */
    call load_data
    mov edx, 0
    call load_stack
    mov edi, SUBJECT + 3
    mov edx, IS_STACK

load_stack:
    mov dword ptr ss:[fault_vector], 0xFF
    mov dword ptr ss:[resume], offset 1f
    mov esi, ss
9:  mov ss, di
    mov ss, si
    mov dword ptr ss:[resume], 0
1:  bt edx, ebx
    jc 2f
    CHECK_EQ(dword ptr ss:[fault_vector], 13)
    CHECK_EQ(dword ptr ss:[fault_eip], offset 9b)
    mov eax, edi
    and eax, ~3
    CHECK_EQ(ss:[fault_error], eax)
    jmp unmarked
2:  CHECK_EQ(dword ptr ss:[fault_vector], 0xFF)
    test byte ptr ss:[gdt + SUBJECT + 5], 1
    CHECK(nz)
    mov eax, ebx
    and eax, 0x0F
    shl eax, 8
    and dword ptr ss:[gdt + SUBJECT + 4], 0xFFFFF0FF
    or ss:[gdt + SUBJECT + 4], eax
    ret

/* Not present: #NP for data, #SS for the stack, behind the checks of the type. */
absent_loads:
    mov edi, SUBJECT + 3
    mov dword ptr ss:[resume], offset 1f
    mov fs, di
    FAIL
1:  mov ecx, 11
    mov edx, CAN_READ
    call absent_vector
    mov dword ptr ss:[resume], offset 2f
    mov ss, di
    FAIL
2:  mov ecx, 12
    mov edx, IS_STACK
absent_vector:
    bt edx, ebx
    jc 3f
    mov ecx, 13
3:  CHECK_EQ(ss:[fault_vector], ecx)
    CHECK_EQ(dword ptr ss:[fault_error], SUBJECT)
    jmp unmarked

/* What LAR and LSL return. */
results:
    SEGMENT(SUBJECT, 0x12345678, 0x23456, 0xF2, 0xD)
    mov ecx, SUBJECT
    lar eax, ecx
    CHECK(z)
    and eax, 0xF0FFFF
    CHECK_EQ(eax, 0xD0F200)
    mov eax, 0xABCD0000
    lar ax, cx
    CHECK_EQ(eax, 0xABCDF200)
    lsl eax, ecx
    CHECK_EQ(eax, 0x23456FFF)
    mov eax, 0xABCD0000
    lsl ax, cx
    CHECK_EQ(eax, 0xABCD6FFF)
    SEGMENT(SUBJECT, 0, 0x23456, 0xF2, 0x4)
    lsl eax, ecx
    CHECK_EQ(eax, 0x23456)
    mov dword ptr [far_pointer], SUBJECT
    lsl eax, [far_pointer] /* a word, whatever the operand size */
    CHECK_EQ(eax, 0x23456)
    /* when they fail the register stays */
    mov eax, 0x5A5A5A5A
    mov ecx, 0
    lar eax, ecx
    CHECK(nz)
    lsl eax, ecx
    CHECK(nz)
    CHECK_EQ(eax, 0x5A5A5A5A)
    verr cx
    CHECK(nz)
    verw cx
    CHECK(nz)
    ret
far_pointer: .long 0

/* Beyond the table nothing is read, and no exception comes. */
beyond:
    mov ecx, 0x1F8
    lar eax, ecx
    CHECK(nz)
    lsl eax, ecx
    CHECK(nz)
    verr cx
    CHECK(nz)
    verw cx
    CHECK(nz)
    FAULTS_WITH(13, 0x1F8, mov fs, cx)
    FAULTS_WITH(13, 0x1F8, mov ss, cx)
    FAULTS_WITH(13, 0, mov ss, [far_pointer + 4 - 4 + 2]) /* null */
    xor ecx, ecx
    FAULTS_WITH(13, 0, mov ss, cx)
    mov ecx, 3
    mov fs, cx
    FAULTS_WITH(13, 0, mov al, fs:[0])
    FAULTS(6, .byte 0x8E, 0xC8) /* MOV CS */
    ret

in_ldt:
    mov dword ptr [0x24000], 0x0000FFFF
    mov dword ptr [0x24004], 0x00409203
    mov ecx, 4
    lar eax, ecx
    CHECK(z)
    and eax, 0xFF00
    CHECK_EQ(eax, 0x9200)
    lsl eax, ecx
    CHECK_EQ(eax, 0xFFFF)
    mov fs, cx
    test byte ptr [0x24005], 1
    CHECK(nz)
    mov ecx, 0x84 /* beyond its limit */
    verr cx
    CHECK(nz)
    FAULTS_WITH(13, 0x84, mov fs, cx)
    /* an LDT's own descriptor, and others, are not for segment registers or LLDT */
    mov ecx, LDTSEL
    FAULTS_WITH(13, LDTSEL, mov fs, cx)
    mov ecx, DATA0
    FAULTS_WITH(13, DATA0, lldt cx)
    mov ecx, 4
    FAULTS_WITH(13, 4, lldt cx) /* nor one of the LDT */
    mov ecx, TSS
    FAULTS_WITH(13, TSS, lldt cx)
    FAULTS_WITH(13, TSS, ltr cx) /* busy */
    xor ecx, ecx
    FAULTS_WITH(13, 0, ltr cx)
    and byte ptr [gdt + LDTSEL + 5], 0x7F
    mov ecx, LDTSEL
    FAULTS_WITH(11, LDTSEL, lldt cx)
    or byte ptr [gdt + LDTSEL + 5], 0x80
    sldt eax
    CHECK_EQ(ax, LDTSEL)
    ret

/* ARPL raises RPL, and says so. */
adjust:
    mov ecx, 0x12345550
    mov edx, 0x0003
    arpl cx, dx
    CHECK(z)
    CHECK_EQ(ecx, 0x12345553)
    arpl cx, dx
    CHECK(nz)
    mov edx, 1
    arpl cx, dx
    CHECK(nz)
    CHECK_EQ(ecx, 0x12345553)
    mov dword ptr ss:[far_pointer], 0x11110011
    mov edx, 2
    arpl ss:[far_pointer], dx
    CHECK(z)
    CHECK_EQ(dword ptr ss:[far_pointer], 0x11110012)
    mov dword ptr ss:[far_pointer], 0
    ret
