/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "worker/clean_room.h"
#include "worker/run_parts.h"
#include "worker/run_python.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DOCUMENT_MAX ((size_t)1 << 30)

static int read_document(struct run *run, const char *path, struct error *e)
{
    bool is_stdin = !strcmp(path, "-");
    const char *slash = strrchr(path, '/');
    char *directory = slash && !is_stdin ? strndup(path, (size_t)(slash - path)) : mem_strdup(".");
    run->job_directory = file_absolute(*directory ? directory : "/");
    run->child.job_directory = run->job_directory;
    free(directory);
    int r = file_read(is_stdin ? "/dev/stdin" : path, DOCUMENT_MAX, &run->text);
    if (r < 0)
        return error_set(e, r, NULL, "refused: cannot read the job %s: %s", path, strerror(-r));
    run->child.text = run->text.data ? run->text.data : "";
    run->child.text_size = run->text.size;
    return 0;
}

/* FILE.py:NAME. The file's own name is the library's. */
static int read_model(struct run *run, char **ret_file, struct error *e)
{
    const char *given = run->options.model, *colon = strrchr(given, ':');
    const char *slash = strrchr(given, '/');
    size_t n = colon ? (size_t)(colon - given) : 0;
    const char *base = slash && slash < colon ? slash + 1 : given;
    if (n < 4 || memcmp(given + n - 3, ".py", 3) != 0 || !colon[1])
        return error_set(e, -EINVAL, NULL,
                         "refused: the model %s should be FILE.py:NAME, the file and the name of "
                         "the model in it",
                         given);
    *ret_file = strndup(given, n);
    free(run->model_library);
    run->model_library = strndup(base, (size_t)(colon - 3 - base));
    run->child.model = (struct local_model){run->model_library, colon + 1};
    return 0;
}

/* Those that are given are found before others of their name. */
static int add_modules(struct run *run, struct error *e)
{
    const char *const *given = run->options.libraries;
    char *file = NULL;
    size_t n = 0;
    if (!*run->options.modules && !run->options.model)
        return 0;
    int r = run->options.model ? read_model(run, &file, e) : 0;
    if (r == 0)
        r = run_python_make(run->options.python, run->child.text, run->child.text_size,
                            run->options.modules, file, &run->modules, e);
    free(file);
    if (r < 0)
        return r;
    while (given[n])
        n++;
    run->libraries = mem_array(n + 2, sizeof *run->libraries);
    run->libraries[0] = run->modules;
    memcpy(run->libraries + 1, given, (n + 1) * sizeof *given);
    run->options.libraries = run->libraries;
    return 0;
}

/* A file that only the where page is in, and a directory for the members. */
static int make_places(struct run *run, struct error *e)
{
    int r = clean_room_make_directory(&run->members, e);
    if (r < 0)
        return r;
    run->where_path = mem_printf("%s.where", run->members);
    run->child.members = run->members;
    run->child.facts = mmap(NULL, sizeof *run->child.facts, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->child.facts == MAP_FAILED) {
        run->child.facts = NULL;
        return error_explain(e, -ENOMEM, "start a process");
    }
    return 0;
}

static int hold_signals(struct run *run, struct error *e)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigaddset(&ends, SIGQUIT);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &run->mask);
    run->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    return error_explain(e, run->signals < 0 ? -errno : 0, "wait for signals");
}

void run_init(struct run *run, const struct worker_run_options *o)
{
    *run = (struct run){.options = *o,
                        .signals = -1,
                        .channel.fd = -1,
                        .child = {.where = -1, .plan = -1, .ledger.suspect = -1},
                        .helpers.share = -1,
                        .journal.fd = -1};
    run->store = file_absolute(o->store);
    run->options.store = run->store;
    run->child.options = &run->options;
}

int run_setup_read(struct run *run, const char *path, struct error *e)
{
    int r = read_document(run, path, e);
    return r < 0 ? r : add_modules(run, e);
}

/* Of the store: nobody else's, on any host. */
static void set_owner(struct run *run)
{
    uint64_t random[2] = {(uint64_t)getpid(), (uint64_t)loop_now()};
    if (getrandom(random, sizeof random, 0) < 0)
        log_debug("getrandom: %s", strerror(errno));
    snprintf(run->identity.owner, sizeof run->identity.owner,
             "simlab-worker %016" PRIx64 "%016" PRIx64 " run\n", random[0], random[1]);
    run->child.identity = &run->identity;
}

/* What the document does not say is how it is run. */
static void identify(struct run *run)
{
    struct hash *h = hash_new();
    hash_add(h, run->options.debug ? "debug" : "plain", 5);
    hash_add(h, run->child.text, run->child.text_size);
    if (run->options.model)
        hash_add(h, run->child.model.name, strlen(run->child.model.name) + 1);
    hash_end(h, run->identity.job);
    hash_free(h);
}

int run_setup_open(struct run *run, struct error *e)
{
    set_owner(run);
    identify(run);
    int r = make_places(run, e);
    return r < 0 ? r : hold_signals(run, e);
}

void run_setup_clear(struct run *run)
{
    run_helpers_clear(&run->helpers);
    if (run->members)
        file_remove_tree(run->members);
    if (run->modules)
        file_remove_tree(run->modules);
    if (run->where_path)
        unlink(run->where_path);
    if (run->child.where >= 0)
        close(run->child.where);
    if (run->child.plan >= 0)
        close(run->child.plan);
    if (run->child.facts)
        munmap(run->child.facts, sizeof *run->child.facts);
    run_ledger_clear(&run->child.ledger);
    run_journal_close(&run->journal);
    buffer_free(&run->text);
    free(run->store);
    free(run->job_directory);
    free(run->members);
    free(run->where_path);
    free(run->layout);
    free(run->modules);
    free(run->model_library);
    free(run->trace);
    free(run->graph);
    free(run->libraries);
}
