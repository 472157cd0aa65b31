/* SPDX-License-Identifier: Apache-2.0 */
#include "client/processes.h"

#include "client/document.h"
#include "client/options.h"
#include "client/request.h"
#include "client/summary.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>

static void print_list(const json_t *list)
{
    size_t i;
    json_t *type;
    int width = 0;
    json_array_foreach(list, i, type)
    {
        int w = text_width(document_string(type, "name", ""));
        width = w > width ? w : width;
    }
    json_array_foreach(list, i, type)
    {
        text_put_padded(stdout, document_string(type, "name", ""), width + 2);
        text_put(stdout, document_string(type, "description", ""));
        putchar('\n');
    }
}

/* Libraries that the daemon could not load, with why. */
static void complain_about_refused(const json_t *refused)
{
    size_t i;
    json_t *library;
    json_array_foreach(refused, i, library)
    {
        const char *name = document_string(library, "library", NULL);
        text_complain("library %s is not loaded: %s",
                      name ? name : document_string(library, "path", "?"),
                      document_string(library, "reason", "the daemon's log says why"));
    }
}

int processes_list(struct server *s, const struct options *o)
{
    json_t *answer = NULL;
    if (o->json)
        return request_print(s, &(struct request){.method = "GET", .path = API_PROCESSES});
    int code = request_get(s, API_PROCESSES, &answer);
    if (!code) {
        print_list(json_object_get(answer, "processes"));
        complain_about_refused(json_object_get(answer, "refused"));
    }
    json_decref(answer);
    return code;
}

int processes_show(struct server *s, const struct options *o)
{
    json_t *type = NULL;
    char *part = text_url(o->operands[0]);
    char *path = text_printf("%s/%s", API_PROCESSES, part);
    int code = o->json ? request_print(s, &(struct request){.method = "GET", .path = path})
                       : request_get(s, path, &type);
    if (type)
        summary_print_type(type);
    json_decref(type);
    free(path);
    free(part);
    return code;
}
