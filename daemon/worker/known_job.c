/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/known_job.h"

#include "base/json.h"
#include "base/mem.h"
#include "proto/wire.h"
#include "worker/pinned.h"
#include "worker/range_runner.h"
#include "worker/result.h"
#include "worker/uploads.h"

#include <stdlib.h>
#include <string.h>

static int build_job(const struct wire_job *m, struct pinned *pinned, const char *uploads,
                     struct job **ret_job, struct error *e)
{
    const struct registry *registry;
    int r = pinned_registry(pinned, m->libraries, &registry, e);
    json_t *document = r == 0 ? json_read(m->document, strlen(m->document), e) : NULL;
    if (!document)
        return r ? r : WORKER_REFUSED;
    const struct job_sources sources = uploads_sources(&uploads);
    r = worker_result_of_user(job_new(registry, document, &sources, ret_job, e));
    json_decref(document);
    return error_explain(e, r, "build the job");
}

static void free_one(struct known_job *k)
{
    range_runner_free(k->runner);
    job_free(k->job);
    free(k->store);
    free(k->owner);
    free(k->layout);
    free(k->from);
    free(k);
}

void known_job_add(struct known_job **list, const struct wire_job *m, struct pinned *pinned,
                   const char *uploads)
{
    known_job_drop(list, m->job);
    struct known_job *k = mem_new(sizeof *k);
    k->id = m->job;
    k->store = mem_strdup(m->store);
    k->owner = mem_strdup(m->owner);
    k->layout = *m->layout ? mem_strdup(m->layout) : NULL;
    k->from = *m->from ? mem_strdup(m->from) : NULL;
    k->result = build_job(m, pinned, uploads, &k->job, &k->why);
    k->next = *list;
    *list = k;
}

struct known_job *known_job_find(struct known_job *list, int64_t id)
{
    while (list && list->id != id)
        list = list->next;
    return list;
}

void known_job_lay_out(struct known_job *list, const struct wire_laid_out *m)
{
    struct known_job *k = known_job_find(list, m->job);
    if (!k || k->layout || !*m->layout)
        return;
    k->layout = mem_strdup(m->layout);
    k->runner = range_runner_free(k->runner);
}

void known_job_drop(struct known_job **list, int64_t id)
{
    struct known_job **link = list;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    struct known_job *k = *link;
    if (k) {
        *link = k->next;
        free_one(k);
    }
}

void known_job_drop_all(struct known_job **list)
{
    while (*list)
        known_job_drop(list, (*list)->id);
}

struct job_store known_job_store(const struct known_job *k)
{
    return (struct job_store){.path = k->store,
                              .owner = k->owner,
                              .zarr_format = k->job ? k->job->zarr_format : NULL,
                              .layout = k->layout,
                              .from = k->from};
}
