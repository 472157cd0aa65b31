/* SPDX-License-Identifier: Apache-2.0 */
/* Who is blamed for a death, who runs alone, and who decides a layout. */
#include "scene.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(blame, .timeout = 60);

static void die(struct scene *s, const char *name, bool is_blameless, int64_t lease)
{
    dispatch_worker_died(s->dispatch, name,
                         &(struct dispatch_death){.reason = "its worker was killed by signal 9",
                                                  .is_blameless = is_blameless,
                                                  .lease = lease});
    scene_turn(s);
}

static int64_t dead_members(struct scene *s, int64_t job)
{
    struct queue_job j = scene_job(s, job);
    int64_t dead = j.dead;
    queue_job_clear(&j);
    return dead;
}

Test(blame, nobody_for_leaving_a_silent_daemon)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1); /* two attempts */
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", i);
        struct fake *f = fake_ready(&s, name);
        fake_hear(f, WIRE_JOB);
        struct wire_lease l = fake_lease(f, 0, 1);
        die(&s, name, true, l.lease);
        fake_close(f);
        cr_assert_eq(dead_members(&s, job), 0);
    }
    scene_close(&s);
}

/* Two leases of [2, 12) and [12, 22). */
static struct fake *with_two_leases(struct scene *s, const char *name, struct wire_lease *first,
                                    struct wire_lease *second)
{
    struct fake *f = fake_ready(s, name);
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.1);
    *first = fake_lease(f, 2, 12);
    *second = fake_lease(f, 12, 22);
    return f;
}

static void expect_next(struct scene *s, int64_t begin, int64_t end)
{
    struct queue_lease l;
    cr_assert_eq(queue_lease(s->queue, 1, "w", 10, 1, &l, NULL), 0);
    cr_assert(l.begin == begin && l.end == end, "[%d, %d)", (int)l.begin, (int)l.end);
}

Test(blame, the_lease_that_was_run)
{
    struct scene s;
    struct wire_lease first, second;
    scene_open(&s);
    scene_submit_begun(&s, 100, 1);
    struct fake *f = with_two_leases(&s, "w.1", &first, &second);
    die(&s, "w.1", false, second.lease); /* RELEASE of the first one was lost */
    expect_next(&s, 2, 12);
    expect_next(&s, 12, 17);
    expect_next(&s, 17, 22);
    fake_close(f);
    scene_close(&s);
}

Test(blame, the_first_where_that_is_not_known)
{
    struct scene s;
    struct wire_lease first, second;
    scene_open(&s);
    scene_submit_begun(&s, 100, 1);
    struct fake *f = with_two_leases(&s, "w.1", &first, &second);
    die(&s, "w.1", false, 12345);
    expect_next(&s, 2, 7);
    expect_next(&s, 7, 12);
    expect_next(&s, 12, 22); /* it was not begun */
    fake_close(f);
    scene_close(&s);
}

/* ---- members that ran when the daemon died ---- */

/* The daemon dies while this member runs, and comes again. */
static void daemon_dies(struct scene *s, const struct wire_lease *l)
{
    static struct queue_sighting seen;
    seen = (struct queue_sighting){l->job, l->lease, l->begin};
    s->queue_options.sightings = &seen;
    s->queue_options.n_sightings = 1;
    scene_restart(s);
    s->queue_options.n_sightings = 0;
}

static struct fake *worker_with_job(struct scene *s, const char *name, struct wire_lease *ret_lease)
{
    struct fake *f = fake_ready(s, name);
    fake_hear(f, WIRE_JOB);
    *ret_lease = fake_hear(f, WIRE_LEASE)->lease;
    return f;
}

/* A job whose member 1 is to run alone. */
static int64_t with_suspect(struct scene *s)
{
    int64_t job = scene_submit_begun(s, 10, 1);
    for (int i = 0; i < 2; i++) {
        struct wire_lease l;
        struct fake *f = worker_with_job(s, "w.1", &l);
        cr_assert_eq(l.begin, 1);
        fake_close(f);
        daemon_dies(s, &l);
    }
    return job;
}

static void expect_held(struct scene *s, int64_t job, bool is_held)
{
    struct queue_job j = scene_job(s, job);
    cr_assert_eq(j.waiting && strstr(j.waiting, "held back: member 1 of job 1"), is_held, "%s",
                 j.waiting);
    queue_job_clear(&j);
}

