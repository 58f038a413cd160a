/* -m, -machine, -smp, -rtc and other properties of the whole machine; -cpu. */
#define _GNU_SOURCE /* strptime, timegm, strchrnul */
#include "cpu/model.h"
#include "vmm/option.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool set_memory(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    const uint64_t min = 1u << 20, max = 3584ull << 20;
    const char *list = value, *key, *text, *size = "";
    uint64_t most = 0, n;
    bool ok = true;

    for (bool first = true; property_next(&o->pool, &list, &key, &text); first = false) {
        if ((first && !text) || (text && !strcmp(key, "size")))
            size = text ? text : key;
        else if (text && !strcmp(key, "maxmem")) /* for memory that is plugged in later */
            ok &= parse_size(text, 1u << 20, &most);
        else
            ok &= text && !strcmp(key, "slots") && parse_uint(text, &n);
    }
    if (!ok || !parse_size(size, 1u << 20, &o->ram_bytes) || o->ram_bytes < min ||
        o->ram_bytes > max || (most && most < o->ram_bytes))
        return error_set(err, "-%s %s: not a memory size; it is 1M to 3584M, as in 128, 256M or 2G",
                         self->name, value);
    o->ram_bytes &= ~(uint64_t)(PAGE_SIZE - 1);
    return true;
}

/* ---- -cpu ---- */

static const char *nth_feature(void *opaque, unsigned i)
{
    (void)opaque;
    return cpu_feature_name(i);
}

/* What the CPU says of itself, beside its features. */
static bool is_identity(const char *key)
{
    static const char *const names[] = {"family", "model", "stepping", "level", "model-id", NULL};

    return option_among(key, names);
}

/* Leaf 1's EAX is made of family, model and stepping (SDM, CPUID). */
static bool set_identity(struct cpu_model *model, const char *key, const char *value,
                         const char *what, struct error *err)
{
    uint32_t *s = &model->signature;
    uint64_t n = 0;

    if (!strcmp(key, "model-id")) {
        model->brand = value;
        return strlen(value) < 48 ||
               error_set(err, "%s: model-id: it has 47 characters at most", what);
    }
    uint64_t most = !strcmp(key, "stepping") ? 15 : !strcmp(key, "family") ? 255 + 15 : 255;
    if (!parse_uint(value, &n) || n > most)
        return error_set(err, "%s: %s=%s: it is a number from 0 to %u", what, key, value,
                         (unsigned)most);
    if (!strcmp(key, "stepping"))
        *s = (*s & ~0xFu) | (uint32_t)n;
    else if (!strcmp(key, "model"))
        *s = (*s & ~0xF00F0u) | (uint32_t)((n & 15) << 4 | (n >> 4) << 16);
    else if (!strcmp(key, "family"))
        *s = (*s & ~0x0FF00F00u) | (uint32_t)(n > 15 ? 0xF00 | (n - 15) << 20 : n << 8);
    else
        model->max_leaf = model->max_leaf < n ? model->max_leaf : (uint32_t)n;
    return true;
}

/* What QEMU's CPUs tell of hypervisors, and these do not. */
static bool is_never(const char *name)
{
    return !strcmp(name, "hypervisor") || !strcmp(name, "kvm") || !strncmp(name, "hv-", 3) ||
           !strncmp(name, "hv_", 3) || !strcmp(name, "vmx") || !strcmp(name, "svm");
}

/* +NAME, -NAME, NAME=on|off, and what QEMU has besides. */
static bool set_feature(struct cpu_model *model, const char *key, const char *value,
                        const char *what, struct error *err)
{
    bool on = *key != '-';
    const char *name = *key == '+' || *key == '-' ? key + 1 : key;

    if (value && !strcmp(key, "vendor"))
        return !strcmp(value, "GenuineIntel") ||
               error_set(err, "%s: vendor=%s: it is GenuineIntel", what, value);
    if (value && is_identity(key))
        return set_identity(model, key, value, what, err);
    if (!value && name == key && strcmp(key, "check") && strcmp(key, "enforce"))
        return error_set(err, "%s: '%s': a feature is switched by +%s, -%s or %s=on|off", what, key,
                         key, key, key);
    if (value && !parse_switch(value, &on))
        return error_set(err, "%s: %s=%s: it is on or off", what, key, value);
    if (!strcmp(name, "check") || !strcmp(name, "enforce") || !strcmp(name, "migratable") ||
        (!on && is_never(name)) || cpu_model_switch(model, name, on))
        return true;
    const char *near = nearest_name(name, nth_feature, NULL);
    return error_set(err, "%s: there is no feature '%s'%s%s%s", what, name,
                     near ? "; is " : "; -cpu help lists them", near ? near : "",
                     near ? " meant?" : "");
}

