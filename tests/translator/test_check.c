/* The confinement checker: real blocks pass; of hand-made host code the harmless passes and every
 * kind of escape is refused, for the right reason. */
#include <check.h>
#include <string.h>

#include "cpu/segment.h"
#include "tests/translator/check_rig.h"
#include "translator/build.h"

static struct check_rig rig;

static void setup(void)
{
    check_rig_new(&rig);
}

static void teardown(void)
{
    check_rig_free(&rig);
}

/* ---- hand-made blocks ---- */

struct sample {
    struct emit e;
    struct tb *tb;
};

/* An empty block of which all entries are at its first byte. */
static struct sample begin(void)
{
    struct translator *t = rig.t;
    cache_flush(t);
    struct sample s = {.e = t->emit, .tb = &t->tbs[t->tb_count++]};
    *s.tb = (struct tb){.code = s.e.pos, .entry = s.e.pos, .body = s.e.pos,
                        .direct = s.e.pos, .direct_live = s.e.pos, .phys2 = ~0u,
                        .incoming = ~0u, .size = 1, .insns = 1, .valid = true,
                        .map = t->map_count, .map_count = 1};
    t->map[t->map_count++] = (struct fault_entry){.fixup = FIX_NONE};
    return s;
}

static void put(struct sample *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        emit8(&s->e, (uint8_t)bytes[i]);
}

/* mov r8d, 1; mov r11d, EXIT_NEXT; jmp leave */
static void put_leave(struct sample *s)
{
    emit_mov_imm(&s->e, R8, 1);
    emit_mov_imm(&s->e, R11, EXIT_CODE(EXIT_NEXT, 0));
    emit_jmp(&s->e, rig.t->stub_leave);
}

static bool verdict(struct sample *s, char *why, unsigned n)
{
    s->tb->code_end = s->e.pos;
    rig.t->emit.pos = s->e.pos;
    *why = 0;
    return check_block(rig.t, s->tb, why, n);
}

#define B(literal) literal, sizeof(literal) - 1

/* Code, and a part of the reason why it is refused; NULL: it is fine. */
struct body {
    const char *bytes;
    size_t n;
    const char *reason;
};

#define CUT    "\x89\xC9\x89\xF6\x89\xFF" /* mov ecx, ecx; mov esi, esi; mov edi, edi */
#define ACCESS "\x42\x8B\x44\x29\x04"     /* mov eax, [rcx+r13+4] */

