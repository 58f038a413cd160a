/* Ports of the bare machine; assembly includes this too. */
#ifndef RINGER_TESTS_TRANSLATOR_RIG_PORTS_H
#define RINGER_TESTS_TRANSLATOR_RIG_PORTS_H

#define RIG_PORT_VALUE 0xE0 /* out: record the value; in: how many there are */
#define RIG_PORT_INTR  0xE1 /* out: raise INTR, the vector is the value; in: 1 while it waits */
#define RIG_PORT_NMI   0xE2 /* out: raise NMI */
#define RIG_PORT_KICK  0xE3 /* out: make the hub look up */
#define RIG_PORT_WAKE  0xE4 /* out: at the next HLT raise INTR with this vector (2: NMI) */
#define RIG_PORT_FERR  0xE5 /* out: FERR# raises INTR with this vector; in: its level */
#define RIG_PORT_A20   0xE6 /* out: the A20 gate; in: its state */
#define RIG_PORT_DMA   0xE8 /* out: physical address for the next */
#define RIG_PORT_DATA  0xEC /* out: write the value (1, 2 or 4 bytes) there; in: read it */
#define RIG_PORT_FAIL  0xFC /* out: the test failed; the value is the line */
#define RIG_PLANES     0xDF000

#define RIG_PORT_END   0xF8 /* out: the test ends */

#endif
