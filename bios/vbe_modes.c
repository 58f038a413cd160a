/* The modes of INT 10h/4Fh.  Numbers to 11Fh are VESA's ("VBE Core Functions Version 2.0", 3); the
 * others are the maker's own, and those that many makers gave the same number have it here. */
#include "bios/vbe.h"

enum { DEPTHS = 6 };
static const uint8_t depths[DEPTHS] = {4, 8, 15, 16, 24, 32};

static const struct resolution {
    uint16_t width, height;
    uint16_t number[DEPTHS]; /* 0: there is none */
} resolutions[] = {
    {320, 200, {0, 0x146, 0x10D, 0x10E, 0x10F, 0x140}},
    {640, 400, {0x150, 0x100, 0x151, 0x152, 0x153, 0x141}},
    {640, 480, {0x154, 0x101, 0x110, 0x111, 0x112, 0x142}},
    {800, 600, {0x102, 0x103, 0x113, 0x114, 0x115, 0x143}},
    {1024, 768, {0x104, 0x105, 0x116, 0x117, 0x118, 0x144}},
    {1152, 864, {0x155, 0x148, 0x149, 0x14A, 0x14B, 0x14C}},
    {1280, 720, {0x157, 0x193, 0x158, 0x194, 0x195, 0x196}},
    {1280, 768, {0x159, 0x15A, 0x15B, 0x175, 0x176, 0x177}},
    {1280, 800, {0x15C, 0x15D, 0x15E, 0x178, 0x179, 0x17A}},
    {1280, 960, {0x15F, 0x17B, 0x160, 0x17C, 0x17D, 0x17E}},
    {1280, 1024, {0x106, 0x107, 0x119, 0x11A, 0x11B, 0x145}},
    {1400, 1050, {0x163, 0x183, 0x164, 0x184, 0x185, 0x186}},
    {1440, 900, {0x161, 0x17F, 0x162, 0x180, 0x181, 0x182}},
    {1600, 1200, {0x156, 0x11C, 0x11D, 0x11E, 0x11F, 0x147}},
    {1680, 1050, {0x165, 0x187, 0x166, 0x188, 0x189, 0x18A}},
    {1920, 1080, {0x167, 0x197, 0x168, 0x198, 0x199, 0x19A}},
    {1920, 1200, {0x169, 0x18B, 0x16B, 0x18C, 0x18D, 0x18E}},
    {2560, 1600, {0x16C, 0x18F, 0x16D, 0x190, 0x191, 0x192}},
};
enum { RESOLUTIONS = sizeof resolutions / sizeof *resolutions };

static const struct vbe_mode texts[] = {
    {0x108, 80, 60, 0},  {0x109, 132, 25, 0}, {0x10A, 132, 43, 0},
    {0x10B, 132, 50, 0}, {0x10C, 132, 60, 0},
};
enum { TEXTS = sizeof texts / sizeof *texts };
_Static_assert(RESOLUTIONS * DEPTHS + TEXTS < VBE_MODES_MAX, "the list has room for all");

static bool fits(const struct vbe_mode *m, uint32_t memory)
{
    return vbe_line_bytes(m->bpp, m->width) * m->height <= (m->bpp == 4 ? memory / 4 : memory);
}

/* The I-th mode in the order of the tables; false behind the last. */
static bool nth(unsigned i, struct vbe_mode *m)
{
    if (i >= RESOLUTIONS * DEPTHS + TEXTS)
        return false;
    if (i >= RESOLUTIONS * DEPTHS) {
        *m = texts[i - RESOLUTIONS * DEPTHS];
        return true;
    }
    const struct resolution *r = &resolutions[i / DEPTHS];
    *m = (struct vbe_mode){r->number[i % DEPTHS], r->width, r->height, depths[i % DEPTHS]};
    return true;
}

bool vbe_mode_find(uint16_t number, uint32_t memory, struct vbe_mode *m)
{
    for (unsigned i = 0; number && nth(i, m); i++)
        if (m->number == number)
            return fits(m, memory);
    return false;
}

void vbe_mode_list(uint32_t memory, uint8_t *list)
{
    struct vbe_mode m;

    for (unsigned i = 0; nth(i, &m); i++) {
        if (!m.number || !fits(&m, memory))
            continue;
        *list++ = (uint8_t)m.number;
        *list++ = m.number >> 8;
    }
    *list++ = 0xFF;
    *list = 0xFF;
}
