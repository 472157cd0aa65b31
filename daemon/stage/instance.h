/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that a saved state does not hold by itself, since they point outside it: of types that
 * are pinned, and of those that set an `object`. Their own functions write them as bytes, and make
 * them again (simlab/process.h: save, restore). Between two steps only; all of them in the lane of
 * the time loop. */
#ifndef STAGE_INSTANCE_H
#define STAGE_INSTANCE_H

#include "base/buffer.h"
#include "stage/simulation.h"

/* What save and restore pass on. */
struct instance_bytes {
    struct buffer *put;
    const char *get;
    size_t left; /* of get */
};

/* Whether a state lacks this process's instance. */
bool instance_is_outside(const struct program *p, int process);
/* Whether its type has both functions; else a run with it cannot be saved. */
bool instance_can_be_saved(const struct program *p, int process);

/* Appends the bytes that its `save` puts. 0, or STAGE_FAILED with words that name the process. */
int instance_save(struct lane *lane, int process, struct buffer *ret_bytes, struct error *e);
/* In the place of its `initialize`, when the state is there: the instance is zeroed first.
 * Likewise; also where bytes are left over. */
int instance_restore(struct lane *lane, int process, const void *bytes, size_t n, struct error *e);

/* It was moved from this worker: its `forget`, if it has one. */
void instance_forget(struct lane *lane, int process);

/* Those of all such processes, in one piece: appended to `ret`, and read again. Restoring calls
 * none before all are zeroed; who was not restored is as if its `initialize` had not been called.
 * `n` 0: none was saved. Results as above. */
int instance_save_all(struct simulation *s, struct buffer *ret, struct error *e);
int instance_restore_all(struct simulation *s, const void *bytes, size_t n, struct error *e);

/* Behind simlab_put_bytes and its like. */
int instance_put_bytes(simlab_context *c, const void *bytes, size_t n);
int64_t instance_get_bytes(simlab_context *c, void *ret, size_t n);

#endif
