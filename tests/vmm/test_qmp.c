/* QMP: where messages end, what is answered, and clients that behave badly. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "devices/block.h"
#include "vmm/host.h"
#include "vmm/qmp.h"
#include "vmm/qmp_command.h"
#include "vmm/qmp_scan.h"

/* ---- messages ---- */

/* What a text is cut into, with "|" behind each message and letters for errors. */
static void scan_all(const char *in, size_t chunk, char *out)
{
    struct qmp_scan s = {0};
    size_t len = strlen(in);

    *out = 0;
    for (size_t at = 0; at < len;) {
        size_t n = len - at < chunk ? len - at : chunk, used;

        switch (qmp_scan(&s, in + at, n, &used)) {
        case SCAN_MORE:
            ck_assert_uint_eq(used, n);
            break;
        case SCAN_MESSAGE:
            strcat(strcat(out, s.text), "|");
            break;
        case SCAN_CUT:
            strcat(out, "cut|");
            break;
        default:
            strcat(out, "!|");
            break;
        }
        at += used;
    }
    qmp_scan_free(&s);
}

START_TEST(messages)
{
    static const char *const cases[][2] = {
        {"{\"a\":1}", "{\"a\":1}|"},
        {"{}{} [ ]\n", "{}|{}|[ ]|"},
        {"{\"a\":{\"b\":[1,{}]}}{}", "{\"a\":{\"b\":[1,{}]}}|{}|"},
        {"{\"}\\\"]\":\"{[\"}", "{\"}\\\"]\":\"{[\"}|"},
        {"{'it':'s \"x\"'}", "{\"it\":\"s \\\"x\\\"\"}|"},
        {"{'it\\'s':1}", "{\"it's\":1}|"},
        {"hello 5 {}", "hello|5|{}|"},
        {"nul{}", "nul|{}|"},
        {"}{}", "}|{}|"},
        {"{\"a\":\xff{}", "cut|{}|"},
        {"\xff\xff{}", "{}|"},
        {"  \r\n\t", ""},
    };
    char out[200];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t chunk = 1; chunk < 30; chunk += 7) {
            scan_all(cases[i][0], chunk, out);
            ck_assert_str_eq(out, cases[i][1]);
        }
}
END_TEST

/* Too long and too deep: one error each, and what follows is understood again. */
START_TEST(monsters)
{
    struct qmp_scan s = {0};
    size_t used;

    ck_assert_int_eq(qmp_scan(&s, "[\"", 2, &used), SCAN_MORE);
    enum qmp_scan_result r = SCAN_MORE;
    for (int i = 0; i <= QMP_MESSAGE_MAX && r == SCAN_MORE; i++)
        r = qmp_scan(&s, "x", 1, &used);
    ck_assert_int_eq(r, SCAN_TOO_LONG);
    ck_assert_int_eq(qmp_scan(&s, "]{\"]{}", 6, &used), SCAN_MESSAGE);
    ck_assert_str_eq(s.text, "{}");
    for (int i = 0; i < QMP_DEPTH_MAX; i++)
        ck_assert_int_eq(qmp_scan(&s, "[", 1, &used), SCAN_MORE);
    ck_assert_int_eq(qmp_scan(&s, "[", 1, &used), SCAN_TOO_DEEP);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(qmp_scan(&s, "[", 1, &used), SCAN_MORE);
    ck_assert_int_eq(qmp_scan(&s, "\xff{}", 3, &used), SCAN_MESSAGE);
    qmp_scan_free(&s);
}
END_TEST

/* ---- a machine ---- */

struct rig {
    struct host host;
    struct qmp *qmp;
    struct text out;
};

static void collect(void *opaque, const char *data, size_t len)
{
    text_add(opaque, data, len);
}

static void open_rig(struct rig *r, const char *socket)
{
    char *argv[] = {"-m",       "4",    "-S",   "-display",    "none",
                    "-monitor", "none", "-qmp", (char *)socket};
    struct error err = {""};

    *r = (struct rig){.host.embedded = true};
    ck_assert_msg(options_parse(&r->host.options, socket ? 9 : 7, argv, &err), "%s", err.text);
    ck_assert_msg(host_open(&r->host, &err), "%s", err.text);
    ck_assert_msg(host_start(&r->host, &err), "%s", err.text);
    const struct monitor_target t = host_target(&r->host);
    r->qmp = qmp_new(&t, false, collect, &r->out);
}

