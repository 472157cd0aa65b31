/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/statics.h"

#include "base/c_locale.h"
#include "base/file.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT_SIZE = 640, FILE_BYTES = 256 << 20 };

/* A section in memory, and how it was. */
struct section {
    unsigned char *at, *kept;
    size_t size;
};

struct watched {
    char *name; /* of its file */
    uintptr_t base;
    struct section *sections;
    size_t n_sections;
    struct variable {
        char *name;
        uintptr_t begin, end;
        bool is_told;
    } * variables;
    size_t n_variables;
    bool is_told; /* of what no variable has */
};

struct statics {
    struct watched *libraries;
    size_t n;
};

struct statics *statics_new(void)
{
    return mem_new(sizeof(struct statics));
}

static void clear(struct watched *l)
{
    for (size_t i = 0; i < l->n_sections; i++)
        free(l->sections[i].kept);
    for (size_t i = 0; i < l->n_variables; i++)
        free(l->variables[i].name);
    free(l->sections);
    free(l->variables);
    free(l->name);
}

struct statics *statics_free(struct statics *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        clear(&s->libraries[i]);
    if (s)
        free(s->libraries);
    free(s);
    return NULL;
}

/* ---- what the file says ---- */

struct image {
    const char *bytes;
    size_t size;
    const ElfW(Shdr) * headers;
    size_t n_headers;
};

static bool lies_in(const struct image *f, size_t at, size_t size)
{
    return at <= f->size && size <= f->size - at;
}

static bool read_image(const struct buffer *text, struct image *ret)
{
    struct image f = {.bytes = text->data, .size = text->size};
    const ElfW(Ehdr) *head = (const void *)f.bytes;
    if (f.size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_shentsize != sizeof(ElfW(Shdr)) || head->e_shoff % _Alignof(ElfW(Shdr)) != 0 ||
        !lies_in(&f, head->e_shoff, head->e_shnum * sizeof(ElfW(Shdr))))
        return false;
    f.headers = (const void *)(f.bytes + head->e_shoff);
    f.n_headers = head->e_shnum;
    if (head->e_shstrndx >= f.n_headers)
        return false;
    *ret = f;
    return true;
}

/* A string of the table `strings`; "" where there is none. */
static const char *text_at(const struct image *f, size_t strings, size_t at)
{
    const ElfW(Shdr) *table = strings < f->n_headers ? &f->headers[strings] : NULL;
    if (!table || table->sh_type != SHT_STRTAB || !lies_in(f, table->sh_offset, table->sh_size) ||
        at >= table->sh_size || !memchr(f->bytes + table->sh_offset + at, 0, table->sh_size - at))
        return "";
    return f->bytes + table->sh_offset + at;
}

/* Of what the linker and the loader write themselves (.got, .dynamic …) nothing is a variable. */
static bool holds_variables(const struct image *f, const ElfW(Shdr) * h)
{
    const char *name =
        text_at(f, ((const ElfW(Ehdr) *)(const void *)f->bytes)->e_shstrndx, h->sh_name);
    return (h->sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_TLS)) == (SHF_ALLOC | SHF_WRITE) &&
           (strcmp(name, ".data") == 0 || strcmp(name, ".bss") == 0) && h->sh_size > 0;
}

static void add_sections(struct watched *l, const struct image *f)
{
    size_t left = STATICS_BYTES;
    l->sections = mem_array(f->n_headers, sizeof *l->sections);
    for (size_t i = 0; i < f->n_headers; i++) {
        const ElfW(Shdr) *h = &f->headers[i];
        if (!holds_variables(f, h) || h->sh_size > left)
            continue;
        left -= h->sh_size;
        l->sections[l->n_sections++] =
            (struct section){.at = (unsigned char *)(l->base + h->sh_addr),
                             .kept = mem_array(h->sh_size, 1),
                             .size = h->sh_size};
    }
}

