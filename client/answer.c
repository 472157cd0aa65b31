/* SPDX-License-Identifier: Apache-2.0 */
#include "client/answer.h"

#include "client/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- the shapes ---- */

#define SHAPE(name) static const struct answer_shape name
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

SHAPE(any) = {ANSWER_ANY, "a value", NULL, NULL};
SHAPE(true_value) = {ANSWER_TRUE, "true", NULL, NULL};
SHAPE(text) = {ANSWER_TEXT, "a text", NULL, NULL};
SHAPE(id) = {ANSWER_ID, "a job's number", NULL, NULL};
SHAPE(count) = {ANSWER_COUNT, "a count", NULL, NULL};
SHAPE(number) = {ANSWER_NUMBER, "a number", NULL, NULL};
SHAPE(counts) = {ANSWER_LIST, "a list of counts", NULL, &count};
SHAPE(texts) = {ANSWER_LIST, "a list of texts", NULL, &text};
SHAPE(text_or_texts) = {ANSWER_TEXT_OR_LIST, "a text or a list of texts", NULL, &text};
SHAPE(lists_of_texts) = {ANSWER_LIST, "a list of lists of texts", NULL, &texts};
SHAPE(map) = {ANSWER_MAP, "an object", NULL, &any};

static const struct answer_member steps_members[] = {
    {"step", &count, true}, {"nsteps", &count, true}, END};
SHAPE(steps) = {ANSWER_OBJECT, "steps", steps_members, NULL};

static const struct answer_member job_members[] = {
    {"id", &id, true},        {"state", &text, true},    {"members", &count, true},
    {"done", &count, true},   {"dead", &count, true},    {"progress", &steps, false},
    {"name", &text, false},   {"store", &text, false},   {"model", &text, false},
    {"reason", &text, false}, {"created", &text, false}, {"started", &text, false},
    {"ended", &text, false},  {"waiting", &text, false}, END};
const struct answer_shape answer_job = {ANSWER_OBJECT, "a job", job_members, NULL};

SHAPE(jobs) = {ANSWER_LIST, "a list of jobs", NULL, &answer_job};
static const struct answer_member jobs_members[] = {
    {"jobs", &jobs, true}, {"next", &text, false}, END};
const struct answer_shape answer_jobs = {ANSWER_OBJECT, "a list of jobs", jobs_members, NULL};

static const struct answer_member dead_members[] = {
    {"member", &count, true}, {"reason", &text, false}, {"attempts", &count, false},
    {"cause", &text, false},  {"log", &texts, false},   END};
SHAPE(dead) = {ANSWER_OBJECT, "a member", dead_members, NULL};
SHAPE(dead_list) = {ANSWER_LIST, "a list of members", NULL, &dead};
static const struct answer_member members_members[] = {
    {"members", &dead_list, true}, {"next", &any, false}, END};
const struct answer_shape answer_members = {ANSWER_OBJECT, "a list of members", members_members,
                                            NULL};

static const struct answer_member range_members[] = {
    {"begin", &count, true},     {"end", &count, true},      {"state", &text, true},
    {"attempts", &count, false}, {"next_try", &text, false}, END};
SHAPE(range) = {ANSWER_OBJECT, "a range of members", range_members, NULL};
SHAPE(range_list) = {ANSWER_LIST, "a list of ranges", NULL, &range};
static const struct answer_member ranges_members[] = {
    {"ranges", &range_list, true}, {"next", &any, false}, END};
const struct answer_shape answer_ranges = {ANSWER_OBJECT, "a list of ranges", ranges_members, NULL};

static const struct answer_member appended_members[] = {
    {"first", &count, true}, {"members", &count, true}, END};
const struct answer_shape answer_appended = {ANSWER_OBJECT, "members that were appended",
                                             appended_members, NULL};

static const struct answer_member dry_run_members[] = {{"valid", &true_value, true}, END};
const struct answer_shape answer_dry_run = {ANSWER_OBJECT, "the outcome of a dry run",
                                            dry_run_members, NULL};

