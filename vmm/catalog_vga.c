/* The graphics card: the board's own, as a PCI function or on the ISA bus. */
#include "vmm/catalog.h"
#include "vmm/options.h"
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1024, HEIGHT = 768, WIDTH_MAX = 2560, HEIGHT_MAX = 1600 };

static const struct property vga_properties[] = {
    {"addr", PROPERTY_STRING, "slot and function; it is in 02.0", NULL, 0, 0, NULL},
    {"romfile", PROPERTY_STRING,
     "option ROM for foreign firmware; builtin: ringer's own; empty: none", NULL, 0, 0, NULL},
    {"vgamem_mb", PROPERTY_NUMBER, "video memory in MiB, a power of two", "16", 1, 256, NULL},
    {"edid", PROPERTY_BOOL, "the monitor tells what it can do", "on", 0, 0, NULL},
    {"xres", PROPERTY_NUMBER, "the width that the monitor likes best; 0: 1024", "0", 0, WIDTH_MAX,
     NULL},
    {"yres", PROPERTY_NUMBER, "the height; 0: 768", "0", 0, HEIGHT_MAX, NULL},
    {"xmax", PROPERTY_NUMBER, "as xres, where that is not given", "0", 0, WIDTH_MAX, NULL},
    {"ymax", PROPERTY_NUMBER, "as yres, where that is not given", "0", 0, HEIGHT_MAX, NULL},
    DEVICE_PROPERTIES_END,
};

static const struct property isa_properties[] = {
    {"vgamem_mb", PROPERTY_NUMBER, "video memory in MiB, a power of two", "8", 1, 256, NULL},
    DEVICE_PROPERTIES_END,
};

static bool in_slot_2(const char *addr)
{
    char *end;
    unsigned long device = strtoul(addr, &end, 16), function = 0;

    if (end == addr)
        return false;
    if (*end == '.') {
        const char *rest = end + 1;
        function = strtoul(rest, &end, 16);
        if (end == rest)
            return false;
    }
    return !*end && device == 2 && function == 0;
}

/* What both have.  "-vga none -device VGA" is how some say "-vga std". */
static bool place_card(struct options *o, struct device_option *d, struct error *err)
{
    uint64_t mib = device_number(d, "vgamem_mb");

    if (mib & (mib - 1))
        return error_set(err, "-device %s,vgamem_mb=%s: it is a power of two, from 1 to 256",
                         d->model->name, device_text(d, "vgamem_mb"));
    if (options_has_device(o, "VGA") && options_has_device(o, "isa-vga"))
        return error_set(err, "-device VGA and -device isa-vga: there is one graphics card");
    o->has_vga = true;
    o->no_vga = false;
    o->vga.mib = (uint32_t)mib;
    return true;
}

static unsigned side(const struct device_option *d, const char *likes, const char *most,
                     unsigned standard)
{
    unsigned value = (unsigned)device_number(d, likes);

    if (!value)
        value = (unsigned)device_number(d, most);
    return value ? value : standard;
}

static bool place_vga(struct options *o, struct device_option *d, struct error *err)
{
    if (device_given(d, "addr") && !in_slot_2(device_text(d, "addr")))
        return error_set(err, "-device VGA,addr=%s: it is in slot 2", device_text(d, "addr"));
    if (!place_card(o, d, err))
        return false;
    o->firmware.vga_rom = device_text(d, "romfile");
    o->vga.no_edid = !device_number(d, "edid");
    o->vga.width = side(d, "xres", "xmax", WIDTH);
    o->vga.height = side(d, "yres", "ymax", HEIGHT);
    if (o->vga.width % 8 || o->vga.width < 320 || o->vga.height < 200)
        return error_set(err,
                         "-device VGA,xres=%u,yres=%u: from 320x200 to 2560x1600, the width in "
                         "steps of 8",
                         o->vga.width, o->vga.height);
    if ((uint64_t)o->vga.width * o->vga.height * 4 > (uint64_t)o->vga.mib << 20 &&
        device_given(d, "xres"))
        return error_set(err, "-device VGA,xres=%u,yres=%u: with 32 bits a pixel that does not "
                              "fit in vgamem_mb=%u",
                         o->vga.width, o->vga.height, o->vga.mib);
    return true;
}

static bool place_isa(struct options *o, struct device_option *d, struct error *err)
{
    o->vga.isa = true;
    return place_card(o, d, err);
}

const struct device_model catalog_vga[] = {
    {"VGA", NULL, "PCI", CATEGORY_DISPLAY, "the board's VGA", vga_properties, 1, place_vga, NULL},
    {"isa-vga", NULL, "ISA", CATEGORY_DISPLAY, "the same without PCI", isa_properties, 1,
     place_isa, NULL},
    {NULL, NULL, NULL, CATEGORY_MISC, NULL, NULL, 0, NULL, NULL},
};
