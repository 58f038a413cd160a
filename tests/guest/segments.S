/* Segmentation in protected mode: limits, types, bases, expand-down segments, stacks of either
 * size (SDM vol. 3A 3.4, 5.3 to 5.6). */
#include "tests/guest/protected.h"

#define SMALL  FREE          /* base 20000h, limit FFFh */
#define DOWN   (FREE + 0x08) /* base 20000h, expand-down, limit FFFh: 1000h to FFFFFFFFh */
#define DOWN16 (FREE + 0x10) /* the same with B clear: 1000h to FFFFh */
#define RODATA (FREE + 0x18)
#define XONLY  (FREE + 0x20) /* execute-only code, base 0, 4 GiB */
#define ABSENT (FREE + 0x28)
#define BASED  (FREE + 0x30) /* base 20000h, 4 GiB */
#define STK16  (FREE + 0x38) /* base 30000h, 64 KiB, B clear */
#define LIMITED (FREE + 0x40) /* code: base 0, limit: the end of this image */
#define CODE_B (FREE + 0x48) /* code: base `based_code`, 4 GiB */
#define LDTSEL (FREE + 0x50)
#define PAGES  (FREE + 0x58) /* base 20000h, limit 1 page of granularity 4 KiB: FFFh too */
#define ZERO   (FREE + 0x60) /* limit 0 */
#define SMALL_STK (FREE + 0x68) /* writable, limit FFFh, base 20000h, B set */

main:
    SEGMENT(SMALL, 0x20000, 0xFFF, 0x93, 4)
    SEGMENT(DOWN, 0x20000, 0xFFF, 0x97, 4)
    SEGMENT(DOWN16, 0x20000, 0xFFF, 0x97, 0)
    SEGMENT(RODATA, 0, 0xFFFFF, 0x91, 0xC)
    SEGMENT(XONLY, 0, 0xFFFFF, 0x99, 0xC)
    SEGMENT(ABSENT, 0, 0xFFFFF, 0x13, 0xC)
    SEGMENT(BASED, 0x20000, 0xFFFFF, 0x93, 0xC)
    SEGMENT(STK16, 0x30000, 0xFFFF, 0x93, 0)
    SEGMENT(LDTSEL, 0x24000, 0xF, 0x82, 0)
    SEGMENT(PAGES, 0x20000, 0, 0x93, 0xC)
    SEGMENT(ZERO, 0x20000, 0, 0x93, 4)
    SEGMENT(SMALL_STK, 0x20000, 0xFFF, 0x93, 4)
    call limits
    call expand_down
    call types
    call loads
    call bases
    call stack_limits
    call stack16
    call code_limits
    call far_calls
    call ldt
    END

limits:
    mov ax, SMALL
    mov es, ax
    mov ecx, 3 /* the second and third time the code is not new */
1:  mov ebx, 0xFFC
    mov dword ptr es:[ebx], 0x12345678
    CHECK_EQ(dword ptr [0x20FFC], 0x12345678)
    CHECK_EQ(byte ptr es:[ebx + 3], 0x12)
    CHECK_EQ(word ptr es:[0xFFE], 0x1234)
    FAULTS_WITH(13, 0, mov eax, es:[ebx + 1])
    FAULTS_WITH(13, 0, mov es:[ebx + 1], eax)
    FAULTS_WITH(13, 0, mov ax, es:[0xFFF])
    FAULTS_WITH(13, 0, mov al, es:[0x1000])
    FAULTS_WITH(13, 0, mov al, es:[0xFFFFFFFF])
    FAULTS_WITH(13, 0, mov eax, es:[0xFFFFFFFE])
    FAULTS_WITH(13, 0, add dword ptr es:[ebx + 2], 1)
    FAULTS_WITH(13, 0, cmpxchg8b es:[ebx])
    FAULTS_WITH(13, 0, fld qword ptr es:[ebx])
    FAULTS_WITH(13, 0, bts dword ptr es:[ebx + 4], 1)
    mov edi, 0xFFE
    mov edx, ecx
    mov ecx, 4
    mov al, 0x77
    FAULTS_WITH(13, 0, rep stosb)
    CHECK_EQ(ecx, 2)
    CHECK_EQ(edi, 0x1000)
    CHECK_EQ(word ptr [0x20FFE], 0x7777)
    mov esi, 0xFFD
    FAULTS_WITH(13, 0, lodsd es:[esi])
    CHECK_EQ(esi, 0xFFD)
    mov ecx, edx
    dec ecx
    jnz 1b
    mov ax, PAGES
    mov es, ax
    CHECK_EQ(word ptr es:[0xFFE], 0x7777)
    FAULTS_WITH(13, 0, mov al, es:[0x1000])
    mov ax, ZERO
    mov es, ax
    mov byte ptr es:[0], 5
    CHECK_EQ(byte ptr [0x20000], 5)
    FAULTS_WITH(13, 0, mov es:[0], ax)
    FAULTS_WITH(13, 0, mov es:[1], al)
    ret

