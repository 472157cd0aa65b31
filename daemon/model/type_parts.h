/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the type half of model/ share: descriptors' texts and rows. */
#ifndef MODEL_TYPE_PARTS_H
#define MODEL_TYPE_PARTS_H

#include "model/type.h"

/* Limits on what one descriptor document may hold; a library may print anything. */
#define TYPE_MAX_NAME      100   /* bytes of a process's, type's, variable's name */
#define TYPE_MAX_TEXT      65536 /* bytes of any other text */
#define TYPE_MAX_TYPES     10000
#define TYPE_MAX_VARIABLES 10000   /* of one type, its parents' included */
#define TYPE_MAX_TOTAL     1000000 /* of all types together */
#define TYPE_MAX_DEPTH     64      /* of `extends` */

/* A C identifier of at most TYPE_MAX_NAME bytes without "__": so that "process__variable" can be
 * taken apart again. */
bool type_name_ok(const char *name);

/* "y,x", "()|x", "(y, x)": an array of alternatives with different numbers of dims. NULL or "" is
 * the scalar. 0 or MODEL_INVALID without a pointer. */
int dims_parse(const char *text, int *ret_n, struct dims **ret_dims, struct error *e);
struct dims *dims_free(struct dims *dims, int n);
/* "(y, x)"; the caller frees. */
char *dims_text(const struct dims *d);
/* "(), (x)": all alternatives. */
char *dims_text_all(const struct dims *d, int n);

/* "(0, inf]": round is open, square is closed; an empty side is infinite. */
int bounds_parse(const char *text, struct bounds *ret, struct error *e);
void bounds_text(const struct bounds *b, char *ret, size_t size);

/* By enum simlab_kind, simlab_intent, simlab_stage; NULL at the end. */
extern const char *const variable_kinds[], *const variable_intents[], *const variable_stages[];

bool variable_is_group(const struct variable *v);
/* Has a value of its own, which may be saved: dims, dtype, maybe a default. */
bool variable_has_value(const struct variable *v);

/* One row of a type's table. `type` is the full name of the type it is in, for messages and for
 * foreign types of the same library. A row of kind SIMLAB_INHERITED has a name only. Pointers of
 * errors are relative to the row. */
int variable_parse(const json_t *row, const char *type, struct variable *ret, struct error *e);
void variable_clear(struct variable *v);
json_t *variable_to_json(const struct variable *v);

/* Stage names to a mask; NULL is 0. */
int variable_stages_parse(const json_t *names, uint32_t *ret_mask, struct error *e);
json_t *variable_stages_to_json(uint32_t mask);

/* One type of a library's document; not yet merged with its parent's. */
int type_parse(const json_t *row, const char *library, struct type **ret_type, struct error *e);
struct type *type_free(struct type *t);
/* Makes `variables`, `own`, `stages` from the type's own and those of its `parent`, which is done
 * already (or NULL). */
int type_merge(struct type *t, const struct type *parent, struct error *e);

#endif
