/* SPDX-License-Identifier: Apache-2.0 */
/* Long texts: files by their content, shared, and removed when nobody names them. */
#include "fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct shelf {
    struct fixture f;
    char directory[100];
};

static void reopen(struct shelf *s)
{
    struct queue_options o = options_of(&s->f);
    o.texts = s->directory;
    fixture_reopen_with(&s->f, &o);
}

static void open_shelf(struct shelf *s)
{
    fixture_open(&s->f);
    snprintf(s->directory, sizeof s->directory, "%s/texts", s->f.directory);
    cr_assert_eq(file_make_directories(s->directory), 0);
    reopen(s);
}

static void write_text(const struct shelf *s, const char *text, char ret_name[65])
{
    struct error e = {0};
    expect_ok(queue_text_write(s->directory, text, strlen(text), ret_name, &e), &e);
}

static char *path_of(const struct shelf *s, const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s.json", s->directory, name);
    return path;
}

/* As if it had been written two days ago. */
static void make_old(const struct shelf *s, const char *name)
{
    const struct timespec times[2] = {{time(NULL) - 172800, 0}, {time(NULL) - 172800, 0}};
    cr_assert_eq(utimensat(AT_FDCWD, path_of(s, name), times, 0), 0);
}

static int64_t submit_file(struct shelf *s, const char *name)
{
    struct queue_submission submission = submission_of(1);
    struct error e = {0};
    int64_t id;
    bool existed;
    submission.document = NULL;
    submission.document_file = name;
    expect_ok(queue_submit(s->f.q, &submission, &id, &existed, &e), &e);
    fixture_commit(&s->f);
    return id;
}

Test(texts, are_documents_of_jobs)
{
    struct shelf s;
    struct error e = {0};
    struct queue_text place;
    char name[65], again[65], *text;
    open_shelf(&s);
    write_text(&s, "{\"a\": 1}", name);
    write_text(&s, "{\"a\": 1}", again);
    cr_assert_str_eq(name, again);
    int64_t a = submit_file(&s, name), b = submit_file(&s, name);
    reopen(&s);
    expect_ok(queue_job_document(s.f.q, a, &text, &e), &e);
    cr_assert_str_eq(text, "{\"a\": 1}");
    free(text);
    expect_ok(queue_job_text(s.f.q, b, &place, &e), &e);
    cr_assert(!place.text && !strcmp(place.path, path_of(&s, name)));
    cr_assert_eq(unlink(place.path), 0);
    cr_assert_eq(queue_text_read(&place, &text, &e), QUEUE_DAMAGED);
    cr_assert(strstr(e.message, place.path), "%s", e.message);
    queue_text_clear(&place);
    fixture_close(&s.f);
}

Test(texts, are_definitions_of_models)
{
    struct shelf s;
    struct error e = {0};
    struct queue_text place;
    char name[65], *hash, *text;
    open_shelf(&s);
    write_text(&s, "{\"processes\": {}}", name);
    expect_ok(queue_add_model(s.f.q, "m", name, NULL, &e), &e);
    fixture_commit(&s.f);
    make_old(&s, name);
    reopen(&s);
    expect_ok(queue_model(s.f.q, "m", &place, &hash, &e), &e);
    cr_assert_str_eq(hash, name);
    expect_ok(queue_text_read(&place, &text, &e), &e);
    cr_assert_str_eq(text, "{\"processes\": {}}");
    free(text);
    free(hash);
    queue_text_clear(&place);
    fixture_close(&s.f);
}

Test(texts, go_where_no_row_names_them)
{
    struct shelf s;
    char named[65], young[65], orphan[65], rewritten[65];
    char partial[200];
    open_shelf(&s);
    write_text(&s, "named", named);
    write_text(&s, "young", young);
    write_text(&s, "orphan", orphan);
    write_text(&s, "rewritten", rewritten);
    submit_file(&s, named);
    make_old(&s, named);
    make_old(&s, orphan);
    make_old(&s, rewritten);
    write_text(&s, "rewritten", rewritten); /* a submission that is under way */
    snprintf(partial, sizeof partial, "%s/.text-7", s.directory);
    cr_assert_eq(file_replace(partial, partial, "x", 1, 0600, FILE_SYNC_NONE), 0);
    reopen(&s);
    cr_assert_eq(access(path_of(&s, named), F_OK), 0);
    cr_assert_eq(access(path_of(&s, young), F_OK), 0);
    cr_assert_eq(access(path_of(&s, rewritten), F_OK), 0);
    cr_assert_neq(access(path_of(&s, orphan), F_OK), 0);
    cr_assert_neq(access(partial, F_OK), 0);
    fixture_close(&s.f);
}
