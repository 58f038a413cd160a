/* How other threads reach the machine: work posted to its vCPU thread, and what is built on it. */
#include "vmm/event.h"
#include "vmm/private.h"
#include <stdlib.h>

/* ---- posted work ---- */

static void enqueue(struct machine_private *p, struct work *w)
{
    w->next = NULL;
    *p->tail = w;
    p->tail = &w->next;
}

void machine_post(struct machine *m, void (*fn)(struct machine *m, void *opaque), void *opaque)
{
    struct machine_private *p = m->private;
    struct work *w = malloc(sizeof *w);

    if (!w)
        abort();
    *w = (struct work){.fn = fn, .opaque = opaque};
    pthread_mutex_lock(&p->lock);
    bool ended = p->ended;
    if (!ended)
        enqueue(p, w);
    bool kick = p->started && !ended;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (kick)
        machine_raise_event(m, EVENT_KICK);
    if (ended) { /* nobody else is there any more: the caller may touch everything */
        free(w);
        fn(m, opaque);
    }
}

void machine_post_wait(struct machine *m, void (*fn)(struct machine *m, void *opaque), void *opaque)
{
    struct machine_private *p = m->private;
    bool done = false;
    struct work w = {.fn = fn, .opaque = opaque, .done = &done};

    if (machine_on_vcpu_thread(m)) {
        fn(m, opaque);
        return;
    }
    pthread_mutex_lock(&p->lock);
    if (!p->started || p->ended) {
        pthread_mutex_unlock(&p->lock);
        fn(m, opaque);
        return;
    }
    enqueue(p, &w);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    machine_raise_event(m, EVENT_KICK);
    pthread_mutex_lock(&p->lock);
    while (!done)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void machine_run_work(struct machine *m)
{
    struct machine_private *p = m->private;

    while (p->head) {
        struct work *w = p->head;
        bool *done = w->done;

        p->head = w->next;
        if (!p->head)
            p->tail = &p->head;
        pthread_mutex_unlock(&p->lock);
        bool nested = p->working;
        p->working = true;
        w->fn(m, w->opaque);
        p->working = nested;
        if (!done)
            free(w);
        pthread_mutex_lock(&p->lock);
        if (done) {
            *done = true;
            pthread_cond_broadcast(&p->done);
        }
    }
}

/* ---- stop, continue, reset, end ---- */

void machine_stop_here(struct machine *m, const char *state)
{
    if (m->private->stopped)
        return;
    vclock_stop(m->clock);
    m->private->stopped_ns = machine_host_ns();
    __atomic_store_n(&m->private->stop_state, state, __ATOMIC_SEQ_CST);
    __atomic_store_n(&m->private->stopped, true, __ATOMIC_SEQ_CST);
    machine_tell(m, &(struct machine_event){.kind = MACHINE_STOP});
}

static void do_stop(struct machine *m, void *opaque)
{
    (void)opaque;
    machine_stop_here(m, "paused");
}

static void do_cont(struct machine *m, void *opaque)
{
    (void)opaque;
    if (!m->private->stopped)
        return;
    __atomic_store_n(&m->private->stopped, false, __ATOMIC_SEQ_CST);
    if (!m->config.rtc_vm && !m->config.manual_clock)
        rtc_pass(m->rtc, machine_host_ns() - m->private->stopped_ns);
    vclock_resume(m->clock);
    m->private->armed = UINT64_MAX;
    machine_tell(m, &(struct machine_event){.kind = MACHINE_RESUME});
}

void machine_stop(struct machine *m)
{
    machine_post_wait(m, do_stop, NULL);
}

void machine_cont(struct machine *m)
{
    machine_post_wait(m, do_cont, NULL);
}

bool machine_stopped(struct machine *m)
{
    return __atomic_load_n(&m->private->stopped, __ATOMIC_SEQ_CST);
}

static void do_reset(struct machine *m, void *opaque)
{
    (void)opaque;
    m->private->board_reset = m->private->host_reset = true;
    machine_raise_event(m, EVENT_RESET);
}

void machine_reset(struct machine *m)
{
    machine_post_wait(m, do_reset, NULL);
}

/* The button is wired to LINT1, where the guest may have other plans for it. */
static void do_nmi(struct machine *m, void *opaque)
{
    struct irq_line lint1;

    (void)opaque;
    if (!m->lapic) {
        machine_raise_event(m, EVENT_NMI);
        return;
    }
    lint1 = lapic_lint(m->lapic, 1);
    irq_set(&lint1, 1);
    irq_set(&lint1, 0);
}

static void do_powerdown(struct machine *m, void *opaque)
{
    (void)opaque;
    if (m->pm)
        piix_pm_power_button(m->pm);
    machine_tell(m, &(struct machine_event){.kind = MACHINE_POWERDOWN});
}

void machine_powerdown(struct machine *m)
{
    machine_post_wait(m, do_powerdown, NULL);
}

void machine_nmi(struct machine *m)
{
    machine_post_wait(m, do_nmi, NULL);
}

int machine_thread_id(struct machine *m)
{
    return m->private->tid;
}

/* isa-debug-exit ends without a word, as in QEMU: what it has to say is in the exit status. */
static void tell_end(struct machine *m, enum machine_end end, int status)
{
    struct machine_event e = {.kind = MACHINE_SHUTDOWN, .guest = end != END_QUIT};

    if (end == END_QUIT)
        e.reason = status > 128 ? "host-signal" : "host-qmp-quit";
    else
        e.reason = end == END_POWEROFF ? "guest-shutdown" : "guest-reset";
    if (end != END_DEBUG_EXIT)
        machine_tell(m, &e);
}

void machine_request_end(struct machine *m, enum machine_end end, int status)
{
    struct machine_private *p = m->private;

    if (m->config.no_shutdown && end != END_QUIT && end != END_DEBUG_EXIT) {
        tell_end(m, end, status);
        machine_stop_here(m, "shutdown");
        machine_raise_event(m, EVENT_KICK);
        return;
    }
    pthread_mutex_lock(&p->lock);
    bool first = !p->ending;
    if (first) {
        p->ending = true;
        p->end = end;
        p->status = status;
    }
    bool kick = p->started && !p->ended;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (first)
        tell_end(m, end, status);
    if (kick)
        machine_raise_event(m, EVENT_KICK);
}

void machine_quit(struct machine *m, int status)
{
    machine_request_end(m, END_QUIT, status);
}

void machine_on_end(struct machine *m, void (*fn)(void *opaque), void *opaque)
{
    m->private->on_end = fn;
    m->private->on_end_opaque = opaque;
}