static const struct body bodies[] = {
    /* the window */
    {B("\x41\x8B\x44\x0D\x04"), NULL},                     /* mov eax, [r13+rcx+4] */
    {B("\x42\x8B\x44\x29\x04"), NULL},                     /* mov eax, [rcx+r13+4] */
    {B("\x41\x89\x85\x00\x10\x00\x00"), NULL},             /* mov [r13+1000h], eax */
    {B("\x65\x8B\x44\x24\x04"), NULL},                     /* mov eax, gs:[rsp+4] */
    {B("\x65\x66\x89\x85\x00\x00\x00\x82"), NULL},         /* mov gs:[rbp-7E000000h], ax */
    {B("\x65\x66\x89\x85\x00\x00\x00\x80"), "guard"},      /* mov gs:[rbp-80000000h], ax */
    {B("\x42\x8B\x84\x29\x00\x00\x00\x7F"), "guard"},      /* mov eax, [rcx+r13+7F000000h] */
    {B("\x41\x8B\x85\x00\x00\x00\x7F"), NULL},             /* mov eax, [r13+7F000000h] */
    {B("\x65\x8B\x44\x0C\x04"), "prefixes"},               /* mov eax, gs:[rsp+rcx+4] */
    {B("\x65\x8B\x04\x4D\x04\x00\x00\x00"), "prefixes"},   /* mov eax, gs:[rcx*2+4] */
    {B("\x65\x8B\x04\x25\x04\x00\x00\x00"), "prefixes"},   /* mov eax, gs:[4] */
    {B("\x65\x8B\x05\x04\x00\x00\x00"), "prefixes"},       /* mov eax, gs:[rip+4] */
    {B("\x65\x41\x8B\x45\x04"), "prefixes"},               /* mov eax, gs:[r13+4] */
    {B("\x65\x8D\x44\x24\x04"), "prefixes"},               /* lea eax, gs:[rsp+4] */
    {B("\x65\x48\x8B\x44\x24\x04"), "64-bit"},             /* mov rax, gs:[rsp+4] */
    {B("\x65\x0F\xAB\x8C\x24\xFF\xFF\xFF\x7F"), "guard"},  /* bts gs:[rsp+7FFFFFFFh], ecx */
    {B("\x65\x67\x89\x44\x8B\x04"), NULL},                 /* mov gs:[ebx+ecx*4+4], eax */
    {B("\x65\x67\xD7"), NULL},                             /* xlat gs:[ebx] */
    {B("\x8B\x01"), "memory operand"},                     /* mov eax, [rcx] */
    {B("\x65\x8B\x01"), NULL},                             /* mov eax, gs:[rcx] */
    {B("\x65\x41\x8B\x00"), "prefixes"},                   /* mov eax, gs:[r8] */
    {B("\x67\x8B\x01"), "prefixes"},                       /* mov eax, [ecx] */
    {B("\x64\x67\x8B\x01"), "no place"},                   /* mov eax, fs:[ecx] */
    {B("\x41\x8B\x44\x4D\x04"), "memory operand"},         /* mov eax, [r13+rcx*2+4] */
    {B("\x43\x8B\x04\x28"), "scratch register"},           /* mov eax, [r8+r13], r8 unset */
    {B("\x41\x89\xC8\x43\x8B\x04\x28"), NULL},             /* the same with r8d = ecx */
    {B("\x43\x8B\x04\x2A"), "memory operand"},             /* mov eax, [r10+r13] */
    {B("\x8B\x04\x25\x00\x10\x00\x00"), "memory operand"}, /* mov eax, [1000h] */
    {B("\x8B\x05\x00\x00\x00\x00"), "runtime area"},       /* mov eax, [rip] */
    {B("\xD7"), "prefixes"},                               /* xlat */
    {B("\x41\x0F\xAB\x8C\x05\xFF\xFF\xFF\x7F"), "guard"},  /* bts [r13+rax+7FFFFFFFh], ecx */
    {B("\x41\x0F\xAB\x4C\x05\x10"), NULL},
    /* registers */
    {B("\x48\x01\xC8"), "64-bit"},                   /* add rax, rcx */
    {B("\x48\x89\xC8"), "64-bit"},                   /* mov rax, rcx */
    {B("\x4D\x89\xE8"), "r12..r15"},                 /* mov r8, r13 */
    {B("\x44\x89\xE8"), "r12..r15"},                 /* mov eax, r13d */
    {B("\x41\xBD\x00\x00\x00\x00"), "r12..r15"},     /* mov r13d, 0 */
    {B("\x41\x01\xC0"), "r8..r15"},                  /* add r8d, eax */
    {B("\x44\x89\xC0"), "scratch register"},         /* mov eax, r8d, unset */
    {B("\x4D\x8B\x0C\x24"), "64-bit"},               /* mov r9, [r12] */
    {B("\x41\x8D\x45\x04"), "r12..r15"},             /* lea eax, [r13+4] */
    {B("\x41\x88\x64\x0D\x00"), "high byte"},        /* mov [r13+rcx], ah would be spl */
    {B("\x83\xC4\x10"), NULL},                       /* add esp, 16 */
    {B("\x8D\x64\x24\xFC"), NULL},                   /* lea esp, [rsp-4] */
    {B("\x8D\x05\x00\x00\x00\x00"), "host address"}, /* lea eax, [rip] */
    {B("\x48\x8D\x05\x00\x00\x00\x00"), "host address"},
    {B("\xC4\x43\x7B\xF0\xC8\x10"), "names one of r8..r15"}, /* rorx r9d, r8d, 16 */
    {B("\xC4\x43\xFB\xF0\xC8\x10"), "64-bit"},               /* rorx r9, r8, 16 */
    {B("\xC4\xE3\x7B\xF0\xC8\x10"), NULL},                   /* rorx ecx, eax, 16 */
    {B("\xC4\xE3\xFB\xF0\xC8\x10"), "64-bit"},               /* rorx rcx, rax, 16 */
    {B("\xC4\xE2\x78\xF2\x03"), "outside"},                  /* andn eax, eax, [rbx] */
    {B("\xC4\xA2\x78\xF2\x04\x2B"), NULL},                   /* andn eax, eax, [rbx + r13] */
    {B("\x65\x67\xC4\xE2\x78\xF2\x03"), NULL},               /* andn eax, eax, gs:[ebx] */
    {B("\xC4\xE2\x38\xF2\xC0"), "r8..r15"},                  /* andn eax, r8d, eax */
    {B("\xC4\xE2\xF8\xF2\xC0"), "64-bit"},                   /* andn rax, rax, rax */
    {B("\x66\xC4\xE2\x78\xF2\xC0"), "prefixes"},
    {B("\xC4\xE1\x7B\x92\xC0"), "no place"}, /* kmovd k0, eax */
    {B("\xC4\xE2\x78\x49\x03"), "no place"}, /* ldtilecfg */
    /* the stack */
    {B("\x50"), "no place"},        /* push rax */
    {B("\x41\x51"), "guest's rsp"}, /* push r9 */
    {B("\x9C"), "guest's rsp"},     /* pushfq */
    {B("\x9D"), "guest's rsp"},     /* popfq */
    {B("\xC9"), "no place"},        /* leave */
    {B("\xC3"), "no place"},        /* ret */
    {B("\xE8\x00\x00\x00\x00"), "no place"},
    /* the forbidden */
    {B("\x8E\xD8"), "no place"},     /* mov ds, ax */
    {B("\x0F\xA1"), "no place"},     /* pop fs */
    {B("\x0F\xB4\x01"), "no place"}, /* lfs */
    {B("\x0F\x05"), "no place"},     /* syscall */
    {B("\x0F\x34"), "no place"},     /* sysenter */
    {B("\xCD\x80"), "no place"},
    {B("\xCC"), "no place"},
    {B("\xCF"), "no place"},                     /* iret */
    {B("\xCB"), "no place"},                     /* retf */
    {B("\xEC"), "no place"},                     /* in */
    {B("\x6E"), "no place"},                     /* outs */
    {B("\xF4"), "no place"},                     /* hlt */
    {B("\xFA"), "no place"},                     /* cli */
    {B("\x0F\x30"), "no place"},                 /* wrmsr */
    {B("\x0F\x31"), "no place"},                 /* rdtsc */
    {B("\x0F\xA2"), "no place"},                 /* cpuid */
    {B("\x0F\x01\xD0"), "no place"},             /* xgetbv */
    {B("\x0F\x01\xEF"), "no place"},             /* wrpkru */
    {B("\xF3\x0F\xAE\xD0"), "no place"},         /* wrfsbase */
    {B("\x0F\x22\xC0"), "no place"},             /* mov cr0, rax */
    {B("\xC7\xF8\x00\x00\x00\x00"), "no place"}, /* xbegin */
    {B("\x0F\xF7\xC1"), "prefixes"},             /* maskmovq */
    {B("\xC5\xF8\x77"), "state"},                /* vzeroupper, without the guest's */
    {B("\xF0\x41\x0F\xAB\x4D\x00"), "no place"},
    {B("\x66\x66\x90"), "repeats"},
    {B("\xFF\xE0"), "permitted form"},   /* jmp rax */
    {B("\x41\xFF\x65\x00"), "no place"}, /* jmp [r13] */
    {B("\xEB\x00"), "no place"},
    /* string instructions */
    {B("\xA4"), "base added"},
    {B("\x89\xF6\x4A\x8D\x34\x2E\x89\xFF\x4A\x8D\x3C\x2F\xA4\x89\xF6\x89\xFF"), NULL},
    {B(CUT "\x4A\x8D\x34\x2E\x4A\x8D\x3C\x2F\xF3\xA4\x89\xF6\x89\xFF"), NULL},
    {B(CUT "\x4A\x8D\x3C\x2F\xF3\xA4\x89\xFF"), "base added"},
    {B(CUT "\x4A\x8D\x3C\x2F\xF3\xAA"), "stands between"},
    {B(CUT "\x4A\x8D\x3C\x2F\x89\xF8\x89\xFF"), "stands between"},
    {B(CUT "\x4A\x8D\x3C\x2F\x4A\x8D\x3C\x2F"), "not provided"},
    {B("\x4A\x8D\x3C\x2F\xAA\x89\xFF"), "beyond 4 GiB"},             /* EDI not cut */
    {B("\x89\xFF\x4A\x8D\x3C\x2F\xF3\xAA\x89\xFF"), "beyond 4 GiB"}, /* nor ECX */
    {B("\x66\x89\xFF\x4A\x8D\x3C\x2F\xAA\x89\xFF"), "beyond 4 GiB"}, /* 16 bits of EDI */
    {B("\x67\xAA"), "prefixes"},
    /* one element; the direction of string instructions */
    {B("\x41\x89\xF2\x45\x88\x54\x3D\x00"), NULL}, /* mov r10d, esi; mov [r13+rdi], r10b */
    {B("\x45\x88\x54\x3D\x00"), "scratch register"},
    {B("\x41\x88\xC2"), "quarter"},                  /* mov r10b, al */
    {B("\x45\x3A\x54\x3D\x00"), "scratch register"}, /* cmp r10b, [r13+rdi] */
    {B("\x45\x8A\x54\x3D\x00"), "r8..r15"},          /* mov r10b, [r13+rdi] */
    /* the FPU */
    {B("\xD9\xE8"), "host's x87"}, /* fld1 */
    {B("\x41\x0F\x58\x45\x00"), "host's x87"},
    {B("\x41\xDD\x75\x00"), "no place"}, /* fnsave */
    /* jumps */
    {B("\xE9\x00\x00\x00\x00"), NULL},
    {B("\x0F\x84\x01\x00\x00\x00"), "no instruction begins"},
    {B("\xE9\x00\x00\x10\x00"), "goes to"},
    {B("\xE3\x7F"), "beyond 4 GiB"},
    {B("\x89\xC9\xE3\x7F"), "goes to"},
    /* additions in 64 bits: rcx, behind mov eax, [rcx+r13+4] or before it */
    {B(ACCESS "\x48\x83\xC1\x01"), NULL},         /* add rcx, 1 */
    {B(ACCESS "\x48\x83\xE9\x80"), NULL},         /* sub rcx, -128 */
    {B(ACCESS "\x48\xFF\xC1\x48\xFF\xC9"), NULL}, /* inc rcx; dec rcx */
    {B("\x48\xFF\xC1" ACCESS), NULL},
    {B("\x48\xFF\xC1"), "too far"},
    {B(ACCESS "\x48\xFF\xC2"), "too far"},                          /* inc rdx */
    {B("\x48\xFF\xC1\x0F\x84\x05\x00\x00\x00" ACCESS), "too far"},  /* jz between them */
    {B("\x42\x8B\x84\x29\x04\x10\x00\x00\x48\xFF\xC1"), "too far"}, /* mov eax, [rcx+r13+1004h] */
    {B("\x65\x67\x8B\x41\x04\x48\xFF\xC1"), "too far"},             /* mov eax, gs:[ecx+4] */
    {B("\x42\x0F\xA3\x44\x29\x04\x48\xFF\xC1"), "too far"},         /* bt [rcx+r13+4], eax */
    {B("\xC4\xA2\x78\xF2\x04\x29\x48\xFF\xC1"), "too far"},         /* andn eax, eax, [rcx+r13] */
    {B("\x89\xD1\x48\xFF\xC1"), NULL},                              /* mov ecx, edx */
    {B(ACCESS "\x48\x8D\x51\x7F"), NULL},                           /* lea rdx, [rcx+127] */
    {B("\x48\x8D\x51\x7F"), "too far"},
    {B("\x48\x8D\x54\x24\x10"), NULL},                          /* lea rdx, [rsp+16] */
    {B(ACCESS "\x48\x8D\x91\x00\x01\x00\x00"), "not provided"}, /* lea rdx, [rcx+256] */
    {B(ACCESS "\x48\x8D\x14\x11"), "not provided"},             /* lea rdx, [rcx+rdx] */
    {B("\x48\x8D\x64\x24\x10"), "not provided"},                /* lea rsp, [rsp+16] */
    {B("\x48\x83\xC4\x10"), "64-bit"},                          /* add rsp, 16 */
    {B("\x48\xFF\xC4"), "64-bit"},                              /* inc rsp */
    {B(ACCESS "\x48\x83\xD1\x01"), "64-bit"},                   /* adc rcx, 1 */
    {B(ACCESS "\x48\x81\xC1\x01\x00\x00\x00"), "64-bit"},       /* add rcx, imm32 */
    {B("\x4A\x83\x44\x29\x04\x01"), "64-bit"},                  /* add qword [rcx+r13+4], 1 */
    {B("\x49\xFF\xC0"), "r8..r15"},                             /* inc r8 */
    {B(ACCESS "\x89\xC9\xE3\x00"), NULL},                       /* mov ecx, ecx; jrcxz */
    {B(ACCESS "\x48\xFF\xC1\xE3\x00"), "beyond 4 GiB"},
    {B("\x67\xE3\x00"), "prefixes"},
};

