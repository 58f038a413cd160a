/* Power management of the PIIX4 (Intel 82371AB datasheet, order 290562, chapters 7 and 11; ACPI
 * specification 2.0, section 4.7 for what the registers mean): events and their SCI, the PM timer,
 * the power button, soft off, general purpose events, and an SMBus host without devices.
 *
 * Function 3 of the south bridge.  The registers appear where PMBA (40h) says once PMIOSE (80h) is
 * set, the SMBus's where SMBBA (90h) says; both are the BIOS's to program.  Port B2h would raise an
 * SMI; the two commands that the FADT announces for it are carried out here. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pci.h"
#include "ringer/log.h"

enum {
    PMBA = 0x40,
    DEVACTB_TOP = 0x5B,
    APMC_EN = 0x02,
    PMREGMISC = 0x80,
    SMBBA = 0x90,
    SMBHSTCFG = 0xD2,
    PM_PORTS = 64,
    SMB_PORTS = 16,
    APM_PORT = 0xB2,

    /* Registers by their offset. */
    PMSTS = 0x00,
    PMEN = 0x02,
    PMCNTRL = 0x04,
    PMTMR = 0x08,
    GPSTS = 0x0C,
    GPEN = 0x0E,

    TMROF = 1 << 0,
    PWRBTN = 1 << 8,
    RTC = 1 << 10,
    WAK = 1 << 15,
    STS_BITS = 0x8D31,
    EN_BITS = 0x0521,

    SCI_EN = 1 << 0,
    SUS_TYP_SHIFT = 10,
    SUS_EN = 1 << 13,
    CNTRL_STORED = 0x1C03,

    GP_STS_BITS = 0x0F81, /* thermal, USB, ring, LID, GPI1 ... */
    GP_EN_BITS = 0x0F01,

    SMB_STATUS = 0,
    SMB_CONTROL = 2,
    SMB_START = 0x40,
    SMB_KILL = 0x02,
    SMB_DEV_ERR = 0x04,
    SMB_FAILED = 0x10,
    SMB_STATUS_BITS = 0x1E,
};
#define PM_HZ 3579545u
#define NS    1000000000u

struct piix_pm {
    struct pci_function pci;
    struct vclock *clock;
    struct bus *bus;
    struct log *log;
    struct irq_line sci;
    struct piix_pm_wires wires;
    struct vtimer timer;

    uint16_t status, enable, control;
    uint16_t gp_status, gp_enable;
    uint8_t sleeping;    /* in S1 or S3 */
    uint8_t acpi_before; /* SCI_EN when it fell asleep */
    uint16_t cause;      /* status bits of what woke it */
    uint64_t halves;         /* half periods of the timer that TMROF_STS has seen */
    uint8_t other[PM_PORTS]; /* registers that only remember */
    uint8_t apm[2];
    uint8_t smb[SMB_PORTS];
    uint16_t pm_base, smb_base; /* where they are mapped, 0: nowhere */
};

/* ---- timer and events ---- */

static uint64_t ticks_now(struct piix_pm *p)
{
    return scale_down(vclock_now(p->clock), PM_HZ, NS);
}

/* TMROF_STS is set whenever bit 23 changes; the SCI follows status, enable and SCI_EN. */
static void update(struct piix_pm *p)
{
    uint64_t halves = ticks_now(p) >> 23;

    if (halves != p->halves)
        p->status |= TMROF;
    p->halves = halves;
    irq_set(&p->sci, (p->control & SCI_EN) &&
                         ((p->status & p->enable & EN_BITS) || (p->gp_status & p->gp_enable)));
    if ((p->enable & TMROF) && !(p->status & TMROF))
        vtimer_set(p->clock, &p->timer, scale_up((halves + 1) << 23, NS, PM_HZ));
    else
        vtimer_cancel(p->clock, &p->timer);
}

static void wake(struct piix_pm *p, uint16_t cause)
{
    p->sleeping = 0;
    p->cause = cause;
    if (p->wires.wake)
        p->wires.wake(p->wires.opaque);
}

