/* SPDX-License-Identifier: Apache-2.0 */
/* What the modules ask of one another goes through here: each is opened with what it may call of
 * the others, which it does not know. */
#ifndef LINKS_H
#define LINKS_H

#include "base/errors.h"

struct simlabd;

/* 0, or what the module said, with words. In this order. */
int links_open_pool(struct simlabd *d, struct error *e);
int links_open_libraries(struct simlabd *d, struct error *e);
int links_open_dispatch(struct simlabd *d, struct error *e);
int links_open_http(struct simlabd *d, struct error *e);

#endif