static const struct answer_member array_members[] = {
    {"name", &text, true},           {"role", &text, true},
    {"dims", &texts, true},          {"dtype", &text, true},
    {"shape", &counts, true},        {"chunks", &counts, true},
    {"files", &count, true},         {"bytes", &number, true},
    {"stored_bytes", &number, true}, END};
SHAPE(array) = {ANSWER_OBJECT, "an array", array_members, NULL};
SHAPE(arrays) = {ANSWER_LIST, "a list of arrays", NULL, &array};
static const struct answer_member memory_members[] = {
    {"arena_bytes", &number, true}, {"peak_bytes", &number, true}, END};
SHAPE(memory) = {ANSWER_OBJECT, "a worker's memory", memory_members, NULL};
static const struct answer_member plan_members[] = {{"members", &count, true},
                                                    {"steps", &count, true},
                                                    {"arrays", &arrays, true},
                                                    {"files", &number, true},
                                                    {"bytes", &number, true},
                                                    {"stored_bytes", &number, true},
                                                    {"free_bytes", &number, false},
                                                    {"not_saved", &texts, true},
                                                    {"measured_members", &count, true},
                                                    {"set_up_seconds", &number, true},
                                                    {"member_seconds", &number, true},
                                                    {"seconds", &number, false},
                                                    {"workers", &count, true},
                                                    {"worker", &memory, true},
                                                    {"advice", &texts, true},
                                                    {"notes", &texts, false},
                                                    END};
const struct answer_shape answer_plan = {ANSWER_OBJECT, "a plan", plan_members, NULL};

static const struct answer_member variable_members[] = {{"name", &text, true},
                                                        {"kind", &text, true},
                                                        {"intent", &text, true},
                                                        {"description", &text, false},
                                                        {"dtype", &text, false},
                                                        {"dims", &lists_of_texts, false},
                                                        {"bounds", &text, false},
                                                        {"group", &text, false},
                                                        {"global_name", &text, false},
                                                        {"type", &text, false},
                                                        {"var", &text, false},
                                                        {"attrs", &map, false},
                                                        END};
SHAPE(variable) = {ANSWER_OBJECT, "a variable", variable_members, NULL};
SHAPE(variables) = {ANSWER_LIST, "a list of variables", NULL, &variable};

static const struct answer_member type_members[] = {
    {"name", &text, true},     {"variables", &variables, true}, {"stages", &texts, true},
    {"extends", &text, false}, {"description", &text, false},   END};
const struct answer_shape answer_type = {ANSWER_OBJECT, "a process type", type_members, NULL};

static const struct answer_member listed_members[] = {
    {"name", &text, true}, {"description", &text, false}, END};
SHAPE(listed) = {ANSWER_OBJECT, "a process type", listed_members, NULL};
SHAPE(listed_types) = {ANSWER_LIST, "a list of process types", NULL, &listed};
static const struct answer_member left_out_members[] = {{"library", &text, false},
                                                        {"type", &text, false},
                                                        {"path", &text, false},
                                                        {"reason", &text, true},
                                                        END};
SHAPE(left_out) = {ANSWER_OBJECT, "a library or type that is left out", left_out_members, NULL};
SHAPE(left_out_list) = {ANSWER_LIST, "a list of what is left out", NULL, &left_out};
static const struct answer_member worker_members[] = {{"name", &text, true},
                                                      {"state", &text, true},
                                                      {"job", &text, false},
                                                      {"sandbox", &text, false},
                                                      END};
SHAPE(worker) = {ANSWER_OBJECT, "a worker", worker_members, NULL};
SHAPE(worker_list) = {ANSWER_LIST, "a list of workers", NULL, &worker};
static const struct answer_member workers_members[] = {{"workers", &worker_list, true}, END};
const struct answer_shape answer_workers = {ANSWER_OBJECT, "a list of workers", workers_members,
                                            NULL};

static const struct answer_member types_members[] = {
    {"processes", &listed_types, true}, {"left_out", &left_out_list, false}, END};
