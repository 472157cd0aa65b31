/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_code.h"

#include "base/mem.h"
#include "worker/result.h"

#include <stdint.h>
#include <stdlib.h>

/* An address within the library that declares it. */
static const void *address_of(const struct simlab_process *p)
{
    const simlab_stage_fn stages[] = {p->initialize, p->run_step, p->finalize_step, p->finalize};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (stages[i])
            return (const void *)(uintptr_t)stages[i];
    return p->name;
}

static void add_imports(struct job_code *c, const struct libraries *l, const struct type *type)
{
    for (; type; type = type->parent)
        if (libraries_code(l, type))
            imports_join(&c->imports, libraries_imports(l, type->library));
}

/* Of a process that is given. */
static const struct simlab_process Nothing = {.name = "Nothing"};
static const struct stage_code nothing = {.process = &Nothing};

int job_code_find(const struct job *job, const struct libraries *l, struct job_code *ret,
                  struct error *e)
{
    const struct model *model = job->model;
    *ret = (struct job_code){.codes = mem_array((size_t)model->n_processes, sizeof *ret->codes),
                             .hooks = mem_array((size_t)job->n_hooks, sizeof *ret->hooks)};
    for (int i = 0; i < model->n_processes; i++) {
        if (model->processes[i].stands_for) {
            ret->codes[i] = &nothing;
            continue;
        }
        ret->codes[i] = libraries_code(l, model->processes[i].type);
        add_imports(ret, l, model->processes[i].type);
    }
    for (int i = 0; i < job->n_hooks; i++) {
        ret->hooks[i] = libraries_hook(l, job->hooks[i]);
        if (!ret->hooks[i])
            return error_set(e, WORKER_REFUSED, NULL, "there is no hook %s here", job->hooks[i]);
        imports_join(&ret->imports, libraries_imports(l, job->hooks[i]));
    }
    return 0;
}

static bool has_runtime(const struct job *job, const struct type *type)
{
    const struct library *l = registry_library(job->model->registry, type->library);
    return l && l->runtime;
}

void job_code_watch(const struct job_code *c, const struct job *job, struct statics *statics)
{
    for (int i = 0; i < job->model->n_processes; i++) {
        const struct type *type = job->model->processes[i].type;
        const struct stage_code *code = c->codes[i];
        for (; type && code && code != &nothing; type = type->parent, code = code->parent)
            if (!has_runtime(job, type))
                statics_add(statics, address_of(code->process));
    }
    for (int i = 0; i < job->n_hooks; i++)
        statics_add(statics, (const void *)(uintptr_t)c->hooks[i]->call);
}

void job_code_clear(struct job_code *c)
{
    free(c->codes);
    free(c->hooks);
    c->codes = NULL;
    c->hooks = NULL;
}
