/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/contact_sheet.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixels at scale 1; the heights of texts are those of capitals. */
enum {
    MARGIN = 28,
    GAP = 8,
    TITLE = 15,
    TEXT = 10,
    SMALL = 9,
    LINE = 22,
    LABEL = 18, /* below a panel */
    BAR_WIDTH = 420,
    BAR_HEIGHT = 14
};

static const struct colour ink = {38, 42, 48}, soft = {104, 110, 118}, hair = {168, 174, 180},
                           nothing = {240, 241, 242};

/* Where things stand. */
struct places {
    int left, top;      /* of the first panel */
    int step_x, step_y; /* from panel to panel */
    int content_width;  /* of all panels with their gaps */
    int bar_y;          /* 0: no colour bar */
    int width, height;  /* of the sheet */
};

static int px(const struct contact_sheet *s, double pixels)
{
    return (int)lround(pixels * (s->scale > 0 ? s->scale : 1));
}

void contact_sheet_clear(struct contact_sheet *s)
{
    for (int i = 0; i < s->n_panels; i++) {
        free(s->panels[i].values);
        free(s->panels[i].label);
    }
    for (int i = 0; s->row_heads && i < s->rows; i++)
        free(s->row_heads[i]);
    for (int i = 0; s->column_heads && i < s->columns; i++)
        free(s->column_heads[i]);
    free(s->row_heads);
    free(s->column_heads);
    free(s->panels);
    free(s->title);
    free(s->subtitle);
    free(s->bar_title);
    free(s->row_axis);
    free(s->column_axis);
    *s = (struct contact_sheet){0};
}

/* ---- places ------------------------------------------------------------------------------ */

static int heads_width(const struct contact_sheet *s)
{
    double widest = 0;
    for (int i = 0; s->row_heads && i < s->rows; i++)
        widest = fmax(widest, canvas_text_width(px(s, TEXT), s->row_heads[i]));
    return s->row_heads ? (int)widest + px(s, LINE + 12) : 0;
}

int contact_sheet_extra_width(const struct contact_sheet *s)
{
    return 2 * px(s, MARGIN) + heads_width(s) + (s->columns - 1) * px(s, GAP);
}

static bool has_labels(const struct contact_sheet *s)
{
    for (int i = 0; i < s->n_panels; i++)
        if (s->panels[i].label)
            return true;
    return false;
}

static struct places place(const struct contact_sheet *s)
{
    struct places p = {.left = px(s, MARGIN) + heads_width(s), .top = px(s, MARGIN) + px(s, TITLE)};
    if (s->subtitle)
        p.top += px(s, LINE);
    p.top += px(s, 16);
    if (s->column_heads)
        p.top += px(s, 2 * LINE - 4);
    p.step_x = s->panel_width + px(s, GAP);
    p.step_y = s->panel_height + (has_labels(s) ? px(s, LABEL + 6) : px(s, GAP));
    p.content_width = s->columns * p.step_x - px(s, GAP);
    int bottom = p.top + s->rows * p.step_y;
    int bar = s->style == PLOT_SHADE ? 0 : px(s, 10 + BAR_HEIGHT + 2 * LINE);
    p.bar_y = bar ? bottom + px(s, 6 + LINE) : 0;
    int texts = (int)fmax(canvas_text_width(px(s, TITLE), s->title),
                          s->subtitle ? canvas_text_width(px(s, TEXT), s->subtitle) : 0);
    int content = p.left + p.content_width;
    p.width = px(s, MARGIN) + (content > px(s, MARGIN) + texts ? content : px(s, MARGIN) + texts);
    p.height = bottom + bar + px(s, MARGIN) - px(s, GAP);
    return p;
}

/* ---- panels ------------------------------------------------------------------------------ */

struct range {
    double low, high;
};

static struct range range_of(const struct contact_sheet *s)
{
    struct range r = {HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < s->n_panels; i++) {
        const struct relief_grid *g = &s->panels[i].grid;
        for (size_t k = 0; g->values && k < (size_t)g->nx * (size_t)g->ny; k++)
            if (isfinite(g->values[k])) {
                r.low = fmin(r.low, (double)g->values[k]);
                r.high = fmax(r.high, (double)g->values[k]);
            }
    }
    return r;
}

