/* SPDX-License-Identifier: Apache-2.0 */
/* simlab/process.h: what a process library includes. C99 and C++11. include/simlab/README.md
 * teaches it with one complete process.
 *
 * A library is one shared object; its file's name, less `.so`, is the library's name, and its
 * types are named `library.Type`. It exports one symbol, simlab_library(), which SIMLAB_LIBRARY
 * defines. It needs no symbol of the host: all calls go through the context's table.
 *
 * Compatibility: ABI_VERSION changes only when a built library could no longer be read. All else
 * grows: structs at their end, enums by new values, and then ABI_REVISION by one. A library says
 * which revision it needs, by `#define SIMLAB_REVISION n` before it includes this; where it is
 * silent, it is the one that the version began with. What came later is declared for those who ask
 * for it only, fields of structs too, so nobody needs what he did not ask for. Only that number is
 * compared: a library that was built with a newer header loads in an older host, unless it needs
 * more than that has; then it is refused by name and number. Each table tells the sizes it was
 * compiled with; fields that it lacks read as zero. struct simlab_context, struct simlab_view and
 * the inline functions are compiled into libraries: what they touch never moves.
 *
 * Changelog (version.revision): version 1 begins with revision 2. Until it is released all may
 * change.
 *
 * Threads: one context belongs to one process instance and is used by one thread at a time.
 * Different processes may run at once, unless a type says SIMLAB_NOT_THREAD_SAFE; so may compute
 * functions of one process, which therefore change nothing but their variable. A stage may run in
 * another thread at each step: what is kept for the thread (thread-local variables, OpenMP's
 * threadprivate) does not belong into a model. A stage that changes the floating-point environment
 * puts it back.
 *
 * Errors: an accessor that is used wrongly (unknown index, other dtype, a write to an `in`
 * variable, a value that was never set, another number of elements than was asked for) records an
 * error that names process, variable and stage, and returns zeroed memory of the size that was
 * asked for (else of the variable's), so that the code after it does no harm. The stage fails when
 * the function returns; the first error is the one that is told.
 *
 * Pointers into values are good until the stage function returns, or until it gives the same
 * variable another shape. */
#ifndef SIMLAB_PROCESS_H
#define SIMLAB_PROCESS_H

#include <simlab/types.h>
#include <stdarg.h>
#include <stddef.h>

#define SIMLAB_ABI_VERSION  1
#define SIMLAB_ABI_REVISION 2 /* the latest that this header has */
#ifndef SIMLAB_REVISION
#define SIMLAB_REVISION 2 /* that this library needs */
#endif
#if SIMLAB_REVISION > SIMLAB_ABI_REVISION
#error "SIMLAB_REVISION asks for more than this simlab/process.h has: install a newer one"
#endif

/* C++: what a function throws becomes its failure, at the library's edge. */
#if defined(__cplusplus) && (defined(__cpp_exceptions) || defined(__EXCEPTIONS))
#define SIMLAB_CATCHES_
#include <exception>
#endif

#ifdef __cplusplus
/* Tables name what they need only, of which C compilers do not warn. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
extern "C" {
#endif

typedef struct simlab_context simlab_context;
typedef struct simlab_hook_context simlab_hook_context;

/* ---- what a process type declares ------------------------------------------------------- */

typedef int (*simlab_stage_fn)(simlab_context *c);
/* About one variable: compute (on_demand), validate or convert (inputs) `var`. */
typedef int (*simlab_variable_fn)(simlab_context *c, int32_t var);

/* A block of a parallel loop, iterations begin … end - 1, and one that gives a part of a result. */
typedef int (*simlab_block_fn)(simlab_context *c, int64_t begin, int64_t end, void *userdata);
typedef int (*simlab_part_fn)(simlab_context *c, int64_t begin, int64_t end, void *userdata,
                              void *ret_part);

enum simlab_variable_flags {
    SIMLAB_STATIC = 1, /* an input that never varies along the main clock */
    SIMLAB_CACHED = 2, /* on_demand: computed at most once in a stage */
    /* An `out` variable that is the process's own affair, kept from stage to stage (in Python:
     * self._sum): its size may depend on the grid, and it needs no pointer in the instance. No
     * other process can name it; lists of a model's variables leave it out. */
    SIMLAB_PRIVATE = 4
};

/* For `reads` and `writes`. */
enum simlab_stages {
    SIMLAB_AT_INITIALIZE = 1 << SIMLAB_INITIALIZE,
    SIMLAB_AT_RUN_STEP = 1 << SIMLAB_RUN_STEP,
    SIMLAB_AT_FINALIZE_STEP = 1 << SIMLAB_FINALIZE_STEP,
    SIMLAB_AT_FINALIZE = 1 << SIMLAB_FINALIZE
};

struct simlab_variable {
    const char *name;
    int32_t kind;   /* enum simlab_kind; 0: a plain variable */
    int32_t intent; /* enum simlab_intent; 0: in */
    /* enum simlab_dtype; 0: f8. Of foreign, global, group: taken from the target. SIMLAB_ANY: that
     * of its first value, an input's or simlab_create's; a later one of another dtype is an error.
     */
    int32_t dtype;
    int32_t length;  /* SIMLAB_STR: bytes of one element */
    uint32_t flags;  /* enum simlab_variable_flags */
    uint32_t reads;  /* enum simlab_stages: those that read it; 0: every stage there is */
    uint32_t writes; /* those that write it; 0: every stage, where the intent allows */
    /* Accepted dims, alternatives split by '|', names by ',': NULL or "" is a scalar, "y,x" a
     * matrix, "()|x" a scalar or a vector. The first value that a process gives it settles which:
     * a later one with another number of dims is an error. */
    const char *dims;
    const char *type;          /* foreign: "Type" of this library or "library.Type" */
    const char *var;           /* foreign: the variable's name there; NULL: the same as here */
    const char *global_name;   /* global: the name sought; else: the name this variable offers */
    const char *groups;        /* groups it belongs to, split by ',' */
    const char *group;         /* group, group_dict: the group it collects */
    const char *default_value; /* JSON: "0.1", "[1, 2]", "\"Infinity\""; NULL: an input is needed */
    const char *bounds;        /* "(0, inf]", "[0, 1)": round is open, square is closed */
    const char *choices;       /* JSON array of the values allowed */
    const char *description;
    const char *units;           /* stands in attrs as "units" */
    const char *attrs;           /* JSON object of further attributes */
    const char *encoding;        /* JSON object, as in a job's `encoding` */
    simlab_variable_fn compute;  /* on_demand: must set `var` */
    simlab_variable_fn validate; /* inputs: simlab_fail() where the value is wrong */
    simlab_variable_fn convert;  /* inputs: may write `var` */
};

