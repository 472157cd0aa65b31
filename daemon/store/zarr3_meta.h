/* SPDX-License-Identifier: Apache-2.0 */
/* An array's zarr.json, but for its attributes and the names of its dimensions: read from anyone,
 * written the same each time. */
#ifndef STORE_ZARR3_META_H
#define STORE_ZARR3_META_H

#include "store/store.h"

/* STORE_INVALID with a pointer into the metadata where version 3 has no word for it: fixed-length
 * texts, filters, zlib. Words tell what would be right. */
int zarr3_meta_check(const struct store_meta *m, struct error *e);

/* `m` has been checked. A new reference. */
json_t *zarr3_meta_write(const struct store_meta *m);

/* What xarray masks: as it writes it into the attributes, since in version 3 a fill value is not
 * one. NULL where that is told already: there is no fill value, or it is NaN. A new reference. */
json_t *zarr3_meta_mask(const struct store_meta *m);
#define ZARR3_MASK "_FillValue"

/* STORE_INVALID with a pointer. Hostile objects are welcome. */
int zarr3_meta_read(const json_t *object, struct store_meta *ret, struct error *e);

#endif