static void close_rig(struct rig *r)
{
    qmp_free(r->qmp);
    text_free(&r->out);
    host_close(&r->host);
    options_free(&r->host.options);
}

/* The answer to TEXT: one line of JSON, the caller's. */
static json_t *ask(struct rig *r, const char *text)
{
    size_t len = strlen(text);
    json_t *answer;

    r->out.len = 0;
    for (size_t at = 0; at < len;)
        at += qmp_input(r->qmp, text + at, len - at);
    ck_assert_msg(r->out.len > 2, "no answer to %s", text);
    ck_assert_str_eq(r->out.data + r->out.len - 2, "\r\n");
    answer = json_loadb(r->out.data, r->out.len, 0, NULL);
    ck_assert_msg(answer, "%s -> %s", text, r->out.data);
    return answer;
}

static void negotiate(struct rig *r)
{
    qmp_greet(r->qmp);
    json_decref(ask(r, "{\"execute\":\"qmp_capabilities\"}"));
}

START_TEST(negotiation)
{
    struct rig r;
    json_t *answer;
    const char *class;

    open_rig(&r, NULL);
    qmp_greet(r.qmp);
    ck_assert_ptr_nonnull(strstr(r.out.data, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\""));
    ck_assert_ptr_nonnull(strstr(r.out.data, "\"capabilities\": []}}\r\n"));
    answer = ask(&r, "{\"execute\":\"query-status\",\"id\":[7]}");
    ck_assert_int_eq(json_unpack(answer, "{s:{s:s}}", "error", "class", &class), 0);
    ck_assert_str_eq(class, "CommandNotFound");
    ck_assert_int_eq(json_array_size(json_object_get(answer, "id")), 1);
    json_decref(answer);
    json_decref(ask(&r, "{'execute':'qmp_capabilities'}"));
    ck_assert_str_eq(r.out.data, "{\"return\": {}}\r\n");
    json_decref(ask(&r, "{'execute':'query-status', 'id':'x'}"));
    ck_assert_ptr_nonnull(strstr(r.out.data, "\"prelaunch\""));
    ck_assert_ptr_nonnull(strstr(r.out.data, "\"id\": \"x\""));
    close_rig(&r);
}
END_TEST

/* Every query without arguments answers, and the answer is what the schema says. */
START_TEST(queries_follow_the_schema)
{
    const struct qmp_command *c;
    struct rig r;
    char line[100], desc[300];
    unsigned queries = 0;

    open_rig(&r, NULL);
    negotiate(&r);
    for (unsigned i = 0; (c = qmp_nth(i)); i++) {
        if (strncmp(c->name, "query-", 6))
            continue;
        const char *args = strcmp(c->name, "query-stats") ? "" : ",\"arguments\":{\"target\":\"vcpu\"}";
        snprintf(line, sizeof line, "{\"execute\":\"%s\"%s}", c->name, args);
        json_t *answer = ask(&r, line), *value = json_object_get(answer, "return");
        ck_assert_msg(value, "%s: %s", c->name, r.out.data);
        ck_assert_msg(qmp_check(value, c->ret, "", desc, sizeof desc), "%s: %s", c->name, desc);
        json_decref(answer);
        queries++;
    }
    ck_assert_uint_gt(queries, 30);
    close_rig(&r);
}
END_TEST

/* All types that commands, events and types name exist. */
static void check_type(const json_t *names, const json_t *entry, const char *key)
{
    const char *type = json_string_value(json_object_get(entry, key));

    ck_assert_msg(!type || json_object_get(names, type), "there is no type '%s'", type);
}

