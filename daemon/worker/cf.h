/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes as the CF conventions have them (https://cfconventions.org, 1.11). What was given
 * stays as it is; what follows from it is added:
 *  - `long_name`, of the description;
 *  - `axis` and `standard_name` of a clock whose units have a date;
 *  - units that UDUNITS does not know are not `units`, but `units_text`;
 *  - where the job has a coordinate system: `grid_mapping` and GDAL's `_CRS` of arrays on y and x,
 *    axis and standard name of their labels. */
#ifndef WORKER_CF_H
#define WORKER_CF_H

#include "model/job.h"

/* Of an array of the store; a new reference. Doing it again changes nothing. */
json_t *cf_attributes(const struct job *job, const char *name, int ndim, const char *const *dims,
                      const json_t *attrs);

/* Of the root, whose attributes are `attrs`. */
void cf_add_conventions(json_t *attrs);

#endif