enum simlab_process_flags {
    /* Its calls never overlap within a worker, and those of one simulation are all in one: it may
     * change its library's own variables. */
    SIMLAB_NOT_THREAD_SAFE = 1,
    /* The instance points outside itself, or to what only works in one operating-system process
     * (an interpreter's objects): all its calls run in the worker that made it. So do those of
     * processes that touch one `object`, without the flag. */
    SIMLAB_PINNED = 2,
    /* What the two above say holds within a worker only: another may run the process, to which its
     * instance is moved between two steps, by `save` and `restore`, and calls in different workers
     * may overlap. So nothing that outlives a call lies outside instances and objects. Where `save`
     * fails the instance stays where it is. What it leaves behind it forgets when it is made again.
     */
    SIMLAB_MOVABLE = 4
};

struct simlab_process {
    const char *name;
    const char *description;
    /* A type of this library or "library.Type" whose variables and stages this one has too.
     * A variable declared again replaces the parent's; a stage left NULL is the parent's. */
    const char *extends;
    const struct simlab_variable *variables;
    int32_t n_variables;
    uint32_t flags; /* enum simlab_process_flags */
    simlab_stage_fn initialize;
    simlab_stage_fn run_step;
    simlab_stage_fn finalize_step;
    simlab_stage_fn finalize;
    size_t instance_size; /* bytes of private state, zeroed before initialize; see simlab_self */
    /* Of types that are pinned, or set an `object`: so that a run can be saved between two steps,
     * and an object that is only read after initialize be had in several workers. Both read what
     * variables they like, and write none. `save` puts all that it needs by simlab_put_bytes.
     * `restore` is called in the place of initialize, in whichever worker, with the variables as
     * they were then and a zeroed instance; it gets the same bytes by simlab_get_bytes, and sets
     * the objects that initialize set. A run with such types that lack them is not saved. */
    simlab_stage_fn save;
    simlab_stage_fn restore;
    void *userdata; /* what simlab_userdata gives, for types that are made in `open` */
    /* NULL, or called in the worker that an instance was moved from, when it is in another one:
     * what this one still has of it goes. What simlab_self gives is the other's by then: it is
     * neither read nor written. */
    simlab_stage_fn forget;
};

/* A hook is called before or after a stage, once for the model or once for each process, where a
 * job names it ("hooks": ["library.name"]): to watch a run, or to steer it by the signal it
 * returns. It may read every variable of the model, and writes none. Of several signals at once the
 * highest prevails; before a stage or process, any signal skips it (SIMLAB_SKIP does nothing else).
 */
enum simlab_hook_level { SIMLAB_MODEL_LEVEL = 0, SIMLAB_PROCESS_LEVEL };
enum simlab_hook_when { SIMLAB_BEFORE = 0, SIMLAB_AFTER };

struct simlab_hook {
    const char *name;
    const char *description;
    int32_t stage; /* enum simlab_stage */
    int32_t level; /* enum simlab_hook_level */
    int32_t when;  /* enum simlab_hook_when */
    int32_t reserved;
    int (*call)(simlab_hook_context *h);
    int (*guard)(simlab_hook_context *h, int (*call)(simlab_hook_context *h)); /* the host's */
};

/* A library may be opened with a configuration, and make its types from it (a module of another
 * language, the path of a component): NAME.so with a text NAME.configuration beside it (NAME.so may
 * be a link to it, so that one file serves under several names). Its types are NAME.Type as ever,
 * and what it is known by is the content of all: NAME.so, NAME.configuration, and what NAME.files
 * lists, all copied together.
 *
 * A library is opened once under each of its names, in each worker, before anything else of it is
 * called; several openings may live in one worker, and share the library's static variables. */
struct simlab_opening {
    uint32_t struct_size;
    uint32_t reserved;
    const char *name;          /* NAME */
    const char *configuration; /* the text, NUL at its end; NULL: there is none */
    const char *directory;     /* where NAME.so and the files beside it are, absolute */
    int (*fail)(const struct simlab_opening *o, const char *format, va_list arguments);
};

struct simlab_library {
    uint32_t abi_version;
    uint32_t struct_size; /* of this struct, as compiled; likewise the two below */
    uint32_t process_size;
    uint32_t variable_size;
    const char *description;
    const char *version;
    const struct simlab_process *const *processes;
    int32_t n_processes;
    uint32_t revision; /* that it needs */
    const struct simlab_hook *hooks;
    int32_t n_hooks;
    uint32_t hook_size; /* of struct simlab_hook, as compiled */
    /* NULL, or what gives the table that counts, which lives until `close`; NULL after
     * simlab_open_fail. `close` is called with it at the end of the worker, if this is orderly. */
    const struct simlab_library *(*open)(const struct simlab_opening *o);
    void (*close)(const struct simlab_library *opened);
    void *userdata; /* the library's own: the host does not touch it */
    /* NULL, or what calls a stage function, or else one about a variable, or a hook, and makes a
     * failure of what it throws. */
    int (*guard)(simlab_context *c, simlab_stage_fn stage, simlab_variable_fn about, int32_t var);
    int (*guard_hook)(simlab_hook_context *h, int (*call)(simlab_hook_context *h));
    /* NULL, or what a process of the operating system can have one of only, as an interpreter is: a
     * word for its kind, a blank, and what tells it from others. Libraries that name different ones
     * of a kind are never loaded into one worker. */
    const char *runtime;
    /* NULL, or models that come with it, as JSON: name -> {"processes": {name: type}}. */
    const char *models;
};

#define SIMLAB_COUNT(table) ((int32_t)(sizeof(table) / sizeof((table)[0])))

/* In a struct simlab_process: SIMLAB_VARIABLES(table), for .variables and .n_variables. */
#define SIMLAB_VARIABLES(table) .variables = (table), .n_variables = SIMLAB_COUNT(table)

#define SIMLAB_EXPORT __attribute__((visibility("default")))

/* The one symbol. Declared here so that it has C linkage in C++ too. */
SIMLAB_EXPORT const struct simlab_library *simlab_library_table(void);

#ifdef SIMLAB_CATCHES_
#define SIMLAB_GUARDS_ simlab_guard_, simlab_guard_hook_
static inline int simlab_guard_(simlab_context *c, simlab_stage_fn stage, simlab_variable_fn about,
                                int32_t var);
