/* SPDX-License-Identifier: Apache-2.0 */
#include "client/job.h"

#include "client/document.h"
#include "client/ended.h"
#include "client/escape.h"
#include "client/options.h"
#include "client/pages.h"
#include "client/request.h"
#include "client/submit.h"
#include "client/text.h"
#include "client/watch.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

enum { DEAD_SHOWN = 10 };

static char *path_of(const char *id, const char *below)
{
    char *part = text_url(id);
    char *path = text_printf("%s/%s%s", API_JOBS, part, below);
    free(part);
    return path;
}

static void print_store(const char *store, bool with_python)
{
    text_line(stdout, "%s", store);
    if (!with_python)
        return;
    char *literal = escape_text(store, ESCAPE_PYTHON);
    text_line(stdout, "import xarray; ds = xarray.open_zarr(\"%s\")", literal);
    free(literal);
}

/* What its members warned of. */
static void say_warnings(const json_t *job, const char *id)
{
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(job, "notes"), i, note)
    {
        const char *text = json_string_value(note);
        if (text && !strncmp(text, API_WARNING, strlen(API_WARNING)))
            text_complain("job %s: %s", id, text);
    }
}

/* Why a job is not all it should be, on standard error. */
static void complain_about(const json_t *job)
{
    const char *state = document_string(job, "state", ""), *id = document_string(job, "id", "?");
    const char *reason = document_string(job, "reason", NULL);
    json_int_t dead = document_integer(job, "dead", 0);
    say_warnings(job, id);
    if (watch_state_code(state) == API_EXIT_OK)
        return;
    text_complain("job %s: %s%s%s", id, state, reason ? ": " : "", reason ? reason : "");
    if (dead > 0)
        text_complain("job %s: %lld of %lld members are dead; `simlab status %s` tells why", id,
                      (long long)dead, (long long)document_integer(job, "members", 0), id);
}

/* ---- run, submit ---- */

static int finish_run(const struct options *o, const struct reply *r)
{
    const char *state = document_string(r->json, "state", "");
    const char *store = document_string(r->json, "store", NULL);
    if (o->json)
        reply_print(r);
    else if (store && (!strcmp(state, "succeeded") || !strcmp(state, "partial")))
        print_store(store, !o->quiet);
    complain_about(r->json);
    return watch_state_code(state);
}

int job_run(struct server *s, const struct options *o)
{
    struct reply submitted, ended = {0};
    struct watch_options w = {
        .quiet = o->quiet, .interrupts = true, .cancel_on_interrupt = o->cancel_on_interrupt};
    int code = submit_job(s, o, &submitted);
    if (code) {
        if (o->json)
            reply_print(&submitted);
    } else {
        code = watch_job(s, submitted.json, &w, &ended);
        if (!code)
            code = finish_run(o, &ended);
    }
    reply_clear(&submitted);
    reply_clear(&ended);
    return code;
}

int job_submit(struct server *s, const struct options *o)
{
    struct reply r;
    int code = submit_job(s, o, &r);
    if (o->json)
        reply_print(&r);
    else if (!code && o->dry_run)
        puts("the job is valid");
    else if (!code)
        text_line(stdout, "%s", document_string(r.json, "id", ""));
    reply_clear(&r);
    return code;
}

/* ---- wait, cancel, hold, release ---- */

static int wait_for(struct server *s, const struct options *o, const char *id)
{
    char *path = path_of(id, "");
    struct watch_options w = {.quiet = o->quiet};
    struct reply ended = {0};
    json_t *job = NULL;
    int code = request_get(s, path, &answer_job, &job);
    if (!code)
        code = watch_job(s, job, &w, &ended);
    if (!code) {
        const char *state = document_string(ended.json, "state", "");
        if (o->json) {
            reply_print(&ended);
        } else if (!o->quiet) {
            text_line(stdout, "%s %s %s", document_string(ended.json, "id", id), state,
                      document_string(ended.json, "store", "-"));
        }
        complain_about(ended.json);
        code = watch_state_code(state);
    }
    fflush(stdout);
    reply_clear(&ended);
    json_decref(job);
    free(path);
    return code;
}

int job_wait(struct server *s, const struct options *o)
{
    return options_each(s, o, wait_for);
}

static int post_each(struct server *s, const struct options *o, const char *what)
{
    int worst = API_EXIT_OK;
    for (int i = 0; i < o->n_operands; i++) {
        char *path = path_of(o->operands[i], what);
        struct request request = {.method = "POST", .path = path, .shape = &answer_job};
        struct reply r;
        int code = request_or_complain(s, &request, &r);
        if (o->json)
            reply_print(&r);
        worst = code > worst ? code : worst;
        reply_clear(&r);
        free(path);
    }
    return worst;
}

int job_cancel(struct server *s, const struct options *o)
{
    return post_each(s, o, API_JOB_CANCEL);
}

int job_hold(struct server *s, const struct options *o)
{
    return post_each(s, o, API_JOB_HOLD);
}

int job_release(struct server *s, const struct options *o)
{
    return post_each(s, o, API_JOB_RELEASE);
}

