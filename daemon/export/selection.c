/* SPDX-License-Identifier: Apache-2.0 */
#include "export/selection.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int selection_result_of_store(int r)
{
    return r <= 0 ? r : r == STORE_NO_SUCH || r == STORE_INVALID ? EXPORT_REFUSED : EXPORT_FAILED;
}

/* ---- all that the store has ---- */

static int find_dim(const struct selection *x, const char *name)
{
    for (size_t i = 0; i < x->n_dims; i++)
        if (!strcmp(x->dims[i].name, name))
            return (int)i;
    return -1;
}

static int add_dim(struct selection *x, const char *name, int64_t n)
{
    x->dims = mem_grow(x->dims, x->n_dims, &x->dims_capacity, sizeof *x->dims);
    x->dims[x->n_dims] = (struct selected_dim){.name = name, .n = n};
    return (int)x->n_dims++;
}

/* Members are appended to arrays one by one: those that all of them have are there. */
static int settle_dim(struct selection *x, struct selected_array *a, int d, const char *batch,
                      struct error *e)
{
    const char *name = json_string_value(json_array_get(a->dims, (size_t)d));
    int at = find_dim(x, name);
    if (at < 0)
        at = add_dim(x, name, a->meta.shape[d]);
    a->axes[d] = at;
    int64_t n = x->dims[at].n;
    if (batch && !strcmp(name, batch))
        x->dims[at].n = a->meta.shape[d] < n ? a->meta.shape[d] : n;
    else if (a->meta.shape[d] != n)
        return error_set(e, EXPORT_REFUSED, NULL,
                         "%.200s has %lld elements along the dimension '%.200s', others have %lld: "
                         "a netCDF file has one extent of each",
                         a->name, (long long)a->meta.shape[d], name, (long long)n);
    return 0;
}

static int read_arrays(struct store *s, struct selection *x, const char *batch, struct error *e)
{
    size_t n = json_array_size(x->names);
    int r = 0;
    x->arrays = mem_array(n, sizeof *x->arrays);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct selected_array *a = &x->arrays[i];
        a->name = json_string_value(json_array_get(x->names, i));
        r = store_array(s, a->name, &a->meta, &a->dims, &a->attrs, e);
        if (r != 0)
            return selection_result_of_store(r);
        x->n_arrays++;
        for (int d = 0; d < a->meta.ndim && r == 0; d++)
            r = settle_dim(x, a, d, batch, e);
    }
    return r;
}

static struct selected_array *find_array(const struct selection *x, const char *name, size_t n)
{
    for (size_t i = 0; i < x->n_arrays; i++)
        if (strlen(x->arrays[i].name) == n && !strncmp(x->arrays[i].name, name, n))
            return &x->arrays[i];
    return NULL;
}

/* ---- what is wanted of it ---- */

static int want_named(struct selection *x, const struct export_options *o, struct error *e)
{
    for (size_t i = 0; i < o->n_variables; i++) {
        const char *name = o->variables[i];
        struct selected_array *a = find_array(x, name, strlen(name));
        if (!a) {
            char *names = json_write(x->names);
            int r = error_set(e, EXPORT_REFUSED, NULL, "the store has no variable %.200s, but %s",
                              name, names);
            free(names);
            return r;
        }
        a->is_wanted = true;
    }
    return 0;
}

/* Of "a b", or "area: a volume: b". */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word), n;
    for (; text && *text; text += n) {
        text += strspn(text, " ");
        n = strcspn(text, " ");
        if (n == length && !strncmp(text, word, n))
            return true;
    }
    return false;
}

static bool is_coordinate(const struct selection *x, const struct selected_array *a)
{
    return find_dim(x, a->name) >= 0 ||
           has_word(json_member_string(x->attrs, "coordinates"), a->name);
}

/* Whether variables that are wanted have all of its dims. */
static bool fits(const struct selection *x, const struct selected_array *a)
{
    for (int d = 0; d < a->meta.ndim; d++) {
        bool is_there = false;
        for (size_t i = 0; i < x->n_arrays && !is_there; i++)
            for (int k = 0; x->arrays[i].is_wanted && k < x->arrays[i].meta.ndim; k++)
                is_there = is_there || x->arrays[i].axes[k] == a->axes[d];
        if (!is_there)
            return false;
    }
    return true;
}

