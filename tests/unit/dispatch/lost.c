/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that do not arrive: none is lost in silence, and nobody is blamed. */
#include "scene.h"

#include <errno.h>
#include <stdio.h>

TestSuite(lost, .timeout = 60);

/* Works as a worker does until it is told to forget the job, or is killed: false. */
static bool work(struct fake *f)
{
    const struct wire_message *m;
    while ((m = fake_hear_unless_killed(f)) && m->type != WIRE_DROP) {
        struct wire_lease l = m->lease;
        if (m->type == WIRE_LEASE) {
            if (l.begin == 0)
                fake_layout(f, &l);
            fake_done(f, &l, l.begin, l.end);
            fake_release(f, &l, 0.1);
        } else if (m->type == WIRE_FINISH) {
            int64_t job = m->finish.job;
            fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
        }
    }
    return m;
}

static struct fake *next_worker(struct scene *s, int *number)
{
    char name[16];
    snprintf(name, sizeof name, "w.%d", ++*number);
    return fake_ready(s, name);
}

/* The job of three members, of one attempt each, comes to its end; workers that were killed. */
static int work_to_the_end(struct scene *s, struct fake **f, int *number)
{
    int64_t job = scene_submit(s, 3);
    scene_turn(s);
    int killed = 0;
    bool is_through = false;
    while (!is_through && !work(*f)) {
        is_through = job_state_is_final(scene_state(s, job)); /* it was DROP */
        killed += s->n_kills;
        scene_worker_died(s, s->kills[--s->n_kills], "its worker was killed by signal 9");
        fake_close(*f);
        *f = next_worker(s, number);
    }
    struct queue_job j = scene_job(s, job);
    cr_assert_eq(j.state, JOB_SUCCEEDED, "%s: %s", job_state_name(j.state), j.reason);
    queue_job_clear(&j);
    return killed;
}

static int fail_each(int error, int killed)
{
    struct scene s;
    scene_open(&s);
    s.max_attempts = 1;
    int number = 0, n = 0;
    struct fake *f = next_worker(&s, &number);
    fake_hears_nothing(f);
    do {
        scene_fail_send(++n, error);
        int k = work_to_the_end(&s, &f, &number);
        cr_assert(k == killed || n > 12, "part %d: %d workers were killed", n, k);
    } while (scene_fail_send(0, 0));
    fake_close(f);
    scene_close(&s);
    return n - 1;
}

Test(lost, each_send_may_be_interrupted)
{
    cr_assert_gt(fail_each(EINTR, 0), 11);
}

Test(lost, each_send_may_fail)
{
    cr_assert_gt(fail_each(EAGAIN, 1), 11);
}

/* Its death comes by the pool, and tells what it was. */
Test(lost, a_worker_that_is_gone_is_blamed_for_its_death)
{
    struct scene s;
    scene_open(&s);
    s.max_attempts = 1;
    int64_t job = scene_submit_begun(&s, 3, 1);
    int number = 0;
    struct fake *f = next_worker(&s, &number);
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    scene_fail_send(1, EHOSTUNREACH);
    fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT, .heartbeat.member = -1});
    while (!scene_fail_send(1, EHOSTUNREACH))
        cr_assert_eq(loop_turn(s.loop, -1), 0);
    scene_fail_send(0, 0);
    cr_assert_eq(s.n_kills, 0);
    scene_worker_died(&s, "w.1", "its worker was killed by signal 11");
    scene_turn(&s);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.dead, 1);
    queue_job_clear(&j);
    cr_assert_eq(l.begin, 1);
    fake_close(f);
    scene_close(&s);
}

/* What it has said did not all come: it has done more, or less, than we know. */
Test(lost, a_worker_that_was_not_heard_is_replaced)
{
    struct scene s;
    scene_open(&s);
    s.max_attempts = 1;
    int64_t job = scene_submit_begun(&s, 3, 1);
    int number = 0;
    for (int gap = -1; gap <= 1; gap += 2) {
        struct fake *f = next_worker(&s, &number);
        fake_hear(f, WIRE_JOB);
        fake_lease(f, 1, 2);
        fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT,
                                          .heartbeat = {.member = 1, .said = gap}});
        while (s.n_kills == 0)
            cr_assert_eq(loop_turn(s.loop, -1), 0);
        scene_worker_died(&s, s.kills[--s.n_kills], "its worker was killed by signal 9");
        scene_turn(&s);
        fake_close(f);
    }
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.dead, 0);
    queue_job_clear(&j);
    scene_close(&s);
}
