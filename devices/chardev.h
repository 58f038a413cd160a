/* The host end of a serial line, debug console or monitor: bytes out, bytes in.  Backends live in
 * vmm/; devices see only this. */
#ifndef RINGER_DEVICES_CHARDEV_H
#define RINGER_DEVICES_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

struct chardev {
    void *backend;
    /* Send LEN bytes; never blocks the caller for long; what cannot be sent is queued. */
    void (*send)(struct chardev *c, const uint8_t *data, size_t len);
    /* The device's receiver, called on the vCPU thread with what arrived: returns how many bytes
     * it took; the backend keeps the rest and tries again when kicked by chardev_accept. */
    size_t (*receive)(void *dev, const uint8_t *data, size_t len);
    void *dev;
    /* Set by the backend: the device has room again.  May be NULL. */
    void (*accept)(struct chardev *c);
};

#endif
