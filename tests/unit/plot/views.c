/* SPDX-License-Identifier: Apache-2.0 */
/* What is drawn of stores of all shapes: the kind, whole texts that do not cover one another, what
 * is missing, animations, and what hostile stores get. */
#include "../store/store_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "plot/plot.h"
#include "plot/view.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(struct store *s, const char *name, const char *dims_text, const int64_t *shape,
                const char *attrs_text, const double *values)
{
    const char *dims[SIMLAB_MAX_DIMS];
    int64_t zero[SIMLAB_MAX_DIMS] = {0};
    char *copy = mem_strdup(dims_text), *rest = copy;
    int ndim = 0;
    for (char *dim; *dims_text && (dim = strsep(&rest, ","));)
        dims[ndim++] = dim;
    struct store_meta m;
    struct error e = {0};
    json_t *attrs = attrs_text ? json_loads(attrs_text, 0, NULL) : NULL;
    cr_assert(!attrs_text || attrs, "%s", attrs_text);
    store_meta_default(&m, SIMLAB_F8, 0, ndim, shape);
    cr_assert_eq(store_create_array(s, name, &m, dims, attrs, &e), 0, "%s", e.message);
    if (values)
        cr_assert_eq(store_write(s, name, zero, shape, values, &e), 0, "%s", e.message);
    json_decref(attrs);
    free(copy);
}

/* sin over everything, from about -1 to 1; every 7th value is missing where `gaps`. */
static void add_waves(struct store *s, const char *name, const char *dims, const int64_t *shape,
                      int64_t n, const char *attrs, bool gaps)
{
    double *values = mem_array((size_t)n, sizeof *values);
    for (int64_t i = 0; i < n; i++)
        values[i] = gaps && i % 7 == 3 ? (double)NAN : sin(0.31 * (double)i);
    add(s, name, dims, shape, attrs, values);
    free(values);
}

static void add_line(struct store *s, const char *name, int64_t n, double step, const char *attrs)
{
    double *values = mem_array((size_t)n, sizeof *values);
    for (int64_t i = 0; i < n; i++)
        values[i] = step * (double)i;
    add(s, name, name, &n, attrs, values);
    free(values);
}

/* 20 members of a product of two inputs; a clock, and a grid. */
static struct store *with_all(const char *path)
{
    struct store *s = fixture_open(path);
    double a[20], b[20];
    const int64_t twenty = 20, one[1] = {0};
    for (int i = 0; i < 20; i++) {
        a[i] = pow(10, i / 5 - 6);
        b[i] = 0.25 * (i % 5);
    }
    add_line(s, "time", 6, 250, "{\"axis\": \"T\", \"units\": \"years\"}");
    add_line(s, "x", 9, 100, "{\"units\": \"m\", \"description\": \"easting\"}");
    add_line(s, "y", 7, -100, "{\"units\": \"m\", \"axis\": \"Y\"}");
    add(s, "in__a", "batch", &twenty,
        "{\"description\": \"erodibility of the bedrock below all the rivers\", "
        "\"units\": \"m2/yr\"}",
        a);
    add(s, "in__b", "batch", &twenty,
        "{\"units\": \"m2/yr\", "
        "\"description\": \"how fast soil creeps down the slopes of all the hills\"}",
        b);
    add_waves(s, "out__field", "batch,time,y,x", (int64_t[]){20, 6, 7, 9}, 7560, NULL, false);
    add_waves(s, "out__map", "y,x", (int64_t[]){7, 9}, 63, NULL, true);
    add_waves(s, "out__elevation", "time,y,x", (int64_t[]){6, 7, 9}, 378, "{\"units\": \"m\"}",
              false);
    add_waves(s, "out__profile", "time,x", (int64_t[]){6, 9}, 54,
              "{\"units\": \"m\", \"description\": \"a profile; and more of it\"}", true);
    add_waves(s, "out__profiles", "batch,time,x", (int64_t[]){20, 6, 9}, 1080, NULL, false);
    add_waves(s, "out__series", "batch,time", (int64_t[]){20, 6}, 120, NULL, false);
    add_waves(s, "out__alone", "time", (int64_t[]){6}, 6, NULL, false);
    add_waves(s, "out__scalar", "batch", &twenty, 20, "{\"units\": \"m3\"}", true);
    add_waves(s, "out__number", "", one, 1, NULL, false);
    return s;
}

/* ---- one picture ------------------------------------------------------------------------- */

