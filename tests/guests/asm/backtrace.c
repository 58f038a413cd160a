/* A Multiboot kernel of three functions, the innermost of which waits for ever: what gdb makes of
 * the memory of a machine that runs it (backtrace.guest). */

__asm__(".text\n"
        "    .align 4\n"
        "    .long 0x1BADB002, 0, -0x1BADB002\n" /* Multiboot 0.6.96, 3.1.1: no wishes */
        "    .globl start\n"
        "start:\n"
        "    mov $stack + 4096, %esp\n"
        "    xor %ebp, %ebp\n"
        "    push %ebp\n"
        "    jmp outer\n");

char stack[4096];
volatile unsigned answer = 42;

void inner(unsigned depth)
{
    (void)depth;
    __asm__ volatile("mov $0x12345678, %%ecx; mov $0x3F8, %%edx; mov $'!', %%al; out %%al, %%dx\n"
                     "1: jmp 1b"
                     :
                     :
                     : "eax", "ecx", "edx");
}

void middle(unsigned depth)
{
    inner(depth + 1);
    answer++;
}

void outer(void)
{
    middle(answer);
    answer++;
}