/* The power button always wakes, the others do if they are enabled. */
static void check_wake(struct piix_pm *p)
{
    uint16_t cause = p->status & (PWRBTN | (p->enable & RTC));

    if (p->sleeping && (cause || (p->gp_status & p->gp_enable)))
        wake(p, cause);
}

void piix_pm_wakeup(struct piix_pm *p)
{
    if (p->sleeping)
        wake(p, PWRBTN);
}

/* The registers are those after a reset, or still those of before (S1). */
void piix_pm_woke(struct piix_pm *p)
{
    p->status |= WAK | p->cause;
    p->control |= p->acpi_before;
    p->cause = 0;
    update(p);
}

static void timer_fired(void *opaque)
{
    update(opaque);
}

void piix_pm_power_button(struct piix_pm *p)
{
    p->status |= PWRBTN;
    update(p);
    check_wake(p);
}

void piix_pm_rtc(struct piix_pm *p)
{
    p->status |= RTC;
    update(p);
    check_wake(p);
}

void piix_pm_gpe(struct piix_pm *p, unsigned n)
{
    if (n >= 16 || !(GP_STS_BITS >> n & 1))
        return;
    p->gp_status |= (uint16_t)(1u << n);
    update(p);
    check_wake(p);
}

/* SUS_TYP (7.2.3).  The states in between, which DSDT does not name, have no wakeful use. */
static void write_control(struct piix_pm *p, uint16_t value)
{
    unsigned type = value >> SUS_TYP_SHIFT & 7;
    enum piix_sleep state = PIIX_S5;

    p->control = value & CNTRL_STORED;
    if (!(value & SUS_EN))
        return;
    if (type == PIIX_TYPE_S1)
        state = PIIX_S1;
    else if (type == PIIX_TYPE_S3)
        state = PIIX_S3;
    else if (type == PIIX_TYPE_S4)
        state = PIIX_S4;
    else if (type != PIIX_TYPE_S5) {
        log_unimp(p->log, "PIIX4: sleep type %u; there are S1 (4), S3 (1), S4 (2), S5 (0)", type);
        return;
    }
    p->sleeping = state == PIIX_S1 || state == PIIX_S3;
    p->acpi_before = p->control & SCI_EN;
    if (p->wires.sleep)
        p->wires.sleep(p->wires.opaque, state);
    check_wake(p);
}

/* ---- registers: 16 bits at even offsets ---- */

static uint16_t read16(struct piix_pm *p, unsigned at)
{
    switch (at) {
    case PMSTS:
        return p->status;
    case PMEN:
        return p->enable;
    case PMCNTRL:
        return p->control;
    case GPSTS:
        return p->gp_status;
    case GPEN:
        return p->gp_enable;
    default:
        return (uint16_t)(p->other[at] | p->other[at + 1] << 8);
    }
}

/* Write the bits of MASK. */
static void write16(struct piix_pm *p, unsigned at, uint16_t value, uint16_t mask)
{
    uint16_t merged = (uint16_t)((read16(p, at) & ~mask) | (value & mask));

    switch (at) {
    case PMSTS:
        p->status &= (uint16_t) ~(value & mask & STS_BITS);
        break;
    case PMEN:
        p->enable = merged & EN_BITS;
        break;
    case PMCNTRL:
        /* A byte write to the lower half starts nothing. */
        write_control(p, mask & SUS_EN ? merged : merged & (uint16_t)~SUS_EN);
        break;
    case GPSTS:
        p->gp_status &= (uint16_t) ~(value & mask);
        break;
    case GPEN:
        p->gp_enable = merged & GP_EN_BITS;
        break;
    default:
        if (at < 0x10) /* the timer is read-only */
            break;
        p->other[at] = (uint8_t)merged;
        p->other[at + 1] = (uint8_t)(merged >> 8);
        break;
    }
}

