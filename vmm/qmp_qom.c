/* QEMU's object model, as far as programs ask it what there is: types and their properties (the
 * catalogue of -device, the board's devices, CPU models), the options of the command line, and the
 * machine's few named objects. */
#include "cpu/model.h"
#include "devices/device.h"
#include "vmm/catalog.h"
#include "vmm/options.h"
#include "vmm/qmp_command.h"
#include <stdio.h>
#include <string.h>

/* ---- types ---- */

static void add_type(json_t *list, const char *name, const char *parent, bool abstract)
{
    json_t *type = json_pack("{s:s,s:s}", "name", name, "parent", parent);

    if (abstract)
        json_object_set_new(type, "abstract", json_true());
    json_array_append_new(list, type);
}

static const char *parent_of(const struct device_model *m)
{
    return !strcmp(m->bus, "PCI")   ? "pci-device"
           : !strcmp(m->bus, "ISA") ? "isa-device"
           : !strcmp(m->bus, "IDE") ? "ide-device"
                                    : "device";
}

/* Those of the board, which no -device names, by QEMU's names. */
static const char *const board_types[] = {
    "i440FX-pcihost", "i440FX",  "PIIX3",  "piix3-ide", "PIIX4_PM",    "isa-i8259", "ioapic",
    "apic",           "isa-pit", "hpet",   "i8257",     "mc146818rtc", "i8042",     "isa-fdc",
    "vmport",         "vmmouse", "port92", "isa-pcspk", "fw_cfg_io",
};

/* Of each abstract type the parent. */
static const char *const abstract_types[][2] = {
    {"device", "object"},
    {"machine", "object"},
    {"bus", "object"},
    {"pci-device", "device"},
    {"isa-device", "device"},
    {"ide-device", "device"},
    {"sys-bus-device", "device"},
    {"x86-machine", "machine"},
    {"generic-pc-machine", "x86-machine"},
    {"cpu", "device"},
    {"i386-cpu", "cpu"},
    {"chardev", "object"},
};

static bool list_types(struct qmp_call *c)
{
    const char *wanted = qmp_string(c, "implements", NULL), *name;
    bool abstract = qmp_bool(c, "abstract", false);
    const struct device_model *m;
    char text[80];
    json_t *all = json_array(), *type;
    size_t i;

    for (i = 0; abstract && i < sizeof abstract_types / sizeof *abstract_types; i++)
        add_type(all, abstract_types[i][0], abstract_types[i][1], true);
    for (unsigned n = 0; (m = catalog_model(n)); n++)
        add_type(all, m->name, parent_of(m), false);
    for (i = 0; i < sizeof board_types / sizeof *board_types; i++)
        add_type(all, board_types[i], "device", false);
    for (unsigned n = 0; (name = cpu_model_name(n)); n++) {
        snprintf(text, sizeof text, "%s-i386-cpu", name);
        add_type(all, text, "i386-cpu", false);
    }
    add_type(all, "pc-i440fx-7.2-machine", "generic-pc-machine", false);
    add_type(all, "none-machine", "machine", false);
    add_type(all, "secret", "object", false);
    add_type(all, "tcg-accel", "object", false); /* by which -accel's choice is known */
    c->ret = json_array();
    json_array_foreach(all, i, type)
    {
        const char *parent = json_string_value(json_object_get(type, "parent"));
        name = json_string_value(json_object_get(type, "name"));
        bool is = !wanted || !strcmp(wanted, "object") || !strcmp(wanted, name);
        while (!is && strcmp(parent, "object")) { /* up the line of parents */
            is = !strcmp(wanted, parent);
            size_t k = 0;
            while (strcmp(abstract_types[k][0], parent))
                k++;
            parent = abstract_types[k][1];
        }
        if (is)
            json_array_append(c->ret, type);
    }
    json_decref(all);
    return true;
}

/* ---- properties ---- */

/* QEMU's name for the type of P. */
static const char *type_of(const struct property *p)
{
    static const char *const names[] = {"str", "bool", "uint32", "size", "str"};

    return names[p->type];
}

