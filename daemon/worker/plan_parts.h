/* SPDX-License-Identifier: Apache-2.0 */
/* What plan_document.c, plan_array.c and plan_advice.c share. */
#ifndef WORKER_PLAN_PARTS_H
#define WORKER_PLAN_PARTS_H

#include "store/store.h"
#include "worker/plan_document.h"

struct planned_array {
    const char *name;
    const char *role; /* "output" … */
    struct store_meta meta;
    json_t *dims;
    bool has_batch, has_clock; /* its leading axes */
    int64_t n_chunks;          /* files of them */
    int64_t n_others;          /* files of metadata */
    double bytes, stored;      /* of all its values; in its files */
    /* Values that were saved, from the first on, encoded as one chunk; 0: none were looked at. */
    double sample_bytes, sample_stored;
    bool is_sampled_whole; /* they are all of these members' */
    bool is_single;        /* f8, all of which f4 has exactly */
};

/* ---- plan_array.c ---- */

int64_t planned_chunks(int ndim, const int64_t *shape, const int64_t *chunks);
/* Files in a directory of a store that are no chunks. 0 or -errno. */
int planned_others(const char *directory, int64_t *ret);
/* `samples`: an empty store. All but name, role and `a->meta` of what `store` has is filled in. A
 * result of store.h. */
int planned_array_measure(const struct job *job, int64_t members, struct store *store,
                          struct store *samples, struct planned_array *a, struct error *e);
void planned_array_clear(struct planned_array *a);

/* ---- plan_advice.c ---- */

/* What would be done better: a list of texts, each by something that was measured. */
json_t *plan_advice(const struct job *job, const struct plan_measures *measured,
                    const struct planned_array *arrays, size_t n);

#endif