/* mov r9, [counter + DISPLACED]; lea r9, [r9 + ADDED]; mov [counter + STORED], r9, the counter being
 * that of block SLOT, from the start of the counters if it is positive, else from their end. */
static bool counts(int slot, int displaced, int added, int stored, char *why, unsigned n)
{
    struct sample s = begin();
    struct translator *t = rig.t;
    int64_t at = (slot > 0 ? slot : (int64_t)t->tb_max + slot) * 8;
    int64_t base = (int64_t)((uintptr_t)t->counts.executions - (uintptr_t)t->rx) + at;

    put(&s, B("\x4C\x8B\x0D"));
    emit32(&s.e, (uint32_t)(base + displaced - s.e.pos - 4));
    put(&s, B("\x4D\x8D\x49"));
    emit8(&s.e, (uint8_t)added);
    put(&s, B("\x4C\x89\x0D"));
    emit32(&s.e, (uint32_t)(base + stored - s.e.pos - 4));
    put_leave(&s);
    return verdict(&s, why, n);
}

/* A block adds one to its own counter and to those of jumps, and does nothing else with them. */
START_TEST(counters)
{
    char why[200];

    ck_assert_msg(counts(1, 0, 1, 0, why, sizeof why), "%s", why); /* begin()'s block is 1 */
    for (int jump = 1; jump <= JUMP_COUNTS; jump++)
        ck_assert_msg(counts(-jump, 0, 1, 0, why, sizeof why), "%s", why);
    ck_assert(!counts(2, 0, 1, 0, why, sizeof why)); /* another block's */
    ck_assert(!counts(-JUMP_COUNTS - 1, 0, 1, 0, why, sizeof why));
    ck_assert(!counts(1, 0, 1, 8, why, sizeof why)); /* its own into another's */
    ck_assert(!counts(1, 8, 1, 0, why, sizeof why)); /* another's into its own */
    ck_assert(!counts(-1, 0, 1, -8, why, sizeof why)); /* one jump's into another's */
    ck_assert_ptr_nonnull(strstr(why, "something else than its count"));
    ck_assert(!counts(1, 0, 2, 0, why, sizeof why)); /* two */
    ck_assert(!counts(1, 0, -1, 0, why, sizeof why));
    ck_assert(!counts(1, 4, 1, 4, why, sizeof why)); /* across two */
    ck_assert(!counts(-1, 8, 1, 8, why, sizeof why)); /* behind the last: the runtime area */
}
END_TEST

