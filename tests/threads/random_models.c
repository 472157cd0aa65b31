/* SPDX-License-Identifier: Apache-2.0 */
/* Random models under serial, threads 1, 2, 4, 8, processes 1 to 4 and auto, and from a state that
 * was saved after any step: the same outputs to the last bit, the same lines, the same errors.
 *
 * usage: random_models [COUNT [FIRST]]: models FIRST, FIRST + 1, …
 *        random_models --job NUMBER: prints a job, for build/random/random.so as the library t */
#include "random_models/document.h"
#include "random_models/draw.h"
#include "random_models/plans.h"
#include "random_models/resumed.h"
#include "random_models/runs.h"
#include "random_models/stages.h"
#include "random_models/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(int number, const struct job *job)
{
    static const struct stage_options others[] = {
        {.scheduler = "threads", .threads = 1},   {.scheduler = "threads", .threads = 2},
        {.scheduler = "threads", .threads = 4},   {.scheduler = "threads", .threads = 8},
        {.scheduler = "processes", .threads = 1}, {.scheduler = "processes", .threads = 2},
        {.scheduler = "processes", .threads = 3}, {.scheduler = "processes", .threads = 4},
        {.scheduler = "auto", .threads = 2},      {.scheduler = "auto", .threads = 8}};
    const struct stage_options serial = {.scheduler = "serial", .threads = 1};
    char *right = runs_all(job, &serial);
    bool same = true;
    for (size_t i = 0; i < sizeof others / sizeof *others && same; i++) {
        char *now = runs_all(job, &others[i]);
        same = strcmp(now, right) == 0;
        if (!same) {
            fprintf(stderr, "model %d, %s, %d threads:\n", number, others[i].scheduler,
                    others[i].threads);
            runs_show_difference(right, now);
        }
        free(now);
    }
    if (getenv("SHOW"))
        fputs(right, stdout);
    free(right);
    return same;
}

static bool try(int number, bool *ret_built)
{
    struct error e = {.message = ""};
    struct job *job = NULL;
    struct registry *registry = registry_new();
    draw_model(number);
    drawn.failing_member = 1;
    types_make();
    json_t *document = document_types();
    if (registry_add(registry, document, &e)) {
        fprintf(stderr, "model %d: %s: %s\n", number, e.pointer, e.message);
        exit(1);
    }
    json_decref(document);
    registry_finish(registry);
    document = document_job(false);
    int r = job_new(registry, document, NULL, &job, &e);
    *ret_built = r == 0;
    if (r && getenv("SHOW"))
        fprintf(stderr, "model %d: %s: %s\n", number, e.pointer, e.message);
    bool same =
        r || (plans_are_whole(number, job) && is_same(number, job) && resumed_is_same(number, job));
    if (stages_overlaps()) {
        fprintf(stderr, "model %d: calls into a library that is not thread-safe overlapped\n",
                number);
        same = false;
    }
    json_decref(document);
    job_free(job);
    registry_unref(registry);
    return same;
}

static int print_job(int number)
{
    draw_model(number);
    types_make();
    json_t *job = document_job(true);
    json_dumpf(job, stdout, JSON_COMPACT);
    json_decref(job);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--job"))
        return print_job(atoi(argv[2]));
    int count = argc > 1 ? atoi(argv[1]) : 30, first = argc > 2 ? atoi(argv[2]) : 1, failed = 0;
    int n_built = 0;
    runs_watch_helpers();
    for (int i = 0; i < count; i++) {
        bool built;
        failed += !try(first + i, &built);
        n_built += built;
    }
    failed += n_built < count * 9 / 10;
    failed += runs_helped() == 0;
    failed += count >= 30 && resumed_runs() == 0;
    printf("%d of %d models could be built\n", n_built, count);
    printf("helpers were handed tasks %llu times\n", (unsigned long long)runs_helped());
    printf("%d runs went on from a saved state\n", resumed_runs());
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed != 0;
}
