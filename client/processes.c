/* SPDX-License-Identifier: Apache-2.0 */
#include "client/processes.h"

#include "client/document.h"
#include "client/options.h"
#include "client/request.h"
#include "client/summary.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>

/* What a row is about: of what is left out the type, or else the library's file. */
static const char *name_of(const json_t *item, bool left_out)
{
    static const char *const names[] = {"type", "path", "library"};
    if (!left_out)
        return document_string(item, "name", "?");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (document_string(item, names[i], NULL))
            return document_string(item, names[i], NULL);
    return "?";
}

static int widest(const json_t *items, bool left_out)
{
    size_t i;
    json_t *item;
    int width = 0;
    json_array_foreach(items, i, item)
    {
        int w = text_width(name_of(item, left_out));
        width = w > width ? w : width;
    }
    return width;
}

static void print_rows(const json_t *items, bool left_out, int width)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        text_put_padded(stdout, name_of(item, left_out), width + 2);
        text_line(stdout, "%s%s", left_out ? "left out: " : "",
                  document_string(item, left_out ? "reason" : "description", ""));
    }
}

int processes_list(struct server *s, const struct options *o)
{
    json_t *answer;
    if (o->json)
        return request_print(
            s, &(struct request){.method = "GET", .path = API_PROCESSES, .shape = &answer_types});
    int code = request_get(s, API_PROCESSES, &answer_types, &answer);
    if (code)
        return code;
    const json_t *types = json_object_get(answer, "processes");
    const json_t *left_out = json_object_get(answer, "left_out");
    int width = widest(types, false), other = widest(left_out, true);
    width = width > other ? width : other;
    print_rows(types, false, width);
    print_rows(left_out, true, width);
    json_decref(answer);
    return 0;
}

int processes_show(struct server *s, const struct options *o)
{
    json_t *type = NULL;
    char *part = text_url(o->operands[0]);
    char *path = text_printf("%s/%s", API_PROCESSES, part);
    struct request request = {.method = "GET", .path = path, .shape = &answer_type};
    int code = o->json ? request_print(s, &request) : request_get(s, path, &answer_type, &type);
    if (type)
        summary_print_type(type);
    json_decref(type);
    free(path);
    free(part);
    return code;
}
