/* SPDX-License-Identifier: Apache-2.0 */
/* Process types, read from the descriptors that `simlab-worker describe` prints as JSON. The daemon
 * and the workers build models from the same text, so both see the same model. */
#ifndef MODEL_TYPE_H
#define MODEL_TYPE_H

#include "model/result.h"
#include "simlab/types.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One accepted alternative of a variable's dims. The main clock is SIMLAB_MAIN_CLOCK's text. */
struct dims {
    int ndim;
    char *names[SIMLAB_MAX_DIMS];
};

struct bounds {
    bool given;
    double low, high; /* -inf, inf where open-ended */
    bool low_open, high_open;
};

struct variable {
    char *name;
    int kind;        /* enum simlab_kind; never SIMLAB_INHERITED here */
    int intent;      /* enum simlab_intent; index and on_demand are always out; group always in */
    int dtype;       /* enum simlab_dtype; SIMLAB_ANY: its first value tells */
    size_t itemsize; /* 0 with SIMLAB_ANY */
    bool is_static, is_cached;
    bool is_private;        /* the process's own affair: neither foreign nor output may name it */
    uint32_t reads, writes; /* stage masks, 0 where the descriptor is silent */
    int n_dims; /* alternatives; at least 1 for all but foreign, global, groups, object */
    struct dims *dims;
    char *type, *var; /* foreign: "library.Type", the variable there */
    char *global_name;
    int n_groups;
    char **groups;         /* that it belongs to */
    char *group;           /* that it collects */
    json_t *default_value; /* NULL: none */
    struct bounds bounds;
    json_t *choices;   /* NULL or an array */
    char *description; /* "" where none */
    json_t *attrs;     /* an object: description, units, attrs together, description first */
    json_t *encoding;  /* an object, maybe empty */
    bool has_compute, has_validate, has_convert;
};

/* Variables are the merged ones: the parents' that are not declared again, in their order, then the
 * type's own. Everything is owned by the registry and never changes once loaded. */
struct type {
    char *name;    /* "library.Type" */
    char *library; /* "library" */
    char *description;
    const struct type *parent; /* NULL: extends nothing */
    struct variable *variables;
    int n_variables;
    /* The type's own table, as compiled: own[i] is the index in `variables` of its i-th row. */
    int *own;
    int n_own;
    unsigned stages; /* 1 << enum simlab_stage, the parents' included */
    bool not_thread_safe, is_pinned;
    bool is_movable; /* where it is one of the two: simlab/process.h */
    size_t instance_size;
    int number; /* its place in the registry */
    /* For type.c and registry's files: the rows as declared (own[i] leads to declared[i] unless
     * that is SIMLAB_INHERITED), the text of `extends`, and names → index in `variables`. */
    struct variable *declared;
    char *extends;
    json_t *index;
};

/* Index of a variable in type->variables, -1 where there is none. */
int type_variable(const struct type *type, const char *name);
/* `type` is `ancestor` or extends it, through any number of steps. */
bool type_is_a(const struct type *type, const struct type *ancestor);

/* The descriptor of one type as JSON for people and programs (GET /v1/processes/NAME): name,
 * library, description, extends, stages, variables with all they declare. A new reference. */
json_t *type_to_json(const struct type *type);

#endif
