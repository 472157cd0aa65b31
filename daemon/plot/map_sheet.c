/* SPDX-License-Identifier: Apache-2.0 */
/* Where the panels of a map lie, and how large they are. */
#include "base/mem.h"
#include "plot/map.h"

#include <math.h>

enum {
    SHEET_WIDTH = 2800,
    SMALL_PANEL = 240,
    SINGLE_PANEL = 420,
    WIDE_PANEL = 560,
    MOST_HEIGHT = 8192
};

bool map_has_aspect(const struct map *m)
{
    const struct subject *s = m->view->subject;
    return s->role[m->view->y] == SUBJECT_SPACE && s->role[m->view->x] == SUBJECT_SPACE;
}

static char **copies(char *const *texts, int n)
{
    char **all = mem_array((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = mem_strdup(texts[i]);
    return all;
}

static void lay_out_product(struct contact_sheet *s, const struct sweep_axis *rows,
                            const struct sweep_axis *columns)
{
    if (rows->n_distinct > columns->n_distinct) { /* screens are wide */
        const struct sweep_axis *longer = rows;
        rows = columns;
        columns = longer;
    }
    s->rows = rows->n_distinct;
    s->columns = columns->n_distinct;
    s->row_axis = mem_strdup(rows->description);
    s->column_axis = mem_strdup(columns->description);
    s->row_heads = copies(rows->distinct, s->rows);
    s->column_heads = copies(columns->distinct, s->columns);
    for (int i = 0; i < s->n_panels; i++) {
        s->panels[i].row = rows->index[i];
        s->panels[i].column = columns->index[i];
    }
}

static int lay_out_rows(struct map *m, struct error *e)
{
    struct contact_sheet *s = &m->sheet;
    struct coordinate labels = {0};
    int n = s->n_panels, d = m->view->along, columns = m->view->o->columns;
    int wish = columns ? columns : (int)ceil(sqrt(n * fmin(fmax(m->aspect, 0.1), 10)));
    s->columns = wish < 1 ? 1 : wish > n ? n : wish;
    s->rows = (n + s->columns - 1) / s->columns;
    int r = n > 1 ? coordinate_read(m->view->subject, d, &labels, e) : 0;
    for (int i = 0; r == 0 && i < n; i++) {
        s->panels[i].row = i / s->columns;
        s->panels[i].column = i % s->columns;
        s->panels[i].label = n > 1 ? sweep_label(&m->sweep, i) : NULL;
        if (n > 1 && !s->panels[i].label)
            s->panels[i].label = coordinate_text(m->view->subject, d, &labels, i);
    }
    coordinate_clear(&labels);
    return r;
}

/* Cells and zoom of a panel: a whole number of pixels for a cell, or fewer cells than there are. */
static void fit_panels(struct map *m)
{
    struct contact_sheet *s = &m->sheet;
    bool is_free = !map_has_aspect(m);
    int small = s->n_panels > 1 ? SMALL_PANEL : is_free ? WIDE_PANEL : SINGLE_PANEL;
    int64_t most = (SHEET_WIDTH - contact_sheet_extra_width(s)) / s->columns;
    int64_t width = m->view->o->panel_width;
    if (width == 0)
        width = m->nx >= small ? m->nx : small;
    if (m->view->o->panel_width == 0 && width > most)
        width = most > 8 ? most : 8;
    s->zoom = width >= m->nx ? (int)(width / m->nx) : 1;
    int64_t cells = width >= m->nx ? m->nx : width;
    int64_t rows = llround((double)cells * m->aspect);
    if (is_free || (rows < m->ny && s->zoom > 1)) { /* a pixel is a cell: none is lost */
        cells = width;
        rows = llround((double)cells * m->aspect);
        s->zoom = 1;
    }
    s->panel_width = (int)cells * s->zoom;
    s->panel_height = (int)(rows > 0 ? rows < MOST_HEIGHT ? rows : MOST_HEIGHT : 1) * s->zoom;
}

int map_arrange(struct map *m, struct error *e)
{
    struct contact_sheet *s = &m->sheet;
    const struct sweep_axis *rows, *columns;
    s->panels = mem_array((size_t)s->n_panels, sizeof *s->panels);
    int r = 0;
    if (m->view->o->columns == 0 && s->n_panels > 1 && sweep_is_product(&m->sweep, &rows, &columns))
        lay_out_product(s, rows, columns);
    else
        r = lay_out_rows(m, e);
    if (r != 0)
        return r;
    /* Texts grow with the sheet, whose width depends on them: the second time is near enough. */
    fit_panels(m);
    double width = s->columns * s->panel_width + contact_sheet_extra_width(s);
    s->scale = s->n_panels > 1 ? fmin(fmax(width / 1300, 1), 2) : 1;
    fit_panels(m);
    return 0;
}
