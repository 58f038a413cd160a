/* Paging for guests: after `call paging_on` the first 4 MiB are mapped one to one, for the user
 * too, with a page directory at 100000h and a page table at 101000h; CR0.WP is set.  300000h to
 * 3FFFFFh is for the guest to map as it likes. */

#define PAGE_DIR   0x100000
#define PAGE_TABLE 0x101000
#define PTE(lin)   (PAGE_TABLE + ((lin) >> 12) * 4)
#define P 1
#define W 2
#define U 4
#define A 0x20
#define D 0x40
#define LARGE 0x80
#define GLOBAL 0x100

/* Entry VALUE for LIN, and out of the TLB with the old one (ring 0). */
#define MAP(lin, value) mov dword ptr ss:[PTE(lin)], value; invlpg ss:[lin]
#define CHECK_PTE(lin, value) CHECK_EQ(dword ptr ss:[PTE(lin)], value)

paging_on:
    mov edi, PAGE_DIR
    xor eax, eax
    mov ecx, 1024
    rep stosd
    mov dword ptr [PAGE_DIR], PAGE_TABLE + P + W + U
    mov edi, PAGE_TABLE
    mov eax, P + W + U
1:  stosd
    add eax, 0x1000
    cmp eax, 0x400000
    jb 1b
    mov eax, PAGE_DIR
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    ret
