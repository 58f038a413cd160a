#define _GNU_SOURCE /* gettid, sigev_notify_thread_id */
/* The vCPU thread: everything of the guest happens here.
 *
 * The thread alternates between translated code and service().  What brings it out of translated
 * code is cpu->event: the host timer (the next deadline of virtual time), a posted piece of work,
 * a stop, a reset.  When the guest halts or is stopped the thread sleeps on a condition variable
 * until the next deadline or until somebody posts. */
#include "ringer/log.h"
#include "vmm/crash.h"
#include "vmm/event.h"
#include "vmm/private.h"
#include "vmm/watch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* glibc keeps its name of the field to itself in older versions. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { CMOS_SHUTDOWN = 0x0F };

static int timer_signal(void)
{
    return SIGRTMIN + 3;
}

/* ---- events ---- */

void machine_raise_event(struct machine *m, uint32_t bits)
{
    if (!m->cpu)
        return;
    __atomic_fetch_or(&m->cpu->event, bits, __ATOMIC_SEQ_CST);
    if (m->translator)
        translator_kick(m->translator);
}

static uint32_t events(const struct machine *m)
{
    return __atomic_load_n(&m->cpu->event, __ATOMIC_SEQ_CST);
}

static void clear_event(struct machine *m, uint32_t bits)
{
    __atomic_fetch_and(&m->cpu->event, ~bits, __ATOMIC_SEQ_CST);
}

bool machine_on_vcpu_thread(struct machine *m)
{
    struct machine_private *p = m->private;

    return __atomic_load_n(&p->started, __ATOMIC_ACQUIRE) &&
           pthread_equal(p->thread, pthread_self());
}

/* ---- the host timer ---- */

/* Runs on the vCPU thread with all other signals blocked, so that the kick it causes is taken
 * after it, with the interrupted code's context. */
static void on_timer(int sig, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)sig;
    (void)context;
    if (info->si_code == SI_TIMER) {
        struct machine *m = info->si_value.sival_ptr;

        m->private->armed = UINT64_MAX;
        machine_raise_event(m, EVENT_KICK);
    }
    errno = saved;
}

static bool timer_open(struct machine *m, struct error *err)
{
    struct machine_private *p = m->private;
    struct sigaction action = {.sa_sigaction = on_timer,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = timer_signal()};
    sigset_t set;

    /* Every machine installs the same handler; the machine it is for comes with the signal. */
    sigfillset(&action.sa_mask);
    sigaction(timer_signal(), &action, NULL);
    event.sigev_value.sival_ptr = m;
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &p->timer) < 0)
        return error_set(err, "no host timer: %s", strerror(errno));
    p->timer_made = true;
    p->armed = UINT64_MAX;
    sigemptyset(&set);
    sigaddset(&set, timer_signal());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

/* Make the host timer ring at DEADLINE (virtual ns), unless it rings earlier already: a spurious
 * ring is cheaper than a system call for each change. */
static void timer_arm(struct machine *m, uint64_t deadline)
{
    struct machine_private *p = m->private;

    if (!p->timer_made || deadline >= p->armed)
        return;
    uint64_t now = vclock_now(m->clock);
    uint64_t ns = deadline > now ? (deadline - now) * vclock_slowness(m->clock) : 1;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)}};

    p->armed = deadline; /* first: it may ring at once */
    timer_settime(p->timer, 0, &when, NULL);
}

void machine_deadline_moved(void *opaque)
{
    struct machine *m = opaque;

    if (machine_on_vcpu_thread(m) && !m->private->stopped)
        timer_arm(m, vclock_next_deadline(m->clock));
}

static void run_timers(struct machine *m)
{
    struct machine_private *p = m->private;

    if (p->stopped)
        return;
    uint64_t next = vclock_run(m->clock);
    /* It rang, or is just about to; a slow clock has been waited for by the host's. */
    if (p->armed != UINT64_MAX &&
        (p->armed <= vclock_now(m->clock) || vclock_slowness(m->clock) > 1))
        p->armed = UINT64_MAX;
    timer_arm(m, next);
}

