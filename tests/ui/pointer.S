/* A boot sector for tests/ui/run: it writes what is typed, and each report of the VMware pointer as
 * [XXXXYYYYBBBB], to the screen and to the serial port. */
.code16
.globl _start
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    cld
    mov $0x12, %ax /* 640x480: shown dot by dot */
    int $0x10
    mov $0x00e3, %ax /* the serial port: 9600 8N1 */
    xor %dx, %dx
    int $0x14
    mov $0x45414552, %ebx /* enable */
    call command
    mov $39, %cx
    mov $1, %ebx
    call backdoor /* its version */
    mov $0x53424152, %ebx /* positions, please */
    call command
    mov $ready, %si
    call print
loop:
    mov $1, %ah
    int $0x16
    jz no_key
    xor %ah, %ah
    int $0x16
    call put
no_key:
    mov $40, %cx
    call backdoor
    cmp $4, %ax
    jb loop
    mov $39, %cx
    mov $4, %ebx
    call backdoor
    push %ax
    push %cx
    push %bx
    mov $'[', %al
    call put
    pop %ax
    call hex
    pop %ax
    call hex
    pop %ax
    call hex
    mov $']', %al
    call put
    jmp loop
command:
    mov $41, %cx
backdoor:
    mov $0x564d5868, %eax
    mov $0x5658, %dx
    in %dx, %eax
    ret
hex: /* AX, four digits */
    mov $4, %cx
1:  rol $4, %ax
    push %ax
    and $15, %al
    add $'0', %al
    cmp $'9', %al
    jbe 2f
    add $'a' - '0' - 10, %al
2:  call put
    pop %ax
    loop 1b
    ret
print:
    lodsb
    test %al, %al
    jz 1f
    call put
    jmp print
1:  ret
put: /* AL, to the screen and the first serial port */
    pusha
    mov $0x0e, %ah
    mov $15, %bx
    int $0x10
    popa
    pusha
    mov $1, %ah
    xor %dx, %dx
    int $0x14
    popa
    ret
ready:
    .asciz "ready\r\n"
    .org 510
    .word 0xaa55
