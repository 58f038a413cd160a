/* Scaling.  A picture that is stretched by anything but whole multiples is first enlarged by the
 * next whole multiple, dot by dot, and that is made smaller smoothly: edges stay sharp, and every
 * dot is as wide as its neighbour. */
#include "vmm/ui/sdl_view.h"

#include "vmm/ui/sdl_x11.h"
#include "vmm/ui/status.h"

#include <stdlib.h>
#include <string.h>

enum { OVERSCAN_DOTS = 8, MAX_BIG = 4096, MIN_WIDTH = 320, HIGH_DPI = 144 };

static int status_height(const struct view *v)
{
    return v->status ? STATUS_HEIGHT * v->scale : 0;
}

/* ---- life ---- */

/* What the desktop has set counts for more than how large the screen says it is. */
static int text_scale(SDL_Window *window)
{
    float dpi = (float)x11_text_dpi(window);

    if (dpi <= 0 && SDL_GetDisplayDPI(SDL_GetWindowDisplayIndex(window), &dpi, NULL, NULL) != 0)
        return 1;
    return dpi >= HIGH_DPI ? 2 : 1;
}

/* OpenGL without graphics hardware: SDL's own renderer costs a third of it. */
static bool slow_gl(SDL_Renderer *r)
{
    typedef const unsigned char *get_string(unsigned name);
    static const char *const names[] = {"llvmpipe", "softpipe", "SWR", "Software Rasterizer"};
    enum { RENDERER = 0x1F01 }; /* GL_RENDERER */
    SDL_RendererInfo info;

    if (SDL_GetRendererInfo(r, &info) != 0 || strncmp(info.name, "opengl", 6))
        return false;
    get_string *get = (get_string *)(uintptr_t)SDL_GL_GetProcAddress("glGetString");
    const char *name = get ? (const char *)get(RENDERER) : NULL;
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strstr(name, names[i]))
            return true;
    return false;
}

static void without_gl(void)
{
    SDL_SetHint(SDL_HINT_RENDER_DRIVER, "software");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0"); /* it would be OpenGL's after all */
}

static SDL_Renderer *make_renderer(SDL_Window *window, enum gl_mode gl)
{
    if (gl == GL_OFF)
        without_gl();
    else if (gl == GL_ON)
        SDL_SetHint(SDL_HINT_RENDER_DRIVER, "opengl");
    SDL_Renderer *r = SDL_CreateRenderer(window, -1, SDL_RENDERER_PRESENTVSYNC);
    if (r && gl == GL_AUTO && slow_gl(r)) {
        SDL_DestroyRenderer(r);
        r = NULL;
        without_gl();
    }
    if (!r && gl != GL_ON) /* no vertical sync, or a driver that is not there */
        r = SDL_CreateRenderer(window, -1, SDL_RENDERER_SOFTWARE);
    if (!r && gl != GL_ON) { /* Wayland: SDL has no other way there than OpenGL, slow or not */
        SDL_SetHint(SDL_HINT_RENDER_DRIVER, "");
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "1");
        r = SDL_CreateRenderer(window, -1, 0);
    }
    return r;
}

bool view_open(struct view *v, const struct window_options *options, struct error *err)
{
    SDL_RendererInfo info;

    v->scale = 1;
    v->status = true;
    v->window = SDL_CreateWindow("ringer", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                 720, 540 + status_height(v),
                                 SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (!v->window)
        return error_set(err, "-display sdl: no window: %s", SDL_GetError());
    v->scale = text_scale(v->window);
    v->percent = 100 * v->scale;
    SDL_SetWindowSize(v->window, 720 * v->scale, 540 * v->scale + status_height(v));
    SDL_SetWindowMinimumSize(v->window, MIN_WIDTH, MIN_WIDTH * 3 / 4);
    v->renderer = make_renderer(v->window, options->gl);
    if (!v->renderer)
        return error_set(err, "-display sdl%s: nothing to draw with: %s%s",
                         options->gl == GL_ON ? ",gl=on" : "", SDL_GetError(),
                         options->gl == GL_ON ? "; gl=off draws without" : "");
    v->software =
        SDL_GetRendererInfo(v->renderer, &info) == 0 && (info.flags & SDL_RENDERER_SOFTWARE);
    if (options->full_screen)
        view_full_screen(v, true);
    return true;
}

static void drop(SDL_Texture **t)
{
    if (*t)
        SDL_DestroyTexture(*t);
    *t = NULL;
}

void view_close(struct view *v)
{
    drop(&v->frame);
    drop(&v->big);
    drop(&v->bars);
    for (size_t i = 0; i < sizeof v->panel / sizeof *v->panel; i++) {
        drop(&v->panel[i]);
        free(v->canvas[i].pixels);
    }
    if (v->renderer)
        SDL_DestroyRenderer(v->renderer);
    if (v->window)
        SDL_DestroyWindow(v->window);
}

/* ---- the window's size ---- */

void view_resize(struct view *v, int percent)
{
    SDL_Rect usable = {0, 0, 4096, 4096};
    int width, height, out, in;

    v->percent = percent;
    v->user_size = false;
    if (v->full_screen || !v->width)
        return;
    geometry_natural(v->width, v->height, v->stretched, &width, &height);
    int margin = v->overscan ? OVERSCAN_DOTS * 2 : 0;
    width = (width + margin) * percent / 100;
    height = (height + margin) * percent / 100 + status_height(v);
    /* In the window's units, which are not pixels on every system. */
    SDL_GetRendererOutputSize(v->renderer, &out, NULL);
    SDL_GetWindowSize(v->window, &in, NULL);
    if (out > in && in > 0) {
        width = width * in / out;
        height = height * in / out;
    }
    SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(v->window), &usable);
    width = width > usable.w ? usable.w : width < MIN_WIDTH ? MIN_WIDTH : width;
    height = height > usable.h ? usable.h : height;
    SDL_SetWindowSize(v->window, width, height);
}

