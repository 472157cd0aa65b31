/* SPDX-License-Identifier: Apache-2.0 */
/* Models and jobs: what is taken and what is refused, with its pointer. */
#include "fixture.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct server *s;

static void setup(void)
{
    s = server_new(16384);
}

static void teardown(void)
{
    server_free(s);
}

TestSuite(jobs, .init = setup, .fini = teardown);

static void refuse(const char *more, int status, const char *detail, const char *pointer)
{
    char *job = job_text(more);
    expect_problem(s, "POST", "/v1/jobs", job, status, detail, pointer);
    free(job);
}

static json_t *submit(const char *more, const char *headers, int status)
{
    char *job = job_text(more);
    json_t *body;
    int got = ask(s, "POST", "/v1/jobs", headers, job, &body);
    cr_assert_eq(got, status, "%d %s", got, json_dumps(body, 0));
    free(job);
    return body;
}

static const char *text(const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    return value ? value : "";
}

Test(jobs, submit_and_show)
{
    json_t *made = submit("\"name\": \"first\",", "", 201), *shown;
    cr_assert_str_eq(text(made, "id"), "1");
    cr_assert_str_eq(text(made, "state"), "queued");
    cr_assert(strlen(text(made, "created")) == strlen("2026-01-02T03:04:05.678Z"));
    cr_assert(json_is_null(json_object_get(made, "started")));
    cr_assert_eq(ask(s, "GET", "/v1/jobs/1", "", NULL, &shown), 200);
    cr_assert(json_equal(made, shown));
    json_decref(shown);
    cr_assert_eq(ask(s, "GET", "/v1/jobs/1/document", "", NULL, &shown), 200);
    cr_assert(json_object_get(shown, "model"));
    json_decref(shown);
    cr_assert_eq(ask(s, "GET", "/v1/jobs/1/members", "", NULL, &shown), 200);
    cr_assert_eq(json_array_size(json_object_get(shown, "members")), 0);
    json_decref(shown);
    char *path = mem_printf("/v1/models/%s", text(made, "model"));
    cr_assert_eq(ask(s, "GET", path, "", NULL, NULL), 200);
    free(path);
    json_decref(made);
}

Test(jobs, dry_run_stores_nothing)
{
    char *job = job_text("");
    json_t *body;
    cr_assert_eq(ask(s, "POST", "/v1/jobs?dry_run=1", "", job, &body), 200);
    cr_assert(json_is_true(json_object_get(body, "valid")));
    json_decref(body);
    free(job);
    cr_assert_eq(s->commits, 0);
    cr_assert_eq(ask(s, "GET", "/v1/jobs", "", NULL, &body), 200);
    cr_assert_eq(json_array_size(json_object_get(body, "jobs")), 0);
    json_decref(body);
}

Test(jobs, refusals_point_at_the_fault)
{
    refuse("\"nonsense\": 1,", 422, "nonsense", "/nonsense");
    refuse("\"encoding\": {\"grow__n\": {\"chunks\": [0, 0]}},", 422, "grow__n",
           "/encoding/grow__n/chunks/0");
    refuse("\"encoding\": {\"grow__n\": {\"compressor\": {\"id\": \"lzma\"}}},", 422, "grow__n",
           "/encoding/grow__n/compressor");
    refuse("\"base\": \"99\",", 422, NULL, NULL);
    expect_problem(s, "POST", "/v1/jobs", "[]", 422, NULL, "");
    expect_problem(s, "POST", "/v1/jobs", "{\"model\": \"none\"}", 422, "none", "/model");
}

Test(jobs, stores_are_names_under_the_root)
{
    static const char *const bad[] = {"../x", "/x", "a/b", ".x", "..", "x.sync", "17.zarr"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *more = mem_printf("\"store\": \"%s\",", bad[i]);
        refuse(more, 422, bad[i], "/store");
        free(more);
    }
    json_t *made = submit("\"store\": \"mine\",", "", 201);
    cr_assert(!strncmp(text(made, "store"), s->stores, strlen(s->stores)));
    json_decref(made);
    refuse("\"store\": \"mine\",", 409, "job 1", "/store");
    char *path = mem_printf("%s/there", s->stores);
    cr_assert_eq(mkdir(path, 0700), 0);
    free(path);
    refuse("\"store\": \"there\",", 409, "exists", "/store");
    static const char *const links[] = {"link", "locks.sync"};
    for (int i = 0; i < 2; i++) {
        path = mem_printf("%s/%s", s->stores, links[i]);
        cr_assert_eq(symlink("../elsewhere", path), 0);
        free(path);
        refuse(i ? "\"store\": \"locks\"," : "\"store\": \"link\",", 409, "link", "/store");
    }
}

