/* SPDX-License-Identifier: Apache-2.0 */
/* A queue that fails, in each of its statements: what could not be read is asked again later. */
#include "scene.h"

TestSuite(failures, .timeout = 60);

/* Works as a worker does until it is told to forget the job. */
static void work(struct fake *f, int64_t job)
{
    for (;;) {
        const struct wire_message *m = fake_hear_any(f);
        struct wire_lease l = m->lease;
        switch ((int)m->type) {
        case WIRE_JOB:
            break;
        case WIRE_LEASE:
            fake_layout(f, &l);
            fake_done(f, &l, l.begin, l.end);
            fake_release(f, &l, 0.1);
            break;
        case WIRE_FINISH:
            fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
            break;
        case WIRE_DROP:
            cr_assert_eq(m->drop.job, job);
            return;
        default:
            cr_assert_fail("%s came", wire_name((int)m->type));
        }
    }
}

static int64_t submit_committed(struct scene *s, int64_t members)
{
    struct error e = {.message = ""};
    int64_t job = scene_submit(s, members);
    cr_assert_eq(queue_commit(s->queue, &e), 0, "%s", e.message);
    return job;
}

Test(failures, each_statement_of_a_job_may_fail_once)
{
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hears_nothing(f);
    int n = 0;
    for (bool has_failed = true; has_failed;) {
        int64_t job = submit_committed(&s, 3);
        scene_fail_statement(&s, ++n);
        scene_turn(&s);
        work(f, job);
        has_failed = scene_fail_statement(&s, 0);
        struct queue_job j = scene_job(&s, job);
        cr_assert_eq(j.state, JOB_SUCCEEDED, "statement %d: %s, %s", n, job_state_name(j.state),
                     j.reason);
        queue_job_clear(&j);
    }
    cr_assert_gt(n, 50, "statements of a job: %d", n);
    cr_assert_eq(s.n_kills, 0);
    fake_close(f);
    scene_close(&s);
}

Test(failures, what_a_former_daemon_left_is_found_by_a_later_turn)
{
    struct scene s;
    scene_open(&s);
    for (int n = 1; n <= 3; n++) {
        int64_t job = scene_submit(&s, 1);
        struct fake *f = fake_ready(&s, "w.1");
        fake_hear(f, WIRE_JOB);
        struct wire_lease l = fake_lease(f, 0, 1);
        fake_layout(f, &l);
        fake_done(f, &l, 0, 1);
        fake_release(f, &l, 0.1);
        fake_hear(f, WIRE_FINISH);
        fake_close(f);
        scene_restart(&s);
        scene_fail_statement(&s, n);
        f = fake_ready(&s, "w.1");
        scene_turn(&s);
        work(f, job);
        cr_assert(scene_fail_statement(&s, 0));
        cr_assert_eq(scene_state(&s, job), JOB_SUCCEEDED);
        fake_close(f);
        scene_restart(&s);
    }
    scene_close(&s);
}

/* A job that is cancelled while its store is being finished, and is forgotten meanwhile. */
Test(failures, a_finish_that_nobody_awaits_leaves_the_worker_idle)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 0, 1);
    fake_layout(f, &l);
    fake_done(f, &l, 0, 1);
    fake_release(f, &l, 0.1);
    fake_hear(f, WIRE_FINISH);
    cr_assert_eq(queue_cancel(s.queue, job, "enough", &e), 0);
    scene_turn(&s);
    fake_hears_nothing(f);
    fake_say(f, (struct wire_message){
                    .type = WIRE_FINISH_FAILED,
                    .finish_failed = {.job = job, .error = 5, .reason = "the disk failed"}});
    int64_t next = scene_submit(&s, 1);
    scene_turn(&s);
    do
        fake_hear_any(f);
    while (f->heard.type == WIRE_DROP);
    cr_assert_eq(f->heard.type, WIRE_JOB);
    cr_assert_eq(f->heard.job.job, next);
    cr_assert_eq(scene_state(&s, job), JOB_CANCELLED);
    fake_close(f);
    scene_close(&s);
}

/* A job that is cancelled in a turn that is rolled back is as it was: its store is finished. */
Test(failures, an_end_that_is_rolled_back_forgets_nothing)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 1, 1);
    scene_restart(&s);
    scene_turn(&s);
    int64_t other = submit_committed(&s, 1); /* an event, by which ends are looked for */
    scene_fail_commits(true);
    cr_assert_eq(queue_cancel(s.queue, job, "enough", &e), 0);
    scene_turn(&s);
    cr_assert_eq(s.n_rollbacks, 1);
    scene_fail_commits(false);
    cr_assert_eq(queue_cancel(s.queue, other, "enough", &e), 0);
    s.shift += 2000;
    struct fake *f = fake_ready(&s, "w.1");
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, job);
    cr_assert_eq(fake_hear(f, WIRE_FINISH)->finish.job, job);
    fake_close(f);
    scene_close(&s);
}
