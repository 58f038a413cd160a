/* The guests' own means: checks, recorded exceptions, rings, interrupts, DMA. */
#include "tests/guest/protected.h"

main:
    mov eax, 5
    CHECK_EQ(eax, 5)
    in eax, RIG_PORT_VALUE
    CHECK_EQ(eax, 0)

    /* exceptions are recorded with the registers of their instruction */
    mov esi, 0x11223344
    FAULTS(6, ud2)
    CHECK_EQ(dword ptr [fault_esi], esi)
    CHECK_EQ(dword ptr [fault_esp], esp)
    CHECK_EQ(dword ptr [fault_cs], CODE0)

    /* rings */
    mov ebx, 0x12345678
    TO_RING3
    CHECK_EQ(ebx, 0x12345678)
    mov eax, cs
    CHECK_EQ(ax, CODE3)
    FAULTS_WITH(13, 0, hlt)
    CHECK_EQ(dword ptr [fault_cs], CODE3)
    CHECK_EQ(dword ptr [fault_esp], STACK3)
    TO_RING0
    mov eax, cs
    CHECK_EQ(ax, CODE0)

    /* DMA */
    mov eax, offset word_here
    out RIG_PORT_DMA, eax
    mov eax, 0xCAFE
    out RIG_PORT_DATA, eax
    CHECK_EQ(dword ptr [word_here], 0xCAFE)

    /* interrupts */
    GATE(0x40, on_interrupt, 0)
    sti
    mov eax, 0x40
    out RIG_PORT_INTR, al
    nop
    cli
    CHECK_EQ(dword ptr [interrupts], 1)
    END

on_interrupt:
    inc dword ptr [interrupts]
    iretd

word_here: .long 0
interrupts: .long 0
