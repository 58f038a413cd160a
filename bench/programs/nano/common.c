/* Items that run the same bare and natively. */
#include "nano.h"

enum { PAGE = 4096, BIG = 1 << 20 };

static uint8_t source[BIG + PAGE] __attribute__((aligned(4096)));
static uint8_t target[BIG + PAGE] __attribute__((aligned(4096)));

/* ---- calls ---- */

__attribute__((noinline)) static void callee(void)
{
    __asm__ volatile("");
}

static void call_return(uint32_t count)
{
    NANO_LOOP(count, "call %P0", ::"i"(callee) : "eax", "ecx", "edx", "memory");
}

__asm__(".pushsection .text\n"
        ".balign 16\n"
        "nano_targets:\n"
        ".rept 64\n"
        "ret\n"
        ".balign 16\n"
        ".endr\n"
        ".popsection\n");
extern uint8_t nano_targets[];

/* Through one site to COUNT_OF (a power of two) functions in turn. */
static inline __attribute__((always_inline)) void indirect(uint32_t count, uint32_t targets)
{
    while (count--)
        __asm__ volatile("call *%0" ::"r"(nano_targets + 16 * (count & (targets - 1))) : "memory");
}

static void indirect_1(uint32_t count)
{
    indirect(count, 1);
}

static void indirect_4(uint32_t count)
{
    indirect(count, 4);
}

static void indirect_64(uint32_t count)
{
    indirect(count, 64);
}

static void far_call(uint32_t count)
{
    struct __attribute__((packed)) {
        uint32_t offset;
        uint16_t selector;
    } pointer;

    __asm__ volatile("movl $1f, %0\n movw %%cs, %1\n jmp 2f\n 1: lret\n 2:"
                     : "=m"(pointer.offset), "=m"(pointer.selector));
    NANO_LOOP(count, "lcall *%0", ::"m"(pointer) : "memory");
}

/* ---- flags, time, identity, segments ---- */

static void pushf_popf(uint32_t count)
{
    NANO_LOOP(count, "pushfl\n popfl", ::: "memory", "cc");
}

static void cpuid(uint32_t count)
{
    NANO_LOOP(count, "xorl %%eax, %%eax\n cpuid", ::: "eax", "ebx", "ecx", "edx");
}

static void rdtsc(uint32_t count)
{
    NANO_LOOP(count, "rdtsc", ::: "eax", "edx");
}

static void mov_ds(uint32_t count)
{
    NANO_LOOP(count, "movl %%ds, %%eax\n movl %%eax, %%ds", ::: "eax", "memory");
}

/* ---- memory ---- */

static inline __attribute__((always_inline)) void copy(uint32_t count, uint32_t bytes)
{
    while (count--) {
        uint8_t *from = source, *to = target;
        uint32_t n = bytes / 4;

        __asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n)::"memory");
    }
}

static void movs_16(uint32_t count)
{
    copy(count, 16);
}

static void movs_256(uint32_t count)
{
    copy(count, 256);
}

static void movs_4k(uint32_t count)
{
    copy(count, PAGE);
}

static void movs_64k(uint32_t count)
{
    copy(count, 1 << 16);
}

static void movs_1m(uint32_t count)
{
    copy(count, BIG);
}

static void unaligned(uint32_t count)
{
    NANO_LOOP(count, "movl %0, %%eax\n movl %%eax, %0", ::"m"(source[61]) : "eax", "memory");
}

static void page_crossing(uint32_t count)
{
    NANO_LOOP(count, "movl %0, %%eax\n movl %%eax, %0", ::"m"(source[PAGE - 2]) : "eax", "memory");
}

const struct item nano_common[] = {
    {"call+ret", call_return, 10000},
    {"indirect-call-1", indirect_1, 10000},
    {"indirect-call-4", indirect_4, 10000},
    {"indirect-call-64", indirect_64, 10000},
    {"far-call+ret", far_call, 1000},
    {"pushf+popf", pushf_popf, 10000},
    {"cpuid", cpuid, 100},
    {"rdtsc", rdtsc, 1000},
    {"mov-to-ds", mov_ds, 3000},
    {"rep-movs-16", movs_16, 3000},
    {"rep-movs-256", movs_256, 3000},
    {"rep-movs-4k", movs_4k, 300},
    {"rep-movs-64k", movs_64k, 20},
    {"rep-movs-1m", movs_1m, 1},
    {"unaligned-load+store", unaligned, 10000},
    {"page-crossing-load+store", page_crossing, 10000},
    {0},
};

/* ---- measuring ---- */

void nano_measure(const struct item *item)
{
    enum { BATCHES = 25 };
    uint64_t least = ~0ull;

    item->run(item->count / 10 + 1);
    for (int i = 0; i < BATCHES; i++) {
        uint64_t begin = nano_ticks();
        item->run(item->count);
        uint64_t ticks = nano_ticks() - begin;
        if (ticks < least)
            least = ticks;
    }
    /* in a guest without 64-bit division */
    uint64_t hundredths = 0, scaled = least * 100;
    for (int bit = 40; bit >= 0; bit--)
        if (scaled >= (uint64_t)item->count << bit) {
            scaled -= (uint64_t)item->count << bit;
            hundredths |= 1ull << bit;
        }
    nano_result(item->name, hundredths);
}

void nano_result(const char *name, uint64_t hundredths)
{
    char line[64] = "nano ", *p = line + 5, digits[16];
    uint32_t value = (uint32_t)hundredths;
    int n = 0;

    while (*name)
        *p++ = *name++;
    *p++ = ' ';
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n < 3)
        digits[n++] = '0';
    while (n > 0) {
        *p++ = digits[--n];
        if (n == 2)
            *p++ = '.';
    }
    *p++ = '\n';
    *p = 0;
    nano_print(line);
}
