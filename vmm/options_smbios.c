/* -smbios: what the machine tells of itself, by which guests recognise their kind (and installers
 * of systems that came with a machine, that machine). */
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 64, FILE_MAX = 2048, TYPES_END = 255 };

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, PROPERTY_STRING, NULL, NULL, 0, 0, NULL                                              \
    }
#define TYPE                                                                                       \
    {                                                                                              \
        "type", PROPERTY_NUMBER, "which structure", NULL, 0, 255, NULL                             \
    }

/* The texts come first, in the order of enum smbios_kind's comments. */
static const struct property bios_properties[] = {
    TEXT("vendor"),
    TEXT("version"),
    TEXT("date"),
    TYPE,
    {"release", PROPERTY_STRING, "MAJOR.MINOR", NULL, 0, 0, NULL},
    {"uefi", PROPERTY_BOOL, NULL, NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};
static const struct property system_properties[] = {
    TEXT("manufacturer"),
    TEXT("product"),
    TEXT("version"),
    TEXT("serial"),
    TEXT("sku"),
    TEXT("family"),
    TYPE,
    TEXT("uuid"),
    DEVICE_PROPERTIES_END,
};
static const struct property board_properties[] = {
    TEXT("manufacturer"),
    TEXT("product"),
    TEXT("version"),
    TEXT("serial"),
    TEXT("asset"),
    TEXT("location"),
    TYPE,
    DEVICE_PROPERTIES_END,
};
static const struct property chassis_properties[] = {
    TEXT("manufacturer"),  TEXT("version"), TEXT("serial"), TEXT("asset"), TEXT("sku"), TYPE,
    DEVICE_PROPERTIES_END,
};
static const struct property processor_properties[] = {
    TEXT("sock_pfx"),
    TEXT("manufacturer"),
    TEXT("version"),
    TEXT("serial"),
    TEXT("asset"),
    TEXT("part"),
    TYPE,
    {"max-speed", PROPERTY_NUMBER, "MHz", NULL, 0, 65535, NULL},
    {"current-speed", PROPERTY_NUMBER, "MHz", NULL, 0, 65535, NULL},
    DEVICE_PROPERTIES_END,
};
static const struct property memory_properties[] = {
    TEXT("loc_pfx"),
    TEXT("bank"),
    TEXT("manufacturer"),
    TEXT("serial"),
    TEXT("asset"),
    TEXT("part"),
    TYPE,
    {"speed", PROPERTY_NUMBER, "MT/s", NULL, 0, 65535, NULL},
    DEVICE_PROPERTIES_END,
};

static const struct kind {
    unsigned type;
    enum smbios_kind kind;
    const struct property *properties;
    unsigned texts;
} kinds[] = {
    {0, SMBIOS_BIOS, bios_properties, 3},           {1, SMBIOS_SYSTEM, system_properties, 6},
    {2, SMBIOS_BOARD, board_properties, 6},         {3, SMBIOS_CHASSIS, chassis_properties, 5},
    {4, SMBIOS_PROCESSOR, processor_properties, 6}, {17, SMBIOS_MEMORY, memory_properties, 6},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool keep_text(struct smbios_config *c, enum smbios_kind kind, unsigned i, const char *text,
                      const char *what, struct error *err)
{
    if (strlen(text) > TEXT_MAX)
        return error_set(err, "%s: '%.30s...' has more than %d characters", what, text, TEXT_MAX);
    c->text[kind][i] = text;
    return true;
}

/* What is no text. */
static bool take_rest(struct options *o, const struct kind *k, const struct value *v,
                      const char *what, struct error *err)
{
    struct smbios_config *c = &o->smbios;
    const struct value *rest = v + k->texts + 1;
    unsigned major, minor;
    char end;

    switch (k->kind) {
    case SMBIOS_BIOS:
        c->uefi = rest[1].number;
        c->has_release = rest[0].given;
        if (rest[0].given && (sscanf(rest[0].text, "%3u.%3u%c", &major, &minor, &end) != 2 ||
                              major > 254 || minor > 254))
            return error_set(err, "%s: release=%s: it is MAJOR.MINOR", what, rest[0].text);
        if (rest[0].given) {
            c->release[0] = (uint8_t)major;
            c->release[1] = (uint8_t)minor;
        }
        return true;
    case SMBIOS_SYSTEM:
        return !rest[0].given || options_apply(o, "uuid", rest[0].text, err);
    case SMBIOS_PROCESSOR:
        c->max_mhz = (uint16_t)rest[0].number;
        c->current_mhz = (uint16_t)rest[1].number;
        return true;
    case SMBIOS_MEMORY:
        c->memory_speed = (uint16_t)rest[0].number;
        return true;
    default:
        return true;
    }
}

static bool take_kind(struct options *o, const struct kind *k, const char *list, const char *what,
                      struct error *err)
{
    struct value v[PROPERTIES_MAX];

    if (!properties_parse(k->properties, v, list, NULL, &o->pool, what, err))
        return false;
    o->smbios.given[k->kind] = true;
    for (unsigned i = 0; i < k->texts; i++)
        if (v[i].given && !keep_text(&o->smbios, k->kind, i, v[i].text, what, err))
            return false;
    return take_rest(o, k, v, what, err);
}

/* Type 11: value=TEXT or path=FILE, each any number of times. */
static bool take_oem(struct options *o, const char *list, const char *what, struct error *err)
{
    struct smbios_config *c = &o->smbios;
    const char *key, *value;
    unsigned n = 0;

    while (n < SMBIOS_TEXTS && c->text[SMBIOS_OEM][n])
        n++;
    while (property_next(&o->pool, &list, &key, &value)) {
        if (!strcmp(key, "type"))
            continue;
        if (!value || (strcmp(key, "value") != 0 && strcmp(key, "path") != 0))
            return error_set(err, "%s: it is type=11,value=TEXT or path=FILE", what);
        if (n == SMBIOS_TEXTS)
            return error_set(err, "%s: there may be %d texts at most", what, SMBIOS_TEXTS);
        if (!strcmp(key, "path")) {
            char *text = pool_alloc(&o->pool, TEXT_MAX + 2);
            FILE *f = fopen(value, "rbe");
            size_t got = f ? fread(text, 1, TEXT_MAX + 1, f) : 0;
            if (f)
                fclose(f);
            if (!f || memchr(text, 0, got))
                return error_set(err, "%s: path=%s: %s", what, value,
                                 f ? "that is no text" : "it cannot be read");
            text[got] = 0;
            value = text;
        }
        if (!keep_text(c, SMBIOS_OEM, n++, value, what, err))
            return false;
    }
    c->given[SMBIOS_OEM] = true;
    return true;
}

/* A structure as it is in memory: four bytes of header, fields, texts, two zeros. */
static bool take_file(struct options *o, const char *path, const char *what, struct error *err)
{
    struct smbios_config *c = &o->smbios;
    uint8_t *data = pool_alloc(&o->pool, FILE_MAX + 3);
    FILE *f = fopen(path, "rbe");
    size_t n = f ? fread(data, 1, FILE_MAX + 1, f) : 0;

    if (f)
        fclose(f);
    if (!f)
        return error_set(err, "%s: it cannot be read", what);
    if (n > FILE_MAX || n < 4 || data[1] < 4 || data[1] > n || data[0] == 127)
        return error_set(err, "%s: that is no SMBIOS structure of at most %d bytes", what,
                         FILE_MAX);
    data[n] = data[n + 1] = 0;
    size_t end = data[1];
    while (end < n && (data[end] || data[end + 1]))
        end++;
    if (end + 2 < n)
        return error_set(err, "%s: there is something behind the structure; one a file", what);
    if (c->files == SMBIOS_FILES)
        return error_set(err, "%s: there may be %d at most", what, SMBIOS_FILES);
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds[i].type == data[0] && c->given[kinds[i].kind])
            return error_set(err, "%s: type=%u has fields already", what, data[0]);
    c->file[c->files++] = (struct smbios_file){data, (uint32_t)end + 2};
    return true;
}

/* ---- types of which there may be many ---- */

/* A structure as it is made: its fields, then its texts. */
struct structure {
    uint8_t data[256];
    size_t len;
    const char *text[2];
    unsigned texts;
};

static void put(struct structure *s, unsigned v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        s->data[s->len++] = (uint8_t)(v >> 8 * i);
}

static bool put_text(struct structure *s, const char *text, const char *what, struct error *err)
{
    if (text && strlen(text) > TEXT_MAX)
        return error_set(err, "%s: '%.30s...' has more than %d characters", what, text, TEXT_MAX);
    if (text && *text)
        s->text[s->texts++] = text;
    put(s, text && *text ? s->texts : 0, 1);
    return true;
}

static bool finish(struct options *o, struct structure *s, const char *what, struct error *err)
{
    struct smbios_config *c = &o->smbios;

    if (c->files == SMBIOS_FILES)
        return error_set(err, "%s: there may be %d at most", what, SMBIOS_FILES);
    s->data[1] = (uint8_t)s->len;
    for (unsigned i = 0; i < s->texts; i++) {
        size_t n = strlen(s->text[i]) + 1;
        memcpy(s->data + s->len, s->text[i], n);
        s->len += n;
    }
    s->data[s->len++] = 0;
    if (!s->texts)
        s->data[s->len++] = 0;
    uint8_t *data = pool_alloc(&o->pool, s->len);
    memcpy(data, s->data, s->len);
    c->file[c->files++] = (struct smbios_file){data, (uint32_t)s->len};
    return true;
}

static void begin(struct structure *s, struct options *o, unsigned type, unsigned handle)
{
    *s = (struct structure){.len = 0};
    put(s, type, 2); /* the length comes at the end */
    put(s, handle + o->smbios.files, 2);
}

static const struct property port_properties[] = {
    TYPE,
    TEXT("internal_reference"),
    TEXT("external_reference"),
    {"connector_type", PROPERTY_NUMBER, "of the outside, DSP0134 table 40", NULL, 0, 255, NULL},
    {"port_type", PROPERTY_NUMBER, "table 41", NULL, 0, 255, NULL},
    DEVICE_PROPERTIES_END,
};

/* Type 8: a connector (7.9). */
static bool take_port(struct options *o, const char *list, const char *what, struct error *err)
{
    struct value v[PROPERTIES_MAX];
    struct structure s;

    if (!properties_parse(port_properties, v, list, NULL, &o->pool, what, err))
        return false;
    begin(&s, o, 8, 0x800);
    if (!put_text(&s, v[1].text, what, err))
        return false;
    put(&s, 0, 1); /* nothing is plugged in inside */
    if (!put_text(&s, v[2].text, what, err))
        return false;
    put(&s, (unsigned)v[3].number, 1);
    put(&s, (unsigned)v[4].number, 1);
    return finish(o, &s, what, err);
}

static const struct property onboard_properties[] = {
    TYPE,
    TEXT("designation"),
    {"kind", PROPERTY_CHOICE, "what it is", NULL, 0, 0,
     "other|unknown|video|scsi|ethernet|tokenring|sound|pata|sata|sas"},
    {"instance", PROPERTY_NUMBER, "which of its kind", NULL, 0, 255, NULL},
    {"pcidev", PROPERTY_STRING, "the id of its -device", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};
enum { ONBOARD_ADDRESS = 7 }; /* segment, bus, device and function in a structure of type 41 */

/* Type 41: a device on the board (7.42). */
static bool take_onboard(struct options *o, const char *list, const char *what, struct error *err)
{
    struct value v[PROPERTIES_MAX];
    struct structure s;

    if (!properties_parse(onboard_properties, v, list, NULL, &o->pool, what, err))
        return false;
    if (!v[2].given)
        return error_set(err, "%s: it needs kind=other, video, ethernet, sound, ...", what);
    begin(&s, o, 41, 0x2900);
    if (!put_text(&s, v[1].text, what, err))
        return false;
    put(&s, 0x80 | (unsigned)(v[2].number + 1), 1); /* enabled */
    put(&s, (unsigned)v[3].number, 1);
    put(&s, 0xFFFFFFFF, 4); /* not on a PCI bus */
    if (!finish(o, &s, what, err))
        return false;
    o->onboard[o->smbios.files - 1] = v[4].text;
    return true;
}

bool options_place_onboard(struct options *o, struct error *err)
{
    for (unsigned i = 0; i < o->smbios.files; i++) {
        int devfn = o->onboard[i] ? options_pci_devfn(o, o->onboard[i]) : 0;
        uint8_t *data = (uint8_t *)o->smbios.file[i].data; /* the pool's, see finish() */

        if (devfn < 0)
            return error_set(err, "-smbios type=41,pcidev=%s: there is no PCI device of that id",
                             o->onboard[i]);
        if (o->onboard[i]) {
            memset(data + ONBOARD_ADDRESS, 0, 3);
            data[ONBOARD_ADDRESS + 3] = (uint8_t)devfn;
        }
    }
    return true;
}

static bool set_smbios(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    const char *what = pool_printf(&o->pool, "-%s %.200s", self->name, value);
    const char *list = value, *key, *text;
    uint64_t type = TYPES_END;

    while (property_next(&o->pool, &list, &key, &text)) {
        if (text && !strcmp(key, "file"))
            return take_file(o, text, what, err);
        if (text && !strcmp(key, "type") && !parse_uint(text, &type))
            type = TYPES_END;
    }
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds[i].type == type)
            return take_kind(o, &kinds[i], value, what, err);
    if (type == 11)
        return take_oem(o, value, what, err);
    if (type == 8)
        return take_port(o, value, what, err);
    if (type == 41)
        return take_onboard(o, value, what, err);
    return error_set(
        err, "%s: it is file=FILE, or type=0, 1, 2, 3, 4, 8, 11, 17 or 41 with its fields", what);
}

const struct option options_smbios[] = {
    {"smbios", "type=N,...|file=FILE",
     "what SMBIOS says: type=0 (BIOS), 1 (system), 2 (board), 3, 4, 8, 11, 17, 41", set_smbios,
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
