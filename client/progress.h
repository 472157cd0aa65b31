/* SPDX-License-Identifier: Apache-2.0 */
/* How far a job is, with its rate and the time left, on standard error: on a terminal one line that
 * is redrawn, else one plain line for each tenth at most. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* `title` is "job 12"; `quiet`: nothing but notes is written. */
struct progress *progress_new(const char *title, bool quiet);
struct progress *progress_free(struct progress *p); /* ends the line, where one is open */

/* `done` of `total` `unit` ("members", "steps"), of which `dead` failed. The first call is where
 * the rate is counted from. */
void progress_update(struct progress *p, int64_t done, int64_t dead, int64_t total,
                     const char *unit);
/* A word in place of numbers: "queued". */
void progress_word(struct progress *p, const char *word);
/* Redraws, since time goes on. */
void progress_tick(struct progress *p);
/* A line of its own: "simlab: …". Written even where quiet. */
__attribute__((format(printf, 2, 3))) void progress_note(struct progress *p, const char *format,
                                                         ...);

#endif
