/* SPDX-License-Identifier: Apache-2.0 */
#include "client/workers.h"

#include "client/document.h"
#include "client/options.h"
#include "client/request.h"
#include "client/text.h"
#include "proto/api.h"

int workers_list(struct server *s, const struct options *o)
{
    size_t i;
    json_t *answer, *worker;
    if (o->json)
        return request_print(
            s, &(struct request){.method = "GET", .path = API_WORKERS, .shape = &answer_workers});
    int code = request_get(s, API_WORKERS, &answer_workers, &answer);
    if (code)
        return code;
    text_line(stdout, "NAME            STATE     JOB       KEPT FROM USER CODE");
    json_array_foreach(json_object_get(answer, "workers"), i, worker)
    {
        text_put_padded(stdout, document_string(worker, "name", "?"), 16);
        text_put_padded(stdout, document_string(worker, "state", "?"), 10);
        text_put_padded(stdout, document_string(worker, "job", "-"), 10);
        text_line(stdout, "%s", document_string(worker, "sandbox", ""));
    }
    json_decref(answer);
    return 0;
}
