/* Pictures of the screen as files. */
#include "vmm/ui/picture.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringer/error.h"

/* A line of pixels as bytes: red, green, blue. */
static void pack_line(const uint32_t *pixels, unsigned w, uint8_t *rgb)
{
    for (unsigned x = 0; x < w; x++) {
        *rgb++ = pixels[x] >> 16;
        *rgb++ = pixels[x] >> 8;
        *rgb++ = pixels[x];
    }
}

/* Close FILE, and take it away again when it is not complete. */
static bool finish(FILE *file, const char *path, bool ok, struct error *err)
{
    int why = errno;

    if (fclose(file) != 0 && ok) {
        why = errno;
        ok = false;
    }
    if (ok)
        return true;
    unlink(path);
    return error_set(err, "cannot write picture %s: %s", path, strerror(why));
}

static FILE *start(const char *path, unsigned w, unsigned h, struct error *err)
{
    FILE *file;

    if (!w || !h) {
        error_set(err, "cannot write picture %s: the screen is empty", path);
        return NULL;
    }
    file = fopen(path, "wb");
    if (!file)
        error_set(err, "cannot write picture %s: %s", path, strerror(errno));
    return file;
}

bool picture_write_ppm(const char *path, const uint32_t *pixels, unsigned w, unsigned h,
                       unsigned stride, struct error *err)
{
    FILE *file = start(path, w, h, err);
    uint8_t *line;
    bool ok;

    if (!file)
        return false;
    line = malloc((size_t)w * 3);
    ok = line && fprintf(file, "P6\n%u %u\n255\n", w, h) > 0;
    for (unsigned y = 0; ok && y < h; y++) {
        pack_line(pixels + (size_t)y * stride, w, line);
        ok = fwrite(line, 3, w, file) == w;
    }
    free(line);
    return finish(file, path, ok, err);
}

/* libpng leaves through longjmp on errors: nothing here is changed after setjmp. */
static bool write_png(FILE *file, png_structp png, png_infop info, const uint32_t *pixels,
                      unsigned w, unsigned h, unsigned stride, uint8_t *line)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, w, h, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < h; y++) {
        pack_line(pixels + (size_t)y * stride, w, line);
        png_write_row(png, line);
    }
    png_write_end(png, info);
    return true;
}

/* The report is made from errno, not from libpng's text on stderr. */
static void on_png_error(png_structp png, png_const_charp text)
{
    (void)text;
    longjmp(png_jmpbuf(png), 1);
}

static void on_png_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

bool picture_write_png(const char *path, const uint32_t *pixels, unsigned w, unsigned h,
                       unsigned stride, struct error *err)
{
    FILE *file = start(path, w, h, err);
    png_structp png;
    png_infop info;
    uint8_t *line;
    bool ok;

    if (!file)
        return false;
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_png_error, on_png_warning);
    info = png ? png_create_info_struct(png) : NULL;
    line = malloc((size_t)w * 3);
    ok = info && line && write_png(file, png, info, pixels, w, h, stride, line);
    free(line);
    if (png)
        png_destroy_write_struct(&png, &info);
    return finish(file, path, ok, err);
}