static uint32_t pm_read(void *dev, uint16_t offset, unsigned size)
{
    struct piix_pm *p = dev;
    uint32_t value = 0;

    if (offset >= PMTMR && offset < PMTMR + 4)
        return ((uint32_t)ticks_now(p) & 0xFFFFFF) >> 8 * (offset - PMTMR);
    update(p);
    for (unsigned i = 0; i < size && offset + i < PM_PORTS; i++) {
        unsigned at = offset + i;

        value |= (uint32_t)(read16(p, at & ~1u) >> (at & 1 ? 8 : 0) & 0xFF) << 8 * i;
    }
    return value;
}

static void pm_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct piix_pm *p = dev;

    update(p);
    for (unsigned i = 0; i < size;) {
        unsigned at = offset + i, shift = at & 1 ? 8 : 0;
        unsigned n = size - i >= 2 && !shift ? 2 : 1;
        uint16_t mask = n == 2 ? 0xFFFF : (uint16_t)(0xFF << shift);

        if (at >= PM_PORTS)
            break;
        write16(p, at & ~1u, (uint16_t)((value >> 8 * i) << shift), mask);
        i += n;
    }
    update(p);
}

static const struct io_ops pm_ops = {pm_read, pm_write, 4};

/* ---- APMC and APMS at B2h, B3h ---- */

static uint32_t apm_read(void *dev, uint16_t offset, unsigned size)
{
    const struct piix_pm *p = dev;

    (void)size;
    return p->apm[offset];
}

static void apm_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct piix_pm *p = dev;

    (void)size;
    p->apm[offset] = (uint8_t)value;
    if (offset)
        return;
    if (value == PIIX_ACPI_ENABLE)
        p->control |= SCI_EN;
    else if (value == PIIX_ACPI_DISABLE)
        p->control &= (uint16_t)~SCI_EN;
    update(p);
}

static const struct io_ops apm_ops = {apm_read, apm_write, 1};

/* ---- the SMBus host controller: every transaction finds nobody (11.3) ---- */

static uint32_t smb_read(void *dev, uint16_t offset, unsigned size)
{
    const struct piix_pm *p = dev;

    (void)size;
    return p->smb[offset];
}

static void smb_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct piix_pm *p = dev;

    (void)size;
    switch (offset) {
    case SMB_STATUS:
        p->smb[SMB_STATUS] &= (uint8_t) ~(value & SMB_STATUS_BITS);
        break;
    case SMB_CONTROL:
        p->smb[SMB_CONTROL] = value & 0x1F;
        if (value & SMB_KILL)
            p->smb[SMB_STATUS] |= SMB_FAILED;
        else if (value & SMB_START)
            p->smb[SMB_STATUS] |= SMB_DEV_ERR; /* no acknowledge */
        break;
    default:
        p->smb[offset] = (uint8_t)value;
        break;
    }
}

static const struct io_ops smb_ops = {smb_read, smb_write, 1};

/* ---- where the registers are ---- */

static void move(struct piix_pm *p, uint16_t *base, uint16_t to, uint16_t ports, const char *name,
                 const struct io_ops *ops)
{
    if (*base == to)
        return;
    if (*base)
        bus_unmap(p->bus, *base, ports);
    *base = to;
    if (to)
        bus_map(p->bus, name, to, ports, ops, p);
}

static void map_registers(struct piix_pm *p)
{
    const uint8_t *config = p->pci.config;
    uint16_t pm = pci_get16(&p->pci, PMBA) & 0xFFC0, smb = pci_get16(&p->pci, SMBBA) & 0xFFF0;

    move(p, &p->pm_base, config[PMREGMISC] & 1 ? pm : 0, PM_PORTS, "piix-pm", &pm_ops);
    move(p, &p->smb_base, config[SMBHSTCFG] & 1 ? smb : 0, SMB_PORTS, "piix-smbus", &smb_ops);
}

static void pm_written(void *dev, unsigned offset, unsigned size)
{
    (void)offset;
    (void)size;
    map_registers(dev);
}

