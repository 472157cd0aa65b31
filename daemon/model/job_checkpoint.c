/* SPDX-License-Identifier: Apache-2.0 */
/* "checkpoint": {"every": 100} steps, or {"every": "30s"}; {"keep": 1000}, or a list. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

enum { KEPT_MOST = 100 };

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

static int read_every(struct making *m, const json_t *every)
{
    struct job_checkpoint *c = &m->job->checkpoint;
    if (!every || json_is_null(every))
        return 0;
    if (json_is_integer(every) && json_integer_value(every) >= 1)
        c->steps = json_integer_value(every);
    else if (!read_time(json_string_value(every), &c->seconds))
        return error_set(m->error, MODEL_INVALID, "/checkpoint/every",
                         "checkpoint: \"every\" is %s", wanted);
    return 0;
}

static int add_kept(struct making *m, const json_t *given)
{
    struct job_checkpoint *c = &m->job->checkpoint;
    int64_t n_steps = m->job->clocks[m->job->main_clock].n - 1, last = 0;
    int64_t steps = json_is_integer(given) ? json_integer_value(given) : 0;
    if (c->n_keep)
        last = c->keep[c->n_keep - 1];
    if (steps <= last || steps > n_steps)
        return error_set(m->error, MODEL_INVALID, "/checkpoint/keep",
                         "checkpoint: \"keep\" is a number of steps, from 1 to %" PRId64
                         ", the steps of the main clock; or a list of at most %d of them that "
                         "ascends",
                         n_steps, KEPT_MOST);
    c->keep[c->n_keep++] = steps;
    return 0;
}

static int read_keep(struct making *m, const json_t *keep)
{
    if (!keep || json_is_null(keep))
        return 0;
    bool is_list = json_is_array(keep);
    size_t n = is_list ? json_array_size(keep) : 1;
    m->job->checkpoint.keep = mem_array(KEPT_MOST, sizeof(int64_t));
    int r = n > KEPT_MOST ? add_kept(m, NULL) : 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = add_kept(m, is_list ? json_array_get(keep, i) : keep);
    return r;
}

int job_checkpoint_read(struct making *m)
{
    static const char *const keys[] = {"every", "keep", NULL};
    const json_t *given = json_object_get(m->document, "checkpoint");
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given) || json_object_size(given) == 0)
        return error_set(m->error, MODEL_INVALID, "/checkpoint",
                         "checkpoint: it is {\"every\": %s}, or {\"keep\": a number of steps}, or "
                         "both",
                         wanted);
    int r = model_result_of_base(json_check_keys(given, keys, "/checkpoint", m->error));
    if (r)
        return r;
    r = read_every(m, json_object_get(given, "every"));
    return r ? r : read_keep(m, json_object_get(given, "keep"));
}
