/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that a job names as {"file": "x.npy"}. */
#ifndef CLIENT_UPLOAD_H
#define CLIENT_UPLOAD_H

#include "client/server.h"

#include <jansson.h>

/* Uploads each file that the job names as {"file": PATH} where proto/job.schema.json lets data
 * stand so (in inputs, clocks, coords and sweeps: in place of data, or beside dims and attrs; in a
 * set-up: in place of data), once per path, and puts "upload": ID there. Paths are relative to the
 * folder of `job_path` ("-": the working directory). A file that is no .npy is not sent. 0, or an
 * exit code after a complaint that names the place in the job. */
int upload_files(struct server *s, const char *job_path, json_t *document);

#endif
