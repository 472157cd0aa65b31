/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people and programs read them. */
#ifndef HTTP_TIMES_H
#define HTTP_TIMES_H

#include <jansson.h>
#include <stdint.h>

/* Unix time in milliseconds as RFC 3339, UTC: "2026-01-02T03:04:05.678Z"; null for 0. */
json_t *times_json(int64_t ms);

#endif
