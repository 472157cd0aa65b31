/* SPDX-License-Identifier: Apache-2.0 */
/* Version 2 of Zarr: .zgroup, .zattrs, .zarray. */
#include "base/json.h"
#include "base/mem.h"
#include "store/format.h"
#include "store/meta.h"
#include "store/zarr2_consolidate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check(const struct store_meta *m, struct error *e)
{
    (void)m;
    (void)e;
    return 0;
}

static int check_group(struct store *s, struct error *e)
{
    json_t *group = NULL;
    int r = group_get_json(s, NULL, ".zgroup", &group, e);
    if (r == -ENOENT || r == -ENOTDIR)
        return error_set(e, STORE_NO_SUCH, NULL, "%s is no Zarr group: it has no .zgroup", s->path);
    if (r == 0 && json_member_integer(group, "zarr_format", 0) != 2)
        r = error_set(e, STORE_BROKEN, NULL, "%s is no group of Zarr format 2", s->path);
    json_decref(group);
    return r;
}

static int make_group(struct store *s, struct error *e)
{
    return group_put_text(s, NULL, ".zgroup", "{\n    \"zarr_format\": 2\n}\n", e);
}

static int read_attributes(struct store *s, const char *array, json_t **ret, struct error *e)
{
    int r = group_get_json(s, array, ".zattrs", ret, e);
    if (r != -ENOENT)
        return r;
    *ret = json_object();
    return 0;
}

static int write_attributes(struct store *s, const char *array, const json_t *attrs,
                            struct error *e)
{
    return group_put_json(s, array, ".zattrs", attrs, e);
}

static int read_array(struct store *s, const char *name, struct store_meta *ret, struct error *e)
{
    struct buffer text = {0};
    struct error why = {0};
    int r = group_get_text(s, name, ".zarray", &text);
    if (r == -ENOENT || r == -ENOTDIR)
        r = error_set(e, STORE_NO_SUCH, NULL, "the store %s has no array \"%.300s\"", s->path,
                      name);
    else if (r < 0)
        r = group_explain(r, "read", name, ".zarray", e);
    else if (meta_read(text.data ? text.data : "", text.size, ret, &why) != 0)
        r = group_fault(name, ".zarray", &why, e);
    buffer_free(&text);
    return r;
}

/* Attributes first: who sees .zarray sees them too. */
static int write_array(struct store *s, const char *name, const struct store_meta *m,
                       const json_t *attrs, struct error *e)
{
    int r = attrs ? write_attributes(s, name, attrs, e) : 0;
    if (r != 0)
        return r;
    char *text = meta_write(m);
    r = group_put_text(s, name, ".zarray", text, e);
    free(text);
    return r;
}

static int remove_file(int directory, const char *name)
{
    return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int forget(struct store *s, const char *name, int directory, struct error *e)
{
    struct store_meta meta;
    int r = remove_file(directory, ".zattrs");
    int read = r == 0 ? read_array(s, name, &meta, e) : r;
    if (r == 0 && read == 0)
        store_meta_clear(&meta);
    else if (read > 0)
        error_clear(e);
    return read == STORE_BROKEN ? remove_file(directory, ".zarray") : read < 0 ? read : 0;
}

/* `key`: "NAME/.zarray" or another. */
static const json_t *dims_of(const json_t *members, const char *key)
{
    static const char suffix[] = "/.zarray";
    size_t n = strlen(key), n_suffix = strlen(suffix);
    if (n <= n_suffix || strcmp(key + n - n_suffix, suffix) != 0)
        return NULL;
    char *attrs = mem_printf("%.*s/.zattrs", (int)(n - n_suffix), key);
    const json_t *dims = json_object_get(json_object_get(members, attrs), "_ARRAY_DIMENSIONS");
    free(attrs);
    return dims;
}

static void each_consolidated(json_t *document,
                              void (*fn)(void *userdata, json_t *shape, const json_t *dims),
                              void *userdata)
{
    json_t *members = json_object_get(document, "metadata"), *value;
    const char *key;
    json_object_foreach(members, key, value)
    {
        const json_t *dims = dims_of(members, key);
        if (dims)
            fn(userdata, json_object_get(value, "shape"), dims);
    }
}

const struct zarr_version zarr2 = {.group_file = ".zgroup",
                                   .array_file = ".zarray",
                                   .consolidated_file = ".zmetadata",
                                   .check = check,
                                   .check_group = check_group,
                                   .make_group = make_group,
                                   .read_attributes = read_attributes,
                                   .write_attributes = write_attributes,
                                   .read_array = read_array,
                                   .write_array = write_array,
                                   .forget = forget,
                                   .consolidate = zarr2_consolidate,
                                   .each_consolidated = each_consolidated};
