/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/library.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct saved {
    char *output;
    int64_t at, n;
    double *values;
};

struct run {
    struct job *job;
    struct saved *saved;
    size_t n_saved;
    int result;
    struct error error;
};

const char *run_file(const char *path)
{
    static char text[4096];
    const char *here = __FILE__, *below = strstr(here, "tests/unit/processes/");
    snprintf(text, sizeof text, "%.*s%s", (int)(below - here), here, path);
    return text;
}

static double element(const struct simlab_view *v, int64_t i)
{
    switch (v->dtype) {
    case SIMLAB_F8:
        return ((const double *)v->data)[i];
    case SIMLAB_I4:
        return ((const int32_t *)v->data)[i];
    case SIMLAB_I8:
        return (double)((const int64_t *)v->data)[i];
    case SIMLAB_BOOL:
        return ((const uint8_t *)v->data)[i];
    default:
        cr_assert_fail("dtype %d is not known here", v->dtype);
        return 0;
    }
}

static int keep(void *userdata, int64_t member, int output, int64_t at,
                const struct simlab_view *view)
{
    (void)member;
    struct run *r = userdata;
    r->saved = mem_resize(r->saved, r->n_saved + 1, sizeof *r->saved);
    struct saved *s = &r->saved[r->n_saved++];
    s->output = mem_strdup(r->job->outputs[output].name);
    s->at = at;
    s->n = view->size;
    s->values = mem_array((size_t)s->n + 1, sizeof *s->values);
    for (int64_t i = 0; i < s->n; i++)
        s->values[i] = element(view, i);
    return 0;
}

static int read_npy(void *userdata, const char *path, struct ndarray *ret, struct error *e)
{
    (void)userdata;
    struct buffer bytes = {0};
    int r = file_read(run_file(path), 1 << 24, &bytes);
    if (r == 0)
        r = ndarray_from_npy(bytes.data, bytes.size, JOB_MAX_ELEMENTS, ret, e);
    buffer_free(&bytes);
    return r;
}

static const char *const names[] = {"landscape", "reference"};

/* BUILD/processes, beside BUILD/tests/processes. */
static struct libraries *open_libraries(void)
{
    char path[4096];
    struct error e = {0};
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    cr_assert(n > 0);
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    strcat(path, "/../processes");
    struct libraries *l = libraries_new();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[4200];
        snprintf(file, sizeof file, "%s/%s.so", path, names[i]);
        cr_assert_eq(libraries_open(l, file, NULL, &e), 0, "%s", e.message);
    }
    return l;
}

static struct registry *describe(struct libraries *l)
{
    struct registry *registry = registry_new();
    struct error e = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *document = NULL;
        cr_assert_eq(libraries_describe(l, names[i], &document, &e), 0, "%s", e.message);
        cr_assert_eq(registry_add(registry, document, &e), 0, "%s", e.message);
        json_decref(document);
    }
    registry_finish(registry);
    libraries_link(l, registry);
    return registry;
}

static json_t *parse(const char *format, va_list arguments)
{
    char *text = NULL;
    struct error e = {0};
    cr_assert(vasprintf(&text, format, arguments) > 0);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *document = json_read(text, strlen(text), &e);
    cr_assert(document, "%s", e.message);
    free(text);
    return document;
}

static void simulate(struct run *r, const struct libraries *l)
{
    const struct model *m = r->job->model;
    cr_assert_eq(m->n_unordered, 0, "processes touch a variable without an order");
    const struct stage_code **codes = mem_array((size_t)m->n_processes, sizeof *codes);
    for (int i = 0; i < m->n_processes; i++)
        codes[i] = libraries_code(l, m->processes[i].type);
    struct simulation *s = NULL;
    struct stage_events events = {.output = keep, .userdata = r};
    r->result = simulation_new(r->job, codes, NULL, NULL, &s, &r->error);
    if (r->result == 0)
        r->result = simulation_run(s, 0, &events, &r->error);
    simulation_free(s);
    free(codes);
}

struct run *run_job(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json_t *document = parse(format, arguments);
    va_end(arguments);
    struct run *r = mem_new(sizeof *r);
    struct libraries *l = open_libraries();
    struct registry *registry = describe(l);
    struct job_sources sources = {.file = read_npy};
    int refused = job_new(registry, document, &sources, &r->job, &r->error);
    cr_assert_eq(refused, 0, "%s: %s", r->error.pointer, r->error.message);
    simulate(r, l);
    r->job = job_free(r->job);
    json_decref(document);
    registry_unref(registry);
    libraries_free(l);
    return r;
}

struct run *run_free(struct run *r)
{
    for (size_t i = 0; r && i < r->n_saved; i++) {
        free(r->saved[i].output);
        free(r->saved[i].values);
    }
    if (r)
        free(r->saved);
    free(r);
    return NULL;
}

const char *run_failure(const struct run *r)
{
    return r->result ? r->error.message : NULL;
}

const double *run_values(const struct run *r, const char *output, int64_t at, int64_t n)
{
    cr_assert_eq(r->result, 0, "%s", r->error.message);
    const struct saved *found = NULL;
    for (size_t i = 0; i < r->n_saved; i++)
        if (!strcmp(r->saved[i].output, output) && (at < 0 || r->saved[i].at == at))
            found = &r->saved[i];
    cr_assert(found, "output %s was not saved at label %lld", output, (long long)at);
    cr_assert(n <= 0 || found->n == n, "output %s has %lld values", output, (long long)found->n);
    return found->values;
}

double run_value(const struct run *r, const char *output, int64_t at)
{
    return *run_values(r, output, at, 1);
}
