/* Code that changes itself all the time: exact, and in bounded time. */
#include "tests/guest/protected.h"

#define TIMES 1000000

main:
    xor edx, edx
    mov ecx, TIMES
    mov esi, offset changing
again:
    mov [esi + 1], ecx
changing:
    mov eax, 0
    add edx, eax
    dec ecx
    jnz again
    CHECK_EQ(edx, (TIMES * (TIMES + 1) / 2) & 0xFFFFFFFF)
    END
