#include "rig.h"

#include "devices/apic.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t wire_in(void *opaque, uint16_t port, unsigned size)
{
    return bus_in(((struct rig *)opaque)->board.bus, port, size);
}

static void wire_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    bus_out(((struct rig *)opaque)->board.bus, port, value, size);
}

static uint64_t wire_tsc(void *opaque)
{
    return vclock_now(((struct rig *)opaque)->board.clock);
}

static void wire_a20(void *opaque, int n, int level)
{
    struct rig *r = opaque;

    (void)n;
    if (phys_a20(r->board.phys) == (level != 0))
        return;
    phys_set_a20(r->board.phys, level);
    mmu_a20_changed(r->mmu);
}

static void wire_reset(void *opaque, int n, int level)
{
    struct rig *r = opaque;

    (void)n;
    r->resets += level != 0;
}

void rig_file(char *path, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    int fd;

    strcpy(path, "/tmp/ringer-bios-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    while (len) {
        ssize_t n = write(fd, p, len);

        ck_assert_int_gt(n, 0);
        p += n;
        len -= n;
    }
    close(fd);
}

static struct block *make_image(struct rig *r, char *path, uint32_t sectors)
{
    const struct block_options options = {0};
    struct error err = {0};
    uint8_t *image = calloc(sectors, SECTOR_SIZE);
    struct block *b;

    for (uint32_t i = 0; i < sectors; i++)
        memcpy(image + i * SECTOR_SIZE, &i, 4);
    memcpy(image + 4, "BOOT", 4);
    image[510] = 0x55;
    image[511] = 0xAA;
    rig_file(path, image, (size_t)sectors * SECTOR_SIZE);
    free(image);
    b = block_open(path, &options, r->board.log, &err);
    ck_assert_msg(b != NULL, "%s", err.text);
    return b;
}

/* The chip set, as the machine has it. */
static void make_pci(struct rig *r)
{
    const struct irq_line none = {0};
    struct board *b = &r->board;
    struct pci *pci = pci_init(b);
    struct piix_isa *isa;

    pci_host_init(b, pci, true);
    isa = piix_isa_init(b, pci, (struct irq_line){pic_set_irq, r->pic, 0}, none);
    piix_ide_init(b, pci, none, none);
    piix_pm_init(b, pci, piix_isa_sci(isa), &(struct piix_pm_wires){0});
    pci_vga_init(b, pci, r->vga);
    pci_testdev_init(b, pci, 20 << 3, 0); /* a card in a slot that few boards have */
}

static void line_send(struct chardev *line, const uint8_t *data, size_t len)
{
    struct rig *r = line->backend;

    if (r->sent_len + len >= sizeof r->sent)
        return; /* more than anybody compares */
    memcpy(r->sent + r->sent_len, data, len);
    r->sent_len += len;
    r->sent[r->sent_len] = 0;
}

/* The port has room. */
static void line_accept(struct chardev *line)
{
    struct rig *r = line->backend;

    if (r->typed && *r->typed)
        r->typed += line->receive(line->dev, (const uint8_t *)r->typed, strlen(r->typed));
}

static void make_devices(struct rig *r, bool line)
{
    const struct irq_line none = {0}, a20 = {wire_a20, r, 0}, reset = {wire_reset, r, 0};
    const struct lapic_config lapic = {0x14, 5, true};
    struct board *b = &r->board;

    r->lapic = lapic_init(b, &lapic, none, none, none);
    ioapic_init(b, r->lapic);
    hpet_init(b, none);
    r->pic = pic_init(b, lapic_lint(r->lapic, 0));
    pit_init(b, pic_line(r->pic, 0));
    dma_init(b);
    r->keyboard = i8042_init(b, pic_line(r->pic, 1), pic_line(r->pic, 12), a20, reset);
    r->line = (struct chardev){.backend = r, .send = line_send, .accept = line_accept};
    uart_init(b, 0x3F8, none, line ? &r->line : NULL);
    r->vga = vga_init(b, 4 << 20);
    make_pci(r);
    r->fw_cfg = fw_cfg_init(b);
}

void rig_open(struct rig *r, uint32_t ram_mib, uint32_t floppy_sectors, uint32_t disk_sectors)
{
    rig_open_with(r, ram_mib, floppy_sectors, disk_sectors, &(struct bios_config){0});
}

