/* Composition: which parts a machine is made of and which wire goes where. */
#include "cpu/emulate.h"
#include "devices/fw_cfg.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include "vmm/audio/audio.h"
#include "vmm/catalog.h"
#include "vmm/event.h"
#include "vmm/hooks.h"
#include "vmm/media.h"
#include "vmm/private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the CPU's wires ---- */

static uint32_t wire_in(void *opaque, uint16_t port, unsigned size)
{
    struct machine *m = opaque;

    phys_set_at_device(m->phys, true);
    uint32_t value = bus_in(m->bus, port, size);
    phys_set_at_device(m->phys, false);
    return value;
}

static void wire_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;

    phys_set_at_device(m->phys, true);
    bus_out(m->bus, port, value, size);
    phys_set_at_device(m->phys, false);
}

static uint64_t wire_tsc(void *opaque)
{
    struct machine *m = opaque;

    return vclock_now(m->clock); /* CPU_TSC_HZ: one tick a nanosecond */
}

/* ---- the board's wires to the CPU ---- */

static void wire_a20(void *opaque, int n, int level)
{
    struct machine *m = opaque;

    (void)n;
    if (phys_a20(m->phys) == (level != 0))
        return;
    phys_set_a20(m->phys, level != 0);
    mmu_a20_changed(m->mmu);
    m->cpu->mode_changed = 1; /* the current windows are others now */
}

/* N: 0 the CPU's reset line, 1 the board's. */
static void wire_reset(void *opaque, int n, int level)
{
    struct machine *m = opaque;

    if (!level)
        return;
    m->private->board_reset |= n;
    machine_raise_event(m, EVENT_RESET);
}

static void wire_rtc(void *opaque, int64_t offset)
{
    machine_tell(opaque, &(struct machine_event){.kind = MACHINE_RTC_CHANGE, .offset = offset});
}

/* ---- the bill of materials ---- */

static bool build_core(struct machine *m, struct error *err)
{
    const struct machine_config *c = &m->config;
    struct cpu_wires wires = {.opaque = m, .in = wire_in, .out = wire_out, .tsc = wire_tsc};

    machine_wire_interrupts(&wires);
    m->clock = vclock_new(c->manual_clock);
    wires.timeline = m->clock ? vclock_timeline(m->clock) : NULL; /* CPU_TSC_HZ, too */
    m->bus = bus_new(m->log);
    m->board.devices = device_list_new();
    if (!m->clock || !m->bus || !m->board.devices)
        return error_set(err, "out of memory");
    vclock_stop(m->clock); /* until the vCPU thread runs */
    m->phys = phys_new(c->ram_bytes, m->log, err);
    if (!m->phys)
        return false;
    m->mmu = mmu_new(m->phys, m->log, 0, err);
    if (!m->mmu)
        return false;
    m->cpu = cpu_new(m->mmu, m->phys, m->log, c->model, &wires, err);
    if (!m->cpu)
        return false;
    m->translator = translator_new(m->cpu, m->log, &c->translator, err);
    return m->translator != NULL;
}

static void build_disks(struct machine *m)
{
    const struct machine_config *c = &m->config;
    static const char *const serial[4] = {"RG00001", "RG00002", "RG00003", "RG00004"};

    fdc_attach(m->fdc, !c->no_floppy || c->floppy[0], c->floppy[1]);
    for (int i = 0; i < 2; i++)
        if (c->floppy[i])
            fdc_insert(m->fdc, i, c->floppy[i]);
    for (int i = 0; i < 4; i++) {
        const char *number = c->ide_serial[i] ? c->ide_serial[i] : serial[i];
        if (c->disk[i])
            ide_attach(m->ide[i / 2], i % 2, c->disk[i], number);
        else if (c->cdrom[i] || c->cdrom_present[i])
            ide_attach_cdrom(m->ide[i / 2], i % 2, c->cdrom[i], number);
    }
}

