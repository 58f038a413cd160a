/* What the INT 13h files share. */
#ifndef RINGER_BIOS_DISK_H
#define RINGER_BIOS_DISK_H

#include "bios/private.h"

/* Status codes of INT 13h. */
enum {
    DISK_OK = 0x00, DISK_BAD_COMMAND = 0x01, DISK_NO_ADDRESS_MARK = 0x02,
    DISK_WRITE_PROTECTED = 0x03, DISK_SECTOR_NOT_FOUND = 0x04, DISK_CHANGED = 0x06,
    DISK_DMA_BOUNDARY = 0x09, DISK_MEDIA_TYPE = 0x0C, DISK_CONTROLLER = 0x20,
    DISK_NOT_REMOVABLE = 0xB2, DISK_TIMEOUT = 0x80, DISK_WRITE_FAULT = 0xCC,
};

/* End the service: AH, carry, and the status byte of the data area (41h diskettes, 74h disks). */
void disk_finish(struct bios *b, uint8_t status);

/* The sector that a CHS triple names (SECTOR from 1), in *LBA; false when it is outside. */
bool chs_to_lba(const struct geometry *g, unsigned cylinder, unsigned head, unsigned sector,
                uint64_t *lba);

enum transfer { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_VERIFY };

/* Move COUNT sectors between BLOCK and linear address LIN; *DONE counts those that made it. */
uint8_t disk_transfer(struct bios *b, struct block *block, enum transfer what, uint64_t lba,
                      uint32_t count, uint32_t lin, uint32_t *done);

#endif
