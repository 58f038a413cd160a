/* An integer mix: what embedded and system code does between its system calls.
 *
 *   intmix ITERATIONS
 *
 * Each iteration walks, sorts, reverses and searches a linked list; multiplies small matrices of
 * 16-bit numbers; runs a state machine over text with numbers of several forms; and folds all
 * results into a CRC computed bit by bit.  The work depends on its own results, so that no part of
 * it can be left out or moved out of the loop.  Prints one line:
 *
 *   intmix: ITERATIONS iterations, SECONDS s, crc XXXX
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIST_LENGTH = 96, MATRIX_SIZE = 12, TEXT_LENGTH = 640 };

struct node {
    struct node *next;
    int16_t key;
    uint16_t value;
};

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, BAD, STATES };

struct mix {
    struct node nodes[LIST_LENGTH];
    struct node *head;
    int16_t a[MATRIX_SIZE][MATRIX_SIZE], b[MATRIX_SIZE][MATRIX_SIZE];
    int32_t product[MATRIX_SIZE][MATRIX_SIZE];
    char text[TEXT_LENGTH + 1];
    uint32_t finals[STATES], visits[STATES];
    uint16_t crc;
};

/* CRC-16 with the reflected polynomial A001h, one bit at a time. */
static uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned carry = (crc ^ byte) & 1;

        crc >>= 1;
        byte >>= 1;
        if (carry)
            crc ^= 0xa001;
    }
    return crc;
}

static uint16_t crc_word(uint16_t crc, uint32_t word)
{
    crc = crc_byte(crc, (uint8_t)word);
    crc = crc_byte(crc, (uint8_t)(word >> 8));
    crc = crc_byte(crc, (uint8_t)(word >> 16));
    return crc_byte(crc, (uint8_t)(word >> 24));
}

/* --- lists ---------------------------------------------------------------------------------- */

static struct node *list_reverse(struct node *list)
{
    struct node *reversed = NULL;

