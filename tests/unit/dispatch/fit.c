/* SPDX-License-Identifier: Apache-2.0 */
/* Workers and what they have loaded: who gets which job, and when one is renewed. */
#include "scene.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct wish {
    const char *libraries; /* {name: hash}, with ' for " */
    int64_t members, priority, threads, most_workers;
};

static int64_t submit(struct scene *s, struct wish w)
{
    struct error e = {.message = ""};
    int64_t job;
    bool existed;
    char text[200];
    snprintf(text, sizeof text, "%s", w.libraries);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *libraries = json_loads(text, 0, NULL);
    cr_assert(libraries, "%s", text);
    const struct queue_submission submission = {.document = "{}",
                                                .model_hash = "hash",
                                                .principal = "me",
                                                .document_hash = "hash",
                                                .members = w.members ? w.members : 1,
                                                .priority = w.priority,
                                                .threads = w.threads,
                                                .most_workers = w.most_workers,
                                                .libraries = libraries,
                                                .max_attempts = 2};
    cr_assert_eq(queue_submit(s->queue, &submission, &job, &existed, &e), 0, "%s", e.message);
    json_decref(libraries);
    return job;
}

/* The next message, whatever is to be forgotten. */
static struct wire_message *hear(struct fake *w, enum wire_type type)
{
    struct wire_message *m;
    scene_turn(w->scene); /* for what was submitted */
    do
        m = fake_hear_any(w);
    while (m->type == WIRE_DROP);
    cr_assert_eq(m->type, type, "%s, not %s", wire_name((int)m->type), wire_name((int)type));
    return m;
}

/* The worker gets this job, and has begun with it. */
static struct wire_lease begins(struct fake *w, int64_t job, const char *hash)
{
    struct wire_message *m = hear(w, WIRE_JOB);
    cr_assert_eq(m->job.job, job);
    cr_assert(strstr(m->job.libraries, hash), "%s", m->job.libraries);
    return fake_lease(w, 0, 1);
}

static bool has_heard(struct fake *w)
{
    int events = 0;
    size_t size = sizeof events;
    zmq_getsockopt(w->socket, ZMQ_EVENTS, &events, &size);
    return events & ZMQ_POLLIN;
}

/* Any idle worker may be given the closing of a store, which needs no library. */
static struct fake *who_closes(struct fake *w, struct fake *idle)
{
    struct fake *both[] = {w, idle};
    for (int i = 0;; i = !i && idle) {
        while (has_heard(both[i]))
            if (fake_hear_any(both[i])->type == WIRE_FINISH)
                return both[i];
        cr_assert_eq(loop_turn(w->scene->loop, 10), 0);
    }
}

/* `idle`: NULL, or another worker that has nothing to do. */
static void ends(struct fake *w, const struct wire_lease *l, struct fake *idle)
{
    fake_layout(w, l);
    fake_done(w, l, 0, 1);
    fake_release(w, l, 0.01);
    fake_say(who_closes(w, idle),
             (struct wire_message){.type = WIRE_FINISHED, .finished.job = l->job});
}

static void runs_beside(struct fake *w, struct fake *idle, int64_t job, const char *hash)
{
    struct wire_lease l = begins(w, job, hash);
    ends(w, &l, idle);
}

static void runs(struct fake *w, int64_t job, const char *hash)
{
    runs_beside(w, NULL, job, hash);
}

/* It leaves as it was asked to, and another one comes. */
static struct fake *leaves(struct scene *s, struct fake *w, const char *name, const char *next)
{
    fake_say(w, (struct wire_message){.type = WIRE_BYE, .bye.reason = ""});
    hear(w, WIRE_QUIT);
    scene_worker_died(s, name, "its worker exited with status 0");
    fake_close(w);
    return fake_ready(s, next);
}

static const struct wish one = {.libraries = "{'ver': '11'}"}, two = {.libraries = "{'ver': '22'}"},
                         other = {.libraries = "{'other': '33'}"},
                         both = {.libraries = "{'other': '33', 'ver': '11'}"};

