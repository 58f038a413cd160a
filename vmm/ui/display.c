/* Two locks.  `shot_lock` guards the hand-over: who has the shot (`turn`), the readers' list and
 * the state; it is never held for longer than a few instructions, for the vCPU thread takes it.
 * `lock` guards the pixels and the readers' frames; drawing happens under it.  Order: lock, then
 * shot_lock. */
#include "vmm/ui/display.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SIDE = 8192 };

/* Whose the shot is: nobody's; the vCPU thread's, which was asked; the readers', to be drawn. */
enum turn { IDLE, ASKED, TAKEN };

struct display_reader {
    struct display *display;
    struct display_reader *next;
    void (*wake)(void *opaque);
    void *opaque;
    struct display_frame frame;
};

struct display {
    struct machine *machine;
    struct vga_shot *shot;

    pthread_mutex_t shot_lock;
    enum turn turn;
    struct display_reader *readers;
    struct display_state state;

    pthread_mutex_t lock;
    uint32_t *pixels;
    size_t room; /* pixels */
    unsigned width, height;
    struct vga_text text;
    struct vga_border border;
};

struct display *display_new(struct machine *m)
{
    struct display *d = calloc(1, sizeof *d);

    if (!d || !(d->shot = vga_shot_new(m->vga)))
        abort();
    d->machine = m;
    pthread_mutex_init(&d->shot_lock, NULL);
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static void nothing(struct machine *m, void *opaque)
{
    (void)m, (void)opaque;
}

void display_free(struct display *d)
{
    if (!d)
        return;
    machine_post_wait(d->machine, nothing, NULL); /* what was asked for is done by then */
    vga_shot_free(d->shot);
    pthread_mutex_destroy(&d->shot_lock);
    pthread_mutex_destroy(&d->lock);
    free(d->pixels);
    free(d);
}

struct display_reader *display_join(struct display *d, void (*wake)(void *opaque), void *opaque)
{
    struct display_reader *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->display = d;
    r->wake = wake;
    r->opaque = opaque;
    r->frame.resized = true;
    pthread_mutex_lock(&d->lock);
    pthread_mutex_lock(&d->shot_lock);
    r->next = d->readers;
    d->readers = r;
    pthread_mutex_unlock(&d->shot_lock);
    pthread_mutex_unlock(&d->lock);
    return r;
}

void display_leave(struct display_reader *r)
{
    if (!r)
        return;
    struct display *d = r->display;
    struct display_reader **at = &d->readers;

    pthread_mutex_lock(&d->lock);
    pthread_mutex_lock(&d->shot_lock);
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    pthread_mutex_unlock(&d->shot_lock);
    pthread_mutex_unlock(&d->lock);
    free(r);
}

/* ---- on the vCPU thread ---- */

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t requests(struct block *const blocks[], int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++)
        if (blocks[i])
            sum += block_stats(blocks[i])->reads + block_stats(blocks[i])->writes;
    return sum;
}

static void look(struct machine *m, struct display_state *s)
{
    *s = (struct display_state){
        .host_ns = clock_ns(CLOCK_MONOTONIC),
        .guest_ns = vclock_now(m->clock),
        .vcpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
        .insns = translator_insns(m->translator),
        .floppy = requests(m->config.floppy, 2),
        .disk = requests(m->config.disk, 4),
        .cd = requests(m->config.cdrom, 4),
        .leds = i8042_leds(m->i8042),
        .stopped = machine_stopped(m),
        .absolute = m->vmmouse && vmmouse_absolute(m->vmmouse),
    };
}

static void take(struct machine *m, void *opaque)
{
    struct display *d = opaque;
    struct display_state state;
    bool changed = vga_shot_take(d->shot);

    look(m, &state);
    pthread_mutex_lock(&d->shot_lock);
    d->state = state;
    d->turn = changed ? TAKEN : IDLE;
    for (struct display_reader *r = d->readers; r && changed; r = r->next)
        r->wake(r->opaque);
    pthread_mutex_unlock(&d->shot_lock);
}