START_TEST(test_body)
{
    const struct body *b = &bodies[_i];
    char why[200];
    struct sample s = begin();
    put(&s, b->bytes, b->n);
    put_leave(&s);
    bool ok = verdict(&s, why, sizeof why);
    ck_assert_msg(ok == !b->reason, "sample %d: %s", _i, why);
    if (b->reason)
        ck_assert_msg(strstr(why, b->reason) != NULL, "sample %d: %s, not %s", _i, why, b->reason);
}
END_TEST

static void expect(struct sample *s, const char *reason)
{
    char why[200];
    bool ok = verdict(s, why, sizeof why);
    ck_assert_msg(ok == !reason, "%s", ok ? "passes" : why);
    if (reason)
        ck_assert_msg(strstr(why, reason) != NULL, "%s, not %s", why, reason);
}

/* ---- CPU state, limits, jump table ---- */

#define OFF(field) ((int32_t)offsetof(struct cpu, field))

START_TEST(test_cpu_state)
{
    static const struct {
        int32_t offset;
        bool readable;
    } fields[] = {{OFF(iflag), true},      {OFF(flags_sys), true}, {OFF(event), true},
                  {OFF(seg[2].base), true}, {OFF(string_step), true}, {OFF(cr0), false},
                  {OFF(mmu), false},
                  {OFF(iflag) + 1, false},  {-8, false},            {OFF(gpr), false},
                  {(int32_t)sizeof(struct cpu), false}};
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct sample s = begin();
        emit_load(&s.e, R9, R_CPU, fields[i].offset);
        put_leave(&s);
        expect(&s, fields[i].readable ? NULL : "foreign CPU field");
    }
}
END_TEST

