/* SPDX-License-Identifier: Apache-2.0 */
/* One frame for each label of a dim. */
#include "plot/animation.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_FRAMES = 1000 };

static int refuse(const struct view *v, int64_t frames, struct error *e)
{
    const char *dim = subject_dim(v->subject, v->frames);
    if (v->kind == PLOT_HISTOGRAM)
        return error_set(e, STORE_INVALID, NULL,
                         "a histogram cannot be animated: --select one "
                         "label of \"%s\"",
                         dim);
    return error_set(e, STORE_INVALID, NULL,
                     "\"%s\" has %lld labels along \"%s\", and an animation has at most %d frames",
                     v->subject->variable, (long long)frames, dim, MAX_FRAMES);
}

static int look_through_frame(struct view *v, struct error *e)
{
    const struct store_meta *m = &v->subject->meta;
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS], n = 1;
    double *values, low, high;
    for (int d = 0; d < m->ndim; d++) {
        bool whole = d == v->x || d == v->y || d == v->along;
        start[d] = whole ? 0 : v->subject->index[d];
        count[d] = whole ? m->shape[d] : 1;
    }
    int r = view_read(v, start, count, &values, e);
    if (r != 0)
        return r;
    for (int d = 0; d < m->ndim; d++)
        n *= count[d];
    view_count(v, values, n);
    view_range(v, values, n, &low, &high);
    v->low = fmin(v->low, low);
    v->high = fmax(v->high, high);
    free(values);
    return 0;
}

/* The scale of all frames, and what is missing of them. */
static int look_through(struct view *v, int64_t frames, struct error *e)
{
    int r = 0;
    v->low = HUGE_VAL;
    v->high = -HUGE_VAL;
    for (int64_t i = 0; r == 0 && i < frames; i++) {
        v->subject->index[v->frames] = i;
        r = look_through_frame(v, e);
    }
    v->is_fixed = true;
    return r;
}

static void forget(struct view *v)
{
    v->n_values = v->n_missing = v->n_members = v->n_empty = 0;
    view_clear(v);
}

static int draw_frames(struct view *v, view_drawer *draw, int64_t frames, struct png_file *file,
                       struct error *e)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < frames; i++) {
        struct canvas c;
        forget(v);
        v->subject->index[v->frames] = i;
        r = draw(v, &c, e);
        if (r != 0)
            return r;
        r = png_add(file, &c, e);
        canvas_clear(&c);
    }
    return r;
}

int animation_make(struct view *v, view_drawer *draw, struct png_file *file, char **ret_said,
                   struct error *e)
{
    int64_t frames = v->subject->meta.shape[v->frames];
    struct canvas last;
    if (v->kind == PLOT_HISTOGRAM || frames > MAX_FRAMES)
        return refuse(v, frames, e);
    int r = look_through(v, frames, e);
    if (r != 0)
        return r;
    int64_t values = v->n_values, missing = v->n_missing;
    forget(v);
    r = draw(v, &last, e); /* by the last frame, heights are exaggerated */
    if (r != 0)
        return r;
    canvas_clear(&last);
    v->n_values = values;
    v->n_missing = missing;
    v->n_empty = 0;
    char *said = view_said(v);
    file->description = said;
    file->n_frames = (int)frames;
    r = draw_frames(v, draw, frames, file, e);
    if (r == 0)
        *ret_said = said;
    else
        free(said);
    return r;
}