/* The bridges and what hangs on them; slots as in QEMU's machine of the same chip set. */
static void build_pci(struct machine *m)
{
    static const uint16_t base[2] = {0x1f0, 0x170}, control[2] = {0x3f6, 0x376};
    const struct piix_pm_wires pm = machine_pm_wires(m);
    struct board *b = &m->board;

    m->pci = pci_init(b);
    m->pci_host = pci_host_init(b, m->pci, !m->config.firmware.bios.data);
    struct piix_isa *isa = piix_isa_init(b, m->pci, machine_irq(m, 0), machine_pirqs(m));
    struct piix_ide *ide = piix_ide_init(b, m->pci, machine_irq(m, 14), machine_irq(m, 15));
    for (int i = 0; i < 2; i++) {
        m->ide[i] = ide_init(b, base[i], control[i], piix_ide_line(ide, i));
        piix_ide_join(ide, i, m->ide[i]);
    }
    if (!m->config.no_acpi)
        m->pm = piix_pm_init(b, m->pci, piix_isa_sci(isa), &pm);
    if (m->config.no_vga)
        vga_unplug(m->vga, m->bus);
    else if (!m->config.vga.isa)
        m->pci_vga = pci_vga_init(b, m->pci, m->vga);
}

/* The speaker, once there is a counter to drive it. */
static void build_sound(struct machine *m)
{
    const struct machine_config *c = &m->config;

    if (!c->audio)
        return;
    audio_start(c->audio, m->clock);
    pcspk_init(&m->board, m->pit, audio_find(c->audio, c->pcspk_audiodev));
}

static void build_vga(struct machine *m)
{
    const struct vga_config *c = &m->config.vga;

    m->vga = vga_init(&m->board, (c->mib ? c->mib : 16) << 20);
    if (c->no_edid)
        vga_set_monitor(m->vga, 0, 0);
    else if (c->width)
        vga_set_monitor(m->vga, c->width, c->height);
}

static void build_devices(struct machine *m)
{
    const struct machine_config *c = &m->config;
    struct board *b = &m->board;
    const struct irq_line a20 = {wire_a20, m, 0};
    const struct irq_line reset = {wire_reset, m, 0}, board_reset = {wire_reset, m, 1};

    machine_build_interrupts(m, reset);
    m->dma = dma_init(b);
    build_sound(m);
    m->i8042 = i8042_init(b, machine_irq(m, 1), machine_irq(m, 12), a20, reset);
    m->fdc = fdc_init(b, machine_irq(m, 6), m->dma);
    build_vga(m);
    if (!c->no_vmport)
        m->vmmouse = vmmouse_init(b, m->cpu->gpr, m->i8042, c->ram_bytes);
    build_pci(m);
    build_disks(m);
    for (unsigned i = 0; i < c->device_count; i++)
        if (c->devices[i].model->build)
            c->devices[i].model->build(m, &c->devices[i]);
    m->fw_cfg = fw_cfg_init(b);
    reset_control_init(b, board_reset, reset);
}

int machine_boot_cdrom(const struct machine_config *c)
{
    uint32_t least = 0;
    int best = -1;

    for (int i = 0; i < 4; i++) {
        uint32_t index = c->bootindex ? c->bootindex[BOOT_IDE + i] - 1 : UINT32_MAX;

        if ((c->cdrom[i] || c->cdrom_present[i]) && (best < 0 || index < least)) {
            best = i;
            least = index;
        }
    }
    return best;
}

/* The VGA's option ROM: a file's, or ours.  Without PCI foreign firmware looks for it among
 * fw_cfg's files. */
static void add_video_rom(struct machine *m)
{
    const struct firmware *f = &m->config.firmware;
    const uint8_t *rom = f->vga_rom.data;
    uint32_t len = f->vga_rom.len;

    if (m->config.no_vga || f->no_vga_rom)
        return;
    if (!rom)
        rom = bios_video_rom(m->bios, &len);
    if (m->pci_vga)
        pci_vga_set_rom(m->pci_vga, rom, len);
    else if (rom && f->bios.data)
        fw_cfg_set_file(m->fw_cfg, "vgaroms/vgabios.bin", rom, len);
}

