/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: any text → job_new; what it accepts is normalized, accepted again, and readable. */
#include "fuzz.h"

#include "model/job.h"

static int upload(void *userdata, const char *id, struct ndarray *ret, struct error *e)
{
    static const int64_t shape[] = {3};
    (void)userdata;
    if (*id == 'x')
        return error_set(e, MODEL_INVALID, NULL, "no such upload");
    return ndarray_init(ret, SIMLAB_F8, 0, 1, shape);
}

static void touch(const struct job *job)
{
    volatile char sum = 0;
    for (int i = 0; i < job->n_inputs; i++) {
        const struct job_input *in = &job->inputs[i];
        int lead = in->has_batch + in->has_clock;
        size_t bytes = in->value.itemsize;
        for (int d = lead; d < in->value.ndim; d++)
            bytes *= (size_t)in->value.shape[d];
        struct job_room room = {.of = NULL};
        const void *at = NULL;
        int r = job_input_at(job, in, job->n_members - 1, in->has_clock ? 0 : -1, &room, &at);
        const char *data = r < 0 ? NULL : at;
        for (size_t b = 0; data && b < bytes; b++)
            sum = (char)(sum + data[b]);
        job_room_clear(&room);
    }
}

/* Who only checks a job takes what a run takes. */
static void check(const json_t *document, const struct job_sources *sources)
{
    const struct job_sources checking = {.is_check = true, .is_quick = true};
    struct error e = {.message = ""};
    struct job *job = NULL, *full = NULL;
    int r = job_new(fuzz_registry(), document, &checking, &job, &e);
    mem_assert(r != 0 || job_new(fuzz_registry(), document, sources, &full, &e) == 0);
    job_free(full);
    job_free(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    struct job_sources sources = {.upload = upload};
    struct job *job, *again;
    if (fuzz_has_long_number(data, size))
        return 0;
    json_t *document = json_read((const char *)data, size, &e);
    if (document)
        check(document, &sources);
    if (document && job_new(fuzz_registry(), document, &sources, &job, &e) == 0) {
        touch(job);
        mem_assert(job_new(fuzz_registry(), job->document, &sources, &again, &e) == 0);
        mem_assert(again->n_members == job->n_members && again->n_outputs == job->n_outputs);
        job_free(again);
        job_free(job);
    }
    json_decref(document);
    return 0;
}
