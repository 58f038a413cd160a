/* The VGA's inside, shared by devices/vga*.c and nobody else.
 *
 * Video memory holds the four planes interleaved: byte 4 * A + P is plane P at plane address A.
 * A dword is therefore what one access of the graphics controller moves.  While chain-4 is on,
 * plane addresses are kept rotated right by two (see vga_plane_index), which makes the CPU's view
 * linear; the contents are converted when chain-4 is switched.  The packed modes of the Bochs
 * display interface see the same bytes as a linear frame buffer.
 *
 * References: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (the VGA
 * function); the register names are its own. */
#ifndef RINGER_DEVICES_VGA_H
#define RINGER_DEVICES_VGA_H

#include "devices/dispi.h"
#include "devices/pc.h"

enum {
    VGA_WINDOW_BASE = 0xA0000,
    VGA_WINDOW_SIZE = 0x20000,
    VGA_PLANE_SIZE = 0x10000,
    VGA_LEGACY_BYTES = 4 * VGA_PLANE_SIZE,
};
#define VGA_LFB_BASE 0xE0000000u /* until PCI places it elsewhere */

/* Sequencer. */
enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHAR_MAP, SEQ_MEMORY_MODE, SEQ_COUNT };
/* Graphics controller. */
enum {
    GFX_SET_RESET,
    GFX_ENABLE_SET_RESET,
    GFX_COLOR_COMPARE,
    GFX_DATA_ROTATE,
    GFX_READ_MAP,
    GFX_MODE,
    GFX_MISC,
    GFX_COLOR_DONT_CARE,
    GFX_BIT_MASK,
    GFX_COUNT
};
/* Attribute controller; 00h-0Fh are the palette. */
enum {
    ATTR_MODE = 0x10,
    ATTR_OVERSCAN,
    ATTR_PLANE_ENABLE,
    ATTR_PANNING,
    ATTR_COLOR_SELECT,
    ATTR_COUNT
};
/* CRT controller. */
enum {
    CRTC_H_TOTAL,
    CRTC_H_DISPLAY_END,
    CRTC_H_BLANK_START,
    CRTC_H_BLANK_END,
    CRTC_H_RETRACE_START,
    CRTC_H_RETRACE_END,
    CRTC_V_TOTAL,
    CRTC_OVERFLOW,
    CRTC_PRESET_ROW,
    CRTC_MAX_SCAN,
    CRTC_CURSOR_START,
    CRTC_CURSOR_END,
    CRTC_START_HIGH,
    CRTC_START_LOW,
    CRTC_CURSOR_HIGH,
    CRTC_CURSOR_LOW,
    CRTC_V_RETRACE_START,
    CRTC_V_RETRACE_END,
    CRTC_V_DISPLAY_END,
    CRTC_OFFSET,
    CRTC_UNDERLINE,
    CRTC_V_BLANK_START,
    CRTC_V_BLANK_END,
    CRTC_MODE,
    CRTC_LINE_COMPARE,
    CRTC_COUNT
};

/* How the CPU's window is decoded at present; derived by vga_mem_update. */
enum vga_mem_kind { MEM_OFF, MEM_PLANAR, MEM_ODD_EVEN, MEM_CHAIN4, MEM_LINEAR };

struct vga_mem {
    enum vga_mem_kind kind;
    uint32_t base, size;   /* of the decoded part, as offset from A0000h */
    uint32_t plane_mask;   /* wrap of plane addresses */
    bool plain_write;      /* write mode 0 with nothing in the way: the byte goes as it is */
    bool plain_read;       /* read mode 0 */
    uint8_t read_map;
    bool odd_even_read;    /* graphics controller's odd/even bit, for reads */
    uint32_t write_planes; /* map mask, 0 or FFh in each byte */
    uint32_t set_reset, set_reset_on;
    uint32_t compare, care;
    uint32_t bit_mask;
};

struct vga {
    struct vclock *clock; /* NULL in a shot: it stands still at still_ns */
    uint64_t still_ns;
    struct phys *phys;
    struct log *log;

