/* Any bytes as what happens to a machine's devices: registers written and read, DMA, time, input,
 * media changes, states put back.
 * With clang: -fsanitize=fuzzer,address; devices_run.c is a main for everybody else. */
#include "fuzz.h"

#include "devices.h"
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Of processor time: no step of a driver takes a thousandth of it, even under the sanitizers. */
enum { MOST_SECONDS = 20 };

static void on_hang(int sig)
{
    static const char text[] = "fuzz_devices: a step does not end\n";

    (void)sig;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    signal(SIGABRT, SIG_DFL);
    __builtin_trap();
}

static void watch(int seconds)
{
    const struct itimerval limit = {.it_value.tv_sec = seconds};

    setitimer(ITIMER_PROF, &limit, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fuzz_board board;
    uint64_t record;

    if (len < RECORD)
        return 0;
    signal(SIGPROF, on_hang);
    memcpy(&record, data, RECORD);
    fuzz_board_open(&board, record);
    fuzz_firmware(&board, &(struct dice){record});
    for (size_t at = RECORD; at + RECORD <= len; at += RECORD) {
        memcpy(&record, data + at, RECORD);
        watch(MOST_SECONDS);
        fuzz_step(&board, data[at], &(struct dice){record});
    }
    watch(MOST_SECONDS);
    fuzz_board_close(&board);
    watch(0);
    return 0;
}
