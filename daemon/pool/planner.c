/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/planner.h"

#include "base/aside.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 90000, /* its member has 60 s */
    PLAN_BYTES = 4 << 20,
    MOST = 8 /* that wait, or run */
};

struct planner {
    struct aside *aside;                 /* a thread of its own: plans take long */
    char *program, *libraries, *uploads; /* absolute */
    enum sandbox_mode sandbox;
    char *state; /* or NULL */
    const char *const *writable;
    char *directory; /* <scratch>/plans */
    struct plan *plans;
    unsigned n_begun;
};

struct plan {
    struct planner *planner;
    struct plan *next;
    char *directory, *document, *libraries, *from;
    planner_fn done;
    void *userdata;
    int stop; /* an eventfd */
    int result;
    struct buffer text;
    struct error error;
};

/* ---- on its thread ---- */

static int write_file(const char *directory, const char *name, const char *text, char **ret_path)
{
    char *path = file_join(directory, name), *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, text, strlen(text), 0600, FILE_SYNC_NONE);
    free(temporary);
    *ret_path = path;
    return r;
}

static size_t add(const char **argv, size_t n, const char *option, const char *value)
{
    argv[n] = option;
    argv[n + 1] = value;
    return n + 2;
}

static int run(struct plan *plan, const char *document, const char *libraries)
{
    const struct planner *o = plan->planner;
    const char *const fixed[] = {o->program,
                                 "plan",
                                 document,
                                 "--libraries",
                                 o->libraries,
                                 "--pins",
                                 libraries,
                                 "--uploads",
                                 o->uploads,
                                 "--sandbox",
                                 sandbox_mode_name(o->sandbox)};
    enum { FIXED = sizeof fixed / sizeof *fixed };
    size_t n = 0, n_writable = 0;
    while (o->writable && o->writable[n_writable])
        n_writable++;
    const char **argv = mem_array(FIXED + 4 + 2 * n_writable + 1, sizeof *argv);
    memcpy(argv, fixed, sizeof fixed);
    n = FIXED;
    if (plan->from)
        n = add(argv, n, "--from", plan->from);
    if (o->state)
        n = add(argv, n, "--state", o->state);
    for (size_t i = 0; i < n_writable; i++)
        n = add(argv, n, "--writable", o->writable[i]);
    int r = pool_capture(argv, plan->directory, TIMEOUT_MS, PLAN_BYTES, plan->stop, &plan->text,
                         &plan->error);
    free(argv);
    return r;
}

static void work(void *userdata)
{
    struct plan *plan = userdata;
    char *document = NULL, *libraries = NULL;
    int r = file_make_directories(plan->directory);
    if (r == 0)
        r = write_file(plan->directory, "job.json", plan->document, &document);
    if (r == 0)
        r = write_file(plan->directory, "libraries.json", plan->libraries, &libraries);
    plan->result = r < 0 ? error_errno(&plan->error, r, "make a directory for a plan")
                         : run(plan, document, libraries);
    r = file_remove_tree(plan->directory);
    if (r < 0)
        log_warning("cannot remove %s: %s", plan->directory, strerror(-r));
    free(document);
    free(libraries);
}

/* ---- on the loop's ---- */

static void plan_free(struct plan *plan)
{
    buffer_free(&plan->text);
    if (plan->stop >= 0)
        close(plan->stop);
    free(plan->directory);
    free(plan->document);
    free(plan->libraries);
    free(plan->from);
    free(plan);
}

static void end(void *userdata)
{
    struct plan *plan = userdata;
    struct plan **at = &plan->planner->plans;
    while (*at != plan)
        at = &(*at)->next;
    *at = plan->next;
    plan->done(plan->userdata, plan->result, &plan->text, &plan->error);
    plan_free(plan);
}

int planner_open(struct loop *loop, const struct planner_options *o, struct planner **ret_planner,
                 struct error *e)
{
    struct planner *p = mem_new(sizeof *p);
    char *scratch = file_absolute(o->scratch);
    p->program = file_absolute(o->program);
    p->libraries = file_absolute(o->libraries);
    p->uploads = file_absolute(o->uploads);
    p->sandbox = o->sandbox;
    p->state = o->state ? file_absolute(o->state) : NULL;
    p->writable = o->writable;
    p->directory = file_join(scratch, "plans");
    free(scratch);
    int r = file_remove_tree(p->directory); /* of a former daemon */
    r = r < 0 ? r : aside_new(loop, 1, &p->aside);
    if (r < 0) {
        planner_close(p);
        return error_errno(e, r, "make room for plans");
    }
    *ret_planner = p;
    return 0;
}

struct planner *planner_close(struct planner *p)
{
    if (!p)
        return NULL;
    for (struct plan *plan = p->plans; plan; plan = plan->next)
        planner_stop(plan);
    if (p->aside)
        aside_free(p->aside);
    free(p->directory);
    free(p->program);
    free(p->libraries);
    free(p->uploads);
    free(p->state);
    free(p);
    return NULL;
}

int planner_run(struct planner *p, const struct planner_job *job, planner_fn done, void *userdata,
                struct plan **ret_plan, struct error *e)
{
    if (aside_waiting(p->aside) >= MOST)
        return error_set(e, POOL_BUSY, NULL, "%d plans are made, or wait, already", MOST);
    struct plan *plan = mem_new(sizeof *plan);
    plan->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (plan->stop < 0) {
        int r = -errno;
        plan_free(plan);
        return error_errno(e, r, "make a plan");
    }
    plan->planner = p;
    plan->next = p->plans;
    plan->directory = mem_printf("%s/%u", p->directory, ++p->n_begun);
    plan->document = mem_strdup(job->document);
    plan->libraries = mem_strdup(job->libraries);
    plan->from = mem_strdup(job->from);
    plan->done = done;
    plan->userdata = userdata;
    p->plans = plan;
    aside_run(p->aside, work, end, plan);
    *ret_plan = plan;
    return 0;
}

void planner_stop(struct plan *plan)
{
    const uint64_t one = 1;
    if (write(plan->stop, &one, sizeof one) < 0)
        log_debug("a plan is stopped already");
}
