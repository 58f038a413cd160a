/* Mode pages: MODE SENSE and MODE SELECT (MMC chapter 6.3; SPC 7.8 to 7.11 and 8.3).
 *
 * A page is made of its standard bytes, with those of its changeable bits as the host has set them
 * last.  What is kept has no effect but to be there when it is asked for: the drive's retries, idle
 * time and audio volume are nobody's. */
#include "devices/atapi.h"

#include <string.h>

enum {
    SPEED = 706, /* kB/s: 4 x */
    LIST_MAX = 256,
    PAGE_FORMAT = 0x10, /* of MODE SELECT's byte 1 */
    SAVE_PAGES = 0x01,
};

/* Byte 0 and 1 of each are code and length. CHANGEABLE has the bits that MODE SELECT may set, KEPT
 * is where they are in atapi.mode. */
static const struct mode_page {
    uint8_t length; /* with its head */
    uint8_t standard[22], changeable[22];
    uint8_t kept;
} pages[] = {
    /* Error recovery: five retries. */
    {8, {0x01, 6, 0, 5}, {0, 0, 0xFF, 0xFF}, 0},
    /* CD device parameters: inactivity timer; seconds in a minute, frames in a second. */
    {8, {0x0D, 6, 0, 0x0D, 0, 60, 0, 75}, {0, 0, 0, 0x0F}, 6},
    /* Audio control: output ports and their volumes. */
    {16,
     {0x0E, 14, 0x04, 0, 0, 0, 0, 75, 0x01, 0xFF, 0x02, 0xFF},
     {0, 0, 0x02, 0, 0, 0, 0, 0, 0x0F, 0xFF, 0x0F, 0xFF, 0x0F, 0xFF, 0x0F, 0xFF},
     12},
    /* Power condition. */
    {12, {0x1A, 10}, {0}, 26},
    /* Capabilities: reads CD-R, CD-RW, method 2, DVD-ROM; multi-session, mode 2 forms 1 and 2;
     * tray, ejects, locks; volume levels, buffer. */
    {22,
     {0x2A, 20, 0x3B, 0, 0x70, 0, 0x29, 0, SPEED >> 8, SPEED & 0xFF, 0, 2, 512 >> 8, 0, SPEED >> 8,
      SPEED & 0xFF},
     {0},
     36},
};
_Static_assert(36 + 20 <= ATAPI_MODE_BYTES, "the pages fit");

enum { PAGES = sizeof pages / sizeof *pages, LOCKED_BYTE = 6, LOCKED = 2 };

void atapi_mode_reset(struct ide_drive *d)
{
    memset(d->atapi.mode, 0, sizeof d->atapi.mode);
    for (unsigned i = 0; i < PAGES; i++)
        memcpy(d->atapi.mode + pages[i].kept, pages[i].standard + 2, pages[i].length - 2u);
}

static void current(const struct ide_drive *d, const struct mode_page *page, uint8_t *p)
{
    const uint8_t *kept = d->atapi.mode + page->kept;

    p[0] = page->standard[0];
    p[1] = page->standard[1];
    for (unsigned i = 2; i < page->length; i++)
        p[i] = (uint8_t)((page->standard[i] & ~page->changeable[i]) |
                         (kept[i - 2] & page->changeable[i]));
    if (p[0] == 0x2A && d->atapi.locked)
        p[LOCKED_BYTE] |= LOCKED;
}

/* The page as page control (0 current, 1 changeable, 2 default values) wants it. */
static void fill(const struct ide_drive *d, const struct mode_page *page, uint8_t control,
                 uint8_t *p)
{
    if (control == 0)
        current(d, page, p);
    else
        memcpy(p, control == 1 ? page->changeable : page->standard, page->length);
    memcpy(p, page->standard, 2);
}

static uint8_t medium(const struct ide_drive *d)
{
    return d->atapi.tray_open ? 0x71 : !d->block ? 0x70 : 0x01;
}

void atapi_mode_sense(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    bool six = packet[0] == 0x1A, found = false;
    uint8_t code = packet[2] & 0x3F, control = packet[2] >> 6, *p;
    uint32_t len;

    if (control == 3) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_SAVING_UNSUPPORTED);
        return;
    }
    memset(d->data, 0, SECTOR_SIZE);
    p = d->data + (six ? 4 : 8);
    for (unsigned i = 0; i < PAGES; i++) {
        if (code != 0x3F && code != pages[i].standard[0])
            continue;
        found = true;
        fill(d, &pages[i], control, p);
        p += pages[i].length;
    }
    if (!found) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    len = (uint32_t)(p - d->data);
    if (six) {
        d->data[0] = (uint8_t)(len - 1);
        d->data[1] = medium(d);
    } else {
        put_be16(d->data, len - 2);
        d->data[2] = medium(d);
    }
    atapi_reply(d, len, six ? packet[4] : be16(packet + 7));
}

/* ---- MODE SELECT ---- */

void atapi_mode_select(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    uint32_t len = packet[0] == 0x15 ? packet[4] : be16(packet + 7);

    if (!(packet[1] & PAGE_FORMAT) || (packet[1] & SAVE_PAGES))
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
    else if (len > LIST_MAX)
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_LIST_LENGTH);
    else
        atapi_receive(d, len);
}

/* The page that begins at P, with LEN bytes behind it; NULL: there is no such, or it would change
 * what cannot be changed. */
static const struct mode_page *page_at(const struct ide_drive *d, const uint8_t *p, uint32_t len)
{
    const struct mode_page *page = NULL;
    uint8_t now[22];

    for (unsigned i = 0; i < PAGES; i++)
        if (pages[i].standard[0] == (p[0] & 0x3F) && pages[i].length <= len &&
            pages[i].standard[1] == p[1])
            page = &pages[i];
    if (!page)
        return NULL;
    current(d, page, now);
    for (unsigned i = 2; i < page->length; i++)
        if ((p[i] ^ now[i]) & ~page->changeable[i])
            return NULL;
    return page;
}

/* All pages are looked at before any is taken. */
void atapi_mode_selected(struct ide_drive *d, uint32_t len)
{
    bool six = d->atapi.packet[0] == 0x15;
    uint32_t head = six ? 4 : 8, descriptors, at;

    if (!len) {
        atapi_good(d);
        return;
    }
    descriptors = len < head ? 0 : six ? d->data[3] : be16(d->data + 6);
    if (len < head || descriptors > len - head) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_LIST_LENGTH);
        return;
    }
    for (int take = 0; take < 2; take++)
        for (at = head + descriptors; at < len;) {
            const uint8_t *p = d->data + at;
            const struct mode_page *page = len - at < 2 ? NULL : page_at(d, p, len - at);

            if (!page) {
                bool cut = len - at < 2 || len - at < p[1] + 2u;

                atapi_check(d, SENSE_ILLEGAL_REQUEST,
                            cut ? ASC_LIST_LENGTH : ASC_INVALID_PARAMETER);
                return;
            }
            if (take)
                memcpy(d->atapi.mode + page->kept, p + 2, page->length - 2u);
            at += page->length;
        }
    atapi_good(d);
}
