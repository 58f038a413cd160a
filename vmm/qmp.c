/* The conversation: greeting, negotiation, commands, answers, events. */
#include "vmm/qmp.h"
#include "vmm/qmp_command.h"
#include "vmm/qmp_scan.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qmp {
    struct monitor_target target;
    bool pretty, negotiated;
    void (*write)(void *opaque, const char *data, size_t len);
    void *opaque;
    struct qmp_scan scan;
};

/* ---- out ---- */

/* Send MESSAGE and let go of it. */
static void send(struct qmp *q, json_t *message)
{
    char *text = message ? json_dumps(message, q->pretty ? JSON_INDENT(4) : 0) : NULL;

    if (!text)
        abort(); /* nothing here is no JSON: memory is short */
    size_t len = strlen(text);
    char *line = realloc(text, len + 3);
    if (!line)
        abort();
    memcpy(line + len, "\r\n", 3);
    q->write(q->opaque, line, len + 2);
    free(line);
    json_decref(message);
}

static void send_error(struct qmp *q, json_t *id, const char *class, const char *desc)
{
    json_t *text = json_string(desc); /* NULL: a client's bytes that are no UTF-8 are in it */
    json_t *answer = json_pack("{s:{s:s,s:o}}", "error", "class", class, "desc",
                               text ? text : json_string("the message is no UTF-8"));

    if (id)
        json_object_set(answer, "id", id);
    send(q, answer);
}

void qmp_greet(struct qmp *q)
{
    qmp_scan_free(&q->scan);
    q->negotiated = false;
    send(q, json_pack("{s:{s:{s:{s:i,s:i,s:i},s:s},s:[]}}", "QMP", "version", "qemu", "micro", 0,
                      "minor", 2, "major", 7, "package", "ringer " RINGER_VERSION, "capabilities"));
}

/* ---- one command ---- */

bool qmp_fail(struct qmp_call *c, const char *class, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(c->desc, sizeof c->desc, format, ap);
    va_end(ap);
    c->class = class;
    return false;
}

bool qmp_fail_error(struct qmp_call *c, const struct error *err)
{
    return qmp_fail(c, "GenericError", "%s", err->text);
}

const char *qmp_string(const struct qmp_call *c, const char *name, const char *absent)
{
    const json_t *value = json_object_get(c->args, name);

    return value ? json_string_value(value) : absent;
}

bool qmp_bool(const struct qmp_call *c, const char *name, bool absent)
{
    const json_t *value = json_object_get(c->args, name);

    return value ? json_is_true(value) : absent;
}

int64_t qmp_int(const struct qmp_call *c, const char *name, int64_t absent)
{
    const json_t *value = json_object_get(c->args, name);

    return value ? json_integer_value(value) : absent;
}

static bool negotiate(struct qmp *q, struct qmp_call *c)
{
    const json_t *enable = json_object_get(c->args, "enable");

    if (json_array_size(enable))
        return qmp_fail(c, "GenericError", "Capability '%s' is not available",
                        json_string_value(json_array_get(enable, 0)));
    q->negotiated = true;
    return true;
}

static bool run(struct qmp *q, const char *name, struct qmp_call *c)
{
    const struct qmp_command *command = qmp_find(name);
    bool negotiation = !strcmp(name, "qmp_capabilities");
    const char *why = qmp_refusal(name);

    if (!q->negotiated && !negotiation)
        return qmp_fail(c, "CommandNotFound",
                        "Expecting capabilities negotiation with 'qmp_capabilities'");
    if (q->negotiated && negotiation)
        return qmp_fail(c, "CommandNotFound",
                        "Capabilities negotiation is already complete, command ignored");
    if (!command && why)
        return qmp_fail(c, "CommandNotFound", "The command %s is not supported: %s", name, why);
    if (!command)
        return qmp_fail(c, "CommandNotFound", "The command %.100s has not been found", name);
    if (!qmp_check_members(c->args, command->args, "", c->desc, sizeof c->desc)) {
        c->class = "GenericError";
        return false;
    }
    return negotiation ? negotiate(q, c) : command->run(c);
}

/* The members that a message may have. */
static bool check_message(const json_t *message, struct qmp_call *c)
{
    const char *key;
    json_t *value;

    if (!json_is_object(message))
        return qmp_fail(c, "GenericError", "QMP input must be a JSON object");
    json_object_foreach((json_t *)message, key, value)
    {
        if (!strcmp(key, "execute")) {
            if (!json_is_string(value))
                return qmp_fail(c, "GenericError", "QMP input member 'execute' must be a string");
        } else if (!strcmp(key, "arguments")) {
            if (!json_is_object(value))
                return qmp_fail(c, "GenericError",
                                "QMP input member 'arguments' must be an object");
        } else if (!strcmp(key, "exec-oob")) {
            return qmp_fail(c, "GenericError",
                            "QMP input member 'exec-oob' needs the capability 'oob', which is not "
                            "available");
        } else if (strcmp(key, "id")) {
            return qmp_fail(c, "GenericError", "QMP input member '%.100s' is unexpected", key);
        }
    }
    if (!json_object_get(message, "execute"))
        return qmp_fail(c, "GenericError", "QMP input lacks member 'execute'");
    return true;
}

static void carry_out(struct qmp *q, const json_t *message)
{
    json_t *nothing = json_object(), *arguments = json_object_get(message, "arguments");
    json_t *id = json_object_get(message, "id");
    struct qmp_call c = {.t = &q->target, .args = arguments ? arguments : nothing};

    if (check_message(message, &c) &&
        run(q, json_string_value(json_object_get(message, "execute")), &c)) {
        json_t *answer = json_pack("{s:o}", "return", c.ret ? c.ret : json_object());
        if (id)
            json_object_set(answer, "id", id);
        send(q, answer);
    } else {
        json_decref(c.ret);
        send_error(q, id, c.class, c.desc);
    }
    json_decref(nothing);
}

