/* SPDX-License-Identifier: Apache-2.0 */
/* Version 3 of Zarr: one zarr.json, with the attributes in it, for the root and for each array. The
 * root's has what is consolidated, too, as zarr-python writes it. */
#include "base/json.h"
#include "base/mem.h"
#include "store/format.h"
#include "store/zarr3_meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file[] = "zarr.json", consolidated[] = "consolidated_metadata";
static const char dimensions[] = "_ARRAY_DIMENSIONS", names_key[] = "dimension_names";

/* ---- the root ----------------------------------------------------------------------------------
 */

/* `members`: what is consolidated; NULL where nothing is yet. */
static char *root_text(const json_t *attrs, json_t *members)
{
    json_t *root = json_pack("{s:O, s:O*, s:s, s:i}", "attributes", attrs, consolidated, members,
                             "node_type", "group", "zarr_format", 3);
    mem_assert(root);
    char *text = json_pretty(root);
    json_decref(root);
    return text;
}

static int write_root(struct store *s, const json_t *attrs, json_t *members, struct error *e)
{
    char *text = root_text(attrs, members);
    int r = group_put_text(s, NULL, file, text, e);
    free(text);
    return r;
}

static int read_root(struct store *s, json_t **ret, struct error *e)
{
    json_t *root = NULL;
    int r = group_get_json(s, NULL, file, &root, e);
    if (r == -ENOENT || r == -ENOTDIR)
        return error_set(e, STORE_NO_SUCH, NULL, "%s is no Zarr group: it has no zarr.json",
                         s->path);
    const char *node = json_member_string(root, "node_type");
    const json_t *attrs = json_object_get(root, "attributes");
    if (r == 0 && (json_member_integer(root, "zarr_format", 0) != 3 || !node ||
                   strcmp(node, "group") != 0 || (attrs && !json_is_object(attrs))))
        r = error_set(e, STORE_BROKEN, NULL, "%s is no group of Zarr format 3", s->path);
    if (r == 0)
        *ret = root;
    else
        json_decref(root);
    return r;
}

static int check_group(struct store *s, struct error *e)
{
    json_t *root = NULL;
    int r = read_root(s, &root, e);
    json_decref(root);
    return r;
}

/* Attributes that can be read stay. */
static int make_group(struct store *s, struct error *e)
{
    json_t *root = NULL, *attrs = NULL;
    int r = read_root(s, &root, e);
    if (r < 0)
        return r;
    if (r > 0)
        error_clear(e);
    else
        attrs = json_incref(json_object_get(root, "attributes"));
    attrs = attrs ? attrs : json_object();
    r = write_root(s, attrs, NULL, e);
    json_decref(attrs);
    json_decref(root);
    return r;
}

static int read_root_attributes(struct store *s, json_t **ret, struct error *e)
{
    json_t *root = NULL;
    int r = read_root(s, &root, e);
    if (r == 0) {
        json_t *attrs = json_incref(json_object_get(root, "attributes"));
        *ret = attrs ? attrs : json_object();
    }
    json_decref(root);
    return r;
}

static int write_root_attributes(struct store *s, const json_t *attrs, struct error *e)
{
    json_t *root = NULL;
    int r = read_root(s, &root, e);
    if (r > 0)
        error_clear(e);
    r = r < 0 ? r : write_root(s, attrs, json_object_get(root, consolidated), e);
    json_decref(root);
    return r;
}

/* ---- arrays
 * -------------------------------------------------------------------------------------- */

static int read_document(struct store *s, const char *name, json_t **ret, struct store_meta *ret_m,
                         struct error *e)
{
    struct error why = {0};
    json_t *object = NULL;
    int r = group_get_json(s, name, file, &object, e);
    if (r == -ENOENT || r == -ENOTDIR)
        r = error_set(e, STORE_NO_SUCH, NULL, "the store %s has no array \"%.300s\"", s->path,
                      name);
    else if (r == 0 && zarr3_meta_read(object, ret_m, &why) != 0)
        r = group_fault(name, file, &why, e);
    if (r == 0 && ret)
        *ret = json_incref(object);
    json_decref(object);
    return r;
}

static int read_array(struct store *s, const char *name, struct store_meta *ret, struct error *e)
{
    return read_document(s, name, NULL, ret, e);
}

/* As version 2 has them. */
static int read_array_attributes(struct store *s, const char *array, json_t **ret, struct error *e)
{
    json_t *object = NULL;
    struct store_meta m;
    int r = read_document(s, array, &object, &m, e);
    if (r != 0)
        return r;
    const json_t *own = json_object_get(object, "attributes");
    json_t *names = json_object_get(object, names_key);
    json_t *attrs = json_is_object(own) ? json_copy((json_t *)own) : json_object();
    json_object_del(attrs, ZARR3_MASK);
    if (json_is_array(names))
        json_object_set(attrs, dimensions, names);
    json_decref(object);
    *ret = attrs;
    return 0;
}

