/* The US layout is vmm/keys.h's, without rows here; others are read from the host's XKB descriptions, whose key codes
 * are Linux's, which for the main block are those of scan code set 1. */
#include "vmm/ui/keysym.h"
#include "vmm/keys.h"
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon.h>

enum { MAX_KEYS = 512, EVDEV = 8, KEY_ALTGR = 0xe038 };

struct row {
    uint32_t sym, unicode;
    uint16_t code;
    uint8_t modifiers;
};

struct keysyms {
    unsigned count;
    struct row rows[MAX_KEYS];
};

/* QEMU's names and XKB's. */
static const struct {
    const char *name, *layout, *variant;
} layouts[] = {
    {"en-us", "us", ""}, {"ar", "ara", ""},   {"bepo", "fr", "bepo"}, {"cz", "cz", ""},
    {"da", "dk", ""},    {"de", "de", ""},    {"de-ch", "ch", ""},    {"en-gb", "gb", ""},
    {"es", "es", ""},    {"et", "ee", ""},    {"fi", "fi", ""},       {"fo", "fo", ""},
    {"fr", "fr", ""},    {"fr-be", "be", ""}, {"fr-ca", "ca", ""},    {"fr-ch", "ch", "fr"},
    {"hr", "hr", ""},    {"hu", "hu", ""},    {"is", "is", ""},       {"it", "it", ""},
    {"ja", "jp", ""},    {"lt", "lt", ""},    {"lv", "lv", ""},       {"mk", "mk", ""},
    {"nl", "nl", ""},    {"no", "no", ""},    {"pl", "pl", ""},       {"pt", "pt", ""},
    {"pt-br", "br", ""}, {"ru", "ru", ""},    {"sl", "si", ""},       {"sv", "se", ""},
    {"th", "th", ""},    {"tr", "tr", ""},
};

enum { LAYOUTS = sizeof layouts / sizeof *layouts };

bool keysyms_known(const char *name)
{
    for (int i = 0; i < LAYOUTS; i++)
        if (!strcmp(layouts[i].name, name))
            return true;
    return false;
}

const char *keysyms_names(void)
{
    return "en-us, ar, bepo, cz, da, de, de-ch, en-gb, es, et, fi, fo, fr, fr-be, fr-ca, fr-ch, "
           "hr, hu, is, it, ja, lt, lv, mk, nl, no, pl, pt, pt-br, ru, sl, sv, th or tr";
}

/* ---- the keys that make characters ---- */

static bool makes_characters(unsigned code)
{
    return (code >= 0x02 && code <= 0x0d) || (code >= 0x10 && code <= 0x1b) ||
           (code >= 0x1e && code <= 0x29) || (code >= 0x2b && code <= 0x35) || code == 0x39 ||
           code == 0x56 || code == 89 || code == 124;
}

/* The scan code of Linux's key CODE. */
static uint16_t scan_code(unsigned code)
{
    return code == 89 ? 0x73 : code == 124 ? 0x7d : (uint16_t)code;
}

/* The modifiers of LEVEL, if it is reached by Shift and AltGr alone. */
static bool level_modifiers(struct xkb_keymap *map, xkb_keycode_t key, xkb_level_index_t level,
                            uint8_t *out)
{
    xkb_mod_mask_t shift = 1u << xkb_keymap_mod_get_index(map, "Shift");
    xkb_mod_mask_t altgr = 1u << xkb_keymap_mod_get_index(map, "Mod5");
    xkb_mod_mask_t masks[16];
    size_t n = xkb_keymap_key_get_mods_for_level(map, key, 0, level, masks, 16);

    for (size_t i = 0; i < n; i++)
        if (!(masks[i] & ~(shift | altgr))) {
            *out = (masks[i] & shift ? KEYSYM_SHIFT : 0) | (masks[i] & altgr ? KEYSYM_ALTGR : 0);
            return true;
        }
    return false;
}

static void add_key(struct keysyms *k, struct xkb_keymap *map, unsigned code)
{
    xkb_keycode_t key = code + EVDEV;
    xkb_level_index_t levels = xkb_keymap_num_levels_for_key(map, key, 0);

    for (xkb_level_index_t level = 0; level < levels && k->count < MAX_KEYS; level++) {
        const xkb_keysym_t *syms;
        uint8_t modifiers;
        if (xkb_keymap_key_get_syms_by_level(map, key, 0, level, &syms) != 1 ||
            !level_modifiers(map, key, level, &modifiers))
            continue;
        k->rows[k->count++] =
            (struct row){syms[0], xkb_keysym_to_utf32(syms[0]), scan_code(code), modifiers};
    }
}

static bool read_layout(struct keysyms *k, const char *layout, const char *variant)
{
    const struct xkb_rule_names names = {
        .rules = "evdev", .model = "pc105", .layout = layout, .variant = variant, .options = ""};
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);

    if (!context)
        return false;
    xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
    struct xkb_keymap *map = xkb_keymap_new_from_names(context, &names, 0);
    for (unsigned code = 0; map && code < 128; code++)
        if (makes_characters(code))
            add_key(k, map, code);
    xkb_keymap_unref(map);
    xkb_context_unref(context);
    return k->count > 0;
}

