/* Intel's AC'97 controller, a PCI function. */
#ifndef RINGER_DEVICES_AC97_H
#define RINGER_DEVICES_AC97_H

#include "devices/audio.h"
#include "devices/pc.h"

/* At DEVFN of PCI, playing and recording by OUT. */
void ac97_init(struct board *board, struct pci *pci, uint8_t devfn, struct audio_out *out);

#endif
