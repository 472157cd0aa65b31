/* SPDX-License-Identifier: Apache-2.0 */
/* PNG files: one picture, or several after one another (APNG, which readers that do not know it
 * show as its first). */
#ifndef PLOT_PNG_H
#define PLOT_PNG_H

#include "base/buffer.h"
#include "base/errors.h"
#include "plot/canvas.h"

/* What is being written. Zeroed but for the texts. */
struct png_file {
    const char *title, *description; /* stand in the file; borrowed */
    int n_frames;                    /* all that will come */
    double frames_per_second;
    int width, height;   /* of the first frame; others are cut, or have white beside */
    struct buffer bytes; /* owned, as what follows */
    int n_added;
    uint32_t n_sequence;
    uint8_t *before; /* the pixels that stand there */
};

/* The next frame. 0 or an error with words. */
int png_add(struct png_file *p, const struct canvas *c, struct error *e);

/* After the last one: writes the file whole or not at all. */
int png_save(struct png_file *p, const char *path, struct error *e);

void png_clear(struct png_file *p);

#endif
