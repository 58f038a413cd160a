/* The port bus and the wires between devices. */
#ifndef RINGER_DEVICES_BUS_H
#define RINGER_DEVICES_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct log;

/* Port handlers of a device.  OFFSET counts from the base it was mapped at; the bus splits
 * accesses wider than MAX_SIZE into consecutive ones, low part first. */
struct io_ops {
    uint32_t (*read)(void *dev, uint16_t offset, unsigned size);
    void (*write)(void *dev, uint16_t offset, uint32_t value, unsigned size);
    uint8_t max_size; /* 1, 2 or 4 */
};

struct bus *bus_new(struct log *log);
void bus_free(struct bus *b);
/* Map COUNT ports from BASE; a later mapping hides an earlier one.  NAME is for dumps. */
void bus_map(struct bus *b, const char *name, uint16_t base, uint16_t count,
             const struct io_ops *ops, void *dev);
void bus_unmap(struct bus *b, uint16_t base, uint16_t count);
/* Nobody there: reads give all ones. */
uint32_t bus_in(struct bus *b, uint16_t port, unsigned size);
void bus_out(struct bus *b, uint16_t port, uint32_t value, unsigned size);
/* True when some device answers at PORT. */
bool bus_mapped(const struct bus *b, uint16_t port);
/* A stretch of ports, COUNT from BASE on, that DEV answers at present. */
struct bus_range {
    const char *name;
    uint32_t base, count;
    const void *dev;
};
/* Each of them, from port 0 up. */
void bus_each(const struct bus *b, void (*fn)(void *opaque, const struct bus_range *r),
              void *opaque);
/* Accesses so far on PORT, for statistics. */
uint64_t bus_accesses(const struct bus *b, uint16_t port);

/* An interrupt or signal wire, held by value by whoever drives it.  A wire whose SET is NULL is
 * not connected. */
struct irq_line {
    void (*set)(void *opaque, int n, int level);
    void *opaque;
    int n;
};

static inline void irq_set(const struct irq_line *line, int level)
{
    if (line->set)
        line->set(line->opaque, line->n, level);
}

#endif
