/* The PCI bus with the chip set's functions, by the configuration ports. */
#include "chipset.h"
#include "devices/pci.h"

#include <stdlib.h>
#include <string.h>

enum { RAM = 8 << 20, ISA = 0x800, IDE = 0x900, PM = 0xB00, VGA = 0x1000, OWN = 0x1800 };

static struct chipset c;
static struct pci *pci;
static struct piix_pm *pm;
static bool shadowed = true;
static struct pci_host *host;
static struct pci_function own[2];
static int irq_level[16], offs, wakes;
static enum piix_sleep slept;

static void on_irq(void *opaque, int n, int level)
{
    (void)opaque;
    irq_level[n] = level;
}

static void on_sleep(void *opaque, enum piix_sleep state)
{
    (void)opaque;
    offs++;
    slept = state;
}

static void on_wake(void *opaque)
{
    (void)opaque;
    wakes++;
}

static void add_own(unsigned i, unsigned pin)
{
    const struct pci_identity id = {.name = "own",
                                    .devfn = pci_devfn(3 + i, 0),
                                    .vendor = 0x4242,
                                    .device = (uint16_t)i,
                                    .command = 7,
                                    .pin = (uint8_t)pin};

    memset(&own[i], 0, sizeof own[i]);
    pci_function_init(&own[i], &id, NULL);
    pci_add(pci, &own[i]);
}

static void setup(void)
{
    struct piix_isa *isa;
    struct vga *vga;

    chipset_open(&c, RAM);
    memset(irq_level, 0, sizeof irq_level);
    offs = wakes = 0;
    pci = pci_init(&c.board);
    host = pci_host_init(&c.board, pci, shadowed);
    isa = piix_isa_init(&c.board, pci, (struct irq_line){on_irq, NULL, 0}, (struct irq_line){0});
    piix_ide_init(&c.board, pci, chipset_wire(&c, 14), chipset_wire(&c, 15));
    pm = piix_pm_init(&c.board, pci, piix_isa_sci(isa),
                      &(struct piix_pm_wires){NULL, on_sleep, on_wake});
    vga = vga_init(&c.board, 1 << 20);
    pci_vga_set_rom(pci_vga_init(&c.board, pci, vga), "\x55\xAA\x40", 3);
    add_own(0, 1);
    add_own(1, 4);
    device_reset_all(c.board.devices);
}

static void teardown(void)
{
    chipset_close(&c);
}

static void address(unsigned at)
{
    bus_out(c.board.bus, 0xCF8, 0x80000000u | (at & ~3u), 4);
}

static uint32_t get(unsigned at, unsigned size)
{
    address(at);
    return bus_in(c.board.bus, 0xCFC + (at & 3), size);
}

static void set(unsigned at, uint32_t value, unsigned size)
{
    address(at);
    bus_out(c.board.bus, 0xCFC + (at & 3), value, size);
}

static enum phys_kind kind(uint32_t pa)
{
    return phys_frame(c.board.phys, pa >> 12, NULL);
}

START_TEST(test_mechanism)
{
    ck_assert_uint_eq(get(0, 4), 0x12378086);
    ck_assert_uint_eq(get(ISA, 4), 0x70008086);
    ck_assert_uint_eq(get(IDE, 4), 0x70108086);
    ck_assert_uint_eq(get(PM, 4), 0x71138086);
    ck_assert_uint_eq(get(VGA, 4), 0x11111234);
    ck_assert_uint_eq(get(VGA + 2, 2), 0x1111);
    ck_assert_uint_eq(get(VGA + 1, 1), 0x12);
    ck_assert_uint_eq(get(VGA + 8, 4), 0x03000002);
    ck_assert_uint_eq(get(0xA00, 4), 0xFFFFFFFF);   /* no function 2 */
    ck_assert_uint_eq(get(0x10000, 4), 0xFFFFFFFF); /* no bus 1 */
    set(0, 0, 4);                                   /* identities are read-only */
    ck_assert_uint_eq(get(0, 4), 0x12378086);
    address(VGA);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xCF8, 4), 0x80000000 | VGA);
    bus_out(c.board.bus, 0xCF8, 0, 1); /* dwords only */
    bus_out(c.board.bus, 0xCFA, 0, 2);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xCF8, 4), 0x80000000 | VGA);
    bus_out(c.board.bus, 0xCF8, VGA, 4); /* not enabled */
    ck_assert_uint_eq(bus_in(c.board.bus, 0xCFC, 4), 0xFFFFFFFF);
    ck_assert_uint_eq(get(IDE + 0x0E, 1) & 0x7F, 0);
    ck_assert_uint_eq(get(ISA + 0x0E, 1), 0x80);
}
END_TEST

