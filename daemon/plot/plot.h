/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of outputs, chosen by what they are: maps, lines, ensembles, distributions. A role of
 * simlab-worker, since it needs the store. All is drawn by our own code: a picture is the same on
 * every machine, with no fonts to be installed, and gnuplot's looked no better. */
#ifndef PLOT_PLOT_H
#define PLOT_PLOT_H

#include "store/store.h"

/* X(kind, name, what it is) */
#define PLOT_KINDS(X)                                                                              \
    X(MAP, "map", "two dims as colours, rows from the top (north up); a panel for each member")    \
    X(LINES, "lines", "a line for each member, or each label of a clock")                          \
    X(BANDS, "bands", "median and quantiles of many members")                                      \
    X(HISTOGRAM, "histogram", "how often values occur")                                            \
    X(SCATTER, "scatter", "one value of each member, against an input that was swept")

/* X(style, name, what it is) */
#define PLOT_STYLES(X)                                                                             \
    X(RELIEF, "relief", "heights by colour, with shaded relief")                                   \
    X(COLOUR, "colour", "values from dark to light")                                               \
    X(DIVERGING, "diverging", "blue below 0, white, brown above")                                  \
    X(SHADE, "shade", "relief only, in grey")

#define PLOT_KIND(kind, name, help) PLOT_##kind,
enum plot_kind { PLOT_BY_DATA, PLOT_KINDS(PLOT_KIND) };
enum plot_style { PLOT_STYLE_BY_DATA, PLOT_STYLES(PLOT_KIND) };
#undef PLOT_KIND

struct plot_options {
    const char *variable;
    const char *output; /* PNG file */
    enum plot_kind kind;
    enum plot_style style; /* of maps; by the data: relief for elevations in metres, diverging where
                            * values lie on both sides of 0, else colour */
    json_t *select; /* {"dim": index, …}, negative from the end; or NULL. Of other dims that are not
                     * drawn: the last label of a clock, the middle of space */
    const char *along;   /* the dim of panels, lines or quantiles; NULL: members, else a clock */
    const char *against; /* the input that a scatter has as x; NULL: the first that was swept */
    const char *animate; /* the dim of which each label is a frame (APNG); NULL: one picture */
    bool is_logarithmic; /* values by their decades; those not above 0 are missing */
    double frames_per_second; /* 0: 4 */
    int columns;     /* of a sheet; 0: about as wide as high, or the sweep's product where the store
                      * tells it */
    int panel_width; /* pixels, of a panel or a plot area; 0: whole sheet at most 2800 wide, a panel
                      * its cells, or a multiple where they are few */
    double exaggeration; /* of relief; 0: picked from the data */
};

/* Writes the picture, whole or not at all; *ret_said (free()) is a line that tells what it shows,
 * and how much of that is missing. It stands in the file too, as its description. Errors name the
 * variable, its dims, and what would be right: results of the store, STORE_INVALID for what cannot
 * be drawn. */
int plot_write(struct store *s, const struct plot_options *o, char **ret_said, struct error *e);

#endif
