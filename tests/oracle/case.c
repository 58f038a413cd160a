#include "oracle/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_NT = 1 << 14, FLAG_RF = 1 << 16, FLAG_AC = 1 << 18 };
enum { BOUND_RANGE = 5, PAGE_FAULT = 14, ALIGNMENT_CHECK = 17 };

enum page_kind arena_page(unsigned page)
{
    static const uint8_t kinds[ARENA_PAGES] = {PAGE_ABSENT, PAGE_WRITE,  PAGE_WRITE,  PAGE_READ,
                                               PAGE_ABSENT, PAGE_WRITE,  PAGE_WRITE,  PAGE_WRITE,
                                               PAGE_ABSENT, PAGE_ABSENT, PAGE_CODE,   PAGE_CODE,
                                               PAGE_ABSENT, PAGE_WRITE,  PAGE_ABSENT, PAGE_WRITE};
    return (enum page_kind)kinds[page % ARENA_PAGES];
}

const struct ldt_entry ldt_entries[LDT_COUNT] = {
    [LDT_DATA] = {ARENA_BASE, 0xFFFF, 0, true, false, true},
    [LDT_ODD] = {ARENA_BASE + 0x1003, 0x0FFA, 0, true, false, true},
    [LDT_READ] = {ARENA_BASE + 0x2000, 0x1FFF, 0, true, true, true},
    [LDT_DOWN] = {ARENA_BASE, 0x1FFF, 1, false, false, true},
    [LDT_CODE16] = {ARENA_BASE, 0xFFFF, 2, false, false, true},
    [LDT_EXEC] = {ARENA_BASE, 0xBFFF, 2, true, true, true},
    [LDT_ABSENT] = {ARENA_BASE, 0xFFFF, 0, true, false, false},
    [LDT_STACK16] = {ARENA_BASE, 0xFFFF, 0, false, false, true},
    [LDT_DOWN32] = {ARENA_BASE, 0x1FFF, 1, true, false, true},
};

uint32_t selector_base(uint16_t selector)
{
    return (selector & 4) && selector >> 3 < LDT_COUNT ? ldt_entries[selector >> 3].base : 0;
}

uint32_t oracle_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (uint32_t)(z ^ z >> 31);
}

/* ---- contents ---- */

/* Numbers at which arithmetic turns. */
static uint32_t word(uint64_t *random)
{
    static const uint32_t edges[16] = {0,          1,          0xFFFFFFFF, 0x80000000,
                                       0x7FFFFFFF, 0x8000,     0x7FFF,     0xFFFF,
                                       0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00000,
                                       0x7F800001, 0x00000001, 0x3FF00000, 0x00800000};
    uint32_t r = oracle_random(random);
    return (r & 0x30) == 0 ? edges[r & 15] : (r & 0x30) == 0x10 ? r >> 24 : oracle_random(random);
}

void case_arena(const struct oracle_case *c, struct arena_image *image, uint8_t *arena)
{
    uint64_t random = c->memory;
    if (!image->valid || image->seed != c->memory) {
        memset(image->bytes, 0, ARENA_BYTES);
        for (unsigned i = 0; i < ARENA_BYTES && c->memory; i += 4) {
            uint32_t v = word(&random);
            memcpy(image->bytes + i, &v, 4);
        }
        memset(image->bytes + ARENA_CODE, 0xF4, 2 * ARENA_PAGE);
        image->seed = c->memory;
        image->valid = true;
    }
    memcpy(arena, image->bytes, ARENA_BYTES);
    uint32_t at = c->start.eip + selector_base(c->start.seg[1]) - ARENA_BASE;
    if (at <= ARENA_BYTES - CASE_CODE)
        memcpy(arena + at, c->code, c->length);
}

enum { FX_CW = 0, FX_SW = 2, FX_TW = 4, FX_MXCSR = 24, FX_ST = 32, FX_XMM = 160, FX_XMM_END = 288 };

static void put16(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, 2);
}

static void put32(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, 4);
}

/* A register of ten bytes: numbers of all classes, unsupported ones too. */
static void random_st(uint8_t *at, uint64_t *random)
{
    uint32_t r = oracle_random(random), exponent = oracle_random(random);
    put32(at, oracle_random(random) & (r & 0x100 ? 0 : ~0u));
    put32(at + 4, oracle_random(random) | 0x80000000);
    switch (r & 15) {
    case 0:
        memset(at, 0, 8); /* zero */
        exponent = 0;
        break;
    case 1:
        exponent = 0x7FFF; /* NaN, infinity */
        if (r & 0x200)
            put32(at, 0), put32(at + 4, 0x80000000);
        break;
    case 2:
        exponent = 0; /* denormal, pseudo-denormal */
        if (r & 0x200)
            at[7] &= 0x7F;
        break;
    case 3:
        at[7] &= 0x7F; /* unnormal: unsupported */
        break;
    case 4:
        break; /* any exponent */
    default:
        exponent = 0x3FFF - 70 + exponent % 140;
    }
    put16(at + 8, (exponent & 0x7FFF) | (r & 0x8000));
}

