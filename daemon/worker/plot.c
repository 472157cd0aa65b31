/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/plot.h"

#include "base/buffer.h"
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

static const char usage[] =
    "usage: simlab-worker plot STORE VARIABLE -o FILE.png [options]\n"
    "\n"
    "Draws a variable as what it is: two dims of space as a map, with a panel for each member; "
    "one\n"
    "dim, or a clock, as lines; many members as quantiles; one number of each member against what\n"
    "was swept. Prints what the picture shows, and what is missing of it.\n"
    "\n"
    "-o, --output FILE       the picture (PNG)\n"
    "    --kind KIND         draw this instead:\n";
static const char usage_styles[] = "    --style STYLE       of a map (default: by the data):\n";
static const char usage_rest[] =
    "    --select DIM=I      one label of a dim, from 0, or from -1 backwards; may be given "
    "again.\n"
    "                        Of a clock that is not drawn the last is shown\n"
    "    --along DIM         a panel, a line or a member for each label of DIM (default: the\n"
    "                        members, else a clock)\n"
    "    --against INPUT     of a scatter: its x (default: the first that was swept)\n"
    "    --log               values by their decades; those not above 0 are shown as missing\n"
    "    --animate DIM       a frame for each label of DIM (APNG)\n"
    "    --fps N             frames in a second (4)\n"
    "    --columns N         panels beside one another (default: by the sweep's two inputs where\n"
    "                        its members are their product, else about as wide as high)\n"
    "    --width PX          width of a panel (default: its cells, the sheet at most 2800), or of\n"
    "                        what lies between the axes (620)\n"
    "    --exaggeration X    of heights in the relief (default: picked from the data)\n"
    "    --help              this text\n";

struct name {
    const char *name, *help;
};
#define PLOT_NAME(value, name, help) [PLOT_##value] = {name, help},
static const struct name kinds[] = {PLOT_KINDS(PLOT_NAME)};
static const struct name styles[] = {PLOT_STYLES(PLOT_NAME)};
enum { N_KINDS = sizeof kinds / sizeof *kinds, N_STYLES = sizeof styles / sizeof *styles };

static void print_names(const struct name *names, int n)
{
    for (int i = 1; i < n; i++)
        printf("                          %-10s  %s\n", names[i].name, names[i].help);
}

static void print_help(void)
{
    fputs(usage, stdout);
    print_names(kinds, N_KINDS);
    fputs(usage_styles, stdout);
    print_names(styles, N_STYLES);
    fputs(usage_rest, stdout);
}

static int refuse(const char *what, const char *value)
{
    fprintf(stderr, "simlab-worker plot: %s%s%s\nTry simlab-worker plot --help.\n", what,
            value ? ": " : "", value ? value : "");
    return PLOT_REFUSED;
}

/* The place of the name among them; 0 after a line on stderr. */
static int read_name(const char *text, const char *option, const struct name *names, int n)
{
    struct buffer all = {0};
    for (int i = 1; i < n; i++) {
        if (!strcmp(text, names[i].name)) {
            buffer_free(&all);
            return i;
        }
        buffer_printf(&all, "%s%s", i > 1 ? ", " : "", names[i].name);
    }
    fprintf(stderr,
            "simlab-worker plot: %s must be one of %s: %s\nTry simlab-worker plot --help.\n",
            option, all.data, text);
    buffer_free(&all);
    return 0;
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

static bool read_number(const char *text, double *ret)
{
    char *end;
    *ret = c_locale_read(text, &end);
    return end != text && !*end && *ret > 0 && isfinite(*ret);
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
    switch (c) {
    case 'o':
        o->output = value;
        return PLOT_OK;
    case 'k':
        o->kind = (enum plot_kind)read_name(value, "--kind", kinds, N_KINDS);
        return o->kind ? PLOT_OK : PLOT_REFUSED;
    case 's':
        o->style = (enum plot_style)read_name(strcmp(value, "color") ? value : "colour", "--style",
                                              styles, N_STYLES);
        return o->style ? PLOT_OK : PLOT_REFUSED;
    case 'a':
        o->along = value;
        return PLOT_OK;
    case 'g':
        o->against = value;
        return PLOT_OK;
    case 'm':
        o->animate = value;
        return PLOT_OK;
    case 'l':
        o->is_logarithmic = true;
        return PLOT_OK;
    case 'f':
        if (!read_number(value, &o->frames_per_second) || o->frames_per_second < 0.1 ||
            o->frames_per_second > 60)
            return refuse("--fps must be 0.1 ... 60", value);
        return PLOT_OK;
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
        if (!read_number(value, &o->exaggeration))
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
        char *said;
        r = plot_write(s, o, &said, &e);
        if (r == 0) {
            printf("%s: %s\n", o->output, said);
            free(said);
        }
        store_close(s);
    }
    error_explain(&e, r, "draw the picture");
    if (r != 0)
        fprintf(stderr, "simlab-worker plot: %s\n", e.message);
    return r == 0 ? PLOT_OK : r == STORE_INVALID || r == STORE_NO_SUCH ? PLOT_REFUSED : PLOT_FAILED;
}

int worker_plot(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"style", required_argument, NULL, 's'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"along", required_argument, NULL, 'a'},
                                            {"against", required_argument, NULL, 'g'},
                                            {"animate", required_argument, NULL, 'm'},
                                            {"log", no_argument, NULL, 'l'},
                                            {"fps", required_argument, NULL, 'f'},
                                            {"select", required_argument, NULL, 'S'},
                                            {"columns", required_argument, NULL, 'c'},
                                            {"width", required_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"exaggeration", required_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    struct plot_options o = {.select = json_object()};
    int c, r = PLOT_OK;
    bool helped = false;
    opterr = 0;
    while (r == PLOT_OK && !helped && (c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        helped = c == 'h';
        r = helped ? PLOT_OK : take_option(c, optarg, &o);
    }
    if (helped) {
        print_help();
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
