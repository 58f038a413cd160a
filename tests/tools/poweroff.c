/* poweroff for the test guest.
 *
 * Linux switches a PC off by ACPI or APM.  Where the machine has neither, this program does what
 * the ACPI driver would do in the end: it writes SLP_EN with the S5 sleep type to the PM1a control
 * register (ACPI 6.4, 4.8.3.2.1), which lies at port 604h.  It is freestanding, so that no 32-bit C
 * library has to be installed.
 */
enum {
    SYS_EXIT = 1,
    SYS_WRITE = 4,
    SYS_SYNC = 36,
    SYS_IOPL = 110,
    PM1A_CONTROL = 0x604,
    SLP_EN_S5 = 0x2000,
};

static long system_call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c)
                     : "memory");
    return result;
}

void _start(void)
{
    static const char refused[] = "poweroff: no permission for the port\n";

    system_call(SYS_SYNC, 0, 0, 0);
    if (system_call(SYS_IOPL, 3, 0, 0) == 0)
        __asm__ volatile("outw %%ax, %%dx" ::"a"(SLP_EN_S5), "d"(PM1A_CONTROL));
    else
        system_call(SYS_WRITE, 2, (long)refused, sizeof refused - 1);
    system_call(SYS_EXIT, 1, 0, 0);
    __builtin_unreachable();
}
