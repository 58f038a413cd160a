/* What machine.c and run.c share about a machine's thread. */
#ifndef RINGER_VMM_PRIVATE_H
#define RINGER_VMM_PRIVATE_H

#include "ringer/error.h"
#include "vmm/machine.h"
#include <pthread.h>
#include <signal.h>
#include <time.h>

struct work {
    struct work *next;
    void (*fn)(struct machine *m, void *opaque);
    void *opaque;
    bool *done; /* NULL: nobody waits, and the structure is the queue's to free */
};

/* The sleep state that the guest is in (suspend.c). */
enum machine_sleep { SLEEP_NOT, SLEEP_S1, SLEEP_S3 };

struct machine_private {
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything down to `status` */
    pthread_cond_t wake;  /* the vCPU thread sleeps on it */
    pthread_cond_t done;  /* posters and machine_start wait on it */
    struct work *head, **tail;
    bool started, joined, ended;
    bool ending; /* somebody asked for the end: END and STATUS are set */
    bool attach_done, attach_ok;
    struct error attach_error;
    enum machine_end end;
    int status;

    uint64_t stopped_ns; /* the host's time when it was */
    bool stopped;       /* written on the vCPU thread, read (atomically) anywhere */
    bool reset_once;    /* the power-on reset is done */
    enum machine_sleep sleep; /* written on the vCPU thread, read (atomically) anywhere */
    bool waking;        /* something has woken it, and the loop is to act */
    bool board_reset;   /* the reset that is asked for goes to all of the board */
    bool hung_named;    /* the halt with interrupts off was reported */
    timer_t timer;
    bool timer_made;
    uint64_t armed; /* deadline that the host timer is set to, UINT64_MAX: none */

    uint64_t interrupts[256]; /* accepted, by vector */
    uint64_t interrupt_wait[256], interrupt_longest[256]; /* ns from INTR to acceptance */
    uint64_t intr_since;      /* host time at which INTR rose, ns; 0: it is low */
    uint64_t idle_ns, started_ns; /* host time asleep in HLT; at the start of the thread */

    pthread_mutex_t listen_lock;
    struct machine_listener *listeners;
    uint64_t dumped;   /* bytes in the last core (vmm/memdump.c); atomic */
    bool trays_hushed; /* a medium is being exchanged: what trays do meanwhile is not told; same */
    bool floppy_open[2]; /* the trays that QMP gives floppy drives; on the vCPU thread */
    struct block *held; /* whose failed operation waits for the machine to go on; NULL */
    int held_error;     /* why it failed: errno */
    bool working;       /* in a piece of posted work */
    const char *stop_state; /* why it is stopped, as QEMU's RunState; atomic */
    unsigned pointer_buttons, pointer_x, pointer_y; /* held, and the last position (vmm/pointer.c) */
    int tid;                  /* of the vCPU thread */
    bool host_reset;        /* the reset that is asked for was not the guest's idea */

    void (*on_end)(void *opaque);
    void *on_end_opaque;
};

/* Ask for the end of the machine; the first one to ask decides.  Any thread. */
void machine_request_end(struct machine *m, enum machine_end end, int status);
/* Raise bits of cpu->event and make the vCPU look.  Any thread, async-signal-safe. */
void machine_raise_event(struct machine *m, uint32_t bits);
/* Run what was posted (vCPU thread).  Called and returns with the lock held. */
void machine_run_work(struct machine *m);
bool machine_on_vcpu_thread(struct machine *m);
/* The clock's on_earlier hook: the host timer must ring sooner. */
void machine_deadline_moved(void *opaque);
/* interrupts.c: the controllers and timers, created first of all devices; INIT pulses the CPU's
 * reset line.  The CPU's side of them, before the CPU is made. */
void machine_build_interrupts(struct machine *m, struct irq_line init);
void machine_wire_interrupts(struct cpu_wires *wires);
/* The wire of an ISA interrupt; PIRQA to PIRQD as N = 0 to 3 of one line's SET. */
struct irq_line machine_irq(struct machine *m, int irq);
struct irq_line machine_pirqs(struct machine *m);
/* suspend.c: the wires of power management; does the guest sleep (vCPU thread, in the loop)?  What
 * has woken it takes effect here. */
struct piix_pm_wires machine_pm_wires(struct machine *m);
bool machine_asleep(struct machine *m);
void machine_power_off(void *machine);
/* Stop the machine because an operation on B failed with ERROR (errno), from inside that operation,
 * and wait, doing posted work, until it goes on.  False when it does not, or may not wait: off the
 * vCPU thread, and in posted work, for whose end others wait. */
bool machine_hold(struct machine *m, struct block *b, int error);
bool machine_may_hold(struct machine *m);
/* The host's monotonic clock. */
uint64_t machine_host_ns(void);
/* run.c: RESET# to everything, without a word to listeners. */
void machine_reset_board(struct machine *m);
/* Set up / tear down the private part. */
bool machine_private_init(struct machine *m, struct error *err);
void machine_private_free(struct machine *m);

#endif
