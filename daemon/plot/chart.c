/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/chart.h"

#include "base/mem.h"
#include "plot/theme.h"
#include "store/result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
    TICK = 5,
    GAP = 8,
    LEGEND_GAP = 22,
    LEGEND_TEXT = 240, /* at most so wide */
    SWATCH = 26,
    POINT = 4, /* a point on the edge is seen whole */
    BAR_WIDTH = 14,
    TITLE_MOST = 900,
    BELOW = THEME_MARGIN - 4
};

double chart_x(const struct chart *c, double value)
{
    return c->left + c->width * scale_place(&c->x, value);
}

double chart_y(const struct chart *c, double value)
{
    double place = scale_place(&c->y, value);
    return c->top + c->height * (c->y_down ? place : 1 - place);
}

struct chart_entry *chart_add_entry(struct chart *c, char *take_text)
{
    if (c->n_entries == CHART_MAX_ENTRIES) {
        free(take_text);
        return NULL;
    }
    struct chart_entry *entry = &c->entries[c->n_entries++];
    *entry = (struct chart_entry){.text = take_text, .opacity = 1};
    return entry;
}

void chart_clear(struct chart *c)
{
    free(c->title);
    free(c->subtitle);
    free(c->note);
    free(c->x_label);
    free(c->y_label);
    free(c->legend_title);
    for (int i = 0; i < c->n_entries; i++)
        free(c->entries[i].text);
    *c = (struct chart){0};
}

/* ---- places ------------------------------------------------------------------------------ */

static double width_of(double height, const char *text)
{
    return text ? canvas_text_width(height, text) : 0;
}

static double widest_tick(const struct scale *s)
{
    double widest = 0;
    for (int i = 0; i < s->n_ticks; i++)
        widest = fmax(widest, width_of(THEME_SMALL, s->ticks[i].text));
    return widest;
}

/* The legend's title stands above its entries, in lines as wide as a text may be. */
static int legend_width(const struct chart *c)
{
    if (!c->bar && c->n_entries == 0)
        return 0;
    double texts = c->bar ? widest_tick(&c->bar_scale) : 0;
    for (int i = 0; i < c->n_entries; i++)
        texts = fmax(texts, width_of(THEME_SMALL, c->entries[i].text));
    double wide = fmin(texts, LEGEND_TEXT) + (c->bar ? BAR_WIDTH + TICK + GAP : SWATCH + GAP);
    return LEGEND_GAP +
           (int)fmax(wide, c->bar ? THEME_TEXT + LEGEND_GAP + wide
                                  : fmin(width_of(THEME_SMALL, c->legend_title), LEGEND_TEXT));
}

static void place(struct chart *c, int *ret_width, int *ret_height)
{
    c->left = THEME_MARGIN + (c->y_label ? THEME_TEXT + 2 * GAP : 0) +
              (int)ceil(widest_tick(&c->y)) + GAP;
    c->top = THEME_MARGIN + THEME_TITLE + (c->subtitle ? THEME_LINE : 0) + 20;
    int bottom = c->top + c->height + TICK + GAP + THEME_SMALL;
    bottom += c->x_label ? THEME_LINE : 0;
    int legend = c->top + 2 + (c->n_entries + (c->legend_title != NULL)) * THEME_LINE;
    int lowest = c->bar || bottom > legend ? bottom : legend;
    *ret_height = lowest + (c->note ? THEME_LINE : 0) + BELOW;
    double content = c->left + c->width + fmax(legend_width(c), 8);
    double texts = fmax(width_of(THEME_TITLE, c->title), width_of(THEME_TEXT, c->subtitle));
    *ret_width = THEME_MARGIN + (int)ceil(fmax(content, THEME_MARGIN + fmin(texts, TITLE_MOST)));
}

/* ---- axes -------------------------------------------------------------------------------- */

static void draw_grid(const struct chart *c, struct canvas *canvas)
{
    for (int i = 0; i < c->x.n_ticks; i++)
        canvas_rectangle(canvas, (int)chart_x(c, c->x.ticks[i].value), c->top, 1, c->height,
                         theme_grid);
    for (int i = 0; i < c->y.n_ticks; i++)
        canvas_rectangle(canvas, c->left, (int)chart_y(c, c->y.ticks[i].value), c->width, 1,
                         theme_grid);
}

