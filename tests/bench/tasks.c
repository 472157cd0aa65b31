/* SPDX-License-Identifier: Apache-2.0 */
/* What running a task costs, on the graphs of graphs.h: a plain loop; threads that share it by a
 * counter (where tasks have no order); the pool of threads by itself; a simulation under serial,
 * threads with one and with several, processes, auto; OpenMP's tasks. usage: tasks GRAPH THREADS
 * ROUNDS NS: prints a line of JSON: column → ns a task, median of the rounds, in which the columns
 * take turns. NS: the length of a task. tasks GRAPH: prints the graph,
 * [[before…], …]. */
#include "bench/graphs.h"
#include "bench/shared.h"
#include "bench/workers.h"

#include "base/buffer.h"
#include "base/json.h"
#include "stage/simulation.h"
#include "stage/task_pool.h"

#include <omp.h>

enum { ROUNDS_MOST = 101, LEARNED = 40 /* steps that auto needs, about */ };

static struct graph graph;
static int64_t task_ns;
static int steps;

/* ---- a plain loop over pointers ---- */

static void do_task(void)
{
    graph_spin(task_ns);
}
static void (*volatile functions[GRAPH_MOST_TASKS])(void);

static void call_function(int i)
{
    functions[i]();
}

static void run_plain(void)
{
    for (int s = 0; s < steps; s++)
        for (int i = 0; i < graph.n; i++)
            functions[i]();
}

/* ---- OpenMP ---- */

static void run_openmp(int n_threads)
{
    __attribute__((unused)) static char flags[GRAPH_MOST_TASKS]; /* their addresses alone */
#pragma omp parallel num_threads(n_threads)
#pragma omp single
    for (int s = 0; s < steps; s++) {
        for (int t = 0; t < graph.n; t++) {
            int n = graph.n_before[t];
            const int *before = graph.before[t];
            if (n == 0) {
#pragma omp task depend(out : flags[t])
                functions[t]();
            } else {
#pragma omp task depend(iterator(int i = 0 : n), in : flags[before[i]]) depend(out : flags[t])
                functions[t]();
            }
        }
#pragma omp taskwait
    }
}

/* ---- a simulation ---- */

static int run_step(simlab_context *c)
{
    (void)c;
    graph_spin(task_ns);
    return 0;
}
static const struct simlab_process Empty = {.name = "Empty", .run_step = run_step};
/* What loading it as a library would find (worker/floating_code.h). */
static const struct stage_code code = {.process = &Empty, .keeps_floating = true};
static const char library[] =
    "{\"abi\": 1, \"library\": \"t\", \"path\": \"t.so\", \"hash\": \"0\", \"types\": [{\"name\": "
    "\"Empty\", \"stages\": [\"run_step\"], \"variables\": []}]}";

static json_t *make_job(void)
{
    struct buffer b = {0};
    struct error e;
    buffer_text(&b, "{\"model\": {\"processes\": {");
    for (int i = 0; i < graph.n; i++)
        buffer_printf(&b, "%s\"p%d\": \"t.Empty\"", i ? ", " : "", i);
    buffer_text(&b, "}, \"after\": {");
    for (int i = 0, first = 1; i < graph.n; i++) {
        if (graph.n_before[i] == 0)
            continue;
        buffer_printf(&b, "%s\"p%d\": [", first ? "" : ", ", i);
        first = 0;
        for (int k = 0; k < graph.n_before[i]; k++)
            buffer_printf(&b, "%s\"p%d\"", k ? ", " : "", graph.before[i][k]);
        buffer_text(&b, "]");
    }
    buffer_printf(&b,
                  "}}, \"clocks\": {\"time\": {\"data\": {\"arange\": [0, %d, 1]}}}, "
                  "\"main_clock\": \"time\", \"inputs\": {}, \"outputs\": {}}",
                  steps + 1);
    json_t *job = json_read(b.data, b.size, &e);
    buffer_free(&b);
    mem_assert(job);
    return job;
}

