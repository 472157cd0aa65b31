/* SPDX-License-Identifier: Apache-2.0 */
#include "http/draft.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/uploads.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct draft *draft_new(struct request *r, bool is_dry)
{
    struct http *h = r->http;
    struct draft *d = mem_new(sizeof *d);
    d->registry = registry_ref(h->registry);
    d->uploads = h->options.uploads;
    d->texts = h->options.texts;
    d->body = body_text_take(r);
    d->is_dry = is_dry;
    return d;
}

static void clear_reference(struct draft_reference *f)
{
    free(f->name);
    queue_text_clear(&f->text);
    *f = (struct draft_reference){0};
}

struct draft *draft_free(struct draft *d)
{
    if (!d)
        return NULL;
    registry_unref(d->registry);
    body_text_free(d->body);
    json_decref(d->given);
    clear_reference(&d->model);
    clear_reference(&d->base);
    clear_reference(&d->from);
    free(d->definition);
    free(d->document);
    free(d->name);
    free(d->store);
    free(d->labels);
    free(d->notes);
    free(d->after);
    json_decref(d->libraries);
    free(d);
    return NULL;
}

/* ---- parsing ---- */

/* The names that job_new will ask for. */
static void read_references(struct draft *d)
{
    const json_t *model = json_object_get(d->given, "model");
    const json_t *base = json_object_get(d->given, "base");
    const char *name =
        json_is_string(model) ? json_string_value(model) : json_member_string(model, "base");
    d->model.name = mem_strdup(name);
    if (json_is_integer(base))
        d->base.name = mem_printf("%lld", (long long)json_integer_value(base));
    else
        d->base.name = mem_strdup(json_string_value(base));
    const json_t *from = json_object_get(d->given, "from");
    if (json_is_integer(json_object_get(from, "job")))
        d->from.name =
            mem_printf("%lld", (long long)json_integer_value(json_object_get(from, "job")));
}

int draft_parse(struct draft *d, struct error *e)
{
    int r = body_text_parse(d->body, &d->given, e);
    if (r != 0)
        return r;
    read_references(d);
    return 0;
}

/* ---- what it names, from the queue ---- */

/* What is missing is something that the document names, not the resource. */
static void set_result(struct draft_reference *f, int r)
{
    f->result = r <= 0 ? r : MODEL_INVALID;
}

static void fetch_job(struct draft_reference *f, struct queue *q)
{
    int64_t job;
    if (f->name && !request_parse_number(f->name, &job))
        f->result = error_set(&f->error, MODEL_INVALID, NULL, "there is no job \"%.40s\"", f->name);
    else if (f->name)
        set_result(f, queue_job_text(q, job, &f->text, &f->error));
}

/* What it is based on may itself start from another's checkpoint. */
static void take_over_from(struct draft *d, struct queue *q)
{
    int64_t job;
    struct queue_job base = {0};
    if (d->from.name || json_object_get(d->given, "from") || !d->base.name ||
        !request_parse_number(d->base.name, &job))
        return;
    if (queue_job(q, job, &base, NULL) == 0 && base.from)
        d->from.name = mem_printf("%lld", (long long)base.from);
    queue_job_clear(&base);
}

void draft_fetch(struct draft *d, struct queue *q)
{
    struct draft_reference *m = &d->model;
    if (m->name)
        set_result(m, queue_model(q, m->name, &m->text, NULL, &m->error));
    fetch_job(&d->base, q);
    take_over_from(d, q);
    fetch_job(&d->from, q);
}

/* ---- building ---- */

static int read_reference(const struct draft_reference *f, const char *what, json_t **ret,
                          struct error *e)
{
    char *text;
    int r = f->result;
    if (r != 0) {
        *e = f->error;
        return r;
    }
    r = queue_text_read(&f->text, &text, e);
    if (r != 0)
        return r < 0 ? r : -EIO;
    *ret = json_read(text, strlen(text), e);
    free(text);
    return *ret ? 0 : error_set(e, -EIO, NULL, "%s %.100s is damaged", what, f->name);
}

static int give_model(void *draft, const char *name, json_t **ret_definition, struct error *e)
{
    const struct draft *d = draft;
    mem_assert(d->model.name && !strcmp(name, d->model.name));
    return read_reference(&d->model, "the stored model", ret_definition, e);
}

