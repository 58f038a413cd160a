/* What QEMU 7.2 knows and ringer does not: refused by name, with what to do instead. */
#include "vmm/option.h"
#include <string.h>

static bool set_refused(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    const struct {
        const char *names, *why;
    } reasons[] = {
        {" enable-kvm no-kvm enable-hax ",
         "ringer has one way to run guests, its own translator: leave the option out"},
        {" netdev ", "ringer has no network cards yet: leave it out, or -net none"},
        {" usb usbdevice ", "ringer has no USB yet: keyboard and mouse are PS/2"},
        {" virtfs fsdev ", "ringer shares no folders yet: give a disk image, -hda"},
        {" spice ", "the remote display is -vnc here"},
        {" gdb s ", "ringer has no gdb stub yet: the monitor has x, info registers and watch"},
        {" loadvm incoming only-migratable dump-vmstate ", "ringer saves no states yet"},
        {" icount seed ", "ringer's time follows the host's clock"},
        {" singlestep ", "it is -translator max-insns=1 here"},
        {" pflash ", "firmware is -bios FILE here"},
        {" writeconfig ",
         "newer QEMUs have it no more, either: write the file that -readconfig reads by hand"},
        {" sd mtdblock iscsi ", "ringer has IDE disks and floppies: -drive file=FILE"},
        {" chroot ", "start it by chroot(8), or use -runas"},
        {" rotate portrait ", "turn the window's screen by the host"},
        {" watchdog watchdog-action ", "ringer has no watchdog"},
    };

    (void)o;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const char *at = strstr(reasons[i].names, self->name);
        if (at && at[-1] == ' ' && at[strlen(self->name)] == ' ')
            return error_set(err, "-%s%s%.100s: %s", self->name, value ? " " : "",
                             value ? value : "", reasons[i].why);
    }
    return error_set(err, "-%s%s%.100s: QEMU has this option; ringer does not: leave it out",
                     self->name, value ? " " : "", value ? value : "");
}

#define WITH(name)                                                                                 \
    {                                                                                              \
        name, "VALUE", NULL, set_refused, NULL                                                     \
    }
#define ALONE(name)                                                                                \
    {                                                                                              \
        name, NULL, NULL, set_refused, NULL                                                        \
    }

const struct option options_refused[] = {
    ALONE("enable-kvm"),
    ALONE("no-kvm"),
    ALONE("enable-hax"),
    WITH("netdev"),
    ALONE("usb"),
    WITH("usbdevice"),
    WITH("virtfs"),
    ALONE("virtfs_synth"),
    WITH("fsdev"),
    WITH("spice"),
    WITH("gdb"),
    ALONE("s"),
    WITH("loadvm"),
    WITH("incoming"),
    ALONE("only-migratable"),
    WITH("dump-vmstate"),
    WITH("icount"),
    WITH("seed"),
    ALONE("singlestep"),
    WITH("pflash"),
    WITH("writeconfig"),
    WITH("sd"),
    WITH("mtdblock"),
    WITH("iscsi"),
    WITH("chroot"),
    WITH("rotate"),
    ALONE("portrait"),
    WITH("watchdog"),
    WITH("watchdog-action"),
    WITH("acpitable"),
    WITH("add-fd"),
    ALONE("async-teardown"),
    WITH("compat"),
    WITH("dfilter"),
    WITH("dtb"),
    ALONE("enable-sync-profile"),
    WITH("mem-path"),
    ALONE("mem-prealloc"),
    WITH("numa"),
    WITH("plugin"),
    ALONE("preconfig"),
    WITH("prom-env"),
    ALONE("semihosting"),
    WITH("semihosting-config"),
    WITH("tpmdev"),
    WITH("tb-size"),
    WITH("xen-domid"),
    ALONE("xen-attach"),
    ALONE("xen-domid-restrict"),
    {NULL, NULL, NULL, NULL, NULL},
};