const struct answer_shape answer_types = {ANSWER_OBJECT, "a list of process types", types_members,
                                          NULL};

SHAPE(targets) = {ANSWER_MAP, "what variables lead to", NULL, &text_or_texts};
static const struct answer_member process_members[] = {
    {"type", &text, true}, {"before", &texts, true}, {"variables", &targets, true}, END};
SHAPE(process) = {ANSWER_OBJECT, "a process", process_members, NULL};
SHAPE(processes) = {ANSWER_MAP, "processes", NULL, &process};
SHAPE(inputs) = {ANSWER_MAP, "inputs", NULL, &variable};
static const struct answer_member unordered_members[] = {
    {"processes", &texts, true}, {"variable", &text, true}, {"stage", &text, true}, END};
SHAPE(unordered_pair) = {ANSWER_OBJECT, "a pair of processes", unordered_members, NULL};
SHAPE(unordered) = {ANSWER_LIST, "a list of pairs", NULL, &unordered_pair};

#define MODEL_MEMBERS(whole)                                                                       \
    {                                                                                              \
        {"hash", &text, true}, {"name", &text, false}, {"invalid", &text, false},                  \
            {"processes", &processes, whole}, {"order", &texts, whole},                            \
            {"inputs", &inputs, whole}, {"unordered", &unordered, false}, END                      \
    }
static const struct answer_member model_members[] = MODEL_MEMBERS(false);
const struct answer_shape answer_model = {ANSWER_OBJECT, "a model", model_members, NULL};
static const struct answer_member whole_model_members[] = MODEL_MEMBERS(true);
const struct answer_shape answer_whole_model = {ANSWER_OBJECT, "a model", whole_model_members,
                                                NULL};

static const struct answer_member stored_members[] = {
    {"hash", &text, true}, {"name", &text, false}, {"created", &text, false}, END};
SHAPE(stored) = {ANSWER_OBJECT, "a stored model", stored_members, NULL};
SHAPE(stored_list) = {ANSWER_LIST, "a list of models", NULL, &stored};
static const struct answer_member models_members[] = {
    {"models", &stored_list, true}, {"next", &text, false}, END};
const struct answer_shape answer_models = {ANSWER_OBJECT, "a list of models", models_members, NULL};

static const struct answer_member not_served_members[] = {
    {"type", &text, false}, {"reason", &text, true}, END};
SHAPE(not_served) = {ANSWER_OBJECT, "a type that is left out", not_served_members, NULL};
SHAPE(not_served_list) = {ANSWER_LIST, "a list of what is left out", NULL, &not_served};
static const struct answer_member module_members[] = {{"name", &text, true},
                                                      {"environment", &text, true},
                                                      {"sha256", &text, true},
                                                      {"version", &text, true},
                                                      {"types", &texts, true},
                                                      {"left_out", &not_served_list, false},
                                                      END};
const struct answer_shape answer_module = {ANSWER_OBJECT, "a module", module_members, NULL};
SHAPE(module_list) = {ANSWER_LIST, "a list of modules", NULL, &answer_module};
static const struct answer_member modules_members[] = {{"modules", &module_list, true}, END};
const struct answer_shape answer_modules = {ANSWER_OBJECT, "a list of modules", modules_members,
                                            NULL};

static const struct answer_member upload_members[] = {{"id", &text, true}, END};
const struct answer_shape answer_upload = {ANSWER_OBJECT, "an uploaded array", upload_members,
                                           NULL};

static const struct answer_member progress_members[] = {
    {"done", &count, false}, {"dead", &count, false},   {"members", &count, false},
    {"step", &count, false}, {"nsteps", &count, false}, END};
const struct answer_shape answer_event_progress = {ANSWER_OBJECT, "a progress", progress_members,
                                                   NULL};
static const struct answer_member log_members[] = {
    {"member", &count, false}, {"line", &text, true}, END};
const struct answer_shape answer_event_log = {ANSWER_OBJECT, "a line of the log", log_members,
                                              NULL};