static json_t *properties_of(const struct property *table)
{
    json_t *out = json_array();

    for (const struct property *p = table; p && p->type != PROPERTY_END; p++) {
        json_t *one = json_pack("{s:s,s:s}", "name", p->name, "type", type_of(p));
        if (p->help)
            json_object_set_new(one, "description", json_string(p->help));
        if (p->standard)
            json_object_set_new(one, "default-value", json_string(p->standard));
        json_array_append_new(out, one);
    }
    return out;
}

static bool no_type(struct qmp_call *c, const char *name)
{
    return qmp_fail(c, "DeviceNotFound", "Device '%.100s' not found", name);
}

static const struct property power_properties[] = {
    {"disable_s3", PROPERTY_NUMBER, "1: the tables do not tell of it", "0", 0, 1, NULL},
    {"disable_s4", PROPERTY_NUMBER, "1: the tables do not tell of it", "0", 0, 1, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool device_properties(struct qmp_call *c)
{
    const char *name = qmp_string(c, "typename", "");
    const struct device_model *m = catalog_find(name);

    /* Guest memory is no object of its own here; libvirt takes for granted that it could be. */
    bool bare = !strncmp(name, "memory-backend-", 15);
    for (size_t i = 0; !m && i < sizeof board_types / sizeof *board_types; i++)
        if (bare || !strcmp(board_types[i], name)) {
            c->ret = properties_of(strcmp(name, "PIIX4_PM") ? NULL : power_properties);
            return true;
        }
    if (!m)
        return no_type(c, name);
    c->ret = properties_of(m->properties);
    return true;
}

/* Of machines and CPUs as well. */
static bool type_properties(struct qmp_call *c)
{
    const char *name = qmp_string(c, "typename", ""), *cpu = strstr(name, "-i386-cpu"), *feature;
    const struct property *table;
    char model[40];

    if (strstr(name, "-machine")) {
        table = options_properties("machine");
        c->ret = properties_of(strcmp(name, "none-machine") ? table : NULL);
        return true;
    }
    snprintf(model, sizeof model, "%.*s", cpu ? (int)(cpu - name) : 0, name);
    if (!cpu || !cpu_model_find(model))
        return device_properties(c);
    c->ret = json_array();
    for (unsigned i = 0; (feature = cpu_feature_name(i)); i++)
        json_array_append_new(c->ret, json_pack("{s:s,s:s}", "name", feature, "type", "bool"));
    return true;
}

/* ---- the command line ---- */

/* The machine's HPET is left out as QEMU 7.2 leaves it out: libvirt 9 takes its presence for that
 * of a machine that has none unless it is asked for. */
static json_t *parameters_of(const struct property *table, const char *group)
{
    static const char *const names[] = {"string", "boolean", "number", "size", "string"};
    json_t *out = json_array();

    for (const struct property *p = table; p && p->type != PROPERTY_END; p++) {
        if (!strcmp(group, "machine") && !strcmp(p->name, "hpet"))
            continue;
        json_t *one = json_pack("{s:s,s:s}", "name", p->name, "type", names[p->type]);
        if (p->help)
            json_object_set_new(one, "help", json_string(p->help));
        if (p->standard)
            json_object_set_new(one, "default", json_string(p->standard));
        json_array_append_new(out, one);
    }
    return out;
}

/* QEMU's groups that are not called as their options are, or have no table here; "": none. */
static const char *group_of(const char *option, bool has_table)
{
    static const char *const names[][2] = {
        {"smp", "smp-opts"},  {"boot", "boot-opts"}, {"m", "memory"},      {"chardev", "chardev"},
        {"device", "device"}, {"fw_cfg", "fw_cfg"},  {"smbios", "smbios"}, {"M", ""},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], option))
            return names[i][1];
    return has_table ? option : "";
}

static bool command_line(struct qmp_call *c)
{
    const char *wanted = qmp_string(c, "option", NULL), *name;
    const struct property *table;

    c->ret = json_array();
    for (unsigned i = 0; (name = options_nth(i, &table)); i++) {
        const char *group = group_of(name, table != NULL);
        if (*group && (!wanted || !strcmp(wanted, group)))
            json_array_append_new(c->ret, json_pack("{s:s,s:o}", "option", group, "parameters",
                                                    parameters_of(table, group)));
    }
    if (wanted && !json_array_size(c->ret))
        return qmp_fail(c, "GenericError", "invalid option name: %.100s", wanted);
    return true;
}

/* ---- objects ---- */