static void store_flag(int32_t offset, uint32_t imm, const char *reason)
{
    struct sample s = begin();
    emit_store_imm(&s.e, 4, R_CPU, R_NONE, offset, imm);
    put_leave(&s);
    expect(&s, reason);
}

START_TEST(test_cpu_stores)
{
    store_flag(OFF(iflag), 0, NULL);
    store_flag(OFF(iflag), FLAG_IF, NULL);
    store_flag(OFF(iflag), 1, "something else than IF");
    store_flag(OFF(string_step), 1, NULL);
    store_flag(OFF(string_step), ~0u, NULL);
    store_flag(OFF(string_step), 2, "neither up nor down");
    store_flag(OFF(event), 0, "writes CPU state");
    store_flag(OFF(seg[0].base), 0, "writes CPU state");
    struct sample s = begin();
    emit_store(&s.e, R_CPU, OFF(iflag), RAX);
    put_leave(&s);
    expect(&s, "something else than IF");
}
END_TEST

/* mov r9, [r15 + FIELD]; movzx r9d, byte [r9 + r8 + disp] */
static struct sample limit_check(int32_t field, bool offset_set, uint32_t disp)
{
    struct sample s = begin();
    if (offset_set)
        emit_lea(&s.e, R8, RBX, RSI, 4);
    emit_op_mem(&s.e, true, 0x8B, R9, R_CPU, R_NONE, field);
    put(&s, B("\x47\x0F\xB6\x8C\x01"));
    emit32(&s.e, disp);
    return s;
}

START_TEST(test_limit_check)
{
    struct sample s = limit_check(OFF(seg[3].read_check), true, 3);
    put_leave(&s);
    expect(&s, NULL);
    s = limit_check(OFF(seg[3].write_check), false, 3);
    put_leave(&s);
    expect(&s, "32-bit number");
    s = limit_check(OFF(mmu), true, 3);
    put_leave(&s);
    expect(&s, "no check pointer");
    s = limit_check(OFF(seg[3].read_check), true, 0x100000);
    put_leave(&s);
    expect(&s, "no limit check");
    s = begin(); /* through a number instead */
    emit_mov(&s.e, R8, RAX);
    emit_mov(&s.e, R9, RCX);
    put(&s, B("\x47\x0F\xB6\x0C\x01"));
    put_leave(&s);
    expect(&s, "no check pointer");
    s = begin(); /* a check pointer shown to the guest */
    emit_op_mem(&s.e, true, 0x8B, R9, R_CPU, R_NONE, OFF(seg[3].read_check));
    emit_mov(&s.e, RAX, R9);
    put_leave(&s);
    expect(&s, "32-bit number");
}
END_TEST

/* lea TARGET, [ENTRY + r14]; jmp TARGET */
static void put_jump_by(struct sample *s, unsigned target, unsigned entry)
{
    emit_op_mem(&s->e, true, 0x8D, target, entry, R_CODE, 0);
    put(s, B("\x41\xFF"));
    emit8(&s->e, (uint8_t)(0xE0 | (target & 7)));
}

static void put_table_jump(struct sample *s)
{
    put_jump_by(s, R9, R9);
}

#define LOAD_ENTRY B("\x47\x8B\x0C\x84") /* mov r9d, [r12 + r8*4] */

/* ---- bases of windows ---- */

/* mov eax, [r10 + r8] */
static void use_reach(struct sample *s, const char *reason)
{
    put(s, B("\x43\x8B\x04\x02"));
    put_leave(s);
    expect(s, reason);
}

/* r8d = ecx; r9d = BITS bits of it; r10 = [r15 + r9*8 + FIELD] */
static struct sample load_base(unsigned bits, int32_t field)
{
    struct sample s = begin();
    emit_mov(&s.e, R8, RCX);
    emit_mov(&s.e, R9, RCX);
    if (bits < 32) { /* and r9d, imm32 */
        put(&s, B("\x41\x81\xE1"));
        emit32(&s.e, (1u << bits) - 1);
    }
    put(&s, B("\x4F\x8B\x94\xCF"));
    emit32(&s.e, (uint32_t)field);
    return s;
}

