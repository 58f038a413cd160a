/* sound, for the test guest: plays and records by OSS's interface and plays FM by ALSA's hardware
 * dependent one.
 *
 * sound play DEVICE RATE BITS CHANNELS HZ AMPLITUDE SECONDS: a sine
 * sound record DEVICE RATE BITS CHANNELS SECONDS: says whether it is silence
 * sound volume MIXER PERCENT: master, PCM and synthesizer
 * sound fm HWDEP FNUM OCTAVE SECONDS: one carrier, at full level
 *
 * It is freestanding, so that no 32-bit C library has to be installed. */
enum {
    SYS_EXIT = 1,
    SYS_READ = 3,
    SYS_WRITE = 4,
    SYS_OPEN = 5,
    SYS_CLOSE = 6,
    SYS_IOCTL = 54,
    SYS_NANOSLEEP = 162,
    READ_WRITE = 2,

    AFMT_U8 = 8,
    AFMT_S16 = 16,
    BUFFER = 8192,
};

/* <linux/soundcard.h>, <sound/asound_fm.h> */
#define SNDCTL_DSP_SPEED    0xC0045002
#define SNDCTL_DSP_SYNC     0x5001
#define SNDCTL_DSP_SETFMT   0xC0045005
#define SNDCTL_DSP_CHANNELS 0xC0045006
#define MIXER_WRITE_VOLUME  0xC0044D00
#define MIXER_WRITE_SYNTH   0xC0044D03
#define MIXER_WRITE_PCM     0xC0044D04
#define FM_PLAY_NOTE        0x400C4822
#define FM_SET_VOICE        0x40124823
#define FM_SET_MODE         0x40044825
#define FM_RESET            0x4821

static long system_call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c)
                     : "memory");
    return result;
}

static void say(const char *text)
{
    long len = 0;

    while (text[len])
        len++;
    system_call(SYS_WRITE, 1, (long)text, len);
}

static void quit(const char *text, int status)
{
    say("sound: ");
    say(text);
    say("\n");
    for (;;)
        system_call(SYS_EXIT, status, 0, 0);
}

static long checked(long result, const char *what)
{
    if (result < 0)
        quit(what, 1);
    return result;
}

