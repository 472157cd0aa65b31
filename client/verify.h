/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab verify`: whether a job's store is as it was when the job ended. */
#ifndef CLIENT_VERIFY_H
#define CLIENT_VERIFY_H

#include <jansson.h>

struct server;
struct options;

/* Exit code: API_EXIT_FAILED where something is not. */
int verify_run(struct server *s, const struct options *o);

/* What `simlab-worker verify` says of a job's store, a new reference; an exit code after a
 * complaint. */
int verify_job(struct server *s, const char *id, json_t **ret_found, char **ret_store);
/* Names what was found, the first of them, on standard error. */
void verify_complain(const char *id, const json_t *found);

#endif