START_TEST(test_reach)
{
    struct sample s = begin();
    emit_lea(&s.e, R8, RBX, RSI, 4);
    emit_reach(&s.e, R10, R8);
    use_reach(&s, NULL);
    s = load_base(1, OFF(reach.base));
    use_reach(&s, NULL);
    s = load_base(2, OFF(reach.base));
    use_reach(&s, "beyond the bases");
    s = load_base(32, OFF(reach.base));
    use_reach(&s, "beyond the bases");
    s = load_base(1, OFF(reach.base) + 8);
    use_reach(&s, "not provided for");
    s = load_base(1, OFF(mmu));
    use_reach(&s, "not provided for");
    s = begin(); /* a number for a base */
    emit_mov(&s.e, R8, RCX);
    emit_mov(&s.e, R10, RCX);
    use_reach(&s, "no window's base");
    s = load_base(1, OFF(reach.base)); /* mov eax, r10d */
    put(&s, B("\x44\x89\xD0"));
    put_leave(&s);
    expect(&s, "no 32-bit number");
    s = begin(); /* movzx r9d, byte [r15 + r9 + reach.user], of all 32 bits */
    emit_mov(&s.e, R9, RCX);
    put(&s, B("\x47\x0F\xB6\x8C\x0F"));
    emit32(&s.e, (uint32_t)OFF(reach.user));
    put_leave(&s);
    expect(&s, "beyond the bases");
}
END_TEST

START_TEST(test_reach_string)
{
    struct sample s = begin();
    emit_reach(&s.e, R11, RDI);
    /* lea rdi, [rdi+r11]; rep stosb; mov edi, edi */
    put(&s, B(CUT "\x4A\x8D\x3C\x1F\xF3\xAA\x8B\xFF"));
    put_leave(&s);
    expect(&s, NULL);
    s = begin();
    emit_mov(&s.e, R11, RCX);
    put(&s, B(CUT "\x4A\x8D\x3C\x1F\xF3\xAA\x8B\xFF"));
    put_leave(&s);
    expect(&s, "host address of a kind");
}
END_TEST

START_TEST(test_table_jump)
{
    struct sample s = begin();
    emit_mov(&s.e, R8, RAX);
    put(&s, LOAD_ENTRY);
    put_table_jump(&s);
    expect(&s, NULL);
    for (unsigned target = R9; target <= R11; target++) {
        s = begin();
        emit_mov(&s.e, R8, RAX);
        put(&s, LOAD_ENTRY);
        put_jump_by(&s, target, R9);
        expect(&s, NULL);
    }
    s = begin(); /* by the register that does not hold the address */
    emit_mov(&s.e, R8, RAX);
    put(&s, LOAD_ENTRY);
    emit_op_mem(&s.e, true, 0x8D, R11, R9, R_CODE, 0);
    put(&s, B("\x41\xFF\xE1"));
    expect(&s, "no entry of the jump table");
    s = begin(); /* twice the cache's base */
    emit_mov(&s.e, R8, RAX);
    emit_op_mem(&s.e, true, 0x8D, R9, R_CODE, R_CODE, 0);
    put(&s, B("\x41\xFF\xE1"));
    expect(&s, "no table entry");
    s = begin(); /* by another index */
    emit_mov(&s.e, R8, RAX);
    put(&s, B("\x47\x8B\x0C\x94")); /* mov r9d, [r12 + r10*4] */
    put_table_jump(&s);
    expect(&s, "outside window");
    s = begin(); /* beyond its end */
    emit_mov(&s.e, R8, RAX);
    put(&s, B("\x47\x8B\x4C\x84\x04")); /* mov r9d, [r12 + r8*4 + 4] */
    put_table_jump(&s);
    expect(&s, "outside window");
    s = begin(); /* a number of the guest's as an entry */
    emit_mov(&s.e, R8, RAX);
    emit_mov(&s.e, R9, RCX);
    put_table_jump(&s);
    expect(&s, "no table entry");
    s = begin(); /* an entry without the cache's base */
    emit_mov(&s.e, R8, RAX);
    put(&s, LOAD_ENTRY);
    put(&s, B("\x41\xFF\xE1"));
    expect(&s, "no entry of the jump table");
    s = begin(); /* no EIP to look up */
    put(&s, LOAD_ENTRY);
    put_table_jump(&s);
    expect(&s, "no load from the jump table");
    s = begin(); /* stores to the table */
    emit_mov(&s.e, R8, RAX);
    put(&s, B("\x43\x89\x04\x84")); /* mov [r12 + r8*4], eax */
    put_leave(&s);
    expect(&s, "no load from the jump table");
}
END_TEST

/* ---- the host's stack ---- */

static void put_host_rsp(struct sample *s, int32_t field)
{
    put(s, B("\x48\x8B\x25"));
    emit32(&s->e, (uint32_t)(field - RUNTIME_SIZE) - (s->e.pos + 4));
}

enum { HOST_RSP = offsetof(struct runtime, host_rsp) };