START_TEST(test_memory_bars)
{
    set(VGA + 0x10, 0xFFFFFFFF, 4);
    ck_assert_uint_eq(get(VGA + 0x10, 4), 0xFFF00008);
    set(VGA + 0x10, 0xFD000000, 4);
    ck_assert_int_eq(kind(0xFD000000), PHYS_NONE); /* memory is not enabled */
    set(VGA + 4, 2, 2);
    ck_assert_int_eq(kind(0xFD000000), PHYS_RAM);
    ck_assert_int_eq(kind(0xFD0FFFFF), PHYS_RAM);
    ck_assert_int_eq(kind(0xFD100000), PHYS_NONE);
    phys_write32(c.board.phys, 0xFD000010, 0x12345678);
    set(VGA + 0x10, 0xF8000000, 4);
    ck_assert_int_eq(kind(0xFD000000), PHYS_NONE);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF8000010), 0x12345678);
    set(VGA + 0x10, 0x00400000, 4); /* over RAM: the host bridge keeps it */
    ck_assert_int_eq(kind(0xF8000000), PHYS_NONE);
    phys_write32(c.board.phys, 0x00400010, 7);
    set(VGA + 0x10, 0xF8000000, 4);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF8000010), 0x12345678);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0x00400010), 7);
    device_reset_all(c.board.devices);
    ck_assert_int_eq(kind(0xF8000000), PHYS_NONE);
    ck_assert_uint_eq(get(VGA + 0x10, 4), 8);
}
END_TEST

START_TEST(test_vga_page_and_rom)
{
    set(VGA + 0x18, 0xFEBFF000, 4);
    set(VGA + 0x30, 0xFEBE0001, 4);
    set(VGA + 4, 3, 2);
    /* The display interface's identity, and a DAC mask written through the page. */
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xFEBFF500) & 0xFFF0, 0xB0C0);
    phys_write(c.board.phys, 0xFEBFF406, "\x3C", 1);
    ck_assert_uint_eq(chipset_in(&c, 0x3C6), 0x3C);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xFEBFF600), 8);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xFEBFF604), 0x1E1E1E1E);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xFEBE0000), 0xFF40AA55);
    set(VGA + 0x30, 0xFEBE0000, 4); /* the ROM's own enable bit */
    ck_assert_int_eq(kind(0xFEBE0000), PHYS_NONE);
}
END_TEST

START_TEST(test_io_bar)
{
    set(IDE + 0x20, 0xFFFFFFFF, 4);
    ck_assert_uint_eq(get(IDE + 0x20, 4), 0xFFFFFFF1);
    set(IDE + 0x20, 0xC000, 4);
    ck_assert(!bus_mapped(c.board.bus, 0xC000));
    set(IDE + 4, 5, 2);
    ck_assert(bus_mapped(c.board.bus, 0xC00F));
    ck_assert(!bus_mapped(c.board.bus, 0xC010));
    bus_out(c.board.bus, 0xC004, 0x12345677, 4);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xC004, 4), 0x12345674);
    set(IDE + 0x20, 0xC100, 4);
    ck_assert(!bus_mapped(c.board.bus, 0xC000));
    ck_assert_uint_eq(bus_in(c.board.bus, 0xC104, 4), 0x12345674);
    set(IDE + 0x20, 0x1C100, 4); /* beyond the I/O space */
    ck_assert(!bus_mapped(c.board.bus, 0xC100));
}
END_TEST

START_TEST(test_shadow_ram)
{
    static const uint8_t rom[0x10000] = {1, 2, 3, 4};

    phys_map_rom(c.board.phys, "rom", 0xF0000, sizeof rom, rom, sizeof rom);
    phys_write32(c.board.phys, 0xF0000, 0);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0x04030201);
    set(0x59, 0x30, 1);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0x04030201);
    phys_write32(c.board.phys, 0xF0000, 0xCAFE);
    set(0x59, 0x10, 1);
    phys_write32(c.board.phys, 0xF0000, 0);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0xCAFE);
    set(0x59, 0x00, 1);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0x04030201);
    ck_assert_int_eq(kind(0xC8000), PHYS_NONE);
    set(0x5B, 0x33, 1); /* C8000h-CFFFFh: an upper memory block */
    ck_assert_int_eq(kind(0xC8000), PHYS_RAM);
    ck_assert_int_eq(kind(0xCFFFF), PHYS_RAM);
    ck_assert_int_eq(kind(0xD0000), PHYS_NONE);
    phys_write32(c.board.phys, 0xCFFFC, 5);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xCFFFC), 5);
    device_reset_all(c.board.devices);
    ck_assert_int_eq(kind(0xC8000), PHYS_NONE);
}
END_TEST

