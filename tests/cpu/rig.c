#include "rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint32_t on_in(void *opaque, uint16_t port, unsigned size)
{
    struct rig *r = opaque;
    (void)size;
    r->port = port;
    r->port_accesses++;
    return r->in_value++;
}

static void on_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct rig *r = opaque;
    (void)size;
    r->port = port;
    r->out_value = value;
    r->port_accesses++;
}

static uint64_t on_tsc(void *opaque)
{
    return ((struct rig *)opaque)->tsc;
}

static void on_apic_base(void *opaque, uint64_t base)
{
    ((struct rig *)opaque)->apic_base = base;
}

static void on_set_deadline(void *opaque, uint64_t ticks)
{
    ((struct rig *)opaque)->deadline = ticks;
}

static uint64_t on_deadline(void *opaque)
{
    return ((struct rig *)opaque)->deadline;
}

static void on_ferr(void *opaque, bool level)
{
    ((struct rig *)opaque)->ferr = level;
}

void rig_open(struct rig *r, const char *model)
{
    memset(r, 0, sizeof *r);
    struct cpu_wires wires = {.opaque = r,
                              .in = on_in,
                              .out = on_out,
                              .tsc = on_tsc,
                              .ferr = on_ferr,
                              .apic_base = on_apic_base,
                              .set_deadline = on_set_deadline,
                              .deadline = on_deadline};
    r->phys = phys_new(4 << 20, NULL, NULL);
    ck_assert_ptr_nonnull(r->phys);
    r->mmu = mmu_new(r->phys, NULL, 0, NULL);
    ck_assert_ptr_nonnull(r->mmu);
    r->cpu = cpu_new(r->mmu, r->phys, NULL, cpu_model_find(model), &wires, NULL);
    ck_assert_ptr_nonnull(r->cpu);
    cpu_set_real_segment(r->cpu, SEG_CS, 0, false);
    r->cpu->eip = RIG_CODE;
    r->cpu->gpr[ESP] = 0x7000;
}

void rig_close(struct rig *r)
{
    cpu_free(r->cpu);
    mmu_free(r->mmu);
    phys_free(r->phys);
}

void rig_w8(struct rig *r, uint32_t pa, uint8_t value)
{
    phys_write(r->phys, pa, &value, 1);
}

void rig_w16(struct rig *r, uint32_t pa, uint16_t value)
{
    phys_write(r->phys, pa, &value, 2);
}

void rig_w32(struct rig *r, uint32_t pa, uint32_t value)
{
    phys_write(r->phys, pa, &value, 4);
}

uint8_t rig_r8(struct rig *r, uint32_t pa)
{
    uint8_t value;
    phys_read(r->phys, pa, &value, 1);
    return value;
}

uint16_t rig_r16(struct rig *r, uint32_t pa)
{
    uint16_t value;
    phys_read(r->phys, pa, &value, 2);
    return value;
}

uint32_t rig_r32(struct rig *r, uint32_t pa)
{
    uint32_t value;
    phys_read(r->phys, pa, &value, 4);
    return value;
}

void rig_segment(struct rig *r, uint32_t table, uint16_t selector, uint32_t base, uint32_t limit,
                 uint8_t access, uint8_t flags)
{
    uint32_t at = table + (selector & 0xFFF8);
    rig_w32(r, at, (limit & 0xFFFF) | base << 16);
    rig_w32(r, at + 4,
            (base >> 16 & 0xFF) | (uint32_t)access << 8 | (limit & 0xF0000) |
                (uint32_t)flags << 20 | (base & 0xFF000000));
}

void rig_gate(struct rig *r, uint32_t table, unsigned index, uint16_t selector, uint32_t offset,
              uint8_t access, unsigned count)
{
    rig_w32(r, table + index * 8, (uint32_t)selector << 16 | (offset & 0xFFFF));
    rig_w32(r, table + index * 8 + 4, (offset & 0xFFFF0000) | (uint32_t)access << 8 | count);
}