static inline int simlab_guard_hook_(simlab_hook_context *h, int (*call)(simlab_hook_context *h));
#else
#define SIMLAB_GUARDS_ NULL, NULL
#endif

/* Once in a library: SIMLAB_LIBRARY("1.0", "what it is about", &type_a, &type_b) */
#define SIMLAB_LIBRARY(version_, description_, ...)                                                \
    static const struct simlab_process *const simlab_processes_[] = {__VA_ARGS__};                 \
    SIMLAB_LIBRARY_(version_, description_, simlab_processes_, SIMLAB_COUNT(simlab_processes_),    \
                    NULL, 0, NULL, NULL)

/* The same with hooks, a table of struct simlab_hook:
 * SIMLAB_LIBRARY_WITH_HOOKS("1.0", "what it is about", hooks, &type_a) */
#define SIMLAB_LIBRARY_WITH_HOOKS(version_, description_, hooks_, ...)                             \
    static const struct simlab_process *const simlab_processes_[] = {__VA_ARGS__};                 \
    SIMLAB_LIBRARY_(version_, description_, simlab_processes_, SIMLAB_COUNT(simlab_processes_),    \
                    hooks_, SIMLAB_COUNT(hooks_), NULL, NULL)

/* One that makes its types when it is opened; `close` may be NULL. What `open` gives is best begun
 * with SIMLAB_LIBRARY_INIT. */
#define SIMLAB_LIBRARY_WITH_OPEN(version_, description_, open_, close_)                            \
    SIMLAB_LIBRARY_(version_, description_, NULL, 0, NULL, 0, open_, close_)

#define SIMLAB_LIBRARY_INIT(version_, description_, processes_, n_processes_)                      \
    SIMLAB_LIBRARY_INIT_(version_, description_, processes_, n_processes_, NULL, 0, NULL, NULL)

#define SIMLAB_LIBRARY_INIT_(version_, description_, processes_, n_processes_, hooks_, n_hooks_,   \
                             open_, close_)                                                        \
    {                                                                                              \
        SIMLAB_ABI_VERSION, sizeof(struct simlab_library), sizeof(struct simlab_process),          \
            sizeof(struct simlab_variable), description_, version_, processes_, n_processes_,      \
            SIMLAB_REVISION, hooks_, n_hooks_, sizeof(struct simlab_hook), open_, close_, NULL,    \
            SIMLAB_GUARDS_, NULL, NULL                                                             \
    }

#define SIMLAB_LIBRARY_(version_, description_, processes_, n_processes_, hooks_, n_hooks_, open_, \
                        close_)                                                                    \
    static const struct simlab_library simlab_library_ = SIMLAB_LIBRARY_INIT_(                     \
        version_, description_, processes_, n_processes_, hooks_, n_hooks_, open_, close_);        \
    SIMLAB_EXPORT const struct simlab_library *simlab_library_table(void)                          \
    {                                                                                              \
        return &simlab_library_;                                                                   \
    }

/* In `open`: return simlab_open_fail(o, "why"), which is NULL. */
__attribute__((format(printf, 2, 3))) static inline const struct simlab_library *
simlab_open_fail(const struct simlab_opening *o, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    o->fail(o, format, arguments);
    va_end(arguments);
    return NULL;
}

/* ---- what a stage function is given ----------------------------------------------------- */

/* The run, as seen from the current stage. In initialize and finalize there is no step: `step` is
 * -1 before the first step and the last step's number after it; times of a step are NaN before. */
struct simlab_runtime {
    int64_t step;       /* 0 … nsteps-1 */
    int64_t nsteps;     /* labels of the main clock, less one */
    double step_start;  /* label `step` */
    double step_end;    /* label `step` + 1 */
    double step_delta;  /* step_end - step_start, in the clock's units */
    double sim_start;   /* first label */
    double sim_end;     /* last label */
    int64_t batch;      /* this member's number; 0 without a batch */
    int64_t batch_size; /* members in the batch, of an open one those expected; 1 without */
    const double *main_clock;
    int64_t main_clock_size;
    int32_t stage; /* enum simlab_stage */
    int32_t reserved;
};

/* SIMLAB_CAN_PUT: what is set may be given the same shape again. */
enum simlab_access {
    SIMLAB_CAN_READ = 1,
    SIMLAB_CAN_WRITE = 2,
    SIMLAB_BY_HOST = 4,
    SIMLAB_CAN_PUT = 8
};

/* What simlab_parallel_for and its like ask for. */
struct simlab_loop {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t n, grain;
    void *userdata;
    simlab_block_fn block; /* where size is 0; else: */
    simlab_part_fn part;
    void (*join)(void *userdata, void *left, const void *right);
    size_t size; /* bytes of a part, and of the result */
    void *result;
};

/* Two parameters each: mean, standard deviation; mean, -; mean, -; trials, probability. */
enum simlab_distribution { SIMLAB_NORMAL = 0, SIMLAB_EXPONENTIAL, SIMLAB_POISSON, SIMLAB_BINOMIAL };
#define SIMLAB_NEXT INT64_C(-1) /* in the place of an index: the next numbers of the sequence */

struct simlab_kept;

