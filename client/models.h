/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about models. Models never change: update and drop store new ones. */
#ifndef CLIENT_MODELS_H
#define CLIENT_MODELS_H

struct server;
struct options;

int models_list(struct server *s, const struct options *o);
int models_create(struct server *s, const struct options *o);
int models_show(struct server *s, const struct options *o);
int models_graph(struct server *s, const struct options *o);
int models_template(struct server *s, const struct options *o);
int models_update(struct server *s, const struct options *o);
int models_drop(struct server *s, const struct options *o);

#endif