/* ---- reset and death ---- */

/* RESET# to everything. RAM keeps its contents, as it does on a PC. */
void machine_reset_board(struct machine *m)
{
    struct machine_private *p = m->private;

    p->board_reset = p->host_reset = false;
    __atomic_store_n(&p->sleep, SLEEP_NOT, __ATOMIC_SEQ_CST);
    rtc_set_cmos(m->rtc, CMOS_SHUTDOWN, 0); /* POST heeds it after a CPU reset only */
    clear_event(m, EVENT_RESET | EVENT_INTR | EVENT_NMI | EVENT_DEBUG);
    cpu_reset(m->cpu);
    device_reset_all(m->board.devices);
    clear_event(m, EVENT_RESET); /* a device's output may have pulsed the line */
    m->cpu->shutdown = 0;
    p->hung_named = false;
}

/* The same, asked for by the guest or by a command. */
static void reset_all(struct machine *m)
{
    struct machine_private *p = m->private;

    if (p->reset_once && m->config.boot_once)
        bios_set_boot_order(m->bios, m->config.boot_order);
    if (p->reset_once)
        machine_tell(m, &(struct machine_event){
                            .kind = MACHINE_RESET,
                            .guest = !p->host_reset,
                            .reason = p->host_reset ? "host-qmp-system-reset" : "guest-reset"});
    p->reset_once = true;
    machine_reset_board(m);
}

/* The keyboard controller, port 92h and the shutdown cycle reset the CPU alone on a PC.  It
 * makes a difference to software that wrote a shutdown byte (CMOS 0Fh: 05h, 09h, 0Ah): that has
 * gone back to real mode by this way since the 286, and finds its devices as it left them.
 * Otherwise POST would reset the board anyway. */
static bool resumes(struct machine *m)
{
    uint8_t code = rtc_get_cmos(m->rtc, CMOS_SHUTDOWN);

    return !m->private->board_reset && (code == 0x05 || code == 0x09 || code == 0x0A);
}

static void reset_cpu(struct machine *m)
{
    clear_event(m, EVENT_RESET | EVENT_NMI | EVENT_DEBUG);
    cpu_reset(m->cpu);
    if (m->lapic)
        lapic_init_reset(m->lapic);
    if (!phys_a20(m->phys)) /* the vector would lie outside the ROM: take its image below 1 MiB */
        m->cpu->seg[SEG_CS].base = 0xF0000;
    m->private->hung_named = false;
}

/* ---- the loop ---- */

static void to_log(void *opaque, const char *line)
{
    struct machine *m = opaque;

    if (log_on(m->log, LOG_INT))
        log_write(m->log, LOG_INT, "%s", line);
    else
        log_write(m->log, LOG_GUEST_ERRORS, "%s", line);
}

static void to_stderr(void *opaque, const char *line)
{
    (void)opaque;
    fprintf(stderr, "%s\n", line);
}

/* A triple fault.  A PC's chip set answers the shutdown cycle with a reset, and old software
 * counts on that, so it is a thing to report only to those who asked, or who lose the machine. */
static void shut_down(struct machine *m)
{
    if (resumes(m)) {
        reset_cpu(m);
        return;
    }
    if (log_on(m->log, LOG_INT) || log_on(m->log, LOG_GUEST_ERRORS))
        crash_report(m, to_log, m);
    else if (m->config.no_reboot)
        crash_report(m, to_stderr, m);
    if (m->config.no_reboot)
        machine_request_end(m, END_SHUTDOWN, 0);
    else
        reset_all(m);
}

/* HLT with IF clear: nothing but NMI, SMI or RESET# wakes the CPU, and nothing here sends the
 * first two.  Systems without power management end like this: with -no-reboot it is the end. */
static void dead_halt(struct machine *m)
{
    if (m->private->hung_named)
        return;
    m->private->hung_named = true;
    log_guest_error(m->log,
                    "the guest halted at %04x:%08x with interrupts off: only a reset "
                    "can wake it",
                    m->cpu->seg[SEG_CS].selector, m->cpu->eip);
    if (m->config.no_reboot)
        machine_request_end(m, END_POWEROFF, 0);
}

