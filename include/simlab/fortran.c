/* SPDX-License-Identifier: Apache-2.0 */
/* What simlab.f90 needs of simlab/process.h, whose functions are inline or take a format: it is
 * compiled into a Fortran library beside that. Tables are made when the library is opened, by the
 * Fortran subroutine simlab_declare. C99. */
#include <simlab/process.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES_MOST = 100 };

struct fortran_type {
    struct simlab_process process; /* first */
    struct simlab_variable *variables;
};

/* One opening. */
struct fortran_library {
    struct simlab_library table; /* first */
    struct fortran_type *types[TYPES_MOST];
    char **texts;
    int n_types, n_texts;
};

static struct fortran_library *making;

/* In Fortran, or here. */
void simlab_declare(void);
void simlab_fortran_library(const char *version, const char *description);
void *simlab_fortran_type(const char *name, const char *description, const char *extends,
                          int32_t flags, size_t instance_size);
void simlab_fortran_stage(void *type, int32_t stage, simlab_stage_fn fn);
int32_t simlab_fortran_variable(void *type, const int32_t numbers[7], const char *name);
void simlab_fortran_text(void *type, int32_t row, int32_t which, const char *text);
void simlab_fortran_function(void *type, int32_t row, int32_t which, simlab_variable_fn fn);
void *simlab_fortran_read(simlab_context *c, int32_t var, int32_t dtype, int64_t *ret_size);
void *simlab_fortran_write(simlab_context *c, int32_t var, int32_t dtype, int64_t *ret_size);
void *simlab_fortran_create(simlab_context *c, int32_t var, int32_t dtype, int32_t ndim,
                            const int64_t *shape);
int64_t simlab_fortran_shape(simlab_context *c, int32_t var, int32_t dim);
const struct simlab_runtime *simlab_fortran_now(simlab_context *c);
void *simlab_fortran_self(simlab_context *c);
int simlab_fortran_fail(simlab_context *c, const char *why);
void simlab_fortran_log(simlab_context *c, const char *line);
void simlab_fortran_random(simlab_context *c, int64_t index, double *ret, int64_t n);
int simlab_fortran_parallel_for(simlab_context *c, int64_t n, int64_t grain, simlab_block_fn fn,
                                void *userdata);

/* ---- tables ---- */

/* A copy that lives as long as the opening; NULL of "". */
static const char *keep(const char *text)
{
    struct fortran_library *l = making;
    char *copy;
    if (!*text)
        return NULL;
    copy = (char *)malloc(strlen(text) + 1);
    l->texts = (char **)realloc(l->texts, (size_t)(l->n_texts + 1) * sizeof *l->texts);
    if (!copy || !l->texts)
        abort();
    l->texts[l->n_texts++] = strcpy(copy, text);
    return copy;
}

void simlab_fortran_library(const char *version, const char *description)
{
    making->table.version = keep(version);
    making->table.description = keep(description);
}

void *simlab_fortran_type(const char *name, const char *description, const char *extends,
                          int32_t flags, size_t instance_size)
{
    struct fortran_type *t = (struct fortran_type *)calloc(1, sizeof *t);
    if (!t || making->n_types == TYPES_MOST)
        abort();
    making->types[making->n_types++] = t;
    t->process.name = keep(name);
    t->process.description = keep(description);
    t->process.extends = keep(extends);
    t->process.flags = (uint32_t)flags;
    t->process.instance_size = instance_size;
    return t;
}

void simlab_fortran_stage(void *type, int32_t stage, simlab_stage_fn fn)
{
    struct simlab_process *p = (struct simlab_process *)type;
    if (stage == SIMLAB_INITIALIZE)
        p->initialize = fn;
    else if (stage == SIMLAB_RUN_STEP)
        p->run_step = fn;
    else if (stage == SIMLAB_FINALIZE_STEP)
        p->finalize_step = fn;
    else
        p->finalize = fn;
}

