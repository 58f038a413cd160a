/* Protected mode: segment loads, gates, privilege transitions, interrupts, SYSENTER. */
#include "cpu/debug.h"
#include "cpu/segment.h"
#include "rig.h"

#include <check.h>

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, "max");
}

static void teardown(void)
{
    rig_close(&rig);
}

static bool load_faults(const char *mov, uint16_t selector, unsigned vector)
{
    rig.cpu->gpr[EAX] = selector;
    return rig_faults(&rig, mov, vector, selector & 0xFFFC);
}

/* SDM vol. 2 MOV, loading DS, ES, FS, GS. */
START_TEST(data_segment_loads)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    ck_assert(load_faults("8E D8", 0x200, EXC_GP)); /* outside the table */
    ck_assert(load_faults("8E D8", SEL_TSS, EXC_GP));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x1000, 0x10, 0x12, 4); /* not present, not accessed */
    ck_assert(load_faults("8E D8", SEL_FREE, EXC_NP));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x1000, 0x10, 0x98, 4); /* execute-only code */
    ck_assert(load_faults("8E D8", SEL_FREE, EXC_GP));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x1000, 0x10, 0x92, 4);
    ck_assert(load_faults("8E D8", SEL_FREE | 3, EXC_GP)); /* RPL 3, DPL 0 */
    c->gpr[EAX] = SEL_FREE;
    ck_assert_int_eq(rig_exec(&rig, "8E D8"), CPU_NEXT);
    ck_assert_uint_eq(c->seg[SEG_DS].base, 0x1000);
    ck_assert_uint_eq(c->seg[SEG_DS].limit, 0x10);
    ck_assert_uint_eq(rig_r8(&rig, RIG_GDT + SEL_FREE + 5), 0x93); /* accessed */
    ck_assert(rig_faults(&rig, "A1 0E 00 00 00", EXC_GP, 0));
    ck_assert_int_eq(rig_exec(&rig, "A1 0D 00 00 00"), CPU_NEXT);
    /* A null selector loads, and then faults on use. */
    c->gpr[EAX] = 3;
    ck_assert_int_eq(rig_exec(&rig, "8E D8"), CPU_NEXT);
    ck_assert(rig_faults(&rig, "A1 00 00 00 00", EXC_GP, 0));
}
END_TEST

START_TEST(stack_segment_loads)
{
    rig_protected(&rig, 0);
    ck_assert(load_faults("8E D0", 0, EXC_GP));
    ck_assert(load_faults("8E D0", SEL_DATA0 | 1, EXC_GP));
    ck_assert(load_faults("8E D0", SEL_DATA3, EXC_GP));
    ck_assert(load_faults("8E D0", SEL_CODE0, EXC_GP));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFFFFF, 0x13, 0xC);
    ck_assert(load_faults("8E D0", SEL_FREE, EXC_SS));
    rig.cpu->gpr[EAX] = SEL_DATA0;
    rig.cpu->mode_changed = 0;
    ck_assert_int_eq(rig_exec(&rig, "8E D0"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->shadow, SHADOW_SS);
    ck_assert_uint_eq(rig.cpu->mode_changed, 0);
}
END_TEST

/* SDM 5.3: limits of expand-down segments; read-only and execute-only segments. */
START_TEST(expand_down_and_types)
{
    struct cpu *c = rig.cpu;
    uint32_t value = 0;
    rig_protected(&rig, 0);
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFFF, 0x97, 0); /* valid: 1000h..FFFFh */
    ck_assert(cpu_load_segment(c, SEG_ES, SEL_FREE));
    ck_assert(!cpu_load(c, SEG_ES, 0xFFF, &value, 1));
    ck_assert(cpu_load(c, SEG_ES, 0x1000, &value, 4));
    ck_assert(cpu_load(c, SEG_ES, 0xFFFC, &value, 4));
    ck_assert(!cpu_load(c, SEG_ES, 0xFFFD, &value, 4));
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFFFFF, 0x91, 0xC); /* read-only */
    ck_assert(cpu_load_segment(c, SEG_ES, SEL_FREE));
    ck_assert(cpu_load(c, SEG_ES, 0, &value, 4));
    ck_assert(!cpu_store(c, SEG_ES, 0, &value, 4));
    ck_assert(!cpu_store(c, SEG_CS, 0, &value, 4));
    ck_assert(cpu_load(c, SEG_CS, 0, &value, 4));
}
END_TEST