/* The host's functions. Library code calls the inline functions below instead. */
struct simlab_host {
    uint32_t struct_size;
    uint32_t reserved;
    /* Answers a read or write that the fast path does not: computes an on-demand value, or
     * records the error. `access` is one of enum simlab_access. Never NULL. */
    struct simlab_view *(*view)(simlab_context *c, int32_t var, int32_t dtype, int32_t access);
    /* Gives `var` this shape (zeroes where it grew or is new). `length`: of a str, where its
     * declaration tells none; else 0. Never NULL. */
    struct simlab_view *(*create)(simlab_context *c, int32_t var, int32_t dtype, int32_t length,
                                  int32_t ndim, const int64_t *shape);
    int64_t (*group_size)(simlab_context *c, int32_t var);
    struct simlab_view *(*group_view)(simlab_context *c, int32_t var, int64_t k, int32_t dtype);
    const char *(*group_name)(simlab_context *c, int32_t var, int64_t k, int32_t which);
    void *(*object)(simlab_context *c, int32_t var);
    void (*set_object)(simlab_context *c, int32_t var, void *object, void (*destroy)(void *));
    int (*fail)(simlab_context *c, const char *format, va_list arguments);
    void (*log)(simlab_context *c, const char *format, va_list arguments);
    void (*random)(simlab_context *c, uint64_t *ret_words, int64_t n);
    int (*parent)(simlab_context *c, int32_t stage);
    /* `var` (of a group: its member k; else k is -1) has not the `n` elements that were asked for:
     * records the error and answers with n zeroed ones of this dtype. Never NULL. */
    struct simlab_view *(*wrong_size)(simlab_context *c, int32_t var, int64_t k, int32_t dtype,
                                      int64_t n);
    void (*random_at)(simlab_context *c, int64_t index, uint64_t *ret_words, int64_t n);
    void (*variates)(simlab_context *c, int32_t distribution, double a, double b, int64_t index,
                     double *ret, int64_t n);
    int (*loop)(simlab_context *c, const struct simlab_loop *loop);
    int (*status)(simlab_context *c); /* enum simlab_status */
    int (*put_bytes)(simlab_context *c, const void *bytes, size_t n);
    /* *ret is NULL, or is given the next n; how many are left then. */
    int64_t (*get_bytes)(simlab_context *c, void *ret, size_t n);
    /* For libraries that host a language with arrays over values. The memory that the value behind
     * one of `views` has now is there until it is let go, whatever becomes of value, member and
     * model; the value itself may be written there. NULL: no memory. */
    struct simlab_kept *(*keep)(simlab_context *c, const struct simlab_view *view);
    void (*let_go)(struct simlab_kept *kept); /* by any thread, at any time */
    /* `var` gets other memory, of zeroes, where what it has is kept; else nothing happens. */
    void (*leave)(simlab_context *c, int32_t var);
};

enum simlab_status { SIMLAB_HAS_FAILED = 1, SIMLAB_IS_CANCELLED = 2 };

/* A group's members in order; views of on_demand ones are NULL: the host computes them. */
struct simlab_group {
    int64_t n;
    struct simlab_view *const *views;
};

struct simlab_context {
    uint32_t struct_size;
    int32_t n_variables;
    const struct simlab_host *host;
    struct simlab_view *const *views; /* by index in the type's table; NULL for groups */
    const uint8_t *access;            /* by index: enum simlab_access, for the current stage */
    void *instance;
    const struct simlab_runtime *runtime;
    const struct simlab_group *groups; /* by index; `views` is NULL for what is no group */
    const char *process;               /* its name in the model */
    const char *type;                  /* "library.Type", of the type whose function it is */
    void *userdata;                    /* of the same */
};

/* ---- access, by the variable's index in its type's table ------------------------------- */

/* Whether this may be done to the variable, and the host is not needed for it; dtype -1: any. */
static inline int simlab_can_(const simlab_context *c, int32_t var, int32_t dtype, uint8_t access)
{
    return var >= 0 && var < c->n_variables &&
           (c->access[var] & (access | SIMLAB_BY_HOST)) == access && c->views[var]->data &&
           (dtype == -1 || c->views[var]->dtype == dtype);
}

static inline const struct simlab_view *simlab_read(simlab_context *c, int32_t var, int32_t dtype)
{
    return simlab_can_(c, var, dtype, SIMLAB_CAN_READ)
               ? c->views[var]
               : c->host->view(c, var, dtype, SIMLAB_CAN_READ);
}

static inline struct simlab_view *simlab_write(simlab_context *c, int32_t var, int32_t dtype)
{
    return simlab_can_(c, var, dtype, SIMLAB_CAN_WRITE)
               ? c->views[var]
               : c->host->view(c, var, dtype, SIMLAB_CAN_WRITE);
}

/* Elements, dims, shape and dtype of a value that may be read, whatever its dtype. */
static inline const struct simlab_view *simlab_value(simlab_context *c, int32_t var)
{
    return simlab_read(c, var, -1);
}
static inline int64_t simlab_size(simlab_context *c, int32_t var)
{
    return simlab_value(c, var)->size;
}
static inline int32_t simlab_ndim(simlab_context *c, int32_t var)
{
    return simlab_value(c, var)->ndim;
}
static inline int64_t simlab_shape(simlab_context *c, int32_t var, int32_t dim)
{
    const struct simlab_view *v = simlab_value(c, var);
    return dim >= 0 && dim < v->ndim ? v->shape[dim] : 1;
}
/* What the functions below do for each dtype, for one that is known when it runs: gives a variable
 * this shape, to be written. `length`: of a str, bytes of one element; else 0. Where the variable
 * is declared as SIMLAB_ANY, and this is its first value, its dtype is settled by it. */
static inline void *simlab_create(simlab_context *c, int32_t var, int32_t dtype, int32_t length,
                                  int32_t ndim, const int64_t *shape)
{
    return c->host->create(c, var, dtype, length, ndim, shape)->data;
}
/* The view if it has n elements; else n zeroes, and the stage fails. */
static inline const struct simlab_view *simlab_checked(simlab_context *c, int32_t var, int64_t k,
                                                       const struct simlab_view *v, int32_t dtype,
                                                       int64_t n)
{
    return v->size == n ? v : c->host->wrong_size(c, var, k, dtype, n);
}

/* Groups: members in the order in which the model declares its processes, on-demand ones last. */
static inline int64_t simlab_group_size(simlab_context *c, int32_t var)
{
    return var >= 0 && var < c->n_variables && c->groups[var].views ? c->groups[var].n
                                                                    : c->host->group_size(c, var);
}
static inline const struct simlab_view *simlab_member(simlab_context *c, int32_t var, int64_t k,
                                                      int32_t dtype)
{
    if (var >= 0 && var < c->n_variables && c->groups[var].views && k >= 0 &&
        k < c->groups[var].n) {
        const struct simlab_view *v = c->groups[var].views[k];
        if (v && v->data && (dtype == -1 || v->dtype == dtype))
            return v;
    }
    return c->host->group_view(c, var, k, dtype);
}
static inline const struct simlab_view *simlab_group_view(simlab_context *c, int32_t var, int64_t k)
{
    return simlab_member(c, var, k, -1);
}

