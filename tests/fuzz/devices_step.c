/* Steps of the devices' fuzzer: ports, memory, configuration space, time, interrupts, input. */
#include "devices.h"

#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

/* ---- addresses and values ---- */

uint32_t fuzz_address(struct fuzz_board *b, struct dice *d)
{
    static const uint32_t edges[] = {0,          0x9F000,     0xA0000,    0xB8000,    0xC0000,
                                     0xF0000,    0x100000,    LAPIC_BASE, IOAPIC_BASE, HPET_BASE,
                                     0xFFFF0000, 0xFFFFFFFF,  0x80000000, 0xFD000000, 0xE0000000};
    uint32_t ram = (uint32_t)phys_ram_size(b->m->phys), at, edge = edges[roll(d, 15)];

    switch (roll(d, 8)) {
    case 0:
        return edge + roll(d, 32) - 16;
    case 1:
        return ram + roll(d, 0x2000) - 0x1000;
    case 2:
        at = b->function_count ? roll(d, b->function_count) : 0;
        return pci_bar_at(b->functions[at], roll(d, 6), &at) ? at + roll(d, 64) - 16 : edge;
    case 3:
        return (uint32_t)roll64(d);
    default:
        return roll(d, ram);
    }
}

uint32_t fuzz_value(struct fuzz_board *b, struct dice *d)
{
    switch (roll(d, 8)) {
    case 0:
        return 0;
    case 1:
        return 0xFFFFFFFF >> roll(d, 32);
    case 2:
        return 1u << roll(d, 32);
    case 3:
        return roll(d, 16);
    case 4:
        return fuzz_address(b, d);
    case 5:
        return roll(d, 256) * 0x01010101u;
    default:
        return (uint32_t)roll64(d);
    }
}

/* ---- ports ---- */

struct choice {
    struct dice *dice;
    uint32_t weight, chosen;
    const void *opaque;
    uint64_t base, size;
    enum phys_kind kind;
};

/* One of those that come by, each with the same chance. */
static bool take(struct choice *c)
{
    return roll(c->dice, ++c->weight) == 0;
}

static void choose_ports(void *opaque, const struct bus_range *r)
{
    struct choice *c = opaque;

    if (take(c))
        c->chosen = r->base + roll(c->dice, r->count);
}

static uint16_t some_port(struct fuzz_board *b, struct dice *d)
{
    struct choice c = {.dice = d};

    if (roll(d, 16) == 0)
        return (uint16_t)roll64(d);
    bus_each(b->m->bus, choose_ports, &c);
    return (uint16_t)c.chosen;
}

static void access_port(struct fuzz_board *b, struct dice *d)
{
    uint16_t port = some_port(b, d);
    unsigned size = roll(d, 2) ? 1 : 1 << roll(d, 3);
    unsigned times = roll(d, 8) ? 1 + roll(d, 4) : roll(d, 600);
    bool in = roll(d, 3) == 0;

    while (times--) {
        if (in)
            fuzz_in(b, port, size);
        else
            fuzz_out(b, port, fuzz_value(b, d), size);
        if (roll(d, 4) == 0)
            port++;
    }
}

/* An index register and the one behind it. */
static void access_indexed(struct fuzz_board *b, struct dice *d)
{
    static const struct {
        uint16_t index, data, size;
        uint8_t count;
    } pairs[] = {{0x70, 0x71, 1, 128},  {0x1CE, 0x1CF, 2, 12}, {0x3C4, 0x3C5, 1, 8},
                 {0x3CE, 0x3CF, 1, 10}, {0x3D4, 0x3D5, 1, 32}, {0x3C0, 0x3C0, 1, 64},
                 {0x3C8, 0x3C9, 1, 255}, {0x510, 0x511, 2, 64}, {0x1CE, 0x1CF, 2, 12}};
    unsigned i = roll(d, sizeof pairs / sizeof pairs[0]);

    for (unsigned n = 1 + roll(d, 12); n--;) {
        fuzz_out(b, pairs[i].index, roll(d, 16) ? roll(d, pairs[i].count) : fuzz_value(b, d),
                 pairs[i].size);
        if (roll(d, 4))
            fuzz_out(b, pairs[i].data,
                     pairs[i].index == 0x1CE && roll(d, 2) ? roll(d, 64) * 32 : fuzz_value(b, d),
                     pairs[i].index == 0x510 ? 1 : pairs[i].size);
        else
            fuzz_in(b, pairs[i].data, pairs[i].index == 0x510 ? 1 : pairs[i].size);
    }
}

