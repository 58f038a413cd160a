/* The VNC server: who is connected, and its password. */
#include "vmm/command.h"
#include "vmm/ui/vnc.h"
#include <stdlib.h>
#include <string.h>

static void show(struct text *out, const char *what, const char *auth, const struct peer_address *a)
{
    text_printf(out, "  %s: %s%s%s (%s)\n    Auth: %s (Sub: none)\n", what, a->host,
                *a->service ? ":" : "", a->service, a->family, auth);
}

static void info_vnc(const struct monitor_target *t, struct text *out)
{
    struct peer_address a;

    if (!t->vnc) {
        text_line(out, "None");
        return;
    }
    text_line(out, "default:");
    for (unsigned i = 0; vnc_server_address(t->vnc, i, &a); i++)
        show(out, "Server", vnc_auth(t->vnc), &a);
    for (unsigned i = 0; vnc_client_address(t->vnc, i, &a); i++)
        show(out, "Client", vnc_auth(t->vnc), &a);
}

const struct subject subjects_vnc[] = {
    {"vnc", "the VNC server and its clients", info_vnc},
    {0},
};

bool vnc_parse_time(const char *text, time_t *out)
{
    const char *digits = text + (*text == '+');
    char *end;

    *out = 0;
    if (!strcmp(text, "never"))
        return true;
    if (!strcmp(text, "now")) {
        *out = 1;
        return true;
    }
    long long n = strtoll(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end || n > INT32_MAX * 1000ll)
        return false;
    *out = (time_t)n + (*text == '+' ? time(NULL) : 0);
    *out += *out == 0;
    return true;
}

bool vnc_parse_connected(const char *text, enum vnc_connected *out)
{
    static const char *const names[] = {
        [VNC_KEEP] = "keep", [VNC_FAIL] = "fail", [VNC_DISCONNECT] = "disconnect"};

    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i])) {
            *out = (enum vnc_connected)i;
            return true;
        }
    return false;
}

static bool is_vnc(const struct monitor_target *t, const char *protocol, struct text *out)
{
    if (strcmp(protocol, "vnc") != 0)
        return command_fail(out, "%.20s: there is no such server; it is vnc", protocol);
    return t->vnc || command_fail(out, "there is no VNC server: start with -vnc");
}

bool command_vnc_password(const struct monitor_target *t, const char *password,
                          const char *connected, struct text *out)
{
    enum vnc_connected what = VNC_KEEP;
    struct error err = {""};

    if (!is_vnc(t, "vnc", out))
        return false;
    if (connected && !vnc_parse_connected(connected, &what))
        return command_fail(out, "%.20s: it is keep, fail or disconnect", connected);
    return vnc_set_password(t->vnc, password, what, &err) || command_fail(out, "%s", err.text);
}

static bool command_set_password(const struct monitor_target *t, int argc, char **argv,
                                 struct text *out)
{
    return is_vnc(t, argv[1], out) &&
           command_vnc_password(t, argv[2], argc > 3 ? argv[3] : NULL, out);
}

static bool command_expire_password(const struct monitor_target *t, int argc, char **argv,
                                    struct text *out)
{
    struct error err = {""};
    time_t when;

    (void)argc;
    if (!is_vnc(t, argv[1], out))
        return false;
    if (!vnc_parse_time(argv[2], &when))
        return command_fail(out,
                            "expire_password: %.30s: it is now, never, +SECONDS or seconds "
                            "since 1970",
                            argv[2]);
    return vnc_expire_password(t->vnc, when, &err) || command_fail(out, "%s", err.text);
}

const struct command commands_vnc[] = {
    {"set_password", "vnc PASSWORD [keep|fail|disconnect]",
     "what VNC clients must know from now on; what becomes of those connected", 2, 3,
     command_set_password, false, COMPLETE_NOTHING},
    {"expire_password", "vnc now|never|+SECONDS|TIME", "how long it is good", 2, 2,
     command_expire_password, false, COMPLETE_NOTHING},
    {0},
};
