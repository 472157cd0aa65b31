/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

#include "client/document.h"
#include "client/ended.h"
#include "client/options.h"
#include "client/request.h"
#include "client/text.h"
#include "client/verify.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

/* {"damaged", "repairs"} as `verify` finds them; a new string. */
static int find_damage(struct server *s, const char *id, char **ret_body)
{
    json_t *found = NULL;
    char *store = NULL;
    int code = verify_job(s, id, &found, &store);
    if (code)
        return code;
    verify_complain(id, found);
    json_t *body = json_pack("{s:O, s:O}", "damaged", json_object_get(found, "damaged"), "repairs",
                             json_object_get(found, "repairs"));
    *ret_body = document_text(text_need(body));
    json_decref(body);
    json_decref(found);
    free(store);
    return 0;
}

static int retry_one(struct server *s, const struct options *o, const char *id)
{
    char *body = NULL;
    int found = o->damaged ? find_damage(s, id, &body) : 0;
    if (found)
        return found;
    char *part = text_url(id);
    char *path = text_printf("%s/%s%s", API_JOBS, part, API_JOB_RETRY);
    struct request request = {.method = "POST", .path = path, .shape = &answer_job};
    if (body) {
        request.body = body;
        request.size = strlen(body);
        request.content_type = API_JSON;
    }
    struct reply r;
    int code = ended_ask(s, &request, &r);
    if (o->json)
        reply_print(&r);
    reply_clear(&r);
    free(path);
    free(part);
    free(body);
    return code;
}

int retry_run(struct server *s, const struct options *o)
{
    return options_each(s, o, retry_one);
}
