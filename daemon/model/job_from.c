/* SPDX-License-Identifier: Apache-2.0 */
/* "from": {"job": 7, "step": 1000}: members start from a checkpoint that another job has kept.
 * Where that job's document is to be had, what must agree is compared here, so that a job that
 * cannot start is refused; a worker compares again with the checkpoint itself. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LABELS = 512 }; /* read at a time */

char *job_kept_path(const char *store, int64_t member, int64_t steps)
{
    return mem_printf("%s" JOB_KEPT_SUFFIX "/%" PRId64 ".%" PRId64, store, member, steps);
}

/* ---- inputs that no branch may change ---- */

/* As `document` gives it; NULL: it does not. Borrowed. */
static json_t *given_input(const json_t *document, const char *name)
{
    static const char *const ways[] = {"product", "zip"};
    json_t *given = json_object_get(json_object_get(document, "inputs"), name);
    const json_t *sweep = json_object_get(document, "sweep");
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !given; i++)
        given = json_object_get(json_object_get(sweep, ways[i]), name);
    return given;
}

static bool is_static(const struct job *j, int input)
{
    return j->model->slots[j->inputs[input].slot].declared->is_static;
}

json_t *job_static_inputs(const struct job *j)
{
    json_t *all = json_object();
    for (int i = 0; i < j->n_inputs; i++) {
        const char *name = j->model->slots[j->inputs[i].slot].name;
        json_t *given = is_static(j, i) ? given_input(j->document, name) : NULL;
        if (given)
            json_object_set(all, name, given);
    }
    return all;
}

static int compare_static_inputs(struct making *m, const char *id, const json_t *theirs)
{
    for (int i = 0; i < m->job->n_inputs; i++) {
        const char *name = m->job->model->slots[m->job->inputs[i].slot].name;
        const json_t *own = given_input(m->document, name), *other = given_input(theirs, name);
        if (is_static(m->job, i) && (own || other) && !json_equal(own, other))
            return job_making_fault(m, "inputs", name, "",
                                    "it is static, so it cannot change after the start: give it as "
                                    "job %s has it",
                                    id);
    }
    return 0;
}

/* ---- labels of the main clocks ---- */

static const json_t *main_clock_of(const json_t *document)
{
    json_t *clocks = json_object_get(document, "clocks");
    const json_t *given = json_object_get(document, "main_clock");
    const char *name =
        json_is_object(given) ? json_member_string(given, "dim") : json_string_value(given);
    return name ? json_object_get(clocks, name) : json_object_iter_value(json_object_iter(clocks));
}

static int open_labels(struct making *m, const json_t *document, struct job_data *ret)
{
    json_t *owned = NULL;
    const char *below;
    const json_t *clock = main_clock_of(document);
    const json_t *data = json_is_object(clock) ? job_values_member(clock, &owned, &below) : clock;
    int r = data ? job_data_open(m, data, -1, 0, ret)
                 : error_set(m->error, MODEL_INVALID, "/from", "from: that job has no main clock");
    json_decref(owned);
    return r;
}

static int read_labels(const struct job_data *d, size_t at, size_t n, double *ret)
{
    int64_t whole[LABELS];
    bool is_whole = d->dtype == SIMLAB_I8;
    if (at + n > job_data_size(d))
        n = at < job_data_size(d) ? job_data_size(d) - at : 0;
    int r = job_data_read(d, at, n, is_whole ? (void *)whole : ret);
    for (size_t i = 0; i < n && is_whole; i++)
        ret[i] = (double)whole[i];
    return r < 0 ? r : (int)n;
}

/* Up to `steps`; labels of dtypes that no clock has are left to the worker. */
static int compare_read_labels(struct making *m, const char *id, const struct job_data *own,
                               const struct job_data *theirs)
{
    double ours[LABELS], other[LABELS];
    size_t most = (size_t)m->job->from.steps + 1;
    for (size_t at = 0; at < most; at += LABELS) {
        size_t n = most - at < LABELS ? most - at : LABELS;
        int n_ours = read_labels(own, at, n, ours), n_other = read_labels(theirs, at, n, other);
        if (n_ours < 0 || n_other < 0)
            return n_ours < 0 ? n_ours : n_other;
        char own_text[NUMBER_TEXT_SIZE], other_text[NUMBER_TEXT_SIZE];
        for (int i = 0; i < n_ours && i < n_other; i++)
            if (ours[i] != other[i])
                return error_set(m->error, MODEL_INVALID, "/from",
                                 "from: label %zu of the main clock is %s, and %s in job %s: "
                                 "up to step %" PRId64 " both are to have the same labels",
                                 at + (size_t)i, number_text(ours[i], own_text),
                                 number_text(other[i], other_text), id, m->job->from.steps);
    }
    return 0;
}

static bool is_number(const struct job_data *d)
{
    return d->dtype == SIMLAB_I8 || d->dtype == SIMLAB_F8;
}

static int compare_labels(struct making *m, const char *id, const json_t *theirs)
{
    struct job_data a = {.fd = -1}, b = {.fd = -1};
    if (json_equal(main_clock_of(m->document), main_clock_of(theirs)))
        return 0;
    int r = open_labels(m, m->document, &a);
    r = r ? r : open_labels(m, theirs, &b);
    if (r == 0 && is_number(&a) && is_number(&b))
        r = compare_read_labels(m, id, &a, &b);
    job_data_close(&a);
    job_data_close(&b);
    return r;
}

