#include "vmm/tools.h"
#include "vmm/hooks.h"
#include "vmm/machine.h"
#include "vmm/symbols.h"

bool tools_load(struct tools *t, const struct tools_options *o, struct error *err)
{
    struct error why;

    t->symbols = symbols_new();
    if (!t->symbols)
        return error_set(err, "no memory for symbols");
    for (unsigned i = 0; i < o->symbols_count; i++)
        if (!symbols_load(t->symbols, o->symbols[i], &why))
            return error_set(err, "-symbols %s", why.text);
    return true;
}

static const char *symbol(void *opaque, uint32_t linear, uint32_t *offset)
{
    struct tools *t = opaque;

    return symbols_find(t->symbols, linear, offset);
}

bool tools_attach(struct tools *t, const struct tools_options *o, struct machine *m,
                  struct error *err)
{
    struct translator_observer observer = {.opaque = t, .symbol = symbol};
    struct error why;

    for (unsigned i = 0; i < o->hook_count; i++)
        if (!hooks_add_spec(m->hooks, o->hooks[i], &why))
            return error_set(err, "-hook %.100s: %s", o->hooks[i], why.text);
    translator_observe(m->translator, &observer);
    return true;
}

void tools_finish(struct tools *t, struct machine *m)
{
    (void)t;
    (void)m;
}

void tools_close(struct tools *t)
{
    symbols_free(t->symbols);
    t->symbols = NULL;
}