struct keysyms *keysyms_new(const char *name, struct error *err)
{
    struct keysyms *k = calloc(1, sizeof *k);
    int i = 0;

    if (!k)
        abort();
    while (i < LAYOUTS - 1 && strcmp(layouts[i].name, name))
        i++;
    if (i == 0 || read_layout(k, layouts[i].layout, layouts[i].variant))
        return k;
    error_set(err,
              "-k %s: the host has no description of this keyboard: install the package xkb-data, "
              "or take en-us",
              name);
    free(k);
    return NULL;
}

void keysyms_free(struct keysyms *k)
{
    free(k);
}

/* ---- the others ---- */

static const struct {
    uint32_t sym;
    uint16_t code;
} plain[] = {
    {XKB_KEY_BackSpace, 0x0e},
    {XKB_KEY_Tab, 0x0f},
    {XKB_KEY_ISO_Left_Tab, 0x0f},
    {XKB_KEY_Return, 0x1c},
    {XKB_KEY_Linefeed, 0x1c},
    {XKB_KEY_Escape, 0x01},
    {XKB_KEY_Home, 0xe047},
    {XKB_KEY_Left, 0xe04b},
    {XKB_KEY_Up, 0xe048},
    {XKB_KEY_Right, 0xe04d},
    {XKB_KEY_Down, 0xe050},
    {XKB_KEY_Page_Up, 0xe049},
    {XKB_KEY_Page_Down, 0xe051},
    {XKB_KEY_End, 0xe04f},
    {XKB_KEY_Insert, 0xe052},
    {XKB_KEY_Delete, 0xe053},
    {XKB_KEY_Print, 0xe037},
    {XKB_KEY_Sys_Req, 0x54},
    {XKB_KEY_Pause, 0xe11d},
    {XKB_KEY_Break, 0xe046},
    {XKB_KEY_Scroll_Lock, 0x46},
    {XKB_KEY_Num_Lock, 0x45},
    {XKB_KEY_Caps_Lock, 0x3a},
    {XKB_KEY_Menu, 0xe05d},
    {XKB_KEY_Shift_L, 0x2a},
    {XKB_KEY_Shift_R, 0x36},
    {XKB_KEY_Control_L, 0x1d},
    {XKB_KEY_Control_R, 0xe01d},
    {XKB_KEY_Alt_L, 0x38},
    {XKB_KEY_Alt_R, KEY_ALTGR},
    {XKB_KEY_Meta_L, 0x38},
    {XKB_KEY_Meta_R, KEY_ALTGR},
    {XKB_KEY_ISO_Level3_Shift, KEY_ALTGR},
    {XKB_KEY_Super_L, 0xe05b},
    {XKB_KEY_Super_R, 0xe05c},
    {XKB_KEY_Mode_switch, KEY_ALTGR},
    {XKB_KEY_KP_Enter, 0xe01c},
    {XKB_KEY_KP_Divide, 0xe035},
    {XKB_KEY_KP_Multiply, 0x37},
    {XKB_KEY_KP_Subtract, 0x4a},
    {XKB_KEY_KP_Add, 0x4e},
    {XKB_KEY_KP_Equal, 0x59},
    {XKB_KEY_KP_Begin, 0x4c},
    {XKB_KEY_Muhenkan, 0x7b},
    {XKB_KEY_Henkan, 0x79},
    {XKB_KEY_Hiragana_Katakana, 0x70},
};

/* Of the keypad: the symbol without Num Lock, that with it, the scan code, and the character. */
static const struct {
    uint32_t move, digit;
    uint16_t code;
    char character;
} keypad[] = {
    {XKB_KEY_KP_Home, XKB_KEY_KP_7, 0x47, '7'},
    {XKB_KEY_KP_Up, XKB_KEY_KP_8, 0x48, '8'},
    {XKB_KEY_KP_Page_Up, XKB_KEY_KP_9, 0x49, '9'},
    {XKB_KEY_KP_Left, XKB_KEY_KP_4, 0x4b, '4'},
    {0, XKB_KEY_KP_5, 0x4c, '5'},
    {XKB_KEY_KP_Right, XKB_KEY_KP_6, 0x4d, '6'},
    {XKB_KEY_KP_End, XKB_KEY_KP_1, 0x4f, '1'},
    {XKB_KEY_KP_Down, XKB_KEY_KP_2, 0x50, '2'},
    {XKB_KEY_KP_Page_Down, XKB_KEY_KP_3, 0x51, '3'},
    {XKB_KEY_KP_Insert, XKB_KEY_KP_0, 0x52, '0'},
    {XKB_KEY_KP_Delete, XKB_KEY_KP_Decimal, 0x53, '.'},
    {0, XKB_KEY_KP_Separator, 0x53, ','},
};

static bool one(struct keysym_strokes *out, uint16_t code)
{
    *out = (struct keysym_strokes){.count = 1, .stroke = {{code, 0}}};
    return true;
}

