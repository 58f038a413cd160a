/* libringer: a PC in a process.
 *
 * A machine is made from options, as the command `ringer` takes them, and runs on a thread of its
 * own.  Several machines may live in one process.
 *
 *     const char *const options[] = {"-m", "64", "-fda", "dos.img", "-snapshot"};
 *     char why[RINGER_ERROR_MAX];
 *     struct ringer_machine *m = ringer_machine_new(options, 5, why);
 *     if (!m || !ringer_machine_start(m, why))
 *         ...
 *     ringer_machine_type(m, "dir\n");
 *     ...
 *     ringer_machine_quit(m, 0);
 *     ringer_machine_run(m);
 *     ringer_machine_free(m);
 *
 * _new, _start, _run and _free are called by one thread; all others by any thread between _start
 * and _free.
 */
#ifndef RINGER_RINGER_H
#define RINGER_RINGER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for an error: one line without a newline, ended by NUL. */
enum { RINGER_ERROR_MAX = 400 };

struct ringer_machine;

const char *ringer_version(void);

/* Compose a machine from COUNT strings of OPTIONS (without a command name; they are copied). It
 * does not touch the terminal or the process's signals unless an option names stdio. NULL, and
 * the reason in ERROR, when an option is wrong or a file cannot be opened. */
struct ringer_machine *ringer_machine_new(const char *const options[], int count,
                                          char error[RINGER_ERROR_MAX]);
/* Free a machine, ending it first when it runs.  NULL is allowed. */
void ringer_machine_free(struct ringer_machine *m);

/* Power it on.  False and ERROR on failure; the machine can then only be freed. */
bool ringer_machine_start(struct ringer_machine *m, char error[RINGER_ERROR_MAX]);
/* Serve its sockets, files and script until it ends: by a power-off, by -no-reboot, by
 * ringer_machine_quit, by the script.  Returns the exit status that the command would have. */
int ringer_machine_run(struct ringer_machine *m);

/* Pause and go on: the virtual CPU and its time. */
void ringer_machine_stop(struct ringer_machine *m);
void ringer_machine_cont(struct ringer_machine *m);
bool ringer_machine_stopped(struct ringer_machine *m);
void ringer_machine_reset(struct ringer_machine *m);
/* Make ringer_machine_run return STATUS. */
void ringer_machine_quit(struct ringer_machine *m, int status);

/* Press keys together by the names that QEMU's sendkey uses, "ctrl-alt-delete".  False when a
 * name is unknown.  Returns at once; keys are queued and pressed at the keyboard's pace. */
bool ringer_machine_send_key(struct ringer_machine *m, const char *chord);
/* Type ASCII text; "\n" is Enter. */
void ringer_machine_type(struct ringer_machine *m, const char *text);

/* The text screen as UTF-8, a line a row, into OUT (N bytes with the NUL; cut to fit). Returns
 * the length of all of it; 0 in graphics modes. */
size_t ringer_machine_screen_text(struct ringer_machine *m, char *out, size_t n);
/* Save a picture of the screen: PNG when PATH ends in .png, else PPM. */
bool ringer_machine_screenshot(struct ringer_machine *m, const char *path,
                               char error[RINGER_ERROR_MAX]);
/* Carry out a command of the monitor ("info registers"); what it prints goes to OUT (N bytes with
 * the NUL; cut to fit).  False when the command failed. */
bool ringer_machine_command(struct ringer_machine *m, const char *line, char *out, size_t n);

#ifdef __cplusplus
}
#endif

#endif