SHAPE(log_line_list) = {ANSWER_LIST, "a list of lines", NULL, &answer_event_log};
static const struct answer_member log_page_members[] = {
    {"lines", &log_line_list, true}, {"next", &any, false}, END};
const struct answer_shape answer_log = {ANSWER_OBJECT, "a log", log_page_members, NULL};
const struct answer_shape answer_event = {ANSWER_MAP, "an event", NULL, &any};

/* ---- checking ---- */

/* Where a fault lies: the way to it is told from its end to its beginning. */
struct place {
    const struct place *above;
    const char *name; /* NULL: `index` */
    size_t index;
};

static char *pointer_of(const struct place *p)
{
    if (!p)
        return text_copy("");
    char *above = pointer_of(p->above);
    char *pointer =
        p->name ? text_printf("%s/%s", above, p->name) : text_printf("%s/%zu", above, p->index);
    free(above);
    return pointer;
}

static char *fault_at(const struct place *p, const char *what)
{
    char *pointer = pointer_of(p);
    char *words = text_printf("%s is not %s", pointer, what);
    free(pointer);
    return words;
}

static bool is_id(const char *s)
{
    size_t digits = s ? strspn(s, "0123456789") : 0;
    return digits > 0 && digits < 20 && !s[digits] && *s != '0';
}

static bool is_kind(enum answer_kind kind, const json_t *v)
{
    switch (kind) {
    case ANSWER_ANY:
        return true;
    case ANSWER_TRUE:
        return json_is_true(v);
    case ANSWER_TEXT:
        return json_is_string(v);
    case ANSWER_ID:
        return is_id(json_string_value(v));
    case ANSWER_COUNT:
        return json_is_integer(v) && json_integer_value(v) >= 0 &&
               json_integer_value(v) <= ANSWER_COUNT_MAX;
    case ANSWER_NUMBER:
        return json_is_number(v);
    case ANSWER_OBJECT:
    case ANSWER_MAP:
        return json_is_object(v);
    case ANSWER_LIST:
        return json_is_array(v);
    case ANSWER_TEXT_OR_LIST:
        return json_is_string(v) || json_is_array(v);
    }
    return false;
}

static char *find_fault(const struct answer_shape *shape, const json_t *value,
                        const struct place *place);

static char *fault_of_members(const struct answer_shape *shape, const json_t *value,
                              const struct place *place)
{
    for (const struct answer_member *m = shape->members; m && m->name; m++) {
        const json_t *member = json_object_get(value, m->name);
        struct place below = {.above = place, .name = m->name};
        bool absent = !member || json_is_null(member);
        char *fault = absent ? m->needed ? fault_at(&below, m->shape->what) : NULL
                             : find_fault(m->shape, member, &below);
        if (fault)
            return fault;
    }
    return NULL;
}

static char *fault_of_each(const struct answer_shape *shape, const json_t *value,
                           const struct place *place)
{
    const char *name;
    json_t *member;
    size_t i;
    char *fault = NULL;
    json_object_foreach((json_t *)value, name, member)
    {
        struct place below = {.above = place, .name = name};
        if ((fault = find_fault(shape->each, member, &below)))
            return fault;
    }
    json_array_foreach(value, i, member)
    {
        struct place below = {.above = place, .index = i};
        if ((fault = find_fault(shape->each, member, &below)))
            return fault;
    }
    return fault;
}

static char *find_fault(const struct answer_shape *shape, const json_t *value,
                        const struct place *place)
{
    if (!is_kind(shape->kind, value))
        return fault_at(place, shape->what);
    if (shape->kind == ANSWER_OBJECT)
        return fault_of_members(shape, value, place);
    return shape->each ? fault_of_each(shape, value, place) : NULL;
}

char *answer_fault(const struct answer_shape *shape, const json_t *value)
{
    if (!value || !is_kind(shape->kind, value))
        return text_printf("not %s", shape->what);
    char *fault = find_fault(shape, value, NULL);
    if (!fault)
        return NULL;
    char *words = text_printf("not %s: %s", shape->what, fault);
    free(fault);
    return words;
}