/* For each dtype, here for f8 (f4 i1 i2 i4 i8 u1 u2 u4 u8 bool c8 c16 str likewise; the last three
 * have no get, put and sums). Elements lie in C order; of complex numbers and strings, `n` counts
 * whole elements.
 * To read:
 *   const double *simlab_f8(c, V, n)          its n elements
 *   const double *simlab_f8_any(c, V)         its elements, however many (see simlab_size)
 *   const double *simlab_f8_broadcast(c, V, n, &stride)
 *                                             of a variable that is a scalar or has n elements:
 *                                             element i is p[i * stride], stride 0 or 1
 *   double simlab_f8_get(c, V)                a scalar's value
 * To write:
 *   double *simlab_f8_mut(c, V, n)            its n elements, to change (inout, or out and set)
 *   double *simlab_f8_1d(c, V, n)             gives it n elements, to be written
 *   double *simlab_f8_2d(c, V, n0, n1)        the same with two dimensions
 *   double *simlab_f8_nd(c, V, ndim, shape)   the same with any
 *   double *simlab_f8_like(c, V, W)           gives it the shape of W, to be written
 *   void simlab_f8_put(c, V, value)           sets a scalar
 * Giving a variable the shape that it has costs next to nothing and keeps its contents.
 * Of groups:
 *   const double *simlab_f8_member(c, G, k, n)      the n elements of the k-th member
 *   void simlab_f8_sum(c, G, n, sum)          sum[i] = 0 + the members' i-th elements, in order;
 *                                             members are scalars or have n elements
 *   void simlab_f8_sum_range(c, G, n, begin, end, sum)   the same for sum[begin] … sum[end - 1]:
 *                                             what a block of a parallel loop does */
#define SIMLAB_ARRAY_ACCESS(name, DTYPE, ctype)                                                    \
    static inline const ctype *simlab_##name##_any(simlab_context *c, int32_t var)                 \
    {                                                                                              \
        return (const ctype *)simlab_read(c, var, DTYPE)->data;                                    \
    }                                                                                              \
    static inline const ctype *simlab_##name(simlab_context *c, int32_t var, int64_t n)            \
    {                                                                                              \
        const struct simlab_view *v = simlab_read(c, var, DTYPE);                                  \
        return (const ctype *)simlab_checked(c, var, -1, v, DTYPE, n)->data;                       \
    }                                                                                              \
    static inline const ctype *simlab_##name##_broadcast(simlab_context *c, int32_t var,           \
                                                         int64_t n, int64_t *ret_stride)           \
    {                                                                                              \
        const struct simlab_view *v = simlab_read(c, var, DTYPE);                                  \
        *ret_stride = v->ndim == 0 ? 0 : 1;                                                        \
        return (const ctype *)(v->ndim ? simlab_checked(c, var, -1, v, DTYPE, n) : v)->data;       \
    }                                                                                              \
    static inline ctype *simlab_##name##_mut(simlab_context *c, int32_t var, int64_t n)            \
    {                                                                                              \
        const struct simlab_view *v = simlab_write(c, var, DTYPE);                                 \
        return (ctype *)simlab_checked(c, var, -1, v, DTYPE, n)->data;                             \
    }                                                                                              \
    static inline ctype *simlab_##name##_nd(simlab_context *c, int32_t var, int32_t ndim,          \
                                            const int64_t *shape)                                  \
    {                                                                                              \
        return (ctype *)c->host->create(c, var, DTYPE, 0, ndim, shape)->data;                      \
    }                                                                                              \
    static inline ctype *simlab_##name##_1d(simlab_context *c, int32_t var, int64_t n)             \
    {                                                                                              \
        if (simlab_can_(c, var, DTYPE, SIMLAB_CAN_PUT) && c->views[var]->ndim == 1 &&              \
            c->views[var]->shape[0] == n)                                                          \
            return (ctype *)c->views[var]->data;                                                   \
        return simlab_##name##_nd(c, var, 1, &n);                                                  \
    }                                                                                              \
    static inline ctype *simlab_##name##_2d(simlab_context *c, int32_t var, int64_t n0,            \
                                            int64_t n1)                                            \
    {                                                                                              \
        int64_t shape[2];                                                                          \
        shape[0] = n0;                                                                             \
        shape[1] = n1;                                                                             \
        return simlab_##name##_nd(c, var, 2, shape);                                               \
    }                                                                                              \
    static inline ctype *simlab_##name##_like(simlab_context *c, int32_t var, int32_t other)       \
    {                                                                                              \
        const struct simlab_view *v = simlab_value(c, other);                                      \
        return simlab_##name##_nd(c, var, v->ndim, v->shape);                                      \
    }                                                                                              \
    static inline const ctype *simlab_##name##_member(simlab_context *c, int32_t var, int64_t k,   \
                                                      int64_t n)                                   \
    {                                                                                              \
        const struct simlab_view *v = simlab_member(c, var, k, DTYPE);                             \
        return (const ctype *)simlab_checked(c, var, k, v, DTYPE, n)->data;                        \
    }

#define SIMLAB_SCALAR_ACCESS(name, DTYPE, ctype)                                                   \
    static inline ctype simlab_##name##_get(simlab_context *c, int32_t var)                        \
    {                                                                                              \
        return *simlab_##name(c, var, 1);                                                          \
    }                                                                                              \
    static inline void simlab_##name##_put(simlab_context *c, int32_t var, ctype value)            \
    {                                                                                              \
        int64_t none = 0;                                                                          \
        if (simlab_can_(c, var, DTYPE, SIMLAB_CAN_PUT) && c->views[var]->ndim == 0)                \
            *(ctype *)c->views[var]->data = value;                                                 \
        else                                                                                       \
            *simlab_##name##_nd(c, var, 0, &none) = value;                                         \
    }                                                                                              \
    static inline void simlab_##name##_sum_range(simlab_context *c, int32_t var, int64_t n,        \
                                                 int64_t begin, int64_t end, ctype *sum)           \
    {                                                                                              \
        int64_t i, k, n_members = simlab_group_size(c, var);                                       \
        for (i = begin; n_members <= 0 && i < end; i++)                                            \
            sum[i] = 0;                                                                            \
        for (k = 0; k < n_members; k++) {                                                          \
            const struct simlab_view *v = simlab_member(c, var, k, DTYPE);                         \
            int64_t stride = v->ndim == 0 ? 0 : 1;                                                 \
            const ctype *p =                                                                       \
                (const ctype *)(stride ? simlab_checked(c, var, k, v, DTYPE, n) : v)->data;        \
            if (k == 0 && stride)                                                                  \
                for (i = begin; i < end; i++)                                                      \
                    sum[i] = (ctype)(0 + p[i]);                                                    \
            else if (k == 0)                                                                       \
                for (i = begin; i < end; i++)                                                      \
                    sum[i] = (ctype)(0 + p[0]);                                                    \
            else if (stride)                                                                       \
                for (i = begin; i < end; i++)                                                      \
                    sum[i] = (ctype)(sum[i] + p[i]);                                               \
            else                                                                                   \
                for (i = begin; i < end; i++)                                                      \
                    sum[i] = (ctype)(sum[i] + p[0]);                                               \
        }                                                                                          \
    }                                                                                              \
    static inline void simlab_##name##_sum(simlab_context *c, int32_t var, int64_t n, ctype *sum)  \
    {                                                                                              \
        simlab_##name##_sum_range(c, var, n, 0, n, sum);                                           \
    }

