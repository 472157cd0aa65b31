/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

int health_live(struct request *r, struct error *e)
{
    (void)e;
    request_reply(r, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"));
    return 0;
}

int health_ready(struct request *r, struct error *e)
{
    (void)e;
    const struct http_options *o = &r->http->options;
    const char *reason = "";
    if (!o->ready || o->ready(o->userdata, &reason))
        request_reply(r, MHD_HTTP_OK, json_pack("{s:s}", "status", "ready"));
    else
        request_reply(r, MHD_HTTP_SERVICE_UNAVAILABLE,
                      json_pack("{s:s, s:s}", "status", "not ready", "reason", reason));
    return 0;
}
