/* SPDX-License-Identifier: Apache-2.0 */
#include "runs.h"

#include "stage/helper.h"
#include "stages.h"
#include "types.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is seen ---- */

int runs_on_output(void *userdata, int64_t member, int output, int64_t at,
                   const struct simlab_view *view)
{
    struct seen *s = userdata;
    uint64_t h = stages_mix_view(99, view);
    buffer_printf(&s->bytes, "%lld %s[%lld] %016llx\n", (long long)member,
                  s->job->outputs[output].name, (long long)at, (unsigned long long)h);
    return 0;
}
void runs_on_log(void *userdata, int64_t member, const char *line)
{
    struct seen *s = userdata;
    buffer_printf(&s->bytes, "%lld log: %s\n", (long long)member, line);
}
int runs_on_step(void *userdata, int64_t member, int64_t step)
{
    struct seen *s = userdata;
    buffer_printf(&s->bytes, "%lld step %lld\n", (long long)member, (long long)step);
    return 0;
}

/* Another process, which has inherited the state at the very address where it is to map it. */
static _Noreturn void help(const struct job *job, const struct stage_code *const *code_list,
                           const struct simlab_hook *const *hook_list,
                           const struct stage_share *share, int lane)
{
    struct helper *h;
    struct error e = {.message = ""};
    const struct helper_options options = {.share = *share, .lane = lane};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    munmap(share->address, share->size);
    if (helper_new(job, code_list, hook_list, &options, &h, &e)) {
        fprintf(stderr, "helper: %s\n", e.message);
        _exit(1);
    }
    helper_run(h);
    helper_free(h);
    _exit(0);
}

static void begin_helpers(const struct simulation *s, const struct job *job,
                          const struct stage_code *const *code_list,
                          const struct simlab_hook *const *hook_list)
{
    struct stage_share share;
    if (!simulation_share(s, &share))
        return;
    for (int lane = 1; lane < share.n_lanes; lane++)
        if (fork() == 0)
            help(job, code_list, hook_list, &share, lane);
    while (simulation_helpers(s) < share.n_lanes - 1)
        sched_yield();
}

/* What a helper that has died was at is never done: nobody is to wait for it. */
static void judge_helper(int status)
{
    static const char words[] = "a helper has died\n";
    if (status == 0)
        return;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        _exit(2);
    _exit(1);
}

static void on_end_of_helper(int signal_number)
{
    int status, kept = errno;
    (void)signal_number;
    while (waitpid(-1, &status, WNOHANG) > 0)
        judge_helper(status);
    errno = kept;
}

void runs_watch_helpers(void)
{
    const struct sigaction action = {.sa_handler = on_end_of_helper, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
}

static void await_helpers(void)
{
    int status;
    while (wait(&status) > 0)
        judge_helper(status);
}

/* ---- runs ---- */

const struct stage_code *const *runs_codes(const struct job *job)
{
    static struct stage_code codes[MOST_PROCESSES];
    static const struct stage_code *list[MOST_PROCESSES];
    for (int p = 0; p < drawn.n_processes; p++) {
        codes[p] = (struct stage_code){.process = &types[atoi(job->model->processes[p].name + 1)]};
        list[p] = &codes[p];
    }
    return list;
}

struct simulation *runs_new_simulation(const struct job *job, const struct stage_options *options)
{
    static const struct simlab_hook *const hook_list[] = {&types_hooks[0], &types_hooks[1]};
    const struct stage_code *const *code_list = runs_codes(job);
    struct simulation *s;
    struct error e = {.message = ""};
    if (simulation_new(job, code_list, hook_list, options, &s, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(1);
    }
    begin_helpers(s, job, code_list, hook_list);
    return s;
}

void runs_free_simulation(struct simulation *s)
{
    simulation_free(s);
    await_helpers();
}

static uint64_t n_helped;

uint64_t runs_helped(void)
{
    return n_helped;
}

char *runs_all(const struct job *job, const struct stage_options *options)
{
    struct seen seen = {.job = job};
    struct error e = {.message = ""};
    struct simulation *s = runs_new_simulation(job, options);
    const struct stage_events events = {
        .output = runs_on_output, .log = runs_on_log, .step = runs_on_step, .userdata = &seen};
    for (int round = 0; round < 2; round++)
        for (int64_t member = 0; member < MEMBERS; member++) {
            error_clear(&e);
            int r = simulation_run(s, member, &events, &e);
            buffer_printf(&seen.bytes, "%lld ended %d %s\n", (long long)member, r, e.message);
        }
    struct scheduler_statistics statistics;
    s->scheduler->statistics(s->scheduler_state, &statistics);
    n_helped += strcmp(options->scheduler, "processes") ? 0 : statistics.stolen;
    runs_free_simulation(s);
    return buffer_take(&seen.bytes);
}

void runs_show_difference(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    while (a[-1] != '\n')
        a--, b--;
    fprintf(stderr, "  serial:  %.200s\n  threads: %.200s\n", a, b);
}
