/* Recording what the guest plays. */
#include "vmm/audio/audio.h"
#include "vmm/command.h"
#include "vmm/property.h"

struct request {
    struct audiodev_option o;
    struct error err;
    uint64_t number;
    bool ok;
};

static void start(struct machine *m, void *opaque)
{
    struct request *r = opaque;

    r->ok = audio_capture(m->config.audio, &r->o, &r->err);
}

static void stop(struct machine *m, void *opaque)
{
    struct request *r = opaque;

    r->ok = r->number < UINT32_MAX && audio_stop_capture(m->config.audio, (unsigned)r->number);
}

/* QEMU's arguments: the file, then a rate, bits and channels, of which the first is the mixer's. */
static bool command_wavcapture(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    uint64_t rate = 0, bits = 16, channels = 2;
    struct request r = {.err = {""}};

    if ((argc > 2 && !parse_uint(argv[2], &rate)) || (argc > 3 && !parse_uint(argv[3], &bits)) ||
        (argc > 4 && !parse_uint(argv[4], &channels)) || (bits != 8 && bits != 16) ||
        channels < 1 || channels > 2)
        return command_fail(out, "wavcapture: FILE [FREQUENCY [BITS [CHANNELS]]]: bits are 8 or "
                                 "16, channels 1 or 2");
    r.o = (struct audiodev_option){.path = argv[1],
                                   .channels = (unsigned)channels,
                                   .format = bits == 8 ? AUDIO_FORMAT_U8 : AUDIO_FORMAT_S16};
    machine_post_wait(t->machine, start, &r);
    return r.ok || command_fail(out, "wavcapture: %s", r.err.text);
}

static bool command_stopcapture(const struct monitor_target *t, int argc, char **argv,
                                struct text *out)
{
    struct request r = {.err = {""}};

    (void)argc;
    if (!parse_uint(argv[1], &r.number))
        return command_fail(out, "stopcapture: a number is needed; info capture lists them");
    machine_post_wait(t->machine, stop, &r);
    return r.ok || command_fail(out, "stopcapture: there is no capture %.20s", argv[1]);
}

static void info_capture(const struct monitor_target *t, struct text *out)
{
    audio_describe_captures(t->machine->config.audio, text_line, out);
}

const struct command commands_audio[] = {
    {"wavcapture", "FILE [FREQUENCY [BITS [CHANNELS]]]", "record the sound in a file", 1, 4,
     command_wavcapture, false, COMPLETE_NOTHING},
    {"stopcapture", "N", "end recording N, see info capture", 1, 1, command_stopcapture, false,
     COMPLETE_NOTHING},
    {0},
};

const struct subject subjects_audio[] = {
    {"capture", "recordings of sound", info_capture},
    {0},
};