/* A tick's text is left out where it would touch the one before. */
static void draw_x_ticks(const struct chart *c, struct canvas *canvas)
{
    double free_from = -HUGE_VAL;
    for (int i = 0; i < c->x.n_ticks; i++) {
        const struct scale_tick *t = &c->x.ticks[i];
        double x = chart_x(c, t->value), half = width_of(THEME_SMALL, t->text) / 2;
        int bottom = c->top + c->height;
        canvas_rectangle(canvas, (int)x, bottom, 1, TICK, theme_hair);
        if (x - half < free_from || x - half < 2 || x + half > canvas->width - 2)
            continue;
        canvas_text(canvas, x, bottom + TICK + GAP + THEME_SMALL, THEME_SMALL, CANVAS_CENTRE,
                    theme_ink, t->text);
        free_from = x + half + GAP;
    }
}

static void draw_y_ticks(const struct chart *c, struct canvas *canvas)
{
    double last = -HUGE_VAL;
    for (int i = 0; i < c->y.n_ticks; i++) {
        const struct scale_tick *t = &c->y.ticks[i];
        double y = chart_y(c, t->value);
        canvas_rectangle(canvas, c->left - TICK, (int)y, TICK, 1, theme_hair);
        if (fabs(y - last) < THEME_SMALL + GAP / 2.0)
            continue;
        last = y;
        canvas_text(canvas, c->left - GAP, y + THEME_SMALL / 2.0, THEME_SMALL, CANVAS_RIGHT,
                    theme_ink, t->text);
    }
}

static void draw_label(const struct chart *c, struct canvas *canvas)
{
    int bottom = c->top + c->height + TICK + GAP + THEME_SMALL;
    if (c->x_label) {
        char *text = canvas_text_fitted(THEME_TEXT, c->x_label, c->width + 40);
        canvas_text(canvas, c->left + c->width / 2.0, bottom + THEME_LINE, THEME_TEXT,
                    CANVAS_CENTRE, theme_soft, text);
        free(text);
    }
    if (c->y_label) {
        char *text = canvas_text_fitted(THEME_TEXT, c->y_label, c->height + 24);
        canvas_text_vertical(canvas, THEME_MARGIN + THEME_TEXT, c->top + c->height / 2.0,
                             THEME_TEXT, CANVAS_CENTRE, theme_soft, text);
        free(text);
    }
    if (c->note) {
        char *text = canvas_text_fitted(THEME_SMALL, c->note, canvas->width - 2 * THEME_MARGIN);
        canvas_text(canvas, THEME_MARGIN, canvas->height - BELOW, THEME_SMALL, CANVAS_LEFT,
                    theme_soft, text);
        free(text);
    }
}

static void draw_title(const struct chart *c, struct canvas *canvas)
{
    double room = canvas->width - 2 * THEME_MARGIN;
    char *title = canvas_text_fitted(THEME_TITLE, c->title ? c->title : "", room);
    canvas_text(canvas, THEME_MARGIN, THEME_MARGIN + THEME_TITLE, THEME_TITLE, CANVAS_LEFT,
                theme_ink, title);
    free(title);
    if (!c->subtitle)
        return;
    char *subtitle = canvas_text_fitted(THEME_TEXT, c->subtitle, room);
    canvas_text(canvas, THEME_MARGIN, THEME_MARGIN + THEME_TITLE + THEME_LINE, THEME_TEXT,
                CANVAS_LEFT, theme_soft, subtitle);
    free(subtitle);
}

/* ---- legend ------------------------------------------------------------------------------ */

static void draw_swatch(const struct chart_entry *entry, struct canvas *canvas, int x, int y)
{
    double middle = y + THEME_SMALL / 2.0;
    if (entry->is_area) {
        for (int i = 0; i < SWATCH; i++)
            canvas_column(canvas, x + i, y - 1, y + THEME_SMALL + 1, entry->pen.colour,
                          entry->opacity);
    } else if (entry->is_disc) {
        canvas_disc(canvas, x + SWATCH / 2.0, middle, entry->pen.width, entry->pen.colour, 1);
    } else {
        const struct canvas_point line[] = {{x, middle}, {x + SWATCH, middle}};
        canvas_polyline(canvas, line, 2, &entry->pen);
    }
}