void rig_protected(struct rig *r, unsigned cpl)
{
    struct cpu *cpu = r->cpu;
    cpu->gdtr = (struct dtable){RIG_GDT, 0xFF};
    cpu->idtr = (struct dtable){RIG_IDT, 0x7FF};
    rig_segment(r, RIG_GDT, SEL_CODE0, 0, 0xFFFFF, 0x9B, 0xC);
    rig_segment(r, RIG_GDT, SEL_DATA0, 0, 0xFFFFF, 0x93, 0xC);
    rig_segment(r, RIG_GDT, SEL_CODE3, 0, 0xFFFFF, 0xFB, 0xC);
    rig_segment(r, RIG_GDT, SEL_DATA3, 0, 0xFFFFF, 0xF3, 0xC);
    rig_segment(r, RIG_GDT, SEL_TSS, RIG_TSS, 0x67, 0x8B, 0);
    rig_segment(r, RIG_GDT, SEL_LDT, RIG_LDT, 0xFF, 0x82, 0);
    rig_w32(r, RIG_TSS + 4, RIG_STACK0);
    rig_w32(r, RIG_TSS + 8, SEL_DATA0);
    rig_w16(r, RIG_TSS + 102, 0x68);
    ck_assert(cpu_write_cr0(cpu, cpu->cr0 | CR0_PE));
    cpu->tr = (struct segment){
        .base = RIG_TSS, .limit = 0x67, .access = 0x8B00, .selector = SEL_TSS, .usable = 1};
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_set_flat_segment(cpu, n, SEL_DATA0, n == SEG_CS);
    cpu->seg[SEG_CS].selector = SEL_CODE0;
    cpu->cpl = (uint8_t)cpl;
    if (cpl == 3) {
        for (unsigned n = 0; n < SEG_COUNT; n++) {
            cpu->seg[n].selector = n == SEG_CS ? SEL_CODE3 : SEL_DATA3;
            cpu->seg[n].access |= AR_DPL;
        }
    }
    cpu->gpr[ESP] = cpl ? RIG_STACK3 : RIG_STACK0;
    cpu->eip = RIG_CODE;
}

/* ---- decoding ---- */

static bool has_modrm(const struct insn *in)
{
    uint8_t o = in->opcode;
    if (in->map == MAP_0F38)
        return true;
    if (in->map == MAP_0F)
        return o < 4 || (o >= 0x20 && o < 0x30) || (o & 0xF0) == 0x40 || (o & 0xF0) == 0x90 ||
               (o >= 0xA3 && o != 0xA8 && o != 0xA9 && o != 0xAA && (o & 0xF8) != 0xC8);
    if (o < 0x40)
        return (o & 7) < 4;
    return o == 0x62 || o == 0x63 || (o >= 0x80 && o <= 0x8F) || o == 0xC4 || o == 0xC5 ||
           o == 0xC6 || o == 0xC7 || (o & 0xF8) == 0xD8 || (o & 0xFE) == 0xF6 || (o & 0xFE) == 0xFE;
}

static unsigned imm_size(const struct insn *in)
{
    uint8_t o = in->opcode;
    unsigned reg = in->modrm >> 3 & 7;
    if (in->map == MAP_0F)
        return o == 0xBA ? 1 : (o & 0xF0) == 0x80 ? in->opsize : 0;
    if (in->map != MAP_1B)
        return 0;
    if (o < 0x40)
        return (o & 7) == 4 ? 1 : (o & 7) == 5 ? in->opsize : 0;
    if ((o & 0xF0) == 0x70 || o == 0x6A || o == 0x80 || o == 0x83 || o == 0xC6 || o == 0xCD ||
        o == 0xD4 || o == 0xD5 || (o >= 0xE0 && o <= 0xE7) || o == 0xEB)
        return 1;
    if (o == 0x68 || o == 0x81 || o == 0xC7 || o == 0xE8 || o == 0xE9)
        return in->opsize;
    if (o >= 0xA0 && o <= 0xA3)
        return in->addrsize;
    if (o == 0xC2 || o == 0xCA)
        return 2;
    if (o == 0xC8)
        return 3;
    if (o == 0x9A || o == 0xEA)
        return in->opsize + 2u;
    if (o == 0xF6 || o == 0xF7)
        return reg < 2 ? (o & 1 ? in->opsize : 1) : 0;
    return 0;
}

static unsigned prefixes(struct insn *in)
{
    unsigned at = 0;
    for (;; at++) {
        switch (in->bytes[at]) {
        case 0x66:
            in->opsize_prefix = true;
            in->opsize = 6 - in->opsize;
            break;
        case 0x67:
            in->addrsize_prefix = true;
            in->addrsize = 6 - in->addrsize;
            break;
        case 0xF2:
        case 0xF3:
            in->rep = in->bytes[at];
            break;
        case 0xF0:
            in->lock = true;
            break;
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            in->override = in->bytes[at] >> 3 & 3;
            break;
        case 0x64:
        case 0x65:
            in->override = in->bytes[at] - 0x60;
            break;
        default:
            return at;
        }
    }
}

