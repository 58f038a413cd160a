/* What --hook says: "PLACE=LIBRARY:FUNCTION(ARGUMENTS) -> TYPE REGISTER", read. */
#ifndef RINGER_VMM_HOOK_SPEC_H
#define RINGER_VMM_HOOK_SPEC_H

#include "ringer/error.h"
#include "translator/hook.h"

struct symbols;

enum { HOOK_ARGS = 16, HOOK_NAME = 256 };

enum hook_type {
    TYPE_NONE, /* not said: what the operand has */
    TYPE_U8, TYPE_I8, TYPE_U16, TYPE_I16, TYPE_U32, TYPE_I32, TYPE_U64, TYPE_I64,
    TYPE_PTR,    /* the address of a copy of what the value points to */
    TYPE_STRING, /* the same of a string that ends with NUL */
    TYPE_GUEST,  /* struct ringer_guest * */
    TYPE_VOID,
};

/* A register, or a part of one. */
struct hook_register {
    enum { REG_GPR, REG_SEG, REG_EIP, REG_EFLAGS, REG_CR } kind;
    uint8_t number, size, shift; /* SIZE in bytes from bit SHIFT on */
};

struct hook_arg {
    enum { ARG_REGISTER, ARG_NUMBER, ARG_MEMORY, ARG_GUEST } kind;
    enum hook_type type;
    struct hook_register reg; /* ARG_REGISTER */
    uint64_t number;          /* ARG_NUMBER */
    /* ARG_MEMORY: [segment:base + index*scale + disp] */
    bool has_base, has_index;
    struct hook_register base, index;
    uint8_t scale;
    uint32_t disp;
    int segment; /* enum seg_index, of the memory operand or of what a pointer points to; -1: DS or,
                    by ESP and EBP, SS */
    unsigned limit; /* TYPE_STRING: characters at most */
};

struct hook_spec {
    struct hook_key key;
    char place[HOOK_NAME];
    char library[HOOK_NAME], function[HOOK_NAME];
    struct hook_arg arg[HOOK_ARGS];
    unsigned arg_count;
    enum hook_type result;
    bool has_result_reg;
    struct hook_register result_reg;
};

/* PLACE of a hook; SYMBOLS (may be NULL) has the names.  False and ERR. */
bool hook_place_parse(const char *place, const struct symbols *symbols, struct hook_key *key,
                      struct error *err);
/* All of it.  Whether library and function are there is not looked at. */
bool hook_spec_parse(const char *text, const struct symbols *symbols, struct hook_spec *spec,
                     struct error *err);

#endif
