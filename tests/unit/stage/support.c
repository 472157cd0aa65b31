/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *read_quoted(const char *text)
{
    struct error e = {.message = ""};
    char *quoted = mem_strdup(text);
    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_read(quoted, strlen(quoted), &e);
    cr_assert(value, "%s: %s", e.message, text);
    free(quoted);
    return value;
}

static json_t *describe(const struct support_type *types, int n)
{
    static const char *const names[] = {"initialize", "run_step", "finalize_step", "finalize"};
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const struct simlab_process *p = types[i].process;
        const simlab_stage_fn fns[] = {p->initialize, p->run_step, p->finalize_step, p->finalize};
        json_t *stages = json_array();
        for (int k = 0; k < 4; k++)
            if (fns[k])
                json_array_append_new(stages, json_string(names[k]));
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o, s:b, s:i}", "name", p->name, "stages",
                                        stages, "variables", read_quoted(types[i].variables),
                                        "pinned", (int)(p->flags & SIMLAB_PINNED), "instance_size",
                                        (int)p->instance_size));
    }
    return json_pack("{s:i, s:s, s:s, s:s, s:o}", "abi", 1, "library", "t", "path", "t.so", "hash",
                     "0", "types", list);
}

static json_t *job_of(const char *text, int labels)
{
    json_t *job = read_quoted(text), *data = json_array();
    for (int i = 0; i < labels; i++)
        json_array_append_new(data, json_integer(i));
    json_object_set_new(job, "clocks", json_pack("{s:{s:o}}", "time", "data", data));
    json_object_set_new(job, "main_clock", json_string("time"));
    return job;
}

void support_open(struct support *s, const struct support_type *types, int n_types, int labels,
                  const char *job, const char *scheduler, int threads)
{
    struct error e = {.message = ""};
    const struct stage_options options = {.scheduler = scheduler, .threads = threads};
    json_t *document = describe(types, n_types);
    *s = (struct support){.registry = registry_new()};
    cr_assert_eq(registry_add(s->registry, document, &e), 0, "%s: %s", e.pointer, e.message);
    registry_finish(s->registry);
    json_decref(document);
    document = job_of(job, labels);
    cr_assert_eq(job_new(s->registry, document, NULL, &s->job, &e), 0, "%s: %s", e.pointer,
                 e.message);
    json_decref(document);
    int n = s->job->model->n_processes;
    struct stage_code *codes = mem_array((size_t)n_types, sizeof *codes);
    const struct stage_code **list = mem_array((size_t)n, sizeof *list);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n_types; k++)
            if (!strcmp(s->job->model->processes[i].type->name + 2, types[k].process->name)) {
                codes[k].process = types[k].process;
                list[i] = &codes[k];
            }
    cr_assert_eq(simulation_new(s->job, list, NULL, &options, &s->simulation, &e), 0, "%s",
                 e.message);
    free(codes);
    free(list);
}

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct support *s = userdata;
    (void)member;
    buffer_printf(&s->told, "%s[%lld]", s->job->outputs[output].name, (long long)at);
    for (int64_t i = 0; i < view->size; i++)
        buffer_printf(&s->told, " %.17g", dtype_to_double(view->dtype, view->data, (size_t)i));
    buffer_text(&s->told, "\n");
    return 0;
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct support *s = userdata;
    (void)member;
    buffer_printf(&s->told, "%s\n", line);
}

const char *support_run(struct support *s)
{
    static struct error e;
    const struct stage_events events = {.output = on_output, .log = on_log, .userdata = s};
    error_clear(&e);
    buffer_clear(&s->told);
    buffer_text(&s->told, "");
    simulation_run(s->simulation, 0, &events, &e);
    return e.message;
}

void support_close(struct support *s)
{
    simulation_free(s->simulation);
    job_free(s->job);
    registry_unref(s->registry);
    buffer_free(&s->told);
}
