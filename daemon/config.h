/* SPDX-License-Identifier: Apache-2.0 */
/* simlabd's options, from the table in config.def. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/errors.h"
#include "base/sandbox_mode.h"

#include <stdbool.h>
#include <stdio.h>

typedef char *config_TEXT;
typedef char **config_LIST; /* NULL at the end */
typedef long config_NUMBER;
typedef long config_LEVEL; /* enum log_level */
typedef enum sandbox_mode config_SANDBOX;
typedef bool config_FLAG;

struct config {
#define OPTION(name, field, type, low, high, otherwise, value, help) config_##type field;
#include "config.def"
#undef OPTION
    /* Found, not given. */
    char *worker;       /* path of simlab-worker */
    char *uploads;      /* STATE/uploads */
    char *libraries;    /* STATE/libraries: copies */
    char *pushed;       /* STATE/modules: what clients pushed */
    char *python;       /* directory of environments (library/environments.h) */
    char *texts;        /* STATE/texts: long documents and definitions */
    char *checksums;    /* STATE/checksums: of the stores of jobs that have ended */
    char *database;     /* STATE/simlabd.db */
    char *witness;      /* STATE/identity: a database that is lost is missed by it */
    char **describing;  /* arguments of simlab-worker describe: how libraries are confined */
    char **serving;     /* and of serve: what bounds it */
    char *endpoint;     /* "ipc://…": STATE/run/workers, or a short path where that is too long */
    char *scratch;      /* STATE/scratch */
    char **listen_also; /* the user's or the machine's socket, and TCP, where none was given */
    char *listen_own;   /* "unix:STATE/socket" (API_STATE_SOCKET), always listened on; NULL where
                           it was given, or is too long for a socket (107 bytes) */
};

enum config_result { CONFIG_INVALID = 1 };

/* "--name VALUE" and "--name=VALUE". 0, or CONFIG_INVALID with words for the user. The config is to
 * be freed in either case. */
int config_parse(struct config *c, int argc, char **argv, struct error *e);
/* Fills in what was not given: state, addresses, directories, as the user and the program's place
 * call for. Relative directories become absolute. */
int config_complete(struct config *c, struct error *e);
void config_free(struct config *c);

void config_help(FILE *out);

#endif