    uint8_t misc;                             /* 3C2h */
    uint8_t feature;                          /* 3xAh */
    uint8_t adapter_enable, subsystem_enable; /* 46E8h, 3C3h */
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t gfx_index, gfx[GFX_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT]; /* bit 5 of the index: palette address source */
    uint8_t attr_data;                    /* the flip-flop: next write of 3C0h is data */
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t status_toggle; /* diagnostic bits of input status 1 */

    uint8_t dac[768]; /* as written: 6 bits, or 8 with DISPI_8BIT_DAC */
    uint8_t dac_mask, dac_index, dac_component, dac_reading;
    uint8_t dac_latch[3];

    uint16_t dispi_index, dispi[DISPI_COUNT];

    uint8_t *vram;
    uint32_t vram_bytes;
    int window_region; /* phys's id of A0000h-BFFFFh */
    int lfb_region; /* the linear frame buffer: phys's id, where it is, whether it is decoded */
    uint32_t lfb_base;
    bool lfb_on;
    int direct_region; /* the window as plain memory (vga_direct.c): phys's id, */
    uint32_t direct_base, direct_size, direct_offset; /* address, size (0: off), place in vram */
    uint32_t by_hand; /* so many more plain accesses, then it is; 0: never */
    const uint8_t *frame_flags; /* phys's, by frame */
    uint8_t *dirty; /* a byte a page: written since the shot was taken (vga_shot.h) */
    uint32_t latch;
    uint8_t latch_unknown; /* the window has been plain memory since it was loaded */
    uint8_t latch_counts;  /* the guest relies on loading it in chain-4: no plain memory there */
    uint8_t rotated; /* plane addresses are stored rotated: chain-4 */
    struct vga_mem mem;
    struct vga_beam_log *beam; /* what changed within a frame (vga_beam.c) */
    uint16_t monitor_width, monitor_height; /* what the monitor likes best; 0: it does not say */
};

/* ---- devices/vga_regs.c: the ports ---- */

/* Both gates of the adapter: 46E8h (bit 3 enables, bit 4 is the setup mode) and 3C3h. */
static inline bool vga_awake(const struct vga *v)
{
    return (v->adapter_enable & 0x18) == 0x08 && (v->subsystem_enable & 1);
}

void vga_map_ports(struct vga *v, struct bus *bus);
/* The fields were restored: bits that the registers do not have go. */
void vga_regs_restored(struct vga *v);

/* ---- devices/vga_dac.c ---- */

void vga_dac_write(struct vga *v, unsigned port, uint8_t value); /* 3C6h-3C9h */
uint8_t vga_dac_read(struct vga *v, unsigned port);
/* The colour of DAC register INDEX after the pixel mask: 0x00RRGGBB. */
uint32_t vga_dac_color(const struct vga *v, uint8_t index);

/* The colour of a 4-bit pixel: the attribute controller's palette and colour select. */
uint32_t vga_palette_color(const struct vga *v, unsigned index);

/* ---- devices/vga_dispi.c ---- */

void vga_dispi_map(struct vga *v, struct bus *bus);
void vga_dispi_reset(struct vga *v);
/* The fields were restored: a mode that could not have been set is none. */
void vga_dispi_restored(struct vga *v);
static inline bool vga_dispi_on(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED;
}
/* Bytes of a scan line; of a plane's line in 4-bit mode. */
uint32_t vga_dispi_pitch(const struct vga *v);
struct vga_frame;
/* Line Y as xres pixels (at most DISPI_MAX_XRES). */
void vga_dispi_line(const struct vga *v, const struct vga_frame *f, unsigned y, uint32_t *out);
/* The bytes of video memory that line Y is made of; false when some lie beyond its end. */
bool vga_dispi_span(const struct vga *v, unsigned y, uint32_t *at, uint32_t *len);

/* ---- devices/vga_mem.c: the window at A0000h ---- */

extern const struct mmio_ops vga_mem_ops;
extern const struct mmio_quick vga_mem_quick;
/* A register that decides about the window changed: derive v->mem again. */
void vga_mem_update(struct vga *v);
/* Of those that decide nothing but what becomes of written bytes, or of colour compare. */
void vga_path_update(struct vga *v);
/* The window shows something else than before. */
void vga_mem_replaced(struct vga *v);
/* ---- devices/vga_path.c: bytes to and from the planes ---- */

