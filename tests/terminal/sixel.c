/* sixel COLUMNS ROWS ATTRIBUTES COMMAND...: be a terminal of that size for COMMAND that calls
 * itself ATTRIBUTES (of the primary device attributes: 62;4 for one with sixels), with cells of 8 x
 * 16 pixels.  Type "G" when "Box" is shown, which brings up eight bars (text.S), and look at the
 * picture that comes.  Exit status 0: they are there, and the command ended with Ctrl-A x; 3: it
 * came in half blocks; else 1, with a word of why. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 4 << 20, SIDE = 2048, PATIENCE_MS = 30000 };

static char output[ROOM];
static size_t length;
static const char *attributes;
static uint8_t dots[SIDE][SIDE];
static unsigned red[256], green[256], blue[256], width, height;

static int fail(const char *why)
{
    fprintf(stderr, "sixel: %s\n", why);
    return 1;
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        fail("the command does not listen");
}

/* Read on until TEXT is in the output from FROM on; where, or NULL after a while. */
static char *await(int fd, const char *text, size_t from)
{
    static size_t asked;
    char answer[100];

    for (;;) {
        char *at = memmem(output + from, length - from, text, strlen(text));
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (at)
            return at;
        if (length == ROOM || poll(&p, 1, PATIENCE_MS) <= 0)
            return NULL;
        ssize_t n = read(fd, output + length, ROOM - length);
        if (n <= 0)
            return NULL;
        length += (size_t)n;
        char *question = memmem(output + asked, length - asked, "\033[c\033[16t", 8);
        if (question) {
            snprintf(answer, sizeof answer, "\033[?%sc\033[6;16;8t", attributes);
            say(fd, answer);
            asked = (size_t)(question - output) + 8;
        }
    }
}

/* Draw the sixels of TEXT, up to the string's terminator. */
static int draw(const char *text)
{
    unsigned x = 0, y = 0, colour = 0, r, g, b, w, h;
    int used;

    while (*text != '\033') {
        if (sscanf(text, "\"1;1;%u;%u%n", &w, &h, &used) == 2) {
            width = w;
            height = h;
            text += used;
        } else if (sscanf(text, "#%u;2;%u;%u;%u%n", &colour, &r, &g, &b, &used) == 4) {
            red[colour & 255] = r;
            green[colour & 255] = g;
            blue[colour & 255] = b;
            text += used;
        } else if (sscanf(text, "#%u%n", &colour, &used) == 1) {
            text += used;
        } else if (*text == '$' || *text == '-') {
            y += *text++ == '-' ? 6 : 0;
            x = 0;
        } else {
            unsigned run = 1;
            used = 0;
            if (*text == '!' && sscanf(text, "!%u%n", &run, &used) != 1)
                return fail("a run without length");
            text += used;
            if (*text < 63 || *text > 126)
                return fail("a character that is no sixel");
            for (; run; run--, x++)
                for (unsigned i = 0; i < 6; i++)
                    if ((*text - 63) >> i & 1 && x < SIDE && y + i < SIDE)
                        dots[y + i][x] = (uint8_t)colour;
            text++;
        }
    }
    return 0;
}

static int check(void)
{
    if (width < 300 || height < 200 || width > SIDE || height > SIDE)
        return fail("the picture's size makes no sense");
    for (unsigned bar = 0; bar < 8; bar++) { /* the VGA's first colours: blue, green, red; brown */
        unsigned c = dots[height / 2][(2 * bar + 1) * width / 16];
        unsigned r = bar & 4 ? 67 : 0, g = bar == 6 ? 33 : bar & 2 ? 67 : 0, b = bar & 1 ? 67 : 0;
        if (red[c] != r || green[c] != g || blue[c] != b) {
            fprintf(stderr, "sixel: bar %u is %u %u %u\n", bar, red[c], green[c], blue[c]);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct winsize size = {0};
    int fd, status = 0, result = 1;

    if (argc < 5)
        return fail("usage: sixel COLUMNS ROWS ATTRIBUTES COMMAND...");
    size.ws_col = (unsigned short)atoi(argv[1]);
    size.ws_row = (unsigned short)atoi(argv[2]);
    attributes = argv[3];
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    if (pid == 0) {
        execvp(argv[4], argv + 4);
        _exit(127);
    }
    char *text = await(fd, "Box", 0);
    if (!text)
        return fail("there is no text");
    say(fd, "G");
    size_t from = (size_t)(text - output);
    char *start = await(fd, strchr(attributes, '4') ? "\033P" : "\342\226\200", from);
    if (start && *start == '\033') {
        char *end = await(fd, "\033\\", (size_t)(start - output) + 2);
        result = !end ? fail("the picture has no end") : draw(strchr(start, 'q') + 1) || check();
    } else {
        result = start ? 3 : fail("no picture has come");
    }
    say(fd, "\001x");
    await(fd, "\033[?1049l", from);
    while (await(fd, "\377", length)) /* all that is still to come */
        ;
    if (waitpid(pid, &status, 0) != pid || status)
        return fail("the command's exit status is not 0");
    return result;
}
