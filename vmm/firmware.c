#include "vmm/firmware.h"
#include "bios/bios.h"
#include "bios/file.h"
#include "devices/fw_cfg.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEM_MAX = 64 << 20, VGA_ROM_MAX = 1 << 20, OPTION_ROM_MAX = 1 << 20, PATH_ROOM = 4096 };

static const char vga_bios[] = "vgabios-stdvga.bin";

bool firmware_add_dir(struct firmware_options *o, const char *dir, struct error *err)
{
    if (o->dir_count == FIRMWARE_DIRS)
        return error_set(err, "-L %s: more than %d folders", dir, FIRMWARE_DIRS);
    o->dirs[o->dir_count++] = dir;
    return true;
}

bool firmware_add_item(struct firmware_options *o, const char *value, struct error *err)
{
    if (o->item_count == FIRMWARE_ITEMS)
        return error_set(err, "-fw_cfg %s: more than %d items", value, FIRMWARE_ITEMS);
    o->items[o->item_count++] = value;
    return true;
}

/* ---- finding ---- */

static bool there(char *path, const char *dir, size_t dir_len, const char *name)
{
    int n = snprintf(path, PATH_ROOM, "%.*s/%s", (int)dir_len, dir, name);

    return n > 0 && n < PATH_ROOM && access(path, R_OK) == 0;
}

/* The file NAME in the folder of BESIDE (may be NULL), those of -L, those of the system. */
static bool find(char *path, const struct firmware_options *o, const char *beside, const char *name)
{
    static const char *const usual[] = {"/usr/share/ringer", "/usr/share/seabios",
                                        "/usr/share/vgabios", "/usr/share/qemu",
                                        "/usr/local/share/qemu"};
    const char *slash = beside ? strrchr(beside, '/') : NULL;

    if (beside && there(path, slash ? beside : ".", slash ? (size_t)(slash - beside) : 1, name))
        return true;
    for (unsigned i = 0; i < o->dir_count; i++)
        if (there(path, o->dirs[i], strlen(o->dirs[i]), name))
            return true;
    for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
        if (there(path, usual[i], strlen(usual[i]), name))
            return true;
    return false;
}

/* The path as given, or, where that is no file, as found in the folders. */
static const char *locate(char *path, const struct firmware_options *o, const char *name)
{
    if (access(name, F_OK) != 0 && !strchr(name, '/') && find(path, o, NULL, name))
        return path;
    return name;
}

/* ---- reading ---- */

static bool read_blob(struct firmware_blob *b, const char *path, const char *what, uint32_t max,
                      struct error *err)
{
    struct file f;
    bool ok;

    if (!file_open(&f, path, what, err))
        return false;
    if (f.size > max) {
        ok = error_set(err, "the %s '%s' has %llu bytes; %u are the most", what, path,
                       (unsigned long long)f.size, max);
    } else {
        b->data = malloc(f.size);
        b->len = (uint32_t)f.size;
        ok = b->data && file_read(&f, 0, b->data, f.size);
        if (!ok)
            error_set(err, "cannot read the %s '%s'", what, path);
    }
    file_close(&f);
    return ok;
}

/* Without a name of its own the VGA BIOS is the one beside the foreign BIOS, or else ours. */
static bool open_vga(struct firmware *f, const struct firmware_options *o, const char *bios,
                     struct error *err)
{
    char path[PATH_ROOM];

    f->no_vga_rom = o->vga_rom && !*o->vga_rom;
    if (f->no_vga_rom || (o->vga_rom && !strcmp(o->vga_rom, "builtin")))
        return true;
    if (o->vga_rom)
        return read_blob(&f->vga_rom, locate(path, o, o->vga_rom), "VGA ROM", VGA_ROM_MAX, err);
    if (!bios || o->no_vga || !find(path, o, bios, vga_bios))
        return true;
    return read_blob(&f->vga_rom, path, "VGA ROM", VGA_ROM_MAX, err);
}

/* 55h AAh, the length in units of 512 bytes, and a sum of zero. */
static bool is_option_rom(const struct firmware_blob *b)
{
    uint8_t sum = 0;

    if (b->len < 512 || b->data[0] != 0x55 || b->data[1] != 0xAA || !b->data[2] ||
        b->data[2] * 512u > b->len)
        return false;
    for (uint32_t i = 0; i < b->data[2] * 512u; i++)
        sum += b->data[i];
    return sum == 0;
}