static long number(const char *text)
{
    long value = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return value;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static double sine(double x)
{
    __asm__("fsin" : "+t"(x));
    return x;
}

struct format {
    long rate, bits, channels;
};

static long open_pcm(const char *device, const struct format *f)
{
    long fd = checked(system_call(SYS_OPEN, (long)device, READ_WRITE, 0), "cannot open the device");
    int format = f->bits == 8 ? AFMT_U8 : AFMT_S16, channels = (int)f->channels,
        rate = (int)f->rate;

    checked(system_call(SYS_IOCTL, fd, SNDCTL_DSP_SETFMT, (long)&format), "format");
    checked(system_call(SYS_IOCTL, fd, SNDCTL_DSP_CHANNELS, (long)&channels), "channels");
    checked(system_call(SYS_IOCTL, fd, SNDCTL_DSP_SPEED, (long)&rate), "rate");
    return fd;
}

static void play(const char *device, const struct format *f, long hz, long amplitude, long seconds)
{
    static union {
        unsigned char bytes[BUFFER];
        short words[BUFFER / 2];
    } buffer;
    long fd = open_pcm(device, f), unit = f->bits / 8, frames = f->rate * seconds,
         phase = 0;

    for (long i = 0; i < frames;) {
        long n = 0;
        for (; n + f->channels * unit <= BUFFER && i < frames; i++) {
            int v = (int)((double)amplitude *
                          sine(6.283185307179586 * (double)phase / (double)f->rate));
            phase = (phase + hz) % f->rate;
            for (long c = 0; c < f->channels; c++, n += unit)
                if (unit == 1)
                    buffer.bytes[n] = (unsigned char)(128 + (v >> 8));
                else
                    buffer.words[n / 2] = (short)v;
        }
        for (long at = 0; at < n;)
            at += checked(system_call(SYS_WRITE, fd, (long)buffer.bytes + at, n - at), "write");
    }
    checked(system_call(SYS_IOCTL, fd, SNDCTL_DSP_SYNC, 0), "sync");
    system_call(SYS_CLOSE, fd, 0, 0);
    quit("played", 0);
}

static void record(const char *device, const struct format *f, long seconds)
{
    static unsigned char bytes[BUFFER];
    long fd = open_pcm(device, f), left = f->rate * f->channels * f->bits / 8 * seconds;
    unsigned char silence = f->bits == 8 ? 0x80 : 0;

    while (left > 0) {
        long n = checked(system_call(SYS_READ, fd, (long)bytes, left < BUFFER ? left : BUFFER),
                         "read");
        for (long i = 0; i < n; i++)
            if (bytes[i] != silence)
                quit("recorded something", 1);
        left -= n;
    }
    system_call(SYS_CLOSE, fd, 0, 0);
    quit("recorded silence", 0);
}

static void set_volume(const char *mixer, long percent)
{
    long fd = checked(system_call(SYS_OPEN, (long)mixer, READ_WRITE, 0), "cannot open the mixer");
    int value = (int)(percent | percent << 8);

    checked(system_call(SYS_IOCTL, fd, MIXER_WRITE_VOLUME, (long)&value), "master volume");
    value = (int)(percent | percent << 8);
    checked(system_call(SYS_IOCTL, fd, MIXER_WRITE_PCM, (long)&value), "PCM volume");
    value = (int)(percent | percent << 8);
    system_call(SYS_IOCTL, fd, MIXER_WRITE_SYNTH, (long)&value); /* there may be none */
    quit("volume set", 0);
}

static void fm(const char *device, long fnum, long octave, long seconds)
{
    struct {
        unsigned char op, voice, am, vibrato, do_sustain, kbd_scale, harmonic, scale_level, volume,
            attack, decay, sustain, release, feedback, connection, left, right, waveform;
    } voice = {.do_sustain = 1, .harmonic = 1, .attack = 15, .release = 15, .left = 1, .right = 1};
    struct {
        unsigned char voice, octave;
        unsigned fnum;
        unsigned char key_on;
    } note = {0, (unsigned char)octave, (unsigned)fnum, 1};
    long fd = checked(system_call(SYS_OPEN, (long)device, READ_WRITE, 0), "cannot open the device");
    struct {
        long seconds, nanoseconds;
    } pause = {seconds, 0};

    checked(system_call(SYS_IOCTL, fd, FM_RESET, 0), "reset");
    checked(system_call(SYS_IOCTL, fd, FM_SET_MODE, 1), "OPL3 mode");
    checked(system_call(SYS_IOCTL, fd, FM_SET_VOICE, (long)&voice), "modulator");
    voice.op = 1;
    voice.volume = 63;
    checked(system_call(SYS_IOCTL, fd, FM_SET_VOICE, (long)&voice), "carrier");
    checked(system_call(SYS_IOCTL, fd, FM_PLAY_NOTE, (long)&note), "note");
    system_call(SYS_NANOSLEEP, (long)&pause, 0, 0);
    note.key_on = 0;
    checked(system_call(SYS_IOCTL, fd, FM_PLAY_NOTE, (long)&note), "end of note");
    system_call(SYS_CLOSE, fd, 0, 0);
    quit("note played", 0);
}

__attribute__((used)) static void start(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1);

    if (argc >= 6 && (same(argv[1], "play") || same(argv[1], "record"))) {
        const struct format f = {number(argv[3]), number(argv[4]), number(argv[5])};
        if (argc == 9)
            play(argv[2], &f, number(argv[6]), number(argv[7]), number(argv[8]));
        else if (argc == 7)
            record(argv[2], &f, number(argv[6]));
    } else if (argc == 4 && same(argv[1], "volume")) {
        set_volume(argv[2], number(argv[3]));
    } else if (argc == 6 && same(argv[1], "fm")) {
        fm(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    }
    quit("play|record|volume|fm DEVICE VALUE...", 2);
}

__asm__(".globl _start\n"
        "_start: mov %esp, %eax\n"
        "        and $-16, %esp\n"
        "        sub $12, %esp\n"
        "        push %eax\n"
        "        call start\n");
