/* SPDX-License-Identifier: Apache-2.0 */
/* What offers.c and pushes.c share: the latter takes modules that clients push, and removes them.
 */
#ifndef LIBRARY_OFFERS_INTERNAL_H
#define LIBRARY_OFFERS_INTERNAL_H

#include "library/offers.h"
#include "library/originals.h"

struct push;

struct offers {
    struct loop *loop;
    struct offers_options options;
    struct aside *aside;
    struct copies *copies;
    struct watch *watch;
    struct sweeper *sweeper;
    struct originals originals;
    const struct registry *registry;
    const struct registry
        *complained; /* whose types that are left out were told of last, or NULL */
    char *offered;   /* as it was written last; of the building task while one is under way */
    json_t *settled; /* directory/file → since the last look began, it was closed or moved there */
    int n_taking;
    bool is_remembering, is_looking, is_building; /* one task at a time of each */
    bool is_dirty;                                /* another registry is to be made */
    bool is_forced;                               /* the next look takes all as it is */
    bool has_looked, is_known, is_closing;
    int64_t look_at;
    const char *
        *pushed; /* directories of pushed modules, one of each environment; NULL at the end */
    struct push *pushes; /* waiting, the first one being taken where `is_pushing` … */
    struct push *taken;  /* … and well taken: answered with the next registry */
    int n_pushes;
    bool is_pushing;
};

/* Begins to take, or to remove, the next that waits, where nothing keeps it. */
void pushes_start(struct offers *o);
/* A module is being removed: a look would find it half gone. */
bool pushes_are_removing(const struct offers *o);
/* Those that a registry is to be made for; and answers them, or, while all ends, frees them. */
struct push *pushes_take(struct offers *o);
void pushes_answer(struct offers *o, struct push *taken);
/* Frees what was never begun. */
void pushes_clear(struct offers *o);
/* `is_dirty`: what follows from it. */
void offers_go_on(struct offers *o);

#endif
