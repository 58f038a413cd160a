/* The PIIX3's ISA bridge (Intel 82371SB datasheet, order 290550): the router that brings PCI's
 * interrupts to the interrupt controllers, and registers that firmware likes to find.
 *
 * PIRQRC registers 60h-63h say which input each PIRQ drives; several may share one, and power
 * management's SCI is wired to input 9 among them.  Inputs that PCI shares are level-triggered by
 * ELCR, which the BIOS programs. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pci.h"

enum {
    PIRQRC = 0x60,
    PIRQS = 4,
    PIRQ_OFF = 0x80,
    SCI = PIRQS, /* among the levels */
    SCI_IRQ = 9,
    LEVELS = PIRQS + 1,
};

struct piix_isa {
    struct pci_function pci;
    struct irq_line irqs, pirqs;
    uint8_t level[LEVELS];
    uint16_t driven; /* the interrupt inputs that are high by our doing */
};

/* The input that LEVEL N drives, or -1: 0, 1, 2, 8 and 13 cannot be chosen. */
static int irq_of(const struct piix_isa *p, unsigned n)
{
    uint8_t route = p->pci.config[PIRQRC + n];

    if (n == SCI)
        return SCI_IRQ;
    return route & PIRQ_OFF || !(0xDEF8 >> (route & 15) & 1) ? -1 : route & 15;
}

static void drive(struct piix_isa *p)
{
    uint16_t now = 0;

    for (unsigned n = 0; n < LEVELS; n++) {
        int irq = irq_of(p, n);

        if (irq >= 0 && p->level[n])
            now |= (uint16_t)(1u << irq);
    }
    for (int irq = 0; irq < 16; irq++) {
        if (!((now ^ p->driven) >> irq & 1))
            continue;
        if (p->irqs.set)
            p->irqs.set(p->irqs.opaque, irq, now >> irq & 1);
    }
    p->driven = now;
}

static void set_level(void *opaque, int n, int level)
{
    struct piix_isa *p = opaque;

    p->level[n] = level != 0;
    if (n < PIRQS && p->pirqs.set)
        p->pirqs.set(p->pirqs.opaque, n, level);
    drive(p);
}

struct irq_line piix_isa_sci(struct piix_isa *p)
{
    return (struct irq_line){set_level, p, SCI};
}

static void isa_written(void *dev, unsigned offset, unsigned size)
{
    if (offset + size > PIRQRC && offset < PIRQRC + PIRQS)
        drive(dev);
}

static void isa_reset(void *dev)
{
    struct piix_isa *p = dev;
    struct pci_function *f = &p->pci;

    pci_function_reset(f);
    for (unsigned i = 0x40; i < PCI_CONFIG_BYTES; i++)
        f->config[i] = 0;
    pci_put16(f, PCI_COMMAND, 0x0007); /* it always answers and is a master */
    f->config[0x4C] = 0x4D;            /* IORT */
    f->config[0x4E] = 0x03;            /* XBCS */
    for (unsigned i = 0; i < PIRQS; i++)
        f->config[PIRQRC + i] = PIRQ_OFF;
    f->config[0x69] = 0x02; /* TOM */
    f->config[0x70] = 0x80; /* MBIRQ0 */
    f->config[0x76] = 0x0C; /* MBDMA */
    f->config[0x77] = 0x0C;
    f->config[0x78] = 0x02; /* PCSC */
    f->config[0xA0] = 0x08; /* SMICNTL */
    f->config[0xA8] = 0x0F; /* FTMR */
    drive(p);
}

static void isa_loaded(void *dev)
{
    struct piix_isa *p = dev;

    p->driven = 0; /* the interrupt controllers were restored with their inputs */
    drive(p);
}

static const struct field isa_fields[] = {
    PCI_FIELDS(struct piix_isa, pci),
    FIELD_ARRAY(struct piix_isa, level),
    FIELD_END,
};

static const struct device_class isa_class = {
    .name = "piix-isa",
    .fields = isa_fields,
    .reset = isa_reset,
    .loaded = isa_loaded,
    .free = free,
};

static void set_masks(struct pci_function *f)
{
    static const struct {
        uint8_t first, last, mask;
    } writable[] = {
        {0x05, 0x05, 0x01}, {0x4C, 0x4C, 0x7F}, /* SERR# enable, IORT */
        {0x4E, 0x4F, 0xFF}, {0x60, 0x63, 0x8F}, /* XBCS, PIRQRC */
        {0x69, 0x69, 0xFE}, {0x6A, 0x6A, 0x7F}, /* TOM, MSTAT */
        {0x70, 0x71, 0xEF}, {0x76, 0x77, 0x8F}, /* MBIRQ, MBDMA */
        {0x78, 0x79, 0xFF}, {0x80, 0x80, 0x7F}, /* PCSC, APICBASE */
        {0x82, 0x82, 0x0F}, {0xA0, 0xA0, 0x1F}, /* DLC, SMICNTL */
        {0xA2, 0xA8, 0xFF}, {0xAA, 0xAA, 0xFF}, {0xAC, 0xAC, 0xFF}, {0xAE, 0xAE, 0xFF},
    };

    for (unsigned i = 0; i < sizeof writable / sizeof *writable; i++)
        for (unsigned at = writable[i].first; at <= writable[i].last; at++)
            f->mask[at] = writable[i].mask;
}

struct piix_isa *piix_isa_init(struct board *board, struct pci *pci, struct irq_line irqs,
                               struct irq_line pirqs)
{
    static const struct pci_identity id = {
        .name = "PIIX3 ISA bridge",
        .devfn = 1 << 3,
        .vendor = 0x8086,
        .device = 0x7000,
        .class = 0x060100,
        .status = 0x0280,
        .multifunction = true,
    };
    struct piix_isa *p = device_alloc(sizeof *p);

    p->irqs = irqs;
    p->pirqs = pirqs;
    pci_function_init(&p->pci, &id, p);
    p->pci.written = isa_written;
    set_masks(&p->pci);
    pci_add(pci, &p->pci);
    pci_set_router(pci, (struct irq_line){set_level, p, 0});
    isa_reset(p);
    device_add(board->devices, &isa_class, p);
    return p;
}
