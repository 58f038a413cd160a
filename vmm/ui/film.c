#define _GNU_SOURCE /* pthread_setname_np */
#include "vmm/ui/film.h"

#include "vmm/ui/film_private.h"
#include "vmm/ui/geometry.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { SECOND = 1000000000, CENTISECOND = SECOND / 100, LONGEST_CS = 60000 };

/* The thread's alone, but for what LOCK guards. */
struct film {
    struct display *display;
    struct display_reader *reader;
    FILE *file;
    bool gif;
    unsigned fps;
    pthread_t thread;
    pthread_mutex_t lock; /* guards END */
    pthread_cond_t wake;
    bool end;
    bool failed; /* atomic */

    unsigned width, height;    /* 0: no picture yet */
    uint32_t *shown, *pending; /* what the file shows; what comes next */
    bool has_pending;
    uint64_t pending_at;    /* guest time */
    uint64_t start, frames; /* y4m: of the first picture; written */
};

/* ---- options ---- */

static bool has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), n = strlen(suffix);

    return len > n && !strcasecmp(path + len - n, suffix);
}

bool film_options_parse(const char *text, char room[FILM_PATH_MAX], struct film_options *out,
                        struct error *err)
{
    const char *comma = strrchr(text, ',');
    bool list = comma && !strncmp(comma, ",fps=", 5);
    size_t len = list ? (size_t)(comma - text) : strlen(text);
    char *end = "";
    unsigned long fps = FILM_FPS_DEFAULT;

    if (list)
        fps = comma[5] >= '0' && comma[5] <= '9' ? strtoul(comma + 5, &end, 10) : 0;
    if (*end || fps < 1 || fps > FILM_FPS_MAX)
        return error_set(err, "-record %s: fps is 1 to %d", text, FILM_FPS_MAX);
    snprintf(room, FILM_PATH_MAX, "%.*s", (int)(len < FILM_PATH_MAX ? len : 0), text);
    *out = (struct film_options){room, (unsigned)fps};
    if (has_suffix(room, ".gif") || has_suffix(room, ".y4m"))
        return true;
    return error_set(err, "-record %s: it is FILE.gif or FILE.y4m, with ,fps=N behind it", text);
}

/* ---- pictures ---- */

static bool set_size(struct film *f, const struct display_frame *frame)
{
    size_t count = (size_t)frame->width * frame->height;

    f->shown = calloc(count, sizeof *f->shown);
    f->pending = calloc(count, sizeof *f->pending);
    if (!f->shown || !f->pending)
        return false;
    f->width = frame->width;
    f->height = frame->height;
    return f->gif ? gif_begin(f->file, f->width, f->height)
                  : y4m_begin(f->file, f->width, f->height, f->fps);
}

/* FRAME in our size; another size is fitted in, the border black. */
static void fit_in(const struct film *f, const struct display_frame *frame, uint32_t *out)
{
    const struct box room = {0, 0, (int)f->width, (int)f->height};

    if (frame->width == f->width && frame->height == f->height) {
        for (unsigned y = 0; y < f->height; y++)
            memcpy(out + (size_t)y * f->width, frame->pixels + (size_t)y * frame->stride,
                   f->width * sizeof *out);
        return;
    }
    struct box box = geometry_fit(&room, frame->width, frame->height, false, false);
    memset(out, 0, (size_t)f->width * f->height * sizeof *out);
    for (int y = 0; y < box.height; y++)
        for (int x = 0; x < box.width; x++)
            out[(size_t)(box.y + y) * f->width + (size_t)(box.x + x)] =
                frame->pixels[(size_t)y * frame->height / (size_t)box.height * frame->stride +
                              (size_t)x * frame->width / (size_t)box.width];
}

/* The rectangle in which A and B differ; false when they do not. */
static bool difference(const struct film *f, const uint32_t *a, const uint32_t *b,
                       struct vga_rect *out)
{
    unsigned left = f->width, right = 0, top = f->height, bottom = 0;

    for (unsigned y = 0; y < f->height; y++, a += f->width, b += f->width) {
        if (!memcmp(a, b, f->width * sizeof *a))
            continue;
        top = y < top ? y : top;
        bottom = y + 1;
        for (unsigned x = 0; x < left; x++)
            if (a[x] != b[x])
                left = x;
        for (unsigned x = f->width; x > right; x--)
            if (a[x - 1] != b[x - 1])
                right = x;
    }
    *out = (struct vga_rect){left, top, right - left, bottom - top};
    return bottom > 0;
}

/* ---- GIF: a picture is written when it is known how long it stays ---- */

