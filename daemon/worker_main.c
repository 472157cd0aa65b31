/* SPDX-License-Identifier: Apache-2.0 */
/* simlab-worker: serve | run JOB | plan JOB | describe LIBRARY | plot STORE VARIABLE |
 * replay STORE. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/clean_room.h"
#include "worker/guard.h"
#include "worker/sandbox.h"
#include "worker/worker.h"
#include "worker_arguments.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is above this process. */
struct above {
    pid_t daemon, guard; /* 0: there is no guard */
    char *directory;     /* that the guard removes; NULL: there is none */
};

/* $TMPDIR, and what is given. */
static void list_writable(const struct worker_arguments *a, const char *tmpdir, const char **ret)
{
    ret[0] = tmpdir;
    memcpy(ret + (tmpdir != NULL), a->writable, sizeof a->writable);
}

static int serve(const struct worker_arguments *a, struct above above)
{
    const char *writable[WORKER_DIRECTORIES + 2];
    if (!a->endpoint || !a->name || !a->libraries || a->operand)
        return worker_usage(stderr);
    list_writable(a, getenv("TMPDIR"), writable);
    struct worker_serve_options o = {.endpoint = a->endpoint,
                                     .name = a->name,
                                     .libraries = a->libraries,
                                     .uploads = a->uploads,
                                     .where = a->where,
                                     .secret = a->secret,
                                     .guard = above.guard,
                                     .daemon = above.daemon,
                                     .sandbox = a->sandbox,
                                     .state = a->state,
                                     .writable = a->n_writable ? writable : NULL,
                                     .renew_members = a->renew_members,
                                     .renew_memory = a->renew_memory,
                                     .memory = a->memory,
                                     .group = a->group};
    return worker_serve(&o);
}

static int run(const struct worker_arguments *a)
{
    if (!a->operand || !a->store)
        return worker_usage(stderr);
    char *python = worker_python_directory();
    struct worker_run_options o = {.job = a->operand,
                                   .store = a->store,
                                   .libraries = (const char *const *)a->directories,
                                   .modules = a->modules,
                                   .model = a->model,
                                   .python = python,
                                   .debug = a->debug,
                                   .profile = a->profile,
                                   .resume = a->resume,
                                   .trace = a->trace,
                                   .graph = a->graph};
    int status = worker_run(&o);
    free(python);
    return status;
}

static int plan(const struct worker_arguments *a)
{
    const char *writable[WORKER_DIRECTORIES + 2];
    if (!a->operand || !a->pins != !a->libraries)
        return worker_usage(stderr);
    list_writable(a, getenv("TMPDIR"), writable);
    char *python = worker_python_directory();
    struct worker_plan_options o = {.job = a->operand,
                                    .limit = a->limit,
                                    .libraries = (const char *const *)a->directories,
                                    .modules = a->modules,
                                    .model = a->model,
                                    .python = python,
                                    .copies = a->libraries,
                                    .pins = a->pins,
                                    .uploads = a->uploads,
                                    .from = a->from,
                                    .sandbox = a->sandbox,
                                    .state = a->state,
                                    .writable = a->state ? writable : NULL};
    int status = worker_plan(&o);
    free(python);
    return status;
}

/* It runs the library: what it prints is all that is asked of it. */
static int describe(const struct worker_arguments *a, struct above above)
{
    struct sandbox s;
    if (!a->operand)
        return worker_usage(stderr);
    char *libraries = a->state ? file_join(a->state, "libraries") : NULL;
    char *modules = a->state ? file_join(a->state, "modules") : NULL;
    const char *const readable[] = {libraries, modules, NULL};
    const char *writable[WORKER_DIRECTORIES + 2];
    list_writable(a, above.directory, writable);
    const struct sandbox_places places = {a->state, readable, writable};
    struct error e = {.message = ""};
    int r = sandbox_begin(a->sandbox, &places, &s, &e);
    if (r == 0)
        r = sandbox_enter(&s, above.daemon, above.guard, &e);
    sandbox_clear(&s);
    free(libraries);
    free(modules);
    if (r < 0) {
        log_error("%s", e.message);
        return WORKER_EXIT_USAGE;
    }
    return worker_describe(a->operand, a->configuration);
}

static int act(const char *role, const struct worker_arguments *a, struct above above)
{
    if (!strcmp(role, "run"))
        return run(a);
    if (!strcmp(role, "plan"))
        return plan(a);
    if (!strcmp(role, "serve"))
        return serve(a, above);
    if (!strcmp(role, "describe"))
        return describe(a, above);
    if (!strcmp(role, "replay") && a->operand)
        return worker_replay(a->operand, a->output);
    return worker_usage(stderr);
}

/* ---- what user code finds ---- */

static void on_write_fault(int signal)
{
    (void)signal;
}

/* A library that writes to a pipe whose reader is gone, or beyond a limit, gets an error. A handler
 * rather than SIG_IGN: programs that it starts get the default again. */
static void survive_writes(void)
{
    struct sigaction action = {.sa_handler = on_write_fault, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* Where memory is short, the kernel is to choose us rather than the daemon. Nobody needs a right to
 * raise it. */
static void offer_to_oom_killer(void)
{
    enum { MORE = 500, MOST = 1000 };
    FILE *f = fopen("/proc/self/oom_score_adj", "r+e");
    int now;
    if (!f)
        return;
    if (fscanf(f, "%d", &now) == 1) {
        rewind(f);
        fprintf(f, "%d", now + MORE < MOST ? now + MORE : MOST);
    }
    fclose(f);
}

/* For a daemon: nothing is to be left of it when it ends. */
static struct above prepare_guarded(bool has_directory, const char *group)
{
    struct above above = {.daemon = getppid()};
    if (has_directory && clean_room_make_directory(&above.directory, NULL) == 0)
        setenv("TMPDIR", above.directory, 1);
    int r = guard_start(above.directory, group);
    if (r < 0)
        log_warning("cannot start a guard: %s", strerror(-r));
    offer_to_oom_killer();
    above.guard = r < 0 ? 0 : getppid();
    return above;
}

/* ---- */

int main(int argc, char **argv)
{
    file_open_standard();
    survive_writes();
    log_open("simlab-worker", LOG_LEVEL_INFO);
    const char *role = argc > 1 ? argv[1] : "";
    bool is_plot = !strcmp(role, "plot");
    if (!strcmp(role, "--help") || !strcmp(role, "help") ||
        (argc > 2 && !is_plot && !strcmp(argv[2], "--help")))
        return worker_usage(stdout);
    if (!strcmp(role, "--version"))
        return puts("simlab-worker " SIMLAB_VERSION) < 0;
    bool describes = !strcmp(role, "describe");
    if (is_plot)
        return worker_plot(argc - 1, argv + 1);
    if (!strcmp(role, "verify"))
        return argc == 4 ? worker_verify(argv[2], argv[3]) : worker_usage(stderr);
    struct worker_arguments a = {
        .where = -1, .secret = -1, .sandbox = describes ? SANDBOX_AUTO : SANDBOX_OFF, .limit = 60};
    bool parsed = argc >= 2 && worker_arguments_parse(argc - 1, argv + 1, &a);
    struct above above = {0};
    if (parsed && (describes || !strcmp(role, "serve")))
        above = prepare_guarded(describes, a.group);
    int status = parsed ? act(role, &a, above) : worker_usage(stderr);
    worker_arguments_clear(&a);
    free(above.directory);
    return status;
}
