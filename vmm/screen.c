#include "vmm/screen.h"
#include "vmm/ui/picture.h"
#include "vmm/ui/textscreen.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void take_cells(struct machine *m, void *opaque)
{
    vga_text(m->vga, opaque);
}

void screen_cells(struct machine *m, struct vga_text *out)
{
    memset(out, 0, sizeof *out);
    machine_post_wait(m, take_cells, out);
}

void screen_text(struct machine *m, struct text *out)
{
    static const size_t room = 132 * 60 * 3 + 60 + 1; /* three bytes a character at most */
    struct vga_text *cells = malloc(sizeof *cells);
    char *utf8 = malloc(room);

    if (!cells || !utf8)
        abort();
    screen_cells(m, cells);
    utf8[0] = 0;
    textscreen_utf8(cells, utf8, room);
    text_add(out, utf8, strlen(utf8));
    free(cells);
    free(utf8);
}

static void take(struct machine *m, struct picture *p,
                 void (*draw)(struct vga *v, uint32_t *pixels, unsigned stride))
{
    vga_size(m->vga, &p->width, &p->height);
    if (!p->width || !p->height || p->width > 8192 || p->height > 8192)
        return;
    p->pixels = calloc((size_t)p->width * p->height, sizeof *p->pixels);
    if (p->pixels)
        draw(m->vga, p->pixels, p->width);
}

static void take_picture(struct machine *m, void *opaque)
{
    take(m, opaque, vga_draw);
}

static void take_steady(struct machine *m, void *opaque)
{
    take(m, opaque, vga_draw_steady);
}

bool screen_picture(struct machine *m, struct picture *out)
{
    *out = (struct picture){0};
    machine_post_wait(m, take_picture, out);
    return out->pixels != NULL;
}

bool screen_steady(struct machine *m, struct picture *out)
{
    *out = (struct picture){0};
    machine_post_wait(m, take_steady, out);
    return out->pixels != NULL;
}

bool screen_dump(struct machine *m, const char *path, struct error *err)
{
    size_t len = strlen(path);

    return screen_dump_as(m, path, len > 4 && !strcasecmp(path + len - 4, ".png"), err);
}

bool screen_dump_as(struct machine *m, const char *path, bool png, struct error *err)
{
    struct picture p;

    if (!screen_picture(m, &p))
        return error_set(err, "there is no picture: the guest has not set a video mode");
    bool ok = (png ? picture_write_png : picture_write_ppm)(path, p.pixels, p.width, p.height,
                                                            p.width, err);
    free(p.pixels);
    return ok;
}