/* Attributes NULL: it has none, and its dimensions no names. */
static int put_array(struct store *s, const char *name, const struct store_meta *m,
                     const json_t *attrs, struct error *e)
{
    json_t *object = zarr3_meta_write(m), *mask = zarr3_meta_mask(m);
    json_t *own = attrs ? json_copy((json_t *)attrs) : json_object();
    json_t *names = json_incref(json_object_get(own, dimensions));
    json_object_del(own, dimensions);
    if (mask)
        json_object_set_new(own, ZARR3_MASK, mask);
    if (names)
        json_object_set_new(object, names_key, names);
    json_object_set_new(object, "attributes", own);
    int r = group_put_json(s, name, file, object, e);
    json_decref(object);
    return r;
}

static int write_array(struct store *s, const char *name, const struct store_meta *m,
                       const json_t *attrs, struct error *e)
{
    json_t *standing = NULL;
    int r = attrs ? 0 : read_array_attributes(s, name, &standing, e);
    r = r ? r : put_array(s, name, m, attrs ? attrs : standing, e);
    json_decref(standing);
    return r;
}

/* ---- either
 * ---------------------------------------------------------------------------------------- */

static int read_attributes(struct store *s, const char *array, json_t **ret, struct error *e)
{
    return array ? read_array_attributes(s, array, ret, e) : read_root_attributes(s, ret, e);
}

static int write_attributes(struct store *s, const char *array, const json_t *attrs,
                            struct error *e)
{
    struct store_meta m;
    if (!array)
        return write_root_attributes(s, attrs, e);
    int r = read_array(s, array, &m, e);
    return r ? r : put_array(s, array, &m, attrs, e);
}

static int forget(struct store *s, const char *name, int directory, struct error *e)
{
    struct store_meta m;
    int r = read_array(s, name, &m, e);
    if (r == 0)
        return put_array(s, name, &m, NULL, e);
    if (r > 0)
        error_clear(e);
    if (r == STORE_BROKEN && unlinkat(directory, file, 0) < 0 && errno != ENOENT)
        r = -errno;
    return r < 0 ? r : 0;
}

/* ---- consolidated metadata
 * ------------------------------------------------------------------------- */

/* An array that is absent is left out. */
static int add_array(struct store *s, const char *name, json_t *members, struct error *e)
{
    json_t *object = NULL;
    int r = group_get_json(s, name, file, &object, e);
    if (r == -ENOENT) {
        r = group_check_missing(s, name, file);
        return r < 0 ? group_explain(r, "read", name, file, e) : 0;
    }
    if (r == 0)
        json_object_set_new(members, name, object);
    return r == -ENOTDIR ? group_explain(r, "read", name, file, e) : r;
}

static int consolidate(struct store *s, const json_t *names, struct error *e)
{
    json_t *members = json_object(), *attrs = NULL;
    const json_t *name;
    size_t i;
    int r = format_read_attributes(s, NULL, &attrs, e);
    json_array_foreach((json_t *)names, i, name)
    {
        if (r == 0)
            r = add_array(s, json_string_value(name), members, e);
    }
    json_t *all = json_pack("{s:s, s:b, s:o}", "kind", "inline", "must_understand", (int)false,
                            "metadata", members);
    if (r == 0) {
        char *text = root_text(attrs, all);
        r = group_renew_text(s, NULL, file, text, e);
        free(text);
    }
    json_decref(attrs);
    json_decref(all);
    return r;
}

static void each_consolidated(json_t *document,
                              void (*fn)(void *userdata, json_t *shape, const json_t *dims),
                              void *userdata)
{
    json_t *members = json_object_get(json_object_get(document, consolidated), "metadata"), *value;
    const char *name;
    json_object_foreach(members, name, value)
    {
        fn(userdata, json_object_get(value, "shape"), json_object_get(value, names_key));
    }
}

const struct zarr_version zarr3 = {.group_file = file,
                                   .array_file = file,
                                   .consolidated_file = file,
                                   .check = zarr3_meta_check,
                                   .check_group = check_group,
                                   .make_group = make_group,
                                   .read_attributes = read_attributes,
                                   .write_attributes = write_attributes,
                                   .read_array = read_array,
                                   .write_array = write_array,
                                   .forget = forget,
                                   .consolidate = consolidate,
                                   .each_consolidated = each_consolidated};
