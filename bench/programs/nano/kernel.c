/* The nanobenchmarks bare: descriptor tables, paging, and the items that need privilege. */
#include "nano.h"

enum { PAGE = 4096, LARGE = 0x83, COM1 = 0x3F8, APIC = 0xFEE00000u, DEBUG_EXIT = 0x501 };

extern uint64_t nano_gdt_tss;
extern uint8_t on_divide_error[], on_page_fault[], on_int80[], on_int81[], on_int82[], on_timer[],
    on_sysenter[], kernel_stack_top[];
void enter_user(void (*function)(uint32_t), uint32_t argument);
void user_sysenter(void);
void nano_main(void);

uint32_t *nano_ptes;
volatile uint32_t nano_timer_count;

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t second_directory[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint64_t idt[256];
static uint32_t tss[26];
static uint8_t window[64 * PAGE] __attribute__((aligned(4096)));
static uint8_t code[PAGE] __attribute__((aligned(4096)));
static uint8_t *const scratch = (uint8_t *)0x40000000; /* mapped through TABLE */

void *memset(void *p, int value, unsigned long n)
{
    for (uint8_t *b = p; n--;)
        *b++ = (uint8_t)value;
    return p;
}

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void nano_print(const char *text)
{
    for (; *text; text++) {
        while (!(in8(COM1 + 5) & 0x20))
            ;
        out8(COM1, (uint8_t)*text);
    }
}

/* ---- tables ---- */

static void gate(unsigned vector, const uint8_t *handler, unsigned dpl)
{
    uint32_t offset = (uint32_t)handler;

    idt[vector] = (uint64_t)((offset & 0xFFFF0000) | 0x8E00 | dpl << 13) << 32 | 8u << 16 |
                  (offset & 0xFFFF);
}

static void write_msr(uint32_t msr, uint32_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"(value), "d"(0));
}

static void set_up(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        void *base;
    } pointer = {sizeof idt - 1, idt};
    uint32_t base = (uint32_t)tss;

    gate(0, on_divide_error, 0);
    gate(14, on_page_fault, 0);
    gate(0x20, on_timer, 0);
    gate(0x80, on_int80, 3);
    gate(0x81, on_int81, 3);
    gate(0x82, on_int82, 3);
    tss[1] = (uint32_t)kernel_stack_top;
    tss[2] = 16;
    nano_gdt_tss = (uint64_t)((base & 0xFF000000) | 0x8900 | (base >> 16 & 0xFF)) << 32 |
                   (uint64_t)(base & 0xFFFF) << 16 | (sizeof tss - 1);
    __asm__ volatile("lidt %0\n ltr %w1" ::"m"(pointer), "r"(0x28));
    for (uint32_t i = 0; i < 1024; i++)
        directory[i] = i << 22 | LARGE | 4;
    for (uint32_t i = 0; i < 64; i++)
        table[i] = ((uint32_t)window + i * PAGE) | 3;
    directory[(uint32_t)scratch >> 22] = (uint32_t)table | 3;
    for (uint32_t i = 0; i < 1024; i++)
        second_directory[i] = directory[i];
    nano_ptes = table;
    __asm__ volatile("movl %0, %%cr3\n"
                     "movl %%cr4, %%eax\n orl $0x10, %%eax\n movl %%eax, %%cr4\n"
                     "movl %%cr0, %%eax\n orl $0x80010000, %%eax\n movl %%eax, %%cr0" ::"r"(directory)
                     : "eax", "memory");
    write_msr(0x174, 8);
    write_msr(0x175, (uint32_t)kernel_stack_top);
    write_msr(0x176, (uint32_t)on_sysenter);
    /* the 8259s: vectors 20h and 28h, everything masked but the timer */
    static const uint8_t init[][2] = {{0x20, 0x11}, {0xA0, 0x11}, {0x21, 0x20}, {0xA1, 0x28},
                                      {0x21, 4},    {0xA1, 2},    {0x21, 1},    {0xA1, 1},
                                      {0x21, 0xFE}, {0xA1, 0xFF}, {0x43, 0x30}};
    for (unsigned i = 0; i < sizeof init / sizeof *init; i++)
        out8(init[i][0], init[i][1]);
    __builtin_memcpy(code, "\xB8\0\0\0\0\xC3", 6);
}

/* ---- items at CPL 0 ---- */

static void cli_sti(uint32_t count)
{
    NANO_LOOP(count, "cli\n sti", ::: "memory");
}

static void in_port(uint32_t count)
{
    NANO_LOOP(count, "inb $0x21, %%al", ::: "eax");
}

static void out_port(uint32_t count)
{
    NANO_LOOP(count, "outb %%al, $0x80", ::"a"(0));
}

static void cr3_same(uint32_t count)
{
    NANO_LOOP(count, "movl %0, %%cr3", ::"r"(directory) : "memory");
}

static void cr3_other(uint32_t count)
{
    NANO_LOOP(count / 2, "movl %0, %%cr3\n movl %1, %%cr3", ::"r"(second_directory), "r"(directory)
              : "memory");
}

static void invlpg(uint32_t count)
{
    NANO_LOOP(count, "invlpg (%0)", ::"r"(scratch + 60 * PAGE) : "memory");
}