Test(blame, a_suspect_runs_alone_and_first)
{
    struct scene s;
    struct wire_lease l;
    scene_open(&s);
    int64_t job = with_suspect(&s), other = scene_submit(&s, 1);
    struct fake *f = worker_with_job(&s, "w.1", &l), *g = fake_ready(&s, "w.2");
    cr_assert(l.job == job && l.begin == 1 && l.end == 2);
    fake_hears_nothing(g);
    expect_held(&s, other, true);
    fake_done(f, &l, 1, 2);
    fake_release(f, &l, 0.1);
    fake_hear(g, WIRE_JOB);
    fake_hear(g, WIRE_LEASE);
    expect_held(&s, other, false);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

Test(blame, one_that_takes_long_does_not_keep_others_for_ever)
{
    struct scene s;
    struct wire_lease l;
    scene_open(&s);
    with_suspect(&s);
    struct fake *f = worker_with_job(&s, "w.1", &l), *g = fake_ready(&s, "w.2");
    fake_hears_nothing(g);
    s.shift += 59000;
    scene_turn(&s);
    fake_hears_nothing(g);
    s.shift += 2000;
    scene_turn(&s);
    fake_hear(g, WIRE_JOB);
    fake_hear(g, WIRE_LEASE);
    fake_close(f);
    fake_close(g);
    daemon_dies(&s, &l); /* beside another: no attempt, but it is given longer */
    f = worker_with_job(&s, "w.1", &l);
    g = fake_ready(&s, "w.2");
    s.shift += 110000;
    scene_turn(&s);
    fake_hears_nothing(g);
    s.shift += 20000;
    scene_turn(&s);
    fake_hear(g, WIRE_JOB);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

Test(blame, its_worker_may_die_as_any_other)
{
    struct scene s;
    struct wire_lease l;
    scene_open(&s);
    int64_t job = with_suspect(&s);
    struct fake *f = worker_with_job(&s, "w.1", &l);
    die(&s, "w.1", false, l.lease);
    fake_close(f);
    f = worker_with_job(&s, "w.2", &l);
    cr_assert_eq(l.begin, 1, "it comes first again");
    die(&s, "w.2", false, l.lease);
    fake_close(f);
    cr_assert_eq(dead_members(&s, job), 1);
    f = worker_with_job(&s, "w.3", &l);
    cr_assert_eq(l.begin, 2);
    fake_close(f);
    scene_close(&s);
}

static void pass(struct scene *s, int64_t ms)
{
    s->shift += ms;
    scene_turn(s);
}

/* Where others are at work already, it waits for a moment without; such a moment is made now and
 * then. */
Test(blame, one_that_came_late_gets_its_turn)
{
    struct scene s;
    struct wire_lease l, first, second;
    scene_open(&s);
    int64_t job = with_suspect(&s);
    struct fake *f = worker_with_job(&s, "w.1", &l);
    s.shift += 70000;
    struct fake *g = worker_with_job(&s, "w.2", &first);
    fake_store_failed(f, &l, EIO); /* it is given back, and its job is paused */
    fake_hears_nothing(f);
    int64_t other = scene_submit_begun(&s, 50, 1);
    scene_turn(&s);
    cr_assert_eq(fake_hear(f, WIRE_JOB)->job.job, other, "not held back: not alone");
    second = fake_lease(f, 1, 2);
    pass(&s, 600000);
    fake_release(f, &second, 0.1);
    fake_hears_nothing(f);
    struct queue_job j = scene_job(&s, other);
    cr_assert(j.waiting && strstr(j.waiting, "held back for a moment"), "%s", j.waiting);
    queue_job_clear(&j);
    fake_release(g, &first, 0.1);
    l = fake_lease(g, 1, 2);
    cr_assert_eq(l.job, job);
    fake_hears_nothing(f);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

/* ---- layouts ---- */

Test(blame, late_outputs_are_decided_by_the_lowest)
{
    struct scene s;
    scene_open(&s);
    scene_submit_begun(&s, 5, 1);
    struct fake *f[3];
    struct wire_lease l[3];
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "w.%d", i);
        f[i] = fake_ready(&s, name);
        fake_hear(f[i], WIRE_JOB);
        l[i] = fake_lease(f[i], i + 1, i + 2);
    }
    for (int i = 2; i >= 1; i--) { /* members 3 and 2 */
        char *layout = mem_printf("{\"late\": {\"by\": %d}}", i + 1);
        fake_say(f[i], (struct wire_message){.type = WIRE_LAYOUT,
                                             .layout = {l[i].lease, l[i].begin, layout, 0}});
        fake_say(f[i], (struct wire_message){.type = WIRE_RELEASE,
                                             .release = {.lease = l[i].lease,
                                                         .seconds = 1,
                                                         .cause = WIRE_CAUSE_LAYOUT,
                                                         .reason = ""}});
        fake_hears_nothing(f[i]);
        free(layout);
    }
    fake_done(f[0], &l[0], 1, 2);
    fake_release(f[0], &l[0], 1);
    for (int i = 0; i < 3; i++) { /* members 2, 3 and 4, and the layout first */
        fake_hear(f[i], WIRE_JOB);
        cr_assert(strstr(f[i]->heard.job.layout, "\"late\":{\"by\":2}"), "%s",
                  f[i]->heard.job.layout);
        fake_lease(f[i], 4 - i, 5 - i); /* the youngest worker first */
    }
    for (int i = 0; i < 3; i++)
        fake_close(f[i]);
    scene_close(&s);
}