START_TEST(schema_is_closed)
{
    struct rig r;
    json_t *answer, *entry, *member, *names = json_object();
    size_t i, j;

    open_rig(&r, NULL);
    negotiate(&r);
    answer = ask(&r, "{\"execute\":\"query-qmp-schema\"}");
    json_array_foreach(json_object_get(answer, "return"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        ck_assert_msg(!json_object_get(names, name) || strcmp(name, "eject") == 0, "%s twice",
                      name);
        json_object_set_new(names, name, json_true());
    }
    json_array_foreach(json_object_get(answer, "return"), i, entry)
    {
        check_type(names, entry, "arg-type");
        check_type(names, entry, "ret-type");
        check_type(names, entry, "element-type");
        json_array_foreach(json_object_get(entry, "members"), j, member)
            check_type(names, member, "type");
        json_array_foreach(json_object_get(entry, "variants"), j, member)
            check_type(names, member, "type");
    }
    json_decref(names);
    json_decref(answer);
    close_rig(&r);
}
END_TEST

START_TEST(errors)
{
    static const struct {
        const char *text, *class, *desc;
    } cases[] = {
        {"{\"execute\":\"foo\"}", "CommandNotFound", "The command foo has not been found"},
        {"{\"execute\":\"netdev_add\"}", "CommandNotFound", "no network card"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":\"x\"}}",
         "GenericError", "no VNC server"},
        {"{\"execute\":\"qmp_capabilities\"}", "CommandNotFound", "already complete"},
        {"{}", "GenericError", "QMP input lacks member 'execute'"},
        {"[]", "GenericError", "QMP input must be a JSON object"},
        {"5\n", "GenericError", "QMP input must be a JSON object"},
        {"hello\n", "GenericError", "JSON parse error"},
        {"{]", "GenericError", "JSON parse error"},
        {"{\"execute\":}", "GenericError", "JSON parse error"},
        {"{\"execute\":\"stop\",\"execute\":\"cont\"}", "GenericError", "JSON parse error"},
        {"{\"execute\":\"stop\xc3\x28\"}", "GenericError", "JSON parse error"},
        {"{\"execute\":\"a\\u0000b\"}", "GenericError", "JSON parse error"},
        {"{\"execute\":1}", "GenericError", "'execute' must be a string"},
        {"{\"execute\":\"stop\",\"arguments\":1}", "GenericError", "must be an object"},
        {"{\"execute\":\"stop\",\"foo\":1}", "GenericError", "'foo' is unexpected"},
        {"{\"execute\":\"stop\",\"arguments\":{\"a\":1}}", "GenericError",
         "Parameter 'a' is unexpected"},
        {"{\"execute\":\"screendump\"}", "GenericError", "Parameter 'filename' is missing"},
        {"{\"execute\":\"screendump\",\"arguments\":{\"filename\":3}}", "GenericError",
         "Invalid parameter type for 'filename', expected: string"},
        {"{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"x\",\"format\":\"gif\"}}",
         "GenericError", "Parameter 'format' does not accept value 'gif'"},
        {"{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/nonexistent/x\"}}",
         "GenericError", "/nonexistent/x"},
        {"{\"execute\":\"eject\"}", "GenericError", "exactly one of"},
        {"{\"execute\":\"eject\",\"arguments\":{\"device\":\"x\"}}", "DeviceNotFound", "'x'"},
        {"{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"device\":\"floppy0\","
         "\"filename\":\"/nonexistent\"}}",
         "GenericError", "/nonexistent"},
        {"{\"execute\":\"pmemsave\",\"arguments\":{\"val\":-1,\"size\":1,\"filename\":\"x\"}}",
         "GenericError", "not negative"},
        {"{\"execute\":\"pmemsave\",\"arguments\":{\"val\":4294967295,\"size\":2,"
         "\"filename\":\"x\"}}",
         "GenericError", "Invalid addr"},
        {"{\"execute\":\"pmemsave\",\"arguments\":{\"val\":1.5,\"size\":2,\"filename\":\"x\"}}",
         "GenericError", "expected: integer"},
        {"{\"execute\":\"dump-guest-memory\",\"arguments\":{\"paging\":false,"
         "\"protocol\":\"x\"}}",
         "GenericError", "protocol"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\","
         "\"data\":\"frob\"}]}}",
         "GenericError", "Parameter 'keys[0].data' does not accept value 'frob'"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"number\","
         "\"data\":-5}]}}",
         "GenericError", "keys[0]"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[5]}}", "GenericError",
         "Invalid parameter type for 'keys[0]', expected: object"},
        {"{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[{\"type\":\"abs\","
         "\"data\":{\"axis\":\"x\",\"value\":1}}]}}",
         "GenericError", "Input handler not found"},
        {"{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[{\"type\":\"btn\","
         "\"data\":{\"button\":\"left\"}}]}}",
         "GenericError", "Parameter 'events[0].data.down' is missing"},
    };
    char dir[] = "/tmp/ringer-test-qmp.XXXXXX";
    struct rig r;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    open_rig(&r, NULL);
    negotiate(&r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *answer = ask(&r, cases[i].text);
        const char *class = "", *desc = "";
        ck_assert_msg(
            json_unpack(answer, "{s:{s:s,s:s}}", "error", "class", &class, "desc", &desc) == 0,
            "%s -> %s", cases[i].text, r.out.data);
        ck_assert_str_eq(class, cases[i].class);
        ck_assert_msg(strstr(desc, cases[i].desc), "%s -> %s", cases[i].text, desc);
        json_decref(answer);
    }
    close_rig(&r);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(dir), 0); /* nothing was written there */
}
END_TEST

