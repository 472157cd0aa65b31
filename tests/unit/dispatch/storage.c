/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that cannot be written. */
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(storage, .timeout = 60);

Test(storage, a_full_disk_pauses_all)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    for (int i = 0; i < 10; i++) {
        struct wire_lease l = fake_lease(f, 1, 2);
        fake_store_failed(f, &l, ENOSPC);
        fake_hears_nothing(f);
        s.shift += 10000;
        scene_turn(&s);
    }
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING, "it waits as long as it takes");
    fake_close(f);
    scene_close(&s);
}

/* A store that cannot be finished for lack of room is finished when there is some. */
Test(storage, a_full_disk_at_the_end)
{
    struct scene s;
    const char *reason;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    for (int i = 0; i < 10; i++) {
        fake_hear(f, WIRE_FINISH);
        fake_say(
            f, (struct wire_message){.type = WIRE_FINISH_FAILED,
                                     .finish_failed = {job, WIRE_CAUSE_STORE, ENOSPC, "no room"}});
        fake_hears_nothing(f);
        cr_assert(!dispatch_ready(s.dispatch, &reason) && strstr(reason, "no room"));
        s.shift += 10000;
        scene_turn(&s);
    }
    fake_hear(f, WIRE_FINISH);
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hear(f, WIRE_DROP);
    cr_assert(dispatch_ready(s.dispatch, &reason));
    cr_assert_eq(scene_state(&s, job), JOB_SUCCEEDED);
    fake_close(f);
    scene_close(&s);
}

static void expect_waiting(struct scene *s, int64_t job, const char *part)
{
    struct queue_job j = scene_job(s, job);
    cr_assert(part ? j.waiting && strstr(j.waiting, part) : !j.waiting, "waiting: %s", j.waiting);
    queue_job_clear(&j);
}

/* A job of one member, which a worker knows, is done. */
static void store_another(struct scene *s, struct fake *f)
{
    int64_t job = scene_submit(s, 1);
    scene_turn(s);
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, job);
    struct wire_lease l = fake_lease(f, 0, 1);
    fake_layout(f, &l);
    fake_done(f, &l, 0, 1);
    fake_release(f, &l, 0.1);
    fake_hear(f, WIRE_FINISH);
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hear(f, WIRE_DROP);
}

Test(storage, a_job_fails_only_while_others_can_be_written)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    for (int i = 0; i < 20; i++) { /* the disk is away: for nobody else either */
        struct wire_lease l = fake_lease(f, 1, 2);
        fake_store_failed(f, &l, i % 2 ? EIO : EROFS);
        fake_hears_nothing(f);
        expect_waiting(&s, job, "no room");
        s.shift += 100000;
        scene_turn(&s);
    }
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    struct wire_lease l = fake_lease(f, 1, 2);
    for (int i = 0; i < 6; i++) {
        fake_store_failed(f, &l, EIO);
        fake_hears_nothing(f);
        store_another(&s, f);
        s.shift += 100000;
        scene_turn(&s);
        l = fake_lease(f, 1, 2);
    }
    fake_store_failed(f, &l, EIO);
    fake_hear(f, WIRE_DROP);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert_str_eq(j.reason, "no room");
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

Test(storage, what_can_never_be_written_fails)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    for (int i = 0; i < 6; i++) {
        struct wire_lease l = fake_lease(f, 1, 2);
        fake_store_failed(f, &l, ENAMETOOLONG);
        if (i == 5)
            break;
        fake_hears_nothing(f);
        s.shift += 100000;
        scene_turn(&s);
    }
    fake_hear(f, WIRE_DROP);
    cr_assert_eq(scene_state(&s, job), JOB_FAILED);
    fake_close(f);
    scene_close(&s);
}

Test(storage, a_store_that_has_vanished_is_waited_for)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1), other = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, job);
    for (int i = 0; i < 30; i++) {
        struct wire_lease l = fake_lease(f, 1, 2);
        cr_assert_eq(l.job, job);
        fake_store_failed(f, &l, ENOENT);
        if (i == 0) { /* meanwhile the other one's turn has come */
            fake_hear(f, WIRE_JOB);
            l = fake_lease(f, 1, 2);
            cr_assert_eq(l.job, other);
            fake_store_failed(f, &l, EIO); /* and stays away */
            fake_hears_nothing(f);
            queue_cancel(s.queue, other, "enough", &e);
            scene_turn(&s);
            cr_assert_eq(fake_hear(f, WIRE_DROP)->drop.job, other);
        }
        fake_hears_nothing(f);
        expect_waiting(&s, job, "no room; it goes on when");
        s.shift += 5000;
        scene_turn(&s);
    }
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.1);
    fake_lease(f, 2, 3);
    expect_waiting(&s, job, NULL);
    fake_close(f);
    scene_close(&s);
}

