/* The nanobenchmarks as an ordinary 32-bit program: what the host's hardware and kernel take. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#include "nano.h"

enum { PAGE = 4096 };

static uint8_t *code, *fresh;

void nano_print(const char *text)
{
    fputs(text, stdout);
}

static void system_call_int80(uint32_t count)
{
    NANO_LOOP(count, "int $0x80", ::"a"(SYS_getpid) : "memory");
}

/* The kernel's own entry, which is SYSENTER or SYSCALL behind a call. */
static void system_call_fast(uint32_t count)
{
    unsigned long entry = getauxval(AT_SYSINFO);
    long result;

    while (count-- && entry)
        __asm__ volatile("call *%1" : "=a"(result) : "r"(entry), "0"(SYS_getpid) : "memory");
}

static void on_fpe(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EIP] += 2;
}

static void divide_error(uint32_t count)
{
    NANO_LOOP(count, "divl %%ecx", ::"a"(1), "d"(0), "c"(0));
}

/* First touches of anonymous pages. */
static void page_fault(uint32_t count)
{
    madvise(fresh, count * PAGE, MADV_DONTNEED);
    for (uint32_t i = 0; i < count; i++)
        *(volatile uint8_t *)(fresh + i * PAGE) = 1;
}

/* movl $0, %eax; ret: a store on the same page, and one into its immediate. */
static void store_near_code(uint32_t count)
{
    while (count--) {
        *(volatile uint32_t *)(code + 2048) = count;
        ((void (*)(void))(void *)code)();
    }
}

static void store_into_code(uint32_t count)
{
    while (count--) {
        *(volatile uint32_t *)(code + 1) = count;
        ((void (*)(void))(void *)code)();
    }
}

static void print_tsc_rate(void)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    uint64_t begin = nano_ticks();
    do
        clock_gettime(CLOCK_MONOTONIC, &b);
    while ((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec < 50000000);
    uint64_t ticks = nano_ticks() - begin;
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    printf("tsc %.4f\n", (double)ticks / ns);
}

/* An argument: the counter's rate alone. */
int main(int argc, char **argv)
{
    static const struct item items[] = {
        {"syscall-int80", system_call_int80, 1000}, {"syscall-sysenter", system_call_fast, 1000},
        {"divide-error", divide_error, 100},        {"page-fault", page_fault, 64},
        {"store-near-code", store_near_code, 1000}, {"store-into-code", store_into_code, 300},
    };
    struct sigaction action = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};

    sigaction(SIGFPE, &action, NULL);
    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fresh = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED || fresh == MAP_FAILED)
        return 1;
    madvise(fresh, 64 * PAGE, MADV_NOHUGEPAGE);
    memcpy(code, "\xB8\0\0\0\0\xC3", 6);
    (void)argv;
    print_tsc_rate();
    if (argc > 1)
        return 0;
    for (const struct item *i = nano_common; i->name; i++)
        nano_measure(i);
    for (unsigned i = 0; i < sizeof items / sizeof *items; i++)
        nano_measure(&items[i]);
    return 0;
}
