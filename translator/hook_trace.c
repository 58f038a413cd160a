/* Events of the hub for -trace: each stay outside guest code, faults, changes of mode. */
#include "ringer/trace.h"
#include "translator/hook_internal.h"

#define STAY(name) {name, "exit", false, {"eip", "opcode", NULL}}
static const struct trace_kind stays[] = {
    [EXIT_LOOKUP] = STAY("lookup"),
    [EXIT_CHAIN] = STAY("chain"),
    [EXIT_INSN] = STAY("instruction"),
    [EXIT_NEXT] = STAY("step"),
    [EXIT_STI] = STAY("sti"),
    [EXIT_RAISE] = STAY("raise"),
    [EXIT_FAULT] = STAY("fault"),
    [EXIT_KICKED] = STAY("kick"),
    [EXIT_STEPPED] = STAY("bounce"),
    [EXIT_POPF] = STAY("popf"),
    [EXIT_HOOK] = STAY("hook"),
};

static const struct trace_kind mode_change = {"mode", "mode", false, {"mode", "before", "eip"}};
static const struct trace_kind faults[] = {
    [FILL_MAPPED] = {"page mapped", "fault", false, {"address", "write", NULL}},
    [FILL_FAULT] = {"page fault", "fault", false, {"address", "write", NULL}},
    [FILL_BY_HAND] = {"access by hand", "fault", false, {"address", "write", NULL}},
};

/* The opcode of an instruction that C carries out: map in the high byte. */
static uint32_t opcode(const struct translator *t, uint32_t exit)
{
    uint32_t site = exit & ((1u << 26) - 1);
    if (exit >> 26 != EXIT_INSN || site >= t->site_count)
        return 0;
    return (uint32_t)t->sites[site].in.map << 8 | t->sites[site].in.opcode;
}

uint32_t hook_traced_enter(struct translator *t, const uint8_t *code, uint32_t eip)
{
    if (t->trace.mode != t->mode)
        log_trace(t->log, &mode_change, t->mode, t->trace.mode, eip);
    t->trace.mode = t->mode;
    if (t->trace.at)
        log_trace_span(t->log, &stays[t->trace.exit >> 26], t->trace.at, t->trace.eip,
                       t->trace.opcode, 0);
    uint32_t exit = t->enter(t->cpu, code, eip);
    bool to_site = exit >> 26 == EXIT_INSN;
    t->trace.at = trace_now();
    t->trace.exit = exit;
    t->trace.opcode = opcode(t, exit);
    t->trace.eip = to_site ? t->sites[exit & ((1u << 26) - 1)].eip : t->cpu->eip;
    if (exit >> 26 != EXIT_INSN && exit >> 26 != EXIT_FAULT)
        t->trace.eip = t->rt->exit_eip;
    return exit;
}

void hook_trace_fault(struct translator *t, uint32_t lin, int kind, bool write)
{
    log_trace(t->log, &faults[kind], lin, write, 0);
}
