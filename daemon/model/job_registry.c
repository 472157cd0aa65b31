/* SPDX-License-Identifier: Apache-2.0 */
/* Which registry a job is built from: that of its environment of Python, and of the contents of
 * libraries that it is meant for. */
#include "model/job_parts.h"

#include <string.h>

/* A worker's registry has no environments: it is of the one that the job was submitted for. */
static int choose_registry(const struct registry *r, const json_t *document, const json_t *base,
                           const struct registry **ret, struct error *e)
{
    const json_t *given = json_object_get(document, "environment");
    given = given ? given : json_object_get(base, "environment");
    *ret = r;
    if (!given || json_is_null(given) || (json_is_string(given) && !*registry_environments(r)))
        return 0;
    *ret = json_is_string(given) ? registry_variant(r, json_string_value(given)) : NULL;
    return *ret ? 0
                : error_set(e, MODEL_INVALID, "/environment",
                            "environment: there is no environment of Python \"%.100s\" here",
                            json_is_string(given) ? json_string_value(given) : "");
}

static int check_content(const struct registry *r, const char *name, const json_t *given,
                         struct error *e)
{
    const struct library *l = registry_library(r, name);
    const char *hash = json_string_value(given);
    if (hash && l && !strcmp(l->hash, hash))
        return 0;
    char pointer[JOB_POINTER_SIZE], token[JOB_POINTER_SIZE / 2];
    error_pointer_token(name, token, sizeof token);
    snprintf(pointer, sizeof pointer, "/libraries/%s", token);
    return error_set(e, MODEL_INVALID, pointer,
                     "libraries: of %.100s the content %.64s is on offer, not \"%.64s\"", name,
                     l ? l->hash : "\"\"", hash ? hash : "");
}

/* What it is meant for is what it gets. */
static int check_contents(const struct registry *r, const json_t *document, const json_t *base,
                          struct error *e)
{
    const json_t *given = json_object_get(document, "libraries");
    const char *name;
    json_t *hash;
    int result = 0;
    given = given ? given : json_object_get(base, "libraries");
    if (given && !json_is_null(given) && !json_is_object(given))
        return error_set(e, MODEL_INVALID, "/libraries", "libraries: should be an object");
    json_object_foreach((json_t *)given, name, hash)
    {
        if (result == 0)
            result = check_content(r, name, hash, e);
    }
    return result;
}

int job_registry(const struct registry *r, const json_t *document, const json_t *base,
                 const struct registry **ret_registry, struct error *e)
{
    const struct registry *chosen;
    int result = choose_registry(r, document, base, &chosen, e);
    if (result == 0)
        result = check_contents(chosen, document, base, e);
    if (result == 0)
        *ret_registry = chosen;
    return result;
}
