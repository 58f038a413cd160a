/* Local APIC and I/O APIC by their registers. */
#include "chipset.h"
#include "devices/lapic_internal.h"

#include <stdlib.h>
#include <string.h>

enum { INTR = 0, NMI = 1, INIT = 2 };
enum {
    ID = 0x20,
    VERSION = 0x30,
    TPR = 0x80,
    PPR = 0xA0,
    EOI = 0xB0,
    LDR = 0xD0,
    DFR = 0xE0,
    SVR = 0xF0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR2 = 0x310,
    LVTT = 0x320,
    THERMAL = 0x330,
    PERF = 0x340,
    LINT0 = 0x350,
    LINT1 = 0x360,
    ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3E0,
};

static struct chipset c;
static struct lapic *l;
static struct ioapic *io;

static uint32_t get(uint32_t reg)
{
    return phys_read32(c.board.phys, LAPIC_BASE + reg);
}

static void set(uint32_t reg, uint32_t value)
{
    phys_write32(c.board.phys, LAPIC_BASE + reg, value);
}

static uint32_t io_get(uint32_t reg)
{
    phys_write32(c.board.phys, IOAPIC_BASE, reg);
    return phys_read32(c.board.phys, IOAPIC_BASE + 0x10);
}

static void io_set(uint32_t reg, uint32_t value)
{
    phys_write32(c.board.phys, IOAPIC_BASE, reg);
    phys_write32(c.board.phys, IOAPIC_BASE + 0x10, value);
}

static void entry(unsigned pin, uint32_t low, uint32_t high)
{
    io_set(0x11 + 2 * pin, high);
    io_set(0x10 + 2 * pin, low);
}

static void open_version(uint8_t version, uint8_t last, bool deadline)
{
    const struct lapic_config config = {version, last, deadline};

    chipset_open(&c, 1 << 20);
    l = lapic_init(&c.board, &config, chipset_wire(&c, INTR), chipset_wire(&c, NMI),
                   chipset_wire(&c, INIT));
    io = ioapic_init(&c.board, l);
    device_reset_all(c.board.devices);
}

static void setup(void)
{
    open_version(0x14, 5, true);
    set(SVR, 0x1FF);
}

static void teardown(void)
{
    chipset_close(&c);
}

static void self(uint32_t vector)
{
    set(ICR, 0x44000 | vector);
}

START_TEST(test_reset_state)
{
    teardown();
    open_version(0x14, 5, true);
    ck_assert_uint_eq(get(ID), 0);
    ck_assert_uint_eq(get(VERSION), 0x50014);
    ck_assert_uint_eq(get(SVR), 0xFF);
    ck_assert_uint_eq(get(DFR), 0xFFFFFFFF);
    ck_assert_uint_eq(get(LVTT), 0x10000);
    ck_assert_uint_eq(get(LINT1), 0x10000);
    /* The 8259A's request passes, though nobody has enabled anything. */
    struct irq_line lint0 = lapic_lint(l, 0);
    irq_set(&lint0, 1);
    ck_assert(c.level[INTR]);
    ck_assert_int_eq(lapic_intack(l), -1);
    ck_assert(lapic_extint(l));
    irq_set(&lint0, 0);
    ck_assert(!c.level[INTR]);
    self(0x40); /* software-disabled: nobody takes it */
    ck_assert(!c.level[INTR]);
    set(LINT0, 0x700); /* the mask cannot be cleared */
    ck_assert_uint_eq(get(LINT0), 0x10700);
}
END_TEST

