/* Shared by the chipset devices' own files. */
#ifndef RINGER_DEVICES_INTERNAL_H
#define RINGER_DEVICES_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

/* SIZE zeroed bytes for a device's state.  Never NULL: without memory for a board the process
 * says so and ends (the init functions have no way to fail).  Freed with free(). */
void *device_alloc(size_t size);

/* VALUE * NUMERATOR / DENOMINATOR, rounded down (up), without overflow in between. */
static inline uint64_t scale_down(uint64_t value, uint64_t numerator, uint64_t denominator)
{
    return (uint64_t)((unsigned __int128)value * numerator / denominator);
}

static inline uint64_t scale_up(uint64_t value, uint64_t numerator, uint64_t denominator)
{
    return (uint64_t)(((unsigned __int128)value * numerator + denominator - 1) / denominator);
}

#endif
