/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of workers that nobody has seen dead. */
#include "scene.h"

#include <errno.h>

TestSuite(fences, .timeout = 60);

Test(fences, stand_before_another_gets_the_members)
{
    struct scene s;
    scene_open(&s);
    scene_submit_begun(&s, 2, 1);
    struct fake *a = fake_ready(&s, "w.1");
    fake_hear(a, WIRE_JOB);
    struct wire_lease l = fake_lease(a, 1, 2);
    scene_worker_is_given_up(&s, "w.1", "it is not there");
    cr_assert_eq(scene_fenced(), l.lease);
    struct fake *b = fake_ready(&s, "w.2");
    fake_hear(b, WIRE_JOB);
    cr_assert_gt(fake_lease(b, 1, 2).lease, l.lease);
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(fences, that_cannot_be_set_are_tried_again)
{
    struct scene s;
    scene_open(&s);
    scene_stop_clock(&s);
    scene_submit_begun(&s, 2, 1);
    struct fake *a = fake_ready(&s, "w.1");
    fake_hear(a, WIRE_JOB);
    struct wire_lease l = fake_lease(a, 1, 2);
    scene_fence(-EIO);
    scene_worker_is_given_up(&s, "w.1", "it is not there");
    cr_assert_eq(scene_fenced(), l.lease);
    struct fake *b = fake_ready(&s, "w.2");
    fake_hears_nothing(b);
    s.shift += 1000;
    scene_turn(&s);
    cr_assert_eq(scene_fenced(), l.lease);
    fake_hears_nothing(b);
    scene_fence(0);
    s.shift += 1000;
    scene_turn(&s);
    cr_assert_eq(scene_fenced(), l.lease);
    fake_hear(b, WIRE_JOB);
    fake_lease(b, 1, 2);
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}

Test(fences, none_is_needed_by_the_dead_and_the_idle)
{
    struct scene s;
    scene_open(&s);
    struct fake *a = fake_ready(&s, "w.1"), *b = fake_ready(&s, "w.2");
    fake_hears_nothing(a);
    scene_worker_is_given_up(&s, "w.1", "it is not there");
    scene_submit_begun(&s, 2, 1);
    scene_turn(&s);
    fake_hear(b, WIRE_JOB);
    fake_lease(b, 1, 2);
    scene_worker_died(&s, "w.2", "killed by signal 9");
    scene_turn(&s);
    cr_assert_eq(scene_fenced(), 0);
    fake_close(a);
    fake_close(b);
    scene_close(&s);
}
