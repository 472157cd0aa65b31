/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "http/models.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "model/registry.h"

static json_t *libraries(const struct registry *registry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < registry_n_libraries(registry); i++) {
        const struct library *l = registry_library_at(registry, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", l->name, "version",
                                              l->version, "sha256", l->hash));
    }
    return list;
}

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
    reply_json(r, MHD_HTTP_OK,
               json_pack("{s:o, s:o, s:O}", "processes", list, "libraries", libraries(registry),
                         "left_out", registry_left_out(registry)));
    return 0;
}

int processes_show(struct request *r, struct error *e)
{
    const char *name = r->parameters[0];
    const struct type *t = registry_type(r->http->registry, name);
    if (!t) {
        char why[REGISTRY_WHY_SIZE];
        error_set(e, PROBLEM_NOT_FOUND, NULL, "there is no process type \"%.200s\"%s", name,
                  registry_why_missing(r->http->registry, name, why));
        return models_problem(r->http, PROBLEM_NOT_FOUND, e);
    }
    reply_json(r, MHD_HTTP_OK, type_to_json(t));
    return 0;
}
