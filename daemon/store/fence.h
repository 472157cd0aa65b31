/* SPDX-License-Identifier: Apache-2.0 */
/* Leases that have ended while nobody knows that their worker is dead: it may have been stopped, on
 * a host that does not answer, and go on. PATH.sync/.fences/NUMBER, a file, says so of a lease;
 * whoever writes under it looks for that file under the chunk's lock, before the rename. Locks and
 * fences go together with PATH.sync, when the job has ended: then nothing may be written either. */
#ifndef STORE_FENCE_H
#define STORE_FENCE_H

#include "store/store.h"

/* The lease may write no more, also after a power cut. 0, also where PATH.sync is not there;
 * STORE_CONFLICT where it bears another's mark; a negative errno: it may. Any thread. */
int store_fence_off(const char *path, const char *owner, int64_t number, struct error *e);

/* Within store/, with words: -ESTALE where the store's lease was fenced off; -ENOENT where
 * PATH.sync has lost its mark; a negative errno where that is not known. */
int fence_check(const struct store *s, struct error *e);
/* The same under a lock of a file in PATH.sync, which was there when it was taken: who would remove
 * it has to wait for us, but where the job is cancelled. It costs one call less. */
int fence_check_locked(const struct store *s, struct error *e);

#endif
