/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a job that are one value each: one table reads them all. */
#include "model/job_parts.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTIONS_MAX_LABELS = 64,
    OPTIONS_MAX_LABEL_BYTES = 65536, /* of names and texts together: each list of jobs has them */
    OPTIONS_MAX_TEXT = 4096,
    OPTIONS_MAX_STOPS = 1000,
    OPTIONS_MAX_THREADS = 1024,
    OPTIONS_MAX_WORKERS = 1000000,
    OPTIONS_MAX_AFTER = 1000
};

enum scheduler { AUTO, SERIAL, THREADS, PROCESSES, DISTRIBUTED };
static const char *const schedulers[] = {
    [AUTO] = "auto",           [SERIAL] = "serial",           [THREADS] = "threads",
    [PROCESSES] = "processes", [DISTRIBUTED] = "distributed", NULL};

static int refuse(struct making *m, const char *key, const char *wanted)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s", key);
    const json_t *given = json_object_get(m->document, key);
    char *value = json_write(given ? given : json_null());
    int r = error_set(m->error, MODEL_INVALID, pointer, "%s: %.60s is not %s", key, value, wanted);
    free(value);
    return r;
}

/* NULL where absent or null. */
static const json_t *option(const struct making *m, const char *key)
{
    const json_t *value = json_object_get(m->document, key);
    return json_is_null(value) ? NULL : value;
}

static int read_word(struct making *m, const char *key, const char *const *words, int *ret)
{
    const json_t *value = option(m, key);
    if (!value)
        return 0;
    const char *text = json_string_value(value);
    char wanted[128] = "one of";
    for (int i = 0; words[i]; i++) {
        if (text && !strcmp(words[i], text)) {
            *ret = i;
            return 0;
        }
        size_t n = strlen(wanted);
        snprintf(wanted + n, sizeof wanted - n, "%s \"%s\"", i ? "," : "", words[i]);
    }
    return refuse(m, key, wanted);
}

static int read_integer(struct making *m, const char *key, int64_t low, int64_t high, int64_t *ret)
{
    const json_t *value = option(m, key);
    char wanted[96];
    if (!value)
        return 0;
    snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)low,
             (long long)high);
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high)
        return refuse(m, key, wanted);
    *ret = json_integer_value(value);
    return 0;
}

static int read_integers(struct making *m)
{
    struct job *j = m->job;
    int64_t seed = 0;
    j->max_attempts = 3;
    const struct {
        const char *key;
        int64_t low, high, *target;
    } table[] = {
        {"seed", 0, INT64_MAX, &seed},
        {"priority", -1000000, 1000000, &j->priority},
        {"max_attempts", 1, 1000, &j->max_attempts},
        {"log_every", 0, INT64_MAX, &j->log_every},
        {"threads", 1, OPTIONS_MAX_THREADS, &j->threads},
        {"workers", 1, OPTIONS_MAX_WORKERS, &j->most_workers},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int r = read_integer(m, table[i].key, table[i].low, table[i].high, table[i].target);
        if (r)
            return r;
    }
    j->seed = (uint64_t)seed;
    const json_t *timeout = option(m, "member_timeout");
    if (timeout && (!json_is_number(timeout) || !(json_number_value(timeout) >= 0)))
        return refuse(m, "member_timeout", "a number of seconds, or 0 for none");
    j->member_timeout = timeout ? json_number_value(timeout) : 0.0;
    return 0;
}

static int read_words(struct making *m)
{
    static const char *const checks[] = {"strict", "transpose", NULL};
    static const char *const validates[] = {"inputs", "all", "none", NULL};
    int check_dims = JOB_DIMS_STRICT, validate = JOB_VALIDATE_INPUTS;
    int r = read_word(m, "check_dims", checks, &check_dims);
    r = r ? r : read_word(m, "validate", validates, &validate);
    const json_t *none = json_object_get(m->document, "validate");
    m->job->check_dims = (enum job_check_dims)check_dims;
    /* null: xarray-simlab's None. */
    m->job->validate = json_is_null(none) ? JOB_VALIDATE_NONE : (enum job_validate)validate;
    return r;
}

/* A number, or a word. */
static int read_format(struct making *m)
{
    static const char *const formats[] = {"2", "3", "both"};
    const json_t *value = option(m, "zarr_format");
    m->job->zarr_format = formats[0];
    if (!value)
        return 0;
    const char *word = json_string_value(value);
    json_int_t number = json_integer_value(value);
    if (word && !strcmp(word, formats[2]))
        m->job->zarr_format = formats[2];
    else if (json_is_integer(value) && (number == 2 || number == 3))
        m->job->zarr_format = formats[number - 2];
    else
        return refuse(m, "zarr_format", "2, 3, or \"both\"");
    return 0;
}

