/* SPDX-License-Identifier: Apache-2.0 */
/* What a job would take, before it is submitted. */
#ifndef CLIENT_PLAN_H
#define CLIENT_PLAN_H

struct options;
struct server;

int plan_show(struct server *s, const struct options *o);

#endif
