/* A boot sector that works the A20 gate in every way a PC has: port 92h, the keyboard controller
 * (D1h, DDh and DFh), INT 15h AX=2400h to 2403h; and leaves protected mode by a triple fault, with
 * CMOS 0Fh and 40:67 telling where to go on.  Ends by isa-debug-exit: 10h when all is right, else
 * the number of what was wrong. */
    .intel_syntax noprefix
    .code16
#define STEP(n) mov bp, n

start:
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7C00
    dec ax
    mov fs, ax /* FFFF:0510 is 0:0500, or 100500h */
    STEP(1)
    in al, 0x92
    and al, 0xFC
    out 0x92, al
    call is_off
    in al, 0x92
    test al, 2
    jnz fail
    or al, 2
    out 0x92, al
    call is_on
    STEP(2)
    mov ah, 0xDD /* the controller's output port, by number: off */
    call controller
    call is_off
    mov ah, 0xDF
    call controller
    call is_on
    STEP(3)
    mov ah, 0xD1 /* and by value */
    call controller
    mov al, 0xDD
    out 0x60, al
    call wait_controller
    call is_off
    mov ah, 0xD0 /* which can be read back */
    call controller
1:  in al, 0x64
    test al, 1
    jz 1b
    in al, 0x60
    test al, 2
    jnz fail
    mov ah, 0xD1
    call controller
    mov al, 0xDF
    out 0x60, al
    call wait_controller
    call is_on
    STEP(4)
    mov ax, 0x2400
    int 0x15
    jc fail
    call is_off
    mov ax, 0x2402
    int 0x15
    cmp al, 0
    jne fail
    mov ax, 0x2401
    int 0x15
    jc fail
    call is_on
    mov ax, 0x2402
    int 0x15
    cmp al, 1
    jne fail
    mov ax, 0x2403
    int 0x15
    jc fail
    test bl, 3
    jz fail
    /* to protected mode, and out of it the way of the 286: POST finds the shutdown code */
    STEP(5)
    mov word ptr [0x467], offset revived
    mov word ptr [0x469], 0
    mov al, 0x0F
    out 0x70, al
    mov al, 0x0A /* JMP to [40:67] without EOI */
    out 0x71, al
    lidt [no_idt]
    smsw ax
    or al, 1
    lmsw ax
    int3 /* #BP, #GP, #DF, shutdown */
revived:
    xor ax, ax
    mov ss, ax
    mov ds, ax
    mov sp, 0x7C00
    smsw ax
    test al, 1
    mov al, 6
    jnz report
    mov al, 0x10
report:
    out 0xF4, al
    jmp report
fail:
    mov ax, bp
    jmp report

wait_controller:
    in al, 0x64
    test al, 2
    jnz wait_controller
    ret
controller: /* command AH */
    call wait_controller
    mov al, ah
    out 0x64, al
    jmp wait_controller

/* Each address keeps what was written to it, or both are one. */
differ:
    mov word ptr [0x500], 0x1111
    mov word ptr fs:[0x510], 0x2222
    cmp word ptr [0x500], 0x1111
    ret
is_on:
    call differ
    jne fail
    ret
is_off:
    call differ
    je fail
    ret

    .balign 2
no_idt:
    .word 0
    .long 0
    .org 510
    .word 0xAA55
