/* Reading --hook.  The grammar is in docs/hooks.md. */
#include "vmm/hook_spec.h"
#include "vmm/symbols.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

static bool number_all(const char *text, int base, unsigned long long most, uint32_t *value)
{
    char *end;
    unsigned long long v = isalnum((unsigned char)*text) ? strtoull(text, &end, base) : 0;

    if (!isalnum((unsigned char)*text) || *end || v > most)
        return false;
    *value = (uint32_t)v;
    return true;
}

/* Interrupts go by hexadecimal numbers: 21, 0x21 and 21h are the same. */
static bool vector(const char *text, uint32_t *value)
{
    char copy[8];
    size_t len = strlen(text);

    if (!len || len >= sizeof copy)
        return false;
    strcpy(copy, text);
    if (copy[len - 1] == 'h' || copy[len - 1] == 'H')
        copy[len - 1] = 0;
    return number_all(copy, 16, 255, value);
}

static bool far_place(const char *text, uint32_t *address)
{
    const char *colon = strchr(text, ':');
    char segment[8] = "";
    uint32_t s, o;

    if (!colon || (size_t)(colon - text) >= sizeof segment)
        return false;
    memcpy(segment, text, (size_t)(colon - text));
    if (!number_all(segment, 16, 0xFFFF, &s) || !number_all(colon + 1, 16, 0xFFFF, &o))
        return false;
    *address = (s << 4) + o;
    return true;
}

static bool symbol_place(const char *text, const struct symbols *symbols, uint32_t *address)
{
    char name[HOOK_NAME];
    const char *plus = strrchr(text, '+');
    uint32_t more = 0;

    if (symbols_address(symbols, text, address))
        return true;
    if (!plus || (size_t)(plus - text) >= sizeof name ||
        !number_all(plus + 1, 0, UINT32_MAX, &more))
        return false;
    memcpy(name, text, (size_t)(plus - text));
    name[plus - text] = 0;
    bool ok = symbols_address(symbols, name, address);
    *address += more;
    return ok;
}

bool hook_place_parse(const char *place, const struct symbols *symbols, struct hook_key *key,
                      struct error *err)
{
    *key = (struct hook_key){HOOK_LINEAR, 0};
    if (!strcmp(place, "sysenter")) {
        key->kind = HOOK_SYSENTER;
        return true;
    }
    if (!strncmp(place, "int:", 4)) {
        key->kind = HOOK_VECTOR;
        return vector(place + 4, &key->address) ||
               error_set(err, "%s: it is int: and a vector, 0 to ff (hexadecimal)", place);
    }
    if (!strncmp(place, "phys:", 5)) {
        key->kind = HOOK_PHYSICAL;
        return number_all(place + 5, 0, UINT32_MAX, &key->address) ||
               error_set(err, "%s: it is phys: and an address below 4 GiB", place);
    }
    if (isdigit((unsigned char)*place) && number_all(place, 0, UINT32_MAX, &key->address))
        return true;
    if (far_place(place, &key->address) || symbol_place(place, symbols, &key->address))
        return true;
    if (isdigit((unsigned char)*place) || !*place)
        return error_set(err, "'%s' is no place: it is an address (0xc0101234), SEGMENT:OFFSET, "
                              "phys:ADDRESS, int:VECTOR, sysenter, or a symbol of -symbols", place);
    return error_set(err, symbols_count(symbols) ? "no file of -symbols has a symbol '%s'"
                                                 : "'%s' is a symbol: name its file by -symbols",
                     place);
}

/* ---- words ---- */

struct scan {
    const char *at;
    struct error *err;
};

static void blanks(struct scan *s)
{
    while (isspace((unsigned char)*s->at))
        s->at++;
}

static bool take(struct scan *s, const char *what)
{
    blanks(s);
    if (strncmp(s->at, what, strlen(what)))
        return false;
    s->at += strlen(what);
    return true;
}

static bool wrong(const struct scan *s, const char *what)
{
    if (*s->at)
        return error_set(s->err, "at '%.30s': %s", s->at, what);
    return error_set(s->err, "at the end: %s", what);
}

/* A name of letters, digits and underscores. */
static bool name(struct scan *s, char *out, size_t n)
{
    size_t len = 0;

    blanks(s);
    while (isalnum((unsigned char)s->at[len]) || s->at[len] == '_')
        len++;
    if (!len || len >= n)
        return false;
    memcpy(out, s->at, len);
    out[len] = 0;
    s->at += len;
    return true;
}

static bool find_type(const char *text, enum hook_type *type)
{
    static const struct {
        const char *name;
        enum hook_type type;
    } names[] = {
        {"u8", TYPE_U8},   {"i8", TYPE_I8},   {"u16", TYPE_U16}, {"i16", TYPE_I16},
        {"u32", TYPE_U32}, {"i32", TYPE_I32}, {"u64", TYPE_U64}, {"i64", TYPE_I64},
        {"ptr", TYPE_PTR}, {"string", TYPE_STRING}, {"void", TYPE_VOID},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i].name)) {
            *type = names[i].type;
            return true;
        }
    return false;
}

