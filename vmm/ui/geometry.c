#include "vmm/ui/geometry.h"

#include <math.h>

void geometry_natural(unsigned width, unsigned height, bool stretched, int *out_width,
                      int *out_height)
{
    bool era = width * 5 == height * 8 && width <= 640;

    *out_width = (int)width;
    *out_height = (int)height;
    if (!stretched && !era)
        return;
    if (width * 3 > height * 4)
        *out_height = (int)((width * 3 + 2) / 4);
    else
        *out_width = (int)((height * 4 + 1) / 3);
}

/* The largest factors, at least 1, whose shape comes closest to NATURAL_WIDTH:NATURAL_HEIGHT. */
static void integer_factors(const struct box *room, unsigned width, unsigned height, double shape,
                            int *fx, int *fy)
{
    int max_x = room->width / (int)width, max_y = room->height / (int)height;
    double best = INFINITY;

    for (int y = 1; y <= max_y; y++)
        for (int x = 1; x <= max_x; x++) {
            double error = fabs(log((double)(x * (int)width) / (y * (int)height) / shape));
            /* A little off the shape may be larger: half a step of size is worth 5 per cent. */
            double score = error - 0.1 * log((double)x * y);
            if (score < best) {
                best = score;
                *fx = x;
                *fy = y;
            }
        }
}

struct box geometry_fit(const struct box *room, unsigned width, unsigned height, bool stretched,
                        bool integer)
{
    struct box box;
    int natural_width, natural_height, fx = 0, fy = 0;

    geometry_natural(width, height, stretched, &natural_width, &natural_height);
    double shape = (double)natural_width / natural_height;
    if (integer)
        integer_factors(room, width, height, shape, &fx, &fy);
    if (fx && fy) {
        box.width = fx * (int)width;
        box.height = fy * (int)height;
    } else if (room->width > room->height * shape) {
        box.height = room->height;
        box.width = (int)lround(box.height * shape);
    } else {
        box.width = room->width;
        box.height = (int)lround(box.width / shape);
    }
    box.width = box.width < 1 ? 1 : box.width;
    box.height = box.height < 1 ? 1 : box.height;
    box.x = room->x + (room->width - box.width) / 2;
    box.y = room->y + (room->height - box.height) / 2;
    return box;
}

static unsigned along(int at, int start, int length)
{
    if (at <= start || length <= 1)
        return 0;
    if (at >= start + length - 1)
        return 65535;
    return (unsigned)((long)(at - start) * 65535 / (length - 1));
}

void geometry_position(const struct box *box, int x, int y, unsigned *px, unsigned *py)
{
    *px = along(x, box->x, box->width);
    *py = along(y, box->y, box->height);
}