expand_down:
    mov ax, DOWN
    mov es, ax
    mov dword ptr es:[0x1000], 0xABCD
    CHECK_EQ(dword ptr [0x21000], 0xABCD)
    FAULTS_WITH(13, 0, mov al, es:[0xFFF])
    FAULTS_WITH(13, 0, mov eax, es:[0xFFE])
    FAULTS_WITH(13, 0, mov es:[0], al)
    mov al, es:[0x10000]
    mov ax, DOWN16
    mov es, ax
    CHECK_EQ(dword ptr es:[0x1000], 0xABCD)
    mov al, es:[0xFFFF]
    FAULTS_WITH(13, 0, mov al, es:[0x10000])
    FAULTS_WITH(13, 0, mov ax, es:[0xFFFF])
    FAULTS_WITH(13, 0, mov al, es:[0xFFF])
    /* 16-bit addressing wraps the offset first */
    mov bx, 0xF000
    mov si, 0x2000
    CHECK_EQ(byte ptr es:[bx + si], 0xCD)
    mov si, 0x1FFF
    FAULTS_WITH(13, 0, mov al, es:[bx + si])
    ret

types:
    mov ax, RODATA
    mov fs, ax
    CHECK_EQ(dword ptr fs:[0x20FFC], 0x77775678)
    FAULTS_WITH(13, 0, mov fs:[0x20000], eax)
    FAULTS_WITH(13, 0, inc dword ptr fs:[0x20000])
    FAULTS_WITH(13, 0, xchg fs:[0x20000], eax)
    CHECK_EQ(byte ptr fs:[0x20000], 5)
    /* CS is readable, not writable */
    CHECK_EQ(byte ptr cs:[0x20000], 5)
    FAULTS_WITH(13, 0, mov byte ptr cs:[0x20000], al)
    FAULTS_WITH(13, 0, add byte ptr cs:[0x20000], al)
    push XONLY
    push offset 1f
    retf
1:  FAULTS_WITH(13, 0, mov al, cs:[0x20000])
    mov al, [0x20000]
    push CODE0
    push offset 2f
    retf
2:  CHECK_EQ(byte ptr cs:[0x20000], 5)
    ret

loads:
    mov ax, BASED
    mov es, ax
    mov cx, XONLY
    FAULTS_WITH(13, XONLY, mov es, cx)
    mov cx, ABSENT
    FAULTS_WITH(11, ABSENT, mov es, cx)
    FAULTS_WITH(12, ABSENT, mov ss, cx)
    mov cx, TSS
    FAULTS_WITH(13, TSS, mov es, cx)
    mov cx, 0x1F0
    FAULTS_WITH(13, 0x1F0, mov es, cx)
    mov cx, RODATA
    FAULTS_WITH(13, RODATA, mov ss, cx)
    mov cx, DATA3 & ~3
    FAULTS_WITH(13, DATA3 & ~3, mov ss, cx)
    mov cx, DATA3
    FAULTS_WITH(13, DATA3 & ~3, mov ss, cx)
    xor cx, cx
    FAULTS_WITH(13, 0, mov ss, cx)
    FAULTS(6, .byte 0x8E, 0xC9) /* MOV CS */
    CHECK_EQ(byte ptr es:[0], 5) /* ES is what it was */
    mov es, cx /* null: legal, but not to be used */
    FAULTS_WITH(13, 0, mov al, es:[0])
    FAULTS_WITH(13, 0, stosb)
    mov ax, es
    CHECK_EQ(ax, 0)
    mov cx, 3
    mov es, cx
    FAULTS_WITH(13, 0, mov es:[0x20000], al)
    mov ax, DATA0
    mov es, ax
    ret

