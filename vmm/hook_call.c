/* A call of a hook's function: its arguments out of guest registers and memory, by libffi. */
#include "cpu/emulate.h"
#include "vmm/hooks.h"
#include "vmm/machine.h"
#include <dlfcn.h>
#include <ffi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Copies that ptr and string arguments point to. */
enum { COPY = 4096, STRING_DEFAULT = 4095 };

struct hook_callee {
    void *library;
    void (*function)(void);
    ffi_cif cif;
    ffi_type *types[HOOK_ARGS];
    uint8_t *copy[HOOK_ARGS];
};

static ffi_type *type_of(enum hook_type type)
{
    switch (type) {
    case TYPE_U8:
        return &ffi_type_uint8;
    case TYPE_I8:
        return &ffi_type_sint8;
    case TYPE_U16:
        return &ffi_type_uint16;
    case TYPE_I16:
        return &ffi_type_sint16;
    case TYPE_I32:
        return &ffi_type_sint32;
    case TYPE_U64:
        return &ffi_type_uint64;
    case TYPE_I64:
        return &ffi_type_sint64;
    case TYPE_PTR:
    case TYPE_STRING:
    case TYPE_GUEST:
        return &ffi_type_pointer;
    case TYPE_VOID:
        return &ffi_type_void;
    default:
        return &ffi_type_uint32;
    }
}

static unsigned size_of(enum hook_type type)
{
    switch (type) {
    case TYPE_U8:
    case TYPE_I8:
        return 1;
    case TYPE_U16:
    case TYPE_I16:
        return 2;
    case TYPE_U64:
    case TYPE_I64:
        return 8;
    default:
        return 4;
    }
}

/* ---- making one ---- */

/* What the dynamic linker says. */
static const char *reason(void)
{
    const char *text = dlerror();

    return text ? text : "unknown";
}

/* A name without a slash is looked for in the present folder, too. */
static void *open_library(const char *name)
{
    char here[HOOK_NAME + 2] = "./";

    strcat(here, name);
    bool local = !strchr(name, '/') && access(here, R_OK) == 0;
    return dlopen(local ? here : name, RTLD_NOW | RTLD_LOCAL);
}

static bool make_copies(struct hook_callee *c, const struct hook_spec *spec)
{
    for (unsigned i = 0; i < spec->arg_count; i++) {
        const struct hook_arg *a = &spec->arg[i];
        size_t size = a->limit + 1 > COPY ? a->limit + 1 : COPY;
        bool points = a->type == TYPE_PTR || a->type == TYPE_STRING;
        c->types[i] = type_of(a->type);
        if (points && !(c->copy[i] = malloc(size)))
            return false;
    }
    return true;
}

struct hook_callee *hook_callee_new(const struct hook_spec *spec, struct error *err)
{
    struct hook_callee *c = calloc(1, sizeof *c);

    if (!c || !make_copies(c, spec)) {
        error_set(err, "no memory for a hook");
    } else if (!(c->library = open_library(spec->library))) {
        error_set(err, "the library %s cannot be loaded: %s", spec->library, reason());
    } else {
        void *symbol = dlsym(c->library, spec->function);
        memcpy(&c->function, &symbol, sizeof symbol);
        if (!symbol)
            error_set(err, "%s has no function '%s'", spec->library, spec->function);
        else if (ffi_prep_cif(&c->cif, FFI_DEFAULT_ABI, spec->arg_count, type_of(spec->result),
                              c->types) != FFI_OK)
            error_set(err, "libffi refuses the arguments of %s", spec->function);
        else
            return c;
    }
    hook_callee_free(c);
    return NULL;
}

void hook_callee_free(struct hook_callee *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < HOOK_ARGS; i++)
        free(c->copy[i]);
    if (c->library)
        dlclose(c->library);
    free(c);
}

/* ---- operands ---- */

static uint32_t register_value(const struct ringer_guest *g, const struct hook_register *r)
{
    static const enum ringer_register cr[] = {RINGER_CR0, RINGER_CR0, RINGER_CR2, RINGER_CR3,
                                              RINGER_CR4};
    enum ringer_register from = RINGER_EIP;

    if (r->kind == REG_GPR)
        from = (enum ringer_register)(RINGER_EAX + r->number);
    else if (r->kind == REG_SEG)
        from = (enum ringer_register)(RINGER_ES + r->number);
    else if (r->kind == REG_EFLAGS)
        from = RINGER_EFLAGS;
    else if (r->kind == REG_CR)
        from = cr[r->number];
    uint32_t value = ringer_guest_get(g, from) >> r->shift;
    return r->size == 4 ? value : value & ((1u << 8 * r->size) - 1);
}

