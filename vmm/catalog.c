#include "vmm/catalog.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct device_model *const tables[] = {catalog_isa, catalog_drive, catalog_pci,
                                                  catalog_sound,
                                                    catalog_vga};

const struct device_model *catalog_model(unsigned i)
{
    for (unsigned t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct device_model *p = tables[t]; p->name; p++)
            if (i-- == 0)
                return p;
    return NULL;
}

const struct device_model *catalog_find(const char *name)
{
    const struct device_model *p;

    for (unsigned i = 0; (p = catalog_model(i)); i++)
        if (!strcmp(p->name, name) || (p->alias && !strcmp(p->alias, name)))
            return p;
    return NULL;
}

/* ---- help ---- */

static void one_help(const struct device_model *m, void (*line)(void *opaque, const char *text),
                     void *opaque)
{
    char text[200];

    snprintf(text, sizeof text, "%s options:", m->name);
    line(opaque, text);
    properties_help(m->properties, line, opaque);
}

void catalog_help(const struct device_model *model, void (*line)(void *opaque, const char *text),
                  void *opaque)
{
    static const char *const headings[] = {
        "Input devices:", "Storage devices:", "Display devices:", "Sound devices:",
        "Misc devices:"};
    const struct device_model *p;
    char text[300], alias[60] = "";

    if (model) {
        one_help(model, line, opaque);
        return;
    }
    for (int c = CATEGORY_INPUT; c <= CATEGORY_MISC; c++) {
        bool begun = false;
        for (unsigned i = 0; (p = catalog_model(i)); i++) {
            if ((int)p->category != c)
                continue;
            if (!begun)
                line(opaque, headings[c]);
            begun = true;
            alias[0] = 0;
            if (p->alias)
                snprintf(alias, sizeof alias, ", alias \"%s\"", p->alias);
            snprintf(text, sizeof text, "name \"%s\", bus %s%s, desc \"%s\"", p->name, p->bus,
                     alias, p->description);
            line(opaque, text);
        }
    }
}

/* ---- values ---- */

uint64_t device_number(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->number;
}

const char *device_text(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->text;
}

bool device_given(const struct device_option *d, const char *property)
{
    return property_value(d->model->properties, d->values, property)->given;
}

void device_settle(struct device_option *d, const char *property, uint64_t value)
{
    const struct value *v = property_value(d->model->properties, d->values, property);

    d->values[v - d->values].number = value;
}

bool device_has(const struct device_model *model, const char *property)
{
    for (const struct property *p = model->properties; p->type != PROPERTY_END; p++)
        if (!strcmp(p->name, property))
            return true;
    return false;
}
