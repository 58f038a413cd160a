/* Exceptions and hardware interrupts: raising, classes, double and triple fault.
 * Intel SDM vol. 3A sections 6.6 to 6.15. */
#include "cpu/far.h"

#include "ringer/log.h"
#include "ringer/trace.h"

#include <string.h>

/* SDM 6.13: which exceptions have an error code. */
static bool has_error_code(unsigned vector)
{
    return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

bool cpu_raise(struct cpu *cpu, enum exception vector, uint32_t error_code)
{
    cpu->exc = (struct pending_exception){.valid = 1,
                                          .vector = vector,
                                          .has_error = has_error_code(vector),
                                          .error_code = error_code};
    return false;
}

bool cpu_raise_pf(struct cpu *cpu, const struct mmu_fault *fault)
{
    cpu->cr2 = fault->address;
    return cpu_raise(cpu, EXC_PF, fault->error_code);
}

/* SDM table 6-4. */
static bool contributory(unsigned vector)
{
    return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP);
}

/* SDM table 6-5: does SECOND, raised while FIRST was delivered, make a double fault? */
static bool makes_double_fault(unsigned first, unsigned second)
{
    if (contributory(first))
        return contributory(second);
    return first == EXC_PF && (contributory(second) || second == EXC_PF);
}

static void record(struct cpu *cpu, const struct pending_exception *e)
{
    if (cpu->fault_count >= 4)
        return;
    cpu->faults[cpu->fault_count++] = (struct fault_record){.vector = e->vector,
                                                            .error_code = e->error_code,
                                                            .has_error = e->has_error,
                                                            .eip = cpu->eip,
                                                            .cs = cpu->seg[SEG_CS].selector,
                                                            .cr2 = cpu->cr2};
}

static const struct trace_kind trace_exception = {
    "exception", "interrupt", true, {"vector", "error", "eip"}};
static const struct trace_kind trace_interrupt = {
    "interrupt", "interrupt", true, {"vector", "cpl", "eip"}};

enum { LOG_SYMBOL = 120 }; /* bytes */

static void trace(const struct cpu *cpu, const struct pending_exception *e)
{
    char name[LOG_SYMBOL];

    log_trace(cpu->log, &trace_exception, e->vector, e->error_code, cpu->eip);
    if (log_on(cpu->log, LOG_INT))
        log_write(cpu->log, LOG_INT, "exception %02x error %08x at %04x:%08x%s cpl %u cr2 %08x%s",
                  e->vector, e->error_code, cpu->seg[SEG_CS].selector, cpu->eip,
                  log_symbol(cpu->log, cpu->seg[SEG_CS].base + cpu->eip, name, sizeof name),
                  cpu->cpl, cpu->cr2, e->software ? " (software)" : "");
}

static bool deliver_once(struct cpu *cpu, const struct pending_exception *e)
{
    struct interrupt i = {.vector = e->vector,
                          .source = INTERRUPT_HARDWARE,
                          .has_error = e->has_error,
                          .error_code = e->error_code,
                          .return_eip = cpu->eip,
                          .eflags = cpu_eflags(cpu)};
    if (e->software)
        i.source = e->vector == EXC_DB                          ? INTERRUPT_INT1
                   : e->vector == EXC_BP || e->vector == EXC_OF ? INTERRUPT_INT3
                                                                : INTERRUPT_INT_N;
    else if (e->vector != EXC_DB)
        i.eflags |= FLAG_RF; /* faults resume: SDM 18.3.1.1 */
    return cpu_interrupt(cpu, &i);
}

/* Deliver E; what fails on the way is delivered in its place, or becomes a double fault, or shuts
 * the processor down. */
static void deliver_chain(struct cpu *cpu, struct pending_exception e)
{
    cpu->in_exception = 1;
    for (;;) {
        record(cpu, &e);
        trace(cpu, &e);
        cpu->exc.valid = 0;
        if (deliver_once(cpu, &e))
            break;
        struct pending_exception second = cpu->exc;
        if (e.vector == EXC_DF && !e.software) {
            record(cpu, &second);
            cpu->exc.valid = 0;
            cpu->shutdown = 1;
            log_guest_error(cpu->log, "triple fault: shutdown");
            break;
        }
        if (!e.software && makes_double_fault(e.vector, second.vector)) {
            record(cpu, &second);
            e = (struct pending_exception){.valid = 1, .vector = EXC_DF, .has_error = 1};
        } else {
            e = second;
        }
    }
    cpu->in_exception = 0;
    /* #DB clears GD so that its handler can use the registers (SDM 18.2.4). */
    if (e.vector == EXC_DB && (cpu->dr[7] & 1u << 13)) {
        cpu->dr[7] &= ~(1u << 13);
        cpu->mode_changed = 1;
    }
}

void cpu_deliver_exception(struct cpu *cpu)
{
    if (!cpu->exc.valid)
        return;
    cpu->fault_count = 0;
    cpu->shadow = 0;
    deliver_chain(cpu, cpu->exc);
}

static void deliver_external(struct cpu *cpu, uint8_t vector)
{
    struct interrupt i = {.vector = vector,
                          .source = INTERRUPT_HARDWARE,
                          .return_eip = cpu->eip,
                          .eflags = cpu_eflags(cpu)};
    char name[LOG_SYMBOL];

    cpu->halted = 0;
    cpu->shadow = 0;
    cpu->fault_count = 0;
    if (log_on(cpu->log, LOG_INT))
        log_write(cpu->log, LOG_INT, "interrupt %02x at %04x:%08x%s cpl %u", vector,
                  cpu->seg[SEG_CS].selector, cpu->eip,
                  log_symbol(cpu->log, cpu->seg[SEG_CS].base + cpu->eip, name, sizeof name),
                  cpu->cpl);
    log_trace(cpu->log, &trace_interrupt, vector, cpu->cpl, cpu->eip);
    cpu->exc.valid = 0;
    if (!cpu_interrupt(cpu, &i))
        deliver_chain(cpu, cpu->exc);
}

void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector)
{
    deliver_external(cpu, vector);
}

void cpu_deliver_nmi(struct cpu *cpu)
{
    cpu->nmi_blocked = 1;
    deliver_external(cpu, EXC_NMI);
}
