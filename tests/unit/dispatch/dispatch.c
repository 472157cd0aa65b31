/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher, as workers see it. */
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(dispatch, .timeout = 60);

static const char *state_in_json(struct scene *s, size_t i)
{
    static char state[32];
    json_t *workers = dispatch_workers(s->dispatch);
    snprintf(state, sizeof state, "%s",
             json_string_value(json_object_get(json_array_get(workers, i), "state")));
    json_decref(workers);
    return state;
}

Test(dispatch, one_simulation_from_queued_to_succeeded)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1");
    const struct wire_message *m = fake_hear(f, WIRE_JOB);
    cr_assert_eq(m->job.job, job);
    cr_assert_str_eq(m->job.document, "{\"a\": \"b\"}");
    cr_assert_str_eq(m->job.layout, "");
    cr_assert_str_eq(m->job.store, "/stores/1.zarr");
    struct wire_lease l = fake_lease(f, 0, 1);
    cr_assert_eq(l.job, job);
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    cr_assert_str_eq(state_in_json(&s, 0), "busy");
    fake_layout(f, &l);
    fake_done(f, &l, 0, 1);
    fake_release(f, &l, 0.5);
    m = fake_hear(f, WIRE_FINISH);
    cr_assert_eq(m->finish.job, job);
    cr_assert_str_eq(m->finish.dead, "[]");
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    cr_assert_eq(fake_hear(f, WIRE_DROP)->drop.job, job);
    cr_assert_eq(scene_state(&s, job), JOB_SUCCEEDED);
    cr_assert_str_eq(state_in_json(&s, 0), "idle");
    cr_assert_eq(s.n_ready, 1);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, the_socket_is_for_this_user_only)
{
    struct scene s;
    struct stat status;
    scene_open(&s);
    cr_assert_eq(stat(s.endpoint + strlen("ipc://"), &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    scene_close(&s);
}

Test(dispatch, a_batch_begins_with_one_member)
{
    struct scene s;
    scene_open(&s);
    scene_stop_clock(&s);
    scene_submit(&s, 100);
    struct fake *a = fake_ready(&s, "w.1");
    fake_hear(a, WIRE_JOB);
    struct wire_lease l = fake_lease(a, 0, 1);
    struct fake *b = fake_ready(&s, "w.2");
    fake_hears_nothing(b); /* before the layout is known */
    fake_layout(a, &l);
    fake_done(a, &l, 0, 1);
    cr_assert_str_eq(fake_hear(b, WIRE_JOB)->job.layout, "{}");
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(dispatch, leases_are_as_long_as_members_take)
{
    struct scene s;
    scene_open(&s);
    scene_submit_begun(&s, 1000, 10);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2); /* nothing is measured yet */
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.025);
    l = fake_lease(f, 2, 40); /* 1 s / 0.025 s, to the end of a chunk row */
    struct wire_lease second = fake_lease(f, 40, 80);
    fake_hears_nothing(f);
    fake_done(f, &l, 2, 40);
    fake_release(f, &l, 38 * 0.025);
    l = fake_lease(f, 80, 120);
    cr_assert_gt(l.lease, second.lease);
    fake_close(f);
    scene_close(&s);
}

/* What it took is known with the layout: nobody waits until it is stored. */
Test(dispatch, leases_are_planned_by_the_first_member)
{
    struct scene s;
    scene_open(&s);
    scene_submit(&s, 1000);
    struct fake *a = fake_ready(&s, "w.1"), *b;
    fake_hear(a, WIRE_JOB);
    struct wire_lease l = fake_lease(a, 0, 1);
    b = fake_ready(&s, "w.2");
    fake_hears_nothing(b);
    fake_say(a, (struct wire_message){.type = WIRE_LAYOUT, .layout = {l.lease, 0, "{}", 0.025}});
    cr_assert_str_eq(fake_hear(b, WIRE_JOB)->job.layout, "{}");
    fake_lease(b, 1, 41);
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(dispatch, a_lease_of_one_member_is_sent_alone)
{
    struct scene s;
    scene_open(&s);
    scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_hears_nothing(f);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.001);
    l = fake_lease(f, 2, 3);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, a_lost_lease_of_many_is_halved)
{
    struct scene s;
    scene_open(&s);
    scene_submit_begun(&s, 100, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.1);
    l = fake_lease(f, 2, 12);
    fake_lease(f, 12, 22);
    fake_done(f, &l, 2, 4);
    fake_hears_nothing(f);
    scene_worker_died(&s, "w.1", "killed");
    fake_close(f);
    f = fake_ready(&s, "w.2");
    fake_hear(f, WIRE_JOB);
    fake_lease(f, 4, 8); /* of [4, 12), what was not done */
    fake_lease(f, 8, 12);
    struct queue_job j = scene_job(&s, 1);
    cr_assert_eq(j.dead, 0);
    cr_assert_eq(j.done, 4);
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

/* Of a job whose only member died: its store is closed all the same. */
static void finish_dead(struct scene *s, int64_t job)
{
    cr_assert_eq(scene_state(s, job), JOB_RUNNING);
    struct fake *f = fake_ready(s, "w.last");
    fake_hear(f, WIRE_JOB);
    cr_assert_str_eq(fake_hear(f, WIRE_FINISH)->finish.dead, "[[0,1]]");
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hear(f, WIRE_DROP);
    fake_close(f);
}

Test(dispatch, a_member_that_kills_its_workers_dies)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    for (int attempt = 1; attempt <= 2; attempt++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", attempt);
        cr_assert_eq(scene_state(&s, job), attempt == 1 ? JOB_QUEUED : JOB_RUNNING);
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        fake_lease(f, 0, 1);
        scene_worker_died(&s, name, "its worker was killed by signal 11");
        scene_turn(&s);
        fake_close(f);
    }
    finish_dead(&s, job);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert(strstr(j.reason, "signal 11"), "%s", j.reason);
    queue_job_clear(&j);
    scene_close(&s);
}

/* More often than a member may be tried. */
Test(dispatch, who_leaves_is_not_to_blame)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    for (int i = 1; i <= 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", i);
        struct fake *w = fake_ready(&s, name);
        fake_hear(w, WIRE_JOB);
        fake_lease(w, 0, 1); /* it crosses the BYE */
        fake_say(w, (struct wire_message){.type = WIRE_BYE, .bye.reason = "renewed"});
        fake_hear(w, WIRE_QUIT);
        cr_assert_eq(s.n_kills, i, "what it has is given to others when it is dead");
        scene_worker_died(&s, name, "its worker exited with status 0");
        fake_close(w);
    }
    struct fake *w = fake_ready(&s, "w.6");
    fake_hear(w, WIRE_JOB);
    fake_lease(w, 0, 1);
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    fake_close(w);
    scene_close(&s);
}

