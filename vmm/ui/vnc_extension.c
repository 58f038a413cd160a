/* QEMU's additions, which tigervnc, gtk-vnc and noVNC know: scan codes beside the symbols of keys
 * (pseudo-encoding -258), and motion instead of positions (-257).  Both are registered names of
 * the RFB community's protocol description. */
#include "vmm/ui/vnc_private.h"
#include <stdlib.h>
#include <string.h>

enum { POINTER_MOTION = -257, EXTENDED_KEY = -258, QEMU_MESSAGE = 255 };

/* The library only reads it. */
static const int encodings[] = {POINTER_MOTION, EXTENDED_KEY, 0};

/* A frame buffer update of one rectangle without pixels: how a server says yes. */
static bool send_pseudo(rfbClientPtr cl, unsigned x, int encoding)
{
    uint8_t message[16] = {0, 0, 0, 1, (uint8_t)(x >> 8), (uint8_t)x};
    uint32_t e = (uint32_t)encoding;

    for (int i = 0; i < 4; i++)
        message[12 + i] = (uint8_t)(e >> (24 - 8 * i));
    return rfbWriteExact(cl, (char *)message, sizeof message) > 0;
}

static rfbBool ours(rfbClientPtr cl, void **data)
{
    (void)cl, (void)data;
    return TRUE;
}

static rfbBool enable(rfbClientPtr cl, void **data, int encoding)
{
    struct vnc_client *c = cl->screen->screenData;

    (void)data;
    if (encoding == EXTENDED_KEY)
        return send_pseudo(cl, 0, EXTENDED_KEY);
    if (encoding != POINTER_MOTION)
        return FALSE;
    c->in.relative = true;
    c->in.absolute = display_state(c->server->display).absolute;
    return send_pseudo(cl, c->in.absolute, POINTER_MOTION);
}

void vnc_tell_pointer_kind(struct vnc_client *c)
{
    bool absolute = display_state(c->server->display).absolute;

    if (!c->in.relative || absolute == c->in.absolute || !c->rfb)
        return;
    c->in.absolute = absolute;
    send_pseudo(c->rfb, absolute, POINTER_MOTION);
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static rfbBool message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *m)
{
    struct vnc_client *c = cl->screen->screenData;
    uint8_t rest[11]; /* kind, down (16 bits), symbol and scan code (32 each) */

    (void)data;
    if (m->type != QEMU_MESSAGE)
        return FALSE;
    if (rfbReadExact(cl, (char *)rest, sizeof rest) <= 0 || rest[0] != 0) {
        rfbCloseClient(cl);
        return TRUE;
    }
    bool down = rest[1] || rest[2];
    uint32_t symbol = big_endian(rest + 3), code = big_endian(rest + 7);
    if (code)
        vnc_key_code(c, down, code);
    else
        vnc_key_symbol(down, symbol, cl);
    return TRUE;
}

/* The library links what is registered into a list of the whole process. */
static rfbProtocolExtension *extension(void)
{
    static rfbProtocolExtension one = {
        .newClient = ours,
        .pseudoEncodings = (int *)encodings,
        .enablePseudoEncoding = enable,
        .handleMessage = message,
    };

    return &one;
}

void vnc_register_extension(void)
{
    rfbRegisterProtocolExtension(extension()); /* once is enough; the library sees to that */
}

void vnc_end_extension(rfbClientPtr cl)
{
    rfbExtensionData **at = &cl->extensions;

    while (*at) {
        rfbExtensionData *one = *at;
        if (one->extension != extension()) {
            at = &one->next;
            continue;
        }
        *at = one->next; /* rfbDisableExtension goes so far, and loses it */
        free(one);
    }
}
