#include "tests/translator/listing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 160, NOP = 0x90 };

struct name {
    const char *text;
    unsigned offset;
};

static const struct name cpu_names[] = {
    {"cpu.eip", offsetof(struct cpu, eip)},
    {"cpu.flags_host", offsetof(struct cpu, flags_host)},
    {"cpu.iflag", offsetof(struct cpu, iflag)},
    {"cpu.flags_sys", offsetof(struct cpu, flags_sys)},
    {"cpu.event", offsetof(struct cpu, event)},
    {"cpu.fpu_live", offsetof(struct cpu, fpu_live)},
    {"cpu.string_step", offsetof(struct cpu, string_step)},
    {"cpu.x87_fip", offsetof(struct cpu, x87_fip)},
    {"cpu.x87_fdp", offsetof(struct cpu, x87_fdp)},
    {"cpu.x87_fcs", offsetof(struct cpu, x87_fcs)},
    {"cpu.x87_fds", offsetof(struct cpu, x87_fds)},
    {"cpu.x87_fop", offsetof(struct cpu, x87_fop)},
};

static const struct name segment_names[] = {
    {"base", offsetof(struct segment, base)},
    {"limit", offsetof(struct segment, limit)},
    {"access", offsetof(struct segment, access)},
    {"selector", offsetof(struct segment, selector)},
    {"read_check", offsetof(struct segment, read_check)},
    {"write_check", offsetof(struct segment, write_check)},
};

static const struct name runtime_names[] = {
    {"rt.host_rsp", offsetof(struct runtime, host_rsp)},
    {"rt.window", offsetof(struct runtime, window)},
    {"rt.table", offsetof(struct runtime, table)},
    {"rt.exit_eip", offsetof(struct runtime, exit_eip)},
    {"rt.kick", offsetof(struct runtime, kick)},
};

#define FIND(list, offset) find(list, sizeof list / sizeof *list, offset)

static const char *find(const struct name *list, size_t count, unsigned offset)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].offset == offset)
            return list[i].text;
    return NULL;
}

/* Replace what stands in TEXT from AT to the next closing bracket. */
static void replace_operand(char *text, const char *at, const char *name)
{
    char line[TEXT];
    snprintf(line, sizeof line, "%.*s[%s]%s", (int)(at - text), text, name, strchr(at, ']') + 1);
    memcpy(text, line, sizeof line);
}

static void name_state(char *text)
{
    static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    char name[64], *at = strstr(text, "[r15 + ");
    if (!at)
        return;
    unsigned offset = (unsigned)strtoul(at + 7, NULL, 0);
    unsigned first = offsetof(struct cpu, seg), size = sizeof(struct segment);
    const char *known = FIND(cpu_names, offset);
    if (known)
        snprintf(name, sizeof name, "%s", known);
    else if (offset >= first && offset < first + 6 * size &&
             (known = FIND(segment_names, (offset - first) % size)))
        snprintf(name, sizeof name, "cpu.%s.%s", segments[(offset - first) / size], known);
    else
        return;
    replace_operand(text, at, name);
}

static void name_runtime(char *text, uint32_t next)
{
    char *at = strstr(text, "[rip ");
    if (!at)
        return;
    long distance = strtol(at + 7, NULL, 0);
    unsigned offset = next + (unsigned)(at[5] == '-' ? -distance : distance) + RUNTIME_SIZE;
    const char *known = FIND(runtime_names, offset);
    replace_operand(text, at, known ? known : "rip");
}

static void name_exit_code(char *text)
{
    static const char *const kinds[] = {"LOOKUP", "CHAIN", "INSN",   "NEXT",    "STI",
                                        "RAISE",  "FAULT", "KICKED", "STEPPED", "POPF"};
    static const char prefix[] = "mov r11d, ";
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 ||
        !isdigit((unsigned char)text[sizeof prefix - 1]))
        return;
    uint32_t code = (uint32_t)strtoul(text + sizeof prefix - 1, NULL, 0);
    if (code >> 26 >= sizeof kinds / sizeof *kinds)
        return;
    char *end = text + sizeof prefix - 1;
    end += sprintf(end, "EXIT_%s", kinds[code >> 26]);
    if (code >> 26 == EXIT_CHAIN)
        sprintf(end, " slot %u", (code & (EXIT_CODE(1, 0) - 1)) % TB_SLOTS);
}

