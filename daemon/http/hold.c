/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/jobs/{job}/hold and /release. */
#include "http/jobs.h"

#include "http/problem.h"
#include "http/request.h"
#include "http/route.h"
#include "queue/queue.h"

static int set_held(struct request *r, bool is_held, struct error *e)
{
    int64_t id;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = problem_of_queue(queue_set_held(r->http->queue, id, is_held, e));
    return result == 0 ? jobs_show(r, e) : result;
}

int jobs_hold(struct request *r, struct error *e)
{
    return set_held(r, true, e);
}

int jobs_release(struct request *r, struct error *e)
{
    return set_held(r, false, e);
}
