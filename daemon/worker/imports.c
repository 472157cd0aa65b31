/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/imports.h"

#include "worker/floating_code.h"
#include "worker/reach.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { OBJECTS_MAX = 256 };

/* The objects that were looked at: they may link each other. */
struct walk {
    struct imports *imports;
    const struct link_map *seen[OBJECTS_MAX];
    int n;
};

/* Of one object's dynamic section. */
struct dynamic {
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * tables[2];
    size_t sizes[2]; /* in bytes */
    bool has_rel;    /* relocations of a kind that is not read here */
};

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Most loaders have put the base in already. */
static const void *address_of(const struct link_map *map, ElfW(Addr) value)
{
    return (const void *)(value < map->l_addr ? value + map->l_addr : value);
}

static struct dynamic read_dynamic(const struct link_map *map)
{
    struct dynamic d = {0};
    for (const ElfW(Dyn) *e = map->l_ld; e->d_tag != DT_NULL; e++) {
        switch (e->d_tag) {
        case DT_SYMTAB:
            d.symbols = address_of(map, e->d_un.d_ptr);
            break;
        case DT_STRTAB:
            d.strings = address_of(map, e->d_un.d_ptr);
            break;
        case DT_RELA:
            d.tables[0] = address_of(map, e->d_un.d_ptr);
            break;
        case DT_RELASZ:
            d.sizes[0] = e->d_un.d_val;
            break;
        case DT_JMPREL:
            d.tables[1] = address_of(map, e->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            d.sizes[1] = e->d_un.d_val;
            break;
        case DT_REL:
            d.has_rel = true;
            break;
        default:
            break;
        }
    }
    return d;
}

static bool is_whole(const char *path)
{
    enum reach_library kind = reach_of_library(file_name(path));
    return kind == REACH_HARMLESS || kind == REACH_POOL;
}

/* Who defines it decides: only names of the system's libraries need the table. */
static void add_name(struct imports *i, void *handle, const char *name)
{
    Dl_info info;
    unsigned reach = reach_of_name(name);
    i->sets_floating |= floating_code_named(name);
    if ((i->reach | reach) == i->reach)
        return;
    const void *address = dlsym(handle, name);
    if (!address) /* a weak one that nobody defines is never called */
        return;
    if (!dladdr(address, &info) || reach_of_library(file_name(info.dli_fname)) == REACH_BY_NAME)
        i->reach |= reach;
}

static void add_relocations(struct imports *i, void *handle, const struct dynamic *d)
{
    for (int t = 0; t < 2; t++) {
        for (size_t k = 0; k < d->sizes[t] / sizeof *d->tables[t]; k++) {
            size_t symbol = (size_t)ELF64_R_SYM(d->tables[t][k].r_info);
            if (symbol && d->symbols[symbol].st_shndx == SHN_UNDEF)
                add_name(i, handle, d->strings + d->symbols[symbol].st_name);
        }
    }
}

static bool is_seen(struct walk *w, const struct link_map *map)
{
    for (int i = 0; i < w->n; i++)
        if (w->seen[i] == map)
            return true;
    if (w->n < OBJECTS_MAX)
        w->seen[w->n++] = map;
    else
        w->imports->reach |= REACH_ALL;
    return w->n == OBJECTS_MAX;
}

static void add_object(struct walk *w, void *handle);

static void add_linked(struct walk *w, const struct link_map *map, const char *strings)
{
    for (const ElfW(Dyn) *e = map->l_ld; e->d_tag != DT_NULL; e++) {
        if (e->d_tag != DT_NEEDED)
            continue;
        const char *name = strings + e->d_un.d_val;
        enum reach_library kind = reach_of_library(file_name(name));
        w->imports->has_pool |= kind == REACH_POOL;
        w->imports->sets_floating |= kind == REACH_POOL;
        if (kind != REACH_OWN)
            continue;
        void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
        if (handle) {
            add_object(w, handle);
            dlclose(handle); /* it stays loaded: another object needs it */
        } else {
            w->imports->reach |= REACH_ALL;
        }
    }
}

static void add_object(struct walk *w, void *handle)
{
    struct link_map *map;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || is_seen(w, map) || is_whole(map->l_name))
        return;
    struct dynamic d = read_dynamic(map);
    if (!d.symbols || !d.strings || d.has_rel || sizeof(ElfW(Addr)) != 8) {
        w->imports->reach |= REACH_ALL;
        return;
    }
    w->imports->sets_floating |= floating_code_in(map);
    add_relocations(w->imports, handle, &d);
    add_linked(w, map, d.strings);
}

void imports_add(struct imports *i, const void *address)
{
    struct walk w = {.imports = i};
    Dl_info info;
    void *handle = NULL;
    if (dladdr(address, &info))
        handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!handle) {
        i->reach |= REACH_ALL;
        i->sets_floating = true;
        return;
    }
    add_object(&w, handle);
    dlclose(handle);
    i->sets_floating |= i->reach & REACH_ELSEWHERE;
}

void imports_join(struct imports *i, const struct imports *others)
{
    i->reach |= others->reach;
    i->has_pool |= others->has_pool;
    i->sets_floating |= others->sets_floating;
}
