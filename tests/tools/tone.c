/* tone FILE HZ AMPLITUDE SECONDS: does the WAV file FILE (44,100 Hz, stereo, 16 bits) hold a tone
 * of HZ with AMPLITUDE (within a tenth) for SECONDS or more, without a gap?  Exit status 0, or 1
 * with a word of why. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { RATE = 44100, PIECE = RATE / 20 };

static double amplitude(int16_t (*samples)[2], double hz)
{
    double re = 0, im = 0, sum = 0;

    for (int i = 0; i < PIECE; i++) {
        double window = 0.5 - 0.5 * cos(2 * M_PI * i / PIECE), angle = 2 * M_PI * hz * i / RATE;
        re += window * samples[i][0] * cos(angle);
        im += window * samples[i][0] * sin(angle);
        sum += window;
    }
    return 2 * sqrt(re * re + im * im) / sum;
}

int main(int argc, char **argv)
{
    static int16_t samples[RATE * 60][2];
    FILE *f = argc == 5 ? fopen(argv[1], "rb") : NULL;
    int longest = 0, run = 0, runs = 0;

    if (!f || fseek(f, 44, SEEK_SET))
        return fprintf(stderr, "usage: tone FILE HZ AMPLITUDE SECONDS\n"), 1;
    size_t frames = fread(samples, 4, RATE * 60, f);
    double hz = atof(argv[2]), wanted = atof(argv[3]), seconds = atof(argv[4]);
    for (size_t i = 0; i + PIECE <= frames; i += PIECE) {
        double a = amplitude(samples + i, hz);
        run = fabs(a - wanted) < wanted / 10 ? run + 1 : 0;
        runs += run == 1;
        longest = run > longest ? run : longest;
    }
    if (longest * (double)PIECE / RATE >= seconds && runs == 1)
        return 0;
    printf("tone of %g Hz: %g s at most, %d pieces, in %g s\n", hz, longest * (double)PIECE / RATE,
           runs, (double)frames / RATE);
    return 1;
}
