/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker plan`: a local run of the first member, of which nothing is left. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/clean_room.h"
#include "worker/run_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLAN_MAX_BYTES = 4 << 20 };

/* What the process has written; NULL: nothing that is a plan. */
static json_t *read_plan(const struct run *run)
{
    char *text = mem_new(PLAN_MAX_BYTES);
    size_t n = 0;
    json_t *plan = NULL;
    if (file_read_at(run->child.plan, text, PLAN_MAX_BYTES, 0, &n) == 0 && n < PLAN_MAX_BYTES)
        plan = json_read(text, n, NULL);
    free(text);
    if (!json_is_object(plan)) {
        json_decref(plan);
        return NULL;
    }
    return plan;
}

static void say_overrun(struct run *run)
{
    struct where_at at = run_place(run);
    snprintf(run->reason, sizeof run->reason,
             "it did not end within %g s: %" PRId64 " of %" PRId64 " steps were done",
             run->child.facts->member_timeout, at.step, at.nsteps);
}

static json_t *reason_of(struct run *run)
{
    if (run->is_overrun)
        say_overrun(run);
    bool is_member = run->said == SAID_NOTHING && run_place(run).member == 0;
    return json_pack("{s:s}", is_member ? "failed" : "trouble", run->reason);
}

static int print(const json_t *plan)
{
    char *text = json_show(plan);
    int r = puts(text) < 0 || fflush(stdout) != 0 ? RUN_FAILED : RUN_OK;
    free(text);
    return r;
}

static int status_of(const json_t *plan)
{
    static const char *const kinds[] = {"failed", "refused", "trouble"};
    const char *reason = NULL, *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !reason; i++) {
        kind = kinds[i];
        reason = json_member_string(plan, kind);
    }
    if (!reason)
        return RUN_OK;
    log_error("%s: %s", kind, reason);
    return !strcmp(kind, "refused") ? RUN_REFUSED : RUN_FAILED;
}

static int tell(const struct worker_plan_options *o, json_t *plan)
{
    int status = status_of(plan), printed = print(plan);
    json_decref(plan);
    return o->copies || printed != RUN_OK ? printed : status;
}

static json_t *make(struct run *run, const char *job)
{
    struct error e = {.message = ""};
    int status = RUN_GO_ON;
    run->child.plan = memfd_create("plan", MFD_CLOEXEC);
    run->child.above = getppid();
    int r = error_errno(&e, run->child.plan < 0 ? -errno : 0, "make a plan");
    r = r < 0 ? r : run_setup_read(run, job, &e);
    bool is_unread = r != 0;
    r = r < 0 ? r : run_setup_open(run, &e);
    if (r == 0)
        r = run_one_process(run, &status, &e);
    json_t *plan = r == 0 ? read_plan(run) : NULL;
    if (r < 0)
        return json_pack("{s:s}", is_unread ? "refused" : "trouble", e.message);
    return plan ? plan : reason_of(run);
}

int worker_plan(const struct worker_plan_options *o)
{
    struct run run;
    struct error e = {.message = ""};
    char *directory;
    if (clean_room_make_directory(&directory, &e) < 0) {
        log_error("%s", e.message);
        return RUN_FAILED;
    }
    char *store = file_join(directory, "plan.zarr");
    const struct worker_run_options options = {.job = o->job,
                                               .store = store,
                                               .libraries = o->libraries,
                                               .modules = o->modules,
                                               .model = o->model,
                                               .python = o->python,
                                               .plan = o};
    run_init(&run, &options);
    json_t *plan = make(&run, o->job);
    bool is_asked = run.asked != 0;
    run_setup_clear(&run);
    file_remove_tree(directory);
    free(directory);
    free(store);
    if (is_asked) {
        json_decref(plan);
        return RUN_FAILED;
    }
    return tell(o, plan);
}
