/* The x87's last instruction and operand (FIP, FCS, FDP, FDS, FOP) as the guest must see them.
 *
 * The host keeps its own: addresses of translated code and of the window.  They are turned into the
 * guest's when it can look at them: when an x87 exception is reported, and before FNSTENV, FNSAVE
 * and FXSAVE.  Some hosts keep them only while an unmasked exception waits, or the state stays in
 * the registers (translator/quick_env.c); what the guest loaded last stands until then.  Intel SDM
 * vol. 1 sections 8.1.8 and 8.1.9. */
#include "translator/pointers.h"

#include <string.h>

enum { FX_FOP = 6, FX_FIP = 8, FX_FDP = 16, FX_POINTERS_END = 24 };

/* FLDCW, FNSTCW and FNSTSW leave the pointers alone (so do those that are never run natively). */
static bool control(const struct insn *in)
{
    unsigned reg = insn_reg(in);
    return in->has_mem &&
           ((in->opcode == 0xD9 && (reg == 5 || reg == 7)) || (in->opcode == 0xDD && reg == 7));
}

void pointers_set(struct cpu *cpu, const struct insn *in, uint32_t eip, uint32_t offset)
{
    if (control(in))
        return;
    cpu->x87_fip = eip;
    cpu->x87_fcs = cpu->seg[SEG_CS].selector;
    cpu->x87_fop = (uint16_t)((in->opcode & 7) << 8 | in->modrm);
    if (in->has_mem) {
        cpu->x87_fdp = offset;
        cpu->x87_fds = cpu->seg[in->seg].selector;
    }
    memset(cpu->fpu + FX_FOP, 0, FX_POINTERS_END - FX_FOP);
}

/* The guest instruction at EIP of TB. */
static bool instruction(struct translator *t, const struct tb *tb, uint32_t eip, struct insn *in)
{
    uint8_t bytes[INSN_MAX_LEN];
    struct insn_info info;
    uint32_t pa = tb->phys + (eip - tb->eip), n = PAGE_SIZE - (pa & (PAGE_SIZE - 1));
    if (n > INSN_MAX_LEN)
        n = INSN_MAX_LEN;
    phys_read(t->phys, pa, bytes, n);
    if (n < INSN_MAX_LEN && tb->phys2 != ~0u)
        phys_read(t->phys, tb->phys2, bytes + n, INSN_MAX_LEN - n);
    unsigned available = tb->phys2 == ~0u ? n : INSN_MAX_LEN;
    unsigned bits = tb->mode & MODE_CODE32 ? 32 : 16;
    return decode_insn(t->decoder, bytes, available, bits, in, &info) == DECODE_OK &&
           in->map == MAP_1B && in->opcode >= 0xD8 && in->opcode <= 0xDF;
}

void pointers_settle(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    uint64_t fip, fdp;
    struct insn in;
    memcpy(&fip, cpu->fpu + FX_FIP, 8);
    memcpy(&fdp, cpu->fpu + FX_FDP, 8);
    uint64_t at = fip - (uintptr_t)t->rx;
    if (t->quick.unknown.valid) {
        at = t->quick.unknown.at;
        fdp = t->quick.unknown.fdp;
        t->quick.unknown.valid = false;
    }
    if (at >= t->cache_size || (at >= t->stub_step && at < t->step_end))
        return;
    struct tb *tb = cache_at(t, (uint32_t)at);
    if (!tb)
        return;
    uint32_t eip = fault_eip(t, tb, (uint32_t)at);
    if (!instruction(t, tb, eip, &in))
        return;
    pointers_set(cpu, &in, eip, (uint32_t)(fdp - t->rt->window) - cpu->seg[in.seg].base);
    if (!control(&in))
        *quick_pointer(&t->quick, (uint32_t)at) =
            (struct quick_pointer){.at = (uint32_t)at,
                                   .generation = t->generation,
                                   .tb = (uint32_t)(tb - t->tbs),
                                   .offset = eip - tb->eip,
                                   .fop = cpu->x87_fop,
                                   .seg = in.has_mem ? in.seg : SEG_NONE};
}