static void random_x87(uint8_t *fx, uint64_t *random)
{
    uint32_t r = oracle_random(random);
    uint32_t masks = r & 3 ? 0x3F : oracle_random(random) & 0x3F;
    static const uint16_t precision[4] = {0x300, 0x300, 0x200, 0};
    put16(fx + FX_CW, masks | precision[r >> 2 & 3] | (r >> 4 & 3) << 10 | 0x40);
    /* Exception flags only where masked: what is pending is a case of its own. */
    uint32_t flags = r & 0x1000 ? oracle_random(random) & 0x3F : 0;
    uint32_t status = (oracle_random(random) & 0x7F00) | (r & 0x2000 ? flags : flags & masks);
    if (status & 0x3F & ~masks)
        status |= 0x8080;
    put16(fx + FX_SW, status);
    uint8_t tags = r & 0x4000 ? 0xFF : (uint8_t)oracle_random(random);
    fx[FX_TW] = r & 0x8000 ? tags : 0xFF;
    for (unsigned i = 0; i < 8; i++)
        random_st(fx + FX_ST + i * 16, random);
}

void case_fpu(struct oracle_case *c)
{
    uint8_t *fx = c->start.fx;
    uint64_t random = c->fpu;
    memset(fx, 0, FX_BYTES);
    memset(c->start.ymm, 0, YMM_BYTES);
    put16(fx + FX_CW, 0x37F);
    put32(fx + FX_MXCSR, 0x1F80);
    if (!c->fpu)
        return;
    random_x87(fx, &random);
    for (unsigned i = FX_XMM; i < FX_XMM_END; i += 4)
        put32(fx + i, word(&random));
    uint32_t r = oracle_random(&random);
    uint32_t masks = r & 3 ? 0x1F80 : oracle_random(&random) & 0x1F80;
    put32(fx + FX_MXCSR, masks | (r & 0xE040 & (r & 4 ? 0xFFFF : 0x6000)) | (r >> 20 & 0x3F));
    for (unsigned i = 0; i < YMM_BYTES; i += 4)
        put32(c->start.ymm + i, word(&random));
}

/* ---- comparing ---- */

static const char *const gpr_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const seg_names[6] = {"es", "cs", "ss", "ds", "fs", "gs"};

static bool differ(char *why, size_t n, const char *what, uint32_t guest, uint32_t host)
{
    if (guest == host)
        return false;
    snprintf(why, n, "%s is %08x, not %08x", what, guest, host);
    return true;
}

static bool differ_register(char *why, size_t n, const char *name, unsigned number, size_t bytes,
                            const uint8_t *guest, const uint8_t *host)
{
    if (!memcmp(host, guest, bytes))
        return false;
    int at = snprintf(why, n, "%s%u is ", name, number);
    for (size_t k = bytes; k-- > 0;)
        at += snprintf(why + at, n - (size_t)at, "%02x", guest[k]);
    at += snprintf(why + at, n - (size_t)at, ", not ");
    for (size_t k = bytes; k-- > 0;)
        at += snprintf(why + at, n - (size_t)at, "%02x", host[k]);
    return true;
}

static bool compare_ymm(const uint8_t *host, const uint8_t *guest, char *why, size_t n)
{
    for (unsigned i = 0; i < 8; i++)
        if (differ_register(why, n, "upper half of ymm", i, 16, guest + 16 * i, host + 16 * i))
            return false;
    return true;
}

static bool compare_fx(bool tags, bool mxcsr, const uint8_t *host, const uint8_t *guest, char *why,
                       size_t n)
{
    static const struct {
        const char *name;
        uint16_t at, bytes;
    } parts[] = {{"fcw", FX_CW, 2}, {"fsw", FX_SW, 2}, {"ftw", FX_TW, 1}, {"mxcsr", FX_MXCSR, 4}};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        if ((!tags && (parts[i].at == FX_TW || parts[i].at == FX_SW)) ||
            (!mxcsr && parts[i].at == FX_MXCSR))
            continue;
        uint32_t h = 0, g = 0;
        memcpy(&h, host + parts[i].at, parts[i].bytes);
        memcpy(&g, guest + parts[i].at, parts[i].bytes);
        if (differ(why, n, parts[i].name, g, h))
            return false;
    }
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t *h = host + FX_ST + i * 16, *g = guest + FX_ST + i * 16;
        size_t bytes = i < 8 ? 10 : 16;
        if (i < 8 && !tags)
            continue;
        if (differ_register(why, n, i < 8 ? "st" : "xmm", i & 7, bytes, g, h))
            return false;
    }
    return true;
}

