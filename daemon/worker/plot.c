/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/plot.h"
#include "base/c_locale.h"
#include "base/errors.h"
#include "worker/worker.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLOT_OK, PLOT_FAILED, PLOT_REFUSED };

static const char help[] =
    "usage: simlab-worker plot STORE VARIABLE -o FILE.png [options]\n"
    "\n"
    "Draws the last two dims of a variable, rows from the top. Along a batch dim each member is a\n"
    "panel, all with one scale; of a clock the last label is shown.\n"
    "\n"
    "-o, --output FILE       the picture (PNG)\n"
    "    --style STYLE       relief (default): colour by value, with shaded relief;\n"
    "                        colour: by value only; shade: relief only, in grey\n"
    "    --select DIM=I      one label of a dim, from 0, or from -1 backwards; may be given again\n"
    "    --columns N         panels beside one another (default: by the sweep's two inputs where\n"
    "                        its members are their product, else about as wide as high)\n"
    "    --width PX          width of a panel (default: its cells, the sheet at most 2800)\n"
    "    --exaggeration X    of heights in the relief (default: picked from the data)\n"
    "    --help              this text\n";

static int refuse(const char *what, const char *value)
{
    fprintf(stderr, "simlab-worker plot: %s%s%s\nTry simlab-worker plot --help.\n", what,
            value ? ": " : "", value ? value : "");
    return PLOT_REFUSED;
}

static bool read_style(const char *text, enum plot_style *ret)
{
    static const char *const names[] = {"relief", "colour", "shade"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i]) || (i == PLOT_COLOUR && !strcmp(text, "color"))) {
            *ret = (enum plot_style)i;
            return true;
        }
    return false;
}

static bool read_int(const char *text, long low, long high, long *ret)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < low || value > high)
        return false;
    *ret = value;
    return true;
}

static bool read_select(const char *text, json_t *select)
{
    const char *equals = strrchr(text, '=');
    long index;
    if (!equals || equals == text || !read_int(equals + 1, -1000000000, 1000000000, &index))
        return false;
    char dim[256];
    if ((size_t)(equals - text) >= sizeof dim)
        return false;
    memcpy(dim, text, (size_t)(equals - text));
    dim[equals - text] = '\0';
    return json_object_set_new(select, dim, json_integer(index)) == 0;
}

/* One option. PLOT_OK, or PLOT_REFUSED with a line on stderr. */
static int take_option(int c, const char *value, struct plot_options *o)
{
    long number;
    char *end;
    switch (c) {
    case 'o':
        o->output = value;
        return PLOT_OK;
    case 's':
        return read_style(value, &o->style)
                   ? PLOT_OK
                   : refuse("--style is none of relief, colour, shade", value);
    case 'S':
        return read_select(value, o->select)
                   ? PLOT_OK
                   : refuse("--select must be DIM=INDEX, such as batch=3", value);
    case 'c':
        if (!read_int(value, 1, 1000, &number))
            return refuse("--columns must be 1 ... 1000", value);
        o->columns = (int)number;
        return PLOT_OK;
    case 'w':
        if (!read_int(value, 8, 8192, &number))
            return refuse("--width must be 8 ... 8192 pixels", value);
        o->panel_width = (int)number;
        return PLOT_OK;
    case 'x':
        o->exaggeration = c_locale_read(value, &end);
        if (end == value || *end || !(o->exaggeration > 0) || isinf(o->exaggeration))
            return refuse("--exaggeration must be a number above 0", value);
        return PLOT_OK;
    default:
        return refuse("unknown option, or one without its value", NULL);
    }
}

static int draw(const char *path, const struct plot_options *o)
{
    struct error e = {0};
    struct store *s;
    int r = store_open(path, STORE_READ, &s, &e);
    if (r == 0) {
        r = plot_write(s, o, &e);
        store_close(s);
    }
    error_explain(&e, r, "draw the picture");
    if (r != 0)
        fprintf(stderr, "simlab-worker plot: %s\n", e.message);
    return r == 0 ? PLOT_OK : r == STORE_INVALID || r == STORE_NO_SUCH ? PLOT_REFUSED : PLOT_FAILED;
}

int worker_plot(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},       {"style", required_argument, NULL, 's'},
        {"select", required_argument, NULL, 'S'},       {"columns", required_argument, NULL, 'c'},
        {"width", required_argument, NULL, 'w'},        {"help", no_argument, NULL, 'h'},
        {"exaggeration", required_argument, NULL, 'x'}, {NULL, 0, NULL, 0}};
    struct plot_options o = {.select = json_object()};
    int c, r = PLOT_OK;
    bool helped = false;
    opterr = 0;
    while (r == PLOT_OK && !helped && (c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        helped = c == 'h';
        r = helped ? PLOT_OK : take_option(c, optarg, &o);
    }
    if (helped) {
        fputs(help, stdout);
    } else if (r == PLOT_OK && argc - optind != 2) {
        r = refuse("a store and the name of a variable are needed", NULL);
    } else if (r == PLOT_OK && !o.output) {
        r = refuse("-o FILE.png is needed", NULL);
    } else if (r == PLOT_OK) {
        o.variable = argv[optind + 1];
        r = draw(argv[optind], &o);
    }
    json_decref(o.select);
    return r;
}