static void configure(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t hot[] = {0x04, 0x06, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x30,
                                  0x3C, 0x40, 0x58, 0x59, 0x5A, 0x5C, 0x60, 0x70,
                                  0x72, 0x80, 0x90, 0xD2, 0x04, 0x10, 0x20, 0x30};

    for (unsigned n = 1 + roll(d, 6); n--;) {
        uint8_t devfn = roll(d, 8) ? b->functions[roll(d, b->function_count)]->devfn
                                   : (uint8_t)roll64(d);
        uint8_t at = roll(d, 4) ? hot[roll(d, sizeof hot)] : (uint8_t)roll64(d);
        uint32_t value = at == PCI_COMMAND && roll(d, 4) ? 7 : fuzz_value(b, d);

        fuzz_out(b, 0xCF8, 0x80000000u | (uint32_t)devfn << 8 | (at & 0xFC), 4);
        fuzz_out(b, 0xCFC + (at & 3), value, 1 << (at & 3 ? 0 : roll(d, 3)));
        fuzz_in(b, 0xCFC + roll(d, 4), 1 << roll(d, 3));
    }
}

/* ---- memory ---- */

static void choose_region(void *opaque, const struct phys_range *r)
{
    struct choice *c = opaque;

    if ((r->kind == PHYS_MMIO || roll(c->dice, 8) == 0) && take(c)) {
        c->base = r->base;
        c->size = r->size;
        c->kind = r->kind;
    }
}

static void access_memory(struct fuzz_board *b, struct dice *d)
{
    struct choice c = {.dice = d, .size = 1};

    phys_each(b->m->phys, choose_region, &c);
    for (unsigned n = 1 + roll(d, 16); n--;) {
        uint8_t data[64];
        uint32_t len = roll(d, 8) ? 1u << roll(d, 4) : roll(d, sizeof data + 1);
        uint64_t range = c.size > 4096 && roll(d, 2) ? 1024 : c.size;
        uint64_t at = c.base + roll64(d) % range;

        if (roll(d, 8))
            at &= ~(uint64_t)(roll(d, 2) ? 15 : 3);
        if (roll(d, 32) == 0)
            at = fuzz_address(b, d) | (uint64_t)(roll(d, 8) == 0) << (32 + roll(d, 32));
        for (unsigned i = 0; i < sizeof data; i += 4) {
            uint32_t value = fuzz_value(b, d);
            memcpy(data + i, &value, 4);
        }
        if (roll(d, 3))
            phys_write(b->m->phys, at, data, len);
        else
            phys_read(b->m->phys, at, data, len);
    }
}

/* The I/O APIC's registers by their index; vectors and modes as systems use them, or not. */
static void access_apics(struct fuzz_board *b, struct dice *d)
{
    static const uint16_t local[] = {0x80,  0xB0,  0xD0,  0xE0,  0xF0,  0x280, 0x2F0, 0x300,
                                     0x310, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370, 0x380,
                                     0x390, 0x3E0, 0xB0,  0x300};

    for (unsigned n = 1 + roll(d, 8); n--;) {
        if (roll(d, 2)) {
            phys_write32(b->m->phys, IOAPIC_BASE, roll(d, 68));
            phys_write32(b->m->phys, IOAPIC_BASE + 0x10, fuzz_value(b, d));
        } else {
            phys_write32(b->m->phys, LAPIC_BASE + local[roll(d, sizeof local / 2)],
                         fuzz_value(b, d));
        }
        if (roll(d, 8) == 0)
            phys_write32(b->m->phys, IOAPIC_BASE + 0x40, fuzz_value(b, d));
    }
    if (roll(d, 32) == 0)
        b->m->cpu->wires.apic_base(b->m, (roll(d, 2) ? LAPIC_BASE : roll64(d)) | roll(d, 2) << 11);
    if (roll(d, 8) == 0)
        b->m->cpu->wires.set_deadline(b->m, roll(d, 2) ? vclock_now(b->m->clock) + 5000 : roll64(d));
    b->m->cpu->wires.deadline(b->m);
}

