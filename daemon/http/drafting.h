/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a draft (draft.h): each is done at once where the document is small, else aside. */
#ifndef HTTP_DRAFTING_H
#define HTTP_DRAFTING_H

#include "http/draft.h"

/* Of a draft that was built, on the loop's thread; it is freed after that. Results are those of
 * handlers. */
typedef int (*drafting_fn)(struct request *r, struct draft *d, struct error *e);

/* Takes the draft. For a handler to return. */
int drafting_begin(struct request *r, struct draft *d, drafting_fn then, struct error *e);

#endif
