/* Direct boot of a Linux kernel: its files, and the entry into its 16-bit setup code, which then
 * calls this BIOS for memory map and video like under any boot loader. */
#include "bios/linux.h"
#include "bios/file.h"
#include "bios/private.h"
#include "cpu/emulate.h"
#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

struct linux_image {
    struct file kernel, initrd;
    char *command;
    struct linux_header header;
    struct linux_layout layout;
};

void linux_free(struct linux_image *image)
{
    if (!image)
        return;
    file_close(&image->kernel);
    file_close(&image->initrd);
    free(image->command);
    free(image);
}

static bool open_all(struct bios *b, struct linux_image *image, const struct boot_kernel *k,
                     struct error *err)
{
    uint8_t data[LINUX_HEADER_BYTES] = {0};
    uint64_t size;

    if (!file_open(&image->kernel, k->kernel, "kernel", err))
        return false;
    size = image->kernel.size < sizeof data ? image->kernel.size : sizeof data;
    if (!file_read(&image->kernel, 0, data, size))
        return error_set(err, "cannot read the kernel '%s'", k->kernel);
    if (!linux_parse(&image->header, data, size, image->kernel.size, k->kernel, err))
        return false;
    if (strlen(image->command) > image->header.command_max)
        return error_set(err, "-append has %zu characters, but the kernel '%s' takes at most %u",
                         strlen(image->command), k->kernel, image->header.command_max);
    if (k->initrd && !file_open(&image->initrd, k->initrd, "initrd", err))
        return false;
    return linux_place(&image->layout, &image->header, image->initrd.size, bios_kernel_top(b),
                       k->kernel, err);
}

bool bios_boot_linux(struct bios *b, const struct boot_kernel *k, struct error *err)
{
    struct linux_image *image = calloc(1, sizeof *image);

    if (!image)
        return error_set(err, "out of memory for the kernel");
    image->kernel.fd = image->initrd.fd = -1;
    image->command = strdup(k->append ? k->append : "");
    if (!image->command || !open_all(b, image, k, err)) {
        linux_free(image);
        return false;
    }
    linux_free(b->kernel);
    b->kernel = image;
    return !b->config.rom || bios_fw_kernel(b, err);
}

static bool copy_parts(struct bios *b, const struct linux_image *image)
{
    const struct linux_layout *l = &image->layout;
    uint8_t setup[66 * 512] = {0};
    uint32_t bytes = image->header.setup_bytes;

    if (!file_read(&image->kernel, 0, setup, bytes) ||
        !file_load(&image->kernel, bytes, image->header.kernel_bytes, b->phys, l->kernel))
        return false;
    if (image->initrd.size &&
        !file_load(&image->initrd, 0, image->initrd.size, b->phys, l->initrd))
        return false;
    linux_patch(setup, &image->header, l, image->command, image->initrd.size);
    phys_write(b->phys, l->segment * 16u, setup, bytes);
    phys_write(b->phys, l->command, image->command, strlen(image->command) + 1);
    return true;
}

/* A whole part of FILE as item DATA of fw_cfg, its place and size as two more. */
static bool offer_part(struct bios *b, const struct file *f, uint64_t offset, uint64_t len,
                       uint16_t data, uint16_t address, uint32_t pa, uint16_t size)
{
    uint8_t *bytes = malloc(len ? len : 1);
    bool ok = bytes && file_read(f, offset, bytes, len);

    if (ok) {
        fw_cfg_set(b->config.fw_cfg, data, bytes, (uint32_t)len);
        fw_cfg_set_number(b->config.fw_cfg, address, pa, 4);
        fw_cfg_set_number(b->config.fw_cfg, size, len, 4);
    }
    free(bytes);
    return ok;
}

bool linux_offer(struct bios *b)
{
    const struct linux_image *image = b->kernel;
    const struct linux_layout *l = &image->layout;
    uint32_t bytes = image->header.setup_bytes, command = strlen(image->command) + 1;
    struct fw_cfg *f = b->config.fw_cfg;
    uint8_t setup[66 * 512] = {0};

    if (!file_read(&image->kernel, 0, setup, bytes) ||
        !offer_part(b, &image->kernel, bytes, image->header.kernel_bytes, FW_CFG_KERNEL_DATA,
                    FW_CFG_KERNEL_ADDR, l->kernel, FW_CFG_KERNEL_SIZE) ||
        (image->initrd.size &&
         !offer_part(b, &image->initrd, 0, image->initrd.size, FW_CFG_INITRD_DATA,
                     FW_CFG_INITRD_ADDR, l->initrd, FW_CFG_INITRD_SIZE)))
        return false;
    linux_patch(setup, &image->header, l, image->command, image->initrd.size);
    fw_cfg_set(f, FW_CFG_SETUP_DATA, setup, bytes);
    fw_cfg_set_number(f, FW_CFG_SETUP_ADDR, l->segment * 16u, 4);
    fw_cfg_set_number(f, FW_CFG_SETUP_SIZE, bytes, 4);
    fw_cfg_set(f, FW_CFG_CMDLINE_DATA, image->command, command);
    fw_cfg_set_number(f, FW_CFG_CMDLINE_ADDR, l->command, 4);
    fw_cfg_set_number(f, FW_CFG_CMDLINE_SIZE, command, 4);
    return true;
}

/* Registers as the boot protocol wants them; CS:IP is left on the new stack for the ROM's far
 * return.  False with a message when a file has changed under us. */
bool linux_load(struct bios *b)
{
    static const enum seg_index segments[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS, SEG_SS};
    const struct linux_image *image = b->kernel;
    uint16_t segment = image->layout.segment, target[2] = {0, segment + 0x20};

    if (!copy_parts(b, image)) {
        bios_print(b, "Boot failed: the kernel or its initrd can no longer be read\n\n");
        return false;
    }
    for (unsigned i = 0; i < sizeof segments / sizeof segments[0]; i++)
        cpu_set_real_segment(b->cpu, segments[i], segment, true);
    for (int i = 0; i < 8; i++)
        b->cpu->gpr[i] = 0;
    b->cpu->gpr[ESP] = image->layout.stack - 4;
    lin_write(b, segment * 16u + image->layout.stack - 4, target, sizeof target);
    return true;
}
