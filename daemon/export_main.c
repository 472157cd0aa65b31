/* SPDX-License-Identifier: Apache-2.0 */
/* simlab-export: STORE FILE.nc. A program of its own, since the libraries of netCDF would make each
 * start of a worker slower, and need not be everywhere. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "export/export.h"
#include "store/store.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 1, EXIT_REFUSED = 2 };

static int usage(FILE *to)
{
    fputs("usage: simlab-export STORE FILE.nc [VARIABLE...] [--members LIST]\n"
          "\n"
          "Writes a store as netCDF-4: all of it, or these variables with their coordinates.\n"
          "--members   those only: \"3\", \"0-9\", \"7,0-3\", in the order of the list\n"
          "Exit status 0; 1 where it fails; 2 where the store has not what was asked for.\n",
          to);
    return to == stdout ? 0 : EXIT_REFUSED;
}

struct members {
    int64_t (*ranges)[2];
    size_t n, capacity;
};

static bool parse_number(const char **text, int64_t *ret)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *ret = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0 && *ret < INT64_MAX;
}

/* "7,0-3": the last one of a range is of it. */
static bool parse_members(const char *text, struct members *ret)
{
    for (;;) {
        int64_t first, last;
        if (!parse_number(&text, &first))
            return false;
        last = first;
        if (*text == '-' && (text++, !parse_number(&text, &last)))
            return false;
        if (last < first)
            return false;
        ret->ranges = mem_grow(ret->ranges, ret->n, &ret->capacity, sizeof *ret->ranges);
        ret->ranges[ret->n][0] = first;
        ret->ranges[ret->n++][1] = last + 1;
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

static void say(const char *line)
{
    fprintf(stderr, "simlab-export: %s\n", line);
}

static int export(const char *path, const struct export_options *o)
{
    struct error e = {0};
    struct store *s = NULL;
    int r = store_open(path, STORE_READ, &s, &e);
    if (r == 0)
        r = export_write(s, o, &e);
    else
        r = r == STORE_NO_SUCH ? EXPORT_REFUSED : r > 0 ? EXPORT_FAILED : r;
    if (r != 0) {
        error_explain(&e, r, "export the store");
        fprintf(stderr, "simlab-export: %s: %s\n", path, e.message);
    }
    store_close(s);
    return r == 0 ? 0 : r == EXPORT_REFUSED ? EXIT_REFUSED : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"members", required_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    struct members members = {0};
    int c, status = -1;
    file_open_standard();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, and what there is goes */
    while (status < 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h')
            status = usage(stdout);
        else if (c == 'v')
            status = puts("simlab-export " SIMLAB_VERSION) < 0;
        else if (c != 'm' || !parse_members(optarg, &members))
            status = usage(stderr);
    }
    if (status < 0 && argc - optind < 2)
        status = usage(stderr);
    if (status < 0) {
        struct export_options o = {.output = argv[optind + 1],
                                   .variables = (const char *const *)argv + optind + 2,
                                   .n_variables = (size_t)(argc - optind - 2),
                                   .members = (const int64_t(*)[2])members.ranges,
                                   .n_members = members.n,
                                   .say = say};
        status = export(argv[optind], &o);
    }
    free(members.ranges);
    /* HDF5 would try again to write what it could not, and crash. */
    if (status == EXIT_FAILED)
        _Exit(status);
    return status;
}