/* OFFSET of the decoded window (below mem.size), which is planes, cells or chain-4.  The write returns
 * the first of the four bytes of video memory that it may have changed; the caller reports them. */
uint32_t vga_path_write(struct vga *v, uint32_t offset, uint8_t value);
uint8_t vga_path_read(struct vga *v, uint32_t offset);
/* Would writing VALUE take bits of the latches? */
bool vga_path_takes_latch(const struct vga *v, uint8_t value);
/* As struct mmio_quick has them. */
bool vga_quick_read(void *opaque, uint32_t offset, unsigned size, uint32_t *value);
bool vga_quick_write(void *opaque, uint32_t offset, uint32_t value, unsigned size);

/* ---- devices/vga_direct.c: the window as plain memory ---- */

/* The window may be decoded in another way, or show another bank. */
void vga_direct_update(struct vga *v);
/* Make it plain memory, if the registers allow. */
void vga_direct_show(struct vga *v);
/* A plain access was carried out by hand. */
static inline void vga_direct_count(struct vga *v)
{
    if (v->by_hand && --v->by_hand == 0)
        vga_direct_show(v);
}
/* The latches are about to be used, or seen. */
void vga_latch_used(struct vga *v);
/* The frame of the window that shows page PAGE of video memory; 0: none does. */
static inline uint32_t vga_direct_frame(const struct vga *v, uint32_t page)
{
    uint32_t at = (page << PAGE_SHIFT) - v->direct_offset;

    return at < v->direct_size ? (v->direct_base + at) >> PAGE_SHIFT : 0;
}

/* Bytes [offset, offset + len) of video memory were changed behind phys's back. */
void vga_mem_wrote(struct vga *v, uint32_t offset, uint32_t len);
/* Decode the linear frame buffer at BASE, or nowhere. */
void vga_place_lfb(struct vga *v, uint32_t base, bool on);

/* Where the dword of plane address ADDRESS is kept. */
static inline uint32_t vga_plane_index(const struct vga *v, uint32_t address)
{
    address &= 0xFFFF;
    return v->rotated ? (address >> 2 | address << 14) & 0xFFFF : address;
}

static inline uint32_t vga_plane_dword(const struct vga *v, uint32_t address)
{
    return ((const uint32_t *)v->vram)[vga_plane_index(v, address)];
}

/* 0 or FFh in byte P by bit P of PLANES. */
static inline uint32_t vga_spread(unsigned planes)
{
    return ((planes & 15) * 0x00204081u & 0x01010101u) * 0xFF;
}

/* ---- devices/vga_timing.c: what the CRTC scans ---- */

struct vga_scan {
    bool valid;             /* the registers describe a picture */
    unsigned chars;         /* characters in a line */
    unsigned char_dots;     /* 8 or 9 */
    unsigned dot_repeat;    /* 2 when the dot clock is halved */
    unsigned counter_shift; /* characters that share an address, as power of two */
    unsigned lines;         /* scan lines displayed */
    unsigned line_step;     /* 2 when the vertical counter runs at half speed */
    unsigned line_compare;
};
void vga_scan_get(const struct vga *v, struct vga_scan *s);
/* Bit 0 (display disabled) and bit 3 (vertical retrace) of input status 1, now. */
uint8_t vga_retrace_bits(struct vga *v);
/* Frames since power-on: the phase of everything that blinks. */
uint64_t vga_frame(struct vga *v);
/* The plane address that the CRTC puts out for COUNTER in row scan ROW. */
uint32_t vga_crtc_address(const struct vga *v, uint32_t counter, unsigned row);

/* A frame's scan lines: the border above the picture, the picture, the border below; what is left of
 * TOTAL is the vertical blanking. */
struct vga_raster {
    unsigned above, lines, below, total;
};
enum { VGA_RASTER_LINES = 2 * (1023 + 2) };
/* Where the beam is. */
struct vga_position {
    uint64_t frame; /* since power-on */
    unsigned line;  /* from the first of the border above */
    struct vga_raster raster;
};
/* False: the registers describe no picture. */
bool vga_position_get(struct vga *v, struct vga_position *at);

