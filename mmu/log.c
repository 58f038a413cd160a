/* The trace log (include/ringer/log.h): channels, and texts that are written once and counted. */
#include "ringer/log.h"
#include "ringer/trace.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024
/* Distinct texts remembered: a hostile guest must not make the log grow without end. */
#define ONCE_SLOTS 1024
#define ONCE_MAX   768

struct once {
    char *text;
    uint64_t count;
    enum log_channel channel;
};

struct log {
    FILE *file;
    uint32_t channels;
    struct trace *trace;
    const char *(*symbol)(void *opaque, uint32_t linear, uint32_t *offset);
    void *symbol_opaque;
    pthread_mutex_t lock;
    unsigned once_used;
    struct once once[ONCE_SLOTS]; /* open hashing */
};

static const struct {
    const char *name;
    uint32_t mask;
} channel_names[] = {
    {"in_asm", LOG_IN_ASM}, {"out_asm", LOG_OUT_ASM}, {"int", LOG_INT},
    {"exec", LOG_EXEC},     {"mmu", LOG_MMU},         {"guest_errors", LOG_GUEST_ERRORS},
    {"unimp", LOG_UNIMP},   {"io", LOG_IO},           {"post", LOG_POST},
    {"all", 0x1FF},
};

struct log *log_new(const char *path, uint32_t channels)
{
    struct log *log = calloc(1, sizeof(*log));

