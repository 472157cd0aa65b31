/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of libraries that are called before and after stages. */
#include "stage/simulation.h"

#include "base/c_locale.h"

#include <stdlib.h>

struct hook_run {
    struct simlab_hook_context shared; /* first: what the library is given */
    struct process_run run;            /* for its lane, and its first mistake */
};

static struct hook_run *self(simlab_hook_context *h)
{
    return (struct hook_run *)(void *)h;
}

static int32_t hook_find(simlab_hook_context *h, const char *name)
{
    struct hook_run *hook = self(h);
    const struct simulation *s = hook->run.lane->simulation;
    int slot = name ? model_slot_index(s->model, name) : -1;
    if (slot < 0)
        context_refuse(&hook->run, "the model has no variable %s", name ? name : "(null)");
    return slot;
}

static const struct simlab_view *hook_view_at(simlab_hook_context *h, int32_t slot)
{
    struct hook_run *hook = self(h);
    const struct simulation *s = hook->run.lane->simulation;
    if (slot < 0 || slot >= s->model->n_slots) {
        context_refuse(&hook->run, "the model has no variable number %d", slot);
        return NULL;
    }
    if (s->model->slots[slot].declared->kind == SIMLAB_ON_DEMAND && !demand(&hook->run, slot))
        return NULL;
    const struct simlab_view *view = &context_value(&hook->run, slot)->view;
    return view->data ? view : NULL;
}

static const struct simlab_view *hook_view(simlab_hook_context *h, const char *name)
{
    int32_t slot = hook_find(h, name);
    return slot < 0 ? NULL : hook_view_at(h, slot);
}

__attribute__((format(printf, 2, 0))) static int hook_fail(simlab_hook_context *h,
                                                           const char *format, va_list arguments)
{
    context_vrefuse(&self(h)->run, format, arguments);
    return SIMLAB_ERROR;
}

__attribute__((format(printf, 2, 0))) static void hook_log(simlab_hook_context *h,
                                                           const char *format, va_list arguments)
{
    char line[1024];
    c_locale_vprint(line, sizeof line, format, arguments);
    lane_log(self(h)->run.lane, line);
}

static const struct simlab_hook_host hook_host = {.struct_size = sizeof hook_host,
                                                  .view = hook_view,
                                                  .find = hook_find,
                                                  .view_at = hook_view_at,
                                                  .fail = hook_fail,
                                                  .log = hook_log};

static int say_failed(const struct hook_run *run, int hook, struct error *e)
{
    static const char *const stages[] = {"initialize", "run_step", "finalize_step", "finalize"};
    const struct simulation *s = run->run.lane->simulation;
    const struct simlab_hook *h = s->hooks[hook];
    return error_set(e, STAGE_FAILED, NULL, "hook %s, %s %s of step %lld: %s", s->job->hooks[hook],
                     h->when == SIMLAB_BEFORE ? "before" : "after", stages[h->stage],
                     (long long)s->state->runtime.step, run->run.message);
}

static int call_one_hook(struct lane *lane, int hook, int process, int *ret_signal, struct error *e)
{
    const struct simulation *s = lane->simulation;
    struct hook_run run = {.shared = {.struct_size = sizeof run.shared,
                                      .host = &hook_host,
                                      .runtime = &s->state->runtime},
                           .run = {.lane = lane, .process = -1}};
    if (process >= 0) {
        run.shared.process = s->model->processes[process].name;
        run.shared.type = s->model->processes[process].type->name;
    }
    const struct simlab_hook *called = s->hooks[hook];
    int signal =
        called->guard ? called->guard(&run.shared, called->call) : called->call(&run.shared);
    int r = 0;
    thread_environment_keep(&s->environment);
    context_check_result(&run.run, signal);
    if (run.run.failed)
        r = say_failed(&run, hook, e);
    else
        *ret_signal = signal;
    free(run.run.message);
    return r;
}

static bool is_due(const struct simlab_hook *h, int stage, int when, int process)
{
    return h->stage == stage && h->when == when &&
           (h->level == SIMLAB_PROCESS_LEVEL) == (process >= 0);
}

int hook_call(struct lane *lane, int stage, int when, int process, int *ret_signal, struct error *e)
{
    const struct simulation *s = lane->simulation;
    int highest = SIMLAB_NONE;
    for (int i = 0; i < s->job->n_hooks; i++) {
        int signal = SIMLAB_NONE;
        if (!is_due(s->hooks[i], stage, when, process))
            continue;
        int r = call_one_hook(lane, i, process, &signal, e);
        if (r)
            return r;
        if (signal > highest)
            highest = signal;
    }
    *ret_signal = highest;
    return 0;
}
