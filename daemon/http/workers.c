/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

int workers_list(struct request *r, struct error *e)
{
    (void)e;
    const struct http_options *o = &r->http->options;
    json_t *workers = o->workers ? o->workers(o->userdata) : json_array();
    request_reply(r, MHD_HTTP_OK, json_pack("{s:o}", "workers", workers));
    return 0;
}