static bool set_cpu(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    const char *list = value, *key, *text, *what = pool_printf(&o->pool, "-cpu %s", value);

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "cpu", NULL);
    const struct cpu_model *model =
        property_next(&o->pool, &list, &key, &text) && !text ? cpu_model_find(key) : NULL;
    if (!model)
        return option_bad(err, self, value, cpu_model_names());
    o->model = model;
    if (!*list)
        return true;
    struct cpu_model *changed = pool_alloc(&o->pool, sizeof *changed);
    *changed = *model;
    while (property_next(&o->pool, &list, &key, &text))
        if (!set_feature(changed, key, text, what, err))
            return false;
    o->model = changed;
    return true;
}

/* ---- -machine, -accel, -smp ---- */

static const struct property machine_properties[] = {
    {"type", PROPERTY_STRING, "pc: i440FX and PIIX", NULL, 0, 0, NULL},
    {"accel", PROPERTY_STRING, "tcg or ringer: the one there is", NULL, 0, 0, NULL},
    {"acpi", PROPERTY_CHOICE, NULL, "on", 0, 0, "on|off|auto"},
    {"hpet", PROPERTY_BOOL, NULL, "on", 0, 0, NULL},
    {"graphics", PROPERTY_BOOL, "off: no display", "on", 0, 0, NULL},
    {"pcspk-audiodev", PROPERTY_STRING, "the PC speaker's -audiodev (the first one)", NULL, 0, 0,
     NULL},
    {"usb", PROPERTY_CHOICE, "there is no USB", "off", 0, 0, "off"},
    {"vmport", PROPERTY_CHOICE, "VMware's port and pointer", "auto", 0, 0, "on|auto|off"},
    {"smm", PROPERTY_CHOICE, "there is no SMM", "off", 0, 0, "off|auto"},
    {"i8042", PROPERTY_CHOICE, NULL, "on", 0, 0, "on"},
    {"sata", PROPERTY_CHOICE, NULL, "off", 0, 0, "off"},
    {"pit", PROPERTY_CHOICE, NULL, "on", 0, 0, "on"},
    {"pic", PROPERTY_CHOICE, NULL, "on", 0, 0, "on|auto"},
    {"smbus", PROPERTY_CHOICE, NULL, "on", 0, 0, "on"},
    {"nvdimm", PROPERTY_CHOICE, NULL, "off", 0, 0, "off"},
    {"mem-merge", PROPERTY_BOOL, "as the host has it", NULL, 0, 0, NULL},
    {"memory-backend", PROPERTY_STRING, "id of an -object memory-backend-ram", NULL, 0, 0, NULL},
    {"dump-guest-core", PROPERTY_BOOL, "as the host has it", NULL, 0, 0, NULL},
    {"kernel-irqchip", PROPERTY_CHOICE, "KVM's", "off", 0, 0, "off"},
    {"kernel_irqchip", PROPERTY_CHOICE, "the same, as it used to be written", "off", 0, 0, "off"},
    {"suppress-vmdesc", PROPERTY_BOOL, "of migration, which is not", NULL, 0, 0, NULL},
    {"smbios-entry-point-type", PROPERTY_CHOICE, NULL, "32", 0, 0, "32|auto"},
    {"kernel", PROPERTY_STRING, "as -kernel", NULL, 0, 0, NULL},
    {"initrd", PROPERTY_STRING, "as -initrd", NULL, 0, 0, NULL},
    {"append", PROPERTY_STRING, "as -append", NULL, 0, 0, NULL},
    {"firmware", PROPERTY_STRING, "as -bios", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static const char *machine_text(const struct value *values, const char *name)
{
    const struct value *v = property_value(machine_properties, values, name);

    return v->given ? v->text : NULL;
}

/* "kvm:tcg" names what is tried in turn. */
static void note_accel(struct options *o, const char *names, const char *what)
{
    o->accel = what;
    while (*names) {
        size_t len = strcspn(names, ":");
        o->accel_ok |=
            (len == 3 && !memcmp(names, "tcg", 3)) || (len == 6 && !memcmp(names, "ringer", 6));
        names += len + (names[len] == ':');
    }
}

static bool is_pc(const char *type)
{
    return !strcmp(type, "pc") || !strncmp(type, "pc-i440fx-", 10);
}

static bool set_machine(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    struct value values[PROPERTIES_MAX];
    const char *what = pool_printf(&o->pool, "-%s %s", self->name, value), *text;

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "machine", NULL);
    if (!option_properties(o, self, value, "type", values, err))
        return false;
    text = machine_text(values, "type");
    if (text && !strcmp(text, "none")) /* for programs that start it only to ask what there is */
        o->start_stopped = o->nodefaults = true;
    else if (text && !is_pc(text))
        return error_set(err, "%s: ringer has no machine '%s'; it is pc (i440FX and PIIX)", what,
                         text);
    if ((text = machine_text(values, "accel")))
        note_accel(o, text, what);
    if ((text = machine_text(values, "pcspk-audiodev")))
        o->pcspk_audiodev = text;
    o->no_acpi |= (text = machine_text(values, "acpi")) && !strcmp(text, "off");
    o->no_vmport |= (text = machine_text(values, "vmport")) && !strcmp(text, "off");
    o->no_hpet |= !property_value(machine_properties, values, "hpet")->number;
    o->no_graphics |= !property_value(machine_properties, values, "graphics")->number;
    if (o->no_graphics && o->display == DISPLAY_DEFAULT)
        o->display = DISPLAY_NONE;
    if ((text = machine_text(values, "memory-backend")))
        o->memory_backend = text;
    o->kernel = (text = machine_text(values, "kernel")) ? text : o->kernel;
    o->initrd = (text = machine_text(values, "initrd")) ? text : o->initrd;
    o->append = (text = machine_text(values, "append")) ? text : o->append;
    o->firmware.bios = (text = machine_text(values, "firmware")) ? text : o->firmware.bios;
    return true;
}

static const struct property accel_properties[] = {
    {"accel", PROPERTY_STRING, "tcg or ringer: the one there is", NULL, 0, 0, NULL},
    {"thread", PROPERTY_CHOICE, "there is one processor", NULL, 0, 0, "single|multi"},
    {"tb-size", PROPERTY_NUMBER, "size of the code cache in MiB", NULL, 1, 256, NULL},
    {"one-insn-per-tb", PROPERTY_BOOL, "as -translator max-insns=1", NULL, 0, 0, NULL},
    {"split-wx", PROPERTY_BOOL, "code is never writable and executable", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static bool set_accel(struct options *o, const struct option *self, const char *value,
                      struct error *err)
{
    struct value values[PROPERTIES_MAX];
    size_t len = strcspn(value, ",");
    const char *name = pool_text(&o->pool, value, len);

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "accel", NULL);
    note_accel(o, strncmp(name, "accel=", 6) ? name : name + 6,
               pool_printf(&o->pool, "-accel %s", value));
    if (strcmp(name, "tcg") && strcmp(name, "ringer"))
        return true; /* judged when all are known: another may be named after it */
    if (!option_properties(o, self, value, "accel", values, err))
        return false;
    if (values[2].given)
        o->translator.cache_bytes = (uint32_t)values[2].number << 20;
    if (values[3].number)
        o->translator.max_insns = 1;
    return true;
}

static const struct property smp_properties[] = {
    {"cpus", PROPERTY_NUMBER, "one", NULL, 1, 1, NULL},
    {"maxcpus", PROPERTY_NUMBER, "of which one is there", NULL, 1, 255, NULL},
    {"sockets", PROPERTY_NUMBER, "one, or up to maxcpus", NULL, 1, 255, NULL},
    {"dies", PROPERTY_NUMBER, "one, or up to maxcpus", NULL, 1, 255, NULL},
    {"clusters", PROPERTY_NUMBER, "one, or up to maxcpus", NULL, 1, 255, NULL},
    {"cores", PROPERTY_NUMBER, "one, or up to maxcpus", NULL, 1, 255, NULL},
    {"threads", PROPERTY_NUMBER, "one, or up to maxcpus", NULL, 1, 255, NULL},
    DEVICE_PROPERTIES_END,
};

static bool set_smp(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct value values[PROPERTIES_MAX];
    struct error why = {""};

    /* Without cpus= there are as many as the rest says; places beyond that stay empty. */
    uint64_t product = 1;
    if (!option_properties(o, self, value, "cpus", values, &why))
        product = 0;
    else if (!values[0].given)
        for (unsigned i = 1; smp_properties[i].name; i++)
            product *= i > 1 && values[1].given ? 1 : values[i].given ? values[i].number : 1;
    if (product == 1)
        return true;
    return error_set(err, "-smp %s: there is one processor; it is -smp 1, with one of everything",
                     value);
}

/* ---- -rtc, -uuid ---- */

static const struct property rtc_properties[] = {
    {"base", PROPERTY_STRING, "utc, localtime or YYYY-MM-DD[THH:MM:SS]", NULL, 0, 0, NULL},
    {"clock", PROPERTY_CHOICE, "vm: it stands while the machine is stopped", "host", 0, 0,
     "host|rt|vm"},
    {"driftfix", PROPERTY_CHOICE, "late interrupts are not made up for", NULL, 0, 0, "none|slew"},
    DEVICE_PROPERTIES_END,
};

static bool rtc_base(const char *base, int64_t *epoch)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"};
    time_t now = time(NULL);
    struct tm tm;

    *epoch = now;
    if (!strcmp(base, "utc"))
        return true;
    if (!strcmp(base, "localtime")) {
        localtime_r(&now, &tm);
        *epoch = timegm(&tm);
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        memset(&tm, 0, sizeof tm);
        const char *end = strptime(base, formats[i], &tm);
        *epoch = timegm(&tm);
        if (end && !*end)
            return true;
    }
    return false;
}

static bool set_rtc(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, NULL, values, err))
        return false;
    o->rtc_vm = values[1].number == 2;
    return !values[0].text || rtc_base(values[0].text, &o->rtc_epoch) ||
           option_bad(err, self, value, "base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]");
}