START_TEST(test_pushf)
{
    struct sample s = begin();
    emit_mov(&s.e, R10, RSP);
    put_host_rsp(&s, HOST_RSP);
    put(&s, B("\x9C\x41\x59"));
    emit_mov(&s.e, RSP, R10);
    put_leave(&s);
    expect(&s, NULL);
    s = begin(); /* another field of the runtime area */
    emit_mov(&s.e, R10, RSP);
    put_host_rsp(&s, HOST_RSP + 8);
    emit_mov(&s.e, RSP, R10);
    put_leave(&s);
    expect(&s, "something else than the host's");
    s = begin(); /* leaving on the host's stack */
    put_host_rsp(&s, HOST_RSP);
    put_leave(&s);
    expect(&s, "runs on the host's stack");
    s = begin(); /* the word stays */
    emit_mov(&s.e, R10, RSP);
    put_host_rsp(&s, HOST_RSP);
    put(&s, B("\x9C"));
    emit_mov(&s.e, RSP, R10);
    put_leave(&s);
    expect(&s, "runs on the host's stack");
    s = begin(); /* guest memory while RSP is the host's */
    emit_mov(&s.e, R10, RSP);
    put_host_rsp(&s, HOST_RSP);
    emit_op_mem(&s.e, false, 0x8B, RAX, RSP, R_WINDOW, 0);
    emit_mov(&s.e, RSP, R10);
    put_leave(&s);
    expect(&s, "runs on the host's stack");
}
END_TEST

static struct sample popf(uint32_t mask)
{
    struct sample s = begin();
    emit_mov(&s.e, R9, RAX);
    emit_mov(&s.e, R11, RSP);
    put(&s, B("\x41\x81\xE1")); /* and r9d, mask */
    emit32(&s.e, mask);
    put_host_rsp(&s, HOST_RSP);
    put(&s, B("\x41\x51\x9D"));
    emit_mov(&s.e, RSP, R11);
    put_leave(&s);
    return s;
}

START_TEST(test_popf)
{
    struct sample s = popf(FLAGS_HOST);
    expect(&s, NULL);
    s = popf(FLAGS_HOST | FLAG_TF);
    expect(&s, "flags other than");
    s = popf(FLAGS_HOST | FLAG_AC);
    expect(&s, "flags other than");
}
END_TEST

/* ---- ways out ---- */

START_TEST(test_exit_codes)
{
    static const struct {
        uint32_t code;
        const char *reason;
    } codes[] = {
        {EXIT_CODE(EXIT_NEXT, 0), NULL},           {EXIT_CODE(EXIT_INSN, 0), "site 0"},
        {EXIT_CODE(EXIT_RAISE, 9), "site 9"},      {EXIT_CODE(EXIT_CHAIN, 2), "not its own"},
        {EXIT_CODE(EXIT_FAULT, 0), "exit code"},   {EXIT_CODE(EXIT_KICKED, 0), "exit code"},
        {EXIT_CODE(EXIT_STEPPED, 0), "exit code"}, {0xFFFFFFFF, "exit code"},
    };
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct sample s = begin();
        emit_mov_imm(&s.e, R8, 1);
        emit_mov_imm(&s.e, R11, codes[i].code);
        emit_jmp(&s.e, rig.t->stub_leave);
        expect(&s, codes[i].reason);
    }
    struct sample s = begin();
    emit_jmp(&s.e, rig.t->stub_leave);
    expect(&s, "without an exit code");
    s = begin();
    emit_mov_imm(&s.e, R11, EXIT_CODE(EXIT_NEXT, 0));
    emit_jmp(&s.e, rig.t->stub_leave);
    s.tb->entry = s.tb->code;
    expect(&s, "without the guest's EIP");
}
END_TEST

START_TEST(test_ends)
{
    struct sample s = begin();
    put(&s, B("\x90"));
    expect(&s, "runs off the end");
    s = begin();
    put(&s, B("\x0F\x84\x00\x00\x00\x00"));
    expect(&s, "goes to");
    s = begin();
    put(&s, B("\x81\xC0\x00"));
    expect(&s, "cut off");
    s = begin();
    emit_jmp(&s.e, rig.t->stub_enter);
    expect(&s, "goes to cache offset");
    s = begin();
    emit_jmp(&s.e, rig.t->stub_leave + 1);
    expect(&s, "goes to cache offset");
}
END_TEST

/* One path sets r8, the other does not. */
START_TEST(test_join)
{
    struct sample s = begin();
    uint32_t skip = emit_jcc(&s.e, 4, 0);
    emit_mov(&s.e, R8, RCX);
    emit_patch32(&s.e, skip, s.e.pos);
    put(&s, B("\x43\x8B\x04\x28")); /* mov eax, [r8 + r13] */
    put_leave(&s);
    expect(&s, "32-bit number");
    s = begin();
    emit_mov(&s.e, R8, RAX);
    skip = emit_jcc(&s.e, 4, 0);
    emit_mov(&s.e, R8, RCX);
    emit_patch32(&s.e, skip, s.e.pos);
    put(&s, B("\x43\x8B\x04\x28"));
    put_leave(&s);
    expect(&s, NULL);
    s = begin();
    emit_mov(&s.e, R10, RSP);
    skip = emit_jcc(&s.e, 4, 0);
    put_host_rsp(&s, HOST_RSP);
    emit_patch32(&s.e, skip, s.e.pos);
    emit_mov(&s.e, RSP, R10);
    put_leave(&s);
    expect(&s, "different stacks");
}
END_TEST

