/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of libraries that are called before and after stages. */
#include "stage/simulation.h"

#include "base/c_locale.h"

#include <stdio.h>
#include <string.h>

struct hook_run {
    struct simlab_hook_context shared; /* first: what the library is given */
    struct simulation *simulation;
    struct process_run run; /* for its first mistake only */
};

static struct hook_run *self(simlab_hook_context *h)
{
    return (struct hook_run *)(void *)h;
}

static const struct simlab_view *hook_view(simlab_hook_context *h, const char *name)
{
    struct hook_run *hook = self(h);
    struct simulation *s = hook->simulation;
    int slot = name ? model_slot_index(s->model, name) : -1;
    if (slot < 0) {
        context_refuse(&hook->run, "the model has no variable %s", name ? name : "(null)");
        return NULL;
    }
    if (s->model->slots[slot].declared->kind == SIMLAB_ON_DEMAND &&
        !context_demand(s, slot, &hook->run))
        return NULL;
    return s->values[slot].view.data ? &s->values[slot].view : NULL;
}

__attribute__((format(printf, 2, 0))) static int hook_fail(simlab_hook_context *h,
                                                           const char *format, va_list arguments)
{
    struct hook_run *hook = self(h);
    if (!hook->run.failed)
        c_locale_vprint(hook->run.message, sizeof hook->run.message, format, arguments);
    hook->run.failed = true;
    return SIMLAB_ERROR;
}

__attribute__((format(printf, 2, 0))) static void hook_log(simlab_hook_context *h,
                                                           const char *format, va_list arguments)
{
    struct simulation *s = self(h)->simulation;
    if (!s->events->log)
        return;
    char line[1024];
    c_locale_vprint(line, sizeof line, format, arguments);
    s->events->log(s->events->userdata, s->member, line);
}

static const struct simlab_hook_host hook_host = {
    .struct_size = sizeof hook_host, .view = hook_view, .fail = hook_fail, .log = hook_log};

static int call_one(struct simulation *s, int hook, int process, int *ret_signal, struct error *e)
{
    static const char *const stages[] = {"initialize", "run_step", "finalize_step", "finalize"};
    const struct simlab_hook *h = s->hooks[hook];
    struct hook_run run = {
        .shared = {.struct_size = sizeof run.shared, .host = &hook_host, .runtime = &s->runtime},
        .simulation = s};
    if (process >= 0) {
        run.shared.process = s->model->processes[process].name;
        run.shared.type = s->model->processes[process].type->name;
    }
    int signal = h->call(&run.shared);
    if (signal < 0)
        context_refuse(&run.run, "failed without saying why");
    else if (signal > SIMLAB_BREAK)
        context_refuse(&run.run, "returned %d, which is no signal", signal);
    if (run.run.failed)
        return error_set(e, STAGE_FAILED, NULL, "hook %s, %s %s of step %lld: %s",
                         s->job->hooks[hook], h->when == SIMLAB_BEFORE ? "before" : "after",
                         stages[h->stage], (long long)s->runtime.step, run.run.message);
    *ret_signal = signal;
    return 0;
}

static bool is_due(const struct simlab_hook *h, int stage, int when, int process)
{
    return h->stage == stage && h->when == when &&
           (h->level == SIMLAB_PROCESS_LEVEL) == (process >= 0);
}

int hook_call(struct simulation *s, int stage, int when, int process, int *ret_signal,
              struct error *e)
{
    int highest = SIMLAB_NONE;
    for (int i = 0; i < s->job->n_hooks; i++) {
        int signal = SIMLAB_NONE;
        if (!is_due(s->hooks[i], stage, when, process))
            continue;
        int r = call_one(s, i, process, &signal, e);
        if (r)
            return r;
        if (signal > highest)
            highest = signal;
    }
    *ret_signal = highest;
    return 0;
}

bool hook_has_process_level(const struct simulation *s, int stage)
{
    for (int i = 0; i < s->job->n_hooks; i++)
        if (s->hooks[i]->level == SIMLAB_PROCESS_LEVEL && s->hooks[i]->stage == stage)
            return true;
    return false;
}