static bool set_uuid(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    static const char form[] = "01234567-0123-0123-0123-0123456789ab";
    unsigned n = 0;

    for (size_t i = 0; i < sizeof form; i++) {
        bool dash = form[i] == '-', end = !form[i];
        if (end ? value[i] : dash ? value[i] != '-' : !isxdigit((unsigned char)value[i]))
            return option_bad(err, self, value, "as 12345678-1234-1234-1234-123456789abc");
        if (dash || end)
            continue;
        int digit = isdigit((unsigned char)value[i]) ? value[i] - '0'
                                                     : tolower((unsigned char)value[i]) - 'a' + 10;
        o->uuid[n / 2] = (uint8_t)(o->uuid[n / 2] << 4 | digit);
        n++;
    }
    o->uuid_text = value;
    return true;
}

/* ---- how it ends ---- */

static const struct property action_properties[] = {
    {"reboot", PROPERTY_CHOICE, "shutdown: as -no-reboot", NULL, 0, 0, "reset|shutdown"},
    {"shutdown", PROPERTY_CHOICE, "pause: as -no-shutdown", NULL, 0, 0, "poweroff|pause"},
    {"panic", PROPERTY_CHOICE, "nobody tells of panics here", NULL, 0, 0,
     "pause|shutdown|exit-failure|none"},
    {"watchdog", PROPERTY_CHOICE, "there is none", NULL, 0, 0,
     "reset|shutdown|poweroff|inject-nmi|pause|debug|none"},
    DEVICE_PROPERTIES_END,
};