bases:
    mov ax, BASED
    mov gs, ax
    mov dword ptr [0x20010], 0x55AA55AA
    CHECK_EQ(dword ptr gs:[0x10], 0x55AA55AA)
    mov ebx, 0x30
    CHECK_EQ(dword ptr gs:[ebx - 0x20], 0x55AA55AA)
    mov eax, [0x1FFF8]
    not eax
    mov gs:[0xFFFFFFF8], eax /* below the base, as thread-local storage does */
    CHECK_EQ([0x1FFF8], eax)
    mov ebx, -8
    CHECK_EQ(gs:[ebx], eax)
    mov bh, 0x42
    mov ecx, 0x11
    mov gs:[ecx], bh
    CHECK_EQ(byte ptr [0x20011], 0x42)
    mov gs:[ecx + 4], ah
    CHECK_EQ(byte ptr [0x20015], ah)
    mov esi, 0x10
    lodsd gs:[esi]
    CHECK_EQ(eax, 0x55AA42AA)
    mov ebx, 0x10
    mov eax, 1
    xlatb gs:[ebx]
    CHECK_EQ(al, 0x42)
    mov eax, gs:[0x10]
    CHECK_EQ(eax, 0x55AA42AA)
    mov gs:[0x18], eax
    CHECK_EQ([0x20018], eax)
    mov ecx, 0xA5 /* bit 5 of the dword at 14h */
    btc gs:[0], ecx
    mov ecx, [0x20014]
    btc dword ptr gs:[0x14], 5
    xor ecx, [0x20014]
    CHECK_EQ(ecx, 0x20)
    push dword ptr gs:[0x10]
    pop dword ptr gs:[0x20]
    CHECK_EQ(dword ptr [0x20020], 0x55AA42AA)
    /* DS with a base: what it says about implicit operands */
    push BASED
    pop ds
    mov eax, [0x10]
    CHECK_EQ(eax, 0x55AA42AA)
    mov esi, 0x10
    mov edi, 0x20100
    movsd
    push DATA0
    pop ds
    CHECK_EQ(dword ptr [0x20100], 0x55AA42AA)
    mov ebp, 0x20100 /* EBP and ESP mean SS */
    push BASED
    pop ds
    CHECK_EQ(dword ptr [ebp], 0x55AA42AA)
    push DATA0
    pop ds
    mov ax, DATA0
    mov es, ax
    ret

/* A 32-bit stack of 4 KiB. */
stack_limits:
    mov ebx, esp
    GATE(12, on_stack_fault, 0)
    /* #SS with a stack that is fine by then: the handler's frame must fit */
    mov ecx, 3
1:  mov ax, SMALL_STK
    mov ss, ax
    mov esp, 0x800
    push 0x1234
    CHECK_EQ(dword ptr [0x207FC], 0x1234)
    pop eax
    mov dword ptr [expected_eip], offset 2f
    mov dword ptr [resume_eip], offset 3f
    mov ebp, 0xFFD
2:  mov eax, [ebp]
    FAIL
3:  mov dword ptr [expected_eip], offset 4f
    mov dword ptr [resume_eip], offset 5f
4:  mov ss:[0x1000], al
    FAIL
5:  mov dword ptr [expected_eip], offset 6f
    mov dword ptr [resume_eip], offset 7f
6:  mov [esp + 0x800], al
    FAIL
7:  mov ax, DATA0
    mov ss, ax
    mov esp, ebx
    dec ecx
    jnz 1b
    CHECK_EQ(dword ptr [stack_faults], 9)
    UNGATE(12)
    ret
on_stack_fault:
    push eax
    mov eax, [expected_eip]
    CHECK_EQ(dword ptr ss:[esp + 4], 0)
    CHECK_EQ(ss:[esp + 8], eax)
    mov eax, [resume_eip]
    mov ss:[esp + 8], eax
    inc dword ptr [stack_faults]
    pop eax
    add esp, 4
    iretd
expected_eip: .long 0
resume_eip: .long 0
stack_faults: .long 0