START_TEST(test_priorities)
{
    self(0x51);
    self(0x52);
    self(0x61);
    ck_assert(c.level[INTR]);
    ck_assert_uint_eq(get(IRR + 0x20), 1u << 0x11 | 1u << 0x12);
    ck_assert_int_eq(lapic_intack(l), 0x61);
    ck_assert(!c.level[INTR]); /* 5xh waits below 6xh */
    ck_assert_uint_eq(get(PPR), 0x60);
    ck_assert_uint_eq(get(ISR + 0x30), 1u << 1);
    self(0x71);
    ck_assert_int_eq(lapic_intack(l), 0x71);
    set(EOI, 0);
    ck_assert_uint_eq(get(ISR + 0x30), 1u << 1);
    set(EOI, 0);
    ck_assert_int_eq(lapic_intack(l), 0x52);
    ck_assert(!c.level[INTR]); /* same class */
    set(EOI, 0);
    ck_assert_int_eq(lapic_intack(l), 0x51);
    set(EOI, 0);
    set(EOI, 0); /* of nothing */
    ck_assert_int_eq(lapic_intack(l), 0xFF);
}
END_TEST

/* What short cuts may do: everything but what changes INTR, asks others, or takes time. */
START_TEST(test_short_way)
{
    uint32_t value;

    ck_assert(lapic_quick_write(l, TPR, 0x50, 4));
    ck_assert(lapic_quick_read(l, TPR + 1, 1, &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(lapic_quick_read(l, TPR, 4, &value));
    ck_assert_uint_eq(value, 0x50);
    ck_assert(!lapic_quick_write(l, TPR, 0x50, 2));
    ck_assert(!lapic_quick_write(l, TPR + 4, 0x50, 4));
    self(0x41); /* waits for the task priority to fall */
    ck_assert(!lapic_quick_write(l, TPR, 0, 4));
    ck_assert_uint_eq(get(TPR), 0x50);
    set(TPR, 0);
    ck_assert(c.level[INTR]);
    ck_assert(!lapic_quick_write(l, TPR, 0x50, 4));
    ck_assert_int_eq(lapic_intack(l), 0x41);
    self(0x42);
    ck_assert(!lapic_quick_write(l, EOI, 0, 4)); /* the other one follows */
    ck_assert_uint_eq(get(ISR + 0x20), 1u << 1);
    set(EOI, 0);
    ck_assert_int_eq(lapic_intack(l), 0x42);
    ck_assert(lapic_quick_write(l, EOI, 0, 4));
    ck_assert_uint_eq(get(ISR + 0x20), 0);
    ck_assert(lapic_quick_write(l, EOI, 0, 4)); /* of nothing */
    set(INITIAL, 1000);
    ck_assert(!lapic_quick_read(l, CURRENT, 4, &value));
    ck_assert(!lapic_quick_write(l, DIVIDE, 0, 4));
    ck_assert(!lapic_quick_write(l, ICR, 0x44041, 4));
    ck_assert(!lapic_quick_write(l, 0x40, 0, 4)); /* no register: that is an error to tell */
}
END_TEST

/* The end of a level-triggered interrupt is news for the I/O APIC. */
START_TEST(test_short_way_level)
{
    const struct apic_message m = {.destination = 0xFF, .vector = 0x44, .level = true};

    ck_assert(lapic_deliver(l, &m));
    ck_assert_int_eq(lapic_intack(l), 0x44);
    ck_assert(!lapic_quick_write(l, EOI, 0, 4));
    set(EOI, 0);
    ck_assert_uint_eq(get(ISR + 0x20), 0);
}
END_TEST

START_TEST(test_task_priority)
{
    set(TPR, 0x50);
    self(0x5F);
    ck_assert(!c.level[INTR]);
    ck_assert_uint_eq(get(PPR), 0x50);
    set(TPR, 0x4F);
    ck_assert(c.level[INTR]);
    set(TPR, 0x60); /* too late for INTR's edge: a spurious vector, nothing in service */
    ck_assert_int_eq(lapic_intack(l), 0xFF);
    ck_assert_uint_eq(get(ISR + 0x20), 0);
    set(TPR, 0);
    ck_assert_int_eq(lapic_intack(l), 0x5F);
}
END_TEST

START_TEST(test_icr)
{
    set(LDR, 0x02000000);
    set(ICR2, 0x02000000);
    set(ICR, 0x4800 | 0x41); /* logical, flat: us */
    ck_assert_int_eq(lapic_intack(l), 0x41);
    set(EOI, 0);
    set(ICR2, 0x01000000);
    set(ICR, 0x4800 | 0x41);
    ck_assert(!c.level[INTR]);
    set(DFR, 0x0FFFFFFF); /* cluster 3, member 1 */
    set(LDR, 0x31000000);
    set(ICR2, 0x33000000);
    set(ICR, 0x4800 | 0x42);
    ck_assert_int_eq(lapic_intack(l), 0x42);
    set(EOI, 0);
    set(ICR2, 0x43000000);
    set(ICR, 0x4800 | 0x42);
    ck_assert(!c.level[INTR]);
    set(ICR2, 0); /* physical */
    set(ICR, 0x4043);
    ck_assert_int_eq(lapic_intack(l), 0x43);
    set(EOI, 0);
    set(ICR2, 0x07000000);
    set(ICR, 0x4043);
    ck_assert(!c.level[INTR]);
    set(ICR, 0x84044); /* all including self, all but self */
    ck_assert_int_eq(lapic_intack(l), 0x44);
    set(EOI, 0);
    set(ICR, 0xC4044);
    ck_assert(!c.level[INTR]);
    ck_assert_uint_eq(get(ICR), 0xC4044);
    set(ICR2, 0);
    set(ICR, 0x4400);
    ck_assert_uint_eq(c.rises[NMI], 1);
    set(ICR, 0xC500); /* INIT, level, assert; to us */
    ck_assert_uint_eq(c.rises[INIT], 1);
    set(ICR, 0x8500);  /* de-assert */
    set(ICR, 0xC4500); /* the others */
    set(ICR, 0x4608);  /* SIPI */
    ck_assert_uint_eq(c.rises[INIT], 1);
    ck_assert(!c.level[INTR]);
}
END_TEST

START_TEST(test_errors)
{
    set(ERROR, 0xFE);
    self(0x0F);
    ck_assert_uint_eq(get(ESR), 0);
    ck_assert_int_eq(lapic_intack(l), 0xFE);
    set(EOI, 0);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x20);
    get(0x3F0);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x80);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0);
    set(ERROR, 0x03); /* the error interrupt's own vector is illegal */
    get(0x3F0);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0xC0);
}
END_TEST

