/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of what is on offer, and what changed since the one before. */
#ifndef LIBRARY_SNAPSHOT_H
#define LIBRARY_SNAPSHOT_H

#include "library/originals.h"
#include "model/registry.h"

struct snapshot;

/* What a registry is made of, copied on the loop's thread; environments' names are borrowed. */
struct snapshot *snapshot_new(const struct originals *o);
struct snapshot *snapshot_free(struct snapshot *s);
/* May take long, on any thread. One reference. Where there are environments of Python, it is that
 * of the first, and has one for each (registry_variant): what is in plain directories, and the
 * environment's pushed modules. */
struct registry *snapshot_registry(const struct snapshot *s);

/* {path: hash} of all that is on offer, for the next daemon: JSON text, the caller frees. */
char *snapshot_offered(const struct snapshot *s);

/* Log what is new and what is gone; and what is left out and why, but not what was so in `old`.
 * `old` may be NULL. */
void snapshot_log_contents(const struct registry *old, const struct registry *now);
void snapshot_log_left_out(const struct registry *old, const struct registry *now);

#endif