static void draw_entries(const struct chart *c, struct canvas *canvas)
{
    int x = c->left + c->width + LEGEND_GAP, y = c->top + 2;
    if (c->legend_title) {
        char *text = canvas_text_fitted(THEME_SMALL, c->legend_title, LEGEND_TEXT);
        canvas_text(canvas, x, y + THEME_SMALL, THEME_SMALL, CANVAS_LEFT, theme_soft, text);
        free(text);
        y += THEME_LINE;
    }
    for (int i = 0; i < c->n_entries; i++) {
        char *text = canvas_text_fitted(THEME_SMALL, c->entries[i].text, LEGEND_TEXT);
        draw_swatch(&c->entries[i], canvas, x, y);
        canvas_text(canvas, x + SWATCH + GAP, y + THEME_SMALL, THEME_SMALL, CANVAS_LEFT, theme_ink,
                    text);
        free(text);
        y += THEME_LINE - 2;
    }
}

static void draw_bar(const struct chart *c, struct canvas *canvas)
{
    double last = -HUGE_VAL;
    int x = c->left + c->width + LEGEND_GAP;
    for (int i = 0; i < c->height; i++)
        canvas_rectangle(canvas, x, c->top + i, BAR_WIDTH, 1,
                         c->bar(1 - (i + 0.5) / (double)c->height));
    canvas_frame(canvas, x - 1, c->top - 1, BAR_WIDTH + 2, c->height + 2, theme_hair);
    for (int i = 0; i < c->bar_scale.n_ticks; i++) {
        const struct scale_tick *t = &c->bar_scale.ticks[i];
        double y = c->top + c->height * (1 - scale_place(&c->bar_scale, t->value));
        canvas_rectangle(canvas, x + BAR_WIDTH + 1, (int)y, TICK, 1, theme_soft);
        if (fabs(y - last) < THEME_SMALL + GAP / 2.0)
            continue;
        last = y;
        canvas_text(canvas, x + BAR_WIDTH + TICK + GAP, y + THEME_SMALL / 2.0, THEME_SMALL,
                    CANVAS_LEFT, theme_ink, t->text);
    }
    if (!c->legend_title)
        return;
    char *text = canvas_text_fitted(THEME_TEXT, c->legend_title, c->height + 24);
    canvas_text_vertical(canvas,
                         x + BAR_WIDTH + TICK + 2 * GAP + widest_tick(&c->bar_scale) + THEME_TEXT,
                         c->top + c->height / 2.0, THEME_TEXT, CANVAS_CENTRE, theme_soft, text);
    free(text);
}

/* ---- the chart --------------------------------------------------------------------------- */

int chart_begin(struct chart *c, struct canvas *ret, struct error *e)
{
    int width, height;
    place(c, &width, &height);
    int r = canvas_init(ret, width, height);
    if (r == -EOVERFLOW)
        return error_set(e, STORE_INVALID, NULL,
                         "a chart of %d x %d pixels is too large: make it narrower (--width)",
                         c->width, c->height);
    if (r < 0)
        return error_errno(e, r, "draw the picture");
    if (!c->has_no_grid)
        draw_grid(c, ret);
    canvas_clip(ret, c->left - POINT, c->top - POINT, c->width + 2 * POINT, c->height + 2 * POINT);
    return 0;
}

void chart_end(const struct chart *c, struct canvas *canvas)
{
    canvas_unclip(canvas);
    canvas_frame(canvas, c->left - 1, c->top - 1, c->width + 2, c->height + 2, theme_hair);
    draw_x_ticks(c, canvas);
    draw_y_ticks(c, canvas);
    draw_label(c, canvas);
    draw_title(c, canvas);
    if (c->bar)
        draw_bar(c, canvas);
    else if (c->n_entries > 0)
        draw_entries(c, canvas);
}
