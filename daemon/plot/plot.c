/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/plot.h"

#include "base/mem.h"
#include "plot/animation.h"

#include <stdlib.h>

static view_drawer *const drawers[] = {[PLOT_MAP] = map_draw,
                                       [PLOT_LINES] = lines_draw,
                                       [PLOT_BANDS] = bands_draw,
                                       [PLOT_HISTOGRAM] = histogram_draw,
                                       [PLOT_SCATTER] = scatter_draw};

static int draw_one(struct view *v, struct png_file *file, char **ret_said, struct error *e)
{
    struct canvas c;
    int r = drawers[v->kind](v, &c, e);
    if (r != 0)
        return r;
    char *said = view_said(v);
    file->description = said;
    file->n_frames = 1;
    r = png_add(file, &c, e);
    canvas_clear(&c);
    if (r == 0)
        *ret_said = said;
    else
        free(said);
    return r;
}

static int draw(struct view *v, char **ret_said, struct error *e)
{
    int r = view_choose(v, e);
    if (r != 0)
        return r;
    char *title = view_title(v), *said = NULL;
    struct png_file file = {.title = title,
                            .frames_per_second =
                                v->o->frames_per_second > 0 ? v->o->frames_per_second : 4};
    r = v->frames < 0 ? draw_one(v, &file, &said, e)
                      : animation_make(v, drawers[v->kind], &file, &said, e);
    if (r == 0)
        r = png_save(&file, v->o->output, e);
    if (r == 0)
        *ret_said = said;
    else
        free(said);
    png_clear(&file);
    free(title);
    return r;
}

int plot_write(struct store *s, const struct plot_options *o, char **ret_said, struct error *e)
{
    struct subject subject;
    int r = subject_open(s, o->variable, o->select, &subject, e);
    if (r != 0)
        return r;
    struct view v = {.subject = &subject, .o = o};
    r = draw(&v, ret_said, e);
    view_clear(&v);
    subject_clear(&subject);
    return r;
}
