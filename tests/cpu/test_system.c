/* Control registers, MSRs, CPUID models, descriptor-table registers, ports, BCD. */
#include "cpu/control.h"
#include "cpu/model.h"
#include "rig.h"

#include <check.h>
#include <cpuid.h>
#include <string.h>

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 0);
}

static void teardown(void)
{
    rig_close(&rig);
}

static void use_model(const char *name)
{
    rig_close(&rig);
    rig_open(&rig, name);
    rig_protected(&rig, 0);
}

START_TEST(control_registers)
{
    struct cpu *c = rig.cpu;
    c->gpr[EAX] = 0x80000000;
    ck_assert(rig_faults(&rig, "0F 22 C0", EXC_GP, 0)); /* PG without PE */
    c->gpr[EAX] = CR0_PE | CR0_NW;
    ck_assert(rig_faults(&rig, "0F 22 C0", EXC_GP, 0)); /* NW without CD */
    c->gpr[EAX] = CR0_PE | CR0_TS;
    c->mode_changed = 0;
    ck_assert_int_eq(rig_exec(&rig, "0F 22 C0"), CPU_NEXT);
    ck_assert_uint_eq(c->cr0, CR0_PE | CR0_TS | CR0_ET);
    ck_assert_uint_eq(c->mode_changed, 1);
    ck_assert_int_eq(rig_exec(&rig, "0F 06"), CPU_NEXT); /* CLTS */
    ck_assert_uint_eq(c->cr0, CR0_PE | CR0_ET);
    c->gpr[EAX] = 0; /* LMSW cannot clear PE */
    ck_assert_int_eq(rig_exec(&rig, "0F 01 F0"), CPU_NEXT);
    ck_assert_uint_eq(c->cr0, CR0_PE | CR0_ET);
    ck_assert_int_eq(rig_exec(&rig, "0F 01 E0"), CPU_NEXT); /* SMSW eax */
    ck_assert_uint_eq(c->gpr[EAX], CR0_PE | CR0_ET);
    ck_assert(rig_faults(&rig, "0F 22 C8", EXC_UD, 0)); /* CR1 */
    c->gpr[EAX] = 1u << 16;
    ck_assert(rig_faults(&rig, "0F 22 E0", EXC_GP, 0)); /* FSGSBASE is not there */
    c->gpr[EAX] = 0x12345000;
    ck_assert_int_eq(rig_exec(&rig, "0F 22 D8"), CPU_NEXT);
    ck_assert_int_eq(rig_exec(&rig, "0F 20 D9"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ECX], 0x12345000);
}
END_TEST

START_TEST(privileged_at_ring_3)
{
    static const char *const list[] = {
        "0F 22 C0",
        "0F 20 C0",
        "0F 23 C0",
        "0F 06",
        "0F 08",
        "0F 09",
        "0F 30",
        "0F 32",
        "F4",
        "0F 00 D0",
        "0F 00 D8",
        "0F 01 F0",
        "0F 01 15 00 00 00 00",
        "0F 01 1D 00 00 00 00",
        "0F 01 38",
        "FA",
        "FB",
        "0F 35",
    };
    rig_protected(&rig, 3);
    for (unsigned n = 0; n < sizeof list / sizeof list[0]; n++)
        ck_assert_msg(rig_faults(&rig, list[n], EXC_GP, 0), "%s", list[n]);
    /* These are not privileged. */
    ck_assert_int_eq(rig_exec(&rig, "0F 01 E0"), CPU_NEXT);
    ck_assert_int_eq(rig_exec(&rig, "0F 00 C8"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], SEL_TSS);
    ck_assert_int_eq(rig_exec(&rig, "0F A2"), CPU_NEXT);
}
END_TEST

