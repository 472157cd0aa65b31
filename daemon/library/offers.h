/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries that the daemon offers to new jobs: it watches its directories of libraries, keeps
 * a copy of each content (library/copies.h), has it described once by a child, and makes registries
 * of the newest good ones. A registry is a snapshot that never changes; a job pins the contents
 * that it was submitted with (job_libraries).
 *
 * At start those are on offer at once that were when the former daemon ended; the first pass over
 * the directories takes as long as its children, beside the loop. Until it is over
 * (offers_are_known), who asks for what is not there is to ask again.
 *
 * Functions are called by the loop's thread. */
#ifndef LIBRARY_OFFERS_H
#define LIBRARY_OFFERS_H

#include "base/loop.h"
#include "library/environments.h"
#include "library/result.h"
#include "library/sweeper.h"
#include "model/registry.h"

struct offers_options {
    const char *const *directories; /* of libraries, NULL at the end; the first counts */
    const char *root;               /* the directory of copies */
    const char *program;            /* simlab-worker */
    const char *const *describing;  /* more arguments of its describe: copies_open */
    const char *pushed;             /* the directory of modules that clients push; NULL: none */
    const struct environments *environments; /* that they may be for */
    /* There is another registry: offers_registry. */
    void (*changed)(void *userdata);
    sweeper_needed_fn needed; /* which contents jobs need */
    void *userdata;
};

struct offers;

/* What `options` points to is borrowed. 0 or -errno, with words. */
int offers_open(struct loop *loop, const struct offers_options *options, struct offers **ret_offers,
                struct error *e);
struct offers *offers_close(struct offers *o);
/* Does what is due; returns when next due. */
int64_t offers_tick(struct offers *o, int64_t now);

/* The newest, borrowed until it changes; empty at first. */
const struct registry *offers_registry(const struct offers *o);
/* All that lay in the directories at the start has been described, or left out. */
bool offers_are_known(const struct offers *o);
/* Looks now, and tries again what failed. */
void offers_rescan(struct offers *o);

/* How a push went: 0 and {"name", "environment", "sha256", "version", "types", "left_out"}
 * (borrowed); LIBRARY_REFUSED, OFFERS_TAKEN, -errno and words. */
typedef void (*offers_pushed_fn)(void *userdata, int result, const json_t *answer,
                                 const struct error *e);

/* Takes a module {"name", "files", "environment" or null} (library/pushed.h) from a client: 0, and
 * `done` is called once it is on offer, or was refused; never after offers_close began.
 * OFFERS_BUSY where too many wait. A new reference of `module` is taken. */
enum {
    OFFERS_TAKEN = LIBRARY_CHANGES + 1, /* the name is another library's */
    OFFERS_BUSY,
    OFFERS_ABSENT /* there is no such module */
};
int offers_push(struct offers *o, const json_t *module, offers_pushed_fn done, void *userdata,
                struct error *e);
/* Takes the module out of the offer and removes it: 0, and `done` is called with what was known of
 * it, as offers_pushed has it, once it is no longer on offer; copies stay while jobs need them.
 * OFFERS_ABSENT; OFFERS_BUSY where one of the name is being taken or removed. */
int offers_remove(struct offers *o, const char *name, const char *environment,
                  offers_pushed_fn done, void *userdata, struct error *e);
/* [{"name", "environment", "sha256", "version", "types"}]: a new list. */
json_t *offers_pushed(const struct offers *o);

#endif
