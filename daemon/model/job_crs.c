/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinate system of the dimensions y and x: as the job says, or an index variable of its
 * model in an attribute. */
#include "model/job_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { EPSG_LEAST = 1024, EPSG_MOST = 32767, WKT_MOST = 65536, WKT_DEEPEST = 64 };

static bool begins_a_crs(const char *text)
{
    static const char *const words[] = {
        "PROJCRS",        "PROJECTEDCRS", "PROJCS",         "GEOGCRS",
        "GEOGRAPHICCRS",  "GEODCRS",      "GEODETICCRS",    "GEOGCS",
        "BOUNDCRS",       "COMPOUNDCRS",  "COMPD_CS",       "ENGCRS",
        "ENGINEERINGCRS", "LOCAL_CS",     "DERIVEDPROJCRS", NULL};
    size_t n = strcspn(text, "[(");
    for (int i = 0; words[i]; i++)
        if (strlen(words[i]) == n && !strncmp(text, words[i], n))
            return text[n] != '\0';
    return false;
}

/* Brackets and quotes close, and nothing follows the last one. */
static bool is_closed(const char *text)
{
    int depth = 0;
    bool is_quoted = false;
    for (; *text; text++) {
        if (*text == '"')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        depth += *text == '[' || *text == '(';
        bool closes = *text == ']' || *text == ')';
        depth -= closes;
        if (depth < 0 || depth > WKT_DEEPEST)
            return false;
        if (closes && depth == 0)
            return text[1 + strspn(text + 1, " \n\t")] == '\0';
    }
    return false;
}

/* 4326, "EPSG:4326", or WKT. */
static bool read_crs(const json_t *given, struct job_crs *ret)
{
    static const char prefix[] = "EPSG:";
    const char *text = json_string_value(given);
    int64_t code = json_integer_value(given);
    if (text && !strncmp(text, prefix, strlen(prefix))) {
        char *end;
        const char *digits = text + strlen(prefix);
        code = *digits >= '1' && *digits <= '9' ? strtoll(digits, &end, 10) : 0;
        code = code && *end ? 0 : code;
    }
    if (code >= EPSG_LEAST && code <= EPSG_MOST) {
        ret->epsg = code;
        return true;
    }
    if (!text || strlen(text) > WKT_MOST || !begins_a_crs(text) || !is_closed(text))
        return false;
    ret->wkt = mem_strdup(text);
    return true;
}

#define WANTED                                                                                     \
    "is not a coordinate system: its number in the EPSG registry, such as 4326 or "                \
    "\"EPSG:32616\", "                                                                             \
    "or WKT"

int job_crs_read(struct making *m)
{
    struct job *j = m->job;
    const json_t *given = json_object_get(m->document, "crs");
    if (given && !json_is_null(given))
        return read_crs(given, &j->crs) ? 0
                                        : error_set(m->error, MODEL_INVALID, "/crs", "crs " WANTED);
    for (int i = 0; i < j->n_outputs && !JOB_HAS_CRS(j); i++) {
        const struct job_output *o = &j->outputs[i];
        const json_t *own = json_object_get(o->attrs, "crs");
        if (own && (o->is_index || o->is_labels) && !read_crs(own, &j->crs))
            return error_set(m->error, MODEL_INVALID, "/model",
                             "index variable %s: its attribute crs " WANTED, o->name);
    }
    return 0;
}
