/* SPDX-License-Identifier: Apache-2.0 */
/* What replay.c and replay_arrays.c share. */
#ifndef WORKER_REPLAY_PARTS_H
#define WORKER_REPLAY_PARTS_H

#include "base/ndarray.h"
#include "store/store.h"

struct replay {
    struct store *store;
    const char *output;       /* of the document; NULL: standard output */
    const json_t *from, *job; /* the provenance, and its "job" */
    const char *batch_dim;
    int64_t first; /* members that the batch begins with; -1: all */
    json_t *document, *appended;
    struct error *e;
};

/* ---- replay_arrays.c: results of store.h ---- */

/* An array of the store, and its attributes but those that are the format's own. */
int replay_read_array(struct replay *x, const char *name, struct ndarray *ret, json_t **ret_attrs);
/* Rows [first, first + n) of the first axis, each `step`-th. 0 or -errno. */
int replay_take_rows(const struct ndarray *a, int64_t first, int64_t n, int64_t step,
                     struct ndarray *ret);
bool replay_is_of_members(const struct replay *x, const struct ndarray *a);
/* to[name] = {"dims", "attrs", "data" or "file"}. An input's dtype is its variable's
 * (`is_of_variable`); else the data have to tell it. */
int replay_add_object(struct replay *x, const char *name, const struct ndarray *a,
                      const json_t *attrs, bool is_of_variable, json_t *to);
/* The same in a section of the document; and in one of `appended`, what is of members that came
 * later. */
int replay_add_split(struct replay *x, const char *section, const char *name,
                     const struct ndarray *a, const json_t *attrs, bool is_of_variable);
int replay_add_later(struct replay *x, const char *section, const char *name,
                     const struct ndarray *a, bool is_of_variable);
/* An object's member, which is an object, made where it is missing. */
json_t *replay_section(json_t *object, const char *name);

#endif