/* Waking from S3, firmware finds itself in the DRAM that it has left. */
START_TEST(test_attribute_map_outlasts_a_reset)
{
    static const uint8_t rom[0x10000] = {1, 2, 3, 4};
    uint8_t pam[PCI_HOST_PAM];

    phys_map_rom(c.board.phys, "rom", 0xF0000, sizeof rom, rom, sizeof rom);
    set(0x59, 0x30, 1);
    set(0x5F, 0x11, 1);
    phys_write32(c.board.phys, 0xF0000, 0xCAFE);
    pci_host_get_pam(host, pam);
    device_reset_all(c.board.devices);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0x04030201);
    pci_host_set_pam(host, pam);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0xCAFE);
    ck_assert_uint_eq(get(0x59, 1), 0x30);
    ck_assert_uint_eq(get(0x5F, 1), 0x11);
}
END_TEST

/* As a BIOS shadows itself: reads from ROM, writes to DRAM, at the same addresses. */
START_TEST(test_write_only_shadow)
{
    static const uint8_t rom[0x20000] = {5, 5, 5, 5, [0x1C000] = 1, 2, 3, 4};
    struct phys *p = c.board.phys;

    phys_map_rom(p, "rom", 0xE0000, sizeof rom, rom, sizeof rom);
    set(0x59, 0x20, 1);
    set(0x5F, 0x20, 1); /* EC000h-EFFFFh */
    ck_assert_uint_eq(phys_read32(p, 0xFC000), 0x04030201);
    ck_assert_int_eq(kind(0xFC000), PHYS_ROM);
    phys_write32(p, 0xFC000, phys_read32(p, 0xFC000) + 1);
    phys_write32(p, 0xEFFFE, 0xAABBCCDD); /* across two pieces */
    phys_write32(p, 0xEBFFC, 7);          /* closed */
    ck_assert_uint_eq(phys_read32(p, 0xFC000), 0x04030201);
    ck_assert_uint_eq(phys_read32(p, 0xEFFFE), 0);
    set(0x59, 0x10, 1);
    set(0x5F, 0x30, 1);
    ck_assert_uint_eq(phys_read32(p, 0xFC000), 0x04030202);
    ck_assert_uint_eq(phys_read32(p, 0xEFFFE), 0xAABBCCDD);
    set(0x5E, 0x10, 1);
    ck_assert_uint_eq(phys_read32(p, 0xE0000), 0x05050505); /* DRAM is a copy of the ROM */
    set(0x5F, 0x20, 1);
    ck_assert_uint_eq(phys_read32(p, 0xEFFFC), 0);
    device_reset_all(c.board.devices);
    phys_write32(p, 0xFC000, 0); /* nothing takes it */
    set(0x59, 0x10, 1);
    ck_assert_uint_eq(phys_read32(p, 0xFC000), 0x04030202);
}
END_TEST

/* Under foreign firmware DRAM is DRAM. */
START_TEST(test_power_on_shadow)
{
    static const uint8_t rom[0x10000] = {5, 5, 5, 5};

    teardown();
    shadowed = false;
    setup();
    phys_map_rom(c.board.phys, "rom", 0xF0000, sizeof rom, rom, sizeof rom);
    set(0x59, 0x10, 1);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0xF0000), 0);
}
END_TEST

START_TEST(test_smram)
{
    struct phys *p = c.board.phys;

    phys_write32(p, 0x100000, 1);
    set(0x72, 0x4A, 1);
    phys_write32(p, 0xA8000, 0x5A5A1234);
    ck_assert_uint_eq(phys_read32(p, 0xA8000), 0x5A5A1234);
    set(0x72, 0x6A, 1); /* closed to data */
    ck_assert_uint_ne(phys_read32(p, 0xA8000), 0x5A5A1234);
    set(0x72, 0x42, 1); /* not enabled */
    ck_assert_uint_ne(phys_read32(p, 0xA8000), 0x5A5A1234);
    set(0x72, 0x4A, 1);
    ck_assert_uint_eq(phys_read32(p, 0xA8000), 0x5A5A1234);
    set(0x72, 0x1A, 1);
    ck_assert_uint_ne(phys_read32(p, 0xA8000), 0x5A5A1234);
}
END_TEST

