/* The field tables: what they name is all of a device's state, and can be put back. */
#include <stdlib.h>
#include <string.h>

#include "audio_rig.h"
#include "devices/ac97.h"
#include "devices/apic.h"
#include "devices/fw_cfg.h"
#include "devices/pci.h"
#include "devices/sb16.h"
#include "devices/vmmouse.h"

enum { IMAGE_SIZE = 131072 };

struct image {
    uint8_t bytes[IMAGE_SIZE];
    size_t len;
    bool restore;
};

static void copy_fields(void *opaque, const struct device_class *class, void *dev)
{
    struct image *image = opaque;

    for (const struct field *f = class->fields; f->name; f++) {
        size_t len = (size_t)f->size * f->count;
        uint8_t *at = (uint8_t *)dev + f->offset;

        ck_assert_uint_le(image->len + len, IMAGE_SIZE);
        if (image->restore)
            memcpy(at, image->bytes + image->len, len);
        else
            memcpy(image->bytes + image->len, at, len);
        image->len += len;
    }
    if (image->restore && class->loaded)
        class->loaded(dev);
}

static void save(struct chipset *c, struct image *image)
{
    *image = (struct image){.len = 0};
    device_each(c->board.devices, copy_fields, image);
}

static void restore(struct chipset *c, struct image *image)
{
    image->len = 0;
    image->restore = true;
    device_each(c->board.devices, copy_fields, image);
}