static int give_job(void *draft, const char *id, json_t **ret_document, struct error *e)
{
    const struct draft *d = draft;
    bool is_base = d->base.name && !strcmp(id, d->base.name);
    mem_assert(is_base || (d->from.name && !strcmp(id, d->from.name)));
    return read_reference(is_base ? &d->base : &d->from, "the document of job", ret_document, e);
}

static int open_upload(void *draft, const char *id, int *ret_fd, struct error *e)
{
    return uploads_open(((const struct draft *)draft)->uploads, id, ret_fd, e);
}

static bool is_long(const struct draft_reference *f)
{
    return f->text.path || f->text.n_appended > 0 ||
           (f->text.text && strlen(f->text.text) > DRAFT_LIGHT);
}

/* A text for a row, or a file where it is long. */
static int keep_text(const struct draft *d, char *text, bool is_quick, char **ret_text,
                     char ret_file[HASH_TEXT_SIZE], struct error *e)
{
    size_t n = strlen(text);
    int r = 0;
    *ret_text = n > QUEUE_TEXT_MAX && !d->keeps_texts ? NULL : text;
    if (*ret_text)
        return 0;
    if (is_quick)
        r = MODEL_LONG;
    else if (!d->is_dry)
        r = queue_text_write(d->texts, text, n, ret_file, e);
    free(text);
    return r;
}

/* What is said of a scheduler that is accepted, but does not do what it says; NULL: nothing. */
static const char *why_not(const struct job *job)
{
    if (!job->batch_dim || strcmp(job->scheduler, "processes") == 0 || job_runs_beside(job))
        return NULL;
    if (strcmp(job->scheduler, "threads") == 0)
        return "with parallel: false, one thread, debug, profile, checkpoint, from or hooks, "
               "members run one by one in a worker";
    return job->parallel
               ? "members of a batch run side by side in workers, each of them on one thread"
               : NULL;
}

static char *notes_of(const struct job *job)
{
    const char *why = why_not(job);
    if (!why)
        return NULL;
    json_t *notes =
        json_pack("[o]", json_sprintf("scheduler: \"%s\" has no effect: %s", job->scheduler, why));
    char *text = json_write(notes);
    json_decref(notes);
    return text;
}

static int keep(struct draft *d, const struct job *job, bool is_quick, struct error *e)
{
    char same[HASH_TEXT_SIZE];
    int r = keep_text(d, json_write(job->document), is_quick, &d->document, d->document_file, e);
    if (r == 0)
        r = keep_text(d, json_write(job->model->definition), is_quick, &d->definition, same, e);
    if (r != 0)
        return r;
    const json_t *labels = json_object_get(job->document, "labels");
    body_text_hash(d->body, d->hash);
    memcpy(d->model_hash, job->model->hash, sizeof d->model_hash);
    d->name = mem_strdup(json_member_string(job->document, "name"));
    d->store = mem_strdup(job->store);
    d->labels = json_is_object(labels) ? json_write(labels) : NULL;
    d->notes = notes_of(job);
    d->libraries = job_pins(job);
    d->least_bytes = job_least_bytes(job);
    d->members = job->n_members;
    d->priority = job->priority;
    d->max_attempts = job->max_attempts;
    d->threads = job->threads;
    d->most_workers = job->most_workers;
    d->is_held = job->is_held;
    d->is_open = job->is_open;
    d->n_after = job->n_after;
    d->after = mem_array(job->n_after, sizeof *d->after);
    for (size_t i = 0; i < job->n_after; i++)
        d->after[i] = job->after[i];
    d->member_timeout = job->member_timeout;
    d->from_job = job->from.job;
    d->from_steps = job->from.steps;
    d->from_member = job->from.member;
    return 0;
}

/* Back to where draft_fetch left it. */
static void undo(struct draft *d)
{
    free(d->document);
    d->document = NULL;
}

int draft_build(struct draft *d, bool is_quick, struct error *e)
{
    const struct job_sources sources = {.model = give_model,
                                        .job = give_job,
                                        .open = open_upload,
                                        .is_check = true,
                                        .is_quick = is_quick,
                                        .userdata = d};
    struct job *job = NULL;
    if (is_quick && (is_long(&d->model) || is_long(&d->base) || is_long(&d->from)))
        return MODEL_LONG;
    int r = job_new(d->registry, d->given, &sources, &job, e);
    r = r ? r : job_check_encodings(job, store_check_encoding, e);
    r = r ? r : keep(d, job, is_quick, e);
    job_free(job);
    if (r == MODEL_LONG) {
        undo(d);
    } else {
        json_decref(d->given);
        d->given = NULL;
    }
    return r;
}
