/* Listeners, and the state they would ask for. */
#include "vmm/event.h"
#include "vmm/private.h"

void machine_listen(struct machine *m, struct machine_listener *l)
{
    struct machine_private *p = m->private;

    pthread_mutex_lock(&p->listen_lock);
    l->next = p->listeners;
    p->listeners = l;
    pthread_mutex_unlock(&p->listen_lock);
}

void machine_unlisten(struct machine *m, struct machine_listener *l)
{
    struct machine_private *p = m->private;

    pthread_mutex_lock(&p->listen_lock);
    for (struct machine_listener **at = &p->listeners; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    pthread_mutex_unlock(&p->listen_lock);
}

void machine_tell(struct machine *m, const struct machine_event *e)
{
    struct machine_private *p = m->private;

    pthread_mutex_lock(&p->listen_lock);
    for (struct machine_listener *l = p->listeners; l; l = l->next)
        l->event(l->opaque, e);
    pthread_mutex_unlock(&p->listen_lock);
}

const char *machine_run_state(struct machine *m)
{
    const char *state = __atomic_load_n(&m->private->stop_state, __ATOMIC_SEQ_CST);

    if (machine_stopped(m))
        return state ? state : "paused";
    return __atomic_load_n(&m->private->sleep, __ATOMIC_SEQ_CST) ? "suspended" : "running";
}
