/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: slopes and shades against closed forms, sheets' sizes, refusals, what is chosen. */
#include "../store/store_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "plot/canvas.h"
#include "plot/plot.h"
#include "plot/relief.h"

#include <criterion/criterion.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(relief, slopes_of_a_plane_are_exact)
{
    float values[6 * 5];
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 6; x++)
            values[y * 6 + x] = (float)(3 * x - 2 * y);
    const struct relief_grid g = {values, 6, 5};
    for (int y = 1; y < 4; y++)
        for (int x = 1; x < 5; x++) {
            double p, q;
            relief_slope(&g, x, y, &p, &q);
            cr_expect_float_eq(p, 3, 1e-6);
            cr_expect_float_eq(q, -2, 1e-6);
        }
}

Test(relief, is_lit_from_the_upper_left)
{
    float rises[9], falls[9], level[9] = {0};
    for (int i = 0; i < 9; i++) {
        rises[i] = (float)(i % 3 + i / 3); /* towards the lower right: faces the light */
        falls[i] = -rises[i];
    }
    const struct relief_grid a = {rises, 3, 3}, b = {level, 3, 3}, c = {falls, 3, 3};
    /* The normal of slope 1 in both directions towards (-1, -1, sqrt(2)) / 2. */
    cr_expect_float_eq(relief_shade(&a, 1, 1, 1), (sqrt(0.5) + 1) / sqrt(3), 1e-6);
    cr_expect_float_eq(relief_shade(&b, 1, 1, 1), sqrt(0.5), 1e-6);
    cr_expect_eq(relief_shade(&c, 1, 1, 1), 0);
}

static struct store *with_batch(const char *path, bool product)
{
    static const char *const dims[] = {"batch", "y", "x"};
    const int64_t shape[3] = {6, 5, 8}, start[3] = {0, 0, 0};
    double values[6 * 5 * 8], k[6], d[6];
    struct store *s = fixture_open(path);
    struct store_meta m;
    struct error e = {0};
    for (int i = 0; i < 6 * 5 * 8; i++)
        values[i] = sin(i * 0.1);
    for (int i = 0; i < 6; i++) {
        k[i] = product ? i / 3 : i;
        d[i] = i % 3;
    }
    store_meta_default(&m, SIMLAB_F8, 0, 3, shape);
    cr_assert_eq(store_create_array(s, "land__z", &m, dims, NULL, &e), 0);
    cr_assert_eq(store_write(s, "land__z", start, shape, values, &e), 0);
    store_meta_default(&m, SIMLAB_F8, 0, 1, shape);
    cr_assert_eq(store_create_array(s, "a__k", &m, dims, NULL, &e), 0);
    cr_assert_eq(store_create_array(s, "b__d", &m, dims, NULL, &e), 0);
    cr_assert_eq(store_write(s, "a__k", start, shape, k, &e), 0);
    cr_assert_eq(store_write(s, "b__d", start, shape, d, &e), 0);
    return s;
}

static void picture_size(const char *path, int *ret_width, int *ret_height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    cr_assert(png_image_begin_read_from_file(&image, path), "%s", image.message);
    *ret_width = (int)image.width;
    *ret_height = (int)image.height;
    png_image_free(&image);
}

static void draw(struct store *s, struct plot_options *o, int *ret_width, int *ret_height)
{
    struct error e = {0};
    char *file = file_join(store_path(s), "../sheet.png");
    o->variable = "land__z";
    o->output = file;
    char *said = NULL;
    int r = plot_write(s, o, &said, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    free(said);
    picture_size(file, ret_width, ret_height);
    free(file);
}

Test(plot, lays_a_product_out_by_its_axes)
{
    int wide[2], tall[2], one[2];
    char *path = fixture_store_path();
    struct store *s = with_batch(path, true);
    struct plot_options o = {.panel_width = 160};
    draw(s, &o, &wide[0], &wide[1]);
    o.columns = 1;
    draw(s, &o, &tall[0], &tall[1]);
    o.select = json_pack("{s:i}", "batch", -1);
    draw(s, &o, &one[0], &one[1]);
    json_decref(o.select);
    /* 3 columns and 2 rows of 160 x 100; then 1 and 6; then one panel. */
    cr_expect(wide[0] > 3 * 160 && wide[0] < 4 * 160 && wide[1] > 2 * 100 && wide[1] < 5 * 100);
    cr_expect(tall[0] > 160 && tall[0] < 3 * 160 && tall[1] > 6 * 100);
    cr_expect(one[1] > 100 && one[1] < 3 * 100);
    store_close(s);
    fixture_remove(path);
}

Test(plot, refuses_in_words)
{
    char *path = fixture_store_path();
    struct store *s = with_batch(path, false);
    static const struct {
        const char *variable, *dim;
        int index, expected;
        const char *words;
    } rows[] = {{"land__y", NULL, 0, STORE_NO_SUCH, "land__y"},
                {"a__k", "batch", 2, STORE_INVALID, "one number is no picture"},
                {"land__z", "time", 0, STORE_INVALID, "batch: 6, y: 5, x: 8"},
                {"land__z", "batch", 6, STORE_INVALID, "0 ... 5"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e = {0};
        struct plot_options o = {.variable = rows[i].variable, .output = "/nowhere/x.png"};
        if (rows[i].dim)
            o.select = json_pack("{s:i}", rows[i].dim, rows[i].index);
        char *said = NULL;
        cr_expect_eq(plot_write(s, &o, &said, &e), rows[i].expected);
        cr_expect_null(said);
        cr_expect(strstr(e.message, rows[i].words), "%s", e.message);
        json_decref(o.select);
    }
    store_close(s);
    fixture_remove(path);
}

Test(canvas, keeps_within_its_edges)
{
    struct canvas c;
    const struct colour black = {0, 0, 0};
    cr_assert_eq(canvas_init(&c, 30, 20), 0);
    canvas_text(&c, -10, 3, 24, CANVAS_CENTRE, black, "Ag@\xc2\xb2\xf0\x9f\x98\x80\xff~");
    canvas_text_vertical(&c, 29, 19, 40, CANVAS_RIGHT, black, "Wq%");
    canvas_frame(&c, -5, -5, 100, 100, black);
    canvas_clear(&c);
    cr_assert(canvas_init(&c, 0, 5) < 0);
    cr_assert(canvas_init(&c, 5, 1 << 20) < 0);
    /* All printable characters, and a text cut within a character. */
    char all[96];
    for (int i = 0; i < 95; i++)
        all[i] = (char)(' ' + i);
    all[95] = '\0';
    cr_assert(canvas_text_width(12, all) > 0);
    cr_assert(canvas_text_width(12, "\xc2") > 0);
}
