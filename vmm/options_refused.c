/* What QEMU knows and ringer does not: refused by name, with the reason. */
#include "vmm/option.h"

static bool set_refused(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    (void)o;
    return error_set(err,
                     "-%s%s%s: ringer has one way to run guests, its own translator: leave "
                     "the option out",
                     self->name, value ? " " : "", value ? value : "");
}

const struct option options_refused[] = {
    {"accel", "NAME", NULL, set_refused, NULL},
    {"enable-kvm", NULL, NULL, set_refused, NULL},
    {"no-kvm", NULL, NULL, set_refused, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