static bool find_register(const char *text, struct hook_register *r)
{
    static const char gpr[] = "axcxdxbxspbpsidi", byte[] = "alcldlblahchdhbh";
    static const char seg[] = "escsssdsfsgs";
    size_t len = strlen(text);
    const char *two = len == 3 && *text == 'e' ? text + 1 : text;

    if (!strcmp(text, "eip")) {
        *r = (struct hook_register){REG_EIP, 0, 4, 0};
        return true;
    }
    if (!strcmp(text, "eflags")) {
        *r = (struct hook_register){REG_EFLAGS, 0, 4, 0};
        return true;
    }
    if (len == 3 && !memcmp(text, "cr", 2) && strchr("0234", text[2])) {
        *r = (struct hook_register){REG_CR, (uint8_t)(text[2] - '0'), 4, 0};
        return true;
    }
    if (strlen(two) != 2)
        return false;
    for (uint8_t i = 0; i < 8; i++) {
        if (!memcmp(two, gpr + 2 * i, 2)) {
            *r = (struct hook_register){REG_GPR, i, two == text ? 2 : 4, 0};
            return true;
        }
        if (two == text && !memcmp(two, byte + 2 * i, 2)) {
            *r = (struct hook_register){REG_GPR, i & 3, 1, i < 4 ? 0 : 8};
            return true;
        }
        if (two == text && i < 6 && !memcmp(two, seg + 2 * i, 2)) {
            *r = (struct hook_register){REG_SEG, i, 2, 0};
            return true;
        }
    }
    return false;
}

static bool number(struct scan *s, uint64_t *value)
{
    char *end;

    blanks(s);
    if (!isdigit((unsigned char)*s->at))
        return false;
    *value = strtoull(s->at, &end, 0);
    s->at = end;
    return true;
}

/* ---- arguments ---- */

/* "ds:" before an operand; "ds:u16" is the register with a type. */
static void segment(struct scan *s, struct hook_arg *a)
{
    struct scan ahead = *s;
    struct hook_register r, next;
    char text[8];

    if (!name(&ahead, text, sizeof text) || !find_register(text, &r) || r.kind != REG_SEG ||
        !take(&ahead, ":"))
        return;
    const char *behind = ahead.at;
    if (*behind == '[' || isdigit((unsigned char)*behind) ||
        (name(&ahead, text, sizeof text) && find_register(text, &next))) {
        a->segment = r.number;
        s->at = behind;
    }
}

/* One term of an address: a register, times a scale, or a number. */
static bool term(struct scan *s, struct hook_arg *a, bool minus)
{
    struct hook_register r;
    char text[16];
    uint64_t n;

    if (number(s, &n)) {
        a->disp += minus ? -(uint32_t)n : (uint32_t)n;
        return true;
    }
    struct scan before = *s;
    if (minus || !name(s, text, sizeof text) || !find_register(text, &r) || r.kind != REG_GPR ||
        r.size == 1) {
        *s = before;
        return wrong(s, "an address is made of registers such as esp or bx, and numbers");
    }
    uint64_t scale = 1;
    if (take(s, "*") && (!number(s, &scale) || (scale != 1 && scale != 2 && scale != 4 && scale != 8)))
        return wrong(s, "a scale is 1, 2, 4 or 8");
    if (scale == 1 && !a->has_base) {
        a->base = r;
        a->has_base = true;
    } else if (!a->has_index) {
        a->index = r;
        a->has_index = true;
        a->scale = (uint8_t)scale;
    } else {
        *s = before;
        return wrong(s, "an address has two registers at most");
    }
    return true;
}

static bool memory(struct scan *s, struct hook_arg *a)
{
    bool minus = false;

    a->kind = ARG_MEMORY;
    segment(s, a);
    do {
        if (!term(s, a, minus))
            return false;
        minus = take(s, "-");
    } while (minus || take(s, "+"));
    return take(s, "]") || wrong(s, "']' is missing");
}

/* "%s"@ or "%.40s"@, with or without the quotes: what follows points to a string. */
static bool string_mark(struct scan *s, struct hook_arg *a)
{
    struct scan ahead = *s;
    bool quoted = take(&ahead, "\"");
    uint64_t limit = 0;

    if (!take(&ahead, "%"))
        return !quoted || wrong(s, "the one format is \"%s\", or \"%.40s\" for 40 characters");
    bool ok = !take(&ahead, ".") || (number(&ahead, &limit) && limit >= 1 && limit <= 65536);
    if (!ok || *ahead.at++ != 's' || (quoted && *ahead.at++ != '"') || !take(&ahead, "@"))
        return wrong(s, "a string is \"%s\"@OPERAND, or \"%.40s\"@OPERAND for 40 characters");
    *s = ahead;
    a->type = TYPE_STRING;
    a->limit = (unsigned)limit;
    return true;
}