Test(fit, a_worker_with_another_content_is_renewed)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    runs(w, submit(&s, other), "33");
    runs(w, submit(&s, both), "11");
    int64_t job = submit(&s, two);
    struct wire_message *m = hear(w, WIRE_QUIT);
    cr_assert(strstr(m->quit.reason, "another content of library ver"), "%s", m->quit.reason);
    w = leaves(&s, w, "w.1", "w.2");
    runs(w, job, "22");
    fake_close(w);
    scene_close(&s);
}

Test(fit, a_fresh_worker_comes_before_a_renewal)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    struct fake *v = fake_ready(&s, "w.2");
    fake_hears_nothing(v);
    runs_beside(v, w, submit(&s, two), "22");
    runs_beside(w, v, submit(&s, one), "11");
    runs_beside(v, w, submit(&s, two), "22");
    runs_beside(w, v, submit(&s, both), "33"); /* the one that has most of it */
    fake_close(v);
    fake_close(w);
    scene_close(&s);
}

/* A lease, of a job that it may have to be told of. */
static struct wire_lease leased(struct fake *w)
{
    struct wire_message *m = fake_hear_any(w);
    while (m->type == WIRE_JOB || m->type == WIRE_DROP)
        m = fake_hear_any(w);
    cr_assert_eq(m->type, WIRE_LEASE, "%s", wire_name((int)m->type));
    return m->lease;
}

/* Two streams of short jobs do not take one another's workers in turns; but patience with one that
 * is busy ends. */
Test(fit, no_worker_goes_back_and_forth)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    struct fake *v = fake_ready(&s, "w.2");
    fake_hears_nothing(v);
    runs_beside(v, w, submit(&s, two), "22");
    scene_stop_clock(&s);
    submit(&s, one);
    submit(&s, one);
    scene_turn(&s);
    struct wire_lease l = leased(w);
    for (int i = 0; i < 20; i++) {
        runs(v, submit(&s, two), "22");
        fake_hears_nothing(v); /* though one waits */
        fake_release(w, &l, 0.01);
        l = leased(w);
    }
    s.shift += 1000;
    hear(v, WIRE_QUIT);
    v = leaves(&s, v, "w.2", "w.3");
    leased(v);
    fake_close(v);
    fake_close(w);
    scene_close(&s);
}

/* A stream of new jobs does not starve an old one. */
Test(fit, a_job_that_nobody_fits_does_not_starve)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    scene_stop_clock(&s);
    int64_t old = submit(&s, two), job = submit(&s, one);
    for (int i = 0; i < 3; i++) {
        int64_t next = submit(&s, one);
        runs(w, job, "11");
        job = next;
        s.shift += 500;
    }
    struct wire_lease l = begins(w, job, "11");
    s.shift += 2000;
    submit(&s, one);
    ends(w, &l, NULL);
    hear(w, WIRE_QUIT);
    w = leaves(&s, w, "w.1", "w.2");
    runs(w, old, "22");
    fake_close(w);
    scene_close(&s);
}

Test(fit, priority_is_not_kept_waiting)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    struct wish urgent = two;
    urgent.priority = 5;
    submit(&s, one);
    int64_t job = submit(&s, urgent);
    hear(w, WIRE_QUIT);
    w = leaves(&s, w, "w.1", "w.2");
    runs(w, job, "22");
    fake_close(w);
    scene_close(&s);
}