static unsigned disp_size(const struct insn *in)
{
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;
    if (mod == 1)
        return 1;
    if (mod == 2)
        return in->addrsize;
    if (in->addrsize == 2)
        return rm == 6 ? 2 : 0;
    return rm == 5 || (rm == 4 && (in->sib & 7) == 5) ? 4 : 0;
}

static int32_t extended(const uint8_t *p, unsigned size)
{
    int32_t value = 0;
    memcpy(&value, p, size > 4 ? 4 : size);
    return size == 1 ? (int8_t)value : size == 2 ? (int16_t)value : value;
}

static enum seg_index default_segment(const struct insn *in)
{
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;
    bool stack;
    if (in->override != SEG_NONE)
        return in->override;
    if (in->addrsize == 2)
        stack = rm == 2 || rm == 3 || (rm == 6 && mod != 0);
    else if (rm == 4)
        stack = (in->sib & 7) == 4 || ((in->sib & 7) == 5 && mod != 0);
    else
        stack = rm == 5 && mod != 0;
    return stack ? SEG_SS : SEG_DS;
}

static unsigned modrm(struct insn *in, unsigned at)
{
    in->has_modrm = true;
    in->modrm_off = (uint8_t)at;
    in->modrm = in->bytes[at++];
    in->has_mem = in->modrm < 0xC0;
    if (!in->has_mem)
        return at;
    if (in->addrsize == 4 && (in->modrm & 7) == 4) {
        in->has_sib = true;
        in->sib = in->bytes[at++];
    }
    in->disp_off = (uint8_t)at;
    in->disp_size = (uint8_t)disp_size(in);
    in->disp = in->disp_size ? extended(in->bytes + at, in->disp_size) : 0;
    in->seg = default_segment(in);
    return at + in->disp_size;
}

struct insn rig_decode(struct rig *r, const char *hex)
{
    struct insn in = {.override = SEG_NONE, .seg = SEG_DS};
    unsigned length = 0;
    for (char *end; *hex && length < 15; hex = end) {
        in.bytes[length] = (uint8_t)strtoul(hex, &end, 16);
        if (end == hex)
            break;
        length++;
    }
    in.opsize = in.addrsize = r->cpu->seg[SEG_CS].access & AR_DB ? 4 : 2;
    unsigned at = prefixes(&in);
    if (in.bytes[at] == 0x0F) {
        in.map = MAP_0F;
        if (in.bytes[++at] == 0x38) {
            in.map = MAP_0F38;
            at++;
        }
    }
    in.opcode_off = (uint8_t)at;
    in.opcode = in.bytes[at++];
    if (has_modrm(&in))
        at = modrm(&in, at);
    in.imm_off = (uint8_t)at;
    in.imm_size = (uint8_t)imm_size(&in);
    if (in.imm_size) {
        unsigned first = in.opcode == 0xC8                             ? 2
                         : in.imm_size > in.opsize && in.imm_size != 2 ? in.opsize
                                                                       : in.imm_size;
        in.imm = (uint32_t)extended(in.bytes + at, first);
        if (in.imm_size == 3)
            in.imm2 = in.bytes[at + 2];
        else if (in.opcode == 0x9A || in.opcode == 0xEA)
            memcpy(&in.imm2, in.bytes + at + in.opsize, 2);
    }
    in.len = (uint8_t)(at + in.imm_size);
    ck_assert_msg(in.len == length, "test instruction: %u bytes given, %u decoded", length, in.len);
    return in;
}

enum cpu_result rig_exec(struct rig *r, const char *hex)
{
    struct insn in = rig_decode(r, hex);
    bool handled;
    r->cpu->exc.valid = 0;
    enum cpu_result result = cpu_emulate_data(r->cpu, &in, &handled);
    return handled ? result : cpu_emulate(r->cpu, &in);
}

bool rig_faults(struct rig *r, const char *hex, unsigned vector, uint32_t error)
{
    struct cpu before = *r->cpu;
    enum cpu_result result = rig_exec(r, hex);
    const struct cpu *cpu = r->cpu;
    bool same = memcmp(before.gpr, cpu->gpr, sizeof before.gpr) == 0 && before.eip == cpu->eip &&
                before.flags_host == cpu->flags_host && before.cpl == cpu->cpl &&
                before.seg[SEG_CS].selector == cpu->seg[SEG_CS].selector &&
                before.seg[SEG_SS].selector == cpu->seg[SEG_SS].selector;
    return result == CPU_EXCEPTION && same && cpu->exc.valid && cpu->exc.vector == vector &&
           cpu->exc.error_code == error;
}