static bool open_option_rom(struct firmware *f, const struct firmware_options *o, const char *name,
                            struct error *err)
{
    char path[PATH_ROOM];
    struct firmware_blob *b = &f->option_rom[f->option_roms++];
    const char *slash = strrchr(name, '/');

    f->option_name[f->option_roms - 1] = slash ? slash + 1 : name;
    if (!read_blob(b, locate(path, o, name), "option ROM", OPTION_ROM_MAX, err))
        return false;
    if (!is_option_rom(b))
        return error_set(err, "-option-rom %s: that is no option ROM: 55h AAh, its length in "
                         "512 bytes, a sum of zero", name);
    b->len = b->data[2] * 512u;
    return strlen(f->option_name[f->option_roms - 1]) < FW_CFG_NAME - 8 ||
           error_set(err, "-option-rom %s: its name has more than %d characters", name,
                     FW_CFG_NAME - 9);
}

/* [name=]NAME,file=PATH or [name=]NAME,string=TEXT; the text is all that follows. */
static bool open_item(struct firmware *f, const char *value, struct error *err)
{
    static const char right[] =
        "it is [name=]NAME,file=PATH or [name=]NAME,string=TEXT, NAME of at "
        "most 55 characters, as opt/org.example/name";
    struct firmware_blob *blob = &f->item[f->items];
    const char *name = strncmp(value, "name=", 5) ? value : value + 5;
    const char *comma = strchr(name, ','), *source = comma ? comma + 1 : "";
    size_t len = comma ? (size_t)(comma - name) : 0;

    if (!len || len >= FW_CFG_NAME)
        return error_set(err, "-fw_cfg %s: %s", value, right);
    snprintf(f->item_name[f->items++], FW_CFG_NAME, "%.*s", (int)len, name);
    if (!strncmp(source, "file=", 5))
        return read_blob(blob, source + 5, "file of -fw_cfg", ITEM_MAX, err);
    if (strncmp(source, "string=", 7))
        return error_set(err, "-fw_cfg %s: %s", value, right);
    blob->len = (uint32_t)strlen(source + 7);
    blob->data = (uint8_t *)strdup(source + 7);
    return blob->data || error_set(err, "out of memory for -fw_cfg");
}

bool firmware_open(struct firmware *f, const struct firmware_options *o, struct error *err)
{
    char path[PATH_ROOM];
    const char *bios = o->bios ? locate(path, o, o->bios) : NULL;

    memset(f, 0, sizeof *f);
    if (bios && (!read_blob(&f->bios, bios, "BIOS", UINT32_MAX, err) ||
                 !bios_rom_size_ok(f->bios.len, o->bios, err)))
        return false;
    if (!open_vga(f, o, bios, err))
        return false;
    for (unsigned i = 0; i < o->option_roms; i++)
        if (!open_option_rom(f, o, o->option_rom[i], err))
            return false;
    for (unsigned i = 0; i < o->item_count; i++)
        if (!open_item(f, o->items[i], err))
            return false;
    return true;
}

void firmware_free(struct firmware *f)
{
    free(f->bios.data);
    free(f->vga_rom.data);
    for (unsigned i = 0; i < f->option_roms; i++)
        free(f->option_rom[i].data);
    for (unsigned i = 0; i < f->items; i++)
        free(f->item[i].data);
    memset(f, 0, sizeof *f);
}

bool firmware_install(const struct firmware *f, struct fw_cfg *cfg, struct error *err)
{
    for (unsigned i = 0; i < f->items; i++) {
        if (fw_cfg_has_file(cfg, f->item_name[i]))
            return error_set(err,
                             "-fw_cfg name=%s: there is a file of that name already; take "
                             "one like opt/org.example/name",
                             f->item_name[i]);
        if (!fw_cfg_set_file(cfg, f->item_name[i], f->item[i].data, f->item[i].len))
            return error_set(err, "-fw_cfg name=%s: no room; fw_cfg has %d files", f->item_name[i],
                             FW_CFG_FILES);
    }
    return true;
}
