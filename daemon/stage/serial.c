/* SPDX-License-Identifier: Apache-2.0 */
/* One after the other, in the model's order. */
#include "stage/simulation.h"

static int serial_open(struct simulation *s, void **ret_state, struct error *e)
{
    (void)e;
    *ret_state = s;
    return 0;
}

static void serial_run(void *state, const struct plan *plan)
{
    (void)plan;
    call_in_order(state);
}

static void serial_loop(void *state, struct lane *lane, int64_t n, scheduler_block_fn fn,
                        void *loop)
{
    (void)state;
    for (int64_t block = 0; block < n; block++)
        fn(loop, lane, block);
}

static void serial_statistics(const void *state, struct scheduler_statistics *ret)
{
    (void)state;
    *ret = (struct scheduler_statistics){0};
}

static void *serial_close(void *state)
{
    (void)state;
    return NULL;
}

const struct scheduler scheduler_serial = {.name = "serial",
                                           .open = serial_open,
                                           .run = serial_run,
                                           .loop = serial_loop,
                                           .statistics = serial_statistics,
                                           .close = serial_close};