/* The pointers of translated limit checks: inside is readable zero, outside is guard. */
START_TEST(limit_areas)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    ck_assert_int_eq(cpu_segment_class(c, SEG_DS), SEGMENT_FLAT);
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x1000, 0x1234, 0x93, 4);
    ck_assert(cpu_load_segment(c, SEG_ES, SEL_FREE));
    ck_assert_int_eq(cpu_segment_class(c, SEG_ES), SEGMENT_CHECKED);
    ck_assert_int_eq(c->seg[SEG_ES].read_check[0x1234], 0);
    ck_assert(cpu_limit_area_contains(c, c->seg[SEG_ES].read_check + 0x1235));
    ck_assert(cpu_limit_area_contains(c, c->seg[SEG_ES].write_check + 0xFFFFFFFFull + 16));
    ck_assert(!cpu_limit_area_contains(c, &rig));
    ck_assert_ptr_ne(c->seg[SEG_CS].read_check, c->seg[SEG_CS].write_check);
}
END_TEST

/* SDM 5.8.1. */
START_TEST(far_jump_privilege)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 08 00", EXC_GP, 8));
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 00 00", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 23 00", EXC_GP, 0x20));
    /* A conforming segment of ring 0 is entered at ring 3. */
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFFFF, 0x9E, 4);
    ck_assert(rig_faults(&rig, "EA 00 00 01 00 38 00", EXC_GP, 0)); /* limit */
    ck_assert_int_eq(rig_exec(&rig, "EA 44 33 00 00 38 00"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, SEL_FREE | 3);
    ck_assert_uint_eq(c->eip, 0x3344);
    ck_assert_uint_eq(rig_r8(&rig, RIG_GDT + SEL_FREE + 5), 0x9F);
}
END_TEST

/* SDM 5.8.3 to 5.8.6: a call gate to ring 0 with two parameters, and the return. */
START_TEST(call_gate_inward_and_back)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, SEL_CODE0, 0x12345, 0xEC, 2);
    c->gpr[ESP] = RIG_STACK3 - 8;
    rig_w32(&rig, RIG_STACK3 - 8, 0x11111111);
    rig_w32(&rig, RIG_STACK3 - 4, 0x22222222);
    ck_assert_int_eq(rig_exec(&rig, "9A 00 00 00 00 3B 00"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 0);
    ck_assert_uint_eq(c->eip, 0x12345);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, SEL_CODE0);
    ck_assert_uint_eq(c->seg[SEG_SS].selector, SEL_DATA0);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK0 - 24);
    const uint32_t frame[] = {RIG_CODE + 7, SEL_CODE3,      0x11111111,
                              0x22222222,   RIG_STACK3 - 8, SEL_DATA3};
    for (unsigned n = 0; n < 6; n++)
        ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 24 + 4 * n), frame[n]);
    /* The kernel's DS must not leak outward. */
    ck_assert(cpu_load_segment(c, SEG_DS, SEL_DATA0));
    ck_assert_int_eq(rig_exec(&rig, "CA 08 00"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->eip, RIG_CODE + 7);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK3);
    ck_assert_uint_eq(c->seg[SEG_DS].usable, 0);
    ck_assert_uint_eq(c->seg[SEG_ES].usable, 1);
}
END_TEST

START_TEST(call_gate_refusals)
{
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, SEL_CODE0, 0, 0x8C, 0); /* gate DPL 0 */
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_GP, SEL_FREE));
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, SEL_CODE0, 0, 0x6C, 0); /* not present */
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_NP, SEL_FREE));
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, 0, 0, 0xEC, 0); /* null target */
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_GP, 0));
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, SEL_CODE0, 0, 0xEC, 0);
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 3B 00", EXC_GP, SEL_CODE0)); /* JMP inward */
    rig_w32(&rig, RIG_TSS + 8, 0);
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_TS, 0)); /* null SS0 */
    rig_w32(&rig, RIG_TSS + 8, SEL_DATA3);
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_TS, SEL_DATA3 & 0xFFFC));
    rig.cpu->tr.limit = 8;
    ck_assert(rig_faults(&rig, "9A 00 00 00 00 3B 00", EXC_TS, SEL_TSS));
}
END_TEST

