/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of range_runner.c and closing.c share: a job of a library of tests/lib, the events
 * that its members' runs tell, and its stores. */
#ifndef UNIT_WORKER_RANGE_SCENE_H
#define UNIT_WORKER_RANGE_SCENE_H

#include "base/buffer.h"
#include "worker/closing.h"
#include "worker/range_runner.h"

#define RANGE_SCENE_OWNER "simlabd 0123456789abcdef0123456789abcdef job 1\n"

struct range_scene {
    struct libraries *libraries;
    struct registry *registry;
    struct job *job;
    struct buffer told;   /* one word an event */
    char *layout, *late;  /* as told; `late` is freed with the scene */
    const char *stops;    /* at this event's word, with -EIO */
    bool is_ahead;        /* the next runner is; it is told … */
    bool is_laid_out;     /* … at once, or where it waits … */
    const char *laid_out; /* … of this layout; NULL: it decides */
};

/* A batch of two steps; `values` ("[0, 1]") are those of the process's input, "LIBRARY.TYPE". */
void range_scene_open(struct range_scene *s, const char *type, const char *input,
                      const char *values);
/* A job's whole document. */
void range_scene_open_job(struct range_scene *s, const char *library, const char *text);
void range_scene_close(struct range_scene *s);

struct range_runner *range_scene_runner(struct range_scene *s, struct clean_room *room,
                                        const char *store, const char *layout);
/* Members [begin, end), to this result. */
void range_scene_run(struct range_runner *m, int64_t begin, int64_t end, int result);
/* The words of the events until now, which are forgotten; those of steps, beginnings and ends are
 * left out where `all` is false. */
void range_scene_told(struct range_scene *s, const char *expected, bool all);

/* Closes the store by s->layout. */
void range_scene_finish(const struct range_scene *s, const char *store, const int64_t (*dead)[2],
                        size_t n);

#endif