START_TEST(test_one_shot)
{
    set(LVTT, 0x31);
    set(DIVIDE, 0x3); /* by 16: 160 ns */
    set(INITIAL, 1000);
    chipset_step(&c, 16000);
    ck_assert_uint_eq(get(CURRENT), 900);
    chipset_step(&c, 144000 - 1);
    ck_assert(!c.level[INTR]);
    ck_assert_uint_eq(get(CURRENT), 1);
    chipset_step(&c, 1);
    ck_assert_int_eq(lapic_intack(l), 0x31);
    ck_assert_uint_eq(get(CURRENT), 0);
    ck_assert_uint_eq(get(INITIAL), 1000);
    set(EOI, 0);
    chipset_step(&c, 10 * MS);
    ck_assert(!c.level[INTR]);
    set(INITIAL, 1000);
    set(INITIAL, 0); /* stops it */
    chipset_step(&c, 10 * MS);
    ck_assert(!c.level[INTR]);
}
END_TEST

START_TEST(test_count_on_a_busy_host)
{
    set(LVTT, 0x31);
    set(DIVIDE, 0x3);
    for (unsigned ns = 1000; ns < 200000; ns += 1000) {
        set(INITIAL, 1000);
        vclock_hurry(c.board.clock, ns);
        for (int i = 0; i < 20; i++)
            ck_assert_uint_le(get(CURRENT), 1000);
        vclock_hurry(c.board.clock, 0);
    }
}
END_TEST