START_TEST(descriptor_tables)
{
    struct cpu *c = rig.cpu;
    rig_w16(&rig, RIG_DATA, 0x1234);
    rig_w32(&rig, RIG_DATA + 2, 0xAB345678);
    ck_assert_int_eq(rig_exec(&rig, "0F 01 15 00 00 04 00"), CPU_NEXT);
    ck_assert_uint_eq(c->gdtr.base, 0xAB345678);
    ck_assert_uint_eq(c->gdtr.limit, 0x1234);
    ck_assert_int_eq(rig_exec(&rig, "66 0F 01 1D 00 00 04 00"), CPU_NEXT);
    ck_assert_uint_eq(c->idtr.base, 0x00345678); /* 24 bits with 16-bit operands */
    ck_assert_int_eq(rig_exec(&rig, "0F 01 05 10 00 04 00"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 0x12), 0xAB345678);
    ck_assert(rig_faults(&rig, "0F 01 F8", EXC_UD, 0)); /* INVLPG of a register */
}
END_TEST

START_TEST(ldt_and_task_register)
{
    struct cpu *c = rig.cpu;
    c->gpr[EAX] = SEL_LDT;
    ck_assert_int_eq(rig_exec(&rig, "0F 00 D0"), CPU_NEXT);
    ck_assert_uint_eq(c->ldtr.base, RIG_LDT);
    rig_segment(&rig, RIG_LDT, 0x0F, 0x77000, 0xFF, 0x92, 4);
    c->gpr[EAX] = 0x0C;
    ck_assert_int_eq(rig_exec(&rig, "8E E0"), CPU_NEXT); /* FS from the LDT */
    ck_assert_uint_eq(c->seg[SEG_FS].base, 0x77000);
    c->gpr[EAX] = SEL_TSS; /* busy */
    ck_assert(rig_faults(&rig, "0F 00 D8", EXC_GP, SEL_TSS));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x6000, 0x67, 0x89, 0);
    c->gpr[EAX] = SEL_FREE;
    ck_assert_int_eq(rig_exec(&rig, "0F 00 D8"), CPU_NEXT);
    ck_assert_uint_eq(c->tr.base, 0x6000);
    ck_assert_uint_eq(rig_r8(&rig, RIG_GDT + SEL_FREE + 5), 0x8B);
    c->gpr[EAX] = 0;
    ck_assert_int_eq(rig_exec(&rig, "0F 00 D0"), CPU_NEXT);
    c->gpr[EAX] = 0x0C;
    ck_assert(rig_faults(&rig, "8E E0", EXC_GP, 0x0C)); /* no LDT any more */
}
END_TEST