static bool find_plain(uint32_t sym, struct keysym_strokes *out)
{
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].sym == sym)
            return one(out, plain[i].code);
    if (sym >= XKB_KEY_F1 && sym <= XKB_KEY_F10)
        return one(out, (uint16_t)(0x3b + sym - XKB_KEY_F1));
    if (sym == XKB_KEY_F11 || sym == XKB_KEY_F12)
        return one(out, (uint16_t)(0x57 + sym - XKB_KEY_F11));
    return false;
}

/* A key whose meaning is not the guest's Num Lock's gives way to its twin elsewhere. */
static bool find_keypad(const struct keysyms *k, uint32_t sym, bool num_lock,
                        struct keysym_strokes *out)
{
    for (size_t i = 0; i < sizeof keypad / sizeof *keypad; i++) {
        bool digit = sym == keypad[i].digit;
        if (!digit && (!sym || sym != keypad[i].move))
            continue;
        if (digit && !num_lock)
            return keysyms_find(k, (uint32_t)keypad[i].character, false, out);
        return one(out, digit || !num_lock ? keypad[i].code : 0xe000 | keypad[i].code);
    }
    return false;
}

/* ---- characters ---- */

static bool find_us(uint32_t unicode, struct keysym_strokes *out)
{
    struct chord chord;

    if (unicode < 32 || unicode > 126 || !keys_for_char((unsigned char)unicode, &chord))
        return false;
    one(out, chord.code[chord.count - 1]);
    out->stroke[0].modifiers = chord.count > 1 ? KEYSYM_SHIFT : 0;
    return true;
}

static bool find_row(const struct keysyms *k, uint32_t sym, uint32_t unicode,
                     struct keysym_strokes *out)
{
    const struct row *best = NULL; /* with the fewest modifiers */

    for (unsigned i = 0; i < k->count; i++) {
        const struct row *r = &k->rows[i];
        if ((r->sym == sym || (unicode && r->unicode == unicode)) &&
            (!best || r->modifiers < best->modifiers))
            best = r;
    }
    if (best) {
        one(out, best->code);
        out->stroke[0].modifiers = best->modifiers;
    }
    return best != NULL;
}

static const struct {
    uint32_t dead;
    const uint32_t *composed, *base;
} accents[] = {
    {XKB_KEY_dead_grave, U"`àèìòùÀÈÌÒÙ", U" aeiouAEIOU"},
    {XKB_KEY_dead_acute, U"´áéíóúýćńśźÁÉÍÓÚÝĆŃŚŹ", U" aeiouycnszAEIOUYCNSZ"},
    {XKB_KEY_dead_circumflex, U"^âêîôûÂÊÎÔÛ", U" aeiouAEIOU"},
    {XKB_KEY_dead_tilde, U"~ãñõÃÑÕ", U" anoANO"},
    {XKB_KEY_dead_diaeresis, U"¨äëïöüÿÄËÏÖÜ", U" aeiouyAEIOU"},
    {XKB_KEY_dead_cedilla, U"¸çşÇŞ", U" csCS"},
    {XKB_KEY_dead_caron, U"ˇčďěňřšťžČĎĚŇŘŠŤŽ", U" cdenrstzCDENRSTZ"},
    {XKB_KEY_dead_abovering, U"°åůÅŮ", U" auAU"},
    {XKB_KEY_dead_doubleacute, U"˝őűŐŰ", U" ouOU"},
    {XKB_KEY_dead_ogonek, U"˛ąęĄĘ", U" aeAE"},
    {XKB_KEY_dead_abovedot, U"˙żŻ", U" zZ"},
    {XKB_KEY_dead_stroke, U"łŁ", U"lL"},
};

/* A dead key and then another. */
static bool find_accented(const struct keysyms *k, uint32_t unicode, struct keysym_strokes *out)
{
    struct keysym_strokes dead;

    for (size_t i = 0; i < sizeof accents / sizeof *accents; i++)
        for (unsigned j = 0; accents[i].composed[j]; j++)
            if (accents[i].composed[j] == unicode && find_row(k, accents[i].dead, 0, &dead) &&
                find_row(k, 0, accents[i].base[j], out)) {
                out->stroke[1] = out->stroke[0];
                out->stroke[0] = dead.stroke[0];
                out->count = 2;
                return true;
            }
    return false;
}

static bool is_letter(uint32_t unicode)
{
    return (unicode | 0x20) - 'a' < 26 || unicode >= 0xc0;
}

bool keysyms_find(const struct keysyms *k, uint32_t sym, bool num_lock, struct keysym_strokes *out)
{
    uint32_t unicode = xkb_keysym_to_utf32(sym);

    if (find_plain(sym, out) || find_keypad(k, sym, num_lock, out))
        return true;
    /* Guests with another script switch to Latin letters on the same keys. */
    bool found = find_row(k, sym, unicode, out) || find_accented(k, unicode, out) ||
                 find_us(unicode, out);
    if (found) {
        out->character = true;
        out->letter = is_letter(unicode);
    }
    return found;
}
