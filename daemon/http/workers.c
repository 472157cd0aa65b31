/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply.h"
#include "http/request.h"

int workers_list(struct request *r, struct error *e)
{
    (void)e;
    const struct http_options *o = &r->http->options;
    json_t *workers = o->workers ? o->workers(o->userdata) : json_array();
    reply_json(r, MHD_HTTP_OK, json_pack("{s:o}", "workers", workers));
    return 0;
}
