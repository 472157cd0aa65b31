/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as JSON, in seconds. */
#include "stage/simulation.h"

#include "base/json.h"
#include "base/position.h"

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static json_t *stage_document(const struct profile_stage *stage, int number)
{
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f}", "stage", position_function(number), "runs",
                     (json_int_t)stage->n, "seconds", seconds(stage->ns), "work",
                     seconds(stage->work_ns), "longest_path", seconds(stage->path_ns),
                     "longest_path_without_loops", seconds(stage->least_ns));
}

static json_t *call_document(const struct simulation *s, int stage, int call)
{
    const struct profile_call *c = &s->profile->board->calls[stage][call];
    const struct model_process *p =
        &s->model->processes[s->program->plans[stage].calls[call].process];
    int64_t blocks = atomic_load_explicit(&c->blocks_ns, memory_order_relaxed);
    return json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f}", "process", p->name, "type",
                     p->type->name, "stage", position_function(stage), "calls", (json_int_t)c->n,
                     "seconds", seconds(c->ns), "loops", seconds(c->loops_ns), "work",
                     seconds(c->ns - c->loops_ns + blocks));
}

json_t *simulation_profile(const struct simulation *s)
{
    if (!s->profile)
        return NULL;
    json_t *stages = json_array(), *calls = json_array();
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        const struct plan *plan = &s->program->plans[stage];
        if (plan->n_calls > 0)
            json_array_append_new(stages, stage_document(&s->profile->stages[stage], stage));
        for (int i = 0; i < plan->n_calls; i++)
            if (!plan->calls[i].is_empty)
                json_array_append_new(calls, call_document(s, stage, i));
    }
    return json_pack("{s:i, s:I, s:f, s:f, s:o, s:o}", "lanes", s->n_lanes, "members",
                     (json_int_t)s->profile->n_members, "seconds", seconds(s->profile->ns),
                     "outputs", seconds(s->profile->output_ns), "stages", stages, "processes",
                     calls);
}

/* ---- the trace ---- */

/* Microseconds since the first. */
static json_t *span_document(const struct simulation *s, const struct profile_span *span,
                             int64_t first)
{
    bool is_output = span->process < 0;
    const char *name = is_output ? "outputs" : s->model->processes[span->process].name;
    const char *what = is_output ? "time loop" : position_function(span->stage);
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:{s:I, s:I}}", "name", name, "cat", what,
                     "ph", "X", "ts", (double)(span->begin - first) / 1e3, "dur",
                     (double)(span->end - span->begin) / 1e3, "pid", 1, "tid", (int)span->lane,
                     "args", "step", (json_int_t)span->step, "member", (json_int_t)span->member);
}

json_t *simulation_trace(const struct simulation *s)
{
    if (!s->profile)
        return NULL;
    const struct profile_board *b = s->profile->board;
    int64_t seen = atomic_load(&b->n_spans), n = seen < b->room ? seen : b->room, first = 0;
    json_t *events = json_array();
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || b->spans[i].begin < first)
            first = b->spans[i].begin;
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(events, span_document(s, &b->spans[i], first));
    return json_pack("{s:o, s:s, s:{s:I}}", "traceEvents", events, "displayTimeUnit", "ms",
                     "otherData", "dropped", (json_int_t)(seen - n));
}