SIMLAB_ARRAY_ACCESS(f8, SIMLAB_F8, double)
SIMLAB_ARRAY_ACCESS(f4, SIMLAB_F4, float)
SIMLAB_ARRAY_ACCESS(i1, SIMLAB_I1, int8_t)
SIMLAB_ARRAY_ACCESS(i2, SIMLAB_I2, int16_t)
SIMLAB_ARRAY_ACCESS(i4, SIMLAB_I4, int32_t)
SIMLAB_ARRAY_ACCESS(i8, SIMLAB_I8, int64_t)
SIMLAB_ARRAY_ACCESS(u1, SIMLAB_U1, uint8_t)
SIMLAB_ARRAY_ACCESS(u2, SIMLAB_U2, uint16_t)
SIMLAB_ARRAY_ACCESS(u4, SIMLAB_U4, uint32_t)
SIMLAB_ARRAY_ACCESS(u8, SIMLAB_U8, uint64_t)
SIMLAB_ARRAY_ACCESS(bool, SIMLAB_BOOL, uint8_t)
SIMLAB_ARRAY_ACCESS(c8, SIMLAB_C8, float)
SIMLAB_ARRAY_ACCESS(c16, SIMLAB_C16, double)
SIMLAB_ARRAY_ACCESS(str, SIMLAB_STR, char)
SIMLAB_SCALAR_ACCESS(f8, SIMLAB_F8, double)
SIMLAB_SCALAR_ACCESS(f4, SIMLAB_F4, float)
SIMLAB_SCALAR_ACCESS(i1, SIMLAB_I1, int8_t)
SIMLAB_SCALAR_ACCESS(i2, SIMLAB_I2, int16_t)
SIMLAB_SCALAR_ACCESS(i4, SIMLAB_I4, int32_t)
SIMLAB_SCALAR_ACCESS(i8, SIMLAB_I8, int64_t)
SIMLAB_SCALAR_ACCESS(u1, SIMLAB_U1, uint8_t)
SIMLAB_SCALAR_ACCESS(u2, SIMLAB_U2, uint16_t)
SIMLAB_SCALAR_ACCESS(u4, SIMLAB_U4, uint32_t)
SIMLAB_SCALAR_ACCESS(u8, SIMLAB_U8, uint64_t)
SIMLAB_SCALAR_ACCESS(bool, SIMLAB_BOOL, uint8_t)

/* Of a group's k-th member: its process's name, and its own. */
static inline const char *simlab_group_process(simlab_context *c, int32_t var, int64_t k)
{
    return c->host->group_name(c, var, k, 0);
}
static inline const char *simlab_group_variable(simlab_context *c, int32_t var, int64_t k)
{
    return c->host->group_name(c, var, k, 1);
}

/* Texts one by one: the i-th of a variable, and its length. No NUL ends it where it fills its
 * place. */
static inline const char *simlab_str_at(simlab_context *c, int32_t var, int64_t i,
                                        int32_t *ret_length)
{
    const struct simlab_view *v = simlab_read(c, var, SIMLAB_STR);
    const char *text;
    int32_t n = 0, most;
    if (i < 0 || i >= v->size)
        v = c->host->wrong_size(c, var, -1, SIMLAB_STR, i < 0 ? 0 : i + 1);
    most = i < 0 || i >= v->size ? 0 : v->itemsize;
    text = (const char *)v->data + (most ? i * most : 0);
    while (n < most && text[n])
        n++;
    *ret_length = n;
    return text;
}
/* Sets it, in a variable that has its shape. One that is longer than its place is a failure. */
static inline void simlab_str_set(simlab_context *c, int32_t var, int64_t i, const char *text)
{
    const struct simlab_view *v = simlab_write(c, var, SIMLAB_STR);
    int32_t k, n = 0;
    while (n <= v->itemsize && text[n])
        n++;
    if (i < 0 || i >= v->size)
        c->host->wrong_size(c, var, -1, SIMLAB_STR, i < 0 ? 0 : i + 1);
    else if (n > v->itemsize)
        c->host->create(c, var, SIMLAB_STR, n, v->ndim, v->shape);
    else
        for (k = 0; k < v->itemsize; k++)
            ((char *)v->data)[i * v->itemsize + k] = k < n ? text[k] : '\0';
}

/* Objects: the process that declares it `out` sets it; `destroy` (or NULL) runs after finalize. */
static inline void *simlab_object(simlab_context *c, int32_t var)
{
    return c->host->object(c, var);
}
static inline void simlab_set_object(simlab_context *c, int32_t var, void *object,
                                     void (*destroy)(void *))
{
    c->host->set_object(c, var, object, destroy);
}

/* The instance's private state, instance_size bytes, aligned for any type. */
static inline void *simlab_self(simlab_context *c)
{
    return c->instance;
}

/* What the type's `userdata` is. */
static inline void *simlab_userdata(const simlab_context *c)
{
    return c->userdata;
}

/* The process's name in the model, and its type's: "library.Type" (of a function that the type
 * inherits: the type that it comes from). */
static inline const char *simlab_process_name(const simlab_context *c)
{
    return c->process;
}
static inline const char *simlab_type_name(const simlab_context *c)
{
    return c->type;
}

/* Where the run stands. */
static inline const struct simlab_runtime *simlab_now(const simlab_context *c)
{
    return c->runtime;
}

/* For long loops: whether this call has failed by a mistake in it; and whether what it computes is
 * not wanted any more, since the member is being stopped, or a process before this one in the
 * model's order has failed. Then it may return SIMLAB_ERROR at once. */
static inline int simlab_failed(simlab_context *c)
{
    return c->host->status(c) & SIMLAB_HAS_FAILED;
}
static inline int simlab_cancelled(simlab_context *c)
{
    return c->host->status(c) & SIMLAB_IS_CANCELLED;
}

/* In `save`: adds to what is kept. In `restore`: takes the next n bytes; where so many are not
 * left, ret is zeroed, and it fails. 0 or SIMLAB_ERROR. */
