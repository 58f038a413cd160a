/* Floating point in C: bodies under gravity.  Built once for the x87 and once for SSE2.
 *
 *   nbody STEPS
 *
 * Prints one line: "nbody: STEPS steps, energy E". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5 };

struct body {
    double x, y, z, u, v, w, mass;
};

static void advance(struct body *bodies, double dt)
{
    for (int i = 0; i < N; i++) {
        struct body *a = &bodies[i];

        for (int j = i + 1; j < N; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double d2 = dx * dx + dy * dy + dz * dz + 1e-6;
            double f = dt / (d2 * sqrt(d2));

            a->u -= dx * b->mass * f;
            a->v -= dy * b->mass * f;
            a->w -= dz * b->mass * f;
            b->u += dx * a->mass * f;
            b->v += dy * a->mass * f;
            b->w += dz * a->mass * f;
        }
    }
    for (int i = 0; i < N; i++) {
        bodies[i].x += dt * bodies[i].u;
        bodies[i].y += dt * bodies[i].v;
        bodies[i].z += dt * bodies[i].w;
    }
}

static double energy(const struct body *bodies)
{
    double sum = 0;

    for (int i = 0; i < N; i++) {
        const struct body *a = &bodies[i];

        sum += 0.5 * a->mass * (a->u * a->u + a->v * a->v + a->w * a->w);
        for (int j = i + 1; j < N; j++) {
            const struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;

            sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    struct body bodies[N];

    if (steps <= 0) {
        fprintf(stderr, "usage: nbody STEPS\n");
        return 2;
    }
    for (int i = 0; i < N; i++)
        bodies[i] = (struct body){i, i * i % 3, -i, 0.1 * i, 0.3 - 0.1 * i, 0.02 * i, 1.0 / (i + 1)};
    for (long i = 0; i < steps; i++)
        advance(bodies, 0.001);
    printf("nbody: %ld steps, energy %.6f\n", steps, energy(bodies));
    return 0;
}
