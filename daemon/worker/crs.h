/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinate systems as readers look for them: attributes by the CF conventions, and GDAL's. */
#ifndef WORKER_CRS_H
#define WORKER_CRS_H

#include "model/job.h"

/* The attributes of the array JOB_CRS_ARRAY: spatial_ref, crs_wkt and CF's parameters, as far as
 * they are known: of WKT, and of the EPSG numbers of WGS 84, ETRS89 and NAD83 in degrees and in
 * zones of UTM. Of other numbers spatial_ref alone, which is the number. A new reference. */
json_t *crs_attributes(const struct job_crs *crs);

/* GDAL's attribute _CRS of an array on y, x. A new reference. */
json_t *crs_gdal(const struct job_crs *crs);

/* Whether its axes are longitude and latitude, in degrees. */
bool crs_is_geographic(const struct job_crs *crs);

#endif