static bool overlap(const struct canvas_box *a, const struct canvas_box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

static void check_texts(const struct canvas *c, const char *what, int least)
{
    cr_expect(c->n_texts >= least, "%s: %d texts", what, c->n_texts);
    for (int i = 0; i < c->n_texts; i++) {
        const struct canvas_box *t = &c->texts[i];
        cr_expect(t->left >= 0 && t->top >= 0 && t->right <= c->width && t->bottom <= c->height,
                  "%s: text %d at %d %d ... %d %d of %d x %d", what, i, t->left, t->top, t->right,
                  t->bottom, c->width, c->height);
        for (int j = 0; j < i; j++)
            cr_expect_not(overlap(t, &c->texts[j]),
                          "%s (%d x %d): texts %d at %d %d ... %d %d and %d at %d %d ... %d %d",
                          what, c->width, c->height, i, t->left, t->top, t->right, t->bottom, j,
                          c->texts[j].left, c->texts[j].top, c->texts[j].right, c->texts[j].bottom);
    }
}

struct row {
    const char *variable;
    enum plot_kind kind;
    const char *along, *said; /* a part of it */
    int texts;                /* at least */
};

static void check_view(struct store *s, const struct row *row, int width, bool is_logarithmic)
{
    static view_drawer *const drawers[] = {[PLOT_MAP] = map_draw,
                                           [PLOT_LINES] = lines_draw,
                                           [PLOT_BANDS] = bands_draw,
                                           [PLOT_HISTOGRAM] = histogram_draw,
                                           [PLOT_SCATTER] = scatter_draw};
    struct plot_options o = {.variable = row->variable,
                             .kind = row->kind,
                             .along = row->along,
                             .panel_width = width,
                             .is_logarithmic = is_logarithmic};
    struct subject subject;
    struct canvas c;
    struct error e = {0};
    cr_assert_eq(subject_open(s, row->variable, NULL, &subject, &e), 0, "%s", e.message);
    struct view v = {.subject = &subject, .o = &o};
    cr_assert_eq(view_choose(&v, &e), 0, "%s: %s", row->variable, e.message);
    cr_assert_eq(drawers[v.kind](&v, &c, &e), 0, "%s: %s", row->variable, e.message);
    char *said = view_said(&v);
    cr_expect(strstr(said, row->said), "%s: %s", row->variable, said);
    check_texts(&c, row->variable, width == 0 ? row->texts : 1);
    free(said);
    canvas_clear(&c);
    view_clear(&v);
    subject_clear(&subject);
}

static const struct row rows[] = {
    {"out__field", PLOT_BY_DATA, NULL, "map (diverging) of out__field over y and x, 20 panels", 14},
    {"out__field", PLOT_BY_DATA, "time", "over y and x, 6 panels", 10},
    {"out__field", PLOT_LINES, NULL, "20 lines of out__field over x by in__a, in__b", 15},
    {"out__field", PLOT_HISTOGRAM, NULL, "1260 values of out__field in ", 12},
    {"out__map", PLOT_BY_DATA, NULL,
     "map (diverging) of out__map over y and x, 1 panel; hatched: 9 of 63", 12},
    {"out__elevation", PLOT_BY_DATA, NULL, "map (relief) of out__elevation", 12},
    {"out__profile", PLOT_BY_DATA, NULL, "6 lines of out__profile over x by time; gaps: 8 of 54",
     20},
    {"out__profile", PLOT_MAP, NULL, "map (diverging) of out__profile over time and x", 12},
    {"out__profiles", PLOT_BY_DATA, NULL, "quantiles of out__profiles over x, of 20 members", 16},
    {"out__profiles", PLOT_LINES, "time", "6 lines of out__profiles over x by time", 20},
    {"out__series", PLOT_BY_DATA, NULL, "quantiles of out__series over time, of 20 members", 16},
    {"out__series", PLOT_LINES, NULL, "20 lines of out__series over time by in__a, in__b", 14},
    {"out__series", PLOT_SCATTER, NULL, "20 points of out__series against in__a by in__b", 17},
    {"out__alone", PLOT_BY_DATA, NULL, "1 line of out__alone over time", 10},
    {"out__scalar", PLOT_BY_DATA, NULL,
     "17 points of out__scalar against in__a by in__b; left out: 3 of 20", 17},
    {"out__scalar", PLOT_HISTOGRAM, NULL, "17 members of out__scalar in ", 10},
};

static const struct row logarithmic[] = {
    {"out__field", PLOT_BY_DATA, NULL,
     "map (colour) of out__field over y and x, 20 panels; hatched: 630 of 1260 values are missing "
     "or "
     "not above 0",
     14},
    {"out__map", PLOT_BY_DATA, NULL,
     "map (colour) of out__map over y and x, 1 panel; hatched: 35 of 63 values are missing or not "
     "above 0",
     12},
    {"out__profiles", PLOT_BY_DATA, NULL, "of 14 members of batch; left out: 94 of 180 values", 14},
    {"out__profile", PLOT_BY_DATA, NULL, "6 lines of out__profile over x by time; gaps: ", 15},
    {"out__scalar", PLOT_BY_DATA, NULL,
     "points of out__scalar against in__a by in__b; left out: ", 15},
};

Test(view, is_chosen_by_the_data_and_has_its_texts)
{
    char *path = fixture_store_path();
    struct store *s = with_all(path);
    const int widths[] = {0, 40, 200, 1100};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < 4; k++)
            check_view(s, &rows[i], widths[k], false);
    for (size_t i = 0; i < sizeof logarithmic / sizeof *logarithmic; i++)
        for (int k = 0; k < 4; k++)
            check_view(s, &logarithmic[i], widths[k], true);
    store_close(s);
    fixture_remove(path);
}