static int read_flags(struct making *m)
{
    const struct {
        const char *key;
        bool *target;
    } table[] = {{"debug", &m->job->debug},
                 {"profile", &m->job->profile},
                 {"hold", &m->job->is_held},
                 {"finite_outputs", &m->job->finite_outputs},
                 {"isolate", &m->job->isolate}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const json_t *value = option(m, table[i].key);
        if (value && !json_is_boolean(value))
            return refuse(m, table[i].key, "true or false");
        *table[i].target = json_is_true(value);
    }
    return 0;
}

static int read_texts(struct making *m)
{
    const char *names[] = {"name", "store"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = option(m, names[i]);
        if (value && (!json_string_length(value) || json_string_length(value) > OPTIONS_MAX_TEXT))
            return refuse(m, names[i], "a text of 1 to 4096 bytes");
    }
    const json_t *store = option(m, "store"), *batch_dim = option(m, "batch_dim");
    m->job->store = mem_strdup(json_string_value(store));
    if (batch_dim && (!json_is_string(batch_dim) || !file_name_ok(json_string_value(batch_dim)) ||
                      json_string_length(batch_dim) > 200))
        return refuse(m, "batch_dim", "the name of a dimension");
    m->job->batch_dim = mem_strdup(json_string_value(batch_dim));
    return 0;
}

static int read_objects(struct making *m)
{
    const json_t *labels = option(m, "labels"), *attrs = option(m, "attrs");
    const char *key;
    json_t *value;
    size_t bytes = 0;
    if (labels && (!json_is_object(labels) || json_object_size(labels) > OPTIONS_MAX_LABELS))
        return refuse(m, "labels", "an object of at most 64 texts");
    json_object_foreach((json_t *)labels, key, value)
    {
        if (!json_is_string(value))
            return refuse(m, "labels", "an object of at most 64 texts");
        bytes += strlen(key) + json_string_length(value);
    }
    if (bytes > OPTIONS_MAX_LABEL_BYTES)
        return error_set(m->error, MODEL_TOO_LARGE, "/labels",
                         "labels: %zu bytes together: at most %d are taken", bytes,
                         OPTIONS_MAX_LABEL_BYTES);
    if (attrs && !json_is_object(attrs))
        return refuse(m, "attrs", "an object");
    m->job->attrs = attrs ? json_copy((json_t *)attrs) : json_object();
    return 0;
}

/* ---- stop_when ---- */

static int read_stops(struct making *m)
{
    const json_t *given = option(m, "stop_when");
    size_t n = json_is_array(given) ? json_array_size(given) : given != NULL;
    if (n > OPTIONS_MAX_STOPS)
        return refuse(m, "stop_when", "a list of at most 1000 conditions");
    m->job->stop_when = mem_array(n, sizeof *m->job->stop_when);
    for (size_t i = 0; i < n; i++) {
        char pointer[64] = "/stop_when";
        if (json_is_array(given))
            snprintf(pointer, sizeof pointer, "/stop_when/%zu", i);
        int r = job_stop_when_read(m, json_is_array(given) ? json_array_get(given, i) : given,
                                   pointer, &m->job->stop_when[i]);
        if (r)
            return r;
        m->job->n_stop_when++;
    }
    return 0;
}

/* ---- hooks ---- */

static int read_hooks(struct making *m)
{
    const json_t *given = option(m, "hooks");
    if (given && (!json_is_array(given) || json_array_size(given) > OPTIONS_MAX_STOPS))
        return refuse(m, "hooks", "a list of at most 1000 names of hooks (library.name)");
    m->job->hooks = mem_array(json_array_size(given), sizeof *m->job->hooks);
    for (size_t i = 0; i < json_array_size(given); i++) {
        const char *name = json_string_value(json_array_get(given, i));
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/hooks/%zu", i);
        if (!name)
            return error_set(m->error, MODEL_INVALID, pointer,
                             "hooks: the name of a hook (library.name) belongs here");
        const struct registry *registry = m->job->model->registry;
        char why[REGISTRY_WHY_SIZE];
        if (!registry_hook(registry, name))
            return error_set(
                m->error, MODEL_INVALID, pointer,
                "hooks: no library has a hook \"%.200s\" (they are named library.name)%s", name,
                registry_why_missing(registry, name, why));
        m->job->hooks[m->job->n_hooks++] = mem_strdup(name);
    }
    return 0;
}

/* ---- after ---- */

static bool is_listed(const struct job *j, int64_t job)
{
    for (size_t i = 0; i < j->n_after; i++)
        if (j->after[i] == job)
            return true;
    return false;
}

static int read_after(struct making *m)
{
    const json_t *given = option(m, "after"), *item;
    size_t i;
    if (given && (!json_is_array(given) || json_array_size(given) > OPTIONS_MAX_AFTER))
        return refuse(m, "after", "a list of at most 1000 numbers of jobs");
    m->job->after = mem_array(json_array_size(given), sizeof *m->job->after);
    json_array_foreach(given, i, item)
    {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/after/%zu", i);
        if (!json_is_integer(item) || json_integer_value(item) < 1)
            return error_set(m->error, MODEL_INVALID, pointer,
                             "after: the number of a job belongs here, such as 17");
        if (!is_listed(m->job, json_integer_value(item)))
            m->job->after[m->job->n_after++] = json_integer_value(item);
    }
    return 0;
}