static void add_variables(struct watched *l, const struct image *f, const ElfW(Shdr) * table)
{
    size_t n = table->sh_size / sizeof(ElfW(Sym));
    if (table->sh_offset % _Alignof(ElfW(Sym)) != 0 ||
        !lies_in(f, table->sh_offset, table->sh_size))
        return;
    const ElfW(Sym) *symbols = (const void *)(f->bytes + table->sh_offset);
    l->variables = mem_array(n, sizeof *l->variables);
    for (size_t i = 0; i < n; i++) {
        const ElfW(Sym) *s = &symbols[i];
        if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_shndx == SHN_UNDEF || s->st_size == 0)
            continue;
        uintptr_t begin = l->base + s->st_value;
        l->variables[l->n_variables++] = (struct variable){
            mem_strdup(text_at(f, table->sh_link, s->st_name)), begin, begin + s->st_size, false};
    }
}

static const ElfW(Shdr) * find_symbols(const struct image *f)
{
    const ElfW(Shdr) *found = NULL;
    for (size_t i = 0; i < f->n_headers; i++)
        if (f->headers[i].sh_type == SHT_SYMTAB || (f->headers[i].sh_type == SHT_DYNSYM && !found))
            found = &f->headers[i];
    return found;
}

void statics_add(struct statics *s, const void *address)
{
    Dl_info info;
    void *map;
    struct buffer text = {0};
    struct image f;
    if (!dladdr1(address, &info, &map, RTLD_DL_LINKMAP))
        return;
    uintptr_t base = ((const struct link_map *)map)->l_addr;
    for (size_t i = 0; i < s->n; i++)
        if (s->libraries[i].base == base)
            return;
    if (file_read(info.dli_fname, FILE_BYTES, &text) == 0 && read_image(&text, &f)) {
        const char *slash = strrchr(info.dli_fname, '/');
        struct watched l = {.name = mem_strdup(slash ? slash + 1 : info.dli_fname), .base = base};
        const ElfW(Shdr) *symbols = find_symbols(&f);
        add_sections(&l, &f);
        if (symbols)
            add_variables(&l, &f, symbols);
        s->libraries = mem_resize(s->libraries, s->n + 1, sizeof *s->libraries);
        s->libraries[s->n++] = l;
    }
    buffer_free(&text);
}

/* ---- a member ---- */

/* Not by memcpy: between variables there may be memory that the address sanitizer has poisoned. */
__attribute__((no_sanitize("address"))) static unsigned char byte_at(const unsigned char *p)
{
    return *(const volatile unsigned char *)p;
}

void statics_keep(struct statics *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->libraries[i].n_sections; k++) {
            struct section *section = &s->libraries[i].sections[k];
            for (size_t b = 0; b < section->size; b++)
                section->kept[b] = byte_at(section->at + b);
        }
}

static struct variable *variable_at(const struct watched *l, uintptr_t at)
{
    for (size_t i = 0; i < l->n_variables; i++)
        if (at >= l->variables[i].begin && at < l->variables[i].end)
            return &l->variables[i];
    return NULL;
}

/* Returns where to go on. */
static size_t tell(struct watched *l, const struct section *section, size_t b,
                   void (*say)(void *userdata, const char *what), void *userdata)
{
    char what[WHAT_SIZE];
    uintptr_t at = (uintptr_t)(section->at + b);
    struct variable *v = variable_at(l, at);
    bool *is_told = v ? &v->is_told : &l->is_told;
    c_locale_print(what, sizeof what,
                   "static variable %s%.200s%s of %.200s was changed: the next member in this "
                   "worker finds it so, another worker does not",
                   v ? "'" : "", v ? v->name : "(without a name)", v ? "'" : "", l->name);
    if (!*is_told)
        say(userdata, what);
    *is_told = true;
    return v ? b + (size_t)(v->end - at) : b + 1;
}

void statics_compare(struct statics *s, void (*say)(void *userdata, const char *what),
                     void *userdata)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->libraries[i].n_sections; k++) {
            const struct section *section = &s->libraries[i].sections[k];
            for (size_t b = 0; b < section->size;)
                b = byte_at(section->at + b) == section->kept[b]
                        ? b + 1
                        : tell(&s->libraries[i], section, b, say, userdata);
        }
}