START_TEST(time_stamp_counter)
{
    struct cpu *c = rig.cpu;
    rig.tsc = 0x123456789A;
    ck_assert_int_eq(rig_exec(&rig, "0F 31"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 0x3456789A);
    ck_assert_uint_eq(c->gpr[EDX], 0x12);
    c->gpr[ECX] = 0x10;
    c->gpr[EAX] = 100;
    c->gpr[EDX] = 0;
    ck_assert_int_eq(rig_exec(&rig, "0F 30"), CPU_NEXT);
    rig.tsc += 5;
    ck_assert_int_eq(rig_exec(&rig, "0F 31"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 105);
    ck_assert(cpu_write_cr4(c, CR4_TSD));
    rig_protected(&rig, 3);
    ck_assert(rig_faults(&rig, "0F 31", EXC_GP, 0));
}
END_TEST

START_TEST(model_specific_registers)
{
    struct cpu *c = rig.cpu;
    uint64_t value;
    c->gpr[ECX] = 0x12345678;
    ck_assert(rig_faults(&rig, "0F 32", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "0F 30", EXC_GP, 0));
    ck_assert(cpu_write_msr(c, 0x176, 0xC0001000));
    ck_assert(cpu_read_msr(c, 0x176, &value));
    ck_assert_uint_eq(value, 0xC0001000);
    ck_assert(cpu_read_msr(c, 0x277, &value));
    ck_assert_uint_eq(value, 0x0007040600070406);
    ck_assert(!cpu_write_msr(c, 0x277, 2)); /* reserved memory type */
    ck_assert(cpu_read_msr(c, 0xFE, &value));
    for (unsigned n = 0; n < 2 * (value & 0xFF); n++)
        ck_assert(cpu_write_msr(c, 0x200 + n, 0x1000 * n));
    ck_assert(cpu_read_msr(c, 0x20F, &value));
    ck_assert_uint_eq(value, 0xF000);
    ck_assert(cpu_write_msr(c, 0xC0000080, 1u << 11));
    ck_assert(cpu_write_msr(c, 0xC0000080, 1u << 11 | 1));
    ck_assert(!cpu_write_msr(c, 0xC0000080, 1u << 8)); /* no long mode */
    ck_assert(cpu_read_msr(c, 0x10A, &value));
    ck_assert_uint_eq(value & 0x163, 0x163);
    ck_assert_uint_eq(value & 4, 0); /* RSBA */
    use_model("pentium");
    ck_assert(!cpu_read_msr(rig.cpu, 0x174, &value));
    ck_assert(!cpu_read_msr(rig.cpu, 0xC0000080, &value));
}
END_TEST

static void cpuid(uint32_t leaf, uint32_t r[4])
{
    cpu_cpuid(rig.cpu, leaf, 0, r);
}

START_TEST(cpuid_models)
{
    static const struct {
        const char *name;
        uint32_t family, model, edx_set, edx_clear;
    } models[] = {
        {"486", 4, 8, 0x3, 0x03808B30},
        {"pentium", 5, 2, 0x3BF & ~0x40u, 0x03808840},
        {"pentium2", 6, 5, 0x0181FBFF, 0x06000000},
        {"pentium3", 6, 8, 0x0381FBFF, 0x04000000},
        {"pentium4", 15, 2, 0x0789FBFF, 0},
        {"core2", 6, 15, 0x0789FBFF, 0},
        {"haswell", 6, 0x3C, 0x0789FBFF, 0},
        {"max", 6, 0x36, 0x0789FBFF, 0},
        {"host", 6, 0x36, 0x0789FBFF, 0},
        {"qemu32", 6, 6, 0x0789FBFF, 0},
        {"kvm32", 15, 6, 0x0789FBFF, 0},
        {"qemu64", 15, 6, 0x0789FBFF, 0},
        {"coreduo", 6, 14, 0x0789FBFF, 0},
        {"n270", 6, 0x1C, 0x0789FBFF, 0},
        {"Penryn", 6, 0x17, 0x0789FBFF, 0},
        {"SandyBridge", 6, 0x2A, 0x0789FBFF, 0},
    };
    uint32_t r[4];
    for (unsigned n = 0; n < sizeof models / sizeof models[0]; n++) {
        use_model(models[n].name);
        cpuid(0, r);
        ck_assert_mem_eq(&r[1], "Genu", 4);
        cpuid(1, r);
        uint32_t family = r[0] >> 8 & 15, model = r[0] >> 4 & 15;
        if (family == 6 || family == 15)
            model |= r[0] >> 12 & 0xF0;
        ck_assert_uint_eq(family, models[n].family);
        ck_assert_uint_eq(model, models[n].model);
        ck_assert_msg((r[3] & models[n].edx_set) == models[n].edx_set, "%s: EDX %08x lacks %08x",
                      models[n].name, r[3], models[n].edx_set & ~r[3]);
        ck_assert_uint_eq(r[3] & models[n].edx_clear, 0);
        ck_assert_uint_eq(r[2] & 1u << 31, 0); /* no hypervisor */
        ck_assert_uint_eq(r[2] & 1u << 28 & (n < 6 ? ~0u : 0), 0); /* no AVX */
        ck_assert_ptr_nonnull(strstr(cpu_model_names(), models[n].name));
        cpuid(0x80000001, r);
        ck_assert_uint_eq(r[3] & 1u << 29 & (n < 4 ? 0 : ~0u), 0); /* no long mode */
    }
}
END_TEST

/* "max" has the host's caches, each for one processor alone; all others two levels of their own. */
START_TEST(cpuid_caches)
{
    uint32_t r[4], host[4] = {0};
    use_model("max");
    cpuid(2, r);
    ck_assert_uint_eq(r[0] & 0xFF, 1);
    bool tells = (r[3] & 0xFF) == 0xFF;
    for (uint32_t i = 0, leaf = 4; tells && i < 5; i++) {
        if (i == 0 && __get_cpuid(0x80000001, &host[0], &host[1], &host[2], &host[3]) &&
            host[2] & 1u << 22)
            leaf = 0x8000001D;
        ck_assert(__get_cpuid_count(leaf, i, &host[0], &host[1], &host[2], &host[3]));
        cpu_cpuid(rig.cpu, 4, i, r);
        if (i == 4)
            memset(host, 0, sizeof host);
        ck_assert_uint_eq(r[0], host[0] & 0x3FF);
        if (!(r[0] & 0x1F))
            break;
        ck_assert_mem_eq(&r[1], &host[1], 3 * sizeof r[0]);
        if ((r[0] >> 5 & 7) != 2)
            continue;
        cpuid(0x80000006, r);
        uint32_t lines = (host[1] >> 22) + 1, line = (host[1] & 0xFFF) + 1;
        ck_assert_uint_eq(r[2] >> 16, lines * line * (host[2] + 1) / 1024);
        ck_assert_uint_eq(r[2] & 0xFF, line);
    }
    use_model("haswell");
    cpuid(2, r);
    ck_assert_uint_eq(r[3], 0x7D302C);
    cpu_cpuid(rig.cpu, 4, 2, r);
    ck_assert_uint_eq(r[0], 3 | 2 << 5 | 1 << 8);
    ck_assert_uint_eq(((r[1] >> 22) + 1) * ((r[1] & 0xFFF) + 1) * (r[2] + 1), 2 << 20);
    cpu_cpuid(rig.cpu, 4, 3, r);
    ck_assert_uint_eq(r[0], 0);
    cpuid(0x80000006, r);
    ck_assert_uint_eq(r[2], 0x08006040);
    use_model("pentium3");
    cpuid(2, r);
    ck_assert_uint_eq(r[3], 0x43080C);
    struct cpu_model old =
        *cpu_model_find("pentium3"); /* without leaf 4 there is no place for them */
    ck_assert(cpu_model_switch(&old, "host-cache-info", true));
    ck_assert(!cpu_model_for_host(&old).host_caches);
}
END_TEST

/* The local APIC's MSRs, and what CPUID says of it. */
START_TEST(apic_msrs)
{
    uint64_t value;
    uint32_t r[4];
    struct cpu *c;
    use_model("max");
    c = rig.cpu;
    ck_assert_uint_eq(rig.apic_base, 0xFEE00900);
    ck_assert(cpu_read_msr(c, 0x1B, &value));
    ck_assert_uint_eq(value, 0xFEE00900);
    ck_assert(!cpu_write_msr(c, 0x1B, 0xFEE00D00)); /* no x2APIC */
    ck_assert(!cpu_write_msr(c, 0x1B, 1ull << 36 | 0x900));
    ck_assert(cpu_write_msr(c, 0x1B, 0xFED80100));
    ck_assert_uint_eq(rig.apic_base, 0xFED80100);
    cpuid(1, r);
    ck_assert_uint_eq(r[3] & 0x200, 0);
    ck_assert_uint_ne(r[2] & 1u << 24, 0); /* TSC deadline */
    cpu_reset(c);
    ck_assert_uint_eq(rig.apic_base, 0xFEE00900);
    cpuid(0x15, r);
    ck_assert_uint_eq(r[2] * (uint64_t)r[1] / r[0], 1000000000);
    use_model("486");
    ck_assert_uint_eq(rig.apic_base, 0xFEE00100);
    use_model("pentium2");
    ck_assert(cpu_read_msr(rig.cpu, 0x1B, &value));
    ck_assert(!cpu_read_msr(rig.cpu, 0x6E0, &value));
    ck_assert(!cpu_read_msr(rig.cpu, 0x3B, &value));
}
END_TEST

START_TEST(tsc_deadline_and_adjust)
{
    uint64_t value;
    struct cpu *c;
    use_model("max");
    c = rig.cpu;
    rig.tsc = 1000;
    ck_assert(cpu_write_msr(c, 0x10, 5000));
    ck_assert(cpu_read_msr(c, 0x3B, &value));
    ck_assert_uint_eq(value, 4000);
    ck_assert(cpu_write_msr(c, 0x6E0, 7000));
    ck_assert_uint_eq(rig.deadline, 3000);
    ck_assert(cpu_read_msr(c, 0x6E0, &value));
    ck_assert_uint_eq(value, 7000);
    ck_assert(cpu_write_msr(c, 0x3B, 3000)); /* 1000 back: 4000 now, 3000 to go */
    ck_assert_uint_eq(cpu_tsc(c), 4000);
    ck_assert_uint_eq(rig.deadline, 4000);
    ck_assert(cpu_write_msr(c, 0x6E0, 10)); /* past */
    ck_assert_uint_eq(rig.deadline, 1);
    ck_assert(cpu_write_msr(c, 0x6E0, 0));
    ck_assert_uint_eq(rig.deadline, 0);
    ck_assert(cpu_write_msr(c, 0x10, 0));
    ck_assert_uint_eq(rig.deadline, 0);
}
END_TEST

START_TEST(features_of_models)
{
    use_model("486");
    ck_assert(!cpu_has(rig.cpu->model, FEAT_TSC));
    ck_assert(rig_faults(&rig, "0F 31", EXC_UD, 0));
    ck_assert(rig_faults(&rig, "0F 32", EXC_UD, 0));
    ck_assert(!cpu_write_cr4(rig.cpu, CR4_PSE));
    use_model("pentium");
    ck_assert(cpu_write_cr4(rig.cpu, CR4_PSE));
    ck_assert(!cpu_write_cr4(rig.cpu, CR4_PAE));
    ck_assert(rig_faults(&rig, "0F 34", EXC_UD, 0));
    ck_assert_ptr_null(cpu_model_find("z80"));
    ck_assert_ptr_nonnull(strstr(cpu_model_names(), "pentium3"));
}
END_TEST

/* ---- ports ---- */

START_TEST(port_instructions)
{
    struct cpu *c = rig.cpu;
    c->gpr[EAX] = 0x11223344;
    c->gpr[EDX] = 0x3F8;
    ck_assert_int_eq(rig_exec(&rig, "66 EF"), CPU_NEXT);
    ck_assert_uint_eq(rig.port, 0x3F8);
    ck_assert_uint_eq(rig.out_value, 0x3344);
    rig.in_value = 0x99AABBCC;
    ck_assert_int_eq(rig_exec(&rig, "E4 60"), CPU_NEXT);
    ck_assert_uint_eq(rig.port, 0x60);
    ck_assert_uint_eq(c->gpr[EAX], 0x112233CC);
    rig_protected(&rig, 3);
    ck_assert(rig_faults(&rig, "E4 60", EXC_GP, 0)); /* no bit map in the TSS */
    c->flags_sys |= FLAG_IOPL;
    ck_assert_int_eq(rig_exec(&rig, "E4 60"), CPU_NEXT);
}
END_TEST

START_TEST(string_ports)
{
    struct cpu *c = rig.cpu;
    c->gpr[EDX] = 0x1F0;
    c->gpr[EDI] = RIG_DATA + 0xFFD; /* across a page, unaligned */
    c->gpr[ECX] = 256;
    rig.in_value = 0x100;
    ck_assert_int_eq(rig_exec(&rig, "F3 66 6D"), CPU_NEXT);
    ck_assert_uint_eq(rig.port_accesses, 256);
    for (unsigned n = 0; n < 256; n++)
        ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 0xFFD + 2 * n), 0x100 + n);
    c->gpr[ESI] = RIG_DATA + 0xFFD;
    c->gpr[ECX] = 3;
    ck_assert_int_eq(rig_exec(&rig, "F3 66 6F"), CPU_NEXT);
    ck_assert_uint_eq(rig.out_value, 0x102);
    /* The port is not read when the store would fault. */
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFF, 0x93, 4);
    c->gpr[EAX] = SEL_FREE;
    ck_assert_int_eq(rig_exec(&rig, "8E C0"), CPU_NEXT);
    unsigned accesses = rig.port_accesses;
    c->gpr[EDI] = 0x100;
    ck_assert(rig_faults(&rig, "6C", EXC_GP, 0));
    ck_assert_uint_eq(rig.port_accesses, accesses);
}
END_TEST