START_TEST(test_smram_lock)
{
    set(0x72, 0x5A, 1);
    ck_assert_uint_eq(get(0x72, 1), 0x1A); /* locking closes */
    set(0x72, 0x42, 1);
    ck_assert_uint_eq(get(0x72, 1), 0x1A);
    set(0x72, 0x7A, 1); /* D_CLS may still be changed */
    ck_assert_uint_eq(get(0x72, 1), 0x3A);
    device_reset_all(c.board.devices);
    ck_assert_uint_eq(get(0x72, 1), 0x02);
}
END_TEST

START_TEST(test_interrupt_routing)
{
    /* Slot 3 pin A is PIRQC, slot 4 pin D is PIRQC too. */
    pci_interrupt(&own[0], 1);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(irq_level[i], 0);
    set(ISA + 0x62, 11, 1);
    ck_assert_int_eq(irq_level[11], 1);
    pci_interrupt(&own[1], 1);
    pci_interrupt(&own[0], 0);
    ck_assert_int_eq(irq_level[11], 1); /* shared */
    set(ISA + 0x62, 10, 1);
    ck_assert_int_eq(irq_level[11], 0);
    ck_assert_int_eq(irq_level[10], 1);
    set(ISA + 0x62, 8, 1); /* not one that it may have */
    ck_assert_int_eq(irq_level[10], 0);
    ck_assert_int_eq(irq_level[8], 0);
    set(ISA + 0x62, 0x8A, 1);
    ck_assert_int_eq(irq_level[10], 0);
    set(ISA + 0x62, 0x0A, 1);
    pci_interrupt(&own[1], 0);
    ck_assert_int_eq(irq_level[10], 0);
}
END_TEST

static void place_pm(uint16_t base)
{
    set(PM + 0x40, base | 1, 4);
    set(PM + 0x80, 1, 1);
}

START_TEST(test_pm_timer)
{
    uint32_t first;

    place_pm(0x600);
    first = bus_in(c.board.bus, 0x608, 4);
    chipset_step(&c, 1000000000);
    ck_assert_uint_eq((bus_in(c.board.bus, 0x608, 4) - first) & 0xFFFFFF, 3579545);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x609, 1), bus_in(c.board.bus, 0x608, 4) >> 8 & 0xFF);
    bus_out(c.board.bus, 0x602, 1, 2); /* TMROF_EN */
    bus_out(c.board.bus, 0x604, 1, 2); /* SCI_EN */
    ck_assert_int_eq(irq_level[9], 0);
    chipset_step(&c, 1400000000); /* bit 23 changes after 2.34 s */
    ck_assert_int_eq(irq_level[9], 1);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x600, 2), 1);
    bus_out(c.board.bus, 0x600, 1, 2);
    ck_assert_int_eq(irq_level[9], 0);
    chipset_step(&c, 2400000000u);
    ck_assert_int_eq(irq_level[9], 1);
    place_pm(0x1000);
    ck_assert(!bus_mapped(c.board.bus, 0x600));
    ck_assert_uint_eq(bus_in(c.board.bus, 0x1000, 2), 1);
}
END_TEST

START_TEST(test_pm_power)
{
    place_pm(0x600);
    bus_out(c.board.bus, 0x602, 0x0100, 2);
    piix_pm_power_button(pm);
    ck_assert_int_eq(irq_level[9], 0); /* SCI_EN is off */
    chipset_out(&c, 0xB2, PIIX_ACPI_ENABLE);
    ck_assert_int_eq(irq_level[9], 1);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x604, 2), 1);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x601, 1), 1);
    chipset_out(&c, 0x601, 1);
    ck_assert_int_eq(irq_level[9], 0);
    bus_out(c.board.bus, 0x60E, 0x0001, 2); /* a general purpose event */
    piix_pm_gpe(pm, 0);
    ck_assert_int_eq(irq_level[9], 1);
    bus_out(c.board.bus, 0x60C, 0x0001, 2);
    ck_assert_int_eq(irq_level[9], 0);
    chipset_out(&c, 0xB2, PIIX_ACPI_DISABLE);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x604, 2), 0);
    bus_out(c.board.bus, 0x604, 0x2C00, 2); /* no such state */
    ck_assert_int_eq(offs, 0);
    bus_out(c.board.bus, 0x604, 0x0000, 2);
    bus_out(c.board.bus, 0x604, 0x2000, 2);
    ck_assert_int_eq(offs, 1);
    ck_assert_int_eq(slept, PIIX_S5);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x604, 2) & 0x2000, 0);
    bus_out(c.board.bus, 0x605, 0x20, 1);
    ck_assert_int_eq(offs, 2);
    bus_out(c.board.bus, 0x604, 0x2800, 2);
    ck_assert_int_eq(slept, PIIX_S4);
}
END_TEST

