/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab export`: simlab-export writes the store as netCDF. */
#ifndef CLIENT_EXPORT_H
#define CLIENT_EXPORT_H

struct server;
struct options;

/* Replaces this program by `simlab-export` (worker_exec). */
int export_run(struct server *s, const struct options *o);

#endif