static struct simulation *open_simulation(const struct job *job, const char *scheduler, int threads)
{
    struct error e;
    struct simulation *s;
    const struct stage_code **codes = mem_array((size_t)graph.n, sizeof *codes);
    const struct stage_options options = {.scheduler = scheduler, .threads = threads};
    for (int i = 0; i < graph.n; i++)
        codes[i] = &code;
    mem_assert(simulation_new(job, codes, NULL, &options, &s, &e) == 0);
    free(codes);
    return s;
}

static void begin_helpers(const struct simulation *s, const struct job *job)
{
    const struct stage_code **codes = mem_array((size_t)graph.n, sizeof *codes);
    for (int i = 0; i < graph.n; i++)
        codes[i] = &code;
    workers_begin(s, job, codes, NULL);
    free(codes);
}

static void run_simulation(struct simulation *s)
{
    static const struct stage_events events;
    struct error e;
    mem_assert(simulation_run(s, 0, &events, &e) == 0);
}

/* ---- the pool by itself: on the graph as it is, and with the chains that the plan makes one task
 * of ---- */

static void pool_task(void *userdata, int thread, int task)
{
    (void)userdata, (void)thread;
    functions[task]();
}

static void fused_task(void *userdata, int thread, int task)
{
    (void)thread;
    const struct plan *plan = userdata;
    for (int i = plan->first_call[task]; i < plan->first_call[task + 1]; i++)
        functions[plan->task_calls[i]]();
}

/* Of `graph`, for good: a task each. */
static struct task_graph make_task_graph(void)
{
    size_t n = (size_t)graph.n;
    int *first = mem_array(n + 1, sizeof *first), *roots = mem_array(n, sizeof *roots);
    int *after = mem_array(n * GRAPH_MOST_BEFORE, sizeof *after);
    struct task_graph g = {.n_tasks = graph.n,
                           .n_before = graph.n_before,
                           .first_after = first,
                           .after = after,
                           .roots = roots};
    for (int i = 0; i < graph.n; i++) {
        first[i + 1] = first[i];
        for (int later = i + 1; later < graph.n; later++)
            for (int k = 0; k < graph.n_before[later]; k++)
                if (graph.before[later][k] == i)
                    after[first[i + 1]++] = later;
        if (graph.n_before[i] == 0)
            roots[g.n_roots++] = i;
        g.n_leaves += first[i + 1] == first[i];
    }
    return g;
}

struct bare_pool {
    struct task_pool *pool;
    struct graph_run *run;
};

static struct bare_pool pool_begin(int n_threads, task_pool_fn run, struct plan *plan,
                                   const struct task_graph *g)
{
    struct error e;
    struct bare_pool b;
    const struct task_pool_options options = {
        .n_threads = n_threads, .most_tasks = g->n_tasks, .run = run, .userdata = plan};
    mem_assert(task_pool_new(&options, &b.pool, &e) == 0);
    b.run = task_pool_graph_new(b.pool, g, NULL);
    return b;
}

static void run_pool(struct bare_pool *b)
{
    for (int s = 0; s < steps; s++)
        task_pool_run(b->pool, b->run);
}

/* ---- columns ---- */

struct bench {
    int n_threads;
    struct bare_pool pool, fused;
    struct simulation *serial, *one, *threads, *processes, *automatic;
};

static void plain(struct bench *b)
{
    (void)b;
    run_plain();
}
static void bare_threads(struct bench *b)
{
    (void)b;
    shared_run();
}
static void bare_pool(struct bench *b)
{
    run_pool(&b->pool);
}
static void fused_pool(struct bench *b)
{
    run_pool(&b->fused);
}
static void serial(struct bench *b)
{
    run_simulation(b->serial);
}
static void one_thread(struct bench *b)
{
    run_simulation(b->one);
}
static void threads(struct bench *b)
{
    run_simulation(b->threads);
}
static void processes(struct bench *b)
{
    run_simulation(b->processes);
}
static void automatic(struct bench *b)
{
    run_simulation(b->automatic);
}
static void openmp(struct bench *b)
{
    run_openmp(b->n_threads);
}

