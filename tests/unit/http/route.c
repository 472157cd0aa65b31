/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/body.h"
#include "http/openapi.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct route *find(const char *method, const char *path, char *first, char *allow)
{
    char *parameters[ROUTE_MAX_PARAMETERS] = {NULL};
    const struct route *r = route_find(method, path, parameters, allow);
    strcpy(first, r && parameters[0] ? parameters[0] : "");
    for (int i = 0; i < ROUTE_MAX_PARAMETERS; i++)
        free(r ? parameters[i] : NULL);
    return r;
}

Test(route, finds)
{
    char first[100], allow[ROUTE_ALLOW_SIZE];
    const struct route *r = find("GET", "/v1/jobs/17/events", first, allow);
    cr_assert(r && r->handler == events_stream);
    cr_assert_str_eq(first, "17");
    r = find("HEAD", "/v1/jobs", first, allow);
    cr_assert(r && r->handler == jobs_list);
    r = find("POST", "/v1/jobs", first, allow);
    cr_assert(r && r->handler == submit_job);
}

Test(route, refuses_other_paths)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "v1/jobs",
                                        "/v1",
                                        "/v1/jobs/",
                                        "/v1//jobs",
                                        "/v1/jobs/1/",
                                        "/v1/jobs//events",
                                        "/v1/jobsx",
                                        "/v1/jobs/1/events/2",
                                        "/v1/models//",
                                        "/V1/jobs"};
    char first[100], allow[ROUTE_ALLOW_SIZE];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        cr_assert_null(find("GET", paths[i], first, allow), "%s", paths[i]);
        cr_assert_str_eq(allow, "", "%s: %s", paths[i], allow);
    }
}

Test(route, tells_what_is_allowed)
{
    char first[100], allow[ROUTE_ALLOW_SIZE];
    cr_assert_null(find("DELETE", "/v1/jobs", first, allow));
    cr_assert_str_eq(allow, "GET, HEAD, POST");
    cr_assert_null(find("get", "/v1/workers", first, allow));
    cr_assert_str_eq(allow, "GET, HEAD");
}

static json_t *operation(json_t *openapi, const struct route *r)
{
    char method[8] = "";
    for (size_t i = 0; r->method[i]; i++)
        method[i] = (char)tolower((unsigned char)r->method[i]);
    return json_object_get(json_object_get(json_object_get(openapi, "paths"), r->path), method);
}

/* proto/openapi.json lists what routes.def lists, with the same words, and nothing else. */
Test(route, openapi_lists_the_same)
{
    struct error e = {.message = ""};
    json_t *openapi = json_read(openapi_text, strlen(openapi_text), &e);
    cr_assert(openapi, "%s", e.message);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *r = &route_table[i];
        json_t *o = operation(openapi, r);
        cr_assert(o, "%s %s is not in openapi.json", r->method, r->path);
        cr_assert_str_eq(json_string_value(json_object_get(o, "summary")), r->summary);
        bool open =
            json_array_size(json_object_get(o, "security")) == 0 && json_object_get(o, "security");
        cr_assert_eq(open, r->access == ROUTE_OPEN, "%s: security", r->path);
        cr_assert_eq(json_object_get(o, "requestBody") != NULL, r->body != &body_none, "%s: body",
                     r->path);
    }
    size_t listed = 0;
    const char *path;
    json_t *methods;
    json_object_foreach(json_object_get(openapi, "paths"), path, methods) listed +=
        json_object_size(methods);
    cr_assert_eq(listed, route_count);
    json_decref(openapi);
}
