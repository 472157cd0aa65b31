/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/contact_sheet.h"

#include "base/mem.h"
#include "plot/theme.h"
#include "store/result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Pixels at scale 1. */
enum { GAP = 8, LABEL = 18 /* below a panel */, BAR_WIDTH = 420, BAR_HEIGHT = 14 };

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
    free(s->note);
    free(s->row_axis);
    free(s->column_axis);
    *s = (struct contact_sheet){0};
}

/* ---- places ------------------------------------------------------------------------------ */

static int heads_width(const struct contact_sheet *s)
{
    double widest = 0;
    for (int i = 0; s->row_heads && i < s->rows; i++)
        widest = fmax(widest, canvas_text_width(px(s, THEME_TEXT), s->row_heads[i]));
    return s->row_heads ? (int)widest + px(s, THEME_LINE + 12) : 0;
}

int contact_sheet_extra_width(const struct contact_sheet *s)
{
    return 2 * px(s, THEME_MARGIN) + heads_width(s) + (s->columns - 1) * px(s, GAP);
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
    struct places p = {.left = px(s, THEME_MARGIN) + heads_width(s),
                       .top = px(s, THEME_MARGIN) + px(s, THEME_TITLE)};
    if (s->subtitle)
        p.top += px(s, THEME_LINE);
    p.top += px(s, 16);
    if (s->column_heads)
        p.top += px(s, 2 * THEME_LINE - 4);
    p.step_x = s->panel_width + px(s, GAP);
    p.step_y = s->panel_height + (has_labels(s) ? px(s, LABEL + 6) : px(s, GAP));
    p.content_width = s->columns * p.step_x - px(s, GAP);
    int bottom = p.top + s->rows * p.step_y;
    int bar = !s->look.palette ? 0 : px(s, 10 + BAR_HEIGHT + 2 * THEME_LINE);
    p.bar_y = bar ? bottom + px(s, 6 + THEME_LINE) : 0;
    int texts = (int)fmax(canvas_text_width(px(s, THEME_TITLE), s->title),
                          s->subtitle ? canvas_text_width(px(s, THEME_TEXT), s->subtitle) : 0);
    int content = p.left + p.content_width;
    p.width = px(s, THEME_MARGIN) +
              (content > px(s, THEME_MARGIN) + texts ? content : px(s, THEME_MARGIN) + texts);
    p.height = bottom + bar + px(s, THEME_MARGIN) - px(s, GAP) + (s->note ? px(s, THEME_LINE) : 0);
    return p;
}

/* ---- panels ------------------------------------------------------------------------------ */

static void draw_panel(const struct contact_sheet *s, const struct places *p,
                       const struct contact_sheet_panel *panel, struct canvas *c)
{
    int left = p->left + panel->column * p->step_x, top = p->top + panel->row * p->step_y;
    if (panel->grid.values) {
        cells_draw(&s->look, &panel->grid, s->zoom, c, left, top);
    } else {
        cells_draw_missing(c, left, top, s->panel_width, s->panel_height);
        canvas_text(c, left + s->panel_width / 2.0,
                    top + s->panel_height / 2.0 + px(s, THEME_SMALL) / 2.0, px(s, THEME_SMALL),
                    CANVAS_CENTRE, theme_soft, "no data");
    }
    canvas_frame(c, left - 1, top - 1, s->panel_width + 2, s->panel_height + 2, theme_hair);
    if (!panel->label)
        return;
    char *label = canvas_text_fitted(px(s, THEME_SMALL), panel->label, s->panel_width);
    canvas_text(c, left, top + s->panel_height + px(s, THEME_SMALL + 5), px(s, THEME_SMALL),
                CANVAS_LEFT, theme_ink, label);
    free(label);
}

/* In the middle of the rows; a long one reaches as far as other texts let it. */
static void draw_row_axis(const struct contact_sheet *s, const struct places *p, struct canvas *c)
{
    double middle = p->top + (s->rows * p->step_y - px(s, GAP)) / 2.0;
    double highest = px(s, THEME_MARGIN) + px(s, THEME_TITLE) +
                     (s->subtitle ? px(s, THEME_LINE) : 0) + px(s, GAP);
    double lowest = p->height - px(s, THEME_MARGIN) - (s->note ? px(s, THEME_LINE) : 0);
    double room = 2 * fmin(middle - highest, lowest - middle);
    char *axis = canvas_text_fitted(px(s, THEME_TEXT), s->row_axis, room);
    canvas_text_vertical(c, px(s, THEME_MARGIN) + px(s, THEME_TEXT), middle, px(s, THEME_TEXT),
                         CANVAS_CENTRE, theme_soft, axis);
    free(axis);
}

