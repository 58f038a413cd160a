/* The ROM's layout and its traps: shared by rom.S and the C side, so macros only.
 *
 * A service of the ROM is three lines of assembly: trap, look at the live carry flag where the
 * service may have to wait, IRET.  A trap is
 *
 *     out %al, $ROM_TRAP_PORT
 *     jmp 1f; .byte number; 1:
 *
 * The C side finds the number behind the instruction, in its own copy of the ROM, and answers a
 * write that comes from anywhere else as an empty port would. */
#ifndef RINGER_BIOS_ROM_H
#define RINGER_BIOS_ROM_H

#define ROM_TRAP_PORT 0xB8
#define ROM_SEGMENT   0xF000
#define ROM_SIZE      0x10000

#define TRAP_RESET     1  /* which kind of reset was it?  AL: shutdown code */
#define TRAP_POST      2
#define TRAP_BOOT      3 /* CL: BOOT_* */
#define TRAP_BOOT_NEXT 4
#define TRAP_INT02     5
#define TRAP_INT05     6
#define TRAP_INT09     7 /* AL: scan code; returns AL: KEY_ACTION_* */
#define TRAP_INT10     8
#define TRAP_INT13     9
#define TRAP_INT14     10 /* live CF: not ready, wait */
#define TRAP_INT14_LATE 11
#define TRAP_INT15     12 /* live CF: wait (AH=86h); live ZF: for an interrupt (AX=53xxh) */
#define TRAP_WAIT_INIT 13
#define TRAP_WAIT      14 /* live CF: not over; live ZF: nearly, don't halt */
#define TRAP_INT16     15 /* live CF: no key yet */
#define TRAP_INT17     16
#define TRAP_INT1A     17
#define TRAP_INT70     18 /* live CF clear: call INT 4Ah */
#define TRAP_INT74     19 /* live CF clear: call the mouse handler */
#define TRAP_ENTER_PM  20 /* INT 15h/89h */
#define TRAP_MENU      23 /* live CF: wait for a key */
#define TRAP_OPTION_ROM  26 /* live CF clear: initialise the ROM at 0040:0067 */
#define TRAP_VIDEO_INIT  25 /* the option ROM's initialisation */
#define TRAP_NOTHING     24 /* nothing boots; live CF: no key yet, nor is the time over */
#define TRAP_APM       42 /* 16- and 32-bit entry: live CF, ZF: wait for an interrupt */
#define TRAP_BIOS32    40 /* BIOS32 service directory, 32-bit code */
#define TRAP_PCI32     41 /* PCI BIOS, 32-bit entry: live CF */
#define TRAP_STRING_INIT 21 /* INT 10h/13h; SI: the cursor to come back to */
#define TRAP_STRING      22 /* live CF: there is more */

/* What TRAP_BOOT found; in CL. */
#define BOOT_SECTOR    0 /* at 0000:7C00, drive in DL */
#define BOOT_FAR       1 /* everything is set, CS:IP on the stack */
#define BOOT_MULTIBOOT 2 /* EAX, EBX set, entry in EDX */
#define BOOT_NOTHING   3
#define BOOT_CALL      4 /* an option ROM's entry at 0040:0067 */

/* What INT 9 is to do after the key was taken in. */
#define KEY_ACTION_NONE   0
#define KEY_ACTION_BREAK  1
#define KEY_ACTION_PRINT  2
#define KEY_ACTION_PAUSE  3
#define KEY_ACTION_RESET  4
#define KEY_ACTION_SYSRQ  5 /* pressed; 6: released */
#define KEY_ACTION_STORED 7

/* Places that the C side fills with data.  Below ROM_CODE is room for tables (bios_rom_room). */
#define ROM_CODE         0xA000
#define ROM_FONT_8X16    0xB000
#define ROM_FONT_8X14    0xC000
#define ROM_FONT_8X8     0xCE00
#define ROM_FONT_9X14    0xD600 /* alternate 9-dot glyphs: an empty list */
#define ROM_FONT_9X16    0xD601
#define ROM_VIDEO_STATIC 0xD610
#define ROM_VIDEO_SAVE   0xD620 /* save pointer table */
#define ROM_VIDEO_SAVE2  0xD640
#define ROM_VIDEO_DCC    0xD660 /* display combination codes */
#define ROM_VBE_OEM      0xD680
#define ROM_VBE_WINDOW   0xD6C0 /* code: the window function of function 01h's answer */
#define ROM_VBE_MODES    0xD700
#define ROM_FIXED_DISK   0xE401 /* parameter tables of drives 80h and 81h */
#define ROM_CONFIG       0xE6F5
#define ROM_BAUD         0xE729
#define ROM_DISKETTE     0xEFC7
#define ROM_VIDEO_PARAM  0xF0A4
#define ROM_FONT_LOW     0xFA6E
#define ROM_DATE         0xFFF5

/* The VGA's option ROM (video_rom.S): entry, and where the tables from ROM_FONT_8X16 on are. */
#define VIDEO_ROM_SEGMENT 0xC000
#define VIDEO_ROM_SIZE    0x4000
#define VIDEO_ROM_INT10   0x100
#define VIDEO_ROM_DATA    0x200

/* Entry points: those of the IBM AT where it had one. */
#define ROM_POST  0xE05B
#define ROM_INT02 0xE2C3
#define ROM_INT13 0xE3FE
#define ROM_INT19 0xE6F2
#define ROM_INT14 0xE739
#define ROM_INT16 0xE82E
#define ROM_INT09 0xE987
#define ROM_INT40 0xEC59
#define ROM_INT0E 0xEF57
#define ROM_INT17 0xEFD2
#define ROM_INT10 0xF065
#define ROM_INT12 0xF841
#define ROM_INT11 0xF84D
#define ROM_INT15 0xF859
#define ROM_INT1A 0xFE6E
#define ROM_INT08 0xFEA5
#define ROM_IRQLO 0xFF23 /* an interrupt of the first PIC that nobody handles */
#define ROM_IRET  0xFF53
#define ROM_INT05 0xFF54
/* Those that have no traditional place. */
#define ROM_INT18 0xFF60
#define ROM_INT70 0xFF64
#define ROM_INT71 0xFF68
#define ROM_INT74 0xFF6C
#define ROM_INT75 0xFF70
#define ROM_INT76 0xFF74
#define ROM_IRQHI 0xFF78
#define ROM_BIOS32 0xFF80 /* 32-bit code */
#define ROM_PCI32 0xFF88
#define ROM_APM32 0xFF90
#define ROM_APM16 0xFFA0
#define ROM_PNP   0xFFB0

#endif
