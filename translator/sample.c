/* Samples: a timer on the CPU time of the vCPU's thread interrupts whatever runs there and notes
 * what it is.  The host's own clock tick paces such timers, so that one signal may stand for
 * several samples.  A thread that sleeps takes none. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "translator/internal.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { SAMPLE_NS = 3989017 }; /* odd, so as not to run in step with a guest's clock */

static int sample_signal(void)
{
    return SIGRTMIN + 4;
}

uint64_t sample_ns(const struct translator *t)
{
    (void)t;
    return SAMPLE_NS;
}

/* A block takes time by the bytes of its host code, and for coming to it: how often does it run? */
static void note_rates(struct translator *t, const struct tb *tb, uint64_t weight)
{
    struct rates *r = tb->counts ? &t->counts.modelled : &t->counts.guessed;
    uint64_t once = weight * RATE_ONE / (tb->hot + BLOCK_COST);
    r->insns += once * tb->insns;
    if (tb->jump)
        r->jumps[tb->jump - 1] += once;
}

static enum sample_place place_of(struct translator *t, uint64_t off, uint64_t weight)
{
    struct tb *tb = off < t->cache_size ? cache_at(t, (uint32_t)off) : NULL;
    if (tb) {
        tb->samples += (uint32_t)weight;
        note_rates(t, tb, weight);
        t->counts.counted_samples += tb->counts ? weight : 0;
        t->counts.page_samples[tb->phys >> PAGE_SHIFT] += (uint32_t)weight;
        return SAMPLE_GUEST;
    }
    if (phys_at_device(t->phys))
        return SAMPLE_DEVICES;
    return atomic_load(&t->in_guest) ? SAMPLE_VMM : SAMPLE_OUTSIDE;
}

static void on_sample(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    const ucontext_t *uc = context;
    struct translator *t = info->si_value.sival_ptr;
    int saved_errno = errno;
    if (info->si_code != SI_TIMER || !t)
        return;
    uint64_t weight = 1 + (uint64_t)(info->si_overrun > 0 ? info->si_overrun : 0);
    uint64_t off = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] - (uintptr_t)t->rx;
    t->counts.samples[place_of(t, off, weight)] += weight;
    errno = saved_errno;
}

bool sample_attach(struct translator *t, struct error *err)
{
    struct sigaction sa = {.sa_sigaction = on_sample,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sample_signal()};
    const struct itimerspec every = {.it_interval = {.tv_nsec = SAMPLE_NS},
                                     .it_value = {.tv_nsec = SAMPLE_NS}};
    sigset_t set;
    sigfillset(&sa.sa_mask);
    sigdelset(&sa.sa_mask, SIGSEGV);
    sigdelset(&sa.sa_mask, SIGBUS);
    sigaction(sample_signal(), &sa, NULL);
    event.sigev_value.sival_ptr = t;
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &t->counts.timer) < 0)
        return error_set(err, "no host timer for samples: %s", strerror(errno));
    t->counts.timer_made = true;
    sigemptyset(&set);
    sigaddset(&set, sample_signal());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    timer_settime(t->counts.timer, 0, &every, NULL);
    return true;
}

void sample_detach(struct translator *t)
{
    if (t->counts.timer_made)
        timer_delete(t->counts.timer);
    t->counts.timer_made = false;
}