/* ---- on the readers' threads ---- */

void display_request(struct display *d)
{
    pthread_mutex_lock(&d->shot_lock);
    bool ask = d->turn == IDLE;
    if (ask)
        d->turn = ASKED;
    pthread_mutex_unlock(&d->shot_lock);
    if (ask)
        machine_post(d->machine, take, d);
}

struct display_state display_state(struct display *d)
{
    pthread_mutex_lock(&d->shot_lock);
    struct display_state s = d->state;
    pthread_mutex_unlock(&d->shot_lock);
    return s;
}

static void add_rect(struct display_frame *f, const struct vga_rect *r)
{
    if (f->resized)
        return;
    if (f->count < VGA_SHOT_RECTS) {
        f->rects[f->count++] = *r;
        return;
    }
    struct vga_rect *last = &f->rects[f->count - 1]; /* too many: it grows */
    unsigned right = last->x + last->width, bottom = last->y + last->height;
    unsigned r_right = r->x + r->width, r_bottom = r->y + r->height;
    last->x = last->x < r->x ? last->x : r->x;
    last->y = last->y < r->y ? last->y : r->y;
    last->width = (right > r_right ? right : r_right) - last->x;
    last->height = (bottom > r_bottom ? bottom : r_bottom) - last->y;
}

/* Room for the picture's size; false when it is none, or memory is short. */
static bool fit(struct display *d, bool *resized)
{
    unsigned width, height;

    vga_shot_size(d->shot, &width, &height);
    if (!width || !height || width > MAX_SIDE || height > MAX_SIDE)
        return false;
    *resized = width != d->width || height != d->height || !d->pixels;
    if ((size_t)width * height > d->room) {
        uint32_t *pixels = realloc(d->pixels, (size_t)width * height * sizeof *pixels);
        if (!pixels)
            return false;
        d->pixels = pixels;
        d->room = (size_t)width * height;
    }
    d->width = width;
    d->height = height;
    return true;
}

/* With `lock` held, and the shot ours. */
static void draw(struct display *d)
{
    struct vga_rect rects[VGA_SHOT_RECTS];
    bool resized;

    if (!fit(d, &resized))
        return;
    vga_shot_text(d->shot, &d->text);
    vga_shot_border(d->shot, &d->border);
    unsigned count = vga_shot_draw(d->shot, resized, d->pixels, d->width, rects);
    for (struct display_reader *r = d->readers; r; r = r->next) {
        r->frame.resized |= resized;
        r->frame.stretched = vga_shot_stretched(d->shot);
        for (unsigned i = 0; i < count; i++)
            add_rect(&r->frame, &rects[i]);
    }
}

const struct display_frame *display_lock(struct display_reader *r)
{
    struct display *d = r->display;

    pthread_mutex_lock(&d->lock);
    pthread_mutex_lock(&d->shot_lock);
    bool taken = d->turn == TAKEN;
    pthread_mutex_unlock(&d->shot_lock);
    if (taken) {
        draw(d);
        pthread_mutex_lock(&d->shot_lock);
        d->turn = IDLE;
        pthread_mutex_unlock(&d->shot_lock);
    }
    if (!d->pixels) {
        pthread_mutex_unlock(&d->lock);
        return NULL;
    }
    r->frame.pixels = d->pixels;
    r->frame.text = &d->text;
    r->frame.border = &d->border;
    r->frame.width = r->frame.stride = d->width;
    r->frame.height = d->height;
    if (r->frame.resized) {
        r->frame.count = 1;
        r->frame.rects[0] = (struct vga_rect){0, 0, d->width, d->height};
    }
    return &r->frame;
}

void display_unlock(struct display_reader *r)
{
    r->frame.resized = false;
    r->frame.count = 0;
    pthread_mutex_unlock(&r->display->lock);
}
