/* PCI after POST, the PCI BIOS, and the tables that tell of the machine. */
#include "rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, 16, 0, 0);
    rig_post(&rig);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static bool call(uint8_t function, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    return rig_call(&rig, TRAP_INT1A, 0xB100 | function, ebx, ecx, edx);
}

static uint32_t gpr(enum gpr r)
{
    return rig.cpu->gpr[r];
}

static const uint8_t *at(uint32_t pa, uint32_t len)
{
    const uint8_t *p = phys_ptr(rig.board.phys, pa, len);

    ck_assert_ptr_nonnull(p);
    return p;
}

static uint32_t get32(uint32_t pa)
{
    return phys_read32(rig.board.phys, pa);
}

static void sums_to_zero(uint32_t pa, uint32_t len)
{
    const uint8_t *p = at(pa, len);
    uint8_t sum = 0;

    for (uint32_t i = 0; i < len; i++)
        sum += p[i];
    ck_assert_uint_eq(sum, 0);
}

/* Where SIGNATURE stands on a paragraph's border of the ROM. */
static uint32_t find(const char *signature)
{
    for (uint32_t pa = 0xF0000; pa < 0x100000; pa += 16)
        if (!memcmp(at(pa, 16), signature, strlen(signature)))
            return pa;
    ck_abort_msg("no %s", signature);
    return 0;
}

START_TEST(test_post)
{
    struct bios *b = rig.bios;

    ck_assert_uint_eq(pci_config_read(b, 0x10, 0x10, 4), 0xFDC00008);
    ck_assert_uint_eq(bios_frame_buffer(b), 0xFDC00000);
    ck_assert_uint_eq(pci_config_read(b, 0x10, 4, 2) & 3, 3);
    ck_assert_uint_eq(pci_config_read(b, 0x10, 0x18, 4), 0xFEBFF000);
    ck_assert_uint_eq(pci_config_read(b, 0x09, 0x20, 4), 0xC001);
    ck_assert_uint_eq(pci_config_read(b, 0x09, 4, 2) & 5, 5);
    ck_assert_uint_eq(pci_config_read(b, 0x08, 0x60, 4), 0x0B0B0A0A);
    ck_assert_uint_eq(bus_in(rig.board.bus, 0x4D1, 1), 0x0E);
    ck_assert(bus_mapped(rig.board.bus, BIOS_PM_BASE + 8));
    ck_assert_int_eq(phys_frame(rig.board.phys, 0xFDC00, NULL), PHYS_RAM);
}
END_TEST

/* A reset that resumes a program in real mode leaves the board as POST made it. */
START_TEST(test_resume)
{
    device_reset_all(rig.board.devices);
    ck_assert_uint_eq(pci_config_read(rig.bios, 0x10, 0x10, 4), 8);
    rtc_set_cmos(rig.bios->config.rtc, 0x0F, 0x0A);
    rig_trap(&rig, TRAP_RESET);
    ck_assert_uint_eq(gpr(EAX) & 0xFF, 0x0A);
    ck_assert_uint_eq(pci_config_read(rig.bios, 0x10, 0x10, 4), 0xFDC00008);
}
END_TEST

