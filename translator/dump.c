/* Dumps: guest code beside the host code made from it, and the blocks that ran last. */
#include <stdio.h>

#include "translator/hook_internal.h"

struct output {
    void (*line)(void *, const char *);
    void *opaque;
};

static void dump_host(struct translator *t, uint32_t from, uint32_t to, const struct output *out)
{
    char insn[128], text[160];
    while (from < to) {
        unsigned n = decode_text(t->decoder, 64, t->rw + from, to - from,
                                 (uint64_t)(uintptr_t)t->rx + from, insn, sizeof insn);
        snprintf(text, sizeof text, "    O %06x  %s", from, insn);
        out->line(out->opaque, text);
        from += n ? n : 1;
    }
}

static void dump_guest(struct translator *t, const struct tb *tb, uint32_t offset,
                       const struct output *out)
{
    char insn[128], hex[2 * INSN_MAX_LEN + 1], text[200];
    uint8_t bytes[INSN_MAX_LEN] = {0};
    phys_read(t->phys, tb->phys + offset, bytes, sizeof bytes);
    unsigned bits = tb->mode & MODE_CODE32 ? 32 : 16;
    unsigned n = decode_text(t->decoder, bits, bytes, sizeof bytes, tb->eip + offset, insn,
                             sizeof insn);
    for (unsigned i = 0; i < (n ? n : 1); i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    snprintf(text, sizeof text, "  I %08x  %-20s %s", tb->eip + offset, hex, insn);
    out->line(out->opaque, text);
}

/* Is the guest code still what TB was made of? */
static bool unchanged(struct translator *t, const struct tb *tb)
{
    uint8_t bytes[TB_MAX_INSNS * INSN_MAX_LEN];
    uint32_t room = PAGE_SIZE - (tb->phys & (PAGE_SIZE - 1));
    uint32_t n = tb->size < sizeof bytes ? tb->size : sizeof bytes;
    uint32_t first = tb->phys2 != ~0u && n > room ? room : n;
    if (tb->valid)
        return true;
    phys_read(t->phys, tb->phys, bytes, first);
    phys_read(t->phys, tb->phys2, bytes + first, n - first);
    return block_sum(BLOCK_SUM_BEGIN, bytes, n) == tb->sum;
}

void dump_block(struct translator *t, const struct tb *tb, bool host,
                void (*line)(void *, const char *), void *opaque)
{
    const struct output out = {line, opaque};
    char text[360], symbol[200];
    hook_symbol(t, tb->cs_base + tb->eip, symbol, sizeof symbol);
    snprintf(text, sizeof text,
             "B %08x%s phys %08x cs %08x mode %08x: %u instructions, %u bytes -> %u", tb->eip,
             symbol, tb->phys, tb->cs_base, tb->mode, tb->insns, tb->size,
             tb->code_end - tb->code);
    line(opaque, text);
    uint32_t from = tb->code, last = ~0u;
    bool guest = unchanged(t, tb);
    if (!guest)
        line(opaque, "  (its guest code is no longer there)");
    for (uint32_t i = 0; i < tb->map_count; i++) {
        const struct fault_entry *f = &t->map[tb->map + i];
        if (host)
            dump_host(t, from, tb->code + f->host, &out);
        from = tb->code + f->host;
        if (guest && f->guest != last && (i > 0 || tb->map_count == 1))
            dump_guest(t, tb, f->guest, &out);
        last = i ? f->guest : ~0u;
    }
    if (host)
        dump_host(t, from, tb->code_end, &out);
}

void translator_describe_recent(struct translator *t, unsigned count,
                                void (*line)(void *, const char *), void *opaque)
{
    char text[192], insn[128];
    for (unsigned i = 1; i <= count && i <= RECENT && i <= t->recent_pos; i++) {
        const struct tb *tb = &t->tbs[t->recent[(t->recent_pos - i) % RECENT]];
        unsigned bits = tb->mode & MODE_CODE32 ? 32 : 16;
        snprintf(text, sizeof text, "block %08x (cs base %08x, phys %08x), %u instructions%s",
                 tb->eip, tb->cs_base, tb->phys, tb->insns, tb->valid ? "" : ", since changed");
        line(opaque, text);
        for (uint32_t off = 0; off < tb->size;) {
            uint8_t bytes[INSN_MAX_LEN] = {0};
            phys_read(t->phys, tb->phys + off, bytes, sizeof bytes);
            unsigned n = decode_text(t->decoder, bits, bytes, sizeof bytes, tb->eip + off, insn,
                                     sizeof insn);
            snprintf(text, sizeof text, "    %08x  %s", tb->eip + off, insn);
            line(opaque, text);
            off += n ? n : 1;
        }
    }
}
