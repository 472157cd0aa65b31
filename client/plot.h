/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab plot`: simlab-worker draws, since it has the store's code. */
#ifndef CLIENT_PLOT_H
#define CLIENT_PLOT_H

struct server;
struct options;

/* Replaces this program by `simlab-worker plot`, found beside it, in ../libexec/simlabd beside its
 * folder, or in PATH. A first operand of digits only is a job's number ("./12" is a folder). */
int plot_run(struct server *s, const struct options *o);

#endif
