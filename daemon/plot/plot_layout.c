/* SPDX-License-Identifier: Apache-2.0 */
/* Where the panels of a plot lie, and how large they are. */
#include "base/mem.h"
#include "plot/plot_internal.h"

#include <math.h>

enum { PLOT_SHEET_WIDTH = 2800, PLOT_SMALL_PANEL = 240 };

static char **copies(char *const *texts, int n)
{
    char **all = mem_array((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = mem_strdup(texts[i]);
    return all;
}

void plot_arrange(struct plot *p)
{
    struct contact_sheet *s = &p->sheet;
    const struct sweep_axis *rows, *columns;
    int n = (int)p->n_panels;
    s->n_panels = n;
    s->panels = mem_array((size_t)n, sizeof *s->panels);
    if (p->o->columns == 0 && n > 1 && sweep_is_product(&p->sweep, &rows, &columns)) {
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
        for (int i = 0; i < n; i++) {
            s->panels[i].row = rows->index[i];
            s->panels[i].column = columns->index[i];
        }
        return;
    }
    double aspect =
        (double)p->meta.shape[p->y] * p->spacing[0] / ((double)p->meta.shape[p->x] * p->spacing[1]);
    int wish = p->o->columns ? p->o->columns : (int)ceil(sqrt(n * fmin(fmax(aspect, 0.1), 10)));
    s->columns = wish < 1 ? 1 : wish > n ? n : wish;
    s->rows = (n + s->columns - 1) / s->columns;
    for (int i = 0; i < n; i++) {
        s->panels[i].row = i / s->columns;
        s->panels[i].column = i % s->columns;
        s->panels[i].label = n > 1 ? sweep_label(&p->sweep, i) : NULL;
        if (n > 1 && !s->panels[i].label)
            s->panels[i].label = mem_printf("%s %d", plot_dim(p, p->panel_dim), i);
    }
}

/* Cells and zoom of a panel: a whole number of pixels for a cell, or fewer cells than there are. */
static void fit_panels(struct plot *p)
{
    struct contact_sheet *s = &p->sheet;
    int64_t nx = p->meta.shape[p->x], ny = p->meta.shape[p->y];
    int64_t most = (PLOT_SHEET_WIDTH - contact_sheet_extra_width(s)) / s->columns;
    int64_t width = p->o->panel_width;
    if (width == 0)
        width = nx >= PLOT_SMALL_PANEL ? nx : PLOT_SMALL_PANEL;
    if (p->o->panel_width == 0 && width > most)
        width = most > 8 ? most : 8;
    s->zoom = width >= nx ? (int)(width / nx) : 1;
    int64_t cells = width >= nx ? nx : width;
    double aspect = (double)ny * p->spacing[0] / ((double)nx * p->spacing[1]);
    if (aspect < 0.05 || aspect > 20)
        aspect = (double)ny / (double)nx;
    int64_t rows = llround((double)cells * aspect);
    s->panel_width = (int)cells * s->zoom;
    s->panel_height = (int)(rows > 0 ? rows < 8192 ? rows : 8192 : 1) * s->zoom;
}

/* Texts grow with the sheet, whose width depends on them: the second time is near enough. */
void plot_size_panels(struct plot *p)
{
    fit_panels(p);
    double width = p->sheet.columns * p->sheet.panel_width + contact_sheet_extra_width(&p->sheet);
    p->sheet.scale = fmin(fmax(width / 1300, 1), 2);
    fit_panels(p);
}