static struct colour colour_of(const struct contact_sheet *s, const struct range *r, double value)
{
    double t = r->high > r->low ? (value - r->low) / (r->high - r->low) : 0.5;
    return s->style == PLOT_COLOUR ? relief_viridis(t) : relief_hypsometric(t);
}

static struct colour cell_colour(const struct contact_sheet *s, const struct range *r,
                                 const struct relief_grid *g, int x, int y)
{
    double value = (double)g->values[(size_t)y * (size_t)g->nx + (size_t)x];
    if (!isfinite(value))
        return nothing;
    if (s->style == PLOT_COLOUR)
        return colour_of(s, r, value);
    double shade = relief_shade(g, x, y, s->z);
    if (s->style == PLOT_RELIEF)
        return relief_shaded(colour_of(s, r, value), shade);
    uint8_t grey = (uint8_t)lround(255 * shade);
    return (struct colour){grey, grey, grey};
}

static void draw_cells(const struct contact_sheet *s, const struct range *r,
                       const struct relief_grid *g, struct canvas *c, int left, int top)
{
    for (int y = 0; y < g->ny; y++)
        for (int x = 0; x < g->nx; x++)
            canvas_rectangle(c, left + x * s->zoom, top + y * s->zoom, s->zoom, s->zoom,
                             cell_colour(s, r, g, x, y));
}

/* As much of the text as fits, with dots where it was cut; the caller frees. */
static char *fitted(const char *text, double height, int width)
{
    char *copy = mem_printf("%s...", text);
    size_t n = strlen(text);
    copy[n] = '\0';
    while (n > 0 && canvas_text_width(height, copy) > width) {
        do
            n--;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80);
        strcpy(copy + n, "...");
    }
    return copy;
}

static void draw_panel(const struct contact_sheet *s, const struct range *r, const struct places *p,
                       const struct contact_sheet_panel *panel, struct canvas *c)
{
    int left = p->left + panel->column * p->step_x, top = p->top + panel->row * p->step_y;
    if (panel->grid.values) {
        draw_cells(s, r, &panel->grid, c, left, top);
    } else {
        canvas_rectangle(c, left, top, s->panel_width, s->panel_height, nothing);
        canvas_text(c, left + s->panel_width / 2.0,
                    top + s->panel_height / 2.0 + px(s, SMALL) / 2.0, px(s, SMALL), CANVAS_CENTRE,
                    soft, "no data");
    }
    canvas_frame(c, left - 1, top - 1, s->panel_width + 2, s->panel_height + 2, hair);
    if (!panel->label)
        return;
    char *label = fitted(panel->label, px(s, SMALL), s->panel_width);
    canvas_text(c, left, top + s->panel_height + px(s, SMALL + 5), px(s, SMALL), CANVAS_LEFT, ink,
                label);
    free(label);
}

static void draw_heads(const struct contact_sheet *s, const struct places *p, struct canvas *c)
{
    for (int i = 0; s->column_heads && i < s->columns; i++) {
        char *head = fitted(s->column_heads[i], px(s, TEXT), s->panel_width);
        canvas_text(c, p->left + i * p->step_x + s->panel_width / 2.0, p->top - px(s, 8),
                    px(s, TEXT), CANVAS_CENTRE, ink, head);
        free(head);
    }
    if (s->column_axis)
        canvas_text(c, p->left + p->content_width / 2.0, p->top - px(s, 6 + LINE), px(s, TEXT),
                    CANVAS_CENTRE, soft, s->column_axis);
    for (int i = 0; s->row_heads && i < s->rows; i++)
        canvas_text(c, p->left - px(s, 9),
                    p->top + i * p->step_y + s->panel_height / 2.0 + px(s, TEXT) / 2.0, px(s, TEXT),
                    CANVAS_RIGHT, ink, s->row_heads[i]);
    if (s->row_axis)
        canvas_text_vertical(c, px(s, MARGIN) + px(s, TEXT),
                             p->top + (s->rows * p->step_y - px(s, GAP)) / 2.0, px(s, TEXT),
                             CANVAS_CENTRE, soft, s->row_axis);
}

