/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels, rectangles, lines and text. */
#ifndef PLOT_CANVAS_H
#define PLOT_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

struct colour {
    uint8_t r, g, b;
};

struct canvas_box {
    int left, top, right, bottom; /* [left, right) x [top, bottom) */
};

struct canvas {
    int width, height;
    uint8_t *rgb;           /* owned: 3 bytes a pixel, rows from the top */
    struct canvas_box clip; /* nothing is drawn outside */
    /* Where texts stand, as they were asked for: tests see by them that none covers another. */
    struct canvas_box *texts;
    int n_texts;
};

/* White. 0, -ENOMEM, or -EOVERFLOW beyond 16384 in either direction. */
int canvas_init(struct canvas *c, int width, int height);
void canvas_clear(struct canvas *c);

/* What is drawn from now on is drawn within the box, and the canvas. */
void canvas_clip(struct canvas *c, int left, int top, int width, int height);
void canvas_unclip(struct canvas *c);

/* What lies outside of the clip is left out. */
void canvas_pixel(struct canvas *c, int x, int y, struct colour colour);
void canvas_rectangle(struct canvas *c, int x, int y, int width, int height, struct colour colour);
void canvas_frame(struct canvas *c, int x, int y, int width, int height, struct colour colour);

enum canvas_align { CANVAS_LEFT, CANVAS_CENTRE, CANVAS_RIGHT };

/* UTF-8 text with capitals of `height` pixels, whose baseline is at y; vertical text reads upwards,
 * x being its baseline. */
void canvas_text(struct canvas *c, double x, double y, double height, enum canvas_align align,
                 struct colour colour, const char *text);
void canvas_text_vertical(struct canvas *c, double x, double y, double height,
                          enum canvas_align align, struct colour colour, const char *text);
double canvas_text_width(double height, const char *text);
/* As much of the text as is that wide, with dots where it was cut: before its units, "depth...
 * [m]", where there is room for them. The caller frees. */
char *canvas_text_fitted(double height, const char *text, double width);

/* ---- canvas_shapes.c ---- */

struct canvas_point {
    double x, y; /* pixels from the canvas' upper left; NaN: a gap */
};

struct canvas_pen {
    struct colour colour;
    double width;
    double dash; /* pixels of a dash, then as many of nothing, nearly; 0: a whole line */
};

/* Joins the points, each pixel once however often the line comes by; a point between gaps is a dot.
 * 0 or -ENOMEM. */
int canvas_polyline(struct canvas *c, const struct canvas_point *points, int64_t n,
                    const struct canvas_pen *pen);
void canvas_disc(struct canvas *c, double x, double y, double radius, struct colour colour,
                 double opacity);
/* The pixels of column x between two heights, in any order. */
void canvas_column(struct canvas *c, int x, double y0, double y1, struct colour colour,
                   double opacity);

#endif
