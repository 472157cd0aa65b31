/* SPDX-License-Identifier: Apache-2.0 */
/* One condition of stop_when. */
#include "model/job_parts.h"

#include "base/json.h"

static int refuse(struct making *m, const char *pointer, const char *why, const char *name)
{
    return error_set(m->error, MODEL_INVALID, pointer, "stop_when: %s%.200s", why, name);
}

int job_stop_when_read(struct making *m, const json_t *given, const char *pointer,
                       struct stop_when *s)
{
    static const char *const keys[] = {"variable", "above", "below", "not_finite", NULL};
    if (!json_is_object(given))
        return refuse(m, pointer, "it is {\"variable\": name, \"above\": number}", "");
    int r = model_result_of_base(json_check_keys(given, keys, pointer, m->error));
    if (r)
        return r;
    const char *name = json_member_string(given, "variable");
    if (!name)
        return refuse(m, pointer, "\"variable\" is not the name of a variable", "");
    s->slot = model_slot_index(m->job->model, name);
    if (s->slot < 0)
        return refuse(m, pointer, "the model has no such variable: ", name);
    int dtype = m->job->model->slots[s->slot].declared->dtype;
    if (m->job->model->slots[s->slot].declared->is_private)
        return refuse(m, pointer, "it is private to its process: ", name);
    if (m->job->model->slots[s->slot].declared->kind == SIMLAB_OBJECT || dtype == SIMLAB_STR ||
        dtype == SIMLAB_C8 || dtype == SIMLAB_C16)
        return refuse(m, pointer, "its values cannot be compared with a number: ", name);
    for (int kind = STOP_ABOVE; kind <= STOP_NOT_FINITE; kind++) {
        const json_t *bound = json_object_get(given, keys[1 + kind]);
        if (!bound)
            continue;
        bool is_right = kind == STOP_NOT_FINITE ? json_is_true(bound) : json_is_number(bound);
        if (!is_right || json_object_size(given) != 2)
            break;
        s->kind = (enum stop_kind)kind;
        s->bound = json_number_value(bound);
        return 0;
    }
    return refuse(m, pointer,
                  "either \"above\" or \"below\" is a number, or \"not_finite\" is true, for ",
                  name);
}