/* A 16-bit call gate pushes words. */
START_TEST(call_gate_16)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    rig_gate(&rig, RIG_GDT, SEL_FREE >> 3, SEL_CODE0, 0xFFFF5678, 0x84, 0);
    ck_assert_int_eq(rig_exec(&rig, "9A 00 00 00 00 38 00"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, 0x5678);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK0 - 4);
    ck_assert_uint_eq(rig_r16(&rig, RIG_STACK0 - 4), RIG_CODE + 7);
    ck_assert_uint_eq(rig_r16(&rig, RIG_STACK0 - 2), SEL_CODE0);
}
END_TEST

/* SDM 6.12.1: an interrupt gate from ring 3, IRET back. */
START_TEST(interrupt_inward_and_iret)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_IDT, 0x80, SEL_CODE0, 0x9000, 0xEE, 0);
    cpu_set_eflags(c, FLAG_IF | FLAG_NT | FLAG_ZF | FLAG_AC);
    ck_assert_int_eq(rig_exec(&rig, "CD 80"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 0);
    ck_assert_uint_eq(c->eip, 0x9000);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_ZF | FLAG_AC);
    const uint32_t frame[] = {RIG_CODE + 2, SEL_CODE3, 2 | FLAG_IF | FLAG_NT | FLAG_ZF | FLAG_AC,
                              RIG_STACK3, SEL_DATA3};
    for (unsigned n = 0; n < 5; n++)
        ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 20 + 4 * n), frame[n]);
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->eip, RIG_CODE + 2);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK3);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_IF | FLAG_NT | FLAG_ZF | FLAG_AC);
}
END_TEST

START_TEST(interrupt_refusals)
{
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_IDT, 0x21, SEL_CODE0, 0x9000, 0x8E, 0);
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, 0x21 * 8 + 2)); /* gate DPL */
    rig_gate(&rig, RIG_IDT, 0x21, SEL_CODE0, 0x9000, 0x6E, 0);
    ck_assert(rig_faults(&rig, "CD 21", EXC_NP, 0x21 * 8 + 2));
    rig.cpu->idtr.limit = 0x21 * 8 + 6;
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, 0x21 * 8 + 2));
    rig_gate(&rig, RIG_IDT, 3, SEL_CODE0, 0x9000, 0x8F, 0);
    ck_assert(rig_faults(&rig, "CC", EXC_GP, 3 * 8 + 2)); /* INT3 checks the DPL too */
    ck_assert(rig_exec(&rig, "CE") == CPU_NEXT);          /* INTO with OF clear */
}
END_TEST

/* Faults: error code, EXT, RF in the image; a hardware exception ignores the gate's DPL. */
START_TEST(fault_frame)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_IDT, EXC_GP, SEL_CODE0, 0xA000, 0x8F, 0); /* trap gate */
    cpu_set_eflags(c, FLAG_IF);
    ck_assert(rig_faults(&rig, "F4", EXC_GP, 0)); /* HLT at ring 3 */
    cpu_deliver_exception(c);
    ck_assert_uint_eq(c->eip, 0xA000);
    ck_assert_uint_eq(c->iflag, FLAG_IF); /* trap gates leave IF */
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 24), 0);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 20), RIG_CODE);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 12), 2 | FLAG_IF | FLAG_RF);
    ck_assert_uint_eq(c->flags_sys & FLAG_RF, 0);
    ck_assert_uint_eq(c->in_exception, 0);
}
END_TEST