/* ---- life ---- */

static void pm_reset(void *dev)
{
    struct piix_pm *p = dev;
    struct pci_function *f = &p->pci;

    pci_function_reset(f);
    for (unsigned i = 0x40; i < PCI_CONFIG_BYTES; i++)
        f->config[i] = 0;
    f->config[DEVACTB_TOP] = APMC_EN; /* firmware: do not wait for an SMI handler to come up */
    pci_put32(f, PMBA, 1);
    pci_put32(f, SMBBA, 1);
    f->config[PCI_INTERRUPT_LINE] = 9; /* wired so */
    p->status = p->enable = p->control = 0;
    p->sleeping = 0;
    p->gp_status = p->gp_enable = 0;
    p->halves = ticks_now(p) >> 23;
    for (unsigned i = 0; i < PM_PORTS; i++)
        p->other[i] = 0;
    for (unsigned i = 0; i < SMB_PORTS; i++)
        p->smb[i] = 0;
    p->apm[0] = p->apm[1] = 0;
    map_registers(p);
    update(p);
}

static void pm_loaded(void *dev)
{
    map_registers(dev);
    update(dev);
}

static const struct field pm_fields[] = {
    PCI_FIELDS(struct piix_pm, pci),
    FIELD(struct piix_pm, status),
    FIELD(struct piix_pm, enable),
    FIELD(struct piix_pm, control),
    FIELD(struct piix_pm, gp_status),
    FIELD(struct piix_pm, gp_enable),
    FIELD(struct piix_pm, sleeping),
    FIELD(struct piix_pm, acpi_before),
    FIELD(struct piix_pm, cause),
    FIELD(struct piix_pm, halves),
    FIELD_ARRAY(struct piix_pm, other),
    FIELD_ARRAY(struct piix_pm, apm),
    FIELD_ARRAY(struct piix_pm, smb),
    FIELD_END,
};

static const struct device_class pm_class = {
    .name = "piix-pm",
    .fields = pm_fields,
    .reset = pm_reset,
    .loaded = pm_loaded,
    .free = free,
};

static void set_masks(struct pci_function *f)
{
    static const struct {
        uint8_t first, last, mask;
    } writable[] = {
        {0x40, 0x40, 0xC0}, {0x41, 0x41, 0xFF}, /* PMBA */
        {0x44, 0x7F, 0xFF}, {0x80, 0x80, 0x01}, /* counters and device resources; PMREGMISC */
        {0x90, 0x90, 0xF0}, {0x91, 0x91, 0xFF}, /* SMBBA */
        {0xD2, 0xD2, 0x0F}, {0xD3, 0xD5, 0xFF}, /* SMBHSTCFG and the slave's */
    };

    for (unsigned i = 0; i < sizeof writable / sizeof *writable; i++)
        for (unsigned at = writable[i].first; at <= writable[i].last; at++)
            f->mask[at] = writable[i].mask;
}

struct piix_pm *piix_pm_init(struct board *board, struct pci *pci, struct irq_line sci,
                             const struct piix_pm_wires *wires)
{
    static const struct pci_identity id = {
        .name = "PIIX4 power management",
        .devfn = 1 << 3 | 3,
        .vendor = 0x8086,
        .device = 0x7113,
        .revision = 3,
        .class = 0x068000,
        .command = 0x0001,
        .status = 0x0280,
        .pin = 1,
    };
    struct piix_pm *p = device_alloc(sizeof *p);

    p->clock = board->clock;
    p->bus = board->bus;
    p->log = board->log;
    p->sci = sci;
    p->wires = *wires;
    vtimer_init(&p->timer, "pm timer", timer_fired, p);
    pci_function_init(&p->pci, &id, p);
    p->pci.written = pm_written;
    set_masks(&p->pci);
    pci_add(pci, &p->pci);
    pm_reset(p);
    bus_map(board->bus, "apm", APM_PORT, 2, &apm_ops, p);
    device_add(board->devices, &pm_class, p);
    return p;
}
