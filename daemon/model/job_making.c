/* SPDX-License-Identifier: Apache-2.0 */
#include "model/job_parts.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void job_making_pointer(const char *section, const char *name, char ret[JOB_POINTER_SIZE])
{
    char token[256];
    error_pointer_token(name, token, sizeof token);
    snprintf(ret, JOB_POINTER_SIZE, "/%s/%s", section, token);
}

/* "input " for a name under /inputs: what a message calls it. */
static const char *singular(const char *section)
{
    return !strcmp(section, "inputs")     ? "input "
           : !strcmp(section, "outputs")  ? "output "
           : !strcmp(section, "clocks")   ? "clock "
           : !strcmp(section, "coords")   ? "coordinate "
           : strstr(section, "/inputs")   ? "input "
           : strstr(section, "/coords")   ? "coordinate "
           : !strcmp(section, "encoding") ? "encoding of "
                                          : "sweep of ";
}

int job_making_fault(struct making *m, const char *section, const char *name, const char *below,
                     const char *format, ...)
{
    char what[900], pointer[JOB_POINTER_SIZE];
    va_list arguments;
    va_start(arguments, format);
    c_locale_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    job_making_pointer(section, name, pointer);
    size_t n = strlen(pointer);
    snprintf(pointer + n, sizeof pointer - n, "%s", below);
    return error_set(m->error, MODEL_INVALID, pointer, "%s%.220s: %s", singular(section), name,
                     what);
}

int job_making_blame(struct making *m, int r, const char *section, const char *name,
                     const char *below)
{
    if (r <= 0 || !m->error)
        return r;
    struct error why = *m->error;
    char full[JOB_POINTER_SIZE];
    snprintf(full, sizeof full, "%s%.300s", below, why.pointer);
    job_making_fault(m, section, name, full, "%s", why.message);
    return r;
}

int job_making_size(struct making *m, const char *section, const char *who, const char *dim,
                    int64_t n)
{
    const json_t *known = json_object_get(m->sizes, dim);
    if (!known) {
        json_object_set_new(m->sizes, dim, json_integer(n));
        json_object_set_new(m->sizers, dim, json_string(who));
        return 0;
    }
    if (json_integer_value(known) == n)
        return 0;
    return job_making_fault(m, section, who, "",
                            "it has %lld labels along the dimension '%.100s', but %.200s has %lld",
                            (long long)n, dim, json_string_value(json_object_get(m->sizers, dim)),
                            (long long)json_integer_value(known));
}

int64_t job_making_size_of(const struct making *m, const char *dim)
{
    const json_t *known = json_object_get(m->sizes, dim);
    return known ? json_integer_value(known) : -1;
}

int job_making_count(struct making *m, size_t n, size_t itemsize)
{
    size_t bytes, all;
    bool fits = mem_mul(n, itemsize, &bytes) && mem_add(m->bytes, bytes, &all);
    if (fits && all <= JOB_MAX_BYTES) {
        m->bytes = all;
        return 0;
    }
    char with[32] = "more than 2^64";
    if (fits)
        snprintf(with, sizeof with, "%zu", all);
    return error_set(m->error, MODEL_TOO_LARGE, NULL,
                     "with it, the arrays of the job have %s bytes together: at most %d are taken",
                     with, JOB_MAX_BYTES);
}
