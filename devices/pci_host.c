/* The i440FX host bridge (Intel 82441FX PMC datasheet, order 290549): configuration registers, the
 * programmable attribute map, which puts DRAM or ROM at C0000h-FFFFFh piece by piece for reads and
 * writes apart, and the SMRAM register, which opens the DRAM behind the VGA's window.
 *
 * Memory timing, ECC and the like are storage.  The CPU has no system management mode, so that the
 * SMRAM is seen only where it is open. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pci.h"

enum {
    PAM0 = 0x59,
    PAM_REGISTERS = PCI_HOST_PAM,
    PAM_READ = 1,
    PAM_WRITE = 2,
    SMRAM = 0x72,
    SMRAM_LOCK = 0x10,
    SMRAM_OPEN = 0x40,
    SMRAM_CLOSED = 0x20,
    SMRAM_ENABLE = 0x08,
    SMRAM_BASE = 0xA0000,
    SMRAM_BYTES = 0x20000,

    SHADOW_BASE = 0xC0000,
    PIECE = 0x4000,
    PIECES = 13, /* twelve of 16 KiB, and the BIOS area of 64 KiB */
    BIOS_PIECE = 12,
};

struct pci_host {
    struct pci_function pci;
    struct phys *phys;
    bool shadowed;      /* DRAM begins as a copy of what it covers */
    int region[PIECES]; /* -1: not made yet */
    int smram;          /* the same */
};

static uint32_t piece_base(unsigned piece)
{
    return SHADOW_BASE + piece * PIECE;
}

static uint32_t piece_size(unsigned piece)
{
    return piece == BIOS_PIECE ? 0x10000 : PIECE;
}

/* The attributes of PIECE: PAM0 has the BIOS area in its upper half, PAM1 to 6 two pieces each. */
static unsigned attributes(const struct pci_host *h, unsigned piece)
{
    if (piece == BIOS_PIECE)
        return h->pci.config[PAM0] >> 4 & 3;
    return h->pci.config[PAM0 + 1 + piece / 2] >> (piece % 2 ? 4 : 0) & 3;
}

/* The DRAM under a piece exists once somebody wants to see it. */
static void make_shadow(struct pci_host *h, unsigned piece)
{
    uint32_t base = piece_base(piece), size = piece_size(piece);
    uint8_t *contents = device_alloc(size);

    if (h->shadowed)
        phys_read(h->phys, base, contents, size);
    h->region[piece] = phys_map_rom(h->phys, "shadow RAM", base, size, contents, size);
    free(contents);
}

static void update_piece(struct pci_host *h, unsigned piece)
{
    unsigned a = attributes(h, piece);

    if (a && h->region[piece] < 0)
        make_shadow(h, piece);
    if (h->region[piece] < 0)
        return;
    phys_rom_writable(h->phys, h->region[piece], a & PAM_WRITE);
    phys_write_only(h->phys, h->region[piece], a == PAM_WRITE);
    phys_enable(h->phys, h->region[piece], a != 0);
}

static void update_shadow(struct pci_host *h)
{
    if (!h->phys)
        return;
    for (unsigned i = 0; i < PIECES; i++)
        update_piece(h, i);
}

/* D_OPEN shows the SMRAM in place of the VGA's window, unless D_CLS hides it from data accesses
 * (3.2.20). */
static void update_smram(struct pci_host *h)
{
    uint8_t r = h->pci.config[SMRAM];
    bool open = r & SMRAM_ENABLE && r & SMRAM_OPEN && !(r & SMRAM_CLOSED);

    if (!h->phys)
        return;
    if (open && h->smram < 0)
        h->smram = phys_map_ram(h->phys, "SMRAM", SMRAM_BASE, SMRAM_BYTES, NULL);
    phys_enable(h->phys, h->smram, open);
}

static void host_written(void *dev, unsigned offset, unsigned size)
{
    struct pci_host *h = dev;

    if (offset + size > PAM0 && offset < PAM0 + PAM_REGISTERS)
        update_shadow(h);
    if (offset > SMRAM || offset + size <= SMRAM)
        return;
    if (h->pci.config[SMRAM] & SMRAM_LOCK) { /* until reset */
        h->pci.config[SMRAM] &= (uint8_t)~SMRAM_OPEN;
        h->pci.mask[SMRAM] = SMRAM_CLOSED;
    }
    update_smram(h);
}

