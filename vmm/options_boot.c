/* -boot and direct boot of kernels. */
#include "vmm/option.h"
#include <string.h>
#include <strings.h>

static bool set_file(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: the file name is empty", self->name);
    *(!strcmp(self->name, "kernel")   ? &o->kernel
      : !strcmp(self->name, "initrd") ? &o->initrd
                                      : &o->firmware.bios) = value;
    return true;
}

static bool set_firmware(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    return !strcmp(self->name, "L") ? firmware_add_dir(&o->firmware, value, err)
                                    : firmware_add_item(&o->firmware, value, err);
}

static const struct property option_rom_properties[] = {
    {"romfile", PROPERTY_STRING, "the file", NULL, 0, 0, NULL},
    {"bootindex", PROPERTY_NUMBER, "when it is booted, 0 first", NULL, 0, 1 << 30, NULL},
    DEVICE_PROPERTIES_END,
};

static bool set_option_rom(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    struct firmware_options *f = &o->firmware;
    struct value v[PROPERTIES_MAX];

    if (!option_properties(o, self, value, "romfile", v, err))
        return false;
    if (!v[0].text || !*v[0].text)
        return error_set(err, "-%s: the file name is empty", self->name);
    if (f->option_roms == OPTION_ROMS)
        return error_set(err, "-%s %s: there may be %d at most", self->name, value, OPTION_ROMS);
    f->option_rom[f->option_roms++] = v[0].text;
    return !v[1].given ||
           options_take_bootindex(o, BOOT_ROM + (int)f->option_roms - 1, (uint32_t)v[1].number,
                                  pool_printf(&o->pool, "-%s %s", self->name, value), err);
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

    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdn", letters[i]) || strchr(letters + i + 1, letters[i]))
            return false;
    strcpy(out, letters);
    return true;
}

static bool reboot_timeout(const char *text, uint32_t *ms_plus_one)
{
    uint64_t n;

    if (!strcmp(text, "-1")) {
        *ms_plus_one = 0;
        return true;
    }
    if (!parse_uint(text, &n) || n > 65535)
        return false;
    *ms_plus_one = (uint32_t)n + 1;
    return true;
}

static bool set_boot(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    static const char right[] = "LETTERS, order=LETTERS or once=LETTERS, of a (floppy), c (hard "
                                "disk), d (CD), n (network), each at most once; "
                                "menu=on|off, strict=on|off, splash=PICTURE, "
                                "splash-time=MILLISECONDS (to 65535), "
                                "reboot-timeout=MILLISECONDS (to 65535, -1: never)";
    const char *list = value, *key, *text;
    uint64_t n;

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "boot", NULL);
    for (bool first = true; property_next(&o->pool, &list, &key, &text); first = false) {
        bool ok = false;
        if (first && !text) { /* "order=" may be left out */
            text = key;
            key = "order";
        }
        if (text && !strcmp(key, "order"))
            ok = boot_letters(o->boot_order, text);
        else if (text && !strcmp(key, "once"))
            ok = boot_letters(o->boot_once, text);
        else if (text && !strcmp(key, "menu"))
            ok = parse_switch(text, &o->boot_menu);
        else if (text && !strcmp(key, "strict"))
            ok = parse_switch(text, &o->boot_strict);
        else if (text && !strcmp(key, "splash-time") && parse_uint(text, &n) && n <= 65535) {
            o->boot_splash_ms = (uint32_t)n;
            ok = true;
        }
        if (text && !strcmp(key, "splash") && *text) { /* a picture for firmware that shows it */
            size_t len = strlen(text);
            bool bmp = len > 4 && !strcasecmp(text + len - 4, ".bmp");
            ok = true;
            if (!firmware_add_item(&o->firmware,
                                   pool_printf(&o->pool, "name=bootsplash.%s,file=%s",
                                               bmp ? "bmp" : "jpg", option_escape(o, text)),
                                   err))
                return false;
        }
        if (text && !strcmp(key, "reboot-timeout"))
            ok = reboot_timeout(text, &o->reboot_ms);
        if (!ok)
            return option_bad(err, self, value, right);
    }
    return true;
}

const struct option options_boot[] = {
    {"kernel", "FILE", "boot this Linux (bzImage) or Multiboot kernel", set_file, NULL},
    {"initrd", "FILE", "initial RAM disk; for Multiboot a list of modules", set_file, NULL},
    {"append", "TEXT", "the kernel's command line", set_append, NULL},
    {"boot", "ORDER",
     "[order=]LETTERS, once=LETTERS (a floppy, c hard disk, d CD), menu=on, strict=on, "
     "splash-time=MS, reboot-timeout=MS",
     set_boot, NULL},
    {"bios", "FILE", "this ROM instead of ringer's own BIOS", set_file, NULL},
    {"option-rom", "FILE", "an option ROM, initialised before anything is booted", set_option_rom,
     option_rom_properties},
    {"L", "DIR", "look for ROMs in this folder, too", set_firmware, NULL},
    {"fw_cfg", "ITEM", "[name=]NAME,file=PATH|string=TEXT: a file for firmware and guest",
     set_firmware, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
