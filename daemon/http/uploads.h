/* SPDX-License-Identifier: Apache-2.0 */
/* Uploaded arrays: <uploads>/<SHA-256>.npy, whole or absent, never changed.
 *
 * A body is hashed and written to a temporary file as it arrives, and is never in memory as a
 * whole; when it is complete, only its header is read. What remains in the loop: one fsync, of what
 * the disk has not written by then (with 240 MB no turn took 60 ms, where the fsync of all at the
 * end took a second), and uploads_read, which reads all of it for each job that refers to it (240
 * MB: 0.3 s, and twice the memory). */
#ifndef HTTP_UPLOADS_H
#define HTTP_UPLOADS_H

#include "base/ndarray.h"
#include "http/server.h"

struct upload;
/* A piece of the body of POST /v1/uploads; the first makes the upload (*upload NULL). */
int upload_receive(struct http *h, struct upload **upload, const void *data, size_t n,
                   struct error *e);
/* Removes what was not published. */
struct upload *upload_free(struct upload *u);

/* Removes what a daemon that was killed had left of its unfinished uploads. */
void uploads_clean(const char *directory);

/* A source of job_new: enum model_result where there is none of that id, or it is no id. */
int uploads_read(struct http *h, const char *id, struct ndarray *ret, struct error *e);

#endif