static inline int simlab_put_bytes(simlab_context *c, const void *bytes, size_t n)
{
    return c->host->put_bytes(c, bytes, n);
}
static inline int simlab_get_bytes(simlab_context *c, void *ret, size_t n)
{
    return c->host->get_bytes(c, ret, n) < 0 ? SIMLAB_ERROR : 0;
}
static inline int64_t simlab_bytes_left(simlab_context *c)
{
    return c->host->get_bytes(c, NULL, 0);
}

/* return simlab_fail(c, "why"): this stage, and so this member, has failed. */
__attribute__((format(printf, 2, 3))) static inline int simlab_fail(simlab_context *c,
                                                                    const char *format, ...)
{
    va_list arguments;
    int r;
    va_start(arguments, format);
    r = c->host->fail(c, format, arguments);
    va_end(arguments);
    return r;
}

/* One line of the member's log. */
__attribute__((format(printf, 2, 3))) static inline void simlab_log(simlab_context *c,
                                                                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    c->host->log(c, format, arguments);
    va_end(arguments);
}

/* ---- random numbers ---------------------------------------------------------------------- */

/* From a counter-based generator (Philox 4x32-10; Salmon et al. 2011), in two ways:
 *  - one after the other: the counter is the number drawn so far in this stage and step;
 *  - at an index of one's own, 0 to 2^40 - 1, such as a cell's or a particle's number: the same
 *    number whenever it is asked for, so that a parallel loop may draw them.
 * Both are keyed by (job seed, member, process name, stage, step) besides: the same under every
 * scheduler. An index gives one variate: what is drawn there from another distribution depends on
 * the same number, so take another index for it (2 * i and 2 * i + 1, or i + n). */
static inline uint64_t simlab_random_u8(simlab_context *c)
{
    uint64_t word;
    c->host->random(c, &word, 1);
    return word;
}
/* n values, uniform in [0, 1), 53 bits; those of indices index … index + n - 1, too. */
static inline void simlab_random_fill(simlab_context *c, double *ret, int64_t n)
{
    uint64_t words[64];
    int64_t i, k, m;
    for (i = 0; i < n; i += m) {
        m = n - i < 64 ? n - i : 64;
        c->host->random(c, words, m);
        for (k = 0; k < m; k++)
            ret[i + k] = (double)(words[k] >> 11) * (1.0 / 9007199254740992.0);
    }
}
static inline void simlab_random_fill_at(simlab_context *c, int64_t index, double *ret, int64_t n)
{
    uint64_t words[64];
    int64_t i, k, m;
    for (i = 0; i < n; i += m) {
        m = n - i < 64 ? n - i : 64;
        c->host->random_at(c, index + i, words, m);
        for (k = 0; k < m; k++)
            ret[i + k] = (double)(words[k] >> 11) * (1.0 / 9007199254740992.0);
    }
}
static inline double simlab_random_f8(simlab_context *c)
{
    double value;
    simlab_random_fill(c, &value, 1);
    return value;
}
static inline double simlab_random_f8_at(simlab_context *c, int64_t index)
{
    double value;
    simlab_random_fill_at(c, index, &value, 1);
    return value;
}

/* Variates, one at a time (`index`: SIMLAB_NEXT is the next of the sequence) or n of them (at
 * index, index + 1, …, or the next n). The same bits on every machine, whatever its C library.
 *  - normal: inversion (Wichura 1988, AS 241), one number each;
 *  - exponential: inversion, one number each;
 *  - Poisson: inversion by search where the mean is below 10, else transformed rejection (PTRS,
 *    Hörmann 1993);
 *  - binomial: inversion by search where trials · min(p, 1 - p) is below 10, else transformed
 *    rejection (BTRS, Hörmann 1993). */
static inline double simlab_normal(simlab_context *c, int64_t index, double mean, double deviation)
{
    double value;
    c->host->variates(c, SIMLAB_NORMAL, mean, deviation, index, &value, 1);
    return value;
}
static inline double simlab_exponential(simlab_context *c, int64_t index, double mean)
{
    double value;
    c->host->variates(c, SIMLAB_EXPONENTIAL, mean, 0, index, &value, 1);
    return value;
}
static inline int64_t simlab_poisson(simlab_context *c, int64_t index, double mean)
{
    double value;
    c->host->variates(c, SIMLAB_POISSON, mean, 0, index, &value, 1);
    return (int64_t)value;
}
static inline int64_t simlab_binomial(simlab_context *c, int64_t index, int64_t trials, double p)
{
    double value;
    c->host->variates(c, SIMLAB_BINOMIAL, (double)trials, p, index, &value, 1);
    return (int64_t)value;
}
/* a, b: the distribution's parameters, as above. Counts come as doubles. */
static inline void simlab_variates(simlab_context *c, int32_t distribution, double a, double b,
                                   int64_t index, double *ret, int64_t n)
{
    c->host->variates(c, distribution, a, b, index, ret, n);
}

/* ---- parallel loops ---------------------------------------------------------------------- */

/* C++: what a block, or the joining of two parts, throws becomes its failure. */
struct simlab_block_ {
    simlab_block_fn block;
    simlab_part_fn part;
    void (*join)(void *userdata, void *left, const void *right);
    void *userdata;
    simlab_context *joins; /* where parts are joined */
};
#ifdef SIMLAB_CATCHES_
#define SIMLAB_BLOCK_(plain, guarded) (guarded)
static inline int simlab_thrown_(simlab_context *c)
{
    try {
        throw;
    } catch (const std::exception &thrown) {
        return simlab_fail(c, "threw an exception: %s", thrown.what());
    } catch (...) {
        return simlab_fail(c, "threw an exception");
    }
}
static inline int simlab_block_guard_(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct simlab_block_ *b = (const struct simlab_block_ *)userdata;
    try {
        return b->block(c, begin, end, b->userdata);
    } catch (...) {
        return simlab_thrown_(c);
    }
}
static inline int simlab_part_guard_(simlab_context *c, int64_t begin, int64_t end, void *userdata,
                                     void *ret_part)
{
    const struct simlab_block_ *b = (const struct simlab_block_ *)userdata;
    try {
        return b->part(c, begin, end, b->userdata, ret_part);
    } catch (...) {
        return simlab_thrown_(c);
    }
}
static inline void simlab_join_guard_(void *userdata, void *left, const void *right)
{
    const struct simlab_block_ *b = (const struct simlab_block_ *)userdata;
    try {
        b->join(b->userdata, left, right);
    } catch (...) {
        (void)simlab_thrown_(b->joins);
    }
}
#else
#define SIMLAB_BLOCK_(plain, guarded) (plain)
#endif

