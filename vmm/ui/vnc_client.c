/* One client: its thread waits for its words and for new pictures, and lets the library answer. */
#define _GNU_SOURCE
#include "vmm/ui/vnc_private.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <rfb/rfbregion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MS = 33,
    PATIENCE_MS = 5000,   /* for a message, or for room to send */
    HANDSHAKE_MS = 30000, /* people type passwords */
    WIDTH = 720,          /* while there is no picture */
    HEIGHT = 400,
    BITS = 8,
    PIXEL = sizeof(uint32_t),
};

static bool read_flag(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void set_flag(bool *flag)
{
    __atomic_store_n(flag, true, __ATOMIC_SEQ_CST);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void end_client(struct vnc_client *c)
{
    set_flag(&c->leaving);
    shutdown(c->fd, SHUT_RDWR);
    eventfd_write(c->wake, 1);
}

void vnc_disconnect(struct vnc *v, const struct vnc_client *one, bool ready)
{
    for (struct vnc_client *c = v->clients; c; c = c->next)
        if (c != one && (!ready || read_flag(&c->ready)))
            end_client(c);
}

static void tell(const struct vnc_client *c, enum machine_event_kind kind)
{
    struct machine_event e = {.kind = kind, .client = c->address, .auth = vnc_auth(c->server)};

    if (vnc_server_address(c->server, 0, &e.server))
        machine_tell(c->server->machine, &e);
}

/* ---- the library's questions ---- */

static void on_gone(rfbClientPtr cl)
{
    struct vnc_client *c = cl->screen->screenData;

    vnc_end_extension(cl);
    c->rfb = NULL;
}

static rfbBool check_password(rfbClientPtr cl, const char *answer, int len)
{
    struct vnc *v = ((struct vnc_client *)cl->screen->screenData)->server;
    char password[VNC_PASSWORD_MAX + 1];
    uint8_t expected[CHALLENGESIZE];

    pthread_mutex_lock(&v->lock);
    bool valid = v->has_password && (!v->expires || time(NULL) < v->expires);
    memcpy(password, v->password, sizeof password);
    pthread_mutex_unlock(&v->lock);
    memcpy(expected, cl->authChallenge, sizeof expected);
    rfbEncryptBytes(expected, password);
    if (valid && len == CHALLENGESIZE && !memcmp(answer, expected, sizeof expected))
        return TRUE;
    sleep(1); /* guessing is slow */
    return FALSE;
}

static void ignore_text(char *text, int len, rfbClientPtr cl)
{
    (void)text, (void)len, (void)cl;
}

static rfbBool power(rfbClientPtr cl, uint8_t version, uint8_t code)
{
    struct vnc *v = ((struct vnc_client *)cl->screen->screenData)->server;

    if (version != 1 || !v->options.power_control)
        return FALSE;
    if (code == rfbXvp_Shutdown)
        machine_powerdown(v->machine);
    else if (code == rfbXvp_Reboot || code == rfbXvp_Reset)
        machine_reset(v->machine);
    else
        return FALSE;
    return TRUE;
}

/* ---- the picture ---- */

/* Red in bits 16 to 23, as display_frame has it. */
static void set_format(rfbScreenInfoPtr s)
{
    s->serverFormat.redShift = 16;
    s->serverFormat.greenShift = 8;
    s->serverFormat.blueShift = 0;
}

/* False when memory is short. */
static bool resize(struct vnc_client *c, unsigned width, unsigned height)
{
    uint32_t *old = c->pixels, *pixels = calloc((size_t)width * height, sizeof *pixels);

    if (!pixels)
        return false;
    rfbNewFramebuffer(c->screen, (char *)pixels, (int)width, (int)height, BITS, 3, PIXEL);
    set_format(c->screen);
    c->screen->setTranslateFunction(c->rfb);
    /* What an older client without NewFBSize waits for may be outside now. */
    sraRgnAnd(c->rfb->requestedRegion, c->rfb->modifiedRegion);
    c->pixels = pixels;
    c->width = width;
    c->height = height;
    free(old);
    return true;
}

static void copy(struct vnc_client *c, const struct display_frame *f, const struct vga_rect *r)
{
    for (unsigned y = r->y; y < r->y + r->height; y++)
        memcpy(c->pixels + (size_t)y * c->width + r->x, f->pixels + (size_t)y * f->stride + r->x,
               r->width * sizeof *c->pixels);
    rfbMarkRectAsModified(c->screen, (int)r->x, (int)r->y, (int)(r->x + r->width),
                          (int)(r->y + r->height));
}

static void take_picture(struct vnc_client *c)
{
    const struct display_frame *f = display_lock(c->reader);

    if (!f)
        return;
    if ((f->width == c->width && f->height == c->height) || resize(c, f->width, f->height))
        for (unsigned i = 0; i < f->count; i++)
            copy(c, f, &f->rects[i]);
    display_unlock(c->reader);
}

/* ---- the conversation ---- */

/* Its first words are awaited without a lock, and answered under one: see handshake_lock. */
static bool greeting(const struct vnc_client *c, size_t *need)
{
    *need = c->rfb->state == RFB_PROTOCOL_VERSION ? sz_rfbProtocolVersionMsg : 1;
    return c->rfb->state == RFB_PROTOCOL_VERSION || c->rfb->state == RFB_SECURITY_TYPE;
}

/* May the one that has asked for the screen to itself, or not, be let in? */
static bool share(struct vnc_client *c, bool shared)
{
    struct vnc *v = c->server;
    bool ok = shared || v->options.share != VNC_FORCE_SHARED;

    pthread_mutex_lock(&v->lock);
    if (!shared && v->options.share == VNC_ALLOW_EXCLUSIVE)
        vnc_disconnect(v, c, true);
    if (ok)
        set_flag(&c->ready);
    pthread_mutex_unlock(&v->lock);
    if (ok)
        tell(c, MACHINE_VNC_INITIALIZED);
    return ok;
}

/* Let the library read one message, if there is one, and send what is due. */
static bool talk(struct vnc_client *c)
{
    uint8_t words[sz_rfbProtocolVersionMsg];
    size_t need;
    bool locked = greeting(c, &need);

    if (locked || c->rfb->state == RFB_INITIALISATION) {
        ssize_t n = recv(c->fd, words, need, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n < (ssize_t)need) {
            if (n > 0)
                usleep(10000); /* poll would not wait for the rest */
            return true;
        }
        if (!locked && !share(c, words[0]))
            return false;
    }
    if (locked)
        pthread_mutex_lock(&c->server->handshake_lock);
    rfbProcessEvents(c->screen, 0);
    if (locked)
        pthread_mutex_unlock(&c->server->handshake_lock);
    return c->rfb != NULL;
}

static bool wants_picture(const struct vnc_client *c)
{
    return c->rfb->state == RFB_NORMAL && !sraRgnEmpty(c->rfb->requestedRegion);
}

static void converse(struct vnc_client *c, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN | POLLRDHUP},
                            {.fd = c->wake, .events = POLLIN}};
    uint64_t start = now_ms(), asked = 0;
    eventfd_t count;

    while (!read_flag(&c->leaving)) {
        if (wants_picture(c)) {
            take_picture(c);
            if (now_ms() - asked >= FRAME_MS) {
                asked = now_ms();
                display_request(c->server->display);
            }
        }
        poll(fds, 2, FRAME_MS);
        if (fds[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
            return; /* what it has said before it hung up is void */
        if (fds[1].revents)
            eventfd_read(c->wake, &count);
        if (wants_picture(c))
            take_picture(c);
        if (!talk(c) || (c->rfb->state != RFB_NORMAL && now_ms() - start > HANDSHAKE_MS))
            return;
        vnc_tell_pointer_kind(c);
    }
}

/* ---- life ---- */

static bool make_screen(struct vnc_client *c)
{
    rfbScreenInfoPtr s = rfbGetScreen(NULL, NULL, WIDTH, HEIGHT, BITS, 3, PIXEL);

    c->pixels = calloc(WIDTH * HEIGHT, sizeof *c->pixels);
    c->screen = s;
    if (!s || !c->pixels)
        return false;
    c->width = WIDTH;
    c->height = HEIGHT;
    set_format(s);
    s->frameBuffer = (char *)c->pixels;
    s->screenData = c;
    s->desktopName = "ringer";
    s->port = s->ipv6port = 0; /* it does not listen */
    s->autoPort = FALSE;
    s->ignoreSIGPIPE = FALSE;
    s->cursor = NULL; /* the guest draws its own */
    s->alwaysShared = TRUE;
    s->deferUpdateTime = s->deferPtrUpdateTime = 0;
    s->maxClientWait = PATIENCE_MS;
    s->fdQuota = 1;
    s->kbdAddEvent = vnc_key_symbol;
    s->ptrAddEvent = vnc_pointer;
    s->setXCutText = s->setXCutTextUTF8 = ignore_text;
    s->getKeyboardLedStateHook = vnc_leds;
    s->xvpHook = c->server->options.power_control ? power : NULL;
    s->passwordCheck = check_password;
    s->authPasswdData = c->server->options.password ? c : NULL;
    rfbInitServer(s);
    return true;
}

/* The library looks for a browser's first words with rfbNewClient, and never comes back from one to
 * three bytes that nothing follows.  So it greets an empty socket of ours, whose place the
 * connection FD then takes.  False: there is no descriptor to be had, or no such client. */
static bool greet(struct vnc_client *c, int fd)
{
    char words[sz_rfbProtocolVersionMsg];
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    if (pair[0] >= FD_SETSIZE) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    c->rfb = rfbNewClient(c->screen, pair[0]); /* closes it when it fails */
    bool ok = c->rfb && recv(pair[1], words, sizeof words, MSG_DONTWAIT) == sizeof words &&
              dup3(fd, pair[0], O_CLOEXEC) >= 0 && rfbSetNonBlocking(pair[0]) &&
              send(fd, words, sizeof words, MSG_NOSIGNAL) == sizeof words;
    close(pair[1]);
    if (c->rfb)
        c->rfb->clientGoneHook = on_gone;
    return ok;
}

static void serve(struct vnc_client *c)
{
    if (!make_screen(c) || !greet(c, c->fd))
        return;
    c->in.input = input_new(c->server->machine);
    display_request(c->server->display); /* for the state of lamps and pointer */
    converse(c, c->rfb->sock);
    input_free(c->in.input);
}

static void leave(struct vnc_client *c)
{
    struct vnc *v = c->server;

    pthread_mutex_lock(&v->lock);
    struct vnc_client **at = &v->clients;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    v->client_count--;
    tell(c, MACHINE_VNC_DISCONNECTED);
    close(c->fd);
    close(c->wake);
    free(c);
    pthread_cond_signal(&v->left);
    pthread_mutex_unlock(&v->lock);
}

static void on_picture(void *opaque)
{
    struct vnc_client *c = opaque;

    eventfd_write(c->wake, 1);
}

static void *run(void *opaque)
{
    struct vnc_client *c = opaque;

    c->reader = display_join(c->server->display, on_picture, c);
    serve(c);
    if (c->screen)
        rfbScreenCleanup(c->screen);
    free(c->pixels);
    display_leave(c->reader);
    leave(c);
    return NULL;
}

bool vnc_client_start(struct vnc *v, int fd, const struct peer_address *address)
{
    struct vnc_client *c = calloc(1, sizeof *c);
    pthread_t thread;

    if (!c)
        abort();
    c->server = v;
    c->fd = fd;
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->address = *address;
    if (c->wake < 0 || pthread_create(&thread, NULL, run, c)) {
        if (c->wake >= 0)
            close(c->wake);
        close(fd);
        free(c);
        return false;
    }
    pthread_detach(thread);
    c->next = v->clients;
    v->clients = c;
    v->client_count++;
    tell(c, MACHINE_VNC_CONNECTED);
    return true;
}
