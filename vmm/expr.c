/* A parser by precedence: each level parses the one that binds tighter. */
#include "vmm/expr.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct parser {
    const struct cpu *cpu;
    const char *at;
    unsigned depth;
    struct error *err;
};

/* ---- registers ---- */

static bool segment_value(const struct cpu *cpu, const char *name, int64_t *out)
{
    static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs"};

    for (int i = 0; i < 6; i++) {
        if (strncmp(name, segs[i], 2))
            continue;
        if (!name[2])
            *out = cpu->seg[i].selector;
        else if (!strcmp(name + 2, ".base"))
            *out = cpu->seg[i].base;
        else if (!strcmp(name + 2, ".limit"))
            *out = cpu->seg[i].limit;
        else
            return false;
        return true;
    }
    return false;
}

static bool register_value(const struct cpu *cpu, const char *name, int64_t *out)
{
    static const char *const gprs[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const struct {
        const char *name;
        uint32_t value;
    } others[] = {
        {"eip", cpu->eip},
        {"pc", cpu->seg[SEG_CS].base + cpu->eip},
        {"sp", cpu->seg[SEG_SS].base + cpu->gpr[ESP]},
        {"eflags", cpu_eflags(cpu)},
        {"cr0", cpu->cr0},
        {"cr2", cpu->cr2},
        {"cr3", cpu->cr3},
        {"cr4", cpu->cr4},
        {"dr6", cpu->dr[6]},
        {"dr7", cpu->dr[7]},
        {"gdtr", cpu->gdtr.base},
        {"idtr", cpu->idtr.base},
        {"ldtr", cpu->ldtr.selector},
        {"tr", cpu->tr.selector},
    };

    for (int i = 0; i < 8; i++)
        if (!strcmp(name, gprs[i])) {
            *out = cpu->gpr[i];
            return true;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(name, others[i].name)) {
            *out = others[i].value;
            return true;
        }
    return segment_value(cpu, name, out);
}

static bool parse_register(struct parser *p, int64_t *out)
{
    char name[16];
    size_t n = 0;

    for (p->at++; (isalnum((unsigned char)*p->at) || *p->at == '.') && n < sizeof name - 1; p->at++)
        name[n++] = (char)tolower((unsigned char)*p->at);
    name[n] = 0;
    return register_value(p->cpu, name, out) ||
           error_set(p->err, "there is no register '$%s'", name);
}

/* ---- operators ---- */

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool parse_binary(struct parser *p, unsigned level, int64_t *out);

static bool parse_number(struct parser *p, int64_t *out)
{
    char *end;

    *out = (int64_t)strtoull(p->at, &end, 0);
    if (isalnum((unsigned char)*end))
        return error_set(p->err, "'%.20s' is no number", p->at);
    p->at = end;
    return true;
}

static bool parse_unary(struct parser *p, int64_t *out)
{
    bool ok = false;
    char c;

    skip_space(p);
    c = *p->at;
    if (++p->depth > DEPTH_MAX)
        return error_set(p->err, "the expression is nested too deeply");
    if (isdigit((unsigned char)c)) {
        ok = parse_number(p, out);
    } else if (c == '$') {
        ok = parse_register(p, out);
    } else if (c == '\'' && p->at[1] && p->at[2] == '\'') {
        *out = (unsigned char)p->at[1];
        p->at += 3;
        ok = true;
    } else if (c == '(') {
        p->at++;
        ok = parse_binary(p, 0, out) && (*p->at == ')' || error_set(p->err, "a ')' is missing"));
        p->at += ok;
    } else if (c == '-' || c == '+' || c == '~') {
        p->at++;
        ok = parse_unary(p, out);
        if (ok && c != '+')
            *out = c == '-' ? (int64_t)(0 - (uint64_t)*out) : ~*out;
    } else {
        error_set(p->err,
                  *p->at ? "a number or $register belongs where '%.20s' is"
                         : "the expression is incomplete%s",
                  p->at);
    }
    p->depth--;
    return ok;
}

/* What stands at P of LEVEL's operators, as one letter: shifts are < and >. */
static char operator_at(const struct parser *p, unsigned level)
{
    static const char *const levels[] = {"|", "^", "&", "<>", "+-", "*/%"};
    char c = *p->at;

    if (!c || !strchr(levels[level], c))
        return 0;
    return (c == '<' || c == '>') && p->at[1] != c ? 0 : c;
}

static bool apply(struct parser *p, char op, int64_t *left, int64_t right)
{
    uint64_t a = (uint64_t)*left, b = (uint64_t)right;

    if ((op == '/' || op == '%') && !b)
        return error_set(p->err, "division by zero");
    switch (op) {
    case '|':
        a |= b;
        break;
    case '^':
        a ^= b;
        break;
    case '&':
        a &= b;
        break;
    case '<':
        a = b < 64 ? a << b : 0;
        break;
    case '>':
        a = b < 64 ? a >> b : 0;
        break;
    case '+':
        a += b;
        break;
    case '-':
        a -= b;
        break;
    case '*':
        a *= b;
        break;
    case '/': /* the one quotient that does not fit stays as it is */
        a = right == -1 ? 0 - a : (uint64_t)(*left / right);
        break;
    default:
        a = right == -1 ? 0 : (uint64_t)(*left % right);
        break;
    }
    *left = (int64_t)a;
    return true;
}

static bool parse_binary(struct parser *p, unsigned level, int64_t *out)
{
    enum { UNARY = 6 };
    int64_t right;
    char op;

    if (level == UNARY)
        return parse_unary(p, out);
    if (!parse_binary(p, level + 1, out))
        return false;
    for (;;) {
        skip_space(p);
        op = operator_at(p, level);
        if (!op)
            return true;
        p->at += op == '<' || op == '>' ? 2 : 1;
        if (!parse_binary(p, level + 1, &right) || !apply(p, op, out, right))
            return false;
    }
}

bool expr_evaluate(const struct cpu *cpu, const char *text, int64_t *out, struct error *err)
{
    struct parser p = {.cpu = cpu, .at = text, .err = err};

    if (!parse_binary(&p, 0, out))
        return false;
    return !*p.at || error_set(err, "'%.20s' is too much", p.at);
}