Test(storage, a_job_that_waits_can_be_cancelled)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_store_failed(f, &l, ENOENT);
    fake_hears_nothing(f);
    cr_assert_eq(queue_cancel(s.queue, job, "enough", &e), 0);
    scene_turn(&s);
    fake_hear(f, WIRE_DROP);
    cr_assert_eq(scene_state(&s, job), JOB_CANCELLED);
    fake_close(f);
    scene_close(&s);
}

/* Twenty jobs that wait for their stores hide nobody behind them. */
Test(storage, paused_jobs_starve_nobody)
{
    struct scene s;
    scene_open(&s);
    enum { PAUSED = 20 };
    int64_t jobs[PAUSED];
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    for (int i = 0; i < PAUSED; i++) {
        jobs[i] = scene_submit_begun(&s, 3, 1);
        scene_turn(&s);
        while (fake_hear_any(f)->type == WIRE_DROP)
            continue;
        cr_assert_eq(f->heard.type, WIRE_JOB);
        struct wire_lease l = fake_lease(f, 1, 2);
        cr_assert_eq(l.job, jobs[i]);
        fake_store_failed(f, &l, i % 2 ? EIO : ENOENT);
        fake_hears_nothing(f);
    }
    int64_t other = scene_submit(&s, 1);
    scene_turn(&s);
    while (fake_hear_any(f)->type == WIRE_DROP)
        continue;
    cr_assert_eq(f->heard.job.job, other);
    fake_lease(f, 0, 1);
    fake_close(f);
    scene_close(&s);
}

/* ---- workers ---- */

static void say_trouble(struct fake *f, const struct wire_lease *l)
{
    fake_say(f, (struct wire_message){
                    .type = WIRE_RELEASE,
                    .release = {l->lease, 0.1, WIRE_CAUSE_WORKER, 0, "cannot load lib.so"}});
}

Test(storage, a_worker_with_trouble_is_replaced)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 3, 1);
    int n = 0;
    for (; scene_state(&s, job) == JOB_RUNNING; n++) {
        char name[16];
        cr_assert_lt(n, 50);
        snprintf(name, sizeof name, "w.%d", n);
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        struct wire_lease l = fake_lease(f, 1, 2);
        say_trouble(f, &l);
        cr_assert(strstr(fake_hear(f, WIRE_QUIT)->quit.reason, "lib.so"));
        fake_say(f, (struct wire_message){.type = WIRE_BYE, .bye.reason = ""});
        scene_worker_died(&s, name, "its worker exited with status 0");
        fake_hear_any(f); /* QUIT, which tells that BYE was heard, or DROP before it */
        fake_close(f);
        s.shift += 100000;
        scene_turn(&s);
    }
    cr_assert_eq(n, 6, "%d", n);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert_str_eq(j.reason, "cannot load lib.so");
    queue_job_clear(&j);
    json_t *members;
    struct error e = {.message = ""};
    cr_assert_eq(queue_members(s.queue, job, -1, 10, &members, &e), 0);
    cr_assert_eq(json_array_size(members), 0);
    json_decref(members);
    scene_close(&s);
}

/* What gets further is not failed, however often workers have trouble. */
Test(storage, trouble_of_some_workers_fails_nobody)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 40, 1);
    struct fake *good = fake_ready(&s, "good");
    fake_hear(good, WIRE_JOB);
    struct wire_lease l = fake_lease(good, 1, 2);
    for (int i = 0; i < 15; i++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", i);
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        struct wire_lease bad = fake_hear(f, WIRE_LEASE)->lease;
        say_trouble(f, &bad);
        fake_hear(f, WIRE_QUIT);
        scene_worker_died(&s, name, "its worker exited with status 0");
        fake_close(f);
        fake_done(good, &l, l.begin, l.end);
        fake_release(good, &l, 1.0);
        fake_hears_nothing(good);
        s.shift += 100000;
        scene_turn(&s);
        l = fake_hear(good, WIRE_LEASE)->lease;
    }
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    fake_close(good);
    scene_close(&s);
}