/* Reset values of the datasheet's section 3.2. */
static void host_reset(void *dev)
{
    struct pci_host *h = dev;
    struct pci_function *f = &h->pci;

    pci_function_reset(f);
    for (unsigned i = 0x40; i < PCI_CONFIG_BYTES; i++)
        f->config[i] = 0;
    pci_put16(f, PCI_COMMAND, 0x0006);
    pci_put16(f, 0x50, 0x0080); /* PMCCFG */
    f->config[0x57] = 0x01;     /* DRAMC */
    for (unsigned i = 0; i < 8; i++)
        f->config[0x60 + i] = 0x01; /* DRB */
    f->config[SMRAM] = 0x02;
    f->mask[SMRAM] = 0x7F & ~0x07;
    f->config[0x93] = 0; /* TRC: the reset control proper is the south bridge's */
    update_shadow(h);
    update_smram(h);
}

static void host_loaded(void *dev)
{
    struct pci_host *h = dev;

    h->pci.mask[SMRAM] = h->pci.config[SMRAM] & SMRAM_LOCK ? SMRAM_CLOSED : 0x7F & ~0x07;
    update_shadow(h);
    update_smram(h);
}

/* The bits that software may write beyond the header. */
static void set_masks(struct pci_function *f)
{
    static const struct {
        uint8_t first, last, mask;
    } writable[] = {
        {0x0D, 0x0D, 0xF8},                     /* MLT */
        {0x50, 0x51, 0xFF}, {0x52, 0x52, 0x07}, /* PMCCFG, DETURBO */
        {0x53, 0x53, 0x80}, {0x55, 0x58, 0xFF}, /* DBC, AXC, DRT, DRAMC, DRAMT */
        {0x59, 0x59, 0x30}, {0x5A, 0x5F, 0x33}, /* PAM */
        {0x60, 0x68, 0xFF},                     /* DRB, FDHC */
        {0x70, 0x71, 0xFF}, {0x90, 0x90, 0xFF}, /* MTT, CLT, ERRCMD */
        {0x93, 0x93, 0x0A},
    };

    for (unsigned i = 0; i < sizeof writable / sizeof *writable; i++)
        for (unsigned at = writable[i].first; at <= writable[i].last; at++)
            f->mask[at] = writable[i].mask;
}

static const struct field host_fields[] = {
    PCI_FIELDS(struct pci_host, pci),
    FIELD_END,
};

static const struct device_class host_class = {
    .name = "i440fx",
    .fields = host_fields,
    .reset = host_reset,
    .loaded = host_loaded,
    .free = free,
};

struct pci_host *pci_host_init(struct board *board, struct pci *pci, bool shadowed)
{
    static const struct pci_identity id = {
        .name = "i440FX host bridge",
        .devfn = 0,
        .vendor = 0x8086,
        .device = 0x1237,
        .revision = 2,
        .class = 0x060000,
        .command = 0x0102,
        .status = 0x0280,
    };
    struct pci_host *h = device_alloc(sizeof *h);

    h->phys = board->phys;
    h->shadowed = shadowed;
    h->smram = -1;
    for (unsigned i = 0; i < PIECES; i++)
        h->region[i] = -1;
    pci_function_init(&h->pci, &id, h);
    h->pci.written = host_written;
    set_masks(&h->pci);
    pci_add(pci, &h->pci);
    host_reset(h);
    device_add(board->devices, &host_class, h);
    return h;
}

void pci_host_get_pam(const struct pci_host *h, uint8_t pam[PCI_HOST_PAM])
{
    memcpy(pam, h->pci.config + PAM0, PCI_HOST_PAM);
}

void pci_host_set_pam(struct pci_host *h, const uint8_t pam[PCI_HOST_PAM])
{
    memcpy(h->pci.config + PAM0, pam, PCI_HOST_PAM);
    update_shadow(h);
}