/* ---- decimal arithmetic: by the definition of packed and unpacked decimals ---- */

static uint32_t bcd(uint32_t ax, uint32_t flags, const char *hex)
{
    rig.cpu->gpr[EAX] = ax;
    rig.cpu->flags_host = flags;
    ck_assert_int_eq(rig_exec(&rig, hex), CPU_NEXT);
    return rig.cpu->gpr[EAX];
}

static unsigned packed(unsigned n)
{
    return n / 10 << 4 | n % 10;
}

START_TEST(packed_decimals)
{
    for (unsigned a = 0; a < 100; a++)
        for (unsigned b = 0; b < 100; b++) {
            unsigned sum = packed(a) + packed(b);
            uint32_t af = (packed(a) & 15) + (packed(b) & 15) > 15 ? FLAG_AF : 0;
            uint32_t result = bcd(sum & 0xFF, af | (sum > 0xFF ? FLAG_CF : 0), "27");
            ck_assert_uint_eq(result, packed((a + b) % 100));
            ck_assert_int_eq((rig.cpu->flags_host & FLAG_CF) != 0, a + b > 99);
            unsigned difference = packed(a) - packed(b);
            af = (packed(a) & 15) < (packed(b) & 15) ? FLAG_AF : 0;
            result = bcd(difference & 0xFF, af | (a < b ? FLAG_CF : 0), "2F");
            ck_assert_uint_eq(result, packed((100 + a - b) % 100));
            ck_assert_int_eq((rig.cpu->flags_host & FLAG_CF) != 0, a < b);
        }
}
END_TEST