START_TEST(commands)
{
    static const char *const lines[] = {
        "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"ctrl\"},"
        "{\"type\":\"number\",\"data\":30}],\"hold-time\":20}}",
        "{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[{\"type\":\"rel\",\"data\":"
        "{\"axis\":\"y\",\"value\":-99999999999}},{\"type\":\"btn\",\"data\":{\"button\":"
        "\"wheel-up\",\"down\":true}},{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":"
        "\"qcode\",\"data\":\"a\"}}}]}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info status\"}}",
        "{\"execute\":\"cont\"}",
        "{\"execute\":\"stop\"}",
        "{\"execute\":\"system_reset\"}",
        "{\"execute\":\"system_powerdown\"}",
        "{\"execute\":\"inject-nmi\"}",
        "{\"execute\":\"blockdev-open-tray\",\"arguments\":{\"id\":\"ide1-cd0\"}}",
        "{\"execute\":\"blockdev-remove-medium\",\"arguments\":{\"id\":\"ide1-cd0\"}}",
        "{\"execute\":\"blockdev-close-tray\",\"arguments\":{\"device\":\"ide1-cd0\"}}",
        "{\"execute\":\"eject\",\"arguments\":{\"device\":\"floppy0\",\"force\":true}}",
    };
    struct rig r;

    open_rig(&r, NULL);
    negotiate(&r);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        json_t *answer = ask(&r, lines[i]);
        ck_assert_msg(json_object_get(answer, "return"), "%s -> %s", lines[i], r.out.data);
        json_decref(answer);
    }
    close_rig(&r);
}
END_TEST

/* ---- on a socket ---- */

static void *run_host(void *opaque)
{
    static int status;

    status = host_run(opaque);
    return &status;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Read until WANTED was seen, for ten seconds at most; "" until the end.  BEFORE (NULL: nothing)
 * comes before it. */
static void expect_after(int fd, const char *before, const char *wanted)
{
    struct text got = {0};
    char data[4096];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, 10000) == 1, "no '%s' in %s", wanted, text_string(&got));
        ssize_t n = read(fd, data, sizeof data);
        if (n <= 0) {
            ck_assert_msg(!*wanted, "no '%s' before the end", wanted);
            break;
        }
        text_add(&got, data, (size_t)n);
        const char *at = *wanted ? strstr(got.data, wanted) : NULL;
        const char *first = before ? strstr(got.data, before) : NULL;
        ck_assert_msg(!at || !before || (first && first < at), "no '%s' before '%s'", before,
                      wanted);
        if (at)
            break;
    }
    text_free(&got);
}

static void expect(int fd, const char *wanted)
{
    expect_after(fd, NULL, wanted);
}

START_TEST(clients)
{
    char dir[] = "/tmp/ringer-qmp.XXXXXX", path[60], option[100];
    static const char schema[] = "{\"execute\":\"query-qmp-schema\"}";
    static struct rig r;
    pthread_t thread;
    void *status;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(option, sizeof option, "unix:%s,server=on,wait=off", path);
    open_rig(&r, option);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_host, &r.host), 0);

    int fd = connect_to(path); /* one that goes in the middle of a message */
    expect(fd, "\"QMP\"");
    put(fd, "{\"execute\":\"qmp_capabilities\"}{\"execute\":");
    expect(fd, "\"return\"");
    close(fd);

    fd = connect_to(path); /* one that asks, and does not read */
    expect(fd, "\"QMP\"");
    put(fd, "{\"execute\":\"qmp_capabilities\"}");
    expect(fd, "\"return\"");
    int asked = 0;
    for (struct pollfd p = {.fd = fd, .events = POLLOUT}; poll(&p, 1, 300) == 1; asked++) {
        ck_assert_msg(asked < 100000, "whoever does not read is never stopped");
        put(fd, schema);
    }
    for (int i = 0; i < 20; i++) { /* and then reads all the same */
        put(fd, "");
        expect(fd, "q_empty");
    }
    close(fd);

    fd = connect_to(path);
    expect(fd, "\"QMP\"");
    put(fd, "{\"execute\":\"qmp_capabilities\"}");
    expect(fd, "\"return\"");
    /* What a command has made happen is told before its answer. */
    put(fd, "{\"execute\":\"cont\"}");
    expect_after(fd, "\"event\": \"RESUME\"", "\"return\"");
    put(fd, "{\"execute\":\"stop\"}");
    expect_after(fd, "\"event\": \"STOP\"", "\"return\"");
    put(fd, "{\"execute\":\"dump-guest-memory\",\"arguments\":{\"paging\":false,\"detach\":true,"
            "\"protocol\":\"file:/dev/null\"}}{\"execute\":\"query-dump\"}");
    expect_after(fd, "\"event\": \"DUMP_COMPLETED\"", "\"status\": \"completed\", \"completed\"");
    put(fd, "{\"execute\":\"blockdev-open-tray\",\"arguments\":{\"id\":\"floppy0\"}}");
    expect_after(fd, "\"device\": \"floppy0\", \"id\": \"/machine/unattached/device[20]\"",
                 "\"return\"");
    put(fd, "{\"execute\":\"quit\"}");
    ck_assert_int_eq(pthread_join(thread, &status), 0);
    ck_assert_int_eq(*(int *)status, 0);
    close_rig(&r);
    expect(fd, "\"reason\": \"host-qmp-quit\"");
    close(fd);
    rmdir(dir);
}
END_TEST

