/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_child.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proto/where.h"
#include "worker/local_libraries.h"
#include "worker/range_runner.h"
#include "worker/run_channel.h"
#include "worker/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NPY_MAX_BYTES ((size_t)1 << 30)

/* The only job and lease that there are. */
enum { JOB = 1, LEASE = 1 };

struct work {
    const struct run_child *child;
    struct where *where;
    struct clean_room *room;
    json_t *document;
    struct threads *threads;
    struct libraries *libraries;
    const struct registry *registry;
    struct job *job;
    struct range_runner *runner;
    int64_t n_failed; /* in this process */
};

static void work_clear(struct work *w)
{
    range_runner_free(w->runner);
    job_free(w->job);
    json_decref(w->document);
    registry_unref(w->registry);
    libraries_free(w->libraries);
    threads_free(w->threads);
    clean_room_free(w->room);
    where_close(w->where);
}

/* Without the process above us there is nobody to tell. */
static void say(const struct work *w, const struct wire_message *m)
{
    if (run_channel_send(w->child->channel, m) < 0)
        _exit(1);
}

/* ---- the job ---- */

static int read_npy(void *userdata, const char *path, struct ndarray *ret, struct error *e)
{
    const struct work *w = userdata;
    char *joined = path[0] == '/' ? mem_strdup(path) : file_join(w->child->job_directory, path);
    struct buffer bytes = {0};
    int r = file_read(joined, NPY_MAX_BYTES, &bytes);
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
static void load_libraries(struct work *w)
{
    const json_t *threads = json_object_get(w->document, "threads");
    w->threads = threads_new();
    w->libraries = libraries_new();
    threads_set(w->threads, w->libraries, json_integer_value(threads));
    local_libraries_open(w->libraries, w->child->options->libraries, w->document, &w->registry);
}

static int build_job(struct work *w, struct error *e)
{
    w->document = json_read(w->child->text, w->child->text_size, e);
    if (!w->document)
        return WORKER_REFUSED;
    load_libraries(w);
    struct job_sources sources = {.file = read_npy, .userdata = w};
    int r = worker_result_of_user(job_new(w->registry, w->document, &sources, &w->job, e));
    return r ? r : range_runner_check(w->job, e);
}

static void hash_libraries(const struct work *w, char ret[HASH_TEXT_SIZE])
{
    json_t *libraries = job_libraries(w->job);
    char *text = json_canonical(libraries);
    hash_bytes(text, strlen(text), ret);
    free(text);
    json_decref(libraries);
}

/* They lie where anybody may replace them. */
static int check_libraries(const struct work *w, struct error *e)
{
    char now[HASH_TEXT_SIZE];
    hash_libraries(w, now);
    if (!w->child->facts->is_known || !strcmp(now, w->child->facts->libraries))
        return 0;
    return error_set(e, WORKER_TROUBLE, NULL,
                     "a process library was replaced while the job ran: the members that are left "
                     "would be another build's");
}

/* Only the first process finds no store. */
static int check_store(const struct work *w, struct error *e)
{
    if (w->child->facts->is_known || access(w->child->options->store, F_OK) != 0)
        return 0;
    return error_set(e, WORKER_REFUSED, NULL, "%s exists already: a store is never overwritten",
                     w->child->options->store);
}

static void tell_facts(const struct work *w)
{
    struct run_facts *f = w->child->facts;
    hash_libraries(w, f->libraries);
    f->is_batch = w->job->batch_dim != NULL;
    f->n_members = w->job->n_members;
    f->max_attempts = w->job->max_attempts;
    f->member_timeout = w->job->member_timeout;
    f->is_known = true;
    say(w, &(struct wire_message){.type = WIRE_READY});
}

/* All that can be refused is refused before the store is made. */
static int prepare(struct work *w, struct error *e)
{
    int r = error_explain(e, where_open(w->child->where, &w->where), "map the where page");
    if (r == 0) {
        where_set_pid(w->where, getpid());
        r = clean_room_new(w->child->members, w->child->guard, &w->room, e);
    }
    if (r == 0)
        r = build_job(w, e);
    if (r == 0)
        r = check_libraries(w, e);
    if (r == 0)
        r = check_store(w, e);
    if (r == 0)
        tell_facts(w);
    return r;
}

/* ---- what range_runner_run tells ---- */

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    const struct wire_message m = {.type = WIRE_DONE, .done = {LEASE, begin, end}};
    say(userdata, &m);
    return 0;
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    struct work *w = userdata;
    const struct wire_message m = {.type = WIRE_MEMBER_FAILED,
                                   .member_failed = {LEASE, member, why->message}};
    w->n_failed++;
    if (w->job->batch_dim)
        log_error("member %lld: %s", (long long)member, why->message);
    else
        log_error("%s", why->message);
    say(w, &m);
    return 0;
}