static bool flush_pending(struct film *f, uint64_t now)
{
    uint64_t cs = now > f->pending_at ? (now - f->pending_at) / CENTISECOND : 1;
    struct vga_rect r = {0, 0, f->width, f->height};

    if (!f->has_pending)
        return true;
    if (f->frames && !difference(f, f->shown, f->pending, &r))
        r = (struct vga_rect){0, 0, 1, 1};
    f->frames++;
    f->has_pending = false;
    memcpy(f->shown, f->pending, (size_t)f->width * f->height * sizeof *f->shown);
    cs = cs < 1 ? 1 : cs > LONGEST_CS ? LONGEST_CS : cs;
    return gif_frame(f->file, f->width, f->shown, r.x, r.y, r.width, r.height, (unsigned)cs);
}

static bool next_gif(struct film *f, const struct display_frame *frame, uint64_t now)
{
    if (f->has_pending && !flush_pending(f, now))
        return false;
    fit_in(f, frame, f->pending);
    f->has_pending = true;
    f->pending_at = now;
    return true;
}

/* ---- Y4M: every picture, at its time ---- */

static bool next_y4m(struct film *f, const struct display_frame *frame, bool changed, uint64_t now)
{
    if (!f->frames)
        f->start = now;
    uint64_t due = (now - f->start) * f->fps / SECOND + 1;

    /* What was missed shows the picture before. */
    for (; f->frames + 1 < due; f->frames++)
        if (!y4m_frame(f->file, f->width, f->height, f->shown))
            return false;
    if (changed)
        fit_in(f, frame, f->shown);
    if (f->frames >= due)
        return true;
    f->frames++;
    return y4m_frame(f->file, f->width, f->height, f->shown);
}

/* ---- the thread ---- */

/* Take the picture that is there now.  False when the file takes no more. */
static bool sample(struct film *f)
{
    uint64_t now = display_state(f->display).guest_ns;
    const struct display_frame *frame = display_lock(f->reader);
    bool ok = true;

    if (!frame)
        return true;
    bool changed = frame->count > 0;
    if (!f->width)
        ok = set_size(f, frame);
    if (ok && !f->gif)
        ok = next_y4m(f, frame, changed, now);
    else if (ok && changed)
        ok = next_gif(f, frame, now);
    display_unlock(f->reader);
    return ok;
}

/* Wait for the time of the next picture; false when it is to end. */
static bool wait_next(struct film *f, struct timespec *at)
{
    at->tv_nsec += SECOND / (long)f->fps;
    at->tv_sec += at->tv_nsec / SECOND;
    at->tv_nsec %= SECOND;
    pthread_mutex_lock(&f->lock);
    while (!f->end && pthread_cond_timedwait(&f->wake, &f->lock, at) != ETIMEDOUT)
        ;
    bool end = f->end;
    pthread_mutex_unlock(&f->lock);
    return !end;
}

static void *film_thread(void *opaque)
{
    struct film *f = opaque;
    struct timespec at;
    bool ok = true, going = true;

    pthread_setname_np(pthread_self(), "film");
    clock_gettime(CLOCK_MONOTONIC, &at);
    while (ok && going) {
        display_request(f->display);
        going = wait_next(f, &at);
        ok = sample(f);
    }
    if (ok && f->gif && f->width)
        ok = flush_pending(f, display_state(f->display).guest_ns) && gif_end(f->file);
    if (!ok || fflush(f->file) != 0)
        __atomic_store_n(&f->failed, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void nothing(void *opaque)
{
    (void)opaque;
}

struct film *film_open(const struct film_options *options, struct display *display,
                       struct error *err)
{
    struct film *f = calloc(1, sizeof *f);
    pthread_condattr_t attr;
    sigset_t all, old;

    if (!f)
        abort();
    f->display = display;
    f->fps = options->fps;
    f->gif = has_suffix(options->path, ".gif");
    if (!f->gif && !has_suffix(options->path, ".y4m")) {
        error_set(err, "%s: a film's name ends in .gif or .y4m", options->path);
        free(f);
        return NULL;
    }
    f->file = fopen(options->path, "wbe");
    if (!f->file) {
        error_set(err, "cannot write film %s: %s", options->path, strerror(errno));
        free(f);
        return NULL;
    }
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, &attr);
    pthread_condattr_destroy(&attr);
    f->reader = display_join(display, nothing, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&f->thread, NULL, film_thread, f) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return f;
}

bool film_running(const struct film *f)
{
    return f && !__atomic_load_n(&f->failed, __ATOMIC_SEQ_CST);
}

void film_close(struct film *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->end = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    display_leave(f->reader);
    if (fclose(f->file) != 0 || f->failed)
        fprintf(stderr, "ringer: the film is incomplete: it could not be written\n");
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->wake);
    free(f->shown);
    free(f->pending);
    free(f);
}
