/* The firmware configuration device of emulated PCs: items that the host has for firmware and
 * operating systems, by number or, as files, by name (docs/specs/fw_cfg of QEMU's documentation,
 * which is the interface's definition). */
#ifndef RINGER_DEVICES_FW_CFG_H
#define RINGER_DEVICES_FW_CFG_H

#include "devices/pc.h"

enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0A,
    FW_CFG_INITRD_SIZE = 0x0B,
    FW_CFG_BOOT_DEVICE = 0x0C,
    FW_CFG_BOOT_MENU = 0x0E,
    FW_CFG_MAX_CPUS = 0x0F,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ARCH = 0x8000, /* numbers of the PC's own, FW_CFG_ITEMS of them too */
    FW_CFG_IRQ0_OVERRIDE = FW_CFG_ARCH + 2,

    FW_CFG_FILES = 64,
    FW_CFG_ITEMS = FW_CFG_FILE_FIRST + FW_CFG_FILES,
    FW_CFG_NAME = 56, /* of a file, with its NUL */

    FW_CFG_PORT = 0x510, /* selector and data; DMA is at 514h */
    FW_CFG_PORTS = 12,
};

struct fw_cfg;

/* On the board's ports 510h-51Bh, with signature and identity and nothing else. */
struct fw_cfg *fw_cfg_init(struct board *board);
/* Set item KEY (none of the files') to LEN bytes of DATA, copied. */
void fw_cfg_set(struct fw_cfg *f, uint16_t key, const void *data, uint32_t len);
/* The same for little-endian numbers of BYTES bytes. */
void fw_cfg_set_number(struct fw_cfg *f, uint16_t key, uint64_t value, unsigned bytes);
/* Set the file NAME likewise, in place of what had the name before.  False when NAME is empty or
 * longer than FW_CFG_NAME allows, or when there are FW_CFG_FILES already. */
bool fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, uint32_t len);
/* Is there a file of that name? */
bool fw_cfg_has_file(const struct fw_cfg *f, const char *name);

#endif
