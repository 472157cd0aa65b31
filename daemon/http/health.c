/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connections.h"
#include "http/reply.h"
#include "http/request.h"

int health_live(struct request *r, struct error *e)
{
    (void)e;
    reply_json(r, MHD_HTTP_OK,
               json_pack("{s:s, s:f}", "status", "ok", "longest_turn",
                         (double)loop_longest_turn(r->http->loop) / 1e6));
    return 0;
}

int health_ready(struct request *r, struct error *e)
{
    (void)e;
    const struct http_options *o = &r->http->options;
    const char *reason = connections_trouble(r->http);
    if (!reason && (!o->ready || o->ready(o->userdata, &reason)))
        reply_json(r, MHD_HTTP_OK, json_pack("{s:s}", "status", "ready"));
    else
        reply_json(r, MHD_HTTP_SERVICE_UNAVAILABLE,
                   json_pack("{s:s, s:s}", "status", "not ready", "reason", reason));
    return 0;
}