/* SDM 6.15, interrupt 8: #NP in the delivery of #GP is a double fault with error code 0. */
START_TEST(double_fault)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    rig_gate(&rig, RIG_IDT, EXC_GP, SEL_CODE0, 0xA000, 0x0E, 0); /* not present */
    rig_gate(&rig, RIG_IDT, EXC_DF, SEL_CODE0, 0xB000, 0x8E, 0);
    cpu_raise(c, EXC_GP, 0);
    cpu_deliver_exception(c);
    ck_assert_uint_eq(c->eip, 0xB000);
    ck_assert_uint_eq(c->shutdown, 0);
    ck_assert_uint_eq(rig_r32(&rig, c->gpr[ESP]), 0);
    ck_assert_uint_eq(c->fault_count, 3);
    /* A benign exception is followed by the second, not by #DF; EXT marks the error code. */
    rig_gate(&rig, RIG_IDT, EXC_NP, SEL_CODE0, 0xC000, 0x8E, 0);
    rig_gate(&rig, RIG_IDT, EXC_UD, SEL_CODE0, 0xC000, 0x0E, 0);
    cpu_raise(c, EXC_UD, 0);
    cpu_deliver_exception(c);
    ck_assert_uint_eq(c->eip, 0xC000);
    ck_assert_uint_eq(rig_r32(&rig, c->gpr[ESP]), EXC_UD * 8 + 3);
}
END_TEST

/* Nothing may change when a push in the middle of a gate fails. */
START_TEST(gate_is_restartable)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    rig_gate(&rig, RIG_IDT, 0x80, SEL_CODE0, 0x9000, 0xEE, 0);
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0, 0xFFFF, 0x93, 4);
    rig_w32(&rig, RIG_TSS + 8, SEL_FREE);
    rig_w32(&rig, RIG_TSS + 4, 0x1000C); /* three pushes fit below the limit... */
    ck_assert(rig_faults(&rig, "CD 80", EXC_SS, SEL_FREE));
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK3);
}
END_TEST

START_TEST(iret_refusals)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    c->gpr[ESP] = RIG_STACK3 - 12;
    rig_w32(&rig, RIG_STACK3 - 12, 0x1000);
    rig_w32(&rig, RIG_STACK3 - 8, SEL_CODE0); /* inward */
    rig_w32(&rig, RIG_STACK3 - 4, 0xFFFFFFFF);
    ck_assert(rig_faults(&rig, "CF", EXC_GP, SEL_CODE0));
    rig_w32(&rig, RIG_STACK3 - 8, SEL_CODE3);
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    /* Ring 3 at IOPL 0 changes neither IF, IOPL, VM, VIF nor VIP. */
    ck_assert_uint_eq(cpu_eflags(c),
                      2 | FLAGS_HOST | FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID);
}
END_TEST

START_TEST(popf_privilege)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    c->gpr[ESP] = RIG_STACK3 - 4;
    rig_w32(&rig, RIG_STACK3 - 4, FLAG_IF | FLAG_IOPL | FLAG_VM | FLAG_RF | FLAG_ZF | FLAG_ID);
    ck_assert_int_eq(rig_exec(&rig, "9D"), CPU_NEXT);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_ZF | FLAG_ID);
    ck_assert(rig_faults(&rig, "FA", EXC_GP, 0));
    /* PVI: VIF stands for IF. */
    ck_assert(cpu_write_cr4(c, CR4_PVI));
    ck_assert_int_eq(rig_exec(&rig, "FB"), CPU_NEXT);
    ck_assert(c->flags_sys & FLAG_VIF);
    ck_assert_int_eq(rig_exec(&rig, "FA"), CPU_NEXT);
    ck_assert(!(c->flags_sys & FLAG_VIF));
    c->flags_sys |= FLAG_VIP;
    ck_assert(rig_faults(&rig, "FB", EXC_GP, 0));
}
END_TEST

START_TEST(sysenter_sysexit)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 3);
    ck_assert(rig_faults(&rig, "0F 34", EXC_GP, 0)); /* MSR is null */
    c->sysenter_cs = SEL_CODE0;
    c->sysenter_esp = 0x18000;
    c->sysenter_eip = 0xC0000;
    cpu_set_eflags(c, FLAG_IF | FLAG_CF);
    ck_assert_int_eq(rig_exec(&rig, "0F 34"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 0);
    ck_assert_uint_eq(c->eip, 0xC0000);
    ck_assert_uint_eq(c->gpr[ESP], 0x18000);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, 8);
    ck_assert_uint_eq(c->seg[SEG_SS].selector, 0x10);
    ck_assert_uint_eq(c->iflag, 0);
    c->gpr[EDX] = 0x1234;
    c->gpr[ECX] = 0x2000;
    ck_assert_int_eq(rig_exec(&rig, "0F 35"), CPU_NEXT);
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, 8 + 16 + 3);
    ck_assert_uint_eq(c->seg[SEG_SS].selector, 8 + 24 + 3);
    ck_assert_uint_eq(c->eip, 0x1234);
}
END_TEST