/* ---- devices/vga_beam.c: changes within a frame ---- */

enum vga_bank { BANK_SEQ, BANK_GFX, BANK_ATTR, BANK_CRTC, BANK_DAC, BANK_DAC_MASK };
enum { VGA_CHANGES = 4096 };

struct vga_change {
    uint16_t line; /* the first that shows it */
    uint8_t bank, index, value[3];
};
struct vga_top {
    uint8_t seq[SEQ_COUNT], gfx[GFX_COUNT], attr[ATTR_COUNT], crtc[CRTC_COUNT];
    uint8_t dac[768], dac_mask;
};
struct vga_record {
    uint64_t frame;
    struct vga_raster raster;
    struct vga_top top; /* the registers above the first change */
    uint64_t touched[7]; /* a bit for each register that changed */
    unsigned count;
    struct vga_change change[VGA_CHANGES];
};

struct vga_beam_log *vga_beam_new(void);
void vga_beam_free(struct vga_beam_log *log);
void vga_beam_forget(struct vga *v);
/* Register INDEX of BANK is about to become VALUE: a byte, or three of the DAC. */
void vga_beam_change(struct vga *v, enum vga_bank bank, unsigned index, const uint8_t *value);
/* What changed within the frame that was shown last; NULL: nothing did. */
const struct vga_record *vga_beam_record(struct vga *v);
/* V's registers as at the top of R's frame. */
void vga_beam_top(const struct vga_record *r, struct vga *v);
/* Apply to V what line Y of the frame (RASTER's above + N for the picture's line N) is the first to
 * show; *NEXT, 0 at the top, counts on.  True when something changed. */
bool vga_beam_line(const struct vga_record *r, unsigned *next, unsigned y, struct vga *v);

/* The border's colours in R's frame, line by line from the top.  Returns how many there are (at most
 * VGA_RASTER_LINES); V is scratch. */
unsigned vga_beam_border(const struct vga_record *r, struct vga *v, uint32_t *line);

/* ---- devices/vga_draw.c, vga_text.c, vga_graphics.c ---- */

/* What stays the same over a frame. */
struct vga_frame {
    struct vga_scan scan;
    uint32_t color[256];  /* of an 8-bit pixel */
    uint32_t palette[16]; /* through the attribute controller's palette */
    uint32_t color16[16]; /* the same, after "color plane enable" */
    bool blink_off;       /* blinking characters are invisible */
    bool cursor_on;
    uint16_t cursor; /* the counter's value at it */
};
/* One scan line: address COUNTER of its first character, row scan ROW.  DOTS gets char_dots dots
 * for each of chars + 1 characters: one more than is seen, for panning. */
enum { VGA_LINE_DOTS = 257 * 9 };
struct vga_line {
    uint16_t counter;
    unsigned row;
    uint32_t dots[VGA_LINE_DOTS];
};
/* Plane addresses of the character maps for attribute bit 3 clear and set. */
void vga_font_maps(const struct vga *v, uint32_t maps[2]);
void vga_text_line(struct vga *v, const struct vga_frame *f, struct vga_line *line);
void vga_graphics_line(struct vga *v, const struct vga_frame *f, struct vga_line *line);

/* Where scan lines go. */
struct vga_sink {
    void *opaque;
    /* Is line Y to be drawn?  LINE has its counter and row, in the VGA's own modes; NULL: all. */
    bool (*wanted)(void *opaque, unsigned y, const struct vga_line *line);
    void (*line)(void *opaque, unsigned y, const uint32_t *pixels);
};
void vga_frame_get(struct vga *v, struct vga_frame *f);
/* Nothing is scanned out, or the palette is disconnected: the picture is black. */
bool vga_blank(const struct vga *v);
/* Top to bottom, when it is not blank; with the changes of RECORD (or NULL). */
void vga_scan_out(struct vga *v, const struct vga_frame *f, const struct vga_record *record,
                  const struct vga_sink *sink);

#endif
