/* The report's frame, its tables and its heat map; the graph is in tb_report_graph.c.  The document
 * may come from anywhere: numbers are clamped, texts are escaped. */
#include "vmm/tb_report_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

uint64_t report_integer(const json_t *object, const char *member)
{
    json_int_t n = json_integer_value(json_object_get(object, member));

    return n > 0 ? (uint64_t)n : 0;
}

void report_escaped(struct text *out, const char *text)
{
    for (; text && *text; text++)
        switch (*text) {
        case '<':
            text_printf(out, "&lt;");
            break;
        case '>':
            text_printf(out, "&gt;");
            break;
        case '&':
            text_printf(out, "&amp;");
            break;
        case '"':
            text_printf(out, "&quot;");
            break;
        default:
            text_add(out, text, 1);
        }
}

/* ---- the frame ---- */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>ringer: "
    "blocks</title>\n"
    "<style>\n"
    "body{font:14px sans-serif;margin:2em;color:#222;background:#fff}\n"
    "table{border-collapse:collapse;margin:1em 0}\n"
    "th,td{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd;vertical-align:top}\n"
    "th{cursor:pointer;background:#eee;position:sticky;top:0}\n"
    "td.t{text-align:left}pre{margin:0;text-align:left}svg text{font:11px monospace}\n"
    "</style></head><body>\n";

/* A click on a heading sorts by that column, a second one the other way. */
static const char script[] =
    "<script>\n"
    "document.querySelectorAll('th').forEach(h=>h.onclick=()=>{\n"
    " const t=h.closest('table'),b=t.tBodies[0],i=h.cellIndex,\n"
    "  key=r=>r.cells[i].dataset.v||r.cells[i].textContent,\n"
    "  up=h.dataset.up=h.dataset.up==='1'?'':'1';\n"
    " [...b.rows].sort((x,y)=>{const p=key(x),q=key(y),n=p-q;\n"
    "  return (up?1:-1)*(isNaN(n)?p.localeCompare(q):n)}).forEach(r=>b.append(r))});\n"
    "</script>\n";

/* ---- the heat map ---- */

enum { CELL = 10, ROW_PAGES = 64, ROWS_MAX = 512, LEFT = 80 };

static uint64_t page_heat(const json_t *p)
{
    /* A sample is about four million instructions. */
    return report_integer(p, "samples") * 4000000u + report_integer(p, "instructions");
}

static void cell(struct text *out, const json_t *p, unsigned row, double hottest)
{
    uint64_t page = report_integer(p, "page") >> 12;
    double heat = log1p((double)page_heat(p)) / hottest;
    unsigned x = LEFT + (unsigned)(page % ROW_PAGES) * CELL;

    text_printf(
        out,
        "<rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"hsl(%d,90%%,%d%%)\">"
        "<title>%08llx: %llu samples, %llu instructions counted, %llu blocks</title></rect>\n",
        x, row * CELL, CELL - 1, CELL - 1, (int)(60 - 60 * heat), (int)(92 - 52 * heat),
        (unsigned long long)(page << 12), (unsigned long long)report_integer(p, "samples"),
        (unsigned long long)report_integer(p, "instructions"),
        (unsigned long long)report_integer(p, "blocks"));
}

/* Pages are in order of their addresses; rows without any are left out. */
static void heat_map(const json_t *all, struct text *out)
{
    const json_t *pages = json_object_get(all, "pages");
    double hottest = 1;
    unsigned row = 0;
    uint64_t last = UINT64_MAX;
    struct text body = {0};

    for (size_t i = 0; i < json_array_size(pages); i++)
        hottest = fmax(hottest, log1p((double)page_heat(json_array_get(pages, i))));
    for (size_t i = 0; i < json_array_size(pages) && row < ROWS_MAX; i++) {
        const json_t *p = json_array_get(pages, i);
        uint64_t here = (report_integer(p, "page") >> 12) / ROW_PAGES;
        if (here != last && last != UINT64_MAX)
            row += here == last + 1 ? 1 : 2;
        if (here != last)
            text_printf(&body, "<text x=\"0\" y=\"%u\">%08llx</text>\n", row * CELL + CELL - 1,
                        (unsigned long long)(here * ROW_PAGES << 12));
        cell(&body, p, row, hottest);
        last = here;
    }
    text_printf(out,
                "<h2>Guest memory by execution</h2>\n<p>Physical pages with code; a row is "
                "256&nbsp;KiB, red is hot (logarithmic).</p>\n"
                "<svg id=\"heat\" width=\"%d\" height=\"%u\">\n%s</svg>\n",
                LEFT + ROW_PAGES * CELL, (row + 1) * CELL, text_string(&body));
    text_free(&body);
}

/* ---- tables ---- */

static void number_cell(struct text *out, uint64_t n)
{
    text_printf(out, "<td>%llu</td>", (unsigned long long)n);
}

static void lines(struct text *out, const json_t *code)
{
    for (size_t i = 0; i < json_array_size(code); i++) {
        report_escaped(out, json_string_value(json_array_get(code, i)));
        text_printf(out, "\n");
    }
}