/* A piece of memory may differ that has fewer than LOOSE bytes. */
static bool compare_arena(unsigned loose, const uint8_t *host, const uint8_t *guest, char *why,
                          size_t n)
{
    if (!memcmp(host, guest, ARENA_BYTES))
        return true;
    unsigned i = 0, last = ARENA_BYTES - 1;
    while (host[i] == guest[i])
        i++;
    while (host[last] == guest[last])
        last--;
    if (last - i < loose)
        return true;
    snprintf(why, n, "byte %08x is %02x, not %02x", ARENA_BASE + i, guest[i], host[i]);
    return false;
}

/* Did END come at a CMPS?  Which operand is read first no manual says.  It may be one that a jump
 * led to. */
static bool at_cmps(const struct oracle_end *end)
{
    enum { CS = 1, PREFIXES = 8 };
    uint32_t at = selector_base(end->state.seg[CS]) + end->state.eip - ARENA_BASE;
    for (unsigned i = 0; i < PREFIXES && at < ARENA_BYTES; i++, at++) {
        uint8_t byte = end->arena[at];
        bool segment = (byte & 0xE7) == 0x26 || byte == 0x64 || byte == 0x65;
        if (!segment && byte != 0x66 && byte != 0x67 && byte != 0xF2 && byte != 0xF3)
            return (byte & 0xFE) == 0xA6;
    }
    return false;
}

/* What manuals leave to the implementation, where both fault at the same instruction. */
static bool unspecified(const struct oracle_case *c, const struct oracle_end *host,
                        const struct oracle_end *guest)
{
    uint32_t h = host->vector, g = guest->vector;
    /* SDM vol. 3A 6.15: AMD's processors raise #AC for operands of 16 bytes, Intel's do not; a
     * selector is pushed as 32 bits or 16. */
    if ((c->leave & (LEAVE_WIDE | LEAVE_SELECTOR)) && (c->start.eflags & FLAG_AC) &&
        (h == ALIGNMENT_CHECK) != (g == ALIGNMENT_CHECK))
        return true;
    /* The exception that is no store's, or the store's fault: flags of the one (ES goes with an
     * FNSTENV behind it, which masks all), the other's vector. */
    enum { SW_EXCEPTIONS = 0xBF };
    if ((c->leave & LEAVE_FIST) && g >= 12 && host->state.fx[FX_SW] & SW_EXCEPTIONS)
        return true;
    if (guest->state.eip != host->state.eip)
        return false;
    if (h == PAGE_FAULT && g == PAGE_FAULT && host->cr2 - KERNEL_BASE < KERNEL_BYTES)
        return host->cr2 == guest->cr2; /* present there, absent here */
    if (h == g)
        return false;
    /* Intel and AMD do not agree whether #AC comes before others (SDM vol. 3A table 6-2). */
    if ((c->start.eflags & FLAG_AC) && ((h == ALIGNMENT_CHECK && g == PAGE_FAULT) ||
                                        (g == ALIGNMENT_CHECK && h >= 12 && h <= PAGE_FAULT)))
        return true;
    /* An access that crosses 4 GiB in a flat segment may or may not fault (SDM vol. 3A 5.3). */
    if (g == PAGE_FAULT && (guest->cr2 >= 0xFFFFFFE0 || guest->cr2 < 0x20) && (h == 12 || h == 13))
        return true;
    /* IRET with NT returns to a task, but not in IA-32e mode (SDM vol. 2 IRET). */
    if ((guest->state.eflags & FLAG_NT) && g == 10 && h == 13)
        return true;
    if (at_cmps(host) && g >= 12 && h >= 12)
        return true;
    return (c->leave & LEAVE_ORDER) && g >= 12 && (h >= 12 || h == BOUND_RANGE);
}

/* Of an operand that is not there the manual does not say which byte is reported; the longest is
 * FXSAVE's.  Beyond an offset of 64 KiB hosts may go on at 0. */
static bool same_operand(const struct oracle_case *c, const struct oracle_end *host,
                         const struct oracle_end *guest)
{
    enum { LONGEST = 512 };
    if (at_cmps(host))
        return true;
    return (c->leave & LEAVE_ORDER) && (uint16_t)(host->cr2 - guest->cr2 + LONGEST) < 2 * LONGEST;
}

