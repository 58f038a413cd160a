/* YUV4MPEG2 (mjpegtools, yuv4mpeg(5)) with ITU-R BT.601 in limited range. */
#include "vmm/ui/film_private.h"

#include <stdlib.h>

bool y4m_begin(FILE *file, unsigned width, unsigned height, unsigned fps)
{
    return fprintf(file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n", width,
                   height, fps) > 0;
}

/* Rows of the matrix in 1/256. */
static uint8_t component(uint32_t rgb, const int row[4])
{
    int red = rgb >> 16 & 255, green = rgb >> 8 & 255, blue = rgb & 255;

    return (uint8_t)(((row[0] * red + row[1] * green + row[2] * blue + 128) >> 8) + row[3]);
}

bool y4m_frame(FILE *file, unsigned width, unsigned height, const uint32_t *pixels)
{
    static const int matrix[3][4] = {{66, 129, 25, 16}, {-38, -74, 112, 128}, {112, -94, -18, 128}};
    uint8_t *line = malloc(width);
    bool ok = line && fputs("FRAME\n", file) >= 0;

    for (int c = 0; c < 3; c++)
        for (unsigned y = 0; ok && y < height; y++) {
            for (unsigned x = 0; x < width; x++)
                line[x] = component(pixels[(size_t)y * width + x], matrix[c]);
            ok = fwrite(line, 1, width, file) == width;
        }
    free(line);
    return ok;
}
