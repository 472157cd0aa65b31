/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ended.h"

#include "client/backoff.h"
#include "client/text.h"

enum { BUSY_MS = 30000 };

int ended_ask(struct server *s, const struct request *request, struct reply *ret_reply)
{
    struct backoff backoff = {0};
    int64_t until = request_now() + BUSY_MS;
    int code = request_send(s, request, ret_reply);
    while (ret_reply->status == 503 && request_now() < until) {
        reply_clear(ret_reply);
        backoff_wait(&backoff, NULL);
        code = request_send(s, request, ret_reply);
    }
    if (code)
        text_complain("%s", ret_reply->reason);
    return code;
}
