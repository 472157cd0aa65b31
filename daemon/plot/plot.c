/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/plot.h"

#include "base/buffer.h"
#include "base/c_locale.h"
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "plot/plot_internal.h"
#include "plot/png.h"
#include "plot/raster.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLOT_MAX_PANELS = 1024 };

const char *plot_dim(const struct plot *p, int d)
{
    return json_string_value(json_array_get(p->dims, (size_t)d));
}

static char *dims_text(const struct plot *p)
{
    struct buffer b = {0};
    for (int d = 0; d < p->meta.ndim; d++)
        buffer_printf(&b, "%s%s: %lld", d ? ", " : "", plot_dim(p, d), (long long)p->meta.shape[d]);
    return buffer_take(&b);
}

/* ---- what is shown ----------------------------------------------------------------------- */

static int select_one(struct plot *p, const char *dim, const json_t *value, struct error *e)
{
    int d = 0;
    while (d < p->meta.ndim && strcmp(plot_dim(p, d), dim) != 0)
        d++;
    if (d == p->meta.ndim) {
        char *dims = dims_text(p);
        int r = error_set(e, STORE_INVALID, NULL, "\"%s\" has no dim \"%.100s\": its dims are (%s)",
                          p->o->variable, dim, dims);
        free(dims);
        return r;
    }
    json_int_t i = json_integer_value(value), n = p->meta.shape[d];
    if (!json_is_integer(value) || i < -n || i >= n)
        return error_set(e, STORE_INVALID, NULL,
                         "\"%s\" has %lld labels along \"%s\": select one of 0 ... %lld, or of -1 "
                         "... -%lld from the end",
                         p->o->variable, (long long)n, dim, (long long)n - 1, (long long)n);
    p->index[d] = i < 0 ? i + n : i;
    p->given[d] = true;
    return 0;
}

static int apply_selection(struct plot *p, struct error *e)
{
    const char *dim;
    json_t *value;
    json_object_foreach(p->o->select, dim, value)
    {
        int r = select_one(p, dim, value, e);
        if (r != 0)
            return r;
    }
    return 0;
}

static bool has_coordinate(const struct plot *p, int d)
{
    struct store_meta m;
    if (store_array(p->store, plot_dim(p, d), &m, NULL, NULL, NULL) != 0)
        return false;
    store_meta_clear(&m);
    return true;
}

/* The dim of the panels: of the leading ones, the first that has no coordinate (clocks have one);
 * of two or more that all have one, the first. */
static int find_panel_dim(const struct plot *p)
{
    int n = 0, first = -1;
    for (int d = 0; d < p->y; d++) {
        if (p->given[d])
            continue;
        if (!has_coordinate(p, d))
            return d;
        if (n++ == 0)
            first = d;
    }
    return n > 1 ? first : -1;
}

static int find_raster(struct plot *p, struct error *e)
{
    p->x = p->meta.ndim - 1;
    while (p->x >= 0 && p->given[p->x])
        p->x--;
    p->y = p->x - 1;
    while (p->y >= 0 && p->given[p->y])
        p->y--;
    if (p->y >= 0 && p->meta.shape[p->x] > 0 && p->meta.shape[p->y] > 0)
        return 0;
    char *dims = dims_text(p);
    int r = error_set(e, STORE_INVALID, NULL,
                      "\"%s\" cannot be drawn: a picture needs two dims of at least one element "
                      "besides the selected ones, and its dims are (%s)",
                      p->o->variable, dims);
    free(dims);
    return r;
}

static int choose(struct plot *p, struct error *e)
{
    int r = apply_selection(p, e);
    if (r == 0)
        r = find_raster(p, e);
    if (r != 0)
        return r;
    p->panel_dim = find_panel_dim(p);
    p->n_panels = p->panel_dim < 0 ? 1 : p->meta.shape[p->panel_dim];
    for (int d = 0; d < p->y; d++) {
        if (!p->given[d] && d != p->panel_dim)
            p->index[d] = p->meta.shape[d] - 1;
        if (p->meta.shape[d] == 0)
            return error_set(e, STORE_INVALID, NULL, "\"%s\" is empty along \"%s\"", p->o->variable,
                             plot_dim(p, d));
    }
    if (p->n_panels > PLOT_MAX_PANELS)
        return error_set(e, STORE_INVALID, NULL,
                         "\"%s\" has %lld labels along \"%s\", and a sheet has room for %d: select "
                         "one, for example --select %s=0",
                         p->o->variable, (long long)p->n_panels, plot_dim(p, p->panel_dim),
                         PLOT_MAX_PANELS, plot_dim(p, p->panel_dim));
    return 0;
}

static double spacing_of(const struct plot *p, int d)
{
    struct store_meta m;
    json_t *dims = NULL;
    double spacing = 1;
    if (store_array(p->store, plot_dim(p, d), &m, &dims, NULL, NULL) != 0)
        return spacing;
    int64_t n = m.ndim == 1 ? m.shape[0] : 0, zero = 0;
    char *data = n > 1 && n < (1 << 24) ? mem_try_array((size_t)n, m.itemsize) : NULL;
    if (data && m.dtype != SIMLAB_STR &&
        store_read(p->store, plot_dim(p, d), &zero, &n, data, NULL) == 0) {
        double first = dtype_to_double(m.dtype, data, 0);
        double last = dtype_to_double(m.dtype, data, (size_t)n - 1);
        spacing = fabs(last - first) / (double)(n - 1);
    }
    free(data);
    json_decref(dims);
    store_meta_clear(&m);
    return isfinite(spacing) && spacing > 0 ? spacing : 1;
}

/* ---- values ------------------------------------------------------------------------------ */

static bool any_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            return true;
    return false;
}