Test(dispatch, members_that_fail_make_a_job_partial)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 2, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_say(f, (struct wire_message){.type = WIRE_LOG, .log = {l.lease, 1, 0, "a line"}});
    fake_say(f, (struct wire_message){.type = WIRE_MEMBER_FAILED,
                                      .member_failed = {l.lease, 1, "u is negative"}});
    fake_release(f, &l, 0.1);
    cr_assert_str_eq(fake_hear(f, WIRE_FINISH)->finish.dead, "[[1,2]]");
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hear(f, WIRE_DROP);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_PARTIAL);
    cr_assert(strstr(j.reason, "u is negative"), "%s", j.reason);
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, cancelled_leases_are_stopped)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 100, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    cr_assert_eq(queue_cancel(s.queue, job, "enough", &e), 0);
    scene_turn(&s);
    cr_assert_eq(fake_hear(f, WIRE_CANCEL)->cancel.lease, l.lease);
    fake_hears_nothing(f);
    fake_done(f, &l, 1, 2); /* too late */
    fake_release(f, &l, 0.1);
    cr_assert_eq(fake_hear(f, WIRE_DROP)->drop.job, job);
    cr_assert_str_eq(state_in_json(&s, 0), "idle");
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_CANCELLED);
    cr_assert_eq(j.done, 1);
    queue_job_clear(&j);
    int64_t next = scene_submit(&s, 1);
    scene_turn(&s);
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, next);
    cr_assert_eq(s.n_kills, 0);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, who_does_not_heed_a_cancellation_is_killed)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    fake_lease(f, 0, 1);
    cr_assert_eq(queue_cancel(s.queue, job, "enough", &e), 0);
    scene_turn(&s);
    fake_hear(f, WIRE_CANCEL);
    int64_t due = loop_now() + SCENE_LEASE_MS - 10;
    dispatch_tick(s.dispatch, due - 100000);
    cr_assert_eq(s.n_kills, 0);
    fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT});
    fake_hear(f, WIRE_ALIVE);
    s.shift = 2000;
    while (s.n_kills == 0) { /* its heartbeats go on */
        s.shift += 400000;
        fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT});
        fake_hear(f, WIRE_ALIVE);
        dispatch_tick(s.dispatch, dispatch_tick(s.dispatch, loop_now()));
    }
    cr_assert_str_eq(s.kills[0], "w.1");
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, who_is_silent_is_killed)
{
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    int64_t due = dispatch_tick(s.dispatch, loop_now());
    cr_assert_geq(due, loop_now() + SCENE_LEASE_MS - 60000);
    dispatch_tick(s.dispatch, due - 1);
    cr_assert_eq(s.n_kills, 0);
    dispatch_tick(s.dispatch, due);
    cr_assert_eq(s.n_kills, 1);
    cr_assert_str_eq(s.kills[0], "w.1");
    cr_assert_str_eq(state_in_json(&s, 0), "stopping");
    scene_worker_died(&s, "w.1", "killed");
    scene_turn(&s);
    json_t *workers = dispatch_workers(s.dispatch);
    cr_assert_eq(json_array_size(workers), 0);
    json_decref(workers);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, nobody_is_blamed_for_our_own_sleep)
{
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    int64_t due = dispatch_tick(s.dispatch, loop_now());
    dispatch_tick(s.dispatch, due + 600000);
    cr_assert_eq(s.n_kills, 0);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, a_member_that_overruns_its_time)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 0, 1);
    struct wire_message beat = {
        .type = WIRE_HEARTBEAT,
        .heartbeat = {.number = 1, .lease = l.lease, .member_ms = 2900, .step = 5, .nsteps = 10}};
    fake_say(f, beat);
    fake_hears_nothing(f);
    cr_assert_eq(s.n_kills, 0);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.step, 5);
    cr_assert_eq(j.nsteps, 10);
    queue_job_clear(&j);
    beat.heartbeat.member_ms = 3100;
    fake_say(f, beat);
    while (s.n_kills == 0)
        loop_turn(s.loop, -1);
    scene_worker_died(&s, "w.1", "its worker was killed by signal 9");
    scene_turn(&s);
    f->scene = &s;
    fake_close(f);
    f = fake_ready(&s, "w.2");
    fake_hear(f, WIRE_JOB);
    fake_lease(f, 0, 1);
    scene_worker_died(&s, "w.2", "its worker was killed by signal 9");
    scene_turn(&s);
    fake_close(f);
    finish_dead(&s, job);
    cr_assert_eq(scene_state(&s, job), JOB_FAILED);
    scene_close(&s);
}

