/* -m, -cpu, -rtc, -machine and other properties of the whole machine. */
#define _GNU_SOURCE /* strptime, timegm */
#include "cpu/emulate.h"
#include "vmm/option.h"
#include <string.h>
#include <time.h>

static bool set_memory(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    const uint64_t min = 1u << 20, max = 3584ull << 20;
    const char *size = strncmp(value, "size=", 5) ? value : value + 5;

    if (!parse_size(size, 1u << 20, &o->ram_bytes) || o->ram_bytes < min || o->ram_bytes > max)
        return error_set(err, "-%s %s: not a memory size; it is 1M to 3584M, as in 128, 256M or 2G",
                         self->name, value);
    o->ram_bytes &= ~(uint64_t)(PAGE_SIZE - 1);
    return true;
}

static bool set_cpu(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    o->model = cpu_model_find(value);
    return o->model || option_bad(err, self, value, cpu_model_names());
}

static bool set_flag(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const struct {
        const char *name;
        bool *where;
    } flags[] = {
        {"no-reboot", &o->no_reboot},
        {"S", &o->start_stopped},
        {"no-acpi", &o->no_acpi},
        {"no-hpet", &o->no_hpet},
    };

    (void)value;
    (void)err;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(self->name, flags[i].name))
            *flags[i].where = true;
    return true;
}

static bool set_rtc(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct tm tm = {0};
    time_t now = time(NULL);
    const char *end;

    if (!strcmp(value, "base=utc")) {
        o->rtc_epoch = now;
        return true;
    }
    if (!strcmp(value, "base=localtime")) {
        localtime_r(&now, &tm);
        o->rtc_epoch = timegm(&tm);
        return true;
    }
    if (!strncmp(value, "base=", 5) &&
        (((end = strptime(value + 5, "%Y-%m-%dT%H:%M:%S", &tm)) && !*end) ||
         ((end = strptime(value + 5, "%Y-%m-%d", &tm)) && !*end))) {
        o->rtc_epoch = timegm(&tm);
        return true;
    }
    return option_bad(err, self, value, "base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]");
}

static bool set_ignored(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    static const struct {
        const char *name, *values[4], *right;
    } known[] = {
        {"machine", {"pc", "isapc"}, "pc"},
        {"M", {"pc", "isapc"}, "pc"},
        {"net", {"none"}, "none"},
        {"nic", {"none"}, "none"},
        {"smp", {"1"}, "1: there is one processor"},
    };

    (void)o;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(self->name, known[i].name))
            continue;
        for (size_t j = 0; j < 4 && known[i].values[j]; j++)
            if (!strcmp(value, known[i].values[j]))
                return true;
        return option_bad(err, self, value, known[i].right);
    }
    return true;
}

const struct option options_machine[] = {
    {"m", "SIZE", "guest memory, 1M to 3584M (default 128M)", set_memory, NULL},
    {"cpu", "MODEL", "processor model (default max)", set_cpu, NULL},
    {"no-reboot", NULL, "end instead of rebooting", set_flag, NULL},
    {"rtc", "BASE", "base=utc, base=localtime or base=DATE", set_rtc, NULL},
    {"S", NULL, "start stopped; the monitor's cont goes on", set_flag, NULL},
    {"no-acpi", NULL, "leave out ACPI: its tables and power management", set_flag, NULL},
    {"no-hpet", NULL, "leave out the HPET", set_flag, NULL},
    {"machine", "pc", NULL, set_ignored, NULL},
    {"M", "pc", NULL, set_ignored, NULL},
    {"net", "none", NULL, set_ignored, NULL},
    {"nic", "none", NULL, set_ignored, NULL},
    {"smp", "1", NULL, set_ignored, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