START_TEST(test_periodic)
{
    set(LVTT, 0x20031);
    set(DIVIDE, 0xB); /* by 1 */
    set(INITIAL, 100000);
    for (int i = 0; i < 5; i++) {
        chipset_step(&c, MS - 1);
        ck_assert(!c.level[INTR]);
        chipset_step(&c, 1);
        ck_assert_int_eq(lapic_intack(l), 0x31);
        set(EOI, 0);
    }
    ck_assert_uint_eq(get(CURRENT), 100000);
    set(LVTT, 0x30031); /* masked: it counts on */
    chipset_step(&c, MS + MS / 4);
    ck_assert(!c.level[INTR]);
    ck_assert_uint_eq(get(CURRENT), 75000);
    set(LVTT, 0x20031);
    ck_assert(!c.level[INTR]); /* what was missed is lost */
    set(DIVIDE, 0x0);          /* by 2 from here on */
    ck_assert_uint_eq(get(CURRENT), 75000);
    chipset_step(&c, MS);
    ck_assert_uint_eq(get(CURRENT), 25000);
    set(INITIAL, 1); /* 20 ns: must not hang */
    chipset_step(&c, 100 * MS);
    ck_assert(c.level[INTR]);
}
END_TEST

START_TEST(test_deadline)
{
    lapic_set_deadline(l, 5000); /* not in this mode */
    ck_assert_uint_eq(lapic_deadline(l), 0);
    set(INITIAL, 1000);
    set(LVTT, 0x400EC);
    ck_assert_uint_eq(get(CURRENT), 0);
    lapic_set_deadline(l, 5000);
    ck_assert_uint_eq(lapic_deadline(l), 5000);
    chipset_step(&c, 4999);
    ck_assert(!c.level[INTR]);
    chipset_step(&c, 1);
    ck_assert_int_eq(lapic_intack(l), 0xEC);
    ck_assert_uint_eq(lapic_deadline(l), 0);
    set(EOI, 0);
    lapic_set_deadline(l, 1); /* past: at once */
    ck_assert_int_eq(lapic_intack(l), 0xEC);
    set(EOI, 0);
    lapic_set_deadline(l, 9000);
    lapic_set_deadline(l, 0);
    chipset_step(&c, MS);
    ck_assert(!c.level[INTR]);
    lapic_set_deadline(l, 2 * MS);
    set(LVTT, 0xEC); /* another mode disarms */
    set(LVTT, 0x400EC);
    ck_assert_uint_eq(lapic_deadline(l), 0);
}
END_TEST

START_TEST(test_versions)
{
    teardown();
    open_version(0x10, 3, false);
    set(SVR, 0x1FF);
    ck_assert_uint_eq(get(VERSION), 0x30010);
    set(PERF, 0x400);
    ck_assert_uint_eq(get(PERF), 0);
    set(LVTT, 0x400EC); /* no deadline mode */
    ck_assert_uint_eq(get(LVTT), 0xEC);
}
END_TEST

START_TEST(test_lint)
{
    struct irq_line pic = lapic_lint(l, 0), nmi = lapic_lint(l, 1);

    irq_set(&nmi, 1);
    ck_assert_uint_eq(c.rises[NMI], 0); /* masked since reset */
    irq_set(&nmi, 0);
    set(LINT1, 0x400);
    irq_set(&nmi, 1);
    irq_set(&nmi, 0);
    ck_assert_uint_eq(c.rises[NMI], 1);
    set(LINT1, 0x77); /* fixed */
    irq_set(&nmi, 1);
    ck_assert_int_eq(lapic_intack(l), 0x77);
    set(EOI, 0);
    set(LINT0, 0x8078); /* fixed, level: again after each EOI */
    irq_set(&pic, 1);
    ck_assert_uint_eq(get(LINT0), 0xC078);
    ck_assert_int_eq(lapic_intack(l), 0x78);
    set(EOI, 0);
    ck_assert_int_eq(lapic_intack(l), 0x78);
    irq_set(&pic, 0);
    set(EOI, 0);
    ck_assert(!c.level[INTR]);
    set(LINT0, 0x10700);
    irq_set(&pic, 1);
    ck_assert(!c.level[INTR]);
    set(LINT0, 0x700);
    ck_assert(c.level[INTR]);
}
END_TEST

