/* What a hook's function may do with the guest (ringer/hook.h). */
#include "cpu/emulate.h"
#include "vmm/hooks.h"
#include "vmm/machine.h"
#include <string.h>

uint32_t ringer_guest_get(const struct ringer_guest *g, enum ringer_register r)
{
    const struct cpu *c = g->machine->cpu;

    if (r <= RINGER_EDI)
        return c->gpr[r];
    if (r >= RINGER_ES && r <= RINGER_GS)
        return c->seg[r - RINGER_ES].selector;
    switch (r) {
    case RINGER_EIP:
        return c->eip;
    case RINGER_EFLAGS:
        return cpu_eflags(c);
    case RINGER_CR0:
        return c->cr0;
    case RINGER_CR2:
        return c->cr2;
    case RINGER_CR3:
        return c->cr3;
    case RINGER_CR4:
        return c->cr4;
    case RINGER_CPL:
        return c->cpl;
    default:
        return 0;
    }
}

bool ringer_guest_set(struct ringer_guest *g, enum ringer_register r, uint32_t value)
{
    struct cpu *c = g->machine->cpu;

    if (r <= RINGER_EDI)
        c->gpr[r] = value;
    else if (r == RINGER_EIP)
        c->eip = value;
    else if (r == RINGER_EFLAGS)
        c->flags_host = value & FLAGS_HOST;
    else
        return false;
    return true;
}

uint32_t ringer_guest_linear(const struct ringer_guest *g, enum ringer_register segment,
                             uint32_t offset)
{
    bool known = segment >= RINGER_ES && segment <= RINGER_GS;

    return (known ? g->machine->cpu->seg[segment - RINGER_ES].base : 0) + offset;
}

/* The part of N bytes at ADDRESS that lies on one page. */
static uint32_t on_page(uint32_t address, size_t n)
{
    uint32_t room = PAGE_SIZE - (address & (PAGE_SIZE - 1));

    return n < room ? (uint32_t)n : room;
}

size_t ringer_guest_read(const struct ringer_guest *g, uint32_t linear, void *data, size_t n)
{
    size_t done = 0;

    while (done < n) {
        uint32_t part = on_page(linear, n - done);
        if (!mmu_peek(g->machine->mmu, linear, (char *)data + done, part))
            break;
        done += part;
        linear += part;
    }
    return done;
}

size_t ringer_guest_write(struct ringer_guest *g, uint32_t linear, const void *data, size_t n)
{
    struct mmu_fault fault;
    size_t done = 0;

    while (done < n) {
        uint32_t part = on_page(linear, n - done);
        if (!mmu_write(g->machine->mmu, linear, (const char *)data + done, part, false, &fault))
            break;
        done += part;
        linear += part;
    }
    return done;
}

size_t ringer_guest_read_physical(const struct ringer_guest *g, uint32_t physical, void *data,
                                  size_t n)
{
    struct phys *phys = g->machine->phys;
    size_t done = 0;

    while (done < n) {
        uint32_t part = on_page(physical, n - done);
        const uint8_t *from = phys_ptr(phys, physical, part);
        if (!from) /* device registers are not read behind the guest's back */
            break;
        memcpy((char *)data + done, from, part);
        done += part;
        physical += part;
    }
    return done;
}

size_t ringer_guest_string(const struct ringer_guest *g, uint32_t linear, char *out, size_t n)
{
    size_t len = 0;

    while (n && len < n - 1) {
        uint32_t part = on_page(linear, n - 1 - len);
        if (!mmu_peek(g->machine->mmu, linear, out + len, part))
            break;
        size_t text = strnlen(out + len, part);
        len += text;
        linear += part;
        if (text < part)
            break;
    }
    if (n)
        out[len] = 0;
    return len;
}

void ringer_guest_skip(struct ringer_guest *g)
{
    g->skip = true;
}

uint64_t ringer_guest_time(const struct ringer_guest *g)
{
    return vclock_now(g->machine->clock);
}
