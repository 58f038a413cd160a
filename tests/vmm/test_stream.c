/* Streams: each kind, from both sides, and what is shared. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/chardevs.h"

struct ear {
    char text[4096];
    size_t len;
    int connected;
};

static void hear(void *opaque, const uint8_t *data, size_t len)
{
    struct ear *e = opaque;

    ck_assert_uint_lt(e->len + len, sizeof e->text);
    memcpy(e->text + e->len, data, len);
    e->len += len;
}

static void notice(void *opaque, bool connected)
{
    struct ear *e = opaque;

    e->connected += connected ? 1 : -1;
}

static uv_loop_t loop;
static char dir[40];

static void setup(void)
{
    strcpy(dir, "/tmp/ringer-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    uv_loop_init(&loop);
}

static void teardown(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    char command[60];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

static struct stream *try_open(const char *text, struct error *err)
{
    struct stream_spec spec;

    err->text[0] = 0;
    ck_assert_msg(stream_parse("-serial", text, &spec, err), "%s", err->text);
    struct stream *s = stream_open(&loop, &spec, "test", err);
    ck_assert(!s || stream_begin(s, err));
    return s;
}

static struct stream *must_open(const char *text, struct ear *ear)
{
    struct error err;
    struct stream *s = try_open(text, &err);

    ck_assert_msg(s, "%s", err.text);
    stream_set_reader(s, &(struct stream_reader){ear, hear, notice, NULL});
    return s;
}

static void spin(void)
{
    for (int i = 0; i < 50; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(100);
    }
}

/* Run the loop until EAR has heard TEXT. */
static void expect(struct ear *ear, const char *text)
{
    for (int i = 0; i < 2000 && !(ear->len >= strlen(text)); i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_uint_eq(ear->len, strlen(text));
    ck_assert(memcmp(ear->text, text, ear->len) == 0);
    ear->len = 0;
}

static void send_text(struct stream *s, const char *text)
{
    stream_send(s, text, strlen(text));
}

static void talk(const char *server_spec, const char *client_spec)
{
    struct ear server_ear = {0}, client_ear = {0};
    struct stream *server = must_open(server_spec, &server_ear);
    struct stream *client = must_open(client_spec, &client_ear);

    send_text(client, "hello");
    expect(&server_ear, "hello");
    ck_assert_int_eq(server_ear.connected, 1);
    send_text(server, "welcome");
    expect(&client_ear, "welcome");
    stream_close(client);
    /* The next one is served as well. */
    client = must_open(client_spec, &client_ear);
    send_text(client, "again");
    expect(&server_ear, "again");
    stream_close(client);
    stream_close(server);
}

START_TEST(sockets)
{
    talk("unix:sock,server=on,wait=off", "unix:sock");
    ck_assert_int_lt(access("sock", F_OK), 0); /* the socket file went with the server */
}
END_TEST

static unsigned free_port(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    close(fd);
    return ntohs(a.sin_port);
}

START_TEST(tcp)
{
    char server[60], client[60];
    unsigned port = free_port(SOCK_STREAM);

    snprintf(server, sizeof server, "tcp:127.0.0.1:%u,server=on,wait=off", port);
    snprintf(client, sizeof client, "tcp:127.0.0.1:%u", port);
    talk(server, client);
    struct error err;
    ck_assert_ptr_null(try_open(client, &err)); /* nobody there any more */
    ck_assert_ptr_nonnull(strstr(err.text, "server=on"));
}
END_TEST

START_TEST(a_client_that_tries_again)
{
    struct ear server_ear = {0}, client_ear = {0};
    struct stream *client = must_open("unix:late,reconnect=1", &client_ear);

    spin();
    ck_assert_int_eq(client_ear.connected, 0);
    struct stream *server = must_open("unix:late,server,nowait", &server_ear);
    for (int i = 0; i < 3000 && !client_ear.connected; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    send_text(client, "here I am");
    expect(&server_ear, "here I am");
    stream_close(client);
    stream_close(server);
}
END_TEST

START_TEST(telnet_filter)
{
    struct ear server_ear = {0}, client_ear = {0};
    char server[60], client[60];
    unsigned port = free_port(SOCK_STREAM);
    /* DO ECHO; a; an escaped FFh; a subnegotiation; b; CR NUL; NOP; c */
    static const char wire[] = "\377\375\001a\377\377\377\372\030\000xx\377\360b\r\000\377\361c";

    snprintf(server, sizeof server, "telnet:127.0.0.1:%u,server=on,wait=off", port);
    snprintf(client, sizeof client, "tcp:127.0.0.1:%u", port);
    struct stream *s = must_open(server, &server_ear), *c = must_open(client, &client_ear);
    stream_send(c, wire, sizeof wire - 1);
    expect(&server_ear, "a\377b\rc");
    for (int i = 0; i < 1000 && client_ear.len < 12; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    client_ear.len = 0;
    stream_send(s, "x\377y", 3);
    expect(&client_ear, "x\377\377y");
    stream_close(c);
    stream_close(s);
}
END_TEST

START_TEST(udp)
{
    struct ear a_ear = {0}, b_ear = {0};
    unsigned a_port = free_port(SOCK_DGRAM), b_port = free_port(SOCK_DGRAM);
    char a_spec[80], b_spec[80];

    snprintf(a_spec, sizeof a_spec, "udp:127.0.0.1:%u@127.0.0.1:%u", b_port, a_port);
    snprintf(b_spec, sizeof b_spec, "udp:127.0.0.1:%u@127.0.0.1:%u", a_port, b_port);
    struct stream *a = must_open(a_spec, &a_ear);
    send_text(a, "into the void"); /* nobody listens: no error */
    spin();
    struct stream *b = must_open(b_spec, &b_ear);
    send_text(a, "over");
    expect(&b_ear, "over");
    send_text(b, "and out");
    expect(&a_ear, "and out");
    stream_close(a);
    stream_close(b);
}
END_TEST

START_TEST(pipes)
{
    struct ear ear = {0};
    char got[10];

    ck_assert_int_eq(mkfifo("p.in", 0600), 0);
    ck_assert_int_eq(mkfifo("p.out", 0600), 0);
    struct stream *s = must_open("pipe:p", &ear);
    int in = open("p.in", O_WRONLY), out = open("p.out", O_RDONLY | O_NONBLOCK);
    ck_assert_int_eq(write(in, "ping", 4), 4);
    expect(&ear, "ping");
    send_text(s, "pong");
    spin();
    ck_assert_int_eq(read(out, got, sizeof got), 4);
    ck_assert(!memcmp(got, "pong", 4));
    stream_close(s);
    close(in);
    close(out);
    struct error err;
    ck_assert_ptr_null(try_open("pipe:none", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "mkfifo"));
}
END_TEST

static size_t slurp(const char *path, char *out, size_t n)
{
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    size_t len = fread(out, 1, n - 1, f);
    out[len] = 0;
    fclose(f);
    return len;
}

static struct stream *open_chardev(const char *text, struct ear *ear)
{
    struct stream_spec spec;
    struct error err = {""};
    char id[STREAM_ID];

    ck_assert_msg(stream_parse_chardev(text, &spec, id, &err), "%s", err.text);
    struct stream *s = stream_open(&loop, &spec, id, &err);
    ck_assert_msg(s && stream_begin(s, &err), "%s", err.text);
    stream_set_reader(s, &(struct stream_reader){ear, hear, notice, NULL});
    return s;
}

START_TEST(files)
{
    struct ear ear = {0};
    char text[60];
    struct stream *s = open_chardev("file,id=f,path=a,,b,logfile=log", &ear);

    send_text(s, "one");
    stream_close(s);
    s = open_chardev("file,id=f,path=a,,b,append=on,logfile=log,logappend=on", &ear);
    send_text(s, "two");
    stream_close(s);
    slurp("a,b", text, sizeof text);
    ck_assert_str_eq(text, "onetwo");
    slurp("log", text, sizeof text);
    ck_assert_str_eq(text, "onetwo");
    s = open_chardev("file,id=f,path=c,input-path=a,,b", &ear);
    expect(&ear, "onetwo");
    stream_close(s);
}
END_TEST

START_TEST(ring_buffers)
{
    struct ear ear = {0};
    char got[20];
    struct stream *s = open_chardev("ringbuf,id=r,size=8", &ear);

    send_text(s, "0123456789");
    ck_assert_uint_eq(stream_ring_read(s, got, 3), 3);
    ck_assert(!memcmp(got, "234", 3));
    ck_assert_uint_eq(stream_ring_read(s, got, sizeof got), 5);
    ck_assert(!memcmp(got, "56789", 5));
    ck_assert(stream_ring_write(s, "in", 2));
    ck_assert_uint_eq(ear.len, 2);
    stream_close(s);
}
END_TEST

/* Two fronts of one socket, and who has its turn. */
START_TEST(shared)
{
    struct chardev_option list[1] = {{.id = "x"}};
    struct ear first = {0}, second = {0}, client_ear = {0};
    struct error err = {""};
    char id[STREAM_ID];

    ck_assert(stream_parse_chardev("socket,id=x,path=s,server=on,wait=off,mux=on", &list[0].spec,
                                   id, &err));
    struct chardevs *c =
        chardevs_open(&loop, list, 1, &(struct stream_mux_keys){.escape = 1}, &err);
    ck_assert_msg(c, "%s", err.text);
    struct stream *a = chardevs_take(c, "x", &err), *b = chardevs_take(c, "x", &err);
    ck_assert(a && b && !chardevs_take(c, "y", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "'y'"));
    stream_set_reader(a, &(struct stream_reader){&first, hear, notice, NULL});
    stream_set_reader(b, &(struct stream_reader){&second, hear, notice, NULL});
    struct stream *client = must_open("unix:s", &client_ear);
    send_text(client, "1\001\001\001c2\001c3");
    expect(&first, "1\0013");
    expect(&second, "2");
    send_text(a, "from a");
    spin();
    client_ear.len = 0;
    send_text(b, "from b");
    expect(&client_ear, "from b");
    stream_close(client);
    stream_close(a);
    stream_close(b);
    chardevs_close(c);
}
END_TEST

START_TEST(one_user_unless_shared)
{
    struct chardev_option list[1] = {{.id = "n", .spec = {.kind = STREAM_NULL}}};
    struct error err = {""};
    struct chardevs *c = chardevs_open(&loop, list, 1, &(struct stream_mux_keys){0}, &err);

    struct stream *s = chardevs_take(c, "n", &err);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_null(chardevs_take(c, "n", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "mux=on"));
    stream_close(s);
    chardevs_close(c);
}
END_TEST

static const char *const wrong[][2] = {
    {"socket", "id=NAME"},
    {"socket,id=x", "path=FILE"},
    {"socket,id=x,path=a,port=4", "either"},
    {"socket,id=x,path=a,frob=on", "frob"},
    {"socket,id=x,path=a,wait=on", "server=on"},
    {"socket,id=x,path=a,server=on,reconnect=1", "reconnect"},
    {"socket,id=1x,path=a", "id=NAME"},
    {"file,id=x", "path=FILE"},
    {"ringbuf,id=x,size=3", "power of two"},
    {"spicevmc,id=x", "no backend"},
    {"frob,id=x", "frob"},
    {"null,id=x,mux=perhaps", "mux"},
    {"udp,id=x", "port"},
};

START_TEST(wrong_ones_are_named)
{
    struct stream_spec spec;
    struct error err = {""};
    char id[STREAM_ID];

    ck_assert(!stream_parse_chardev(wrong[_i][0], &spec, id, &err));
    ck_assert_msg(strstr(err.text, wrong[_i][1]), "%s: %s", wrong[_i][0], err.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tc = tcase_create("stream");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sockets);
    tcase_add_test(tc, tcp);
    tcase_add_test(tc, a_client_that_tries_again);
    tcase_add_test(tc, telnet_filter);
    tcase_add_test(tc, udp);
    tcase_add_test(tc, pipes);
    tcase_add_test(tc, files);
    tcase_add_test(tc, ring_buffers);
    tcase_add_test(tc, shared);
    tcase_add_test(tc, one_user_unless_shared);
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof wrong / sizeof *wrong);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