/* What a program that manages machines does to change a disc, and its other commands. */
START_TEST(nodes)
{
    static const struct {
        const char *command, *error; /* NULL: it works */
    } cases[] = {
        {"{'execute':'blockdev-add','arguments':{'driver':'file','filename':'%s','node-name':'s',"
         "'auto-read-only':true,'discard':'unmap'}}",
         NULL},
        {"{'execute':'blockdev-add','arguments':{'node-name':'f','read-only':true,'driver':'raw',"
         "'file':'s'}}",
         NULL},
        {"{'execute':'blockdev-add','arguments':{'node-name':'f','driver':'raw','file':'s'}}",
         "one of this name"},
        {"{'execute':'blockdev-add','arguments':{'driver':'file','filename':'%s.none',"
         "'node-name':'n'}}",
         "does not exist"},
        {"{'execute':'blockdev-add','arguments':{'driver':'file','filename':'%s','hologram':1,"
         "'node-name':'n'}}",
         "'hologram' is unexpected"},
        {"{'execute':'blockdev-insert-medium','arguments':{'id':'ide1-cd0','node-name':'f'}}",
         "not open"},
        {"{'execute':'blockdev-open-tray','arguments':{'id':'ide1-cd0'}}", NULL},
        {"{'execute':'blockdev-remove-medium','arguments':{'id':'ide1-cd0'}}", NULL},
        {"{'execute':'blockdev-insert-medium','arguments':{'id':'ide1-cd0','node-name':'x'}}",
         "node-name='x'"},
        {"{'execute':'blockdev-insert-medium','arguments':{'id':'ide1-cd0','node-name':'f'}}",
         NULL},
        {"{'execute':'blockdev-insert-medium','arguments':{'id':'ide1-cd0','node-name':'f'}}",
         "already is a medium"}, /* the tray is still open */
        {"{'execute':'blockdev-close-tray','arguments':{'id':'ide1-cd0'}}", NULL},
        {"{'execute':'blockdev-del','arguments':{'node-name':'f'}}", "in use"},
        {"{'execute':'eject','arguments':{'id':'ide1-cd0'}}", NULL},
        {"{'execute':'blockdev-del','arguments':{'node-name':'f'}}", NULL},
        {"{'execute':'blockdev-del','arguments':{'node-name':'f'}}", "node-name='f'"},
        {"{'execute':'blockdev-open-tray','arguments':{'id':'floppy0'}}", NULL},
        {"{'execute':'blockdev-insert-medium','arguments':{'id':'floppy0','node-name':'s'}}", NULL},
        {"{'execute':'blockdev-close-tray','arguments':{'id':'floppy0'}}", NULL},
        {"{'execute':'migrate-set-capabilities','arguments':{'capabilities':[{'capability':'events'"
         ","
         "'state':true},{'capability':'xbzrle','state':false}]}}",
         NULL},
        {"{'execute':'migrate-set-capabilities','arguments':{'capabilities':[{'capability':'xbzrle'"
         ","
         "'state':true}]}}",
         "xbzrle"},
        {"{'execute':'set-action','arguments':{'reboot':'shutdown','shutdown':'pause'}}", NULL},
        {"{'execute':'set-action','arguments':{'reboot':'never'}}", "never"},
        {"{'execute':'rtc-reset-reinjection'}", NULL},
    };
    char path[] = "/tmp/ringer-qmp-XXXXXX", text[500];
    struct rig r;
    int fd = mkstemp(path);

    ck_assert(fd >= 0 && ftruncate(fd, 1474560) == 0);
    open_rig(&r, NULL);
    negotiate(&r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(cases[i].command, "%s");
        snprintf(text, sizeof text, "%.*s%s%s", at ? (int)(at - cases[i].command) : 500,
                 cases[i].command, at ? path : "", at ? at + 2 : "");
        json_t *answer = ask(&r, text);
        const char *why =
            json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
        ck_assert_msg(!why == !cases[i].error && (!why || strstr(why, cases[i].error)), "%s: %s",
                      text, why ? why : "it worked");
        json_decref(answer);
    }
    ck_assert(r.host.machine->config.no_reboot && r.host.machine->config.no_shutdown);
    ck_assert_str_eq(block_path(r.host.machine->config.floppy[0]), path);
    ck_assert_str_eq(r.host.machine->config.floppy_names[0].node, "s");
    json_decref(ask(&r, "{'execute':'eject','arguments':{'id':'floppy0'}}"));
    /* Places of nodes that are gone are taken again. */
    for (unsigned i = 0; i < 200; i++) {
        snprintf(text, sizeof text,
                 "{'execute':'blockdev-add','arguments':{'driver':'raw','file':{'driver':'file',"
                 "'filename':'%s'},'read-only':true,'node-name':'n%u'}}",
                 path, i);
        json_t *answer = ask(&r, text);
        ck_assert_msg(json_object_get(answer, "return"), "%u nodes", i);
        json_decref(answer);
        if (i)
            snprintf(text, sizeof text,
                     "{'execute':'blockdev-del','arguments':{'node-name':'n%u'}}", i - 1);
        json_decref(i ? ask(&r, text) : NULL);
    }
    close_rig(&r);
    close(fd);
    unlink(path);
}
END_TEST

