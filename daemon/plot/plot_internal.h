/* SPDX-License-Identifier: Apache-2.0 */
/* A plot in the making, shared by plot.c and plot_layout.c. */
#ifndef PLOT_PLOT_INTERNAL_H
#define PLOT_PLOT_INTERNAL_H

#include "plot/contact_sheet.h"
#include "plot/plot.h"
#include "plot/sweep.h"

/* What of a variable is shown, and how. */
struct plot {
    struct store *store;
    const struct plot_options *o;
    struct store_meta meta;
    json_t *dims, *attrs;
    int y, x;      /* the dims of a panel */
    int panel_dim; /* the dim along which panels lie; -1: none */
    int64_t n_panels;
    int64_t index[SIMLAB_MAX_DIMS]; /* of the other dims */
    bool given[SIMLAB_MAX_DIMS];    /* index was selected */
    double spacing[2];              /* y, x: units of the coordinates per cell */
    struct sweep sweep;
    struct contact_sheet sheet;
};

/* The dim's name. Borrowed. */
const char *plot_dim(const struct plot *p, int d);

/* ---- plot_layout.c ---- */

/* Rows, columns and heads of the sheet: a sweep of two inputs is laid out by them. */
void plot_arrange(struct plot *p);
/* After plot_arrange: cells, zoom and scale of the texts. */
void plot_size_panels(struct plot *p);

#endif
