/* SPDX-License-Identifier: Apache-2.0 */
/* Colours and sizes that all pictures share. Sizes are pixels at scale 1; heights of texts are
 * those of capitals. */
#ifndef PLOT_THEME_H
#define PLOT_THEME_H

#include "plot/canvas.h"

enum { THEME_MARGIN = 28, THEME_TITLE = 15, THEME_TEXT = 10, THEME_SMALL = 9, THEME_LINE = 22 };

static const struct colour theme_ink = {38, 42, 48}, theme_soft = {88, 94, 102},
                           theme_hair = {168, 174, 180}, theme_grid = {228, 230, 233};

#endif
