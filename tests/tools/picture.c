/* Facts about a screen dump, for the guests' checks.
 *
 *   picture size FILE                 WIDTHxHEIGHT
 *   picture colours FILE              how many different colours it has
 *   picture lit FILE [X Y W H]        how many pixels of the rectangle are not black
 *   picture differ FILE FILE          how many pixels differ (all, if the sizes do)
 *
 * Reads binary PPM of 8 bits a channel.  Exit status 2 for a file that is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct picture {
    unsigned width, height;
    unsigned char *rgb;
};

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "picture: %s: %s\n", path, why);
    exit(2);
}

static struct picture load(const char *path)
{
    struct picture p;
    unsigned max;
    FILE *file = fopen(path, "rb");

    if (!file)
        fail(path, "cannot be opened");
    if (fscanf(file, "P6 %u %u %u", &p.width, &p.height, &max) != 3 || max != 255 ||
        getc(file) == EOF || p.width == 0 || p.height == 0 || p.width > 8192 || p.height > 8192)
        fail(path, "is no 8-bit PPM");
    p.rgb = malloc((size_t)p.width * p.height * 3);
    if (!p.rgb || fread(p.rgb, 3, (size_t)p.width * p.height, file) != (size_t)p.width * p.height)
        fail(path, "is shorter than its header says");
    fclose(file);
    return p;
}

static uint32_t pixel(const struct picture *p, unsigned x, unsigned y)
{
    const unsigned char *rgb = p->rgb + ((size_t)y * p->width + x) * 3;

    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

static unsigned count_colours(const struct picture *p)
{
    unsigned char *seen = calloc(1u << 21, 1);
    unsigned colours = 0;

    if (!seen)
        return 0;
    for (unsigned y = 0; y < p->height; y++) {
        for (unsigned x = 0; x < p->width; x++) {
            uint32_t c = pixel(p, x, y);

            if (!(seen[c >> 3] & 1u << (c & 7))) {
                seen[c >> 3] |= (unsigned char)(1u << (c & 7));
                colours++;
            }
        }
    }
    free(seen);
    return colours;
}

static unsigned count_lit(const struct picture *p, unsigned x0, unsigned y0, unsigned w, unsigned h)
{
    unsigned lit = 0;

    for (unsigned y = y0; y < y0 + h && y < p->height; y++)
        for (unsigned x = x0; x < x0 + w && x < p->width; x++)
            lit += pixel(p, x, y) != 0;
    return lit;
}

static unsigned count_differences(const struct picture *a, const struct picture *b)
{
    unsigned different = 0;

    if (a->width != b->width || a->height != b->height)
        return a->width * a->height;
    for (unsigned y = 0; y < a->height; y++)
        for (unsigned x = 0; x < a->width; x++)
            different += pixel(a, x, y) != pixel(b, x, y);
    return different;
}

static unsigned number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    struct picture p, q;

    if (argc != 3 && !(argc == 4 && !strcmp(what, "differ")) &&
        !(argc == 7 && !strcmp(what, "lit"))) {
        fprintf(stderr, "usage: picture size|colours|lit|differ FILE...\n");
        return 2;
    }
    p = load(argv[2]);
    if (!strcmp(what, "size")) {
        printf("%ux%u\n", p.width, p.height);
    } else if (!strcmp(what, "colours")) {
        printf("%u\n", count_colours(&p));
    } else if (!strcmp(what, "lit")) {
        printf("%u\n", argc == 7 ? count_lit(&p, number(argv[3]), number(argv[4]),
                                             number(argv[5]), number(argv[6]))
                                 : count_lit(&p, 0, 0, p.width, p.height));
    } else if (!strcmp(what, "differ") && argc == 4) {
        q = load(argv[3]);
        printf("%u\n", count_differences(&p, &q));
        free(q.rgb);
    } else {
        fprintf(stderr, "picture: '%s' is not one of size, colours, lit, differ\n", what);
        return 2;
    }
    free(p.rgb);
    return 0;
}
