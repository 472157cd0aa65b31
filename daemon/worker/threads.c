/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/threads.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* The variable that is read at load, and the function that changes it later. */
static const struct {
    const char *variable, *function;
    bool is_long; /* its argument */
} kinds[] = {
    {"OMP_NUM_THREADS", "omp_set_num_threads", false},
    {"OPENBLAS_NUM_THREADS", "openblas_set_num_threads", false},
    {"MKL_NUM_THREADS", "MKL_Set_Num_Threads", false},
    {"BLIS_NUM_THREADS", "bli_thread_set_num_threads", true},
    {"NUMEXPR_NUM_THREADS", NULL, false},
    {"VECLIB_MAXIMUM_THREADS", NULL, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct threads {
    char *ours[KINDS]; /* values of the variables where no job says otherwise */
    int64_t now;
};

struct threads *threads_new(void)
{
    struct threads *t = mem_new(sizeof *t);
    for (int i = 0; i < KINDS; i++) {
        setenv(kinds[i].variable, "1", 0);
        t->ours[i] = mem_strdup(getenv(kinds[i].variable));
    }
    return t;
}

struct threads *threads_free(struct threads *t)
{
    for (int i = 0; t && i < KINDS; i++)
        free(t->ours[i]);
    free(t);
    return NULL;
}

/* Each library may be linked with another one of the kind. */
static void ask(const struct libraries *l, int kind, long n)
{
    for (size_t i = 0; kinds[kind].function && i < libraries_size(l); i++) {
        void *found = libraries_symbol(l, i, kinds[kind].function);
        void (*with_int)(int);
        void (*with_long)(long);
        if (found && kinds[kind].is_long) {
            *(void **)&with_long = found;
            with_long(n);
        } else if (found) {
            *(void **)&with_int = found;
            with_int((int)n);
        }
    }
}

void threads_set(struct threads *t, const struct libraries *l, int64_t n)
{
    char text[32];
    if (n == t->now)
        return;
    snprintf(text, sizeof text, "%lld", (long long)n);
    for (int i = 0; i < KINDS; i++) {
        const char *value = n > 0 ? text : t->ours[i];
        setenv(kinds[i].variable, value, 1);
        long number = atol(value); /* of a list, the first level's */
        if (number > 0)
            ask(l, i, number);
    }
    t->now = n;
}