static void request_fw_cfg(struct fuzz_board *b, struct dice *d)
{
    uint32_t at = fuzz_address(b, d), control = roll(d, 2) ? roll(d, 32) : fuzz_value(b, d);
    uint32_t len = roll(d, 2) ? roll(d, 5000) : fuzz_value(b, d), to = fuzz_address(b, d);

    if (roll(d, 2))
        control |= roll(d, 0x60) << 16 | 8;
    phys_write32(b->m->phys, at, __builtin_bswap32(control));
    phys_write32(b->m->phys, at + 4, __builtin_bswap32(len));
    phys_write32(b->m->phys, at + 8, roll(d, 8) ? 0 : fuzz_value(b, d));
    phys_write32(b->m->phys, at + 12, __builtin_bswap32(to));
    fuzz_out(b, 0x514, roll(d, 16) ? 0 : fuzz_value(b, d), 4);
    fuzz_out(b, 0x518, __builtin_bswap32(at), 4);
}

/* ---- time and interrupts ---- */

static void pass_time(struct fuzz_board *b, struct dice *d)
{
    struct vclock *clock = b->m->clock;

    if (roll(d, 4)) {
        vclock_advance(clock, roll64(d) % 2000000);
        return;
    }
    vclock_hurry(clock, roll64(d) >> (20 + roll(d, 44))); /* a host that was away */
    vclock_now(clock);
    vclock_hurry(clock, 0);
    vclock_run(clock);
}

static void acknowledge(struct fuzz_board *b, struct dice *d)
{
    for (unsigned n = 1 + roll(d, 4); n--;) {
        b->m->cpu->wires.intack(b->m);
        if (roll(d, 2))
            fuzz_out(b, roll(d, 2) ? 0x20 : 0xA0, roll(d, 4) ? 0x20 : fuzz_value(b, d), 1);
        if (roll(d, 2))
            phys_write32(b->m->phys, LAPIC_BASE + 0xB0, 0);
    }
    if (roll(d, 16) == 0)
        b->m->cpu->wires.ferr(b->m, roll(d, 2));
}

/* ---- the user ---- */

static void use_pointer(struct fuzz_board *b, struct dice *d)
{
    static const uint32_t words[] = {0x45414552, 0x53424152, 0x000000F5, 0x4C455252, 1, 4, 0x10};
    uint32_t *gpr = b->m->cpu->gpr;

    for (unsigned n = 1 + roll(d, 4); n--;) {
        gpr[0] = roll(d, 32) ? 0x564D5868 : fuzz_value(b, d);
        gpr[1] = roll(d, 4) ? 39 + roll(d, 3) : fuzz_value(b, d) & 0xFF;
        gpr[3] = roll(d, 4) ? words[roll(d, 7)] : fuzz_value(b, d);
        fuzz_in(b, 0x5658, roll(d, 8) ? 4 : 1 << roll(d, 3));
    }
    if (roll(d, 2))
        vmmouse_place(b->m->vmmouse, roll(d, 0x10000), roll(d, 0x10000), (int)roll(d, 5) - 2,
                      roll(d, 32));
    else
        vmmouse_move(b->m->vmmouse, (int)fuzz_value(b, d), (int)fuzz_value(b, d), 1, roll(d, 32));
}

static void use_keyboard(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t commands[] = {0x20, 0x60, 0xA7, 0xA8, 0xA9, 0xAA, 0xAD, 0xAE, 0xD0, 0xD1,
                                       0xD2, 0xD3, 0xD4, 0xDD, 0xDF, 0xE0, 0xF0, 0xFE, 0x60, 0xD4};

    switch (roll(d, 4)) {
    case 0:
        for (unsigned n = 1 + roll(d, 20); n--;)
            i8042_key(b->m->i8042, roll(d, 4) ? roll(d, 0x60) : fuzz_value(b, d) & 0xFFFF,
                      roll(d, 2));
        break;
    case 1:
        i8042_mouse(b->m->i8042, (int)fuzz_value(b, d), (int)fuzz_value(b, d),
                    (int)fuzz_value(b, d), fuzz_value(b, d));
        break;
    default:
        if (roll(d, 2))
            fuzz_out(b, 0x64, commands[roll(d, sizeof commands)], 1);
        fuzz_out(b, 0x60, roll(d, 2) ? 0xE6 + roll(d, 26) : fuzz_value(b, d), 1);
        vclock_advance(b->m->clock, roll(d, 3000000));
        while (roll(d, 3))
            fuzz_in(b, 0x60, 1);
    }
    i8042_queue_room(b->m->i8042);
    i8042_leds(b->m->i8042);
}