Test(dispatch, the_job_as_a_whole_fails)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 10, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_say(f, (struct wire_message){.type = WIRE_JOB_FAILED,
                                      .job_failed = {job + 1, "not a job of this worker"}});
    fake_say(f, (struct wire_message){.type = WIRE_JOB_FAILED, .job_failed = {job, "no library"}});
    fake_release(f, &l, 0);
    if (fake_hear_any(f)->type == WIRE_CANCEL) /* which RELEASE has crossed */
        fake_hear_any(f);
    cr_assert_eq(f->heard.type, WIRE_DROP);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert_str_eq(j.reason, "no library");
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

/* ---- disks that fail ---- */

Test(dispatch, a_failed_commit_loses_no_report_and_sends_no_lease)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    scene_fail_commits(true);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.1);
    while (s.n_rollbacks == 0)
        loop_turn(s.loop, -1);
    fake_hears_nothing(f); /* the next lease was taken back */
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.done, 1);
    queue_job_clear(&j);
    s.shift += 5000; /* the next trial */
    scene_turn(&s);
    scene_turn(&s);
    cr_assert_geq(s.n_rollbacks, 2);
    scene_fail_commits(false);
    s.shift += 5000;
    scene_turn(&s);
    l = fake_lease(f, 2, 3);
    j = scene_job(&s, job);
    cr_assert_eq(j.done, 2);
    queue_job_clear(&j);
    fake_done(f, &l, 2, 3);
    fake_release(f, &l, 0.1);
    fake_hear(f, WIRE_FINISH);
    fake_close(f);
    scene_close(&s);
}

Test(dispatch, a_job_that_was_rolled_back_is_forgotten)
{
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    scene_fail_commits(true);
    scene_submit(&s, 1);
    while (s.n_rollbacks == 0)
        scene_turn(&s);
    scene_fail_commits(false);
    fake_hears_nothing(f);
    s.shift += 5000;
    int64_t job = scene_submit(&s, 1); /* it may have the same number */
    scene_turn(&s);
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, job);
    fake_lease(f, 0, 1);
    fake_close(f);
    scene_close(&s);
}

/* ---- sharing ---- */

Test(dispatch, jobs_of_one_priority_share_the_workers)
{
    struct scene s;
    scene_open(&s);
    int64_t first = scene_submit_begun(&s, 100, 1), second = scene_submit_begun(&s, 100, 1);
    struct fake *a = fake_ready(&s, "w.1");
    cr_assert_eq(fake_hear(a, WIRE_JOB)->job.job, first);
    fake_lease(a, 1, 2);
    struct fake *b = fake_ready(&s, "w.2");
    cr_assert_eq(fake_hear(b, WIRE_JOB)->job.job, second);
    fake_lease(b, 1, 2);
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(dispatch, a_worker_is_told_of_a_job_once)
{
    struct scene s;
    scene_open(&s);
    int64_t jobs[6];
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    for (int i = 0; i < 6; i++) { /* they begin, and go on later */
        jobs[i] = scene_submit(&s, 2);
        scene_turn(&s);
        if (i >= 4) /* four are kept: those that were used last */
            cr_assert_eq(fake_hear(f, WIRE_DROP)->drop.job, jobs[i - 4]);
        cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, jobs[i]);
        struct wire_lease l = fake_lease(f, 0, 1);
        fake_store_failed(f, &l, EIO);
    }
    fake_hears_nothing(f);
    s.shift += 5000;
    scene_turn(&s);
    fake_hear(f, WIRE_DROP);
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, jobs[0]);
    struct wire_lease l = fake_lease(f, 0, 1);
    fake_layout(f, &l);
    fake_done(f, &l, 0, 1);
    fake_release(f, &l, 0.1);
    fake_lease(f, 1, 2); /* it proposed the layout itself */
    fake_close(f);
    scene_close(&s);
}
