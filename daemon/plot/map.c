/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/map.h"

#include "base/json.h"
#include "base/mem.h"
#include "plot/chart.h"
#include "plot/raster.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void map_clear(struct map *m)
{
    coordinate_clear(&m->y);
    coordinate_clear(&m->x);
    sweep_clear(&m->sweep);
    contact_sheet_clear(&m->sheet);
}

/* ---- what lies where --------------------------------------------------------------------- */

static bool descends(const struct coordinate *c)
{
    return coordinate_is_even(c) && c->n > 1 && c->values[0] > c->values[c->n - 1];
}

static double aspect_of(const struct map *m)
{
    double cells = (double)m->ny / (double)m->nx;
    if (!map_has_aspect(m))
        return 0.6;
    double aspect = cells * coordinate_spacing(&m->y) / coordinate_spacing(&m->x);
    if (aspect >= 0.05 && aspect <= 20)
        return aspect;
    return fmin(fmax(cells, 0.05), 20);
}

static int read_coordinates(struct map *m, struct error *e)
{
    struct view *v = m->view;
    const struct store_meta *meta = &v->subject->meta;
    m->ny = meta->shape[v->y];
    m->nx = meta->shape[v->x];
    int64_t n = v->along < 0 ? 1 : meta->shape[v->along];
    if (n > VIEW_MAX_PANELS)
        return error_set(e, STORE_INVALID, NULL,
                         "\"%s\" has %lld labels along \"%s\", and a sheet has room for %d: select "
                         "one, for example --select %s=0",
                         v->subject->variable, (long long)n, subject_dim(v->subject, v->along),
                         VIEW_MAX_PANELS, subject_dim(v->subject, v->along));
    m->sheet.n_panels = (int)n;
    int r = coordinate_read(v->subject, v->y, &m->y, e);
    if (r == 0)
        r = coordinate_read(v->subject, v->x, &m->x, e);
    if (r == 0 && v->along >= 0 && v->subject->role[v->along] == SUBJECT_BATCH)
        r = sweep_read(v->subject->store, subject_dim(v->subject, v->along), n,
                       v->subject->variable, &m->sweep, e);
    if (r != 0)
        return r;
    m->flips_y = m->y.is_north && coordinate_is_even(&m->y) && !descends(&m->y);
    m->flips_x = descends(&m->x);
    m->aspect = aspect_of(m);
    return 0;
}

/* ---- values ------------------------------------------------------------------------------ */

static bool any_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            return true;
    return false;
}

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

static void flip(const struct map *m, double *values)
{
    for (int64_t i = 0; m->flips_y && i < m->ny / 2; i++)
        for (int64_t j = 0; j < m->nx; j++)
            swap(&values[i * m->nx + j], &values[(m->ny - 1 - i) * m->nx + j]);
    for (int64_t i = 0; m->flips_x && i < m->ny; i++)
        for (int64_t j = 0; j < m->nx / 2; j++)
            swap(&values[i * m->nx + j], &values[i * m->nx + m->nx - 1 - j]);
}

static int read_panel(struct map *m, int i, struct error *e)
{
    struct view *v = m->view;
    const struct store_meta *meta = &v->subject->meta;
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    struct contact_sheet_panel *panel = &m->sheet.panels[i];
    int nx = m->sheet.panel_width / m->sheet.zoom, ny = m->sheet.panel_height / m->sheet.zoom;
    double *values;
    for (int d = 0; d < meta->ndim; d++) {
        bool raster = d == v->x || d == v->y;
        start[d] = raster ? 0 : d == v->along ? i : v->subject->index[d];
        count[d] = raster ? meta->shape[d] : 1;
    }
    int r = view_read(v, start, count, &values, e);
    if (r != 0)
        return r;
    view_count(v, values, m->ny * m->nx);
    flip(m, values);
    panel->values = raster_grid(values, m->nx, m->ny, nx, ny);
    free(values);
    if (!panel->values)
        return error_errno(e, -ENOMEM, "read a panel");
    if (any_finite(panel->values, (size_t)nx * (size_t)ny))
        panel->grid = (struct relief_grid){panel->values, nx, ny};
    else
        v->n_empty++;
    return 0;
}

/* ---- how values look --------------------------------------------------------------------- */