static void block_row(struct text *out, const json_t *b)
{
    const json_t *code = json_object_get(b, "code");
    uint64_t address = report_integer(b, "cs-base") + report_integer(b, "eip");

    text_printf(out, "<tr><td>%08llx</td><td class=\"t\">",
                (unsigned long long)(address & 0xFFFFFFFF));
    report_escaped(out, json_string_value(json_object_get(b, "symbol")));
    text_printf(out, "</td><td>%08llx</td>", (unsigned long long)report_integer(b, "phys"));
    number_cell(out, report_integer(b, "samples"));
    number_cell(out, report_integer(b, "executions"));
    number_cell(out, report_integer(b, "instructions"));
    number_cell(out, report_integer(b, "guest-bytes"));
    number_cell(out, report_integer(b, "host-bytes"));
    text_printf(out, "<td class=\"t\">%s%s</td><td><pre>",
                json_is_true(json_object_get(b, "user")) ? "user" : "",
                json_is_true(json_object_get(b, "valid")) ? "" : " gone");
    lines(out, code);
    text_printf(out, "</pre><details><summary>host</summary><pre>");
    lines(out, json_object_get(b, "host-code"));
    text_printf(out, "</pre></details></td></tr>\n");
}

static void blocks_table(const json_t *all, struct text *out)
{
    enum { ROWS = 200 };
    const json_t *blocks = json_object_get(all, "blocks");

    text_printf(
        out,
        "<h2>Hottest blocks</h2>\n<table id=\"blocks\"><thead><tr><th>address</th>"
        "<th>symbol</th><th>physical</th><th>samples</th><th>executions</th><th>instructions</th>"
        "<th>bytes</th><th>host bytes</th><th>kind</th><th>code</th></tr></thead>"
        "<tbody>\n");
    for (size_t i = 0; i < json_array_size(blocks) && i < ROWS; i++)
        block_row(out, json_array_get(blocks, i));
    text_printf(out, "</tbody></table>\n");
}

static void statistics_table(const json_t *all, struct text *out)
{
    static const char *const texts[] = {"group", "name", "label"};
    const json_t *rows = json_object_get(all, "statistics");

    text_printf(out, "<h2>Statistics</h2>\n<table id=\"statistics\"><thead><tr><th>group</th>"
                     "<th>name</th><th>label</th><th>value</th><th>unit</th><th>meaning</th></tr>"
                     "</thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        text_printf(out, "<tr>");
        for (unsigned k = 0; k < 3; k++) {
            text_printf(out, "<td class=\"t\">");
            report_escaped(out, json_string_value(json_object_get(row, texts[k])));
            text_printf(out, "</td>");
        }
        number_cell(out, report_integer(row, "value"));
        text_printf(out, "<td class=\"t\">");
        report_escaped(out, json_string_value(json_object_get(row, "unit")));
        text_printf(out, "</td><td class=\"t\">");
        report_escaped(out, json_string_value(json_object_get(row, "help")));
        text_printf(out, "</td></tr>\n");
    }
    text_printf(out, "</tbody></table>\n");
}

static void writers_table(const json_t *all, struct text *out)
{
    const json_t *rows = json_object_get(all, "writers");

    text_printf(out, "<h2>Writers to pages with code</h2>\n<table id=\"writers\"><thead><tr>"
                     "<th>address</th><th>to page</th><th>cause</th><th>writes</th>"
                     "<th>blocks lost</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        uint64_t address = report_integer(row, "cs-base") + report_integer(row, "eip");
        text_printf(out, "<tr><td>%08llx</td><td>%08llx</td><td class=\"t\">",
                    (unsigned long long)(address & 0xFFFFFFFF),
                    (unsigned long long)report_integer(row, "page"));
        report_escaped(out, json_string_value(json_object_get(row, "cause")));
        text_printf(out, "</td>");
        number_cell(out, report_integer(row, "writes"));
        number_cell(out, report_integer(row, "blocks-lost"));
        text_printf(out, "</tr>\n");
    }
    text_printf(out, "</tbody></table>\n");
}

bool tb_report(const json_t *all, struct text *out, struct error *err)
{
    static const char *const parts[] = {"statistics", "blocks", "pages", "writers"};

    if (json_integer_value(json_object_get(all, "format")) != 1)
        return error_set(err, "it is no document that -stats=json:FILE writes");
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!json_is_array(json_object_get(all, parts[i])))
            return error_set(err, "there are no %s in it", parts[i]);
    text_printf(out, "%s<h1>What ran</h1>\n", head);
    heat_map(all, out);
    report_graph(all, out);
    blocks_table(all, out);
    writers_table(all, out);
    statistics_table(all, out);
    text_printf(out, "%s</body></html>\n", script);
    return true;
}

int tb_report_main(int argc, char **argv)
{
    enum { BAD = 2 };
    struct text out = {0};
    struct error err;
    json_error_t why;

    if (argc != 2 || !*argv[1] || (argv[1][0] == '-' && argv[1][1])) {
        fprintf(stderr, "ringer: tb-report: usage: ringer tb-report FILE.json >page.html, with a "
                        "file that -stats=json:FILE.json wrote\n");
        return BAD;
    }
    bool in = !strcmp(argv[1], "-");
    json_t *all = in ? json_loadf(stdin, 0, &why) : json_load_file(argv[1], 0, &why);
    bool ok = all ? tb_report(all, &out, &err) : error_set(&err, "%s", why.text);
    if (!ok)
        fprintf(stderr, "ringer: tb-report: %s: %s\n", argv[1], err.text);
    json_decref(all);
    if (ok && (fputs(text_string(&out), stdout) < 0 || fflush(stdout))) {
        fprintf(stderr, "ringer: tb-report: standard output cannot be written\n");
        ok = false;
    }
    text_free(&out);
    return ok ? 0 : BAD;
}
