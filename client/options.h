/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Two tables in options.c, of commands and of options, drive the parser, the help
 * and (through the help) the test of the manual page. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>

struct server;
struct options;

struct command {
    const char *name;     /* one word or two: "models show" */
    const char *operands; /* as shown: "NAME", "ID…", "[STATE]" */
    int min, max;         /* how many operands; max -1: any number */
    const char *options;  /* names of those it takes, split by spaces; global ones always */
    /* Returns an exit code. `s` is NULL where `offline`. */
    int (*run)(struct server *s, const struct options *o);
    bool offline; /* asks no daemon */
    const char *help;
};

/* Values of an option that may be repeated. Borrowed from argv. */
#define OPTIONS_LIST_MAX 256
struct option_list {
    const char *values[OPTIONS_LIST_MAX];
    int n;
};

struct options {
    const struct command *command;
    const char **operands; /* borrowed from argv */
    int n_operands;
    /* NULL or false where not given */
    const char *server, *token, *timeout, *state, *name, *store, *output, *limit, *where, *key,
        *route, *label, *since, *member;
    const char *environment, *members, *kind, *style, *along, *against, *animate, *fps, *columns,
        *width, *exaggeration;
    bool json, quiet, help, version, dry_run, cancel_on_interrupt, inputs, variables, damaged, dead,
        oversize;
    bool force, keep_store, log, follow;
    struct option_list set, drop, after, select;
};

/* 0, or API_EXIT_USAGE after a complaint. --help and --version give the commands of that name. */
int options_parse(int argc, char **argv, struct options *ret_options);
void options_clear(struct options *o);

/* Calls fn for each operand, whatever comes of those before: the worst of its exit codes. */
int options_each(struct server *s, const struct options *o,
                 int (*fn)(struct server *s, const struct options *o, const char *operand));

/* `simlab help [COMMAND]` and `simlab version`. */
int options_help(struct server *s, const struct options *o);
int options_version(struct server *s, const struct options *o);

#endif
