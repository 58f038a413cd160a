/* What the test of -vnc says to ringer, by libvncclient and by bare sockets.
 *
 * client say SOCKET COMMAND: to a monitor; prints the answer.
 * client listen SOCKET: to a QMP server; prints all that it says.
 * client login PORT|PATH PASSWORD [SYMBOL|@X,Y,BUTTONS]...: status 0 when let in; types the key
 *     symbols, each pressed and let go, and moves the pointer.
 * client hostile PORT: nonsense, floods and half-said words; status 0 when a client that behaves
 *     is served all the while. */
#include <errno.h>
#include <netinet/in.h>
#include <rfb/rfbclient.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the monitor ---- */

static int read_answer(int fd, int show)
{
    char text[65536];
    size_t len = 0;

    while (len < sizeof text && (len < 7 || memcmp(text + len - 7, "(qemu) ", 7) != 0)) {
        ssize_t n = read(fd, text + len, sizeof text - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return show && fwrite(text, 1, len, stdout) != len;
}

static int say(const char *path, const char *command)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    if (connect(fd, (struct sockaddr *)&a, sizeof a))
        die(path);
    read_answer(fd, 0);
    dprintf(fd, "%s\n", command);
    return read_answer(fd, 1);
}

static int listen_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char text[4096];

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    if (connect(fd, (struct sockaddr *)&a, sizeof a))
        die(path);
    dprintf(fd, "{\"execute\": \"qmp_capabilities\"}\n");
    for (ssize_t n; (n = read(fd, text, sizeof text)) > 0;)
        if (write(STDOUT_FILENO, text, (size_t)n) != n)
            return 1;
    return 0;
}

/* ---- a client that behaves ---- */

static char *password;

static char *tell_password(rfbClient *c)
{
    (void)c;
    return strdup(password);
}

static void silent(const char *format, ...)
{
    (void)format;
}

static rfbClient *log_in(const char *where)
{
    rfbClient *c = rfbGetClient(8, 3, 4);
    int argc = 1;
    char *argv[] = {(char *)"client", NULL};

    rfbClientLog = rfbClientErr = silent;
    c->GetPassword = tell_password;
    c->serverHost = strdup(*where >= '0' && *where <= '9' ? "127.0.0.1" : where);
    c->serverPort = *where >= '0' && *where <= '9' ? atoi(where) : 0;
    return rfbInitClient(c, &argc, argv) ? c : NULL;
}

static int login(int argc, char **argv)
{
    password = argv[1];
    rfbClient *c = log_in(argv[0]);

    if (!c)
        return 1;
    for (int i = 2; i < argc; i++) {
        int x, y, buttons;
        if (sscanf(argv[i], "@%d,%d,%d", &x, &y, &buttons) == 3) {
            SendPointerEvent(c, x, y, buttons);
            usleep(200000);
            continue;
        }
        uint32_t symbol = (uint32_t)strtoul(argv[i], NULL, 0);
        SendKeyEvent(c, symbol, TRUE);
        SendKeyEvent(c, symbol, FALSE);
    }
    /* What was typed has been read when the picture comes. */
    SendFramebufferUpdateRequest(c, 0, 0, c->width, c->height, FALSE);
    int bad = WaitForMessage(c, 10000000) <= 0 || !HandleRFBServerMessage(c);
    sleep(1);
    rfbClientCleanup(c);
    return bad;
}

/* ---- clients that do not ---- */

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_usec = 500000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    return fd;
}

static void send_bytes(int fd, const void *data, size_t len)
{
    (void)!send(fd, data, len, MSG_NOSIGNAL);
}

/* As far as the normal protocol, without a password. */
static int greet(int port)
{
    char sink[256];
    int fd = dial(port);

    (void)!recv(fd, sink, 12, MSG_WAITALL);
    send_bytes(fd, "RFB 003.008\n", 12);
    (void)!recv(fd, sink, 2, MSG_WAITALL);
    send_bytes(fd, "\1", 1); /* no authentication */
    (void)!recv(fd, sink, 4, MSG_WAITALL);
    send_bytes(fd, "\1", 1); /* shared */
    (void)!recv(fd, sink, sizeof sink, 0);
    return fd;
}

static void nonsense(int port, uint32_t seed)
{
    uint8_t noise[512];
    int fd = greet(port);

    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (uint8_t)(seed >> 24);
    }
    noise[0] = (uint8_t)(seed >> 16) % 16; /* a message that there is, most often */
    send_bytes(fd, noise, sizeof noise);
    close(fd);
}

static int hostile(int port)
{
    static const uint8_t cut_text[] = {6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff},
                         encodings[] = {2, 0, 0xff, 0xff}, scale[] = {8, 0, 0, 0},
                         request[] = {3, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                         everything[] = {3, 0, 0, 0, 0, 0, 2, 0x80, 1, 0xe0},
                         key[] = {4, 1, 0, 0, 0, 0, 0xff, 0xe1},
                         format[] = {0, 0, 0, 0, 255, 255, 0,   1, 0, 0,
                                     0, 0, 0, 0, 255, 255, 255, 0, 0, 0};
    static const struct {
        const uint8_t *data;
        size_t len;
    } messages[] = {{cut_text, sizeof cut_text},
                    {encodings, sizeof encodings},
                    {scale, sizeof scale},
                    {request, sizeof request},
                    {format, sizeof format}};
    int half[6], deaf = greet(port);

    password = (char *)"";
    for (int i = 0; i < 6; i++) { /* half-said words, which are not finished */
        half[i] = dial(port);
        send_bytes(half[i], "RFB 0", (size_t)i);
    }
    for (int i = 0; i < 2000; i++) /* all of the picture, and nobody to read it */
        send_bytes(deaf, everything, sizeof everything);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        int fd = greet(port);
        send_bytes(fd, messages[i].data, messages[i].len);
        usleep(50000);
        close(fd);
    }
    for (uint32_t seed = 1; seed <= 40; seed++)
        nonsense(port, seed);
    int flood = greet(port);
    for (int i = 0; i < 5000; i++)
        send_bytes(flood, key, sizeof key);
    char where[16];
    snprintf(where, sizeof where, "%d", port);
    char *arguments[] = {where, (char *)""};
    int bad = login(2, arguments);
    close(flood);
    close(deaf);
    for (int i = 0; i < 6; i++)
        close(half[i]);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "say"))
        return say(argv[2], argv[3]);
    if (argc == 3 && !strcmp(argv[1], "listen"))
        return listen_to(argv[2]);
    if (argc >= 4 && !strcmp(argv[1], "login"))
        return login(argc - 2, argv + 2);
    if (argc == 3 && !strcmp(argv[1], "hostile"))
        return hostile(atoi(argv[2]));
    fprintf(
        stderr,
        "usage: client say SOCKET COMMAND | listen SOCKET | login PORT|PATH PASSWORD [SYMBOL]... | "
        "hostile PORT\n");
    return 2;
}
