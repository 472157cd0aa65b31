/* SPDX-License-Identifier: Apache-2.0 */
/* One place of the local pool, in which one worker after another runs. It goes round:
 *
 *   empty --start--> running --the leader is dead--> sweeping --nothing is left--> empty
 *
 * Internal to pool/. */
#ifndef POOL_PLACE_H
#define POOL_PLACE_H

#include "base/hash.h"
#include "base/position.h"
#include "pool/output.h"
#include "pool/pool.h"
#include "pool/workers_lock.h"

#include <sys/stat.h>
#include <sys/types.h>

enum place_state {
    PLACE_EMPTY,   /* to be started at `due` */
    PLACE_RUNNING, /* the leader is not known to be dead */
    PLACE_SWEEPING /* the leader is dead, not reaped; what it left may not be */
};

#define PLACE_NAME   "local-" /* begins the names of workers */
#define PLACE_CLOSER "closer"

enum {
    PLACE_NAME_AT = 5, /* of argv: set at each start */
    PLACE_WHERE_AT = 7,
    PLACE_SECRET_AT = 9,
    PLACE_GROUP_AT = 11
};

/* What all places of a pool share. */
struct place_setup {
    struct loop *loop;
    char **argv;
    struct workers_lock *lock;
    struct stat lock_file;
    void (*before_start)(void *userdata); /* or NULL */
    pool_death_fn death;
    void *userdata;
    char trouble[1024];     /* why the last start failed; "": it has not */
    int64_t memory, tasks;  /* pool_options */
    int64_t oom_kills_told; /* what the control group's count was then, or less */
};

struct place {
    struct place_setup *setup;
    char label[16]; /* "1", "2", …; PLACE_CLOSER */
    enum place_state state;
    int64_t due;
    int starts;   /* makes names unique */
    int failures; /* starts in a row that did not get ready */
    bool is_ready;
    char *name;                  /* "local-1.7" */
    char secret[HASH_TEXT_SIZE]; /* that it was given with that */
    char *directory;             /* its scratch space */
    char *mark;                  /* "TMPDIR=…": what bears it is of this place */
    char *where_path;            /* its where page */
    char *group;                 /* the control group that bounds its tasks; NULL: none */
    int where;                   /* a descriptor of that; -1: none */
    struct output *output;
    pid_t pid;
    int pidfd;
    bool is_asked;     /* to end, by us … */
    int64_t kill_due;  /* … and killed then */
    int dying;         /* a pidfd, while sweeping; -1: none */
    pid_t dying_pid;   /* of it */
    int64_t sweep_due; /* no longer than this */
    int64_t oom_kills; /* of the control group, at the start */
};

/* Zeroed before. `scratch` is an absolute path. */
void place_init(struct place *w, struct place_setup *setup, const char *label, const char *scratch);
/* Starts what should run; when next due. */
int64_t place_tick(struct place *w, int64_t now);
/* Asks the worker to end, with all that it started. */
void place_end(struct place *w);
/* The process and stage that its worker is in now, as position_text has it; "": in none. */
void place_position(const struct place *w, char ret[POSITION_TEXT]);

/* After place_end of all: waits, kills, reaps; tells no death. */
void place_close(struct place *w);

#endif
