/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about jobs. Each returns an exit code. */
#ifndef CLIENT_JOB_H
#define CLIENT_JOB_H

struct server;
struct options;

int job_run(struct server *s, const struct options *o);
int job_submit(struct server *s, const struct options *o);
int job_status(struct server *s, const struct options *o);
int job_list(struct server *s, const struct options *o);
int job_wait(struct server *s, const struct options *o);
int job_cancel(struct server *s, const struct options *o);
int job_hold(struct server *s, const struct options *o);
int job_release(struct server *s, const struct options *o);
int job_remove(struct server *s, const struct options *o);
int job_close(struct server *s, const struct options *o);

#endif
