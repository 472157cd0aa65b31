/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/layout.h"

#include "base/json.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct simlab_view view = {
    .size = 7, .shape = {7}, .ndim = 1, .dtype = SIMLAB_F8, .itemsize = 8};

static void same_array(const struct output_array *a, const struct output_array *b)
{
    cr_assert_eq(a->meta.dtype, b->meta.dtype);
    cr_assert_eq(a->meta.itemsize, b->meta.itemsize);
    cr_assert_eq(a->meta.big_endian, b->meta.big_endian);
    cr_assert_eq(a->meta.ndim, b->meta.ndim);
    size_t extents = (size_t)a->meta.ndim * sizeof *a->meta.shape;
    cr_assert_arr_eq(a->meta.shape, b->meta.shape, extents);
    cr_assert_arr_eq(a->meta.chunks, b->meta.chunks, extents);
    cr_assert_arr_eq(a->meta.fill, b->meta.fill, a->meta.itemsize);
    cr_assert_eq(a->meta.has_fill, b->meta.has_fill);
    cr_assert(a->meta.filters == b->meta.filters || json_equal(a->meta.filters, b->meta.filters));
    cr_assert_eq(a->meta.codec.compressor, b->meta.codec.compressor);
    cr_assert_eq(a->itemsize, b->itemsize);
    cr_assert_eq(a->lead, b->lead);
    for (int i = 0; i < a->meta.ndim; i++)
        cr_assert_str_eq(a->dims[i], b->dims[i]);
}

Test(layout, what_is_recorded_gives_the_same_array)
{
    static const char *const encodings[] = {
        NULL,
        "{\"dtype\": \"<f4\"}",
        "{\"dtype\": \">i2\", \"fill_value\": -1}",
        "{\"dtype\": \"<u8\", \"fill_value\": 18446744073709551615}",
        "{\"chunks\": [3, 2, 5], \"compressor\": null}",
        "{\"dtype\": \"<i2\", \"filters\": [{\"id\": \"fixedscaleoffset\", \"scale\": 10, "
        "\"offset\": 0, \"dtype\": \"<f8\", \"astype\": \"<i2\"}]}",
    };
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        struct job *job = support_job(10, 4, encodings[i]);
        struct error e = {.message = ""};
        struct output_array a, b;
        int r = output_array_init(job, 0, 0, &view, &a, &e);
        if (r == WORKER_REFUSED && encodings[i] && strstr(encodings[i], "filters")) {
            job_free(job); /* this filter wants the value's own dtype */
            continue;
        }
        cr_assert_eq(r, 0, "%s: %s", encodings[i], e.message);
        json_t *recorded = output_array_to_json(&a);
        char *text = json_canonical(recorded);
        json_decref(recorded);
        recorded = json_read(text, strlen(text), &e);
        cr_assert_eq(output_array_from_json(job, 0, recorded, &b, &e), 0, "%s", e.message);
        same_array(&a, &b);
        json_t *shape = json_object_get(recorded, "shape");
        cr_assert_eq(json_integer_value(json_array_get(shape, 0)), 10, "the dispatcher reads it");
        output_array_clear(&a);
        output_array_clear(&b);
        json_decref(recorded);
        free(text);
        job_free(job);
    }
}

/* Another release may plan other chunks: the job's stay. */
Test(layout, recorded_chunks_count)
{
    struct job *job = support_job(10, 4, NULL);
    struct error e = {.message = ""};
    struct output_array a;
    json_t *recorded =
        json_pack("{s:[i], s:[i, i, i], s:i}", "own", 7, "chunks", 5, 4, 7, "itemsize", 8);
    cr_assert_eq(output_array_from_json(job, 0, recorded, &a, &e), 0, "%s", e.message);
    cr_assert_eq(a.meta.chunks[0], 5);
    output_array_clear(&a);
    json_decref(recorded);
    job_free(job);
}

Test(layout, what_is_broken_is_refused)
{
    static const char *const odd[] = {
        "{}",
        "{\"own\": [7], \"chunks\": [5, 4, 7]}",
        "{\"own\": [7], \"chunks\": [5, 4], \"itemsize\": 8}",
        "{\"own\": [7], \"chunks\": [5, 0, 7], \"itemsize\": 8}",
        "{\"own\": [-7], \"chunks\": [5, 4, 7], \"itemsize\": 8}",
        "{\"own\": [7.5], \"chunks\": [5, 4, 7], \"itemsize\": 8}",
        "{\"own\": [1, 1, 1, 1, 1, 1, 1, 1, 1], \"chunks\": [5, 4, 7], \"itemsize\": 8}",
        "{\"own\": [7, 7], \"chunks\": [5, 4, 7], \"itemsize\": 8}",
        "[]",
    };
    struct job *job = support_job(10, 4, NULL);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct error e = {.message = ""};
        struct output_array a;
        json_t *recorded = json_read(odd[i], strlen(odd[i]), &e);
        cr_assert_gt(output_array_from_json(job, 0, recorded, &a, &e), 0, "%s", odd[i]);
        cr_assert(*e.message);
        json_decref(recorded);
    }
    job_free(job);
}