/* A 16-bit stack under 32-bit code: SP wraps, the upper half of ESP stays. */
stack16:
    mov ebx, esp
    mov ax, STK16
    mov ss, ax
    mov esp, 0x12340004
    push 0x11111111
    CHECK_EQ(esp, 0x12340000)
    CHECK_EQ(dword ptr [0x30000], 0x11111111)
    push 0x22222222 /* wraps */
    CHECK_EQ(esp, 0x1234FFFC)
    CHECK_EQ(dword ptr [0x3FFFC], 0x22222222)
    pop eax
    CHECK_EQ(esp, 0x12340000)
    CHECK_EQ(eax, 0x22222222)
    pop ecx
    CHECK_EQ(ecx, 0x11111111)
    CHECK_EQ(esp, 0x12340004)
    mov esp, 0x12340100
    call 1f
1:  CHECK_EQ(esp, 0x123400FC)
    CHECK_EQ(dword ptr [0x300FC], offset 1b)
    mov dword ptr [0x300FC], offset 2f
    ret
2:  CHECK_EQ(esp, 0x12340100)
    pushfd
    popfd
    CHECK_EQ(esp, 0x12340100)
    mov eax, 0xA1A2A3A4
    pushad
    CHECK_EQ(esp, 0x123400E0)
    CHECK_EQ(dword ptr [0x300FC], 0xA1A2A3A4)
    CHECK_EQ(dword ptr [0x300EC], 0x12340100)
    mov eax, 0
    popad
    CHECK_EQ(eax, 0xA1A2A3A4)
    CHECK_EQ(esp, 0x12340100)
    mov ebp, 0x56780020
    enter 0x10, 0
    CHECK_EQ(dword ptr [0x300FC], 0x56780020)
    CHECK_EQ(esp, 0x123400EC)
    CHECK_EQ(ebp, 0x123400FC) /* the operand size decides, not the stack's */
    leave
    CHECK_EQ(esp, 0x12340100)
    CHECK_EQ(ebp, 0x56780020)
    mov ebp, 0x567800FC
    mov esp, 0xABCD0000
    leave /* SP from BP; the upper half of ESP stays */
    CHECK_EQ(esp, 0xABCD0100)
    CHECK_EQ(ebp, 0x56780020)
    mov esp, 0x12340100
    push 0x9ABC
    pop dword ptr ss:[esp - 0x12340000 + 4]
    CHECK_EQ(dword ptr [0x30104], 0x9ABC)
    push word ptr 0x4444
    CHECK_EQ(esp, 0x123400FE)
    pop ax
    CHECK_EQ(ax, 0x4444)
    mov ax, DATA0
    mov ss, ax
    mov esp, ebx
    /* a 32-bit stack under 16-bit code */
    mov dword ptr [saved_esp], esp
    push CODE16
    push offset in16
    retf
    .code16
in16:
    mov esp, 0x00031000
    push ax
    CHECK_EQ(esp, 0x00030FFE)
    mov dword ptr [0x0010], esp
    call in16_next
in16_next:
    CHECK_EQ(esp, 0x00030FFC)
    pop cx
    cmp cx, offset in16_next
    CHECK(e)
    push dword ptr 0x13572468
    pop edx
    CHECK_EQ(edx, 0x13572468)
    mov ebp, 0x00030F00
    mov word ptr [bp + 2], 0x7654 /* SS:0F02 */
    mov esp, [saved_esp]
    push dword ptr CODE0
    push dword ptr offset in32
    retfd
    .code32
in32:
    CHECK_EQ(word ptr [0x0F02], 0x7654)
    ret
saved_esp: .long 0

/* A code segment that ends at the end of this image. */
code_limits:
    SEGMENT(LIMITED, 0, 0, 0x9B, 4)
    mov eax, offset image_end - 1
    mov word ptr [gdt + LIMITED], ax
    push LIMITED
    push offset 1f
    retf
1:  jmp 2f
2:  call 3f
3:  add esp, 4
    mov eax, offset image_end
    mov dword ptr ss:[resume], offset 4f
5:  jmp eax
    FAIL
4:  CHECK_EQ(dword ptr [fault_vector], 13)
    CHECK_EQ(dword ptr [fault_error], 0)
    mov edx, offset 5b
    CHECK_EQ([fault_eip], edx)
    mov edx, esp
    FAULTS_WITH(13, 0, call eax)
    CHECK_EQ(edx, esp) /* nothing was pushed */
    push eax
    FAULTS_WITH(13, 0, ret)
    pop eax
    FAULTS_WITH(13, 0, jmp image_end + 0x1000)
    FAULTS_WITH(13, 0, call image_end)
    CHECK_EQ(edx, esp)
    stc
    FAULTS_WITH(13, 0, jc image_end)
    clc
    jc image_end + 0x100
    /* running over the end: the instruction there does not fit */
    mov dword ptr ss:[resume], offset 6f
    jmp last_but_one
