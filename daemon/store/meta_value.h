/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a .zarray that have a form of their own: fill_value and compressor. */
#ifndef STORE_META_VALUE_H
#define STORE_META_VALUE_H

#include "store/store.h"

/* The dtype's default; none for bool and str, which readers would mask. */
void meta_value_default_fill(struct store_meta *m);

/* New references. A u8 fill beyond INT64_MAX comes as a real. */
json_t *meta_value_fill(const struct store_meta *m);
json_t *meta_value_compressor(const struct store_codec *c);

/* As a .zarray has them (strings in base64). `value` may be NULL. STORE_INVALID with a pointer. */
int meta_value_read_fill(struct store_meta *m, const json_t *value, struct error *e);
int meta_value_read_compressor(const json_t *value, struct store_codec *ret, struct error *e);

#endif
