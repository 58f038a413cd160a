/* The list of hooks, and who is called when the translator reports a place.
 *
 * Hooks come and go on the machine's thread alone; one that goes while it is being called is freed
 * when the call is over. */
#include "vmm/hooks.h"
#include "vmm/private.h"
#include <stdlib.h>
#include <string.h>

struct hook {
    struct hook *next;
    unsigned number;
    uint64_t calls;
    bool gone;
    struct hook_spec spec;
    struct hook_callee *callee; /* NULL: FN */
    ringer_hook_function fn;
    void *opaque;
};

struct hooks_list {
    struct machine *machine;
    const struct symbols *symbols;
    struct hook *first;
    unsigned last_number;
    unsigned depth; /* calls in progress */
};

struct hooks_list *hooks_new(struct machine *m, const struct symbols *symbols)
{
    struct hooks_list *h = calloc(1, sizeof *h);

    if (h) {
        h->machine = m;
        h->symbols = symbols;
    }
    return h;
}

static void free_hook(struct hook *hook)
{
    hook_callee_free(hook->callee);
    free(hook);
}

void hooks_free(struct hooks_list *h)
{
    while (h && h->first) {
        struct hook *hook = h->first;
        h->first = hook->next;
        free_hook(hook);
    }
    free(h);
}

/* ---- calls ---- */

static void sweep(struct hooks_list *h)
{
    for (struct hook **link = &h->first; *link && !h->depth;) {
        struct hook *hook = *link;
        if (!hook->gone) {
            link = &hook->next;
            continue;
        }
        *link = hook->next;
        free_hook(hook);
    }
}

static bool reached(void *opaque, const struct hook_key *key)
{
    struct hooks_list *h = opaque;
    struct ringer_guest g = {.machine = h->machine};
    uint32_t eip = h->machine->cpu->eip;
    unsigned newest = h->last_number; /* what is added meanwhile waits for the next time */

    h->depth++;
    for (struct hook *k = h->first; k; k = k->next) {
        if (k->gone || k->number > newest || k->spec.key.kind != key->kind ||
            k->spec.key.address != key->address)
            continue;
        k->calls++;
        if (k->callee)
            hook_callee_call(k->callee, &k->spec, &g);
        else
            k->fn(&g, k->opaque);
        if (h->machine->cpu->eip != eip) /* the guest is elsewhere now */
            break;
    }
    h->depth--;
    sweep(h);
    return g.skip;
}

/* ---- coming and going ---- */

struct order {
    struct hooks_list *list;
    struct hook *add; /* NULL: remove NUMBER */
    unsigned number;
    bool ok;
    struct text *out;
};

/* Tell the translator; false: there are too many. */
static bool publish(struct hooks_list *h)
{
    struct hook_key keys[HOOK_KEYS];
    unsigned count = 0;

    for (const struct hook *k = h->first; k; k = k->next) {
        if (k->gone)
            continue;
        if (count == HOOK_KEYS)
            return false;
        keys[count++] = k->spec.key;
    }
    return translator_set_hooks(h->machine->translator, keys, count, reached, h);
}

static void add_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;
    struct hook **link = &o->list->first;

    (void)m;
    while (*link)
        link = &(*link)->next;
    *link = o->add;
    o->add->number = o->list->last_number + 1;
    o->ok = publish(o->list);
    if (o->ok)
        o->number = ++o->list->last_number;
    else
        *link = NULL;
}

static void remove_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;

    (void)m;
    for (struct hook *k = o->list->first; k; k = k->next)
        if (!k->gone && (!o->number || k->number == o->number))
            o->ok = k->gone = true;
    if (o->ok)
        publish(o->list);
    sweep(o->list);
}

static void describe_now(struct machine *m, void *opaque)
{
    struct order *o = opaque;

    (void)m;
    for (const struct hook *k = o->list->first; k; k = k->next) {
        if (k->gone)
            continue;
        text_printf(o->out, "%u: %s", k->number, k->spec.place);
        if (k->spec.key.kind == HOOK_LINEAR)
            text_printf(o->out, " (0x%08x)", k->spec.key.address);
        if (k->callee)
            text_printf(o->out, " calls %s:%s", k->spec.library, k->spec.function);
        text_printf(o->out, ", reached %llu times\n", (unsigned long long)k->calls);
    }
    if (!o->out->len)
        text_line(o->out, "no hooks");
}

/* On the machine's thread, also before there is one, and when it is this one. */
static void carry_out(struct hooks_list *h, void (*fn)(struct machine *m, void *opaque),
                      struct order *o)
{
    bool running = __atomic_load_n(&h->machine->private->started, __ATOMIC_ACQUIRE);

    if (!running || machine_on_vcpu_thread(h->machine))
        fn(h->machine, o);
    else
        machine_post_wait(h->machine, fn, o);
}

static unsigned add(struct hooks_list *h, struct hook *hook, struct error *err)
{
    struct order o = {.list = h, .add = hook};

    carry_out(h, add_now, &o);
    if (o.ok)
        return o.number;
    free_hook(hook);
    error_set(err, "there are %d hooks already", HOOK_KEYS);
    return 0;
}

unsigned hooks_add_spec(struct hooks_list *h, const char *text, struct error *err)
{
    struct hook *hook = calloc(1, sizeof *hook);

    if (!hook) {
        error_set(err, "no memory for a hook");
        return 0;
    }
    if (!hook_spec_parse(text, h->symbols, &hook->spec, err) ||
        !(hook->callee = hook_callee_new(&hook->spec, err))) {
        free_hook(hook);
        return 0;
    }
    return add(h, hook, err);
}

unsigned hooks_add_function(struct hooks_list *h, const char *place, ringer_hook_function fn,
                            void *opaque, struct error *err)
{
    struct hook *hook = calloc(1, sizeof *hook);

    if (!hook) {
        error_set(err, "no memory for a hook");
        return 0;
    }
    strncpy(hook->spec.place, place, sizeof hook->spec.place - 1);
    hook->fn = fn;
    hook->opaque = opaque;
    if (!hook_place_parse(place, h->symbols, &hook->spec.key, err)) {
        free_hook(hook);
        return 0;
    }
    return add(h, hook, err);
}

bool hooks_remove(struct hooks_list *h, unsigned number)
{
    struct order o = {.list = h, .number = number};

    carry_out(h, remove_now, &o);
    return o.ok;
}

void hooks_describe(struct hooks_list *h, struct text *out)
{
    struct order o = {.list = h, .out = out};

    carry_out(h, describe_now, &o);
}