START_TEST(unpacked_decimals)
{
    for (unsigned a = 0; a < 10; a++)
        for (unsigned b = 0; b < 10; b++) {
            uint32_t result = bcd(0x0300 | (a + b), a + b > 15 ? FLAG_AF : 0, "37");
            ck_assert_uint_eq(result, (a + b > 9 ? 0x0400u : 0x0300u) | (a + b) % 10);
            result = bcd(0x0300 + a - b, a < b ? FLAG_AF : 0, "3F");
            ck_assert_uint_eq(result & 0xFF, (10 + a - b) % 10);
            ck_assert_int_eq((rig.cpu->flags_host & FLAG_CF) != 0, a < b);
            ck_assert_uint_eq(bcd(a * b, 0, "D4 0A"), (a * b / 10) << 8 | a * b % 10);
            ck_assert_uint_eq(bcd(a << 8 | b, 0, "D5 0A"), a * 10 + b);
        }
    ck_assert(rig_faults(&rig, "D4 00", EXC_DE, 0));
    ck_assert_uint_eq(bcd(0x1234, FLAG_CF, "D6"), 0x12FF);
    ck_assert_uint_eq(bcd(0x1234, 0, "D6"), 0x1200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tc = tcase_create("system");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, control_registers);
    tcase_add_test(tc, privileged_at_ring_3);
    tcase_add_test(tc, descriptor_tables);
    tcase_add_test(tc, ldt_and_task_register);
    tcase_add_test(tc, time_stamp_counter);
    tcase_add_test(tc, model_specific_registers);
    tcase_add_test(tc, cpuid_models);
    tcase_add_test(tc, cpuid_caches);
    tcase_add_test(tc, features_of_models);
    tcase_add_test(tc, apic_msrs);
    tcase_add_test(tc, tsc_deadline_and_adjust);
    tcase_add_test(tc, port_instructions);
    tcase_add_test(tc, string_ports);
    tcase_add_test(tc, packed_decimals);
    tcase_add_test(tc, unpacked_decimals);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
