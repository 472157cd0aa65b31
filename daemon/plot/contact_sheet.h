/* SPDX-License-Identifier: Apache-2.0 */
/* A contact sheet: panels in a grid with headings, one scale of values, a colour bar. */
#ifndef PLOT_CONTACT_SHEET_H
#define PLOT_CONTACT_SHEET_H

#include "base/errors.h"
#include "plot/cells.h"
#include "plot/scale.h"

struct contact_sheet_panel {
    struct relief_grid grid; /* values NULL: nothing stored */
    float *values;           /* owned, what grid shows */
    char *label;             /* owned; NULL: none */
    int row, column;
};

struct contact_sheet {
    struct cells look;
    double scale;           /* of texts and margins; 0: 1 */
    char *title, *subtitle; /* owned, like all texts */
    char *bar_title, *note; /* below; NULL: none */
    int n_panels;
    struct contact_sheet_panel *panels;
    int rows, columns;
    int zoom; /* pixels of one cell, each way */
    int panel_width, panel_height;
    /* Headings of rows and columns, where the sheet is a product: the axis, and one for each. */
    char *row_axis, *column_axis;
    char **row_heads, **column_heads;
};

/* What surrounds the panels, so that they can be sized to fit: pixels besides the panels of a row,
 * of which the widest heading of a row is a part. */
int contact_sheet_extra_width(const struct contact_sheet *s);

int contact_sheet_draw(struct contact_sheet *s, struct canvas *ret, struct error *e);

void contact_sheet_clear(struct contact_sheet *s);

#endif
