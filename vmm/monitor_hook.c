/* `hook`: functions of shared objects that are called when the guest reaches a place. */
#include "vmm/command.h"
#include "vmm/hooks.h"
#include "vmm/machine.h"
#include <stdlib.h>
#include <string.h>

static bool delete_hook(const struct monitor_target *t, const char *which, struct text *out)
{
    char *end = "";
    unsigned long n = strcmp(which, "all") ? strtoul(which, &end, 10) : 0;

    if (*end || (!n && strcmp(which, "all")))
        return command_fail(out, "hook delete %.20s: it is a hook's number, or all", which);
    return hooks_remove(t->machine->hooks, (unsigned)n) || !n ||
           command_fail(out, "hook delete: there is no hook %lu; info hooks lists them", n);
}

static bool command_hook(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct text spec = {0};
    struct error err = {""};

    if (argc == 3 && !strcmp(argv[1], "delete"))
        return delete_hook(t, argv[2], out);
    for (int i = 1; i < argc; i++)
        text_printf(&spec, "%s%s", i > 1 ? " " : "", argv[i]);
    unsigned n = hooks_add_spec(t->machine->hooks, text_string(&spec), &err);
    text_free(&spec);
    if (!n)
        return command_fail(out, "hook: %s", err.text);
    text_printf(out, "hook %u\n", n);
    return true;
}

const struct command commands_hook[] = {
    {"hook", "PLACE=LIBRARY:FUNCTION(ARGUMENTS) -> TYPE REGISTER | delete NUMBER|all",
     "call a function of a shared object when the guest reaches PLACE", 1, 15, command_hook, false,
     COMPLETE_NOTHING},
    {0},
};