START_TEST(lar_lsl_verr_arpl)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    c->gpr[ECX] = SEL_DATA0;
    ck_assert_int_eq(rig_exec(&rig, "0F 02 C1"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX] & 0x00F0FF00, 0x00C09300);
    ck_assert(c->flags_host & FLAG_ZF);
    ck_assert_int_eq(rig_exec(&rig, "0F 03 C1"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 0xFFFFFFFF);
    c->gpr[ECX] = 0x1F8; /* outside */
    ck_assert_int_eq(rig_exec(&rig, "0F 03 C1"), CPU_NEXT);
    ck_assert(!(c->flags_host & FLAG_ZF));
    c->gpr[ECX] = SEL_CODE0;
    ck_assert_int_eq(rig_exec(&rig, "0F 00 E1"), CPU_NEXT); /* VERR */
    ck_assert(c->flags_host & FLAG_ZF);
    ck_assert_int_eq(rig_exec(&rig, "0F 00 E9"), CPU_NEXT); /* VERW */
    ck_assert(!(c->flags_host & FLAG_ZF));
    c->gpr[EAX] = 0x10;
    c->gpr[ECX] = 3;
    ck_assert_int_eq(rig_exec(&rig, "63 C8"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 0x13);
    ck_assert(c->flags_host & FLAG_ZF);
}
END_TEST

START_TEST(debug_trap)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    c->dr[0] = RIG_DATA + 2;
    cpu_write_dr(c, 7, 1 | 3u << 16 | 3u << 18); /* read/write, four bytes, aligned down */
    rig_exec(&rig, "A1 FC FF 03 00");
    ck_assert_uint_eq(c->event & EVENT_DEBUG, 0);
    rig_exec(&rig, "A0 03 00 04 00");
    ck_assert_uint_eq(c->event & EVENT_DEBUG, EVENT_DEBUG);
    ck_assert_uint_eq(c->dr[6], 0xFFFF0FF1);
    cpu_debug_trap(c);
    ck_assert_uint_eq(c->event & EVENT_DEBUG, 0);
    ck_assert_uint_eq(c->exc.vector, EXC_DB);
    c->exc.valid = 0;
    c->dr[1] = 0x5000;
    cpu_write_dr(c, 7, 1u << 3);
    ck_assert(!cpu_debug_exec(c, 0x5001));
    c->flags_sys |= FLAG_RF;
    ck_assert(!cpu_debug_exec(c, 0x5000));
    c->flags_sys &= ~(uint32_t)FLAG_RF;
    ck_assert(cpu_debug_exec(c, 0x5000));
    /* General detect. */
    cpu_write_dr(c, 7, DR7_GD);
    ck_assert(rig_faults(&rig, "0F 21 C0", EXC_DB, 0));
    ck_assert(c->dr[6] & DR6_BD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protected mode");
    TCase *tc = tcase_create("protected");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, data_segment_loads);
    tcase_add_test(tc, stack_segment_loads);
    tcase_add_test(tc, expand_down_and_types);
    tcase_add_test(tc, limit_areas);
    tcase_add_test(tc, far_jump_privilege);
    tcase_add_test(tc, call_gate_inward_and_back);
    tcase_add_test(tc, call_gate_refusals);
    tcase_add_test(tc, call_gate_16);
    tcase_add_test(tc, interrupt_inward_and_iret);
    tcase_add_test(tc, interrupt_refusals);
    tcase_add_test(tc, fault_frame);
    tcase_add_test(tc, double_fault);
    tcase_add_test(tc, gate_is_restartable);
    tcase_add_test(tc, iret_refusals);
    tcase_add_test(tc, popf_privilege);
    tcase_add_test(tc, sysenter_sysexit);
    tcase_add_test(tc, lar_lsl_verr_arpl);
    tcase_add_test(tc, debug_trap);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