/* Iterations 0 … n - 1 in blocks of `grain` (the last may be shorter; 0: up to 64 blocks; never
 * more than 2^20), each handed to `fn` with its bounds, on as many threads as the job has. Blocks
 * are the same however many these are, so results are too, as long as no block reads what another
 * writes. Choose a grain of some microseconds' work. Returns when all blocks are through: 0, or
 * SIMLAB_ERROR where this stage has failed.
 *
 * A block may read variables, write through pointers (its own, and those taken before the loop),
 * draw random numbers at an index, fail (the first block in order to do so is told), and run loops
 * of its own. Before the loop it must be done to read on_demand variables and to give variables
 * their shape; lines are logged, numbers drawn from the sequence and objects set outside, too.
 * Anything else is an error that says so. */
static inline int simlab_parallel_for(simlab_context *c, int64_t n, int64_t grain,
                                      simlab_block_fn fn, void *userdata)
{
    struct simlab_loop loop = {
        sizeof(struct simlab_loop), 0, 0, 0, NULL, NULL, NULL, NULL, 0, NULL};
    struct simlab_block_ guarded = {fn, NULL, NULL, userdata, c};
    loop.n = n;
    loop.grain = grain;
    loop.block = SIMLAB_BLOCK_(fn, simlab_block_guard_);
    loop.userdata = SIMLAB_BLOCK_(userdata, &guarded);
    (void)guarded;
    return c->host->loop(c, &loop);
}

/* The same for a result of `size` bytes: each block puts its part, zeroed before, into ret_part;
 * `join` puts two neighbours' together into the left one. Parts are joined by a tree whose form
 * depends on the number of blocks only: the bits of a sum do not depend on the threads. *ret is
 * zero where n is. */
static inline int
simlab_parallel_reduce(simlab_context *c, int64_t n, int64_t grain, simlab_part_fn fn,
                       void (*join)(void *userdata, void *left, const void *right), void *userdata,
                       size_t size, void *ret)
{
    struct simlab_loop loop = {
        sizeof(struct simlab_loop), 0, 0, 0, NULL, NULL, NULL, NULL, 0, NULL};
    struct simlab_block_ guarded = {NULL, fn, join, userdata, c};
    loop.n = n;
    loop.grain = grain;
    loop.part = SIMLAB_BLOCK_(fn, simlab_part_guard_);
    loop.join = SIMLAB_BLOCK_(join, simlab_join_guard_);
    loop.userdata = SIMLAB_BLOCK_(userdata, &guarded);
    (void)guarded;
    loop.size = size;
    loop.result = ret;
    return c->host->loop(c, &loop);
}

static inline void simlab_join_sums_(void *userdata, void *left, const void *right)
{
    (void)userdata;
    *(double *)left += *(const double *)right;
}
/* A sum of doubles: each block puts that of its iterations into *(double *)ret_part. */
static inline double simlab_parallel_sum(simlab_context *c, int64_t n, int64_t grain,
                                         simlab_part_fn fn, void *userdata)
{
    double sum;
    simlab_parallel_reduce(c, n, grain, fn, simlab_join_sums_, userdata, sizeof sum, &sum);
    return sum;
}

/* return simlab_parent(c, SIMLAB_INITIALIZE): the stage as the type this one extends does it. */
static inline int simlab_parent(simlab_context *c, int32_t stage)
{
    return c->host->parent(c, stage);
}

/* ---- what a hook is given ---------------------------------------------------------------- */

struct simlab_hook_host {
    uint32_t struct_size;
    uint32_t reserved;
    const struct simlab_view *(*view)(simlab_hook_context *h, const char *name);
    int32_t (*find)(simlab_hook_context *h, const char *name);
    const struct simlab_view *(*view_at)(simlab_hook_context *h, int32_t number);
    int (*fail)(simlab_hook_context *h, const char *format, va_list arguments);
    void (*log)(simlab_hook_context *h, const char *format, va_list arguments);
};

struct simlab_hook_context {
    uint32_t struct_size;
    uint32_t reserved;
    const struct simlab_hook_host *host;
    const struct simlab_runtime *runtime;
    const char *process; /* process level: its name in the model; else NULL */
    const char *type;    /* process level: "library.Type"; else NULL */
};

/* The value of "process__variable", computed where it is on_demand; NULL where it has none (yet). A
 * name that the model lacks is an error. */
static inline const struct simlab_view *simlab_hook_view(simlab_hook_context *h, const char *name)
{
    return h->host->view(h, name);
}

/* The same for hooks that look often: the variable's number, which is the same in all calls of a
 * member (-1, and an error: the model lacks it), and its value. */
static inline int32_t simlab_hook_find(simlab_hook_context *h, const char *name)
{
    return h->host->find(h, name);
}
static inline const struct simlab_view *simlab_hook_view_at(simlab_hook_context *h, int32_t number)
{
    return h->host->view_at(h, number);
}

/* return simlab_hook_fail(h, "why"): the member has failed. */
__attribute__((format(printf, 2, 3))) static inline int simlab_hook_fail(simlab_hook_context *h,
                                                                         const char *format, ...)
{
    va_list arguments;
    int r;
    va_start(arguments, format);
    r = h->host->fail(h, format, arguments);
    va_end(arguments);
    return r;
}

/* One line of the member's log. */
__attribute__((format(printf, 2, 3))) static inline void simlab_hook_log(simlab_hook_context *h,
                                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    h->host->log(h, format, arguments);
    va_end(arguments);
}

#ifdef SIMLAB_CATCHES_
static inline int simlab_guard_(simlab_context *c, simlab_stage_fn stage, simlab_variable_fn about,
                                int32_t var)
{
    try {
        return stage ? stage(c) : about(c, var);
    } catch (...) {
        return simlab_thrown_(c);
    }
}
static inline int simlab_guard_hook_(simlab_hook_context *h, int (*call)(simlab_hook_context *h))
{
    try {
        return call(h);
    } catch (const std::exception &thrown) {
        return simlab_hook_fail(h, "threw an exception: %s", thrown.what());
    } catch (...) {
        return simlab_hook_fail(h, "threw an exception");
    }
}
#endif

#ifdef __cplusplus
}
#endif

#endif
