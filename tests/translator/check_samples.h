/* Host code, each sample behind a block's entry, that the confinement checker accepts or refuses.
 */
#ifndef RINGER_TESTS_TRANSLATOR_CHECK_SAMPLES_H
#define RINGER_TESTS_TRANSLATOR_CHECK_SAMPLES_H

#include <stddef.h>

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

#endif
