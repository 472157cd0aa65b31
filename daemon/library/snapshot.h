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

/* Logs what is new, what is left out now and why, and what is gone; `old` may be NULL. */
void snapshot_log(const struct registry *old, const struct registry *now);

#endif
