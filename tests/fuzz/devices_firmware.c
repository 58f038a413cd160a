/* Steps of the devices' fuzzer: what firmware does, so that what comes behind it can be reached. */
#include "devices.h"

#include "devices/vga_modes.h"

static void configure(struct fuzz_board *b, unsigned devfn, unsigned at, uint32_t value)
{
    fuzz_out(b, 0xCF8, 0x80000000u | devfn << 8 | at, 4);
    fuzz_out(b, 0xCFC, value, 4);
}

/* Power management's and the SMBus's ports, bus masters and frame buffers. */
static void place(struct fuzz_board *b, struct dice *d)
{
    static const uint32_t places[] = {0xFD000000, 0xE0000000, 0x80000000, 0x00100000};
    uint8_t pm = pci_devfn(1, 3);

    configure(b, pm, 0x40, roll(d, 2) ? 0x600 : 0xB000);
    configure(b, pm, 0x80, 1);
    configure(b, pm, 0x90, 0x700);
    configure(b, pm, 0xD0, 1u << 16);
    configure(b, pm, PCI_COMMAND, 1);
    configure(b, pci_devfn(1, 1), 0x20, 0xC000);
    configure(b, pci_devfn(1, 1), PCI_COMMAND, 5);
    configure(b, pci_devfn(2, 0), PCI_BAR0, places[roll(d, 4)]);
    configure(b, pci_devfn(2, 0), 0x18, 0xFEBF0000);
    configure(b, pci_devfn(2, 0), PCI_COMMAND, 3);
    fuzz_out(b, 0xCF8, 0x80000000u | pci_devfn(1, 0) << 8 | 0x60, 4);
    for (unsigned i = 0; i < 4; i++) /* PIRQs */
        fuzz_out(b, (uint16_t)(0xCFC + i), roll(d, 8) ? 9 + roll(d, 3) : 0x80, 1);
}

static void set_video_mode(struct fuzz_board *b, uint8_t number)
{
    const struct vga_mode *mode = vga_mode_find(number);
    uint16_t crtc;

    if (!mode)
        return;
    fuzz_out(b, 0x46E8, 0x08, 1);
    fuzz_out(b, 0x3C3, 1, 1);
    fuzz_out(b, 0x3C2, mode->misc, 1);
    crtc = mode->misc & 1 ? 0x3D4 : 0x3B4;
    for (unsigned i = 0; i < 5; i++)
        fuzz_out(b, 0x3C4, i | (uint32_t)mode->seq[i] << 8, 2);
    fuzz_out(b, crtc, 0x11, 2); /* no protection */
    for (unsigned i = 0; i < 25; i++)
        fuzz_out(b, crtc, i | (uint32_t)mode->crtc[i] << 8, 2);
    for (unsigned i = 0; i < 9; i++)
        fuzz_out(b, 0x3CE, i | (uint32_t)mode->gfx[i] << 8, 2);
    fuzz_in(b, (uint16_t)(crtc + 6), 1);
    for (unsigned i = 0; i < 21; i++) {
        fuzz_out(b, 0x3C0, i, 1);
        fuzz_out(b, 0x3C0, mode->attr[i], 1);
    }
    fuzz_out(b, 0x3C0, 0x20, 1);
}

static void set_display_interface(struct fuzz_board *b, struct dice *d)
{
    static const uint16_t depths[] = {4, 8, 15, 16, 24, 32};
    const uint16_t values[] = {0,
                               (uint16_t)(roll(d, 4) ? 8 + roll(d, 100) * 8 : roll(d, 2561)),
                               (uint16_t)(1 + roll(d, roll(d, 4) ? 600 : 1600)),
                               depths[roll(d, 6)],
                               (uint16_t)(1 | roll(d, 8) << 5),
                               0,
                               (uint16_t)roll(d, 4000),
                               0,
                               (uint16_t)roll(d, 100),
                               (uint16_t)roll(d, roll(d, 2) ? 100 : 65536)};

    fuzz_out(b, 0x1CE, 4, 2);
    fuzz_out(b, 0x1CF, 0, 2);
    for (unsigned i = 1; i < sizeof values / sizeof values[0]; i++) {
        fuzz_out(b, 0x1CE, i, 2);
        fuzz_out(b, 0x1CF, values[i], 2);
    }
}

void fuzz_video(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t modes[] = {0x00, 0x03, 0x04, 0x06, 0x07, 0x0D, 0x10, 0x12, 0x13};

    set_video_mode(b, modes[roll(d, sizeof modes)]);
    if (roll(d, 3) == 0)
        set_display_interface(b, d);
    for (unsigned n = roll(d, 40); n--;)
        phys_write32(b->m->phys, 0xA0000 + roll(d, 0x20000), (uint32_t)roll64(d));
}

void fuzz_firmware(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t icw[2][4] = {{0x11, 0x08, 0x04, 0x01}, {0x11, 0x70, 0x02, 0x01}};

    place(b, d);
    fuzz_video(b, d);
    for (unsigned chip = 0; chip < 2; chip++) {
        uint16_t port = chip ? 0xA0 : 0x20;

        for (unsigned i = 0; i < 4; i++)
            fuzz_out(b, i ? port + 1 : port, icw[chip][i], 1);
        fuzz_out(b, port + 1, roll(d, 2) ? 0 : roll(d, 256), 1);
    }
}
