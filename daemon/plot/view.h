/* SPDX-License-Identifier: Apache-2.0 */
/* A picture in the making: which kind, which dims are drawn, and what was found on the way. */
#ifndef PLOT_VIEW_H
#define PLOT_VIEW_H

#include "base/buffer.h"
#include "plot/canvas.h"
#include "plot/plot.h"
#include "plot/scale.h"
#include "plot/subject.h"

enum { VIEW_MAX_LEGEND = 12, VIEW_MAX_LINES = 200, VIEW_MAX_PANELS = 1024 };

struct view {
    struct subject *subject;
    const struct plot_options *o;
    enum plot_kind kind;
    int y, x;   /* dims; -1: none. y: of a map only */
    int along;  /* panels, lines, what quantiles are of; -1: none */
    int frames; /* -1: one picture */
    /* Of an animation: values of all frames, and the relief's exaggeration, so that frames are like
     * one another. */
    bool is_fixed;
    double low, high, z;
    /* Told by who draws. */
    int64_t n_values, n_missing;
    int64_t n_members, n_empty; /* what lies along `along`, and how many of that have no value */
    char *what;                 /* owned: "4 lines over x by advect__v" */
};

/* STORE_INVALID where the kind needs what the variable does not have. */
int view_choose(struct view *v, struct error *e);
void view_clear(struct view *v);

/* The caller frees. NULL: nothing to tell. Titles and what is said are one printable line. */
char *view_title(const struct view *v);
char *view_subtitle(const struct view *v, const char *more); /* labels of dims not drawn; `more` */
char *view_note(const struct view *v);                       /* what is missing */
char *view_value_label(const struct view *v);                /* "quantity u [m]" */
char *view_said(const struct view *v); /* what the picture shows, and what is missing */

/* As subject_read; on a logarithmic scale what is not above 0 is NaN. */
int view_read(const struct view *v, const int64_t *start, const int64_t *count, double **ret_values,
              struct error *e);

/* Counts values; NaN and infinities are missing. */
void view_count(struct view *v, const double *values, int64_t n);

/* The range of finite values, or the fixed one; low > high where there are none. */
void view_range(const struct view *v, const double *values, int64_t n, double *ret_low,
                double *ret_high);

/* The same range as an axis of values, with room at its ends. */
void view_scale(const struct view *v, const double *values, int64_t n, int wanted,
                struct scale *ret);

/* ---- who draws: one of each kind; 0 or an error with words ---- */

typedef int view_drawer(struct view *v, struct canvas *ret, struct error *e);
int map_draw(struct view *v, struct canvas *ret, struct error *e);
int lines_draw(struct view *v, struct canvas *ret, struct error *e);
int bands_draw(struct view *v, struct canvas *ret, struct error *e);
int histogram_draw(struct view *v, struct canvas *ret, struct error *e);
int scatter_draw(struct view *v, struct canvas *ret, struct error *e);

#endif