/* `numbers`: kind, intent, dtype, length, flags, reads, writes. */
int32_t simlab_fortran_variable(void *type, const int32_t numbers[7], const char *name)
{
    struct fortran_type *t = (struct fortran_type *)type;
    int32_t row = t->process.n_variables++;
    struct simlab_variable v = {0};
    t->variables =
        (struct simlab_variable *)realloc(t->variables, (size_t)(row + 1) * sizeof *t->variables);
    if (!t->variables)
        abort();
    v.name = keep(name);
    v.kind = numbers[0];
    v.intent = numbers[1];
    v.dtype = numbers[2];
    v.length = numbers[3];
    v.flags = (uint32_t)numbers[4];
    v.reads = (uint32_t)numbers[5];
    v.writes = (uint32_t)numbers[6];
    t->variables[row] = v;
    t->process.variables = t->variables;
    return row;
}

/* In the order of simlab.f90's arguments. */
void simlab_fortran_text(void *type, int32_t row, int32_t which, const char *text)
{
    struct simlab_variable *v = &((struct fortran_type *)type)->variables[row];
    const char **const places[] = {&v->dims,    &v->type,        &v->var,           &v->global_name,
                                   &v->groups,  &v->group,       &v->default_value, &v->bounds,
                                   &v->choices, &v->description, &v->units,         &v->attrs,
                                   &v->encoding};
    *places[which] = keep(text);
}

void simlab_fortran_function(void *type, int32_t row, int32_t which, simlab_variable_fn fn)
{
    struct simlab_variable *v = &((struct fortran_type *)type)->variables[row];
    simlab_variable_fn *const places[] = {&v->compute, &v->validate, &v->convert};
    *places[which] = fn;
}

static void close_fortran(const struct simlab_library *opened)
{
    struct fortran_library *l = (struct fortran_library *)(uintptr_t)opened;
    int i;
    for (i = 0; i < l->n_types; i++) {
        free(l->types[i]->variables);
        free(l->types[i]);
    }
    for (i = 0; i < l->n_texts; i++)
        free(l->texts[i]);
    free(l->texts);
    free(l);
}

static const struct simlab_library *open_fortran(const struct simlab_opening *o)
{
    static const struct simlab_library empty = SIMLAB_LIBRARY_INIT(NULL, NULL, NULL, 0);
    struct fortran_library *l = (struct fortran_library *)calloc(1, sizeof *l);
    if (!l)
        return simlab_open_fail(o, "there is no memory");
    l->table = empty;
    making = l;
    simlab_declare();
    making = NULL;
    l->table.processes = (const struct simlab_process *const *)(const void *)l->types;
    l->table.n_processes = l->n_types;
    return &l->table;
}

SIMLAB_LIBRARY_WITH_OPEN(NULL, NULL, open_fortran, close_fortran)

/* ---- stage functions ---- */

void *simlab_fortran_read(simlab_context *c, int32_t var, int32_t dtype, int64_t *ret_size)
{
    const struct simlab_view *v = simlab_read(c, var, dtype);
    *ret_size = v->size;
    return v->data;
}

void *simlab_fortran_write(simlab_context *c, int32_t var, int32_t dtype, int64_t *ret_size)
{
    const struct simlab_view *v = simlab_write(c, var, dtype);
    *ret_size = v->size;
    return v->data;
}

void *simlab_fortran_create(simlab_context *c, int32_t var, int32_t dtype, int32_t ndim,
                            const int64_t *shape)
{
    return simlab_create(c, var, dtype, 0, ndim, shape);
}

int64_t simlab_fortran_shape(simlab_context *c, int32_t var, int32_t dim)
{
    return simlab_shape(c, var, dim);
}

const struct simlab_runtime *simlab_fortran_now(simlab_context *c)
{
    return simlab_now(c);
}

void *simlab_fortran_self(simlab_context *c)
{
    return simlab_self(c);
}

int simlab_fortran_fail(simlab_context *c, const char *why)
{
    return simlab_fail(c, "%s", why);
}

void simlab_fortran_log(simlab_context *c, const char *line)
{
    simlab_log(c, "%s", line);
}

/* Index -1: the next numbers of the sequence. */
void simlab_fortran_random(simlab_context *c, int64_t index, double *ret, int64_t n)
{
    if (index < 0)
        simlab_random_fill(c, ret, n);
    else
        simlab_random_fill_at(c, index, ret, n);
}

int simlab_fortran_parallel_for(simlab_context *c, int64_t n, int64_t grain, simlab_block_fn fn,
                                void *userdata)
{
    return simlab_parallel_for(c, n, grain, fn, userdata);
}