/* A batch has all workers; a job of other contents gets its share of them, and no more. */
Test(fit, shares_come_to_rest)
{
    struct scene s;
    struct fake *w[4];
    struct wire_lease l[4];
    char name[16];
    scene_open(&s);
    struct wish many = one;
    many.members = 1000;
    int64_t batch = submit(&s, many);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "w.%d", i);
        w[i] = fake_ready(&s, name);
        if (i == 0) {
            l[0] = begins(w[0], batch, "11");
            fake_layout(w[0], &l[0]);
            fake_done(w[0], &l[0], 0, 1);
            fake_release(w[0], &l[0], 10);
        } else {
            hear(w[i], WIRE_JOB);
        }
        l[i] = hear(w[i], WIRE_LEASE)->lease;
    }
    many.libraries = two.libraries;
    int64_t late = submit(&s, many);
    fake_release(w[1], &l[1], 10);
    hear(w[1], WIRE_QUIT);
    w[1] = leaves(&s, w[1], "w.1", "w.10");
    l[1] = begins(w[1], late, "22");
    fake_layout(w[1], &l[1]);
    fake_done(w[1], &l[1], 0, 1);
    fake_release(w[1], &l[1], 10);
    l[1] = hear(w[1], WIRE_LEASE)->lease;
    fake_release(w[2], &l[2], 10);
    hear(w[2], WIRE_QUIT);
    w[2] = leaves(&s, w[2], "w.2", "w.20");
    cr_assert_eq(hear(w[2], WIRE_JOB)->job.job, late);
    hear(w[2], WIRE_LEASE);
    fake_release(w[3], &l[3], 10); /* two and two */
    l[3] = hear(w[3], WIRE_LEASE)->lease;
    cr_assert_eq(l[3].job, batch);
    for (int i = 0; i < 4; i++)
        fake_close(w[i]);
    scene_close(&s);
}

Test(fit, one_number_of_threads_for_a_worker)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    runs(w, submit(&s, one), "11");
    struct wish four = one;
    four.threads = 4;
    int64_t job = submit(&s, four);
    struct wire_message *m = hear(w, WIRE_QUIT);
    cr_assert(strstr(m->quit.reason, "threads"), "%s", m->quit.reason);
    w = leaves(&s, w, "w.1", "w.2");
    runs(w, job, "11");
    fake_close(w);
    scene_close(&s);
}

/* A worker is not given a second lease of what it cannot run behind the first. */
Test(fit, a_second_lease_fits_too)
{
    struct scene s;
    scene_open(&s);
    struct fake *w = fake_ready(&s, "w.1");
    struct wish many = one;
    many.members = 1000;
    int64_t batch = submit(&s, many);
    struct wire_lease l = begins(w, batch, "11");
    fake_layout(w, &l);
    fake_done(w, &l, 0, 1);
    fake_release(w, &l, 0.002); /* short ones: 500 a lease */
    l = hear(w, WIRE_LEASE)->lease;
    int64_t job = submit(&s, two);
    struct wire_lease behind = hear(w, WIRE_LEASE)->lease;
    cr_assert_eq(behind.job, batch);
    fake_done(w, &l, l.begin, l.end);
    fake_release(w, &l, 1);
    fake_done(w, &behind, behind.begin, behind.end);
    cr_assert_eq(scene_state(&s, job), JOB_QUEUED);
    fake_close(w);
    scene_close(&s);
}

/* Ahead of the layout, too, another worker would get some of its members. */
Test(fit, no_more_workers_than_a_job_asks_for)
{
    struct scene s;
    scene_open(&s);
    struct fake *a = fake_ready(&s, "a");
    int64_t job = submit(&s, (struct wish){"{'l': 'h1'}", .members = 10, .most_workers = 1});
    begins(a, job, "h1");
    struct fake *b = fake_ready(&s, "b");
    s.shift += 1000;
    fake_hears_nothing(b);
    begins(b, submit(&s, (struct wish){"{'l': 'h1'}", .members = 1}), "h1");
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(fit, as_many_workers_as_a_job_asks_for)
{
    struct scene s;
    scene_open(&s);
    struct fake *a = fake_ready(&s, "a");
    int64_t job = submit(&s, (struct wish){"{'l': 'h1'}", .members = 10, .most_workers = 2});
    begins(a, job, "h1");
    struct fake *b = fake_ready(&s, "b");
    s.shift += 1000;
    cr_assert_eq(hear(b, WIRE_JOB)->job.job, job);
    struct fake *c = fake_ready(&s, "c");
    fake_hears_nothing(c);
    fake_close(a);
    fake_close(b);
    fake_close(c);
    scene_close(&s);
}
