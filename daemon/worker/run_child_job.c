/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"
#include "worker/checkpoint_file.h"
#include "worker/local_libraries.h"
#include "worker/run_child_parts.h"
#include "worker/uploads.h"

#include <stdlib.h>
#include <string.h>

#define NPY_MAX_BYTES  ((size_t)1 << 30)
#define PINS_MAX_BYTES ((size_t)1 << 20)

static char *in_job_directory(const struct run_work *w, const char *path)
{
    return path[0] == '/' ? mem_strdup(path) : file_join(w->child->job_directory, path);
}

/* All that were read so far, in their order. */
static void note_file(struct run_work *w, const void *bytes, size_t n)
{
    struct hash *h = hash_new();
    hash_add(h, w->files, strlen(w->files));
    hash_add(h, bytes, n);
    hash_end(h, w->files);
    hash_free(h);
}

/* One that is not there is told by the member that is to start from it. */
static void note_start(struct run_work *w, int64_t member)
{
    char sum[HASH_TEXT_SIZE];
    char *path = job_kept_path(w->from, member, w->job->from.steps);
    if (checkpoint_file_sum(path, sum) == 0)
        note_file(w, sum, strlen(sum));
    free(path);
}

static void note_starts(struct run_work *w)
{
    int64_t member = w->job->from.member;
    if (member >= 0)
        note_start(w, member);
    for (int64_t i = 0; member < 0 && i < w->job->n_members; i++)
        note_start(w, i);
}

static int read_npy(void *userdata, const char *path, struct ndarray *ret, struct error *e)
{
    struct run_work *w = userdata;
    char *joined = in_job_directory(w, path);
    struct buffer bytes = {0};
    int r = file_read(joined, NPY_MAX_BYTES, &bytes);
    note_file(w, bytes.data, bytes.size);
    if (r < 0)
        r = error_set(e, MODEL_INVALID, NULL, "cannot read %s: %s", joined, strerror(-r));
    else
        r = model_result_of_base(
            ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e));
    buffer_free(&bytes);
    free(joined);
    return r;
}

/* Of a daemon: the libraries that it was submitted with, of which only types are looked at yet. */
static int open_pinned(struct run_work *w, const struct worker_plan_options *o, struct error *e)
{
    struct buffer pins = {0};
    const struct registry *registry;
    w->pinned = pinned_new(o->copies);
    w->libraries = pinned_libraries(w->pinned);
    int r = error_explain(e, file_read(o->pins, PINS_MAX_BYTES, &pins), "read the job's libraries");
    r = r ? r : pinned_registry(w->pinned, pins.data ? pins.data : "", &registry, e);
    w->registry = r == 0 ? registry_ref(registry) : NULL;
    buffer_free(&pins);
    return r;
}

/* The job's threads hold before a library is loaded; whether they may is checked with the job. */
static int load_libraries(struct run_work *w, struct error *e)
{
    const struct worker_plan_options *plan = w->child->options->plan;
    int r = 0;
    w->threads = threads_new();
    if (plan && plan->copies)
        r = open_pinned(w, plan, e);
    else
        w->libraries = libraries_new();
    threads_set(w->threads, w->libraries, job_options_library_threads(w->document));
    return w->pinned ? r
                     : local_libraries_open(w->libraries, w->child->options->libraries, w->document,
                                            &w->child->model, w->is_helper, &w->registry, e);
}

static bool is_profiled(const struct worker_run_options *o)
{
    return o->profile || o->trace || o->graph;
}

int run_child_job_build(struct run_work *w, struct error *e)
{
    w->document = json_read(w->child->text, w->child->text_size, e);
    if (!w->document)
        return WORKER_REFUSED;
    if (w->child->options->debug && json_is_object(w->document))
        json_object_set_new(w->document, "debug", json_true());
    if (is_profiled(w->child->options) && json_is_object(w->document))
        json_object_set_new(w->document, "profile", json_true());
    const struct worker_plan_options *plan = w->child->options->plan;
    struct job_sources sources = {.file = read_npy, .userdata = w};
    if (plan && plan->copies)
        sources = uploads_sources(&plan->uploads);
    int r = load_libraries(w, e);
    if (r == 0)
        r = worker_result_of_user(job_new(w->registry, w->document, &sources, &w->job, e));
    if (r == 0 && w->pinned)
        r = pinned_load(w->pinned, w->job, e);
    if (r == 0)
        r = worker_result_of_user(job_check_encodings(w->job, store_check_encoding, e));
    if (r == 0 && !plan && (w->job->n_after > 0 || w->job->is_held))
        r = error_set(e, WORKER_REFUSED, w->job->n_after > 0 ? "/after" : "/hold",
                      "a local run knows of no other jobs, and of nobody who would release it: "
                      "\"after\" and \"hold\" are for a daemon");
    if (r == 0 && w->pinned)
        w->from = mem_strdup(plan->from);
    if (r == 0 && w->job->from.store) {
        w->from = in_job_directory(w, w->job->from.store);
        note_starts(w);
    }
    return r;
}

struct job_store run_child_store(const struct run_work *w)
{
    return (struct job_store){.path = w->child->options->store,
                              .owner = w->child->identity->owner,
                              .zarr_format = w->job->zarr_format,
                              .layout = w->layout,
                              .from = w->from,
                              .is_unsynced = true};
}

void run_child_job_hash(const struct run_work *w, char ret[HASH_TEXT_SIZE])
{
    json_t *libraries = job_libraries(w->job);
    char *text = json_canonical(libraries);
    hash_bytes(text, strlen(text), ret);
    free(text);
    json_decref(libraries);
}

int run_child_job_compare(const struct run_work *w, struct error *e)
{
    char now[HASH_TEXT_SIZE];
    const struct run_facts *f = w->child->facts;
    run_child_job_hash(w, now);
    if (f->is_known && strcmp(w->files, f->files) != 0)
        return error_set(e, WORKER_TROUBLE, NULL,
                         "a file that the job names was replaced while the job ran: the members "
                         "that are left would have other values");
    if (!f->is_known || !strcmp(now, f->libraries))
        return 0;
    return error_set(e, WORKER_TROUBLE, NULL,
                     "a process library was replaced while the job ran: the members that are left "
                     "would be another build's");
}
