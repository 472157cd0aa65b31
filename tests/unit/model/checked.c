/* SPDX-License-Identifier: Apache-2.0 */
#include "checked.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int checked_npy(const struct ndarray *a)
{
    char head[128] = "\x93NUMPY\x01", dtype[16], shape[64] = "";
    dtype_to_numpy(a->dtype, a->itemsize, false, dtype);
    for (int i = 0; i < a->ndim; i++)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%lld, ",
                 (long long)a->shape[i]);
    int n = snprintf(head + 10, sizeof head - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", dtype, shape);
    head[8] = (char)n;
    int fd = memfd_create("array.npy", MFD_CLOEXEC);
    ssize_t size = (ssize_t)ndarray_bytes(a);
    cr_assert(fd >= 0 && write(fd, head, (size_t)n + 10) == n + 10 &&
              write(fd, a->data, (size_t)size) == size);
    return fd;
}

static int open_upload(void *userdata, const char *id, int *ret_fd, struct error *e)
{
    const struct job_sources *sources = userdata;
    struct ndarray a = {0};
    int r = sources->upload(sources->userdata, id, &a, e);
    if (r)
        return r;
    *ret_fd = checked_npy(&a);
    ndarray_clear(&a);
    return 0;
}

/* The other sources, with the userdata that is theirs. */
static int fetch_file(void *userdata, const char *path, struct ndarray *ret, struct error *e)
{
    const struct job_sources *sources = userdata;
    return sources->file(sources->userdata, path, ret, e);
}

static int fetch_model(void *userdata, const char *name, json_t **ret, struct error *e)
{
    const struct job_sources *sources = userdata;
    return sources->model(sources->userdata, name, ret, e);
}

static int fetch_job(void *userdata, const char *id, json_t **ret, struct error *e)
{
    const struct job_sources *sources = userdata;
    return sources->job(sources->userdata, id, ret, e);
}

static void expect_same_shape(const struct ndarray *full, const struct ndarray *shape)
{
    cr_assert(!shape->data && shape->ndim == full->ndim && shape->dtype == full->dtype &&
              shape->itemsize == full->itemsize);
    for (int i = 0; i < full->ndim; i++) {
        cr_assert_eq(shape->shape[i], full->shape[i]);
        cr_assert_str_eq(shape->dims[i], full->dims[i]);
    }
}

static void expect_same(const struct job *full, const struct job *check)
{
    cr_assert(json_equal(full->document, check->document));
    cr_assert_eq(check->n_members, full->n_members);
    cr_assert_eq(check->n_outputs, full->n_outputs);
    cr_assert_eq(check->main_clock, full->main_clock);
    for (int i = 0; i < full->n_clocks; i++) {
        cr_assert(check->clocks[i].n == full->clocks[i].n && !check->clocks[i].values &&
                  !check->clocks[i].at && !check->clocks[i].labels.data);
    }
    for (int i = 0; i < full->n_inputs; i++) {
        const struct job_input *a = &full->inputs[i], *b = &check->inputs[i];
        expect_same_shape(&a->given, &b->given);
        expect_same_shape(&a->value, &b->value);
        cr_assert(a->has_batch == b->has_batch && a->has_clock == b->has_clock &&
                  a->ndim == b->ndim && a->is_coordinate == b->is_coordinate);
    }
    for (int i = 0; i < full->n_coords; i++)
        expect_same_shape(&full->coords[i].values, &check->coords[i].values);
}

static void check_again(const struct registry *r, const json_t *document,
                        const struct job_sources *sources, const struct job *full, int result,
                        const struct error *wanted)
{
    struct job_sources checking = {.is_check = true, .userdata = (void *)sources};
    if (sources && sources->upload)
        checking.open = open_upload;
    if (sources && sources->file)
        checking.file = fetch_file;
    if (sources && sources->model)
        checking.model = fetch_model;
    if (sources && sources->job)
        checking.job = fetch_job;
    for (int quick = 0; quick < 2; quick++) {
        struct job *j = NULL;
        struct error e = {0};
        checking.is_quick = quick;
        int got = job_new(r, document, &checking, &j, &e);
        if (quick && got == MODEL_LONG)
            continue;
        cr_assert_eq(got, result, "%d, not %d: %s, not %s", got, result, e.message,
                     wanted->message);
        if (got > 0) {
            cr_assert_str_eq(e.message, wanted->message);
            cr_assert_str_eq(e.pointer, wanted->pointer, "%s", e.message);
        }
        if (got == 0)
            expect_same(full, j);
        job_free(j);
    }
}

int checked_job_new(const struct registry *r, const json_t *document,
                    const struct job_sources *sources, struct job **ret_job, struct error *e)
{
    struct error found = {0};
    int result = job_new(r, document, sources, ret_job, &found);
    check_again(r, document, sources, *ret_job, result, &found);
    if (e)
        *e = found;
    return result;
}
