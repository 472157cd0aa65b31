/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/jobs/{job}: what is done then, remover.h tells. */
#include "http/jobs.h"

#include "http/problem.h"
#include "http/request.h"
#include "http/route.h"
#include "queue/queue.h"

#include <string.h>

static int keeps_store(const struct request *r, bool *ret_keeps, struct error *e)
{
    const char *store = request_query(r, "store");
    if (store && strcmp(store, "keep") != 0)
        return error_set(e, PROBLEM_INVALID, NULL,
                         "?store=%.40s: should be \"keep\", or not be there", store);
    *ret_keeps = store;
    return 0;
}

int jobs_remove(struct request *r, struct error *e)
{
    int64_t id;
    bool keeps = false;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = keeps_store(r, &keeps, e);
    if (result == 0)
        result = problem_of_queue(queue_remove(r->http->queue, id, keeps, e));
    return result == 0 ? jobs_reply(r, MHD_HTTP_ACCEPTED, id, e) : result;
}