static enum hook_type type_of_size(unsigned size)
{
    return size == 1 ? TYPE_U8 : size == 2 ? TYPE_U16 : TYPE_U32;
}

static bool operand(struct scan *s, struct hook_arg *a)
{
    char text[16];
    struct scan before = *s;

    segment(s, a);
    if (take(s, "["))
        return memory(s, a);
    if (number(s, &a->number)) {
        a->kind = ARG_NUMBER;
        return true;
    }
    if (name(s, text, sizeof text)) {
        if (!strcmp(text, "guest") && a->type == TYPE_NONE) {
            a->kind = ARG_GUEST;
            a->type = TYPE_GUEST;
            return true;
        }
        a->kind = ARG_REGISTER;
        if (find_register(text, &a->reg))
            return true;
    }
    *s = before;
    return wrong(s, "an argument is a register, a number, [ADDRESS], \"%s\"@OPERAND or guest");
}

static bool argument(struct scan *s, struct hook_arg *a)
{
    char text[16];

    *a = (struct hook_arg){.segment = -1};
    if (!string_mark(s, a) || !operand(s, a))
        return false;
    struct scan before = *s;
    if (a->type == TYPE_NONE && take(s, ":") &&
        (!name(s, text, sizeof text) || !find_type(text, &a->type) || a->type == TYPE_VOID)) {
        *s = before;
        return wrong(s, "a type is u8, u16, u32, u64, i8, i16, i32, i64, ptr or string");
    }
    if (a->type == TYPE_NONE)
        a->type = a->kind == ARG_REGISTER ? type_of_size(a->reg.size)
                  : a->kind == ARG_NUMBER && a->number > UINT32_MAX ? TYPE_U64 : TYPE_U32;
    return true;
}

static bool arguments(struct scan *s, struct hook_spec *spec)
{
    if (take(s, ")"))
        return true;
    for (;;) {
        if (spec->arg_count == HOOK_ARGS)
            return wrong(s, "a function gets 16 arguments at most");
        if (!argument(s, &spec->arg[spec->arg_count++]))
            return false;
        if (take(s, ")"))
            return true;
        if (!take(s, ","))
            return wrong(s, "',' or ')' is missing");
    }
}

/* -> TYPE [REGISTER] */
static bool result(struct scan *s, struct hook_spec *spec)
{
    char text[16];
    struct scan before = *s;

    if (!name(s, text, sizeof text) || !find_type(text, &spec->result) ||
        spec->result == TYPE_PTR || spec->result == TYPE_STRING) {
        *s = before;
        return wrong(s, "a result is void, u8, u16, u32, u64, i8, i16, i32 or i64");
    }
    blanks(s);
    if (!*s->at)
        return spec->result == TYPE_VOID || wrong(s, "the register for the result is missing");
    before = *s;
    spec->has_result_reg = name(s, text, sizeof text) && find_register(text, &spec->result_reg) &&
                           (spec->result_reg.kind == REG_GPR || spec->result_reg.kind == REG_EIP) &&
                           spec->result != TYPE_VOID;
    if (spec->has_result_reg)
        return true;
    *s = before;
    return wrong(s, spec->result == TYPE_VOID ? "void goes into no register"
                                              : "a result goes into a general register or eip");
}

/* ---- all of it ---- */

static bool copy(char *out, const char *from, const char *to, const char *what, struct error *err)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    if (from == to)
        return error_set(err, "%s is missing", what);
    if (to - from >= HOOK_NAME)
        return error_set(err, "%s is longer than %d characters", what, HOOK_NAME - 1);
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return true;
}

bool hook_spec_parse(const char *text, const struct symbols *symbols, struct hook_spec *spec,
                     struct error *err)
{
    const char *equals = strchr(text, '='), *open = equals ? strchr(equals, '(') : NULL;
    const char *colon = open;

    *spec = (struct hook_spec){.result = TYPE_VOID};
    while (colon && colon > equals && *colon != ':')
        colon--;
    if (!open || colon == equals)
        return error_set(err, "it is PLACE=LIBRARY:FUNCTION(ARGUMENTS) -> TYPE REGISTER, such as "
                              "'int:21=./log.so:called(guest)'");
    if (!copy(spec->place, text, equals, "the place", err) ||
        !copy(spec->library, equals + 1, colon, "the library", err) ||
        !copy(spec->function, colon + 1, open, "the function", err) ||
        !hook_place_parse(spec->place, symbols, &spec->key, err))
        return false;
    struct scan s = {open + 1, err};
    if (!arguments(&s, spec) || (take(&s, "->") && !result(&s, spec)))
        return false;
    blanks(&s);
    return !*s.at || wrong(&s, "it ends with ')' or with -> TYPE REGISTER");
}
