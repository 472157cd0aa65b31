/* SPDX-License-Identifier: Apache-2.0 */
/* A small stroke font for pictures: printable ASCII and a few signs of units. */
#ifndef PLOT_GLYPH_H
#define PLOT_GLYPH_H

#include <stddef.h>

/* In units of the font: capitals are GLYPH_CAPITAL high, y runs down, the baseline is at
 * GLYPH_CAPITAL, descenders reach GLYPH_HEIGHT. */
enum { GLYPH_CAPITAL = 12, GLYPH_HEIGHT = 16, GLYPH_SPACING = 3, GLYPH_MAX_WIDTH = 10 };

/* One character from UTF-8 text, which is moved past it (unknown ones are shown as '?'). Returns
 * its strokes: polylines parted by spaces, each point two base-17 digits, x and y. */
const char *glyph_next(const char **text, int *ret_width);

/* A coordinate of a stroke. */
int glyph_coordinate(char digit);

#endif