/* One that has just ended is asked for until its locks are gone. */
static int remove_one(struct server *s, const struct options *o, const char *id)
{
    char *path = path_of(id, o->keep_store ? "?store=keep" : "");
    struct request request = {.method = "DELETE", .path = path, .shape = &answer_job};
    struct reply r;
    int code = ended_ask(s, &request, &r);
    if (o->json)
        reply_print(&r);
    reply_clear(&r);
    free(path);
    return code;
}

int job_remove(struct server *s, const struct options *o)
{
    return options_each(s, o, remove_one);
}

int job_close(struct server *s, const struct options *o)
{
    return post_each(s, o, API_JOB_CLOSE);
}

/* ---- status ---- */

static void print_field(const char *label, const char *value)
{
    if (!value)
        return;
    text_line(stdout, "  %-8s %s", label, value);
}

static void print_counts(const json_t *job)
{
    const json_t *steps = json_object_get(job, "progress");
    json_int_t members = document_integer(job, "members", 1),
               dead = document_integer(job, "dead", 0);
    if (members != 1 || dead) {
        char *words =
            text_printf("%lld of %lld done, %lld dead", (long long)document_integer(job, "done", 0),
                        (long long)members, (long long)dead);
        print_field("members", words);
        free(words);
    }
    if (document_integer(steps, "nsteps", 0) > 0) {
        char *words = text_printf("%lld of %lld", (long long)document_integer(steps, "step", 0),
                                  (long long)document_integer(steps, "nsteps", 0));
        print_field("steps", words);
        free(words);
    }
}

/* The first few; the API has them all. */
static int print_dead(struct server *s, const char *id)
{
    char *below = text_printf("%s?limit=%d", API_JOB_MEMBERS, DEAD_SHOWN);
    char *path = path_of(id, below);
    json_t *page = NULL, *member;
    size_t i;
    int code = request_get(s, path, &answer_members, &page);
    json_array_foreach(json_object_get(page, "members"), i, member)
    {
        char *words = text_printf("%lld: %s", (long long)document_integer(member, "member", 0),
                                  document_string(member, "reason", ""));
        print_field("dead", words);
        free(words);
    }
    json_decref(page);
    free(path);
    free(below);
    return code;
}

static int print_job(struct server *s, const json_t *job)
{
    static const char *const fields[] = {"name",    "store", "model",  "created",
                                         "started", "ended", "reason", "waiting"};
    const char *id = document_string(job, "id", "?");
    text_line(stdout, "job %s: %s", id, document_string(job, "state", "?"));
    print_counts(job);
    if (json_is_true(json_object_get(job, "open")))
        print_field("open", "members can be appended");
    if (json_is_true(json_object_get(job, "removing")))
        print_field("removed", "with what it left: that is being done");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        print_field(fields[i], document_string(job, fields[i], NULL));
    return document_integer(job, "dead", 0) > 0 ? print_dead(s, id) : 0;
}

int job_status(struct server *s, const struct options *o)
{
    char *path = path_of(o->operands[0], "");
    json_t *job = NULL;
    struct request request = {.method = "GET", .path = path, .shape = &answer_job};
    int code = o->json ? request_print(s, &request) : request_get(s, path, &answer_job, &job);
    if (job)
        code = print_job(s, job);
    json_decref(job);
    free(path);
    return code;
}

/* ---- jobs ---- */

static void print_row(const json_t *job)
{
    char *progress = text_printf("%lld/%lld", (long long)document_integer(job, "done", 0),
                                 (long long)document_integer(job, "members", 0));
    char *dead = text_printf("%lld", (long long)document_integer(job, "dead", 0));
    const char *name = document_string(job, "name", NULL);
    text_put_padded(stdout, document_string(job, "id", "?"), 8);
    text_put_padded(stdout, document_string(job, "state", "?"), 11);
    text_put_padded(stdout, progress, 15);
    text_put_padded(stdout, dead, 6);
    text_put_padded(stdout, document_string(job, "created", "-"), 26);
    text_line(stdout, "%s", name ? name : document_string(job, "store", "-"));
    free(progress);
    free(dead);
}

/* Adds "&key=value" where there is a value; takes and gives a string. */
static char *filter_by(char *filter, const char *key, const char *value)
{
    if (!value)
        return filter;
    char *part = text_url(value), *more = text_printf("%s&%s=%s", filter, key, part);
    free(part);
    free(filter);
    return more;
}

int job_list(struct server *s, const struct options *o)
{
    char *filter = filter_by(text_copy(""), "state", o->state);
    filter = filter_by(filter, "name", o->name);
    filter = filter_by(filter, "label", o->label);
    filter = filter_by(filter, "since", o->since);
    struct pages p = {
        .path = API_JOBS,
        .filter = filter,
        .cursor = "before",
        .key = "jobs",
        .shape = &answer_jobs,
        .title = "ID      STATE      DONE           DEAD  CREATED                   NAME OR STORE",
        .row = print_row,
    };
    int code = pages_print(s, o, &p);
    free(filter);
    return code;
}
