/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "http/problem.h"
#include "http/request.h"
#include "model/registry.h"

int processes_list(struct request *r, struct error *e)
{
    (void)e;
    const struct registry *registry = r->http->registry;
    json_t *list = json_array();
    for (size_t i = 0; i < registry_size(registry); i++) {
        const struct type *t = registry_at(registry, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", t->name, "description",
                                              t->description ? t->description : "", "library",
                                              t->library));
    }
    json_t *refused = r->http->options.refused;
    request_reply(r, MHD_HTTP_OK,
                  json_pack("{s:o, s:o}", "processes", list, "left_out",
                            refused ? json_incref(refused) : json_array()));
    return 0;
}

int processes_show(struct request *r, struct error *e)
{
    const char *name = r->parameters[0];
    const struct type *t = registry_type(r->http->registry, name);
    if (!t) {
        const char *near = json_nearest(name, registry_names(r->http->registry));
        return error_set(e, PROBLEM_NOT_FOUND, NULL, "there is no process type \"%.200s\"%s%s%s",
                         name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    request_reply(r, MHD_HTTP_OK, type_to_json(t));
    return 0;
}
