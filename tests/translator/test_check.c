/* The confinement checker: real blocks pass; of hand-made host code the harmless passes and every
 * kind of escape is refused, for the right reason. */
#include <check.h>
#include <string.h>

#include "cpu/segment.h"
#include "tests/translator/check_rig.h"
#include "tests/translator/check_samples.h"
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