/* What libvirt and its like ask before they start anything. */
START_TEST(types_and_properties)
{
    static const struct {
        const char *command, *in_answer;
    } cases[] = {
        {"{'execute':'qom-list-types'}", "\"ide-hd\""},
        {"{'execute':'qom-list-types','arguments':{'implements':'cpu'}}", "\"qemu32-i386-cpu\""},
        {"{'execute':'qom-list-types','arguments':{'implements':'machine'}}", "none-machine"},
        {"{'execute':'device-list-properties','arguments':{'typename':'ide-hd'}}", "bootindex"},
        {"{'execute':'device-list-properties','arguments':{'typename':'nvme'}}", "DeviceNotFound"},
        {"{'execute':'qom-list-properties','arguments':{'typename':'max-i386-cpu'}}", "\"sse2\""},
        {"{'execute':'qom-list-properties','arguments':{'typename':'pc-i440fx-7.2-machine'}}",
         "\"vmport\""},
        {"{'execute':'query-command-line-options'}", "\"chardev\""},
        {"{'execute':'query-command-line-options','arguments':{'option':'drive'}}", "\"werror\""},
        {"{'execute':'query-command-line-options','arguments':{'option':'x'}}", "invalid option"},
        {"{'execute':'qom-list','arguments':{'path':'/machine'}}", "peripheral"},
        {"{'execute':'qom-list','arguments':{'path':'/nowhere'}}", "DeviceNotFound"},
        {"{'execute':'qom-get','arguments':{'path':'/machine','property':'type'}}",
         "pc-i440fx-7.2-machine"},
        {"{'execute':'qom-get','arguments':{'path':'/machine','property':'x'}}", "not found"},
    };
    struct rig r;

    open_rig(&r, NULL);
    negotiate(&r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_decref(ask(&r, cases[i].command));
        ck_assert_msg(strstr(r.out.data, cases[i].in_answer), "%s -> %s", cases[i].command,
                      r.out.data);
    }
    json_decref(ask(&r, cases[1].command));
    ck_assert_ptr_null(strstr(r.out.data, "\"ide-hd\""));
    close_rig(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qmp");
    TCase *t = tcase_create("qmp");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, messages);
    tcase_add_test(t, monsters);
    tcase_add_test(t, negotiation);
    tcase_add_test(t, queries_follow_the_schema);
    tcase_add_test(t, schema_is_closed);
    tcase_add_test(t, errors);
    tcase_add_test(t, types_and_properties);
    tcase_add_test(t, commands);
    tcase_add_test(t, nodes);
    tcase_add_test(t, clients);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
