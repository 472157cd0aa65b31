/* SPDX-License-Identifier: Apache-2.0 */
/* What running a task costs under processes, by how much state the workers share: 64 processes,
 * each of which adds one to the first element of its value in each step, and one behind them that
 * finds all steps in all values when it is finalized, whoever ran them. usage: state MB WORKERS NS:
 * prints a line of JSON. NS: the length of a task. Of the steps once each worker has touched what
 * it needs: ns a task (median of spans of steps), and minor faults of all workers together. And by
 * how many bytes their private memory has grown since before the state was filled: whoever copied a
 * state would have pages of its own for it. */
#include "bench/graphs.h"
#include "bench/workers.h"

#include "base/buffer.h"
#include "base/json.h"
#include "stage/simulation.h"

#include <stdio.h>
#include <string.h>

enum { PARTS = 64, TASKS = PARTS + 1, SPAN = 1000, WARM = 4, SPANS = 41 };
enum { STEPS = (WARM + SPANS) * SPAN };

static int64_t n_elements; /* of each value */
static int64_t task_ns;
static double ends[WARM + SPANS];

/* ---- the model ---- */

enum { U };
static const struct simlab_variable part_rows[] = {
    [U] = {.name = "u", .intent = SIMLAB_OUT, .dims = "x", .groups = "parts"}};
static const struct simlab_variable all_rows[] = {
    {.name = "parts", .kind = SIMLAB_GROUP, .group = "parts"}};

static int fill(simlab_context *c)
{
    double *u = simlab_f8_1d(c, U, n_elements);
    for (int64_t i = 1; i < n_elements; i++)
        u[i] = (double)i;
    return 0;
}

static int add(simlab_context *c)
{
    graph_spin(task_ns);
    simlab_f8_mut(c, U, n_elements)[0] += 1;
    return 0;
}

static int nothing(simlab_context *c)
{
    (void)c;
    return 0;
}

static int look(simlab_context *c)
{
    for (int64_t i = 0; i < PARTS; i++) {
        const double *u = simlab_group_view(c, 0, i)->data;
        if (u[0] != STEPS || u[n_elements - 1] != (double)(n_elements - 1))
            return simlab_fail(c, "value %lld has %g steps", (long long)i, u[0]);
    }
    return 0;
}

static const struct simlab_process Part = {
    .name = "Part", SIMLAB_VARIABLES(part_rows), .initialize = fill, .run_step = add};
static const struct simlab_process All = {
    .name = "All", SIMLAB_VARIABLES(all_rows), .run_step = nothing, .finalize = look};
static const struct stage_code part_code = {.process = &Part, .keeps_floating = true},
                               all_code = {.process = &All, .keeps_floating = true};

static const char library[] =
    "{\"abi\": 1, \"library\": \"t\", \"path\": \"t.so\", \"hash\": \"0\", \"types\": ["
    "{\"name\": \"Part\", \"stages\": [\"initialize\", \"run_step\"], \"variables\": [{\"name\": "
    "\"u\", \"kind\": \"variable\", \"intent\": \"out\", \"dims\": \"x\", \"groups\": \"parts\"}]},"
    "{\"name\": \"All\", \"stages\": [\"run_step\", \"finalize\"], \"variables\": [{\"name\": "
    "\"parts\", \"kind\": \"group\", \"group\": \"parts\"}]}]}";

static struct job *make_job(struct registry *registry)
{
    struct buffer b = {0};
    struct job *job;
    struct error e;
    buffer_text(&b, "{\"model\": {\"processes\": {");
    for (int i = 0; i < PARTS; i++)
        buffer_printf(&b, "\"p%d\": \"t.Part\", ", i);
    buffer_printf(&b,
                  "\"all\": \"t.All\"}}, \"clocks\": {\"time\": {\"data\": {\"arange\": [0, %d, "
                  "1]}}}, \"main_clock\": \"time\", \"inputs\": {}, \"outputs\": {}}",
                  STEPS + 1);
    json_t *document = json_read(b.data, b.size, &e);
    mem_assert(document && job_new(registry, document, NULL, &job, &e) == 0);
    json_decref(document);
    buffer_free(&b);
    return job;
}

/* ---- what is counted ---- */

struct workers {
    pid_t pids[REST_MOST]; /* ours is the last */
    int n;
    long faults, bytes; /* as they were */
};

static long faults_of(pid_t pid)
{
    char path[64];
    long faults = -1;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    mem_assert(file && fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %ld", &faults) == 1);
    fclose(file);
    return faults;
}

static long private_bytes_of(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    mem_assert(file);
    while (fgets(line, sizeof line, file) && sscanf(line, "RssAnon: %ld", &kib) != 1)
        continue;
    fclose(file);
    return kib * 1024;
}

static long sum(const struct workers *w, long (*of)(pid_t pid))
{
    long all = 0;
    for (int i = 0; i < w->n; i++)
        all += of(w->pids[i]);
    return all;
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct workers *w = userdata;
    (void)member;
    if ((step + 1) % SPAN)
        return 0;
    if (step + 1 == WARM * SPAN)
        w->faults = sum(w, faults_of);
    if (step + 1 == STEPS)
        w->faults = sum(w, faults_of) - w->faults;
    ends[step / SPAN] = graph_now();
    return 0;
}

/* ---- the run ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_spans(void)
{
    double took[SPANS];
    for (int i = 0; i < SPANS; i++)
        took[i] = (ends[WARM + i] - ends[WARM + i - 1]) / SPAN / TASKS;
    qsort(took, SPANS, sizeof *took, compare);
    return took[SPANS / 2];
}

static void measure(const struct job *job, int n_workers)
{
    const struct stage_options options = {.scheduler = "processes", .threads = n_workers};
    const struct stage_code *codes[TASKS];
    struct workers w = {.n = 0};
    struct simulation *s;
    struct error e;
    for (int i = 0; i < TASKS; i++)
        codes[i] = strcmp(job->model->processes[i].name, "all") ? &part_code : &all_code;
    mem_assert(simulation_new(job, codes, NULL, &options, &s, &e) == 0);
    w.n = workers_begin(s, job, codes, w.pids);
    w.pids[w.n++] = getpid();
    w.bytes = sum(&w, private_bytes_of);
    const struct stage_events events = {.step = on_step, .userdata = &w};
    if (simulation_run(s, 0, &events, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(1);
    }
    w.bytes = sum(&w, private_bytes_of) - w.bytes;
    printf("{\"ns\": %.2f, \"faults\": %ld, \"private\": %ld}\n", median_of_spans(), w.faults,
           w.bytes);
    simulation_free(s);
}

int main(int argc, char **argv)
{
    struct error e;
    if (argc < 4)
        return 2;
    n_elements = atoll(argv[1]) * 1000000 / PARTS / (int64_t)sizeof(double);
    struct registry *registry = registry_new();
    json_t *document = json_read(library, strlen(library), &e);
    mem_assert(document && registry_add(registry, document, &e) == 0);
    task_ns = atoll(argv[3]);
    registry_finish(registry);
    json_decref(document);
    struct job *job = make_job(registry);
    measure(job, atoi(argv[2]));
    job_free(job);
    registry_unref(registry);
    return 0;
}