static bool build_bios(struct machine *m, struct error *err)
{
    const struct machine_config *c = &m->config;
    struct bios_config bios = {
        .cpu = m->cpu,
        .board = &m->board,
        .vga = c->no_vga ? NULL : m->vga,
        .keyboard = m->i8042,
        .rtc = m->rtc,
        .floppy = {c->floppy[0], c->floppy[1]},
        .floppy_present = {!c->no_floppy || c->floppy[0], c->floppy[1] != NULL},
        .disk = {c->disk[0], c->disk[1], c->disk[2], c->disk[3]},
        .boot_order = c->boot_once ? c->boot_once : c->boot_order,
        .boot_menu = c->boot_menu,
        .boot_strict = c->boot_strict,
        .splash_ms = c->boot_splash_ms,
        .bootindex = c->bootindex,
        .reboot_ms = c->reboot_ms,
        .uuid = c->uuid,
        .smbios = c->smbios,
        .no_s3 = c->no_s3,
        .no_s4 = c->no_s4,
        .serial_console = c->serial_console,
        .fast_boot = c->kernel.kernel != NULL,
        .power_off = machine_power_off,
        .power_off_opaque = m,
        .fw_cfg = m->fw_cfg,
        .rom = c->firmware.bios.data,
        .rom_bytes = c->firmware.bios.len,
    };

    for (bios.option_roms = 0; bios.option_roms < c->firmware.option_roms; bios.option_roms++) {
        unsigned i = bios.option_roms;
        bios.option_rom[i] =
            (struct option_rom){c->firmware.option_rom[i].data, c->firmware.option_rom[i].len,
                                c->firmware.option_name[i]};
    }
    memcpy(bios.serial_ports, m->serial_base, sizeof bios.serial_ports);
    memcpy(bios.parallel_ports, m->parallel_base, sizeof bios.parallel_ports);
    int cd = machine_boot_cdrom(c);
    if (cd >= 0) {
        bios.cdrom = c->cdrom[cd];
        bios.cdrom_unit = (unsigned)cd;
    }
    m->bios = bios_init(&bios, err);
    if (!m->bios)
        return false;
    add_video_rom(m);
    if (!firmware_install(&c->firmware, m->fw_cfg, err))
        return false;
    if (!c->kernel.kernel)
        return true;
    return c->kernel_multiboot ? bios_boot_multiboot(m->bios, &c->kernel, err)
                               : bios_boot_linux(m->bios, &c->kernel, err);
}

struct machine *machine_new(const struct machine_config *config, struct error *err)
{
    struct machine *m = calloc(1, sizeof *m);

    if (!m) {
        error_set(err, "out of memory");
        return NULL;
    }
    m->config = *config;
    m->log = config->log;
    if (!machine_private_init(m, err) || !build_core(m, err))
        goto fail;
    m->board.bus = m->bus;
    m->board.clock = m->clock;
    m->board.phys = m->phys;
    m->board.log = m->log;
    build_devices(m);
    if (!build_bios(m, err))
        goto fail;
    m->symbols = config->symbols;
    m->hooks = hooks_new(m, m->symbols);
    if (!m->hooks) {
        error_set(err, "out of memory");
        goto fail;
    }
    vclock_on_earlier(m->clock, machine_deadline_moved, m);
    media_watch(m);
    rtc_on_change(m->rtc, wire_rtc, m);
    return m;
fail:
    machine_free(m);
    return NULL;
}

void machine_config_close(struct machine_config *c)
{
    for (int i = 0; i < 2; i++)
        block_close(c->floppy[i]);
    for (int i = 0; i < 4; i++) {
        block_close(c->disk[i]);
        block_close(c->cdrom[i]);
    }
    firmware_free(&c->firmware);
    memset(c->floppy, 0, sizeof c->floppy);
    memset(c->disk, 0, sizeof c->disk);
    memset(c->cdrom, 0, sizeof c->cdrom);
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    if (m->private && m->private->started && !m->private->joined) {
        machine_quit(m, 0);
        machine_join(m, NULL);
    }
    if (m->clock)
        vclock_on_earlier(m->clock, NULL, NULL);
    hooks_free(m->hooks);
    if (m->board.devices)
        device_free_all(m->board.devices);
    if (m->translator)
        translator_free(m->translator);
    if (m->cpu)
        cpu_free(m->cpu);
    if (m->mmu)
        mmu_free(m->mmu);
    if (m->phys)
        phys_free(m->phys);
    if (m->bus)
        bus_free(m->bus);
    if (m->clock)
        vclock_free(m->clock);
    machine_config_close(&m->config);
    machine_private_free(m);
    free(m);
}
