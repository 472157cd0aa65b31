/* SPDX-License-Identifier: Apache-2.0 */
#include "store/format.h"

#include "base/mem.h"
#include "store/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct store_format formats[] = {
    {"2", {&zarr2}}, {"3", {&zarr3}}, {"both", {&zarr2, &zarr3}}};

enum { N_FORMATS = sizeof formats / sizeof *formats };

const struct store_format *store_format(const char *name)
{
    for (int i = 0; name && i < N_FORMATS; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

int store_format_check(const struct store_format *f, const struct store_meta *m, struct error *e)
{
    int r = 0;
    for (int i = 0; i < FORMAT_VERSIONS && f->versions[i] && r == 0; i++)
        r = f->versions[i]->check(m, e);
    return r;
}

/* ---- which one stands there ------------------------------------------------------------------ */

static bool stands_in(const struct store *s, const char *directory, const char *file)
{
    char *path =
        directory ? mem_printf("%s/%s/%s", s->path, directory, file) : file_join(s->path, file);
    bool stands = access(path, F_OK) == 0;
    free(path);
    return stands;
}

static bool stands_anywhere(const struct store *s, const struct zarr_version *v)
{
    bool stands = stands_in(s, NULL, v->group_file);
    DIR *d = stands ? NULL : opendir(s->path);
    const struct dirent *entry;
    while (d && !stands && file_next_entry(d, &entry) == 0 && entry)
        stands = entry->d_name[0] != '.' && stands_in(s, entry->d_name, v->array_file);
    if (d)
        closedir(d);
    return stands;
}

static bool is_of(const struct store_format *f, const struct zarr_version *v)
{
    return f->versions[0] == v || f->versions[1] == v;
}

/* The format with these versions, and no other. */
static const struct store_format *with_versions(bool has2, bool has3)
{
    for (int i = 0; i < N_FORMATS; i++)
        if (is_of(&formats[i], &zarr2) == has2 && is_of(&formats[i], &zarr3) == has3)
            return &formats[i];
    return NULL;
}

const struct store_format *format_found(const struct store *s)
{
    return with_versions(stands_in(s, NULL, zarr2.group_file),
                         stands_in(s, NULL, zarr3.group_file));
}

const struct store_format *format_traced(const struct store *s)
{
    return with_versions(stands_anywhere(s, &zarr2), stands_anywhere(s, &zarr3));
}

/* ---- reading: the first version ----------------------------------------------------------------
 */

static const struct zarr_version *first(const struct store *s)
{
    return s->format->versions[0];
}

const char *format_array_file(const struct store *s)
{
    return first(s)->array_file;
}

int format_check_group(struct store *s, struct error *e)
{
    return first(s)->check_group(s, e);
}

int format_read_attributes(struct store *s, const char *array, json_t **ret, struct error *e)
{
    return first(s)->read_attributes(s, array, ret, e);
}

int format_read_array(struct store *s, const char *name, struct store_meta *ret, struct error *e)
{
    return first(s)->read_array(s, name, ret, e);
}

/* ---- writing: the first version last ------------------------------------------------------------
 */

int format_make_group(struct store *s, struct error *e)
{
    int r = 0;
    for (int i = FORMAT_VERSIONS; i-- > 0 && r == 0;) {
        const struct zarr_version *v = s->format->versions[i];
        r = v ? v->check_group(s, e) : 0;
        if (r != STORE_NO_SUCH && r != STORE_BROKEN)
            continue;
        error_clear(e);
        r = v->make_group(s, e);
    }
    return r;
}

int format_write_attributes(struct store *s, const char *array, const json_t *attrs,
                            struct error *e)
{
    int r = 0;
    for (int i = FORMAT_VERSIONS; i-- > 0 && r == 0;)
        if (s->format->versions[i])
            r = s->format->versions[i]->write_attributes(s, array, attrs, e);
    return r;
}

/* The others are made of what the first says, whatever stands there of them. */
static int write_others(struct store *s, const char *name, const struct store_meta *m,
                        const json_t *attrs, struct error *e)
{
    json_t *standing = NULL;
    int r = attrs || !s->format->versions[1] ? 0 : format_read_attributes(s, name, &standing, e);
    for (int i = FORMAT_VERSIONS; --i > 0 && r == 0;)
        if (s->format->versions[i])
            r = s->format->versions[i]->write_array(s, name, m, attrs ? attrs : standing, e);
    json_decref(standing);
    return r;
}

int format_write_array(struct store *s, const char *name, const struct store_meta *m,
                       const json_t *attrs, struct error *e)
{
    int r = write_others(s, name, m, attrs, e);
    return r ? r : first(s)->write_array(s, name, m, attrs, e);
}

/* ---- the job's end ------------------------------------------------------------------------------
 */

static bool says(struct store *s, const struct zarr_version *v, const char *name,
                 const struct store_meta *m, const json_t *attrs)
{
    struct store_meta other;
    json_t *others = NULL;
    if (v->read_array(s, name, &other, NULL) != 0)
        return false;
    bool is_same = !meta_difference(m, &other) &&
                   !memcmp(m->shape, other.shape, (size_t)m->ndim * sizeof *m->shape) &&
                   v->read_attributes(s, name, &others, NULL) == 0 && json_equal(attrs, others);
    json_decref(others);
    store_meta_clear(&other);
    return is_same;
}

int format_settle_array(struct store *s, const char *name, struct error *e)
{
    struct store_meta m;
    json_t *attrs = NULL;
    if (!s->format->versions[1])
        return 0;
    int r = format_read_array(s, name, &m, e);
    if (r != 0)
        return r;
    r = format_read_attributes(s, name, &attrs, e);
    for (int i = 1; i < FORMAT_VERSIONS && r == 0; i++) {
        const struct zarr_version *v = s->format->versions[i];
        if (v && !says(s, v, name, &m, attrs))
            r = v->write_array(s, name, &m, attrs, e);
    }
    json_decref(attrs);
    store_meta_clear(&m);
    return r;
}

int format_consolidate(struct store *s, const json_t *names, struct error *e)
{
    int r = 0;
    for (int i = FORMAT_VERSIONS; i-- > 0 && r == 0;)
        if (s->format->versions[i])
            r = s->format->versions[i]->consolidate(s, names, e);
    return r;
}
