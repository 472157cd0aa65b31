/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PNG_H
#define STORE_PNG_H

#include "base/errors.h"
#include "store/canvas.h"

/* Writes the file whole or not at all. 0 or an error with words. */
int png_save(const struct canvas *c, const char *path, struct error *e);

#endif
