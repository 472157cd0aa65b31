/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of complete jobs are closed, as often as need be. */
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

TestSuite(closing, .timeout = 60);

Test(closing, finishes_what_a_former_daemon_left)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    scene_restart(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    fake_hear(f, WIRE_FINISH);
    fake_say(f, (struct wire_message){.type = WIRE_FINISH_FAILED,
                                      .finish_failed = {job, 0, 0, "a chunk is missing"}});
    fake_hear(f, WIRE_DROP);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert(strstr(j.reason, "a chunk is missing"));
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

/* A worker that has come to look at so many chunks, as it said itself, dies of it. */
static void die_at(struct scene *s, int64_t job, int n, int64_t chunks)
{
    char name[16];
    snprintf(name, sizeof name, "w.%d", n);
    s->shift += 100000;
    struct fake *f = fake_ready(s, name);
    fake_hear(f, WIRE_JOB);
    cr_assert_eq(fake_hear(f, WIRE_FINISH)->finish.job, job);
    dispatch_worker_died(s->dispatch, name,
                         &(struct dispatch_death){.reason = "killed", .chunks = chunks});
    scene_turn(s);
    fake_close(f);
}

Test(closing, is_tried_as_long_as_it_gets_further)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    for (int i = 0; i < 25; i++)
        die_at(&s, job, i, i / 5); /* further every fifth time */
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    struct fake *f = fake_ready(&s, "w.last");
    s.shift += 100000;
    fake_hear(f, WIRE_JOB);
    fake_hear(f, WIRE_FINISH);
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hear(f, WIRE_DROP);
    cr_assert_eq(scene_state(&s, job), JOB_SUCCEEDED);
    fake_close(f);
    scene_close(&s);
}

Test(closing, that_never_gets_further_fails)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    int n = 0;
    for (; scene_state(&s, job) == JOB_RUNNING; n++) {
        cr_assert_lt(n, 50);
        die_at(&s, job, n, 7);
    }
    cr_assert_eq(n, 11, "%d", n); /* the first one got further than none */
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.state, JOB_FAILED);
    cr_assert(strstr(j.reason, "1 done, 0 dead") && strstr(j.reason, "/stores/1.zarr") &&
                  strstr(j.reason, "killed"),
              "%s", j.reason);
    queue_job_clear(&j);
    scene_close(&s);
}

/* Progress is also told by heartbeats. */
Test(closing, progress_is_heard)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    for (int n = 0; n < 30; n++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", n);
        s.shift += 100000;
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        fake_hear(f, WIRE_FINISH);
        fake_say(f,
                 (struct wire_message){
                     .type = WIRE_HEARTBEAT,
                     .heartbeat = {
                         .number = 1, .member = -1, .step = n + 1, .nsteps = 100, .closing = job}});
        fake_hear(f, WIRE_ALIVE);
        scene_worker_died(&s, name, "killed");
        scene_turn(&s);
        fake_close(f);
    }
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    scene_close(&s);
}

/* A worker that leaves, or that was killed for its own silence, has not failed. */
Test(closing, nobody_is_blamed_for_leaving)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    for (int n = 0; n < 30; n++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", n);
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        fake_hear(f, WIRE_FINISH);
        dispatch_worker_died(
            s.dispatch, name,
            &(struct dispatch_death){.reason = "it was silent", .is_blameless = true});
        scene_turn(&s);
        fake_close(f);
    }
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    scene_close(&s);
}
