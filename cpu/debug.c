/* Debug registers: breakpoints and single step.  Intel SDM vol. 3B sections 18.2 and 18.3. */
#include "cpu/debug.h"

#include "cpu/emulate.h"

enum { BREAK_EXEC, BREAK_WRITE, BREAK_IO, BREAK_READ_WRITE };

static bool enabled(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (2 * n) & 3;
}

static unsigned type_of(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + 4 * n) & 3;
}

/* Length of breakpoint N: LEN 2 (8 bytes on 64-bit processors) is undefined here, taken as 4. */
static uint32_t length_of(const struct cpu *cpu, unsigned n)
{
    static const uint8_t lengths[] = {1, 2, 4, 4};
    return lengths[cpu->dr[7] >> (18 + 4 * n) & 3];
}

/* Do [DRn, DRn+LEN), aligned to LEN, and [address, address+len) meet? */
static bool meets(const struct cpu *cpu, unsigned n, uint32_t address, uint32_t len)
{
    uint32_t size = length_of(cpu, n);
    uint32_t start = cpu->dr[n] & ~(size - 1);
    return address - start < size || start - address < len;
}

static void announce(struct cpu *cpu)
{
    __atomic_fetch_or(&cpu->event, EVENT_DEBUG, __ATOMIC_RELAXED);
}

bool cpu_debug_exec(struct cpu *cpu, uint32_t linear)
{
    uint32_t hits = 0;
    if (!cpu_debug_armed(cpu) || (cpu->flags_sys & FLAG_RF))
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && type_of(cpu, n) == BREAK_EXEC && cpu->dr[n] == linear)
            hits |= 1u << n;
    if (!hits)
        return false;
    cpu->dr[6] |= hits;
    cpu_raise(cpu, EXC_DB, 0);
    return true;
}

/* ---- watchpoints ---- */

unsigned cpu_watch_add(struct cpu *cpu, const struct cpu_watchpoint *w)
{
    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++)
        if (!cpu->watch.point[i].len) {
            cpu->watch.point[i] = *w;
            cpu->watch.count++;
            cpu->mode_changed = 1;
            return i + 1;
        }
    return 0;
}

bool cpu_watch_remove(struct cpu *cpu, unsigned number)
{
    bool found = false;

    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++)
        if (cpu->watch.point[i].len && (!number || i + 1 == number)) {
            cpu->watch.point[i].len = 0;
            cpu->watch.count--;
            cpu->mode_changed = 1;
            found = true;
        }
    return found;
}

static void watch_access(struct cpu *cpu, uint32_t linear, uint32_t len, bool write)
{
    struct cpu_watch *w = &cpu->watch;

    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++) {
        struct cpu_watchpoint *p = &w->point[i];

        if (!p->len || !(write ? p->on_write : p->on_read) ||
            (linear - p->address >= p->len && p->address - linear >= len))
            continue;
        p->hits++;
        w->hit = w->last = i + 1;
        w->write = write;
        w->address = linear;
        w->eip = cpu->eip;
        w->cs = cpu->seg[SEG_CS].selector;
        __atomic_fetch_or(&cpu->event, EVENT_KICK, __ATOMIC_RELAXED);
    }
}

void cpu_debug_access(struct cpu *cpu, uint32_t linear, uint32_t len, enum mmu_access access)
{
    uint32_t hits = 0;
    if (cpu->watch.count && access != MMU_FETCH)
        watch_access(cpu, linear, len, access == MMU_WRITE);
    for (unsigned n = 0; n < 4; n++) {
        unsigned type = type_of(cpu, n);
        bool wanted = type == BREAK_READ_WRITE || (type == BREAK_WRITE && access == MMU_WRITE);
        if (enabled(cpu, n) && wanted && access != MMU_FETCH && meets(cpu, n, linear, len))
            hits |= 1u << n;
    }
    if (hits) {
        cpu->dr[6] |= hits;
        announce(cpu);
    }
}

void cpu_debug_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint32_t hits = 0;
    if (!(cpu->cr4 & CR4_DE) || !cpu_debug_armed(cpu))
        return;
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && type_of(cpu, n) == BREAK_IO && meets(cpu, n, port, size))
            hits |= 1u << n;
    if (hits) {
        cpu->dr[6] |= hits;
        announce(cpu);
    }
}

void cpu_single_step_trap(struct cpu *cpu)
{
    cpu->dr[6] |= DR6_BS;
    cpu_debug_trap(cpu);
}

void cpu_debug_task_trap(struct cpu *cpu)
{
    cpu->dr[6] |= DR6_BT;
    announce(cpu);
}

void cpu_debug_trap(struct cpu *cpu)
{
    __atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_DEBUG, __ATOMIC_RELAXED);
    cpu_raise(cpu, EXC_DB, 0);
}

uint32_t cpu_read_dr(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[n];
}

void cpu_write_dr(struct cpu *cpu, unsigned n, uint32_t value)
{
    if (n == 6) {
        cpu->dr[6] = DR6_FIXED | (value & (DR6_BD | DR6_BS | DR6_BT | 15));
    } else if (n == 7) {
        value = (value & DR7_WRITABLE) | DR7_FIXED;
        if (cpu->dr[7] != value)
            cpu->mode_changed = 1;
        cpu->dr[7] = value;
    } else {
        cpu->dr[n] = value;
    }
}