/* In the middle of the columns; a longer one begins with them. */
static void draw_column_axis(const struct contact_sheet *s, const struct places *p,
                             struct canvas *c)
{
    double room = p->width - px(s, THEME_MARGIN) - p->left;
    char *axis = canvas_text_fitted(px(s, THEME_TEXT), s->column_axis, room);
    double wide = fmax(p->content_width, canvas_text_width(px(s, THEME_TEXT), axis));
    canvas_text(c, p->left + wide / 2, p->top - px(s, 6 + THEME_LINE), px(s, THEME_TEXT),
                CANVAS_CENTRE, theme_soft, axis);
    free(axis);
}

static void draw_heads(const struct contact_sheet *s, const struct places *p, struct canvas *c)
{
    for (int i = 0; s->column_heads && i < s->columns; i++) {
        char *head = canvas_text_fitted(px(s, THEME_TEXT), s->column_heads[i], s->panel_width);
        canvas_text(c, p->left + i * p->step_x + s->panel_width / 2.0, p->top - px(s, 8),
                    px(s, THEME_TEXT), CANVAS_CENTRE, theme_ink, head);
        free(head);
    }
    if (s->column_axis)
        draw_column_axis(s, p, c);
    for (int i = 0; s->row_heads && i < s->rows; i++)
        canvas_text(c, p->left - px(s, 9),
                    p->top + i * p->step_y + s->panel_height / 2.0 + px(s, THEME_TEXT) / 2.0,
                    px(s, THEME_TEXT), CANVAS_RIGHT, theme_ink, s->row_heads[i]);
    if (s->row_axis)
        draw_row_axis(s, p, c);
}

/* ---- the colour bar ---------------------------------------------------------------------- */

static void draw_bar(const struct contact_sheet *s, const struct places *p, struct canvas *c)
{
    int width = p->width - p->left - px(s, THEME_MARGIN);
    if (width > px(s, BAR_WIDTH))
        width = px(s, BAR_WIDTH);
    if (width > p->content_width)
        width = p->content_width;
    struct scale scale;
    cells_scale(&s->look, width / px(s, 70), &scale);
    char low[SCALE_TEXT], high[SCALE_TEXT];
    scale_number(low, sizeof low, s->look.low, 4);
    scale_number(high, sizeof high, s->look.high, 4);
    char *title = mem_printf("%s   from %s to %s", s->bar_title, low, high);
    char *cut =
        canvas_text_fitted(px(s, THEME_SMALL), title, p->width - p->left - px(s, THEME_MARGIN) / 2);
    canvas_text(c, p->left, p->bar_y - px(s, 7), px(s, THEME_SMALL), CANVAS_LEFT, theme_soft, cut);
    free(title);
    free(cut);
    for (int i = 0; i < width; i++)
        canvas_rectangle(c, p->left + i, p->bar_y, 1, px(s, BAR_HEIGHT),
                         s->look.palette(i / (double)(width > 1 ? width - 1 : 1)));
    canvas_frame(c, p->left - 1, p->bar_y - 1, width + 2, px(s, BAR_HEIGHT) + 2, theme_hair);
    double free_from = 0;
    for (int i = 0; i < scale.n_ticks; i++) {
        const struct scale_tick *t = &scale.ticks[i];
        double x = p->left + (width - 1) * scale_place(&scale, t->value);
        double half = canvas_text_width(px(s, THEME_SMALL), t->text) / 2;
        int y = p->bar_y + px(s, BAR_HEIGHT) + 1;
        canvas_rectangle(c, (int)x, y, 1, px(s, 5), theme_soft);
        if (x - half < free_from)
            continue;
        canvas_text(c, x, y + px(s, 8 + THEME_SMALL), px(s, THEME_SMALL), CANVAS_CENTRE, theme_ink,
                    t->text);
        free_from = x + half + px(s, GAP);
    }
}

/* ---- the sheet --------------------------------------------------------------------------- */

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
    canvas_text(&c, px(s, THEME_MARGIN), px(s, THEME_MARGIN) + px(s, THEME_TITLE),
                px(s, THEME_TITLE), CANVAS_LEFT, theme_ink, s->title);
    if (s->subtitle)
        canvas_text(&c, px(s, THEME_MARGIN),
                    px(s, THEME_MARGIN) + px(s, THEME_TITLE) + px(s, THEME_LINE), px(s, THEME_TEXT),
                    CANVAS_LEFT, theme_soft, s->subtitle);
    draw_heads(s, &p, &c);
    for (int i = 0; i < s->n_panels; i++)
        draw_panel(s, &p, &s->panels[i], &c);
    if (p.bar_y)
        draw_bar(s, &p, &c);
    if (s->note) {
        char *note =
            canvas_text_fitted(px(s, THEME_SMALL), s->note, p.width - 2 * px(s, THEME_MARGIN));
        canvas_text(&c, px(s, THEME_MARGIN), p.height - px(s, THEME_MARGIN), px(s, THEME_SMALL),
                    CANVAS_LEFT, theme_soft, note);
        free(note);
    }
    *ret = c;
    return 0;
}
