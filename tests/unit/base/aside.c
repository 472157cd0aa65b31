/* SPDX-License-Identifier: Apache-2.0 */
#include "base/aside.h"

#include "base/loop.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>

struct task {
    int number;
    pthread_t worked_on;
    int *order, *n_done;
    sem_t *gate; /* waited for before the work ends; NULL: none */
};

static void work(void *userdata)
{
    struct task *t = userdata;
    t->worked_on = pthread_self();
    if (t->gate)
        sem_wait(t->gate);
}

static void done(void *userdata)
{
    struct task *t = userdata;
    t->order[(*t->n_done)++] = t->number;
}

Test(aside, works_on_a_thread_and_tells_the_loop_in_order)
{
    struct loop *loop;
    struct aside *a;
    int order[8], n_done = 0;
    struct task tasks[8];
    cr_assert_eq(loop_new(&loop), 0);
    cr_assert_eq(aside_new(loop, 1, &a), 0);
    for (int i = 0; i < 8; i++) {
        tasks[i] = (struct task){.number = i, .order = order, .n_done = &n_done};
        aside_run(a, work, done, &tasks[i]);
    }
    cr_assert_eq(aside_waiting(a), 8);
    while (n_done < 8)
        cr_assert_eq(loop_turn(loop, -1), 0);
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(order[i], i);
        cr_assert(!pthread_equal(tasks[i].worked_on, pthread_self()));
    }
    cr_assert_eq(aside_waiting(a), 0);
    aside_free(a);
    loop_free(loop);
}

Test(aside, a_long_task_does_not_hold_the_loop_or_another_thread)
{
    struct loop *loop;
    struct aside *a;
    sem_t gate;
    int order[2], n_done = 0;
    sem_init(&gate, 0, 0);
    struct task slow = {.number = 1, .order = order, .n_done = &n_done, .gate = &gate};
    struct task quick = {.number = 2, .order = order, .n_done = &n_done};
    cr_assert_eq(loop_new(&loop), 0);
    cr_assert_eq(aside_new(loop, 2, &a), 0);
    aside_run(a, work, done, &slow);
    aside_run(a, work, done, &quick);
    while (n_done < 1)
        cr_assert_eq(loop_turn(loop, -1), 0);
    cr_assert_eq(order[0], 2);
    cr_assert_eq(aside_waiting(a), 1);
    sem_post(&gate);
    while (n_done < 2)
        cr_assert_eq(loop_turn(loop, -1), 0);
    aside_free(a);
    loop_free(loop);
    sem_destroy(&gate);
}

Test(aside, free_does_what_still_waits)
{
    struct loop *loop;
    struct aside *a;
    int order[4], n_done = 0;
    struct task tasks[4];
    cr_assert_eq(loop_new(&loop), 0);
    cr_assert_eq(aside_new(loop, 1, &a), 0);
    for (int i = 0; i < 4; i++) {
        tasks[i] = (struct task){.number = i, .order = order, .n_done = &n_done};
        aside_run(a, work, done, &tasks[i]);
    }
    aside_free(a);
    cr_assert_eq(n_done, 4);
    loop_free(loop);
}
