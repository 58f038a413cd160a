/* The video services' common ground: what is on the screen, by the BIOS data area. */
#ifndef RINGER_BIOS_VIDEO_H
#define RINGER_BIOS_VIDEO_H

#include "bios/private.h"
#include "devices/vga_modes.h"

/* Offsets in the BIOS data area. */
enum {
    BDA_MODE = 0x49, BDA_COLUMNS = 0x4A, BDA_PAGE_SIZE = 0x4C, BDA_PAGE_START = 0x4E,
    BDA_CURSOR = 0x50, BDA_CURSOR_SHAPE = 0x60, BDA_PAGE = 0x62, BDA_CRTC = 0x63,
    BDA_MODE_SELECT = 0x65, BDA_PALETTE = 0x66, BDA_ROWS = 0x84, BDA_CHAR_HEIGHT = 0x85,
    BDA_EGA_INFO = 0x87, BDA_EGA_SWITCHES = 0x88, BDA_VGA_FLAGS = 0x89, BDA_DCC = 0x8A,
    BDA_SAVE_POINTER = 0xA8,
};

/* Bits of BDA_VGA_FLAGS. */
enum { VGA_200_LINES = 0x80, VGA_400_LINES = 0x10, VGA_NO_PALETTE = 0x08, VGA_MONO = 0x04,
       VGA_GREY = 0x02, VGA_ACTIVE = 0x01 };

/* How the memory of a mode is laid out. */
enum layout { LAYOUT_TEXT, LAYOUT_CGA2, LAYOUT_CGA1, LAYOUT_PLANAR, LAYOUT_LINEAR };

struct screen {
    uint8_t mode;
    enum layout layout;
    uint32_t base; /* linear address of page 0 */
    unsigned columns, rows, char_height;
    uint16_t page_size;
    uint8_t page; /* the one displayed */
};

/* video_rom.c: where PLACE (ROM_FONT_8X16 and what follows) of the video tables is: in our own ROM,
 * or under foreign firmware in the VGA's option ROM.  As segment, offset, and both. */
uint16_t video_segment(const struct bios *b);
uint16_t video_offset(const struct bios *b, uint16_t place);
uint32_t video_pointer(const struct bios *b, uint16_t place);

/* The present screen.  Hostile values of the data area are bounded here. */
struct screen video_screen(struct bios *b);

/* Set MODE (as AH=00h does, without bit 7); clears the memory when CLEAR. */
void video_set_mode(struct bios *b, uint8_t mode, bool clear);
void video_load_dac(struct bios *b, uint8_t kind);
bool video_is_text(struct bios *b);

/* Indexed registers. */
uint8_t seq_read(struct bios *b, uint8_t index);
void seq_write(struct bios *b, uint8_t index, uint8_t v);
uint8_t gfx_read(struct bios *b, uint8_t index);
void gfx_write(struct bios *b, uint8_t index, uint8_t v);
uint8_t crtc_read(struct bios *b, uint8_t index);
void crtc_write(struct bios *b, uint8_t index, uint8_t v);
uint8_t attr_read(struct bios *b, uint8_t index);
void attr_write(struct bios *b, uint8_t index, uint8_t v);

/* video_text.c */
void text_cursor_shape(struct bios *b, uint8_t start, uint8_t end);
void text_set_cursor(struct bios *b, uint8_t page, uint8_t row, uint8_t column);
void text_set_page(struct bios *b, uint8_t page);
void text_scroll(struct bios *b, bool up, unsigned lines, uint8_t attribute, uint8_t top,
                 uint8_t left, uint8_t bottom, uint8_t right);
void text_read_char(struct bios *b);                     /* AH=08h */
void text_write_chars(struct bios *b, bool attribute);   /* AH=09h, 0Ah */
void text_teletype(struct bios *b, uint8_t page, uint8_t ch, uint8_t colour);

/* video_gfx.c */
void gfx_put_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                  unsigned column, uint8_t ch, uint8_t colour, uint8_t background);
uint8_t gfx_get_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                     unsigned column);
/* Move or blank character cells: rows TOP..BOTTOM of columns LEFT..RIGHT. */
void gfx_scroll(struct bios *b, const struct screen *s, bool up, unsigned lines, uint8_t colour,
                unsigned top, unsigned left, unsigned bottom, unsigned right);
void gfx_write_pixel(struct bios *b);                    /* AH=0Ch */
void gfx_read_pixel(struct bios *b);                     /* AH=0Dh */

/* video_palette.c, video_font.c, video_state.c, vbe.c */
void palette_select(struct bios *b);                     /* AH=0Bh */
void palette_service(struct bios *b);                    /* AH=10h */
void palette_grey(struct bios *b, unsigned first, unsigned count);
void font_service(struct bios *b);                       /* AH=11h */
/* Load COUNT glyphs of HEIGHT bytes at linear address DATA into BLOCK of plane 2, from FIRST. */
void font_load(struct bios *b, unsigned block, uint32_t data, unsigned first, unsigned count,
               unsigned height);
void font_load_rom(struct bios *b, unsigned block, unsigned height);
void alternate_select(struct bios *b);                   /* AH=12h */
void state_combination(struct bios *b);                  /* AH=1Ah */
void state_functionality(struct bios *b);                /* AH=1Bh */
void state_save_restore(struct bios *b);                 /* AH=1Ch */
void vbe_service(struct bios *b);                        /* AH=4Fh */
void vbe_leave(struct bios *b);                          /* before a standard mode is set */

#endif