/* An endless loop inside the block is confined; code nobody reaches need only be decodable. */
START_TEST(test_loop)
{
    struct sample s = begin();
    emit_jmp(&s.e, s.tb->code);
    expect(&s, NULL);
}
END_TEST

/* ---- real blocks ---- */

static struct tb *translate(uint32_t eip, const char *bytes, size_t n, bool flat, uint32_t more)
{
    struct cpu *cpu = rig.cpu;
    cpu_reset(cpu);
    cpu->cr4 |= CR4_OSFXSR;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        if (flat)
            cpu_set_flat_segment(cpu, (enum seg_index)s, 8, s == SEG_CS);
        else
            cpu_set_real_segment(cpu, (enum seg_index)s, 0, false);
    if (flat)
        cpu->cr0 |= CR0_PE;
    cpu_refresh_checks(cpu);
    cpu->eip = eip;
    phys_write(rig.phys, eip, bytes, (uint32_t)n);
    struct tb *tb = check_rig_block(&rig, more);
    ck_assert_ptr_nonnull(tb);
    return tb;
}

static const struct {
    const char *bytes;
    size_t n;
} guest[] = {
    {B("\x8B\x44\x98\x10\x01\x03\xFF\x30\x8F\x00\x60\x61\xC9\xC3")},
    {B("\xF3\xA5\xAA\x66\xAB\xAE\xF2\xA6\xEB\xFE")},
    {B("\x9C\x9D\xFA\xFB\x9C\x9D\xEB\xFE")},
    {B("\xD9\xE8\xDD\x1B\x0F\x58\x01\x0F\x6F\x06\x74\x10")},
    {B("\xE2\xFE\xE0\x10\xE3\x05")},
    {B("\xE8\x00\x10\x00\x00")},
    {B("\xFF\x13")},
    {B("\x88\x27\xA2\x34\x12\x34\x12\xD7\x0F\xAB\x0B\x0F\xC7\x0B\xF4")},
    {B("\x66\x8F\x03\x66\x50\x66\x58\x5C\x54\xCD\x10")},
};

START_TEST(test_real_blocks)
{
    char why[200];
    for (unsigned mode = 0; mode < 4; mode++) {
        struct tb *tb = translate(0x1000, guest[_i].bytes, guest[_i].n, mode & 1,
                                  mode & 2 ? MODE_ONE : 0);
        ck_assert_msg(check_block(rig.t, tb, why, sizeof why), "mode %u: %s", mode, why);
    }
}
END_TEST

START_TEST(test_links)
{
    char why[200];
    struct tb *a = translate(0x1000, B("\x75\x10\xEB\xFE"), true, 0);
    struct tb *fpu = translate(0x1012, B("\xD9\xE8\xEB\xFE\xF4"), true, 0);
    cache_link(rig.t, a, 0, fpu);
    ck_assert_uint_ne(a->exits[0].link, TB_NONE);
    ck_assert_msg(check_block(rig.t, a, why, sizeof why), "%s", why);
    uint32_t rel;
    memcpy(&rel, rig.t->rw + a->exits[0].patch, 4);
    rel += fpu->direct_live - fpu->direct; /* the entry that takes the FPU for loaded */
    memcpy(rig.t->rw + a->exits[0].patch, &rel, 4);
    ck_assert(!check_block(rig.t, a, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "goes to cache offset"));
    rel -= fpu->direct_live - fpu->direct;
    memcpy(rig.t->rw + a->exits[0].patch, &rel, 4);
    fpu->valid = false;
    ck_assert(!check_block(rig.t, a, why, sizeof why));
    fpu->valid = true;
}
END_TEST

/* A block that does without the FPU's load is refused; so is a wrong fault map. */
START_TEST(test_bookkeeping)
{
    char why[200];
    struct tb *tb = translate(0x1000, B("\xD9\xE8\x8B\x03\x8B\x01\xF4"), true, 0);
    ck_assert_msg(check_block(rig.t, tb, why, sizeof why), "%s", why);
    memset(rig.t->rw + tb->direct, 0x90, tb->direct_live - tb->direct);
    ck_assert(!check_block(rig.t, tb, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "host's x87"));
    tb = translate(0x1000, B("\x89\x03\x8B\x03\x8B\x01\xF4"), true, 0);
    rig.t->map[tb->map + 2].guest = 0xFF;
    ck_assert(!check_block(rig.t, tb, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "fault map"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *tc = tcase_create("check");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_body, 0, sizeof bodies / sizeof *bodies);
    tcase_add_test(tc, counters);
    tcase_add_test(tc, test_cpu_state);
    tcase_add_test(tc, test_cpu_stores);
    tcase_add_test(tc, test_limit_check);
    tcase_add_test(tc, test_reach);
    tcase_add_test(tc, test_reach_string);
    tcase_add_test(tc, test_table_jump);
    tcase_add_test(tc, test_pushf);
    tcase_add_test(tc, test_popf);
    tcase_add_test(tc, test_exit_codes);
    tcase_add_test(tc, test_ends);
    tcase_add_test(tc, test_join);
    tcase_add_test(tc, test_loop);
    tcase_add_loop_test(tc, test_real_blocks, 0, sizeof guest / sizeof *guest);
    tcase_add_test(tc, test_links);
    tcase_add_test(tc, test_bookkeeping);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
