/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/floating_code.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

enum {
    OPCODE = 0xae, /* after 0x0f, or a VEX prefix; which one of the group says the next byte */
    ESCAPE = 0x0f,
    VEX_OF_TWO = 0xc5,
    VEX_OF_THREE = 0xc4
};

/* fxrstor, ldmxcsr (also vldmxcsr) and xrstor: with an operand in memory. */
static bool loads_control(uint8_t modrm)
{
    int which = modrm >> 3 & 7;
    return modrm >> 6 != 3 && (which == 1 || which == 2 || which == 5);
}

static bool is_in(const uint8_t *code, size_t n)
{
    const uint8_t *end = code + n;
    for (const uint8_t *at = code; (at = memchr(at, OPCODE, (size_t)(end - at))); at++) {
        bool is_opcode = (at - code >= 1 && at[-1] == ESCAPE) ||
                         (at - code >= 2 && at[-2] == VEX_OF_TWO) ||
                         (at - code >= 3 && at[-3] == VEX_OF_THREE);
        if (is_opcode && at + 1 < end && loads_control(at[1]))
            return true;
    }
    return false;
}

#endif

struct search {
    const struct link_map *object;
    bool is_seen, is_found;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *userdata)
{
    struct search *s = userdata;
    (void)size;
    if (info->dlpi_addr != s->object->l_addr || strcmp(info->dlpi_name, s->object->l_name) != 0)
        return 0;
    s->is_seen = true;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
#if defined(__x86_64__)
        s->is_found |= (p->p_flags & PF_W) || !(p->p_flags & PF_R) ||
                       is_in((const uint8_t *)(info->dlpi_addr + p->p_vaddr), p->p_memsz);
#else
        s->is_found = true;
#endif
    }
    return 1;
}

bool floating_code_in(const struct link_map *object)
{
    struct search s = {.object = object};
    dl_iterate_phdr(look_at, &s);
    return !s.is_seen || s.is_found;
}

bool floating_code_named(const char *name)
{
    static const char *const names[] = {"fesetround",  "fesetenv",       "feholdexcept",
                                        "feupdateenv", "feenableexcept", "fedisableexcept",
                                        "fesetmode",   "mmap",           "mmap64",
                                        "mprotect",    "mremap",         "pkey_mprotect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
