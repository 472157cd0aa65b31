/* SPDX-License-Identifier: Apache-2.0 */
/* Element types, kinds, intents and stages: the vocabulary that process libraries, the daemon
 * and the workers share. C99 and C++. Values are part of the ABI: append, never renumber. */
#ifndef SIMLAB_TYPES_H
#define SIMLAB_TYPES_H

#include <stdint.h>

#define SIMLAB_MAX_DIMS 8

/* In `dims`: the dimension of the main clock. */
#define SIMLAB_MAIN_CLOCK "@main_clock"

/* Element type of a variable. 0 is f8, so that a descriptor that is silent means double. */
enum simlab_dtype {
    SIMLAB_ANY = -1, /* of a declaration only: that of its first value, in each member */
    SIMLAB_F8 = 0,
    SIMLAB_F4,
    SIMLAB_I1,
    SIMLAB_I2,
    SIMLAB_I4,
    SIMLAB_I8,
    SIMLAB_U1,
    SIMLAB_U2,
    SIMLAB_U4,
    SIMLAB_U8,
    SIMLAB_BOOL, /* one byte, 0 or 1 */
    SIMLAB_C8,   /* two floats */
    SIMLAB_C16,  /* two doubles */
    SIMLAB_STR,  /* fixed-length bytes, NUL-padded; the variable's `length` gives the size */
    SIMLAB_N_DTYPES
};

enum simlab_kind {
    SIMLAB_VARIABLE = 0,
    SIMLAB_INDEX,      /* a coordinate: always out, stored under its own name */
    SIMLAB_FOREIGN,    /* another process type's variable: `type`, `var` */
    SIMLAB_GLOBAL,     /* the variable somewhere in the model that has this `global_name` */
    SIMLAB_GROUP,      /* every variable in the model that names this `group` */
    SIMLAB_GROUP_DICT, /* the same, with (process, variable) names */
    SIMLAB_ON_DEMAND,  /* computed when read, by `compute` */
    SIMLAB_OBJECT,     /* a pointer between processes; never an input or an output */
    SIMLAB_INHERITED   /* the parent type's variable as it stands, given an index here */
};

enum simlab_intent { SIMLAB_IN = 0, SIMLAB_OUT, SIMLAB_INOUT };

enum simlab_stage {
    SIMLAB_INITIALIZE = 0,
    SIMLAB_RUN_STEP,
    SIMLAB_FINALIZE_STEP,
    SIMLAB_FINALIZE,
    SIMLAB_N_STAGES
};

/* What a stage function returns: 0 to go on, a signal, or SIMLAB_ERROR, as simlab_fail does. No
 * plain number is one of them: `return 1` and `return -1` are errors that say so. */
enum simlab_signal {
    SIMLAB_NONE = 0,
    SIMLAB_SKIP = 0x53494d01, /* from a hook before a stage or process: do not run it */
    SIMLAB_CONTINUE,          /* no more of this step's run: go on with the next */
    SIMLAB_BREAK              /* stop; from a process: its descendants in this stage do not run */
};
#define SIMLAB_ERROR (-0x53494d00)

/* Where the memory of a value lies. */
enum simlab_place { SIMLAB_ON_HOST = 0 };

/* One value as a process sees it. Data are in C order; shape and strides count elements. The memory
 * is the host's, begins at a multiple of 64 bytes, and is zeroed where it is new. */
struct simlab_view {
    void *data; /* NULL: no value yet */
    int64_t size;
    int64_t shape[SIMLAB_MAX_DIMS];
    int64_t strides[SIMLAB_MAX_DIMS];
    int32_t ndim;
    int32_t dtype;    /* enum simlab_dtype */
    int32_t itemsize; /* bytes of one element */
    int32_t place;    /* enum simlab_place */
    int64_t mark;     /* of whoever sets the value, for its readers; 0 at first, never looked at */
};

#endif