/* Sleep until DEADLINE (virtual ns), an event in MASK, posted work, or the end. */
static void sleep_until(struct machine *m, uint64_t deadline, uint32_t mask)
{
    struct machine_private *p = m->private;
    struct timespec until;

    if (deadline != UINT64_MAX) {
        uint64_t now = vclock_now(m->clock);
        uint64_t ns = deadline > now ? deadline - now : 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        ns += (uint64_t)until.tv_nsec;
        until.tv_sec += (time_t)(ns / 1000000000u);
        until.tv_nsec = (long)(ns % 1000000000u);
    }
    pthread_mutex_lock(&p->lock);
    while (!p->head && !p->ending && !(events(m) & mask)) {
        if (deadline == UINT64_MAX)
            pthread_cond_wait(&p->wake, &p->lock);
        else if (pthread_cond_timedwait(&p->wake, &p->lock, &until) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&p->lock);
}

uint64_t machine_host_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void idle(struct machine *m)
{
    if (m->cpu->halted && !m->cpu->iflag && !(events(m) & (EVENT_NMI | EVENT_RESET)))
        dead_halt(m);
    uint64_t began = machine_host_ns();
    vclock_idle(m->clock, true);
    sleep_until(m, vclock_next_deadline(m->clock),
                m->cpu->iflag ? EVENT_INTR | EVENT_NMI | EVENT_RESET : EVENT_NMI | EVENT_RESET);
    vclock_idle(m->clock, false);
    m->private->idle_ns += machine_host_ns() - began;
}

bool machine_may_hold(struct machine *m)
{
    return machine_on_vcpu_thread(m) && !m->private->working && !m->private->stopped;
}

bool machine_hold(struct machine *m, struct block *b, int error)
{
    struct machine_private *p = m->private;
    bool ending = false;

    if (!machine_may_hold(m))
        return false;
    p->held = b; /* first: who hears of the stop may ask */
    p->held_error = error;
    machine_stop_here(m, "io-error");
    while (p->stopped && !ending && !(events(m) & EVENT_RESET)) {
        sleep_until(m, UINT64_MAX, EVENT_RESET);
        pthread_mutex_lock(&p->lock);
        machine_run_work(m);
        ending = p->ending;
        pthread_mutex_unlock(&p->lock);
    }
    p->held = NULL;
    machine_raise_event(m, EVENT_KICK); /* the loop is to arm the timer again */
    return !p->stopped && !ending && !(events(m) & EVENT_RESET);
}

/* Do what others asked for.  False when the machine is to end. */
static bool service(struct machine *m)
{
    struct machine_private *p = m->private;

    clear_event(m, EVENT_KICK);
    watch_check(m);
    pthread_mutex_lock(&p->lock);
    machine_run_work(m);
    bool ending = p->ending;
    pthread_mutex_unlock(&p->lock);
    if (ending)
        return false;
    if (events(m) & EVENT_RESET && resumes(m)) {
        reset_cpu(m);
    } else if (events(m) & EVENT_RESET) {
        if (m->config.no_reboot) {
            clear_event(m, EVENT_RESET);
            machine_request_end(m, END_RESET, 0);
            return m->config.no_shutdown; /* then it only stopped */
        }
        reset_all(m);
    }
    run_timers(m);
    return true;
}

static void loop(struct machine *m)
{
    m->private->started_ns = machine_host_ns();
    while (service(m)) {
        bool asleep = machine_asleep(m);

        if (m->private->stopped || asleep) {
            vclock_idle(m->clock, true);
            sleep_until(m, m->private->stopped ? UINT64_MAX : vclock_next_deadline(m->clock),
                        EVENT_RESET);
            vclock_idle(m->clock, false);
            continue;
        }
        switch (translator_run(m->translator)) {
        case RUN_EVENT:
            break;
        case RUN_HALT:
            idle(m);
            break;
        case RUN_SHUTDOWN:
            shut_down(m);
            break;
        case RUN_DIVERGED:
            translator_describe_divergence(m->translator, to_stderr, m);
            machine_request_end(m, END_QUIT, 1);
            break;
        }
    }
}

static void block_signals(void)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t set;

    sigfillset(&set);
    for (unsigned i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
        sigdelset(&set, synchronous[i]);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static bool attach(struct machine *m)
{
    struct machine_private *p = m->private;
    struct error err = {""};

    block_signals();
    /* Sleeping guests must wake on time: the default slack is 50 us. */
    prctl(PR_SET_TIMERSLACK, 1000ul);
    bool ok = translator_attach(m->translator, &err) && timer_open(m, &err);
    /* Comparing each execution takes some hundred times as long: a guest that gets its ticks by the
     * host's clock would do nothing but serve them. */
    enum { LOCK_STEP_SLOWNESS = 64 };
    const struct translator_options *to = &m->config.translator;
    if (to->verify && !to->verify_first && !m->config.manual_clock)
        vclock_slow(m->clock, LOCK_STEP_SLOWNESS);
    pthread_mutex_lock(&p->lock);
    p->attach_done = true;
    p->tid = gettid();
    p->attach_ok = ok;
    p->attach_error = err;
    pthread_cond_broadcast(&p->done);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

static void *vcpu_thread(void *opaque)
{
    struct machine *m = opaque;
    struct machine_private *p = m->private;

    if (attach(m)) {
        reset_all(m);
        if (p->stopped)
            p->stopped_ns = machine_host_ns();
        else
            vclock_resume(m->clock);
        loop(m);
        timer_delete(p->timer);
        p->timer_made = false;
        vclock_stop(m->clock);
    }
    /* The stack for signals is the translator's, which outlives the thread: whoever looks for one
     * when the thread goes (AddressSanitizer, to free it) must not find that. */
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    pthread_mutex_lock(&p->lock);
    machine_run_work(m);
    p->ended = true;
    pthread_mutex_unlock(&p->lock);
    if (p->on_end)
        p->on_end(p->on_end_opaque);
    return NULL;
}

bool machine_start(struct machine *m, struct error *err)
{
    struct machine_private *p = m->private;
    sigset_t all, old;

    p->stopped = m->config.start_stopped;
    p->stop_state = "prelaunch";
    /* The thread starts with every signal blocked: the process's are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_mutex_lock(&p->lock);
    int failed = pthread_create(&p->thread, NULL, vcpu_thread, m);
    if (!failed)
        __atomic_store_n(&p->started, true, __ATOMIC_RELEASE);
    while (!failed && !p->attach_done)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return error_set(err, "no thread for the virtual CPU: %s", strerror(failed));
    if (!p->attach_ok) {
        *(err ? err : &p->attach_error) = p->attach_error;
        return false;
    }
    return true;
}

enum machine_end machine_join(struct machine *m, int *status)
{
    struct machine_private *p = m->private;

    if (p->started && !p->joined) {
        pthread_join(p->thread, NULL);
        p->joined = true;
    }
    if (status)
        *status = p->status;
    return p->end;
}

bool machine_private_init(struct machine *m, struct error *err)
{
    struct machine_private *p = calloc(1, sizeof *p);
    pthread_condattr_t attr;

    if (!p)
        return error_set(err, "out of memory");
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->listen_lock, NULL);
    pthread_cond_init(&p->wake, &attr);
    pthread_cond_init(&p->done, &attr);
    pthread_condattr_destroy(&attr);
    p->tail = &p->head;
    p->armed = UINT64_MAX;
    p->end = END_QUIT;
    m->private = p;
    return true;
}

void machine_private_free(struct machine *m)
{
    struct machine_private *p = m->private;

    if (!p)
        return;
    while (p->head) {
        struct work *w = p->head;
        p->head = w->next;
        free(w);
    }
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->listen_lock);
    free(p);
    m->private = NULL;
}
