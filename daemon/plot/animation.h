/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLOT_ANIMATION_H
#define PLOT_ANIMATION_H

#include "plot/png.h"
#include "plot/view.h"

/* A frame for each label along the view's `frames`, all with the scale of all values. *ret_said is
 * view_said, to which the file refers: free() after it. */
int animation_make(struct view *v, view_drawer *draw, struct png_file *file, char **ret_said,
                   struct error *e);

#endif
