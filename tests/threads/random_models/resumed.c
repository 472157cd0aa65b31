/* SPDX-License-Identifier: Apache-2.0 */
#include "resumed.h"

#include "base/mem.h"
#include "draw.h"
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_resumed;

int resumed_runs(void)
{
    return n_resumed;
}

/* A run that is stopped after a step, where it is saved. */
struct stop {
    struct seen seen; /* first: runs_on_output and runs_on_log see this */
    struct simulation *s;
    int64_t after;
    void *saved; /* NULL: not yet */
    size_t n;
};

static int on_step_to_stop(void *userdata, int64_t member, int64_t step)
{
    struct stop *stop = userdata;
    struct error e = {.message = ""};
    runs_on_step(&stop->seen, member, step);
    if (step != stop->after)
        return 0;
    if (simulation_save_instances(stop->s, &e)) {
        fprintf(stderr, "it cannot be saved: %s\n", e.message);
        exit(1);
    }
    stop->n = simulation_saved_bytes(stop->s);
    stop->saved = mem_new(stop->n);
    simulation_save(stop->s, stop->saved);
    buffer_printf(&stop->seen.bytes, "%c", '\0'); /* what comes now is nobody's */
    return -ECANCELED;
}

/* What is seen of a member that another simulation goes on with after this step; -1: nobody does.
 */
static char *run_in_two(const struct job *job, const struct stage_options *options, int64_t member,
                        int64_t after)
{
    struct stop stop = {
        .seen = {.job = job}, .after = after, .s = runs_new_simulation(job, options)};
    struct stage_events events = {
        .output = runs_on_output, .log = runs_on_log, .step = on_step_to_stop, .userdata = &stop};
    struct error e = {.message = ""};
    int r = simulation_run(stop.s, member, &events, &e);
    runs_free_simulation(stop.s);
    struct seen seen = {.job = job};
    char *before = NULL;
    if (stop.saved) {
        before = buffer_take(&stop.seen.bytes);
        buffer_printf(&seen.bytes, "%s", before);
        const struct stage_start start = {.saved = stop.saved, .n = stop.n};
        stop.s = runs_new_simulation(job, options);
        events.step = runs_on_step;
        events.userdata = &seen;
        error_clear(&e);
        r = simulation_resume(stop.s, member, &start, &events, &e);
        runs_free_simulation(stop.s);
        n_resumed++;
    } else {
        seen.bytes = stop.seen.bytes;
    }
    buffer_printf(&seen.bytes, "%lld ended %d %s\n", (long long)member, r, e.message);
    free(stop.saved);
    free(before);
    return buffer_take(&seen.bytes);
}

bool resumed_is_same(int number, const struct job *job)
{
    static const struct stage_options options[] = {{.scheduler = "serial", .threads = 1},
                                                   {.scheduler = "threads", .threads = 2},
                                                   {.scheduler = "processes", .threads = 2}};
    bool same = true;
    for (int64_t member = 0; member < MEMBERS && same; member++) {
        char *right = run_in_two(job, &options[0], member, -1);
        for (size_t i = 0; i < sizeof options / sizeof *options && same; i++) {
            int64_t after = draw_below(STEPS);
            char *now = run_in_two(job, &options[i], member, after);
            same = strcmp(now, right) == 0;
            if (!same) {
                fprintf(stderr, "model %d, %s, saved after step %lld:\n", number,
                        options[i].scheduler, (long long)after);
                runs_show_difference(right, now);
            }
            free(now);
        }
        free(right);
    }
    return same;
}
