/* What programs that manage machines say to each before it runs. */
#include "vmm/qmp_command.h"
#include <string.h>

/* Machines do not migrate, so that nothing of it can be switched on but word of what never
 * happens. */
static bool set_capabilities(struct qmp_call *c)
{
    const json_t *all = json_object_get(c->args, "capabilities");

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(one, "capability"));
        if (json_is_true(json_object_get(one, "state")) && name && strcmp(name, "events") != 0)
            return qmp_fail(c, "GenericError", "Machines do not migrate: there is no '%.60s'",
                            name);
    }
    return true;
}

struct actions {
    const char *reboot, *shutdown; /* NULL: as it is */
};

static void take_actions(struct machine *m, void *opaque)
{
    const struct actions *a = opaque;

    if (a->reboot)
        m->config.no_reboot = !strcmp(a->reboot, "shutdown");
    if (a->shutdown)
        m->config.no_shutdown = !strcmp(a->shutdown, "pause");
}

static bool set_action(struct qmp_call *c)
{
    struct actions a = {qmp_string(c, "reboot", NULL), qmp_string(c, "shutdown", NULL)};

    machine_post_wait(c->t->machine, take_actions, &a);
    return true;
}

/* Interrupts of the RTC that the host was late for are not made up for: there are none to
 * forget. */
static bool reset_reinjection(struct qmp_call *c)
{
    (void)c;
    return true;
}

const struct qmp_command qmp_manage_commands[] = {
    {"migrate-set-capabilities", "capabilities:[MigrationCapabilityStatus]", "", set_capabilities},
    {"set-action",
     "reboot?:RebootAction, shutdown?:ShutdownAction, panic?:PanicAction, "
     "watchdog?:WatchdogAction",
     "", set_action},
    {"rtc-reset-reinjection", "", "", reset_reinjection},
    {0},
};
