/* Sound cards. */
#include "devices/opl3.h"
#include "devices/sb16.h"
#include "vmm/audio/audio.h"
#include "vmm/catalog.h"
#include "vmm/options.h"
#include "vmm/private.h"

static struct audio_out *out_of(struct machine *m, const struct device_option *d)
{
    return audio_find(m->config.audio, device_text(d, "audiodev"));
}

static const struct property sb16_properties[] = {
    {"audiodev", PROPERTY_STRING, "where it plays (the first -audiodev)", NULL, 0, 0, NULL},
    {"version", PROPERTY_NUMBER, "of its DSP, 4.05", "0x405", 0x405, 0x405, NULL},
    {"iobase", PROPERTY_NUMBER, "220h, 240h, 260h or 280h", "0x220", 0x220, 0x280, NULL},
    {"irq", PROPERTY_NUMBER, "2, 5, 7 or 10", "5", 2, 10, NULL},
    {"dma", PROPERTY_NUMBER, "0, 1 or 3", "1", 0, 3, NULL},
    {"dma16", PROPERTY_NUMBER, "5, 6 or 7", "5", 5, 7, NULL},
    {"mpu", PROPERTY_NUMBER, "330h or 300h: its MPU-401; 0: none", "0x330", 0, 0x330, NULL},
    DEVICE_PROPERTIES_END,
};

static bool place_sb16(struct options *o, struct device_option *d, struct error *err)
{
    uint64_t irq = device_number(d, "irq");

    (void)o;
    if (device_number(d, "iobase") & 0x1f)
        return error_set(err, "-device sb16,iobase=%s: it is 0x220, 0x240, 0x260 or 0x280",
                         device_text(d, "iobase"));
    if (irq != 2 && irq != 5 && irq != 7 && irq != 9 && irq != 10)
        return error_set(err, "-device sb16,irq=%s: it is 2, 5, 7 or 10", device_text(d, "irq"));
    uint64_t mpu = device_number(d, "mpu");
    if (mpu && mpu != 0x300 && mpu != 0x330)
        return error_set(err, "-device sb16,mpu=%s: it is 0x300, 0x330 or 0",
                         device_text(d, "mpu"));
    return device_number(d, "dma") != 2 ||
           error_set(err, "-device sb16,dma=2: it is 0, 1 or 3; 2 is the floppy controller's");
}

static void build_sb16(struct machine *m, const struct device_option *d)
{
    const struct sb16_config c = {
        (uint16_t)device_number(d, "iobase"), (uint8_t)device_number(d, "irq"),
        (uint8_t)device_number(d, "dma"), (uint8_t)device_number(d, "dma16"),
        (uint16_t)device_number(d, "mpu")};

    if (m->config.audio)
        sb16_init(&m->board, &c, machine_irq(m, 0), m->dma, out_of(m, d));
}

static const struct property adlib_properties[] = {
    {"audiodev", PROPERTY_STRING, "where it plays (the first -audiodev)", NULL, 0, 0, NULL},
    {"iobase", PROPERTY_NUMBER, "its first port", "0x388", 0x200, 0x3fc, NULL},
    {"freq", PROPERTY_NUMBER, "the audiodev's counts", "44100", 8000, 192000, NULL},
    DEVICE_PROPERTIES_END,
};

static void build_adlib(struct machine *m, const struct device_option *d)
{
    if (m->config.audio)
        opl3_init(&m->board, (uint16_t)device_number(d, "iobase"), out_of(m, d));
}

const struct device_model catalog_sound[] = {
    {"sb16", NULL, "ISA", CATEGORY_SOUND, "Creative Sound Blaster 16", sb16_properties, 1,
     place_sb16, build_sb16},
    {"adlib", NULL, "ISA", CATEGORY_SOUND, "Yamaha OPL3 at AdLib's ports", adlib_properties, 1,
     NULL, build_adlib},
    {NULL, NULL, NULL, CATEGORY_MISC, NULL, NULL, 0, NULL, NULL},
};