static void tpr_write(uint32_t count)
{
    NANO_LOOP(count, "movl %%eax, (%0)", ::"r"(APIC + 0x80), "a"(0) : "memory");
}

static void mmio_read(uint32_t count)
{
    NANO_LOOP(count, "movl (%0), %%eax", ::"r"(APIC + 0x30) : "eax", "memory");
}

static void mmio_write(uint32_t count)
{
    NANO_LOOP(count, "movl %%eax, (%0)", ::"r"(APIC + 0x3E0), "a"(0) : "memory");
}

/* A page that is not there is touched, made present by the handler, and taken away again. */
static void page_fault(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t page = i % 32;
        table[page] &= ~1u;
        __asm__ volatile("invlpg (%0)\n movb $1, (%0)" ::"r"(scratch + page * PAGE) : "memory");
    }
}

static void pte_write(uint32_t count)
{
    while (count--)
        *(volatile uint32_t *)&table[40 + count % 8] ^= 0x200;
}

/* With the access that sees it. */
static void pte_write_use(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t page = 48 + i % 8;
        *(volatile uint32_t *)&table[page] = ((uint32_t)window + (48 + (i * 3) % 8) * PAGE) | 0x63;
        __asm__ volatile("invlpg (%0)\n movb (%0), %%al" ::"r"(scratch + page * PAGE)
                         : "eax", "memory");
    }
}

static void divide_error(uint32_t count)
{
    NANO_LOOP(count, "divl %%ecx", ::"a"(1), "d"(0), "c"(0));
}

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

static void mov_fs_null_and_back(uint32_t count)
{
    NANO_LOOP(count / 2, "movl %0, %%fs\n movl %1, %%fs", ::"r"(0), "r"(0x30));
}

static void pop_es(uint32_t count)
{
    NANO_LOOP(count, "pushl %%es\n popl %%es", ::: "memory");
}

/* ---- items at CPL 3 ---- */

static void user_int80(uint32_t count)
{
    NANO_LOOP(count, "int $0x80", ::: "memory");
}

static void user_int81(uint32_t count)
{
    NANO_LOOP(count, "int $0x81", ::: "memory");
}

static void user_fast(uint32_t count)
{
    NANO_LOOP(count, "call user_sysenter", ::: "ecx", "edx", "memory");
}

static void int80(uint32_t count)
{
    enter_user(user_int80, count);
}

static void int81(uint32_t count)
{
    enter_user(user_int81, count);
}

static void fast(uint32_t count)
{
    enter_user(user_fast, count);
}

/* From ring 0 to ring 3 and back by the same IRET frame that a kernel makes. */
static void nothing(uint32_t count)
{
    (void)count;
}

static void iret_user(uint32_t count)
{
    while (count--)
        enter_user(nothing, 0);
}

/* ---- HLT ---- */

/* The timer set to ring after a while; what passes between that and the instruction behind HLT. */
static void hlt_wake(void)
{
    enum { PIT_TICKS = 1193, PIT_NS = 999848, TRIES = 20 };
    uint64_t least = ~0ull;

    for (int i = 0; i < TRIES; i++) {
        uint32_t before = nano_timer_count;

        out8(0x43, 0x30);
        out8(0x40, PIT_TICKS & 255);
        uint64_t begin = nano_ticks();
        out8(0x40, PIT_TICKS >> 8);
        while (nano_timer_count == before)
            __asm__ volatile("sti\n hlt\n cli" ::: "memory");
        uint64_t ticks = nano_ticks() - begin;
        if (ticks < least)
            least = ticks;
    }
    /* "bench/nano" takes the time off that the timer itself took. */
    nano_result("hlt-wake-after-1ms", least * 100);
}

void nano_main(void)
{
    static const struct item items[] = {
        {"cli+sti", cli_sti, 10000},
        {"mov-fs-null-and-back", mov_fs_null_and_back, 1000},
        {"push+pop-es", pop_es, 3000},
        {"in", in_port, 300},
        {"out", out_port, 300},
        {"cr3-write-same", cr3_same, 300},
        {"cr3-write-other", cr3_other, 300},
        {"invlpg", invlpg, 300},
        {"tpr-write", tpr_write, 300},
        {"mmio-read", mmio_read, 300},
        {"mmio-write", mmio_write, 300},
        {"syscall-int80", int80, 1000},
        {"syscall-int80-segments", int81, 1000},
        {"syscall-sysenter", fast, 1000},
        {"iret-to-user-and-back", iret_user, 300},
        {"divide-error", divide_error, 100},
        {"page-fault", page_fault, 64},
        {"pte-write", pte_write, 1000},
        {"pte-write+invlpg+use", pte_write_use, 200},
        {"store-near-code", store_near_code, 1000},
        {"store-into-code", store_into_code, 300},
    };

    set_up();
    for (const struct item *i = nano_common; i->name; i++)
        nano_measure(i);
    for (unsigned i = 0; i < sizeof items / sizeof *items; i++)
        nano_measure(&items[i]);
    hlt_wake();
    nano_print("nano done 0.00\n");
}
