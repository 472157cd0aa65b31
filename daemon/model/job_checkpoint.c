/* SPDX-License-Identifier: Apache-2.0 */
/* "checkpoint": {"every": 100} steps, or {"every": "30s"}. */
#include "model/job_parts.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const char wanted[] = "a number of steps, or a time such as \"30s\", \"10min\" or \"2h\"";

/* "30s"; false where it is none. */
static bool read_time(const char *text, double *ret)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
    char *end;
    if (!text || strspn(text, "123456789") == 0 || strspn(text, "0123456789") > 9)
        return false;
    long long n = strtoll(text, &end, 10); /* a whole number, whatever the locale */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(end, units[i].name)) {
            *ret = (double)n * units[i].seconds;
            return true;
        }
    return false;
}

int job_checkpoint_read(struct making *m)
{
    static const char *const keys[] = {"every", NULL};
    const json_t *given = json_object_get(m->document, "checkpoint");
    struct job_checkpoint *c = &m->job->checkpoint;
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given))
        return error_set(m->error, MODEL_INVALID, "/checkpoint",
                         "checkpoint: it is {\"every\": %s}", wanted);
    int r = model_result_of_base(json_check_keys(given, keys, "/checkpoint", m->error));
    if (r)
        return r;
    const json_t *every = json_object_get(given, "every");
    if (json_is_integer(every) && json_integer_value(every) >= 1)
        c->steps = json_integer_value(every);
    else if (!read_time(json_string_value(every), &c->seconds))
        return error_set(m->error, MODEL_INVALID, "/checkpoint/every",
                         "checkpoint: \"every\" is %s", wanted);
    return 0;
}
