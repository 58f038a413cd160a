/* The Bochs display interface: an index at port 1CEh, a value at 1CFh (devices/vga_dispi.c). */
#ifndef RINGER_DEVICES_DISPI_H
#define RINGER_DEVICES_DISPI_H

enum { DISPI_INDEX_PORT = 0x1CE, DISPI_DATA_PORT = 0x1CF };

enum dispi_register {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,
    DISPI_COUNT
};

/* DISPI_ENABLE's bits, and the most that DISPI_XRES takes. */
enum {
    DISPI_ENABLED = 0x01,
    DISPI_GETCAPS = 0x02,
    DISPI_8BIT_DAC = 0x20,
    DISPI_LFB = 0x40,
    DISPI_NOCLEAR = 0x80,
    DISPI_MAX_XRES = 2560,
};

#endif
