/* Log every INT 21h call of a DOS guest, with its file names:
 *
 *     ringer -fda dos.img --hook 'int:21=./libexample-int21.so:int21(guest)'
 *
 * A line goes to standard error, or to the file that the variable INT21_LOG names. */
#include <ringer/hook.h>
#include <stdio.h>
#include <stdlib.h>

/* Functions by AH; what DS:DX (DS:SI for 6Ch) points to is an ASCIZ file name for those marked. */
static const struct {
    const char *name;
    char file; /* 'd': DS:DX, 's': DS:SI */
} functions[256] = {
    [0x00] = {"terminate", 0},          [0x01] = {"read character", 0},
    [0x02] = {"write character", 0},    [0x06] = {"direct console", 0},
    [0x07] = {"direct input", 0},       [0x08] = {"read without echo", 0},
    [0x09] = {"write string", 0},       [0x0A] = {"read line", 0},
    [0x0B] = {"input status", 0},       [0x0C] = {"flush and read", 0},
    [0x0D] = {"reset disks", 0},        [0x0E] = {"select drive", 0},
    [0x11] = {"find first (FCB)", 0},   [0x12] = {"find next (FCB)", 0},
    [0x19] = {"current drive", 0},      [0x1A] = {"set DTA", 0},
    [0x25] = {"set vector", 0},         [0x29] = {"parse name", 0},
    [0x2A] = {"get date", 0},           [0x2C] = {"get time", 0},
    [0x2F] = {"get DTA", 0},            [0x30] = {"version", 0},
    [0x33] = {"break flag", 0},         [0x35] = {"get vector", 0},
    [0x36] = {"free space", 0},         [0x37] = {"switch character", 0},
    [0x38] = {"country", 0},            [0x39] = {"mkdir", 'd'},
    [0x3A] = {"rmdir", 'd'},            [0x3B] = {"chdir", 'd'},
    [0x3C] = {"create", 'd'},           [0x3D] = {"open", 'd'},
    [0x3E] = {"close", 0},              [0x3F] = {"read", 0},
    [0x40] = {"write", 0},              [0x41] = {"unlink", 'd'},
    [0x42] = {"seek", 0},               [0x43] = {"attributes", 'd'},
    [0x44] = {"ioctl", 0},              [0x45] = {"dup", 0},
    [0x46] = {"dup2", 0},               [0x47] = {"current folder", 0},
    [0x48] = {"allocate", 0},           [0x49] = {"free", 0},
    [0x4A] = {"resize", 0},             [0x4B] = {"execute", 'd'},
    [0x4C] = {"exit", 0},               [0x4D] = {"exit status", 0},
    [0x4E] = {"find first", 'd'},       [0x4F] = {"find next", 0},
    [0x50] = {"set PSP", 0},            [0x51] = {"get PSP", 0},
    [0x52] = {"list of lists", 0},      [0x56] = {"rename", 'd'},
    [0x57] = {"file time", 0},          [0x58] = {"allocation strategy", 0},
    [0x5A] = {"create temporary", 'd'}, [0x5B] = {"create new", 'd'},
    [0x60] = {"true name", 's'},        [0x62] = {"get PSP", 0},
    [0x65] = {"country", 0},            [0x66] = {"code page", 0},
    [0x6C] = {"open (extended)", 's'},  [0x71] = {"long names", 0},
};

void int21(struct ringer_guest *g)
{
    const char *path = getenv("INT21_LOG");
    FILE *log = path ? fopen(path, "a") : stderr;
    uint32_t ax = ringer_guest_get(g, RINGER_EAX) & 0xFFFF;
    const char *name = functions[ax >> 8].name;
    char what = functions[ax >> 8].file, file[128] = "";

    if (!log)
        return;
    if (what) {
        uint32_t offset = ringer_guest_get(g, what == 'd' ? RINGER_EDX : RINGER_ESI) & 0xFFFF;
        ringer_guest_string(g, ringer_guest_linear(g, RINGER_DS, offset), file, sizeof file);
    }
    fprintf(log, "%04x:%04x int 21h ax=%04x %s%s%s%s\n", ringer_guest_get(g, RINGER_CS),
            ringer_guest_get(g, RINGER_EIP), ax, name ? name : "?", what ? " \"" : "", file,
            what ? "\"" : "");
    if (path)
        fclose(log);
}
