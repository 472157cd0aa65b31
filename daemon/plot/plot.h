/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of two-dimensional outputs: one panel, or a contact sheet of many. A role of
 * simlab-worker, since it needs the store. */
#ifndef PLOT_PLOT_H
#define PLOT_PLOT_H

#include "store/store.h"

enum plot_style { PLOT_RELIEF /* colour by value with shaded relief */, PLOT_COLOUR, PLOT_SHADE };

struct plot_options {
    const char *variable;
    const char *output; /* PNG file */
    enum plot_style style;
    json_t *select; /* {"dim": index, …}, negative from the end; or NULL. Other leading dims: panels
                     * (a batch dim) or the last label (a clock) */
    int columns;    /* 0: about as wide as high, or the sweep's product where the store tells it */
    int panel_width;     /* pixels; 0: whole sheet at most 2800 wide, a panel its cells, or
                          * a multiple where they are few */
    double exaggeration; /* of relief; 0: picked from the data */
};

/* Writes the picture. Errors name the variable, its dims, and what would be right. */
int plot_write(struct store *s, const struct plot_options *o, struct error *e);

#endif