static bool is_directory(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Made by the submission, so that of two daemons one gets the name; not without the commit. */
Test(jobs, stores_are_made_at_submission)
{
    char *path = mem_printf("%s/mine", s->stores), *sync = mem_printf("%s.sync", path);
    char *foreign = mem_printf("%s/2.zarr", s->stores);
    s->fail = true;
    json_decref(submit("\"store\": \"mine\",", "", 503)); /* the fixture commits, but says not */
    cr_assert(!is_directory(path) && !is_directory(sync));
    s->fail = false;
    cr_assert_eq(mkdir(foreign, 0700), 0);
    json_t *made = submit("", "", 201);
    cr_assert_str_neq(text(made, "store"), foreign);
    cr_assert(is_directory(text(made, "store")));
    json_decref(made);
    free(path);
    free(sync);
    free(foreign);
}

Test(jobs, idempotency)
{
    const char *key = "Idempotency-Key: k1\r\n";
    json_t *first = submit("\"store\": \"a\",", key, 201);
    json_t *again = submit("\"store\": \"a\",", key, 200);
    cr_assert_str_eq(text(first, "id"), text(again, "id"));
    json_decref(again);
    json_decref(submit("\"store\": \"b\",", key, 409));
    json_decref(submit("", "Idempotency-Key: a b\r\n", 400));
    json_decref(submit("", "Idempotency-Key: k2\r\n", 201));
    json_decref(first);
}

Test(jobs, pages)
{
    for (int i = 0; i < 5; i++)
        json_decref(submit("", "", 201));
    json_t *body;
    cr_assert_eq(ask(s, "GET", "/v1/jobs?limit=3", "", NULL, &body), 200);
    cr_assert_eq(json_array_size(json_object_get(body, "jobs")), 3);
    cr_assert_str_eq(text(json_array_get(json_object_get(body, "jobs"), 0), "id"), "5");
    cr_assert_str_eq(text(body, "next"), "3");
    json_decref(body);
    cr_assert_eq(ask(s, "GET", "/v1/jobs?limit=3&before=3", "", NULL, &body), 200);
    cr_assert_eq(json_array_size(json_object_get(body, "jobs")), 2);
    cr_assert_null(json_object_get(body, "next"));
    json_decref(body);
}

Test(jobs, cancel)
{
    json_t *body;
    json_decref(submit("", "", 201));
    expect_problem(s, "POST", "/v1/jobs/1/cancel", "{\"reason\": 1}", 422, NULL, "/reason");
    expect_problem(s, "POST", "/v1/jobs/1/cancel", "{\"why\": \"x\"}", 422, NULL, "/why");
    expect_problem(s, "POST", "/v1/jobs/2/cancel", NULL, 404, NULL, "");
    cr_assert_eq(ask(s, "POST", "/v1/jobs/1/cancel", "", "{\"reason\": \"enough\"}", &body), 200);
    cr_assert_str_eq(text(body, "state"), "cancelled");
    cr_assert_str_eq(text(body, "reason"), "enough");
    json_decref(body);
    expect_problem(s, "POST", "/v1/jobs/1/cancel", NULL, 409, "cancelled", "");
}

Test(jobs, models)
{
    static const char growth[] = "{\"name\": \"m\", \"processes\": {\"grow\": \"toy.Growth\"}}";
    json_t *made, *shown;
    cr_assert_eq(ask(s, "POST", "/v1/models", "", growth, &made), 201);
    cr_assert_str_eq(text(made, "name"), "m");
    cr_assert_eq(ask(s, "GET", "/v1/models/m", "", NULL, &shown), 200);
    cr_assert(json_equal(made, shown));
    json_decref(shown);
    cr_assert_eq(ask(s, "POST", "/v1/models", "", growth, NULL), 201);
    cr_assert_eq(ask(s, "GET", "/v1/models", "", NULL, &shown), 200);
    cr_assert_eq(json_array_size(json_object_get(shown, "models")), 1);
    cr_assert(json_is_string(
        json_object_get(json_array_get(json_object_get(shown, "models"), 0), "created")));
    json_decref(shown);
    expect_problem(s, "POST", "/v1/models",
                   "{\"name\": \"m\", \"processes\": {\"other\": \"toy.Growth\"}}", 409, NULL,
                   "/name");
    expect_problem(s, "POST", "/v1/models", "{\"name\": \"a/b\", \"processes\": {}}", 422, NULL,
                   "/name");
    expect_problem(s, "POST", "/v1/models", "{\"processes\": {\"a\": \"toy.Grow\"}}", 422,
                   "toy.Growth", "/processes/a");
    expect_problem(s, "POST", "/v1/models", "{\"process\": {}}", 422, "processes", "/process");
    json_decref(made);
}

Test(jobs, models_from_models)
{
    json_t *body;
    cr_assert_eq(ask(s, "POST", "/v1/models", "",
                     "{\"name\": \"m\", \"processes\": {\"a\": \"toy.Growth\"}}", NULL),
                 201);
    cr_assert_eq(ask(s, "POST", "/v1/models", "",
                     "{\"base\": \"m\", \"processes\": {\"a\": null, \"b\": \"toy.Growth\"}}",
                     &body),
                 201);
    json_t *processes = json_object_get(json_object_get(body, "definition"), "processes");
    cr_assert(json_object_size(processes) == 1 && json_object_get(processes, "b"));
    json_decref(body);
    expect_problem(s, "POST", "/v1/models", "{\"base\": \"m\", \"processes\": {\"c\": null}}", 422,
                   "'c'", "/processes/c");
    expect_problem(s, "POST", "/v1/models", "{\"base\": \"none\"}", 422, "none", "/base");
}
