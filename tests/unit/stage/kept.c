/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of values that somebody keeps: it is nobody else's before it was let go. */
#include "stage/kept.h"
#include "stage/simulation.h"
#include "support.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 1000 };

static int make(simlab_context *c)
{
    simlab_f8_1d(c, 0, N)[0] = 1;
    return 0;
}

static const struct simlab_variable variables[] = {
    {.name = "u", .intent = SIMLAB_OUT, .dims = "x"},
    {.name = "v", .intent = SIMLAB_OUT, .dims = "x"}};
static const struct simlab_process made = {
    .name = "Made", SIMLAB_VARIABLES(variables), .initialize = make};
static const struct support_type type = {&made, "[{'name': 'u', 'intent': 'out', 'dims': 'x'},"
                                                " {'name': 'v', 'intent': 'out', 'dims': 'x'}]"};

static struct state *open_state(struct support *s)
{
    support_open(s, &type, 1, 3, "{'model': {'processes': {'p': 't.Made'}}}", "serial", 1);
    cr_assert_str_eq(support_run(s), "");
    return s->simulation->state;
}

static void shape(struct state *s, struct value *v, int64_t n)
{
    cr_assert_eq(value_shape(s, v, 1, &n), 0);
}

Test(kept, who_keeps_has_what_was)
{
    struct support s;
    struct state *state = open_state(&s);
    struct value *u = &state->values[0], *v = &state->values[1];
    double *old = u->view.data;
    struct simlab_kept *one = kept_new(state, u), *two = kept_new(state, u);
    cr_assert(one && two && state->n_kept == 2);
    kept_leave(state, u);
    shape(state, u, N);
    shape(state, v, N);
    cr_assert(u->view.data != old && v->view.data != old);
    memset(u->view.data, 1, N * sizeof *old);
    cr_assert_eq(*old, 1);
    kept_let_go(one);
    shape(state, v, 0);
    kept_leave(state, u); /* nobody keeps the new one */
    cr_assert_not_null(u->view.data);
    kept_let_go(two); /* now it is free, and is used again */
    cr_assert_eq(state->n_kept, 0);
    struct value *other = v;
    other->view.data = other->buffer = NULL;
    other->capacity = 0;
    shape(state, other, N);
    cr_assert_eq(other->view.data, (void *)old);
    support_close(&s);
}

Test(kept, growing_leaves_it)
{
    struct support s;
    struct state *state = open_state(&s);
    struct value *u = &state->values[0];
    double *old = u->view.data;
    struct simlab_kept *kept = kept_new(state, u);
    shape(state, u, N / 2);
    cr_assert_eq(u->view.data, (void *)old, "it may be written where it is");
    shape(state, u, 100 * N);
    cr_assert_neq(u->view.data, (void *)old);
    cr_assert_eq(*(double *)u->view.data, 1, "growing keeps what was there");
    *(double *)u->view.data = 2;
    cr_assert_eq(*old, 1);
    kept_let_go(kept);
    support_close(&s);
}

Test(kept, members_and_models_end)
{
    struct support s;
    struct state *state = open_state(&s);
    double *old = state->values[0].view.data;
    struct simlab_kept *kept = kept_new(state, &state->values[0]);
    cr_assert_str_eq(support_run(&s), "");
    cr_assert_neq(state->values[0].view.data, (void *)old);
    *(double *)state->values[0].view.data = 2;
    cr_assert_eq(*old, 1);
    struct simlab_kept *also = kept_new(state, &state->values[0]);
    double *second = state->values[0].view.data;
    support_close(&s);
    cr_assert(*old == 1 && *second == 2, "the memory is still there");
    struct support next;
    open_state(&next);
    cr_assert(*old == 1 && *second == 2);
    kept_let_go(kept);
    kept_let_go(also);
    support_close(&next);
}

Test(kept, what_is_saved_is_kept_by_nobody)
{
    struct support s;
    struct state *state = open_state(&s);
    struct simlab_kept *kept = kept_new(state, &state->values[0]);
    struct error e = {.message = ""};
    void *saved = malloc(state_bytes(state));
    state_save(state, saved);
    const struct saved_state from = {saved, state_bytes(state)};
    cr_assert_eq(state_load(state, s.simulation->program, &from, &e), STAGE_FAILED);
    cr_assert_not_null(strstr(e.message, "still kept"), "%s", e.message);
    kept_let_go(kept);
    cr_assert_eq(state_load(state, s.simulation->program, &from, &e), 0, "%s", e.message);
    cr_assert(state->n_kept == 0 && !state->values[0].kept);
    free(saved);
    support_close(&s);
}
