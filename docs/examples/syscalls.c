/* Log every system call of a 32-bit Linux guest, by either way in:
 *
 *     ringer -kernel vmlinuz ... \
 *         --hook 'int:80=./libexample-syscalls.so:syscall(guest, eax, ebx, ecx, edx)' \
 *         --hook 'sysenter=./libexample-syscalls.so:syscall(guest, eax, ebx, ecx, edx)'
 *
 * A line goes to standard error, or to the file that the variable SYSCALL_LOG names.  EBX, ECX and
 * EDX are the first arguments by both ways. */
#include <ringer/hook.h>
#include <stdio.h>
#include <stdlib.h>

/* Numbers of the i386 (arch/x86/entry/syscalls/syscall_32.tbl); FILE: which argument is a path. */
static const struct {
    const char *name;
    int file; /* 1: EBX, 2: ECX */
} calls[512] = {
    [1] = {"exit", 0},       [2] = {"fork", 0},         [3] = {"read", 0},
    [4] = {"write", 0},      [5] = {"open", 1},         [6] = {"close", 0},
    [7] = {"waitpid", 0},    [8] = {"creat", 1},        [9] = {"link", 1},
    [10] = {"unlink", 1},    [11] = {"execve", 1},      [12] = {"chdir", 1},
    [13] = {"time", 0},      [14] = {"mknod", 1},       [15] = {"chmod", 1},
    [19] = {"lseek", 0},     [20] = {"getpid", 0},      [21] = {"mount", 2},
    [33] = {"access", 1},    [37] = {"kill", 0},        [38] = {"rename", 1},
    [39] = {"mkdir", 1},     [40] = {"rmdir", 1},       [41] = {"dup", 0},
    [42] = {"pipe", 0},      [45] = {"brk", 0},         [54] = {"ioctl", 0},
    [63] = {"dup2", 0},      [64] = {"getppid", 0},     [66] = {"setsid", 0},
    [78] = {"gettimeofday", 0}, [83] = {"symlink", 1},  [85] = {"readlink", 1},
    [88] = {"reboot", 0},    [90] = {"mmap", 0},        [91] = {"munmap", 0},
    [106] = {"stat", 1},     [107] = {"lstat", 1},      [108] = {"fstat", 0},
    [114] = {"wait4", 0},    [120] = {"clone", 0},      [122] = {"uname", 0},
    [125] = {"mprotect", 0}, [140] = {"_llseek", 0},    [141] = {"getdents", 0},
    [146] = {"writev", 0},   [162] = {"nanosleep", 0},  [168] = {"poll", 0},
    [174] = {"rt_sigaction", 0}, [175] = {"rt_sigprocmask", 0}, [183] = {"getcwd", 0},
    [190] = {"vfork", 0},    [192] = {"mmap2", 0},      [195] = {"stat64", 1},
    [196] = {"lstat64", 1},  [197] = {"fstat64", 0},    [199] = {"getuid32", 0},
    [220] = {"getdents64", 0}, [221] = {"fcntl64", 0},  [224] = {"gettid", 0},
    [240] = {"futex", 0},    [243] = {"set_thread_area", 0}, [252] = {"exit_group", 0},
    [258] = {"set_tid_address", 0}, [265] = {"clock_gettime", 0}, [295] = {"openat", 2},
    [300] = {"fstatat64", 2}, [305] = {"readlinkat", 2}, [307] = {"faccessat", 2},
    [340] = {"prlimit64", 0}, [355] = {"getrandom", 0}, [383] = {"statx", 2},
    [384] = {"arch_prctl", 0}, [403] = {"clock_gettime64", 0},
};

void syscall(struct ringer_guest *g, uint32_t number, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    const char *path = getenv("SYSCALL_LOG");
    FILE *log = path ? fopen(path, "a") : stderr;
    const char *name = number < 512 ? calls[number].name : NULL;
    int which = number < 512 ? calls[number].file : 0;
    char file[256] = "";

    if (!log)
        return;
    if (which) /* a page that is not there yet leaves the name empty */
        ringer_guest_string(g, which == 1 ? ebx : ecx, file, sizeof file);
    fprintf(log, "cr3=%08x %s(%u) %x %x %x%s%s%s\n", ringer_guest_get(g, RINGER_CR3),
            name ? name : "?", number, ebx, ecx, edx, which ? " \"" : "", file, which ? "\"" : "");
    if (path)
        fclose(log);
}