/* ---- refusals ---------------------------------------------------------------------------- */

Test(view, refuses_what_cannot_be_drawn)
{
    static const struct {
        struct plot_options o;
        const char *words;
    } refused[] = {
        {{.variable = "out__number"}, "one number is no picture"},
        {{.variable = "out__alone", .kind = PLOT_MAP}, "a map needs two dims"},
        {{.variable = "out__alone", .kind = PLOT_BANDS}, "bands need members"},
        {{.variable = "out__alone", .kind = PLOT_SCATTER}, "a scatter needs members"},
        {{.variable = "out__profiles", .kind = PLOT_SCATTER}, "select a label"},
        {{.variable = "out__scalar", .against = "in__c"}, "what does: in__a, in__b"},
        {{.variable = "out__alone", .along = "space"}, "--along: \"out__alone\" has no dim"},
        {{.variable = "out__alone", .animate = "space"}, "--animate: \"out__alone\" has no dim"},
        {{.variable = "out__profile", .animate = "time", .along = "time"}, "is shown already"},
        {{.variable = "out__series", .kind = PLOT_HISTOGRAM, .animate = "time"},
         "a histogram cannot be animated"},
        {{.variable = "out__scalar", .kind = PLOT_HISTOGRAM, .is_logarithmic = true},
         "--log is not of histograms"},
        {{.variable = "out__map", .style = PLOT_DIVERGING, .is_logarithmic = true},
         "nor of diverging colours"},
    };
    char *path = fixture_store_path();
    struct store *s = with_all(path);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct plot_options o = refused[i].o;
        struct error e = {0};
        char *said = NULL;
        o.output = "/nowhere/x.png";
        cr_expect_eq(plot_write(s, &o, &said, &e), STORE_INVALID, "row %zu", i);
        cr_expect(strstr(e.message, refused[i].words), "row %zu: %s", i, e.message);
        cr_expect_null(said);
    }
    store_close(s);
    fixture_remove(path);
}

/* ---- files ------------------------------------------------------------------------------- */

static int count_chunks(const char *path, const char *type)
{
    struct buffer b = {0};
    int n = 0;
    cr_assert_eq(file_read(path, 1 << 24, &b), 0);
    for (size_t at = 8; at + 12 <= b.size;) {
        const unsigned char *d = (const unsigned char *)b.data + at;
        n += !memcmp(d + 4, type, 4);
        at += 12 + ((size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3]);
        cr_assert(at <= b.size, "a chunk of %s goes beyond the file", path);
    }
    buffer_free(&b);
    return n;
}

Test(animation, has_a_frame_for_each_label)
{
    char *path = fixture_store_path();
    struct store *s = with_all(path);
    static const char *const variables[] = {"out__elevation", "out__profiles", "out__field"};
    char *file = file_join(store_path(s), "../moving.png");
    for (int i = 0; i < 3; i++) {
        struct plot_options o = {.variable = variables[i], .output = file, .animate = "time"};
        struct error e = {0};
        char *said = NULL;
        cr_assert_eq(plot_write(s, &o, &said, &e), 0, "%s", e.message);
        cr_expect(strstr(said, "; 6 frames over time"), "%s", said);
        free(said);
        cr_expect_eq(count_chunks(file, "acTL"), 1);
        cr_expect_eq(count_chunks(file, "fcTL"), 6);
        cr_expect(count_chunks(file, "fdAT") >= 5);
        cr_expect_eq(count_chunks(file, "iTXt"), 2);
        cr_expect_eq(count_chunks(file, "IEND"), 1);
    }
    free(file);
    store_close(s);
    fixture_remove(path);
}

