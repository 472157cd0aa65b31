/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/job_progress.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A lease is never planned on less: clocks of workers have a grain. */
#define LEAST_SECONDS 1e-8
/* Of a lease: what it costs beside its members should be little against them. */
#define FLOOR_SECONDS 0.01
/* A chunk row that takes no longer is not shared out: its chunks would be read, written and brought
 * to the disk twice. */
#define ROW_SECONDS (3 * FLOOR_SECONDS)

struct job_progress *job_progress_new(const struct queue_outline *o)
{
    struct job_progress *p = mem_new(sizeof *p);
    p->job = o->job;
    p->align = 1;
    job_progress_update(p, o);
    return p;
}

struct job_progress *job_progress_free(struct job_progress *p)
{
    if (p)
        json_decref(p->libraries);
    free(p);
    return NULL;
}

void job_progress_update(struct job_progress *p, const struct queue_outline *o)
{
    p->members = o->members;
    p->priority = o->priority;
    p->member_timeout = o->member_timeout;
    p->layouts = o->layouts;
    p->is_complete = o->is_complete;
    p->has_ended = p->is_end_fresh = false;
}

/* Chunk length along the batch axis; 0 where the array has none. Outputs of a batch have it first,
 * as long as the batch. */
static int64_t batch_chunk(const struct job_progress *p, const json_t *array)
{
    const json_t *shape = json_object_get(array, "shape");
    const json_t *chunks = json_object_get(array, "chunks");
    if (json_integer_value(json_array_get(shape, 0)) != p->members)
        return 0;
    return json_integer_value(json_array_get(chunks, 0));
}

void job_progress_set_layout(struct job_progress *p, const char *layout)
{
    struct error e = {.message = ""};
    json_t *arrays = json_read(layout, strlen(layout), &e);
    const char *name;
    json_t *array;
    json_object_foreach(arrays, name, array)
    {
        int64_t chunk = batch_chunk(p, array);
        if (chunk > p->align && chunk <= p->members)
            p->align = chunk;
    }
    json_decref(arrays);
}

void job_progress_measured(struct job_progress *p, double seconds, int64_t n)
{
    if (!(seconds >= 0 && seconds < 1e12) || n <= 0)
        return;
    double least = LEAST_SECONDS * (double)n;
    p->seconds = p->seconds / 2 + (seconds > least ? seconds : least);
    p->n_measured = p->n_measured / 2 + (double)n;
}

double job_progress_expected(const struct job_progress *p, int64_t n)
{
    return p->n_measured > 0 ? p->seconds / p->n_measured * (double)n : 0;
}

int64_t job_progress_want(const struct job_progress *p, int64_t free, double lease_seconds,
                          int n_workers)
{
    double each = job_progress_expected(p, 1);
    double want = each > 0 ? lease_seconds / each : 1, floor = each > 0 ? FLOOR_SECONDS / each : 1;
    double share = (double)free / (2.0 * (n_workers > 0 ? n_workers : 1));
    if (want > share)
        want = share > floor ? share : floor;
    if ((double)free - want < floor) /* no other lease would be worth it */
        return free > 1 ? free : 1;
    double rows = want / (double)p->align;
    bool is_short = each > 0 && each * (double)p->align <= ROW_SECONDS;
    if (rows >= 0.5 || is_short) /* part of a row costs reading and writing its chunks twice */
        want = (double)p->align * (rows > 1 ? (double)(int64_t)rows : 1);
    return want < 1 ? 1 : (int64_t)want;
}
