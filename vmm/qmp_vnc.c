/* The VNC server, for programs. */
#include "vmm/command.h"
#include "vmm/qmp_command.h"
#include "vmm/ui/vnc.h"
#include <string.h>

static json_t *to_json(const struct peer_address *a)
{
    return json_pack("{s:s,s:s,s:s,s:b}", "host", a->host, "service", a->service, "family",
                     a->family, "websocket", 0);
}

static json_t *clients(struct vnc *v)
{
    json_t *out = json_array();
    struct peer_address a;

    for (unsigned i = 0; vnc_client_address(v, i, &a); i++)
        json_array_append_new(out, to_json(&a));
    return out;
}

static bool query_vnc(struct qmp_call *c)
{
    struct peer_address a;

    if (!c->t->vnc || !vnc_server_address(c->t->vnc, 0, &a)) {
        c->ret = json_pack("{s:b}", "enabled", 0);
        return true;
    }
    c->ret =
        json_pack("{s:b,s:s,s:s,s:s,s:s,s:o}", "enabled", 1, "host", a.host, "service", a.service,
                  "family", a.family, "auth", vnc_auth(c->t->vnc), "clients", clients(c->t->vnc));
    return true;
}

static bool query_vnc_servers(struct qmp_call *c)
{
    json_t *ends = json_array();
    struct peer_address a;

    for (unsigned i = 0; c->t->vnc && vnc_server_address(c->t->vnc, i, &a); i++) {
        json_t *end = to_json(&a);
        json_object_set_new(end, "auth", json_string(vnc_auth(c->t->vnc)));
        json_array_append_new(ends, end);
    }
    if (!c->t->vnc) {
        c->ret = ends;
        return true;
    }
    c->ret = json_pack("[{s:s,s:o,s:o,s:s}]", "id", "default", "server", ends, "clients",
                       clients(c->t->vnc), "auth", vnc_auth(c->t->vnc));
    return true;
}

static bool have(struct qmp_call *c, const char *protocol)
{
    if (strcmp(protocol, "vnc") != 0)
        return qmp_fail(c, "GenericError", "Parameter 'protocol' expects 'vnc'");
    return c->t->vnc || qmp_fail(c, "GenericError", "There is no VNC server: start with -vnc");
}

static bool set_password(struct qmp_call *c)
{
    enum vnc_connected connected;
    struct error err = {""};

    if (!have(c, qmp_string(c, "protocol", "")))
        return false;
    if (!vnc_parse_connected(qmp_string(c, "connected", "keep"), &connected))
        return qmp_fail(c, "GenericError",
                        "Parameter 'connected' expects 'keep', 'fail' or 'disconnect'");
    return vnc_set_password(c->t->vnc, qmp_string(c, "password", ""), connected, &err) ||
           qmp_fail_error(c, &err);
}

static bool change_password(struct qmp_call *c)
{
    struct error err = {""};

    return have(c, "vnc") &&
           (vnc_set_password(c->t->vnc, qmp_string(c, "password", ""), VNC_KEEP, &err) ||
            qmp_fail_error(c, &err));
}

static bool expire_password(struct qmp_call *c)
{
    struct error err = {""};
    time_t when;

    if (!have(c, qmp_string(c, "protocol", "")))
        return false;
    if (!vnc_parse_time(qmp_string(c, "time", ""), &when))
        return qmp_fail(c, "GenericError",
                        "Parameter 'time' expects 'now', 'never', '+SECONDS' "
                        "or seconds since 1970");
    return vnc_expire_password(c->t->vnc, when, &err) || qmp_fail_error(c, &err);
}

const struct qmp_command qmp_vnc_commands[] = {
    {"query-vnc", "", "VncInfo", query_vnc},
    {"query-vnc-servers", "", "[VncInfo2]", query_vnc_servers},
    {"set_password", "protocol:str, password:str, connected?:str", "", set_password},
    {"change-vnc-password", "password:str", "", change_password},
    {"expire_password", "protocol:str, time:str", "", expire_password},
    {0},
};