static bool has_word(const char *text)
{
    static const char *const words[] = {"elevation", "altitude", "topograph", "orograph", NULL};
    for (int i = 0; text && words[i]; i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

/* Metres above something, by CF's names or by plain words. */
static bool is_elevation(const struct subject *s)
{
    static const char *const metres[] = {"m", "metre", "metres", "meter", "meters", NULL};
    const char *units = json_member_string(s->attrs, "units");
    const char *standard = json_member_string(s->attrs, "standard_name");
    bool in_metres = false;
    for (int i = 0; units && metres[i]; i++)
        in_metres = in_metres || !strcmp(units, metres[i]);
    if (!in_metres)
        return false;
    const char *after = strstr(s->variable, "__");
    return standard ? has_word(standard) : has_word(after ? after + 2 : s->variable);
}

/* Values on both sides of 0, neither side next to nothing. */
static bool is_signed(double low, double high)
{
    return low < 0 && high > 0 && fmin(-low, high) >= 0.05 * fmax(-low, high);
}

static enum plot_style style_of(const struct view *v, double low, double high)
{
    if (v->o->style)
        return v->o->style;
    if (is_elevation(v->subject))
        return PLOT_RELIEF;
    return is_signed(low, high) ? PLOT_DIVERGING : PLOT_COLOUR;
}

static void range_of(const struct map *m, double *ret_low, double *ret_high)
{
    *ret_low = HUGE_VAL;
    *ret_high = -HUGE_VAL;
    for (int i = 0; i < m->sheet.n_panels; i++) {
        const struct relief_grid *g = &m->sheet.panels[i].grid;
        for (size_t k = 0; g->values && k < (size_t)g->nx * (size_t)g->ny; k++)
            if (isfinite(g->values[k])) {
                *ret_low = fmin(*ret_low, (double)g->values[k]);
                *ret_high = fmax(*ret_high, (double)g->values[k]);
            }
    }
}

static double pick_exaggeration(const struct map *m)
{
    struct relief_grid *grids = mem_array((size_t)m->sheet.n_panels + 1, sizeof *grids);
    int n = 0;
    for (int i = 0; i < m->sheet.n_panels; i++)
        if (m->sheet.panels[i].grid.values)
            grids[n++] = m->sheet.panels[i].grid;
    double z = relief_exaggeration(grids, n);
    free(grids);
    return z;
}

static double exaggeration_of(struct map *m)
{
    struct view *v = m->view;
    double cells = (double)m->sheet.panel_width / m->sheet.zoom;
    if (v->o->exaggeration > 0) /* slopes are per cell of a panel */
        return v->o->exaggeration * cells / (coordinate_spacing(&m->x) * (double)m->nx);
    if (v->z == 0)
        v->z = pick_exaggeration(m);
    return v->z;
}

static void choose_look(struct map *m)
{
    static palette *const palettes[] = {[PLOT_RELIEF] = palette_hypsometric,
                                        [PLOT_COLOUR] = palette_viridis,
                                        [PLOT_DIVERGING] = palette_diverging,
                                        [PLOT_SHADE] = NULL};
    struct cells *look = &m->sheet.look;
    double low = m->view->low, high = m->view->high;
    if (!m->view->is_fixed)
        range_of(m, &low, &high);
    bool is_logarithmic = m->view->o->is_logarithmic;
    if (!(low <= high))
        low = high = is_logarithmic ? 1 : 0;
    enum plot_style style = style_of(m->view, low, high);
    if (style == PLOT_DIVERGING) {
        high = fmax(fabs(low), fabs(high));
        low = -high;
    }
    *look = (struct cells){.palette = palettes[style],
                           .is_shaded = style == PLOT_RELIEF || style == PLOT_SHADE,
                           .is_logarithmic = is_logarithmic,
                           .low = low,
                           .high = high};
    look->z = look->is_shaded ? exaggeration_of(m) : 0;
}

/* ---- the picture ------------------------------------------------------------------------- */

static void write_texts(struct map *m)
{
    struct view *v = m->view;
    char *more = NULL;
    if (v->along >= 0)
        more = mem_printf("%d %s of %s", m->sheet.n_panels,
                          v->subject->role[v->along] == SUBJECT_BATCH ? "members" : "labels",
                          subject_dim(v->subject, v->along));
    m->sheet.title = view_title(v);
    m->sheet.subtitle = view_subtitle(v, more);
    m->sheet.bar_title = view_value_label(v);
    m->sheet.note = view_note(v);
    free(more);
}

/* One panel has axes. */
static int draw_single(struct map *m, struct canvas *ret, struct error *e)
{
    struct contact_sheet *s = &m->sheet;
    struct chart c = {.title = mem_strdup(s->title),
                      .subtitle = mem_strdup(s->subtitle),
                      .note = mem_strdup(s->note),
                      .x_label = mem_strdup(m->x.label),
                      .y_label = mem_strdup(m->y.label),
                      .y_down = !descends(&m->y) && !m->flips_y,
                      .has_no_grid = true,
                      .width = s->panel_width,
                      .height = s->panel_height};
    coordinate_scale_cells(&m->x, c.width / 80, &c.x);
    coordinate_scale_cells(&m->y, c.height / 50, &c.y);
    if (s->look.palette) {
        c.bar = s->look.palette;
        c.legend_title = mem_strdup(s->bar_title);
        cells_scale(&s->look, c.height / 60, &c.bar_scale);
    }
    int r = chart_begin(&c, ret, e);
    if (r == 0) {
        if (s->panels[0].grid.values)
            cells_draw(&s->look, &s->panels[0].grid, s->zoom, ret, c.left, c.top);
        else
            cells_draw_missing(ret, c.left, c.top, c.width, c.height);
        chart_end(&c, ret);
    }
    chart_clear(&c);
    return r;
}

static void tell(struct map *m)
{
    struct view *v = m->view;
    const struct cells *look = &m->sheet.look;
    const char *style = look->is_shaded                      ? look->palette ? "relief" : "shade"
                        : look->palette == palette_diverging ? "diverging"
                                                             : "colour";
    v->what = mem_printf("map (%s) of %s over %s and %s, %d panel%s", style, v->subject->variable,
                         subject_dim(v->subject, v->y), subject_dim(v->subject, v->x),
                         m->sheet.n_panels, m->sheet.n_panels == 1 ? "" : "s");
}

int map_draw(struct view *v, struct canvas *ret, struct error *e)
{
    struct map m = {.view = v};
    int r = read_coordinates(&m, e);
    if (r == 0)
        r = map_arrange(&m, e);
    for (int i = 0; r == 0 && i < m.sheet.n_panels; i++)
        r = read_panel(&m, i, e);
    if (r == 0) {
        v->n_members = m.sheet.n_panels;
        if (v->along < 0)
            v->n_empty = 0;
        choose_look(&m);
        write_texts(&m);
        r = m.sheet.n_panels > 1 ? contact_sheet_draw(&m.sheet, ret, e) : draw_single(&m, ret, e);
        if (r == 0)
            tell(&m);
    }
    map_clear(&m);
    return r;
}
