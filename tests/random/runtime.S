/* What random programs run in (tests/random/system.c): a small kernel that starts one piece after
 * the other in its ring, writes down the registers when it ends, be that by INT 30h or by an
 * exception, and puts back what the next one needs.
 *
 * A flat image at 8000h, entered in real mode.  The tool fills in what stands at `parameters`. */
#include "tests/guest/guest.h"

#define PIECES     0x10000 /* of 128 bytes each */
#define DATA       0x40000 /* 8 pages, whose mapping the pieces change */
#define DATA_PAGES 8
#define STACK_R0   0x3E000
#define STACK_R3   0x3F000
#define STACK_IN   0x3C000 /* of rings 1 to 3 on their way in */
#define DIRECTORY  0x100000
#define TABLE      0x101000
#define LOG        0x200000

#define LDT       0x78
#define CALL_GATE 0x58

    .text
    .code16
    .globl _start
_start:
    jmp 1f
    .balign 8
parameters:
count:  .long 0 /* of pieces */
rounds: .long 0 /* so often all of them */
print:  .long 0 /* the log goes to port E9h when all is done */
kinds:  .long 0 /* where the ring of each stands: 0, 3, 4 for virtual-8086 mode; + 8: 16-bit code */
1:  cli
    xor ax, ax
    mov ds, ax
    lgdt [gdt_pointer]
    lidt [idt_pointer]
    mov eax, cr0
    or eax, 1
    mov cr0, eax
    .byte 0x66, 0xEA
    .long in_protected
    .word CODE0

    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
    .quad 0x00CFFB000000FFFF
    .quad 0x00CFF3000000FFFF
    .word 103, tss, 0x8900, 0
    .quad 0x00009B000000FFFF
    .quad 0x000093000000FFFF
    .quad 0x00CF9F000000FFFF /* 40: conforming */
    .quad 0x00CFF1000000FFFF /* 48: to be read */
    .quad 0x00CF73000000FFFF /* 50: absent */
    .quad 0                  /* 58: a call gate, two parameters */
    .quad 0x00CFF3001000FFFF /* 60: base 1000h */
    .quad 0x0044F30000003FFF /* 68: limit 43FFFh */
    .quad 0x00CFF70000000041 /* 70: expand-down, from 42000h on */
    .word 31, ldt, 0x8200, 0 /* 78 */
    .quad 0x00CFF9000000FFFF /* 80: code, not to be read */
    .quad 0x00CFB3000000FFFF /* 88: ring 1's */
    .quad 0x00009B010000FFFF /* 90: the pieces as 16-bit code of ring 0 */
    .quad 0x0000FB010000FFFF /* 98: and of ring 3 */
    .quad 0x0000F3040000FFFF /* A0: 64 KiB of data for them */
gdt_pointer:
    .word . - gdt - 1
    .long gdt
    .balign 8
ldt:
    .quad 0
    .quad 0x00CFF3000000FFFF
    .quad 0x00CFFB000000FFFF
    .quad 0x00CF93000000FFFF
idt_pointer:
    .word 256 * 8 - 1
    .long idt

    .balign 16
tss:
    .long 0, STACK_IN, DATA0
    .fill 22, 4, 0
    .word 0, 104

piece:  .long 0
round:  .long 0
log_at: .long LOG
base_cr0: .long 0
registers: .long 0x11, 0x22, 0x33, 0, 0x55, 0x66, 0x77, 0x88 /* as PUSHAD has them */

    .macro gate vector, offset, type
    mov eax, offset \offset
    mov word ptr [idt + \vector * 8], ax
    mov dword ptr [idt + \vector * 8 + 2], CODE0
    mov byte ptr [idt + \vector * 8 + 5], \type
    .endm

    .code32
in_protected:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, STACK_IN
    mov al, 0xFF
    out 0x21, al
    out 0xA1, al
    xor ecx, ecx
1:  mov eax, ecx
    shl eax, 4
    add eax, offset handlers
    mov word ptr [ecx * 8 + idt], ax
    mov dword ptr [ecx * 8 + idt + 2], CODE0
    mov byte ptr [ecx * 8 + idt + 5], 0x8E
    inc ecx
    cmp ecx, 32
    jne 1b
    mov byte ptr [idt + 3 * 8 + 5], 0xEE
    mov byte ptr [idt + 4 * 8 + 5], 0xEE
    gate 0x30, piece_ends, 0xEE
    gate 0x31, back_at_once, 0xEE
    gate 0x32, back_at_once, 0x8E
    gate 0x33, back_at_once, 0xEF
    mov eax, offset gate_entry
    mov word ptr [gdt + CALL_GATE], ax
    mov dword ptr [gdt + CALL_GATE + 2], CODE0
    mov word ptr [gdt + CALL_GATE + 4], 0xEC02
    mov ax, TSS
    ltr ax
    mov ax, LDT
    lldt ax
    mov ecx, 0x174
    xor edx, edx
    mov eax, CODE0
    wrmsr
    inc ecx
    mov eax, STACK_IN - 0x800
    wrmsr
    inc ecx
    mov eax, offset fast_entry
    wrmsr
    mov edi, DIRECTORY
    mov dword ptr [edi], TABLE + 7
    mov edi, TABLE
    mov eax, 7
