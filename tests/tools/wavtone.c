/* Writes a sine as a WAV file: wavtone FILE HZ AMPLITUDE SECONDS, 44,100 Hz, 16 bits, stereo. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 44100 };

static void put(FILE *f, const char *name, uint32_t bytes)
{
    fwrite(name, 4, 1, f);
    fwrite(&bytes, 4, 1, f);
}

int main(int argc, char **argv)
{
    static const uint16_t format[8] = {1, 2, RATE, 0, RATE * 4 & 0xffff, RATE * 4 >> 16, 4, 16};
    FILE *f = argc == 5 ? fopen(argv[1], "wb") : NULL;

    if (!f) {
        fprintf(stderr, "usage: wavtone FILE HZ AMPLITUDE SECONDS\n");
        return 2;
    }
    uint32_t frames = (uint32_t)(atof(argv[4]) * RATE);
    put(f, "RIFF", 36 + frames * 4);
    fwrite("WAVE", 4, 1, f);
    put(f, "fmt ", sizeof format);
    fwrite(format, sizeof format, 1, f);
    put(f, "data", frames * 4);
    for (uint32_t i = 0; i < frames; i++) {
        int16_t v = (int16_t)lrint(atof(argv[3]) * sin(2 * M_PI * atof(argv[2]) * i / RATE));
        int16_t frame[2] = {v, v};
        fwrite(frame, sizeof frame, 1, f);
    }
    return fclose(f) != 0;
}
