/* The boot menu (-boot menu=on): a prompt at the end of POST, a list of what can be booted after
 * F12 or Esc.  The ROM waits; each timer or keyboard interrupt brings it here. */
#include "bios/private.h"

#include <stdio.h>
#include <string.h>

enum { MENU_OFF, MENU_PROMPT, MENU_LIST, MENU_DONE };
enum { SCAN_ESC = 0x01, SCAN_F12 = 0x86, STANDARD_MS = 2500, ENTRIES = 8 };
#define MS_NS 1000000u

struct entry {
    char letter;
    uint8_t disk;
};

/* What there is, in the menu's order; TEXT is what the menu says of it. */
static unsigned list(const struct bios *b, struct entry e[ENTRIES], char text[ENTRIES][60])
{
    static const char *const size[] = {"none", "360K", "1.2M", "720K", "1.44M", "2.88M"};
    unsigned n = 0;

    for (int i = 0; i < 2; i++)
        if (b->floppy[i].present) {
            snprintf(text[n], sizeof text[n], "Floppy %c: (%s%s)", 'A' + i, size[b->floppy[i].type],
                     b->floppy[i].block ? "" : ", empty");
            e[n++] = (struct entry){(char)('a' + i), 0};
        }
    for (unsigned i = 0; i < BIOS_DISKS; i++)
        if (b->config.disk[i]) {
            uint64_t sectors = block_sectors(b->config.disk[i]);

            snprintf(text[n], sizeof text[n], "Hard disk, IDE channel %u %s (%llu MB)", i / 2,
                     i % 2 ? "slave" : "master", (unsigned long long)(sectors / 2048));
            e[n++] = (struct entry){'c', (uint8_t)i};
        }
    if (b->cd.block) {
        snprintf(text[n], sizeof text[n], "CD/DVD, IDE channel %u %s", b->cd.unit / 2,
                 b->cd.unit % 2 ? "slave" : "master");
        e[n++] = (struct entry){'d', 0};
    }
    return n;
}

static void show(struct bios *b)
{
    struct entry e[ENTRIES];
    char text[ENTRIES][60], line[80];
    unsigned n = list(b, e, text);

    bios_print(b, "\nSelect boot device:\n\n");
    for (unsigned i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%u. %.59s\n", i + 1, text[i]);
        bios_print(b, line);
    }
    bios_print(b, "\nEsc or Enter boots in the usual order.\n");
}

/* True when KEY ends the menu. */
static bool choose(struct bios *b, uint16_t key)
{
    char text[ENTRIES][60], c = (char)key;
    struct entry e[ENTRIES];
    unsigned n = list(b, e, text);

    if (c == '\r' || key >> 8 == SCAN_ESC)
        return true;
    if (c < '1' || c >= (char)('1' + n))
        return false;
    b->boot.choice = e[c - '1'].letter;
    if (b->boot.choice == 'c')
        bios_order_disks(b, e[c - '1'].disk + 1u);
    return true;
}

static void prompt(struct bios *b)
{
    uint32_t ms = b->config.splash_ms ? b->config.splash_ms : STANDARD_MS;

    bios_print(b, "Press F12 or Esc for the boot menu.\n\n");
    b->boot.until = vclock_now(b->clock) + (uint64_t)ms * MS_NS;
    b->boot.menu = MENU_PROMPT;
}

void bios_menu(struct bios *b)
{
    struct bios_boot *boot = &b->boot;
    uint16_t key;

    if (boot->menu == MENU_OFF && b->config.boot_menu && !b->kernel && !b->multiboot)
        prompt(b);
    while ((boot->menu == MENU_PROMPT || boot->menu == MENU_LIST) && key_take(b, &key)) {
        if (boot->menu == MENU_LIST) {
            if (choose(b, key))
                boot->menu = MENU_DONE;
        } else if (key >> 8 == SCAN_ESC || key >> 8 == SCAN_F12) {
            show(b);
            boot->menu = MENU_LIST;
        }
    }
    if (boot->menu == MENU_PROMPT && vclock_now(b->clock) >= boot->until)
        boot->menu = MENU_DONE;
    live_flag(b, FLAG_CF, boot->menu == MENU_PROMPT || boot->menu == MENU_LIST);
}
