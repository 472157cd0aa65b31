/* SPDX-License-Identifier: Apache-2.0 */
/* Uploaded arrays: <uploads>/<SHA-256>.npy, whole or absent, never changed.
 *
 * A body is hashed and written to a temporary file as it arrives, aside, a piece at a time: neither
 * memory nor the loop ever has it as a whole. Jobs that refer to one are checked the same way
 * (job_sources.open). */
#ifndef HTTP_UPLOADS_H
#define HTTP_UPLOADS_H

#include "http/body.h"

/* Of POST /v1/uploads. */
extern const struct body_sink uploads_sink;

/* Removes what a daemon that was killed had left of its unfinished uploads. */
void uploads_clean(const char *directory);

/* On any thread. A descriptor; enum model_result where there is none of that id, or it is no id. */
int uploads_open(const char *directory, const char *id, int *ret_fd, struct error *e);

#endif
