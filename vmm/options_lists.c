/* The lists that `-machine help` and its kin begin with, as QEMU's do: what there is to choose
 * from. */
#include "vmm/option.h"
#include <string.h>

static const struct {
    const char *topic, *lines[6];
} lists[] = {
    {"machine",
     {"Supported machines are:",
      "pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)",
      "pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)",
      "none                 empty machine"}},
    {"accel", {"Accelerators supported in ringer:", "tcg"}},
    {"display", {"Available display backend types:", "none", "text", "curses", "sdl", "vnc"}},
    {"audiodev", {"Available audio drivers:", "none", "sdl", "wav"}},
    {"vga",
     {"none                 no graphic card", "std                  standard VGA (default)"}},
};

bool option_list_help(const char *topic, void (*line)(void *opaque, const char *text), void *opaque)
{
    if (!strcmp(topic, "M"))
        topic = "machine";
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(lists[i].topic, topic) != 0)
            continue;
        for (unsigned n = 0; n < 6 && lists[i].lines[n]; n++)
            line(opaque, lists[i].lines[n]);
        return true;
    }
    return false;
}
