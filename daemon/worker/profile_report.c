/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/profile_report.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* To hand a task to another thread costs less; a stage that is shorter gains nothing. */
#define WORTH_SECONDS 10e-6

static double number(const json_t *of, const char *key)
{
    return json_number_value(json_object_get(of, key));
}

static int64_t count(const json_t *of, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(of, key));
}

static const char *text(const json_t *of, const char *key)
{
    const char *value = json_string_value(json_object_get(of, key));
    return value ? value : "";
}

/* ---- sums ---- */

static void add_numbers(json_t *into, const json_t *more)
{
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)more, key, value)
    {
        json_t *mine = json_object_get(into, key);
        if (json_is_array(value))
            json_array_foreach(value, i, value) add_numbers(json_array_get(mine, i), value);
        else if (json_is_real(value) && json_is_real(mine))
            json_real_set(mine, json_real_value(mine) + json_real_value(value));
        else if (json_is_integer(value) && json_is_integer(mine) && strcmp(key, "lanes") != 0)
            json_integer_set(mine, json_integer_value(mine) + json_integer_value(value));
    }
}

json_t *profile_report_add(json_t *into, const json_t *more)
{
    if (!into)
        return more ? json_deep_copy(more) : NULL;
    if (more)
        add_numbers(into, more);
    return into;
}

/* ---- the table ---- */

static void put_time(double seconds, struct buffer *ret)
{
    if (seconds >= 1)
        buffer_printf(ret, "%8.3f s ", seconds);
    else if (seconds >= 1e-3)
        buffer_printf(ret, "%8.3f ms", seconds * 1e3);
    else
        buffer_printf(ret, "%8.3f us", seconds * 1e6);
}

static void put_row(const char *name, const char *stage, int64_t n, double seconds, double all,
                    struct buffer *ret)
{
    buffer_printf(ret, "  %-24s %-13s %9" PRId64 "  ", name, stage, n);
    put_time(seconds, ret);
    buffer_printf(ret, " %5.1f %%  ", all > 0 ? seconds / all * 100 : 0);
    put_time(n > 0 ? seconds / (double)n : 0, ret);
}

static int compare_work(const void *a, const void *b)
{
    double x = number(*(const json_t *const *)a, "work");
    double y = number(*(const json_t *const *)b, "work");
    return (x < y) - (x > y);
}

/* Rows by their work, the most first. For the caller: free. */
static const json_t **sort_rows(const json_t *rows)
{
    size_t n = json_array_size(rows);
    const json_t **sorted = mem_array(n + 1, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(rows, i);
    qsort(sorted, n, sizeof *sorted, compare_work);
    return sorted;
}

static double sum_of(const json_t *rows, const char *key)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        sum += number(json_array_get(rows, i), key);
    return sum;
}

static void put_rows(const json_t *profile, struct buffer *ret)
{
    const json_t *rows = json_object_get(profile, "processes");
    double all = sum_of(rows, "work");
    const json_t **sorted = sort_rows(rows);
    buffer_printf(ret, "  %-24s %-13s %9s  %-11s %-8s %s\n", "process", "stage", "calls", "   work",
                  " share", "  a call");
    for (size_t i = 0; sorted[i]; i++) {
        double work = number(sorted[i], "work"), loops = number(sorted[i], "loops");
        put_row(text(sorted[i], "process"), text(sorted[i], "stage"), count(sorted[i], "calls"),
                work, all, ret);
        double inside = work - (number(sorted[i], "seconds") - loops);
        if (loops > 0 && work > 0)
            buffer_printf(ret, "  %.0f %% in parallel loops", inside / work * 100);
        buffer_printf(ret, "\n");
    }
    free(sorted);
}

static void put_stages(const json_t *profile, struct buffer *ret)
{
    size_t i;
    json_t *stage;
    double all = number(profile, "seconds"), stages = 0;
    json_array_foreach(json_object_get(profile, "stages"), i, stage)
    {
        double seconds = number(stage, "seconds"), work = number(stage, "work");
        put_row("all", text(stage, "stage"), count(stage, "runs"), seconds, all, ret);
        if (seconds > 0)
            buffer_printf(ret, "  %.2f at a time", work / seconds);
        buffer_printf(ret, "\n");
        stages += seconds;
    }
    int64_t n = count(profile, "members");
    double outputs = number(profile, "outputs"), rest = all - stages - outputs;
    put_row("outputs", "", n, outputs, all, ret);
    buffer_printf(ret, "\n");
    put_row("the time loop", "", n, rest > 0 ? rest : 0, all, ret);
    buffer_printf(ret, "\n");
}

/* ---- what follows ---- */

static const json_t *longest_stage(const json_t *profile)
{
    const json_t *longest = NULL;
    const json_t *stages = json_object_get(profile, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *stage = json_array_get(stages, i);
        if (!longest || number(stage, "work") > number(longest, "work"))
            longest = stage;
    }
    return longest;
}

