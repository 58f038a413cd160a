/* A builder of ACPI machine language (ACPI specification 2.0, chapter 17): terms are appended one
 * after the other; those with a length are opened and closed. */
#ifndef RINGER_BIOS_AML_H
#define RINGER_BIOS_AML_H

#include <stdbool.h>
#include <stdint.h>

enum { AML_ROOM = 8192 };

struct aml {
    uint32_t len;
    bool full; /* something did not fit */
    uint8_t data[AML_ROOM];
};

/* Opcodes; those above FFh have the prefix 5Bh. */
enum aml_op {
    AML_NAME = 0x08,
    AML_SCOPE = 0x10,
    AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12,
    AML_METHOD = 0x14,
    AML_ARG0 = 0x68,
    AML_STORE = 0x70,
    AML_AND = 0x7B,
    AML_OR = 0x7D,
    AML_CREATE_DWORD_FIELD = 0x8A,
    AML_LESS = 0x95,
    AML_IF = 0xA0,
    AML_RETURN = 0xA4,
    AML_REGION = 0x5B80,
    AML_FIELD = 0x5B81,
    AML_DEVICE = 0x5B82,
    AML_PROCESSOR = 0x5B83,
};

void aml_byte(struct aml *a, uint8_t v);
void aml_word(struct aml *a, uint16_t v);
void aml_dword(struct aml *a, uint32_t v);
void aml_op(struct aml *a, enum aml_op op);
void aml_int(struct aml *a, uint32_t v);
/* A path of four-letter names, "PCI0.ISA_.P40C", with a leading backslash for the root's. */
void aml_path(struct aml *a, const char *path);
/* Begin a term that has a length; END with what this returns. */
uint32_t aml_begin(struct aml *a, enum aml_op op);
void aml_end(struct aml *a, uint32_t start);

/* The common ones. */
uint32_t aml_begin_named(struct aml *a, enum aml_op op, const char *path); /* scope, device */
uint32_t aml_begin_method(struct aml *a, const char *name, unsigned args);
uint32_t aml_begin_package(struct aml *a, unsigned elements);
void aml_name(struct aml *a, const char *name); /* the object follows */
void aml_name_int(struct aml *a, const char *name, uint32_t v);
void aml_string(struct aml *a, const char *text);
void aml_name_eisa(struct aml *a, const char *name, const char *id); /* "PNP0A03" */
/* A unit of a field list, BITS wide. */
void aml_field_unit(struct aml *a, const char *name, unsigned bits);

/* Resource templates (6.4): a buffer that ends with an end tag. */
uint32_t aml_begin_resources(struct aml *a);
void aml_end_resources(struct aml *a, uint32_t start);
void aml_io(struct aml *a, uint16_t first, uint8_t count);
void aml_irq(struct aml *a, unsigned irq);
void aml_dma(struct aml *a, unsigned channel);
/* A range that a bridge passes on. */
enum aml_space { AML_MEMORY, AML_IO_PORTS, AML_BUSES };
void aml_window(struct aml *a, enum aml_space space, uint32_t first, uint32_t last);
/* BYTES of memory at BASE, read only. */
void aml_fixed_memory(struct aml *a, uint32_t base, uint32_t bytes);
/* Extended interrupts: level-triggered, active high, shared. */
void aml_interrupts(struct aml *a, const uint8_t *irqs, unsigned count);

#endif
