/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays whose metadata a store has read. */
#ifndef STORE_ARRAY_H
#define STORE_ARRAY_H

#include "store/group.h"

/* The array, if it was read already; else NULL. Borrowed from the store, as below. */
struct store_array *array_known(const struct store *s, const char *name);

/* The array, read if it was not yet. Borrowed from the store. */
int array_get(struct store *s, const char *name, struct store_array **ret, struct error *e);

/* Reads the shape again, to notice growth by others (store_be_alone: there are none). */
int array_refresh(struct store *s, struct store_array *a, struct error *e);

/* Both, with as little reading as it takes. */
int array_get_now(struct store *s, const char *name, struct store_array **ret, struct error *e);

/* A struct store_array; for tdestroy. */
void array_free(void *a);

#endif
