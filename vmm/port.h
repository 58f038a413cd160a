/* A chardev on top of a host stream: what a serial port or the debug console is plugged into. */
#ifndef RINGER_VMM_PORT_H
#define RINGER_VMM_PORT_H

#include "devices/chardev.h"
#include "vmm/machine.h"
#include "vmm/stream.h"

struct port;

/* STREAM may be NULL (nothing on the other end) and becomes the port's. */
struct port *port_new(uv_loop_t *loop, struct stream *stream);
/* After the machine is gone. */
void port_close(struct port *p);
struct chardev *port_chardev(struct port *p);
/* The machine whose vCPU thread takes the input; input before that waits. */
void port_bind(struct port *p, struct machine *m);

/* Bytes for the guest, on the loop's thread; they are kept until the device has room. */
void port_input(struct port *p, const uint8_t *data, size_t len);
/* How many of them the guest has not taken yet.  Any thread. */
size_t port_backlog(const struct port *p);

/* See everything the guest sends, on the vCPU thread, besides the stream. */
void port_set_tap(struct port *p, void (*tap)(void *opaque, const uint8_t *data, size_t len),
                  void *opaque);

#endif
