/* SPDX-License-Identifier: Apache-2.0 */
/* Before a job goes on in a store of which something was damaged: what its workers would stumble
 * over is taken away, and made again by them. */
#ifndef STORE_MEND_H
#define STORE_MEND_H

#include "store/result.h"

/* Writes the root's group anew; removes the attributes of all arrays, and the metadata of those
 * that cannot be read. STORE_NO_SUCH where there is no directory; -errno. Nobody else writes. */
int store_mend(const char *path, struct error *e);

#endif