static void add_property(json_t *list, const char *name, const char *type)
{
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", name, "type", type));
}

/* The device that has an id of its own, as /machine/peripheral/ID. */
static const struct device_option *peripheral(struct qmp_call *c, const char *path)
{
    static const char folder[] = "/machine/peripheral/";
    const struct machine_config *m = &c->t->machine->config;

    for (unsigned i = 0; !strncmp(path, folder, sizeof folder - 1) && i < m->device_count; i++)
        if (m->devices[i].id && !strcmp(m->devices[i].id, path + sizeof folder - 1))
            return &m->devices[i];
    return NULL;
}

static bool no_path(struct qmp_call *c, const char *path)
{
    return qmp_fail(c, "DeviceNotFound", "Device '%.100s' not found", path);
}

static bool qom_list(struct qmp_call *c)
{
    static const char *const folders[][3] = {
        {"/", "machine", "child<pc-i440fx-7.2-machine>"},
        {"/machine", "peripheral", "child<container>"},
        {"/machine", "unattached", "child<container>"},
        {"/machine/unattached", "device[0]", "child<i386-cpu>"},
        {"/machine/peripheral", NULL, NULL},
    };
    const struct machine_config *m = &c->t->machine->config;
    const char *path = qmp_string(c, "path", "");
    const struct device_option *d = peripheral(c, path);
    bool known = d != NULL;
    json_t *out = json_array();
    char type[80];

    add_property(out, "type", "string");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (strcmp(folders[i][0], path))
            continue;
        known = true;
        if (folders[i][1])
            add_property(out, folders[i][1], folders[i][2]);
    }
    for (unsigned i = 0; !strcmp(path, "/machine/peripheral") && i < m->device_count; i++) {
        if (!m->devices[i].id)
            continue;
        snprintf(type, sizeof type, "child<%s>", m->devices[i].model->name);
        add_property(out, m->devices[i].id, type);
    }
    for (const struct property *p = d ? d->model->properties : NULL; p && p->type != PROPERTY_END;
         p++)
        add_property(out, p->name, type_of(p));
    if (!known) {
        json_decref(out);
        return no_path(c, path);
    }
    c->ret = out;
    return true;
}

static json_t *value_of(const struct property *p, const struct value *v)
{
    if (p->type == PROPERTY_BOOL)
        return json_boolean(v->number != 0);
    if (p->type == PROPERTY_NUMBER || p->type == PROPERTY_SIZE)
        return json_integer((json_int_t)v->number);
    return json_string(v->text ? v->text : "");
}

static bool qom_get(struct qmp_call *c)
{
    static const char *const types[][2] = {
        {"/", "container"},
        {"/machine", "pc-i440fx-7.2-machine"},
        {"/machine/peripheral", "container"},
        {"/machine/unattached", "container"},
        {"/machine/unattached/device[0]", "i386-cpu"},
    };
    const char *path = qmp_string(c, "path", ""), *name = qmp_string(c, "property", "");
    const struct device_option *d = peripheral(c, path);
    const char *type = d ? d->model->name : NULL;

    for (size_t i = 0; !type && i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i][0], path))
            type = types[i][1];
    if (!type)
        return no_path(c, path);
    if (!strcmp(name, "type")) {
        c->ret = json_string(type);
        return true;
    }
    for (const struct property *p = d ? d->model->properties : NULL; p && p->type != PROPERTY_END;
         p++)
        if (!strcmp(p->name, name)) {
            c->ret = value_of(p, property_value(d->model->properties, d->values, name));
            return true;
        }
    return qmp_fail(c, "GenericError", "Property '%.60s.%.100s' not found", type, name);
}

const struct qmp_command qmp_qom_commands[] = {
    {"qom-list-types", "implements?:str, abstract?:bool", "[ObjectTypeInfo]", list_types},
    {"device-list-properties", "typename:str", "[ObjectPropertyInfo]", device_properties},
    {"qom-list-properties", "typename:str", "[ObjectPropertyInfo]", type_properties},
    {"qom-list", "path:str", "[ObjectPropertyInfo]", qom_list},
    {"qom-get", "path:str, property:str", "any", qom_get},
    {"query-command-line-options", "option?:str", "[CommandLineOptionInfo]", command_line},
    {0},
};
