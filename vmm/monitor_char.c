/* Ring buffers. */
#include "vmm/command.h"
#include "vmm/ring.h"
#include <stdlib.h>
#include <string.h>

static bool command_read(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct error err = {""};
    struct stream *s = ring_find(t, argv[1], &err);
    char *end;
    unsigned long size = strtoul(argv[2], &end, 0);

    (void)argc;
    if (!s)
        return command_fail(out, "Error: %s", err.text);
    if (*end || !size)
        return command_fail(out, "ringbuf_read: %.20s: the size is a number of bytes", argv[2]);
    ring_read(s, size, out);
    text_line(out, "");
    return true;
}

static bool command_write(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct error err = {""};
    struct stream *s = ring_find(t, argv[1], &err);

    (void)argc;
    if (!s)
        return command_fail(out, "Error: %s", err.text);
    stream_ring_write(s, argv[2], strlen(argv[2]));
    return true;
}

const struct command commands_char[] = {
    {"ringbuf_read", "CHARDEV SIZE", "take what was sent to a ringbuf chardev", 2, 2, command_read,
     false, COMPLETE_NOTHING},
    {"ringbuf_write", "CHARDEV TEXT", "send TEXT to who is plugged into it", 2, 2, command_write,
     false, COMPLETE_NOTHING},
    {0},
};
