/* Steering. */
#include "vmm/event.h"
#include "vmm/qmp_command.h"
#include "vmm/screen.h"
#include <string.h>

static bool stop(struct qmp_call *c)
{
    machine_stop(c->t->machine);
    return true;
}

static bool cont(struct qmp_call *c)
{
    machine_cont(c->t->machine);
    return true;
}

static bool system_reset(struct qmp_call *c)
{
    machine_reset(c->t->machine);
    return true;
}

static bool system_powerdown(struct qmp_call *c)
{
    machine_powerdown(c->t->machine);
    return true;
}

static bool system_wakeup(struct qmp_call *c)
{
    struct error err = {""};

    return machine_wakeup(c->t->machine, &err) || qmp_fail_error(c, &err);
}

static bool inject_nmi(struct qmp_call *c)
{
    machine_nmi(c->t->machine);
    return true;
}

static bool quit(struct qmp_call *c)
{
    machine_quit(c->t->machine, 0);
    return true;
}

/* The text is the monitor's; the guest's screen may be in it, so it is UTF-8 by construction but
 * for what the guest chose: such bytes become question marks. */
static json_t *to_json(struct text *text)
{
    json_t *string = json_stringn(text_string(text), text->len);

    for (size_t i = 0; !string && i < text->len; i++)
        if (text->data[i] & 0x80)
            text->data[i] = '?';
    return string ? string : json_stringn(text_string(text), text->len);
}

static bool human_command(struct qmp_call *c)
{
    struct text out = {0};

    if (qmp_int(c, "cpu-index", 0) != 0)
        return qmp_fail(c, "GenericError",
                        "Parameter 'cpu-index' expects a CPU number: there is CPU 0");
    monitor_execute(c->t, qmp_string(c, "command-line", ""), &out);
    c->ret = to_json(&out);
    text_free(&out);
    return true;
}

static bool screendump(struct qmp_call *c)
{
    const char *path = qmp_string(c, "filename", "");
    bool png = !strcmp(qmp_string(c, "format", "ppm"), "png");
    struct error err = {""};

    if (qmp_string(c, "device", NULL) || qmp_int(c, "head", 0) != 0)
        return qmp_fail(c, "GenericError",
                        "There is one graphics card with one screen: leave "
                        "'device' and 'head' out");
    return screen_dump_as(c->t->machine, path, png, &err) || qmp_fail_error(c, &err);
}

const struct qmp_command qmp_control_commands[] = {
    {"stop", "", "", stop},
    {"cont", "", "", cont},
    {"system_reset", "", "", system_reset},
    {"system_powerdown", "", "", system_powerdown},
    {"system_wakeup", "", "", system_wakeup},
    {"inject-nmi", "", "", inject_nmi},
    {"quit", "", "", quit},
    {"human-monitor-command", "command-line:str, cpu-index?:int", "str", human_command},
    {"screendump", "filename:str, device?:str, head?:int, format?:ImageFormat", "", screendump},
    {0},
};