static void name_target(const struct translator *t, const struct tb *tb, uint32_t base, char *text)
{
    char *at = strrchr(text, ' ');
    if (text[0] != 'j' || !at || !isdigit((unsigned char)at[1]))
        return;
    uint32_t target = (uint32_t)strtoul(at + 1, NULL, 0);
    if (target == t->stub_leave)
        strcpy(at, " leave");
    else if (target == t->stub_quick)
        strcpy(at, " quick");
    else if (target == t->stub_cpuid)
        strcpy(at, " cpuid");
    else if (target == t->stub_fpu)
        strcpy(at, " load_fpu");
    else if (target >= base && target < tb->code_end)
        sprintf(at, " +%x", target - base);
    else if (target < t->cache_start)
        strcpy(at, " stub");
}

/* Positions count from BASE. */
static void write_host(struct translator *t, const struct tb *tb, uint32_t base, uint32_t from,
                       uint32_t to, FILE *out)
{
    while (from < to) {
        char text[TEXT];
        unsigned n = decode_text(t->decoder, 64, t->rw + from, to - from, from, text, sizeof text);
        n = n ? n : 1;
        name_state(text);
        name_runtime(text, from + n);
        name_exit_code(text);
        name_target(t, tb, base, text);
        fprintf(out, "    +%-3x %s\n", from - base, text);
        from += n;
    }
}

/* Its first byte is returned. */
static uint8_t write_guest(struct translator *t, const struct tb *tb, uint32_t offset, bool show,
                           FILE *out)
{
    char text[TEXT], hex[3 * INSN_MAX_LEN + 1] = "";
    uint8_t bytes[INSN_MAX_LEN];
    phys_read(t->phys, tb->phys + offset, bytes, sizeof bytes);
    unsigned n = decode_text(t->decoder, tb->mode & MODE_CODE32 ? 32 : 16, bytes, sizeof bytes,
                             tb->eip + offset, text, sizeof text);
    for (unsigned i = 0; i < (n ? n : 4); i++)
        sprintf(hex + 3 * i, "%02x ", bytes[i]);
    if (show)
        fprintf(out, "  %-24s %s\n", hex, text);
    return bytes[0];
}

static void write_fixup(const struct fault_entry *f, FILE *out)
{
    static const char *const registers[] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    static const char *const operations[] = {
        [FIX_ADD] = "ADD", [FIX_SUB] = "SUB", [FIX_INC] = "INC", [FIX_DEC] = "DEC"};
    if (f->fixup >= FIX_ADD)
        fprintf(out, "    (a fault from here on computes the flags of %s %s, %d)\n",
                operations[f->fixup], registers[f->sum.reg], f->sum.number);
    else if (f->esp)
        fprintf(out, "    (a fault from here on finds ESP %+d)\n", f->esp);
    if (f->fixup == FIX_ESI_R9)
        fprintf(out, "    (a fault from here on finds ESI in r9d)\n");
}

void listing_write(struct translator *t, const struct tb *tb, bool entry, FILE *out)
{
    const struct fault_entry *f = &t->map[tb->map];
    uint32_t last = ~0u, base = tb->code + (entry ? 0 : f[1].host);
    if (entry)
        write_host(t, tb, base, tb->code + f[0].host, tb->code + f[1].host, out);
    for (uint32_t i = 1; i < tb->map_count; i++) {
        if (f[i].guest != last) {
            bool nop = write_guest(t, tb, f[i].guest, false, out) == NOP;
            if (nop && i + 1 == tb->map_count && i > 1)
                return;
            write_guest(t, tb, f[i].guest, true, out);
        }
        last = f[i].guest;
        write_fixup(&f[i], out);
        uint32_t to = i + 1 < tb->map_count ? tb->code + f[i + 1].host : tb->code_end;
        write_host(t, tb, base, tb->code + f[i].host, to, out);
    }
}