static void parse(struct qmp *q)
{
    json_error_t error;
    json_t *message =
        json_loadb(q->scan.text, q->scan.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    char desc[300];

    if (message) {
        carry_out(q, message);
        json_decref(message);
        return;
    }
    snprintf(desc, sizeof desc, "JSON parse error, %s", error.text);
    send_error(q, NULL, "GenericError", desc);
}

size_t qmp_input(struct qmp *q, const char *data, size_t len)
{
    size_t used;

    switch (qmp_scan(&q->scan, data, len, &used)) {
    case SCAN_MORE:
        break;
    case SCAN_MESSAGE:
        parse(q);
        break;
    case SCAN_TOO_LONG:
        send_error(q, NULL, "GenericError", "JSON parse error, the message is longer than 1 MiB");
        break;
    case SCAN_TOO_DEEP:
        send_error(q, NULL, "GenericError", "JSON parse error, nesting is too deep");
        break;
    case SCAN_CUT:
        send_error(q, NULL, "GenericError", "JSON parse error, the message was cut short");
        break;
    }
    return used;
}

/* ---- events ---- */

static json_t *peer(const struct peer_address *a)
{
    return json_pack("{s:s,s:s,s:s,s:b}", "host", a->host, "service", a->service, "family",
                     a->family, "websocket", 0);
}

static json_t *vnc_data(const struct machine_event *e)
{
    json_t *server = peer(&e->server);

    json_object_set_new(server, "auth", json_string(e->auth));
    return json_pack("{s:o,s:o}", "server", server, "client", peer(&e->client));
}

static json_t *event_data(const struct machine_event *e)
{
    switch (e->kind) {
    case MACHINE_RESET:
    case MACHINE_SHUTDOWN:
        return json_pack("{s:b,s:s}", "guest", (int)e->guest, "reason", e->reason);
    case MACHINE_TRAY_MOVED:
        return json_pack("{s:s,s:s,s:b}", "device", e->device, "id", e->qdev, "tray-open",
                         (int)e->on);
    case MACHINE_IO_ERROR:
        return json_pack("{s:s,s:s,s:s,s:s,s:b,s:s}", "device", e->device, "node-name", e->node,
                         "operation", e->on ? "write" : "read", "action", e->reason, "nospace",
                         (int)(e->error == ENOSPC), "reason", strerror(e->error));
    case MACHINE_RTC_CHANGE:
        return json_pack("{s:I,s:s}", "offset", (json_int_t)e->offset, "qom-path", "/machine/rtc");
    case MACHINE_DUMP_COMPLETED:
        return json_pack("{s:{s:s,s:I,s:I}}", "result", "status", "completed", "total",
                         (json_int_t)e->bytes, "completed", (json_int_t)e->bytes);
    case MACHINE_WATCHPOINT:
        return json_pack("{s:i,s:I,s:b}", "number", (int)e->number, "address",
                         (json_int_t)e->address, "write", (int)e->on);
    case MACHINE_VNC_CONNECTED:
    case MACHINE_VNC_INITIALIZED:
    case MACHINE_VNC_DISCONNECTED:
        return vnc_data(e);
    default:
        return NULL;
    }
}

void qmp_event(struct qmp *q, const struct machine_event *e, int64_t seconds, unsigned microseconds)
{
    static const char *const names[] = {
        [MACHINE_RESET] = "RESET",
        [MACHINE_SHUTDOWN] = "SHUTDOWN",
        [MACHINE_STOP] = "STOP",
        [MACHINE_RESUME] = "RESUME",
        [MACHINE_POWERDOWN] = "POWERDOWN",
        [MACHINE_TRAY_MOVED] = "DEVICE_TRAY_MOVED",
        [MACHINE_IO_ERROR] = "BLOCK_IO_ERROR",
        [MACHINE_RTC_CHANGE] = "RTC_CHANGE",
        [MACHINE_WATCHPOINT] = "RINGER_WATCHPOINT",
        [MACHINE_SUSPEND] = "SUSPEND",
        [MACHINE_SUSPEND_DISK] = "SUSPEND_DISK",
        [MACHINE_WAKEUP] = "WAKEUP",
        [MACHINE_VNC_CONNECTED] = "VNC_CONNECTED",
        [MACHINE_VNC_INITIALIZED] = "VNC_INITIALIZED",
        [MACHINE_VNC_DISCONNECTED] = "VNC_DISCONNECTED",
        [MACHINE_DUMP_COMPLETED] = "DUMP_COMPLETED",
    };
    json_t *data = event_data(e);

    if (!q->negotiated) {
        json_decref(data);
        return;
    }
    json_t *message = json_pack("{s:{s:I,s:i},s:s}", "timestamp", "seconds", (json_int_t)seconds,
                                "microseconds", (int)microseconds, "event", names[e->kind]);
    if (data)
        json_object_set_new(message, "data", data);
    send(q, message);
}

/* ---- life ---- */

struct qmp *qmp_new(const struct monitor_target *t, bool pretty,
                    void (*write)(void *opaque, const char *data, size_t len), void *opaque)
{
    struct qmp *q = calloc(1, sizeof *q);

    if (!q)
        abort();
    q->target = *t;
    q->pretty = pretty;
    q->write = write;
    q->opaque = opaque;
    return q;
}

void qmp_free(struct qmp *q)
{
    if (!q)
        return;
    qmp_scan_free(&q->scan);
    free(q);
}