/* ---- the colour bar ---------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that about 5 lie in the range. */
static double tick_step(double range)
{
    double power = pow(10, floor(log10(range / 4)));
    double times = range / 4 / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

static void draw_tick(const struct contact_sheet *s, struct canvas *c, double x, int y,
                      double value, double step)
{
    char text[32];
    c_locale_print(text, sizeof text, "%.6g", fabs(value) < step * 1e-6 ? 0 : value);
    canvas_rectangle(c, (int)x, y, 1, px(s, 5), soft);
    canvas_text(c, x, y + px(s, 8 + SMALL), px(s, SMALL), CANVAS_CENTRE, ink, text);
}

static void draw_bar(const struct contact_sheet *s, const struct range *r, const struct places *p,
                     struct canvas *c)
{
    int width = p->width - p->left - px(s, MARGIN);
    if (width > px(s, BAR_WIDTH))
        width = px(s, BAR_WIDTH);
    if (width > p->content_width)
        width = p->content_width;
    char *title = mem_printf("%s   from %.6g to %.6g", s->bar_title, r->low, r->high);
    char *cut = fitted(title, px(s, SMALL), p->width - p->left - px(s, MARGIN) / 2);
    canvas_text(c, p->left, p->bar_y - px(s, 7), px(s, SMALL), CANVAS_LEFT, soft, cut);
    free(title);
    free(cut);
    for (int i = 0; i < width; i++) {
        double value = r->low + (r->high - r->low) * i / (width > 1 ? width - 1 : 1);
        canvas_rectangle(c, p->left + i, p->bar_y, 1, px(s, BAR_HEIGHT), colour_of(s, r, value));
    }
    canvas_frame(c, p->left - 1, p->bar_y - 1, width + 2, px(s, BAR_HEIGHT) + 2, hair);
    if (!(r->high > r->low))
        return;
    double step = tick_step(r->high - r->low);
    for (double v = ceil(r->low / step) * step; v <= r->high + step * 1e-9; v += step)
        draw_tick(s, c, p->left + (width - 1) * (v - r->low) / (r->high - r->low),
                  p->bar_y + px(s, BAR_HEIGHT) + 1, v, step);
}

/* ---- the sheet --------------------------------------------------------------------------- */

static void pick_exaggeration(struct contact_sheet *s)
{
    struct relief_grid *grids = mem_array((size_t)s->n_panels + 1, sizeof *grids);
    int n = 0;
    for (int i = 0; i < s->n_panels; i++)
        if (s->panels[i].grid.values)
            grids[n++] = s->panels[i].grid;
    s->z = relief_exaggeration(grids, n);
    free(grids);
}

int contact_sheet_draw(struct contact_sheet *s, struct canvas *ret, struct error *e)
{
    struct places p = place(s);
    struct canvas c;
    int r = canvas_init(&c, p.width, p.height);
    if (r == -EOVERFLOW)
        return error_set(e, STORE_INVALID, NULL,
                         "%d panels of %d x %d pixels are too many for one picture: select fewer, "
                         "or make them narrower (--width)",
                         s->n_panels, s->panel_width, s->panel_height);
    if (r < 0)
        return error_errno(e, r, "draw the picture");
    if (s->z == 0)
        pick_exaggeration(s);
    struct range range = range_of(s);
    if (!(range.high >= range.low))
        range = (struct range){0, 0};
    canvas_text(&c, px(s, MARGIN), px(s, MARGIN) + px(s, TITLE), px(s, TITLE), CANVAS_LEFT, ink,
                s->title);
    if (s->subtitle)
        canvas_text(&c, px(s, MARGIN), px(s, MARGIN) + px(s, TITLE) + px(s, LINE), px(s, TEXT),
                    CANVAS_LEFT, soft, s->subtitle);
    draw_heads(s, &p, &c);
    for (int i = 0; i < s->n_panels; i++)
        draw_panel(s, &range, &p, &s->panels[i], &c);
    if (p.bar_y)
        draw_bar(s, &range, &p, &c);
    *ret = c;
    return 0;
}
