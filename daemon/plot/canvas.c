/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/canvas.h"

#include "base/mem.h"
#include "plot/canvas_internal.h"
#include "plot/glyph.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CANVAS_MAX = 16384 };

int canvas_init(struct canvas *c, int width, int height)
{
    if (width < 1 || height < 1 || width > CANVAS_MAX || height > CANVAS_MAX)
        return -EOVERFLOW;
    uint8_t *rgb = mem_try_array((size_t)width * (size_t)height, 3);
    if (!rgb)
        return -ENOMEM;
    memset(rgb, 255, (size_t)width * (size_t)height * 3);
    *c = (struct canvas){.width = width, .height = height, .rgb = rgb};
    canvas_unclip(c);
    return 0;
}

void canvas_clear(struct canvas *c)
{
    free(c->rgb);
    free(c->texts);
    *c = (struct canvas){0};
}

void canvas_unclip(struct canvas *c)
{
    c->clip = (struct canvas_box){0, 0, c->width, c->height};
}

void canvas_clip(struct canvas *c, int left, int top, int width, int height)
{
    c->clip = (struct canvas_box){left > 0 ? left : 0, top > 0 ? top : 0,
                                  left + width < c->width ? left + width : c->width,
                                  top + height < c->height ? top + height : c->height};
}

static bool is_outside(const struct canvas *c, int x, int y)
{
    return x < c->clip.left || y < c->clip.top || x >= c->clip.right || y >= c->clip.bottom;
}

void canvas_pixel(struct canvas *c, int x, int y, struct colour colour)
{
    if (is_outside(c, x, y))
        return;
    uint8_t *p = c->rgb + ((size_t)y * (size_t)c->width + (size_t)x) * 3;
    p[0] = colour.r;
    p[1] = colour.g;
    p[2] = colour.b;
}

void canvas_rectangle(struct canvas *c, int x, int y, int width, int height, struct colour colour)
{
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            canvas_pixel(c, x + j, y + i, colour);
}

void canvas_frame(struct canvas *c, int x, int y, int width, int height, struct colour colour)
{
    canvas_rectangle(c, x, y, width, 1, colour);
    canvas_rectangle(c, x, y + height - 1, width, 1, colour);
    canvas_rectangle(c, x, y, 1, height, colour);
    canvas_rectangle(c, x + width - 1, y, 1, height, colour);
}

/* ---- text -------------------------------------------------------------------------------- */

double canvas_distance(const struct canvas_segment *s, double x, double y)
{
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((x - s->x0) * dx + (y - s->y0) * dy) / length2 : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - s->x0 - t * dx, y - s->y0 - t * dy);
}

void canvas_blend(struct canvas *c, int x, int y, struct colour colour, double part)
{
    if (is_outside(c, x, y))
        return;
    uint8_t *p = c->rgb + ((size_t)y * (size_t)c->width + (size_t)x) * 3;
    p[0] = (uint8_t)lround(p[0] + (colour.r - p[0]) * part);
    p[1] = (uint8_t)lround(p[1] + (colour.g - p[1]) * part);
    p[2] = (uint8_t)lround(p[2] + (colour.b - p[2]) * part);
}

/* Where a line of text stands, and how its units become pixels. */
struct pen {
    double x, y; /* of the baseline at the current character */
    double scale;
    bool vertical;
};

static void pen_point(const struct pen *p, const char *point, double *ret_x, double *ret_y)
{
    double along = glyph_coordinate(point[0]) * p->scale;
    double above = (GLYPH_CAPITAL - glyph_coordinate(point[1])) * p->scale;
    *ret_x = p->vertical ? p->x - above : p->x + along;
    *ret_y = p->vertical ? p->y - along : p->y - above;
}

enum { SEGMENTS_MAX = 32 };

static int segments_of(const struct pen *p, const char *strokes, struct canvas_segment *ret)
{
    int n = 0;
    bool down = false;
    double x = 0, y = 0;
    for (const char *s = strokes; *s && n < SEGMENTS_MAX;) {
        if (*s == ' ') {
            down = false;
            s++;
            continue;
        }
        double to_x, to_y;
        pen_point(p, s, &to_x, &to_y);
        if (down)
            ret[n++] = (struct canvas_segment){x, y, to_x, to_y};
        x = to_x;
        y = to_y;
        down = true;
        s += 2;
    }
    return n;
}

