/* Sleep states, as the power management asks for them (ACPI specification 2.0, chapters 7, 15).
 *
 * S1: the CPU stands still, everything else keeps its state.  S3: RAM alone keeps it; waking is a
 * reset with CMOS 0Fh telling the firmware to go to the system's waking vector.  In both, virtual
 * time runs on: the clock's alarm may be what ends them.  S4 and S5 switch the machine off. */
#include "ringer/error.h"
#include "vmm/event.h"
#include "vmm/private.h"

enum { CMOS_SHUTDOWN = 0x0F, RESUME_S3 = 0xFE };

static void set_sleep(struct machine *m, enum machine_sleep sleep)
{
    __atomic_store_n(&m->private->sleep, sleep, __ATOMIC_SEQ_CST);
}

void machine_power_off(void *machine)
{
    machine_request_end(machine, END_POWEROFF, 0);
}

static void on_sleep(void *opaque, enum piix_sleep state)
{
    struct machine *m = opaque;

    if (state == PIIX_S4)
        machine_tell(m, &(struct machine_event){.kind = MACHINE_SUSPEND_DISK});
    if (state == PIIX_S4 || state == PIIX_S5) {
        machine_power_off(m);
        return;
    }
    set_sleep(m, state == PIIX_S3 ? SLEEP_S3 : SLEEP_S1);
    m->private->waking = false;
    machine_tell(m, &(struct machine_event){.kind = MACHINE_SUSPEND});
    machine_raise_event(m, EVENT_KICK); /* not one instruction more */
}

static void on_wake(void *opaque)
{
    struct machine *m = opaque;

    m->private->waking = true;
}

struct piix_pm_wires machine_pm_wires(struct machine *m)
{
    return (struct piix_pm_wires){m, on_sleep, on_wake};
}

/* Firmware that runs from the DRAM it was copied to knows by its variables there that it is not to
 * start anew (SeaBIOS does): the attribute map, alone of the chipset, outlasts this reset. */
static void wake_from_ram(struct machine *m)
{
    uint8_t pam[PCI_HOST_PAM];

    pci_host_get_pam(m->pci_host, pam);
    machine_reset_board(m);
    pci_host_set_pam(m->pci_host, pam);
    rtc_set_cmos(m->rtc, CMOS_SHUTDOWN, RESUME_S3);
}

bool machine_asleep(struct machine *m)
{
    struct machine_private *p = m->private;

    if (!p->sleep || !p->waking)
        return p->sleep != SLEEP_NOT;
    enum machine_sleep was = p->sleep;
    set_sleep(m, SLEEP_NOT);
    p->waking = false;
    if (was == SLEEP_S3)
        wake_from_ram(m);
    piix_pm_woke(m->pm);
    machine_tell(m, &(struct machine_event){.kind = MACHINE_WAKEUP});
    return false;
}

struct wakeup {
    bool asleep;
};

static void do_wakeup(struct machine *m, void *opaque)
{
    struct wakeup *w = opaque;

    w->asleep = m->private->sleep != SLEEP_NOT;
    if (w->asleep)
        piix_pm_wakeup(m->pm);
}

bool machine_wakeup(struct machine *m, struct error *err)
{
    struct wakeup w = {false};

    machine_post_wait(m, do_wakeup, &w);
    return w.asleep || error_set(err, "Unable to wake up: guest is not in suspended state");
}
