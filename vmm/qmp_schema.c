/* What there is: commands, events, and the schema of both. */
#include "vmm/keys.h"
#include "vmm/qmp_command.h"
#include <stdio.h>
#include <string.h>

static bool query_commands(struct qmp_call *c)
{
    const struct qmp_command *command;

    c->ret = json_array();
    for (unsigned i = 0; (command = qmp_nth(i)); i++)
        json_array_append_new(c->ret, json_pack("{s:s}", "name", command->name));
    return true;
}

static bool query_events(struct qmp_call *c)
{
    const struct qmp_event_type *event;

    c->ret = json_array();
    for (unsigned i = 0; (event = qmp_event_nth(i)); i++)
        json_array_append_new(c->ret, json_pack("{s:s}", "name", event->name));
    return true;
}

/* ---- the schema (QEMU's docs/devel/qapi-code-gen, "Client JSON Protocol introspection") ---- */

struct schema {
    json_t *entries;
    json_t *arrays; /* names of array types that are in it */
};

static void add(struct schema *s, json_t *entry)
{
    json_array_append_new(s->entries, entry);
}

/* Array types are entries of their own. */
static const char *use_type(struct schema *s, const char *name)
{
    char element[48];

    if (*name != '[' || json_object_get(s->arrays, name))
        return name;
    json_object_set_new(s->arrays, name, json_true());
    snprintf(element, sizeof element, "%.*s", (int)strlen(name) - 2, name + 1);
    add(s, json_pack("{s:s,s:s,s:s}", "name", name, "meta-type", "array", "element-type",
                     use_type(s, element)));
    return name;
}

static json_t *members_of(struct schema *s, const char *text)
{
    json_t *members = json_array();
    struct qmp_member m;

    while (qmp_next_member(&text, &m)) {
        json_t *member = json_pack("{s:s,s:s}", "name", m.name, "type", use_type(s, m.type));
        if (m.optional)
            json_object_set_new(member, "default", json_null());
        json_array_append_new(members, member);
    }
    return members;
}

static void add_object(struct schema *s, const char *name, const char *text)
{
    add(s, json_pack("{s:s,s:s,s:o}", "name", name, "meta-type", "object", "members",
                     members_of(s, text)));
}

static void add_enum_word(json_t *values, json_t *members, const char *word)
{
    json_array_append_new(values, json_string(word));
    json_array_append_new(members, json_pack("{s:s}", "name", word));
}

static void add_enum(struct schema *s, const struct qmp_type *type)
{
    json_t *values = json_array(), *members = json_array();
    const char *text = type->text, *key;
    char word[48];

    while (qmp_next_word(&text, word, sizeof word))
        add_enum_word(values, members, word);
    for (unsigned i = 0; !strcmp(type->name, "QKeyCode") && (key = keys_nth(i)); i++)
        add_enum_word(values, members, key);
    add(s, json_pack("{s:s,s:s,s:o,s:o}", "name", type->name, "meta-type", "enum", "values", values,
                     "members", members));
}

/* A union is an object whose variants are objects with one member. */
static void add_union(struct schema *s, const struct qmp_type *type)
{
    json_t *variants = json_array(), *values = json_array(), *words = json_array();
    const char *text = type->text;
    struct qmp_member m;
    char kind[64], wrapper[64], data[64];

    snprintf(kind, sizeof kind, "%sKind", type->name);
    while (qmp_next_member(&text, &m)) {
        snprintf(wrapper, sizeof wrapper, "%.40sWrapper", m.type);
        snprintf(data, sizeof data, "data:%s", m.type);
        json_array_append_new(variants, json_pack("{s:s,s:s}", "case", m.name, "type", wrapper));
        add_enum_word(values, words, m.name);
        if (!json_object_get(s->arrays, wrapper))
            add_object(s, wrapper, data);
        json_object_set_new(s->arrays, wrapper, json_true());
    }
    add(s, json_pack("{s:s,s:s,s:o,s:o}", "name", kind, "meta-type", "enum", "values", values,
                     "members", words));
    add(s, json_pack("{s:s,s:s,s:[{s:s,s:s}],s:s,s:o}", "name", type->name, "meta-type", "object",
                     "members", "name", "type", "type", kind, "tag", "type", "variants", variants));
}

static void add_commands(struct schema *s)
{
    const struct qmp_command *c;
    char name[64];

    for (unsigned i = 0; (c = qmp_nth(i)); i++) {
        snprintf(name, sizeof name, *c->args ? "q_obj_%s-arg" : "q_empty", c->name);
        if (*c->args)
            add_object(s, name, c->args);
        add(s,
            json_pack("{s:s,s:s,s:s,s:s,s:b}", "name", c->name, "meta-type", "command", "arg-type",
                      name, "ret-type", *c->ret ? use_type(s, c->ret) : "q_empty", "allow-oob", 0));
    }
}

static void add_events(struct schema *s)
{
    const struct qmp_event_type *e;
    char name[64];

    for (unsigned i = 0; (e = qmp_event_nth(i)); i++) {
        snprintf(name, sizeof name, *e->members ? "q_obj_%s-arg" : "q_empty", e->name);
        if (*e->members)
            add_object(s, name, e->members);
        add(s, json_pack("{s:s,s:s,s:s}", "name", e->name, "meta-type", "event", "arg-type", name));
    }
}

static bool query_schema(struct qmp_call *c)
{
    static const char *const builtins[][2] = {{"str", "string"},
                                              {"int", "int"},
                                              {"number", "number"},
                                              {"bool", "boolean"},
                                              {"any", "value"}};
    struct schema s = {json_array(), json_object()};
    const struct qmp_type *type;

    add_commands(&s);
    add_events(&s);
    for (unsigned i = 0; (type = qmp_type_nth(i)); i++) {
        if (type->kind == QMP_ENUM)
            add_enum(&s, type);
        else if (type->kind == QMP_UNION)
            add_union(&s, type);
        else
            add_object(&s, type->name, type->text);
    }
    add_object(&s, "q_empty", "");
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        add(&s, json_pack("{s:s,s:s,s:s}", "name", builtins[i][0], "meta-type", "builtin",
                          "json-type", builtins[i][1]));
    json_decref(s.arrays);
    c->ret = s.entries;
    return true;
}

static bool never_run(struct qmp_call *c)
{
    return qmp_fail(c, "GenericError", "the negotiation is over");
}

const struct qmp_command qmp_schema_commands[] = {
    {"qmp_capabilities", "enable?:[QMPCapability]", "", never_run}, /* qmp.c */
    {"query-commands", "", "[CommandInfo]", query_commands},
    {"query-events", "", "[EventInfo]", query_events},
    {"query-qmp-schema", "", "[any]", query_schema},
    {0},
};
