/* Handlers of sensitive instructions: one for each, named after it.  All take the instruction
 * with eip at it, and follow the contract of enum cpu_result.  The manual section of each is its
 * own page of the Intel SDM vol. 2. */
#ifndef RINGER_CPU_SENSITIVE_H
#define RINGER_CPU_SENSITIVE_H

#include "cpu/access.h"

/* flags.c */
enum cpu_result emulate_pushf(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_popf(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_cli(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_sti(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_hlt(struct cpu *cpu, const struct insn *in);

/* transfer.c */
enum cpu_result emulate_far_pointer(struct cpu *cpu, const struct insn *in);  /* 9A, EA */
enum cpu_result emulate_far_indirect(struct cpu *cpu, const struct insn *in); /* FF /3 /5 */
enum cpu_result emulate_retf(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_iret(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_int(struct cpu *cpu, const struct insn *in); /* CC CD CE F1 */
enum cpu_result emulate_bound(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_enter(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_sysenter(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_sysexit(struct cpu *cpu, const struct insn *in);

/* segops.c */
enum cpu_result emulate_push_segment(struct cpu *cpu, const struct insn *in, enum seg_index seg);
enum cpu_result emulate_pop_segment(struct cpu *cpu, const struct insn *in, enum seg_index seg);
enum cpu_result emulate_mov_from_segment(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_mov_to_segment(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_load_far(struct cpu *cpu, const struct insn *in, enum seg_index seg);
enum cpu_result emulate_lar_lsl(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_arpl(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_group6(struct cpu *cpu, const struct insn *in); /* 0F 00 */

/* system.c */
enum cpu_result emulate_group7(struct cpu *cpu, const struct insn *in); /* 0F 01 */
enum cpu_result emulate_clts(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_cache(struct cpu *cpu, const struct insn *in); /* INVD, WBINVD */
enum cpu_result emulate_clflush(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_mov_cr(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_mov_dr(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_rdmsr(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_wrmsr(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_rdtsc(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_rdtscp(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_rdpmc(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_cpuid(struct cpu *cpu, const struct insn *in);

/* bcd.c: DAA DAS AAA AAS AAM AAD SALC */
enum cpu_result emulate_bcd(struct cpu *cpu, const struct insn *in);

/* io.c */
enum cpu_result emulate_in(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_out(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_ins(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_outs(struct cpu *cpu, const struct insn *in);

/* fpu_state.c */
enum cpu_result emulate_fpu_state(struct cpu *cpu, const struct insn *in); /* D9, DD */
enum cpu_result emulate_fninit(struct cpu *cpu, const struct insn *in);
enum cpu_result emulate_fxsave(struct cpu *cpu, const struct insn *in);    /* 0F AE /0 /1 */

/* xsave.c */
enum cpu_result emulate_xsave(struct cpu *cpu, const struct insn *in);  /* 0F AE /4 /5 /6 */
enum cpu_result emulate_xgetbv(struct cpu *cpu, const struct insn *in); /* 0F 01 D0, D1 */

#endif
