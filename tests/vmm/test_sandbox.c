/* What -sandbox forbids ends the process, and nothing else does. */
#define _GNU_SOURCE /* setfsuid and others by syscall() */
#include "vmm/sandbox.h"
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *other_thread(void *opaque)
{
    return opaque;
}

/* What the machine does all the time; 0 when it works. */
static int daily_work(void)
{
    pthread_t thread;
    void *got = NULL,
         *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED || mprotect(page, 8192, PROT_READ) < 0 ||
        mremap(page, 8192, 16384, MREMAP_MAYMOVE) == MAP_FAILED)
        return 1;
    if (pthread_create(&thread, NULL, other_thread, &got) || pthread_join(thread, &got) || !got)
        return 2;
    return raise(SIGUSR1) != 0;
}

static int spawn(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return waitpid(pid, NULL, 0) != pid;
}

static int run_program(void)
{
    char *argv[] = {"/bin/true", NULL};

    return execv(argv[0], argv);
}

static int new_identity(void)
{
    return setuid(getuid());
}

static int priority(void)
{
    return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0));
}

static int processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) || sched_setaffinity(0, sizeof set, &set);
}

static int old_call(void)
{
    syscall(SYS_sysfs, 3);
    return 0;
}

static int mounts(void)
{
    return syscall(SYS_umount2, "", 0) == 0;
}

static int no_new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void on_signal(int number)
{
    (void)number;
}

/* How a process ends that does WORK under O: its exit status, or 1000 and the signal. */
static int outcome(const struct sandbox_options *o, int (*work)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct error err;
        signal(SIGUSR1, on_signal);
        _exit(sandbox_enter(o, &err) ? work() : 99);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

enum { KILLED = 1000 + SIGSYS };

static const struct {
    struct sandbox_options o;
    int (*work)(void);
    int expected;
} cases[] = {
    {{.on = false, .no_spawn = true}, spawn, 0},
    {{.on = true}, daily_work, 0},
    {{true, true, SANDBOX_DENY, true, true}, daily_work, 0},
    {{.on = true}, spawn, 0},
    {{.on = true}, run_program, 0},
    {{.on = true}, new_identity, 0},
    {{.on = true}, priority, 0},
    {{.on = true}, old_call, 0},
    {{.on = true}, mounts, KILLED},
    {{.on = true, .no_obsolete = true}, old_call, KILLED},
    {{.on = true, .no_spawn = true}, spawn, KILLED},
    {{.on = true, .no_spawn = true}, run_program, KILLED},
    {{.on = true, .no_resource_control = true}, priority, KILLED},
    {{.on = true, .no_resource_control = true}, processors, KILLED},
    {{.on = true, .privileges = SANDBOX_DENY}, new_identity, KILLED},
    {{.on = true, .privileges = SANDBOX_CHILDREN}, new_identity, 0},
    {{.on = true, .privileges = SANDBOX_CHILDREN}, no_new_privileges, 0},
};

START_TEST(forbidden_calls)
{
    ck_assert_int_eq(outcome(&cases[_i].o, cases[_i].work), cases[_i].expected);
}
END_TEST

/* Threads that were there before are under the filter as well. */
static int go[2];

static void *waiting_thread(void *opaque)
{
    char c;

    (void)opaque;
    if (read(go[0], &c, 1) == 1)
        spawn();
    return NULL;
}

START_TEST(threads_that_were_there)
{
    struct sandbox_options o = {.on = true, .no_spawn = true};
    struct error err;
    pthread_t thread;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (pipe(go) || pthread_create(&thread, NULL, waiting_thread, NULL) ||
            !sandbox_enter(&o, &err) || write(go[1], "x", 1) != 1)
            _exit(98);
        pthread_join(thread, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sandbox");
    TCase *t = tcase_create("sandbox");

    tcase_add_loop_test(t, forbidden_calls, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, threads_that_were_there);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
