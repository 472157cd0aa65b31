/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

#include "client/backoff.h"
#include "client/options.h"
#include "client/request.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>

enum { BUSY_MS = 30000 }; /* so long is waited for the locks of a job that has just ended */

/* While the daemon is busy with the job's end, it is asked again. */
static int ask(struct server *s, const struct request *request, struct reply *ret_reply)
{
    struct backoff backoff = {0};
    int64_t until = request_now() + BUSY_MS;
    for (;;) {
        int code = request_send(s, request, ret_reply);
        if (ret_reply->status != 503 || request_now() >= until)
            return code;
        reply_clear(ret_reply);
        backoff_wait(&backoff, NULL);
    }
}

static int retry_one(struct server *s, const struct options *o, const char *id)
{
    char *part = text_url(id);
    char *path = text_printf("%s/%s%s", API_JOBS, part, API_JOB_RETRY);
    struct request request = {.method = "POST", .path = path, .shape = &answer_job};
    struct reply r;
    int code = ask(s, &request, &r);
    if (code)
        text_complain("%s", r.reason);
    if (o->json)
        reply_print(&r);
    reply_clear(&r);
    free(path);
    free(part);
    return code;
}

int retry_run(struct server *s, const struct options *o)
{
    int worst = API_EXIT_OK;
    for (int i = 0; i < o->n_operands; i++) {
        int code = retry_one(s, o, o->operands[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