    while (list) {
        struct node *next = list->next;

        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static struct node *list_find(struct node *list, int16_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static int by_key(const struct node *a, const struct node *b)
{
    return a->key - b->key;
}

static int by_value(const struct node *a, const struct node *b)
{
    return (a->value & 0xff) - (b->value & 0xff);
}

static struct node *list_merge(struct node *a, struct node *b,
                               int (*compare)(const struct node *, const struct node *))
{
    struct node first = {0}, *tail = &first;

    while (a && b) {
        struct node **smaller = compare(a, b) <= 0 ? &a : &b;

        tail->next = *smaller;
        tail = *smaller;
        *smaller = tail->next;
    }
    tail->next = a ? a : b;
    return first.next;
}

/* Merge sort, by recursion on halves that are found by walking at two speeds. */
static struct node *list_sort(struct node *list,
                              int (*compare)(const struct node *, const struct node *))
{
    struct node *middle = list, *fast, *second;

    if (!list || !list->next)
        return list;
    for (fast = list->next; fast && fast->next; fast = fast->next->next)
        middle = middle->next;
    second = middle->next;
    middle->next = NULL;
    return list_merge(list_sort(list, compare), list_sort(second, compare), compare);
}

static void run_list(struct mix *m)
{
    uint32_t found = 0;

    m->head = list_sort(m->head, by_value);
    for (int16_t key = 0; key < 24; key++) {
        struct node *node = list_find(m->head, (int16_t)((key * 7 + m->crc) & 0x7f));

        if (node) {
            found += node->value;
            node->value = (uint16_t)(node->value * 5 + key);
        }
    }
    m->head = list_reverse(m->head);
    m->head = list_sort(m->head, by_key);
    m->crc = crc_word(m->crc, found);
}

/* --- matrices ------------------------------------------------------------------------------- */

static void run_matrix(struct mix *m)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < MATRIX_SIZE; i++) {
        for (unsigned j = 0; j < MATRIX_SIZE; j++) {
            int32_t total = 0;

            for (unsigned k = 0; k < MATRIX_SIZE; k++)
                total += m->a[i][k] * m->b[k][j];
            m->product[i][j] = total;
        }
    }
    for (unsigned i = 0; i < MATRIX_SIZE; i++) {
        for (unsigned j = 0; j < MATRIX_SIZE; j++) {
            int32_t p = m->product[i][j];

            sum += (uint32_t)((p >> 2) & 0x0f) * (uint32_t)((p >> 5) & 0x7f);
            m->a[i][j] = (int16_t)(m->a[i][j] + (int16_t)(sum & 0x0f) - 7);
        }
    }
    m->crc = crc_word(m->crc, sum);
}

/* --- state machine -------------------------------------------------------------------------- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum state step(enum state state, char c)
{
    switch (state) {
    case START:
        if (is_digit(c))
            return INTEGER;
        if (c == '+' || c == '-')
            return SIGN;
        return c == '.' ? POINT : BAD;
    case SIGN:
        if (is_digit(c))
            return INTEGER;
        return c == '.' ? POINT : BAD;
    case INTEGER:
        if (is_digit(c))
            return INTEGER;
        if (c == '.')
            return POINT;
        return c == 'e' || c == 'E' ? EXPONENT : BAD;
    case POINT:
    case FRACTION:
        if (is_digit(c))
            return FRACTION;
        return c == 'e' || c == 'E' ? EXPONENT : BAD;
    case EXPONENT:
        if (is_digit(c))
            return POWER;
        return c == '+' || c == '-' ? EXPONENT_SIGN : BAD;
    case EXPONENT_SIGN:
    case POWER:
        return is_digit(c) ? POWER : BAD;
    default:
        return BAD;
    }
}

static void scan(struct mix *m)
{
    enum state state = START;

    for (const char *p = m->text; *p; p++) {
        if (*p == ',') {
            m->finals[state]++;
            state = START;
            continue;
        }
        state = step(state, *p);
        m->visits[state]++;
    }
}

static void run_state(struct mix *m)
{
    unsigned spoilt = m->crc % (TEXT_LENGTH - 1);
    char kept = m->text[spoilt];

    scan(m);
    if (kept != ',')
        m->text[spoilt] = (char)(kept ^ 1);
    scan(m);
    m->text[spoilt] = kept;
    for (unsigned i = 0; i < STATES; i++)
        m->crc = crc_word(m->crc, m->finals[i] ^ m->visits[i] << 8);
}

/* --- all of it ------------------------------------------------------------------------------ */

static void fill(struct mix *m)
{
    static const char *const words[] = {"5012", "-874",    "+122", "35.54400", ".1234500",
                                        "-110.700", "+0.64400", "5.500e+3", "-.123e-2", "0E10",
                                        "T0.3e-1F", "1T3.4e4z", "34.0e-T^", "5.500e+8"};
    uint32_t seed = 12345;
    size_t length = 0;

    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < LIST_LENGTH; i++) {
        seed = seed * 1103515245u + 12345u;
        m->nodes[i].key = (int16_t)(seed >> 16 & 0x7f);
        m->nodes[i].value = (uint16_t)(seed >> 8);
        m->nodes[i].next = i + 1 < LIST_LENGTH ? &m->nodes[i + 1] : NULL;
    }
    m->head = m->nodes;
    for (unsigned i = 0; i < MATRIX_SIZE * MATRIX_SIZE; i++) {
        seed = seed * 1103515245u + 12345u;
        m->a[i / MATRIX_SIZE][i % MATRIX_SIZE] = (int16_t)(seed >> 20);
        m->b[i / MATRIX_SIZE][i % MATRIX_SIZE] = (int16_t)(seed >> 12 & 0xff);
    }
    for (unsigned i = 0;; i++) {
        const char *word = words[(i * 5 + i / 9) % (sizeof words / sizeof *words)];

        if (length + strlen(word) + 1 > TEXT_LENGTH)
            break;
        memcpy(m->text + length, word, strlen(word));
        length += strlen(word);
        m->text[length++] = ',';
    }
}

int main(int argc, char **argv)
{
    static struct mix mix;
    struct timespec begin, end;
    unsigned long iterations = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;

    fill(&mix);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned long i = 0; i < iterations; i++) {
        run_list(&mix);
        run_matrix(&mix);
        run_state(&mix);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("intmix: %lu iterations, %.4f s, crc %04x\n", iterations,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
           mix.crc);
    return 0;
}
