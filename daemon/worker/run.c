/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker run`: one job, in this process, without a daemon. */
#include "worker/worker.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/range_runner.h"
#include "worker/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUN_OK = 0, RUN_FAILED = 1, RUN_REFUSED = 2 };

#define RUN_MAX_DOCUMENT ((size_t)1 << 30)

struct run {
    const struct worker_run_options *options;
    char *directory; /* of the job's file: {"file": …} is relative to it */
    struct threads *threads;
    struct libraries *libraries;
    struct registry *registry;
    json_t *document;
    struct job *job;
    int64_t n_failed;
};

static void run_clear(struct run *run)
{
    job_free(run->job);
    json_decref(run->document);
    registry_unref(run->registry);
    libraries_free(run->libraries);
    threads_free(run->threads);
    free(run->directory);
}

static int read_document(struct run *run, struct error *e)
{
    const char *path = run->options->job;
    bool is_stdin = !strcmp(path, "-");
    const char *slash = strrchr(path, '/');
    run->directory = slash && !is_stdin ? strndup(path, (size_t)(slash - path)) : mem_strdup(".");
    struct buffer text = {0};
    int r = file_read(is_stdin ? "/dev/stdin" : path, RUN_MAX_DOCUMENT, &text);
    if (r < 0) {
        buffer_free(&text);
        return error_set(e, WORKER_REFUSED, NULL, "cannot read the job %s: %s", path, strerror(-r));
    }
    run->document = json_read(text.data ? text.data : "", text.size, e);
    buffer_free(&text);
    return run->document ? 0 : WORKER_REFUSED;
}

static int read_npy(void *userdata, const char *path, struct ndarray *ret, struct error *e)
{
    const struct run *run = userdata;
    char *joined = path[0] == '/' ? mem_strdup(path) : file_join(run->directory, path);
    struct buffer bytes = {0};
    int r = file_read(joined, RUN_MAX_DOCUMENT, &bytes);
    if (r < 0)
        r = error_set(e, MODEL_INVALID, NULL, "cannot read %s: %s", joined, strerror(-r));
    else
        r = model_result_of_base(
            ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e));
    buffer_free(&bytes);
    free(joined);
    return r;
}

/* The job's threads hold before a library is loaded; whether they may is checked with the job. */
static int load_libraries(struct run *run, struct error *e)
{
    const json_t *threads = json_object_get(run->document, "threads");
    run->threads = threads_new();
    run->libraries = libraries_new();
    threads_set(run->threads, run->libraries, json_integer_value(threads));
    int r = 0;
    for (const char *const *d = run->options->libraries; *d && r == 0; d++)
        r = libraries_open_directory(run->libraries, *d, e);
    return r ? r : libraries_registry(run->libraries, &run->registry, e);
}

/* All that can be refused is refused before the store is made. */
static int prepare(struct run *run, struct error *e)
{
    int r = read_document(run, e);
    if (r == 0)
        r = load_libraries(run, e);
    if (r)
        return r;
    struct job_sources sources = {.file = read_npy, .userdata = run};
    r = worker_result_of_user(job_new(run->registry, run->document, &sources, &run->job, e));
    if (r == 0)
        r = range_runner_check(run->job, e);
    if (r == 0 && access(run->options->store, F_OK) == 0)
        r = error_set(e, WORKER_REFUSED, NULL, "%s exists already: a store is never overwritten",
                      run->options->store);
    return r;
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    struct run *run = userdata;
    run->n_failed++;
    if (run->job->batch_dim)
        log_error("member %lld: %s", (long long)member, why->message);
    else
        log_error("%s", why->message);
    return 0;
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct run *run = userdata;
    if (run->job->batch_dim)
        log_info("member %lld: %s", (long long)member, line);
    else
        log_info("%s", line);
}

static int execute(struct run *run, struct error *e)
{
    struct range_events events = {.failed = on_failed, .log = on_log, .userdata = run};
    struct range_runner *m = NULL;
    int r =
        range_runner_new(run->job, run->libraries, NULL, run->options->store, NULL, &events, &m, e);
    if (r == 0)
        r = range_runner_run(m, 0, run->job->n_members, e);
    if (r == 0)
        r = range_runner_finish(m, run->n_failed == 0, e);
    range_runner_free(m);
    return r;
}

static void say_refused(const struct error *e)
{
    if (e->pointer[0])
        log_error("refused: %s (at %s)", e->message, e->pointer);
    else
        log_error("refused: %s", e->message);
}

int worker_run(const struct worker_run_options *o)
{
    struct run run = {.options = o};
    struct error e = {0};
    int status = RUN_OK;
    int r = prepare(&run, &e);
    if (r) {
        error_explain(&e, r, "prepare the job");
        say_refused(&e);
        status = r > 0 ? RUN_REFUSED : RUN_FAILED;
    } else {
        r = execute(&run, &e);
        if (r) {
            error_explain(&e, r, "run the job");
            log_error("%s", e.message);
        } else if (run.n_failed && run.job->batch_dim) {
            log_error("%lld of %lld members failed", (long long)run.n_failed,
                      (long long)run.job->n_members);
        }
        status = r || run.n_failed ? RUN_FAILED : RUN_OK;
    }
    run_clear(&run);
    return status;
}