/* IRET on the way to the host's handler cleans null selectors (SDM vol. 2 IRET). */
static uint16_t clean_null(uint16_t selector)
{
    return selector < 4 ? 0 : selector;
}

bool case_compare(const struct oracle_case *c, const struct oracle_end *host,
                  const struct oracle_end *guest, char *why, size_t n)
{
    const struct oracle_state *h = &host->state, *g = &guest->state;
    uint32_t flags = ~(c->undefined_flags | FLAG_RF);
    /* Another page of the operand may be the one that is there (P of the error code). */
    uint32_t other_page =
        host->vector == PAGE_FAULT && host->cr2 != guest->cr2 && same_operand(c, host, guest);
    if (unspecified(c, host, guest))
        return true;
    if (differ(why, n, "vector", guest->vector, host->vector) ||
        differ(why, n, "error code", guest->error | other_page, host->error | other_page) ||
        (host->vector == PAGE_FAULT && !same_operand(c, host, guest) &&
         differ(why, n, "cr2", guest->cr2, host->cr2)) ||
        differ(why, n, "eip", g->eip, h->eip) ||
        differ(why, n, "eflags", g->eflags & flags, h->eflags & flags))
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (!((c->leave & LEAVE_POPA) && host->vector >= 12 && i != 4) &&
            differ(why, n, gpr_names[i], g->gpr[i], h->gpr[i]))
            return false;
    for (unsigned i = 0; i < 6; i++)
        if (differ(why, n, seg_names[i], clean_null(g->seg[i]), clean_null(h->seg[i])))
            return false;
    /* POINTERS: what lies between FOP and the mask of MXCSR, a model's own, in FXSAVE's image. CALL
     * may have pushed before it faulted. */
    enum { POINTERS = 25, SELECTOR = 2 };
    bool faults = host->vector >= 12;
    unsigned loose = (c->leave & LEAVE_ENV) || ((c->leave & LEAVE_ORDER) && faults) ? POINTERS
                     : c->leave & LEAVE_SELECTOR                                    ? SELECTOR
                                                                                    : 0;
    bool tags = !(c->leave & LEAVE_TAGS) || host->vector != PAGE_FAULT;
    bool mxcsr = !(c->leave & LEAVE_MXCSR) || !faults;
    return compare_fx(tags, mxcsr, h->fx, g->fx, why, n) && compare_ymm(h->ymm, g->ymm, why, n) &&
           compare_arena(loose, host->arena, guest->arena, why, n);
}

/* ---- text ---- */

void case_print(const struct oracle_case *c, char *line, size_t n)
{
    int at = snprintf(line, n, "%u ", c->code16 ? 16 : 32);
    for (unsigned i = 0; i < c->length; i++)
        at += snprintf(line + at, n - (size_t)at, "%02x", c->code[i]);
    at += snprintf(line + at, n - (size_t)at, " %x %x %x %x", c->memory, c->fpu, c->undefined_flags,
                   c->leave);
    for (unsigned i = 0; i < 8; i++)
        at += snprintf(line + at, n - (size_t)at, " %x", c->start.gpr[i]);
    at += snprintf(line + at, n - (size_t)at, " %x %x", c->start.eip, c->start.eflags);
    for (unsigned i = 0; i < 6; i++)
        at += snprintf(line + at, n - (size_t)at, " %x", c->start.seg[i]);
}

bool case_parse(const char *line, struct oracle_case *c)
{
    unsigned bits, byte, seg, n = 0;
    char code[2 * CASE_CODE + 1];
    int at;
    memset(c, 0, sizeof *c);
    if (sscanf(line, "%u %128s %x %x %x %x%n", &bits, code, &c->memory, &c->fpu,
               &c->undefined_flags, &c->leave, &at) != 6)
        return false;
    c->code16 = bits == 16;
    for (; n < CASE_CODE && sscanf(code + 2 * n, "%2x", &byte) == 1; n++)
        c->code[n] = (uint8_t)byte;
    c->length = n;
    uint32_t *words[10] = {&c->start.gpr[0], &c->start.gpr[1], &c->start.gpr[2], &c->start.gpr[3],
                           &c->start.gpr[4], &c->start.gpr[5], &c->start.gpr[6], &c->start.gpr[7],
                           &c->start.eip,    &c->start.eflags};
    for (unsigned i = 0; i < 10; i++) {
        line += at;
        if (sscanf(line, " %x%n", words[i], &at) != 1)
            return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        line += at;
        if (sscanf(line, " %x%n", &seg, &at) != 1)
            return false;
        c->start.seg[i] = (uint16_t)seg;
    }
    case_fpu(c);
    return true;
}
