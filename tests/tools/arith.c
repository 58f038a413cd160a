/* Arithmetic whose results must be the same on every x86: integer, x87, SSE and, where the CPU says
 * so, AVX2.  Prints one line for each kind; two machines are compared by what they print.  In the
 * manner of Kahan's paranoia it looks at rounding, guard digits, gradual underflow and the order of
 * infinities, in all precisions and rounding modes.  32-bit, static: made by tests/tools/verdicts. */
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 100000 };

static uint32_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*s >> 32);
}

static uint32_t mix(uint32_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n--)
        sum = (sum ^ *p++) * 16777619u;
    return sum;
}

static void integers(void)
{
    uint64_t s = 1;
    uint32_t sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = (uint64_t)next(&s) << 32 | next(&s), b = (uint64_t)next(&s) >> (i % 32) | 1;
        int64_t c = (int64_t)a >> (i % 64);
        uint64_t r[6] = {a * b, a / b, a % b, (uint64_t)(c / (int64_t)b), a << (i % 64), 0};
        r[5] = (uint64_t)__builtin_popcountll(a) << 8 | (unsigned)__builtin_ctzll(a | 1ull << 40);
        sum = mix(sum, r, sizeof r);
    }
    printf("integers %08x\n", sum);
}

static double random_double(uint64_t *s)
{
    uint64_t bits = (uint64_t)next(s) << 32 | next(s);
    double d;
    if ((bits & 7) == 0)
        bits &= 0x800FFFFFFFFFFFFF; /* denormal, zero */
    if ((bits & 7) == 1)
        bits = (bits & 0xBFFFFFFFFFFFFFFF) | 0x3C00000000000000;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint32_t keep(uint32_t sum, double d)
{
    double canonical = d != d ? 0.5 : d; /* signs of NaNs differ between compilers */
    return mix(sum, &canonical, sizeof canonical);
}

static uint32_t keep_long(uint32_t sum, long double d)
{
    return d != d ? sum * 31 : mix(sum, &d, 10);
}

static void floating(const char *name, int rounding)
{
    uint64_t s = 2;
    uint32_t sse = 0, x87 = 0;
    fesetround(rounding);
    for (int i = 0; i < ROUNDS; i++) {
        volatile double a = random_double(&s), b = random_double(&s), c = random_double(&s);
        __m128d va = _mm_set_sd(a), vb = _mm_set_sd(b);
        sse = keep(sse, _mm_cvtsd_f64(_mm_add_sd(va, vb)));
        sse = keep(sse, _mm_cvtsd_f64(_mm_mul_sd(va, vb)));
        sse = keep(sse, _mm_cvtsd_f64(_mm_div_sd(va, vb)));
        sse = keep(sse, _mm_cvtsd_f64(_mm_sqrt_sd(va, vb)));
        sse = keep(sse, _mm_cvtss_f32(_mm_cvtsd_ss(_mm_setzero_ps(), va)));
        long double x = a, y = b, z = c;
        x87 = keep_long(x87, x + y * z);
        x87 = keep_long(x87, x / y);
        x87 = keep_long(x87, sqrtl(fabsl(z)));
        x87 = keep_long(x87, fmodl(x, y));
        x87 = keep_long(x87, rintl(x));
        x87 = mix(x87, &(int){(a < b) | (a > b) << 1 | (a == b) << 2}, sizeof(int));
    }
    fesetround(FE_TONEAREST);
    printf("%s sse %08x x87 %08x\n", name, sse, x87);
}

static void transcendental(void)
{
    uint64_t s = 3;
    uint32_t sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        long double x = (long double)(int32_t)next(&s) / 0x10000000, y, z;
        __asm__("fsincos" : "=t"(y), "=u"(z) : "0"(x));
        sum = keep_long(keep_long(sum, y), z);
        __asm__("fpatan" : "=t"(y) : "0"(1.5L), "u"(x) : "st(1)");
        sum = keep_long(sum, y);
        __asm__("f2xm1" : "=t"(y) : "0"(x / 8));
        sum = keep_long(sum, y);
        __asm__("fyl2x" : "=t"(y) : "0"(fabsl(x) + 1), "u"(x) : "st(1)");
        sum = keep_long(sum, y);
    }
    printf("transcendental %08x\n", sum);
}

/* Radix, precision, guard digit, rounding to even, underflow, infinities. */
static void paranoia(void)
{
    volatile double one = 1, radix = 1, digits = 0, u = 1;
    do
        radix += radix;
    while (((radix + one) - radix) - one == 0);
    volatile double y = 1;
    while ((radix + y) - radix == 0)
        y += y;
    printf("radix %g ", (radix + y) - radix);
    for (volatile double d = 1; (d + one) - d == one; d *= 2)
        digits++;
    while (one + u != one)
        u /= 2;
    volatile double tiny = 1, last = 1;
    for (; tiny > 0; tiny /= 2)
        last = tiny;
    volatile double zero = 0, infinite = one / zero;
    printf("digits %g u %a least %a infinity %d %d nan %d even %d\n", digits, u, last,
           infinite > 1e308, -infinite < -1e308, infinite - infinite != infinite - infinite,
           0x1p53 + one == 0x1p53);
}

__attribute__((target("avx2,fma"))) static void vectors(void)
{
    uint64_t s = 4;
    uint32_t sum = 0, data[64];
    for (unsigned i = 0; i < 64; i++)
        data[i] = next(&s);
    __m256i v = _mm256_loadu_si256((const __m256i *)data), w = _mm256_set1_epi32(7);
    __m256d f = _mm256_set1_pd(1.25), g = _mm256_set1_pd(3.5);
    for (int i = 0; i < ROUNDS; i++) {
        v = _mm256_add_epi32(_mm256_mullo_epi32(v, _mm256_set1_epi32(i * 2 + 1)), w);
        w = _mm256_shuffle_epi8(_mm256_xor_si256(v, w), _mm256_set1_epi64x(0x0102030405060700));
        w = _mm256_i32gather_epi32((const int *)data, _mm256_and_si256(w, _mm256_set1_epi32(63)), 4);
        f = _mm256_fmadd_pd(f, g, _mm256_set1_pd(i));
        g = _mm256_div_pd(g, _mm256_add_pd(f, g));
    }
    uint32_t out[8];
    double d[4];
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi32(v, w));
    _mm256_storeu_pd(d, _mm256_add_pd(f, g));
    sum = mix(mix(sum, out, sizeof out), d, sizeof d);
    printf("vectors %08x\n", sum);
}

int main(void)
{
    integers();
    paranoia();
    floating("nearest", FE_TONEAREST);
    floating("down", FE_DOWNWARD);
    floating("up", FE_UPWARD);
    floating("zero", FE_TOWARDZERO);
    transcendental();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        vectors();
    printf("arith done\n");
    return 0;
}
