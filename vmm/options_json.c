/* Values of options in JSON, as programs write them: {"driver": "ide-hd", "drive": "d0"} is
 * driver=ide-hd,drive=d0.  An object in an object becomes dotted names, file.driver=file, and so
 * does an array, server.0=x. */
#include "vmm/option.h"
#include <jansson.h>
#include <string.h>

enum { DEPTH_MAX = 8, JSON_MAX = 64 << 10 };

struct flat {
    struct options *o;
    const char *what;
    const char *list; /* what there is so far */
    struct error *err;
};

static bool add(struct flat *f, const char *name, const char *text)
{
    if (strpbrk(name, "=,"))
        return error_set(f->err, "%s: '%s' is no name of a property", f->what, name);
    f->list = pool_printf(&f->o->pool, "%s%s%s=%s", f->list, *f->list ? "," : "", name,
                          option_escape(f->o, text));
    return true;
}

static bool flatten(struct flat *f, const char *name, const json_t *value, unsigned depth);

static bool flatten_parts(struct flat *f, const char *name, const json_t *value, unsigned depth)
{
    const char *key;
    json_t *part;
    size_t i;

    if (depth == DEPTH_MAX)
        return error_set(f->err, "%s: more than %d objects in each other", f->what, DEPTH_MAX);
    json_array_foreach(value, i, part) if (!flatten(f, pool_printf(&f->o->pool, "%s.%zu", name, i),
                                                    part, depth + 1)) return false;
    json_object_foreach(
        (json_t *)value, key,
        part) if (!flatten(f, *name ? pool_printf(&f->o->pool, "%s.%s", name, key) : key, part,
                           depth + 1)) return false;
    return true;
}

static bool flatten(struct flat *f, const char *name, const json_t *value, unsigned depth)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return add(f, name, json_string_value(value));
    case JSON_INTEGER:
        return add(f, name, pool_printf(&f->o->pool, "%lld", (long long)json_integer_value(value)));
    case JSON_TRUE:
        return add(f, name, "on");
    case JSON_FALSE:
        return add(f, name, "off");
    case JSON_NULL:
        return add(f, name, "");
    case JSON_OBJECT:
    case JSON_ARRAY:
        return flatten_parts(f, name, value, depth);
    default:
        return error_set(f->err, "%s: %s: it is no text, whole number, true or false", f->what,
                         name);
    }
}

const char *option_from_json(struct options *o, const char *option, const char *text,
                             const char *first, struct error *err)
{
    struct flat f = {o, option, "", err};
    json_error_t why;

    if (text[strspn(text, " \t\r\n")] != '{')
        return text;
    if (strlen(text) > JSON_MAX) {
        error_set(err, "%s: JSON of more than %d bytes", option, JSON_MAX);
        return NULL;
    }
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!object) {
        error_set(err, "%s %.80s: that is no JSON: %s (column %d)", option, text, why.text,
                  why.column);
        return NULL;
    }
    const char *kind = json_string_value(json_object_get(object, first));
    bool ok = kind || error_set(err, "%s %.80s: it needs \"%s\"", option, text, first);
    ok = ok && add(&f, first, kind);
    if (ok)
        json_object_del(object, first);
    ok = ok && flatten_parts(&f, "", object, 0);
    json_decref(object);
    return ok ? f.list : NULL;
}