START_TEST(test_pm_sleep)
{
    place_pm(0x600);
    piix_pm_wakeup(pm); /* does not sleep */
    bus_out(c.board.bus, 0x604, 0x2401, 2);
    ck_assert_int_eq(slept, PIIX_S3);
    piix_pm_rtc(pm); /* not enabled */
    ck_assert_int_eq(wakes, 0);
    piix_pm_power_button(pm);
    ck_assert_int_eq(wakes, 1);
    piix_pm_power_button(pm);
    ck_assert_int_eq(wakes, 1);
    device_reset_all(c.board.devices); /* what S3 ends with */
    piix_pm_woke(pm);
    place_pm(0x600);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x600, 2), 0x8100);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x604, 2), 1);
    bus_out(c.board.bus, 0x600, 0x8100, 2);
    bus_out(c.board.bus, 0x602, 0x0400, 2);
    bus_out(c.board.bus, 0x604, 0x3001, 2); /* S1 */
    ck_assert_int_eq(slept, PIIX_S1);
    piix_pm_rtc(pm);
    ck_assert_int_eq(wakes, 2);
    piix_pm_woke(pm);
    ck_assert_uint_eq(bus_in(c.board.bus, 0x600, 2), 0x8400);
    ck_assert_int_eq(irq_level[9], 1);
    bus_out(c.board.bus, 0x604, 0x3001, 2); /* with the event still there */
    ck_assert_int_eq(wakes, 3);
}
END_TEST

START_TEST(test_smbus)
{
    set(PM + 0x90, 0x701, 4);
    set(PM + 0xD2, 9, 1);
    chipset_out(&c, 0x704, 0xA1);
    chipset_out(&c, 0x702, 0x48); /* start a byte read */
    ck_assert_uint_eq(chipset_in(&c, 0x700), 0x04);
    chipset_out(&c, 0x700, 0x04);
    ck_assert_uint_eq(chipset_in(&c, 0x700), 0);
    ck_assert_uint_eq(chipset_in(&c, 0x704), 0xA1);
}
END_TEST

/* Registers at random: nothing may crash or run away. */
START_TEST(test_hostile)
{
    unsigned seed = (unsigned)_i + 1;

    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        if (seed & 0x10000000)
            set((seed >> 16 & 7) << 8 << (seed >> 20 & 1), seed, 4);
        set((seed >> 8 & 0x1F) << 8 | (seed & 0xFC), seed * 69069, 1u << (seed >> 30) % 3);
        bus_out(c.board.bus, (uint16_t)(seed >> 7), seed >> 3, 1u << (seed >> 29) % 3);
        bus_in(c.board.bus, (uint16_t)(seed >> 5), 4);
        phys_write32(c.board.phys, seed, seed);
        if (i % 64 == 0)
            chipset_step(&c, seed >> 4);
    }
    device_reset_all(c.board.devices);
    ck_assert_uint_eq(get(0, 4), 0x12378086);
    ck_assert_uint_eq(get(VGA + 4, 2), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pci");
    TCase *t = tcase_create("bus");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_mechanism);
    tcase_add_test(t, test_memory_bars);
    tcase_add_test(t, test_vga_page_and_rom);
    tcase_add_test(t, test_io_bar);
    tcase_add_test(t, test_shadow_ram);
    tcase_add_test(t, test_attribute_map_outlasts_a_reset);
    tcase_add_test(t, test_write_only_shadow);
    tcase_add_test(t, test_power_on_shadow);
    tcase_add_test(t, test_smram);
    tcase_add_test(t, test_smram_lock);
    tcase_add_test(t, test_interrupt_routing);
    tcase_add_test(t, test_pm_timer);
    tcase_add_test(t, test_pm_power);
    tcase_add_test(t, test_pm_sleep);
    tcase_add_test(t, test_smbus);
    tcase_add_loop_test(t, test_hostile, 0, 4);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