/* Where the operand of A is. */
static uint32_t operand_address(const struct ringer_guest *g, const struct hook_arg *a)
{
    uint32_t offset = a->disp;
    bool stack = false, half = false;

    if (a->has_base) {
        offset += register_value(g, &a->base);
        half = a->base.size == 2;
        stack = a->base.number == ESP || a->base.number == EBP;
    }
    if (a->has_index)
        offset += register_value(g, &a->index) * a->scale;
    if (half)
        offset &= 0xFFFF;
    int segment = a->segment >= 0 ? a->segment : stack ? SEG_SS : SEG_DS;
    return ringer_guest_linear(g, (enum ringer_register)(RINGER_ES + segment), offset);
}

static uint64_t operand_value(const struct ringer_guest *g, const struct hook_arg *a)
{
    uint64_t value = 0;

    switch (a->kind) {
    case ARG_REGISTER:
        return register_value(g, &a->reg);
    case ARG_NUMBER:
        return a->number;
    case ARG_MEMORY:
        ringer_guest_read(g, operand_address(g, a), &value, size_of(a->type));
        return value;
    default:
        return 0;
    }
}

/* What a pointer in the guest points to: by the operand's segment, where it is a register with one;
 * what lies in memory points into DS. */
static uint32_t pointed(const struct ringer_guest *g, const struct hook_arg *a)
{
    int segment = a->kind == ARG_REGISTER && a->segment >= 0 ? a->segment : SEG_DS;

    return ringer_guest_linear(g, (enum ringer_register)(RINGER_ES + segment),
                               (uint32_t)operand_value(g, a));
}

union value {
    uint64_t number;
    void *pointer;
    ffi_arg result;
};

static void fill(struct hook_callee *c, unsigned i, const struct hook_arg *a,
                 struct ringer_guest *g, union value *v)
{
    v->number = 0;
    if (a->type == TYPE_GUEST) {
        v->pointer = g;
    } else if (a->type == TYPE_STRING) {
        ringer_guest_string(g, pointed(g, a), (char *)c->copy[i],
                            (a->limit ? a->limit : STRING_DEFAULT) + 1u);
        v->pointer = c->copy[i];
    } else if (a->type == TYPE_PTR) {
        size_t have = ringer_guest_read(g, pointed(g, a), c->copy[i], COPY);
        memset(c->copy[i] + have, 0, COPY - have);
        v->pointer = have ? c->copy[i] : NULL;
    } else {
        v->number = operand_value(g, a); /* little-endian: its low part is where libffi looks */
        if (a->kind == ARG_REGISTER && a->type == TYPE_I64) /* a register's sign */
            v->number = (uint64_t)(int64_t)((int32_t)(v->number << (32 - 8 * a->reg.size)) >>
                                            (32 - 8 * a->reg.size));
        else if (a->kind == ARG_REGISTER && a->type == TYPE_I32 && a->reg.size < 4)
            v->number = (uint32_t)((int32_t)(v->number << (32 - 8 * a->reg.size)) >>
                                   (32 - 8 * a->reg.size));
    }
}

static void put_result(struct ringer_guest *g, const struct hook_register *r, uint32_t value)
{
    enum ringer_register to =
        r->kind == REG_EIP ? RINGER_EIP : (enum ringer_register)(RINGER_EAX + r->number);
    uint32_t mask = (r->size == 4 ? ~0u : (1u << 8 * r->size) - 1) << r->shift;

    ringer_guest_set(g, to, (ringer_guest_get(g, to) & ~mask) | (value << r->shift & mask));
}

void hook_callee_call(struct hook_callee *c, const struct hook_spec *spec, struct ringer_guest *g)
{
    union value value[HOOK_ARGS], result = {0};
    void *at[HOOK_ARGS];

    for (unsigned i = 0; i < spec->arg_count; i++) {
        fill(c, i, &spec->arg[i], g, &value[i]);
        at[i] = &value[i];
    }
    ffi_call(&c->cif, c->function, &result, at);
    if (spec->has_result_reg)
        put_result(g, &spec->result_reg, (uint32_t)result.result);
}
