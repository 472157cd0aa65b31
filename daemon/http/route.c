/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include "base/mem.h"
#include "http/uploads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct route route_table[] = {
#define ROUTE(method, path, handler, body, access, summary)                                        \
    {method, path, handler, &body, access, summary},
#include "http/routes.def"
#undef ROUTE
};
const size_t route_count = sizeof route_table / sizeof *route_table;

/* Whether `path` has the form of `pattern`; where[i], length[i]: what stands for its parameters. */
static bool matches(const char *pattern, const char *path, const char **where, size_t *length)
{
    int n = 0;
    while (*pattern == '/' && *path == '/') {
        size_t p = strcspn(++pattern, "/"), q = strcspn(++path, "/");
        if (*pattern == '{') {
            if (q == 0 || n == ROUTE_MAX_PARAMETERS)
                return false;
            where[n] = path;
            length[n++] = q;
        } else if (p != q || strncmp(pattern, path, p) != 0) {
            return false;
        }
        pattern += p;
        path += q;
    }
    return !*pattern && !*path;
}

static void allow(char *ret_allow, const char *method)
{
    size_t n = strlen(ret_allow);
    snprintf(ret_allow + n, ROUTE_ALLOW_SIZE - n, "%s%s", n ? ", " : "",
             !strcmp(method, "GET") ? "GET, HEAD" : method);
}

const struct route *route_find(const char *method, const char *path,
                               char *ret_parameters[ROUTE_MAX_PARAMETERS],
                               char ret_allow[ROUTE_ALLOW_SIZE])
{
    ret_allow[0] = '\0';
    if (!strcmp(method, "HEAD"))
        method = "GET";
    for (size_t i = 0; i < route_count; i++) {
        const char *where[ROUTE_MAX_PARAMETERS] = {NULL};
        size_t length[ROUTE_MAX_PARAMETERS];
        if (!matches(route_table[i].path, path, where, length))
            continue;
        if (strcmp(route_table[i].method, method) != 0) {
            allow(ret_allow, route_table[i].method);
            continue;
        }
        for (int k = 0; k < ROUTE_MAX_PARAMETERS; k++)
            ret_parameters[k] = where[k] ? mem_printf("%.*s", (int)length[k], where[k]) : NULL;
        return &route_table[i];
    }
    return NULL;
}
