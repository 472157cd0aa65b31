/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, discs and columns with soft edges. */
#include "base/mem.h"
#include "plot/canvas_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* How much of each pixel of the clip a line covers: the most that any part of it does, so that
 * joints and places where it passes twice are no darker. */
struct mask {
    struct canvas_box box;
    uint8_t *cover;
};

static void cover(struct mask *m, const struct canvas_segment *s, double half)
{
    double reach = half + 1;
    int left = (int)fmax(fmin(s->x0, s->x1) - reach, m->box.left);
    int right = (int)fmin(fmax(s->x0, s->x1) + reach, m->box.right - 1);
    int top = (int)fmax(fmin(s->y0, s->y1) - reach, m->box.top);
    int bottom = (int)fmin(fmax(s->y0, s->y1) + reach, m->box.bottom - 1);
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            double part = half + 0.5 - canvas_distance(s, x + 0.5, y + 0.5);
            uint8_t *at = m->cover +
                          (size_t)(y - m->box.top) * (size_t)(m->box.right - m->box.left) +
                          (x - m->box.left);
            uint8_t covered = part >= 1 ? 255 : part > 0 ? (uint8_t)(255 * part) : 0;
            if (covered > *at)
                *at = covered;
        }
}

/* The part of a segment between two parameters. */
static struct canvas_segment cut(const struct canvas_segment *s, double from, double to)
{
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0;
    return (struct canvas_segment){s->x0 + from * dx, s->y0 + from * dy, s->x0 + to * dx,
                                   s->y0 + to * dy};
}

/* To what lies near the clip, so that none is longer than that; false: nothing does. */
static bool trim(const struct mask *m, struct canvas_segment *s)
{
    double from = 0, to = 1, room = 64;
    const double start[] = {s->x0, s->y0}, step[] = {s->x1 - s->x0, s->y1 - s->y0};
    const double low[] = {m->box.left - room, m->box.top - room};
    const double high[] = {m->box.right + room, m->box.bottom + room};
    for (int k = 0; k < 2; k++) {
        if (step[k] == 0) {
            if (start[k] < low[k] || start[k] > high[k])
                return false;
            continue;
        }
        double a = (low[k] - start[k]) / step[k], b = (high[k] - start[k]) / step[k];
        from = fmax(from, fmin(a, b));
        to = fmin(to, fmax(a, b));
    }
    if (!(from < to || (step[0] == 0 && step[1] == 0)))
        return false;
    *s = cut(s, from, to);
    return true;
}

/* Far outside of any canvas, and still a number that can be reckoned with. */
static double bounded(double pixels)
{
    return fmin(fmax(pixels, -1e7), 1e7);
}

static void stroke(struct mask *m, const struct canvas_point *from, const struct canvas_point *to,
                   const struct canvas_pen *pen, double *run)
{
    struct canvas_segment s = {bounded(from->x), bounded(from->y), bounded(to->x), bounded(to->y)};
    if (!trim(m, &s))
        return;
    double length = hypot(s.x1 - s.x0, s.y1 - s.y0), period = 1.75 * pen->dash;
    if (!(pen->dash > 0) || length == 0) {
        cover(m, &s, pen->width / 2);
        return;
    }
    for (double at = 0; at < length;) {
        double phase = fmod(*run + at, period);
        double end = fmin(length, at + (phase < pen->dash ? pen->dash : period) - phase + 1e-6);
        if (phase < pen->dash) {
            struct canvas_segment piece = cut(&s, at / length, end / length);
            cover(m, &piece, pen->width / 2);
        }
        at = end;
    }
    *run = fmod(*run + length, period);
}

static bool is_point(const struct canvas_point *p)
{
    return isfinite(p->x) && isfinite(p->y);
}

int canvas_polyline(struct canvas *c, const struct canvas_point *points, int64_t n,
                    const struct canvas_pen *pen)
{
    struct mask m = {.box = c->clip};
    int width = m.box.right - m.box.left, height = m.box.bottom - m.box.top;
    if (width <= 0 || height <= 0)
        return 0;
    m.cover = mem_try_array((size_t)width, (size_t)height);
    if (!m.cover)
        return -ENOMEM;
    double run = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!is_point(&points[i]))
            continue;
        if (i > 0 && is_point(&points[i - 1])) {
            stroke(&m, &points[i - 1], &points[i], pen, &run);
        } else if (i + 1 == n || !is_point(&points[i + 1])) {
            const struct canvas_point *p = &points[i];
            struct canvas_segment dot = {bounded(p->x), bounded(p->y), bounded(p->x),
                                         bounded(p->y)};
            if (trim(&m, &dot))
                cover(&m, &dot, pen->width);
        }
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t part = m.cover[(size_t)y * (size_t)width + (size_t)x];
            if (part)
                canvas_blend(c, m.box.left + x, m.box.top + y, pen->colour, part / 255.0);
        }
    free(m.cover);
    return 0;
}

void canvas_disc(struct canvas *c, double x, double y, double radius, struct colour colour,
                 double opacity)
{
    if (!(x > -1e6 && x < 1e6 && y > -1e6 && y < 1e6))
        return;
    for (int i = (int)(y - radius - 1); i <= (int)(y + radius + 1); i++)
        for (int j = (int)(x - radius - 1); j <= (int)(x + radius + 1); j++) {
            double part = radius + 0.5 - hypot(j + 0.5 - x, i + 0.5 - y);
            if (part > 0)
                canvas_blend(c, j, i, colour, opacity * (part < 1 ? part : 1));
        }
}

void canvas_column(struct canvas *c, int x, double y0, double y1, struct colour colour,
                   double opacity)
{
    double top = fmax(fmin(y0, y1), c->clip.top), bottom = fmin(fmax(y0, y1), c->clip.bottom);
    if (!(top < bottom))
        return;
    for (int y = (int)top; y < bottom; y++) {
        double part = fmin(bottom, y + 1.0) - fmax(top, y);
        if (part > 0)
            canvas_blend(c, x, y, colour, opacity * part);
    }
}