static void check_table(void *opaque, const struct device_class *class, void *dev)
{
    (void)dev;
    (void)opaque;
    for (const struct field *f = class->fields; f->name; f++) {
        ck_assert_uint_gt(f->count, 0);
        ck_assert(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
        for (const struct field *g = f + 1; g->name; g++) {
            ck_assert_msg(strcmp(f->name, g->name), "%s: %s twice", class->name, f->name);
            ck_assert_msg(f->offset + f->size * f->count <= g->offset ||
                              g->offset + g->size * g->count <= f->offset,
                          "%s: %s over %s", class->name, f->name, g->name);
        }
    }
}

static struct audio_rig rig;

struct machine {
    struct chipset c;
    struct lapic *lapic;
    struct ioapic *ioapic;
    struct pic *pic;
    struct i8042 *k;
    struct vmmouse *mouse;
    struct vga *vga;
    uint32_t gpr[8];
};

/* Its ports, bus mastering, and a list of buffers to go through. */
static void place_ac97(struct machine *m)
{
    static const uint32_t config[][2] = {{0x10, 0xc000}, {0x14, 0xc400}, {0x04, 5}};

    for (unsigned i = 0; i < 3; i++) {
        bus_out(m->c.board.bus, 0xcf8, 0x80001800 | config[i][0], 4);
        bus_out(m->c.board.bus, 0xcfc, config[i][1], 4);
    }
    for (uint32_t i = 0; i < 32; i++) {
        phys_write32(m->c.board.phys, 0x1000 + 8 * i, 0x10000 * i);
        phys_write32(m->c.board.phys, 0x1004 + 8 * i, 0x80000000 | 100 * i);
    }
    bus_out(m->c.board.bus, 0xc410, 0x1000, 4);
}

static void open_machine(struct machine *m)
{
    const struct lapic_config lapic = {0x14, 5, true};
    struct hpet *hpet;
    struct pci *pci;

    chipset_open(&m->c, 1 << 20);
    m->lapic = lapic_init(&m->c.board, &lapic, chipset_wire(&m->c, 0), chipset_wire(&m->c, 3),
                          chipset_wire(&m->c, 4));
    m->ioapic = ioapic_init(&m->c.board, m->lapic);
    m->pic = pic_init(&m->c.board, lapic_lint(m->lapic, 0));
    hpet = hpet_init(&m->c.board, (struct irq_line){ioapic_set_pin, m->ioapic, 0});
    audio_rig_init(&rig, &m->c);
    pcspk_init(&m->c.board, pit_init(&m->c.board, hpet_legacy_line(hpet, 0)), &rig.out);
    rtc_init(&m->c.board, hpet_legacy_line(hpet, 1), 1000000000);
    sb16_init(&m->c.board, &(struct sb16_config){0x220, 5, 1, 5, 0x330}, pic_line(m->pic, 0),
              dma_init(&m->c.board), &rig.out);
    m->k = i8042_init(&m->c.board, pic_line(m->pic, 1), pic_line(m->pic, 12),
                      chipset_wire(&m->c, 1), chipset_wire(&m->c, 2));
    m->mouse = vmmouse_init(&m->c.board, m->gpr, m->k, 1 << 20);
    uart_init(&m->c.board, 0x3f8, pic_line(m->pic, 4), NULL);
    debugcon_init(&m->c.board, 0xe9, 0xe9, NULL);
    isa_debug_exit_init(&m->c.board, 0xf4, 4, NULL, NULL);
    fw_cfg_init(&m->c.board);
    parallel_init(&m->c.board, 0x378, 7, pic_line(m->pic, 7), NULL);
    pc_testdev_init(&m->c.board, pic_line(m->pic, 0));
    m->vga = vga_init(&m->c.board, 1 << 20);
    pci = pci_init(&m->c.board);
    pci_set_router(pci, chipset_wire(&m->c, 8));
    ac97_init(&m->c.board, pci, pci_devfn(3, 0), &rig.out);
    place_ac97(m);
    reset_control_init(&m->c.board, chipset_wire(&m->c, 2), chipset_wire(&m->c, 3));
    device_reset_all(m->c.board.devices);
}

/* Every port gets a value; SEED makes it another one each time. */
static unsigned poke_all(struct machine *m, unsigned seed)
{
    static const uint16_t ranges[][2] = {{0x00, 0x10}, {0x20, 2},  {0x40, 4},    {0x60, 2},
                                         {0x64, 1},    {0x70, 2},  {0x80, 0x10}, {0x92, 1},
                                         {0xa0, 2},    {0xc0, 32}, {0x3f8, 8},   {0x4d0, 2},
                                         {0x378, 8},   {0x778, 3}, {0xe0, 12},
                                         {0xcf8, 4},   {0xe9, 1},  {0xf4, 4},
                                         {0x510, 12},  {0x220, 16}, {0x388, 4}, {0x330, 2},
                                         {0xc000, 128}, {0xc400, 64}};

    for (unsigned r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
        for (unsigned i = 0; i < ranges[r][1]; i++) {
            seed = seed * 1103515245 + 12345;
            bus_out(m->c.board.bus, (uint16_t)(ranges[r][0] + i), seed >> 16, 1 + (seed >> 9 & 1));
            bus_in(m->c.board.bus, (uint16_t)(ranges[r][0] + (seed >> 20 & 15)), 1);
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        static const uint32_t bases[4] = {LAPIC_BASE, IOAPIC_BASE, IOAPIC_BASE + 0x10, HPET_BASE};
        unsigned which = seed >> 28 & 3;
        uint32_t at = which == 0 ? seed >> 12 & 0x3F0 : which == 3 ? seed >> 12 & 0x1FC : 0;

        phys_write32(m->c.board.phys, bases[which] + at, seed);
        phys_read32(m->c.board.phys, bases[which] + at);
        seed = seed * 1103515245 + 12345;
    }
    i8042_key(m->k, seed & 0x7f, seed >> 8 & 1);
    i8042_mouse(m->k, (int)seed, (int)(seed >> 3), (int)(seed >> 5), seed);
    m->gpr[0] = 0x564d5868; /* the backdoor: enable, take positions, or let some be read */
    m->gpr[1] = seed & 1 ? 41 : 39;
    m->gpr[3] = seed & 1 ? (seed & 2 ? 0x45414552 : 0x53424152) : seed >> 4 & 7;
    bus_in(m->c.board.bus, 0x5658, 4);
    vmmouse_place(m->mouse, seed >> 16, seed >> 8, 0, seed & 7);
    return seed;
}

static void scribble(struct machine *m, unsigned seed)
{
    seed = poke_all(m, seed);
    chipset_step(&m->c, seed >> 8 & 0xfffff);
    if (pic_pending(m->pic))
        pic_intack(m->pic);
    if (m->c.level[0])
        lapic_intack(m->lapic);
}

START_TEST(test_tables_are_well_formed)
{
    struct machine m;

    open_machine(&m);
    device_each(m.c.board.devices, check_table, NULL);
    chipset_close(&m.c);
}
END_TEST

START_TEST(test_state_can_be_put_back)
{
    static struct image first, second;
    struct machine m;

    open_machine(&m);
    for (unsigned round = 0; round < 50; round++) {
        scribble(&m, round);
        save(&m.c, &first);
        ck_assert_uint_gt(first.len, 500);
        poke_all(&m, ~round);
        restore(&m.c, &first);
        save(&m.c, &second);
        ck_assert_uint_eq(first.len, second.len);
        for (size_t i = 0; memcmp(first.bytes, second.bytes, first.len) && i < first.len; i++)
            ck_assert_msg(first.bytes[i] == second.bytes[i], "round %u, byte %zu", round, i);
    }
    chipset_close(&m.c);
}
END_TEST

/* Whatever a guest writes, nothing crashes, hangs or leaves the structures (run this one with the
 * sanitizers). */
START_TEST(test_hostile_port_writes)
{
    struct machine m;

    open_machine(&m);
    for (unsigned round = 0; round < 3000; round++)
        scribble(&m, round * 2654435761u + 17);
    device_reset_all(m.c.board.devices);
    ck_assert_uint_eq(bus_in(m.c.board.bus, 0x3fd, 1), 0x60);
    ck_assert(!pic_pending(m.pic));
    chipset_close(&m.c);
}
END_TEST

/* Every field of every device holds what it never does, one after the other. */
struct spoiler {
    struct machine *m;
    uint8_t fill;
};

static void look(struct machine *m)
{
    static struct vga_text text;
    uint32_t *pixels;
    unsigned width, height;

    vga_text(m->vga, &text);
    vga_size(m->vga, &width, &height);
    pixels = calloc((size_t)width * height, sizeof *pixels);
    ck_assert_ptr_nonnull(pixels);
    vga_draw(m->vga, pixels, width);
    free(pixels);
}

static void spoil(void *opaque, const struct device_class *class, void *dev)
{
    struct spoiler *s = opaque;

    for (const struct field *f = class->fields; f->name; f++) {
        memset((uint8_t *)dev + f->offset, s->fill, (size_t)f->size * f->count);
        if (class->loaded)
            class->loaded(dev);
        scribble(s->m, s->fill + f->offset);
        if (s->m->vga == dev)
            look(s->m);
    }
    device_reset_all(s->m->c.board.devices);
}

START_TEST(test_hostile_state)
{
    static const uint8_t fills[] = {0xff, 0x7f, 0x80, 0x00, 0x4d, 0x21};
    struct machine m;

    open_machine(&m);
    device_each(m.c.board.devices, spoil, &(struct spoiler){&m, fills[_i]});
    device_reset_all(m.c.board.devices);
    ck_assert_uint_eq(bus_in(m.c.board.bus, 0x3fd, 1), 0x60);
    chipset_close(&m.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fields");
    TCase *t = tcase_create("fields");

    tcase_add_test(t, test_tables_are_well_formed);
    tcase_add_test(t, test_state_can_be_put_back);
    tcase_add_test(t, test_hostile_port_writes);
    tcase_add_loop_test(t, test_hostile_state, 0, 6);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