/* Of CF: the attributes in which variables name others. */
static void want_mentioned(struct selection *x, const struct selected_array *by)
{
    static const char *const mentions[] = {"coordinates", "grid_mapping", "bounds",
                                           "ancillary_variables", "cell_measures"};
    for (size_t m = 0; m < sizeof mentions / sizeof *mentions; m++) {
        const char *text = json_member_string(by->attrs, mentions[m]);
        for (size_t i = 0; text && i < x->n_arrays; i++)
            x->arrays[i].is_wanted = x->arrays[i].is_wanted || has_word(text, x->arrays[i].name);
    }
}

static void want_coordinates(struct selection *x)
{
    bool *are = mem_array(x->n_arrays, sizeof *are);
    for (size_t i = 0; i < x->n_arrays; i++)
        are[i] = is_coordinate(x, &x->arrays[i]) && fits(x, &x->arrays[i]);
    for (size_t i = 0; i < x->n_arrays; i++)
        x->arrays[i].is_wanted = x->arrays[i].is_wanted || are[i];
    for (size_t i = 0; i < x->n_arrays; i++)
        if (x->arrays[i].is_wanted)
            want_mentioned(x, &x->arrays[i]);
    free(are);
}

/* Both parts keep their order. */
static void wanted_first(struct selection *x)
{
    struct selected_array *sorted = mem_array(x->n_arrays, sizeof *sorted);
    size_t at = 0;
    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < x->n_arrays; i++)
            if (x->arrays[i].is_wanted == wanted)
                sorted[at++] = x->arrays[i];
    for (size_t i = 0; i < x->n_arrays; i++)
        x->n_wanted += sorted[i].is_wanted;
    free(x->arrays);
    x->arrays = sorted;
}

/* ---- members ---- */

static int choose_members(struct selection *x, const struct export_options *o, struct error *e)
{
    int64_t n = 0;
    if (o->n_members == 0)
        return 0;
    if (x->members < 0)
        return error_set(e, EXPORT_REFUSED, NULL, "there are no members to choose: it is no batch");
    struct selected_dim *batch = &x->dims[x->members];
    for (size_t i = 0; i < o->n_members; i++) {
        const int64_t *range = o->members[i];
        if (range[0] < 0 || range[1] <= range[0] || range[1] > batch->n)
            return error_set(e, EXPORT_REFUSED, NULL,
                             "there is no member %lld: those of '%.200s' are 0 to %lld",
                             (long long)(range[1] > batch->n ? range[1] - 1 : range[0]),
                             batch->name, (long long)batch->n - 1);
        if (__builtin_add_overflow(n, range[1] - range[0], &n))
            return error_set(e, EXPORT_REFUSED, NULL, "too many members");
    }
    batch->n = n;
    return 0;
}

/* Of an open batch, as many as readers are shown by now. */
static int settle_members(struct store *s, struct selection *x, const struct export_options *o,
                          const char *batch, struct error *e)
{
    int64_t seen;
    x->members = batch ? find_dim(x, batch) : -1;
    if (x->members >= 0) {
        int r = store_seen_extent(s, batch, &seen, e);
        if (r != 0)
            return selection_result_of_store(r);
        if (seen >= 0 && seen < x->dims[x->members].n)
            x->dims[x->members].n = seen;
    }
    return choose_members(x, o, e);
}

int selection_read(struct store *s, const struct export_options *o, struct selection *ret,
                   struct error *e)
{
    struct selection *x = ret;
    *x = (struct selection){.members = -1};
    int r = selection_result_of_store(store_attributes(s, &x->attrs, e));
    r = r ? r : selection_result_of_store(store_arrays(s, &x->names, e));
    if (r != 0)
        return r;
    x->provenance = store_provenance(x->attrs);
    const char *batch = json_member_string(json_object_get(x->provenance, "job"), "batch_dim");
    r = read_arrays(s, x, batch, e);
    r = r ? r : want_named(x, o, e);
    if (r != 0)
        return r;
    for (size_t i = 0; i < x->n_arrays && o->n_variables == 0; i++)
        x->arrays[i].is_wanted = true;
    want_coordinates(x);
    wanted_first(x);
    return settle_members(s, x, o, batch, e);
}

void selection_clear(struct selection *x)
{
    for (size_t i = 0; i < x->n_arrays; i++) {
        store_meta_clear(&x->arrays[i].meta);
        json_decref(x->arrays[i].dims);
        json_decref(x->arrays[i].attrs);
    }
    free(x->arrays);
    free(x->dims);
    json_decref(x->names);
    json_decref(x->attrs);
    json_decref(x->provenance);
    *x = (struct selection){0};
}