START_TEST(test_services)
{
    ck_assert(!call(0x01, 0, 0, 0));
    ck_assert_uint_eq(gpr(EDX), 0x20494350);
    ck_assert_uint_eq(gpr(EAX) & 0xFFFF, 0x0001);
    ck_assert_uint_eq(gpr(EBX) & 0xFFFF, 0x0210);
    rig.cpu->gpr[ESI] = 0;
    ck_assert(!call(0x02, 0, 0x7113, 0x8086));
    ck_assert_uint_eq(gpr(EBX) & 0xFFFF, 0x0B);
    ck_assert(call(0x02, 0, 0x7114, 0x8086));
    ck_assert_uint_eq(rig_ah(&rig), 0x86);
    ck_assert(call(0x02, 0, 0x7113, 0xFFFF));
    ck_assert_uint_eq(rig_ah(&rig), 0x83);
    ck_assert(!call(0x03, 0, 0x030000, 0));
    ck_assert_uint_eq(gpr(EBX) & 0xFFFF, 0x10);
    rig.cpu->gpr[ESI] = 1;
    ck_assert(call(0x03, 0, 0x030000, 0));
    rig.cpu->gpr[EDI] = 2;
    ck_assert(!call(0x09, 0x10, 0, 0));
    ck_assert_uint_eq(gpr(ECX) & 0xFFFF, 0x1111);
    ck_assert(call(0x0A, 0x10, 0, 0)); /* no dword at 2 */
    ck_assert_uint_eq(rig_ah(&rig), 0x87);
    rig.cpu->gpr[EDI] = 0x3C;
    ck_assert(!call(0x0B, 0x0B, 5, 0));
    ck_assert(!call(0x08, 0x0B, 0, 0));
    ck_assert_uint_eq(gpr(ECX) & 0xFF, 5);
    ck_assert(!call(0x08, 0x010B, 0, 0)); /* another bus: nobody */
    ck_assert_uint_eq(gpr(ECX) & 0xFF, 0xFF);
    ck_assert(call(0x06, 0, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x81);
    ck_assert(!call(0x0F, 0x18, 0x050A, 0)); /* slot 3, INTA#, IRQ 5 */
    ck_assert_uint_eq(pci_config_read(rig.bios, 0x08, 0x62, 1), 5);
    ck_assert(call(0x0F, 0x18, 0x080A, 0));
}
END_TEST

START_TEST(test_routing_options)
{
    phys_write32(rig.board.phys, 0x30000, 0x00000010); /* 16 bytes at 4000:0000, too few */
    phys_write32(rig.board.phys, 0x30004, 0x00004000);
    cpu_set_real_segment(rig.cpu, SEG_ES, 0x3000, false);
    rig.cpu->gpr[EDI] = 0;
    ck_assert(call(0x0E, 0, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x89);
    ck_assert_uint_eq(get32(0x30000) & 0xFFFF, 80); /* slots 1 to 4 and 20 */
    ck_assert(!call(0x0E, 0, 0, 0));
    ck_assert_uint_eq(get32(0x40000) & 0xFFFFFF, 0x600800); /* bus 0, slot 1, INTA# on PIRQA */
    ck_assert_uint_eq(get32(0x40040) & 0xFFFFFF, 0x63A000); /* slot 20, INTA# on PIRQD */
}
END_TEST

START_TEST(test_32_bit_entry)
{
    uint32_t directory = find("_32_");

    sums_to_zero(directory, 16);
    rig.cpu->gpr[EAX] = 0x49435024;
    rig.cpu->gpr[EBX] = 0;
    rig_trap(&rig, TRAP_BIOS32);
    ck_assert_uint_eq(gpr(EAX) & 0xFF, 0);
    ck_assert_uint_eq(gpr(EBX) + gpr(EDX), 0xF0000 + ROM_PCI32);
    rig.cpu->gpr[EAX] = 0x12345678;
    rig.cpu->gpr[EBX] = 0;
    rig_trap(&rig, TRAP_BIOS32);
    ck_assert_uint_eq(gpr(EAX) & 0xFF, 0x80);
    rig.cpu->gpr[EAX] = 0xB101;
    rig_trap(&rig, TRAP_PCI32);
    ck_assert(!rig_live_carry(&rig));
    ck_assert_uint_eq(gpr(EDX), 0x20494350);
    sums_to_zero(find("$PIR"), get32(find("$PIR") + 6) & 0xFFFF);
    ck_assert_uint_eq(get32(find("$PIR") + 6) & 0xFFFF, 32 + 80);
}
END_TEST

START_TEST(test_acpi)
{
    uint32_t rsdp = find("RSD PTR "), rsdt, fadt, dsdt;

    sums_to_zero(rsdp, 20);
    rsdt = get32(rsdp + 16);
    sums_to_zero(rsdt, get32(rsdt + 4));
    fadt = get32(rsdt + 36);
    ck_assert_uint_eq(get32(fadt), 0x50434146);
    sums_to_zero(fadt, get32(fadt + 4));
    ck_assert_uint_eq(get32(fadt + 56), BIOS_PM_BASE);
    dsdt = get32(fadt + 40);
    ck_assert_uint_eq(get32(dsdt), 0x54445344);
    sums_to_zero(dsdt, get32(dsdt + 4));
    ck_assert_uint_eq(get32(get32(fadt + 36)), 0x53434146); /* FACS */
    ck_assert_uint_eq(get32(fadt + 36) % 64, 0);
}
END_TEST

/* The table of the RSDT with SIGNATURE. */
static uint32_t acpi_table_at(uint32_t signature)
{
    uint32_t rsdt = get32(find("RSD PTR ") + 16);

    for (uint32_t at = rsdt + 36; at < rsdt + get32(rsdt + 4); at += 4)
        if (get32(get32(at)) == signature) {
            sums_to_zero(get32(at), get32(get32(at) + 4));
            return get32(at);
        }
    ck_abort_msg("no table %08x", signature);
    return 0;
}

START_TEST(test_madt)
{
    uint32_t madt = acpi_table_at(0x43495041), end = madt + get32(madt + 4), entry = madt + 44;
    unsigned kinds[8] = {0};

    ck_assert_uint_eq(get32(madt + 36), 0xFEE00000);
    while (entry < end) {
        const uint8_t *e = at(entry, 2);

        kinds[e[0] & 7]++;
        if (e[0] == 1)
            ck_assert_uint_eq(get32(entry + 4), 0xFEC00000);
        ck_assert_uint_ge(e[1], 6);
        entry += e[1];
    }
    ck_assert_uint_eq(entry, end);
    ck_assert_uint_eq(kinds[0], 1);
    ck_assert_uint_eq(kinds[1], 1);
    ck_assert_uint_eq(kinds[2], 2);
    ck_assert_uint_eq(kinds[4], 1);
    ck_assert_uint_eq(get32(acpi_table_at(0x54455048) + 44), 0xFED00000);
    /* POST: virtual wire, and the I/O APIC's number as the table has it. */
    ck_assert_uint_eq(get32(0xFEE000F0), 0x10F);
    ck_assert_uint_eq(get32(0xFEE00350), 0x700);
    ck_assert_uint_eq(get32(0xFEE00360), 0x400);
    phys_write32(rig.board.phys, 0xFEC00000, 0);
    ck_assert_uint_eq(get32(0xFEC00010) >> 24, at(madt + 44 + 8, 3)[2]);
}
END_TEST

START_TEST(test_mp_table)
{
    uint32_t pointer = find("_MP_"), table = get32(pointer + 4), entry = table + 44;
    unsigned entries = get32(table + 34) & 0xFFFF, kinds[5] = {0};
    bool far = false;

    sums_to_zero(pointer, 16);
    ck_assert_uint_eq(get32(table), 0x504D4350);
    sums_to_zero(table, get32(table + 4) & 0xFFFF);
    for (unsigned i = 0; i < entries; i++) {
        const uint8_t *e = at(entry, 8);

        ck_assert_uint_le(e[0], 4);
        kinds[e[0]]++;
        if (e[0] == 3 && e[1] == 0 && e[4] == 1 && e[5] == 0)
            ck_assert_uint_eq(e[7], 2); /* the 8254 */
        if (e[0] == 3 && e[4] == 0 && e[5] == 2 << 2) /* INTA# of slot 2: PIRQB# */
            ck_assert_uint_eq(e[7], 17);
        if (e[0] == 3 && e[4] == 0 && e[5] == 20 << 2) { /* INTA# of slot 20: PIRQD# */
            ck_assert_uint_eq(e[7], 19);
            far = true;
        }
        entry += e[0] ? 8 : 20;
    }
    ck_assert_uint_eq(entry, table + (get32(table + 4) & 0xFFFF));
    ck_assert(far);
    ck_assert_uint_eq(kinds[0], 1);
    ck_assert_uint_eq(kinds[1], 2);
    ck_assert_uint_eq(kinds[2], 1);
    ck_assert_uint_eq(kinds[4], 2);
}
END_TEST

/* Entry point, intermediate entry point, and a table of as many structures as it says. */
START_TEST(test_smbios)
{
    uint32_t entry = find("_SM_"), table, end;
    unsigned count = 0, type = 0;

    sums_to_zero(entry, 31);
    sums_to_zero(entry + 16, 15);
    table = get32(entry + 24);
    end = table + (get32(entry + 22) & 0xFFFF);
    while (table < end && type != 127) {
        type = at(table, 1)[0];
        table += at(table, 2)[1];
        while (get32(table) & 0xFFFF)
            table++;
        table += 2;
        count++;
    }
    ck_assert_uint_eq(table, end);
    ck_assert_uint_eq(type, 127);
    ck_assert_uint_eq(count, get32(entry + 28) & 0xFFFF);
}
END_TEST

/* Every register the services take, at random. */
START_TEST(test_hostile)
{
    unsigned seed = 1;

    for (int i = 0; i < 5000; i++) {
        for (int r = 0; r < 8; r++) {
            seed = seed * 1664525 + 1013904223;
            rig.cpu->gpr[r] = seed;
        }
        seed = seed * 1664525 + 1013904223;
        rig.cpu->gpr[EDI] &= seed & 0x100 ? 0xFF : 0xFFFFFFFF;
        call(seed >> 28, rig.cpu->gpr[EBX], rig.cpu->gpr[ECX], rig.cpu->gpr[EDX]);
        rig.cpu->gpr[EAX] = 0xB100 | seed >> 28;
        rig_trap(&rig, TRAP_PCI32);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pci");
    TCase *t = tcase_create("pci");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_post);
    tcase_add_test(t, test_resume);
    tcase_add_test(t, test_services);
    tcase_add_test(t, test_routing_options);
    tcase_add_test(t, test_32_bit_entry);
    tcase_add_test(t, test_acpi);
    tcase_add_test(t, test_madt);
    tcase_add_test(t, test_mp_table);
    tcase_add_test(t, test_smbios);
    tcase_add_test(t, test_hostile);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