static int read_panel(struct plot *p, int64_t i, char *data, struct error *e)
{
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    struct contact_sheet_panel *panel = &p->sheet.panels[i];
    int nx = p->sheet.panel_width / p->sheet.zoom, ny = p->sheet.panel_height / p->sheet.zoom;
    for (int d = 0; d < p->meta.ndim; d++) {
        bool raster = d == p->x || d == p->y;
        start[d] = raster ? 0 : d == p->panel_dim ? i : p->index[d];
        count[d] = raster ? p->meta.shape[d] : 1;
    }
    int r = store_read(p->store, p->o->variable, start, count, data, e);
    if (r != 0)
        return r;
    panel->values = raster_grid(&p->meta, data, p->meta.shape[p->x], p->meta.shape[p->y], nx, ny);
    if (!panel->values)
        return error_errno(e, -ENOMEM, "read a panel");
    if (any_finite(panel->values, (size_t)nx * (size_t)ny))
        panel->grid = (struct relief_grid){panel->values, nx, ny};
    return 0;
}

static int read_panels(struct plot *p, struct error *e)
{
    size_t n;
    char *data = NULL;
    if (mem_mul((size_t)p->meta.shape[p->x], (size_t)p->meta.shape[p->y], &n))
        data = mem_try_array(n, p->meta.itemsize);
    if (!data)
        return error_errno(e, -ENOMEM, "read a panel");
    int r = 0;
    for (int64_t i = 0; r == 0 && i < p->n_panels; i++)
        r = read_panel(p, i, data, e);
    free(data);
    return r;
}

/* ---- texts ------------------------------------------------------------------------------- */

/* What a selected member varied. */
static char *member_text(const struct plot *p, int d)
{
    struct sweep sweep = {0};
    char *text = NULL;
    if (!has_coordinate(p, d) && p->meta.shape[d] <= PLOT_MAX_PANELS &&
        sweep_read(p->store, plot_dim(p, d), p->meta.shape[d], p->o->variable, &sweep, NULL) == 0)
        text = sweep_label(&sweep, p->index[d]);
    sweep_clear(&sweep);
    return text;
}

/* "otime = 1000 (5 of 5)" for each dim of which one label is shown. */
static void describe_index(const struct plot *p, int d, struct buffer *b)
{
    struct store_meta m;
    char value[64] = "";
    int64_t one = 1;
    if (store_array(p->store, plot_dim(p, d), &m, NULL, NULL, NULL) == 0) {
        char element[64];
        if (m.ndim == 1 && m.itemsize <= sizeof element && m.dtype != SIMLAB_STR &&
            store_read(p->store, plot_dim(p, d), &p->index[d], &one, element, NULL) == 0)
            c_locale_print(value, sizeof value, " = %.6g", dtype_to_double(m.dtype, element, 0));
        store_meta_clear(&m);
    }
    buffer_printf(b, "%s%s%s (%lld of %lld)", b->size ? ", " : "", plot_dim(p, d), value,
                  (long long)p->index[d] + 1, (long long)p->meta.shape[d]);
    char *member = member_text(p, d);
    if (member)
        buffer_printf(b, ": %s", member);
    free(member);
}

static void write_texts(struct plot *p)
{
    const char *description = json_member_string(p->attrs, "description");
    const char *units = json_member_string(p->attrs, "units");
    struct buffer b = {0};
    for (int d = 0; d < p->y; d++)
        if (d != p->panel_dim)
            describe_index(p, d, &b);
    if (p->panel_dim >= 0)
        buffer_printf(&b, "%s%lld members of %s", b.size ? ", " : "", (long long)p->n_panels,
                      plot_dim(p, p->panel_dim));
    p->sheet.subtitle = b.size ? buffer_take(&b) : NULL;
    p->sheet.title = description ? mem_printf("%s: %s", p->o->variable, description)
                                 : mem_strdup(p->o->variable);
    p->sheet.bar_title =
        units ? mem_printf("%s [%s]", p->o->variable, units) : mem_strdup(p->o->variable);
}

/* ---- the picture ------------------------------------------------------------------------- */

static int draw(struct plot *p, struct error *e)
{
    int r = choose(p, e);
    if (r == 0 && p->panel_dim >= 0)
        r = sweep_read(p->store, plot_dim(p, p->panel_dim), p->n_panels, p->o->variable, &p->sweep,
                       e);
    if (r != 0)
        return r;
    p->spacing[0] = spacing_of(p, p->y);
    p->spacing[1] = spacing_of(p, p->x);
    p->sheet.style = p->o->style;
    plot_arrange(p);
    plot_size_panels(p);
    write_texts(p);
    r = read_panels(p, e);
    if (r != 0)
        return r;
    if (p->o->exaggeration > 0) /* slopes are per cell of a panel */
        p->sheet.z = p->o->exaggeration * p->sheet.panel_width / p->sheet.zoom /
                     (p->spacing[1] * (double)p->meta.shape[p->x]);
    struct canvas c;
    r = contact_sheet_draw(&p->sheet, &c, e);
    if (r == 0) {
        r = png_save(&c, p->o->output, e);
        canvas_clear(&c);
    }
    return r;
}

int plot_write(struct store *s, const struct plot_options *o, struct error *e)
{
    struct plot p = {.store = s, .o = o};
    int r = store_array(s, o->variable, &p.meta, &p.dims, &p.attrs, e);
    if (r != 0)
        return r;
    if (p.meta.dtype == SIMLAB_STR)
        r = error_set(e, STORE_INVALID, NULL, "\"%s\" holds texts, which cannot be drawn",
                      o->variable);
    else
        r = draw(&p, e);
    contact_sheet_clear(&p.sheet);
    sweep_clear(&p.sweep);
    json_decref(p.dims);
    json_decref(p.attrs);
    store_meta_clear(&p.meta);
    return r;
}
