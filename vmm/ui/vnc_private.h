/* The server and its clients; between vnc*.c alone. */
#ifndef RINGER_VMM_UI_VNC_PRIVATE_H
#define RINGER_VMM_UI_VNC_PRIVATE_H

#include "vmm/ui/input.h"
#include "vmm/ui/keysym.h"
#include "vmm/ui/vnc.h"
#include <pthread.h>
#include <rfb/rfb.h>

enum { VNC_LISTENERS = 8, VNC_HELD = 32 };

struct vnc_client;

struct vnc {
    struct vnc_options options; /* its texts are gone */
    struct machine *machine;
    struct display *display;
    struct keysyms *keysyms;
    char *path; /* of the Unix socket, to be removed */
    pthread_t thread;
    bool threaded;
    int wake; /* eventfd: the accepting thread is to end */
    int listeners[VNC_LISTENERS];
    unsigned listener_count;

    /* The library keeps one list of ways to authenticate for the whole process, and changes it at
     * each client's first words; no other lock is taken under this one. */
    pthread_mutex_t handshake_lock;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t left;  /* a client has gone */
    struct vnc_client *clients;
    unsigned client_count;
    bool closing;
    char password[VNC_PASSWORD_MAX + 1];
    bool has_password;
    time_t expires; /* 0: never */
};

/* A client's keyboard and pointer. */
struct vnc_input {
    struct input *input;
    struct {
        uint32_t sym;
        uint16_t code;
    } held[VNC_HELD];
    unsigned held_count;
    bool shift[2], altgr; /* keys the client holds */
    bool moved;           /* the last position is known */
    int x, y;
    unsigned buttons; /* as VNC has them */
    bool relative;    /* the client takes motion for positions */
    bool absolute;    /* what it was told last */
    uint64_t window_ns;
    unsigned events; /* in the window */
};

struct vnc_client {
    struct vnc *server;
    struct vnc_client *next;
    struct peer_address address;
    int fd;       /* a duplicate of the connection's, to shut it down by */
    int wake;     /* eventfd: there is a new picture, or it is to end */
    bool ready;   /* atomic: authenticated and let in */
    bool leaving; /* atomic */

    /* The rest is its thread's. */
    rfbScreenInfoPtr screen;
    rfbClientPtr rfb; /* NULL: it has gone */
    struct display_reader *reader;
    uint32_t *pixels;
    unsigned width, height;
    struct vnc_input in;
};

/* Serve the connection FD, which becomes the client's; the server's lock is held.  False: there
 * was no thread for it. */
bool vnc_client_start(struct vnc *v, int fd, const struct peer_address *address);
/* End all but ONE (or NULL: all); ready ones only if READY.  The server's lock is held. */
void vnc_disconnect(struct vnc *v, const struct vnc_client *one, bool ready);

/* ---- input (vnc_input.c) ---- */
void vnc_key_symbol(rfbBool down, rfbKeySym sym, rfbClientPtr cl);
void vnc_key_code(struct vnc_client *c, bool down, uint32_t code);
void vnc_pointer(int buttons, int x, int y, rfbClientPtr cl);
int vnc_leds(rfbScreenInfoPtr screen);

/* ---- what QEMU adds to the protocol (vnc_extension.c) ---- */
void vnc_register_extension(void);
/* Free what the library keeps for CL, and would leave behind. */
void vnc_end_extension(rfbClientPtr cl);
/* Tell the client when the guest wants motion instead of positions, or the reverse. */
void vnc_tell_pointer_kind(struct vnc_client *c);

#endif
