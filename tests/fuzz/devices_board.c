/* The board of the devices' fuzzer: everything that there is, on images in memory. */
#define _GNU_SOURCE
#include "devices.h"

#include "ringer/log.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY_BASE 0xD0000000u /* until it is taken away from there */
enum { CANARY_BYTES = 64 << 10, CANARY = 0xA5 };

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_devices: %s\n", what);
    abort();
}

static unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* ---- images ---- */

static uint64_t sum_of(int fd)
{
    uint8_t buf[4096];
    uint64_t sum = 14695981039346656037ull, at = 0;
    ssize_t n;

    while ((n = pread(fd, buf, sizeof buf, (off_t)at)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            sum = (sum ^ buf[i]) * 1099511628211ull;
        at += (uint64_t)n;
    }
    return sum;
}

/* BYTES in memory, of which some at the beginning are not zero. */
static struct fuzz_image *add_image(struct fuzz_board *b, uint64_t bytes, bool constant)
{
    struct fuzz_image *image = &b->images[b->image_count++];
    uint8_t data[SECTOR_SIZE];

    *image = (struct fuzz_image){memfd_create("image", MFD_CLOEXEC), bytes, 0, constant, ""};
    if (image->fd < 0 || ftruncate(image->fd, (off_t)bytes) < 0)
        fail("no image");
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + bytes / SECTOR_SIZE);
    for (uint64_t at = 0; at + sizeof data <= bytes && at < 8 * sizeof data; at += sizeof data)
        if (pwrite(image->fd, data, sizeof data, (off_t)at) < 0)
            fail("no image");
    if (constant)
        image->sum = sum_of(image->fd);
    snprintf(image->path, sizeof image->path, "/proc/self/fd/%d", image->fd);
    return image;
}

void fuzz_board_fail(struct fuzz_board *b, unsigned image, bool fails)
{
    const struct fuzz_image *i = &b->images[image % b->image_count];

    if (i->constant) /* what is cut off would be gone */
        return;
    fuzz_limit_files(false); /* making it whole again is a matter of its size, too */
    if (ftruncate(i->fd, fails ? (off_t)(i->bytes / 3) : (off_t)i->bytes) < 0)
        fail("an image cannot be cut");
}

void fuzz_limit_files(bool on)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = on ? 8192 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static struct block *open_block(struct fuzz_board *b, uint64_t bytes, bool readonly)
{
    const struct fuzz_image *image = add_image(b, bytes, readonly);
    const struct block_options options = {.readonly = readonly, .format = "raw"};
    struct block *block = block_open(image->path, &options, b->log, NULL);

    if (!block)
        fail("no block device");
    return block;
}

/* ---- the options ---- */

struct line {
    char text[48][160];
    char *argv[48];
    int argc;
};

static void word(struct line *l, const char *text)
{
    snprintf(l->text[l->argc], sizeof l->text[0], "%s", text);
    l->argv[l->argc] = l->text[l->argc];
    l->argc++;
}

static void drive(struct line *l, const struct fuzz_image *image, const char *how)
{
    char text[160];

    snprintf(text, sizeof text, "file=%s,format=raw,%s", image->path, how);
    word(l, "-drive");
    word(l, text);
}

static void drives(struct fuzz_board *b, struct line *l, uint64_t choice)
{
    drive(l, add_image(b, 1440 << 10, false), "if=floppy,index=0");
    drive(l, add_image(b, 360 << 10, true), "if=floppy,index=1,readonly=on");
    drive(l, add_image(b, 1 << 20, false), "if=ide,index=0");
    if (choice & 1)
        drive(l, add_image(b, 3 * SECTOR_SIZE, true), "if=ide,index=1,snapshot=on");
    drive(l, add_image(b, 400 << 10, true), "if=ide,index=2,media=cdrom");
    if (choice & 2)
        drive(l, add_image(b, SECTOR_SIZE, true), "if=ide,index=3,readonly=on");
}

static void options(struct fuzz_board *b, struct line *l, uint64_t choice)
{
    static const char *const usual[] = {
        "-nodefaults", "-display",  "none",    "-monitor",   "none", "-chardev", "null,id=n0",
        "-chardev",    "null,id=n1", "-chardev", "null,id=n2", "-rtc", "base=2001-02-03T04:05:06",
        "-device",     "isa-serial,chardev=n0", "-device",   "isa-parallel,chardev=n1",
        "-device",     "isa-debugcon,chardev=n2", "-device",   "isa-debug-exit",
    };

    for (unsigned i = 0; i < sizeof usual / sizeof usual[0]; i++)
        word(l, usual[i]);
    word(l, "-m");
    word(l, choice & 4 ? "2" : "17");
    word(l, "-cpu");
    word(l, (choice & 0x18) == 0x18 ? "486" : choice & 8 ? "pentium2" : "max");
    if (choice & 0x20)
        word(l, "-no-hpet");
    if (choice & 0x80) {
        word(l, "-device");
        word(l, "sb16");
        word(l, "-device");
        word(l, "AC97");
    }
    if (!(choice & 0x40)) {
        word(l, "-device");
        word(l, "pc-testdev");
        word(l, "-device");
        word(l, "pci-testdev,membar=64K");
    }
    drives(b, l, choice >> 8);
}

