/* Devices of the ISA bus: ports that are plugged into chardevs, and those of test kernels. */
#include "vmm/catalog.h"
#include "vmm/options.h"
#include "vmm/private.h"

/* ---- isa-serial ---- */

static const struct property serial_properties[] = {
    {"chardev", PROPERTY_STRING, "what the port is connected to", NULL, 0, 0, NULL},
    {"index", PROPERTY_NUMBER, "0 is COM1; the first free one", NULL, 0, 3, NULL},
    {"iobase", PROPERTY_NUMBER, "3F8h, 2F8h, 3E8h, 2E8h by index", NULL, 0x100, 0xfff8, NULL},
    {"irq", PROPERTY_NUMBER, "4, 3, 4, 3 by index", NULL, 3, 15, NULL},
    DEVICE_PROPERTIES_END,
};

/* The place that D asks for, or the first that is free; -1 and ERR. */
static int take_index(const struct device_option *d, const struct port_place *places,
                      unsigned count, struct error *err)
{
    const char *name = d->model->name;

    if (device_given(d, "index")) {
        unsigned index = (unsigned)device_number(d, "index");
        if (!places[index].device)
            return (int)index;
        error_set(err, "-device %s,index=%u: there is such a port already", name, index);
        return -1;
    }
    for (unsigned i = 0; i < count; i++)
        if (!places[i].device)
            return (int)i;
    error_set(err, "-device %s: there may be %u of them at most", name, count);
    return -1;
}

/* Settle D's index, port and interrupt. */
static bool place_port(struct device_option *d, struct port_place *places, unsigned count,
                       const uint16_t *bases, const uint8_t *irqs, struct error *err)
{
    int i = take_index(d, places, count, err);

    if (i < 0)
        return false;
    uint16_t base = device_given(d, "iobase") ? (uint16_t)device_number(d, "iobase") : bases[i];
    for (unsigned j = 0; j < count; j++)
        if (places[j].device && places[j].base < base + 8 && base < places[j].base + 8)
            return error_set(err, "-device %s: port %#x is another's", d->model->name, base);
    places[i] = (struct port_place){d, base};
    device_settle(d, "index", (unsigned)i);
    device_settle(d, "iobase", base);
    if (!device_given(d, "irq"))
        device_settle(d, "irq", irqs[i]);
    return true;
}

static bool place_serial(struct options *o, struct device_option *d, struct error *err)
{
    static const uint16_t bases[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const uint8_t irqs[] = {4, 3, 4, 3};

    return place_port(d, o->serial, OPTIONS_SERIALS, bases, irqs, err);
}

static void build_serial(struct machine *m, const struct device_option *d)
{
    uint64_t index = device_number(d, "index");

    m->serial_base[index] = (uint16_t)device_number(d, "iobase");
    m->uart[index] = uart_init(&m->board, m->serial_base[index],
                               machine_irq(m, (int)device_number(d, "irq")), d->chardev);
}

/* ---- isa-parallel ---- */

static const struct property parallel_properties[] = {
    {"chardev", PROPERTY_STRING, "the printer", NULL, 0, 0, NULL},
    {"index", PROPERTY_NUMBER, "0 is LPT1; the first free one", NULL, 0, 2, NULL},
    {"iobase", PROPERTY_NUMBER, "378h, 278h, 3BCh by index", NULL, 0x100, 0xf8f8, NULL},
    {"irq", PROPERTY_NUMBER, "7, 5, 7 by index", NULL, 3, 15, NULL},
    DEVICE_PROPERTIES_END,
};

static bool place_parallel(struct options *o, struct device_option *d, struct error *err)
{
    static const uint16_t bases[] = {0x378, 0x278, 0x3bc};
    static const uint8_t irqs[] = {7, 5, 7};

    return place_port(d, o->parallel, OPTIONS_PARALLELS, bases, irqs, err);
}

static void build_parallel(struct machine *m, const struct device_option *d)
{
    uint16_t base = (uint16_t)device_number(d, "iobase");
    int irq = (int)device_number(d, "irq");

    m->parallel_base[device_number(d, "index")] = base;
    parallel_init(&m->board, base, irq, machine_irq(m, irq), d->chardev);
}

/* ---- isa-debugcon ---- */

static const struct property debugcon_properties[] = {
    {"iobase", PROPERTY_NUMBER, "its port", "0xe9", 0, 0xffff, NULL},
    {"readback", PROPERTY_NUMBER, "what reading gives", "0xe9", 0, 0xff, NULL},
    {"chardev", PROPERTY_STRING, "where its output goes", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static bool needs_chardev(struct options *o, struct device_option *d, struct error *err)
{
    (void)o;
    return device_text(d, "chardev") ||
           error_set(err, "-device %s: it needs chardev=ID", d->model->name);
}

static void build_debugcon(struct machine *m, const struct device_option *d)
{
    debugcon_init(&m->board, (uint16_t)device_number(d, "iobase"),
                  (uint8_t)device_number(d, "readback"), d->chardev);
}

/* ---- isa-debug-exit ---- */

static const struct property debug_exit_properties[] = {
    {"iobase", PROPERTY_NUMBER, "its first port", "0x501", 0, 0xfffc, NULL},
    {"iosize", PROPERTY_NUMBER, "1, 2 or 4 ports", "2", 1, 4, NULL},
    DEVICE_PROPERTIES_END,
};

static bool place_debug_exit(struct options *o, struct device_option *d, struct error *err)
{
    (void)o;
    return device_number(d, "iosize") != 3 ||
           error_set(err, "-device %s: iosize=3: it is 1, 2 or 4", d->model->name);
}

static void on_exit_port(void *opaque, int status)
{
    machine_request_end(opaque, END_DEBUG_EXIT, status);
}

static void build_debug_exit(struct machine *m, const struct device_option *d)
{
    isa_debug_exit_init(&m->board, (uint16_t)device_number(d, "iobase"),
                        (uint16_t)device_number(d, "iosize"), on_exit_port, m);
}

/* ---- pc-testdev ---- */

static const struct property no_properties[] = {DEVICE_PROPERTIES_END};

static void build_testdev(struct machine *m, const struct device_option *d)
{
    (void)d;
    pc_testdev_init(&m->board, machine_irq(m, 0));
}

const struct device_model catalog_isa[] = {
    {"isa-serial", NULL, "ISA", CATEGORY_INPUT, "16550A serial port", serial_properties, 0,
     place_serial, build_serial},
    {"isa-parallel", NULL, "ISA", CATEGORY_INPUT, "SPP/PS2/EPP/ECP parallel port with a printer",
     parallel_properties, 0, place_parallel, build_parallel},
    {"isa-debugcon", NULL, "ISA", CATEGORY_MISC, "a port that text is printed by",
     debugcon_properties, 0, needs_chardev, build_debugcon},
    {"isa-debug-exit", NULL, "ISA", CATEGORY_MISC, "a write of V ends ringer with status 2*V+1",
     debug_exit_properties, 0, place_debug_exit, build_debug_exit},
    {"pc-testdev", NULL, "ISA", CATEGORY_MISC, "what kvm-unit-tests need", no_properties, 1, NULL,
     build_testdev},
    {NULL, NULL, NULL, CATEGORY_MISC, NULL, NULL, 0, NULL, NULL},
};