void rig_open_with(struct rig *r, uint32_t ram_mib, uint32_t floppy_sectors, uint32_t disk_sectors,
                   const struct bios_config *base)
{
    const struct cpu_wires wires = {.opaque = r, .in = wire_in, .out = wire_out, .tsc = wire_tsc};
    struct bios_config config = *base;
    struct error err = {0};

    memset(r, 0, sizeof *r);
    r->board.clock = vclock_new(false);
    r->board.bus = bus_new(NULL);
    r->board.devices = device_list_new();
    r->board.phys = phys_new((uint64_t)ram_mib << 20, NULL, &err);
    ck_assert_msg(r->board.phys != NULL, "%s", err.text);
    r->mmu = mmu_new(r->board.phys, NULL, 0, &err);
    ck_assert_msg(r->mmu != NULL, "%s", err.text);
    r->cpu = cpu_new(r->mmu, r->board.phys, NULL, cpu_model_find("pentium3"), &wires, &err);
    ck_assert_msg(r->cpu != NULL, "%s", err.text);
    make_devices(r, base->serial_console);
    if (floppy_sectors)
        r->floppy = make_image(r, r->floppy_path, floppy_sectors);
    if (disk_sectors)
        r->disk = make_image(r, r->disk_path, disk_sectors);
    config.cpu = r->cpu;
    config.board = &r->board;
    config.vga = r->vga;
    config.keyboard = r->keyboard;
    config.rtc = rtc_init(&r->board, pic_line(r->pic, 8), 951782400); /* 29 February 2000 */
    config.floppy[0] = r->floppy;
    config.floppy_present[0] = true;
    config.disk[0] = r->disk;
    config.fw_cfg = r->fw_cfg;
    if (!config.boot_order)
        config.boot_order = "ac";
    config.serial_ports[0] = 0x3F8;
    r->bios = bios_init(&config, &err);
    ck_assert_msg(r->bios != NULL, "%s", err.text);
    device_reset_all(r->board.devices);
    for (int i = 0; i < SEG_COUNT; i++)
        cpu_set_real_segment(r->cpu, i, 0, false);
}

void rig_close(struct rig *r)
{
    device_free_all(r->board.devices);
    cpu_free(r->cpu);
    mmu_free(r->mmu);
    phys_free(r->board.phys);
    bus_free(r->board.bus);
    vclock_free(r->board.clock);
    if (r->floppy) {
        block_close(r->floppy);
        unlink(r->floppy_path);
    }
    if (r->disk) {
        block_close(r->disk);
        unlink(r->disk_path);
    }
}

static uint16_t find_trap(struct rig *r, uint8_t number)
{
    const uint8_t trap[5] = {0xE6, ROM_TRAP_PORT, 0xEB, 0x01, number};
    uint32_t at = 0;

    while (at < ROM_SIZE - 5 && memcmp(r->bios->rom + at, trap, 5) != 0)
        at++;
    ck_assert_uint_lt(at, ROM_SIZE - 5);
    return at;
}

void rig_trap(struct rig *r, unsigned number)
{
    uint16_t *at = &r->trap_at[number];

    if (!*at)
        *at = find_trap(r, number);
    cpu_set_real_segment(r->cpu, SEG_CS, ROM_SEGMENT, false);
    r->cpu->eip = *at;
    bus_out(r->board.bus, ROM_TRAP_PORT, r->cpu->gpr[EAX] & 0xFF, 1);
    ck_assert_uint_eq(r->cpu->eip, *at);
    ck_assert_uint_eq(r->cpu->seg[SEG_CS].selector, ROM_SEGMENT);
}

void rig_post(struct rig *r)
{
    r->cpu->gpr[ESP] = 0x7C00;
    rig_trap(r, TRAP_RESET);
    rig_trap(r, TRAP_POST);
    memset(r->cpu->gpr, 0, sizeof r->cpu->gpr);
}

bool rig_call(struct rig *r, unsigned number, uint32_t eax, uint32_t ebx, uint32_t ecx,
              uint32_t edx)
{
    r->cpu->gpr[EAX] = eax;
    r->cpu->gpr[EBX] = ebx;
    r->cpu->gpr[ECX] = ecx;
    r->cpu->gpr[EDX] = edx;
    r->cpu->gpr[ESP] = RIG_SP;
    set_lin16(r->bios, RIG_FLAGS, 0x0203); /* carry set: a service must clear it itself */
    rig_trap(r, number);
    return lin16(r->bios, RIG_FLAGS) & FLAG_CF;
}

bool rig_zero(struct rig *r)
{
    return lin16(r->bios, RIG_FLAGS) & FLAG_ZF;
}

bool rig_live_carry(struct rig *r)
{
    return r->cpu->flags_host & FLAG_CF;
}

uint8_t rig_ah(struct rig *r)
{
    return r->cpu->gpr[EAX] >> 8;
}