static bool set_action(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, NULL, values, err))
        return false;
    if (values[0].given)
        o->no_reboot = values[0].number;
    if (values[1].given)
        o->no_shutdown = values[1].number;
    return true;
}

static bool set_flag(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const struct {
        const char *name;
        bool *where;
    } flags[] = {
        {"no-reboot", &o->no_reboot}, {"no-shutdown", &o->no_shutdown}, {"S", &o->start_stopped},
        {"no-acpi", &o->no_acpi},     {"no-hpet", &o->no_hpet},
    };

    (void)value;
    (void)err;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(self->name, flags[i].name))
            *flags[i].where = true;
    return true;
}

static bool set_none(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    (void)o;
    return !strcmp(value, "none") ||
           error_set(err, "-%s %s: ringer has no network cards yet; it is -%s none", self->name,
                     value, self->name);
}

const struct option options_machine[] = {
    {"machine", "pc[,...]", "the board, i440FX and PIIX; -machine pc,help lists its properties",
     set_machine, machine_properties},
    {"M", "pc[,...]", NULL, set_machine, machine_properties},
    {"accel", "tcg", "ringer's translator: there is no other", set_accel, accel_properties},
    {"m", "SIZE", "guest memory, 1M to 3584M (default 128M)", set_memory, NULL},
    {"cpu", "MODEL,...", "processor (default max) with +FEATURE, -FEATURE; -cpu help lists them",
     set_cpu, NULL},
    {"smp", "1", "one processor", set_smp, smp_properties},
    {"rtc", "base=BASE", "utc, localtime or a date, as 2001-02-03T04:05:06", set_rtc,
     rtc_properties},
    {"uuid", "UUID", "the machine's, in SMBIOS", set_uuid, NULL},
    {"no-reboot", NULL, "end instead of rebooting", set_flag, NULL},
    {"no-shutdown", NULL, "stop instead of ending when the guest powers off", set_flag, NULL},
    {"action", "EVENT=ACTION", "reboot=reset|shutdown, shutdown=poweroff|pause", set_action,
     action_properties},
    {"S", NULL, "start stopped; the monitor's cont goes on", set_flag, NULL},
    {"no-acpi", NULL, "leave out ACPI: its tables and power management", set_flag, NULL},
    {"no-hpet", NULL, "leave out the HPET", set_flag, NULL},
    {"net", "none", NULL, set_none, NULL},
    {"nic", "none", NULL, set_none, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