START_TEST(test_base)
{
    struct irq_line pic = lapic_lint(l, 0), nmi = lapic_lint(l, 1);

    lapic_set_base(l, 0xE0000000u | 0x900);
    ck_assert_uint_eq(get(VERSION), 0xFFFFFFFF);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xE0000000u + VERSION), 0x50014);
    lapic_set_base(l, 0x10000 | 0x900); /* over RAM, too */
    ck_assert_uint_eq(phys_read32(c.board.phys, 0x10000 + VERSION), 0x50014);
    lapic_set_base(l, 0x100000900ull); /* beyond 4 GiB: nowhere */
    ck_assert_uint_eq(phys_read32(c.board.phys, 0x10000 + VERSION), 0);
    lapic_set_base(l, LAPIC_BASE | 0x100); /* disabled: the pins are INTR and NMI */
    ck_assert_uint_eq(get(VERSION), 0xFFFFFFFF);
    irq_set(&pic, 1);
    ck_assert(c.level[INTR]);
    ck_assert_int_eq(lapic_intack(l), -1);
    irq_set(&nmi, 1);
    ck_assert_uint_eq(c.rises[NMI], 1);
    lapic_set_base(l, LAPIC_BASE | 0x900);
    ck_assert_uint_eq(get(SVR), 0xFF);
}
END_TEST

/* Parts are read, anything but a whole register is not written. */
START_TEST(test_access_widths)
{
    uint8_t byte = 0x55;

    set(ID, 0x03000000);
    phys_read(c.board.phys, LAPIC_BASE + ID + 3, &byte, 1);
    ck_assert_uint_eq(byte, 3);
    phys_write(c.board.phys, LAPIC_BASE + TPR, &byte, 1);
    ck_assert_uint_eq(get(TPR), 0);
    ck_assert_uint_eq(get(TPR + 4), 0);
}
END_TEST

/* ---- I/O APIC ---- */

START_TEST(test_io_registers)
{
    ck_assert_uint_eq(io_get(1), 0x170020);
    io_set(0, 0xFF000000);
    ck_assert_uint_eq(io_get(0), 0x0F000000);
    ck_assert_uint_eq(io_get(0x10), 0x10000);
    entry(3, 0xFFFFFFFF, 0xFFFFFFFF);
    ck_assert_uint_eq(io_get(0x16), 0x1AFFF);
    ck_assert_uint_eq(io_get(0x17), 0xFF000000);
    io_set(0x40, 0xFFFFFFFF); /* behind the table */
    ck_assert_uint_eq(io_get(0x40), 0);
}
END_TEST

START_TEST(test_io_edge)
{
    ioapic_set_pin(io, 4, 1);
    entry(4, 0x34, 0);
    ck_assert(!c.level[INTR]); /* an edge that was masked is lost */
    ioapic_set_pin(io, 4, 0);
    ioapic_set_pin(io, 4, 1);
    ck_assert_int_eq(lapic_intack(l), 0x34);
    ck_assert_uint_eq(get(TMR + 0x10), 0);
    set(EOI, 0);
    ck_assert(!c.level[INTR]);
    entry(4, 0x34, 0x05000000); /* for APIC 5 */
    ioapic_set_pin(io, 4, 0);
    ioapic_set_pin(io, 4, 1);
    ck_assert(!c.level[INTR]);
}
END_TEST

