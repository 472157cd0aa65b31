/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/brief.h"

#include "stage/rest.h"

enum { BRIEF_NS = 400 }; /* a call, its hand-over included: of longer ones in order is not tried */

void brief_init(struct choice *k)
{
    choice_init(k, BRIEF_BESIDE);
    k->is_wary = true;
}

bool brief_begin(struct choice *k, struct brief_run *ret_run)
{
    *ret_run = (struct brief_run){k, choice_is_timed(k) ? rest_now() : 0};
    return k->way == BRIEF_IN_ORDER;
}

void brief_end(const struct brief_run *run, const struct plan *plan, int n_lanes)
{
    if (run->began == 0) {
        choice_count(run->choice);
    } else if (choice_learn(run->choice, rest_now() - run->began)) {
        bool is_brief = run->choice->ns[BRIEF_BESIDE] * n_lanes < (int64_t)plan->n_calls * BRIEF_NS;
        choice_try(run->choice, is_brief ? 1u << BRIEF_IN_ORDER : 0);
    }
}