6:  CHECK_EQ(dword ptr [fault_vector], 13)
    mov edx, offset last_instruction
    CHECK_EQ([fault_eip], edx)
    push CODE0
    push offset 7f
    retf
7:  /* the same for 16-bit transfers, in a segment of less than 64 KiB */
    SEGMENT(LIMITED, 0, 0, 0x9B, 0)
    mov eax, offset image_end - 1
    mov word ptr [gdt + LIMITED], ax
    push LIMITED
    push offset 1f
    retf
    .code16
1:  mov dx, sp
    mov eax, offset image_end
    FAULTS_WITH(13, 0, jmp ax)
    FAULTS_WITH(13, 0, call ax)
    push ax
    FAULTS_WITH(13, 0, ret)
    pop ax
    push eax
    FAULTS_WITH(13, 0, .byte 0x66; ret)
    pop eax
    mov ebx, 0x20100
    mov [ebx], ax
    FAULTS_WITH(13, 0, jmp word ptr [ebx])
    FAULTS_WITH(13, 0, call word ptr [ebx])
    CHECK_EQ(dx, sp)
    push dword ptr CODE0
    push dword ptr offset 7f
    retfd
    .code32
7:  /* a code segment with a base: EIP is not the linear address */
    SEGMENT(CODE_B, 0x20000, 0xFFFFF, 0x9B, 0xC)
    mov esi, offset moved
    mov edi, 0x21000
    mov ecx, offset moved_end - moved
    rep movsb
    push offset 8f
    push CODE_B
    push 0x1000
    retf
8:  CHECK_EQ(eax, 25)
    ret
moved:
    call 1f
1:  pop eax
    mov ebx, eax
    sub eax, 0x1005
    jne 9f
    mov ecx, 5
2:  add eax, 5
    dec ecx
    jnz 2b
9:  push CODE0
    push dword ptr [esp + 4]
    retf 4
moved_end:

far_calls:
    SEGMENT(0xB0, 0, 0xFFFFF, 0x1B, 0xC)
    mov edx, esp
    .byte 0x9A
    .long far_target
    .word CODE0
    CHECK_EQ(edx, esp)
    mov dword ptr [far_pointer], offset far_target
    mov dword ptr [far_pointer + 4], CODE0
    lcall [far_pointer]
    CHECK_EQ(edx, esp)
    push 0x77
    lcall [far_pointer]
    pop eax
    CHECK_EQ(eax, 0x77)
    .byte 0xEA
    .long 1f
    .word CODE0
1:  FAULTS_WITH(13, DATA0, lcall [data_pointer])
    FAULTS_WITH(13, 0, lcall [null_pointer])
    FAULTS_WITH(11, 0xB0, lcall [absent_pointer])
    CHECK_EQ(edx, esp)
    ret
far_target:
    CHECK_EQ(word ptr [esp + 4], CODE0)
    retf
far_pointer: .long 0, 0
data_pointer: .long far_target, DATA0
null_pointer: .long far_target, 0
absent_pointer: .long far_target, 0xB0

ldt:
    mov ax, LDTSEL
    lldt ax
    mov dword ptr [0x24008], 0x0000FFFF /* base 20000h, limit FFFFh */
    mov dword ptr [0x2400C], 0x00409302
    mov ax, 0x0C
    mov fs, ax
    CHECK_EQ(dword ptr fs:[0x10], 0x55AA42AA)
    mov ecx, 0x14
    FAULTS_WITH(13, 0x14, mov fs, cx) /* beyond the LDT's limit */
    CHECK_EQ(dword ptr fs:[0x10], 0x55AA42AA)
    xor ax, ax
    lldt ax
    mov cx, 0x0C
    FAULTS_WITH(13, 0x0C, mov es, cx)
    mov fs, ax
    ret

    .balign 16
last_but_one:
    nop
last_instruction:
    .byte 0xB8, 1, 2 /* MOV EAX, imm32 with two bytes missing */
image_end:
