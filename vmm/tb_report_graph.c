/* The block graph: the hottest blocks and where they jump to, in the order of their addresses.
 * Jumps on are drawn on the right, jumps back, which make the loops, on the left and in red. */
#include "vmm/tb_report_private.h"
#include <string.h>

enum { HOTTEST = 16, NODES = 48, LINES = 8, LINE = 13, WIDTH = 560, LEFT = 140, GAP = 14 };

struct node {
    const json_t *block;
    uint64_t address;
    unsigned y, height;
};

static uint64_t address_of(const json_t *b)
{
    return (report_integer(b, "cs-base") + report_integer(b, "eip")) & 0xFFFFFFFF;
}

static unsigned find(const struct node *nodes, unsigned n, uint64_t address)
{
    unsigned i = 0;

    while (i < n && nodes[i].address != address)
        i++;
    return i;
}

/* Where exit I of B leads; false: there is none. */
static bool exit_of(const json_t *b, size_t i, uint64_t *to)
{
    const json_t *x = json_array_get(json_object_get(b, "exits"), i);

    if (!x)
        return false;
    *to = (report_integer(b, "cs-base") + report_integer(x, "target")) & 0xFFFFFFFF;
    return true;
}

static const json_t *block_at(const json_t *blocks, uint64_t address)
{
    for (size_t i = 0; i < json_array_size(blocks); i++)
        if (address_of(json_array_get(blocks, i)) == address)
            return json_array_get(blocks, i);
    return NULL;
}

static unsigned add(struct node *nodes, unsigned n, const json_t *b)
{
    if (!b || n == NODES || find(nodes, n, address_of(b)) < n)
        return n;
    nodes[n] = (struct node){.block = b, .address = address_of(b)};
    return n + 1;
}

/* The hottest blocks, and those they lead to. */
static unsigned choose(const json_t *blocks, struct node *nodes)
{
    unsigned n = 0;
    uint64_t to;

    for (size_t i = 0; i < json_array_size(blocks) && i < HOTTEST; i++) {
        const json_t *b = json_array_get(blocks, i);
        n = add(nodes, n, b);
        for (size_t x = 0; x < 2; x++)
            if (exit_of(b, x, &to))
                n = add(nodes, n, block_at(blocks, to));
    }
    return n;
}

/* By address; and where each is drawn.  Returns the height of all. */
static unsigned place(struct node *nodes, unsigned n)
{
    unsigned y = 4;

    for (unsigned i = 1; i < n; i++)
        for (unsigned j = i; j > 0 && nodes[j].address < nodes[j - 1].address; j--) {
            struct node swap = nodes[j];
            nodes[j] = nodes[j - 1];
            nodes[j - 1] = swap;
        }
    for (unsigned i = 0; i < n; i++) {
        size_t lines = json_array_size(json_object_get(nodes[i].block, "code"));
        nodes[i].y = y;
        nodes[i].height = (unsigned)(2 + (lines < LINES ? lines : LINES)) * LINE;
        y += nodes[i].height + GAP;
    }
    return y;
}

static void draw_node(struct text *out, const struct node *node, uint64_t hottest)
{
    const json_t *code = json_object_get(node->block, "code");
    uint64_t samples = report_integer(node->block, "samples");
    unsigned share = hottest ? (unsigned)(samples < hottest ? samples * 100 / hottest : 100) : 0;

    text_printf(out,
                "<rect x=\"%d\" y=\"%u\" width=\"%d\" height=\"%u\" rx=\"4\" "
                "fill=\"hsl(%u,90%%,%u%%)\" stroke=\"#666\"/>\n"
                "<text x=\"%d\" y=\"%u\" font-weight=\"bold\">%08llx ",
                LEFT, node->y, WIDTH, node->height, 60 - share * 6 / 10, 95 - share / 5, LEFT + 6,
                node->y + LINE, (unsigned long long)node->address);
    report_escaped(out, json_string_value(json_object_get(node->block, "symbol")));
    text_printf(out, " %llu samples, %llu executions</text>\n", (unsigned long long)samples,
                (unsigned long long)report_integer(node->block, "executions"));
    for (size_t i = 0; i < json_array_size(code) && i < LINES; i++) {
        const char *line = json_string_value(json_array_get(code, i));
        bool more = i == LINES - 1 && json_array_size(code) > LINES;
        text_printf(out, "<text x=\"%d\" y=\"%u\" xml:space=\"preserve\">", LEFT + 6,
                    node->y + (unsigned)(i + 2) * LINE);
        report_escaped(out, more ? "  ..." : line);
        text_printf(out, "</text>\n");
    }
}

static void draw_jump(struct text *out, const struct node *from, const struct node *to,
                      unsigned number)
{
    bool back = to->address <= from->address;
    unsigned y1 = from->y + from->height - 4, y2 = to->y + 6, off = 24 + number % 8 * 12;
    unsigned x = back ? LEFT : LEFT + WIDTH, bend = back ? LEFT - off : LEFT + WIDTH + off;

    text_printf(out,
                "<path d=\"M%u %u C%u %u %u %u %u %u\" fill=\"none\" stroke=\"%s\" "
                "stroke-width=\"%s\" marker-end=\"url(#arrow)\"/>\n",
                x, y1, bend, y1, bend, y2, x, y2, back ? "#c00" : "#36c", back ? "2" : "1");
}

void report_graph(const json_t *all, struct text *out)
{
    const json_t *blocks = json_object_get(all, "blocks");
    struct node nodes[NODES];
    unsigned n = choose(blocks, nodes), height = place(nodes, n), jumps = 0;
    uint64_t hottest = 0, address;

    for (unsigned i = 0; i < n; i++)
        if (report_integer(nodes[i].block, "samples") > hottest)
            hottest = report_integer(nodes[i].block, "samples");
    text_printf(out,
                "<h2>Around the hottest loops</h2>\n<p>Red jumps go back.</p>\n"
                "<svg id=\"graph\" width=\"%d\" height=\"%u\">\n<defs><marker id=\"arrow\" "
                "viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
                "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
                LEFT + WIDTH + 140, height);
    for (unsigned i = 0; i < n; i++)
        draw_node(out, &nodes[i], hottest);
    for (unsigned i = 0; i < n; i++)
        for (size_t x = 0; x < 2; x++)
            if (exit_of(nodes[i].block, x, &address) && find(nodes, n, address) < n)
                draw_jump(out, &nodes[i], &nodes[find(nodes, n, address)], jumps++);
    text_printf(out, "</svg>\n");
}