/* Each pixel once, by its nearest stroke: joints are no darker than lines. */
static void draw_glyph(struct canvas *c, const struct pen *p, const char *strokes,
                       struct colour colour)
{
    struct canvas_segment segments[SEGMENTS_MAX];
    int n = segments_of(p, strokes, segments);
    double half = 0.28 + 0.55 * p->scale, reach = (GLYPH_HEIGHT + 4) * p->scale + 2;
    for (int y = (int)(p->y - reach); y <= (int)(p->y + reach); y++)
        for (int x = (int)(p->x - reach); x <= (int)(p->x + reach); x++) {
            double nearest = HUGE_VAL;
            for (int i = 0; i < n; i++)
                nearest = fmin(nearest, canvas_distance(&segments[i], x + 0.5, y + 0.5));
            double cover = half + 0.5 - nearest;
            if (cover > 0)
                canvas_blend(c, x, y, colour, cover < 1 ? cover : 1);
        }
}

double canvas_text_width(double height, const char *text)
{
    int width = 0, glyph;
    for (const char *s = text; *s;) {
        glyph_next(&s, &glyph);
        width += glyph + GLYPH_SPACING;
    }
    return width > 0 ? (width - GLYPH_SPACING) * height / GLYPH_CAPITAL : 0;
}

/* The units with which a label ends, " [m]"; "" where it has none. */
static const char *units_of(const char *text)
{
    size_t n = strlen(text);
    const char *bracket = strrchr(text, '[');
    bool has = n > 0 && text[n - 1] == ']' && bracket && bracket > text + 1 && bracket[-1] == ' ';
    return has ? bracket - 1 : text + n;
}

char *canvas_text_fitted(double height, const char *text, double width)
{
    if (canvas_text_width(height, text) <= width)
        return mem_strdup(text);
    const char *units = units_of(text);
    if (canvas_text_width(height, units) > width / 2)
        units = text + strlen(text);
    size_t n = (size_t)(units - text);
    char *cut = mem_printf("%.*s...%s", (int)n, text, units);
    while (n > 0 && canvas_text_width(height, cut) > width) {
        do
            n--;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80);
        size_t kept = n;
        while (kept > 0 && text[kept - 1] == ' ')
            kept--;
        memcpy(cut + kept, "...", 3);
        strcpy(cut + kept + 3, units);
    }
    return cut;
}

static void note_text(struct canvas *c, const struct pen *p, const char *text)
{
    int height = (int)ceil(p->scale * GLYPH_CAPITAL), x = (int)p->x, y = (int)p->y;
    int width = (int)ceil(canvas_text_width(height, text));
    c->texts = mem_resize(c->texts, (size_t)c->n_texts + 1, sizeof *c->texts);
    c->texts[c->n_texts++] = p->vertical ? (struct canvas_box){x - height, y - width, x, y}
                                         : (struct canvas_box){x, y - height, x + width, y};
}

static void draw_text(struct canvas *c, struct pen pen, struct colour colour, const char *text)
{
    note_text(c, &pen, text);
    for (const char *s = text; *s;) {
        int width;
        const char *strokes = glyph_next(&s, &width);
        draw_glyph(c, &pen, strokes, colour);
        double advance = (width + GLYPH_SPACING) * pen.scale;
        pen.x += pen.vertical ? 0 : advance;
        pen.y -= pen.vertical ? advance : 0;
    }
}

static double offset_of(double height, enum canvas_align align, const char *text)
{
    double width = canvas_text_width(height, text);
    return align == CANVAS_LEFT ? 0 : align == CANVAS_CENTRE ? width / 2 : width;
}

void canvas_text(struct canvas *c, double x, double y, double height, enum canvas_align align,
                 struct colour colour, const char *text)
{
    struct pen pen = {floor(x - offset_of(height, align, text)) + 0.5, y, height / GLYPH_CAPITAL,
                      false};
    draw_text(c, pen, colour, text);
}

void canvas_text_vertical(struct canvas *c, double x, double y, double height,
                          enum canvas_align align, struct colour colour, const char *text)
{
    struct pen pen = {x, floor(y + offset_of(height, align, text)) + 0.5, height / GLYPH_CAPITAL,
                      true};
    draw_text(c, pen, colour, text);
}
