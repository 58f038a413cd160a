/* The port bus: 64 Ki ports, each answered by the latest mapping that covers it.
 *
 * An access goes to the mapping of its first port when that mapping takes its width and holds all
 * of its ports, and is halved otherwise.  So a dword to CF8h belongs to the PCI bridge although
 * another device answers bytes at CF9h, as on the Intel bridges. */
#include "devices/bus.h"

#include <stdlib.h>
#include <string.h>

#include "ringer/log.h"
#include "ringer/trace.h"

enum { PORTS = 0x10000, MAX_MAPPINGS = 256 };

struct mapping {
    const char *name;
    uint32_t base, count;
    const struct io_ops *ops;
    void *dev;
};

struct bus {
    struct log *log;
    unsigned mappings; /* in the order of their mapping; ports hold index + 1 */
    struct mapping mapping[MAX_MAPPINGS];
    uint16_t port[PORTS];
    uint64_t accesses[PORTS];
};

struct bus *bus_new(struct log *log)
{
    struct bus *b = calloc(1, sizeof(*b));

    if (b)
        b->log = log;
    return b;
}

void bus_free(struct bus *b)
{
    free(b);
}

/* Let each port find its mapping again: the one that was mapped last. */
static void assign_ports(struct bus *b)
{
    memset(b->port, 0, sizeof(b->port));
    for (unsigned i = 0; i < b->mappings; i++) {
        const struct mapping *m = &b->mapping[i];

        for (uint32_t p = m->base; p < m->base + m->count; p++)
            b->port[p] = (uint16_t)(i + 1);
    }
}

void bus_map(struct bus *b, const char *name, uint16_t base, uint16_t count,
             const struct io_ops *ops, void *dev)
{
    uint32_t end = (uint32_t)base + count;

    if (b->mappings == MAX_MAPPINGS) {
        log_unimp(b->log, "port bus: no more than %d mappings; %s is left out", MAX_MAPPINGS, name);
        return;
    }
    if (end > PORTS)
        end = PORTS;
    b->mapping[b->mappings++] = (struct mapping){name, base, end - base, ops, dev};
    assign_ports(b);
}

/* Takes away the latest mapping of exactly these ports; what it hid answers again.  Without such
 * a mapping nothing happens. */
void bus_unmap(struct bus *b, uint16_t base, uint16_t count)
{
    for (unsigned i = b->mappings; i-- > 0;) {
        if (b->mapping[i].base != base || b->mapping[i].count != count)
            continue;
        b->mappings--;
        memmove(&b->mapping[i], &b->mapping[i + 1], (b->mappings - i) * sizeof(b->mapping[0]));
        assign_ports(b);
        return;
    }
}

static const struct mapping *mapping_at(const struct bus *b, uint32_t port)
{
    return port < PORTS && b->port[port] ? &b->mapping[b->port[port] - 1] : NULL;
}

static bool takes(const struct mapping *m, uint32_t port, unsigned size)
{
    return m && size <= m->ops->max_size && port + size <= m->base + m->count;
}

static uint32_t all_ones(unsigned size)
{
    return size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
}

static uint32_t read_part(struct bus *b, uint32_t port, unsigned size)
{
    const struct mapping *m = mapping_at(b, port);
    unsigned half = size / 2;

    if (takes(m, port, size))
        return m->ops->read
                   ? m->ops->read(m->dev, (uint16_t)(port - m->base), size) & all_ones(size)
                   : all_ones(size);
    if (size == 1)
        return 0xff;
    uint32_t low = read_part(b, port, half);
    return low | read_part(b, port + half, half) << (8 * half);
}

static void write_part(struct bus *b, uint32_t port, uint32_t value, unsigned size)
{
    const struct mapping *m = mapping_at(b, port);
    unsigned half = size / 2;

    if (takes(m, port, size)) {
        if (m->ops->write)
            m->ops->write(m->dev, (uint16_t)(port - m->base), value & all_ones(size), size);
    } else if (size > 1) {
        write_part(b, port, value & all_ones(half), half);
        write_part(b, port + half, value >> (8 * half), half);
    }
}

static const char *name_at(const struct bus *b, uint16_t port)
{
    const struct mapping *m = mapping_at(b, port);

    return m ? m->name : "nobody";
}

static const struct trace_kind trace_in = {"in", "io", true, {"port", "size", "value"}};
static const struct trace_kind trace_out = {"out", "io", true, {"port", "size", "value"}};

uint32_t bus_in(struct bus *b, uint16_t port, unsigned size)
{
    uint64_t since = log_on(b->log, LOG_TRACE) ? trace_now() : 0;
    uint32_t value = read_part(b, port, size);

    b->accesses[port]++;
    log_trace_span(b->log, &trace_in, since, port, size, value);
    if (log_on(b->log, LOG_IO))
        log_write(b->log, LOG_IO, "io: in  %04x.%u -> %0*x (%s)", port, size, (int)(2 * size),
                  value, name_at(b, port));
    return value;
}

void bus_out(struct bus *b, uint16_t port, uint32_t value, unsigned size)
{
    uint64_t since = log_on(b->log, LOG_TRACE) ? trace_now() : 0;

    b->accesses[port]++;
    if (log_on(b->log, LOG_IO))
        log_write(b->log, LOG_IO, "io: out %04x.%u <- %0*x (%s)", port, size, (int)(2 * size),
                  value & all_ones(size), name_at(b, port));
    write_part(b, port, value & all_ones(size), size);
    log_trace_span(b->log, &trace_out, since, port, size, value & all_ones(size));
}

bool bus_mapped(const struct bus *b, uint16_t port)
{
    return b->port[port] != 0;
}

void bus_each(const struct bus *b, void (*fn)(void *opaque, const struct bus_range *r),
              void *opaque)
{
    uint32_t first = 0;

    for (uint32_t p = 1; p <= PORTS; p++) {
        const struct mapping *m = mapping_at(b, first);

        if (p < PORTS && mapping_at(b, p) == m)
            continue;
        if (m)
            fn(opaque, &(struct bus_range){m->name, first, p - first, m->dev});
        first = p;
    }
}

uint64_t bus_accesses(const struct bus *b, uint16_t port)
{
    return b->accesses[port];
}