void view_full_screen(struct view *v, bool on)
{
    if (on == v->full_screen || !full_screen_set(v->window, on, &v->before))
        return;
    v->full_screen = on;
    if (!on && !v->user_size) /* the guest may have another mode by now */
        view_resize(v, v->percent);
}

/* ---- the picture ---- */

static bool new_frame(struct view *v, const struct display_frame *f)
{
    bool fresh = !v->frame;

    drop(&v->frame);
    drop(&v->big);
    v->frame = SDL_CreateTexture(v->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                 (int)f->width, (int)f->height);
    v->width = f->width;
    v->height = f->height;
    v->stretched = f->stretched;
    if (!v->user_size || fresh)
        view_resize(v, v->percent);
    return v->frame != NULL;
}

static void take_border(struct view *v, const struct vga_border *b)
{
    v->border.count = b->count;
    v->border.above = b->above;
    v->border.below = b->below;
    memcpy(v->border.line, b->line, b->count * sizeof *b->line);
    if (b->count == 1)
        return;
    if (v->bars_count != (int)b->count) {
        drop(&v->bars);
        v->bars = SDL_CreateTexture(v->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                    1, (int)b->count);
        v->bars_count = v->bars ? (int)b->count : 0;
    }
    if (v->bars)
        SDL_UpdateTexture(v->bars, NULL, b->line, sizeof *b->line);
}

void view_take(struct view *v, const struct display_frame *f, bool all)
{
    const struct vga_rect whole = {0, 0, f->width, f->height};
    bool renew =
        !v->frame || v->width != f->width || v->height != f->height || v->stretched != f->stretched;

    if (renew && !new_frame(v, f))
        return;
    all |= renew || f->resized;
    take_border(v, f->border);
    for (unsigned i = 0; i < (all ? 1 : f->count); i++) {
        const struct vga_rect *r = all ? &whole : &f->rects[i];
        const SDL_Rect to = {(int)r->x, (int)r->y, (int)r->width, (int)r->height};
        SDL_UpdateTexture(v->frame, &to, f->pixels + (size_t)r->y * f->stride + r->x,
                          (int)(f->stride * sizeof *f->pixels));
    }
    v->big_old = true;
}

static void lay_out(struct view *v)
{
    SDL_GetRendererOutputSize(v->renderer, &v->out_width, &v->out_height);
    struct box room = {0, 0, v->out_width, v->out_height - status_height(v)};

    if (room.height < 1)
        room.height = 1;
    if (v->overscan) {
        int margin = room.width * OVERSCAN_DOTS / 736;
        room = (struct box){margin, margin, room.width - 2 * margin, room.height - 2 * margin};
        room.height = room.height < 1 ? 1 : room.height;
    }
    if (v->width)
        v->picture = geometry_fit(&room, v->width, v->height, v->stretched, v->integer);
}

/* The texture to show, at its best size for the place. */
static SDL_Texture *scaled(struct view *v)
{
    int fx = (v->picture.width + (int)v->width - 1) / (int)v->width;
    int fy = (v->picture.height + (int)v->height - 1) / (int)v->height;
    int width = fx * (int)v->width, height = fy * (int)v->height, had_width = 0, had_height = 0;

    if ((width == v->picture.width && height == v->picture.height) || width > MAX_BIG ||
        height > MAX_BIG) {
        SDL_SetTextureScaleMode(v->frame, SDL_ScaleModeNearest);
        return v->frame;
    }
    if (v->big)
        SDL_QueryTexture(v->big, NULL, NULL, &had_width, &had_height);
    if (had_width != width || had_height != height) {
        drop(&v->big);
        v->big = SDL_CreateTexture(v->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_TARGET,
                                   width, height);
        v->big_old = true;
    }
    if (!v->big || (v->big_old && SDL_SetRenderTarget(v->renderer, v->big) != 0)) {
        SDL_SetTextureScaleMode(v->frame, SDL_ScaleModeLinear);
        return v->frame;
    }
    if (v->big_old) {
        SDL_SetTextureScaleMode(v->frame, SDL_ScaleModeNearest);
        SDL_RenderCopy(v->renderer, v->frame, NULL, NULL);
        SDL_SetRenderTarget(v->renderer, NULL);
        v->big_old = false;
    }
    SDL_SetTextureScaleMode(v->big, SDL_ScaleModeLinear);
    return v->big;
}

