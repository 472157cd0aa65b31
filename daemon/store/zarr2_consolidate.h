/* SPDX-License-Identifier: Apache-2.0 */
/* Consolidated metadata of version 2: .zmetadata. Internal. */
#ifndef STORE_ZARR2_CONSOLIDATE_H
#define STORE_ZARR2_CONSOLIDATE_H

#include "store/group.h"

/* From the files as they stand, of the root and of these arrays. Under the root's lock. */
int zarr2_consolidate(struct store *s, const json_t *names, struct error *e);

#endif
