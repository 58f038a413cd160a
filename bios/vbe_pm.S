/* The protected-mode interface of VBE 2.0 (section 4.13, function 0Ah): a table of offsets and
 * 32-bit code that programs copy and call.  It knows no address of its own, uses the caller's
 * stack and ES alone, and changes no register. */
#define INDEX_PORT 0x1CE
#define BPP        3
#define BANK       5
#define VIRT_WIDTH 6
#define X_OFFSET   8
#define Y_OFFSET   9

    .section .rodata.bios_vbe_pm, "a", @progbits
    .balign 16
    .globl bios_vbe_pm_start
    .globl bios_vbe_pm_end
bios_vbe_pm_start:
table:
    .word set_window - table
    .word set_display_start - table
    .word set_palette - table
    .word ports - table
ports: /* and, after the first end mark, memory: none */
    .word 0x1CE, 0x1CF, 0x3C8, 0x3C9, 0xFFFF, 0xFFFF

    .code32
/* Register number AL of the display interface: AX. */
get:
    movzbl %al, %eax
    movl $INDEX_PORT, %edx
    outw %ax, %dx
    incl %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret

/* Register number AL becomes CX. */
set:
    movzbl %al, %eax
    movl $INDEX_PORT, %edx
    outw %ax, %dx
    incl %edx
    movl %ecx, %eax
    outw %ax, %dx
    ret

/* Function 05h: DX is the window's position in units of 64 KiB; only window A, only setting. */
set_window:
    pushal
    testw %bx, %bx
    jnz 1f
    movl %edx, %ecx
    movb $BANK, %al
    call set
1:
    popal
    ret

/* Function 07h: DX:CX is the start of the display in units of four bytes. */
set_display_start:
    pushal
    movzwl %cx, %ecx
    shll $16, %edx
    orl %edx, %ecx
    shll $2, %ecx
    movb $BPP, %al
    call get
    addl $7, %eax
    shrl $3, %eax
    movl %eax, %ebx /* bytes a pixel */
    movb $VIRT_WIDTH, %al
    call get
    mull %ebx
    movl %eax, %esi /* and a line */
    testl %esi, %esi
    jz 1f
    movl %ecx, %eax
    xorl %edx, %edx
    divl %esi
    pushl %eax
    movl %edx, %eax
    xorl %edx, %edx
    divl %ebx
    movl %eax, %ecx
    movb $X_OFFSET, %al
    call set
    popl %ecx
    movb $Y_OFFSET, %al
    call set
1:
    popal
    ret

/* Function 09h: CX entries of blue, green, red, nothing from ES:EDI on become those from DX on. */
set_palette:
    pushal
    testb $0x7F, %bl
    jnz 2f
    movzwl %cx, %ecx
    testl %ecx, %ecx
    jz 2f
    movb %dl, %al
    movl $0x3C8, %edx
    outb %al, %dx
    incl %edx
1:
    movb %es:2(%edi), %al
    outb %al, %dx
    movb %es:1(%edi), %al
    outb %al, %dx
    movb %es:(%edi), %al
    outb %al, %dx
    addl $4, %edi
    decl %ecx
    jnz 1b
2:
    popal
    ret
bios_vbe_pm_end:

    .section .note.GNU-stack, "", @progbits
