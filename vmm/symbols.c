/* The table of symbols; the formats are in symbols_*.c. */
#include "vmm/symbols.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 64, FAR = 64 << 10 };

struct symbol {
    uint32_t address, size;
    uint32_t name; /* offset in names */
};

struct symbols {
    struct symbol *list; /* sorted by address */
    size_t count, max;
    char *names;
    size_t names_len, names_max;
    bool failed; /* no memory */
    struct symbols_module module[FILES_MAX];
    unsigned modules;
};

struct symbols *symbols_new(void)
{
    return calloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->modules; i++)
        free((char *)s->module[i].path);
    free(s->list);
    free(s->names);
    free(s);
}

static void *grown(void *p, size_t need, size_t *max, size_t item)
{
    size_t to = *max ? *max : 1024;

    while (to < need)
        to *= 2;
    p = realloc(p, to * item);
    if (p)
        *max = to;
    return p;
}

void symbols_add(struct symbols *s, uint32_t value, uint32_t size, const char *name, size_t len)
{
    enum { NAME_LONG = 1024 };

    if (len > NAME_LONG)
        len = NAME_LONG;
    if (!len || s->failed || s->names_len + len + 1 > UINT32_MAX)
        return;
    if (s->count == s->max) {
        struct symbol *list = grown(s->list, s->count + 1, &s->max, sizeof *list);
        s->failed = !list;
        s->list = list ? list : s->list;
    }
    if (s->names_len + len + 1 > s->names_max) {
        char *names = grown(s->names, s->names_len + len + 1, &s->names_max, 1);
        s->failed |= !names;
        s->names = names ? names : s->names;
    }
    if (s->failed)
        return;
    memcpy(s->names + s->names_len, name, len);
    s->names[s->names_len + len] = 0;
    s->list[s->count++] = (struct symbol){value, size, (uint32_t)s->names_len};
    s->names_len += len + 1;
}

/* Of several at one address, the one added last: that is found first. */
static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->name < y->name ? 1 : x->name > y->name ? -1 : 0;
}

/* ---- loading ---- */

static bool read_file(struct symbol_reader *r, const char *path, struct error *err)
{
    enum { MOST = 1 << 30 };
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return error_set(err, "cannot be read: %s", strerror(errno));
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MOST;
    if (ok) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        r->data = p == MAP_FAILED ? NULL : p;
        r->len = (size_t)st.st_size;
    }
    close(fd);
    return r->data || error_set(err, ok ? "cannot be mapped"
                                        : "not a file with symbols (it must be a regular file of "
                                          "1 byte to 1 GiB)");
}

static bool read_symbols(struct symbol_reader *r, struct error *err)
{
    if (r->len >= 4 && !memcmp(r->data, "\177ELF", 4))
        return symbols_read_elf(r, err);
    if (r->len >= 2 && (!memcmp(r->data, "MZ", 2) || !memcmp(r->data, "\x4c\x01", 2)))
        return symbols_read_pe(r, err);
    return symbols_read_map(r, err);
}

/* The number behind the last @, if it is one: a file's name may have an @ as well. */
static const char *split_base(const char *text, struct symbol_reader *r)
{
    const char *at = strrchr(text, '@');
    char *end;

    if (!at || at[1] < '0' || at[1] > '9')
        return NULL;
    unsigned long long base = strtoull(at + 1, &end, 0);
    if (*end || base > UINT32_MAX)
        return NULL;
    r->moved = true;
    r->base = (uint32_t)base;
    return at;
}

/* What lies between the first and the last symbol, where the file does not tell its bounds. */
static void find_bounds(struct symbol_reader *r, size_t first)
{
    const struct symbols *s = r->symbols;

    if (r->bounded)
        return;
    r->begin = UINT32_MAX;
    r->end = 0;
    for (size_t i = first; i < s->count; i++) {
        uint32_t last = s->list[i].address + (s->list[i].size ? s->list[i].size - 1 : 0);
        if (s->list[i].address < r->begin)
            r->begin = s->list[i].address;
        if (last > r->end && last >= s->list[i].address)
            r->end = last;
    }
    r->end |= 0xFFF;
}

bool symbols_load(struct symbols *s, const char *text, struct error *err)
{
    struct symbol_reader r = {.symbols = s};
    struct error why = {""};
    struct stat st;
    const char *at = stat(text, &st) == 0 ? NULL : split_base(text, &r);
    char *path = at ? strndup(text, (size_t)(at - text)) : strdup(text);
    size_t before = s->count;

    if (!path || s->modules == FILES_MAX) {
        free(path);
        return error_set(err, "%s: there are %d files with symbols already", text, FILES_MAX);
    }
    bool ok = read_file(&r, path, &why) && read_symbols(&r, &why);
    if (ok && s->count == before)
        ok = error_set(&why, "has no symbols (is it stripped?)");
    if (ok && s->failed)
        ok = error_set(&why, "no memory for its symbols");
    if (ok) {
        find_bounds(&r, before);
        s->module[s->modules++] = (struct symbols_module){path, r.begin, r.end};
        qsort(s->list, s->count, sizeof *s->list, by_address);
    } else {
        s->count = before;
        error_set(err, "%s: %s", path, why.text);
        free(path);
    }
    if (r.data)
        munmap((void *)r.data, r.len);
    return ok;
}

/* ---- finding ---- */

const char *symbols_find(const struct symbols *s, uint32_t address, uint32_t *offset)
{
    size_t low = 0, high = s ? s->count : 0;

    while (low < high) { /* the first above ADDRESS */
        size_t mid = (low + high) / 2;
        if (s->list[mid].address <= address)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    const struct symbol *found = &s->list[low - 1];
    uint32_t within = address - found->address;
    if (within >= (found->size ? found->size : FAR))
        return NULL;
    *offset = within;
    return s->names + found->name;
}

bool symbols_address(const struct symbols *s, const char *name, uint32_t *address)
{
    for (size_t i = 0; s && i < s->count; i++)
        if (!strcmp(s->names + s->list[i].name, name)) {
            *address = s->list[i].address;
            return true;
        }
    return false;
}

size_t symbols_count(const struct symbols *s)
{
    return s ? s->count : 0;
}

bool symbols_module(const struct symbols *s, unsigned n, struct symbols_module *out)
{
    if (!s || n >= s->modules)
        return false;
    *out = s->module[n];
    return true;
}
