/* Devices of the PCI bus. */
#include "devices/ac97.h"
#include "devices/pci.h"
#include "vmm/audio/audio.h"
#include "vmm/catalog.h"
#include "vmm/options.h"
#include "vmm/private.h"
#include <stdlib.h>
#include <string.h>

/* The slot that D asks for by addr=SLOT[.FUNCTION] (hexadecimal), or the first free one. */
static bool slot(const struct device_option *d, unsigned *devfn)
{
    const char *text = device_text(d, "addr");
    char *end;

    *devfn = 0;
    if (!text)
        return true;
    unsigned long device = strtoul(text, &end, 16), function = 0;
    if (*end == '.')
        function = strtoul(end + 1, &end, 16);
    *devfn = pci_devfn((unsigned)device, (unsigned)function);
    return !*end && end != text && device < 32 && function < 8;
}

static bool place_pci(struct options *o, struct device_option *d, struct error *err)
{
    unsigned devfn;

    if (!slot(d, &devfn) || (device_given(d, "addr") && devfn < pci_devfn(3, 0)))
        return error_set(err,
                         "-device %s,addr=%s: it is a slot from 3 to 1f; slots 0 to 2 are the "
                         "board's",
                         d->model->name, device_text(d, "addr"));
    if (device_given(d, "addr") && o->pci_slots >> (devfn >> 3) & 1)
        return error_set(err, "-device %s,addr=%s: the slot is another's", d->model->name,
                         device_text(d, "addr"));
    if (device_given(d, "addr"))
        o->pci_slots |= 1u << (devfn >> 3);
    return true;
}

/* As they will be built: those with addr= where that says, the others in their order. */
int options_pci_devfn(const struct options *o, const char *id)
{
    uint32_t taken = o->pci_slots | 7;
    unsigned devfn;

    for (unsigned i = 0; i < o->device_count; i++) {
        const struct device_option *d = &o->devices[i];
        bool pci = !strcmp(d->model->bus, "PCI"), mine = d->id && !strcmp(d->id, id);
        if (pci && mine && !d->model->build) /* VGA, which the board has anyway */
            return (int)pci_devfn(2, 0);
        if (!pci || !d->model->build)
            continue;
        slot(d, &devfn);
        if (!device_given(d, "addr")) {
            unsigned n = 3;
            while (n < 31 && taken >> n & 1)
                n++;
            taken |= 1u << n;
            devfn = pci_devfn(n, 0);
        }
        if (mine)
            return (int)devfn;
    }
    return -1;
}

static uint8_t devfn_of(struct machine *m, const struct device_option *d)
{
    unsigned devfn;

    slot(d, &devfn);
    return device_given(d, "addr") ? (uint8_t)devfn : pci_free_slot(m->pci, m->config.pci_slots);
}

static const struct property testdev_properties[] = {
    {"addr", PROPERTY_STRING, "slot and function, as in 05.0", NULL, 0, 0, NULL},
    {"membar", PROPERTY_SIZE, "of a third base address, up to 1G", NULL, 0, 1 << 30, NULL},
    DEVICE_PROPERTIES_END,
};

static bool place_testdev(struct options *o, struct device_option *d, struct error *err)
{
    uint64_t size = device_number(d, "membar");

    if (size & (size - 1))
        return error_set(err, "-device pci-testdev,membar=%s: it is a power of two",
                         device_text(d, "membar"));
    return place_pci(o, d, err);
}

static void build_testdev(struct machine *m, const struct device_option *d)
{
    pci_testdev_init(&m->board, m->pci, devfn_of(m, d), (uint32_t)device_number(d, "membar"));
}

static const struct property ac97_properties[] = {
    {"audiodev", PROPERTY_STRING, "where it plays (the first -audiodev)", NULL, 0, 0, NULL},
    {"addr", PROPERTY_STRING, "slot and function, as in 05.0", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static void build_ac97(struct machine *m, const struct device_option *d)
{
    if (m->config.audio)
        ac97_init(&m->board, m->pci, devfn_of(m, d),
                  audio_find(m->config.audio, device_text(d, "audiodev")));
}

const struct device_model catalog_pci[] = {
    {"AC97", NULL, "PCI", CATEGORY_SOUND, "Intel 82801AA AC97 Audio", ac97_properties, 1, place_pci,
     build_ac97},
    {"pci-testdev", NULL, "PCI", CATEGORY_MISC, "PCI Test Device", testdev_properties, 0,
     place_testdev, build_testdev},
    {NULL, NULL, NULL, CATEGORY_MISC, NULL, NULL, 0, NULL, NULL},
};