static const struct {
    const char *name;
    void (*run)(struct bench *b);
    bool is_unordered; /* for graphs without edges alone */
} columns[] = {{"plain loop", plain, false},    {"bare threads", bare_threads, true},
               {"bare pool", bare_pool, false}, {"chains fused", fused_pool, false},
               {"serial", serial, false},       {"threads (1)", one_thread, false},
               {"threads", threads, false},     {"processes", processes, false},
               {"auto", automatic, false},      {"OpenMP", openmp, false}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static double times[COLUMNS][ROUNDS_MOST];

static bool has_column(int c)
{
    int edges = 0;
    for (int i = 0; i < graph.n; i++)
        edges += graph.n_before[i];
    return edges == 0 || !columns[c].is_unordered;
}

/* ---- rounds ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first rounds are not counted; nor is a column's first run in its turn, before which its other
 * threads slept. */
static void take_turns(struct bench *b, int rounds)
{
    for (int r = -1 - LEARNED / steps; r < rounds; r++)
        for (int c = 0; c < COLUMNS; c++) {
            if (!has_column(c))
                continue;
            columns[c].run(b);
            double began = graph_now();
            columns[c].run(b);
            if (r >= 0)
                times[c][r] = (graph_now() - began) / steps / graph.n;
        }
}

static void measure(int n_threads, int rounds)
{
    struct error e;
    struct registry *registry = registry_new();
    struct job *job;
    json_t *document = json_read(library, strlen(library), &e);
    mem_assert(registry_add(registry, document, &e) == 0);
    registry_finish(registry);
    json_decref(document);
    document = make_job();
    mem_assert(job_new(registry, document, NULL, &job, &e) == 0);
    json_decref(document);
    struct bench b = {.n_threads = n_threads};
    b.processes = open_simulation(job, "processes", n_threads);
    begin_helpers(b.processes, job);
    shared_begin(n_threads, graph.n, steps, call_function);
    b.serial = open_simulation(job, "serial", 1);
    b.one = open_simulation(job, "threads", 1);
    b.threads = open_simulation(job, "threads", n_threads);
    b.automatic = open_simulation(job, "auto", n_threads);
    struct plan *plan = &b.serial->program->plans[SIMLAB_RUN_STEP];
    const struct task_graph g = make_task_graph();
    b.pool = pool_begin(n_threads, pool_task, NULL, &g);
    b.fused = pool_begin(n_threads, fused_task, plan, &plan->graph);
    take_turns(&b, rounds);
    task_pool_free(b.pool.pool);
    task_pool_free(b.fused.pool);
    simulation_free(b.serial);
    simulation_free(b.one);
    simulation_free(b.threads);
    simulation_free(b.automatic);
    simulation_free(b.processes);
    job_free(job);
    registry_unref(registry);
}

static int print_graph(void)
{
    for (int i = 0; i < graph.n; i++) {
        printf("%s[", i ? ", " : "[");
        for (int k = 0; k < graph.n_before[i]; k++)
            printf("%s%d", k ? ", " : "", graph.before[i][k]);
        printf("]");
    }
    puts("]");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    graph_make(&graph, atoi(argv[1]) % GRAPHS);
    if (argc < 5)
        return print_graph();
    int n_threads = atoi(argv[2]), rounds = atoi(argv[3]);
    task_ns = atoll(argv[4]);
    rounds = rounds > ROUNDS_MOST ? ROUNDS_MOST : rounds;
    steps = (int)(4000000 / (graph.n * (20 + task_ns))) + 1;
    for (int i = 0; i < graph.n; i++)
        functions[i] = do_task;
    measure(n_threads, rounds);
    for (int c = 0; c < COLUMNS; c++) {
        if (!has_column(c))
            continue;
        qsort(times[c], (size_t)rounds, sizeof times[c][0], compare);
        printf("%s\"%s\": %.2f", c ? ", " : "{", columns[c].name,
               times[c][argc > 5 ? 0 : rounds / 2]);
    }
    puts("}");
    return 0;
}
