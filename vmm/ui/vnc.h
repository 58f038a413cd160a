/* -vnc: the guest's screen, keyboard and pointer for VNC clients (RFB, RFC 6143; the library is
 * libvncserver).
 *
 * One thread accepts; each client then has a thread of its own with a copy of the picture, so that
 * none, however slow or hostile, makes the guest or another client wait. */
#ifndef RINGER_VMM_UI_VNC_H
#define RINGER_VMM_UI_VNC_H

#include "ringer/error.h"
#include "vmm/event.h"
#include "vmm/ui/display.h"
#include <time.h>

enum vnc_share { VNC_ALLOW_EXCLUSIVE, VNC_FORCE_SHARED, VNC_IGNORE };
/* What a new password does to those connected. */
enum vnc_connected { VNC_KEEP, VNC_FAIL, VNC_DISCONNECT };
enum { VNC_PASSWORD_MAX = 8 }; /* characters that count; the protocol's limit */

struct vnc_options {
    const char *host, *path; /* PATH: a Unix socket's; else HOST, a name or address, "": loopback */
    unsigned display, to;    /* port 5900 + DISPLAY; up to TO while they are taken */
    bool password;           /* clients must know one */
    const char *secret;      /* the first one; NULL: none, nobody gets in until it is set */
    enum vnc_share share;
    unsigned key_delay_ms, connections;
    bool power_control; /* clients may reset and power off */
    const char *layout; /* -k */
};

struct vnc;

/* Listen.  D outlives it, the texts of OPTIONS need not.  NULL and ERR: an address that is wrong,
 * taken, or open to others without a password. */
struct vnc *vnc_open(const struct vnc_options *options, struct machine *m, struct display *d,
                     struct error *err);
void vnc_close(struct vnc *v);

/* Any thread, as the rest.  False when clients need no password here: start with password=on. */
bool vnc_set_password(struct vnc *v, const char *password, enum vnc_connected connected,
                      struct error *err);
/* The password is good until WHEN; 0: for ever. */
bool vnc_expire_password(struct vnc *v, time_t when, struct error *err);

const char *vnc_auth(const struct vnc *v); /* "none" or "vnc" */
/* The N-th address it listens at; the N-th client's; false behind the last. */
bool vnc_server_address(const struct vnc *v, unsigned n, struct peer_address *out);
bool vnc_client_address(struct vnc *v, unsigned n, struct peer_address *out);

#endif
