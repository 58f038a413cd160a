/* -name, -pidfile, -daemonize, -help and what else concerns the process. */
#include "vmm/option.h"
#include <string.h>

static const struct property name_properties[] = {
    {"guest", PROPERTY_STRING, "the machine's name", NULL, 0, 0, NULL},
    {"process", PROPERTY_STRING, "the process's, for ps and top", NULL, 0, 0, NULL},
    {"debug-threads", PROPERTY_BOOL, "threads have names anyway", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static bool set_name(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, "guest", values, err))
        return false;
    o->name = values[0].text ? values[0].text : o->name;
    o->process_name = values[1].text ? values[1].text : o->process_name;
    return true;
}

static bool set_text(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: it needs a value", self->name);
    *(!strcmp(self->name, "pidfile") ? &o->pidfile : &o->run_as) = value;
    return true;
}

static bool set_flag(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    (void)value;
    (void)err;
    if (!strcmp(self->name, "daemonize"))
        o->daemonize = true;
    return true; /* -no-user-config, -no-fd-bootchk, -win2k-hack: so it is, or is not needed */
}

static bool set_config(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    (void)self;
    return options_read_config(o, value, err);
}

static const struct property msg_properties[] = {
    {"timestamp", PROPERTY_BOOL, "messages begin with the time", NULL, 0, 0, NULL},
    {"guest-name", PROPERTY_BOOL, "messages begin with the machine's name", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

static bool set_msg(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, NULL, values, err))
        return false;
    o->msg_timestamp = values[0].number;
    o->msg_name = values[1].number;
    return true;
}

static const struct property sandbox_properties[] = {
    {"enable", PROPERTY_BOOL, "system calls that ringer has no need of end it", NULL, 0, 0, NULL},
    {"obsolete", PROPERTY_CHOICE, "those that nobody needs", "deny", 0, 0, "allow|deny"},
    {"elevateprivileges", PROPERTY_CHOICE,
     "another user's identity; children: no more for what "
     "is started",
     "allow", 0, 0, "allow|deny|children"},
    {"spawn", PROPERTY_CHOICE, "processes and programs", "allow", 0, 0, "allow|deny"},
    {"resourcecontrol", PROPERTY_CHOICE, "priorities and processors", "allow", 0, 0, "allow|deny"},
    DEVICE_PROPERTIES_END,
};

static bool set_sandbox(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, "enable", values, err))
        return false;
    o->sandbox = (struct sandbox_options){
        .on = values[0].number,
        .no_obsolete = values[1].number == 1,
        .privileges = (enum sandbox_privileges)values[2].number,
        .no_spawn = values[3].number == 1,
        .no_resource_control = values[4].number == 1,
    };
    return true;
}

static const struct property overcommit_properties[] = {
    {"mem-lock", PROPERTY_CHOICE, "memory stays pageable", NULL, 0, 0, "off|no|false"},
    {"cpu-pm", PROPERTY_CHOICE, "a CPU that waits sleeps", NULL, 0, 0, "off|no|false"},
    DEVICE_PROPERTIES_END,
};

static bool set_overcommit(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    struct value values[PROPERTIES_MAX];

    return option_properties(o, self, value, NULL, values, err);
}

static bool set_echr(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    uint64_t n;

    if (!parse_uint(value, &n) || n < 1 || n > 255)
        return option_bad(err, self, value, "the number of a character, 1 (Ctrl-A) to 255");
    o->escape = (uint8_t)n;
    return true;
}

static bool set_help(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    (void)value;
    (void)err;
    if (!strcmp(self->name, "version"))
        o->version = true;
    else
        o->help = true;
    return true;
}

const struct option options_process[] = {
    {"name", "NAME,...", "of the machine; process=NAME", set_name, name_properties},
    {"readconfig", "FILE", "options from a file in QEMU's format", set_config, NULL},
    {"pidfile", "FILE", "write the process's number to FILE, remove it at the end", set_text, NULL},
    {"daemonize", NULL, "go on in the background once the machine is made", set_flag, NULL},
    {"runas", "USER", "go on as USER, or UID:GID, once the files are open", set_text, NULL},
    {"msg", "timestamp=on", "messages begin with time or guest-name=on", set_msg, msg_properties},
    {"echr", "N", "the key that Ctrl-A is otherwise, as a number", set_echr, NULL},
    {"sandbox", "on,...",
     "forbid system calls: obsolete, elevateprivileges, spawn, resourcecontrol", set_sandbox,
     sandbox_properties},
    {"overcommit", "mem-lock=off", NULL, set_overcommit, overcommit_properties},
    {"no-user-config", NULL, NULL, set_flag, NULL},
    {"nodefconfig", NULL, NULL, set_flag, NULL},
    {"no-fd-bootchk", NULL, NULL, set_flag, NULL},
    {"win2k-hack", NULL, NULL, set_flag, NULL},
    {"help", NULL, "this text; of one option: -help NAME", set_help, NULL},
    {"h", NULL, NULL, set_help, NULL},
    {"version", NULL, "print the version", set_help, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