START_TEST(test_io_level)
{
    entry(16, 0xA0B0, 0); /* level, active low: the wire is logical */
    ioapic_set_pin(io, 16, 1);
    ck_assert_uint_eq(io_get(0x30), 0xE0B0);
    ck_assert_int_eq(lapic_intack(l), 0xB0);
    ck_assert_uint_eq(get(TMR + 0x50), 1u << 16);
    ioapic_set_pin(io, 16, 0);
    ioapic_set_pin(io, 16, 1);
    ck_assert(!c.level[INTR]); /* not before EOI */
    set(EOI, 0);
    ck_assert_int_eq(lapic_intack(l), 0xB0);
    ioapic_set_pin(io, 16, 0);
    set(EOI, 0);
    ck_assert_uint_eq(io_get(0x30), 0xA0B0);
    ck_assert(!c.level[INTR]);
    ioapic_set_pin(io, 17, 1);
    entry(17, 0xA0B1, 0); /* unmasked while it asks */
    ck_assert_int_eq(lapic_intack(l), 0xB1);
    entry(17, 0x1A0B1, 0);
    set(EOI, 0);
    ck_assert(!c.level[INTR]);
    entry(17, 0xA0B1, 0);
    ck_assert_int_eq(lapic_intack(l), 0xB1);
    phys_write32(c.board.phys, IOAPIC_BASE + 0x40, 0xB1); /* the EOI register */
    ck_assert_uint_eq(get(IRR + 0x50) >> 17, 1);
}
END_TEST

START_TEST(test_io_extint_and_nmi)
{
    set(LINT0, 0x10700);
    entry(0, 0x700, 0);
    ioapic_set_pin(io, 0, 1);
    ck_assert(c.level[INTR]);
    ck_assert_int_eq(lapic_intack(l), -1);
    ck_assert(lapic_extint(l));
    entry(0, 0x10700, 0);
    ck_assert(!c.level[INTR]);
    entry(7, 0x400, 0);
    ioapic_set_pin(io, 7, 1);
    ck_assert_uint_eq(c.rises[NMI], 1);
}
END_TEST

/* A level-triggered interrupt that nobody can take is not in flight. */
START_TEST(test_io_nobody)
{
    set(SVR, 0xFF);
    entry(16, 0x80B0, 0);
    ioapic_set_pin(io, 16, 1);
    ck_assert_uint_eq(io_get(0x30), 0x80B0);
    set(SVR, 0x1FF);
    entry(16, 0x80B0, 0);
    ck_assert_int_eq(lapic_intack(l), 0xB0);
}
END_TEST

START_TEST(test_hostile)
{
    uint32_t seed = 1;

    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t value = seed >> 13 ^ seed << 19;

        if (seed & 0x10000000)
            set(seed >> 16 & 0xFF0, value);
        else if (seed & 0x20000000)
            io_set(seed >> 16 & 0x3F, value);
        else if (seed & 0x40000000)
            ioapic_set_pin(io, seed >> 16 & 31, seed >> 8 & 1);
        else if (seed & 0x07000000)
            get(seed >> 16 & 0xFFF);
        else
            lapic_set_base(l, (uint64_t)value << 4 & 0x100FFF900ull);
        if (c.level[INTR])
            lapic_intack(l);
        if ((seed & 0xFF0000) == 0)
            chipset_step(&c, seed & 0xFFFF);
        if (i % 1000 == 0)
            lapic_set_base(l, LAPIC_BASE | 0x900);
    }
    device_reset_all(c.board.devices);
    lapic_set_base(l, LAPIC_BASE | 0x900);
    ck_assert_uint_eq(get(SVR), 0xFF);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("apic");
    TCase *t = tcase_create("local"), *i = tcase_create("io");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_reset_state);
    tcase_add_test(t, test_priorities);
    tcase_add_test(t, test_short_way);
    tcase_add_test(t, test_short_way_level);
    tcase_add_test(t, test_task_priority);
    tcase_add_test(t, test_icr);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_one_shot);
    tcase_add_test(t, test_count_on_a_busy_host);
    tcase_add_test(t, test_periodic);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_lint);
    tcase_add_test(t, test_base);
    tcase_add_test(t, test_access_widths);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(i, setup, teardown);
    tcase_add_test(i, test_io_registers);
    tcase_add_test(i, test_io_edge);
    tcase_add_test(i, test_io_level);
    tcase_add_test(i, test_io_extint_and_nmi);
    tcase_add_test(i, test_io_nobody);
    tcase_add_test(i, test_hostile);
    suite_add_tcase(s, i);
    return chipset_run(s);
}
