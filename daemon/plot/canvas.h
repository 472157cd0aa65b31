/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels, rectangles and text. */
#ifndef PLOT_CANVAS_H
#define PLOT_CANVAS_H

#include <stdint.h>

struct colour {
    uint8_t r, g, b;
};

struct canvas {
    int width, height;
    uint8_t *rgb; /* owned: 3 bytes a pixel, rows from the top */
};

/* White. 0, -ENOMEM, or -EOVERFLOW beyond 16384 in either direction. */
int canvas_init(struct canvas *c, int width, int height);
void canvas_clear(struct canvas *c);

/* What lies outside of the canvas is left out. */
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

#endif