/* ---- what else is to agree ---- */

static int compare_models(struct making *m, const char *id, const json_t *theirs)
{
    const json_t *own = json_object_get(m->document, "model");
    const json_t *other = json_object_get(theirs, "model");
    const json_t *processes = json_object_get(other, "processes");
    const char *name;
    json_t *process;
    if (json_equal(own, other))
        return 0;
    json_object_foreach(json_object_get(own, "processes"), name, process)
    {
        if (!json_equal(process, json_object_get(processes, name)))
            return error_set(m->error, MODEL_INVALID, "/from",
                             "from: process '%.100s' is not as in job %s: a checkpoint is good for "
                             "its own model only",
                             name, id);
    }
    return error_set(
        m->error, MODEL_INVALID, "/from",
        "from: the model is not that of job %s: a checkpoint is good for its own model "
        "only",
        id);
}

static bool is_kept(const json_t *document, int64_t steps)
{
    const json_t *keep = json_object_get(json_object_get(document, "checkpoint"), "keep");
    if (json_is_integer(keep))
        return json_integer_value(keep) == steps;
    for (size_t i = 0; i < json_array_size(keep); i++)
        if (json_integer_value(json_array_get(keep, i)) == steps)
            return true;
    return false;
}

static int compare(struct making *m)
{
    char id[24];
    json_t *theirs;
    snprintf(id, sizeof id, "%" PRId64, m->job->from.job);
    int r = m->sources->job(m->sources->userdata, id, &theirs, m->error);
    if (r > 0 && m->error)
        snprintf(m->error->pointer, sizeof m->error->pointer, "/from/job");
    if (r)
        return r;
    if (!is_kept(theirs, m->job->from.steps))
        r = error_set(m->error, MODEL_INVALID, "/from/step",
                      "from: job %s keeps no checkpoint after step %" PRId64
                      ": its \"checkpoint\" does not list that under \"keep\"",
                      id, m->job->from.steps);
    r = r ? r : compare_models(m, id, theirs);
    r = r ? r : compare_labels(m, id, theirs);
    r = r ? r : compare_static_inputs(m, id, theirs);
    json_decref(theirs);
    return r;
}

/* ---- the key ---- */

static int refuse(struct making *m, const char *key, const char *wanted)
{
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/from/%s", key);
    return error_set(m->error, MODEL_INVALID, pointer, "from: \"%s\" is %s", key, wanted);
}

static int read_steps(struct making *m, const json_t *given)
{
    int64_t n_steps = m->job->clocks[m->job->main_clock].n - 1;
    int64_t steps = json_is_integer(given) ? json_integer_value(given) : 0;
    if (steps < 1)
        return refuse(m, "step", "after how many steps the checkpoint was made: 1 or more");
    if (steps >= n_steps)
        return error_set(m->error, MODEL_INVALID, "/from/step",
                         "from: after step %" PRId64 " none of the %" PRId64
                         " steps of the main clock is left",
                         steps, n_steps);
    m->job->from.steps = steps;
    return 0;
}

static int read_member(struct making *m, const json_t *given)
{
    const char *word = json_string_value(given);
    if (!given || json_is_null(given))
        return 0;
    if (json_is_integer(given) && json_integer_value(given) >= 0)
        m->job->from.member = json_integer_value(given);
    else if (word && !strcmp(word, "each") && m->job->batch_dim && !m->job->is_open)
        m->job->from.member = -1;
    else
        return refuse(m, "member",
                      m->job->is_open ? "the number of a member of that job, from which all of an "
                                        "open batch start"
                                      : "the number of a member of that job; or, of a batch, "
                                        "\"each\": each from the one of its own number");
    return 0;
}

/* Where sources can read files, they are those of a local run. */
static int read_source(struct making *m, const json_t *job, const json_t *store)
{
    bool is_local = m->sources && m->sources->file;
    if (is_local && !json_is_string(store))
        return refuse(m, "store", "the path of the store beside which the checkpoint lies");
    if (is_local && job)
        return refuse(m, "job", "for jobs of a daemon");
    if (!is_local && store)
        return refuse(m, "store", "for local runs: say which job, {\"job\": 7, \"step\": 1000}");
    if (!is_local && (!json_is_integer(job) || json_integer_value(job) < 1))
        return refuse(m, "job", "the number of the job that keeps the checkpoint");
    m->job->from.job = json_integer_value(job);
    m->job->from.store = mem_strdup(json_string_value(store));
    return 0;
}

int job_from_read(struct making *m)
{
    static const char *const keys[] = {"job", "store", "step", "member", NULL};
    const json_t *given = json_object_get(m->document, "from");
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given))
        return error_set(m->error, MODEL_INVALID, "/from",
                         "from: it is {\"job\": number, \"step\": number}");
    int r = model_result_of_base(json_check_keys(given, keys, "/from", m->error));
    r = r ? r : read_source(m, json_object_get(given, "job"), json_object_get(given, "store"));
    r = r ? r : read_steps(m, json_object_get(given, "step"));
    r = r ? r : read_member(m, json_object_get(given, "member"));
    return r == 0 && m->sources && m->sources->job ? compare(m) : r;
}