/* ---- parallel and scheduler ---- */

static bool is_batch(const json_t *document)
{
    const char *const keys[] = {"batch_dim", "sweep"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(document, keys[i]);
        if (value && !json_is_null(value))
            return true;
    }
    return false;
}

/* A batch runs by processes; one simulation as measured where it is said to be parallel, else in
 * order. */
static enum scheduler default_scheduler(const json_t *document)
{
    if (is_batch(document))
        return PROCESSES;
    return json_is_true(json_object_get(document, "parallel")) ? AUTO : SERIAL;
}

/* One simulation whose processes may run side by side, or a batch whose members may, in a worker.
 */
static bool is_threaded(const json_t *document, enum scheduler scheduler)
{
    return !json_is_false(json_object_get(document, "parallel")) &&
           (is_batch(document) ? scheduler == THREADS : scheduler != SERIAL);
}

int64_t job_options_library_threads(const json_t *document)
{
    enum scheduler scheduler = default_scheduler(document);
    const char *given = json_string_value(json_object_get(document, "scheduler"));
    for (int i = 0; given && schedulers[i]; i++)
        if (!strcmp(schedulers[i], given))
            scheduler = (enum scheduler)i;
    return is_threaded(document, scheduler)
               ? 0
               : json_integer_value(json_object_get(document, "threads"));
}

static int set_lanes(struct making *m, enum scheduler scheduler)
{
    struct job *j = m->job;
    j->lanes = 1;
    if (!is_threaded(m->document, scheduler))
        return 0;
    if (j->threads > JOB_MOST_LANES)
        return refuse(m, "threads", "a number from 1 to 64, the most that one worker can use");
    j->lanes = j->threads;
    j->threads = 0;
    return 0;
}

bool job_runs_beside(const struct job *j)
{
    return j->batch_dim && j->parallel && !strcmp(j->scheduler, schedulers[THREADS]) &&
           j->lanes != 1 && !j->debug && !j->profile && !j->isolate && j->n_hooks == 0 &&
           j->checkpoint.steps == 0 && j->checkpoint.seconds == 0 && j->checkpoint.n_keep == 0 &&
           j->from.steps == 0;
}

/* Members beside each other call all types at once. */
static int check_beside(struct making *m)
{
    const struct model *model = m->job->model;
    for (int i = 0; i < model->n_processes; i++) {
        const struct type *type = model->processes[i].type;
        if (type->not_thread_safe)
            return error_set(m->error, MODEL_INVALID, "/scheduler",
                             "scheduler: \"threads\" runs members side by side in one worker, and "
                             "%s, the type of process '%s', is not safe beside others: "
                             "\"processes\" will do",
                             type->name, model->processes[i].name);
    }
    return 0;
}

static int read_scheduler(struct making *m)
{
    struct job *j = m->job;
    const json_t *parallel = option(m, "parallel");
    int scheduler = (int)default_scheduler(m->document);
    if (parallel && !json_is_boolean(parallel))
        return refuse(m, "parallel", "true or false");
    j->parallel = !parallel || json_is_true(parallel);
    int r = read_word(m, "scheduler", schedulers, &scheduler);
    if (r)
        return r;
    if (scheduler == DISTRIBUTED)
        return refuse(m, "scheduler",
                      "there yet: simulations are not spread over hosts; \"threads\" will do, and "
                      "for a batch \"processes\"");
    j->scheduler = mem_strdup(schedulers[scheduler]);
    bool is_beside = is_batch(m->document) && is_threaded(m->document, (enum scheduler)scheduler);
    if (is_batch(m->document) && (!j->parallel || (is_beside && !j->most_workers)))
        j->most_workers = 1;
    r = is_beside ? check_beside(m) : 0;
    return r ? r : set_lanes(m, (enum scheduler)scheduler);
}

/* ---- open batches ---- */

/* `expected` is settled when the number of members is known. */
static int read_open(struct making *m)
{
    const json_t *given = option(m, "open");
    int64_t most = json_is_integer(given) ? json_integer_value(given) : 0;
    if (given && !json_is_boolean(given) &&
        (!json_is_integer(given) || most < 1 || most > JOB_MAX_MEMBERS))
        return refuse(m, "open", "true, false, or the number of members that are expected");
    m->job->is_open = given && !json_is_false(given);
    m->job->expected = most;
    if (m->job->is_open && !is_batch(m->document))
        return refuse(m, "open", "for one simulation: only a batch (batch_dim, sweep) can be open");
    return 0;
}

int job_options_read(struct making *m)
{
    int r = read_words(m);
    r = r ? r : read_format(m);
    r = r ? r : read_integers(m);
    r = r ? r : read_flags(m);
    r = r ? r : read_texts(m);
    r = r ? r : read_objects(m);
    r = r ? r : read_stops(m);
    r = r ? r : read_hooks(m);
    r = r ? r : read_after(m);
    r = r ? r : read_open(m);
    return r ? r : read_scheduler(m);
}