/* ---- the rest ---- */

static void swallow(struct chardev *c, const uint8_t *data, size_t len)
{
    uint32_t *sum = c->backend;

    for (size_t i = 0; i < len; i++)
        *sum = *sum * 31 + data[i];
}

static void keep_function(void *opaque, const struct pci_function *f)
{
    struct fuzz_board *b = opaque;

    if (b->function_count < FUNCTIONS)
        b->functions[b->function_count++] = f;
}

/* What no guest can make writable: the BIOS below 4 GiB. */
static uint64_t rom_sum(struct fuzz_board *b)
{
    uint64_t sum = 14695981039346656037ull;

    for (uint64_t at = 0xFFFF0000; at < 1ull << 32; at += PAGE_SIZE) {
        const uint8_t *page = phys_ptr(b->m->phys, at, PAGE_SIZE);
        for (unsigned i = 0; page && i < PAGE_SIZE; i++)
            sum = (sum ^ page[i]) * 1099511628211ull;
    }
    return sum;
}

static void map_canary(struct fuzz_board *b)
{
    int id = phys_map_ram(b->m->phys, "canary", CANARY_BASE, CANARY_BYTES, &b->canary);

    if (id < 0)
        fail("no canary");
    phys_enable(b->m->phys, id, false);
    memset(b->canary, CANARY, CANARY_BYTES);
}

static void check_memory(struct fuzz_board *b)
{
    phys_set_a20(b->m->phys, true);
    if (rom_sum(b) != b->rom_sum)
        fail("the ROM has changed");
    for (unsigned i = 0; i < CANARY_BYTES; i++)
        if (b->canary[i] != CANARY)
            fail("memory that has no address has changed");
}

static void build(struct fuzz_board *b, struct line *l)
{
    static uint32_t sum;
    struct machine_config config;
    struct error err = {""};

    if (!options_parse(&b->options, l->argc, l->argv, &err) ||
        !options_configure(&b->options, b->log, &config, &err))
        fail(err.text);
    config.manual_clock = true;
    for (unsigned i = 0; i < b->options.device_count; i++)
        if (device_has(b->options.devices[i].model, "chardev")) {
            b->chardevs[i] = (struct chardev){.backend = &sum, .send = swallow};
            b->options.devices[i].chardev = &b->chardevs[i];
        }
    options_add_audiodev(&b->options, false);
    config.audio = b->audio =
        audio_open(b->options.audiodevs, b->options.audiodev_count, &err);
    b->m = machine_new(&config, &err);
    if (!b->m)
        fail(err.text);
    vclock_resume(b->m->clock);
    machine_reset_board(b->m);
}

void fuzz_board_open(struct fuzz_board *b, uint64_t choice)
{
    static struct line line;

    signal(SIGXFSZ, SIG_IGN);
    fuzz_limit_files(false);
    memset(b, 0, sizeof *b);
    line.argc = 0;
    b->fds = count_fds();
    b->tame = choice & CHOICE_TAME;
    b->log = log_new("/dev/null", LOG_GUEST_ERRORS | LOG_UNIMP);
    options(b, &line, choice);
    build(b, &line);
    b->floppy[0] = open_block(b, 720 << 10, false);
    b->floppy[1] = open_block(b, 160 << 10, true);
    b->disc[0] = open_block(b, 20 * 2048, true);
    b->disc[1] = open_block(b, 5 * SECTOR_SIZE, true);
    b->shot = vga_shot_new(b->m->vga);
    pci_each(b->m->pci, keep_function, b);
    b->rom_sum = rom_sum(b);
    map_canary(b);
}

static void close_images(struct fuzz_board *b)
{
    for (unsigned i = 0; i < b->image_count; i++) {
        const struct fuzz_image *image = &b->images[i];
        struct stat st;

        if (fstat(image->fd, &st) < 0 || (uint64_t)st.st_size > image->bytes)
            fail("an image has grown");
        if (image->constant && sum_of(image->fd) != image->sum)
            fail("an image was written to that was not to be");
        close(image->fd);
    }
}

void fuzz_board_close(struct fuzz_board *b)
{
    fuzz_limit_files(false);
    check_memory(b);
    vga_shot_free(b->shot);
    machine_free(b->m);
    audio_close(b->audio);
    options_free(&b->options);
    for (int i = 0; i < 2; i++) {
        block_close(b->floppy[i]);
        block_close(b->disc[i]);
    }
    close_images(b);
    log_free(b->log);
    free(b->saved);
    if (count_fds() != b->fds)
        fail("a descriptor was left open");
}
