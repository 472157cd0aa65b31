/* SPDX-License-Identifier: Apache-2.0 */
/* Members that run while the first one, which decides the layout, still does. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

TestSuite(ahead, .timeout = 60);

struct two {
    struct scene s;
    int64_t job;
    struct fake *a, *b;
    struct wire_lease first, second;
};

/* a has member 0 of three, b member 1. */
static void two_open(struct two *t)
{
    scene_open(&t->s);
    scene_stop_clock(&t->s);
    t->job = scene_submit(&t->s, 3);
    t->a = fake_ready(&t->s, "w.1");
    fake_hear(t->a, WIRE_JOB);
    t->first = fake_lease(t->a, 0, 1);
    cr_assert_eq(t->first.ahead, 0);
    t->b = fake_ready(&t->s, "w.2");
    fake_hears_nothing(t->b);
    t->s.shift += 10;
    scene_turn(&t->s);
    cr_assert_str_eq(fake_hear(t->b, WIRE_JOB)->job.layout, "");
    t->second = fake_lease(t->b, 1, 2);
    cr_assert_eq(t->second.ahead, 1);
}

static void two_close(struct two *t)
{
    if (t->a)
        fake_close(t->a);
    fake_close(t->b);
    scene_close(&t->s);
}

static void hear_laid_out(struct two *t, const char *layout)
{
    const struct wire_message *m = fake_hear(t->b, WIRE_LAID_OUT);
    cr_assert_eq(m->laid_out.job, t->job);
    cr_assert_eq(m->laid_out.lease, t->second.lease);
    cr_assert_str_eq(m->laid_out.layout, layout);
}

static void waits(struct fake *f, const struct wire_lease *l)
{
    fake_say(f, (struct wire_message){.type = WIRE_WAITS, .waits.lease = l->lease});
}

static void fails(struct fake *f, const struct wire_lease *l, int64_t member)
{
    fake_say(f, (struct wire_message){.type = WIRE_MEMBER_FAILED,
                                      .member_failed = {l->lease, member, "bad"}});
}

Test(ahead, is_told_of_the_layout)
{
    struct two t;
    two_open(&t);
    fake_layout(t.a, &t.first);
    fake_done(t.a, &t.first, 0, 1);
    hear_laid_out(&t, "{}");
    fake_release(t.a, &t.first, 1);
    t.first = fake_lease(t.a, 2, 3);
    cr_assert_eq(t.first.ahead, 0);
    fake_done(t.b, &t.second, 1, 2);
    fake_release(t.b, &t.second, 1);
    fake_done(t.a, &t.first, 2, 3);
    fake_release(t.a, &t.first, 1);
    fake_hear(t.b, WIRE_FINISH); /* it knows the job, with its layout */
    two_close(&t);
}

/* … and nobody else, until the lease below it is over. */
Test(ahead, decides_where_all_below_are_dead)
{
    struct two t;
    two_open(&t);
    fails(t.a, &t.first, 0);
    fake_hears_nothing(t.b);
    fake_release(t.a, &t.first, 1);
    hear_laid_out(&t, "");
    t.s.shift += 10; /* nobody decides beside it */
    t.first = fake_lease(t.a, 2, 3);
    cr_assert_eq(t.first.ahead, 1);
    fake_layout(t.b, &t.second);
    const struct wire_message *m = fake_hear(t.a, WIRE_LAID_OUT);
    cr_assert_eq(m->laid_out.lease, t.first.lease);
    cr_assert_str_eq(m->laid_out.layout, "{}");
    two_close(&t);
}

Test(ahead, the_first_is_lost_and_comes_again)
{
    struct two t;
    two_open(&t);
    fake_close(t.a);
    t.a = NULL;
    scene_worker_died(&t.s, "w.1", "killed by signal 11");
    scene_turn(&t.s);
    fake_hears_nothing(t.b);
    struct fake *c = fake_ready(&t.s, "w.3");
    fake_hear(c, WIRE_JOB);
    struct wire_lease l = fake_lease(c, 0, 1);
    cr_assert_eq(l.ahead, 0);
    fake_layout(c, &l);
    hear_laid_out(&t, "{}");
    fake_close(c);
    two_close(&t);
}

/* A layout that is not ours does not count. */
Test(ahead, does_not_decide_before)
{
    struct two t;
    two_open(&t);
    fake_say(t.b, (struct wire_message){.type = WIRE_LAYOUT,
                                        .layout = {t.second.lease, 1, "{\"x\": {}}", 0}});
    fake_hears_nothing(t.b);
    fake_layout(t.a, &t.first);
    hear_laid_out(&t, "{}");
    two_close(&t);
}

Test(ahead, is_told_again_where_the_commit_failed)
{
    struct two t;
    two_open(&t);
    scene_fail_commits(true);
    fake_layout(t.a, &t.first);
    for (int i = 0; i < 1000 && t.s.n_rollbacks == 0; i++)
        scene_turn(&t.s);
    scene_fail_commits(false);
    t.s.shift += 2000;
    scene_turn(&t.s);
    hear_laid_out(&t, "{}");
    fake_hears_nothing(t.b);
    two_close(&t);
}

/* Whose worker others could use; its job waits for nobody in vain again. */
Test(ahead, who_waits_is_recalled)
{
    struct two t;
    two_open(&t);
    int64_t other = scene_submit(&t.s, 1);
    scene_turn(&t.s);
    t.s.shift += 5000;
    fake_hears_nothing(t.b); /* it runs */
    waits(t.b, &t.second);
    fake_hears_nothing(t.b);
    t.s.shift += 1000;
    scene_turn(&t.s);
    cr_assert_eq(fake_hear(t.b, WIRE_CANCEL)->cancel.lease, t.second.lease);
    fake_release(t.b, &t.second, 1);
    cr_assert_eq(fake_hear(t.b, WIRE_JOB)->job.job, other);
    struct wire_lease l = fake_lease(t.b, 0, 1);
    fake_layout(t.b, &l);
    fake_done(t.b, &l, 0, 1);
    fake_release(t.b, &l, 1);
    fake_hear(t.b, WIRE_FINISH);
    fake_say(t.b, (struct wire_message){.type = WIRE_FINISHED, .finished.job = other});
    fake_hears_nothing(t.b);
    fake_layout(t.a, &t.first);
    fake_done(t.a, &t.first, 0, 1);
    fake_hear(t.b, WIRE_JOB);
    t.second = fake_lease(t.b, 1, 2);
    cr_assert_eq(t.second.ahead, 0);
    two_close(&t);
}

/* The member that decides is free, and no worker but one that waits for it. */
Test(ahead, is_recalled_for_the_first)
{
    struct two t;
    two_open(&t);
    waits(t.b, &t.second);
    fake_hears_nothing(t.b);
    fake_close(t.a);
    t.a = NULL;
    scene_worker_died(&t.s, "w.1", "killed by signal 11");
    scene_turn(&t.s);
    t.s.shift += 1000;
    scene_turn(&t.s);
    fake_hear(t.b, WIRE_CANCEL);
    fake_release(t.b, &t.second, 1);
    struct wire_lease l = fake_lease(t.b, 0, 1);
    cr_assert_eq(l.ahead, 0);
    two_close(&t);
}