/* ---- hostile stores ---------------------------------------------------------------------- */

static void refused_or_drawn(const char *path, const char *variable)
{
    static const enum plot_kind kinds[] = {PLOT_BY_DATA, PLOT_MAP,       PLOT_LINES,
                                           PLOT_BANDS,   PLOT_HISTOGRAM, PLOT_SCATTER};
    char *file = file_join(path, "../hostile.png");
    for (size_t k = 0; k < 2 * sizeof kinds / sizeof *kinds; k++) {
        struct store *s;
        struct error e = {0};
        char *said = NULL;
        struct plot_options o = {
            .variable = variable, .output = file, .kind = kinds[k / 2], .is_logarithmic = k % 2};
        if (store_open(path, STORE_READ, &s, &e) != 0)
            continue;
        int r = plot_write(s, &o, &said, &e);
        cr_expect(r == 0 ? said != NULL : e.message[0] != '\0', "%s, kind %d: %d", variable,
                  (int)kinds[k / 2], r);
        free(said);
        store_close(s);
    }
    free(file);
}

Test(view, of_values_that_are_all_the_same_or_none_or_too_large)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    static const double kinds[] = {NAN, INFINITY, 0, -3, 1.7e308, 5e-324};
    double values[60];
    for (int k = 0; k < 6; k++) {
        for (int i = 0; i < 60; i++)
            values[i] = k == 4 && i % 2 ? -kinds[k] : kinds[k];
        char *name = mem_printf("p__v%d", k), *line = mem_printf("p__w%d", k);
        add(s, name, "batch,y,x", (int64_t[]){2, 5, 6}, NULL, values);
        add(s, line, "batch,x", (int64_t[]){10, 6}, NULL, values);
        refused_or_drawn(path, name);
        refused_or_drawn(path, line);
        free(name);
        free(line);
    }
    store_close(s);
    fixture_remove(path);
}

static void write_file(const char *path, const char *array, const char *name, const char *text)
{
    char *folder = file_join(path, array), *file = file_join(folder, name);
    file_make_directories(folder);
    char *temporary = mem_printf("%s.new", file);
    cr_assert_eq(file_replace(file, temporary, text, strlen(text), 0666, FILE_SYNC_NONE), 0);
    free(temporary);
    free(file);
    free(folder);
}

/* Shapes that no memory holds, dims that do not fit, coordinates that are none, chunks of rubbish.
 */
Test(view, of_a_store_that_lies)
{
    static const char *const shapes[] = {"[9000000000000000000]",
                                         "[4000000000, 4000000000]",
                                         "[1000000, 3]",
                                         "[3, 1000000]",
                                         "[2, 100000000, 2]",
                                         "[0]",
                                         "[0, 5]",
                                         "[]",
                                         "[1, 1, 1, 1, 1, 1, 1, 1]"};
    static const char *const attrs[] = {
        "{\"_ARRAY_DIMENSIONS\": [\"batch\", \"y\", \"x\"], \"units\": 7, \"description\": []}",
        "{\"_ARRAY_DIMENSIONS\": [\"p__v\", \"p__v\"]}",
        "{\"_ARRAY_DIMENSIONS\": [\"p__v\"]}",
        "{\"_ARRAY_DIMENSIONS\": [\"batch\", 3]}",
        "{\"_ARRAY_DIMENSIONS\": \"x\"}",
        "{\"_ARRAY_DIMENSIONS\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\"]}",
        "{}",
        "[",
    };
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    add_line(s, "x", 4, 1, NULL);
    store_close(s);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof attrs / sizeof *attrs; k++) {
            char *chunks = mem_strdup(shapes[i]);
            char *meta =
                mem_printf("{\"zarr_format\": 2, \"shape\": %s, \"chunks\": %s, \"dtype\": "
                           "\"<f8\", \"compressor\": null, \"fill_value\": \"NaN\", "
                           "\"order\": \"C\", \"filters\": null}",
                           shapes[i], chunks);
            write_file(path, "p__v", ".zarray", meta);
            write_file(path, "p__v", ".zattrs", attrs[k]);
            write_file(path, "p__v", "0.0", "rubbish");
            refused_or_drawn(path, "p__v");
            free(chunks);
            free(meta);
        }
    fixture_remove(path);
}