static const json_t *heaviest(const json_t *profile, const char *stage)
{
    const json_t *found = NULL, *rows = json_object_get(profile, "processes");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!strcmp(text(row, "stage"), stage) &&
            (!found || number(row, "work") > number(found, "work")))
            found = row;
    }
    return found;
}

/* By loops inside the process that takes the most. */
static void advise_loops(const json_t *profile, const json_t *stage, struct buffer *ret)
{
    const json_t *row = heaviest(profile, text(stage, "stage"));
    double work = number(row, "work"), all = number(stage, "work");
    if (!row || work < all / 4)
        return;
    double outside = number(row, "seconds") - number(row, "loops");
    buffer_printf(ret, "'%s' is %.0f %% of it", text(row, "process"), work / all * 100);
    if (number(row, "loops") > 0)
        buffer_printf(ret, ", of which %.0f %% is outside of its parallel loops",
                      outside / work * 100);
    else
        buffer_printf(ret, ": parallel loops inside it (simlab_parallel_for) can share that out");
    buffer_printf(ret, ".\n");
}

static void advise(const json_t *profile, struct buffer *ret)
{
    const json_t *stage = longest_stage(profile);
    double work = number(stage, "work"), path = number(stage, "longest_path");
    double least = number(stage, "longest_path_without_loops");
    int64_t runs = count(stage, "runs");
    if (!stage || !(work > 0) || runs == 0)
        return;
    const char *name = text(stage, "stage");
    if (work / (double)runs < WORTH_SECONDS) {
        buffer_printf(
            ret,
            "A %s takes %.1f us: too short to be shared out by several threads; members of "
            "a batch run in parallel.\n",
            name, work / (double)runs * 1e6);
        return;
    }
    if (path > work * 0.99)
        buffer_printf(ret, "Processes of %s wait for each other: side by side they gain nothing",
                      name);
    else
        buffer_printf(
            ret,
            "Side by side the processes of %s can be %.2f times faster at most: the longest "
            "path through the graph takes %.0f %% of the work",
            name, path > 0 ? work / path : 1, path / work * 100);
    if (least < path * 0.99)
        buffer_printf(
            ret, "; with parallel loops shared out without end it would be %.0f %% of the work",
            least / work * 100);
    if (count(profile, "lanes") > 1)
        buffer_printf(ret, ". On %" PRId64 " lanes it was %.2f times", count(profile, "lanes"),
                      number(stage, "seconds") > 0 ? work / number(stage, "seconds") : 1);
    buffer_printf(ret, ".\n");
    if (least > work / 2)
        advise_loops(profile, stage, ret);
}

void profile_report_text(const json_t *profile, struct buffer *ret)
{
    int64_t n = count(profile, "members"), lanes = count(profile, "lanes");
    buffer_printf(ret, "%" PRId64 " %s, %" PRId64 " %s: ", n, n == 1 ? "member" : "members", lanes,
                  lanes == 1 ? "lane" : "lanes");
    put_time(number(profile, "seconds"), ret);
    buffer_printf(ret, "\n");
    put_stages(profile, ret);
    put_rows(profile, ret);
    advise(profile, ret);
}

/* ---- the graph ---- */

/* Process names are identifiers. {process: seconds of all its stages}, in the model's order. */
static json_t *work_by_process(const json_t *profile, const struct model *model)
{
    const json_t *rows = json_object_get(profile, "processes");
    json_t *work = json_object();
    for (int i = 0; i < model->n_processes; i++)
        json_object_set_new(work, model->processes[i].name, json_real(0));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *sum = json_object_get(work, text(row, "process"));
        if (sum)
            json_real_set(sum, json_real_value(sum) + number(row, "work"));
    }
    return work;
}

void profile_report_graph(const json_t *profile, const struct model *model, struct buffer *ret)
{
    double all = sum_of(json_object_get(profile, "processes"), "work");
    json_t *work = work_by_process(profile, model), *seconds;
    const char *name;
    buffer_printf(ret, "digraph model {\n  rankdir=LR;\n  node [shape=box, style=filled];\n");
    json_object_foreach(work, name, seconds)
    {
        /* From white to red. */
        double share = all > 0 ? json_real_value(seconds) / all : 0;
        buffer_printf(ret, "  \"%s\" [fillcolor=\"0.02 %.3f 1.000\", label=\"%s\\n%.1f %%\"];\n",
                      name, share < 1 ? share : 1, name, share * 100);
    }
    for (int i = 0; i < model->n_processes; i++)
        for (int k = 0; k < model->processes[i].n_before; k++)
            buffer_printf(ret, "  \"%s\" -> \"%s\";\n",
                          model->processes[model->processes[i].before[k]].name,
                          model->processes[i].name);
    buffer_printf(ret, "}\n");
    json_decref(work);
}