2:  stosd
    add eax, 0x1000
    cmp eax, 0x400007
    jne 2b
    mov eax, DIRECTORY
    mov cr3, eax
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    mov eax, cr0
    and eax, ~0x6000000E
    or eax, 0x80010020 /* PG WP NE */
    mov cr0, eax
    mov [base_cr0], eax
    mov dword ptr [piece], -1
    jmp next_piece

    .balign 16
handlers:
    .set vector, 0
    .rept 32
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
    nop
    nop
    .else
    push 0
    .endif
    push vector
    jmp on_event
    .balign 16
    .set vector, vector + 1
    .endr
piece_ends:
    push 0
    push 0x30
    jmp on_event
back_at_once:
    iretd
gate_entry:
    mov eax, [esp + 8]
    retf 8
fast_entry:
    sysexit

/* EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX, vector, error, EIP, CS, EFLAGS, ESP, SS, and in
 * virtual-8086 mode ES, DS, FS, GS lie on the stack. */
on_event:
    pushad
    mov ecx, ds
    mov edx, es
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    cld
    mov edi, [log_at]
    mov eax, [piece]
    stosd
    movzx eax, cx
    stosd
    movzx eax, dx
    stosd
    mov eax, fs
    movzx eax, ax
    stosd
    mov eax, gs
    movzx eax, ax
    stosd
    mov eax, cr2
    stosd
    mov eax, cr0
    stosd
    str ax
    stosd
    mov esi, esp
    mov ecx, 13
    rep movsd
    xor eax, eax
    test dword ptr [esp + 44], 3
    jnz 1f
    test dword ptr [esp + 48], 0x20000
    jnz 1f
    stosd
    stosd
    jmp 2f
1:  movsd
    movsd
2:  mov eax, dr6
    stosd
    mov [log_at], edi
    xor eax, eax
    mov dr7, eax
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    mov esi, esp
    mov edi, offset registers
    mov ecx, 8
    rep movsd
    /* as it was */
    mov eax, [base_cr0]
    mov cr0, eax
    mov edi, TABLE + DATA / 0x1000 * 4
    mov ecx, DATA_PAGES
    mov eax, DATA + 7
3:  mov ebx, [edi] /* A and D are to be seen in the end */
    and ebx, 0x60
    or ebx, eax
    mov [edi], ebx
    add edi, 4
    add eax, 0x1000
    dec ecx
    jnz 3b
    mov eax, cr3
    mov cr3, eax
next_piece:
    inc dword ptr [piece]
    mov eax, [piece]
    cmp eax, [count]
    jne 1f
    mov dword ptr [piece], 0
    inc dword ptr [round]
    mov eax, [round]
    cmp eax, [rounds]
    je done
1:  mov eax, [piece]
    mov ebx, [kinds]
    movzx ebx, byte ptr [ebx + eax]
    shl eax, 7
    add eax, PIECES
    cmp bl, 4
    je in_v86
    mov cx, DATA3
    mov edx, CODE0
    test bl, 8
    jz 2f
    sub eax, PIECES
    mov cx, 0xA3
    mov edx, 0x90
2:  mov ds, cx
    mov es, cx
    mov fs, cx
    mov gs, cx
    mov esp, STACK_R0
    test bl, 3
    jz 3f
    push DATA3
    push STACK_R3
    push 0x3002
    add edx, CODE3 - CODE0
    cmp edx, CODE3
    je 4f
    mov edx, 0x9B
    jmp 4f
3:  push 2
4:  push edx
    push eax
    jmp registers_and_go
in_v86:
    mov esp, STACK_R0
    push 0x4000
    push 0x4000
    push 0x4100
    push 0x4000
    push 0x3000
    push 0xF000
    mov ecx, [piece]
    and ecx, 3
    shl ecx, 12
    or ecx, 0x20002
    push ecx
    shr eax, 4
    push eax
    push 0
registers_and_go:
    mov edi, ss:[registers]
    mov esi, ss:[registers + 4]
    mov ebp, ss:[registers + 8]
    mov ebx, ss:[registers + 16]
    mov edx, ss:[registers + 20]
    mov ecx, ss:[registers + 24]
    mov eax, ss:[registers + 28]
    iretd

done:
    cmp dword ptr [print], 0
    je 2f
    mov esi, LOG
1:  lodsb
    out 0xE9, al
    cmp esi, [log_at]
    jne 1b
    mov al, 1
    out 0xF4, al
    cli
    hlt
2:  mov eax, [log_at]
    out RIG_PORT_END, eax
    hlt

    .balign 8
idt:
    .fill 256, 8, 0