static void receive(struct fuzz_board *b, struct dice *d)
{
    uint8_t data[40];

    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)roll64(d);
    for (unsigned i = 0; i < b->options.device_count; i++)
        if (b->chardevs[i].receive)
            b->chardevs[i].receive(b->chardevs[i].dev, data, 1 + roll(d, sizeof data));
}

/* The pixels end where they end: an overrun is seen. */
static void look(struct fuzz_board *b, struct dice *d)
{
    struct vga_rect rects[VGA_SHOT_RECTS];
    struct vga_text *text = malloc(sizeof *text);
    unsigned width, height;
    uint32_t *pixels;

    vga_text(b->m->vga, text);
    free(text);
    vga_size(b->m->vga, &width, &height);
    if (roll(d, 2)) {
        pixels = malloc((size_t)width * height * 4);
        vga_draw(b->m->vga, pixels, width);
        free(pixels);
        return;
    }
    vga_shot_take(b->shot);
    vga_shot_size(b->shot, &width, &height);
    pixels = calloc((size_t)width * height, 4);
    vga_shot_draw(b->shot, roll(d, 2), pixels, width, rects);
    struct vga_border border;
    vga_shot_border(b->shot, &border);
    free(pixels);
}

static void ignore_line(void *opaque, const char *text)
{
    *(size_t *)opaque += strlen(text);
}

static void ignore_function(void *opaque, const struct pci_function *f)
{
    ignore_line(opaque, f->name);
}

static void ignore_ports(void *opaque, const struct bus_range *r)
{
    ignore_line(opaque, r->name);
}

static void ignore_memory(void *opaque, const struct phys_range *r)
{
    ignore_line(opaque, r->name);
}

static void describe(struct fuzz_board *b, struct dice *d)
{
    const struct machine *m = b->m;
    size_t n = 0;

    pic_describe(m->pic, ignore_line, &n);
    if (m->lapic)
        lapic_describe(m->lapic, ignore_line, &n);
    if (m->ioapic)
        ioapic_describe(m->ioapic, ignore_line, &n);
    pci_each(m->pci, ignore_function, &n);
    if (roll(d, 4) == 0) {
        bus_each(m->bus, ignore_ports, &n);
        phys_each(m->phys, ignore_memory, &n);
    }
}

static void press(struct fuzz_board *b, struct dice *d)
{
    switch (roll(d, 4)) {
    case 0:
        piix_pm_power_button(b->m->pm);
        break;
    case 1:
        piix_pm_wakeup(b->m->pm);
        break;
    case 2:
        piix_pm_gpe(b->m->pm, roll(d, 16));
        break;
    default:
        if (roll(d, 8) == 0)
            machine_reset_board(b->m);
        else
            phys_set_a20(b->m->phys, roll(d, 2));
    }
}

/* ---- */

/* What the machine's loop does between two instructions. */
static void settle(struct fuzz_board *b)
{
    if (__atomic_load_n(&b->m->cpu->event, __ATOMIC_SEQ_CST) & EVENT_RESET)
        machine_reset_board(b->m);
    machine_asleep(b->m);
}

void fuzz_step(struct fuzz_board *b, uint8_t kind, struct dice *d)
{
    static void (*const steps[])(struct fuzz_board *b, struct dice *d) = {
        access_port,  access_port,     access_port,    access_indexed, access_indexed, configure,
        configure,    access_memory,   access_memory,  access_apics,   access_apics,   fuzz_ide,
        fuzz_ide,     fuzz_ide,        fuzz_atapi,     fuzz_atapi,     fuzz_atapi,     fuzz_bus_master,
        fuzz_floppy,  fuzz_floppy,     fuzz_floppy,    fuzz_dma,       fuzz_media,     request_fw_cfg,
        pass_time,    pass_time,       acknowledge,    use_pointer,    use_keyboard,   receive,
        look,         press,           describe,       fuzz_state,     fuzz_firmware,  fuzz_video,
        look,
    };

    steps[kind % (sizeof steps / sizeof steps[0])](b, d);
    settle(b);
}