    if (!log)
        return NULL;
    log->file = path ? fopen(path, "we") : stderr;
    if (!log->file) {
        free(log);
        return NULL;
    }
    /* Whole lines: the log is read while the machine runs, and after it died. */
    setvbuf(log->file, NULL, _IOLBF, 0);
    pthread_mutex_init(&log->lock, NULL);
    log->channels = channels;
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    for (unsigned i = 0; i < ONCE_SLOTS; i++) {
        const struct once *o = &log->once[i];

        if (o->text && o->count > 1 && log_on(log, o->channel))
            fprintf(log->file, "%s (%llu times)\n", o->text, (unsigned long long)o->count);
        free(o->text);
    }
    if (log->file != stderr)
        fclose(log->file);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void log_set_channels(struct log *log, uint32_t channels)
{
    if (log)
        __atomic_store_n(&log->channels,
                         (channels & ~(uint32_t)LOG_TRACE) | (log->trace ? LOG_TRACE : 0),
                         __ATOMIC_RELAXED);
}

void log_set_trace(struct log *log, struct trace *t)
{
    log->trace = t;
    log_set_channels(log, log->channels);
}

void log_set_symbols(struct log *log,
                     const char *(*symbol)(void *opaque, uint32_t linear, uint32_t *offset),
                     void *opaque)
{
    log->symbol = symbol;
    log->symbol_opaque = opaque;
}

const char *log_symbol(const struct log *log, uint32_t linear, char *out, unsigned n)
{
    uint32_t offset = 0;
    const char *name =
        log && log->symbol ? log->symbol(log->symbol_opaque, linear, &offset) : NULL;

    *out = 0;
    if (name)
        snprintf(out, n, offset ? " <%s+0x%x>" : " <%s>", name, offset);
    return out;
}

void log_trace(struct log *log, const struct trace_kind *kind, uint32_t a, uint32_t b, uint32_t c)
{
    if (log_on(log, LOG_TRACE))
        trace_add(log->trace, kind, trace_now(), TRACE_INSTANT, a, b, c);
}

void log_trace_span(struct log *log, const struct trace_kind *kind, uint64_t since, uint32_t a,
                    uint32_t b, uint32_t c)
{
    if (!log_on(log, LOG_TRACE))
        return;
    uint64_t took = trace_now() - since;
    trace_add(log->trace, kind, since,
              took < TRACE_INSTANT ? (uint32_t)took : TRACE_INSTANT - 1, a, b, c);
}

void log_set_stream(struct log *log, FILE *file)
{
    setvbuf(file, NULL, _IOLBF, 0);
    pthread_mutex_lock(&log->lock);
    FILE *old = log->file;
    log->file = file;
    pthread_mutex_unlock(&log->lock);
    if (old != stderr)
        fclose(old);
}

bool log_set_file(struct log *log, const char *path)
{
    FILE *file = path ? fopen(path, "we") : stderr;

    if (file && log)
        log_set_stream(log, file);
    return file != NULL;
}

static bool find_channel(const char *name, size_t len, uint32_t *mask)
{
    for (unsigned i = 0; i < sizeof(channel_names) / sizeof(channel_names[0]); i++) {
        if (strlen(channel_names[i].name) == len && !memcmp(channel_names[i].name, name, len)) {
            *mask |= channel_names[i].mask;
            return true;
        }
    }
    return false;
}

bool log_parse_channels(const char *names, uint32_t *channels, char *bad, unsigned n)
{
    uint32_t mask = 0;

    for (;;) {
        size_t len = strcspn(names, ",");

        if (!find_channel(names, len, &mask)) {
            if (bad && n)
                snprintf(bad, n, "%.*s", (int)(len > 200 ? 200 : len), names);
            return false;
        }
        if (!names[len])
            break;
        names += len + 1;
    }
    *channels = mask;
    return true;
}

bool log_on(const struct log *log, enum log_channel channel)
{
    return log && ((__atomic_load_n(&log->channels, __ATOMIC_RELAXED) | LOG_HOST_ERRORS) & channel);
}

void log_write(struct log *log, enum log_channel channel, const char *format, ...)
{
    va_list args;

    if (!log_on(log, channel))
        return;
    pthread_mutex_lock(&log->lock);
    va_start(args, format);
    vfprintf(log->file, format, args);
    va_end(args);
    fputc('\n', log->file);
    pthread_mutex_unlock(&log->lock);
}

/* FNV-1a, for the table of texts. */
static uint32_t hash_text(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h;
}

/* Count TEXT; true when it is new, and false too when the table is full. */
static bool first_time(struct log *log, enum log_channel channel, const char *text)
{
    unsigned i = hash_text(text) % ONCE_SLOTS;

    for (; log->once[i].text; i = (i + 1) % ONCE_SLOTS) {
        if (log->once[i].channel == channel && !strcmp(log->once[i].text, text)) {
            log->once[i].count++;
            return false;
        }
    }
    if (log->once_used >= ONCE_MAX)
        return false;
    log->once[i].text = strdup(text);
    if (!log->once[i].text)
        return false;
    log->once_used++;
    log->once[i].channel = channel;
    log->once[i].count = 1;
    return true;
}

static void write_once(struct log *log, enum log_channel channel, const char *prefix,
                       const char *format, va_list args)
{
    char text[TEXT_MAX];

    vsnprintf(text, sizeof(text), format, args);
    pthread_mutex_lock(&log->lock);
    if (first_time(log, channel, text))
        fprintf(log->file, "%s: %s\n", prefix, text);
    pthread_mutex_unlock(&log->lock);
}

void log_unimp(struct log *log, const char *format, ...)
{
    va_list args;

    if (!log_on(log, LOG_UNIMP))
        return;
    va_start(args, format);
    write_once(log, LOG_UNIMP, "not emulated", format, args);
    va_end(args);
}

void log_guest_error(struct log *log, const char *format, ...)
{
    va_list args;

    if (!log_on(log, LOG_GUEST_ERRORS))
        return;
    va_start(args, format);
    write_once(log, LOG_GUEST_ERRORS, "guest error", format, args);
    va_end(args);
}

void log_host_error(struct log *log, const char *format, ...)
{
    va_list args;

    if (!log)
        return;
    va_start(args, format);
    write_once(log, LOG_HOST_ERRORS, "host error", format, args);
    va_end(args);
}
