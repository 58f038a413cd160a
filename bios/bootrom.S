/* An option ROM for foreign firmware: a bootable device (PnP BIOS specification 1.0A, section 3)
 * that takes a kernel out of fw_cfg and starts it.  Linux is entered in its 16-bit setup code, a
 * kernel with an entry of its own (FW_CFG_KERNEL_ENTRY) as Multiboot has it. */
#define FW_SELECT 0x510
#define FW_DATA   0x511
#define FW_DMA    0x514

#define KERNEL_ADDR  0x07
#define KERNEL_SIZE  0x08
#define KERNEL_ENTRY 0x10
#define KERNEL_DATA  0x11
#define INITRD_ADDR  0x0A
#define INITRD_SIZE  0x0B
#define INITRD_DATA  0x12
#define CMDLINE_ADDR 0x13
#define CMDLINE_SIZE 0x14
#define CMDLINE_DATA 0x15
#define SETUP_ADDR   0x16
#define SETUP_SIZE   0x17
#define SETUP_DATA   0x18

#define DMA_SELECT_READ 0x0A

    .section .rodata.bios_bootrom, "a", @progbits
    .balign 16
    .globl bios_bootrom_start
    .globl bios_bootrom_end
bios_bootrom_start:
rom:
    .code16
    .word 0xAA55
    .byte (bios_bootrom_end - rom) / 512
    movw $0x20, %ax /* there is a device to boot from */
    lretw

    .org 0x1A
    .word pnp - rom
    .org 0x20
pnp:
    .ascii "$PnP"
    .byte 1, 2 /* revision, length in 16 bytes */
    .word 0
    .byte 0, 0
    .long 0
    .word 0, product - rom
    .byte 0, 0, 2 /* class */
    .byte 0
    .word 0, 0    /* no connection vector, no disconnection vector */
    .word boot - rom
    .word 0, 0
product:
    .asciz "Kernel of the command line"

/* EAX: the number that item AX holds. */
number:
    pushw %dx
    movw $FW_SELECT, %dx
    outw %ax, %dx
    movw $FW_DATA, %dx
    movw $4, %cx
1:
    inb %dx, %al
    rorl $8, %eax
    loop 1b
    popw %dx
    ret

/* Copy item BL to the address in item BH, as many bytes as item AL says. */
load:
    xorb %ah, %ah
    call number
    movl %eax, %esi
    testl %esi, %esi
    jz 3f
    movzbw %bh, %ax
    call number
    movl %eax, %edi
    /* The descriptor, big-endian: control, length, address. */
    bswapl %edi
    pushl %edi
    pushl $0
    bswapl %esi
    pushl %esi
    movzbl %bl, %eax
    shll $16, %eax
    movb $DMA_SELECT_READ, %al
    bswapl %eax
    pushl %eax
    movw %sp, %bp
    xorl %eax, %eax
    movw $FW_DMA, %dx
    outl %eax, %dx
    movw %ss, %ax
    shll $4, %eax
    movzwl %sp, %ecx
    addl %ecx, %eax
    bswapl %eax
    movw $(FW_DMA + 4), %dx
    outl %eax, %dx
2:
    movl (%bp), %eax
    andl $0xFEFFFFFF, %eax /* all but the error bit */
    jnz 2b
    movl (%bp), %eax
    addw $16, %sp
    testl %eax, %eax
    jnz failed
3:
    ret

boot:
    cli
    cld
    movb $CMDLINE_SIZE, %al
    movw $(CMDLINE_ADDR << 8 | CMDLINE_DATA), %bx
    call load
    movb $SETUP_SIZE, %al
    movw $(SETUP_ADDR << 8 | SETUP_DATA), %bx
    call load
    movb $INITRD_SIZE, %al
    movw $(INITRD_ADDR << 8 | INITRD_DATA), %bx
    call load
    movb $KERNEL_SIZE, %al
    movw $(KERNEL_ADDR << 8 | KERNEL_DATA), %bx
    call load
    movw $KERNEL_ENTRY, %ax
    call number
    testl %eax, %eax
    jnz multiboot

    /* Linux: all segments at the setup code, the stack below the command line. */
    movw $SETUP_ADDR, %ax
    call number
    movl %eax, %ebx
    movw $CMDLINE_ADDR, %ax
    call number
    subl %ebx, %eax
    subw $16, %ax
    shrl $4, %ebx
    movw %bx, %ss
    movw %ax, %sp
    movw %bx, %ds
    movw %bx, %es
    movw %bx, %fs
    movw %bx, %gs
    addw $0x20, %bx
    pushw %bx
    pushw $0
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    lretw

/* Multiboot 0.6.96, 3.2.  The information is where the modules are. */
multiboot:
    movl %eax, %edx
    movw $INITRD_ADDR, %ax
    call number
    movl %eax, %ebx
    xorl %ecx, %ecx
    movw %cs, %cx
    shll $4, %ecx /* where this ROM is: it runs where the firmware put it */
    leal (gdt - rom)(%ecx), %eax
    pushl %eax
    pushw $23
    movw %sp, %bp
    lgdtl (%bp)
    addw $6, %sp
    leal (flat - rom)(%ecx), %eax
    pushl $0x08
    pushl %eax
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    lretl
    .code32
flat:
    movl $0x10, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %ss
    movl %ecx, %fs
    movl %ecx, %gs
    movl $0x2BADB002, %eax
    jmp *%edx
    .code16

failed:
    movw $(message - rom), %si
1:
    movb %cs:(%si), %al
    incw %si
    testb %al, %al
    jz 2f
    movb $0x0E, %ah
    movw $7, %bx
    int $0x10
    jmp 1b
2:
    int $0x18
    jmp 2b
message:
    .asciz "Boot failed: the kernel does not fit into the memory\r\n"

    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF

    .org 0x400
bios_bootrom_end:

    .section .note.GNU-stack, "", @progbits
