/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLOT_PNG_H
#define PLOT_PNG_H

#include "base/errors.h"
#include "plot/canvas.h"

/* Writes the file whole or not at all. 0 or an error with words. */
int png_save(const struct canvas *c, const char *path, struct error *e);

#endif
