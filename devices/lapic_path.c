/* What the local APIC asks of the processor, and the short way of its registers (struct
 * mmio_quick): those that involve neither time nor a change of INTR.  Compiled for general
 * registers alone, and calls nothing else (translator/quick.c). */
#include "devices/lapic_internal.h"

int lapic_highest(const uint32_t bits[8])
{
    for (int i = 7; i >= 0; i--)
        if (bits[i])
            return i * 32 + 31 - __builtin_clz(bits[i]);
    return -1;
}

/* "Task and Processor Priorities". */
uint8_t lapic_ppr(const struct lapic *l)
{
    int in_service = lapic_highest(l->isr);

    if (in_service < 0 || l->tpr >> 4 >= in_service >> 4)
        return l->tpr;
    return (uint8_t)(in_service & 0xF0);
}

/* The vector that is to be delivered next, -1: none. */
int lapic_deliverable(const struct lapic *l)
{
    int vector = lapic_highest(l->irr);

    if (vector < 0 || !lapic_software_enabled(l) || vector >> 4 <= lapic_ppr(l) >> 4)
        return -1;
    return vector;
}

unsigned lapic_lvt_mode(const struct lapic *l, enum lvt n)
{
    return l->lvt[n] >> LVT_MODE_SHIFT & 7;
}

bool lapic_extint(const struct lapic *l)
{
    if (!lapic_hardware_enabled(l))
        return l->line[0]; /* the pin is INTR */
    return l->bus_extint || (l->line[0] && !(l->lvt[LVT_LINT0] & LVT_MASKED) &&
                             lapic_lvt_mode(l, LVT_LINT0) == APIC_EXTINT);
}

bool lapic_requests(const struct lapic *l)
{
    return lapic_extint(l) || (lapic_hardware_enabled(l) && lapic_deliverable(l) >= 0);
}

/* ---- registers ---- */

bool lapic_plain_read(const struct lapic *l, unsigned reg, uint32_t *value)
{
    if (reg >= REG_ISR && reg < REG_ESR) {
        const uint32_t *bits = reg < REG_TMR ? l->isr : reg < REG_IRR ? l->tmr : l->irr;

        *value = bits[reg & 7];
        return true;
    }
    switch (reg) {
    case REG_ID:
        *value = l->id;
        return true;
    case REG_VERSION:
        *value = (uint32_t)l->config.last_lvt << 16 | l->config.version;
        return true;
    case REG_TPR:
        *value = l->tpr;
        return true;
    case REG_PPR:
        *value = lapic_ppr(l);
        return true;
    case REG_APR:
    case REG_EOI:
    case REG_REMOTE_READ:
        *value = 0;
        return true;
    case REG_LDR:
        *value = l->ldr;
        return true;
    case REG_DFR:
        *value = l->dfr;
        return true;
    case REG_SVR:
        *value = l->svr;
        return true;
    case REG_ESR:
        *value = l->esr;
        return true;
    case REG_ICR_LOW:
        *value = l->icr[0];
        return true;
    case REG_ICR_HIGH:
        *value = l->icr[1];
        return true;
    case REG_INITIAL:
        *value = l->initial;
        return true;
    case REG_DIVIDE:
        *value = l->divide;
        return true;
    default:
        return false;
    }
}

static bool plain_priority(struct lapic *l, uint8_t tpr)
{
    uint8_t was = l->tpr;

    l->tpr = tpr;
    if (lapic_requests(l) == l->intr_level)
        return true;
    l->tpr = was;
    return false;
}

/* The end of an interrupt that nobody else waits for. */
static bool plain_eoi(struct lapic *l)
{
    int vector = lapic_highest(l->isr);
    unsigned word = (unsigned)vector >> 5;
    uint32_t bit = 1u << (vector & 31);

    if (vector < 0)
        return true;
    if (l->tmr[word] & bit)
        return false;
    l->isr[word] &= ~bit;
    if (lapic_requests(l) == l->intr_level)
        return true;
    l->isr[word] |= bit;
    return false;
}

bool lapic_plain_write(struct lapic *l, unsigned reg, uint32_t value)
{
    switch (reg) {
    case REG_EOI:
        return plain_eoi(l);
    case REG_TPR:
        return plain_priority(l, (uint8_t)value);
    case REG_ICR_HIGH:
        l->icr[1] = value & 0xFF000000;
        return true;
    case REG_ID:
        l->id = value & (l->config.version >= 0x14 ? 0xFF000000 : 0x0F000000);
        return true;
    case REG_LDR:
        l->ldr = value & 0xFF000000;
        return true;
    case REG_DFR:
        l->dfr = value | 0x0FFFFFFF;
        return true;
    case REG_ESR:
        l->esr = l->errors;
        l->errors = 0;
        return true;
    case REG_DIVIDE: /* again: no count in progress goes on at another rate */
        return !l->running && (value & DIVIDE_WRITABLE) == l->divide;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_REMOTE_READ:
    case REG_CURRENT:
        return true; /* read-only */
    default:
        return reg >= REG_ISR && reg < REG_ESR;
    }
}

bool lapic_quick_read(void *opaque, uint32_t offset, unsigned size, uint32_t *value)
{
    if ((offset & 15) + size > 4 || !lapic_plain_read(opaque, offset >> 4, value))
        return false;
    *value >>= 8 * (offset & 3);
    return true;
}

bool lapic_quick_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    return !(offset & 15) && size == 4 && lapic_plain_write(opaque, offset >> 4, value);
}