/* ---- panels ---- */

struct canvas *view_panel(struct view *v, int panel, int width, int height)
{
    struct canvas *c = &v->canvas[panel];

    if (c->pixels && c->width == width && c->height == height)
        return c;
    drop(&v->panel[panel]);
    free(c->pixels);
    *c = (struct canvas){calloc((size_t)width * (size_t)height, sizeof *c->pixels), width, height};
    v->panel[panel] = SDL_CreateTexture(v->renderer, SDL_PIXELFORMAT_ARGB8888,
                                        SDL_TEXTUREACCESS_STREAMING, width, height);
    if (!c->pixels || !v->panel[panel])
        return NULL;
    SDL_SetTextureBlendMode(v->panel[panel], SDL_BLENDMODE_BLEND);
    return c;
}

static void show_panel(struct view *v, int panel, const struct box *at)
{
    const struct canvas *c = &v->canvas[panel];
    const SDL_Rect to = {at->x, at->y, at->width, at->height};

    if (!v->panel[panel] || !c->pixels)
        return;
    SDL_UpdateTexture(v->panel[panel], NULL, c->pixels, c->width * (int)sizeof *c->pixels);
    SDL_RenderCopy(v->renderer, v->panel[panel], NULL, &to);
}

static void show_menu(struct view *v)
{
    const struct canvas *c = &v->canvas[PANEL_MENU];
    struct box *m = &v->menu;

    m->width = c->width * v->scale;
    m->height = c->height * v->scale;
    m->x = v->out_width > m->width ? (v->out_width - m->width) / 2 : 0;
    m->y = v->out_height > m->height ? (v->out_height - m->height) / 2 : 0;
    show_panel(v, PANEL_MENU, m);
}

/* In the upper right corner. */
static void show_overlay(struct view *v)
{
    const struct canvas *c = &v->canvas[PANEL_OVERLAY];
    const int width = c->width * v->scale, margin = 8 * v->scale;
    const struct box at = {v->out_width > width + margin ? v->out_width - width - margin : 0, margin,
                           width, c->height * v->scale};

    show_panel(v, PANEL_OVERLAY, &at);
}

static void border_color(struct view *v, uint32_t color)
{
    SDL_SetRenderDrawColor(v->renderer, color >> 16 & 255, color >> 8 & 255, color & 255, 255);
}

/* Beside each scan line its colour; what lies beyond the first and the last has theirs. */
static void show_border(struct view *v)
{
    const struct vga_border *b = &v->border;
    const struct box *p = &v->picture;
    int lines = (int)(b->count - b->above - b->below);

    border_color(v, b->line[0]);
    SDL_RenderClear(v->renderer);
    if (b->count < 2 || !v->bars || !v->width)
        return;
    int above = (int)b->above * p->height / lines, below = (int)b->below * p->height / lines;
    const SDL_Rect bars = {0, p->y - above, v->out_width, above + p->height + below};
    const SDL_Rect rest = {0, bars.y + bars.h, v->out_width, v->out_height - bars.y - bars.h};
    border_color(v, b->line[b->count - 1]);
    if (rest.h > 0)
        SDL_RenderFillRect(v->renderer, &rest);
    SDL_SetTextureScaleMode(v->bars, SDL_ScaleModeNearest);
    SDL_RenderCopy(v->renderer, v->bars, NULL, &bars);
}

void view_present(struct view *v, bool with_menu)
{
    lay_out(v);
    show_border(v);
    if (v->frame) {
        SDL_Texture *picture = scaled(v);
        const SDL_Rect to = {v->picture.x, v->picture.y, v->picture.width, v->picture.height};
        SDL_RenderCopy(v->renderer, picture, NULL, &to);
    }
    if (v->status) {
        const struct canvas *c = &v->canvas[PANEL_STATUS];
        const struct box line = {0, v->out_height - status_height(v), c->width * v->scale,
                                 status_height(v)};
        show_panel(v, PANEL_STATUS, &line);
    }
    if (v->overlay)
        show_overlay(v);
    if (with_menu)
        show_menu(v);
    SDL_RenderPresent(v->renderer);
}

/* ---- points ---- */

void view_scale_point(const struct view *v, int *x, int *y)
{
    int width, height;

    SDL_GetWindowSize(v->window, &width, &height);
    if (width > 0 && height > 0 && v->out_width > 0) {
        *x = *x * v->out_width / width;
        *y = *y * v->out_height / height;
    }
}

bool view_on_status(const struct view *v, int x, int y)
{
    return v->status && x >= 0 && x < v->out_width && y >= v->out_height - status_height(v) &&
           y < v->out_height;
}

void view_menu_point(const struct view *v, int *x, int *y)
{
    *x = (*x - v->menu.x) / v->scale;
    *y = (*y - v->menu.y) / v->scale;
    if (*x < 0 || *y < 0)
        *x = *y = -1;
}
