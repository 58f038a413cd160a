/* What a fuzzer and a main that drives it agree on; the name is libFuzzer's. */
#ifndef RINGER_TESTS_FUZZ_FUZZ_H
#define RINGER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Try LEN bytes at DATA; returns 0, and does not return when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