static int on_layout(void *userdata, const char *layout)
{
    const struct work *w = userdata;
    const struct wire_message m = {.type = WIRE_LAYOUT, .layout = {LEASE, 0, layout}};
    return run_channel_send(w->child->channel, &m);
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    const struct work *w = userdata;
    if (w->job->batch_dim)
        log_info("member %lld: %s", (long long)member, line);
    else
        log_info("%s", line);
}

static void on_begin(void *userdata, int64_t member)
{
    const struct work *w = userdata;
    where_begin_member(w->where, member, loop_now());
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    const struct work *w = userdata;
    (void)member, (void)may_have_printed;
    where_end_member(w->where);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    const struct work *w = userdata;
    (void)member;
    where_set_step(w->where, step + 1);
    return 0;
}

static void on_abandon(void *userdata, const struct error *why)
{
    const struct wire_message m = {.type = WIRE_BYE, .bye.reason = why->message};
    say(userdata, &m);
    _exit(0);
}

/* ---- the members ---- */

static int open_runner(struct work *w, struct error *e)
{
    const struct range_events events = {.done = on_done,
                                        .failed = on_failed,
                                        .layout = on_layout,
                                        .log = on_log,
                                        .begin = on_begin,
                                        .step = on_step,
                                        .end = on_end,
                                        .abandon = on_abandon,
                                        .is_unsynced = true,
                                        .userdata = w};
    return range_runner_new(w->job, w->libraries, w->room, w->child->options->store,
                            w->child->layout, &events, &w->runner, e);
}

static int run_range(struct work *w, int64_t begin, int64_t end, struct error *e)
{
    return begin < end ? range_runner_run(w->runner, begin, end, e) : 0;
}

/* The suspect first, and then those before and after it. */
static int run_left(struct work *w, struct error *e)
{
    struct run_ledger all = {0};
    const struct run_ledger *l = &w->child->ledger;
    if (!l->left) { /* the first process */
        run_ledger_start(&all, w->job->n_members);
        l = &all;
    }
    int64_t suspect = l->suspect;
    int r = suspect >= 0 ? run_range(w, suspect, suspect + 1, e) : 0;
    for (size_t i = 0; i < l->n_left && r == 0; i++) {
        struct run_range range = l->left[i];
        bool holds = range.begin <= suspect && suspect < range.end;
        r = run_range(w, range.begin, holds ? suspect : range.end, e);
        if (r == 0 && holds)
            r = run_range(w, suspect + 1, range.end, e);
    }
    run_ledger_clear(&all);
    return r;
}

static void finish(struct work *w)
{
    struct error e = {.message = ""};
    where_set_lease(w->where, JOB, 0, 0);
    bool complete = w->n_failed == 0 && w->child->ledger.n_dead == 0;
    int r = error_explain(&e, range_runner_finish(w->runner, complete, &e), "finish the store");
    struct wire_message m = {.type = WIRE_FINISHED, .finished.job = JOB};
    if (r)
        m = (struct wire_message){.type = WIRE_FINISH_FAILED,
                                  .finish_failed = {JOB, 0, r < 0 ? (uint32_t)-r : 0, e.message}};
    say(w, &m);
}

static void run(struct work *w)
{
    struct error e = {.message = ""};
    where_set_lease(w->where, JOB, LEASE, w->job->clocks[w->job->main_clock].n - 1);
    int r = open_runner(w, &e);
    if (r == 0)
        r = run_left(w, &e);
    error_explain(&e, r, "run the job");
    struct wire_message m = {.type = WIRE_BYE, .bye.reason = e.message};
    if (r == 0) {
        finish(w);
        return;
    }
    if (r != WORKER_RENEW)
        m = (struct wire_message){.type = WIRE_RELEASE,
                                  .release = {.lease = LEASE,
                                              .cause = WIRE_CAUSE_STORE,
                                              .error = r < 0 ? (uint32_t)-r : EIO,
                                              .reason = e.message}};
    say(w, &m);
}

static void say_refused(const struct work *w, int r, const struct error *e)
{
    char reason[sizeof e->message + sizeof e->pointer + 16];
    snprintf(reason, sizeof reason, e->pointer[0] ? "%s (at %s)" : "%s", e->message, e->pointer);
    struct wire_message m = {.type = WIRE_JOB_FAILED, .job_failed = {JOB, reason}};
    if (r < 0 || r == WORKER_TROUBLE)
        m = (struct wire_message){.type = WIRE_RELEASE,
                                  .release = {.lease = LEASE,
                                              .cause = WIRE_CAUSE_WORKER,
                                              .error = r < 0 ? (uint32_t)-r : 0,
                                              .reason = e->message}};
    say(w, &m);
}

void run_child(const struct run_child *c)
{
    struct work w = {.child = c};
    struct error e = {.message = ""};
    int r = error_explain(&e, prepare(&w, &e), "prepare the job");
    if (r)
        say_refused(&w, r, &e);
    else
        run(&w);
    work_clear(&w);
}
