/* SPDX-License-Identifier: Apache-2.0 */
/* Members by the values of their inputs: `?where=`, a condition (model/condition.h), beside the
 * lists of a job's members. Looked at aside: at most WHERE_MOST members for one page, which may be
 * short, or empty, and still have a `next`. */
#ifndef HTTP_WHERE_H
#define HTTP_WHERE_H

#include "base/errors.h"

#include <jansson.h>
#include <stdint.h>

struct request;

enum { WHERE_MOST = 4000000, WHERE_ITEMS = 1000 };

/* Answers with those of `items` for which `where` holds: members (`key` is "members") or ranges
 * ("ranges"), WHERE_ITEMS of them at most, in which case more may come. Takes `items`. */
int where_reply(struct request *r, int64_t job, const char *where, const char *key, json_t *items,
                int limit, struct error *e);

#endif
