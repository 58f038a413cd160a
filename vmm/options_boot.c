/* -boot and direct boot of kernels. */
#include "vmm/option.h"
#include <string.h>

static bool set_file(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: the file name is empty", self->name);
    *(!strcmp(self->name, "kernel") ? &o->kernel : &o->initrd) = value;
    return true;
}

static bool set_append(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    (void)self;
    (void)err;
    o->append = value;
    return true;
}

static bool boot_letters(char *out, const char *letters)
{
    size_t n = strlen(letters);

    if (n == 0 || n > 4)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("acdn", letters[i]) || strchr(letters + i + 1, letters[i]))
            return false;
    strcpy(out, letters);
    return true;
}

static bool set_boot(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    static const char right[] = "LETTERS, order=LETTERS or once=LETTERS, of a (floppy), c (hard "
                                "disk), d (CD), n (network), each at most once";
    const char *list = value, *key, *text;
    bool menu;

    if (!strchr(value, '='))
        return boot_letters(o->boot_order, value) || option_bad(err, self, value, right);
    while (property_next(&o->pool, &list, &key, &text)) {
        bool ok = false;
        if (text && !strcmp(key, "order"))
            ok = boot_letters(o->boot_order, text);
        else if (text && !strcmp(key, "once"))
            ok = boot_letters(o->boot_once, text);
        else if (text && (!strcmp(key, "menu") || !strcmp(key, "strict")))
            ok = parse_switch(text, &menu) && !menu;
        if (!ok)
            return option_bad(err, self, value, right);
    }
    return true;
}

const struct option options_boot[] = {
    {"kernel", "FILE", "boot this Linux (bzImage) or Multiboot kernel", set_file, NULL},
    {"initrd", "FILE", "initial RAM disk; for Multiboot a list of modules", set_file, NULL},
    {"append", "TEXT", "the kernel's command line", set_append, NULL},
    {"boot", "ORDER", "[order=]LETTERS, once=LETTERS: a floppy, c hard disk, d CD", set_boot, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
